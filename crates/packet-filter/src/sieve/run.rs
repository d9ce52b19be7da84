//! A batch from frames to rulings.

use std::net::IpAddr;

use crate::frame::{Frame, FrameOptions, Kind, VlanTags};
use crate::sieve::candidate_block::CandidateBlock;
use crate::sieve::fetch::{AHEAD, Ahead, fetch};
use crate::sieve::heads::{BLOCK, Heads};
use crate::sieve::level::{Level, LevelWork};
use crate::sieve::sort::{Quick, Sorted, sort, sort_plain};
use crate::sieve::tally::Tally;
use crate::sieve::vectors::Detected;
use crate::sieve::{Frames, Ruling, Template};
use crate::table::{CommonCase, Homes, NetworkId, Table};

/// What judging a batch needs to know besides the frames.
pub(crate) trait Judges {
    /// How packets are read.
    fn options(&self) -> &FrameOptions;
    /// The table.
    fn table(&self) -> &Table;
    /// The network of a packet with these tags.
    fn network(&self, interface: Option<&str>, vlan: VlanTags) -> Option<NetworkId>;
    /// Whether a sender is answered for by the entry of its network alone; the reference is asked
    /// for what another sends.
    fn is_plain(&self, source: IpAddr) -> bool;
    /// Whether every sender is.
    fn are_all_plain(&self) -> bool;
    /// What the reference says of a frame.
    fn odd(&self, frame: &Frame<'_>, interface: Option<&str>) -> Ruling;
}

/// What plain candidates are judged by.
struct Known<'a> {
    port: u16,
    homes: Homes,
    look: CommonCase<'a>,
}

/// Room that is reused from batch to batch.
#[derive(Debug)]
pub(crate) struct Scratch {
    block: Box<CandidateBlock>,
    heads: Box<Heads>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { block: Box::new(CandidateBlock::new()), heads: Box::new(Heads::new()) }
    }
}

/// Judges a batch: one ruling for each frame, counted.
pub(crate) fn run(
    level: Detected,
    judge: &impl Judges,
    frames: &Frames<'_>,
    rulings: &mut Vec<Ruling>,
    scratch: &mut Scratch,
    counts: &mut [u64],
) {
    rulings.clear();
    rulings.resize(frames.len(), Ruling::UNJUDGED);
    let template = Template::new(frames.link, judge.options());
    let plain_network = judge.network(frames.interface, VlanTags::NONE);
    level.run(SieveBatch {
        judge,
        frames,
        template,
        plain_network,
        rulings,
        tally: Tally { places: judge.table().places(), counts },
        block: &mut scratch.block,
        heads: &mut scratch.heads,
    });
}

struct SieveBatch<'a, J> {
    judge: &'a J,
    frames: &'a Frames<'a>,
    template: Option<Template>,
    plain_network: Option<NetworkId>,
    rulings: &'a mut [Ruling],
    tally: Tally<'a>,
    block: &'a mut CandidateBlock,
    heads: &'a mut Heads,
}

impl<J: Judges> LevelWork for SieveBatch<'_, J> {
    #[inline(always)]
    fn on<L: Level>(mut self, level: L) {
        let (frames, template) = (*self.frames, self.template);
        let count = frames.len();
        fetch(&frames, 0);
        let mut judged = 0_u64;
        let options = self.judge.options();
        let table = self.judge.table();
        let homes = table
            .homes_v4(self.plain_network)
            .filter(|_| CandidateBlock::fits(frames.link, options) && self.judge.are_all_plain());
        let known = options.port.zip(homes).map(|(port, homes)| Known {
            port,
            homes,
            look: table.common_case(&homes),
        });
        let mut skips = Skips::default();
        let mut full = false;
        for start in (0..count).step_by(BLOCK) {
            let behind = frames.offsets.get(start.wrapping_add(AHEAD)..).unwrap_or_default();
            let offsets = behind.get(..BLOCK).unwrap_or(behind);
            let ahead = Ahead { bytes: frames.bytes, offsets };
            // Where the last block was full of candidates, this one is expected to be.
            if !full {
                ahead.fetch_from(0);
            }
            let mut left = skips.left_of_block(level, template.as_ref(), &frames, start);
            if left.count_ones() >= CandidateBlock::LEAST
                && let Some(known) = &known
            {
                let ahead = if full { ahead } else { Ahead::NONE };
                let plain = self.full_block(level, (start, left), known, ahead);
                judged = judged.wrapping_add(u64::from(plain.count_ones()));
                full = plain.count_ones() > CandidateBlock::FULL;
                left &= !plain;
            } else if full {
                ahead.fetch_from(0);
                full = false;
            }
            while left != 0 {
                let at = start.wrapping_add(left.trailing_zeros() as usize);
                left &= left.wrapping_sub(1);
                judged = judged.wrapping_add(u64::from(self.sort_one(level, at)));
            }
        }
        let unjudged = u64::try_from(count).unwrap_or(u64::MAX).wrapping_sub(judged);
        self.tally.count_unjudged(unjudged);
    }
}

