//! libpcap's interpreter of compiled filters: no look-up, IPv4 only, no VLAN.

use pcap::{BpfProgram, Capture, Linktype};

use crate::contenders::Contender;
use crate::sets::Set;

/// The filter as a user would write it.
pub const EXPRESSION: &str =
    "ip and tcp dst port 25 and tcp[tcpflags] & (tcp-syn|tcp-ack|tcp-rst) == tcp-syn";

/// The contender.
pub struct BpfFilter {
    program: BpfProgram,
}

impl std::fmt::Debug for BpfFilter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BpfFilter")
    }
}

impl BpfFilter {
    /// Compiles the filter, optimised.
    ///
    /// # Errors
    /// What libpcap says.
    pub fn new() -> Result<Self, pcap::Error> {
        let capture = Capture::dead(Linktype::ETHERNET)?;
        Ok(Self { program: capture.compile(EXPRESSION, true)? })
    }
}

impl Contender for BpfFilter {
    fn name(&self) -> String {
        "libpcap bpf_filter, no look-up".to_owned()
    }

    fn go(&mut self, set: &Set) -> Option<u64> {
        Some(set.frames().iter().map(|frame| u64::from(self.program.filter(frame.bytes))).sum())
    }
}
