//! The answer as data.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use egress25_policy::{
    AppliedRule, Decision, Edition, Event, EventKind, Exemption, HopKind, MachineKind, MachineName,
    NextStep, Offer, Question, Reason, Setting, Source, StatementId, StoppedBy, SubscriptionName,
    Verdict, World, by_source_port, decide,
};
use jiff::Timestamp;
use serde::Serialize;

use crate::commands::check::resolve::{Scene, Subject};
use crate::say::failure::Failure;
use crate::say::output::{EditionName, OfAnotherPage, SCHEMA_VERSION, assignments};

/// The answer to a question.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CheckAnswer {
    /// The edition that answered.
    pub edition: EditionName,
    /// What stops the connection, in one word.
    pub stopped_by: StoppedBy,
    /// What was asked.
    pub question: Asked,
    /// The decision.
    pub decision: Decision,
    /// The answers for all source ports, where a security rule tells some apart; the decision is that
    /// for port 49152.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_source_port: Vec<FromPorts>,
    /// Which of its statements are not the article's word, and whose they are.
    pub sources: Vec<OfAnotherPage>,
    /// What the edition in force answers, where another was asked.
    pub in_force: Option<InForce>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// The answer for a range of source ports.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct FromPorts {
    /// The first port.
    pub first: u16,
    /// The last port.
    pub last: u16,
    /// What becomes of a packet from there.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// The security rules that fitted.
    pub rules: Vec<AppliedRule>,
}

/// The source port that the decision is for where none is said: the first of those for clients (RFC
/// 6335, 6).
pub(super) const DYNAMIC_PORT: u16 = 49_152;

/// A question, with what is known of the one who asks.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Asked {
    /// The sending machine, where there is one.
    pub machine: Option<MachineName>,
    /// The sending address, where an address was asked about.
    pub from: Option<IpAddr>,
    /// The destination.
    pub to: IpAddr,
    /// Its TCP port.
    pub port: u16,
    /// The TCP port that it is sent from, where one was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from_port: Option<u16>,
    /// The inventory, where there is one.
    pub inventory: Option<String>,
    /// The time in the inventory.
    pub at: Option<Timestamp>,
    /// The sender's subscription.
    pub subscription: Option<SubscriptionName>,
    /// The offer of that subscription.
    pub offer: Option<Offer>,
    /// The day on which that subscription was created, or what is known of it.
    pub created: Option<String>,
    /// Where its exemption stands.
    pub exemption: Option<egress25_policy::ExemptionState>,
}

/// What the edition in force answers to the same question.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct InForce {
    /// The edition in force.
    pub edition: EditionName,
    /// Whether its verdict or its reason is another, from whatever source port.
    pub differs: bool,
    /// Its decision, where there is one.
    pub decision: Option<Decision>,
    /// Which of its statements are not the article's word, and whose they are.
    pub sources: Vec<OfAnotherPage>,
    /// Why there is none, otherwise.
    pub error: Option<String>,
}

impl InForce {
    /// Its verdict and reason, where there are any.
    #[must_use]
    pub(super) fn outcome(&self) -> Option<(Verdict, Reason)> {
        self.decision.as_ref().map(|decision| (decision.verdict, decision.reason))
    }
}

/// Answers a question.
///
/// # Errors
/// The world cannot be built.
pub(super) fn answer(subject: &Subject) -> Result<CheckAnswer, Failure> {
    let world = subject.scene.world(&subject.edition)?;
    let all = by_source_port(&world, &subject.question);
    let by_source_port = match all.as_slice() {
        [_] => vec![],
        all => all.iter().map(|(ports, decision)| FromPorts::of(ports, decision)).collect(),
    };
    let in_force = in_force(subject, &outcomes(&all))?;
    let mut decision = usual(all);
    let mut notes = notes(&world, subject, &decision);
    let next = after_a_pass(&world, &subject.question, &decision);
    if !next.is_empty() {
        notes.push("what to look at next rests on no statement of the article".to_owned());
        decision.next_steps = next;
    }
    Ok(CheckAnswer {
        edition: EditionName::of(&subject.edition),
        stopped_by: StoppedBy::of(decision.verdict, decision.reason),
        by_source_port,
        question: asked(subject, &world, &decision),
        sources: sources(&subject.edition, &decision),
        decision,
        in_force,
        notes,
    })
}

