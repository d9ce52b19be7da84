//! Judging the same frames on the fast path and on the reference.

use std::sync::Arc;

use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::{self, FrameOptions, Origin, Outcome};
use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::{FrameList, Frames, Ruling, Vectors};
use egress25_packet_filter::table::{NetworkId, Table};
use egress25_policy::{Reason, Verdict};
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
    options: FrameOptions,
    rulings: Vec<Ruling>,
}

/// What the reference says of a frame: the verdict and the reason of its outermost packet, and
/// whether what is inside of it is to be looked at.
pub(crate) type Told = (Verdict, Option<Reason>, bool);

/// What the reference says of a batch, frame by frame.
pub(crate) fn one_by_one(
    reference: &mut Filter,
    frames: &Frames<'_>,
    options: &FrameOptions,
) -> Vec<Told> {
    let one = |frame| {
        let outcome = frame::outermost(&frame, options);
        let judgement = reference.judge_outcome(frames.interface, outcome);
        let tunnel = matches!(outcome, Outcome::Encapsulated { .. });
        (judgement.verdict, judgement.reason, tunnel && options.look_inside)
    };
    frames.iter().map(one).collect()
}

/// The same of a ruling.
pub(crate) fn told(ruling: Ruling) -> Told {
    (ruling.verdict(), ruling.reason(), ruling.has_inside())
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
            options,
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
        let batch = self.list.frames(link, interface, &self.bytes);
        let expected = one_by_one(&mut self.reference, &batch, &self.options);
        for (level, filter) in &mut self.fast {
            filter.judge(&batch, &mut self.rulings);
            assert_eq!(self.rulings.len(), frames.len());
            for ((ruling, expected), made) in self.rulings.iter().zip(&expected).zip(frames) {
                assert_eq!(told(*ruling), *expected, "{level}, {link}, {interface:?}: {made:02x?}");
            }
            assert_eq!(filter.counters(), self.reference.counters(), "{level}");
        }
        expected.iter().filter(|(_, reason, _)| reason.is_some()).count()
    }
}
