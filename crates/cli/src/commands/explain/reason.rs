//! What a reason means.

use egress25_policy::{
    Edition, ExemptionState, MachineKind, Reason, Setting, Settings, SourceName, Statement, Topic,
};
use serde::Serialize;

use crate::args::Via;
use crate::commands::explain::possible::{ComesUp, comes_up};
use crate::commands::explain::reading::{Reading, listed};
use crate::commands::matrix::{MatrixCell, cells};
use crate::read::deployment::{Deployment, Reached};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, TableRow, labelled};

/// What a reason means.
#[derive(Debug, Serialize)]
pub(super) struct ExplainedReason {
    reason: &'static str,
    usual_verdict: &'static str,
    line: &'static str,
    rests_on: Vec<Ground>,
    what_to_do: &'static str,
    try_it: String,
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
    let Reading { edition, settings } = reading;
    // The reasons carry the ids of the default edition; another's are those of its answers.
    let answers = if edition.default { vec![] } else { cells(edition, settings)? };
    reasons.iter().map(|reason| one(*reason, reading, &answers)).collect()
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
        [self.reason, self.usual_verdict, self.line, &rests_on, self.what_to_do, note]
            .map(str::to_owned)
            .to_vec()
    }
}

fn one(
    reason: Reason,
    reading: &Reading,
    answers: &[MatrixCell],
) -> Result<ExplainedReason, Failure> {
    let Reading { edition, settings } = reading;
    let place = if is_by_edition(reason) { Some(comes_up(reason, reading)?) } else { None };
    let mut ids: Vec<_> = match &place {
        _ if edition.default => reason.rests_on().iter().map(|id| (*id).to_owned()).collect(),
        Some(ComesUp::No(_)) => vec![],
        _ => ids_in(reason, edition, answers),
    };
    if let (true, Some(ComesUp::Yes(found) | ComesUp::With(found, _))) = (ids.is_empty(), &place) {
        ids.extend(found.1.statements.iter().map(ToString::to_string));
    }
    let (note, mark) = match &place {
        Some(place) => note(reading, place)?.unzip(),
        None => (None, None),
    };
    Ok(ExplainedReason {
        reason: reason.name(),
        usual_verdict: reason.usual_verdict().name(),
        line: reason.line(),
        rests_on: ids.into_iter().map(|id| ground(id, edition, settings)).collect(),
        what_to_do: what_to_do(reason),
        try_it: try_it(reason, edition, place.as_ref()),
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

/// The arguments of `check` that have a reason as their answer in an edition, as far as flags
/// describe it.
fn try_it(reason: Reason, edition: &Edition, place: Option<&ComesUp>) -> String {
    let in_edition = || format!(" --edition {}", edition.id);
    match (place, example(reason)) {
        (Some(ComesUp::No(_)), Some(example)) if example.contains("--edition") => example,
        (Some(ComesUp::No(_)), _) => String::new(),
        (_, Some(example)) if edition.default => example,
        (None, Some(example)) => example + &in_edition(),
        (Some(ComesUp::Yes(found)), _) => flags(&found.0) + &in_edition(),
        (Some(ComesUp::With(found, (name, value))), _) => {
            format!("{} --set {name}={value}{}", flags(&found.0), in_edition())
        }
        (None, None) => String::new(),
    }
}

/// A description as the flags of `check`.
fn flags(of: &Deployment) -> String {
    let mut flags = format!("--offer {}", of.offer);
    if let Some(created) = of.created {
        flags.push_str(&format!(" --created {created}"));
    }
    if of.exemption != ExemptionState::None {
        flags.push_str(&format!(" --exempt {}", of.exemption));
    }
    flags.push_str(match of.reached {
        Reached::No => "",
        Reached::Started => " --started-since-grant",
        Reached::Deployed => " --deployed-since-grant",
    });
    if of.kind != MachineKind::VirtualMachine {
        flags.push_str(&format!(" --kind {}", of.kind.name()));
    }
    flags.push_str(match of.via {
        None => "",
        Some(Via::AzureFirewall) => " --via azure-firewall",
        Some(Via::Appliance) => " --via appliance",
        Some(Via::Gateway) => " --via gateway",
    });
    if let Some((offer, _)) = of.hub {
        flags.push_str(&format!(" --via-offer {offer}"));
    }
    format!("{flags} --to {}", of.to)
}

/// What a reason rests on in an edition: the statements of its answers, and the settings and
/// documents that belong to the reason in every edition.
fn ids_in(reason: Reason, edition: &Edition, answers: &[MatrixCell]) -> Vec<String> {
    let topic = match reason {
        Reason::RelayPort => edition.topic(Topic::Relay),
        Reason::OtherPort => edition.topic(Topic::OtherPort),
        Reason::PlatformServiceUnsupported => edition.topic(Topic::PlatformServices),
        _ => &[],
    };
    let with_it = answers.iter().filter(|cell| cell.reason == reason);
    let cited = topic.iter().chain(with_it.flat_map(|cell| &cell.statements));
    let in_every =
        reason.rests_on().iter().filter(|id| Setting::named(id).is_some() || is_document(id));
    let mut ids: Vec<String> = Vec::new();
    for id in cited.map(ToString::to_string).chain(in_every.map(|id| (*id).to_owned())) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    ids
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

/// What can be done about a reason, in general; `check` says it for a case.
const fn what_to_do(reason: Reason) -> &'static str {
    match reason {
        Reason::OtherPort
        | Reason::RelayPort
        | Reason::Internal
        | Reason::OnPremises
        | Reason::PlatformAddress
        | Reason::UnrestrictedOffer
        | Reason::PredatesRestriction
        | Reason::Exempt => "Nothing: the packet passes.",
        Reason::NotGranted => {
            "Send through an authenticated relay, or request an exemption where the offer has one."
        }
        Reason::RequestPending => "Wait for the answer; until then use a relay.",
        Reason::FurtherSteps => "Take the further steps that the answer named.",
        Reason::RequestRefused => "Use a relay, or request it again with what the answer missed.",
        Reason::WaitingForStopStart => {
            "Stop the machine in the portal, so that it is deallocated, and start it. A restart or \
             a shutdown from inside does not do it."
        }
        Reason::CreatedBeforeExemption => "Create the machine anew.",
        Reason::Revoked => "Use a relay, or settle with Microsoft why it was revoked.",
        Reason::ExemptionLapsed => "Request it again for the subscription as it is now.",
        Reason::ExemptionDoesNotCover => "Route the traffic directly to the Internet.",
        Reason::OfferNeverExempt => "Use a relay, or change the subscription's offer.",
        Reason::PlatformServiceUnsupported => {
            "Use a relay, or send from a virtual machine of a subscription that may."
        }
        Reason::AzureFirewallUnsupported => {
            "Route port 25 around the firewall, directly to the Internet, or use a relay."
        }
        Reason::NoRoute | Reason::NextHopUnknown | Reason::RoutingLoop => "Mend the routes.",
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
        Reason::SenderNotRunning => "Check the events and the clock of the capture.",
        Reason::Malformed
        | Reason::FragmentDrop
        | Reason::SourceRouted
        | Reason::RoutingHeaderZero
        | Reason::MartianDestination
        | Reason::TunnelNotCarried => "Look at the sender: no ordinary mail server sends this.",
        Reason::Indeterminate => "Capture more bytes of each packet (a larger snapshot length).",
    }
}

/// The arguments of `check` that have a reason as their answer, where a few flags are enough.
#[must_use]
pub fn example(reason: Reason) -> Option<String> {
    const TRIAL: &str = "free-trial";
    const PAYG: &str = "pay-as-you-go";
    const ENTERPRISE: &str = "enterprise-agreement";
    let (offer, year, more, to) = match reason {
        Reason::OtherPort => (TRIAL, 2019, "", "203.0.113.5 --port 80"),
        Reason::RelayPort => (TRIAL, 2019, "", "203.0.113.5 --port 587"),
        Reason::Internal => (TRIAL, 2019, "", "10.0.0.9"),
        Reason::OnPremises => (TRIAL, 2019, "--via gateway ", "203.0.113.5"),
        Reason::PlatformAddress => (TRIAL, 2019, "", "168.63.129.16"),
        Reason::UnrestrictedOffer => (ENTERPRISE, 2019, "", "203.0.113.5"),
        Reason::PredatesRestriction => (PAYG, 2016, "", "203.0.113.5"),
        Reason::Exempt => (PAYG, 2019, "--exempt granted --started-since-grant ", "203.0.113.5"),
        Reason::NotGranted => (PAYG, 2019, "", "203.0.113.5"),
        Reason::RequestPending => (PAYG, 2019, "--exempt requested ", "203.0.113.5"),
        Reason::FurtherSteps => (PAYG, 2019, "--exempt further-steps ", "203.0.113.5"),
        Reason::RequestRefused => (PAYG, 2019, "--exempt refused ", "203.0.113.5"),
        Reason::WaitingForStopStart => (PAYG, 2019, "--exempt granted ", "203.0.113.5"),
        Reason::CreatedBeforeExemption => {
            (PAYG, 2018, "--exempt granted --edition 2018-11 ", "203.0.113.5")
        }
        Reason::PlatformServiceUnsupported => (PAYG, 2019, "--kind app-service ", "203.0.113.5"),
        Reason::Revoked => (PAYG, 2019, "--exempt revoked ", "203.0.113.5"),
        Reason::ExemptionLapsed => (PAYG, 2019, "--exempt lapsed ", "203.0.113.5"),
        Reason::ExemptionDoesNotCover => {
            let more = "--exempt granted --started-since-grant --via appliance \
                        --set exempt_via_appliance=blocked ";
            (PAYG, 2019, more, "203.0.113.5")
        }
        Reason::OfferNeverExempt => (TRIAL, 2019, "", "203.0.113.5"),
        Reason::AzureFirewallUnsupported => {
            (ENTERPRISE, 2019, "--via azure-firewall ", "203.0.113.5")
        }
        Reason::NoRoute => (PAYG, 2019, "", "192.168.1.1"),
        _ => return None,
    };
    Some(format!("--offer {offer} --created {year}-03-01 {more}--to {to}"))
}

impl ExplainedReason {
    /// Writes it for a person.
    pub(super) fn human(&self, console: &mut Console, edition: &str) -> Result<(), Failure> {
        let paint = console.paint();
        console.line(format!("{}  ({})", paint.bold(self.reason), self.usual_verdict))?;
        labelled(console, "", 0, self.line)?;
        if !self.rests_on.is_empty() {
            output::section(console, &format!("Rests on (edition {edition})"))?;
        }
        for ground in &self.rests_on {
            ground.human(console)?;
        }
        console.line("")?;
        if let Some(note) = &self.note {
            labelled(console, &paint.bold("Note        "), 12, note)?;
        }
        labelled(console, &paint.bold("What to do  "), 12, self.what_to_do)?;
        if !self.try_it.is_empty() {
            let command = format!("egress25 check {}", self.try_it);
            labelled(console, &paint.bold("Try it      "), 12, &command)?;
        }
        Ok(())
    }
}

impl Ground {
    fn human(&self, console: &mut Console) -> Result<(), Failure> {
        let (id, text) = (&self.id, self.text.as_deref().unwrap_or_default());
        if self.kind == "setting" {
            let label = format!("  {}", console.paint().assumed("assumed  "));
            labelled(console, &label, 11, &format!("{id}: {text}"))
        } else if text.is_empty() {
            console.line(format!("  {id}"))
        } else {
            // The id of another edition's statement has that edition before it.
            let width = id.len().saturating_add(2).max(9);
            labelled(console, &format!("  {id:<width$}"), width.saturating_add(2), text)
        }
    }
}
