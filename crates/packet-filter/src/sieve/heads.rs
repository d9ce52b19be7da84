//! What is looked up of the plain candidates of a block.
#![expect(
    clippy::indexing_slicing,
    reason = "a number below 64 indexes arrays that are longer; a look-up that can fail would keep \
              the loops from being vectorised"
)]

/// Frames in a block of the sieve.
pub(crate) const BLOCK: usize = 64;

/// The bytes of a frame that are looked at: Ethernet, IPv4 and TCP without options.
pub(super) const HEAD: usize = 54;

/// A block, and a vector of 16 numbers.
pub(crate) const ROOM: usize = BLOCK + 16;

/// What is looked up of the plain candidates of a block, one after the other. There is room for
/// a vector behind the last.
#[derive(Debug)]
pub(crate) struct Heads {
    /// The sender's address.
    pub(crate) source: [u32; ROOM],
    /// The receiver's.
    pub(crate) destination: [u32; ROOM],
    /// The first bucket of the sender.
    pub(crate) home: [u32; ROOM],
}

impl Heads {
    /// Room for a block.
    pub(crate) const fn new() -> Self {
        Self { source: [0; ROOM], destination: [0; ROOM], home: [0; ROOM] }
    }

    /// Home, source and destination of a candidate by its number.
    #[inline(always)]
    pub(crate) const fn candidate(&self, number: usize) -> (u32, u32, u32) {
        let number = number & (BLOCK - 1);
        (self.home[number], self.source[number], self.destination[number])
    }
}
