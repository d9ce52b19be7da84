//! Replays of captures, process start and report included.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use super::{Aim, Failed, note};
use crate::captures::{inventory, write_pcap};
use crate::sets::{Mix, Set};
use crate::timing::{hundredths, median};

const ROUNDS: usize = 7;

/// What tcpdump and tshark let through.
const FILTER: &str = "tcp dst port 25 and tcp[tcpflags] & (tcp-syn|tcp-ack|tcp-rst) == tcp-syn";
const DISPLAY_FILTER: &str = "tcp.dstport == 25 and tcp.flags.syn == 1 and tcp.flags.ack == 0";

/// A command that is measured.
struct Timed<'a> {
    name: &'static str,
    words: Vec<&'a str>,
    /// A file that it gets from a pipe, which `cat` fills.
    piped: Option<&'a str>,
    rounds: usize,
}

/// What a command took, round by round, in milliseconds.
#[derive(Debug, Default)]
struct Taken {
    name: &'static str,
    cpu: Vec<f64>,
    elapsed: Vec<f64>,
}

impl Taken {
    fn cpu(&self) -> f64 {
        hundredths(median(&self.cpu))
    }

    fn elapsed(&self) -> f64 {
        hundredths(median(&self.elapsed))
    }
}

/// Measures the built program against others.
pub(super) fn section(page: &mut String, aims: &mut Vec<Aim>, root: &Path) -> Result<(), Failed> {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    let target = target.map_or_else(|| root.join("target"), std::path::PathBuf::from);
    let program = target.join("release/egress25");
    if !program.is_file() {
        note("SKIPPED: replays need `cargo build --release -p egress25` first");
        return Ok(());
    }
    // What is written goes to memory where that is to be had: discs are not what is measured.
    let shared = Path::new("/dev/shm");
    let folder = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }?;
    let input = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (program, known) = (program.display().to_string(), path("inventory.toml"));
    std::fs::write(&known, inventory(200))?;
    writeln!(
        page,
        "## Replays\n\nOf files in the page cache; process start, inventory (200 machines) and \
         report included. CPU time is the command's own, of all its threads, as the system counts \
         it; from a pipe, that of the reader alone. tshark runs once.\n"
    )?;
    for (mix, packets) in [(Mix::Imix, (1 << 30) / 378), (Mix::All, 1 << 20)] {
        note(&format!("replay: writing a capture of {}", mix.name()));
        let capture = input.path().join("packets.pcap").display().to_string();
        let set = Set::new(mix, packets, 1_000, 25);
        write_pcap(&set, Path::new(&capture))?;
        let written = ["pass.pcapng", "drop.pcapng", "kept.pcap"].map(path);
        let timed = commands(mix, &program, &known, &capture, &written);
        let all = measure(&timed, &written);
        let megabytes = set.bytes.len() / 1_000_000;
        let packets = set.list.len();
        writeln!(page, "### {}, {packets} packets ({megabytes} MB)\n", mix.name())?;
        writeln!(page, "| | CPU ms | elapsed ms |\n|---|---|---|")?;
        for one in &all {
            writeln!(page, "| {} | {:.2} | {:.2} |", one.name, one.cpu(), one.elapsed())?;
        }
        page.push('\n');
        judge(aims, mix, &all);
        if mix == Mix::Imix {
            memory(page, aims, &program, &known, &capture)?;
        }
    }
    Ok(())
}

const ONE: &str = "egress25 replay";
const COUNT: &str = "tcpdump --count";
const PIPE: &str = "egress25 replay, from a pipe";
const PIPE_COUNT: &str = "tcpdump --count, from a pipe";
const SPLIT: &str = "egress25 replay, split into two captures";
const WRITE: &str = "tcpdump -w, one capture";

/// Who goes through a capture.
fn commands<'a>(
    mix: Mix,
    program: &'a str,
    known: &'a str,
    capture: &'a str,
    [passed, dropped, kept]: &'a [String; 3],
) -> Vec<Timed<'a>> {
    let replay = |capture: &'a str, more: &[&'a str]| {
        // For people it reads answers, too.
        let counts = ["--summary", "--format", "json"];
        let words = [program, "replay", capture, "--inventory", known];
        [words.as_slice(), &counts, more].concat()
    };
    let file = |name, words| Timed { name, words, piped: None, rounds: ROUNDS };
    let pipe = |name, words| Timed { name, words, piped: Some(capture), rounds: ROUNDS };
    let mut all = vec![
        file(ONE, replay(capture, &[])),
        file(COUNT, vec!["tcpdump", "-r", capture, "--count", FILTER]),
        pipe(PIPE, replay("-", &[])),
        pipe(PIPE_COUNT, vec!["tcpdump", "-r", "-", "--count", FILTER]),
    ];
    if mix == Mix::Imix {
        let tshark = vec!["tshark", "-r", capture, "-Y", DISPLAY_FILTER];
        all.push(file("cat", vec!["cat", capture]));
        all.push(file(SPLIT, replay(capture, &["--pass-to", passed, "--drop-to", dropped])));
        all.push(file(WRITE, vec!["tcpdump", "-r", capture, "-w", kept]));
        all.push(Timed { rounds: 1, ..file("tshark", tshark) });
    }
    all
}

