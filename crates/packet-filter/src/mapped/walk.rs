//! Several cursors through a stretch of the file, so that their cache misses overlap.

use super::layout::{Found, Layout, Step};
use crate::classify::{FrameList, Sifter, prefetch};

/// Cursors that go through a region at once.
const CURSORS: usize = 16;

/// What one cursor goes through, in bytes.
const STRETCH: usize = 128 * 1024;

/// What all cursors go through together, in bytes.
pub(super) const REGION: usize = CURSORS * STRETCH;

/// A stretch that one cursor went through. It is right only if the cursor before it landed
/// exactly on its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    /// Where the cursor began.
    pub(super) start: usize,
    /// Where it landed: the beginning of a record, of the file's end, or of what it cannot read.
    pub(super) end: usize,
    /// How many packets there are.
    pub(super) packets: u64,
    /// The earliest and the latest time.
    pub(super) times: Option<(i64, i64)>,
    /// The packets that have to be judged: which of the stretch's, and where its record begins,
    /// counted from the stretch's start.
    pub(super) kept: Vec<(u32, u32)>,
    /// Whether the cursor met something that only the reader can tell.
    pub(super) stopped: bool,
}

/// A cursor on its way.
#[derive(Debug)]
struct Cursor {
    at: usize,
    until: usize,
    draft: Draft,
    list: FrameList,
    done: bool,
}

/// Goes through regions; keeps its room from one to the next.
#[derive(Debug)]
pub(super) struct Walker<'a> {
    layout: &'a Layout,
    bytes: &'a [u8],
    sifter: Sifter,
    cursors: Vec<Cursor>,
    places: Vec<u32>,
}

impl<'a> Walker<'a> {
    pub(super) fn new(layout: &'a Layout, bytes: &'a [u8], sifter: Sifter) -> Self {
        Self { layout, bytes, sifter, cursors: Vec::new(), places: Vec::new() }
    }

    /// Goes through a region with guessed starts.
    pub(super) fn region(&mut self, base: usize, end: usize) -> Vec<Draft> {
        let end = end.min(self.bytes.len());
        let mut starts = Vec::with_capacity(CURSORS);
        for nominal in (base..end).step_by(STRETCH) {
            let until = nominal.saturating_add(STRETCH).min(end);
            let start = if nominal == self.layout.first {
                Some(nominal)
            } else {
                self.layout.guess(self.bytes, nominal, until)
            };
            starts.extend(start);
        }
        let ends = starts.iter().skip(1).copied().chain([end]);
        let pairs: Vec<(usize, usize)> = starts.iter().copied().zip(ends).collect();
        self.walk(&pairs, base)
    }

    /// Goes through one stretch, for sure: from a place where a record begins to the first one
    /// that begins at `until` or behind.
    pub(super) fn serial(&mut self, start: usize, until: usize) -> Option<Draft> {
        self.walk(&[(start, until)], start).pop()
    }

    fn walk(&mut self, stretches: &[(usize, usize)], base: usize) -> Vec<Draft> {
        self.set_up(stretches);
        let Self { layout, bytes, cursors, .. } = self;
        let mut busy = stretches.len();
        while busy > 0 {
            busy = 0;
            for cursor in cursors.iter_mut().take(stretches.len()) {
                if !cursor.done {
                    cursor.step(layout, bytes, base);
                    busy = busy.wrapping_add(1);
                }
            }
        }
        self.finish(stretches.len(), base)
    }

    fn set_up(&mut self, stretches: &[(usize, usize)]) {
        while self.cursors.len() < stretches.len() {
            self.cursors.push(Cursor {
                at: 0,
                until: 0,
                draft: Draft::from(0),
                list: FrameList::with_capacity(STRETCH / 64),
                done: true,
            });
        }
        for (cursor, (start, until)) in self.cursors.iter_mut().zip(stretches) {
            cursor.at = *start;
            cursor.until = *until;
            cursor.draft = Draft::from(*start);
            cursor.list.clear();
            cursor.done = start >= until;
        }
    }

    /// Sifts what the cursors found.
    fn finish(&mut self, count: usize, base: usize) -> Vec<Draft> {
        let Self { layout, bytes, sifter, cursors, places } = self;
        let bytes = bytes.get(base..).unwrap_or_default();
        let mut drafts = Vec::with_capacity(count);
        for cursor in cursors.iter_mut().take(count) {
            let frames = cursor.list.frames(layout.link(), None, bytes);
            places.clear();
            sifter.sift(&frames, places);
            let mut draft = std::mem::replace(&mut cursor.draft, Draft::from(0));
            draft.end = cursor.at;
            let head = base.wrapping_sub(layout.head()).wrapping_sub(draft.start);
            draft.kept.extend(places.iter().map(|place| {
                let offset = frames.offsets.get(*place as usize).copied().unwrap_or_default();
                let record = (offset as usize).wrapping_add(head);
                (*place, u32::try_from(record).unwrap_or(u32::MAX))
            }));
            drafts.push(draft);
        }
        drafts
    }
}

impl Draft {
    const fn from(start: usize) -> Self {
        Self { start, end: start, packets: 0, times: None, kept: Vec::new(), stopped: false }
    }
}

impl Cursor {
    /// Goes past one record.
    #[inline(always)]
    fn step(&mut self, layout: &Layout, bytes: &[u8], base: usize) {
        match layout.step(bytes, self.at) {
            Step::Packet(found) => {
                prefetch::byte(bytes, found.end);
                let offset = u32::try_from(found.data.wrapping_sub(base));
                let Ok(offset) = offset else {
                    self.stop();
                    return;
                };
                self.list.push(offset, found.captured, found.wire);
                self.draft.note(&found);
                self.at = found.end;
            }
            Step::Other(end) => self.at = end,
            Step::End => self.done = true,
            Step::Stop => self.stop(),
        }
        self.done |= self.at >= self.until;
    }

    const fn stop(&mut self) {
        self.draft.stopped = true;
        self.done = true;
    }
}

impl Draft {
    #[inline(always)]
    fn note(&mut self, found: &Found) {
        self.packets = self.packets.wrapping_add(1);
        let (earliest, latest) = self.times.unwrap_or((found.time, found.time));
        self.times = Some((earliest.min(found.time), latest.max(found.time)));
    }
}
