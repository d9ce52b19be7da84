//! Appending to the store, and saying what came of it.

use egress25_exemption_store::{
    AppendOutcome, Backdated, ExpectedRevision, NeverGranted, NewEntry, Store,
};
use egress25_policy::{Event, EventKind, World};
use serde::Serialize;

use crate::args::OutputFormat;
use crate::clock;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output;

use crate::args::store::{NamedArgs, RecordArgs};
use crate::commands::store::rows::EntryRow;

/// Who records, where nobody says.
pub(crate) fn user() -> String {
    ["USER", "LOGNAME"]
        .into_iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|name| !name.is_empty())
        .unwrap_or_else(|| format!("user {}", rustix::process::geteuid()))
}

/// What is to be recorded, by the arguments and the clock.
pub(crate) fn entries(args: &RecordArgs, kinds: Vec<EventKind>) -> Result<Vec<NewEntry>, Failure> {
    let now = clock::now()?;
    if let Some(at) = args.at
        && at > now
    {
        return Err(Failure::Usage(format!(
            "--at {at} is in the future: the log says what happened, not what is planned"
        )));
    }
    let who = args.who.clone().unwrap_or_else(user);
    let several = kinds.len() > 1;
    let entry = |(place, kind): (usize, EventKind)| NewEntry {
        event: Event { at: args.at.unwrap_or(now), edition: None, kind },
        recorded: now,
        who: who.clone(),
        why: args.why.clone(),
        channel: None,
        // A batch has one key a step, so that all of it is done once.
        key: args.key.as_ref().map(|key| match several {
            true => format!("{key}/{place}"),
            false => key.clone(),
        }),
        backdated: match args.at {
            Some(_) => Backdated::Refuse,
            None => Backdated::Raise,
        },
        never_granted: NeverGranted::Refuse,
    };
    Ok(kinds.into_iter().enumerate().map(entry).collect())
}

/// Whether something has been recorded with the idempotency key already, which was `several` entries
/// or one. Said again it has to be what it was then, though the world is another one now.
///
/// # Errors
/// The store cannot be read.
pub(crate) fn is_recorded(
    store: &Store,
    args: &RecordArgs,
    several: bool,
) -> Result<bool, Failure> {
    let Some(key) = &args.key else { return Ok(false) };
    let key = if several { format!("{key}/0") } else { key.clone() };
    Ok(store.log().find_key(&key)?.is_some())
}

/// Appends entries.
pub(crate) fn append(
    store: &mut Store,
    args: &RecordArgs,
    entries: &[NewEntry],
    console: &Console,
) -> Result<Vec<AppendOutcome>, Failure> {
    let expected = args.expect_revision.map_or(ExpectedRevision::Any, ExpectedRevision::At);
    let outcomes = store.append(expected, entries)?;
    for (new, outcome) in entries.iter().zip(&outcomes) {
        let entry = &outcome.entry;
        if outcome.applied.is_none() {
            console.warn(&format!("done already, at revision {}", entry.revision));
        } else if entry.event.at != new.event.at {
            console.warn(&format!(
                "the clock says {}, but something earlier in the log took effect at {}; so does \
                 this",
                new.event.at, entry.event.at
            ));
        }
    }
    Ok(outcomes)
}

/// Records what happened, and says what came of it: a headline, and what to do next.
pub(crate) fn record(
    named: &NamedArgs,
    store: &mut Store,
    kinds: Vec<EventKind>,
    console: &mut Console,
    outcome: impl FnOnce(&World) -> (String, Vec<String>),
) -> Result<(), Failure> {
    let entries = entries(&named.record, kinds)?;
    let outcomes = append(store, &named.record, &entries, console)?;
    let (headline, next) = outcome(store.world());
    report(console, named.format, &outcomes, &headline, &next)
}

#[derive(Serialize)]
struct Recorded<'a> {
    /// Whether anything was appended, or all was there already.
    appended: bool,
    entries: &'a [EntryRow],
    /// The machines whose verdicts may be others now.
    machines: &'a [String],
    next: &'a [String],
}

/// Says what was recorded, and what to do next.
pub(crate) fn report(
    console: &mut Console,
    format: OutputFormat,
    outcomes: &[AppendOutcome],
    headline: &str,
    next: &[String],
) -> Result<(), Failure> {
    let applied = || outcomes.iter().filter_map(|outcome| outcome.applied.as_ref());
    let mut machines: Vec<String> =
        applied().flat_map(|applied| applied.machines.iter().map(ToString::to_string)).collect();
    machines.sort();
    machines.dedup();
    let rows: Vec<_> = outcomes.iter().map(|outcome| EntryRow::of(&outcome.entry, None)).collect();
    let appended = applied().next().is_some();
    let document = Recorded { appended, entries: &rows, machines: &machines, next };
    output::rows(console, format, &rows, &document, |console| {
        let mut revisions: Vec<_> =
            outcomes.iter().map(|outcome| outcome.entry.revision.to_string()).collect();
        revisions.dedup();
        let at = outcomes.last().map(|last| last.entry.event.at.to_string());
        let (revisions, at) = (revisions.join(" and "), at.unwrap_or_default());
        console.line(format!("{headline} (revision {revisions}, {at})"))?;
        next_steps(console, next)
    })
}

/// Says what to do next, where there is anything.
pub(crate) fn next_steps(console: &mut Console, next: &[String]) -> Result<(), Failure> {
    if next.is_empty() {
        return Ok(());
    }
    output::section(console, "What to do next")?;
    next.iter().try_for_each(|step| output::labelled(console, "  - ", 4, step))
}
