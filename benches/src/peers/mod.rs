//! How others do it.

#[cfg(feature = "rte-acl")]
pub mod acl;
#[cfg(feature = "libpcap")]
pub mod bpf;
pub mod etherparse_map;
pub mod pnet;
