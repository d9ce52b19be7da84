//! How long each stage of a replay took.

use std::time::{Duration, Instant};

use egress25_packet_filter::capture::CaptureReader;
use serde::Serialize;

/// How long each stage took, in nanoseconds of the clock on the wall.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct Timings {
    /// Inventory, events and the first table, until the first packet is read.
    pub load: u64,
    /// Reading the capture, or waiting for it or for the thread that unpacks it.
    pub read: u64,
    /// Finding the packets in what was read.
    pub walk: u64,
    /// Judging and counting them.
    pub judge: u64,
    /// Rows, written captures and the comparison with a golden file.
    pub report: u64,
}

/// Measures them: a look at the clock for each stage of a batch.
#[derive(Debug)]
pub(super) struct Stopwatch {
    timings: Timings,
    since: Instant,
    /// How long the reader had read when loading ended: that was loading.
    read_before: Duration,
}

impl Stopwatch {
    /// Begins with what is loaded.
    pub(super) fn start() -> Self {
        Self { timings: Timings::default(), since: Instant::now(), read_before: Duration::ZERO }
    }

    /// What went on until now was loading, the reader's first look at the capture included.
    pub(super) fn loaded(&mut self, reader: &CaptureReader) {
        self.lap(|timings| &mut timings.load);
        self.read_before = reader.time_reading();
    }

    /// What went on until now was of a stage.
    pub(super) fn lap(&mut self, stage: impl FnOnce(&mut Timings) -> &mut u64) {
        let now = Instant::now();
        let stage = stage(&mut self.timings);
        *stage = stage.saturating_add(nanos(now.saturating_duration_since(self.since)));
        self.since = now;
    }

    /// The times at the end. What a reader took of the walk's was reading.
    pub(super) fn end(&self, reader: &CaptureReader) -> Timings {
        let read = nanos(reader.time_reading().saturating_sub(self.read_before));
        let read = read.min(self.timings.walk);
        Timings { read, walk: self.timings.walk.saturating_sub(read), ..self.timings }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl Timings {
    /// The stages in words, with what each took of a packet; loading does not depend on them.
    pub(super) fn lines(&self, packets: u64) -> Vec<String> {
        #[expect(clippy::cast_precision_loss, reason = "for people, to a hundredth")]
        let float = |number: u64| number as f64;
        let Self { load, read, walk, judge, report } = *self;
        let stages = [("read", read), ("walk", walk), ("judge", judge), ("report", report)];
        let line = |(name, nanos)| {
            let each = float(nanos) / float(packets.max(1));
            format!("{name:<6} {:>10.2} ms {each:>9.2} ns a packet", float(nanos) / 1e6)
        };
        let load = format!("{:<6} {:>10.2} ms elapsed, once", "load", float(load) / 1e6);
        [load].into_iter().chain(stages.map(line)).collect()
    }
}
