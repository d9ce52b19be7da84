//! Replays of capture files without reading them through: mapped into memory, gone through by
//! several cursors at once on all cores, and handed out in order.
//!
//! A capture's records form a chain: each says where the next one is, and following it is one
//! cache miss after the other. So the file is cut into stretches, and a cursor starts in each
//! at the first place that looks like a record. **That is only a guess**: a packet may hold a
//! whole capture. A stretch counts only if the cursor before it landed exactly on its start;
//! otherwise it is gone through again, from where that cursor landed. What is handed out is
//! what [`crate::capture::Reader`] yields, record by record.
//!
//! Files that are not as they should be (cut short, corrupt, of an old version, with
//! interfaces that come late) are handed out up to there, and [`Sifted::Unread`] says how many
//! records that were: the reader goes on and says what is wrong. Pipes and compressed files
//! are the reader's from the beginning.

mod layout;
mod map;
mod walk;

use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use jiff::Timestamp;

use crate::capture::{DEFAULT_MAX_RECORD_LEN, Record};
use crate::classify::{Sifter, Vectors};
use crate::frame;
use layout::{Layout, Step};
use map::Map;
use walk::{Draft, REGION, Walker};

/// How a capture is gone through.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How packets are read.
    pub frames: frame::Options,
    /// On how many threads; `None` for as many as there are processors.
    pub threads: Option<NonZero<usize>>,
    /// Which vector instructions are used.
    pub vectors: Vectors,
}

impl Options {
    /// All processors, and the best instructions that they have.
    #[must_use]
    pub fn new(frames: frame::Options) -> Self {
        Self { frames, threads: None, vectors: Vectors::best() }
    }
}

/// Packets of a capture that follow each other.
#[derive(Debug)]
pub struct Stretch<'a> {
    layout: &'a Layout,
    bytes: &'a [u8],
    draft: &'a Draft,
    first: u64,
}

/// How far a capture was handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sifted {
    /// To its end, and nothing was wrong with it.
    Whole,
    /// So many records; the others, and what is wrong, are for [`crate::capture::Reader`].
    Unread {
        /// Records that were handed out.
        records: u64,
    },
}

impl<'a> Stretch<'a> {
    /// How many packets there are.
    #[must_use]
    pub const fn packets(&self) -> u64 {
        self.draft.packets
    }

    /// How many of them have to be judged; the others pass unjudged.
    #[must_use]
    pub const fn kept_packets(&self) -> usize {
        self.draft.kept.len()
    }

    /// The earliest and the latest time of a packet.
    #[must_use]
    pub fn times(&self) -> Option<(Timestamp, Timestamp)> {
        let (earliest, latest) = self.draft.times?;
        let time = |nanos: i64| Timestamp::from_nanosecond(i128::from(nanos)).ok();
        Some((time(earliest)?, time(latest)?))
    }

    /// Where in the file it ends, in bytes.
    #[must_use]
    pub fn end(&self) -> u64 {
        u64::try_from(self.draft.end).unwrap_or(u64::MAX)
    }

    /// The packets that have to be judged, in order.
    pub fn kept(&self) -> impl Iterator<Item = Record<'a>> {
        let Self { layout, bytes, draft, first } = *self;
        draft.kept.iter().filter_map(move |(place, offset)| {
            let at = draft.start.checked_add(*offset as usize)?;
            let Step::Packet(found) = layout.step(bytes, at) else { return None };
            layout.record(bytes, &found, first.checked_add(u64::from(*place))?)
        })
    }

    /// Every packet in order, with whether it has to be judged.
    pub fn all(&self) -> impl Iterator<Item = (Record<'a>, bool)> {
        let Self { layout, bytes, draft, first } = *self;
        let mut kept = draft.kept.iter().map(|(place, _)| *place).peekable();
        let (mut at, mut place) = (draft.start, 0_u32);
        std::iter::from_fn(move || {
            while at < draft.end {
                match layout.step(bytes, at) {
                    Step::Packet(found) => {
                        at = found.end;
                        let here = place;
                        place = place.checked_add(1)?;
                        let is_kept = kept.next_if_eq(&here).is_some();
                        let index = first.checked_add(u64::from(here))?;
                        return Some((layout.record(bytes, &found, index)?, is_kept));
                    }
                    Step::Other(end) => at = end,
                    Step::End | Step::Stop => return None,
                }
            }
            None
        })
    }
}

