//! The commands that work with a store, each in a fresh folder.

mod in_turn;

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::program::{binary, egress25};

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The outcome of a command line; words in single quotes stay together.
    fn try_run(&self, line: &str) -> (i32, String, String) {
        let mut words = Vec::new();
        for (place, part) in line.split('\'').enumerate() {
            if place % 2 == 1 {
                words.push(part.to_owned());
            } else {
                words.extend(part.split_whitespace().map(str::to_owned));
            }
        }
        let output = egress25(words)
            .current_dir(self.0.path())
            .env("XDG_DATA_HOME", self.0.path())
            .env("USER", "ada")
            .output()
            .expect("it runs");
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let code = output.status.code().expect("not killed");
        (code, text(output.stdout), text(output.stderr))
    }

    fn run(&self, line: &str) -> String {
        let (code, stdout, stderr) = self.try_run(line);
        assert_eq!(code, 0, "{line}: {stderr}");
        stdout
    }

    fn json(&self, line: &str) -> Value {
        let value: Value =
            serde_json::from_str(&self.run(&format!("{line} --format json"))).expect("JSON");
        assert_eq!(value["schema_version"], 2);
        value
    }

    fn fails(&self, line: &str, code: i32, says: &str) {
        let (found, _, stderr) = self.try_run(line);
        assert_eq!(found, code, "{line}: {stderr}");
        assert!(stderr.contains(says), "{line}: {stderr}");
    }

    /// A store with a pay-as-you-go subscription, `shop`, and its machine, `web`.
    fn shop() -> Self {
        let home = Self::new();
        home.run("store init");
        home.run("subscription add shop --offer pay-as-you-go --created 2019-03-01");
        home.run("vm deploy web --subscription shop --address 10.0.0.4");
        home
    }
}

const ASK: &str = "exemption request shop --good-standing yes --payment-history yes";

#[test]
//= PG6 type=test
fn an_exemption_from_the_request_to_the_machine_that_may_send() {
    let home = Home::shop();
    let verdict = |at: &str| {
        home.json(&format!("check --machine web --to 203.0.113.5 {at}"))["decision"]["verdict"]
            .clone()
    };
    assert_eq!(verdict(""), "drop");
    let answer = home.run(ASK);
    assert!(answer.contains("`granted`"), "{answer}");
    assert!(answer.contains("egress25 vm deallocate web"), "{answer}");
    home.run("vm restart web");
    assert_eq!(verdict(""), "drop");
    home.run("vm deallocate web");
    home.run("vm start web");
    assert_eq!(verdict(""), "pass");
    assert_eq!(home.json("vm list")["machines"][0]["exempt"], true);
    let row = &home.json("exemption list")["exemptions"][0];
    assert_eq!((&row["state"], &row["exempt_machines"]), (&"granted".into(), &1.into()));
    home.run("exemption revoke shop --why 'a breach of the terms'");
    assert_eq!(verdict(""), "drop");
    // The past stays what it was.
    let log = home.json("log");
    let started = log["entries"][7]["at"].as_str().expect("a time");
    assert_eq!(verdict(&format!("--at {started}")), "pass");
    assert!(home.run(&format!("exemption list --at {started}")).contains("granted"));
    let shown = home.run("exemption show shop");
    for part in ["revoked", "reviewer (automatic)", "good standing: yes", "a breach of the terms"] {
        assert!(shown.contains(part), "{shown}");
    }
}

#[test]
//= DV2 type=test
fn what_is_forbidden_is_refused_with_its_statement_and_not_written() {
    let home = Home::shop();
    home.run("subscription add student --offer azure-for-students --created 2020-01-01");
    let before = home.json("log")["revision"].clone();
    home.fails("exemption request student", 1, "DV2");
    home.fails("exemption grant shop", 1, "PG5");
    home.fails("vm start web", 1, "running");
    home.fails(&format!("{ASK} --at 2999-01-01"), 2, "in the future");
    home.fails(&format!("{ASK} --at 2001-01-01"), 2, "before revision");
    home.fails("exemption request shop", 2, "--good-standing");
    home.fails("exemption request shop --channel case --good-standing yes", 1, "PG4");
    home.fails(&format!("{ASK} --expect-revision 1"), 1, "expected the log to end at revision 1");
    assert_eq!(home.json("log")["revision"], before);
}