/// The decision for the port that stands for all where none is said; there is a range with every port.
fn usual(mut all: Vec<(RangeInclusive<u16>, Decision)>) -> Decision {
    let place = all.iter().position(|(ports, _)| ports.contains(&DYNAMIC_PORT));
    all.swap_remove(place.unwrap_or(0)).1
}

/// The verdict and reason of every source port, each with the last port of those side by side.
fn outcomes(all: &[(RangeInclusive<u16>, Decision)]) -> Vec<(u16, Verdict, Reason)> {
    let outcome =
        |(ports, of): &(RangeInclusive<u16>, Decision)| (*ports.end(), of.verdict, of.reason);
    let mut found: Vec<_> = all.iter().map(outcome).collect();
    // Of two alike the one behind is left.
    found.reverse();
    found.dedup_by_key(|(_, verdict, reason)| (*verdict, *reason));
    found
}

/// The same question under the edition in force. What happened keeps its edition, so that an
/// exemption that was granted then counts as granted then.
fn in_force(
    subject: &Subject,
    then: &[(u16, Verdict, Reason)],
) -> Result<Option<InForce>, Failure> {
    let edition = Edition::in_force()?;
    if edition.id == subject.edition.id {
        return Ok(None);
    }
    let name = EditionName::of(&edition);
    Ok(Some(match subject.scene.world(&edition) {
        Ok(world) => {
            let all = by_source_port(&world, &subject.question);
            let differs = outcomes(&all) != then;
            let now = usual(all);
            let sources = sources(&edition, &now);
            InForce { edition: name, differs, decision: Some(now), sources, error: None }
        }
        // The inventory cannot be so under the edition in force: that is an answer, too.
        Err(error) => {
            let error = Some(error.to_string());
            InForce { edition: name, differs: true, decision: None, sources: vec![], error }
        }
    }))
}

/// The statements of a decision, its next steps' too, that are of another page.
fn sources(edition: &Edition, decision: &Decision) -> Vec<OfAnotherPage> {
    let steps = decision.next_steps.iter().flat_map(|step| step.statements());
    OfAnotherPage::among(edition, decision.statements.iter().chain(steps))
}

fn asked(subject: &Subject, world: &World, decision: &Decision) -> Asked {
    let question = &subject.question;
    let (machine, from) = match &question.source {
        Source::Machine(name) => (Some(name.clone()), None),
        Source::Address { address, .. } => (decision.machine.clone(), Some(*address)),
    };
    let (inventory, at) = match &subject.scene {
        Scene::Described { at, .. } => (None, *at),
        Scene::Inventory { inventory, at, .. } => (Some(inventory.name().to_owned()), Some(*at)),
    };
    let sender = machine.as_ref().and_then(|name| world.machines().get(name));
    let subscription = sender.and_then(|machine| world.subscriptions().get(&machine.subscription));
    Asked {
        machine,
        from,
        to: question.destination,
        port: question.port,
        from_port: question.source_port,
        inventory,
        at,
        subscription: sender.map(|machine| machine.subscription.clone()),
        offer: subscription.map(|subscription| subscription.offer),
        created: match &subject.scene {
            Scene::Described { deployment, .. } => deployment.created.map(|day| day.to_string()),
            Scene::Inventory { .. } => subscription.map(|of| of.created.to_string()),
        },
        exemption: subscription.map(|subscription| {
            let Exemption { state, .. } = subscription.exemption;
            state
        }),
    }
}

