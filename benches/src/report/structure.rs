//! The look-up structure: growth, memory, updates.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use egress25_packet_filter::sieve::Vectors;
use egress25_packet_filter::table::Table;

use super::{Aim, Failed, note, plots};
use crate::contenders::{Contender, Ours};
use crate::sets::{Mix, Set};
use crate::timing::{hundredths, median, nanos_each};
use crate::{tables, update};

const SIZES: [u32; 4] = [1_000, 100_000, 1_000_000, 10_000_000];
const SYNS: usize = 1 << 16;
const ROUNDS: usize = 15;

/// Measures tables of several sizes, then updates.
pub(super) fn section(page: &mut String, aims: &mut Vec<Aim>, dir: &Path) -> Result<(), Failed> {
    writeln!(
        page,
        "## Looking up senders\n\nRandom senders, each the source of a SYN to port 25 that is judged: look-up and verdict.\n"
    )?;
    writeln!(page, "| machines | ns | bytes a machine | building, ms |\n|---|---|---|---|")?;
    let mut worst = 0.0_f64;
    let mut all = Vec::new();
    for machines in SIZES {
        note(&format!("look-up: building for {machines} machines"));
        let started = Instant::now();
        let table = tables::of_machines(machines)?;
        all.push((machines, table, started.elapsed().as_secs_f64() * 1e3));
    }
    note("look-up");
    let nanos = look_up(&all);
    let mut points = Vec::new();
    for ((machines, table, building), nanos) in all.iter().zip(&nanos) {
        let bytes = f64::from(u32::try_from(table.v4_bucket_bytes())?) / f64::from(*machines);
        worst = worst.max(bytes);
        let nanos = hundredths(median(nanos));
        writeln!(page, "| {machines} | {nanos:.2} | {bytes:.2} | {building:.0} |")?;
        points.push((f64::from(*machines), nanos));
    }
    plots::growth(&dir.join("look-up.svg"), &points)?;
    writeln!(page, "\n![look-up by table size](performance/look-up.svg)\n")?;
    let growth = points.last().zip(points.first()).map(|((_, last), (_, first))| last / first);
    aims.push(Aim::at_most("look-up, 1k to 10M machines", 4.0, growth));
    aims.push(Aim {
        what: "bytes a machine, IPv4".to_owned(),
        aim: "≤ 12".to_owned(),
        measured: format!("{worst:.2}"),
        reached: Some(worst <= 12.0),
    });
    updates(page, aims)
}

/// Nanoseconds a SYN that is judged, round by round; the tables take turns.
fn look_up(all: &[(u32, Arc<Table>, f64)]) -> Vec<Vec<f64>> {
    let mut rounds = vec![Vec::new(); all.len()];
    for round in 0..ROUNDS {
        for ((machines, table, _), nanos) in all.iter().zip(&mut rounds) {
            let set = Set::new(Mix::All, SYNS, *machines, u64::try_from(round).unwrap_or(0));
            let mut ours = Ours::new(table, Vectors::best());
            let started = Instant::now();
            ours.go(&set);
            nanos.push(nanos_each(started.elapsed(), SYNS));
        }
    }
    rounds
}

fn updates(page: &mut String, aims: &mut Vec<Aim>) -> Result<(), Failed> {
    const MACHINES: u32 = 100_000;
    note("updates under load");
    let table = tables::of_machines(MACHINES)?;
    let set = Set::new(Mix::Half, 1 << 16, MACHINES, 25);
    let mut ours = Ours::new(&table, Vectors::best());
    let mut ratios = Vec::new();
    let mut rate = 0.0;
    for _ in 0..ROUNDS {
        let mut one = |per_second: u32| {
            let mut nanos = 0.0;
            let mut seconds = 0.0;
            let updates = update::while_updating(&table, MACHINES, per_second, || {
                let started = Instant::now();
                let mut packets = 0;
                while started.elapsed() < Duration::from_millis(60) {
                    ours.go(&set);
                    packets += set.list.len();
                }
                seconds = started.elapsed().as_secs_f64();
                nanos = nanos_each(started.elapsed(), packets);
            });
            (nanos, f64::from(u32::try_from(updates).unwrap_or(u32::MAX)) / seconds)
        };
        let (idle, _) = one(0);
        let (busy, reached) = one(100_000);
        ratios.push(busy / idle);
        rate = reached;
    }
    let ratio = median(&ratios);
    writeln!(
        page,
        "## Updates\n\nHalf SYN/25, 64k packets, another thread replacing {rate:.0} entries a \
         second: {ratio:.3} × the time without. A replaced entry counts from the next batch on \
         (a test shows it).\n"
    )?;
    aims.push(Aim::at_most("time under 100k updates a second", 1.05, Some(ratio)));
    Ok(())
}
