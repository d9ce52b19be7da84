//! What becomes of an exemption: who may ask for one, what a request is answered with, and what a
//! change of offer leaves of it.

use std::sync::Arc;

use crate::article::edition::{Channel, Edition, EditionError, Requirement, Restriction};
use crate::article::offer::Offer;
use crate::article::settings::{OfferChangeEffect, RevocationEffect, Settings, YesNo};
use crate::article::statement::StatementId;
use crate::decide::restriction::why_unrestricted;
use crate::decide::terms::{grants, may_ask_by, reserves_revocation};
use crate::file::moment::utc_day;
use crate::life::change::Change;
use crate::life::event::{Event, EventKind};
use crate::life::exemption::{ExemptionState, Grant};
use crate::life::power::{Missed, ProgrammedBy};
use crate::life::transition::{Applied, Refused, refuse};
use crate::world::name::{MachineName, SubscriptionName};
use crate::world::{FirewallState, Subscription, World};

impl Change<'_> {
    pub(crate) fn offer_changed(
        &mut self,
        event: &Event,
        name: &SubscriptionName,
        offer: Offer,
    ) -> Result<Applied, Refused> {
        let old = self.known(name)?;
        if old.offer == offer {
            return refuse(format!("`{name}` has the offer `{offer}` already"), vec![]);
        }
        let old_offer = old.offer;
        let survives = self.settings.exemption_survives_offer_change == YesNo::Yes;
        let state = match old.exemption.state {
            state if survives => state,
            //= PG7
            ExemptionState::Granted | ExemptionState::Lapsed => ExemptionState::Lapsed,
            _ => ExemptionState::None,
        };
        self.subscription(name, |subscription| {
            subscription.offer = offer;
            let exemption = &mut subscription.exemption;
            if exemption.state != state {
                (exemption.state, exemption.since) = (state, Some(event.at));
            }
        });
        let machines = self.machines_of(name);
        self.forget_restarts(&machines);
        let at_once = self.settings.offer_change_effect == OfferChangeEffect::Immediate;
        if at_once {
            for machine in &machines {
                self.program(machine, event, ProgrammedBy::OfferChange);
            }
        }
        let granted = self.known(name)?.exemption.is_granted(&self.settings);
        for firewall in self.firewalls_of(name) {
            self.firewall(&firewall, |state| state.change_offer(old_offer, at_once, granted));
        }
        Ok(Applied { machines, subscription: Some(name.clone()), structure: false })
    }

    /// What was restarted before there was anything to pick up tells nobody anything.
    fn forget_restarts(&mut self, machines: &[MachineName]) {
        for name in machines {
            self.state(name, |state| state.missed = Missed::default());
        }
    }

    pub(crate) fn exemption_moves(&mut self, event: &Event) -> Result<Applied, Refused> {
        let Some(name) = event.kind.subscription() else {
            return refuse("the event names no subscription", vec![]);
        };
        let subscription = self.known(name)?;
        let edition = self.edition_of(event, subscription.offer)?;
        let state = self.next_exemption_state(&edition, name, subscription, &event.kind)?;
        let under = Some(edition.id.clone()).filter(|id| *id != self.edition.id);
        let never = !grants(&edition, &self.settings, subscription.offer);
        let grant = Grant { at: Some(event.at), to: subscription.offer, under, never };
        self.subscription(name, |subscription| {
            let exemption = &mut subscription.exemption;
            (exemption.state, exemption.since) = (state, Some(event.at));
            if state == ExemptionState::Granted {
                exemption.grant = Some(grant);
            }
        });
        let machines = self.machines_of(name);
        if state == ExemptionState::Granted {
            self.forget_restarts(&machines);
        }
        //= PG9
        if state == ExemptionState::Revoked
            && self.settings.revocation_effect == RevocationEffect::Immediate
        {
            for machine in &machines {
                self.state(machine, |state| state.programmed.revoke());
            }
            for firewall in self.firewalls_of(name) {
                self.firewall(&firewall, FirewallState::revoke);
            }
        }
        Ok(Applied { machines, subscription: Some(name.clone()), structure: false })
    }

    /// The state that an exemption event leads to, if the state machine allows it.
    fn next_exemption_state(
        &self,
        edition: &Edition,
        name: &SubscriptionName,
        subscription: &Subscription,
        kind: &EventKind,
    ) -> Result<ExemptionState, Refused> {
        use ExemptionState as S;
        let (rule, _) = edition.rule(subscription.offer);
        let state = subscription.exemption.state;
        match kind {
            EventKind::ExemptionAsked { channel, why, .. } => {
                self.may_ask(edition, name, subscription)?;
                self.asked_as_it_must_be(edition, name, subscription, *channel, why.as_deref())?;
                Ok(S::Requested)
            }
            //= PG5
            //= PN4
            EventKind::ExemptionGranted { .. } if asked(state) => Ok(S::Granted),
            EventKind::ExemptionFurtherSteps { .. } if state == S::Requested => Ok(S::FurtherSteps),
            EventKind::ExemptionRefused { .. } if asked(state) => {
                if self.settings.requests_can_be_refused == YesNo::No {
                    let what = "a request is granted or answered with further steps (setting \
                                `requests_can_be_refused`)";
                    return refuse(what, edition.cite(&rule.cites.answer));
                }
                Ok(S::Refused)
            }
            EventKind::ExemptionRevoked { .. } if state == S::Granted => {
                if !reserves_revocation(&self.settings, rule) {
                    return refuse(
                        format!(
                            "edition {} reserves no revocation for {} (setting \
                             `exemption_terms_when_silent`)",
                            edition.id,
                            subscription.offer.title()
                        ),
                        vec![],
                    );
                }
                Ok(S::Revoked)
            }
            other => refuse(
                format!(
                    "`{}` does not fit the exemption of `{name}`, which is `{state}`; it needs {}",
                    other.name(),
                    match other {
                        EventKind::ExemptionRevoked { .. } => "`granted`",
                        EventKind::ExemptionFurtherSteps { .. } => "`requested`",
                        _ => "`requested` or `further-steps`",
                    }
                ),
                edition.cite(match other {
                    EventKind::ExemptionRevoked { .. } => &rule.cites.revoke,
                    _ => first_of(&rule.cites.answer, &rule.cites.request),
                }),
            ),
        }
    }

    /// Whether a request goes where the edition says, and says what it must.
    fn asked_as_it_must_be(
        &self,
        edition: &Edition,
        name: &SubscriptionName,
        subscription: &Subscription,
        channel: Option<Channel>,
        why: Option<&str>,
    ) -> Result<(), Refused> {
        let (rule, _) = edition.rule(subscription.offer);
        //= PG4
        //= CS2
        //= PN2
        let ways = may_ask_by(&self.settings, rule);
        if let Some(channel) = channel
            // Where the text knows no way, there is none to miss.
            && !ways.is_empty()
            && !ways.contains(&channel)
        {
            let channels: Vec<_> = ways.iter().map(|c| c.name()).collect();
            return refuse(
                format!(
                    "`{}` is not where `{name}` requests it; {} requests it by: {}",
                    channel.name(),
                    subscription.offer.title(),
                    channels.join(" and ")
                ),
                edition.cite(&rule.cites.request),
            );
        }
        //= PN3
        let needs_why = rule.asks.contains(&Requirement::Justification);
        if needs_why && why.is_none_or(|why| why.trim().is_empty()) {
            return refuse(
                format!(
                    "the request of `{name}` must say `why` it cannot use an authenticated \
                     relay"
                ),
                edition.cite(&rule.cites.request),
            );
        }
        Ok(())
    }

    /// Whether a subscription may ask for an exemption at all.
    fn may_ask(
        &self,
        edition: &Edition,
        name: &SubscriptionName,
        subscription: &Subscription,
    ) -> Result<(), Refused> {
        self.is_restricted(edition, name, subscription)?;
        let (rule, _) = edition.rule(subscription.offer);
        let under = subscription.exemption.grant.as_ref().and_then(|grant| grant.under.as_ref());
        let uncounted = under.is_some() && self.settings.grandfather_exemptions == YesNo::No;
        match subscription.exemption.state {
            // One of an earlier edition that does not count: it is asked for anew.
            ExemptionState::Granted if uncounted => Ok(()),
            state @ (ExemptionState::Requested | ExemptionState::Granted) => refuse(
                format!("the exemption of `{name}` is `{state}` already"),
                edition.cite(&rule.cites.request),
            ),
            _ => Ok(()),
        }
    }
}

