//! Small worlds for the tests, and short ways to ask them.

use std::net::IpAddr;

use egress25_policy::{
    Decision, Edition, Event, InventoryFile, MachineName, Question, Source, Timeline, World,
    decide, parse_events,
};

/// The Internet, for all that a test cares (RFC 5737).
pub(crate) const INTERNET: &str = "203.0.113.5";

/// The world of an inventory with the events of `events`, all of them happened.
pub(crate) fn world(lab: &str, events: &str) -> World {
    let timeline = timeline(lab, &[], events);
    finish(timeline)
}

/// As [`world`], with settings.
pub(crate) fn world_with(lab: &str, settings: &[(&str, &str)], events: &str) -> World {
    finish(timeline(lab, settings, events))
}

pub(crate) fn finish(mut timeline: Timeline) -> World {
    timeline.move_to(timeline.events().len(), |_, _| {}).unwrap();
    timeline.world().clone()
}

pub(crate) fn timeline(lab: &str, settings: &[(&str, &str)], events: &str) -> Timeline {
    let file = InventoryFile::parse(lab).unwrap();
    let edition = match file.edition() {
        Some(id) => Edition::named(id).unwrap(),
        None => Edition::default_edition().unwrap(),
    };
    let set: Vec<_> = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let lab = file.build(&edition, &set).unwrap_or_else(|error| panic!("{error:?}"));
    lab.timeline(self::events(events)).unwrap()
}

/// Events from lines such as `2020-12-08T09:00:00Z machine-started machine=web`.
pub(crate) fn events(lines: &str) -> Vec<Event> {
    let mut toml = String::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let mut words = line.split_whitespace();
        toml.push_str("[[event]]\n");
        toml.push_str(&format!("at = \"{}\"\n", words.next().unwrap()));
        toml.push_str(&format!("kind = \"{}\"\n", words.next().unwrap()));
        for word in words {
            let (key, value) = word.split_once('=').unwrap();
            let value = match key {
                "addresses" | "address_space" => format!("[\"{value}\"]"),
                _ => format!("\"{value}\""),
            };
            toml.push_str(&format!("{key} = {value}\n"));
        }
    }
    parse_events(&toml).unwrap_or_else(|error| panic!("{error}\n{toml}"))
}

/// Asks whether a machine may open port 25 to an address.
pub(crate) fn ask(world: &World, machine: &str, to: &str) -> Decision {
    ask_port(world, machine, to, 25)
}

pub(crate) fn ask_port(world: &World, machine: &str, to: &str, port: u16) -> Decision {
    let destination: IpAddr = to.parse().unwrap();
    let source = Source::Machine(MachineName::from(machine));
    decide(world, &Question { port, ..Question::smtp(source, destination) })
}

/// Verdict and reason in one text, such as `drop not-granted`.
pub(crate) fn short(decision: &Decision) -> String {
    format!("{} {}", decision.verdict, decision.reason)
}

/// The ids of the statements that a decision rests on.
pub(crate) fn ids(decision: &Decision) -> Vec<&str> {
    decision.statements.iter().map(|id| id.as_str()).collect()
}

/// The names of the settings that a decision rests on.
pub(crate) fn assumed(decision: &Decision) -> Vec<&str> {
    decision.assumed.iter().map(|assumption| assumption.setting.as_str()).collect()
}

/// A lab with one subscription and one machine, `web`.
pub(crate) fn one(offer: &str, created: &str, exemption: &str) -> String {
    format!(
        r#"
[subscription.contoso]
offer = "{offer}"
created = "{created}"
exemption = "{exemption}"

[network.hub]
address_space = ["10.0.0.0/16", "fd00:25::/64"]

[machine.web]
subscription = "contoso"
network = "hub"
addresses = ["10.0.0.4", "fd00:25::4"]
"#
    )
}

pub(crate) fn steps(decision: &Decision) -> Vec<&str> {
    decision.next_steps.iter().map(|step| step.name()).collect()
}
