//! Every edition against its oracle: what differs is listed, a line for a class, in
//! `oracle_differences/EDITION.txt`. The test fails when a list changes either way;
//! `UPDATE_GOLDEN=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::every_edition::facts::{EDITIONS, Edition};
use crate::every_edition::{Answer, Case, DATES, MORE_WAYS, STATES, WAYS, answer, cases, removal};
use crate::support::{INTERNET, ask, assumed, events, ids, short};
use egress25_policy::{Decision, InventoryFile, Offer, Restriction};

const NOTHING: &str = "-";

/// What was said and what should have been, to the cases in which it was so.
type Differences = BTreeMap<(String, String), Vec<Case>>;

/// The inventory of a case, and what happens in it. What is there when it begins was there before
/// an exemption was granted, and `started_since_grant` says that it has picked that up.
pub(crate) fn description(edition: &str, case: Case) -> (String, String) {
    let Case { offer, created, state, way } = case;
    let revoked = state == "revoked";
    let exemption = if revoked { "granted" } else { state };
    let machine = beginning(way, revoked);
    let (uses, route) = match way {
        "on-premises" => (true, "next_hop = \"virtual-network-gateway\""),
        "appliance-of-open" => (true, "next_hop = \"virtual-appliance\"\naddress = \"10.0.1.4\""),
        "appliance-of-blocked" => {
            (true, "next_hop = \"virtual-appliance\"\naddress = \"10.0.1.5\"")
        }
        "azure-firewall" => (true, "next_hop = \"virtual-appliance\"\naddress = \"10.0.2.4\""),
        _ => (false, "next_hop = \"internet\""),
    };
    let uses = if uses { "route_table = \"out\"" } else { "" };
    let lab = format!(
        r#"
edition = "{edition}"

[subscription.contoso]
offer = "{offer}"
created = "{created}"
exemption = "{exemption}"

[subscription.open]
offer = "enterprise-agreement"
created = "2018-01-01"

[subscription.blocked]
offer = "pay-as-you-go"
created = "2018-01-01"

[network.hub]
address_space = ["10.0.0.0/16"]
gateway = {{ kind = "vpn", routes = ["192.168.0.0/16"] }}

[network.hub.subnet.mail]
prefixes = ["10.0.0.0/24"]
{uses}

[network.hub.subnet.appliances]
prefixes = ["10.0.1.0/24"]

[network.hub.subnet.firewalls]
prefixes = ["10.0.2.0/24"]

[[route-table.out.routes]]
prefix = "0.0.0.0/0"
{route}

[firewall.af]
subscription = "contoso"
network = "hub"
subnet = "firewalls"
address = "10.0.2.4"

[machine.web]
subscription = "contoso"
network = "hub"
subnet = "mail"
addresses = ["10.0.0.4"]
{machine}

[machine.nva-open]
subscription = "open"
network = "hub"
subnet = "appliances"
addresses = ["10.0.1.4"]
ip_forwarding = true

[machine.nva-blocked]
subscription = "blocked"
network = "hub"
subnet = "appliances"
addresses = ["10.0.1.5"]
ip_forwarding = true
"#
    );
    (lab, history(edition, revoked, way))
}

/// What the way's machine is when the inventory begins.
fn beginning(way: &str, exempt: bool) -> &'static str {
    match (way, exempt) {
        ("direct-new-machine", _) => "power = \"not-deployed\"",
        ("app-service", true) => "kind = \"app-service\"\nstarted_since_grant = true",
        ("app-service", false) => "kind = \"app-service\"",
        (_, true) => "started_since_grant = true",
        (_, false) => "",
    }
}

