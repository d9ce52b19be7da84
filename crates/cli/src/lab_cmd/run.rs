//! `lab run`: a scenario against a lab of its own.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use egress25_lab::client::Client;
use egress25_lab::error::LabError;
use egress25_lab::owner::{Answer, Request};
use egress25_lab::place::Place;
use egress25_lab::scenario::{
    Executed, Report, Scenario, StepReport, StepResult, Theatre, junit, play,
};
use egress25_lab::verdict::VerdictEvent;
use egress25_policy::{Event, Reason};
use jiff::Timestamp;
use serde::Serialize;

use super::args::{AtArgs, RunArgs, UpArgs};
use super::events::Capture;
use super::{failed, folder, up};
use crate::args::EditionArgs;
use crate::console::Console;
use crate::failure::Failure;
use crate::input::Source;
use crate::written::{self, Kind, Output, Target};

pub(super) fn run(args: &RunArgs, console: &mut Console) -> Result<(), Failure> {
    if !(0.001..=1_000.0).contains(&args.time_scale) {
        return Err(Failure::Usage("`--time-scale` is between 0.001 and 1000".to_owned()));
    }
    let source = Source::read(&args.scenario)?;
    let scenario = Scenario::parse(&source.text).map_err(failed)?;
    // The scenario says where the lab is, which is an input, too.
    let inputs = [args.scenario.clone(), lab_file(args, &scenario)];
    let outputs = [
        (&args.junit, Kind::Junit),
        (&args.happened, Kind::Events),
        (&args.verdicts, Kind::Verdicts),
        (&args.capture, Kind::Capture),
    ]
    .map(|(path, kind)| path.as_deref().map(|path| (path, kind)));
    let inputs = inputs.iter().map(PathBuf::as_path);
    let [junit_file, happened, verdicts, capture] =
        written::claim(inputs, outputs, args.force.force)?;
    // Nobody can have made a folder of this name before.
    let unique = format!("{}-{}", std::process::id(), Timestamp::now().as_microsecond());
    let home = std::env::temp_dir().join(format!("egress25-run-{unique}"));
    let at = AtArgs { name: "scenario".to_owned(), run_dir: Some(home.clone()) };
    let shared = files(&at);
    std::fs::DirBuilder::new()
        .mode(0o755)
        .create(&shared)
        .map_err(|source| Failure::Write { name: shared.display().to_string(), source })?;
    let files = Files { happened, verdicts, capture };
    let result = with_lab(args, &scenario, &at, files, console);
    // What the lab's programs wrote belongs to it.
    for folder in [&home, &shared] {
        let _ = std::fs::remove_dir_all(folder);
    }
    let report = result?;
    if let Some(file) = junit_file {
        file.write(junit(&report).as_bytes())?;
    }
    let (all, differing, broken) = (report.steps.len(), report.differing(), report.failed());
    console.line(format!(
        "{} over {}: {all} steps, {differing} differ, {broken} could not be done",
        report.scenario, report.datapath
    ))?;
    if broken > 0 {
        return Err(Failure::Internal(format!("{broken} steps could not be done")));
    }
    if differing > 0 {
        return Err(Failure::Differs(format!("{differing} of {all} steps ended differently")));
    }
    Ok(())
}

/// What is written of a run besides its report.
struct Files {
    happened: Option<Target>,
    verdicts: Option<Target>,
    capture: Option<Target>,
}

/// The folder for the files of a scenario's programs, beside that of the lab: programs that
/// change to other users have to get there.
fn files(at: &AtArgs) -> PathBuf {
    let mut name = at.run_dir.clone().unwrap_or_default().into_os_string();
    name.push("-files");
    PathBuf::from(name)
}

fn with_lab(
    args: &RunArgs,
    scenario: &Scenario,
    at: &AtArgs,
    files: Files,
    console: &mut Console,
) -> Result<Report, Failure> {
    let hosts = hosts_file(scenario, &folder(at)?)?;
    let up = UpArgs {
        lab: lab_file(args, scenario),
        at: at.clone(),
        datapath: args.datapath,
        store: None,
        hosts,
        at_time: scenario.at,
        edition: EditionArgs::default(),
    };
    up::bring_up(&up)?;
    let listener = Listener::start(at, files.verdicts);
    let result = listener.and_then(|listener| {
        let heard = listener.heard.clone();
        let files = (files.happened, files.capture);
        played(args, scenario, at, heard, files, console).map(|report| (report, listener))
    });
    let down = up::take_down(at);
    let (report, listener) = result?;
    listener.finish()?;
    down.map(|()| report)
}

/// The scenario's lab file, which is named from the scenario's folder on.
fn lab_file(args: &RunArgs, scenario: &Scenario) -> PathBuf {
    args.scenario.parent().unwrap_or(Path::new(".")).join(&scenario.lab)
}

/// The hosts of the scenario as a file for the owner.
fn hosts_file(scenario: &Scenario, folder: &Path) -> Result<Option<PathBuf>, Failure> {
    if scenario.host.is_empty() {
        return Ok(None);
    }
    let path = folder.join("hosts.toml");
    let text = toml::to_string(&serde_json::json!({ "host": scenario.host }))
        .map_err(|error| Failure::Internal(error.to_string()))?;
    Place::make(folder).map_err(failed)?;
    std::fs::write(&path, text)
        .map_err(|source| Failure::Write { name: path.display().to_string(), source })?;
    Ok(Some(path))
}

