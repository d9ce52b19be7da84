//! Scenarios: scripts with assertions that run against a lab.
//!
//! A scenario is a TOML file with a lab and steps. Each step does one thing (opens a connection,
//! sends a mail, lets an event happen, runs a program, waits) and says what is to become of it.
//! [`Scenario::fits`] says before anything is built whether its steps can be played.

mod fault;
mod file;
mod fits;
mod junit;
mod play;
mod postfix;

pub use fault::ScenarioFault;
pub use file::{
    Action, ConnectStep, ExecStep, MailStep, PostfixAction, PostfixStep, Scenario, Step,
};
pub use junit::{JUNIT_MARK, junit};
pub use play::{Executed, ProgramEnd, Theatre, play};

/// Why a step is not played whose predecessor could not be.
const EARLIER: &str = "an earlier step could not be done";

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepResult {
    /// As it was expected.
    Passed,
    /// Otherwise; what was expected and what it was.
    Differs(String),
    /// It could not be done.
    Failed(String),
    /// It was not played, and why not.
    Skipped(String),
}

/// A step's line in the report.
#[derive(Debug, Clone)]
pub struct StepReport {
    /// The step's name.
    pub name: String,
    /// What became of it.
    pub result: StepResult,
    /// What was seen, such as `timeout`.
    pub seen: String,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// What became of a scenario.
#[derive(Debug, Clone)]
pub struct ScenarioReport {
    /// The scenario's name.
    pub scenario: String,
    /// The data path.
    pub datapath: String,
    /// The steps.
    pub steps: Vec<StepReport>,
}

impl ScenarioReport {
    /// The report of a scenario that was not played at all: the first step says why.
    #[must_use]
    pub fn unplayed(scenario: &Scenario, datapath: &str, why: &str) -> Self {
        let steps = scenario.step.iter().enumerate().map(|(index, step)| StepReport {
            name: step.title(),
            result: match index {
                0 => StepResult::Failed(why.to_owned()),
                _ => StepResult::Skipped(EARLIER.to_owned()),
            },
            seen: String::new(),
            seconds: 0.0,
        });
        let steps = steps.collect();
        Self { scenario: scenario.name.clone(), datapath: datapath.to_owned(), steps }
    }

    /// The report of a scenario that cannot be read: one step says why.
    #[must_use]
    pub fn unread(scenario: &str, datapath: &str, why: &str) -> Self {
        let step = StepReport {
            name: "read the scenario".to_owned(),
            result: StepResult::Failed(why.to_owned()),
            seen: String::new(),
            seconds: 0.0,
        };
        Self { scenario: scenario.to_owned(), datapath: datapath.to_owned(), steps: vec![step] }
    }

    /// How many steps were not played.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.result, StepResult::Skipped(_))).count()
    }

    /// How many steps ended otherwise than they say.
    #[must_use]
    pub fn differing(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.result, StepResult::Differs(_))).count()
    }

    /// How many steps could not be done.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.result, StepResult::Failed(_))).count()
    }
}
