//! What the program does: a file or a folder a verb.

pub mod bench;
pub mod check;
pub mod completions;
pub mod connections;
pub mod diagnose;
pub mod exemption;
pub mod explain;
pub mod export;
pub mod filter;
pub mod firewall;
pub mod flows;
pub mod graph;
pub mod import;
pub mod init;
pub mod lab;
pub mod log;
pub mod man;
pub mod matrix;
pub mod policy;
pub mod replay;
pub mod schema;
pub mod store;
pub mod subscription;
pub mod validate;
pub mod vm;
