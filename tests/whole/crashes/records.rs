//! The verbs that record what happened: each entry is written once, or not at all.

use std::path::Path;

use egress25_skipped::skipped;

use super::{
    CrashCase, PLAIN, Range, Way, copied, demand, examine_store, fail_all, kill_all, run, scratch,
    tries, untraceable,
};

const WAY: Way = Way { range, examine, tries: 2, ..PLAIN };

/// A verb, with a key so that whoever does not know what became of it can say it again.
macro_rules! record {
    ($($line:literal),* $(,)?) => {
        &[$(CrashCase {
            name: $line,
            line: concat!($line, " --key once --store s.db"),
            made: &["s.db"],
        }),*]
    };
}

pub(super) const CASES: &[CrashCase] = record![
    "subscription add late --offer msdn --created 2019-03-01",
    "subscription set-offer fresh msdn",
    "exemption request fresh --good-standing yes --payment-history yes --anti-fraud passed --why mail",
    "exemption grant asked",
    "exemption further-steps asked --why invoice",
    "exemption refuse asked",
    "exemption revoke granted",
    "vm deploy new --subscription fresh --network far --address 10.9.0.4 --address-space 10.9.0.0/16",
    "vm stop app",
    "vm deallocate app",
    "vm start idle",
    "vm restart app",
    "vm redeploy app",
    "vm delete app",
    "firewall update-rules wall",
    "firewall stop wall",
    "firewall start cold",
];

/// `web` is started and its subscription's exemption revoked since; everything else is there for
/// one verb to happen to it.
const INVENTORY: &str = r#"
[subscription]
shop = { offer = "pay-as-you-go", created = "2019-03-01" }
fresh = { offer = "pay-as-you-go", created = "2019-03-01" }
asked = { offer = "pay-as-you-go", created = "2019-03-01", exemption = "requested" }
granted = { offer = "pay-as-you-go", created = "2019-03-01", exemption = "granted" }
[network.net]
address_space = ["10.0.0.0/16"]
[network.net.subnet.default]
prefixes = ["10.0.0.0/24"]
[network.net.subnet.AzureFirewallSubnet]
prefixes = ["10.0.255.0/24"]
[machine]
web = { subscription = "shop", network = "net", addresses = ["10.0.0.4"] }
app = { subscription = "granted", network = "net", addresses = ["10.0.0.5"] }
idle = { subscription = "granted", network = "net", addresses = ["10.0.0.6"] }
[firewall]
wall = { subscription = "granted", network = "net", address = "10.0.255.4" }
cold = { subscription = "granted", network = "net", address = "10.0.255.5" }
[[event]]
at = "2020-01-01T00:00:00Z"
kind = "exemption-asked"
subscription = "shop"
[[event]]
at = "2020-01-01T00:00:01Z"
kind = "exemption-granted"
subscription = "shop"
[[event]]
at = "2020-01-01T00:00:02Z"
kind = "machine-deallocated"
machine = "web"
[[event]]
at = "2020-01-01T00:00:03Z"
kind = "machine-started"
machine = "web"
[[event]]
at = "2020-01-01T00:00:04Z"
kind = "exemption-revoked"
subscription = "shop"
[[event]]
at = "2020-01-01T00:00:05Z"
kind = "machine-deallocated"
machine = "idle"
[[event]]
at = "2020-01-01T00:00:06Z"
kind = "firewall-stopped"
firewall = "cold"
"#;

fn range() -> Range {
    let pristine = scratch();
    std::fs::write(pristine.path().join("inventory.toml"), INVENTORY).expect("written");
    demand(pristine.path(), "store init --inventory inventory.toml --store s.db");
    let whole = copied(pristine.path());
    // How many entries each verb writes, in a file of its own.
    for case in CASES {
        let folder = copied(pristine.path());
        demand(folder.path(), case.line);
        let count = recorded(folder.path()).to_string();
        std::fs::write(whole.path().join(counted(case)), count).expect("written");
    }
    Range { pristine, whole }
}

fn counted(case: &CrashCase) -> String {
    let place = CASES.iter().position(|one| one.name == case.name).expect("one of them");
    format!("entries-{place}")
}

/// How many entries of the log are the verb's.
fn recorded(folder: &Path) -> usize {
    let output = run(folder, "store export - --store s.db");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).matches("\"key\":\"once").count()
}

/// All of a verb's entries are there or none, and all if it was acknowledged.
fn examine(case: &CrashCase, whole: &Path, folder: &Path, done: bool, what: &str) {
    let context = format!("{}, {what}", case.name);
    examine_store(folder, "s.db", &context).expect("it is of this schema");
    let all = std::fs::read_to_string(whole.join(counted(case))).expect("a number");
    let found = recorded(folder).to_string();
    assert!(all != "0", "{context}: the verb writes nothing");
    assert!(found == all || found == "0" && !done, "{context}: {found} of {all} entries ({done})");
}

/// A network that the verb had begun itself made one entry of the two that it was.
#[test]
fn a_verb_that_was_said_again_with_its_key_was_refused() {
    let Range { pristine, whole } = range();
    for case in CASES {
        let folder = copied(pristine.path());
        for time in ["once", "again"] {
            demand(folder.path(), case.line);
            examine(case, whole.path(), folder.path(), true, time);
        }
    }
}

#[test]
fn verbs_that_record_are_killed_at_any_moment() {
    // One function writes them all: together they are killed as often as another command.
    let tries = tries("EGRESS25_KILLS", WAY.tries * CASES.len()).div_ceil(CASES.len());
    kill_all(CASES, &Way { tries, ..WAY }, |_, _, _, _| {});
}

#[test]
fn every_call_that_a_verb_writes_with_fails_once() {
    if let Some(why) = untraceable() {
        return skipped(why);
    }
    let tries = tries("EGRESS25_FAULTS", 1);
    fail_all(CASES, &Way { tries, ..WAY }, |_, _, _, _| {});
}
