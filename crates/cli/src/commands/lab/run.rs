//! `lab run`: a scenario against a lab of its own.

use std::io::Write;
use std::path::{Path, PathBuf};

use egress25_lab::control::place::{HOSTS, LabFolder};
use egress25_lab::scenario::{Scenario, ScenarioReport, junit, play};
use egress25_policy::Event;
use jiff::Timestamp;
use serde::Serialize;

use crate::args::EditionArgs;
use crate::args::lab::{AtArgs, RunArgs, UpArgs};
use crate::commands::lab::events::LabCapture;
use crate::commands::lab::left_over;
use crate::commands::lab::place::{HOME, LAB_OF_A_RUN, client, folder, program_files};
use crate::commands::lab::scenario::{fits, inventory_file, scenario};
use crate::commands::lab::theatre::{Heard, RunningLab, VerdictListener};
use crate::commands::lab::up::{self, Tether};

use crate::read::input::NamedText;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::counted;
use crate::signals::Signals;
use crate::written::{self, OutputKind, Target, WrittenError};

pub(super) fn run(args: &RunArgs, console: &mut Console) -> Result<(), Failure> {
    if !(0.001..=1_000.0).contains(&args.time_scale) {
        return Err(Failure::Usage("`--time-scale` is between 0.001 and 1000".to_owned()));
    }
    let source = NamedText::read(&args.scenario)?;
    let scenario = match scenario(&source) {
        Ok(scenario) => scenario,
        Err(failure) => return Err(unread(args, failure)),
    };
    // The scenario says where the inventory is, which is an input, too.
    let inventory = inventory_file(&args.scenario, &scenario);
    let outputs = [
        (&args.junit, OutputKind::Junit),
        (&args.happened, OutputKind::Events),
        (&args.verdicts, OutputKind::Verdicts),
        (&args.capture, OutputKind::Capture),
    ]
    .map(|(path, kind)| path.as_deref().map(|path| (path, kind)));
    let inputs = [args.scenario.as_path(), inventory.as_path()];
    let [junit_file, happened, verdicts, capture] =
        written::claim(inputs, outputs, args.force.force)?;
    if let Err(failure) = fits(&source, &scenario, &inventory, &EditionArgs::default()) {
        // A report of an earlier run would say that all is well.
        let why = failure.to_string();
        write_report(junit_file, &ScenarioReport::unplayed(&scenario, args.datapath.name(), &why))?;
        return Err(failure);
    }
    // From here on there is something to be ended.
    let signals = Signals::catch()?;
    // Nobody can have made a folder of this name before.
    let unique = format!("{}-{}", std::process::id(), Timestamp::now().as_microsecond());
    let home = std::env::temp_dir().join(format!("{HOME}{unique}"));
    let at = AtArgs { name: LAB_OF_A_RUN.to_owned(), run_dir: Some(home.clone()) };
    if let Err(stays) = left_over::sweep() {
        console.warn(&stays.to_string());
    }
    let shared = program_files(&at);
    let _locked = left_over::make_locked(&shared)
        .map_err(|source| Failure::Write { name: shared.display().to_string(), source })?;
    let files = RunOutputs { happened, verdicts, capture };
    let folders = [home, shared];
    let run = ScenarioRun {
        args,
        scenario: &scenario,
        inventory: &inventory,
        at: &at,
        signals: &signals,
    };
    let (report, played) = run.run(&folders, files, console);
    // What the lab's programs wrote belongs to it.
    for folder in &folders {
        // The lab itself has removed what it could.
        let _ = std::fs::remove_dir_all(folder);
    }
    let written = write_report(junit_file, &report);
    played?;
    written?;
    conclude(&report, signals.caught(), console)
}

/// A scenario that cannot be read has a report, too: one of an earlier run would say that all is
/// well.
fn unread(args: &RunArgs, failure: Failure) -> Failure {
    let report = || {
        let outputs = [args.junit.as_deref().map(|path| (path, OutputKind::Junit))];
        let [file] = written::claim([args.scenario.as_path()], outputs, args.force.force)?;
        let name = args.scenario.display().to_string();
        write_report(
            file,
            &ScenarioReport::unread(&name, args.datapath.name(), &failure.to_string()),
        )
    };
    match report() {
        Ok(()) => failure,
        Err(error) => Failure::Usage(format!("{failure}; and there is no report of it: {error}")),
    }
}

/// Writes the report of a run, where one is asked for.
fn write_report(file: Option<Target>, report: &ScenarioReport) -> Result<(), WrittenError> {
    file.map_or(Ok(()), |file| file.write(junit(report).as_bytes()))
}

