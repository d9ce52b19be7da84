//! Classifying, against floors and peers.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use egress25_packet_filter::sieve::Vectors;

use super::{Aim, Failed, note, plots};
use crate::contenders::{Contender, Ours, Sum, Touch};
use crate::peers;
use crate::sets::{Mix, Set};
use crate::tables;
use crate::timing::{Times, rounds};

const MACHINES: u32 = 100_000;

/// The names that ratios are asked for by.
const TOUCH: &str = "header touch";
const SUM: &str = "memory sum";

fn contenders(set: &Set) -> Result<Vec<Box<dyn Contender + '_>>, Failed> {
    let table = tables::of_machines(MACHINES)?;
    let mut all: Vec<Box<dyn Contender + '_>> = vec![Box::new(Touch), Box::new(Sum)];
    for level in Vectors::ALL.iter().filter(|level| level.is_here()) {
        all.push(Box::new(Ours::new(&table, *level)));
    }
    #[cfg(feature = "libpcap")]
    all.push(Box::new(peers::bpf::BpfFilter::new()?));
    compiled(set, &mut all)?;
    all.push(Box::new(peers::pnet::PnetCheck));
    all.push(Box::new(peers::etherparse_map::EtherparseAndMap::new(MACHINES)));
    Ok(all)
}

/// Measures the mixes, in the cache and in memory.
pub(super) fn section(page: &mut String, aims: &mut Vec<Aim>, dir: &Path) -> Result<(), Failed> {
    writeln!(
        page,
        "## Judging\n\nThe stage on packets in memory; {MACHINES} machines; nanoseconds a packet.\n"
    )?;
    for mix in Mix::ALL {
        for memory in [false, true] {
            let set = if memory {
                Set::of_bytes(mix, 1 << 30, MACHINES, 25)
            } else {
                Set::new(mix, 1 << 16, MACHINES, 25)
            };
            let place = if memory { "1 GiB" } else { "64k packets" };
            note(&format!("classify: {}, {place}", mix.name()));
            let times = rounds(&set, &mut contenders(&set)?, 7, Duration::from_millis(30))?;
            writeln!(page, "### {}, {place} ({} packets)\n", mix.name(), set.list.len())?;
            table(page, &times)?;
            let file = plots::file_name(mix.name(), place);
            plots::bars(&dir.join(&file), &format!("{}, {place}", mix.name()), &times)?;
            writeln!(page, "\n![{}, {place}](performance/{file})\n", mix.name())?;
            judge(aims, mix, memory, &times);
        }
    }
    against_rules(page, aims)
}

/// How many machines egress25 knows where it is measured against rules.
const RULED: u32 = 10_000;

/// Measures against `rte_acl`, whose rules are fewer than the machines above.
fn against_rules(page: &mut String, aims: &mut Vec<Aim>) -> Result<(), Failed> {
    writeln!(page, "### {RULED} machines or rules\n")?;
    for (mix, memory) in Mix::ALL.into_iter().flat_map(|mix| [(mix, false), (mix, true)]) {
        let set = if memory {
            Set::of_bytes(mix, 1 << 30, RULED, 25)
        } else {
            Set::new(mix, 1 << 16, RULED, 25)
        };
        let place = if memory { "1 GiB" } else { "64k" };
        let name = format!("{}, {place}: rte_acl with {RULED} rules", mix.name());
        let Some(mut all) = ruled()? else {
            aims.push(Aim::at_least(&name, 4.0, None));
            continue;
        };
        note(&format!("classify: {name}"));
        let times = rounds(&set, &mut all, 7, Duration::from_millis(30))?;
        writeln!(page, "{}, {place}:\n", mix.name())?;
        table(page, &times)?;
        page.push('\n');
        if let [.., ours, theirs] = times.as_slice() {
            aims.push(Aim::at_least(&name, 4.0, Some(theirs.ratio_to(ours))));
        }
    }
    Ok(())
}

