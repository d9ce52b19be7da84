//! `log`.

use std::time::Duration;

use egress25_exemption_store::{FollowerState, LogEntry, Store, StoreError};
use egress25_policy::{World, nearest};
use serde::Serialize;

use crate::args::OutputFormat;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output;

use crate::args::log::LogArgs;
use crate::commands::store::open;
use crate::commands::store::rows::{EntryRow, write_brief};

/// How long one wait for new entries takes at most.
const WAIT: Duration = Duration::from_secs(1);

#[derive(Debug, Serialize)]
struct LogOutput<'a> {
    revision: u64,
    entries: &'a [EntryRow],
}

/// Runs `log`.
///
/// # Errors
/// The store can't be read.
pub fn run(args: &LogArgs, console: &mut Console) -> Result<(), Failure> {
    if args.follow && matches!(args.format, OutputFormat::Json | OutputFormat::Csv) {
        return Err(Failure::Usage(
            "--follow never ends: it takes `--format human` or `ndjson`".to_owned(),
        ));
    }
    let store = open(&args.place)?;
    if args.follow {
        // What is asked for may be still to come.
        return follow(args, &store, console);
    }
    let world = store.world();
    let (subscriptions, machines) = (world.subscriptions(), world.machines());
    known(
        "subscription",
        args.subscription.as_deref(),
        subscriptions.keys().map(|name| name.as_str()),
    )?;
    known("machine", args.machine.as_deref(), machines.keys().map(|name| name.as_str()))?;
    let mut rows = Vec::new();
    store.entries(args.after, |entry, sealed| {
        if wanted(args, entry, store.world()) {
            rows.push(EntryRow::of(entry, Some(sealed)));
        }
        Ok(())
    })?;
    let document = LogOutput { revision: store.head().revision, entries: &rows };
    output::rows(console, args.format, &rows, &document, |console| write_brief(console, &rows))
}

/// Makes sure that the log may have something of a name: an empty table would say that it has nothing.
fn known<'a>(
    what: &str,
    name: Option<&str>,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Result<(), Failure> {
    match name.filter(|name| known.clone().all(|known| known != *name)) {
        None => Ok(()),
        Some(name) => Err(Failure::Usage(format!(
            "the store has no {what} `{name}`; it has: {}",
            nearest(name, known)
        ))),
    }
}

/// Whether an entry was asked for. Whose a machine or a firewall is, the last world says.
fn wanted(args: &LogArgs, entry: &LogEntry, world: &World) -> bool {
    let kind = &entry.event.kind;
    if args.at.is_some_and(|at| entry.event.at > at) {
        return false;
    }
    let machine = kind.machine();
    if let Some(name) = &args.machine
        && machine.is_none_or(|machine| machine.as_str() != name)
    {
        return false;
    }
    let Some(name) = &args.subscription else { return true };
    let placed = match kind {
        egress25_policy::EventKind::MachineDeployed { placement: Some(placement), .. } => {
            Some(&placement.subscription)
        }
        _ => machine
            .and_then(|machine| world.machines().get(machine))
            .map(|machine| &machine.subscription)
            .or_else(|| Some(&world.firewalls().get(kind.firewall()?)?.subscription)),
    };
    kind.subscription().or(placed).is_some_and(|subscription| subscription.as_str() == name)
}

fn line(args: &LogArgs, entry: &LogEntry, console: &mut Console) -> Result<(), Failure> {
    let row = EntryRow::of(entry, None);
    if args.format == OutputFormat::Ndjson {
        output::ndjson(console, &output::Versioned::new(&row))?;
    } else {
        console.line(row.brief().join("  ").trim_end())?;
    }
    Ok(())
}

/// Writes what is there, then whatever comes, for ever.
fn follow(args: &LogArgs, store: &Store, console: &mut Console) -> Result<(), Failure> {
    let mut follower = store.follow()?;
    let mut failed = None;
    let until = store.head().revision;
    store.entries(args.after, |entry, _| {
        if entry.revision <= until && failed.is_none() && wanted(args, entry, store.world()) {
            failed = line(args, entry, console).err();
        }
        Ok(())
    })?;
    let mut said: Option<StoreError> = None;
    loop {
        if let Some(failure) = failed {
            return Err(failure);
        }
        console.finish()?;
        follower.poll(WAIT, |entry, _, world| {
            if failed.is_none() && entry.revision > args.after && wanted(args, entry, world) {
                failed = line(args, entry, console).err();
            }
        });
        match (follower.state(), &said) {
            (FollowerState::Stale { error, .. }, said_before) => {
                if said_before.as_ref() != Some(error) {
                    console.warn(&format!(
                        "{error}; going on from revision {} when it can be read again",
                        follower.head().revision
                    ));
                    said = Some(error.clone());
                }
                // A store that can't be read answers at once.
                std::thread::sleep(WAIT);
            }
            (FollowerState::Current, Some(_)) => {
                console.warn("the store can be read again");
                said = None;
            }
            (FollowerState::Current, None) => {}
        }
    }
}
