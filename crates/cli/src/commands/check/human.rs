//! The answer for people.

use egress25_policy::{Access, Decision, Edition, Hop, HopKind, RouteOrigin, Setting, Verdict};

use crate::commands::check::answer::{Asked, CheckAnswer, DYNAMIC_PORT, InForce};
use crate::commands::check::resolve::Subject;
use crate::read::edition;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{counted, in_brackets, labelled, section};
use crate::say::shown::Shown;
use crate::say::today;

/// How many ranges of source ports are shown at most.
const MOST_ROWS: usize = 40;

/// Writes the answer.
pub(super) fn write(
    console: &mut Console,
    answer: &CheckAnswer,
    subject: &Subject,
    explain_rules: bool,
) -> Result<(), Failure> {
    let decision = &answer.decision;
    grounds(console, answer, subject, &question_text(&answer.question, decision))?;
    path(console, decision)?;
    if explain_rules {
        rules(console, answer)?;
    }
    source_ports(console, answer)?;
    next_steps(console, answer, &subject.edition)?;
    for note in &answer.notes {
        console.line("")?;
        labelled(console, console.paint().bold("Note  "), 6, note)?;
    }
    in_force(console, answer)
}

/// Writes the answer to a question, and what it rests on.
pub(super) fn grounds(
    console: &mut Console,
    answer: &CheckAnswer,
    subject: &Subject,
    question: &str,
) -> Result<(), Failure> {
    let paint = console.paint();
    let decision = &answer.decision;
    let (verdict, reason) = (decision.verdict, decision.reason);
    let headline = verdict.name().to_uppercase();
    console.line(paint.verdict(verdict, &headline) + "  " + paint.bold(reason.name()))?;
    labelled(console, "", 0, reason.line())?;
    let mut stopped_by = answer.stopped_by.text();
    if answer.hangs_on_source_port() {
        let text = format!(
            "That is from source port {DYNAMIC_PORT}; from some others the answer is another (--from-port \
             asks for one). Which a client takes its system decides: Linux one of 32768 to 60999 where \
             nobody told it otherwise."
        );
        labelled(console, "", 0, &text)?;
        if verdict == Verdict::Pass {
            stopped_by = "nothing of this from there; from some source ports it is stopped";
        }
    }
    console.line("")?;
    labelled(console, "Stopped by ", 11, stopped_by)?;
    labelled(console, "Asked      ", 11, question)?;
    let edition = format!("{} ({})", answer.edition.id, answer.edition.title);
    labelled(console, "Edition    ", 11, &edition)?;
    rests_on(console, decision, &subject.edition)?;
    for warning in &decision.warnings {
        console.line("")?;
        labelled(console, paint.bold("Warning  "), 9, warning)?;
    }
    Ok(())
}

fn question_text(question: &Asked, decision: &Decision) -> String {
    let to = if question.to.is_ipv6() {
        format!("[{}]:{}", question.to, question.port)
    } else {
        format!("{}:{}", question.to, question.port)
    };
    let who = match (&question.machine, question.from) {
        (Some(machine), _) => format!("machine `{machine}`"),
        (None, Some(from)) => format!("address {from}"),
        (None, None) => "nobody".to_owned(),
    };
    let from_port = question.from_port.map(|port| format!(" from source port {port}"));
    let from_port = from_port.unwrap_or_default();
    let mut text = format!("may {who} open a TCP connection to {to}{from_port}?");
    if let Some(offer) = question.offer {
        text.push_str(&format!(" Subscription: {}", offer.title()));
        if let Some(created) = &question.created {
            text.push_str(&format!(", created {created}"));
        }
        if let Some(exemption) = question.exemption {
            text.push_str(&format!(", exemption {exemption}"));
        }
        text.push('.');
    }
    if let Some(subscription) = &decision.subscription
        && question.subscription.as_ref().is_some_and(|sender| sender != subscription)
    {
        text.push_str(&format!(" The rule of `{subscription}` decided."));
    }
    match (&question.inventory, question.at) {
        (Some(inventory), Some(at)) => text.push_str(&format!(" In {inventory} at {at:.0}.")),
        (None, Some(at)) => text.push_str(&format!(" At {at:.0}.")),
        (_, None) => {}
    }
    text
}

fn rests_on(console: &mut Console, decision: &Decision, edition: &Edition) -> Result<(), Failure> {
    let paint = console.paint();
    section(console, "Rests on")?;
    let defaults = edition::settings(edition, &[])?;
    for id in &decision.statements {
        let text = edition.statement(id.as_str()).map(|statement| edition.quoted(statement));
        labelled(console, format!("  {:<9}", id.as_str()), 11, &text.unwrap_or_default())?;
    }
    for assumption in &decision.assumed {
        let setting = Setting::named(&assumption.setting);
        let why = setting.map_or(String::new(), |setting| {
            let (question, default) = (setting.question(), defaults.get(setting));
            if default != assumption.value {
                format!(" -- {question} (set; the default is {default})")
            } else if default == setting.default_value() {
                format!(" -- {question} {}", setting.why())
            } else {
                format!(" -- {question} (the default of this edition)")
            }
        });
        let text = format!("{assumption}{why}");
        labelled(console, Shown::from("  ") + paint.assumed("assumed  "), 11, &text)?;
    }
    if decision.statements.is_empty() && decision.assumed.is_empty() {
        console.line("  the routes and what exists alone; no statement of the article")?;
    }
    Ok(())
}

