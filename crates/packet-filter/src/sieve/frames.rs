//! Batches of frames: bytes, and where in them the frames are.

use crate::frame::Frame;
use crate::link::LinkType;

/// A batch of frames in one stretch of bytes, all of one link type and one interface.
///
/// A frame whose place is not inside the bytes counts as one of which nothing was captured.
#[derive(Debug, Clone, Copy)]
pub struct Frames<'a> {
    /// What the first byte of each frame belongs to.
    pub link: LinkType,
    /// The name of their interface, where the source has one.
    pub interface: Option<&'a str>,
    /// The stretch of bytes that they lie in.
    pub bytes: &'a [u8],
    /// Where each frame begins in [`Self::bytes`].
    pub offsets: &'a [u32],
    /// How many bytes of each frame are there.
    pub captured: &'a [u32],
    /// The length of each frame on the wire, in bytes.
    pub wire: &'a [u32],
}

impl<'a> Frames<'a> {
    /// How many frames there are: what all three lists have.
    #[must_use]
    pub fn len(&self) -> usize {
        self.offsets.len().min(self.captured.len()).min(self.wire.len())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The frame at a place of the batch.
    #[must_use]
    #[inline]
    pub fn get(&self, at: usize) -> Option<Frame<'a>> {
        let (offset, len) = (*self.offsets.get(at)?, *self.captured.get(at)?);
        let start = offset as usize;
        let bytes = self.bytes.get(start..start.saturating_add(len as usize));
        // What was captured by the list and is not there was cut as well.
        let wire_len = (*self.wire.get(at)?).max(len);
        Some(Frame { link: self.link, bytes: bytes.unwrap_or_default(), wire_len })
    }

    /// The frames in order.
    pub fn iter(&self) -> impl Iterator<Item = Frame<'a>> + use<'a> {
        let frames = *self;
        (0..frames.len()).filter_map(move |at| frames.get(at))
    }
}

/// The places of a batch's frames, owned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FrameList {
    offsets: Vec<u32>,
    captured: Vec<u32>,
    wire: Vec<u32>,
}

impl FrameList {
    /// Room for a number of frames.
    #[must_use]
    pub fn with_capacity(frames: usize) -> Self {
        Self {
            offsets: Vec::with_capacity(frames),
            captured: Vec::with_capacity(frames),
            wire: Vec::with_capacity(frames),
        }
    }

    /// Adds a frame: where it begins, how many bytes of it there are, and how many were on the
    /// wire.
    #[inline]
    pub fn push(&mut self, offset: u32, captured: u32, wire: u32) {
        self.offsets.push(offset);
        self.captured.push(captured);
        self.wire.push(wire);
    }

    /// Adds a frame of another batch.
    pub fn push_of(&mut self, frames: &Frames<'_>, at: usize) {
        let Frames { offsets, captured, wire, .. } = frames;
        if let (Some(offset), Some(captured), Some(wire)) =
            (offsets.get(at), captured.get(at), wire.get(at))
        {
            self.push(*offset, *captured, *wire);
        }
    }

    /// Where a frame begins.
    #[must_use]
    pub fn offset(&self, at: usize) -> Option<u32> {
        self.offsets.get(at).copied()
    }

    /// Removes all frames and keeps the room.
    pub fn clear(&mut self) {
        self.offsets.clear();
        self.captured.clear();
        self.wire.clear();
    }

    /// How many frames there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.offsets.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.offsets.is_empty()
    }

    /// The frames, as they lie in some bytes.
    #[must_use]
    pub fn frames<'a>(
        &'a self,
        link: LinkType,
        interface: Option<&'a str>,
        bytes: &'a [u8],
    ) -> Frames<'a> {
        let Self { offsets, captured, wire } = self;
        Frames { link, interface, bytes, offsets, captured, wire }
    }
}
