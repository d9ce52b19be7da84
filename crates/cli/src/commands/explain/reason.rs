//! What a reason means.

use egress25_policy::{Edition, Reason, Setting, Settings, SourceName, Statement};
use serde::Serialize;

use crate::commands::explain::example::{self, Example};
use crate::commands::explain::possible::{ComesUp, comes_up};
use crate::commands::explain::reading::{Reading, listed};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, TableRow, labelled};
use crate::say::shown::Shown;

/// What a reason means.
#[derive(Debug, Serialize)]
pub(super) struct ExplainedReason {
    reason: &'static str,
    usual_verdict: &'static str,
    line: &'static str,
    rests_on: Vec<Ground>,
    what_to_do: String,
    try_it: String,
    /// The edition that answers the example.
    #[serde(skip)]
    of: Option<String>,
    /// What there is to know where the edition's settings keep it from coming up.
    note: Option<String>,
    /// The same, as short as a table has it.
    #[serde(skip)]
    mark: Option<String>,
}

/// Something that a reason rests on.
#[derive(Debug, Serialize)]
struct Ground {
    /// A statement's id, a setting's name, or a document.
    id: String,
    /// `statement`, `setting` or `document`.
    kind: &'static str,
    /// The text that a statement is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<SourceName>,
    /// What it says; for a setting its question and its value.
    text: Option<String>,
}

/// Explains reasons as an edition has them.
pub(super) fn explain(
    reasons: &[Reason],
    reading: &Reading,
) -> Result<Vec<ExplainedReason>, Failure> {
    reasons.iter().map(|reason| one(*reason, reading)).collect()
}

/// Writes reasons as a table for a person.
pub(super) fn table(console: &mut Console, all: &[ExplainedReason]) -> Result<(), Failure> {
    let line = |one: &ExplainedReason| match &one.mark {
        None => one.line.to_owned(),
        Some(mark) => format!("{} ({mark})", one.line),
    };
    let rows =
        all.iter().map(|one| [one.reason.to_owned(), one.usual_verdict.to_owned(), line(one)]);
    output::write_rows(console, &["reason", "verdict", "what it means"], rows)
}

impl TableRow for ExplainedReason {
    const COLUMNS: &'static [&'static str] =
        &["reason", "usual_verdict", "line", "rests_on", "what_to_do", "note"];

    fn cells(&self) -> Vec<String> {
        let ids: Vec<_> = self.rests_on.iter().map(|ground| ground.id.as_str()).collect();
        let rests_on = ids.join("; ");
        let note = self.note.as_deref().unwrap_or_default();
        [self.reason, self.usual_verdict, self.line, &rests_on, &self.what_to_do, note]
            .map(str::to_owned)
            .to_vec()
    }
}

fn one(reason: Reason, reading: &Reading) -> Result<ExplainedReason, Failure> {
    let place = if is_by_edition(reason) { Some(comes_up(reason, reading)?) } else { None };
    let example = example::of(reason, reading, place.as_ref())?;
    let (note, mark) = match &place {
        Some(place) => note(reading, place)?.unzip(),
        None => (None, None),
    };
    Ok(ExplainedReason {
        reason: reason.name(),
        usual_verdict: reason.usual_verdict().name(),
        line: reason.line(),
        rests_on: rests_on(reason, reading, example.as_ref()),
        what_to_do: what_to_do(reason, example.as_ref()),
        of: example.as_ref().map(|example| example.edition.id.clone()),
        try_it: example.map_or_else(String::new, |example| example.flags),
        note,
        mark,
    })
}

/// Whether the edition's text decides that it comes up; the routes, the sender and the packet bring
/// about the others under every one.
const fn is_by_edition(reason: Reason) -> bool {
    reason.is_the_filters()
        || matches!(
            reason,
            Reason::UnrestrictedOffer
                | Reason::PredatesRestriction
                | Reason::Exempt
                | Reason::AzureFirewallUnsupported
        )
}

