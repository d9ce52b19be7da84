//! What is carried along from layer to layer while a packet is read.

use crate::frame::transport::FoundTransport;
use crate::frame::view::{FrameView, Short};
use crate::frame::{FrameOptions, Indeterminate, Layer, Malformed, Outcome, Tunnel, VlanTags};

/// What a step of the reading gives: a tunnel that could be entered, or the end of the walk.
///
/// The error is not a failure but the packet's outcome; `?` stops reading where it is known.
pub(super) type Walk<'a, T = Inside<'a>> = Result<T, Outcome>;

/// The outer packet of a tunnel, judged, and where its payload is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inside<'a> {
    /// The outer packet's outcome.
    pub(super) outer: Outcome,
    /// The kind of tunnel.
    pub(super) tunnel: Tunnel,
    /// The network identifier, where the tunnel has one.
    pub(super) vni: Option<u32>,
    /// The payload, or the outcome of not finding one.
    pub(super) payload: Result<(NextContent, FrameView<'a>), Outcome>,
}

/// What is to be read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextContent {
    /// A frame of the link type that the capture says.
    Link(crate::link::LinkType),
    /// What an ethertype says.
    EtherType(u16),
    /// A PPP protocol field and what it says.
    Ppp,
    /// A packet that tells its version itself.
    Ip,
}

/// Something wrong that only counts if the packet turns out to be a SYN to port 25.
#[derive(Debug, Clone, Copy)]
struct Flaw {
    kind: Malformed,
    layer: Layer,
    offset: usize,
}

/// The state of reading one packet.
#[derive(Debug)]
pub(super) struct Context<'o> {
    pub(super) options: &'o FrameOptions,
    pub(super) vlan: VlanTags,
    pub(super) vni: Option<u32>,
    pub(super) tunnel: Option<Tunnel>,
    /// What lies behind the IP headers, once they are read.
    pub(super) transport: Option<FoundTransport>,
    flaw: Option<Flaw>,
}

impl<'o> Context<'o> {
    pub(super) const fn new(options: &'o FrameOptions) -> Self {
        Self { options, vlan: VlanTags::NONE, vni: None, tunnel: None, transport: None, flaw: None }
    }

    /// The context for a tunnel's payload: its own flaws, its own tags if it is Ethernet.
    #[must_use]
    pub(super) fn inside(self, tunnel: Tunnel, vni: Option<u32>, content: NextContent) -> Self {
        let ethernet = content == NextContent::Link(crate::link::LinkType::Ethernet);
        Self {
            options: self.options,
            vlan: if ethernet { VlanTags::NONE } else { self.vlan },
            vni: vni.or(self.vni),
            tunnel: Some(tunnel),
            transport: None,
            flaw: None,
        }
    }

    /// Notes a flaw; the first one is kept.
    pub(super) fn note(&mut self, kind: Malformed, layer: Layer, offset: usize) {
        self.flaw.get_or_insert(Flaw { kind, layer, offset });
    }

    /// The flaw noted so far, as the outcome that it is if nothing says "no match".
    pub(super) fn noted(&self) -> Walk<'static, ()> {
        match self.flaw {
            Some(Flaw { kind, layer, offset }) => Err(Outcome::Malformed { kind, layer, offset }),
            None => Ok(()),
        }
    }

    /// A malformed packet: the flaw noted before, or else this one.
    pub(super) fn malformed(&self, kind: Malformed, layer: Layer, offset: usize) -> Outcome {
        self.noted().err().unwrap_or(Outcome::Malformed { kind, layer, offset })
    }

    /// The outcome of bytes that are not there.
    pub(super) fn short(&self, short: Short, layer: Layer, offset: usize) -> Outcome {
        match short {
            Short::Past => self.malformed(Malformed::HeaderPastEnd, layer, offset),
            Short::Cut => unclear(Indeterminate::Cut, layer, offset),
        }
    }

    /// Bytes that were read, or the outcome of their not being there.
    pub(super) fn read<T>(
        &self,
        bytes: Result<T, Short>,
        layer: Layer,
        view: FrameView<'_>,
    ) -> Walk<'static, T> {
        bytes.map_err(|short| self.short(short, layer, view.at()))
    }

    /// Bounds a view by a length field, and notes a length that the frame does not keep.
    pub(super) fn bound<'a>(
        &mut self,
        view: FrameView<'a>,
        len: usize,
        layer: Layer,
    ) -> FrameView<'a> {
        let (bounded, believable) = view.ending(len);
        if !believable {
            self.note(Malformed::LengthPastFrame, layer, view.at());
        }
        bounded
    }
}

/// A packet that cannot be told; a flaw noted before does not count, as it may turn out to be
/// none of our business.
pub(super) const fn unclear(kind: Indeterminate, layer: Layer, offset: usize) -> Outcome {
    Outcome::Indeterminate { kind, layer, offset }
}
