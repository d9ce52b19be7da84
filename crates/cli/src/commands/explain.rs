//! `explain`: what a reason means.

use std::str::FromStr;

use egress25_policy::{Edition, Reason, Setting, Settings, SourceName, Statement, Topic};
use serde::Serialize;

use crate::args::ExplainArgs;
use crate::commands::matrix::{MatrixCell, cells};
use crate::read::edition;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, EditionName, TableRow, labelled};

/// What the reasons mean.
#[derive(Debug, Serialize)]
struct Explained {
    edition: EditionName,
    reasons: Vec<Explanation>,
}

/// What a reason means.
#[derive(Debug, Serialize)]
struct Explanation {
    reason: &'static str,
    usual_verdict: &'static str,
    line: &'static str,
    rests_on: Vec<Ground>,
    what_to_do: &'static str,
    try_it: String,
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

/// Explains the reason of the arguments, or all.
///
/// # Errors
/// There is no such reason.
pub fn run(args: &ExplainArgs, console: &mut Console) -> Result<(), Failure> {
    let edition = edition::choose(args.edition.edition.as_deref(), None)?;
    let settings = edition::settings(&edition, &args.edition.set)?;
    let reasons = match &args.reason {
        Some(name) => vec![parse(name)?],
        None => Reason::ALL.to_vec(),
    };
    // The reasons carry the ids of the default edition; another's are those of its answers.
    let answers = if edition.default { vec![] } else { cells(&edition, &settings)? };
    let explain = |reason: &Reason| explain(*reason, &edition, &settings, &answers);
    let explained = Explained {
        edition: EditionName::of(&edition),
        reasons: reasons.iter().map(explain).collect(),
    };
    let all = &explained.reasons;
    output::rows(console, args.format, all, &explained, |console| match args.reason {
        None => {
            let rows = all.iter().map(|one| [one.reason, one.usual_verdict, one.line]);
            output::write_rows(console, &["reason", "verdict", "what it means"], rows)
        }
        Some(_) => all.iter().try_for_each(|one| human(console, one, &explained.edition.id)),
    })
}

impl TableRow for Explanation {
    const COLUMNS: &'static [&'static str] =
        &["reason", "usual_verdict", "line", "rests_on", "what_to_do"];

    fn cells(&self) -> Vec<String> {
        let ids: Vec<_> = self.rests_on.iter().map(|ground| ground.id.as_str()).collect();
        let rests_on = ids.join("; ");
        [self.reason, self.usual_verdict, self.line, &rests_on, self.what_to_do]
            .map(str::to_owned)
            .to_vec()
    }
}

/// The reason with a name, or the names that are near it.
fn parse(name: &str) -> Result<Reason, Failure> {
    let tidy = name.trim().to_ascii_lowercase().replace([' ', '_'], "-");
    if let Ok(reason) = Reason::from_str(&tidy) {
        return Ok(reason);
    }
    let near: Vec<_> = Reason::ALL
        .iter()
        .map(|reason| reason.name())
        .filter(|known| known.split('-').any(|part| part.len() > 3 && tidy.contains(part)))
        .collect();
    let hint = if near.is_empty() {
        "`egress25 explain` lists them".to_owned()
    } else {
        format!("did you mean: {}?", near.join(", "))
    };
    Err(Failure::Usage(format!("`{name}` is no reason; {hint}")))
}

fn explain(
    reason: Reason,
    edition: &Edition,
    settings: &Settings,
    answers: &[MatrixCell],
) -> Explanation {
    let ids = if edition.default {
        reason.rests_on().iter().map(|id| (*id).to_owned()).collect()
    } else {
        ids_in(reason, edition, answers)
    };
    Explanation {
        reason: reason.name(),
        usual_verdict: reason.usual_verdict().name(),
        line: reason.line(),
        rests_on: ids.into_iter().map(|id| ground(id, edition, settings)).collect(),
        what_to_do: what_to_do(reason),
        try_it: example(reason).unwrap_or_default(),
    }
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
            "Send through an authenticated relay, or ask for an exemption where the offer has one."
        }
        Reason::RequestPending => "Wait for the answer; until then use a relay.",
        Reason::FurtherSteps => "Take the further steps that the answer named.",
        Reason::RequestRefused => "Use a relay, or ask again with what the answer missed.",
        Reason::WaitingForStopStart => {
            "Stop the machine in the portal, so that it is deallocated, and start it. A restart or \
             a shutdown from inside does not do it."
        }
        Reason::CreatedBeforeExemption => "Create the machine anew.",
        Reason::Revoked => "Use a relay, or settle with Microsoft why it was revoked.",
        Reason::ExemptionLapsed => "Ask again for the subscription as it is now.",
        Reason::ExemptionDoesNotCover => "Route the traffic directly to the Internet.",
        Reason::OfferNeverExempt => "Use a relay, or change the subscription's type.",
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

fn human(console: &mut Console, one: &Explanation, edition: &str) -> Result<(), Failure> {
    let paint = console.paint();
    console.line(format!("{}  ({})", paint.bold(one.reason), one.usual_verdict))?;
    labelled(console, "", 0, one.line)?;
    output::section(console, &format!("Rests on (edition {edition})"))?;
    if one.rests_on.is_empty() {
        console.line("  nothing: no answer of this edition's matrix has the reason")?;
    }
    for ground in &one.rests_on {
        let text = ground.text.as_deref().unwrap_or("");
        let name = match ground.kind {
            "setting" => format!("{}: ", ground.id),
            _ => String::new(),
        };
        if ground.kind == "setting" {
            labelled(console, &format!("  {}", paint.assumed("assumed  ")), 11, &(name + text))?;
        } else if text.is_empty() {
            console.line(format!("  {}", ground.id))?;
        } else {
            labelled(console, &format!("  {:<9}", ground.id), 11, text)?;
        }
    }
    console.line("")?;
    labelled(console, &paint.bold("What to do  "), 12, one.what_to_do)?;
    if !one.try_it.is_empty() {
        let command = format!("egress25 check {}", one.try_it);
        labelled(console, &paint.bold("Try it      "), 12, &command)?;
    }
    Ok(())
}
