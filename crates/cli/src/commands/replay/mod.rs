//! `replay`: every SYN to port 25 of a capture, judged.

pub(super) mod batches;
mod connecting;
mod expect;
mod human;
mod judge;
mod page;
mod report;
mod resolve;
mod row;
mod sinks;
mod summary;
mod timings;
mod tunnels;

use std::path::Path;

use egress25_packet_filter::capture::{
    COPY_MARK, CaptureBatch, CaptureError, CaptureReader, Item, Warning,
};
use egress25_packet_filter::sieve::Ruling;

use crate::args::{ReplayArgs, ReportFormat};
use crate::commands::connections::counts::DescribedConnection;
use crate::commands::connections::row::ConnectionRow;
use crate::commands::connections::{next_steps, today};
use crate::read::capture;
use crate::read::edition::ChosenEdition;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::html;
use crate::say::progress::Progress;
use crate::signals;
use connecting::Connecting;
use expect::{Expected, Golden};
use judge::ReplayJudge;
use page::Found;
use report::ReplayReport;
use resolve::{ReplayPlan, resolve};
use sinks::{Fate, Outputs, Sinks};
use summary::Summary;
use timings::Stopwatch;

/// Judges a capture.
///
/// # Errors
/// A file is bad or cannot be written, or the rows are not the expected ones.
pub fn run(args: &ReplayArgs, console: &mut Console) -> Result<(), Failure> {
    let watch = Stopwatch::start();
    let outputs = Outputs::claim(args)?;
    let plan = resolve(args, outputs.take_stdout())?;
    if capture::is_piped(&plan.capture) {
        // Connections, the summary and files come at the end, which Ctrl-C brings about: it ends
        // who writes the capture, too.
        signals::outlive_interrupt()?;
    }
    let mut reader = capture::open(&plan.capture)?;
    let mut judge = ReplayJudge::new(&plan)?;
    let title = format!(
        "{COPY_MARK}`{}` by `{}`, edition {}",
        file_name(reader.name()),
        file_name(plan.inventory.name()),
        plan.edition.name().id
    );
    let mut sinks = outputs.create(reader.format().container, &title)?;
    let mut expected = Expected::open(args)?;
    let describes = plan.describes_connections() || expected.connections.is_some();
    // What hangs on a bound contradicts nothing, and that only the whole answer tells.
    let tells = describes || judge.has_bounds()?;
    let mut connecting = plan.tracks_connections.then(|| Connecting::new(&plan, tells));
    let mut progress = Progress::new(console, &reader);
    let mut report = ReplayReport::begin(&plan, &reader, console)?;
    let mut summary = Summary::default();
    let stopped = {
        let mut replay = Replay {
            plan: &plan,
            judge: &mut judge,
            sinks: &mut sinks,
            golden: expected.packets.as_mut(),
            connecting: connecting.as_mut(),
            report: &mut report,
            summary: &mut summary,
            watch,
        };
        let stopped = replay.run(&mut reader, console, &mut progress)?;
        summary.timings = args.timings.then(|| replay.watch.end(&reader));
        stopped
    };
    progress.end();
    let (connections, counts) = connecting.map(Connecting::finish).unzip();
    summary.connections = counts;
    summarise(&mut summary, (&plan, &judge), (&reader, &sinks), stopped.is_none())?;
    for warning in &summary.warnings {
        console.warn(warning);
    }
    let connections = connections.unwrap_or_default();
    let is_shown = |one: &&DescribedConnection| one.has(|verdict, by| plan.shows(verdict, by));
    let by_date = matches!(plan.edition, ChosenEdition::ByDate);
    // Where nobody reads rows, none is built.
    let read = if describes { &connections[..] } else { &[] };
    let rows = read.iter().filter(is_shown).map(|one| ConnectionRow::of(one, by_date));
    let rows: Vec<_> = rows.collect();
    if plan.rows_are_connections {
        report.connections(&rows, console)?;
    }
    report.end(&summary, &plan.edition.name(), console)?;
    let (plan, summary) = (&plan, &summary);
    let found = Found { plan, summary, connections: &connections, rows: &rows, reader: &reader };
    conclude(&found, &mut judge, console)?;
    if let Some(timings) = &summary.timings {
        timings.lines(summary.packets).iter().for_each(|line| console.advise(line));
    }
    if let Some(error) = stopped {
        // The written captures would not be whole: they are left away.
        return Err(error.into());
    }
    if let Some(failure) = summary.nothing_understood() {
        return Err(failure);
    }
    sinks.finish()?;
    expected.finish(&rows, console)?;
    args.rows.fail_on.iter().find_map(|on| summary.failure(*on)).map_or(Ok(()), Err)
}

/// Writes for people what to do, or the page that has everything.
fn conclude(
    found: &Found<'_>,
    judge: &mut ReplayJudge,
    console: &mut Console,
) -> Result<(), Failure> {
    match found.plan.format {
        ReportFormat::Human if !found.plan.stdout_taken => {
            let today = found.summary.today.as_ref();
            let (inventory, examples) = judge.examples_in();
            let steps = next_steps::of(inventory, examples, found.connections, today)?;
            next_steps::write(console, &steps)
        }
        ReportFormat::Html => html::write(console, &page::of(found, judge)?),
        _ => Ok(()),
    }
}

