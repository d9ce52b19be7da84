//! Without a table: which frames of a batch a filter has something to say about.

use crate::frame::{self, Frame, FrameOptions, Kind, Outcome};
use crate::sieve::Frames;
use crate::sieve::fetch::{AHEAD, fetch};
use crate::sieve::heads::BLOCK;
use crate::sieve::level::{Level, LevelWork};
use crate::sieve::run::Skips;
use crate::sieve::sort::{Quick, Sorted, sort, sort_plain};
use crate::sieve::template::Template;
use crate::sieve::vectors::Vectors;

/// Tells the frames that pass unjudged from the others.
#[derive(Debug, Clone, Copy)]
pub struct Sieve {
    options: FrameOptions,
    vectors: Vectors,
}

impl Sieve {
    /// One that reads packets by these options.
    #[must_use]
    pub fn new(options: FrameOptions) -> Self {
        Self { options, vectors: Vectors::best() }
    }

    /// Chooses the vector instructions; the answers do not depend on it.
    pub const fn set_vectors(&mut self, vectors: Vectors) {
        self.vectors = vectors;
    }

    /// Adds the places of the frames that [`Filter::judge`](crate::filter::Filter::judge) would
    /// give a reason to, has to look into, or tells the kind of, to `kept`. All others pass
    /// unjudged.
    pub fn keep(&self, frames: &Frames<'_>, kept: &mut Vec<u32>) {
        self.vectors.detect().run(SievedBatch { sieve: self, frames, kept });
    }

    #[inline(always)]
    fn keeps(&self, frame: &Frame<'_>) -> bool {
        match sort_plain(frame, &self.options) {
            Some(Quick::Passes(kind)) => kind != Kind::Nothing,
            Some(Quick::Syn { .. }) => true,
            Some(Quick::Odd) => self.keeps_odd(frame),
            None => match sort(frame, &self.options) {
                Sorted::Passes(kind) => kind != Kind::Nothing,
                Sorted::V4 { .. } | Sorted::V6 { .. } => true,
                Sorted::Odd => self.keeps_odd(frame),
            },
        }
    }

    #[inline(never)]
    fn keeps_odd(&self, frame: &Frame<'_>) -> bool {
        let outcome = frame::outermost(frame, &self.options);
        match outcome {
            Outcome::Encapsulated { carried: true, .. } if self.options.look_inside => true,
            Outcome::NoMatch(_) | Outcome::Encapsulated { carried: true, .. } => {
                outcome.told_kind(&self.options) != Kind::Nothing
            }
            _ => true,
        }
    }
}

/// A batch that goes through the sieve.
struct SievedBatch<'a> {
    sieve: &'a Sieve,
    frames: &'a Frames<'a>,
    kept: &'a mut Vec<u32>,
}

impl LevelWork for SievedBatch<'_> {
    #[inline(always)]
    fn on<L: Level>(self, level: L) {
        let Self { sieve, frames, kept } = self;
        let template = Template::new(frames.link, &sieve.options);
        let mut skips = Skips::default();
        fetch(frames, 0);
        for start in (0..frames.len()).step_by(BLOCK) {
            fetch(frames, start.wrapping_add(AHEAD));
            let mut left = skips.left_of_block(level, template.as_ref(), frames, start);
            while left != 0 {
                let at = start.wrapping_add(left.trailing_zeros() as usize);
                left &= left.wrapping_sub(1);
                if frames.get(at).is_some_and(|frame| sieve.keeps(&frame)) {
                    kept.push(u32::try_from(at).unwrap_or(u32::MAX));
                }
            }
        }
    }
}
