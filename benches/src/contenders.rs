//! Who is measured: each goes through a set and says how many SYNs to port 25 it saw.

use std::sync::Arc;

use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::FrameOptions;
use egress25_packet_filter::sieve::{Frames, Ruling, Vectors, touch};
use egress25_packet_filter::table::Table;

use crate::sets::Set;

/// What a contender does with a set.
pub trait Contender {
    /// What it is called.
    fn name(&self) -> String;

    /// Goes through the packets; the number of SYNs to port 25, `None` for those that only
    /// read memory.
    fn go(&mut self, set: &Set) -> Option<u64>;
}

/// This project: full checks, the look-up, a code for each packet, all counted.
#[derive(Debug)]
pub struct Ours {
    filter: Filter,
    vectors: Vectors,
    rulings: Vec<Ruling>,
    batch: usize,
}

/// How many frames go into one batch of [`Ours`].
pub const BATCH: usize = 4096;

impl Ours {
    /// With a table, on a level.
    #[must_use]
    pub fn new(table: &Arc<Table>, vectors: Vectors) -> Self {
        let mut filter = Filter::new(Arc::clone(table), FrameOptions::default());
        filter.set_vectors(vectors);
        Self { filter, vectors, rulings: Vec::with_capacity(BATCH), batch: BATCH }
    }

    /// The rulings of the last batch.
    #[must_use]
    pub fn rulings(&self) -> &[Ruling] {
        &self.rulings
    }
}

impl Contender for Ours {
    fn name(&self) -> String {
        format!("egress25, {}", self.vectors)
    }

    fn go(&mut self, set: &Set) -> Option<u64> {
        let before = self.filter.counters().judged();
        for frames in batches(set, self.batch) {
            self.filter.judge(&frames, &mut self.rulings);
            std::hint::black_box(&self.rulings);
        }
        Some(self.filter.counters().judged() - before)
    }
}

/// The batches of a set.
pub fn batches(set: &Set, batch: usize) -> impl Iterator<Item = Frames<'_>> {
    let all = set.frames();
    (0..all.len()).step_by(batch).map(move |start| {
        let end = (start + batch).min(all.len());
        Frames {
            offsets: all.offsets.get(start..end).unwrap_or_default(),
            captured: all.captured.get(start..end).unwrap_or_default(),
            wire: all.wire.get(start..end).unwrap_or_default(),
            ..all
        }
    })
}

/// The floor of whoever looks at headers: loads them, fetched ahead.
#[derive(Debug)]
pub struct Touch;

impl Contender for Touch {
    fn name(&self) -> String {
        "header touch".to_owned()
    }

    fn go(&mut self, set: &Set) -> Option<u64> {
        for frames in batches(set, BATCH) {
            std::hint::black_box(touch(&frames));
        }
        None
    }
}

/// The floor of whoever reads everything: adds up every byte.
#[derive(Debug)]
pub struct Sum;

impl Contender for Sum {
    fn name(&self) -> String {
        "memory sum".to_owned()
    }

    fn go(&mut self, set: &Set) -> Option<u64> {
        let mut sum = 0_u64;
        for frame in set.frames().iter() {
            let (words, rest) = frame.bytes.as_chunks::<8>();
            for word in words {
                sum = sum.wrapping_add(u64::from_le_bytes(*word));
            }
            for byte in rest {
                sum = sum.wrapping_add(u64::from(*byte));
            }
        }
        std::hint::black_box(sum);
        None
    }
}
