//! Frames to outcomes: is this packet a SYN to port 25?
//!
//! This is the slow, obvious reference. It reads one frame at a time, layer by layer, checks
//! every length, and says of each packet what it is ([`Outcome`]). A faster path may answer
//! for the plain cases; it has to answer the same.
//!
//! # What decides
//!
//! 1. **A packet that is legibly not a SYN to port 25 is no match, whatever else is wrong
//!    with it**: another ethertype, another protocol, another destination port, or flags that
//!    open nothing. Only port 25 is ever filtered. (The one exception are fragments that hide
//!    or rewrite a TCP header: their ports mean nothing.)
//! 2. What is left, and breaks a rule of its format, is malformed; what cannot be read to the
//!    flags because the capture was cut is indeterminate.
//! 3. What is left then is a SYN to port 25: dropped where no network delivers it as
//!    addressed, otherwise a match for the policy to judge.
//!
//! Bytes "are there" up to the end that the headers declare: what lies behind it (padding, a
//! frame check sequence) is not read. Where the capture was cut (fewer bytes present than the
//! length on the wire), declared lengths are believed and missing bytes are unknown; where it
//! was not, a declared length past the frame is a flaw, and missing bytes do not exist.
//!
//! Whose address it is, and the platform's own addresses (instance metadata, wire server), are
//! for the policy: such packets are matches here.
//!
#![doc = include_str!("cases.md")]

mod candidate;
mod chain;
mod closed_set;
mod context;
mod icmp;
mod ip_packet;
mod ipv4;
mod ipv6;
mod kind;
mod link_layer;
mod options;
mod outcome;
mod sighting;
mod tag;
mod tcp;
mod transport;
mod tunnel;
mod view;

pub use candidate::{Candidate, VlanTags};
pub use kind::Kind;
pub use options::{
    Frame, FrameOptions, MAX_EXTENSIONS, MAX_MPLS_LABELS, MAX_TUNNELS, MAX_VLAN_TAGS,
    MAX_VXLAN_PORTS, Origin, RELAY_PORTS, VxlanPorts, Wanted,
};
pub use outcome::{
    DropKind, FragmentDrop, Indeterminate, Layer, Malformed, NoMatch, Outcome, Tunnel,
};
pub use sighting::{Direction, Sighting};
pub use transport::Transport;

pub(crate) use icmp::kind as icmp_kind;
pub(crate) use sighting::cooked_direction;
pub(crate) use tcp::kind_of_segment;
pub(crate) use tunnel::is_port as is_tunnel_port;

use context::{Context, NextContent, unclear};
use view::FrameView;

/// Says what a frame's packet is, and with [`FrameOptions::look_inside`] what the packets in its
/// tunnels are: the outer one first, at most [`MAX_TUNNELS`] and one more.
pub fn classify(frame: &Frame<'_>, options: &FrameOptions, visit: &mut dyn FnMut(Outcome)) {
    walk(frame, options, &mut |outcome, _| visit(outcome));
}

/// As [`classify`], with what lies behind the IP headers where that is a TCP segment or ICMP.
pub fn transports<'a>(
    frame: &Frame<'a>,
    options: &FrameOptions,
    visit: &mut dyn FnMut(Outcome, Option<Transport<'a>>),
) {
    walk(frame, options, &mut |outcome, context| {
        visit(outcome, context.transport.map(|found| found.of(frame)));
    });
}

fn walk(frame: &Frame<'_>, options: &FrameOptions, visit: &mut dyn FnMut(Outcome, &Context<'_>)) {
    let mut context = Context::new(options);
    let mut next = (NextContent::Link(frame.link), FrameView::of(frame));
    for depth in 0..=MAX_TUNNELS {
        let (content, view) = next;
        let inside = match link_layer::read(&mut context, content, view) {
            Ok(inside) => inside,
            Err(outcome) => return visit(outcome, &context),
        };
        visit(inside.outer, &context);
        match inside.payload {
            Err(outcome) => return visit(outcome, &context),
            Ok((_, view)) if depth == MAX_TUNNELS => {
                let kind = Indeterminate::TooManyTunnels;
                return visit(unclear(kind, Layer::Tunnel, view.at()), &context);
            }
            Ok(payload) => next = payload,
        }
        context = context.inside(inside.tunnel, inside.vni, next.0);
    }
}

/// Says what a frame's outermost packet is.
#[must_use]
pub fn outermost(frame: &Frame<'_>, options: &FrameOptions) -> Outcome {
    let mut context = Context::new(options);
    match link_layer::read(&mut context, NextContent::Link(frame.link), FrameView::of(frame)) {
        Ok(inside) => inside.outer,
        Err(outcome) => outcome,
    }
}
