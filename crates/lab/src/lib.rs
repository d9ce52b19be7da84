//! A network that behaves like the cloud, with real programs in it and the platform's filter in
//! force.
//!
//! From a world ([`egress25_policy::World`]) comes a [`plan`]: network namespaces for virtual
//! networks, machines, appliances, Azure Firewalls, an on-premises site and an Internet. The
//! [`owner::Owner`] builds it, loads a [`datapath`], and answers a control socket; a [`client`]
//! asks it. [`isolate`] makes that work without root, and makes sure that nothing outlives the
//! owner. A [`scenario`] is a script with assertions that runs against a lab.
//!
//! The lab neither prints nor asks the system for the time or the environment: whoever starts it
//! hands it a clock.

pub mod client;
mod connect;
pub mod datapath;
pub mod error;
pub mod graph;
pub mod isolate;
pub mod judge;
pub mod net;
pub mod owner;
pub mod place;
pub mod plan;
pub mod policy_state;
pub mod process;
mod reset;
pub mod ruleset;
pub mod scenario;
pub mod smtp;
pub mod stage;
pub mod standalone;
pub mod verdict;
