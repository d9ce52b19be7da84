//! Blocks that are full of candidates: step by step for all of them, so that each step is a
//! plain loop over 64 numbers, which the compiler turns into vector instructions. A level may
//! have a better way, [`Level::read_heads`]; this is its safe twin, and the way of the others.
#![expect(
    clippy::indexing_slicing,
    reason = "every index is below 64, which no array is shorter than; a look-up that can fail \
              would keep the loops from being vectorised"
)]

use crate::frame::{FrameOptions, Origin};
use crate::link::LinkType;
use crate::sieve::frames::Frames;
use crate::sieve::heads::{BLOCK, HEAD, Heads};
use crate::sieve::level::Level;
use crate::table::Homes;

type Lanes = [u32; BLOCK];

/// What is read of the frames of a block, one lane each, and what is worked out.
#[derive(Debug)]
pub(super) struct CandidateBlock {
    /// Bytes 12 to 15 and 20 to 23, as they lie in memory.
    kind: Lanes,
    fragment: Lanes,
    /// Bytes 34 to 37, as they lie in memory.
    ports: Lanes,
    /// The total length, the data offset and flags.
    total: Lanes,
    flags: Lanes,
    source: Lanes,
    destination: Lanes,
    present: Lanes,
    wire: Lanes,
    /// 1 for a plain candidate.
    plain: Lanes,
}

impl CandidateBlock {
    /// How many frames of a block have to be left for this to be worth it.
    pub(super) const LEAST: u32 = 12;
    /// More candidates than this, and the next block is fetched while this one is answered.
    pub(super) const FULL: u32 = 48;

    /// Room for a block.
    pub(super) const fn new() -> Self {
        const NONE: Lanes = [0; BLOCK];
        Self {
            kind: NONE,
            fragment: NONE,
            ports: NONE,
            total: NONE,
            flags: NONE,
            source: NONE,
            destination: NONE,
            present: NONE,
            wire: NONE,
            plain: NONE,
        }
    }

    /// Whether plain candidates can be told here at all.
    pub(super) fn fits(link: LinkType, options: &FrameOptions) -> bool {
        link == LinkType::Ethernet && options.origin == Origin::Capture && options.port.is_some()
    }

    /// Reads and checks the frames of a block whose bits are set, and says which of them are
    /// plain candidates. What is one has nothing wrong; what is none may be anything.
    #[inline(always)]
    pub(super) fn sort<L: Level>(
        &mut self,
        level: L,
        frames: &Frames<'_>,
        (start, left): (usize, u64),
        port: u16,
        homes: &Homes,
        heads: &mut Heads,
    ) -> u64 {
        if let Some(plain) = level.read_heads(frames, (start, left), port, homes, heads) {
            return plain;
        }
        self.read(frames, start, left);
        self.check(port);
        let mut plain = 0_u64;
        for lane in 0..BLOCK {
            plain |= u64::from(self.plain[lane]) << lane;
        }
        let (plain, mut rest, mut number) = (plain & left, plain & left, 0);
        while rest != 0 {
            let lane = (rest.trailing_zeros() & 63) as usize;
            rest &= rest.wrapping_sub(1);
            heads.source[number] = self.source[lane];
            heads.destination[number] = self.destination[lane];
            number += 1;
        }
        for number in 0..BLOCK {
            heads.home[number] = homes.home(heads.source[number]);
        }
        plain
    }

    /// Reads the heads. Of a frame that is too short, or not there, nothing counts as present.
    #[inline(always)]
    fn read(&mut self, frames: &Frames<'_>, start: usize, left: u64) {
        let block = [frames.offsets, frames.captured, frames.wire]
            .map(|list| list.get(start..).unwrap_or_default());
        let [offsets, captured, wire] = block;
        let mut left = left;
        while left != 0 {
            let lane = (left.trailing_zeros() & 63) as usize;
            left &= left.wrapping_sub(1);
            self.present[lane] = 0;
            let (Some(offset), Some(len), Some(wire)) =
                (offsets.get(lane), captured.get(lane), wire.get(lane))
            else {
                continue;
            };
            let rest = frames.bytes.get(*offset as usize..).unwrap_or_default();
            let Some(head) = rest.first_chunk::<HEAD>() else { continue };
            if rest.len() < *len as usize {
                continue;
            }
            let word = |at: usize| {
                u32::from_ne_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
            };
            self.kind[lane] = word(12);
            self.total[lane] = u32::from(u16::from_be_bytes([head[16], head[17]]));
            self.fragment[lane] = word(20);
            self.source[lane] = word(26);
            self.destination[lane] = word(30);
            self.ports[lane] = word(34);
            self.flags[lane] = u32::from(u16::from_be_bytes([head[46], head[47]]));
            self.present[lane] = *len;
            self.wire[lane] = *wire;
        }
    }

    /// Everything that a plain candidate has to be, in all lanes; the same as the sorter's.
    #[inline(always)]
    fn check(&mut self, port: u16) {
        const KIND: u32 = u32::from_ne_bytes([8, 0, 0x45, 0]);
        const KIND_MASK: u32 = u32::from_ne_bytes([0xff, 0xff, 0xff, 0]);
        const FRAGMENT: u32 = u32::from_ne_bytes([0, 0, 0, 6]);
        const FRAGMENT_MASK: u32 = u32::from_ne_bytes([0x3f, 0xff, 0, 0xff]);
        const PORT_MASK: u32 = u32::from_ne_bytes([0, 0, 0xff, 0xff]);
        let [high, low] = port.to_be_bytes();
        let port = u32::from_ne_bytes([0, 0, high, low]);
        for lane in 0..BLOCK {
            let source = u32::from_be(self.source[lane]);
            let destination = u32::from_be(self.destination[lane]);
            let (total, flags) = (self.total[lane], self.flags[lane]);
            let (present, wire) = (self.present[lane], self.wire[lane]);
            let len = (flags >> 12) << 2;
            let unequal = ((self.kind[lane] & KIND_MASK) ^ KIND)
                | ((self.fragment[lane] & FRAGMENT_MASK) ^ FRAGMENT)
                | ((self.ports[lane] & PORT_MASK) ^ port)
                | ((flags & 0x16) ^ 0x02);
            let lengths = u32::from(total >= 40)
                & u32::from(len >= 20)
                & u32::from(len.wrapping_add(20) <= total)
                & u32::from(present >= 54)
                & (u32::from(total.wrapping_add(14) <= present) | u32::from(wire > present));
            let addressed = u32::from(source < 0xe000_0000)
                & u32::from(destination.wrapping_sub(1) < 0xdfff_ffff)
                & u32::from(destination >> 24 != 127);
            self.source[lane] = source;
            self.destination[lane] = destination;
            self.plain[lane] = u32::from(unequal == 0) & lengths & addressed;
        }
    }
}
