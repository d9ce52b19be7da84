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
mod context;
mod ipv4;
mod ipv6;
mod link_layer;
mod outcome;
mod tcp;
mod tunnel;
mod view;

pub use candidate::{Candidate, VlanTags};
pub use outcome::{
    DropKind, FragmentDrop, Indeterminate, Layer, Malformed, NoMatch, Outcome, Tunnel,
};

use context::{Context, NextContent, unclear};
use view::FrameView;

use crate::link::LinkType;

/// How many VLAN tags are read; a frame with more is indeterminate.
pub const MAX_VLAN_TAGS: usize = 3;
/// How many MPLS labels are read; a frame with more is indeterminate.
pub const MAX_MPLS_LABELS: usize = 8;
/// How many extension headers of one IP packet are walked; a longer chain is dropped
/// (RFC 7112 and RFC 9098 allow a limit, this is ours).
pub const MAX_EXTENSIONS: usize = 8;
/// How many tunnels in each other are entered; what is deeper is indeterminate.
pub const MAX_TUNNELS: usize = 4;

/// Where the bytes come from: some cases mean one thing in a capture and another on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Origin {
    /// A capture file: what the card was yet to do (checksums, cutting into segments) is
    /// expected to be undone.
    #[default]
    Capture,
    /// A live source: what is wrong is wrong.
    Live,
}

/// Which encapsulations in the link layer are decoded in live traffic; a capture's always are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkLayers {
    /// MPLS label stacks (RFC 3032).
    pub mpls: bool,
    /// PPPoE sessions (RFC 2516).
    pub pppoe: bool,
    /// 802.2 LLC, with SNAP (RFC 1042).
    pub llc: bool,
}

impl Default for LinkLayers {
    fn default() -> Self {
        Self { mpls: true, pppoe: true, llc: true }
    }
}

/// What to look for, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameOptions {
    /// Where the bytes come from.
    pub origin: Origin,
    /// Whether the packets inside tunnels are judged, too.
    pub look_inside: bool,
    /// Which encapsulations in the link layer are decoded in live traffic.
    pub link_layers: LinkLayers,
    /// The destination port that is looked for; any where there is none.
    pub port: Option<u16>,
}

impl Default for FrameOptions {
    /// A capture's outer packets, port 25.
    fn default() -> Self {
        Self {
            origin: Origin::Capture,
            look_inside: false,
            link_layers: LinkLayers::default(),
            port: Some(25),
        }
    }
}

/// A frame as it was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What its first byte belongs to.
    pub link: LinkType,
    /// The bytes that are present.
    pub bytes: &'a [u8],
    /// Its length on the wire, in bytes; more than are present where the capture was cut.
    pub wire_len: u32,
}

/// Says what a frame's packet is, and with [`FrameOptions::look_inside`] what the packets in its
/// tunnels are: the outer one first, at most [`MAX_TUNNELS`] and one more.
pub fn classify(frame: &Frame<'_>, options: &FrameOptions, visit: &mut dyn FnMut(Outcome)) {
    let mut context = Context::new(options);
    let mut next = (NextContent::Link(frame.link), FrameView::of(frame));
    for depth in 0..=MAX_TUNNELS {
        let (content, view) = next;
        let inside = match link_layer::read(&mut context, content, view) {
            Ok(inside) => inside,
            Err(outcome) => return visit(outcome),
        };
        visit(inside.outer);
        match inside.payload {
            Err(outcome) => return visit(outcome),
            Ok((_, view)) if depth == MAX_TUNNELS => {
                let kind = Indeterminate::TooManyTunnels;
                return visit(unclear(kind, Layer::Tunnel, view.at()));
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