/// What happens in the edition's month: a revocation, then what the way says of the machine.
fn history(edition: &str, revoked: bool, way: &str) -> String {
    let revocation = if revoked { "01 exemption-revoked subscription=contoso" } else { "" };
    let machine = match way {
        "direct" | "app-service" => "",
        "direct-restarted" => "02 machine-restarted machine=web",
        "direct-redeployed" => "02 machine-redeployed machine=web",
        "direct-new-machine" => "02 machine-deployed machine=web",
        _ => "02 machine-deallocated machine=web\n03 machine-started machine=web",
    };
    let mut lines = String::new();
    for line in revocation.lines().chain(machine.lines()) {
        let (hour, event) = line.split_once(' ').unwrap();
        writeln!(lines, "{edition}-20T{hour}:00:00Z {event}").unwrap();
    }
    lines
}

/// What the program says, or why it does not take the description.
pub(crate) fn program(edition: &str, case: Case) -> Result<Decision, String> {
    if case.offer.parse::<Offer>().is_err() {
        return Err("no such offer".to_owned());
    }
    let (lab, happened) = description(edition, case);
    let file = InventoryFile::parse(&lab).map_err(|error| error.to_string())?;
    let edition = egress25_policy::Edition::named(edition).map_err(|error| error.to_string())?;
    let inventory = file.build(&edition, &[]).map_err(|error| error.to_string())?;
    let mut timeline = inventory.timeline(events(&happened)).map_err(|error| error.to_string())?;
    let all = timeline.events().len();
    timeline.move_to(all, |_, _| {}).map_err(|error| error.to_string())?;
    let to = if case.way == "internal" { "10.0.1.9" } else { INTERNET };
    Ok(ask(timeline.world(), "web", to))
}

/// The pages other than the article that a decision's statements are of.
fn sources(decision: &Decision) -> Vec<&'static str> {
    let mut editions = egress25_policy::Edition::all().unwrap().iter();
    let edition = editions.find(|edition| edition.id == decision.edition).unwrap();
    let cited =
        decision.statements.iter().map(|id| &edition.statement(id.as_str()).unwrap().source);
    cited.filter(|source| !source.is_article()).map(|source| source.as_str()).collect()
}

/// What the oracle says and the program does not, and the other way round.
fn compare(right: &Answer, seen: &Decision) -> Vec<(String, String)> {
    let expected = format!("{} {}", right.verdict, right.reason);
    if expected != short(seen) {
        return vec![(expected, short(seen))];
    }
    let (cited, named, sources) = (ids(seen), assumed(seen), sources(seen));
    let lacks = |what: &str, wanted: &[&str], there: &[&str]| {
        let missing = wanted.iter().filter(|one| !there.contains(one));
        missing.map(|one| (format!("{what} {one}"), NOTHING.to_owned())).collect::<Vec<_>>()
    };
    let has = |what: &str, there: &[&str], is_too_much: &dyn Fn(&&&str) -> bool| {
        let surplus = there.iter().filter(is_too_much);
        surplus.map(|one| (NOTHING.to_owned(), format!("{what} {one}"))).collect::<Vec<_>>()
    };
    let mut differences = lacks("rests on", &right.rests_on, &cited);
    differences.extend(has("rests on", &cited, &|id| right.not_on.contains(*id)));
    differences.extend(lacks("assumes", &right.assumed, &named));
    differences.extend(has("assumes", &named, &|name| !right.assumed.contains(*name)));
    differences.extend(lacks("source", &right.sources, &sources));
    differences
}

/// Those of `all` that stand in some of the cases, in their order.
fn axis(what: &str, all: &[&str], cases: &[Case], of: fn(&Case) -> &'static str) -> String {
    let met: Vec<_> =
        all.iter().copied().filter(|one| cases.iter().any(|case| of(case) == *one)).collect();
    if met.len() == all.len() { format!("every {what}") } else { met.join(" ") }
}

