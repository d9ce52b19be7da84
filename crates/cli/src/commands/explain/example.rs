//! A question that has a reason as its answer: what is given to try, and what its answer says.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use egress25_policy::{
    Decision, Edition, ExemptionState, MachineKind, Offer, Reason, SMTP_PORT, Settings, decide,
};
use jiff::civil::date;

use crate::args::Via;
use crate::commands::explain::possible::ComesUp;
use crate::commands::explain::reading::Reading;
use crate::read::deployment::{Deployment, Reached};
use crate::read::edition;
use crate::say::failure::Failure;

/// A question by flags, and its answer.
pub(super) struct Example {
    pub edition: Arc<Edition>,
    pub settings: Settings,
    pub decision: Decision,
    /// The arguments of `check`.
    pub flags: String,
}

/// The example of a reason in an edition: the plainest that has it as its answer, if flags can
/// describe one. What no answer of the edition has may be tried in the edition that has it.
pub(super) fn of(
    reason: Reason,
    reading: &Reading,
    place: Option<&ComesUp>,
) -> Result<Option<Example>, Failure> {
    let plain = plain(reason);
    let found = match place {
        Some(ComesUp::Yes(deployment)) => Some((*deployment.clone(), None)),
        Some(ComesUp::With(deployment, set)) => Some((*deployment.clone(), Some(*set))),
        Some(ComesUp::No(_)) | None => None,
    };
    let other = only_in(reason).map(edition::find).transpose()?;
    let edition = match (place, other) {
        (Some(ComesUp::No(_)), Some(other)) => other,
        _ => reading.edition.clone(),
    };
    for (deployment, set) in plain.into_iter().chain(found) {
        let example = answered(&deployment, &edition, &reading.set, set)?;
        if example.decision.reason == reason {
            return Ok(Some(example));
        }
    }
    Ok(None)
}

fn answered(
    of: &Deployment,
    edition: &Arc<Edition>,
    set: &[(String, String)],
    more: Option<(&str, &str)>,
) -> Result<Example, Failure> {
    let more = more.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let set: Vec<_> = set.iter().cloned().chain(more).collect();
    let settings = edition::settings(edition, &set)?;
    let world = of.world(edition, settings.clone());
    let world = world.map_err(|error| Failure::Internal(error.to_string()))?;
    let mut flags = flags(of);
    for (name, value) in set {
        flags.push_str(&format!(" --set {name}={value}"));
    }
    if !edition.default {
        flags.push_str(&format!(" --edition {}", edition.id));
    }
    let decision = decide(&world, &of.question());
    Ok(Example { edition: edition.clone(), settings, decision, flags })
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
        Some(Via::NatGateway) => " --via nat-gateway",
    });
    if let Some((offer, _)) = of.hub {
        flags.push_str(&format!(" --via-offer {offer}"));
    }
    flags.push_str(&format!(" --to {}", of.to));
    if of.port != SMTP_PORT {
        flags.push_str(&format!(" --port {}", of.port));
    }
    flags
}

/// The edition to try a reason in that the others cannot give.
fn only_in(reason: Reason) -> Option<&'static str> {
    (reason == Reason::CreatedBeforeExemption).then_some("2018-11")
}

/// The arguments of `check` that have a reason as their answer, where a few flags are enough.
#[must_use]
pub fn example(reason: Reason) -> Option<String> {
    let (deployment, set) = plain(reason)?;
    let set = set.map_or(String::new(), |(name, value)| format!(" --set {name}={value}"));
    let edition = only_in(reason).map_or(String::new(), |id| format!(" --edition {id}"));
    Some(flags(&deployment) + &set + &edition)
}

/// The plainest description that has a reason as its answer, with the setting that it needs.
fn plain(reason: Reason) -> Option<(Deployment, Option<(&'static str, &'static str)>)> {
    let mut set = None;
    let mut of = Deployment {
        offer: Offer::PayAsYouGo,
        created: Some(date(2019, 3, 1)),
        exemption: ExemptionState::None,
        reached: Reached::No,
        deployed: None,
        kind: MachineKind::VirtualMachine,
        via: None,
        hub: None,
        public_address: false,
        to: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 5)),
        port: SMTP_PORT,
    };
    match reason {
        Reason::OtherPort => of.port = 80,
        Reason::RelayPort => of.port = 587,
        Reason::Internal => of.to = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9)),
        Reason::OnPremises => of.via = Some(Via::Gateway),
        Reason::PlatformAddress => of.to = IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
        Reason::UnrestrictedOffer => of.offer = Offer::EnterpriseAgreement,
        Reason::PredatesRestriction => of.created = Some(date(2016, 3, 1)),
        Reason::Exempt => (of.exemption, of.reached) = (ExemptionState::Granted, Reached::Started),
        Reason::NotGranted => {}
        Reason::RequestPending => of.exemption = ExemptionState::Requested,
        Reason::FurtherSteps => of.exemption = ExemptionState::FurtherSteps,
        Reason::RequestRefused => of.exemption = ExemptionState::Refused,
        Reason::WaitingForStopStart | Reason::CreatedBeforeExemption => {
            of.exemption = ExemptionState::Granted;
        }
        Reason::PlatformServiceUnsupported => of.kind = MachineKind::AppService,
        Reason::NoOutboundAccess => of.kind = MachineKind::FlexibleScaleSet,
        Reason::Revoked => of.exemption = ExemptionState::Revoked,
        Reason::ExemptionLapsed => of.exemption = ExemptionState::Lapsed,
        Reason::ExemptionDoesNotCover => {
            (of.exemption, of.reached) = (ExemptionState::Granted, Reached::Started);
            of.via = Some(Via::Appliance);
            set = Some(("exempt_via_appliance", "blocked"));
        }
        Reason::OfferNeverExempt => of.offer = Offer::FreeTrial,
        Reason::AzureFirewallUnsupported => {
            (of.offer, of.via) = (Offer::EnterpriseAgreement, Some(Via::AzureFirewall));
        }
        Reason::NoRoute => of.to = IpAddr::V4(Ipv4Addr::new(192, 168, 1, 1)),
        _ => return None,
    }
    if matches!(reason, Reason::OtherPort | Reason::RelayPort | Reason::Internal) {
        of.offer = Offer::FreeTrial;
    }
    Some((of, set))
}