impl<J: Judges> SieveBatch<'_, J> {
    /// Sorts a frame; true where it is judged.
    #[inline(always)]
    fn sort_one<L: Level>(&mut self, level: L, at: usize) -> bool {
        let Some(frame) = self.frames.get(at) else { return false };
        match sort_plain(&frame, self.judge.options()) {
            Some(Quick::Passes(kind)) => self.pass(at, kind),
            Some(Quick::Syn { source, destination }) if self.judge.is_plain(v4(source)) => {
                let table = self.judge.table();
                self.finish(at, table.ruling_v4(level, self.plain_network, source, destination))
            }
            Some(Quick::Syn { .. } | Quick::Odd) => self.odd(at, &frame),
            None => self.sort_other(level, at, &frame),
        }
    }

    /// Passes a frame unjudged, and says of which kind it is, where it is of one.
    #[inline(always)]
    fn pass(&mut self, at: usize, kind: Kind) -> bool {
        if kind != Kind::Nothing
            && let Some(stored) = self.rulings.get_mut(at)
        {
            *stored = Ruling::unjudged(kind);
        }
        false
    }

    /// Judges the plain candidates among the frames of a block whose bits are set, and says which
    /// they were. All their senders are fetched before the first is read.
    #[inline(always)]
    fn full_block<L: Level>(
        &mut self,
        level: L,
        (start, left): (usize, u64),
        known: &Known<'_>,
        ahead: Ahead<'_>,
    ) -> u64 {
        let Self { judge, frames, rulings, tally, block, heads, .. } = self;
        let plain = block.sort(level, frames, (start, left), known.port, &known.homes, heads);
        let count = plain.count_ones() as usize;
        for home in heads.home.iter().take(count) {
            known.look.prefetch(*home);
        }
        let rulings = rulings.get_mut(start..).unwrap_or_default();
        let mut answers = [Ruling::UNJUDGED; BLOCK];
        let told = level.common_case(&known.look, heads, count, ahead, &mut answers);
        let mut further = !told & ones(count);
        known.look.prefetch_further(heads, further);
        while further != 0 {
            let number = further.trailing_zeros() as usize;
            further &= further.wrapping_sub(1);
            let (_, source, destination) = heads.candidate(number);
            if let Some(ruling) = answers.get_mut(number) {
                *ruling = judge.table().answer_further(level, &known.homes, source, destination);
            }
        }
        match rulings.first_chunk_mut::<BLOCK>() {
            Some(rulings) if plain == u64::MAX => *rulings = answers,
            _ => {
                let mut rest = plain;
                for ruling in answers.iter().take(count) {
                    if let Some(stored) = rulings.get_mut(rest.trailing_zeros() as usize) {
                        *stored = *ruling;
                    }
                    rest &= rest.wrapping_sub(1);
                }
            }
        }
        level.count(&answers, ones(count), tally);
        plain
    }

    #[inline(never)]
    fn sort_other<L: Level>(&mut self, level: L, at: usize, frame: &Frame<'_>) -> bool {
        match sort(frame, self.judge.options()) {
            Sorted::Passes(kind) => self.pass(at, kind),
            Sorted::V4 { source, destination, vlan } if self.judge.is_plain(v4(source)) => {
                let (table, network) = (self.judge.table(), self.network(vlan));
                self.finish(at, table.ruling_v4(level, network, source, destination))
            }
            Sorted::V6 { source, destination, vlan } if self.judge.is_plain(v6(source)) => {
                let network = self.network(vlan);
                let ruling = self.judge.table().ruling(network, v6(source), v6(destination));
                self.finish(at, ruling)
            }
            Sorted::V4 { .. } | Sorted::V6 { .. } | Sorted::Odd => self.odd(at, frame),
        }
    }

    /// Asks the reference.
    #[inline(never)]
    fn odd(&mut self, at: usize, frame: &Frame<'_>) -> bool {
        let ruling = self.judge.odd(frame, self.frames.interface);
        if ruling.is_judged() {
            self.finish(at, ruling);
        } else if let Some(stored) = self.rulings.get_mut(at) {
            *stored = ruling;
        }
        ruling.is_judged()
    }

    fn network(&self, vlan: VlanTags) -> Option<NetworkId> {
        if vlan.is_empty() {
            self.plain_network
        } else {
            self.judge.network(self.frames.interface, vlan)
        }
    }

    /// Writes and counts the ruling on a frame that is judged, and says so.
    #[inline(always)]
    fn finish(&mut self, at: usize, ruling: Ruling) -> bool {
        if let Some(stored) = self.rulings.get_mut(at) {
            *stored = ruling;
        }
        self.tally.count(ruling, 1);
        true
    }
}