impl World {
    /// Whether there is an exemption to be had by an edition, wherever the present one stands.
    ///
    /// # Errors
    /// The subscription is not restricted, or the edition names its offer no way to one.
    pub fn can_be_exempt(
        &self,
        edition: &Edition,
        name: &SubscriptionName,
        subscription: &Subscription,
    ) -> Result<(), Refused> {
        self.is_restricted(edition, name, subscription)?;
        grants_any(edition, &self.settings, subscription.offer)
    }

    /// Whether there is anything to be exempt from.
    fn is_restricted(
        &self,
        edition: &Edition,
        name: &SubscriptionName,
        subscription: &Subscription,
    ) -> Result<(), Refused> {
        let (rule, _) = edition.rule(subscription.offer);
        if rule.restriction == Restriction::Open {
            return refuse(
                format!("`{name}` is not restricted; there is nothing to request"),
                edition.cite(&rule.cites.open),
            );
        }
        //= PG1
        //= G2
        let (offer, created) = (subscription.offer, subscription.created);
        if let Some(statements) = why_unrestricted(self, edition, offer, created) {
            let what = format!(
                "`{name}` is not restricted: it was created before the restriction ({created}); there \
                 is nothing to request"
            );
            return refuse(what, edition.cite(&statements));
        }
        Ok(())
    }

