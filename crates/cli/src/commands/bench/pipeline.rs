//! The pipeline `read -> judge -> count` on a capture file, as `replay --summary --format json` runs
//! it, and tcpdump, which counts the same packets of the same file.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::FrameOptions;
use egress25_packet_filter::table::{NetworkId, Table};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use crate::commands::bench::libpcap::EXPRESSION;
use crate::commands::bench::packet_file::PacketFile;
use crate::commands::bench::rounds::{Contender, Round};
use crate::commands::bench::stage::ROUND;
use crate::commands::connections::by_time::{AnyTime, Moment};
use crate::commands::replay::batches::BatchJudge;
use crate::read::capture;
use crate::say::failure::Failure;

/// What tcpdump is called.
pub(super) const TCPDUMP: &str = "tcpdump --count";

/// The processors' time, of the program and of the system for it, of all threads.
fn cpu_time(whose: UsageWho) -> Result<Duration, Failure> {
    let usage = getrusage(whose)
        .map_err(|error| Failure::Internal(format!("the CPU time cannot be told: {error}")))?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(u64::try_from(micros).unwrap_or_default()))
}

/// Nanoseconds for one of so many.
fn each(time: Duration, count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "packets of a file: far below 2^52")]
    let count = count.max(1) as f64;
    time.as_secs_f64() * 1e9 / count
}

/// Our own pipeline.
pub(super) struct Pipeline<'a> {
    pub(super) file: &'a PacketFile,
    pub(super) table: Arc<Table>,
    pub(super) network: Option<NetworkId>,
}

impl Pipeline<'_> {
    /// Reads, judges and counts the whole file: how many packets were judged.
    fn pass(&self) -> Result<u64, Failure> {
        let mut reader = capture::open(self.file.path())?;
        let mut filter = Filter::new(self.table.clone(), FrameOptions::default());
        filter.set_network(self.network);
        let (mut packets, mut judge) =
            (0_u64, BatchJudge::new(filter, FrameOptions::default(), Moment::default()));
        while let Some(batch) = reader.next_batch()? {
            judge.judge(&batch, &mut AnyTime)?;
            packets = packets.saturating_add(u64::try_from(batch.len()).unwrap_or(u64::MAX));
        }
        if packets != self.file.packets() {
            let written = self.file.packets();
            let text = format!("of {written} packets that were written {packets} were read");
            return Err(Failure::Internal(text));
        }
        Ok(judge.filter.counters().judged())
    }
}

impl Contender for Pipeline<'_> {
    fn name(&self) -> String {
        "egress25".to_owned()
    }

    fn round(&mut self) -> Result<Round, Failure> {
        let (before, started) = (cpu_time(UsageWho::RUSAGE_SELF)?, Instant::now());
        let mut passes = 0_u64;
        let (found, elapsed) = loop {
            let found = self.pass()?;
            passes = passes.saturating_add(1);
            if started.elapsed() >= ROUND {
                break (found, started.elapsed());
            }
        };
        let taken = cpu_time(UsageWho::RUSAGE_SELF)?.saturating_sub(before);
        let packets = passes.saturating_mul(self.file.packets());
        let (nanos, elapsed) = (each(taken, packets), each(elapsed, packets));
        Ok(Round { nanos, elapsed, found: Some(found) })
    }
}

/// `tcpdump --count` with the filter, its start included.
pub(super) struct Tcpdump {
    path: PathBuf,
    packets: u64,
}

impl Tcpdump {
    /// tcpdump on a file.
    ///
    /// # Errors
    /// What it says where it cannot count there.
    pub(super) fn on(file: &PacketFile) -> Result<Self, String> {
        let tcpdump = Self { path: file.path().to_owned(), packets: file.packets() };
        tcpdump.count().map(|_| tcpdump)
    }

    fn count(&self) -> Result<u64, String> {
        let filter = EXPRESSION.to_str().unwrap_or_default();
        let mut command = Command::new("tcpdump");
        command.arg("-r").arg(&self.path).args(["--count", filter]);
        let output = command.output().map_err(|error| format!("tcpdump: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let said = String::from_utf8_lossy(&output.stderr);
        let count = [&text, &said].into_iter().find_map(|text| counted(text));
        match count {
            Some(count) if output.status.success() => Ok(count),
            _ => Err(said.lines().last().unwrap_or("tcpdump says nothing").to_owned()),
        }
    }
}

/// The count in what `tcpdump --count` says: `661 packets`.
fn counted(text: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let count = line.strip_suffix(" packets").or_else(|| line.strip_suffix(" packet"))?;
        count.trim().parse().ok()
    })
}

impl Contender for Tcpdump {
    fn name(&self) -> String {
        TCPDUMP.to_owned()
    }

    fn round(&mut self) -> Result<Round, Failure> {
        let (before, started) = (cpu_time(UsageWho::RUSAGE_CHILDREN)?, Instant::now());
        let found = self.count().map_err(Failure::Internal)?;
        let elapsed = started.elapsed();
        // Nothing else of ours is waited for here.
        let taken = cpu_time(UsageWho::RUSAGE_CHILDREN)?.saturating_sub(before);
        let (nanos, elapsed) = (each(taken, self.packets), each(elapsed, self.packets));
        Ok(Round { nanos, elapsed, found: Some(found) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tcpdump_says_its_count_among_other_lines() {
        assert_eq!(counted("reading from file x.pcap\n661 packets\n"), Some(661));
        assert_eq!(counted("1 packet\n"), Some(1));
        assert_eq!(counted("tcpdump: unrecognized option '--count'\n"), None);
    }

    #[test]
    fn nanoseconds_are_shared_out() {
        assert!((each(Duration::from_micros(3), 1500) - 2.0).abs() < 1e-9);
    }
}
