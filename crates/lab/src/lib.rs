//! A network that behaves like the cloud, with real programs in it and the platform's filter in
//! force.
//!
//! From a world ([`egress25_policy::World`]) comes a [`plan`](network::plan): network namespaces
//! for virtual networks, machines, appliances, Azure Firewalls, an on-premises site and an
//! Internet. The [`owner::Owner`] builds it, loads a [data path](enforce), and answers a control
//! socket; a [`client`](control::client) asks it. [`isolate`](network::isolate) makes that work
//! without root, and makes sure that nothing outlives the owner. A [`scenario`] is a script with
//! assertions that runs against a lab.
//!
//! The lab neither prints nor asks the system for the time or the environment: whoever starts it
//! hands it a clock.

mod connect;
pub mod control;
pub mod enforce;
pub mod error;
pub mod network;
pub mod owner;
pub mod privileges;
pub mod process;
pub mod rules;
mod runtime;
pub mod scenario;
pub mod smtp;
