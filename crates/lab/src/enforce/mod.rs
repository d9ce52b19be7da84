//! Data paths: how the filter is put between the machines and the network.
//!
//! Three with the same verdicts. All fail closed: nothing that may be a SYN to port 25 passes
//! while the program that judges is gone, or before its rules are loaded.

pub mod afpacket;
mod datapath;
pub mod judge;
mod loaded;
mod nflog;
mod nfqueue;
mod nft;
pub mod policy_state;
mod ports;
mod reset;
pub mod standalone;
mod transaction;
pub mod verdict;
pub mod wire;

use std::sync::Arc;

use crate::network::NodeSpaces;

pub use datapath::DataPath;
pub(crate) use datapath::Enforce;
pub use nfqueue::queue_rules;

/// A data path in some namespaces, which judges nowhere yet.
pub(crate) fn enforcer(path: DataPath, spaces: &Arc<NodeSpaces>) -> Box<dyn Enforce> {
    match path {
        DataPath::Nft => Box::new(nft::Nft::new(spaces)),
        DataPath::NfQueue => Box::new(nfqueue::NfQueue::new(spaces)),
        DataPath::AfPacket => Box::new(afpacket::AfPacket::new(spaces)),
        DataPath::None => Box::new(datapath::NoFilter),
    }
}