fn notes(world: &World, subject: &Subject, decision: &Decision) -> Vec<String> {
    let mut notes: Vec<_> = subject.other_time.iter().cloned().collect();
    notes.extend(misleading_allow(world, decision));
    notes.extend(once_started(world, subject, decision));
    if decision.reason == Reason::OtherPort && !world.edition.relay_on_other_ports {
        notes.push(format!(
            "edition {} speaks of relays on {} alone: that port {} is open is our reading, because it \
             blocks port 25 and nothing else",
            world.edition.id,
            ports(&world.edition.relay_ports),
            subject.question.port
        ));
    }
    // What is not promised to those who may send: EA2, PG2.
    let subscription = decision.subscription.as_ref();
    let subscription = subscription.and_then(|name| world.subscriptions().get(name));
    if let Some(subscription) = subscription.filter(|_| may_send(decision.reason)) {
        let (rule, _) = world.edition.rule(subscription.offer);
        for id in &rule.cites.limits {
            if let Some(statement) = world.edition.statement(id.as_str()) {
                let text = world.edition.quoted(statement);
                notes.push(format!("{} ({id})", text.trim_end_matches('.')));
            }
        }
    }
    notes
}

fn ports(ports: &[u16]) -> String {
    ports.iter().map(u16::to_string).collect::<Vec<_>>().join(" and ")
}

/// What is answered once the sender runs, where it does not: an export tells the state of its own day.
fn once_started(world: &World, subject: &Subject, decision: &Decision) -> Option<String> {
    let Scene::Inventory { at, .. } = &subject.scene else { return None };
    let machine =
        decision.machine.as_ref().filter(|_| decision.reason == Reason::SenderNotRunning)?;
    let kind = EventKind::MachineStarted { machine: machine.clone() };
    let mut started = world.clone();
    // What does not exist is not started.
    started.apply(&Event { at: *at, kind, edition: None }).ok()?;
    let Decision { verdict, reason, .. } = decide(&started, &subject.question);
    Some(format!(
        "once `{machine}` is started the answer is {} {reason}",
        verdict.name().to_uppercase()
    ))
}

/// What people are misled by: Azure's check of security groups says `Allow` of what the platform's
/// filter drops.
fn misleading_allow(world: &World, decision: &Decision) -> Option<String> {
    let sender = world.machines().get(decision.machine.as_ref()?)?;
    if decision.verdict == Verdict::Pass || !decision.reason.is_the_filters() {
        return None;
    }
    let (tool, but) = match sender.kind {
        MachineKind::VirtualMachine => ("IP flow verify", ""),
        MachineKind::ScaleSet | MachineKind::FlexibleScaleSet => {
            ("NSG diagnostics", "; IP flow verify takes no scale sets")
        }
        MachineKind::AppService | MachineKind::PlatformService | MachineKind::ContainerInstance => {
            return None;
        }
    };
    Some(format!(
        "if your security groups and admin rules allow it, {tool} answers Allow: it does not look at \
         the platform's filter{but}"
    ))
}

/// What may yet keep a connection from coming about that passes.
pub(crate) fn after_a_pass(
    world: &World,
    question: &Question,
    decision: &Decision,
) -> Vec<NextStep> {
    let Some(machine) = &decision.machine else { return Vec::new() };
    let sends = may_send(decision.reason);
    let other_port = matches!(decision.reason, Reason::RelayPort | Reason::OtherPort);
    let kept_inside = matches!(decision.reason, Reason::Internal | Reason::OnPremises);
    let mut steps = Vec::new();
    if decision.verdict != Verdict::Pass || !(sends || other_port || kept_inside) {
        return steps;
    }
    let subscription = decision.subscription.as_ref().filter(|_| sends);
    if let Some((name, of)) =
        subscription.and_then(|name| world.subscriptions().get_key_value(name))
    {
        steps.push(NextStep::CheckOffer { subscription: name.clone(), offer: of.offer });
    }
    let to = question.destination;
    let last = decision.path.last().map(|hop| &hop.at);
    let mut assumed = decision.assumed.iter().filter_map(|one| Setting::named(&one.setting));
    // What the inventory describes is not asked for.
    if assumed.any(Setting::is_about_ways_out)
        && let Some(HopKind::Machine { machine, .. }) = last
    {
        steps.push(NextStep::CheckWayOut { of: machine.to_string() });
    }
    // What the inventory describes is not asked for.
    if !world.has_security_rules() {
        steps.push(NextStep::CheckSecurityGroups { machine: machine.clone() });
    }
    steps.push(NextStep::CheckOtherSide { to, port: question.port });
    steps
}

