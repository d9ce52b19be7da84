//! `flows`: the flows to port 25 of flow logs, judged.

mod files;
mod judge;
mod page;
mod report;

use std::path::{Path, PathBuf};

use egress25_evidence::flow_log::{Flow, FlowLogError, FlowLogRead, FlowTracker, read};
use egress25_packet_filter::frame::RELAY_PORTS;
use egress25_policy::SMTP_PORT;
use jiff::Timestamp;

use crate::args::{FlowsArgs, ReportFormat};
use crate::commands::connections::by_subscription::{self, Counted, SubscriptionCount};
use crate::commands::connections::counts::{ConnectionCounts, DescribedConnection};
use crate::commands::connections::moving::MovingInventory;
use crate::commands::connections::{refuse_nothing, today};
use crate::read::edition::ChosenEdition;
use crate::read::input::stdin_once;
use crate::read::inventory::InventoryInput;
use crate::read::log_text::LogText;
use crate::read::whose;
use crate::say::ask::path_word;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::html;
use crate::say::output::counted;
use crate::say::progress::Progress;
use files::{LogFile, files};
use judge::FlowJudge;
use report::{FlowsReport, FlowsSummary};

/// What was read.
#[derive(Debug, Default)]
struct Logs {
    flows: Vec<Flow>,
    files: u64,
    tuples: u64,
    /// Tuples of flows out to port 25.
    to_port_25: u64,
    /// Tuples of flows to port 25 that there was no room for.
    not_kept: u64,
    /// Flows out to the ports that relays are reached on, as tuples.
    relays: u64,
    warnings: Vec<String>,
}

/// Judges flow logs.
///
/// # Errors
/// A file is bad, or what is told of who sends does not fit together.
pub fn run(args: &FlowsArgs, console: &mut Console) -> Result<(), Failure> {
    stdin_once(args.paths.iter().map(PathBuf::as_path))?;
    refuse_nothing(&args.rows)?;
    let paths: String = args.paths.iter().map(|path| format!(" {}", path_word(path))).collect();
    let beside: Vec<_> = args.paths.iter().collect();
    let found = files(&args.paths)?;
    let mut inventory =
        whose::inventory(&args.whose, &beside, &format!("flows{paths}"), || no_json(&found))?;
    let chosen = inventory.judged_by(args.whose.edition.edition.as_deref())?;
    let moving = MovingInventory::new(&inventory, &chosen, args.whose.network.as_deref())?;
    let mut judge = FlowJudge::new(moving);
    let logs = read_all(&found, args, console)?;
    let mut connections = Vec::with_capacity(logs.flows.len());
    for (number, flow) in (1_u64..).zip(&logs.flows) {
        connections.push(judge.connection(flow, number)?);
    }
    let summary = summary(&logs, &connections, &mut judge, (&inventory, &chosen), args)?;
    summary.warnings.iter().for_each(|warning| console.warn(warning));
    let report = FlowsReport { args, summary: &summary, inventory: &inventory, chosen: &chosen };
    let rows = report.rows(&connections);
    let both = (&connections[..], &rows[..]);
    match args.rows.format {
        ReportFormat::Html => html::write(console, &page::of(&report, both, &mut judge)?)?,
        _ => report.write(both, &mut judge, console)?,
    }
    report.failure().map_or(Ok(()), Err)
}

/// Refuses a first file that is no JSON at all, before somebody is asked who sends.
fn no_json(found: &[LogFile]) -> Result<(), Failure> {
    let first = found.first().filter(|first| first.path != Path::new("-"));
    let Some(first) = first else { return Ok(()) };
    let LogText { name, start, text } = LogText::open(&first.path)?;
    if start.trim_ascii_start().starts_with(b"{") {
        return Ok(());
    }
    match read(text, &|_| false, &mut |_| {}) {
        Err(error) => Err(refused(&name, &start, error)),
        Ok(_) => Ok(()),
    }
}

/// Reads all files, one after the other.
fn read_all(found: &[LogFile], args: &FlowsArgs, console: &mut Console) -> Result<Logs, Failure> {
    let mut tracker = FlowTracker::new(args.rows.max_connections());
    let total = found.iter().map(|file| file.bytes).fold(0, u64::saturating_add);
    let mut progress = Progress::of_bytes(console, Some(total).filter(|total| *total > 0));
    let mut logs = Logs::default();
    let (mut done, mut any) = (0_u64, false);
    for file in found {
        let LogText { name, start, text } = LogText::open(&file.path)?;
        let wanted = |port| SMTP_PORT == port || RELAY_PORTS.contains(&port);
        let read = read(
            text,
            &|tuple| tuple.opens_to(tuple.tuple.to.port()) && wanted(tuple.tuple.to.port()),
            &mut |one| {
                let is_mail = one.tuple.opens_to(SMTP_PORT);
                let count = if is_mail { &mut logs.to_port_25 } else { &mut logs.relays };
                *count = count.saturating_add(1);
                if is_mail {
                    tracker.add(one);
                }
            },
        );
        let read = read.map_err(|error| refused(&name, &start, error))?;
        any |= read.is_flow_log;
        logs.tuples = logs.tuples.saturating_add(read.tuples);
        logs.warnings.extend(unfinished(&name, &read));
        logs.files = logs.files.saturating_add(1);
        done = done.saturating_add(file.bytes);
        progress.tick(console, done)?;
    }
    progress.end();
    if !any {
        let what = "expected the JSON of a flow log, as Azure writes it (PT1H.json)";
        return Err(Failure::Usage(format!("{}; {what}", logs.warnings.join("; "))));
    }
    (logs.flows, logs.not_kept) = tracker.finish();
    Ok(logs)
}

