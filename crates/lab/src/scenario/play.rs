//! A scenario is played: step after step, each against what it says.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use egress25_policy::Reason;
use jiff::Timestamp;

use crate::control::requests::{Dial, LabAnswer, Request};
use crate::error::LabError;
use crate::network::hosts::host_and_port;
use crate::scenario::file::{
    Action, ConnectStep, ExecStep, MailStep, PostfixAction, PostfixStep, Scenario, Step, event_at,
};
use crate::scenario::fits::RELAY;
use crate::scenario::{EARLIER, ScenarioReport, StepReport, StepResult, postfix};

/// How many seconds of silence count as a time-out where a step says nothing else.
const PATIENCE: f64 = 4.0;

/// How long a program may take where a step says nothing else.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A program that ended.
#[derive(Debug, Clone)]
pub struct Executed {
    /// How.
    pub end: ProgramEnd,
    /// What it printed, errors too.
    pub output: String,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramEnd {
    /// With an exit code.
    Exit(i32),
    /// A signal ended it.
    Killed,
    /// It took too long and was ended.
    TooLong,
}

impl fmt::Display for ProgramEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(code) => write!(f, "exit {code}"),
            Self::Killed => f.write_str("killed"),
            Self::TooLong => f.write_str("timeout"),
        }
    }
}

/// Where a scenario is played: a running lab, and what only the caller can do.
pub trait Theatre {
    /// Asks the lab.
    ///
    /// # Errors
    /// The lab says no, or cannot be reached.
    fn exchange(&mut self, request: &Request) -> Result<LabAnswer, LabError>;

    /// Runs a program in a node, for so long at most.
    ///
    /// # Errors
    /// It cannot be started.
    fn exec(
        &mut self,
        node: &str,
        command: &[String],
        input: &str,
        time: Duration,
    ) -> Result<Executed, LabError>;

    /// Why the play is to end now, if it is.
    fn interrupted(&self) -> Option<String>;

    /// The reasons that the filter gave to what a machine sent, to a port if one is said, since the
    /// last call of [`Self::mark`].
    fn reasons(&mut self, machine: &str, to: Option<u16>) -> Vec<Reason>;

    /// Forgets the reasons up to now.
    fn mark(&mut self);

    /// The time.
    fn now(&self) -> Timestamp;

    /// Waits.
    fn wait(&mut self, time: Duration);

    /// A folder for files of the scenario, the same each time.
    fn folder(&self) -> PathBuf;

    /// Is told of each step that has ended.
    fn ended(&mut self, step: &StepReport);
}

/// Plays a scenario; every wait and every patience is multiplied by `scale`.
pub fn play(
    scenario: &Scenario,
    theatre: &mut dyn Theatre,
    scale: f64,
    datapath: &str,
) -> ScenarioReport {
    let mut player = Player { theatre, scale, log_seen: 0 };
    let mut steps = Vec::new();
    let mut broken = false;
    for step in &scenario.step {
        let begun = player.theatre.now();
        let (result, seen) = match player.theatre.interrupted() {
            _ if broken => (StepResult::Skipped(EARLIER.to_owned()), String::new()),
            Some(why) => (StepResult::Failed(format!("not reached: {why}")), String::new()),
            None => player.play(step),
        };
        broken |= matches!(result, StepResult::Failed(_));
        let seconds = player.theatre.now().duration_since(begun).as_secs_f64();
        let report = StepReport { name: step.title(), result, seen, seconds };
        player.theatre.ended(&report);
        steps.push(report);
    }
    ScenarioReport { scenario: scenario.name.clone(), datapath: datapath.to_owned(), steps }
}

struct Player<'a> {
    theatre: &'a mut dyn Theatre,
    scale: f64,
    /// How much of Postfix's log belongs to earlier steps.
    log_seen: usize,
}

type StepOutcome = Result<(StepResult, String), LabError>;

