//! Questions to the reference decision.

use std::net::IpAddr;

use crate::SMTP_PORT;
use crate::world::name::{MachineName, NetworkName};

/// Who sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// An address in a network.
    Address {
        /// The network, where it is known; `None` is enough where only one owns the address.
        network: Option<NetworkName>,
        /// The address.
        address: IpAddr,
    },
    /// A machine, by its first interface and first address of the destination's family.
    Machine(MachineName),
}

/// A question: may this TCP connection be opened?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Who sends.
    pub source: Source,
    /// To which address.
    pub destination: IpAddr,
    /// To which TCP port.
    pub port: u16,
    /// From which TCP port; `None` where it is not known: no security rule that names source ports
    /// is for it then.
    pub source_port: Option<u16>,
}

impl Question {
    /// A question about whatever source port, to port 25.
    #[must_use]
    pub const fn smtp(source: Source, destination: IpAddr) -> Self {
        Self { source, destination, port: SMTP_PORT, source_port: None }
    }
}
