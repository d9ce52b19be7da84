//! From the first byte of a record to the start of an IP packet.

use etherparse::EtherType;

use crate::frame::context::{Context, NextContent, Walk, unclear};
use crate::frame::view::FrameView;
use crate::frame::{
    Indeterminate, Layer, MAX_MPLS_LABELS, Malformed, NoMatch, Outcome, ipv4, ipv6, tag,
};
use crate::link::LinkType;

/// Ethertypes that etherparse does not name (RFC 3032, 2516).
const MPLS_UNICAST: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
const PPPOE_SESSION: u16 = 0x8864;

/// The largest value of Ethernet's type field that is a length (802.3).
const MAX_LENGTH_FIELD: u16 = 1500;

/// Protocol numbers of PPP (RFC 1332, 5072, 3032).
const PPP_IPV4: u16 = 0x0021;
const PPP_IPV6: u16 = 0x0057;
const PPP_MPLS_UNICAST: u16 = 0x0281;
const PPP_MPLS_MULTICAST: u16 = 0x0283;

const NOT_IP: Outcome = Outcome::NoMatch(NoMatch::NotIp);

/// Reads on from any layer below TCP.
pub(super) fn read<'a>(
    context: &mut Context<'_>,
    content: NextContent,
    view: FrameView<'a>,
) -> Walk<'a> {
    match content {
        NextContent::Link(link) => link_header(context, link, view),
        NextContent::EtherType(ether_type) => by_ether_type(context, ether_type, view),
        NextContent::Ppp => ppp(context, view),
        NextContent::Ip => by_version(context, view),
    }
}

fn link_header<'a>(context: &mut Context<'_>, link: LinkType, view: FrameView<'a>) -> Walk<'a> {
    match link {
        LinkType::Ethernet => {
            let header: [u8; 14] = context.read(view.array(0), Layer::Ethernet, view)?;
            let [.., high, low] = header;
            by_ether_type(context, u16::from_be_bytes([high, low]), view.skip(14))
        }
        LinkType::Null => {
            let family = context.read(view.array(0), Layer::Loopback, view)?;
            by_family(context, either_byte_order(family), view.skip(4))
        }
        LinkType::Loop => {
            let family = context.read(view.be32(0), Layer::Loopback, view)?;
            by_family(context, family, view.skip(4))
        }
        LinkType::LinuxSll => {
            let hardware = context.read(view.be16(2), Layer::Cooked, view)?;
            let protocol = context.read(view.be16(14), Layer::Cooked, view)?;
            cooked(context, hardware, protocol, view.skip(16))
        }
        LinkType::LinuxSll2 => {
            let header: [u8; 20] = context.read(view.array(0), Layer::Cooked, view)?;
            let [p0, p1, _, _, _, _, _, _, h0, h1, ..] = header;
            let (hardware, protocol) = (u16::from_be_bytes([h0, h1]), u16::from_be_bytes([p0, p1]));
            cooked(context, hardware, protocol, view.skip(20))
        }
        LinkType::Ppp => ppp(context, view),
        LinkType::Raw => by_version(context, view),
        LinkType::Ipv4 => ipv4::read(context, view),
        LinkType::Ipv6 => ipv6::read(context, view),
    }
}

/// The address family of a NULL header: a small number in the byte order of the writer.
fn either_byte_order(family: [u8; 4]) -> u32 {
    let little = u32::from_le_bytes(family);
    if little > 0xffff { little.swap_bytes() } else { little }
}

/// BSD loopback: `AF_INET` is 2 everywhere, `AF_INET6` is 10 on Linux, 24 on NetBSD and
/// OpenBSD, 28 on FreeBSD, 30 on macOS.
fn by_family<'a>(context: &mut Context<'_>, family: u32, view: FrameView<'a>) -> Walk<'a> {
    match family {
        2 => ipv4::read(context, view),
        10 | 24 | 28 | 30 => ipv6::read(context, view),
        _ => Err(NOT_IP),
    }
}

/// Linux cooked captures: what the protocol field means depends on the kind of device.
fn cooked<'a>(
    context: &mut Context<'_>,
    hardware: u16,
    protocol: u16,
    view: FrameView<'a>,
) -> Walk<'a> {
    /// Frame relay, netlink and 802.11 monitor devices: the field is no ethertype.
    const OTHER_MEANING: [u16; 3] = [770, 824, 803];
    /// `ETH_P_802_2`: the payload starts with an LLC header.
    const LLC_FOLLOWS: u16 = 4;
    if OTHER_MEANING.contains(&hardware) {
        Err(NOT_IP)
    } else if protocol == LLC_FOLLOWS {
        llc(context, view)
    } else if protocol <= MAX_LENGTH_FIELD {
        Err(NOT_IP)
    } else {
        by_ether_type(context, protocol, view)
    }
}

