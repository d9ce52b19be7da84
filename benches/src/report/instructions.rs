//! Instruction counts, which do not depend on noise.

use std::fmt::Write as _;
use std::process::Command;

use egress25_packet_filter::sieve::Vectors;

use super::{Failed, note};
use crate::contenders::{Contender, Ours, Touch};
use crate::peers;
use crate::sets::{Mix, Set};
use crate::tables;

const PACKETS: usize = 1 << 14;
const MACHINES: u32 = 1_000;
const ROUNDS: u32 = 8;

/// Goes through a set so often: what is run under callgrind.
///
/// # Errors
/// An argument is none of those that `section` gives.
pub fn count(arguments: &[String]) -> Result<(), Failed> {
    let (name, mix, rounds, sizes) = match arguments {
        [name, mix, rounds] => (name, mix, rounds, None),
        [name, mix, rounds, packets, machines] => (name, mix, rounds, Some((packets, machines))),
        _ => {
            let expected = "a contender, a mix, a number of rounds and, if you like, of packets \
                            and of machines";
            return Err(format!("expected {expected}").into());
        }
    };
    let (packets, machines) = match sizes {
        Some((packets, machines)) => (packets.parse()?, machines.parse()?),
        None => (PACKETS, MACHINES),
    };
    let mix = Mix::ALL.into_iter().find(|known| known.name() == mix).ok_or("no such mix")?;
    let set = Set::new(mix, packets, machines, 25);
    let table = tables::of_machines(machines)?;
    let mut contender: Box<dyn Contender> = match name.as_str() {
        "touch" => Box::new(Touch),
        "scalar" => Box::new(Ours::new(&table, Vectors::Scalar)),
        "AVX2" => Box::new(Ours::new(&table, Vectors::Avx2)),
        "AVX-512" => Box::new(Ours::new(&table, Vectors::Avx512)),
        "pnet" => Box::new(peers::pnet::PnetCheck),
        "etherparse" => Box::new(peers::etherparse_map::EtherparseAndMap::new(machines)),
        #[cfg(feature = "libpcap")]
        "bpf_filter" => Box::new(peers::bpf::BpfFilter::new()?),
        _ => return Err(format!("no contender `{name}`").into()),
    };
    for _ in 0..rounds.parse::<u32>()? {
        std::hint::black_box(contender.go(&set));
    }
    Ok(())
}

/// Counts all contenders' instructions, where valgrind is installed.
pub(super) fn section(page: &mut String) -> Result<(), Failed> {
    let names = ["touch", "scalar", "AVX2", "bpf_filter", "pnet", "etherparse"];
    if collected("touch", Mix::All, 0).is_none() {
        note("SKIPPED: valgrind is not installed; no instruction counts");
        return Ok(());
    }
    writeln!(
        page,
        "## Instructions a packet\n\nCounted by callgrind, which knows no AVX-512.\n\n\
         | | IMIX | half SYN/25 | all SYN/25 |\n|---|---|---|---|"
    )?;
    for name in names {
        note(&format!("instructions: {name}"));
        let each = Mix::ALL.map(|mix| {
            let (none, some) = (collected(name, mix, 0)?, collected(name, mix, ROUNDS)?);
            let packets = f64::from(ROUNDS) * f64::from(u32::try_from(PACKETS).ok()?);
            Some((some - none) / packets)
        });
        let cells =
            each.map(|each| each.map_or_else(|| "-".to_owned(), |each| format!("{each:.1}")));
        writeln!(page, "| {name} | {} |", cells.join(" | "))?;
    }
    page.push('\n');
    Ok(())
}

/// The instructions of a run, as callgrind counts them.
fn collected(name: &str, mix: Mix, rounds: u32) -> Option<f64> {
    let program = std::env::current_exe().ok()?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .args(["count", name, mix.name(), &rounds.to_string()])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stderr);
    let (_, count) = text.lines().find(|line| line.contains("Collected"))?.split_once(" : ")?;
    count.trim().parse().ok()
}
