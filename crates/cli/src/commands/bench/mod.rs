//! `bench`: how fast packets are judged on this machine.

mod libpcap;
mod packets;

use std::sync::Arc;
use std::time::{Duration, Instant};

use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::FrameOptions;
use egress25_packet_filter::sieve::{Ruling, Vectors, touch};
use egress25_packet_filter::table::{NetworkId, Table};
use serde::Serialize;

use crate::args::{BenchArgs, BenchFormat};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output;
use libpcap::Libpcap;
use packets::Packets;

/// How long everybody goes on in a round at least.
const ROUND: Duration = Duration::from_millis(20);

/// The figures.
#[derive(Debug, Serialize)]
struct Figures {
    source: String,
    packets: usize,
    bytes: u64,
    /// Packets that get a verdict.
    judged: u64,
    rounds: u32,
    contenders: Vec<Figure>,
}

/// One contender's.
#[derive(Debug, Serialize)]
struct Figure {
    name: String,
    nanoseconds_per_packet: f64,
    million_packets_per_second: f64,
    gigabytes_per_second: f64,
    /// How many times as fast as libpcap's filter, the median of the rounds.
    times_libpcap: Option<f64>,
    /// Candidates that it found, for who looks for any.
    found: Option<u64>,
}

/// Measures.
///
/// # Errors
/// A file is bad, or the figures cannot be written.
pub fn run(args: &BenchArgs, console: &mut Console) -> Result<(), Failure> {
    let (packets, table, network) = packets::load(args)?;
    if packets.is_empty() {
        return Err(Failure::Usage("there is no packet to measure with".to_owned()));
    }
    let libpcap = packets.is_ethernet().then(Libpcap::load).flatten();
    if libpcap.is_none() {
        console.note("libpcap is not installed, or the packets are not Ethernet: not compared");
    }
    let (times, judged, found) = measure(args, &packets, &table, network, libpcap.as_ref());
    let figures = figures(args, &packets, &times, judged, found);
    match args.format {
        BenchFormat::Json => output::json(console, &output::Versioned::new(&figures)),
        BenchFormat::Human => human(&figures, console),
    }
}

/// One contender's times, in nanoseconds a packet, round by round.
struct ContenderTimes {
    name: String,
    nanos: Vec<f64>,
}

fn measure(
    args: &BenchArgs,
    packets: &Packets,
    table: &Arc<Table>,
    network: Option<NetworkId>,
    libpcap: Option<&Libpcap>,
) -> (Vec<ContenderTimes>, u64, Option<u64>) {
    let levels: Vec<Vectors> =
        Vectors::ALL.iter().rev().copied().filter(|level| level.is_here()).collect();
    let mut rulings: Vec<Ruling> = Vec::new();
    let (mut judged, mut found) = (0, None);
    let names = levels.iter().map(|level| format!("egress25, {level}"));
    let names = names.chain(["header touch".to_owned()]);
    let mut all: Vec<ContenderTimes> = names
        .chain(libpcap.map(|_| "libpcap".to_owned()))
        .map(|name| ContenderTimes { name, nanos: Vec::new() })
        .collect();
    for _ in 0..args.rounds.get() {
        for (at, times) in all.iter_mut().enumerate() {
            let nanos = match (levels.get(at), libpcap) {
                (Some(level), _) => {
                    let mut filter = Filter::new(table.clone(), FrameOptions::default());
                    filter.set_vectors(*level);
                    filter.set_network(network);
                    let nanos = clock(packets, || {
                        let before = filter.counters().judged();
                        for frames in packets.batches() {
                            filter.judge(&frames, &mut rulings);
                        }
                        judged = filter.counters().judged().saturating_sub(before);
                    });
                    std::hint::black_box(&rulings);
                    nanos
                }
                (None, Some(libpcap)) if at > levels.len() => clock(packets, || {
                    let frames = packets.batches().flat_map(|frames| frames.iter());
                    let hits = frames.map(|frame| u64::from(libpcap.fits(&frame))).sum();
                    found = Some(hits);
                }),
                _ => clock(packets, || {
                    for frames in packets.batches() {
                        std::hint::black_box(touch(&frames));
                    }
                }),
            };
            times.nanos.push(nanos);
        }
    }
    (all, judged, found)
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

fn figures(
    args: &BenchArgs,
    packets: &Packets,
    times: &[ContenderTimes],
    judged: u64,
    found: Option<u64>,
) -> Figures {
    let libpcap = times.iter().find(|times| times.name == "libpcap");
    let bytes = packets.bytes();
    let count = f64::from(u32::try_from(packets.len()).unwrap_or(u32::MAX));
    let each = f64::from(u32::try_from(bytes / 1000).unwrap_or(u32::MAX)) * 1000.0 / count;
    let contenders = times.iter().map(|one| {
        let nanos = median(one.nanos.iter().copied());
        let ratios = libpcap.map(|libpcap| {
            median(libpcap.nanos.iter().zip(&one.nanos).map(|(theirs, ours)| theirs / ours))
        });
        Figure {
            name: one.name.clone(),
            nanoseconds_per_packet: nanos,
            million_packets_per_second: 1e3 / nanos,
            gigabytes_per_second: each / nanos,
            times_libpcap: ratios,
            found: match one.name.as_str() {
                "libpcap" => found,
                "header touch" => None,
                _ => Some(judged),
            },
        }
    });
    Figures {
        source: packets.source().to_owned(),
        packets: packets.len(),
        bytes,
        judged,
        rounds: args.rounds.get(),
        contenders: contenders.collect(),
    }
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = numbers.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

fn human(figures: &Figures, console: &mut Console) -> Result<(), Failure> {
    let Figures { source, packets, judged, rounds, .. } = figures;
    console.line(format!(
        "{source}: {packets} packets, {judged} judged; medians of {rounds} rounds, one thread"
    ))?;
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    let rows = figures.contenders.iter().map(|one| {
        [
            one.name.clone(),
            format!("{:.2}", one.nanoseconds_per_packet),
            format!("{:.1}", one.million_packets_per_second),
            format!("{:.1}", one.gigabytes_per_second),
            or_dash(one.times_libpcap.map(|times| format!("{times:.1}"))),
            or_dash(one.found.map(|found| found.to_string())),
        ]
    });
    let header = ["", "ns/packet", "Mpps", "GB/s", "times libpcap", "found"];
    output::write_rows(console, &header, rows)
}