fn by_ether_type<'a>(context: &mut Context<'_>, ether_type: u16, view: FrameView<'a>) -> Walk<'a> {
    match EtherType(ether_type) {
        EtherType::IPV4 => ipv4::read(context, view),
        EtherType::IPV6 => ipv6::read(context, view),
        EtherType::VLAN_TAGGED_FRAME
        | EtherType::PROVIDER_BRIDGING
        | EtherType::VLAN_DOUBLE_TAGGED_FRAME => vlan(context, view),
        EtherType(MPLS_UNICAST | MPLS_MULTICAST) => mpls(context, view),
        EtherType(PPPOE_SESSION) => pppoe(context, view),
        EtherType(length @ 0..=MAX_LENGTH_FIELD) => {
            let bounded = context.bound(view, usize::from(length), Layer::Llc);
            llc(context, bounded)
        }
        EtherType(other) => match tag::of(other) {
            Some(tunnel) => tag::read(context, tunnel, view),
            None => Err(NOT_IP),
        },
    }
}

/// A VLAN tag (802.1Q, 802.1ad); what follows it is an ethertype again.
fn vlan<'a>(context: &mut Context<'_>, view: FrameView<'a>) -> Walk<'a> {
    let control = context.read(view.be16(0), Layer::Vlan, view)?;
    let ether_type = context.read(view.be16(2), Layer::Vlan, view)?;
    if !context.vlan.push(control & 0x0fff) {
        return Err(unclear(Indeterminate::TooManyTags, Layer::Vlan, view.at()));
    }
    by_ether_type(context, ether_type, view.skip(4))
}

/// 802.2 LLC: IPv4's own service access point (RFC 948), or SNAP with an ethertype (RFC 1042).
fn llc<'a>(context: &mut Context<'_>, view: FrameView<'a>) -> Walk<'a> {
    match context.read(view.array(0), Layer::Llc, view)? {
        [0x06, 0x06, 0x03] => ipv4::read(context, view.skip(3)),
        [0xaa, 0xaa, 0x03] => {
            let snap: [u8; 5] = context.read(view.array(3), Layer::Llc, view)?;
            match snap {
                // 00-00-f8 is 802.1H's bridge tunnel; both carry ethertypes.
                [0, 0, 0 | 0xf8, high, low] => {
                    let ether_type = u16::from_be_bytes([high, low]);
                    // A length here would be LLC in LLC, which nobody sends.
                    if ether_type <= MAX_LENGTH_FIELD {
                        return Err(NOT_IP);
                    }
                    by_ether_type(context, ether_type, view.skip(8))
                }
                _ => Err(NOT_IP),
            }
        }
        _ => Err(NOT_IP),
    }
}

/// An MPLS label stack (RFC 3032). What is behind it is not said; the first nibble tells IP
/// from pseudowires, which start with 0 or 1 for that purpose (RFC 4928).
fn mpls<'a>(context: &mut Context<'_>, view: FrameView<'a>) -> Walk<'a> {
    let mut label = view;
    for _ in 0..MAX_MPLS_LABELS {
        let [_, _, bottom, _] = context.read(label.array(0), Layer::Mpls, label)?;
        label = label.skip(4);
        if bottom & 1 == 1 {
            let nibble = context.read(label.byte(0), Layer::Mpls, label)? >> 4;
            return if matches!(nibble, 4 | 6) { by_version(context, label) } else { Err(NOT_IP) };
        }
    }
    Err(unclear(Indeterminate::TooManyLabels, Layer::Mpls, label.at()))
}

/// PPPoE in its session stage (RFC 2516, 4): version 1, type 1, code 0.
fn pppoe<'a>(context: &mut Context<'_>, view: FrameView<'a>) -> Walk<'a> {
    let header: [u8; 6] = context.read(view.array(0), Layer::Pppoe, view)?;
    let [0x11, 0, _, _, high, low] = header else {
        return Err(NOT_IP);
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let bounded = context.bound(view.skip(6), length, Layer::Pppoe);
    ppp(context, bounded)
}

/// A PPP protocol field, one byte where it was compressed (RFC 1661, 2 and 6.5), behind the
/// address and control bytes of HDLC-like framing where they are there (RFC 1662, 3.1).
fn ppp<'a>(context: &mut Context<'_>, mut view: FrameView<'a>) -> Walk<'a> {
    /// The address byte; as a compressed protocol it is reserved (RFC 1661, 2).
    const ADDRESS: u8 = 0xff;
    const CONTROL: u8 = 0x03;
    let mut first = context.read(view.byte(0), Layer::Ppp, view)?;
    if first == ADDRESS {
        if context.read(view.byte(1), Layer::Ppp, view)? != CONTROL {
            return Err(NOT_IP);
        }
        view = view.skip(2);
        first = context.read(view.byte(0), Layer::Ppp, view)?;
    }
    let (protocol, len) = if first & 1 == 1 {
        (u16::from(first), 1)
    } else {
        (context.read(view.be16(0), Layer::Ppp, view)?, 2)
    };
    match protocol {
        PPP_IPV4 => ipv4::read(context, view.skip(len)),
        PPP_IPV6 => ipv6::read(context, view.skip(len)),
        PPP_MPLS_UNICAST | PPP_MPLS_MULTICAST => mpls(context, view.skip(len)),
        _ => Err(NOT_IP),
    }
}

/// A packet that nothing announces: its version nibble tells.
fn by_version<'a>(context: &mut Context<'_>, view: FrameView<'a>) -> Walk<'a> {
    match context.read(view.byte(0), Layer::Ip, view)? >> 4 {
        4 => ipv4::read(context, view),
        6 => ipv6::read(context, view),
        _ => Err(context.malformed(Malformed::IpVersion, Layer::Ip, view.at())),
    }
}
