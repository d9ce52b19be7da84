//! The options of a pcapng block.

use crate::capture::read::bytes::{ByteOrder, u16_at};

pub(in crate::capture) const OPT_COMMENT: u16 = 1;
/// Flags of an enhanced packet block.
pub(in crate::capture) const EPB_FLAGS: u16 = 2;

/// The options of a pcapng block, up to `opt_endofopt` or the block's end.
pub(in crate::capture) struct OptionList<'a> {
    rest: &'a [u8],
    order: ByteOrder,
}

impl<'a> OptionList<'a> {
    pub(in crate::capture) fn new(options: &'a [u8], order: ByteOrder) -> Self {
        Self { rest: options, order }
    }

    /// What was not handed out yet.
    pub(in crate::capture) const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for OptionList<'a> {
    /// Code and value, or the code of the option that is longer than the block.
    type Item = Result<(u16, &'a [u8]), u16>;

    fn next(&mut self) -> Option<Self::Item> {
        let code = u16_at(self.rest, 0, self.order).filter(|&code| code != 0)?;
        let len = usize::from(u16_at(self.rest, 2, self.order)?);
        let after_head = self.rest.get(4..).unwrap_or_default();
        let Some(value) = after_head.get(..len) else {
            self.rest = &[];
            return Some(Err(code));
        };
        self.rest = after_head.get(len.next_multiple_of(4)..).unwrap_or_default();
        Some(Ok((code, value)))
    }
}
