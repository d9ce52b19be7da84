//! `explain`: what a reason means.

use std::str::FromStr;

use egress25_policy::{Edition, Reason, Setting, Settings};
use serde::Serialize;

use crate::SCHEMA_VERSION;
use crate::args::{ExplainArgs, OutputFormat};
use crate::commands::check::EditionName;
use crate::read::edition;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, labelled};

/// What the reasons mean.
#[derive(Debug, Serialize)]
struct Explained {
    schema_version: u32,
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
    try_it: &'static str,
}

/// Something that a reason rests on.
#[derive(Debug, Serialize)]
struct Ground {
    /// A statement's id, a setting's name, or a document.
    id: &'static str,
    /// `statement`, `setting` or `document`.
    kind: &'static str,
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
    let explained = Explained {
        schema_version: SCHEMA_VERSION,
        edition: EditionName::of(&edition),
        reasons: reasons.iter().map(|reason| explain(*reason, &edition, &settings)).collect(),
    };
    match args.format {
        OutputFormat::Human if args.reason.is_none() => list(console, &explained),
        OutputFormat::Human => {
            explained.reasons.iter().try_for_each(|one| human(console, one, &explained.edition.id))
        }
        OutputFormat::Json => output::json(console, &explained),
        OutputFormat::Ndjson => explained
            .reasons
            .iter()
            .try_for_each(|one| output::ndjson(console, &output::Versioned::new(one))),
        OutputFormat::Csv => {
            let header = ["reason", "usual_verdict", "line", "rests_on", "what_to_do"];
            let rows = explained.reasons.iter().map(|one| {
                let ids: Vec<_> = one.rests_on.iter().map(|ground| ground.id).collect();
                [
                    one.reason.to_owned(),
                    one.usual_verdict.to_owned(),
                    one.line.to_owned(),
                    ids.join("; "),
                    one.what_to_do.to_owned(),
                ]
            });
            output::csv(console, &header, rows)
        }
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

fn explain(reason: Reason, edition: &Edition, settings: &Settings) -> Explanation {
    Explanation {
        reason: reason.name(),
        usual_verdict: reason.usual_verdict().name(),
        line: reason.line(),
        rests_on: reason.rests_on().iter().map(|id| ground(id, edition, settings)).collect(),
        what_to_do: what_to_do(reason),
        try_it: try_it(reason),
    }
}

fn ground(id: &'static str, edition: &Edition, settings: &Settings) -> Ground {
    if let Some(statement) = edition.statement(id) {
        return Ground { id, kind: "statement", text: Some(statement.text.clone()) };
    }
    if let Some(setting) = Setting::ALL.iter().find(|setting| setting.name() == id) {
        let text = format!("{} Here: {}.", setting.question(), settings.get(*setting));
        return Ground { id, kind: "setting", text: Some(text) };
    }
    // An id with the edition's name before it: the statement of another edition.
    let other = id.split_once('/').and_then(|(name, id)| {
        let statement = Edition::named(name).ok()?.statement(id)?.text.clone();
        Some(Ground { id: "", kind: "statement", text: Some(statement) })
    });
    match other {
        Some(ground) => Ground { id, ..ground },
        None => Ground { id, kind: "document", text: None },
    }
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

/// A question that has this answer.
const fn try_it(reason: Reason) -> &'static str {
    match reason {
        Reason::OtherPort => "--offer free-trial --created 2019-03-01 --to 203.0.113.5 --port 80",
        Reason::RelayPort => "--offer free-trial --created 2019-03-01 --to 203.0.113.5 --port 587",
        Reason::Internal => "--offer free-trial --created 2019-03-01 --to 10.0.0.9",
        Reason::OnPremises => {
            "--offer free-trial --created 2019-03-01 --via gateway --to 203.0.113.5"
        }
        Reason::PlatformAddress => "--offer free-trial --created 2019-03-01 --to 168.63.129.16",
        Reason::UnrestrictedOffer => {
            "--offer enterprise-agreement --created 2019-03-01 --to 203.0.113.5"
        }
        Reason::PredatesRestriction => {
            "--offer pay-as-you-go --created 2016-03-01 --to 203.0.113.5"
        }
        Reason::Exempt => {
            "--offer pay-as-you-go --created 2019-03-01 --exempt granted --started-since-grant \
             --to 203.0.113.5"
        }
        Reason::NotGranted => "--offer pay-as-you-go --created 2019-03-01 --to 203.0.113.5",
        Reason::RequestPending => {
            "--offer pay-as-you-go --created 2019-03-01 --exempt requested --to 203.0.113.5"
        }
        Reason::FurtherSteps => {
            "--offer pay-as-you-go --created 2019-03-01 --exempt further-steps --to 203.0.113.5"
        }
        Reason::RequestRefused => {
            "--offer pay-as-you-go --created 2019-03-01 --exempt refused --to 203.0.113.5"
        }
        Reason::WaitingForStopStart => {
            "--offer pay-as-you-go --created 2019-03-01 --exempt granted --to 203.0.113.5"
        }
        Reason::CreatedBeforeExemption => {
            "--offer pay-as-you-go --created 2018-03-01 --exempt granted --edition 2018-11 \
             --to 203.0.113.5"
        }
        Reason::Revoked => {
            "--offer pay-as-you-go --created 2019-03-01 --exempt revoked --to 203.0.113.5"
        }
        Reason::ExemptionLapsed => {
            "--offer pay-as-you-go --created 2019-03-01 --exempt lapsed --to 203.0.113.5"
        }
        Reason::ExemptionDoesNotCover => {
            "--offer pay-as-you-go --created 2019-03-01 --exempt granted --started-since-grant \
             --via appliance --set exempt_via_appliance=blocked --to 203.0.113.5"
        }
        Reason::OfferNeverExempt => "--offer free-trial --created 2019-03-01 --to 203.0.113.5",
        Reason::AzureFirewallUnsupported => {
            "--offer enterprise-agreement --created 2019-03-01 --via azure-firewall \
             --to 203.0.113.5"
        }
        Reason::NoRoute => "--offer pay-as-you-go --created 2019-03-01 --to 192.168.1.1",
        _ => "",
    }
}

fn list(console: &mut Console, explained: &Explained) -> Result<(), Failure> {
    let mut table = output::table(console, &["reason", "verdict", "what it means"]);
    for one in &explained.reasons {
        table.add_row([one.reason, one.usual_verdict, one.line]);
    }
    output::write_table(console, &table)
}

fn human(console: &mut Console, one: &Explanation, edition: &str) -> Result<(), Failure> {
    let paint = console.paint();
    console.line(format!("{}  ({})", paint.bold(one.reason), one.usual_verdict))?;
    labelled(console, "", 0, one.line)?;
    console.line("")?;
    console.line(paint.bold(&format!("Rests on (edition {edition})")))?;
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
        labelled(
            console,
            &paint.bold("Try it      "),
            12,
            &format!("egress25 check {}", one.try_it),
        )?;
    }
    Ok(())
}

/// The arguments of `check` that have a reason as their answer, where a few flags are enough.
#[must_use]
pub fn example(reason: Reason) -> Option<&'static str> {
    Some(try_it(reason)).filter(|text| !text.is_empty())
}
