//! `policy`: the editions themselves.

pub mod diff;
mod diff_human;
mod difference;
pub mod list;
pub mod scan;
pub mod show;
pub mod trace;

use egress25_policy::{
    AppServiceRule, Channel, Edition, Effect, FirewallRule, Offer, OfferRule, Requirement,
    Restriction, path_text,
};

/// The points on which an edition speaks for every offer alike, as name and value.
#[must_use]
pub fn points(edition: &Edition) -> Vec<(&'static str, String)> {
    let mut ports: Vec<_> = edition.relay_ports.iter().map(u16::to_string).collect();
    ports.extend(edition.relay_on_other_ports.then(|| "others".to_owned()));
    let effect = match edition.effect {
        Effect::NextStart => "at the machine's next stop (deallocate) and start",
        Effect::MachinesCreatedAfter => "only for machines created after it",
    };
    let firewall = match edition.azure_firewall {
        FirewallRule::Silent => "silent",
        FirewallRule::Unsupported => "not supported",
        FirewallRule::Blocked => "silent; blocked by the firewall's own page",
        FirewallRule::MayWork => "silent; the firewall's own page says that it may work",
        FirewallRule::Disputed => {
            "other platform services unsupported; the firewall's own page says that it may work"
        }
        FirewallRule::OwnRule => "possible, under the subscription's own rule",
    };
    let app_service = match edition.app_service {
        AppServiceRule::Silent => "silent",
        AppServiceRule::Unsupported => "silent; not possible by App Service's own page",
        AppServiceRule::OwnRule => {
            "possible with virtual network integration, under the \
                                    subscription's own rule"
        }
    };
    let delegated = if edition.delegated_subnet_needs_temporary {
        "needs a temporary subnet added and removed"
    } else {
        "nothing special"
    };
    let mut points = vec![
        ("cutoff", edition.cutoff.to_string()),
        ("an exemption takes effect", effect.to_owned()),
        ("a subnet delegated to a service", delegated.to_owned()),
        ("through Azure Firewall", firewall.to_owned()),
        ("App Service and Functions", app_service.to_owned()),
        ("relay ports", ports.join(", ")),
    ];
    for (channel, path) in &edition.channels {
        let name = match channel {
            Channel::Portal => "the way by the portal",
            Channel::Case => "the way by a case",
            Channel::Provider => "the way by the provider",
        };
        points.push((name, path_text(&path.steps)));
    }
    if !edition.support.is_empty() {
        points.push(("the way to support", path_text(&edition.support)));
    }
    points
}

/// An offer's row in words.
#[must_use]
pub fn row_text(edition: &Edition, offer: Offer) -> String {
    let (rule, named) = edition.rule(offer);
    let text = rule_text(edition, rule);
    if named { text } else { format!("not named; assumed: {text}") }
}

/// A row in words.
#[must_use]
pub fn rule_text(edition: &Edition, rule: &OfferRule) -> String {
    let whom = match rule.restriction {
        Restriction::Open => return "open".to_owned(),
        Restriction::After => format!("blocked if created from {} on", edition.cutoff),
        Restriction::NoDate => "blocked, no date given".to_owned(),
        Restriction::Always => "blocked, whatever the date".to_owned(),
    };
    let channels: Vec<_> = rule.request.iter().map(|channel: &Channel| channel.name()).collect();
    if channels.is_empty() {
        return format!("{whom}; no way to an exemption");
    }
    let asks: Vec<_> = rule.asks.iter().map(|ask: &Requirement| ask.text()).collect();
    let needs =
        if asks.is_empty() { String::new() } else { format!(" (needs: {})", asks.join("; ")) };
    let revocable = if rule.revocable { "; may be revoked" } else { "" };
    format!("{whom}; exemption by {}{needs}{revocable}", channels.join(" and "))
}
