//! Judging the same frames on the fast path and on the reference.

use std::sync::Arc;

use egress25_packet_filter::filter::{Filter, FilterInput, Ruling};
use egress25_packet_filter::frame::{Frame, FrameOptions, Origin};
use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::{Code, FrameList, Vectors};
use egress25_packet_filter::table::{NetworkId, Table};
use egress25_skipped::skipped;

use crate::build::Made;

/// The ways to judge that are compared.
pub(crate) fn ways() -> Vec<FrameOptions> {
    let base = FrameOptions::default();
    vec![
        base,
        FrameOptions { origin: Origin::Live, ..base },
        FrameOptions { look_inside: true, ..base },
        FrameOptions { port: Some(587), ..base },
        FrameOptions { port: None, ..base },
    ]
}

/// One filter for the reference, and one for each level that this processor has.
pub(crate) struct Pair {
    reference: Filter,
    fast: Vec<(Vectors, Filter)>,
    bytes: Vec<u8>,
    list: FrameList,
    codes: Vec<Code>,
    rulings: Vec<Ruling>,
}

/// The levels that this processor has; says which it lacks.
pub(crate) fn levels() -> impl Iterator<Item = Vectors> {
    Vectors::ALL.iter().copied().filter(|level| {
        if !level.is_here() {
            skipped(format_args!("this processor has no {level}"));
        }
        level.is_here()
    })
}

impl Pair {
    pub(crate) fn new(
        table: &Arc<Table>,
        options: FrameOptions,
        network: Option<NetworkId>,
    ) -> Self {
        let make = || {
            let mut filter = Filter::new(Arc::clone(table), options);
            filter.set_network(network);
            filter
        };
        let fast = levels().map(|level| {
            let mut filter = make();
            filter.set_vectors(level);
            (level, filter)
        });
        Self {
            fast: fast.collect(),
            reference: make(),
            bytes: Vec::new(),
            list: FrameList::default(),
            codes: Vec::new(),
            rulings: Vec::new(),
        }
    }

    /// Judges a batch in all ways and says how many frames were judged at all.
    pub(crate) fn check(
        &mut self,
        link: LinkType,
        interface: Option<&str>,
        frames: &[Made],
    ) -> usize {
        self.bytes.clear();
        self.list.clear();
        for made in frames {
            let offset = u32::try_from(self.bytes.len()).unwrap();
            self.list.push(offset, u32::try_from(made.bytes.len()).unwrap(), made.wire);
            self.bytes.extend_from_slice(&made.bytes);
        }
        let inputs: Vec<FilterInput<'_>> = frames
            .iter()
            .map(|made| FilterInput {
                frame: Frame { link, bytes: &made.bytes, wire_len: made.wire },
                interface,
            })
            .collect();
        self.reference.judge_batch(&inputs, &mut self.rulings);
        for (level, filter) in &mut self.fast {
            filter.judge_frames(&self.list.frames(link, interface, &self.bytes), &mut self.codes);
            assert_eq!(self.codes.len(), frames.len());
            for ((code, ruling), made) in self.codes.iter().zip(&self.rulings).zip(frames) {
                let fast = Ruling { verdict: code.verdict(), reason: code.reason() };
                assert_eq!(fast, *ruling, "{level}, {link}, {interface:?}: {made:02x?}");
            }
            assert_eq!(filter.counters(), self.reference.counters(), "{level}");
        }
        self.rulings.iter().filter(|ruling| ruling.reason.is_some()).count()
    }
}
