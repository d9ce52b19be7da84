//! `replay`: every SYN to port 25 of a capture, judged.

mod expect;
mod human;
mod judge;
mod moments;
mod progress;
mod report;
mod resolve;
mod row;
mod sinks;
mod summary;

pub use row::PacketRow;
pub use summary::Summary;

use std::path::Path;

use egress25_packet_filter::capture::{
    CaptureBatch, CaptureError, CaptureReader, Item, Record, Warning,
};
use egress25_packet_filter::sieve::Sieve;

use crate::args::ReplayArgs;
use crate::read::capture;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::EditionName;
use expect::Golden;
use judge::ReplayJudge;
use progress::Progress;
use report::ReplayReport;
use resolve::{ReplayPlan, resolve};
use sinks::{Fate, Outputs, Sinks};

/// Judges a capture.
///
/// # Errors
/// A file is bad or cannot be written, or the rows are not the expected ones.
pub fn run(args: &ReplayArgs, console: &mut Console) -> Result<(), Failure> {
    let outputs = Outputs::claim(args)?;
    let plan = resolve(args, outputs.take_stdout())?;
    let mut reader = capture::open(&plan.capture)?;
    let mut judge = ReplayJudge::new(&plan)?;
    let title = format!(
        "egress25 replay of `{}` by `{}`, edition {}",
        file_name(reader.name()),
        file_name(plan.inventory.name()),
        plan.edition.id
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
        };
        replay.run(&mut reader, console, &mut progress)?
    };
    progress.end();
    for warning in reader.warnings() {
        summary.warnings.push(warning.to_string());
    }
    summary.warnings.extend(sinks.warning());
    if judge.judged() != summary.judged {
        let (filter, here) = (judge.judged(), summary.judged);
        let text = format!("the filter has counted {filter} judgements, and the report {here}");
        return Err(Failure::Internal(text));
    }
    let whole = stopped.is_none() && !reader.warnings().iter().any(Warning::is_cut);
    summary.close(&judge, reader.name(), whole);
    for warning in &summary.warnings {
        console.warn(warning);
    }
    report.end(&summary, &EditionName::of(&plan.edition), console)?;
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
}

impl Replay<'_> {
    /// Goes through the capture; the error that it stopped at, if it did.
    fn run(
        &mut self,
        reader: &mut CaptureReader,
        console: &mut Console,
        progress: &mut Progress,
    ) -> Result<Option<CaptureError>, Failure> {
        let sieve = Sieve::new(self.plan.options);
        let mut kept = Vec::new();
        loop {
            match reader.next_batch() {
                Ok(Some(batch)) => {
                    kept.clear();
                    sieve.keep(&batch.frames(), &mut kept);
                    self.batch(&batch, &kept, console)?;
                }
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

    /// Packets of which only some, the kept ones, have to be looked at.
    fn batch(
        &mut self,
        batch: &CaptureBatch<'_>,
        kept: &[u32],
        console: &mut Console,
    ) -> Result<(), Failure> {
        let mut left = kept.iter().map(|place| *place as usize).peekable();
        // Written captures get every piece in its place; without them only few have to be found.
        if self.sinks.any() {
            for item in batch.items() {
                match item {
                    Item::Packet(place) => {
                        let Some(record) = batch.record(place) else { continue };
                        if left.next_if_eq(&place).is_some() {
                            self.packet(&record, console)?;
                        } else {
                            self.sinks.packet(&record, Fate::Pass, &[])?;
                        }
                    }
                    Item::Block(block) => self.sinks.block(&block)?,
                    Item::Unread(block, error) => {
                        self.summary.not_understood(error);
                        self.sinks.unread(&block)?;
                    }
                }
            }
        } else {
            for record in left.filter_map(|place| batch.record(place)) {
                self.packet(&record, console)?;
            }
            for error in batch.unread() {
                self.summary.not_understood(error);
            }
        }
        self.summary.passed_over(batch.len().saturating_sub(kept.len()), batch.times());
        Ok(())
    }

    fn packet(&mut self, record: &Record<'_>, console: &mut Console) -> Result<(), Failure> {
        let rows = self.judge.packet(record)?;
        let mut comments = Vec::new();
        let mut fate = Fate::Pass;
        for row in &rows {
            self.summary.count(row);
            fate = fate.and(row, self.plan.on_indeterminate);
            if self.sinks.any() {
                comments.push(row.comment(&self.plan.edition.id));
            }
            let only = &self.plan.only;
            if !only.is_empty() && !only.iter().any(|only| only.shows(row.verdict, row.reason)) {
                continue;
            }
            if let Some(golden) = &mut self.golden {
                golden.row(row)?;
            }
            if self.plan.rows {
                self.report.row(row, console)?;
            }
        }
        self.summary.packet(rows.len());
        self.sinks.packet(record, fate, &comments)
    }
}