    /// Refuses what no portal and no reviewer would do: an exemption that is requested or granted,
    /// and the text names the offer no way to one. [`Self::apply`] takes it, because a history may
    /// say so all the same: the decision does not count it, and warns (`never_granted_but_granted`).
    ///
    /// # Errors
    /// The event is such a one.
    pub fn refuse_what_is_never_granted(&self, event: &Event) -> Result<(), Refused> {
        let (EventKind::ExemptionAsked { subscription: name, .. }
        | EventKind::ExemptionGranted { subscription: name }) = &event.kind
        else {
            return Ok(());
        };
        let Some(found) = self.subscriptions.get(name) else { return Ok(()) };
        let edition = self.edition_of(event, found.offer)?;
        // Whoever is not restricted has nothing to request, which is another answer.
        match self.is_restricted(&edition, name, found) {
            Ok(()) => grants_any(&edition, &self.settings, found.offer),
            Err(_) => Ok(()),
        }
    }

    /// The edition that answers what an event asks of an offer: the one that the event names, or
    /// that of the history, or the one that judges where the history has none. Where that grants
    /// the offer nothing, the edition that stood on the event's day may have, and its grant counts
    /// (`grandfather_exemptions`).
    ///
    /// # Errors
    /// The event names what is no edition.
    pub fn edition_of(&self, event: &Event, offer: Offer) -> Result<Arc<Edition>, Refused> {
        let unknown = |error: EditionError| Refused { what: error.to_string(), statements: vec![] };
        let told = &self.history;
        match &event.edition {
            None if grants(told, &self.settings, offer) => Ok(told.clone()),
            None => {
                let stood = Edition::at(utc_day(event.at)).map_err(unknown)?.edition;
                Ok(if stood.grants_by_name(offer) { stood } else { told.clone() })
            }
            Some(id) if *id == self.edition.id => Ok(self.edition.clone()),
            Some(id) if *id == told.id => Ok(told.clone()),
            Some(id) => Edition::named(id).map_err(unknown),
        }
    }
}

/// Whether an edition grants an exemption to an offer at all.
fn grants_any(edition: &Edition, settings: &Settings, offer: Offer) -> Result<(), Refused> {
    //= DV2
    if grants(edition, settings, offer) {
        return Ok(());
    }
    let (rule, _) = edition.rule(offer);
    let cites = edition.cite(first_of(&rule.cites.never, &rule.cites.blocked));
    let (id, title) = (&edition.id, offer.title());
    refuse(format!("edition {id} names no way to an exemption for {title}"), cites)
}

/// The statements on a subject, or where there are none those on another.
fn first_of<'a>(ids: &'a [StatementId], otherwise: &'a [StatementId]) -> &'a [StatementId] {
    if ids.is_empty() { otherwise } else { ids }
}

/// Whether a request is there that can be answered.
const fn asked(state: ExemptionState) -> bool {
    matches!(state, ExemptionState::Requested | ExemptionState::FurtherSteps)
}
