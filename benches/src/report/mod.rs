//! The report: everything measured once, as a page with plots.

mod classify;
pub mod instructions;
mod machine;
mod plots;
mod replay;
mod structure;

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// What went wrong.
pub type Failed = Box<dyn Error>;

/// One aim and what was reached.
#[derive(Debug, Clone)]
pub struct Aim {
    /// What is measured.
    what: String,
    /// What was aimed at, as text.
    aim: String,
    /// What was measured.
    measured: String,
    /// Whether it was reached; `None` where it could not be measured here.
    reached: Option<bool>,
}

impl Aim {
    /// "At most so many times".
    fn at_most(what: &str, limit: f64, measured: Option<f64>) -> Self {
        Self::of(what, format!("≤ {limit} ×"), measured, |measured| measured <= limit)
    }

    /// "At least so many times as fast".
    fn at_least(what: &str, limit: f64, measured: Option<f64>) -> Self {
        Self::of(what, format!("≥ {limit} × faster"), measured, |measured| measured >= limit)
    }

    fn of(what: &str, aim: String, measured: Option<f64>, test: impl Fn(f64) -> bool) -> Self {
        Self {
            what: what.to_owned(),
            aim,
            measured: measured.map_or_else(|| "-".to_owned(), |m| format!("{m:.2} ×")),
            reached: measured.map(test),
        }
    }
}

/// Says on stderr what is going on.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "bench-report: {text}");
}

/// The parts of the report.
const PARTS: [&str; 4] = ["classify", "structure", "replay", "instructions"];

/// Measures some parts, whose text and aims it returns.
fn measure(parts: &[&str], root: &Path, plots: &Path) -> Result<(String, Vec<Aim>), Failed> {
    let (mut body, mut aims) = (String::new(), Vec::new());
    for part in parts {
        match *part {
            "classify" => classify::section(&mut body, &mut aims, plots)?,
            "structure" => structure::section(&mut body, &mut aims, plots)?,
            "replay" => replay::section(&mut body, &mut aims, root)?,
            "instructions" => instructions::section(&mut body)?,
            other => return Err(format!("no part `{other}`; there are {PARTS:?}").into()),
        }
    }
    Ok((body, aims))
}

fn table(page: &mut String, aims: &[Aim]) -> Result<(), Failed> {
    writeln!(page, "## Aims\n\n| what | aim | measured | reached |\n|---|---|---|---|")?;
    for Aim { what, aim, measured, reached } in aims {
        let reached = match reached {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "not measured here",
        };
        writeln!(page, "| {what} | {aim} | {measured} | {reached} |")?;
    }
    page.push('\n');
    Ok(())
}

/// Measures and writes `docs/performance.md` and the plots beside it.
///
/// # Errors
/// A peer saw another number of SYNs than there are, or a file cannot be written.
pub fn write(root: &Path) -> Result<(), Failed> {
    let plots = root.join("docs/performance");
    std::fs::create_dir_all(&plots)?;
    let mut page = String::from(HEAD);
    machine::section(&mut page, root)?;
    let (body, aims) = measure(&PARTS, root, &plots)?;
    table(&mut page, &aims)?;
    page.push_str(&body);
    std::fs::write(root.join("docs/performance.md"), page)?;
    Ok(())
}

/// Measures some parts and prints them; nothing is written.
///
/// # Errors
/// As [`write()`], and where there is no such part.
pub fn print(root: &Path, parts: &[String]) -> Result<(), Failed> {
    let plots = tempfile::tempdir()?;
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (mut page, aims) = measure(&parts, root, plots.path())?;
    table(&mut page, &aims)?;
    std::io::stdout().write_all(page.as_bytes())?;
    Ok(())
}

const HEAD: &str = "\
# How fast

Written by `just bench-report` (`cargo install just`; beside Rust it takes libpcap-dev, tcpdump, tshark and
valgrind, and libdpdk-dev for compiled BPF); do not edit. Figures are medians over rounds in which all
contenders take turns, and ratios of two contenders are of the medians that are printed. The machine may be
shared and noisy: where a spread stands beside a median, most rounds lay in it, and only ratios carry
over to another machine. Every contender that looks for SYNs to port 25 has to count the same.

**What these figures were before.** Earlier, this page showed a fast path that no command but
`bench` called. `replay` read a capture in another way, asked the reference again for every packet that was
kept, and built a row for each: 275 ns for a SYN to port 25, 5.3 times the CPU time of tcpdump, where the
page said 5 ns. Its figures were true of a function, and not of the program. Now there is one entry,
`Filter::judge`, for `replay`, the live data paths and `bench`; *Judging* below measures that stage on
packets in memory, and *Replays* the program with everything around it. `egress25 bench` shows both for your
machine, and `egress25 replay --timings` what each stage of a replay took.

*Touch* loads the header lines of every packet, fetched ahead, and does nothing else: nobody who
looks at headers can be faster than memory lets it (but a filter may be, where it needs fewer
lines or overlaps its loads better). *Sum* adds up every byte.

egress25 does all of its work in these figures: every length checked, the sender looked up, the
routes followed, a ruling written for each packet, and all of them counted. Compiled BPF gets its packet
buffers ready made; they are memory that it reads beside the packets.

That it is right: `just long-run` compares it with the reference, frame by frame.

";
