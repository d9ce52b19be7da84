//! `exemption list` and `exemption show`.

use egress25_policy::{Subscription, SubscriptionName, World, may_ask_by};
use jiff::Timestamp;
use serde::Serialize;

use crate::args::OutputFormat;
use crate::args::exemption::OneArgs;
use crate::args::store::StoreListArgs;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, TableRow, Versioned};

use crate::commands::exemption::next_steps::{next_steps, way};
use crate::commands::store::rows::{EntryRow, write_brief};
use crate::commands::store::{open, record, world};

#[derive(Debug, Serialize)]
struct ExemptionRow {
    subscription: String,
    offer: &'static str,
    state: &'static str,
    since: Option<Timestamp>,
    machines: usize,
    /// How many of them it has reached.
    exempt_machines: usize,
}

impl ExemptionRow {
    fn of(world: &World, name: &SubscriptionName, subscription: &Subscription) -> Self {
        let machines = || world.machines().values().filter(|machine| machine.subscription == *name);
        Self {
            subscription: name.to_string(),
            offer: subscription.offer.name(),
            state: subscription.exemption.state.name(),
            since: subscription.exemption.since,
            machines: machines().count(),
            exempt_machines: machines().filter(|machine| machine.state.programmed.exempt).count(),
        }
    }
}

impl TableRow for ExemptionRow {
    const COLUMNS: &'static [&'static str] =
        &["subscription", "offer", "state", "since", "machines", "exempt machines"];
}

#[derive(Debug, Serialize)]
struct ExemptionList<'a> {
    exemptions: &'a [ExemptionRow],
}

/// Runs `exemption list`.
pub(super) fn list(args: &StoreListArgs, console: &mut Console) -> Result<(), Failure> {
    let world = world(args)?;
    let subscriptions = world.subscriptions().iter();
    let rows: Vec<_> =
        subscriptions.map(|(name, found)| ExemptionRow::of(&world, name, found)).collect();
    output::list(console, args.format, &rows, &ExemptionList { exemptions: &rows })
}

#[derive(Debug, Serialize)]
struct ShownExemption {
    #[serde(flatten)]
    row: ExemptionRow,
    /// Why there is none to be requested.
    nothing_to_request: Option<String>,
    asked_by: Vec<&'static str>,
    /// The way there, step by step.
    requested_at: Option<String>,
    asks: Vec<&'static str>,
    next: Vec<String>,
    history: Vec<EntryRow>,
}

/// Runs `exemption show`.
pub(super) fn show(args: &OneArgs, console: &mut Console) -> Result<(), Failure> {
    let store = open(&args.list.place)?;
    let at = args.list.at;
    let world = match at {
        Some(at) => store.world_at(at)?,
        None => store.world().clone(),
    };
    let name = SubscriptionName::from(args.name.as_str());
    let Some(subscription) = world.subscriptions().get(&name) else {
        return Err(Failure::Usage(format!("there is no subscription `{name}`")));
    };
    let (rule, _) = world.edition.rule(subscription.offer);
    let refused = world.can_be_exempt(&world.edition, &name, subscription).err();
    let channels = may_ask_by(&world.settings, rule).iter().filter(|_| refused.is_none());
    let asked_by: Vec<_> = channels.map(|channel| channel.name()).collect();
    let mut history = Vec::new();
    store.entries(0, |entry, sealed| {
        let is_about_it = entry.event.kind.subscription() == Some(&name);
        if is_about_it && at.is_none_or(|at| entry.event.at <= at) {
            history.push(EntryRow::of(entry, Some(sealed)));
        }
        Ok(())
    })?;
    let shown = ShownExemption {
        row: ExemptionRow::of(&world, &name, subscription),
        requested_at: refused.is_none().then(|| way(&world.edition, &world.settings, rule)),
        nothing_to_request: refused.map(|refused| refused.to_string()),
        asks: if asked_by.is_empty() {
            vec![]
        } else {
            rule.asks.iter().map(|ask| ask.text()).collect()
        },
        asked_by,
        next: next_steps(&world, &name, &[], &args.list.place),
        history,
    };
    match args.list.format {
        OutputFormat::Human => show_human(&shown, subscription, console),
        OutputFormat::Json => output::json(console, &Versioned::new(&shown)),
        OutputFormat::Ndjson => output::ndjson(console, &Versioned::new(&shown)),
        OutputFormat::Csv => output::csv(console, ExemptionRow::COLUMNS, [shown.row.cells()]),
    }
}

fn show_human(
    shown: &ShownExemption,
    subscription: &Subscription,
    console: &mut Console,
) -> Result<(), Failure> {
    let row = &shown.row;
    let paint = console.paint();
    let since = row.since.map(|since| format!(" since {since}")).unwrap_or_default();
    let title = subscription.offer.title();
    let stands = format!(" ({title}): {}{since}", row.state);
    console.line(paint.bold(&row.subscription) + &stands)?;
    let all = output::counted(row.machines, "machine", "machines");
    console.line(format!("  it has reached {} of {all}", row.exempt_machines))?;
    let needs = if shown.asks.is_empty() {
        String::new()
    } else {
        format!(" (needs: {})", shown.asks.join("; "))
    };
    let way = shown.requested_at.as_ref().map(|way| format!("is requested at: {way}{needs}"));
    for line in shown.nothing_to_request.iter().chain(&way) {
        output::labelled(console, "  ", 2, line)?;
    }
    if !shown.history.is_empty() {
        console.line("")?;
        write_brief(console, &shown.history)?;
    }
    record::next_steps(console, &shown.next)
}