/// Notices where the sieve leaves nearly everything: going through it is then a waste.
#[derive(Debug, Default)]
pub(super) struct Skips {
    /// How many blocks go past the sieve before it is tried again.
    past: u32,
}

impl Skips {
    /// So many frames of a block left are nearly everything.
    const NEARLY_ALL: u32 = 40;
    /// For so many blocks.
    const FOR: u32 = 16;

    /// As [`left_of_block`], or all frames of the block.
    #[inline(always)]
    pub(super) fn left_of_block<L: Level>(
        &mut self,
        level: L,
        template: Option<&Template>,
        frames: &Frames<'_>,
        start: usize,
    ) -> u64 {
        if self.past > 0 {
            self.past = self.past.wrapping_sub(1);
            return ones(frames.len().wrapping_sub(start));
        }
        let left = left_of_block(level, template, frames, start);
        if left.count_ones() >= Self::NEARLY_ALL {
            self.past = Self::FOR;
        }
        left
    }
}

/// The frames of a block that the sieve leaves.
#[inline(always)]
fn left_of_block<L: Level>(
    level: L,
    template: Option<&Template>,
    frames: &Frames<'_>,
    start: usize,
) -> u64 {
    let Frames { bytes, offsets, captured, .. } = *frames;
    let here = frames.len().wrapping_sub(start);
    let Some(template) = template else { return ones(here) };
    let block = (
        offsets.get(start..).and_then(<[u32]>::first_chunk::<BLOCK>),
        captured.get(start..).and_then(<[u32]>::first_chunk::<BLOCK>),
    );
    match block {
        (Some(offsets), Some(captured)) if here >= BLOCK => {
            level.sieve(template, bytes, offsets, captured)
        }
        _ => {
            // The rest of the batch, filled up with frames of which nothing is there.
            let mut rest = [[0_u32; BLOCK]; 2];
            let [offset, len] = &mut rest;
            for (to, from) in offset.iter_mut().zip(offsets.iter().skip(start)) {
                *to = *from;
            }
            for (to, from) in len.iter_mut().zip(captured.iter().skip(start)) {
                *to = *from;
            }
            level.sieve(template, bytes, offset, len) & ones(here)
        }
    }
}

fn v4(address: u32) -> IpAddr {
    IpAddr::V4(address.into())
}

fn v6(address: u128) -> IpAddr {
    IpAddr::V6(address.into())
}

/// As many low bits as there are frames left, in a block.
#[inline(always)]
pub(crate) const fn ones(count: usize) -> u64 {
    if count >= BLOCK { u64::MAX } else { (1 << count) - 1 }
}