/// egress25 and `rte_acl`, in this order at the end; `None` without the feature.
#[cfg(feature = "dpdk")]
fn ruled() -> Result<Option<Vec<Box<dyn Contender>>>, Failed> {
    let ours = Ours::new(&tables::of_machines(RULED)?, Vectors::best());
    let theirs = peers::acl::RteAcl::new(RULED)?;
    Ok(Some(vec![Box::new(Touch), Box::new(Sum), Box::new(ours), Box::new(theirs)]))
}

#[cfg(not(feature = "dpdk"))]
fn ruled() -> Result<Option<Vec<Box<dyn Contender>>>, Failed> {
    note("SKIPPED: built without the feature `dpdk`");
    Ok(None)
}

/// Adds the filter as machine code, without and with headers fetched ahead.
#[cfg(feature = "dpdk")]
fn compiled<'a>(set: &'a Set, all: &mut Vec<Box<dyn Contender + 'a>>) -> Result<(), Failed> {
    for one in peers::jit::RteBpf::both(set)? {
        all.push(Box::new(one));
    }
    Ok(())
}

#[cfg(not(feature = "dpdk"))]
#[expect(clippy::unnecessary_wraps, reason = "with the feature it may fail")]
fn compiled<'a>(_: &'a Set, _: &mut Vec<Box<dyn Contender + 'a>>) -> Result<(), Failed> {
    note("SKIPPED: built without the feature `dpdk`");
    Ok(())
}

fn table(page: &mut String, times: &[Times]) -> Result<(), Failed> {
    let of = |name: &str| times.iter().find(|times| times.name.starts_with(name));
    let ours = of(&ours());
    writeln!(
        page,
        "| | ns | 25 to 75 % | × touch | × sum | egress25 is faster by |\n|---|---|---|---|---|---|"
    )?;
    for one in times {
        let ratio = |other: Option<&Times>| {
            other.map_or_else(|| "-".to_owned(), |other| format!("{:.2}", one.ratio_to(other)))
        };
        writeln!(
            page,
            "| {} | {:.2} | {} | {} | {} | {} |",
            one.name,
            one.median(),
            one.range(),
            ratio(of(TOUCH)),
            ratio(of(SUM)),
            ratio(ours)
        )?;
    }
    Ok(())
}

/// Our best level's name.
fn ours() -> String {
    format!("egress25, {}", Vectors::best())
}

fn judge(aims: &mut Vec<Aim>, mix: Mix, memory: bool, times: &[Times]) {
    let of = |name: &str| times.iter().find(|times| times.name.starts_with(name));
    let Some(ours) = of(&ours()) else { return };
    let against = |name: &str| of(name).map(|other| ours.ratio_to(other));
    let faster = |name: &str| of(name).map(|other| other.ratio_to(ours));
    let mut add = |aim: Aim| aims.push(aim);
    match (mix, memory) {
        (Mix::Imix, true) => {
            add(Aim::at_most("IMIX, 1 GiB: touch", 1.15, against(TOUCH)));
            add(Aim::at_least("IMIX, 1 GiB: bpf_filter", 4.5, faster("libpcap")));
            add(Aim::at_least("IMIX, 1 GiB: compiled BPF", 5.0, faster("DPDK rte_bpf")));
        }
        (Mix::Imix, false) => {
            add(Aim::at_most("IMIX, 64k: touch", 1.25, against(TOUCH)));
            add(Aim::at_least("IMIX, 64k: bpf_filter", 9.0, faster("libpcap")));
            add(Aim::at_least("IMIX, 64k: compiled BPF", 5.0, faster("DPDK rte_bpf")));
            add(Aim::at_least("IMIX, 64k: pnet", 6.0, faster("pnet")));
        }
        (Mix::All, true) => {
            add(Aim::at_most("all SYN/25, 1 GiB: memory sum", 2.0, against(SUM)));
            add(Aim::at_least("all SYN/25, 1 GiB: bpf_filter", 2.5, faster("libpcap")));
            add(Aim::at_least("all SYN/25, 1 GiB: etherparse + HashMap", 15.0, faster("ether")));
        }
        _ => {}
    }
}