/// That a file is not whole.
fn unfinished(name: &str, read: &FlowLogRead) -> Option<String> {
    match read.cut {
        Some((line, column)) => Some(format!(
            "`{name}` breaks off at line {line}, column {column}: it is of an hour that is not over, or \
             was not downloaded to its end; what was whole before that counts"
        )),
        None if !read.is_flow_log => {
            Some(format!("`{name}` is empty: its hour has begun, or it was not downloaded"))
        }
        None => None,
    }
}

/// That a file is no flow log, and what it is.
fn refused(name: &str, start: &[u8], error: FlowLogError) -> Failure {
    match (error, files::foreign(start)) {
        (FlowLogError::Read(source), _) => Failure::Read { name: name.to_owned(), source },
        (_, Some(foreign)) => Failure::Usage(format!("`{name}` is no flow log: {foreign}")),
        (FlowLogError::Json { line, column, what }, None) => Failure::Usage(format!(
            "`{name}`, line {line}, column {column}: {what}; expected the JSON of a flow log, as Azure \
             writes it (PT1H.json)"
        )),
        (error @ FlowLogError::Endless, None) => Failure::Usage(format!("`{name}`: {error}")),
        (error @ FlowLogError::NoFlowLog, None) => Failure::Usage(format!(
            "`{name}`: {error}; expected the JSON of a flow log, as Azure writes it (PT1H.json). What az \
             or the portal exports of resources is for `egress25 import`"
        )),
    }
}

/// Brings the counts together.
fn summary(
    logs: &Logs,
    connections: &[DescribedConnection],
    judge: &mut FlowJudge,
    (inventory, chosen): (&InventoryInput, &ChosenEdition),
    args: &FlowsArgs,
) -> Result<FlowsSummary, Failure> {
    let others = logs.tuples.saturating_sub(logs.to_port_25).saturating_sub(logs.relays);
    let counts = ConnectionCounts {
        syns_not_kept: logs.not_kept,
        relay_syns: logs.relays,
        others,
        other_ports: others > 0,
        ..ConnectionCounts::of(connections)
    };
    let (moving, examples) = judge.examples_in();
    let today = today::of(inventory, chosen, moving, examples)?;
    let first: Option<Timestamp> = logs.flows.iter().map(|flow| flow.first).min();
    let last: Option<Timestamp> = logs.flows.iter().map(|flow| flow.last).max();
    let editions = first.zip(last).map(|(first, last)| moving.editions(first, last));
    let mut summary = FlowsSummary {
        files: logs.files,
        tuples: logs.tuples,
        to_port_25: logs.to_port_25,
        first,
        last,
        editions: editions.unwrap_or_default(),
        by_subscription: by_subscription(connections),
        connections: counts,
        today,
        warnings: logs.warnings.clone(),
    };
    summary.warnings.extend(summary.connections.contradictions.iter().cloned());
    if logs.not_kept > 0 {
        summary.warnings.push(format!(
            "{} of flows to port 25 beyond those that are kept, and held against nothing \
             (--max-connections)",
            counted(logs.not_kept, "tuple is", "tuples are")
        ));
    }
    if let Some((first, last)) = first.zip(last) {
        summary.warnings.extend(chosen.of_another_time(first, last)?);
    }
    let unknown = by_subscription::unknown(&summary.by_subscription);
    if unknown > 0 && unknown.saturating_mul(2) > summary.connections.connections {
        let how = match whose::is_described(&args.whose) {
            true => "are not private; if some are yours, name them with --mine PREFIX",
            false => "the inventory does not know",
        };
        summary.warnings.push(format!(
            "{unknown} of {} to port 25 from addresses that {how}",
            counted(summary.connections.connections, "flow is", "flows are")
        ));
    }
    Ok(summary)
}

/// Counts connections.
fn by_subscription(connections: &[DescribedConnection]) -> Vec<SubscriptionCount> {
    let counts = connections.iter().map(|connection| {
        let subscription = connection.kept.as_ref().and_then(|kept| kept.subscription.as_ref());
        let (verdict, reason) = connection.judged;
        (subscription.map(ToString::to_string), reason, verdict, connection.stopped_by(), 1)
    });
    by_subscription::of(counts, Counted::Flows)
}
