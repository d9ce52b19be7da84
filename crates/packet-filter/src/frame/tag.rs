//! Tags that are no VLAN's: what a switch puts around a frame, known by its ethertype.

use crate::frame::context::{Context, Inside, NextContent, Walk, unclear};
use crate::frame::view::FrameView;
use crate::frame::{Indeterminate, Layer, Origin, Outcome, Tunnel};
use crate::link::LinkType;

/// Which tag an ethertype announces.
pub(super) const fn of(ether_type: u16) -> Option<Tunnel> {
    match ether_type {
        0x8909 => Some(Tunnel::CiscoMetadata),
        0x8903 => Some(Tunnel::FabricPath),
        0x8926 => Some(Tunnel::VnTag),
        0x8988 => Some(Tunnel::Tag8988),
        0x88e7 => Some(Tunnel::ServiceTag),
        _ => None,
    }
}

/// A frame with such a tag, and what is behind it. In a capture a switch or a tap may have put it
/// there; on Azure's wire there is nothing but IP.
pub(super) fn read<'a>(context: &Context<'_>, tunnel: Tunnel, view: FrameView<'a>) -> Walk<'a> {
    let outer = Outcome::Encapsulated {
        tunnel,
        carried: tunnel.carried() || context.options.origin == Origin::Capture,
        addresses: None,
        vlan: context.vlan,
    };
    if !context.options.look_inside {
        return Err(outer);
    }
    let payload = behind(context, tunnel, view);
    Ok(Inside { outer, tunnel, vni: None, payload })
}

fn behind<'a>(
    context: &Context<'_>,
    tunnel: Tunnel,
    view: FrameView<'a>,
) -> Walk<'a, (NextContent, FrameView<'a>)> {
    const ETHERNET: NextContent = NextContent::Link(LinkType::Ethernet);
    match tunnel {
        Tunnel::CiscoMetadata => metadata(context, view),
        // Virtual interfaces, 4 bytes, and the type of what follows.
        Tunnel::VnTag => {
            let ether_type = context.read(view.be16(4), Layer::Tunnel, view)?;
            Ok((NextContent::EtherType(ether_type), view.skip(6)))
        }
        // A forwarding tag and a time to live, 2 bytes, and the frame.
        Tunnel::FabricPath => Ok((ETHERNET, view.skip(2))),
        // Priority, flags and the service instance, 4 bytes, and the frame.
        Tunnel::ServiceTag => Ok((ETHERNET, view.skip(4))),
        _ => Err(unclear(Indeterminate::OpaqueTunnel, Layer::Tunnel, view.at())),
    }
}

/// Cisco's metadata: a version, how many options of 4 bytes follow, and those. The type of what is
/// behind comes last in Ethernet, and first in GRE.
fn metadata<'a>(
    context: &Context<'_>,
    view: FrameView<'a>,
) -> Walk<'a, (NextContent, FrameView<'a>)> {
    const VERSION: u8 = 1;
    let in_gre = context.read(view.byte(0), Layer::Tunnel, view)? != VERSION;
    let front = if in_gre { 2 } else { 0 };
    let [version, options] = context.read(view.array(front), Layer::Tunnel, view)?;
    if version != VERSION {
        return Err(unclear(Indeterminate::OpaqueTunnel, Layer::Tunnel, view.at()));
    }
    let len = 2 + usize::from(options) * 4;
    let ether_type = context.read(view.be16(if in_gre { 0 } else { len }), Layer::Tunnel, view)?;
    Ok((NextContent::EtherType(ether_type), view.skip(len + 2)))
}