/// The section of a file on some ways: how many agree, and a line for each class of differences.
fn section(edition: &Edition, ways: &'static [&'static str], text: &mut String) {
    let (mut all, mut alike, mut unsaid) = (0_usize, 0_usize, 0_usize);
    let (mut verdicts, mut found) = (0_usize, Differences::new());
    for case in cases(edition, ways) {
        all += 1;
        let Some(right) = answer(edition, case) else {
            unsaid += 1;
            continue;
        };
        let differences = match program(edition.id, case) {
            Ok(seen) => {
                let same = short(&seen) == format!("{} {}", right.verdict, right.reason);
                verdicts += usize::from(same);
                compare(&right, &seen)
            }
            Err(why) => vec![(format!("{} {}", right.verdict, right.reason), why)],
        };
        alike += usize::from(differences.is_empty());
        for difference in differences {
            found.entry(difference).or_default().push(case);
        }
    }
    writeln!(
        text,
        "# {all} combinations, {unsaid} of which the specification does not answer; verdict and \
         reason agree in {verdicts}, everything in {alike}\n\
         # combinations\tasked\tthe oracle says\tthe program says"
    )
    .unwrap();
    let offers: Vec<_> = edition.rows.iter().flat_map(|row| row.offers).copied().collect();
    for ((right, seen), cases) in &found {
        let asked = [
            axis("offer", &offers, cases, |case| case.offer),
            axis("date", &DATES, cases, |case| case.created),
            axis("state", &STATES, cases, |case| case.state),
            axis("way", ways, cases, |case| case.way),
        ];
        writeln!(text, "{}\t{}\t{right}\t{seen}", cases.len(), asked.join(", ")).unwrap();
    }
}

/// The section on how removal is asked for.
fn removals(edition: &Edition, text: &mut String) {
    let named = egress25_policy::Edition::named(edition.id).unwrap();
    text.push_str("# how removal is asked for\n# offer\tthe oracle says\tthe program says\n");
    for row in edition.rows {
        for offer in row.offers {
            let seen = offer.parse::<Offer>().map_or("no such offer".to_owned(), |offer| {
                let (rule, _) = named.rule(offer);
                match (rule.restriction, rule.request.as_slice()) {
                    (Restriction::Open, _) => "nothing to ask for".to_owned(),
                    (_, []) => "none".to_owned(),
                    (_, ways) => ways.iter().map(|way| way.name()).collect::<Vec<_>>().join("+"),
                }
            });
            let right = removal(row);
            if right != seen {
                writeln!(text, "{offer}\t{right}\t{seen}").unwrap();
            }
        }
    }
}

#[test]
fn every_edition_differs_from_its_oracle_where_it_is_listed_and_nowhere_else() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/oracle_differences");
    let mut changed = String::new();
    for edition in EDITIONS {
        let mut text = format!("# Edition {}: where program and oracle differ\n", edition.id);
        section(edition, &WAYS, &mut text);
        section(edition, &MORE_WAYS, &mut text);
        removals(edition, &mut text);
        let file = format!("{folder}/{}.txt", edition.id);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&file, &text).unwrap();
        }
        let listed = std::fs::read_to_string(&file).unwrap_or_default();
        let gone = listed.lines().filter(|line| !text.lines().any(|new| new == *line));
        let come = text.lines().filter(|line| !listed.lines().any(|old| old == *line));
        gone.for_each(|line| writeln!(changed, "{}: gone: {line}", edition.id).unwrap());
        come.for_each(|line| writeln!(changed, "{}: new: {line}", edition.id).unwrap());
    }
    assert!(changed.is_empty(), "{changed}");
}

#[test]
fn the_oracle_knows_every_edition_and_asks_2106_questions_of_2020_12() {
    let built_in = egress25_policy::Edition::all().unwrap().iter().map(|edition| &edition.id);
    assert!(built_in.eq(EDITIONS.iter().map(|edition| edition.id)));
    let edition = EDITIONS.iter().find(|edition| edition.id == "2020-12").unwrap();
    assert_eq!(cases(edition, &WAYS).len(), 13 * 3 * 6 * 9);
}