/// Says what became of a scenario.
fn conclude(
    report: &ScenarioReport,
    signal: Option<&str>,
    console: &mut Console,
) -> Result<(), Failure> {
    let (differing, broken, skipped) = (report.differing(), report.failed(), report.skipped());
    let all = counted(report.steps.len(), "step", "steps");
    console.line(format!(
        "{} over {}: {all}, {}, {broken} could not be done, {} not played",
        report.scenario,
        report.datapath,
        counted(differing, "differs", "differ"),
        counted(skipped, "was", "were")
    ))?;
    if let Some(signal) = signal {
        return Err(Failure::Internal(format!("ended by {signal} before the last step")));
    }
    if broken > 0 {
        let steps = counted(broken, "step", "steps");
        return Err(Failure::Internal(format!("{steps} could not be done")));
    }
    if differing > 0 {
        return Err(Failure::Differs(format!("{differing} of {all} ended differently")));
    }
    Ok(())
}

/// What is written of a run besides its report.
struct RunOutputs {
    happened: Option<Target>,
    verdicts: Option<Target>,
    capture: Option<Target>,
}

/// A scenario that is to be played.
struct ScenarioRun<'a> {
    args: &'a RunArgs,
    scenario: &'a Scenario,
    /// The scenario's inventory.
    inventory: &'a Path,
    at: &'a AtArgs,
    signals: &'a Signals,
}

impl ScenarioRun<'_> {
    /// Brings the lab up, plays, and takes it down. There is a report however that ends; the lab
    /// ends with this process, however this one ends.
    fn run(
        &self,
        folders: &[PathBuf],
        files: RunOutputs,
        console: &mut Console,
    ) -> (ScenarioReport, Result<(), Failure>) {
        let tether = match self.bring_up(folders) {
            Ok(tether) => tether,
            Err(failure) => return self.unplayed(failure),
        };
        let ((report, result), listener) = match VerdictListener::start(self.at, files.verdicts) {
            Err(failure) => (self.unplayed(failure), None),
            Ok(listener) => {
                let heard = listener.heard.clone();
                (self.play(heard, files.happened, files.capture, console), Some(listener))
            }
        };
        // What was judged last is told before the lab ends.
        let heard = listener.map_or(Ok(()), VerdictListener::finish);
        let ended = tether.end();
        (report, result.and(heard).and(ended))
    }

    /// The report of what could not be begun.
    fn unplayed(&self, failure: Failure) -> (ScenarioReport, Result<(), Failure>) {
        let datapath = self.args.datapath.name();
        (ScenarioReport::unplayed(self.scenario, datapath, &failure.to_string()), Err(failure))
    }

    fn bring_up(&self, folders: &[PathBuf]) -> Result<Tether, Failure> {
        let up = UpArgs {
            inventory: self.inventory.to_owned(),
            at: self.at.clone(),
            datapath: self.args.datapath,
            store: None,
            hosts: self.hosts_file()?,
            at_time: self.scenario.at,
            edition: EditionArgs::default(),
        };
        up::bring_up(&up, folders, Some(self.signals))
    }

    /// The hosts of the scenario as a file for the owner.
    fn hosts_file(&self) -> Result<Option<PathBuf>, Failure> {
        if self.scenario.host.is_empty() {
            return Ok(None);
        }
        let text = toml::to_string(&serde_json::json!({ "host": self.scenario.host }))
            .map_err(|error| Failure::Internal(error.to_string()))?;
        let folder = folder(self.at)?;
        let mut file = LabFolder::make(&folder).and_then(|place| place.file(HOSTS))?;
        let path = folder.join(HOSTS);
        file.write_all(text.as_bytes())
            .map_err(|source| Failure::Write { name: path.display().to_string(), source })?;
        Ok(Some(path))
    }

    /// Plays the scenario in the lab, which is up.
    fn play(
        &self,
        heard: Heard,
        happened: Option<Target>,
        capture: Option<Target>,
        console: &mut Console,
    ) -> (ScenarioReport, Result<(), Failure>) {
        let begun = client(self.at).and_then(|asks| {
            let begin = |target| LabCapture::begin(client(self.at)?, target);
            Ok((asks, folder(self.at)?, capture.map(begin).transpose()?))
        });
        let (client, home, capture) = match begun {
            Ok(begun) => begun,
            Err(failure) => return self.unplayed(failure),
        };
        let mut theatre = RunningLab {
            client,
            at: self.at.clone(),
            home,
            heard,
            signals: self.signals,
            console,
            broken: None,
            happened: Vec::new(),
        };
        let report =
            play(self.scenario, &mut theatre, self.args.time_scale, self.args.datapath.name());
        let broken = theatre.broken.take().map_or(Ok(()), Err);
        let events = std::mem::take(&mut theatre.happened);
        let captured = capture.map_or(Ok(()), LabCapture::finish);
        let written = happened.map_or(Ok(()), |file| write_happened(file, events));
        (report, broken.and(captured).and(written))
    }
}

/// The events of a run, as an events file has them.
#[derive(Serialize)]
struct Happened {
    event: Vec<Event>,
}

fn write_happened(file: Target, event: Vec<Event>) -> Result<(), Failure> {
    let text = toml::to_string(&Happened { event })
        .map_err(|error| Failure::Internal(error.to_string()))?;
    Ok(file
        .write(format!("{}\n{text}", OutputKind::Events.mark().unwrap_or_default()).as_bytes())?)
}