/// What there is to know of a reason that does not come up under the edition as it is: in a
/// sentence, and as short as a table has it.
fn note(reading: &Reading, place: &ComesUp) -> Result<Option<(String, String)>, Failure> {
    let edition = &reading.edition.id;
    Ok(match place {
        ComesUp::Yes(_) => None,
        ComesUp::With(_, (name, value)) => {
            let with = format!("--set {name}={value}");
            let note = format!("in edition {edition} only with another reading: {with}");
            Some((note, format!("only with {with}")))
        }
        ComesUp::No(others) => {
            let others = listed(others);
            let as_it_is = reading.settings == reading.edition.default_settings()?;
            let with = if as_it_is { "" } else { " with these settings" };
            let note =
                format!("cannot come up in edition {edition}{with}; in these it does: {others}");
            Some((note, format!("not in edition {edition}{with}")))
        }
    })
}

/// What a reason rests on: what the answer to its example does, and the settings and documents
/// that belong to it in every edition.
fn rests_on(reason: Reason, reading: &Reading, example: Option<&Example>) -> Vec<Ground> {
    let mut ids: Vec<String> = Vec::new();
    if let Some(Example { edition, decision, .. }) = example {
        let prefix = if edition.id == reading.edition.id {
            String::new()
        } else {
            format!("{}/", edition.id)
        };
        ids.extend(decision.statements.iter().map(|id| format!("{prefix}{id}")));
        ids.extend(decision.assumed.iter().map(|one| one.setting.clone()));
    }
    let in_every = reason.rests_on().iter().filter(|id| {
        Setting::named(id).is_some() || is_document(id) || is_of_the_network(id, &reading.edition)
    });
    for id in in_every.filter(|_| example.is_some() || !is_by_edition(reason)) {
        if !ids.iter().any(|other| other == id) {
            ids.push((*id).to_owned());
        }
    }
    let settings = example.map_or(&reading.settings, |example| &example.settings);
    ids.into_iter().map(|id| ground(id, &reading.edition, settings)).collect()
}

/// Whether it names a statement of the pages on the network, which every edition has.
fn is_of_the_network(id: &str, edition: &Edition) -> bool {
    edition.statement(id).is_some_and(|statement| statement.source.as_str() == "network-docs")
}

/// Whether it names neither a statement of some edition nor a setting.
fn is_document(id: &str) -> bool {
    let of_an_edition = |id: &str| {
        Edition::all().is_ok_and(|all| all.iter().any(|edition| edition.statement(id).is_some()))
    };
    let bare = id.split_once('/').map_or(id, |(_, bare)| bare);
    Setting::named(id).is_none() && !of_an_edition(bare)
}

fn ground(id: String, edition: &Edition, settings: &Settings) -> Ground {
    if let Some(statement) = edition.statement(&id) {
        return quoted(id.clone(), statement, edition);
    }
    if let Some(setting) = Setting::named(&id) {
        let text = format!("{} Here: {}.", setting.question(), settings.get(setting));
        return Ground { id, kind: "setting", source: None, text: Some(text) };
    }
    // An id with the edition's name before it: the statement of another edition.
    let other = id.split_once('/').and_then(|(name, bare)| {
        let other = Edition::named(name).ok()?;
        Some(quoted(id.clone(), other.statement(bare)?, &other))
    });
    other.unwrap_or(Ground { id, kind: "document", source: None, text: None })
}

fn quoted(id: String, statement: &Statement, edition: &Edition) -> Ground {
    let (source, text) = (statement.source.clone(), edition.quoted(statement));
    Ground { id, kind: "statement", source: Some(source), text: Some(text) }
}

