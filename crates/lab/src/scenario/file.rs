//! The scenario file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use egress25_policy::{Event, InventoryError, Reason};
use jiff::Timestamp;
use serde::Deserialize;

use crate::error::LabError;
use crate::network::hosts::{Hosts, host_and_port};
use crate::scenario::fault::ScenarioFault;

/// A scenario, as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// What it shows.
    pub name: String,
    /// The inventory, relative to the scenario's own folder.
    pub inventory: PathBuf,
    /// The time as of which the lab begins; left out: now.
    #[serde(default, deserialize_with = "egress25_policy::moment::optional_moment")]
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
    pub name: Option<String>,
    /// Open a connection; expect `open`, `timeout`, `refused` or `unreachable`.
    pub connect: Option<ConnectStep>,
    /// Send a mail; expect `delivered`, `timeout`, `refused`, `unreachable` or `answered`.
    pub mail: Option<MailStep>,
    /// Do something with a Postfix on a machine; expect `sent`, `deferred` or `bounced`.
    pub postfix: Option<PostfixStep>,
    /// Run a program; expect an `exit` code and `output`.
    pub exec: Option<ExecStep>,
    /// Let an event happen: its table as in an inventory, without `at`; expect `refused` where it
    /// cannot happen.
    pub event: Option<serde_json::Value>,
    /// Wait so many seconds.
    pub wait: Option<f64>,
    /// What is to become of it.
    pub expect: Option<String>,
    /// The reason that the filter is to give for it.
    pub reason: Option<Reason>,
    /// The exit code that is expected of a program; left out: 0.
    pub exit: Option<i32>,
    /// Texts that a program's output, or Postfix's log line, is to have in it.
    #[serde(default)]
    pub output: Vec<String>,
    /// How many seconds a program may take, which is ended then; left out: 60.
    pub timeout: Option<f64>,
    /// How many seconds of silence count as a time-out; left out: 4, and for a Postfix that is
    /// started its own default.
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
    pub to: Option<String>,
    /// The server that takes its mail, to start: `HOST:PORT`.
    pub relay: Option<String>,
    /// The servers that take the mail to some domains instead, to start: `HOST:PORT` by domain.
    #[serde(default)]
    pub routes: BTreeMap<String, String>,
    /// The domain whose mail it takes from others on port 25, to start; left out: it takes none.
    pub receives: Option<String>,
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
            _ => Err(LabError::BadRequest(format!(
                "a step does one thing (connect, mail, postfix, exec, event, wait), not {}",
                actions.len()
            ))),
        }
    }

    /// Whether it can be played as it is written. What a step cannot check it may not say: a
    /// reader takes it for a check.
    fn check(&self) -> Result<(), LabError> {
        let connect = &["open", "timeout", "refused", "unreachable"][..];
        let mail = &["delivered", "timeout", "refused", "unreachable", "answered"][..];
        // The words it can expect, whether it has a reason, an exit code, an output.
        let (words, reason, exit, output) = match self.action()? {
            Action::Connect(step) => {
                server("connect.to", &step.to)?;
                (connect, true, false, false)
            }
            Action::Mail(step) => {
                server("mail.server", &step.server)?;
                // It becomes a line of the SMTP dialogue (RFC 5321, 4.1.2).
                if step.to.is_empty() || step.to.contains(|c: char| c.is_control() || c == ' ') {
                    let what =
                        "expected an address without white space, such as `user@example.net`";
                    return Err(LabError::input("mail.to", what));
                }
                (mail, true, false, false)
            }
            Action::Postfix(step) => {
                step.relay.iter().try_for_each(|relay| server("postfix.relay", relay))?;
                step.routes.values().try_for_each(|to| server("postfix.routes", to))?;
                // It becomes a line of Postfix's configuration.
                let is_domain = |text: &String| {
                    !text.is_empty()
                        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c))
                };
                if !step.receives.as_ref().is_none_or(is_domain) {
                    let what = "expected a domain, such as `example.org`";
                    return Err(LabError::input("postfix.receives", what));
                }
                match step.action {
                    PostfixAction::Start => (&[][..], false, false, false),
                    _ => (&["sent", "deferred", "bounced"][..], true, false, true),
                }
            }
            Action::Exec(step) if step.command.is_empty() => {
                return Err(LabError::input("exec.command", "names no program"));
            }
            Action::Exec(_) => (&[][..], false, true, true),
            Action::Event(fields) => {
                event_at(fields, Timestamp::UNIX_EPOCH)?;
                (&["applied", "refused"][..], false, false, false)
            }
            Action::Wait(seconds) => {
                within_an_hour("wait", Some(seconds))?;
                (&[][..], false, false, false)
            }
        };
        within_an_hour("patience", self.patience)?;
        within_an_hour("timeout", self.timeout)?;
        let runs = matches!(self.action()?, Action::Exec(_));
        if self.timeout.is_some() && !runs {
            return Err(LabError::input("timeout", "only `exec` runs a program; leave it out"));
        }
        let waits = !matches!(self.action()?, Action::Wait(_) | Action::Event(_));
        let given = [
            ("expect", self.expect.is_some(), !words.is_empty()),
            ("reason", self.reason.is_some(), reason),
            ("exit", self.exit.is_some(), exit),
            ("output", !self.output.is_empty(), output),
            ("patience", self.patience.is_some(), waits),
        ];
        if let Some((key, ..)) = given.iter().find(|(_, given, checked)| *given && !*checked) {
            return Err(LabError::input(*key, "this kind of step cannot check it; leave it out"));
        }
        match &self.expect {
            Some(word) if !words.contains(&word.as_str()) => Err(LabError::input(
                "expect",
                format!("expected `{}`, not `{word}`", words.join("`, `")),
            )),
            _ => Ok(()),
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
    pub fn parse(text: &str) -> Result<Self, ScenarioFault> {
        let scenario: Self =
            toml::from_str(text).map_err(|error| ScenarioFault::of_toml(text, &error))?;
        if scenario.step.is_empty() {
            let none = LabError::input("step", "a scenario has at least one step");
            return Err(ScenarioFault::of_file(text, &none));
        }
        for (index, step) in scenario.step.iter().enumerate() {
            step.check()
                .map_err(|error| ScenarioFault::of_step(text, index, &step.title(), &error))?;
        }
        Ok(scenario)
    }
}

