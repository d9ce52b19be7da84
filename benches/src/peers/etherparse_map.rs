//! etherparse's sliced packets and a hash map of senders: what one would write first.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use egress25_policy::Reason;
use etherparse::{NetSlice, SlicedPacket, TransportSlice};

use crate::contenders::Contender;
use crate::sets::{FIRST_SENDER, Set};
use crate::tables::edge_of;

/// The contender.
#[derive(Debug)]
pub struct EtherparseAndMap {
    senders: HashMap<Ipv4Addr, Reason>,
}

impl EtherparseAndMap {
    /// With the senders of a table of so many machines.
    #[must_use]
    pub fn new(machines: u32) -> Self {
        let senders =
            (0..machines).map(|n| (Ipv4Addr::from(FIRST_SENDER + n), edge_of(n))).collect();
        Self { senders }
    }
}

impl Contender for EtherparseAndMap {
    fn name(&self) -> String {
        "etherparse + HashMap".to_owned()
    }

    fn go(&mut self, set: &Set) -> Option<u64> {
        let mut hits = 0;
        for frame in set.frames().iter() {
            let Ok(packet) = SlicedPacket::from_ethernet(frame.bytes) else { continue };
            let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Tcp(tcp))) =
                (&packet.net, &packet.transport)
            else {
                continue;
            };
            if tcp.destination_port() == 25 && tcp.syn() && !tcp.ack() && !tcp.rst() {
                hits += 1;
                std::hint::black_box(self.senders.get(&ip.header().source_addr()));
            }
        }
        Some(hits)
    }
}
