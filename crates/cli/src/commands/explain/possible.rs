//! Which answers an edition can give: of every description by flags that may be answered otherwise.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use egress25_policy::{
    Decision, Edition, ExemptionState, MachineKind, Offer, Reason, SMTP_PORT, Settings, decide,
};
use jiff::civil::Date;

use crate::args::Via;
use crate::commands::explain::reading::Reading;
use crate::read::deployment::{Deployment, Reached};
use crate::say::failure::Failure;

/// The readings that let reasons come up which the defaults keep from view.
const OPENING: &[(&str, &str)] = &[
    ("exempt_via_appliance", "blocked"),
    ("honour_pre_2017_subscriptions", "yes"),
    ("azure_firewall_when_silent", "rejected"),
    ("azure_firewall_2022_11", "rejected"),
    ("exemption_behind_azure_firewall", "does-not-cover"),
];

/// Where a reason comes up.
pub(super) enum ComesUp {
    /// As it is described.
    Yes(Box<Deployment>),
    /// Only with another setting.
    With(Box<Deployment>, (&'static str, &'static str)),
    /// With none of those; the other editions in which it does.
    No(Vec<String>),
}

/// Where a reason comes up in an edition, under its settings.
pub(super) fn comes_up(reason: Reason, reading: &Reading) -> Result<ComesUp, Failure> {
    let Reading { edition, settings, .. } = reading;
    let has = |answer: &Decision| answer.reason == reason;
    if let Some(found) = first(edition, settings, has)? {
        return Ok(ComesUp::Yes(Box::new(found)));
    }
    for (name, value) in OPENING {
        let mut other = settings.clone();
        other.set(name, value)?;
        if let Some(found) = first(edition, &other, has)? {
            return Ok(ComesUp::With(Box::new(found), (name, value)));
        }
    }
    Ok(ComesUp::No(of_other_editions(edition, has)?))
}

/// Whether an answer of an edition is such a one.
pub(super) fn names(reading: &Reading, such: impl Fn(&Decision) -> bool) -> Result<bool, Failure> {
    Ok(first(&reading.edition, &reading.settings, such)?.is_some())
}

/// The ids of the other editions of which an answer is such a one, with their settings as they are.
pub(super) fn of_other_editions(
    edition: &Edition,
    such: impl Fn(&Decision) -> bool,
) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    for other in Edition::all()?.iter().filter(|other| other.id != edition.id) {
        if first(other, &other.default_settings()?, &such)?.is_some() {
            ids.push(other.id.clone());
        }
    }
    Ok(ids)
}

/// The first description whose answer is such a one: the plainest descriptions come first.
fn first(
    edition: &Arc<Edition>,
    settings: &Settings,
    such: impl Fn(&Decision) -> bool,
) -> Result<Option<Deployment>, Failure> {
    for deployment in deployments(edition) {
        let world = deployment
            .world(edition, settings.clone())
            .map_err(|error| Failure::Internal(error.to_string()))?;
        if such(&decide(&world, &deployment.question())) {
            return Ok(Some(deployment));
        }
    }
    Ok(None)
}

/// Ways to the Internet: what sends, through what, and through whose.
const WAYS: &[(MachineKind, Option<Via>, bool)] = &[
    (MachineKind::VirtualMachine, None, false),
    (MachineKind::VirtualMachine, Some(Via::AzureFirewall), false),
    (MachineKind::VirtualMachine, Some(Via::AzureFirewall), true),
    (MachineKind::VirtualMachine, Some(Via::Appliance), false),
    (MachineKind::AppService, None, false),
    (MachineKind::ContainerInstance, None, false),
    (MachineKind::ScaleSet, None, false),
    (MachineKind::FlexibleScaleSet, None, false),
];

fn deployments(edition: &Edition) -> impl Iterator<Item = Deployment> {
    let before = edition.cutoff.yesterday().unwrap_or(edition.cutoff);
    // Well after the cutoff: the day itself rests on a setting.
    let after = edition.cutoff.tomorrow().unwrap_or(edition.cutoff);
    let offers = one_of_each_row(edition);
    let ways = WAYS.iter().flat_map(move |way| [after, before].map(|day| (way, day)));
    let states = ways.flat_map(move |(way, day)| states().map(move |state| (way, day, state)));
    states.flat_map(move |(way, day, state)| {
        offers.clone().into_iter().map(move |offer| deployment(offer, day, *way, state, after))
    })
}

/// Where an exemption stands, and how it reached the machine: what `check` takes.
fn states() -> impl Iterator<Item = (ExemptionState, Reached)> {
    let reached = [Reached::No, Reached::Started, Reached::Deployed];
    ExemptionState::ALL
        .iter()
        .flat_map(move |state| reached.map(|reached| (*state, reached)))
        .filter(|(state, reached)| *state == ExemptionState::Granted || *reached == Reached::No)
}

fn deployment(
    offer: Offer,
    created: Date,
    (kind, via, of_another): (MachineKind, Option<Via>, bool),
    (exemption, reached): (ExemptionState, Reached),
    after: Date,
) -> Deployment {
    Deployment {
        offer,
        created: Some(created),
        exemption,
        reached,
        deployed: None,
        kind,
        via,
        hub: of_another.then_some((Offer::EnterpriseAgreement, Some(after))),
        public_address: false,
        to: IpAddr::V4(Ipv4Addr::new(203, 0, 113, 5)),
        port: SMTP_PORT,
    }
}

/// An offer of each row; the most usual one of its row, if it is of that.
fn one_of_each_row(edition: &Edition) -> Vec<Offer> {
    let mut offers: Vec<Offer> = Vec::new();
    for offer in [Offer::PayAsYouGo].iter().chain(Offer::ALL) {
        let row = |offer: Offer| edition.rule(offer).0;
        if !offers.iter().any(|other| std::ptr::eq(row(*other), row(*offer))) {
            offers.push(*offer);
        }
    }
    offers
}