/// Refuses seconds that are negative, no number, or more than an hour.
fn within_an_hour(key: &str, seconds: Option<f64>) -> Result<(), LabError> {
    match seconds {
        Some(seconds) if !(0.0..=3_600.0).contains(&seconds) => {
            Err(LabError::input(key, "between 0 and 3600 seconds"))
        }
        _ => Ok(()),
    }
}

/// The event of a step, which happens when the step is played.
pub(super) fn event_at(fields: &serde_json::Value, at: Timestamp) -> Result<Event, LabError> {
    let mut fields = fields.clone();
    if let Some(object) = fields.as_object_mut() {
        object.insert("at".to_owned(), at.to_string().into());
    }
    let event: Event = serde_json::from_value(fields)
        .map_err(|error| LabError::input("event", error.to_string()))?;
    event.kind.check_what_begins().map_err(|InventoryError { what, key, .. }| {
        LabError::input(format!("event.{}", key.unwrap_or_default()), what)
    })?;
    Ok(event)
}

/// Whether a step's key has a server, `HOST:PORT`.
fn server(key: &str, text: &str) -> Result<(), LabError> {
    host_and_port(text).map(drop).map_err(|error| match error {
        LabError::Input { what, .. } => LabError::input(key, format!("`{text}`: {what}")),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::Scenario;

    const CONNECT: &str = "connect = { from = \"a\", to = \"mx.example.net:25\" }";
    const EXEC: &str = "exec = { on = \"a\", command = [\"true\"] }";
    const EVENT: &str = "event = { kind = \"exemption-asked\", subscription = \"shop\" }";
    const POSTFIX: &str = "postfix = { on = \"a\", action = \"start\" }";

    fn parse(steps: &str) -> Result<Scenario, String> {
        let text = format!("name = \"n\"\ninventory = \"l.toml\"\n{steps}");
        Scenario::parse(&text).map_err(|error| error.to_string())
    }

    fn refused(lines: &[&str]) {
        let said = parse(&format!("[[step]]\nwait = 1\n[[step]]\n{}\n", lines.join("\n")));
        let said = said.expect_err(&format!("{lines:?} was taken"));
        assert!(said.contains("step 2"), "{said}");
    }

    #[test]
    fn assertions_that_a_step_cannot_check_were_ignored() {
        refused(&[EXEC, "expect = \"open\""]);
        refused(&[EXEC, "reason = \"exempt\""]);
        refused(&[CONNECT, "output = [\"x\"]"]);
        refused(&[CONNECT, "exit = 1"]);
        refused(&[CONNECT, "timeout = 1"]);
        refused(&["wait = 1", "expect = \"open\""]);
        refused(&[EVENT, "reason = \"exempt\""]);
        refused(&[POSTFIX, "expect = \"sent\""]);
    }

    #[test]
    fn a_misspelt_expectation_was_found_when_the_lab_was_up() {
        refused(&[CONNECT, "expect = \"time-out\""]);
        refused(&[CONNECT, "expect = \"timout\""]);
        refused(&[EVENT, "expect = \"declined\""]);
        refused(&["connect = { from = \"a\", to = \"mx.example.net:99999\" }"]);
        refused(&["event = { kind = \"exemption-askd\", subscription = \"shop\" }"]);
        refused(&["exec = { on = \"a\", command = [] }"]);
    }

    #[test]
    fn a_step_began_what_an_inventory_may_not() {
        let begins = "kind = \"network-added\", network = \"a\\u200bb\"";
        let step = format!("event = {{ {begins}, address_space = [\"10.0.0.0/8\"] }}");
        refused(&[&step]);
        let text = format!("name = \"n\"\ninventory = \"l.toml\"\n[[step]]\n{step}\n");
        let fault = Scenario::parse(&text).expect_err("it was taken");
        assert_eq!(text.get(fault.span.clone().unwrap()), Some("network"), "{fault:?}");
        assert!(fault.what.contains("U+200B"), "{fault}");
    }

    #[test]
    fn a_wait_of_minus_one_or_nan_waited_an_hour() {
        refused(&["wait = -1"]);
        refused(&["wait = nan"]);
        refused(&["wait = 3601"]);
        refused(&[EXEC, "timeout = -1"]);
    }

    #[test]
    fn a_scenario_without_steps_passed() {
        assert!(parse("step = []").is_err());
    }

    #[test]
    fn what_a_step_can_check_is_taken() {
        for lines in [
            &[CONNECT, "expect = \"timeout\"", "reason = \"not-granted\""][..],
            &[EXEC, "exit = 1", "output = [\"x\"]"],
            &[EXEC, "timeout = 0.5"],
            &[EVENT, "expect = \"refused\""],
            &["wait = 0.5"],
        ] {
            parse(&format!("[[step]]\n{}\n", lines.join("\n"))).unwrap();
        }
    }
}