fn played(
    args: &RunArgs,
    scenario: &Scenario,
    at: &AtArgs,
    heard: Heard,
    (happened_to, capture): (Option<Target>, Option<Target>),
    console: &mut Console,
) -> Result<Report, Failure> {
    let client = super::client(at)?;
    let capture = match capture {
        None => None,
        Some(target) => Some(Capture::begin(super::client(at)?, target)?),
    };
    let mut theatre = Lab {
        client,
        at: at.clone(),
        home: folder(at)?,
        heard,
        console,
        broken: None,
        happened: Vec::new(),
    };
    let report = play(scenario, &mut theatre, args.time_scale, args.datapath.name());
    let broken = theatre.broken.take();
    let happened = std::mem::take(&mut theatre.happened);
    // The kernel gathers its messages for a moment.
    std::thread::sleep(Duration::from_millis(300));
    if let Some(capture) = capture {
        capture.finish()?;
    }
    if let Some(file) = happened_to {
        let text = toml::to_string(&Happened { event: happened })
            .map_err(|error| Failure::Internal(error.to_string()))?;
        file.write(format!("{}\n{text}", Kind::Events.mark()).as_bytes())?;
    }
    match broken {
        Some(failure) => Err(failure),
        None => Ok(report),
    }
}

/// The events of a run, as an events file has them.
#[derive(Serialize)]
struct Happened {
    event: Vec<Event>,
}

/// Verdicts since the last mark.
type Heard = Arc<Mutex<Vec<VerdictEvent>>>;

/// Listens to the verdicts of a lab until it ends, and writes them to a file.
struct Listener {
    heard: Heard,
    thread: JoinHandle<Result<(), Failure>>,
}

impl Listener {
    fn start(at: &AtArgs, file: Option<Target>) -> Result<Self, Failure> {
        let mut client = super::client(at)?;
        client.ask(&Request::Events).map_err(failed)?;
        let mut file = file.map(Output::create).transpose()?;
        let heard = Heard::default();
        let hears = heard.clone();
        let work = move || {
            while let Ok(Some(line)) = client.line() {
                if let Some(file) = &mut file {
                    writeln!(file, "{line}").map_err(|source| {
                        let name = file.name().to_owned();
                        Failure::Write { name, source }
                    })?;
                }
                if let Ok(event) = serde_json::from_str(&line) {
                    hears.lock().unwrap_or_else(PoisonError::into_inner).push(event);
                }
            }
            Ok(file.map_or(Ok(()), Output::finish)?)
        };
        let thread = std::thread::Builder::new()
            .name("verdicts".to_owned())
            .spawn(work)
            .map_err(|source| Failure::Internal(format!("no thread can be started: {source}")))?;
        Ok(Self { heard, thread })
    }

    /// Waits for the lab's end; the file is whole then.
    fn finish(self) -> Result<(), Failure> {
        let gone = || Failure::Internal("the thread that hears the verdicts has failed".to_owned());
        self.thread.join().unwrap_or_else(|_| Err(gone()))
    }
}

struct Lab<'a> {
    client: Client,
    at: AtArgs,
    home: PathBuf,
    heard: Heard,
    console: &'a mut Console,
    broken: Option<Failure>,
    happened: Vec<Event>,
}

impl Theatre for Lab<'_> {
    fn ask(&mut self, request: &Request) -> Result<Answer, LabError> {
        let answer = self.client.ask(request)?;
        if let Request::Apply { events } = request {
            self.happened.extend(events.iter().cloned());
        }
        Ok(answer)
    }

    fn exec(&mut self, node: &str, command: &[String], input: &str) -> Result<Executed, LabError> {
        let failed = |source| LabError::System { what: format!("running {command:?}"), source };
        let program = std::env::current_exe().map_err(failed)?;
        let mut enter = Command::new(program);
        enter.args(["lab", "exec", "--name", &self.at.name]);
        if let Some(run_dir) = &self.at.run_dir {
            enter.arg("--run-dir").arg(run_dir);
        }
        // A program that stays in the background must not hold the output open: a file does
        // not end with its writers.
        let output = self.home.join("output");
        let written = File::create(&output).map_err(failed)?;
        let errors = written.try_clone().map_err(failed)?;
        let mut child = enter
            .arg(node)
            .arg("--")
            .args(command)
            .stdin(Stdio::piped())
            .stdout(written)
            .stderr(errors)
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its input says so by its exit status.
            let _ = stdin.write_all(input.as_bytes());
        }
        let status = child.wait().map_err(failed)?;
        let output = std::fs::read(&output).map_err(failed)?;
        Ok(Executed { code: status.code(), output: String::from_utf8_lossy(&output).into_owned() })
    }

    fn reasons(&mut self, machine: &str) -> Vec<Reason> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard
            .iter()
            .filter(|event| event.machine.as_deref() == Some(machine))
            .map(|event| event.reason)
            .collect()
    }

    fn mark(&mut self) {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn wait(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn folder(&self) -> PathBuf {
        files(&self.at)
    }

    fn ended(&mut self, step: &StepReport) {
        let (mark, what) = match &step.result {
            StepResult::Passed => ("ok  ", step.seen.clone()),
            StepResult::Differs(what) => ("DIFF", what.clone()),
            StepResult::Failed(what) => ("FAIL", what.clone()),
            StepResult::Skipped => ("skip", String::new()),
        };
        let line = format!("{mark} {:>6.1} s  {}: {what}", step.seconds, step.name);
        let told = self.console.line(line.trim_end_matches([':', ' ']));
        if let Err(failure) = told.and_then(|()| self.console.flush()) {
            self.broken.get_or_insert(failure);
        }
    }
}

/// Splits `HOST:PORT`; an IPv6 address stands in brackets.
pub(super) fn host_and_port(text: &str) -> Result<(String, u16), Failure> {
    let split = text.rsplit_once(':').and_then(|(host, port)| {
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        Some((host.to_owned(), port.parse().ok()?))
    });
    split.ok_or_else(|| Failure::Usage(format!("`{text}` is no HOST:PORT")))
}
