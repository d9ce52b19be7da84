#![doc = include_str!("../README.md")]

mod agreement;
mod connection;
mod contradictions;
pub mod diagnosis;
pub mod flow_log;
pub mod mail_log;
mod reply;
mod segment;
mod tracker;
mod tuple;
mod twins;

pub use agreement::{Agreement, Finding};
pub use connection::{Connection, Logged, SeenAt, Witness};
pub use contradictions::Contradictions;
pub use reply::{Answer, IcmpError, Reply};
pub use segment::{Seen, Syn};
pub use tracker::Tracker;
pub use tuple::Tuple;
pub use twins::join_twins;