impl Player<'_> {
    fn play(&mut self, step: &Step) -> (StepResult, String) {
        self.theatre.mark();
        let done = self.step(step);
        // What was seen of a step that was interrupted says nothing.
        match (self.theatre.interrupted(), done) {
            (Some(why), _) => (StepResult::Failed(why), String::new()),
            (None, Ok(done)) => done,
            (None, Err(error)) => (StepResult::Failed(error.to_string()), String::new()),
        }
    }

    fn step(&mut self, step: &Step) -> StepOutcome {
        let patience = step.patience.unwrap_or(PATIENCE);
        match step.action()? {
            Action::Connect(connect) => self.connect(step, connect, patience),
            Action::Mail(mail) => self.mail(step, mail, patience),
            Action::Postfix(postfix) => self.postfix(step, postfix, patience),
            Action::Exec(exec) => self.exec(step, exec),
            Action::Event(event) => self.event(step, event),
            Action::Wait(seconds) => {
                let time = self.scaled(seconds);
                self.theatre.wait(time);
                Ok((StepResult::Passed, String::new()))
            }
        }
    }

    fn scaled(&self, seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds * self.scale).unwrap_or(Duration::from_secs(3_600))
    }

    fn milliseconds(&self, seconds: f64) -> u64 {
        u64::try_from(self.scaled(seconds).as_millis()).unwrap_or(u64::MAX).max(1)
    }

    fn connect(&mut self, step: &Step, connect: &ConnectStep, patience: f64) -> StepOutcome {
        let (to, port) = host_and_port(&connect.to)?;
        let patience = self.milliseconds(patience);
        let from = connect.from.clone();
        let request = Request::Connect(Dial { from, to, port, patience });
        let LabAnswer::Connected { outcome } = self.theatre.exchange(&request)? else {
            return Err(LabError::Answer("the lab did not say what became of it".to_owned()));
        };
        let expected = step.expect.as_deref().unwrap_or("open");
        let seen = outcome.name().to_owned();
        Ok((self.compare(step, (&connect.from, Some(port)), expected, &seen), seen))
    }

    fn mail(&mut self, step: &Step, mail: &MailStep, patience: f64) -> StepOutcome {
        let (to, port) = host_and_port(&mail.server)?;
        let patience = self.milliseconds(patience);
        let dial = Dial { from: mail.from.clone(), to, port, patience };
        let request = Request::Mail { dial, recipient: mail.to.clone() };
        let LabAnswer::Mailed { outcome } = self.theatre.exchange(&request)? else {
            return Err(LabError::Answer("the lab did not say what became of it".to_owned()));
        };
        let expected = step.expect.as_deref().unwrap_or("delivered");
        Ok((self.compare(step, (&mail.from, Some(port)), expected, &outcome), outcome))
    }

    /// Compares what was seen, and the filter's reason where the step gives one: what was said of a
    /// machine's packets to another port is of another connection.
    fn compare(
        &mut self,
        step: &Step,
        (machine, port): (&str, Option<u16>),
        expected: &str,
        seen: &str,
    ) -> StepResult {
        if expected != seen {
            return StepResult::Differs(format!("`{expected}` was expected, and it was `{seen}`"));
        }
        let Some(reason) = step.reason else { return StepResult::Passed };
        let mut given = Vec::new();
        // A verdict of the kernel's is told a moment after it was given.
        for _ in 0..40 {
            given = self.theatre.reasons(machine, port);
            if given.contains(&reason) {
                return StepResult::Passed;
            }
            self.theatre.wait(Duration::from_millis(50));
        }
        let given: Vec<_> = given.iter().map(|reason| reason.name()).collect();
        StepResult::Differs(format!(
            "the reason `{reason}` was expected, and it was `{}`",
            given.join("`, `")
        ))
    }

    fn exec(&mut self, step: &Step, exec: &ExecStep) -> StepOutcome {
        // A program's own time is none of the lab's waits: it is not scaled.
        let time = step.timeout.and_then(|time| Duration::try_from_secs_f64(time).ok());
        let done = self.theatre.exec(&exec.on, &exec.command, "", time.unwrap_or(TIMEOUT))?;
        let expected = step.exit.unwrap_or(0);
        let seen = done.end.to_string();
        let last = done.output.lines().last().unwrap_or_default().to_owned();
        if done.end != ProgramEnd::Exit(expected) {
            let what = format!("`exit {expected}` was expected, and it was `{seen}`: {last}");
            return Ok((StepResult::Differs(what), seen));
        }
        Ok((contains(step, &done.output), seen))
    }

    fn event(&mut self, step: &Step, event: &serde_json::Value) -> StepOutcome {
        let event = event_at(event, self.theatre.now())?;
        let expected = step.expect.as_deref().unwrap_or("applied");
        let seen = match self.theatre.exchange(&Request::Apply { events: vec![event] }) {
            Ok(_) => "applied".to_owned(),
            Err(LabError::Declined(what)) if expected == "refused" => {
                return Ok((StepResult::Passed, what));
            }
            Err(error) => return Err(error),
        };
        if seen == expected {
            return Ok((StepResult::Passed, seen));
        }
        let what = format!("`{expected}` was expected, and it was `{seen}`");
        Ok((StepResult::Differs(what), seen))
    }

    fn postfix(&mut self, step: &Step, action: &PostfixStep, patience: f64) -> StepOutcome {
        let folder = self.theatre.folder().join(format!("postfix-{}", action.on));
        let config = folder.join("config").display().to_string();
        let log = folder.join("log");
        let read = || std::fs::read_to_string(&log).unwrap_or_default();
        match action.action {
            PostfixAction::Start => {
                let relay = action.relay.as_deref().unwrap_or(RELAY);
                self.prepare(&folder, action, relay, step.patience)?;
                self.demand(&action.on, &["postfix", "-c", &config, "start"], "")?;
                return Ok((StepResult::Passed, "started".to_owned()));
            }
            PostfixAction::Send => {
                self.log_seen = read().len();
                let to = action.to.as_deref().unwrap_or("user@example.net");
                let mail = format!("To: {to}\nSubject: egress25 lab\n\nHello.\n");
                self.demand(&action.on, &["sendmail", "-C", &config, "-i", to], &mail)?;
            }
            PostfixAction::Flush => {
                self.log_seen = read().len();
                self.demand(&action.on, &["postqueue", "-c", &config, "-f"], "")?;
            }
        }
        let expected = step.expect.as_deref().unwrap_or("sent");
        let deadline = self.scaled(patience).saturating_mul(2).max(Duration::from_secs(15));
        let pause = Duration::from_millis(100);
        let mut waited = Duration::ZERO;
        while waited < deadline {
            if let Some((status, line)) = postfix::last_delivery(&read(), self.log_seen) {
                if status != expected {
                    let what = format!("`{expected}` was expected, and it was `{status}`: {line}");
                    return Ok((StepResult::Differs(what), status));
                }
                let result = match contains(step, &line) {
                    StepResult::Passed => self.compare(step, (&action.on, None), expected, &status),
                    differs => differs,
                };
                return Ok((result, status));
            }
            self.theatre.wait(pause);
            waited = waited.saturating_add(pause);
        }
        Err(LabError::Answer("Postfix told of no delivery in time".to_owned()))
    }

    /// Makes the folders and files of an instance. It writes its own files as another user.
    fn prepare(
        &mut self,
        folder: &std::path::Path,
        action: &PostfixStep,
        relay: &str,
        patience: Option<f64>,
    ) -> Result<(), LabError> {
        let failed = || LabError::system(format!("preparing `{}`", folder.display()));
        for name in postfix::FOLDERS {
            std::fs::create_dir_all(folder.join(name)).map_err(failed())?;
        }
        let relay = host_and_port(relay)?;
        let mut routes = Vec::new();
        for (domain, server) in &action.routes {
            routes.push((domain.as_str(), host_and_port(server)?));
        }
        let patience = patience.map(|seconds| seconds * self.scale);
        let domain = action.receives.as_deref();
        let main = postfix::main_cf(folder, &action.on, &relay, &routes, domain, patience);
        std::fs::write(folder.join("config/main.cf"), main).map_err(failed())?;
        let services = [postfix::MASTER_CF, domain.map_or("", |_| postfix::RECEIVES)].concat();
        std::fs::write(folder.join("config/master.cf"), services).map_err(failed())?;
        let data = folder.join("data").display().to_string();
        self.demand(&action.on, &["chown", "postfix", &data], "")
    }

    /// Runs a program that has to succeed.
    fn demand(&mut self, node: &str, command: &[&str], input: &str) -> Result<(), LabError> {
        let command: Vec<String> = command.iter().map(|&word| word.to_owned()).collect();
        let done = self.theatre.exec(node, &command, input, TIMEOUT)?;
        let what = match done.end {
            ProgramEnd::Exit(0) => return Ok(()),
            ProgramEnd::TooLong => format!("it did not end in time; {}", done.output),
            ProgramEnd::Exit(_) | ProgramEnd::Killed => done.output,
        };
        Err(LabError::Program { program: command.join(" "), what })
    }
}

/// Whether an output has everything in it that a step says.
fn contains(step: &Step, output: &str) -> StepResult {
    match step.output.iter().find(|text| !output.contains(text.as_str())) {
        None => StepResult::Passed,
        Some(text) => {
            let last = output.lines().last().unwrap_or_default();
            StepResult::Differs(format!("`{text}` was expected in the output, which ends: {last}"))
        }
    }
}
