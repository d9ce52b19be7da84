//! Flow logs of Azure: of network security groups (versions 1 and 2) and of virtual networks.
//!
//! They show what security groups and admin rules decide, and how many packets went either way; not
//! what the platform's filter decides (N21).

mod flow;
mod tuple;
mod walk;

pub use flow::{Description, Flow, FlowTracker};
pub use tuple::{FlowState, FlowTuple, NoFlowTuple};
pub use walk::{FlowLogError, FlowLogRead, FlowRule, LoggedFlow, read};