/// Hands out the stretches of a capture file in order; `None` where it is no regular file,
/// cannot be mapped, or has to be read in another way.
///
/// # Errors
/// `visit` fails.
pub fn sift<E>(
    path: &Path,
    options: &Options,
    visit: &mut dyn FnMut(&Stretch<'_>) -> Result<(), E>,
) -> Result<Option<Sifted>, E> {
    let Ok(Some(map)) = Map::open(path) else { return Ok(None) };
    let Some(layout) = Layout::of(map.bytes(), DEFAULT_MAX_RECORD_LEN) else { return Ok(None) };
    let mut sifter = Sifter::new(options.frames);
    sifter.set_vectors(options.vectors);
    let regions = map.bytes().len().saturating_sub(layout.first).div_ceil(REGION);
    let wanted = options.threads.or_else(|| std::thread::available_parallelism().ok());
    let threads = wanted.map_or(1, NonZero::get).min(regions.max(1));
    let mut order = Order {
        layout: &layout,
        bytes: map.bytes(),
        walker: Walker::new(&layout, map.bytes(), sifter),
        at: layout.first,
        records: 0,
        visit,
    };
    let sifted = if threads <= 1 {
        order.alone(regions)
    } else {
        order.with_workers(&map, sifter, regions, threads)
    };
    sifted.map(Some)
}

/// The bytes of a region.
const fn region(layout: &Layout, number: usize) -> (usize, usize) {
    let base = layout.first.saturating_add(number.saturating_mul(REGION));
    (base, base.saturating_add(REGION))
}

/// Puts stretches in order, and checks that each begins where the one before it landed.
struct Order<'a, 'v, E> {
    layout: &'a Layout,
    bytes: &'a [u8],
    walker: Walker<'a>,
    at: usize,
    records: u64,
    visit: &'v mut dyn FnMut(&Stretch<'_>) -> Result<(), E>,
}

impl<E> Order<'_, '_, E> {
    fn alone(&mut self, regions: usize) -> Result<Sifted, E> {
        for number in 0..regions {
            let (base, end) = region(self.layout, number);
            let drafts = self.walker.region(base, end);
            if !self.take(&drafts, end)? {
                return Ok(Sifted::Unread { records: self.records });
            }
        }
        Ok(self.end())
    }

    fn with_workers(
        &mut self,
        map: &Map,
        sifter: Sifter,
        regions: usize,
        threads: usize,
    ) -> Result<Sifted, E> {
        std::thread::scope(|scope| {
            // Each worker goes through every so many regions, a few ahead and no more.
            let workers: Vec<Receiver<Vec<Draft>>> = (0..threads)
                .map(|first| {
                    let (sender, receiver) = sync_channel(4);
                    let mine = (first..regions).step_by(threads);
                    let layout = self.layout;
                    scope.spawn(move || work(layout, map, sifter, mine, &sender));
                    receiver
                })
                .collect();
            for (number, worker) in (0..regions).zip(workers.iter().cycle()) {
                // A worker that is gone has left everything from here on to the reader.
                let Ok(drafts) = worker.recv() else { break };
                let (_, end) = region(self.layout, number);
                if !self.take(&drafts, end)? {
                    return Ok(Sifted::Unread { records: self.records });
                }
            }
            Ok(self.end())
        })
    }

    fn end(&self) -> Sifted {
        if self.at == self.bytes.len() {
            Sifted::Whole
        } else {
            Sifted::Unread { records: self.records }
        }
    }

    /// Hands out the stretches of a region that ends at `end`; false where the walk has come
    /// to what it cannot read.
    fn take(&mut self, drafts: &[Draft], end: usize) -> Result<bool, E> {
        for draft in drafts {
            if draft.start == self.at {
                if !self.hand_out(draft)? {
                    return Ok(false);
                }
            } else if !self.again(draft.end.min(end))? {
                return Ok(false);
            }
        }
        self.again(end)
    }

    /// Goes through what is left up to `until` once more, from where the last cursor landed.
    fn again(&mut self, until: usize) -> Result<bool, E> {
        let until = until.min(self.bytes.len());
        if self.at >= until {
            return Ok(true);
        }
        match self.walker.serial(self.at, until) {
            Some(draft) => self.hand_out(&draft),
            None => Ok(false),
        }
    }

    fn hand_out(&mut self, draft: &Draft) -> Result<bool, E> {
        let Self { layout, bytes, records, .. } = self;
        (self.visit)(&Stretch { layout, bytes, draft, first: *records })?;
        self.records = self.records.saturating_add(draft.packets);
        self.at = draft.end;
        Ok(!draft.stopped)
    }
}

/// A worker: regions in, stretches out, until nobody wants them any more.
fn work(
    layout: &Layout,
    map: &Map,
    sifter: Sifter,
    regions: impl Iterator<Item = usize>,
    out: &SyncSender<Vec<Draft>>,
) {
    let mut walker = Walker::new(layout, map.bytes(), sifter);
    for number in regions {
        let (base, end) = region(layout, number);
        if out.send(walker.region(base, end)).is_err() {
            return;
        }
    }
}