fn measure(timed: &[Timed<'_>], written: &[String]) -> Vec<Taken> {
    let new = |one: &Timed<'_>| Taken { name: one.name, ..Taken::default() };
    let mut all: Vec<Taken> = timed.iter().map(new).collect();
    for round in 0..ROUNDS {
        for (one, taken) in timed.iter().zip(&mut all).filter(|(one, _)| round < one.rounds) {
            note(&format!("replay, round {round}: {}", one.name));
            // Nobody has to clear away what the one before has written.
            for file in written {
                let _ = std::fs::remove_file(file);
            }
            let Some((cpu, elapsed)) = run(one) else {
                note(&format!("SKIPPED: `{}` cannot be run here", one.name));
                continue;
            };
            taken.cpu.push(cpu.as_secs_f64() * 1e3);
            taken.elapsed.push(elapsed.as_secs_f64() * 1e3);
        }
    }
    all.retain(|taken| !taken.cpu.is_empty());
    all
}

/// Runs a command: its CPU time, and the time that has gone by.
fn run(timed: &Timed<'_>) -> Option<(Duration, Duration)> {
    let (program, arguments) = timed.words.split_first()?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut cat = None;
    if let Some(file) = timed.piped {
        let mut filled = Command::new("cat").arg(file).stdout(Stdio::piped()).spawn().ok()?;
        command.stdin(filled.stdout.take()?);
        cat = Some(filled);
    }
    let (before, started) = (children()?, Instant::now());
    let mut child = command.spawn().ok();
    // What holds the reading end, too, would keep `cat` waiting.
    drop(command);
    let status = child.as_mut().and_then(|child| child.wait().ok());
    // `cat` has not been waited for, so its time is not among that of the children.
    let taken = (children()?.saturating_sub(before), started.elapsed());
    if let Some(mut cat) = cat {
        cat.wait().ok()?;
    }
    status.filter(std::process::ExitStatus::success).map(|_| taken)
}

/// The CPU time of all children that were waited for.
fn children() -> Option<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).ok()?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Some(Duration::from_micros(u64::try_from(micros).ok()?))
}

fn judge(aims: &mut Vec<Aim>, mix: Mix, all: &[Taken]) {
    let of = |name: &str| all.iter().find(|taken| taken.name == name);
    let cpu = |ours: &str, theirs: &str| Some(of(ours)?.cpu() / of(theirs)?.cpu());
    let elapsed = |ours: &str, theirs: &str| Some(of(ours)?.elapsed() / of(theirs)?.elapsed());
    let mut add = |what: &str, limit: f64, measured: Option<f64>| {
        aims.push(Aim::at_most(&format!("replay, {}: {what}", mix.name()), limit, measured));
    };
    if mix == Mix::Imix {
        add("CPU, tcpdump", 0.45, cpu(ONE, COUNT));
        add("from a pipe, CPU, tcpdump", 0.55, cpu(PIPE, PIPE_COUNT));
        add("split, elapsed, tcpdump -w", 0.5, elapsed(SPLIT, WRITE));
    } else {
        add("CPU, tcpdump", 0.6, cpu(ONE, COUNT));
        add("from a pipe, CPU, tcpdump", 0.6, cpu(PIPE, PIPE_COUNT));
    }
}

/// The most memory of replays of what is piped and compressed.
fn memory(
    page: &mut String,
    aims: &mut Vec<Aim>,
    program: &str,
    inventory_file: &str,
    capture: &str,
) -> Result<(), Failed> {
    const LIMIT: f64 = 64.0;
    let replay = format!("{program} replay - --inventory {inventory_file} --summary --format json");
    let piped = peak(&format!("cat {capture} | {replay}"));
    let gzip = peak(&format!("gzip -1 -c {capture} | {replay}"));
    let most = piped.into_iter().chain(gzip).reduce(f64::max);
    if let Some(most) = most {
        writeln!(page, "The most resident memory, piped or compressed: {most:.0} MiB.\n")?;
    }
    aims.push(Aim {
        what: "memory, piped or compressed".to_owned(),
        aim: format!("≤ {LIMIT} MiB"),
        measured: most.map_or_else(|| "-".to_owned(), |most| format!("{most:.0} MiB")),
        reached: most.map(|most| most <= LIMIT),
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
