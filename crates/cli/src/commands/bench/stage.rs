//! The stage `judge` on packets in memory, and peers that look at the same packets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::FrameOptions;
use egress25_packet_filter::sieve::{Ruling, Vectors, touch};
use egress25_packet_filter::table::{NetworkId, Table};

use crate::commands::bench::libpcap::Libpcap;
use crate::commands::bench::packets::Packets;
use crate::commands::bench::rounds::{Contender, Round};
use crate::say::failure::Failure;

/// How long everybody goes on in a round at least.
pub(super) const ROUND: Duration = Duration::from_millis(20);

/// What libpcap's filter is called.
pub(super) const LIBPCAP: &str = "libpcap";

/// Who is measured: every level that the processor has, the floor, and libpcap's filter.
pub(super) fn contenders<'a>(
    packets: &'a Packets,
    table: &Arc<Table>,
    network: Option<NetworkId>,
    libpcap: Option<&'a Libpcap>,
) -> Vec<Box<dyn Contender + 'a>> {
    let mut all: Vec<Box<dyn Contender + 'a>> = Vec::new();
    for level in Vectors::ALL.iter().rev().copied().filter(|level| level.is_here()) {
        let mut filter = Filter::new(table.clone(), FrameOptions::default());
        filter.set_vectors(level);
        filter.set_network(network);
        all.push(Box::new(Judge { packets, filter, level, rulings: Vec::new() }));
    }
    all.push(Box::new(Touch { packets }));
    if let Some(libpcap) = libpcap {
        all.push(Box::new(BpfFilter { packets, libpcap }));
    }
    all
}

/// Runs something over all packets for as long as a round has to last; nanoseconds a packet.
fn clock(packets: &Packets, mut body: impl FnMut()) -> f64 {
    let (started, mut passes) = (Instant::now(), 0_u32);
    loop {
        body();
        passes = passes.saturating_add(1);
        let elapsed = started.elapsed();
        if elapsed >= ROUND {
            let count = f64::from(u32::try_from(packets.len()).unwrap_or(u32::MAX));
            return elapsed.as_secs_f64() * 1e9 / (f64::from(passes) * count);
        }
    }
}

/// [`Filter::judge`] on a level.
struct Judge<'a> {
    packets: &'a Packets,
    filter: Filter,
    level: Vectors,
    rulings: Vec<Ruling>,
}

impl Contender for Judge<'_> {
    fn name(&self) -> String {
        format!("egress25, {}", self.level)
    }

    fn round(&mut self) -> Result<Round, Failure> {
        let Self { packets, filter, rulings, .. } = self;
        let before = filter.counters().judged();
        let mut passes = 0_u64;
        let nanos = clock(packets, || {
            for frames in packets.batches() {
                filter.judge(&frames, rulings);
                std::hint::black_box(&*rulings);
            }
            passes = passes.saturating_add(1);
        });
        let judged = filter.counters().judged().saturating_sub(before);
        Ok(Round { nanos, elapsed: nanos, found: judged.checked_div(passes) })
    }
}

/// Loads the headers' lines, fetched ahead, and does nothing else.
struct Touch<'a> {
    packets: &'a Packets,
}

impl Contender for Touch<'_> {
    fn name(&self) -> String {
        "header touch".to_owned()
    }

    fn round(&mut self) -> Result<Round, Failure> {
        let nanos = clock(self.packets, || {
            for frames in self.packets.batches() {
                std::hint::black_box(touch(&frames));
            }
        });
        Ok(Round { nanos, elapsed: nanos, found: None })
    }
}

/// libpcap's interpreter of compiled filters.
struct BpfFilter<'a> {
    packets: &'a Packets,
    libpcap: &'a Libpcap,
}

impl Contender for BpfFilter<'_> {
    fn name(&self) -> String {
        LIBPCAP.to_owned()
    }

    fn round(&mut self) -> Result<Round, Failure> {
        let mut hits = 0;
        let nanos = clock(self.packets, || {
            let frames = self.packets.batches().flat_map(|frames| frames.iter());
            hits = frames.map(|frame| u64::from(self.libpcap.fits(&frame))).sum();
        });
        Ok(Round { nanos, elapsed: nanos, found: Some(hits) })
    }
}
