//! How others do it.

#[cfg(feature = "dpdk")]
pub mod acl;
#[cfg(feature = "libpcap")]
pub mod bpf;
pub mod etherparse_map;
#[cfg(feature = "dpdk")]
pub mod jit;
pub mod pnet;
