//! Judging the same frames on the fast path and on the reference.

use std::sync::Arc;

use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::{
    self, FrameOptions, Kind, Origin, Outcome, VxlanPorts, Wanted,
};
use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::{FrameList, Frames, Ruling, Sieve, Vectors};
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
        FrameOptions { wanted: Wanted::EVERYTHING, ..base },
        FrameOptions { wanted: Wanted { icmp_errors: true, ..Wanted::NOTHING }, ..base },
        FrameOptions { wanted: Wanted { answers: true, ..Wanted::NOTHING }, ..base },
        FrameOptions {
            wanted: Wanted { relay_syns: true, ..Wanted::NOTHING },
            look_inside: true,
            vxlan_ports: VxlanPorts::new(&[10_800, 10_801]).unwrap(),
            ..base
        },
        FrameOptions { origin: Origin::Live, wanted: Wanted::EVERYTHING, port: Some(443), ..base },
        FrameOptions { wanted: Wanted::EVERYTHING, port: None, ..base },
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
    /// How many frames of each kind there were so far, in the order of [`Kind::ALL`].
    pub(crate) kinds: [usize; Kind::ALL.len()],
}

/// What the reference says of a frame: the verdict and the reason of its outermost packet, whether
/// what is inside of it is to be looked at, and its kind where it is not judged.
pub(crate) type Told = (Verdict, Option<Reason>, bool, Kind);

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
        let kind = outcome.told_kind(options);
        (judgement.verdict, judgement.reason, tunnel && options.look_inside, kind)
    };
    frames.iter().map(one).collect()
}

/// The same of a ruling.
pub(crate) fn told(ruling: Ruling) -> Told {
    (ruling.verdict(), ruling.reason(), ruling.has_inside(), ruling.kind())
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
            kinds: [0; Kind::ALL.len()],
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
        let mut kept = Vec::new();
        for level in self.fast.iter().map(|(level, _)| *level) {
            let mut sieve = Sieve::new(self.options);
            sieve.set_vectors(level);
            kept.clear();
            sieve.keep(&batch, &mut kept);
            let told = expected.iter().enumerate().filter(|(_, (_, reason, inside, kind))| {
                reason.is_some() || *inside || *kind != Kind::Nothing
            });
            let told: Vec<_> = told.map(|(at, _)| u32::try_from(at).unwrap()).collect();
            assert_eq!(kept, told, "{level}, {link}");
        }
        for (_, _, _, kind) in &expected {
            self.kinds[*kind as usize] += 1;
        }
        for (level, filter) in &mut self.fast {
            filter.judge(&batch, &mut self.rulings);
            assert_eq!(self.rulings.len(), frames.len());
            for ((ruling, expected), made) in self.rulings.iter().zip(&expected).zip(frames) {
                assert_eq!(told(*ruling), *expected, "{level}, {link}, {interface:?}: {made:02x?}");
            }
            assert_eq!(filter.counters(), self.reference.counters(), "{level}");
        }
        expected.iter().filter(|(_, reason, ..)| reason.is_some()).count()
    }
}
