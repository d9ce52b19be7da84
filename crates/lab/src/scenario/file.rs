//! The scenario file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use egress25_policy::Reason;
use jiff::Timestamp;
use serde::Deserialize;

use crate::error::LabError;
use crate::stage::Hosts;

/// A scenario, as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows.
    pub name: String,
    /// The lab file, relative to the scenario's own folder.
    pub lab: PathBuf,
    /// The time as of which the lab begins; left out: now.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// The hosts on the Internet and on premises; left out: those that every lab has.
    #[serde(default)]
    pub host: Hosts,
    /// The steps, in order.
    pub step: Vec<Step>,
}

/// A step: one action, and what is to become of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What it shows; left out: what it does.
    #[serde(default)]
    pub name: Option<String>,
    /// Open a connection; expect `open`, `timeout`, `refused` or `unreachable`.
    #[serde(default)]
    pub connect: Option<ConnectStep>,
    /// Send a mail; expect `delivered`, `timeout`, `refused`, `unreachable` or `answered`.
    #[serde(default)]
    pub mail: Option<MailStep>,
    /// Do something with a Postfix on a machine; expect `sent`, `deferred` or `bounced`.
    #[serde(default)]
    pub postfix: Option<PostfixStep>,
    /// Run a program; expect an `exit` code and `output`.
    #[serde(default)]
    pub exec: Option<ExecStep>,
    /// Let an event happen: its table as in a lab file, without `at`; expect `refused` where it
    /// cannot happen.
    #[serde(default)]
    pub event: Option<serde_json::Value>,
    /// Wait so many seconds.
    #[serde(default)]
    pub wait: Option<f64>,
    /// What is to become of it.
    #[serde(default)]
    pub expect: Option<String>,
    /// The reason that the filter is to give for it.
    #[serde(default)]
    pub reason: Option<Reason>,
    /// The exit code that is expected of a program; left out: 0.
    #[serde(default)]
    pub exit: Option<i32>,
    /// Texts that a program's output, or Postfix's log line, is to have in it.
    #[serde(default)]
    pub output: Vec<String>,
    /// How many seconds of silence count as a time-out; left out: 4, and for a Postfix that is
    /// started its own default.
    #[serde(default)]
    pub patience: Option<f64>,
}

/// Opens a connection.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConnectStep {
    /// The machine.
    pub from: String,
    /// `HOST:PORT`.
    pub to: String,
}

/// Sends a mail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailStep {
    /// The machine.
    pub from: String,
    /// The recipient.
    pub to: String,
    /// The server: `HOST:PORT`.
    pub server: String,
}

/// Does something with a Postfix.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostfixStep {
    /// The machine.
    pub on: String,
    /// What.
    pub action: PostfixAction,
    /// The recipient, to send.
    #[serde(default)]
    pub to: Option<String>,
    /// The server that takes its mail, to start: `HOST:PORT`.
    #[serde(default)]
    pub relay: Option<String>,
    /// The servers that take the mail to some domains instead, to start: `HOST:PORT` by domain.
    #[serde(default)]
    pub routes: BTreeMap<String, String>,
}

/// What is done with a Postfix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PostfixAction {
    /// It is configured and started.
    Start,
    /// A mail is handed to it.
    Send,
    /// It tries its queue again.
    Flush,
}

/// Runs a program.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecStep {
    /// The node.
    pub on: String,
    /// The program and its arguments.
    pub command: Vec<String>,
}

/// The one thing that a step does.
#[derive(Debug, Clone, Copy)]
pub enum Action<'a> {
    /// Open a connection.
    Connect(&'a ConnectStep),
    /// Send a mail.
    Mail(&'a MailStep),
    /// Do something with a Postfix.
    Postfix(&'a PostfixStep),
    /// Run a program.
    Exec(&'a ExecStep),
    /// Let an event happen.
    Event(&'a serde_json::Value),
    /// Wait.
    Wait(f64),
}

impl Step {
    /// The one thing that it does.
    ///
    /// # Errors
    /// It does none, or several.
    pub fn action(&self) -> Result<Action<'_>, LabError> {
        let actions: Vec<Action<'_>> = [
            self.connect.as_ref().map(Action::Connect),
            self.mail.as_ref().map(Action::Mail),
            self.postfix.as_ref().map(Action::Postfix),
            self.exec.as_ref().map(Action::Exec),
            self.event.as_ref().map(Action::Event),
            self.wait.map(Action::Wait),
        ]
        .into_iter()
        .flatten()
        .collect();
        match actions.as_slice() {
            [only] => Ok(*only),
            _ => Err(LabError::input(
                format!("step.{}", self.name.as_deref().unwrap_or("?")),
                format!(
                    "a step does one thing (connect, mail, postfix, exec, event, wait), not {}",
                    actions.len()
                ),
            )),
        }
    }

    /// What it is called in reports.
    #[must_use]
    pub fn title(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        match self.action() {
            Ok(Action::Connect(step)) => format!("connect {} to {}", step.from, step.to),
            Ok(Action::Mail(step)) => format!("mail {} by {}", step.from, step.server),
            Ok(Action::Postfix(step)) => format!("postfix {:?} on {}", step.action, step.on),
            Ok(Action::Exec(step)) => format!("{} on {}", step.command.join(" "), step.on),
            Ok(Action::Event(event)) => format!("event {event}"),
            Ok(Action::Wait(seconds)) => format!("wait {seconds} s"),
            Err(_) => "?".to_owned(),
        }
    }
}

impl Scenario {
    /// Reads the text of a scenario file; unknown keys fail.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, LabError> {
        let scenario: Self =
            toml::from_str(text).map_err(|error| LabError::input("scenario", error.to_string()))?;
        for step in &scenario.step {
            step.action()?;
            if step.patience.is_some_and(|seconds| !(0.0..=3_600.0).contains(&seconds)) {
                return Err(LabError::input("patience", "between 0 and 3600 seconds"));
            }
        }
        Ok(scenario)
    }
}
