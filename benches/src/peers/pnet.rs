//! pnet's packet views: the check alone, no look-up.

use pnet_packet::Packet;
use pnet_packet::ethernet::{EtherTypes, EthernetPacket};
use pnet_packet::ip::IpNextHeaderProtocols;
use pnet_packet::ipv4::Ipv4Packet;
use pnet_packet::tcp::{TcpFlags, TcpPacket};

use crate::contenders::Contender;
use crate::sets::Set;

/// The contender.
#[derive(Debug)]
pub struct PnetCheck;

impl Contender for PnetCheck {
    fn name(&self) -> String {
        "pnet_packet, no look-up".to_owned()
    }

    fn go(&mut self, set: &Set) -> Option<u64> {
        Some(set.frames().iter().map(|frame| u64::from(is_syn(frame.bytes).is_some())).sum())
    }
}

fn is_syn(frame: &[u8]) -> Option<()> {
    let ethernet = EthernetPacket::new(frame)?;
    if ethernet.get_ethertype() != EtherTypes::Ipv4 {
        return None;
    }
    let ip = Ipv4Packet::new(ethernet.payload())?;
    if ip.get_next_level_protocol() != IpNextHeaderProtocols::Tcp || ip.get_fragment_offset() != 0 {
        return None;
    }
    let tcp = TcpPacket::new(ip.payload())?;
    let flags = tcp.get_flags() & (TcpFlags::SYN | TcpFlags::ACK | TcpFlags::RST);
    (tcp.get_destination() == 25 && flags == TcpFlags::SYN).then_some(())
}
