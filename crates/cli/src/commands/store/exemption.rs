//! `exemption …`.

use egress25_exemption_store::{Store, StoreError};
use egress25_policy::{
    Event, EventKind, ExemptionState, Power, Subscription, SubscriptionName, World,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::SCHEMA_VERSION;
use crate::args::OutputFormat;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output;

use crate::args::store::{
    ExemptionCommand, NamedArgs, OneArgs, RequestArgs, Reviewer, StoreListArgs,
};
use crate::commands::store::portal::{Review, fill_in};
use crate::commands::store::rows::EntryRow;
use crate::commands::store::{place, record, subscription};

pub(super) fn run(command: &ExemptionCommand, console: &mut Console) -> Result<(), Failure> {
    let name = |named: &NamedArgs| SubscriptionName::from(named.name.as_str());
    let (named, kind) = match command {
        ExemptionCommand::List(args) => return list(args, console),
        ExemptionCommand::Show(args) => return show(args, console),
        ExemptionCommand::Request(args) => return request(args, console),
        ExemptionCommand::Grant(named) => {
            (named, EventKind::ExemptionGranted { subscription: name(named) })
        }
        ExemptionCommand::FurtherSteps(named) => {
            (named, EventKind::ExemptionFurtherSteps { subscription: name(named) })
        }
        ExemptionCommand::Refuse(named) => {
            (named, EventKind::ExemptionRefused { subscription: name(named) })
        }
        ExemptionCommand::Revoke(named) => {
            (named, EventKind::ExemptionRevoked { subscription: name(named) })
        }
    };
    let mut store = place::open(&named.place)?;
    let entries = record::entries(&named.record, vec![kind])?;
    let outcomes = record::append(&mut store, &named.record, &entries, console)?;
    let next = next_steps(store.world(), &name(named), &[]);
    let headline = headline(store.world(), &name(named));
    record::report(console, named.format, &outcomes, &headline, &next)
}

fn headline(world: &World, name: &SubscriptionName) -> String {
    let state = world.subscriptions().get(name).map(|found| found.exemption.state);
    format!("the exemption of {name} is `{}`", state.unwrap_or_default())
}

/// Plays the portal, or whoever reads the support case.
fn request(args: &RequestArgs, console: &mut Console) -> Result<(), Failure> {
    let named = &args.named;
    let mut store = place::open(&named.place)?;
    let name = SubscriptionName::from(named.name.as_str());
    let rule = may_ask(&store, &name, args)?;
    let form = fill_in(args, &rule)?;
    let asked = EventKind::ExemptionAsked {
        subscription: name.clone(),
        channel: args.channel.or_else(|| rule.request.first().copied()),
        why: form.why.clone(),
    };
    let mut kinds = vec![asked];
    let mut missing: &[&str] = &[];
    let mut because = form.answers.join("; ");
    if args.reviewer == Reviewer::Auto {
        let subscription = name.clone();
        kinds.push(match &form.decision {
            Review::Granted => EventKind::ExemptionGranted { subscription },
            Review::FurtherSteps(steps) => {
                missing = steps;
                EventKind::ExemptionFurtherSteps { subscription }
            }
            Review::Refused(why) => {
                because = format!("{why} ({because})");
                EventKind::ExemptionRefused { subscription }
            }
        });
    }
    let mut entries = record::entries(&named.record, kinds)?;
    if let Some(review) = entries.get_mut(1) {
        review.who = "reviewer (automatic)".to_owned();
        review.why = Some(because).filter(|because| !because.is_empty());
    }
    let outcomes = record::append(&mut store, &named.record, &entries, console)?;
    let mut next = next_steps(store.world(), &name, missing);
    if args.reviewer == Reviewer::Auto {
        console
            .note("the automatic reviewer's rules are ours; the article only says what is asked");
    }
    if next.is_empty() {
        next.push(relay(store.world()));
    }
    let headline = headline(store.world(), &name);
    record::report(console, named.format, &outcomes, &headline, &next)
}

/// The rule of the subscription's offer, if it may ask at all: nobody is asked questions whose
/// answers don't matter.
fn may_ask(
    store: &Store,
    name: &SubscriptionName,
    args: &RequestArgs,
) -> Result<egress25_policy::OfferRule, Failure> {
    let mut world = store.world().clone();
    let kind = EventKind::ExemptionAsked {
        subscription: name.clone(),
        channel: args.channel,
        why: Some("to be asked".to_owned()),
    };
    let done = args.named.record.key.as_ref().is_some_and(|key| {
        let key = if args.reviewer == Reviewer::Auto { format!("{key}/0") } else { key.clone() };
        store.log().find_key(&key).is_ok_and(|found| found.is_some())
    });
    // With an idempotency key that was used, the store says what came of it.
    if !done {
        let event = Event { at: Timestamp::UNIX_EPOCH, edition: None, kind };
        let kind = event.kind.name();
        world.apply(&event).map_err(|refused| StoreError::Refused { kind, refused })?;
    }
    let subscription = world.subscriptions().get(name);
    let subscription =
        subscription.ok_or_else(|| Failure::Usage(format!("there is no subscription `{name}`")))?;
    Ok(world.edition.rule(subscription.offer).0.clone())
}

fn relay(world: &World) -> String {
    let ports: Vec<_> = world.edition.relay_ports.iter().map(u16::to_string).collect();
    format!("until then, send by an authenticated relay, on port {}", ports.join(" or "))
}

/// What the subscription's owner, or the reviewer, can do next.
fn next_steps(world: &World, name: &SubscriptionName, missing: &[&str]) -> Vec<String> {
    let Some(subscription) = world.subscriptions().get(name) else { return Vec::new() };
    let mut steps: Vec<String> = missing.iter().map(|step| (*step).to_owned()).collect();
    match subscription.exemption.state {
        ExemptionState::Granted => steps.extend(stop_and_start(world, name)),
        ExemptionState::Requested => {
            steps.push(format!(
                "the request waits for an answer: `egress25 exemption grant {name}`, \
                 `further-steps {name}` or `refuse {name}`"
            ));
            steps.push(relay(world));
        }
        ExemptionState::FurtherSteps => {
            steps.push(format!(
                "when the steps are taken, the request is answered: `egress25 exemption grant \
                 {name}`"
            ));
            steps.push(relay(world));
        }
        ExemptionState::Refused | ExemptionState::Revoked | ExemptionState::Lapsed => {
            steps.push(relay(world).replacen("until then, send", "send", 1));
        }
        ExemptionState::None => {}
    }
    steps
}

/// The machines that a granted exemption hasn't reached.
fn stop_and_start(world: &World, name: &SubscriptionName) -> Vec<String> {
    let waits = |machine: &egress25_policy::Machine| {
        machine.subscription == *name
            && !machine.state.programmed.exempt
            && matches!(machine.state.power, Power::Running | Power::Stopped)
    };
    world
        .machines()
        .iter()
        .filter(|(_, machine)| waits(machine))
        .map(|(machine, _)| {
            format!(
                "`{machine}` stays blocked until it is stopped (deallocated) and started: \
                 `egress25 vm deallocate {machine}`, then `egress25 vm start {machine}`"
            )
        })
        .collect()
}

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
    const HEADER: [&'static str; 6] =
        ["subscription", "offer", "state", "since", "machines", "exempt machines"];

    fn of(world: &World, name: &SubscriptionName, subscription: &Subscription) -> Self {
        let own = || world.machines().values().filter(|machine| machine.subscription == *name);
        Self {
            subscription: name.to_string(),
            offer: subscription.offer.name(),
            state: subscription.exemption.state.name(),
            since: subscription.exemption.since,
            machines: own().count(),
            exempt_machines: own().filter(|machine| machine.state.programmed.exempt).count(),
        }
    }

    fn cells(&self) -> [String; 6] {
        [
            self.subscription.clone(),
            self.offer.to_owned(),
            self.state.to_owned(),
            self.since.map(|since| since.to_string()).unwrap_or_default(),
            self.machines.to_string(),
            self.exempt_machines.to_string(),
        ]
    }
}

#[derive(Debug, Serialize)]
struct ExemptionList<'a> {
    schema_version: u32,
    exemptions: &'a [ExemptionRow],
}

