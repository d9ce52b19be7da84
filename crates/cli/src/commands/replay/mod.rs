//! `replay`: every SYN to port 25 of a capture, judged.

pub(super) mod batches;
pub(super) mod by_time;
pub(super) mod examples;
mod expect;
mod human;
mod judge;
mod moments;
mod moving;
mod report;
mod resolve;
mod row;
mod sinks;
mod summary;
mod timings;
mod today;
mod tunnels;

pub use row::PacketRow;
pub use summary::Summary;
pub use timings::Timings;

use std::path::Path;

use egress25_packet_filter::capture::{
    COPY_MARK, CaptureBatch, CaptureError, CaptureReader, Item, Warning,
};
use egress25_packet_filter::sieve::Ruling;

use crate::args::ReplayArgs;
use crate::read::capture;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::progress::Progress;
use expect::Golden;
use judge::ReplayJudge;
use report::ReplayReport;
use resolve::{ReplayPlan, resolve};
use sinks::{Fate, Outputs, Sinks};
use timings::Stopwatch;

/// Judges a capture.
///
/// # Errors
/// A file is bad or cannot be written, or the rows are not the expected ones.
pub fn run(args: &ReplayArgs, console: &mut Console) -> Result<(), Failure> {
    let watch = Stopwatch::start();
    let outputs = Outputs::claim(args)?;
    let plan = resolve(args, outputs.take_stdout())?;
    let mut reader = capture::open(&plan.capture)?;
    let mut judge = ReplayJudge::new(&plan)?;
    let title = format!(
        "{COPY_MARK}`{}` by `{}`, edition {}",
        file_name(reader.name()),
        file_name(plan.inventory.name()),
        plan.edition.name().id
    );
    let mut sinks = outputs.create(reader.format().container, &title)?;
    let mut golden = args.expect.as_deref().map(Golden::open).transpose()?;
    let mut progress = Progress::new(console, &reader);
    let mut report = ReplayReport::begin(&plan, &reader, judge.widths(), console)?;
    let mut summary = Summary::default();
    let stopped = {
        let mut replay = Replay {
            plan: &plan,
            judge: &mut judge,
            sinks: &mut sinks,
            golden: golden.as_mut(),
            report: &mut report,
            summary: &mut summary,
            watch,
        };
        let stopped = replay.run(&mut reader, console, &mut progress)?;
        summary.timings = args.timings.then(|| replay.watch.end(&reader));
        stopped
    };
    progress.end();
    for warning in reader.warnings() {
        summary.warnings.push(warning.to_string());
    }
    summary.warnings.extend(sinks.warning());
    let whole = stopped.is_none() && !reader.warnings().iter().any(Warning::is_cut);
    let time = summary.first.zip(summary.last).filter(|_| judge.counters().judged() > 0);
    let other_time = time.map(|(first, last)| plan.edition.of_another_time(first, last));
    summary.today = today::of(&plan, &judge)?;
    let tunnels = tunnels::count(&plan, &judge);
    summary.close(
        &judge,
        reader.name(),
        whole,
        tunnels,
        plan.described,
        other_time.transpose()?.flatten(),
    );
    for warning in &summary.warnings {
        console.warn(warning);
    }
    report.end(&summary, &plan.edition.name(), console)?;
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
    match golden {
        Some(golden) => golden.finish(console),
        None => Ok(()),
    }
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
        if console.is_unread() && !self.sinks.any() && self.golden.is_none() {
            return Err(Failure::ClosedPipe);
        }
        Ok(())
    }

    /// Judges a batch, and shows and writes of it what is asked for.
    fn batch(&mut self, batch: &CaptureBatch<'_>, console: &mut Console) -> Result<(), Failure> {
        let rulings = self.judge.batch(batch)?;
        self.summary.batch(batch, rulings);
        self.watch.lap(|timings| &mut timings.judge);
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
        } else if self.plan.rows || self.golden.is_some() {
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
                    golden.row(row)?;
                }
                if plan.rows { report.row(row, console) } else { Ok(()) }
            })?;
        }
        sinks.packet(&record, fate, &comments)
    }
}
