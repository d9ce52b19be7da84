//! Commands that ask a running lab something.

use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use egress25_lab::control::requests::{Dial, LabAnswer, NodeView, Request};
use egress25_lab::error::LabError;
use egress25_lab::network::graph::Graph;
use egress25_lab::network::hosts::{default_hosts, host_and_port};
use egress25_lab::network::plan::Plan;
use egress25_lab::process::{Waited, wait_within};
use egress25_policy::{Event, EventKind, MachineName};
use jiff::Timestamp;
use serde_json::json;

use crate::args::lab::{
    AtArgs, ConnectArgs, EventArgs, ExecArgs, InspectArgs, LabGraphArgs, VmAction, VmArgs,
};
use crate::args::{EditionArgs, GraphFormat, OutputFormat};
use crate::commands::graph;
use crate::commands::lab::place::client;
use crate::read::inventory::world_as_of;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, TableRow, Versioned, counted};
use crate::signals::{HandedOn, Signals};

/// What `lab exec` ends with where the program took too long, as `timeout` does.
const TOO_LONG: i32 = 124;
/// What it ends with where the program cannot be run, and where there is none, as shells do.
const CANNOT_BE_RUN: i32 = 126;
const NOT_FOUND: i32 = 127;
/// What it ends with where a signal ended the program: this and the signal's number.
const SIGNAL: i32 = 128;

/// How a program of `lab exec` ends.
enum Ending {
    OfItself(HandedOn),
    /// When the time is over, or by a signal.
    Within(Duration, Signals),
}

fn unexpected() -> Failure {
    Failure::Internal("the lab gave another answer than was asked for".to_owned())
}

impl TableRow for NodeView {
    const COLUMNS: &'static [&'static str] = &["node", "kind", "addresses", "notes"];

    fn cells(&self) -> Vec<String> {
        let addresses: Vec<_> = self.addresses.iter().map(ToString::to_string).collect();
        let notes: Vec<_> =
            self.notes.iter().map(|(key, value)| format!("{key} {value}")).collect();
        vec![self.name.clone(), self.kind.clone(), addresses.join(" "), notes.join(", ")]
    }
}

pub(super) fn inspect(args: &InspectArgs, console: &mut Console) -> Result<(), Failure> {
    let LabAnswer::View(view) = client(&args.at)?.exchange(&Request::Inspect)? else {
        return Err(unexpected());
    };
    // As a value, whose keys are in order of their names.
    let value = || json!(Versioned::new(&json!({ "lab": view })));
    match args.format {
        OutputFormat::Human => {}
        OutputFormat::Json => return output::json(console, &value()),
        OutputFormat::Ndjson => return output::ndjson(console, &value()),
        OutputFormat::Csv => {
            let rows = view.nodes.iter().map(NodeView::cells);
            return output::csv(console, NodeView::COLUMNS, rows);
        }
    }
    let events = counted(view.generation, "event", "events");
    console.line(format!("data path {}, {events} applied", view.datapath))?;
    output::write_rows(console, NodeView::COLUMNS, view.nodes.iter().map(NodeView::cells))?;
    for (reason, verdict, count) in &view.counts {
        console.line(format!("{count} × {verdict} {reason}"))?;
    }
    for complaint in &view.complaints {
        console.warn(complaint);
    }
    Ok(())
}

pub(super) fn exec(args: &ExecArgs, console: &mut Console) -> Result<(), Failure> {
    let Some((program, arguments)) = args.command.split_first() else {
        return Err(Failure::Usage("say what to run after `--`".to_owned()));
    };
    let spaces = client(&args.at)?.spaces(&args.node)?;
    console.finish()?;
    // The folder that this was called in; one that has gone is no reason not to run.
    let here = std::env::current_dir().ok();
    // Without a time the program has the terminal, and what comes from there.
    let mut ending = match args.timeout {
        None => Ending::OfItself(HandedOn::catch()?),
        Some(seconds) => Ending::Within(Duration::from_secs(seconds), Signals::catch()?),
    };
    let group_of_its_own = matches!(ending, Ending::Within(..));
    let mut child = match spaces.start((program, arguments), here.as_deref(), group_of_its_own) {
        Err(error @ LabError::NotStarted { .. }) => {
            let is_there = !matches!(&error, LabError::NotStarted { source, .. }
                if source.kind() == std::io::ErrorKind::NotFound);
            console.report(&error.into());
            std::process::exit(if is_there { CANNOT_BE_RUN } else { NOT_FOUND })
        }
        other => other?,
    };
    let waiting = |error| Failure::Internal(format!("waiting for the program: {error}"));
    let waited = match &mut ending {
        Ending::OfItself(handed_on) => handed_on.wait(&mut child).map(Waited::Ended),
        Ending::Within(time, signals) => wait_within(&mut child, *time, signals.as_fd()),
    };
    match waited.map_err(waiting)? {
        Waited::Ended(status) if status.success() => Ok(()),
        // The program's exit code is the answer.
        Waited::Ended(status) => std::process::exit(match status.signal() {
            Some(signal) => {
                console.warn(&format!("the program was ended by signal {signal}"));
                SIGNAL.saturating_add(signal)
            }
            None => status.code().unwrap_or(i32::from(Failure::FAILED)),
        }),
        Waited::TooLong => {
            let seconds = args.timeout.unwrap_or_default();
            let seconds = counted(seconds, "second", "seconds");
            console.warn(&format!("the program was ended: it took more than {seconds}"));
            std::process::exit(TOO_LONG)
        }
        Waited::Called => {
            let signal = match &ending {
                Ending::Within(_, signals) => signals.caught(),
                Ending::OfItself(_) => None,
            };
            let signal = signal.unwrap_or("a signal");
            Err(Failure::Internal(format!("the program was ended: {signal} came")))
        }
    }
}