/// Whether a reason says of a subscription that it may send.
const fn may_send(reason: Reason) -> bool {
    matches!(reason, Reason::UnrestrictedOffer | Reason::PredatesRestriction | Reason::Exempt)
}

impl FromPorts {
    fn of(ports: &RangeInclusive<u16>, decision: &Decision) -> Self {
        let (first, last) = (*ports.start(), *ports.end());
        let (verdict, reason, rules) = (decision.verdict, decision.reason, decision.rules.clone());
        Self { first, last, verdict, reason, rules }
    }
}

impl CheckAnswer {
    /// The columns of the CSV.
    pub(super) const CSV_HEADER: &'static [&'static str] = &[
        "stopped_by",
        "schema_version",
        "edition",
        "machine",
        "subscription",
        "to",
        "port",
        "at",
        "verdict",
        "reason",
        "statements",
        "assumed",
        "next_steps",
        "in_force_edition",
        "in_force_verdict",
        "in_force_reason",
        "in_force_differs",
        "sources",
        "by_source_port",
    ];

    /// Whether a verdict or a reason is that of the answer, whatever the source port.
    #[must_use]
    pub(super) fn is_always(&self, expected: &str) -> bool {
        let is =
            |verdict: Verdict, reason: Reason| [verdict.name(), reason.name()].contains(&expected);
        is(self.decision.verdict, self.decision.reason)
            && self.by_source_port.iter().all(|of| is(of.verdict, of.reason))
    }

    /// Whether another verdict or reason is that of some source port.
    #[must_use]
    pub(super) fn hangs_on_source_port(&self) -> bool {
        let decided = (self.decision.verdict, self.decision.reason);
        self.by_source_port.iter().any(|of| (of.verdict, of.reason) != decided)
    }

    /// The answer as a row of the CSV; lists are separated by spaces.
    #[must_use]
    pub(super) fn csv_row(&self) -> Vec<String> {
        let Self { question, decision, .. } = self;
        let text = |value: Option<String>| value.unwrap_or_default();
        let now = self.in_force.as_ref();
        let outcome = now.and_then(InForce::outcome);
        let steps = decision.next_steps.iter();
        vec![
            self.stopped_by.name().to_owned(),
            SCHEMA_VERSION.to_string(),
            self.edition.id.clone(),
            text(question.machine.as_ref().map(ToString::to_string)),
            text(decision.subscription.as_ref().map(ToString::to_string)),
            question.to.to_string(),
            question.port.to_string(),
            text(question.at.map(|at| at.to_string())),
            decision.verdict.to_string(),
            decision.reason.to_string(),
            spaced(decision.statements.iter().map(StatementId::to_string)),
            assignments(&decision.assumed).join(" "),
            spaced(steps.map(|step| step.name().to_owned())),
            text(now.map(|now| now.edition.id.clone())),
            text(outcome.map(|(verdict, _)| verdict.to_string())),
            text(outcome.map(|(_, reason)| reason.to_string())),
            text(now.map(|now| now.differs.to_string())),
            OfAnotherPage::cell(&self.sources),
            spaced(
                self.by_source_port
                    .iter()
                    .map(|of| format!("{}-{}={}/{}", of.first, of.last, of.verdict, of.reason)),
            ),
        ]
    }
}

/// Words separated by spaces.
pub(super) fn spaced(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(" ")
}
