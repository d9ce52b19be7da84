//! The figures of a run.

use serde::Serialize;

use crate::commands::bench::machine::{HostMachine, Versions};
use crate::commands::bench::rounds::Times;
use crate::commands::bench::statistics::{Spread, hundredths};

/// Everything that a run says.
#[derive(Debug, Serialize)]
pub(super) struct Figures {
    /// Where the packets come from.
    pub(super) source: String,
    /// How many rounds count.
    pub(super) rounds: u32,
    /// How many came before them.
    pub(super) warm_up: u32,
    pub(super) machine: HostMachine,
    pub(super) versions: Versions,
    /// The stage `judge` on packets in memory.
    pub(super) judge: BenchTable,
    /// Reading, judging and counting a capture file.
    pub(super) pipeline: BenchTable,
}

/// Which time is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum MeasuredTime {
    /// What has gone by.
    Elapsed,
    /// The processors', of all threads, the system's work for them included.
    Processors,
}

/// What a table was measured with.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Measured {
    /// What `nanoseconds_per_packet` is of.
    pub(super) clock: MeasuredTime,
    /// How many packets everybody went through.
    pub(super) packets: u64,
    /// How many bytes these are.
    pub(super) bytes: u64,
}

/// One of the two tables.
#[derive(Debug, Serialize)]
pub(super) struct BenchTable {
    #[serde(flatten)]
    pub(super) measured: Measured,
    /// Whom the others are compared with; none where it could not be measured.
    pub(super) peer: Option<String>,
    pub(super) contenders: Vec<Figure>,
}

/// One contender's figures, as they are printed: what is a ratio of others is one of them.
#[derive(Debug, Serialize)]
pub(super) struct Figure {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) spread: Spread,
    /// The median of the time that has gone by, in nanoseconds a packet; the rates are of that.
    pub(super) elapsed_nanoseconds_per_packet: f64,
    pub(super) million_packets_per_second: f64,
    pub(super) gigabytes_per_second: f64,
    /// How many times as fast as the peer; none where that found other packets.
    pub(super) times_peer: Option<f64>,
    /// SYNs to port 25 that it found, for who looks for any.
    pub(super) found: Option<u64>,
}

impl BenchTable {
    /// The figures of rounds.
    pub(super) fn of(measured: Measured, peer: &str, times: &[Times]) -> Self {
        let spreads: Vec<Spread> = times.iter().map(|one| Spread::of(&one.nanos)).collect();
        let place = times.iter().position(|one| one.name == peer);
        let peer = place.and_then(|place| spreads.get(place)).copied();
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let bytes_each = measured.bytes as f64 / measured.packets.max(1) as f64;
        let counted = place.and_then(|place| times.get(place)?.found);
        let figure = |(one, spread): (&Times, &Spread)| {
            let elapsed = match measured.clock {
                MeasuredTime::Elapsed => spread.median,
                MeasuredTime::Processors => Spread::of(&one.elapsed).median,
            };
            // Who found other packets has done other work.
            let does_the_same = one.found.is_none() || counted.is_none() || one.found == counted;
            let peer = peer.filter(|_| does_the_same);
            Figure {
                name: one.name.clone(),
                spread: *spread,
                elapsed_nanoseconds_per_packet: elapsed,
                million_packets_per_second: hundredths(1e3 / elapsed),
                gigabytes_per_second: hundredths(bytes_each / elapsed),
                times_peer: peer.and_then(|peer| spread.times_as_fast_as(&peer)),
                found: one.found,
            }
        };
        Self {
            measured,
            peer: place.and_then(|place| times.get(place)).map(|one| one.name.clone()),
            contenders: times.iter().zip(&spreads).map(figure).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(name: &str, nanos: &[f64], elapsed: &[f64]) -> Times {
        let (nanos, elapsed) = (nanos.to_vec(), elapsed.to_vec());
        Times { name: name.to_owned(), nanos, elapsed, found: Some(661) }
    }

    const MEASURED: Measured =
        Measured { clock: MeasuredTime::Processors, packets: 1000, bytes: 64_000 };

    #[test]
    fn every_column_follows_from_the_median_that_is_printed() {
        let table = BenchTable::of(
            MEASURED,
            "peer",
            &[
                times("ours", &[4.004, 3.9, 9.0], &[5.0]),
                times("peer", &[22.2, 30.0, 20.0], &[23.0]),
            ],
        );
        assert_eq!(table.peer.as_deref(), Some("peer"));
        let [ours, peer] = table.contenders.as_slice() else { panic!("{table:?}") };
        assert_eq!(ours.spread.median, 4.0);
        assert_eq!(ours.million_packets_per_second, 200.0);
        assert_eq!(ours.gigabytes_per_second, 12.8);
        assert_eq!(ours.elapsed_nanoseconds_per_packet, 5.0);
        assert_eq!((ours.times_peer, peer.times_peer), (Some(5.55), Some(1.0)));
    }

    #[test]
    fn who_found_other_packets_than_the_peer_was_compared_with_it() {
        let other = Times { found: Some(3), ..times("ours", &[4.0], &[4.0]) };
        let table = BenchTable::of(MEASURED, "peer", &[other, times("peer", &[8.0], &[8.0])]);
        let ratios: Vec<_> = table.contenders.iter().map(|one| one.times_peer).collect();
        assert_eq!(ratios, [None, Some(1.0)]);
    }

    #[test]
    fn without_the_peer_nothing_is_a_ratio() {
        let table = BenchTable::of(MEASURED, "peer", &[times("ours", &[4.0], &[4.0])]);
        assert_eq!(table.peer, None);
        assert!(table.contenders.iter().all(|one| one.times_peer.is_none()));
    }
}