pub(super) fn graph(args: &LabGraphArgs, console: &mut Console) -> Result<(), Failure> {
    let text = match &args.inventory {
        Some(inventory) => {
            let world = world_as_of(inventory, &EditionArgs::default(), None)?;
            let plan = Plan::of(&world, &default_hosts(&world), false)?;
            return graph::write(&Graph::from(&plan), args.format, console);
        }
        None => match (client(&args.at)?.exchange(&Request::Inspect)?, args.format) {
            (LabAnswer::View(view), GraphFormat::Dot) => view.graph,
            (LabAnswer::View(view), GraphFormat::Mermaid) => view.mermaid,
            _ => return Err(unexpected()),
        },
    };
    console.lines(&text)
}

/// Lets an event happen in a running lab.
fn apply(at: &AtArgs, event: Event) -> Result<(), Failure> {
    client(at)?.exchange(&Request::Apply { events: vec![event] })?;
    Ok(())
}

pub(super) fn vm(args: &VmArgs, console: &mut Console) -> Result<(), Failure> {
    let machine = MachineName::from(args.machine.as_str());
    let kind = match args.action {
        VmAction::Deallocate => EventKind::MachineDeallocated { machine },
        VmAction::Start => EventKind::MachineStarted { machine },
        VmAction::Restart => EventKind::MachineRestarted { machine },
        VmAction::Stop => EventKind::MachineStopped { machine },
        VmAction::Shutdown => EventKind::GuestShutdown { machine },
        VmAction::Redeploy => EventKind::MachineRedeployed { machine },
    };
    let name = kind.name();
    apply(&args.at, Event { at: Timestamp::now(), edition: None, kind })?;
    console.note(&format!("`{}`: {name}", args.machine));
    Ok(())
}

pub(super) fn event(args: &EventArgs, console: &mut Console) -> Result<(), Failure> {
    let mut fields = json!({
        "at": Timestamp::now(), "kind": args.kind, "subscription": args.subscription,
    });
    if let (Some(why), Some(object)) = (&args.why, fields.as_object_mut()) {
        object.insert("why".to_owned(), why.clone().into());
    }
    let event =
        serde_json::from_value(fields).map_err(|error| Failure::Usage(error.to_string()))?;
    apply(&args.at, event)?;
    console.note(&format!("`{}`: {}", args.subscription, args.kind));
    Ok(())
}

pub(super) fn connect(args: &ConnectArgs, console: &mut Console) -> Result<(), Failure> {
    let (host, port) = host_and_port(&args.to)?;
    let request = Request::Connect(Dial {
        from: args.from.clone(),
        to: host,
        port,
        patience: args.patience.saturating_mul(1_000),
    });
    let LabAnswer::Connected { outcome } = client(&args.at)?.exchange(&request)? else {
        return Err(unexpected());
    };
    console.line(outcome.name())?;
    match &args.expect {
        Some(expected) if expected != outcome.name() => Err(Failure::Differs(format!(
            "`{}` to `{}`: `{}` was expected, and it was `{}`",
            args.from,
            args.to,
            expected,
            outcome.name()
        ))),
        _ => Ok(()),
    }
}

pub(super) fn crash(at: &AtArgs, console: &mut Console) -> Result<(), Failure> {
    client(at)?.exchange(&Request::StopFilter)?;
    console.note(
        "the program that judges has ended: over nft the kernel's rules judge on, over nfqueue \
         SYNs to port 25 stay dropped, over afpacket everything",
    );
    Ok(())
}