/// Brings the counts of a replay together.
fn summarise(
    summary: &mut Summary,
    (plan, judge): (&ReplayPlan, &ReplayJudge),
    (reader, sinks): (&CaptureReader, &Sinks),
    is_whole: bool,
) -> Result<(), Failure> {
    for warning in reader.warnings() {
        summary.warnings.push(warning.to_string());
    }
    summary.warnings.extend(sinks.warning());
    let whole = is_whole && !reader.warnings().iter().any(Warning::is_cut);
    let time = summary.first.zip(summary.last).filter(|_| judge.counters().judged() > 0);
    let other_time = time.map(|(first, last)| plan.edition.of_another_time(first, last));
    let examples = judge.examples().found();
    summary.today = today::of(&plan.inventory, &plan.edition, judge.inventory(), examples)?;
    let tunnels = tunnels::count(plan, judge);
    let other_time = other_time.transpose()?.flatten();
    summary.close(judge, reader.name(), whole, tunnels, plan.described, other_time);
    summary.warn_of_connections();
    Ok(())
}

fn file_name(path: &str) -> String {
    let name = Path::new(path).file_name();
    name.map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// What a replay works with.
struct Replay<'a> {
    plan: &'a ReplayPlan,
    judge: &'a mut ReplayJudge,
    sinks: &'a mut Sinks,
    golden: Option<&'a mut Golden>,
    connecting: Option<&'a mut Connecting>,
    report: &'a mut ReplayReport,
    summary: &'a mut Summary,
    watch: Stopwatch,
}

impl Replay<'_> {
    /// Goes through the capture; the error that it stopped at, if it did.
    fn run(
        &mut self,
        reader: &mut CaptureReader,
        console: &mut Console,
        progress: &mut Progress,
    ) -> Result<Option<CaptureError>, Failure> {
        self.watch.loaded(reader);
        loop {
            let batch = reader.next_batch();
            self.watch.lap(|timings| &mut timings.walk);
            match batch {
                Ok(Some(batch)) => self.batch(&batch, console)?,
                Ok(None) => return Ok(None),
                Err(error) => return Ok(Some(error)),
            }
            progress.tick(console, reader.bytes_read())?;
            self.is_wanted(console)?;
        }
    }

    /// Ends the replay where nobody reads the rows any more and they were all that was wanted: the
    /// capture may be one that never ends.
    fn is_wanted(&self, console: &Console) -> Result<(), Failure> {
        let is_asked = self.golden.is_some() || self.connecting.is_some();
        if console.is_unread() && !self.sinks.any() && !is_asked {
            return Err(Failure::ClosedPipe);
        }
        Ok(())
    }

    /// Judges a batch, and shows and writes of it what is asked for.
    fn batch(&mut self, batch: &CaptureBatch<'_>, console: &mut Console) -> Result<(), Failure> {
        let rulings = self.judge.batch(batch)?;
        self.summary.batch(batch, rulings);
        self.watch.lap(|timings| &mut timings.judge);
        if let Some(connecting) = &mut self.connecting {
            connecting.batch(batch, self.judge)?;
        }
        for error in batch.unread() {
            self.summary.not_understood(error);
        }
        // Written captures get every piece in its place; otherwise few packets have to be found.
        if self.sinks.any() {
            for item in batch.items() {
                match item {
                    Item::Packet(place) => self.packet(batch, place, console)?,
                    Item::Block(block) => self.sinks.block(&block)?,
                    Item::Unread(block, _) => self.sinks.unread(&block)?,
                }
            }
        } else if self.plan.shows_packets() || self.golden.is_some() {
            for place in 0..batch.len() {
                if self.is_shown(self.judge.ruling(place)) {
                    self.packet(batch, place, console)?;
                }
            }
        }
        self.watch.lap(|timings| &mut timings.report);
        Ok(())
    }

    /// Whether a packet may have a row that is asked for: what is inside of a tunnel is not known yet.
    fn is_shown(&self, ruling: Ruling) -> bool {
        let is_wanted = |reason| self.plan.shows(ruling.verdict(), reason);
        ruling.has_inside() || ruling.reason().is_some_and(is_wanted)
    }

    fn packet(
        &mut self,
        batch: &CaptureBatch<'_>,
        place: usize,
        console: &mut Console,
    ) -> Result<(), Failure> {
        let Some(record) = batch.record(place) else { return Ok(()) };
        let ruling = self.judge.ruling(place);
        let Self { plan, judge, sinks, golden, report, .. } = self;
        let mut comments = Vec::new();
        let mut fate = Fate::Pass;
        if ruling.is_told() {
            judge.rows(&record, place, &mut |row| {
                let ruled = (row.verdict, Some(row.reason));
                fate = fate.and(ruled, plan.on_indeterminate);
                if sinks.any() {
                    comments.push(row.comment());
                }
                if !plan.shows(row.verdict, row.reason) {
                    return Ok(());
                }
                if let Some(golden) = golden {
                    golden.row((row.packet, row.depth), row)?;
                }
                if plan.shows_packets() { report.packet(row, console) } else { Ok(()) }
            })?;
        }
        sinks.packet(&record, fate, &comments)
    }
}