/// What can be done about a reason: what the answer to its example says, or in general where no
/// edition has a say in it.
fn what_to_do(reason: Reason, example: Option<&Example>) -> String {
    if let Some(text) = in_general(reason) {
        return text.to_owned();
    }
    let steps = example.map_or(&[][..], |example| &example.decision.next_steps);
    if steps.is_empty() {
        return "Nothing: the edition has no such answer.".to_owned();
    }
    steps.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// What can be done about what no edition has a say in; `check` says it for a case.
const fn in_general(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::OtherPort
        | Reason::RelayPort
        | Reason::Internal
        | Reason::OnPremises
        | Reason::PlatformAddress
        | Reason::PlatformEgress
        | Reason::Inbound
        | Reason::UnrestrictedOffer
        | Reason::PredatesRestriction
        | Reason::Exempt => "Nothing: the packet passes.",
        Reason::NoRoute | Reason::NextHopUnknown | Reason::RoutingLoop => "Mend the routes.",
        Reason::SecurityGroupDenies => {
            "Change the rule, or send by a port that it allows: IP flow verify names it for a machine, \
             NSG diagnostics for a scale set's."
        }
        Reason::AdminRuleDenies => {
            "Ask whoever runs Virtual Network Manager: the rule is asked before your own groups."
        }
        Reason::NoOutboundAccess => {
            "Give the machine a NAT gateway, a public address or a load balancer's outbound rules."
        }
        Reason::NoAddressOfFamily => "Send to an IPv4 address, or give the machine an IPv6 one.",
        Reason::ApplianceNotForwarding => {
            "Start the appliance, and enable IP forwarding on its interface."
        }
        Reason::UnknownSource => {
            "Add the address to the inventory: the inventory does not know it."
        }
        Reason::AmbiguousNetwork => {
            "Say which network the traffic belongs to: `capture` ids in the inventory, or --network."
        }
        Reason::SpoofedSource => {
            "Only in a lab and on a live filter, where the port is known: the platform checks an \
             interface's packets against its addresses (that it drops the others is our word for \
             it). Send from the machine's own address, or turn `ip_forwarding` on where it is an \
             appliance."
        }
        Reason::SenderNotRunning => {
            "Check the machine's `power` in the inventory (an export tells that of its own day), the events \
             and the clock of the capture."
        }
        Reason::Malformed
        | Reason::FragmentDrop
        | Reason::SourceRouted
        | Reason::RoutingHeaderZero
        | Reason::MartianDestination
        | Reason::TunnelNotCarried => "Look at the sender: no ordinary mail server sends this.",
        Reason::Indeterminate => "Capture more bytes of each packet (a larger snapshot length).",
        Reason::NotGranted
        | Reason::RequestPending
        | Reason::FurtherSteps
        | Reason::RequestRefused
        | Reason::WaitingForStopStart
        | Reason::CreatedBeforeExemption
        | Reason::Revoked
        | Reason::ExemptionLapsed
        | Reason::ExemptionDoesNotCover
        | Reason::OfferNeverExempt
        | Reason::PlatformServiceUnsupported
        | Reason::AzureFirewallUnsupported => return None,
    })
}

impl ExplainedReason {
    /// Writes it for a person.
    pub(super) fn human(&self, console: &mut Console, edition: &str) -> Result<(), Failure> {
        let paint = console.paint();
        console.line(paint.bold(self.reason) + &format!("  ({})", self.usual_verdict))?;
        labelled(console, "", 0, self.line)?;
        if !self.rests_on.is_empty() {
            let edition = self.of.as_deref().unwrap_or(edition);
            output::section(console, &format!("Rests on (edition {edition})"))?;
        }
        for ground in &self.rests_on {
            ground.human(console)?;
        }
        console.line("")?;
        if let Some(note) = &self.note {
            labelled(console, paint.bold("Note        "), 12, note)?;
        }
        labelled(console, paint.bold("What to do  "), 12, &self.what_to_do)?;
        if !self.try_it.is_empty() {
            // One line, however wide: it is there to be pasted.
            let line = format!("egress25 check {}", self.try_it);
            console.line(paint.bold("Try it      ") + &line)?;
        }
        Ok(())
    }
}

impl Ground {
    fn human(&self, console: &mut Console) -> Result<(), Failure> {
        let (id, text) = (&self.id, self.text.as_deref().unwrap_or_default());
        if self.kind == "setting" {
            let label = Shown::from("  ") + console.paint().assumed("assumed  ");
            labelled(console, label, 11, &format!("{id}: {text}"))
        } else if text.is_empty() {
            console.line(format!("  {id}"))
        } else {
            // The id of another edition's statement has that edition before it.
            let width = id.len().saturating_add(2).max(9);
            labelled(console, format!("  {id:<width$}"), width.saturating_add(2), text)
        }
    }
}