fn path(console: &mut Console, decision: &Decision) -> Result<(), Failure> {
    if decision.path.is_empty() {
        return Ok(());
    }
    section(console, "Path")?;
    for (place, hop) in decision.path.iter().enumerate() {
        labelled(console, format!("  {:<9}", place.saturating_add(1)), 11, &hop_text(hop))?;
    }
    Ok(())
}

/// A hop in words.
pub(crate) fn hop_text(hop: &Hop) -> String {
    let mut text = match &hop.at {
        HopKind::Machine { machine, network, address } => {
            format!("machine `{machine}` ({address} in `{network}`)")
        }
        HopKind::Firewall { firewall } => format!("Azure Firewall `{firewall}`"),
    };
    if let (Some(route), Some(next_hop)) = (hop.route, &hop.next_hop) {
        let origin = match hop.origin {
            Some(RouteOrigin::User) => "user-defined route",
            Some(RouteOrigin::Bgp) => "BGP route",
            Some(RouteOrigin::System) | None => "system route",
        };
        text.push_str(&format!(", {origin} {route} -> {next_hop}"));
    }
    text
}

/// The security rules that were asked, each as it answered.
fn rules(console: &mut Console, answer: &CheckAnswer) -> Result<(), Failure> {
    section(console, "Security rules")?;
    let rules = &answer.decision.rules;
    if rules.is_empty() {
        return console
            .line("  none fitted: no group stands on the way, and no admin rule is for it");
    }
    for (place, rule) in rules.iter().enumerate() {
        labelled(console, format!("  {:<9}", place.saturating_add(1)), 11, &rule.to_string())?;
    }
    Ok(())
}

/// What source ports decide, where they do.
fn source_ports(console: &mut Console, answer: &CheckAnswer) -> Result<(), Failure> {
    if answer.by_source_port.is_empty() {
        return Ok(());
    }
    section(console, "By source port (--from-port asks for one)")?;
    // One row for ranges side by side that differ in rules that allow.
    let mut rows: Vec<(u16, u16, String)> = Vec::new();
    for of in &answer.by_source_port {
        // Behind a rule that allows, something else stops it.
        let stops = of.rules.last().filter(|rule| rule.access == Access::Deny);
        let by = stops.map(|rule| format!(": {rule}")).unwrap_or_default();
        let text = format!("{} {}{by}", of.verdict, of.reason);
        match rows.last_mut() {
            Some((_, last, before)) if *before == text => *last = of.last,
            _ => rows.push((of.first, of.last, text)),
        }
    }
    let more = rows.len().saturating_sub(MOST_ROWS);
    for (first, last, text) in rows.into_iter().take(MOST_ROWS) {
        let ports = if first == last { first.to_string() } else { format!("{first}-{last}") };
        labelled(console, format!("  {ports:<12}"), 14, &text)?;
    }
    if more > 0 {
        let more = counted(more, "more range", "more ranges");
        console.line(format!("  {more} (--format json has all)"))?;
    }
    Ok(())
}

fn next_steps(
    console: &mut Console,
    answer: &CheckAnswer,
    edition: &Edition,
) -> Result<(), Failure> {
    let CheckAnswer { decision, in_force, .. } = answer;
    if decision.next_steps.is_empty() {
        return Ok(());
    }
    let passes = decision.verdict == Verdict::Pass;
    let what = if passes { "What to look at next" } else { "What to do" };
    let differs = in_force.as_ref().is_some_and(|now| now.differs);
    let by = if differs { format!(" (by edition {})", edition.id) } else { String::new() };
    section(console, &format!("{what}{by}"))?;
    for (place, step) in decision.next_steps.iter().enumerate() {
        let ids = in_brackets(edition, step);
        let label = format!("  {:<9}", format!("{}.", place.saturating_add(1)));
        labelled(console, label, 11, &format!("{step}{ids}"))?;
    }
    Ok(())
}

fn in_force(console: &mut Console, answer: &CheckAnswer) -> Result<(), Failure> {
    let Some(InForce { edition, differs, decision, error, .. }) = &answer.in_force else {
        return Ok(());
    };
    let paint = console.paint();
    console.line("")?;
    let id = &edition.id;
    let Some(now) = decision else {
        let error = error.as_deref().unwrap_or("the inventory does not fit it");
        let text = format!("under edition {id} this cannot be so: {error}");
        return labelled(console, paint.bold("Today  "), 7, &text);
    };
    let then = (answer.decision.verdict, answer.decision.reason);
    let mut answers = today::in_words(&*Edition::named(id)?, now, then, answer.question.offer);
    if *differs && (now.verdict, now.reason) == then {
        answers.push_str(" from there, and OTHERWISE from other source ports (--edition in-force)");
    }
    let text = format!("edition {id}, which is in force, answers {answers}");
    let label = match (differs, now.verdict) {
        (true, verdict) => paint.verdict(verdict, "Today  "),
        (false, _) => paint.bold("Today  "),
    };
    labelled(console, label, 7, &text)?;
    // A packet that passes today needs nothing more.
    if *differs && now.verdict != Verdict::Pass && now.next_steps != answer.decision.next_steps {
        for step in &now.next_steps {
            labelled(console, "       - ", 9, &step.to_string())?;
        }
    }
    Ok(())
}