#[test]
fn azure_in_open_was_told_that_it_may_not_ask_where_a_setting_says_that_it_may() {
    let home = Home::new();
    let inventory = "edition = \"2018-11\"\nsettings = { azure_in_open_may_ask_2018 = \"SET\" }\n\
                     [subscription.shop]\noffer = \"azure-in-open\"\ncreated = \"2018-03-01\"\n";
    for (set, asked_by) in [("no", vec![]), ("yes", vec!["case"])] {
        let text = inventory.replace("SET", set);
        std::fs::write(home.path("inventory.toml"), text).expect("written");
        home.run(&format!("store init --inventory inventory.toml --store {set}.db"));
        let shown = home.json(&format!("exemption show shop --store {set}.db"));
        assert_eq!(shown["asked_by"], serde_json::json!(asked_by), "{set}");
    }
    home.fails("exemption request shop --store no.db", 1, "names no way to an exemption");
    let asked = "exemption request shop --why appliance --anti-fraud passed --store yes.db";
    assert_eq!(home.json(asked)["entries"][0]["channel"], "case");
}

#[test]
fn a_request_of_a_time_when_it_could_be_made_was_asked_what_is_asked_today() {
    let home = Home::new();
    home.run("store init --edition in-force");
    home.run("subscription add shop --offer pay-as-you-go --created 2019-03-01 --at 2020-12-02");
    home.fails("exemption request shop", 1, "names no way to an exemption");
    home.fails("exemption request shop --at 2020-12-08", 2, "--good-standing");
    home.run(&format!("{ASK} --at 2020-12-08"));
    let shown = home.json("exemption show shop");
    assert_eq!(shown["state"], "granted");
}

#[test]
fn whoever_leaves_an_open_offer_was_not_told_what_the_text_advises() {
    let home = Home::new();
    for (edition, advice) in
        [("2020-12", vec![]), ("2021-04", vec!["[TC1b]", "[TC2]"]), ("2023-12", vec!["[TC1c]"])]
    {
        let store = format!("--store {edition}.db");
        home.run(&format!("store init --edition {edition} {store}"));
        let add = "subscription add shop --offer enterprise-agreement --created 2019-03-01";
        home.run(&format!("{add} {store}"));
        let left = home.json(&format!("subscription set-offer shop pay-as-you-go {store}"));
        let next = left["next"].as_array().expect("a list");
        let ids = next.iter().filter_map(|line| line.as_str()?.rsplit(' ').next());
        assert_eq!(ids.collect::<Vec<_>>(), advice, "{edition}");
        let back = home.json(&format!("subscription set-offer shop enterprise-agreement {store}"));
        assert_eq!(back["next"], serde_json::json!([]), "{edition}");
    }
}

#[test]
//= PG5 type=test
fn a_request_has_three_outcomes_or_waits_for_a_reviewer() {
    let home = Home::shop();
    let state = || home.json("exemption list")["exemptions"][0]["state"].clone();
    home.run("exemption request shop --good-standing yes --payment-history no");
    assert_eq!(state(), "further-steps");
    home.run("exemption refuse shop --who reviewer");
    assert_eq!(state(), "refused");
    let waits = home.run(&format!("{ASK} --reviewer manual"));
    assert!(waits.contains("egress25 exemption grant shop"), "{waits}");
    assert_eq!(state(), "requested");
    home.run("exemption further-steps shop");
    home.run("exemption grant shop");
    assert_eq!(state(), "granted");
}

