//! Replays of a capture, process start and report included.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::{Aim, Failed, note};
use crate::captures::{inventory, write_pcap};
use crate::sets::{Mix, Set};
use crate::timing::median;

const ROUNDS: usize = 5;

/// A command that is measured: what it is called, and its words.
type Timed<'a> = (&'static str, Vec<&'a str>);

/// Measures the built program against others, on one core and on all.
pub(super) fn section(page: &mut String, aims: &mut Vec<Aim>, root: &Path) -> Result<(), Failed> {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root.join("target"), std::path::PathBuf::from);
    let program = target.join("release/egress25");
    if !program.is_file() {
        note("SKIPPED: replays need `cargo build --release -p egress25` first");
        return Ok(());
    }
    note("replay: writing a capture of 1 GiB");
    // What is written goes to memory where that is to be had: discs are not what is measured.
    let shared = Path::new("/dev/shm");
    let folder = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    // A file's pages are mapped in larger pieces than those of shared memory.
    let input = tempfile::tempdir()?;
    let capture = input.path().join("imix.pcap").display().to_string();
    let inventory_file = path("inventory.toml");
    let (passed, dropped, kept) = (path("pass.pcapng"), path("drop.pcapng"), path("kept.pcap"));
    let set = Set::of_bytes(Mix::Imix, 1 << 30, 1_000, 25);
    write_pcap(&set, Path::new(&capture))?;
    std::fs::write(&inventory_file, inventory(200))?;
    let program = program.display().to_string();
    let filter = "tcp dst port 25 and tcp[tcpflags] & (tcp-syn|tcp-ack|tcp-rst) == tcp-syn";
    let tshark = "tcp.dstport == 25 and tcp.flags.syn == 1 and tcp.flags.ack == 0";
    let replay =
        |capture| vec![program.as_str(), "replay", capture, "--inventory", &inventory_file];
    let mut split = replay(capture.as_str());
    split.extend(["--summary", "--pass-to", &passed, "--drop-to", &dropped]);
    let mut summary = replay(capture.as_str());
    summary.push("--summary");
    let timed: Vec<Timed<'_>> = vec![
        ("egress25 replay, one core", one(summary.clone())),
        ("egress25 replay, all cores", summary),
        ("cat", one(vec!["cat", &capture])),
        ("tcpdump, count", one(vec!["tcpdump", "-r", &capture, "--count", filter])),
        ("tcpdump -w", one(vec!["tcpdump", "-r", &capture, "-w", &kept])),
        ("egress25 replay, split, one core", one(split.clone())),
        ("egress25 replay, split", split),
        ("tshark", one(vec!["tshark", "-r", &capture, "-Y", tshark])),
    ];
    let written = [passed.as_str(), dropped.as_str(), kept.as_str()];
    let all = measure(&timed, &written);
    writeln!(
        page,
        "## Replays\n\nA capture of {} packets ({} MB) in the page cache, IMIX; process start \
         and report included. tshark runs once.\n",
        set.list.len(),
        set.bytes.len() / 1_000_000
    )?;
    writeln!(page, "| | ms |\n|---|---|")?;
    for (name, seconds) in &all {
        writeln!(page, "| {name} | {:.0} |", median(seconds) * 1e3)?;
    }
    page.push('\n');
    judge(aims, &all);
    memory(page, aims, &program, &inventory_file, &capture)
}

/// A command on one core.
fn one(words: Vec<&str>) -> Vec<&str> {
    [vec!["taskset", "-c", "0"], words].concat()
}

/// Seconds, round by round.
type Seconds = Vec<f64>;

fn measure(timed: &[Timed<'_>], written: &[&str]) -> Vec<(&'static str, Seconds)> {
    let mut all: Vec<(&'static str, Seconds)> =
        timed.iter().map(|(name, _)| (*name, Vec::new())).collect();
    for round in 0..ROUNDS {
        for ((name, words), (_, seconds)) in timed.iter().zip(&mut all) {
            if round > 0 && name.starts_with("tshark") {
                continue;
            }
            note(&format!("replay, round {round}: {name}"));
            // Nobody has to clear away what the one before has written.
            for file in written {
                let _ = std::fs::remove_file(file);
            }
            let Some((program, arguments)) = words.split_first() else { continue };
            let mut command = Command::new(program);
            command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
            let started = Instant::now();
            if command.status().is_ok_and(|status| status.success()) {
                seconds.push(started.elapsed().as_secs_f64());
            } else {
                note(&format!("SKIPPED: `{name}` cannot be run here"));
            }
        }
    }
    all.retain(|(_, seconds)| !seconds.is_empty());
    all
}

fn judge(aims: &mut Vec<Aim>, all: &[(&'static str, Seconds)]) {
    let of = |name: &str| all.iter().find(|(known, _)| *known == name).map(|(_, s)| median(s));
    let times = |theirs: &str, ours: &str| Some(of(theirs)? / of(ours)?);
    let one = "egress25 replay, one core";
    aims.push(Aim::at_least("replay, one core: cat", 2.0, times("cat", one)));
    aims.push(Aim::at_least("replay, one core: tcpdump", 8.0, times("tcpdump, count", one)));
    aims.push(Aim::at_least("replay, one core: tshark", 500.0, times("tshark", one)));
    let two = times(one, "egress25 replay, all cores");
    aims.push(Aim::at_least("replay: two cores against one", 1.6, two));
    let split = times("tcpdump -w", "egress25 replay, split");
    aims.push(Aim::at_least("replay that splits: tcpdump -w", 2.0, split));
}

/// The most memory of replays: compressed, piped and mapped.
fn memory(
    page: &mut String,
    aims: &mut Vec<Aim>,
    program: &str,
    inventory_file: &str,
    capture: &str,
) -> Result<(), Failed> {
    let script =
        format!("cat {capture} | {program} replay - --inventory {inventory_file} --summary");
    let piped = peak(&script);
    let script =
        format!("gzip -1 -c {capture} | {program} replay - --inventory {inventory_file} --summary");
    let gzip = peak(&script);
    let most = piped
        .into_iter()
        .chain(gzip)
        .fold(None, |most: Option<f64>, one| Some(most.map_or(one, |most| most.max(one))));
    if let Some(most) = most {
        writeln!(page, "The most resident memory, piped or compressed: {most:.0} MiB.\n")?;
    }
    aims.push(Aim {
        what: "memory, piped or compressed".to_owned(),
        aim: "< 256 MiB".to_owned(),
        measured: most.map_or_else(|| "-".to_owned(), |most| format!("{most:.0} MiB")),
        reached: most.map(|most| most < 256.0),
    });
    Ok(())
}

/// The most resident memory of any process of a script, in MiB, as GNU time tells it.
fn peak(script: &str) -> Option<f64> {
    let output =
        Command::new("/usr/bin/time").args(["-f", "%M", "sh", "-c", script]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stderr);
    text.lines().last()?.trim().parse::<f64>().ok().map(|kib| kib / 1024.0)
}
