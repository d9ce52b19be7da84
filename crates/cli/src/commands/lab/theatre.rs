//! A lab in which a scenario is played, and what is heard of it.

use std::fs::File;
use std::io::Write;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use egress25_lab::control::client::Client;
use egress25_lab::control::place::OUTPUT;
use egress25_lab::control::requests::{LabAnswer, Request};
use egress25_lab::enforce::verdict::VerdictEvent;
use egress25_lab::error::LabError;
use egress25_lab::process::{Ready, Waited, wait_within};
use egress25_lab::scenario::{Executed, ProgramEnd, StepReport, StepResult, Theatre};
use egress25_policy::{Event, Reason};
use jiff::Timestamp;

use crate::args::lab::AtArgs;
use crate::commands::lab::place;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::signals::Signals;
use crate::written::{Output, Target};

/// Verdicts since the last mark.
pub(super) type Heard = Arc<Mutex<Vec<VerdictEvent>>>;

/// Listens to the verdicts of a lab until it ends, and writes them to a file.
pub(super) struct VerdictListener {
    pub(super) heard: Heard,
    /// The connection, to say that no more is wanted.
    connection: UnixStream,
    thread: JoinHandle<Result<(), Failure>>,
}

impl VerdictListener {
    pub(super) fn start(at: &AtArgs, file: Option<Target>) -> Result<Self, Failure> {
        let mut client = place::client(at)?;
        client.exchange(&Request::Events { since_start: false })?;
        let connection = client.as_fd().try_clone_to_owned().map(UnixStream::from);
        let connection = connection
            .map_err(|error| Failure::Internal(format!("listening to the lab: {error}")))?;
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
        Ok(Self { heard, connection, thread })
    }

    /// Waits until the lab has told what it judged up to now; the file is whole then.
    pub(super) fn finish(self) -> Result<(), Failure> {
        // Where the lab has gone there is nobody to tell.
        let _ = self.connection.shutdown(Shutdown::Write);
        let gone = || Failure::Internal("the thread that hears the verdicts has failed".to_owned());
        self.thread.join().unwrap_or_else(|_| Err(gone()))
    }
}

/// A running lab in which a scenario is played.
pub(super) struct RunningLab<'a> {
    pub(super) client: Client,
    pub(super) at: AtArgs,
    pub(super) home: PathBuf,
    pub(super) heard: Heard,
    pub(super) signals: &'a Signals,
    pub(super) console: &'a mut Console,
    pub(super) broken: Option<Failure>,
    pub(super) happened: Vec<Event>,
}

impl Theatre for RunningLab<'_> {
    fn exchange(&mut self, request: &Request) -> Result<LabAnswer, LabError> {
        self.client.send(request)?;
        let waiting = |source| LabError::System { what: "waiting for the lab".to_owned(), source };
        if self.signals.wait(Some(self.client.as_fd()), None).map_err(waiting)? == Ready::First {
            return Err(LabError::Answer("a signal ended the wait for the lab".to_owned()));
        }
        let answer = self.client.answer()?;
        if let Request::Apply { events } = request {
            self.happened.extend(events.iter().cloned());
        }
        Ok(answer)
    }

    fn exec(
        &mut self,
        node: &str,
        command: &[String],
        input: &str,
        time: Duration,
    ) -> Result<Executed, LabError> {
        let failed = |source| LabError::System { what: format!("running {command:?}"), source };
        let program = std::env::current_exe().map_err(failed)?;
        let mut enter = Command::new(program);
        enter.args(["lab", "exec", "--quiet", "--color=never", "--name", &self.at.name]);
        // The scenario says how long.
        enter.env_remove("EGRESS25_LAB_EXEC_TIMEOUT");
        if let Some(run_dir) = &self.at.run_dir {
            enter.arg("--run-dir").arg(run_dir);
        }
        // A program that stays in the background must not hold the output open: a file does
        // not end with its writers.
        let output = self.home.join(OUTPUT);
        let written = File::create(&output).map_err(failed)?;
        let errors = written.try_clone().map_err(failed)?;
        let mut child = enter
            .arg(node)
            .arg("--")
            .args(command)
            .stdin(Stdio::piped())
            .stdout(written)
            .stderr(errors)
            // The program is in it, too, and both are ended by it.
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its input says so by its exit status.
            let _ = stdin.write_all(input.as_bytes());
        }
        let waited = wait_within(&mut child, time, self.signals.as_fd());
        let end = match waited.map_err(failed)? {
            Waited::Ended(status) => status.code().map_or(ProgramEnd::Killed, ProgramEnd::Exit),
            Waited::TooLong => ProgramEnd::TooLong,
            Waited::Called => ProgramEnd::Killed,
        };
        let output = std::fs::read(&output).map_err(failed)?;
        Ok(Executed { end, output: String::from_utf8_lossy(&output).into_owned() })
    }

    fn interrupted(&self) -> Option<String> {
        self.signals.caught().map(|signal| format!("ended by {signal}"))
    }

    fn reasons(&mut self, machine: &str, to: Option<u16>) -> Vec<Reason> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard
            .iter()
            .filter(|event| event.machine.as_deref() == Some(machine))
            .filter(|event| to.is_none() || event.destination_port == to)
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
        // Where the system refuses, nothing is waited for, and the step sees it.
        let _ = self.signals.wait(None, Some(time));
    }

    fn folder(&self) -> PathBuf {
        place::program_files(&self.at)
    }

    fn ended(&mut self, step: &StepReport) {
        let (mark, what) = match &step.result {
            StepResult::Passed => ("ok  ", step.seen.clone()),
            StepResult::Differs(what) => ("DIFF", what.clone()),
            StepResult::Failed(what) => ("FAIL", what.clone()),
            StepResult::Skipped(_) => ("skip", String::new()),
        };
        let line = format!("{mark} {:>6.1} s  {}: {what}", step.seconds, step.name);
        let told = self.console.line(line.trim_end_matches([':', ' ']));
        if let Err(failure) = told.and_then(|()| self.console.flush()) {
            self.broken.get_or_insert(failure);
        }
    }
}