#[test]
fn a_machine_from_before_a_grant_of_2018_is_to_be_created_anew_not_stopped_and_started() {
    let home = Home::new();
    let inventory = crate::program::repository().join("fixtures/inventories/edition-2018.toml");
    home.run(&format!("store init --inventory {}", inventory.display()));
    for line in ["exemption show early", "vm deallocate before", "vm start before"] {
        let said = home.run(line);
        let advice = said.split_once("What to do next").expect(line).1;
        assert!(advice.contains("create `before` anew"), "{said}");
        assert!(advice.contains("EF1"), "{said}");
        assert!(advice.contains("(nsg-overview)"), "{said}");
        assert!(!advice.contains("egress25 vm"), "{said}");
        assert!(!advice.contains("`after`"), "{said}");
    }
    assert!(!home.run("vm deallocate after").contains("What to do next"));
}

#[test]
fn who_may_send_by_an_appliance_or_by_a_new_offer_waits_for_nothing() {
    let home = Home::new();
    let inventory = crate::program::repository().join("fixtures/scenarios/mail.inventory.toml");
    home.run(&format!("store init --inventory {}", inventory.display()));
    let granted = home.run(ASK);
    assert!(granted.contains("egress25 vm deallocate vm-web"), "{granted}");
    assert!(!granted.contains("vm-behind"), "{granted}");
    home.run("subscription set-offer shop enterprise-agreement");
    home.run("vm deallocate vm-web");
    let started = home.run("vm start vm-web");
    assert!(!started.contains("What to do next"), "{started}");
}

#[test]
//= PG6 type=test
fn a_machine_that_was_stopped_from_inside_is_to_be_deallocated() {
    let home = Home::shop();
    home.run(ASK);
    let stopped = home.run("vm stop web --guest");
    assert!(stopped.contains("egress25 vm deallocate web"), "{stopped}");
    let deallocated = home.run("vm deallocate web");
    assert!(!deallocated.contains("What to do next"), "{deallocated}");
}

#[test]
fn the_commands_that_are_advised_go_on_in_the_store_that_was_named() {
    let home = Home::new();
    let store = "--store 'my shop.db'";
    home.run(&format!("store init {store}"));
    home.run(&format!("subscription add shop {store} --offer pay-as-you-go --created 2019-03-01"));
    home.run(&format!("vm deploy web {store} --subscription shop --address 10.0.0.4"));
    let next = |line: &str| home.json(&format!("{line} {store}"))["next"][0].to_string();
    let asked = next(&format!("{ASK} --reviewer manual"));
    assert!(asked.contains(&format!("`egress25 exemption grant shop {store}`")), "{asked}");
    for line in ["exemption grant shop", "vm restart web"] {
        let said = next(line);
        assert!(said.contains(&format!("`egress25 vm deallocate web {store}`")), "{said}");
        assert!(said.contains(&format!("`egress25 vm start web {store}`")), "{said}");
    }
}

#[test]
fn the_same_key_does_nothing_twice() {
    let home = Home::shop();
    home.run(&format!("{ASK} --key k1"));
    let before = home.json("log")["revision"].clone();
    let again = home.json(&format!("{ASK} --key k1"));
    assert_eq!(again["appended"], false);
    assert_eq!(home.json("log")["revision"], before);
    home.fails("vm deallocate web --key k1/0", 1, "was used for another event");
}

#[test]
fn a_store_that_is_not_there_is_said_and_how_to_begin_one() {
    let home = Home::new();
    home.fails("exemption list", 2, "egress25 store init");
    home.fails("log --store elsewhere.db", 2, "elsewhere.db");
    std::fs::write(home.path("notes.txt"), "not a store\n".repeat(100)).expect("written");
    home.fails("log --store notes.txt", 2, "is no egress25 store");
    home.run("store init");
    home.fails("store init", 2, "already");
    assert!(home.path("egress25/store.db").exists());
}

#[test]
fn a_store_begins_with_a_lab_and_replays_it() {
    let home = Home::new();
    let fixtures = crate::program::repository().join("fixtures");
    let lab = fixtures.join("inventories/day-of-mail.toml");
    let capture = fixtures.join("captures/day-of-mail.pcapng");
    let (lab, capture) = (lab.display(), capture.display());
    home.run(&format!("store init --store day.db --inventory {lab}"));
    let from_lab = home.run(&format!("replay {capture} --inventory {lab} --format csv"));
    let from_store = home.run(&format!("replay {capture} --store day.db --format csv"));
    assert_eq!(from_lab, from_store);
    assert!(home.run("vm list --store day.db").lines().count() > 1);
    assert!(home.run(&format!("vm list --store :memory: --inventory {lab}")).lines().count() > 1);
    home.fails(&format!("vm list --inventory {lab}"), 2, "store init");
}

