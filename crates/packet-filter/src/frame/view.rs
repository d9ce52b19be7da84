//! Reading bytes that may not be there, and telling the two reasons apart.

use crate::frame::Frame;

/// Why bytes cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Short {
    /// The packet ends before them: nobody sent them.
    Past,
    /// They were sent, but the capture did not keep them.
    Cut,
}

/// A position in a frame, and the end that the layers above declared.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameView<'a> {
    /// The bytes that are present, from the frame's first.
    bytes: &'a [u8],
    /// Where the next header starts.
    at: usize,
    /// Where the content ends by what was declared; past `bytes` where the frame was cut.
    end: usize,
    /// Whether more was sent than is present.
    cut: bool,
}

impl<'a> FrameView<'a> {
    /// The whole frame. A length on the wire below the bytes present is taken for that many.
    pub(super) fn of(frame: &Frame<'a>) -> Self {
        let wire = usize::try_from(frame.wire_len).unwrap_or(usize::MAX);
        let present = frame.bytes.len();
        Self { bytes: frame.bytes, at: 0, end: wire.max(present), cut: wire > present }
    }

    /// The position, in bytes from the frame's first.
    pub(super) const fn at(&self) -> usize {
        self.at
    }

    /// How many bytes follow by what was declared, present or not.
    pub(super) const fn declared(&self) -> usize {
        self.end.saturating_sub(self.at)
    }

    /// `len` bytes, `offset` bytes behind the position.
    pub(super) fn slice(&self, offset: usize, len: usize) -> Result<&'a [u8], Short> {
        let start = self.at.saturating_add(offset);
        let stop = start.saturating_add(len);
        if stop > self.end {
            return Err(Short::Past);
        }
        self.bytes.get(start..stop).ok_or(Short::Cut)
    }

    /// The `N` bytes that are `offset` bytes behind the position.
    pub(super) fn array<const N: usize>(&self, offset: usize) -> Result<[u8; N], Short> {
        let bytes = self.slice(offset, N)?;
        bytes.try_into().map_err(|_| Short::Past)
    }

    /// The byte that is `offset` bytes behind the position.
    pub(super) fn byte(&self, offset: usize) -> Result<u8, Short> {
        self.array::<1>(offset).map(|[byte]| byte)
    }

    /// The big-endian 16-bit number that is `offset` bytes behind the position.
    pub(super) fn be16(&self, offset: usize) -> Result<u16, Short> {
        self.array(offset).map(u16::from_be_bytes)
    }

    /// The big-endian 32-bit number that is `offset` bytes behind the position.
    pub(super) fn be32(&self, offset: usize) -> Result<u32, Short> {
        self.array(offset).map(u32::from_be_bytes)
    }

    /// The view behind `len` bytes of header, read or not; it may lie past the end.
    #[must_use]
    pub(super) const fn skip(mut self, len: usize) -> Self {
        self.at = self.at.saturating_add(len);
        self
    }

    /// The view with the end that a length field declares, counted from the position, and
    /// whether that end is believable: in a frame that was cut whatever it is, otherwise
    /// only inside the end that was declared before, which stays where it is not.
    #[must_use]
    pub(super) const fn ending(mut self, len: usize) -> (Self, bool) {
        let end = self.at.saturating_add(len);
        if end > self.end && !self.cut {
            return (self, false);
        }
        self.end = end;
        (self, true)
    }

    /// The view for what a first fragment brings of a longer packet: what is behind the
    /// fragment's end counts as cut, not as missing.
    #[must_use]
    pub(super) fn continued_elsewhere(mut self) -> Self {
        self.bytes = self.bytes.get(..self.end).unwrap_or(self.bytes);
        self.end = usize::MAX;
        self.cut = true;
        self
    }
}