fn list(args: &StoreListArgs, console: &mut Console) -> Result<(), Failure> {
    let world = subscription::world(args)?;
    let rows: Vec<ExemptionRow> = world
        .subscriptions()
        .iter()
        .map(|(name, found)| ExemptionRow::of(&world, name, found))
        .collect();
    let document = ExemptionList { schema_version: SCHEMA_VERSION, exemptions: &rows };
    output::list(
        console,
        args.format,
        &ExemptionRow::HEADER,
        (&rows, ExemptionRow::cells),
        &document,
    )
}

#[derive(Debug, Serialize)]
struct ShownExemption {
    schema_version: u32,
    #[serde(flatten)]
    row: ExemptionRow,
    asked_by: Vec<&'static str>,
    asks: Vec<&'static str>,
    next: Vec<String>,
    history: Vec<EntryRow>,
}

fn show(args: &OneArgs, console: &mut Console) -> Result<(), Failure> {
    let store = place::open(&args.list.place)?;
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
    let mut history = Vec::new();
    store.entries(0, |entry, sealed| {
        let own = entry.event.kind.subscription() == Some(&name);
        if own && at.is_none_or(|at| entry.event.at <= at) {
            history.push(EntryRow::of(entry, Some(sealed)));
        }
        Ok(())
    })?;
    let shown = ShownExemption {
        schema_version: SCHEMA_VERSION,
        row: ExemptionRow::of(&world, &name, subscription),
        asked_by: rule.request.iter().map(|channel| channel.name()).collect(),
        asks: rule.asks.iter().map(|ask| ask.text()).collect(),
        next: next_steps(&world, &name, &[]),
        history,
    };
    match args.list.format {
        OutputFormat::Human => show_human(&shown, subscription, console),
        OutputFormat::Json => output::json(console, &shown),
        OutputFormat::Ndjson => output::ndjson(console, &shown),
        OutputFormat::Csv => output::csv(console, &ExemptionRow::HEADER, [shown.row.cells()]),
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
    console.line(format!("{} ({title}): {}{since}", paint.bold(&row.subscription), row.state))?;
    console
        .line(format!("  it has reached {} of {} machines", row.exempt_machines, row.machines))?;
    let asks = if shown.asks.is_empty() { "nothing".to_owned() } else { shown.asks.join("; ") };
    let asked = match shown.asked_by.as_slice() {
        [] => "no request is ever granted, or there is nothing to ask for".to_owned(),
        channels => format!("asked for by {}; asked is: {asks}", channels.join(" or ")),
    };
    output::labelled(console, "  ", 2, &asked)?;
    if !shown.history.is_empty() {
        console.line("")?;
        let mut table =
            output::table(console, &["revision", "took effect", "what", "of", "by", "why"]);
        shown.history.iter().for_each(|row| {
            table.add_row(row.cells());
        });
        output::write_table(console, &table)?;
    }
    if !shown.next.is_empty() {
        console.line("")?;
        console.line(paint.bold("What to do next"))?;
        for step in &shown.next {
            output::labelled(console, "  - ", 4, step)?;
        }
    }
    Ok(())
}