#[test]
fn backup_restore_export_import_and_verify_agree() {
    let home = Home::shop();
    let head = |store: &str| home.json(&format!("store verify {store}"))["report"]["head"].clone();
    let first = head("");
    home.run("store backup copy.db");
    home.run("store export log.ndjson");
    home.run("vm deallocate web");
    let kept = home.json("store restore copy.db")["kept"].clone();
    assert_eq!(head(""), first);
    let kept = kept.as_str().expect("what was there is kept");
    assert_ne!(head(&format!("--store {kept}")), first);
    home.run("store import log.ndjson --store imported.db");
    assert_eq!(head("--store imported.db"), first);
    let text = std::fs::read_to_string(home.path("log.ndjson")).expect("the export");
    assert_eq!(home.run("store export"), text);
    std::fs::write(home.path("changed.ndjson"), text.replace("web", "bew")).expect("written");
    home.fails("store import changed.ndjson --store other.db", 2, "line");
    assert!(!home.path("other.db").exists());
    home.run(&format!("store verify --anchor 3:{}", first.as_str().expect("a hash")));
    home.fails(&format!("store verify --anchor 3:{}", "0".repeat(64)), 1, "wrong");
    home.run("store migrate");
}

#[test]
fn log_follow_shows_what_another_process_appends() {
    let home = Home::shop();
    let mut follower = std::process::Command::new(binary())
        .args(["log", "--follow", "--format", "ndjson"])
        .env("XDG_DATA_HOME", home.0.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(follower.stdout.take().expect("piped")).lines();
    let mut next = || -> Value {
        let line = lines.next().expect("a line").expect("text");
        serde_json::from_str(&line).expect("JSON")
    };
    for revision in 1..=3 {
        assert_eq!(next()["revision"], revision);
    }
    home.run("vm deallocate web");
    let entry = next();
    assert_eq!(
        (&entry["revision"], &entry["event"]["kind"]),
        (&4.into(), &"machine-deallocated".into())
    );
    follower.kill().expect("killed");
    follower.wait().expect("ended");
}

#[test]
fn a_store_was_begun_or_replaced_and_then_the_format_refused() {
    let home = Home::shop();
    home.run("store backup copy.db");
    home.run("store export log.ndjson");
    home.run("vm deallocate web");
    let before = home.json("log")["revision"].clone();
    for line in [
        "store init --store new.db",
        "store import log.ndjson --store new.db",
        "store backup new.db",
        "store restore copy.db",
        "store restore copy.db --store new.db",
        "store verify",
        "store migrate",
    ] {
        home.fails(&format!("{line} --format csv"), 2, "possible values: human, json, ndjson");
        assert!(!home.path("new.db").exists(), "{line}");
    }
    assert_eq!(home.json("log")["revision"], before);
}

#[test]
fn a_refused_entry_was_told_its_own_number_for_that_of_the_one_before_it() {
    let home = Home::new();
    home.run("store init");
    let add = "--offer pay-as-you-go --created 2019-03-01";
    home.run(&format!("subscription add shop {add} --at 2020-12-01"));
    home.run(&format!("subscription add other {add} --at 2020-12-02"));
    let set = "subscription set-offer shop free-trial --at 2020-11-30";
    let (code, _, said) = home.try_run(set);
    let told = "error: `offer-changed` would take effect at 2020-11-30T00:00:00Z, before revision \
                1's, which is about subscription `shop` and took effect at 2020-12-01T00:00:00Z; \
                nothing was written: give a later time, or none\n";
    assert_eq!((code, said.as_str()), (2, told));
}

#[test]
fn what_is_no_name_was_taken_into_a_log_that_keeps_it_for_ever() {
    let home = Home::shop();
    let before = home.json("log")["revision"].clone();
    let add = "--offer pay-as-you-go --created 2019-03-01";
    let deploy = "--subscription shop --address 10.0.0.9";
    let inventory = "[subscription.\"a\\nb\"]\noffer = \"free-trial\"\ncreated = 2020-01-01\n";
    std::fs::write(home.path("bad.toml"), inventory).expect("written");
    let events = "[[event]]\nat = 2020-12-08T09:00:00Z\nkind = \"subscription-added\"\n\
                  subscription = \"x\\u202ey\"\noffer = \"free-trial\"\ncreated = 2020-01-01\n";
    std::fs::write(home.path("events.toml"), events).expect("written");
    let fine = inventory.replace("a\\nb", "a");
    std::fs::write(home.path("fine.toml"), fine).expect("written");
    for line in [
        "validate events.toml".to_owned(),
        "validate events.toml --inventory fine.toml".to_owned(),
        "check --inventory fine.toml --events events.toml --from 10.0.0.4 --to 203.0.113.5"
            .to_owned(),
        "vm deploy '' --subscription shop --address 10.0.0.9".to_owned(),
        format!("vm deploy 'a\nb' {deploy}"),
        format!("vm deploy ' ' {deploy}"),
        format!("vm deploy new {deploy} --network 'a\tb'"),
        format!("subscription add '' {add}"),
        format!("subscription add 'a\u{7f}' {add}"),
        "validate bad.toml".to_owned(),
        "store init --store new.db --inventory bad.toml".to_owned(),
    ] {
        home.fails(&line, 2, "is no name");
    }
    assert_eq!(home.json("log")["revision"], before);
    assert!(!home.path("new.db").exists());
}

/// A machine that sends through the Azure Firewall of a hub, whose subscription has to ask.
const BEHIND_A_FIREWALL: &str = r#"
[subscription.hub]
offer = "enterprise-dev-test"
created = "2019-03-01"
[network.net]
address_space = ["10.0.0.0/16"]
[network.net.subnet.machines]
prefixes = ["10.0.0.0/24"]
route_table = "out"
[network.net.subnet.AzureFirewallSubnet]
prefixes = ["10.0.1.0/24"]
[route-table.out]
routes = [{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.1.4" }]
[firewall.edge]
subscription = "hub"
network = "net"
subnet = "AzureFirewallSubnet"
address = "10.0.1.4"
[machine.web]
subscription = "hub"
network = "net"
subnet = "machines"
addresses = ["10.0.0.4"]
"#;

#[test]
fn no_command_recorded_what_happened_to_a_firewall() {
    let home = Home::new();
    std::fs::write(home.path("hub.toml"), BEHIND_A_FIREWALL).expect("written");
    home.run("store init --inventory hub.toml --edition in-force");
    let verdict = || {
        let answer = home.json("check --machine web --to 203.0.113.5");
        answer["decision"]["verdict"].as_str().map(str::to_owned).expect("a verdict")
    };
    let granted = home.run("exemption request hub --qualifies yes");
    let flowing = granted.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flowing.contains("`egress25 firewall update-rules edge`"), "{granted}");
    assert_eq!(verdict(), "drop");
    let listed = |key: &str| home.json("firewall list")["firewalls"][0][key].clone();
    assert_eq!((listed("power"), listed("exempt")), ("running".into(), false.into()));
    let updated = home.run("firewall update-rules edge");
    assert!(updated.starts_with("edge is running (revision "), "{updated}");
    assert!(!updated.contains("What to do next"), "{updated}");
    assert_eq!(verdict(), "pass");
    assert!(home.run("firewall stop edge --why 'to save money'").starts_with("edge is stopped ("));
    home.fails("firewall stop edge", 1, "`firewall-stopped` does not fit firewall `edge`");
    home.fails("firewall start none", 1, "there is no firewall `none`");
    assert_eq!(verdict(), "drop");
    assert!(home.run("firewall start edge").contains("private address is still the same"));
    assert_eq!(verdict(), "pass");
    let csv = home.run("firewall list --format csv");
    assert_eq!(
        csv,
        "firewall,subscription,power,exempt,network,address\nedge,hub,running,yes,net,10.0.1.4\n"
    );
    let log = home.run("log --subscription hub");
    assert!(log.contains("firewall-rules-updated") && log.contains("to save money"), "{log}");
}

#[test]
fn show_said_of_open_offers_and_of_those_without_a_way_the_same_and_not_where_to_click() {
    let home = Home::new();
    home.run("store init");
    let shown = |offer: &str, year: u16| {
        let name = format!("{offer}-{year}");
        home.run(&format!("subscription add {name} --offer {offer} --created {year}-03-01"));
        let shown = home.json(&format!("exemption show {name}"));
        let (_, _, asked) = home.try_run(&format!("exemption request {name}"));
        let why = shown["nothing_to_request"].as_str().unwrap_or("may");
        assert!(why == "may" || asked.contains(why), "{why}: {asked}");
        (why.to_owned(), shown["requested_at"].clone())
    };
    assert!(shown("enterprise-agreement", 2019).0.ends_with("nothing to request [EA1]"));
    assert!(shown("visual-studio", 2016).0.ends_with("nothing to request [G2]"));
    let none = "edition 2020-12 names no way to an exemption for Visual Studio [DV2]";
    assert_eq!(shown("visual-studio", 2019), (none.to_owned(), Value::Null));
    let (why, at) = shown("pay-as-you-go", 2019);
    assert_eq!((why.as_str(), at.as_str()), ("may", Some(PORTAL)));
    let text = home.run("exemption show pay-as-you-go-2019");
    assert!(text.contains("  is requested at: Azure portal > "), "{text}");
}

const PORTAL: &str = "Azure portal > a virtual network > Diagnose and solve > Connectivity";

#[test]
//= CS3 type=test
fn a_request_of_a_provider_was_granted_without_asking_whether_it_qualifies() {
    let home = Home::new();
    home.run("store init");
    home.run("subscription add csp --offer CSP --created 2019-03-01");
    home.fails("exemption request csp", 2, "--qualifies");
    let answered = home.run("exemption request csp --qualifies no");
    assert!(answered.contains("`further-steps`"), "{answered}");
    assert!(answered.contains("the next steps that the answer names"), "{answered}");
}

#[test]
fn a_request_of_an_offer_that_the_text_does_not_name_was_not_said_to_be_assumed() {
    let home = Home::new();
    home.run("store init");
    home.run("subscription add shop --offer bizspark --created 2019-03-01");
    let (_, _, said) = home.try_run("exemption request shop");
    assert!(said.contains("edition 2020-12 does not name BizSpark"), "{said}");
    assert!(said.contains("assumed (unnamed_offer = edition-default)"), "{said}");
}

#[test]
fn one_way_with_two_steps_was_recorded_as_its_first_step() {
    let home = Home::new();
    home.run("store init --edition 2021-04");
    home.run("subscription add csp --offer CSP --created 2019-03-01");
    let (_, _, said) = home.try_run("exemption request csp --reviewer manual");
    let way = "Connectivity, and then at: support case > Technical";
    assert!(said.contains(way), "{said}");
    let shown = home.json("exemption show csp");
    assert!(shown["requested_at"].as_str().is_some_and(|at| at.contains(way)), "{shown}");
    assert_eq!(home.json("log")["entries"][1]["channel"], Value::Null);
}

#[test]
fn a_machine_that_the_store_gets_later_was_said_to_be_missing_from_an_inventory() {
    let home = Home::new();
    home.run("store init");
    home.run("subscription add shop --offer EA --created 2019-03-01 --at 2020-12-01");
    home.run("vm deploy web --subscription shop --address 10.0.0.4 --at 2020-12-02");
    let ask = "check --to 203.0.113.5 --at 2020-12-01T12:00:00Z --machine";
    home.fails(&format!("{ask} web"), 2, "the store has no machine `web` yet: it is deployed at ");
    home.fails(&format!("{ask} wbe"), 2, "the store has no machine `wbe`");
    home.fails("replay x.pcap", 2, "--store PATH");
    home.fails("check --to 203.0.113.5", 2, "--store");
}
