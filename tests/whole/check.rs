//! `check`, question by question.

use egress25_policy::Reason;
use serde_json::json;

use crate::program::{egress25, failure, json, stdout, words};

const BLOCKED: &str = "check --offer pay-as-you-go --created 2019-03-01 --to 203.0.113.5";

/// A text without its line breaks and indents.
pub(crate) fn flowing(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_question_of_the_readme_is_answered_in_full() {
    let answer = json(&format!("{BLOCKED} --format json"));
    assert_eq!(answer["schema_version"], 2);
    assert_eq!(answer["edition"]["id"], "2020-12");
    assert_eq!(answer["decision"]["verdict"], "drop");
    assert_eq!(answer["decision"]["reason"], "not-granted");
    assert_eq!(answer["decision"]["statements"], json!(["PG3", "PG4"]));
    assert_eq!(answer["question"]["offer"], "pay-as-you-go");
    assert_eq!(answer["in_force"]["edition"]["id"], "2023-12");
    assert_eq!(answer["in_force"]["differs"], true);
    assert_eq!(answer["in_force"]["decision"]["reason"], "offer-never-exempt");
}

#[test]
fn people_are_told_verdict_statements_assumptions_path_and_what_to_do() {
    let text = stdout(BLOCKED);
    for part in [
        "DROP not-granted",
        "Edition 2020-12",
        "PG3 Pay-as-you-go created after 2017-11-15",
        "assumed block_form = drop",
        "system route 0.0.0.0/0 -> Internet",
        "1. request an exemption of `subscription`",
        "if your security groups and admin rules allow it, IP flow verify answers Allow",
        "Today edition 2023-12",
    ] {
        assert!(flowing(&text).contains(part), "`{part}` is missing in\n{text}");
    }
    assert!(!text.contains('\u{1b}'), "no colours where there is no terminal");
}

#[test]
fn colours_come_when_asked_for_and_no_color_takes_them_away() {
    let mut always = egress25(words(BLOCKED));
    let output = always.args(["--color", "always"]).output().expect("runs");
    assert!(output.stdout.contains(&0x1b));
    let mut never = egress25(words(BLOCKED));
    let output = never.env("NO_COLOR", "1").output().expect("runs");
    assert!(!output.stdout.contains(&0x1b));
}

#[test]
fn what_may_leave_is_told_what_is_not_promised() {
    let text = stdout("check --offer enterprise-agreement --created 2016-05-01 --to 203.0.113.5");
    assert!(text.contains("PASS  unrestricted-offer"));
    assert!(text.contains("The receiving provider may still refuse"));
    assert!(text.contains("answers the same"));
    assert!(!text.contains("IP flow verify"));
}

#[test]
fn an_exemption_of_then_is_still_honoured_today() {
    let answer = json(&format!("{BLOCKED} --exempt granted --started-since-grant --format json"));
    assert_eq!(answer["decision"]["reason"], "exempt");
    assert_eq!(answer["in_force"]["decision"]["reason"], "exempt");
    assert_eq!(answer["in_force"]["differs"], false);
}

#[test]
fn an_azure_firewall_is_refused_then_and_possible_today() {
    let line = "check --offer enterprise-agreement --created 2016-05-01 --via azure-firewall \
                --to 203.0.113.5 --format json";
    let answer = json(line);
    assert_eq!(answer["decision"]["verdict"], "reject");
    assert_eq!(answer["decision"]["path"][1]["hop"], "firewall");
    assert_eq!(answer["in_force"]["decision"]["verdict"], "pass");
    assert_eq!(answer["in_force"]["differs"], true);
}

#[test]
fn an_appliances_own_subscription_decides() {
    let line = format!("{BLOCKED} --via appliance --via-offer enterprise-agreement --format json");
    let answer = json(&line);
    assert_eq!(answer["decision"]["verdict"], "pass");
    assert_eq!(answer["decision"]["subscription"], "hub-subscription");
    assert_eq!(answer["decision"]["path"][1]["machine"], "appliance");
}

#[test]
fn a_route_through_the_gateway_also_wins_for_private_addresses() {
    for to in ["203.0.113.5", "192.168.1.1", "10.0.0.9", "10.9.0.9", "2001:db8::1"] {
        let line = format!(
            "check --offer free-trial --created 2019-01-01 --via gateway --to {to} --format json"
        );
        assert_eq!(json(&line)["decision"]["reason"], "on-premises", "{to}");
    }
}

#[test]
fn the_examples_of_explain_have_the_reason_that_they_explain() {
    let mut shown = 0;
    for reason in Reason::ALL {
        let Some(example) = egress25_cli::commands::explain::example(*reason) else { continue };
        let answer = json(&format!("check {example} --format json"));
        assert_eq!(answer["decision"]["reason"], reason.name(), "{example}");
        shown += 1;
    }
    assert!(shown > 15, "{shown} examples");
}

#[test]
fn a_quota_id_tells_the_offer_or_asks_for_it() {
    let question = "check --created 2019-03-01 --to 203.0.113.5 --format json";
    let answer = json(&format!("{question} --quota-id PayAsYouGo_2014-09-01"));
    assert_eq!(answer["question"]["offer"], "pay-as-you-go");
    let (code, text) = failure(&format!("{question} --quota-id MSDN_2014-09-01"));
    assert_eq!(code, 2);
    assert!(text.contains("serves several offers; say which with --offer: msdn, visual-studio"));
    let answer = json(&format!("{question} --quota-id MSDN_2014-09-01 --offer visual-studio"));
    assert_eq!(answer["question"]["offer"], "visual-studio");
    for (arguments, part) in [
        ("--quota-id MSDN_2014-09-01 --offer free-trial", "is none of them"),
        ("--quota-id PayAsYouGo_2014-09-01 --offer free-trial", "drop one of them"),
        ("--quota-id Default_2014-09-01", "no machines"),
        ("--quota-id Internal_2014-09-01", "say the offer with --offer"),
    ] {
        let (code, text) = failure(&format!("{question} {arguments}"));
        assert_eq!(code, 2, "{arguments}");
        assert!(text.contains(part), "`{part}` is missing in {text}");
    }
}

#[test]
fn csv_and_ndjson_have_the_same_answer() {
    let csv = stdout(&format!("{BLOCKED} --format csv"));
    let mut lines = csv.lines();
    let header: Vec<_> = lines.next().expect("a header").split(',').collect();
    let row: Vec<_> = lines.next().expect("a row").split(',').collect();
    let column = |name| header.iter().position(|column| *column == name).expect("a column");
    assert_eq!(row[column("schema_version")], "2");
    assert_eq!(row[column("verdict")], "drop");
    assert_eq!(row[column("statements")], "PG3 PG4");
    assert_eq!(row[column("in_force_differs")], "true");
    let ndjson = stdout(&format!("{BLOCKED} --format ndjson"));
    assert_eq!(ndjson.lines().count(), 1);
    assert_eq!(json(&format!("{BLOCKED} --format json"))["decision"]["reason"], "not-granted");
}

/// A machine that may send from the source ports above 1023.
const BY_PORT: &str = "[subscription.s]\noffer = \"enterprise-agreement\"\ncreated = \"2019-03-01\"\n\
    [network.n]\naddress_space = [\"10.0.0.0/16\"]\n\
    [network.n.subnet.a]\nprefixes = [\"10.0.0.0/24\"]\nsecurity_group = \"g\"\n\
    [machine.web]\nsubscription = \"s\"\nnetwork = \"n\"\naddresses = [\"10.0.0.4\"]\n\
    [security-group.g]\nrules = [{ name = \"low\", priority = 100, \
    direction = \"outbound\", access = \"deny\", source_ports = \"0-1023\" }]\n";

#[test]
fn a_csv_showed_the_answer_of_one_source_port_as_that_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ports.toml");
    std::fs::write(&file, BY_PORT).unwrap();
    let line = format!("check --machine web --to 203.0.113.9 --inventory {}", file.display());
    let said = stdout(&format!("{line} --format csv"));
    let ports = "0-1023=drop/security-group-denies 1024-65535=pass/unrestricted-offer";
    assert!(said.trim_end().ends_with(ports), "{said}");
}

#[test]
fn the_headline_was_that_of_some_source_ports_and_did_not_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ports.toml");
    std::fs::write(&file, BY_PORT).unwrap();
    let line = format!("check --machine web --to 203.0.113.9 --inventory {}", file.display());
    let said = stdout(&line);
    let told = "That is from source port 49152; from some others the answer is another";
    assert!(said.starts_with("PASS") && flowing(&said).contains(told), "{said}");
    assert!(flowing(&said).contains("from some source ports it is stopped"), "{said}");
    let said = flowing(&stdout(&format!("{line} --from-port 2000")));
    assert!(said.contains("203.0.113.9:25 from source port 2000?"), "{said}");
    assert!(!said.contains("the answer is another"), "{said}");
    // A rule that allows some of those that pass anyway changes nothing.
    let more = "rules = [{ name = \"high\", priority = 200, direction = \"outbound\", access = \"allow\", \
                source_ports = \"60000-61000\" }, ";
    std::fs::write(&file, BY_PORT.replace("rules = [", more)).unwrap();
    let said = flowing(&stdout(&line));
    assert!(said.contains("1024-65535 pass unrestricted-offer"), "{said}");
    // The answer of another edition may differ from those alone that the headline is not of.
    let by_firewall = "[firewall.fw]\nsubscription = \"s\"\nnetwork = \"n\"\naddress = \"10.0.9.4\"\n\
         [network.n.subnet.AzureFirewallSubnet]\nprefixes = [\"10.0.9.0/24\"]\n[route-table.t]\nroutes = \
         [{ prefix = \"0.0.0.0/0\", next_hop = \"virtual-appliance\", address = \"10.0.9.4\" }]\n";
    let text = BY_PORT.replace("security_group", "route_table = \"t\"\nsecurity_group");
    std::fs::write(&file, text.replace("0-1023", "2000-65535") + by_firewall).unwrap();
    let said = flowing(&stdout(&line));
    assert!(said.contains("and OTHERWISE from other source ports"), "{said}");
    // Where the route ends it, no rule that allows is named.
    let nowhere = "[route-table.t]\nroutes = [{ prefix = \"0.0.0.0/0\", next_hop = \"none\" }]\n";
    let text = BY_PORT.replace("security_group", "route_table = \"t\"\nsecurity_group") + nowhere;
    std::fs::write(&file, text).unwrap();
    let said = flowing(&stdout(&line));
    assert!(said.contains("1024-65535 drop no-route") && !said.contains(": allow"), "{said}");
}

#[test]
fn a_setting_changes_the_answer_and_says_so() {
    let text = stdout(&format!("{BLOCKED} --set block_form=reject"));
    assert!(text.contains("REJECT"));
    assert!(text.contains("block_form = reject"));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("the default is drop"), "{text}");
}

#[test]
fn an_edition_s_own_default_was_said_to_be_set_by_the_user() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("inventory.toml");
    let text = "[subscription.shop]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n\
                exemption = \"granted\"\n[network.hub]\naddress_space = [\"10.0.0.0/16\"]\n\
                [machine.web]\nsubscription = \"shop\"\nnetwork = \"hub\"\naddresses = [\"10.0.0.4\"]\n\
                [[event]]\nat = \"2020-12-08T00:00:00Z\"\nkind = \"machine-redeployed\"\n\
                machine = \"web\"\n";
    std::fs::write(&path, text).expect("written");
    let line = format!("check --inventory {} --machine web --to 203.0.113.5", path.display());
    let said = flowing(&stdout(&line));
    assert!(said.contains("redeploy_counts = no -- Does a redeploy renew"), "{said}");
    assert!(said.contains("(the default of this edition)"), "{said}");
    assert!(!said.contains("(set;"), "{said}");
    let set = flowing(&stdout(&format!("{line} --edition 2019-08 --set redeploy_counts=no")));
    assert!(set.contains("(set; the default is yes)"), "{set}");
}

#[test]
fn an_edition_file_answers_like_a_built_in_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.toml");
    let source = crate::program::repository().join("crates/policy/editions/2020-12.toml");
    let text = std::fs::read_to_string(source).expect("the edition");
    let text = text.replace("id = \"2020-12\"", "id = \"mine\"");
    std::fs::write(&path, text.replace("default = true\n", "")).expect("written");
    let answer = json(&format!("{BLOCKED} --format json --edition {}", path.display()));
    assert_eq!(answer["edition"]["id"], "mine");
    assert_eq!(answer["decision"]["reason"], "not-granted");
    assert_eq!(
        json(&format!("{BLOCKED} --edition in-force --format json"))["in_force"],
        json!(null)
    );
}

#[test]
fn a_machine_of_a_lab_is_asked_about_at_a_time() {
    let question = "check --inventory fixtures/inventories/day-of-mail.toml --machine vm-web \
                    --to 203.0.113.25";
    let answer = json(&format!("{question} --at 2020-12-08T11:30:00Z --format json"));
    assert_eq!(answer["decision"]["reason"], "waiting-for-stop-and-start");
    assert_eq!(answer["question"]["at"], "2020-12-08T11:30:00Z");
    // Without a time: now, when all of it has happened.
    assert_eq!(json(&format!("{question} --format json"))["decision"]["reason"], "revoked");
    // A day stands for its first moment.
    let answer = json(&format!("{question} --at 2020-12-08 --format json"));
    assert_eq!(answer["decision"]["reason"], "not-granted");
}

#[test]
fn a_lab_comes_from_stdin_and_events_from_a_file_of_their_own() {
    let inventory =
        std::fs::read(crate::program::repository().join("fixtures/inventories/revoked.toml"))
            .expect("the inventory");
    let folder = tempfile::tempdir().expect("a folder");
    let events = folder.path().join("events.toml");
    let text = "[[event]]\nat = \"2021-01-01T00:00:00Z\"\nkind = \"machine-stopped\"\n\
                machine = \"sender-1\"\n";
    std::fs::write(&events, text).expect("written");
    let line = format!(
        "check --inventory - --events {} --machine sender-1 --to 203.0.113.5 --at 2021-01-02 \
         --format json",
        events.display()
    );
    let output = egress25(words(&line)).write_stdin(inventory).output().expect("runs");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["decision"]["reason"], "sender-not-running");
    // Where the state is that of an export, what counts is what is answered once it runs.
    let once = "once `sender-1` is started the answer is PASS exempt";
    assert!(answer["notes"].to_string().contains(once), "{}", answer["notes"]);
}

#[test]
fn a_machine_that_is_not_there_is_answered_with_those_that_are() {
    let (code, text) = failure(
        "check --inventory fixtures/inventories/revoked.toml --machine web --to 203.0.113.5",
    );
    assert_eq!(code, 2);
    assert!(text.contains("sender-1, sender-2"), "{text}");
    let (code, text) =
        failure("check --inventory fixtures/inventories/revoked.toml --to 203.0.113.5");
    assert_eq!(code, 2);
    assert!(text.contains("--machine"), "{text}");
}

#[test]
fn a_day_of_creation_that_is_still_to_come_was_taken() {
    for line in ["check --to 203.0.113.5", "replay fixtures/captures/day-of-mail.pcapng", "init"] {
        let (code, said) = failure(&format!("{line} --offer pay-as-you-go --created 2999-01-01"));
        assert!(code == 2 && said.contains("still to come"), "{said}");
    }
}

#[test]
fn a_day_of_creation_was_demanded_where_none_counts() {
    let to = "--to 203.0.113.5 --format json";
    let answer = json(&format!("check --offer enterprise-agreement {to}"));
    assert_eq!(answer["decision"]["reason"], "unrestricted-offer");
    assert!(answer["question"]["created"].is_null(), "no day is made up");
    let said = stdout("check --offer enterprise-agreement --to 203.0.113.5");
    let flowing = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flowing.contains("Subscription: Enterprise Agreement, exemption none."), "{said}");
    // A reading on which old subscriptions rest is named: it may be one.
    let answer = json(&format!("check --offer free-trial --edition 2023-12 {to}"));
    assert_eq!(answer["decision"]["reason"], "offer-never-exempt");
    let assumed = answer["decision"]["assumed"].to_string();
    assert!(assumed.contains("honour_pre_2017_subscriptions"), "{assumed}");
    for counts in [
        "--offer pay-as-you-go",
        "--offer free-trial --edition 2023-12 --set honour_pre_2017_subscriptions=yes",
        "--offer enterprise-agreement --via appliance --via-offer pay-as-you-go",
    ] {
        let (code, said) = failure(&format!("check {counts} --to 203.0.113.5"));
        assert_eq!(code, 2, "{counts}: {said}");
        assert!(said.contains("--created is missing"), "{counts}: {said}");
    }
}

#[test]
fn a_day_that_is_none_is_told_in_our_words() {
    for wrong in ["yesterday", "2019-02-30", "2019-03-01T00:00:00Z"] {
        let line = format!("check --offer pay-as-you-go --created {wrong} --to 203.0.113.5");
        let (code, said) = failure(&line);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("expected a day such as `2019-03-01`"), "{said}");
    }
    let line = "check --inventory fixtures/inventories/revoked.toml --machine web --at 2020-12-08T09:00:00 \
                --to 203.0.113.5";
    let (code, said) = failure(line);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("does not say its time zone"), "{said}");
}

#[test]
fn what_says_more_of_an_inventory_was_ignored_beside_a_described_subscription() {
    for described in ["--offer free-trial --created 2019-03-01", "--quota-id FreeTrial_2014-09-01"]
    {
        for more in ["--events x.toml", "--store x.db", "--network x"] {
            let (code, said) = failure(&format!("check --to 203.0.113.5 {described} {more}"));
            assert_eq!(code, 2, "{more}: {said}");
            assert!(said.contains("cannot be used with"), "{more}: {said}");
        }
    }
}

#[test]
fn an_answer_kept_its_version_although_a_field_of_it_went_away() {
    let line = "check --inventory fixtures/inventories/day-of-mail.toml --from 10.0.0.4 \
                --to 203.0.113.5 --format json";
    let (check, replay) = (
        json(line),
        json(
            "replay fixtures/captures/day-of-mail.pcapng --format json \
             --inventory fixtures/inventories/day-of-mail.toml",
        ),
    );
    for (answer, part) in [(&check, &check["question"]), (&replay, &replay)] {
        assert_eq!(answer["schema_version"], 2);
        assert!(part["inventory"].is_string() && part.get("lab").is_none(), "{part}");
    }
}

#[test]
fn an_address_that_nothing_is_delivered_to_was_let_pass() {
    for to in
        ["127.0.0.1", "224.0.0.1", "0.0.0.0", "255.255.255.255", "169.254.7.7", "fe80::1", "::1"]
    {
        for offer in ["enterprise-agreement", "free-trial"] {
            let answer = json(&format!(
                "check --offer {offer} --created 2019-03-01 --to {to} --format json"
            ));
            assert_eq!(answer["decision"]["verdict"], "drop", "{offer} {to}");
            assert_eq!(answer["decision"]["reason"], "martian-destination", "{offer} {to}");
            assert_eq!(answer["decision"]["next_steps"][0]["step"], "mend-input", "{offer} {to}");
            assert_eq!(answer["notes"], json!([]), "{offer} {to}: no word of IP flow verify");
        }
    }
    // The platform's own is of that range, too.
    let answer =
        json("check --offer free-trial --created 2019-03-01 --to 169.254.169.254 --format json");
    assert_eq!(answer["decision"]["reason"], "platform-address");
    let (code, said) = failure("check --offer EA --to ::ffff:203.0.113.5");
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("write 203.0.113.5"), "{said}");
}

#[test]
fn an_offer_of_a_shared_quota_id_was_refused() {
    let question = "check --to 203.0.113.5 --format json --quota-id EnterpriseAgreement_2014-09-01";
    let answer = json(&format!("{question} --offer mca-e --edition in-force"));
    assert_eq!(answer["question"]["offer"], "mca-e");
    assert_eq!(answer["decision"]["reason"], "unrestricted-offer");
    let (code, said) = failure(question);
    assert_eq!(code, 2, "{said}");
    for part in ["enterprise-agreement, mca-e, mca-azure-plan", "account type is Enterprise"] {
        assert!(said.contains(part), "`{part}` is missing in {said}");
    }
    let trial =
        "check --created 2019-03-01 --to 203.0.113.5 --quota-id LightweightTrial_2016-09-01";
    let (code, said) = failure(trial);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("a trial that no edition of the article names"), "{said}");
    let answer = json(&format!("{trial} --offer free-trial --format json"));
    assert_eq!(answer["question"]["offer"], "free-trial");
}

#[test]
fn the_words_that_people_use_for_offers_were_refused() {
    for (word, offer) in [
        ("PAYG", "pay-as-you-go"),
        ("EA", "enterprise-agreement"),
        ("MS-AZR-0003P", "pay-as-you-go"),
        ("ms-azr-0017g", "mca-azure-plan"),
        ("CSP", "cloud-solution-provider"),
    ] {
        let answer = json(&format!(
            "check --offer {word} --created 2019-03-01 --to 203.0.113.5 --format json"
        ));
        assert_eq!(answer["question"]["offer"], offer, "{word}");
    }
    for (word, part) in [
        ("MCA", "stands for several offers; say which: mca-e, "),
        ("pay-as-yuo-go", "did you mean `pay-as-you-go`?"),
        ("gold", "the nearest are: "),
    ] {
        let (code, said) = failure(&format!("check --offer {word} --to 203.0.113.5"));
        assert_eq!(code, 2, "{said}");
        assert!(said.contains(part), "`{part}` is missing in {said}");
    }
}

#[test]
fn a_day_of_creation_was_demanded_although_the_way_decides() {
    for (more, reason) in [
        ("--edition in-force --to 203.0.113.5", "offer-never-exempt"),
        ("--to 203.0.113.5 --port 587", "relay-port"),
        ("--to 10.0.0.9", "internal"),
        ("--to 203.0.113.5 --via gateway", "on-premises"),
        ("--to 203.0.113.5 --via azure-firewall", "azure-firewall-unsupported"),
        ("--to 203.0.113.5 --via appliance --via-offer EA", "unrestricted-offer"),
    ] {
        let answer = json(&format!("check --offer free-trial {more} --format json"));
        assert_eq!(answer["decision"]["reason"], reason, "{more}");
        assert!(answer["question"]["created"].is_null(), "no day is made up");
    }
    let (code, said) = failure("check --offer free-trial --to 203.0.113.5");
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("--created is missing"), "{said}");
}

#[test]
fn a_destination_with_its_port_was_refused() {
    let ask = |to: &str| json(&format!("check --offer EA --format json --to {to}"));
    for (to, address, port) in [
        ("203.0.113.5:587", "203.0.113.5", 587),
        ("[2001:db8::5]:25", "2001:db8::5", 25),
        ("[2001:db8::5]", "2001:db8::5", 25),
        ("203.0.113.5 --port 465", "203.0.113.5", 465),
        ("203.0.113.5:465 --port 465", "203.0.113.5", 465),
    ] {
        let answer = ask(to);
        assert_eq!(answer["question"]["to"], address, "{to}");
        assert_eq!(answer["question"]["port"], port, "{to}");
    }
    for (to, part) in [
        ("203.0.113.5:587 --port 25", "--to says port 587, and --port says 25"),
        ("mx.example.net", "names are not looked up: `getent ahosts mx.example.net`"),
        ("example.net:25", "`dig +short MX example.net`"),
        ("203.0.113.5:99999", "expected an address such as"),
        ("203.0.113", "expected an address such as"),
    ] {
        let (code, said) = failure(&format!("check --offer EA --to {to}"));
        assert_eq!(code, 2, "{to}: {said}");
        assert!(said.contains(part), "{to}: `{part}` is missing in {said}");
    }
}

#[test]
fn it_was_said_of_other_ports_that_the_platform_filters_nothing_else() {
    for port in [465, 2525] {
        let line = format!("check --offer free-trial --to 203.0.113.5 --port {port}");
        let answer = json(&format!("{line} --format json"));
        assert_eq!(answer["decision"]["statements"], json!(["G3", "G4"]), "{port}");
        let said = stdout(&line);
        assert!(said.contains("the article speaks of port 25 alone"), "{said}");
        assert!(!said.contains("is our reading"), "{said}");
        let today = stdout(&format!("{line} --edition in-force"));
        let reading =
            format!("speaks of relays on 587 alone: that port {port} is open is our reading");
        assert!(flowing(&today).contains(&reading), "{today}");
    }
}

#[test]
fn ip_flow_verify_was_spoken_of_where_the_filter_drops_nothing() {
    for blocked_otherwise in
        ["--to 192.168.9.9", "--to 203.0.113.5 --via azure-firewall --edition 2020-12"]
    {
        let said = stdout(&format!("check --offer EA {blocked_otherwise}"));
        assert!(!said.starts_with("PASS") && !said.contains("IP flow verify"), "{said}");
    }
    let said = stdout(&format!("{BLOCKED} --kind scale-set"));
    let part = "allow it, NSG diagnostics answers Allow: it does not look at the platform's filter; IP \
                flow verify takes no scale sets";
    assert!(flowing(&said).contains(part), "{said}");
}

#[test]
fn whoever_may_send_was_not_told_what_else_to_look_at() {
    let line = "check --offer EA --to 203.0.113.5";
    let answer = json(&format!("{line} --format json"));
    let steps = |answer: &serde_json::Value| {
        let steps = answer["decision"]["next_steps"].as_array().expect("steps").clone();
        steps
            .iter()
            .map(|step| step["step"].as_str().expect("a name").to_owned())
            .collect::<Vec<_>>()
    };
    let all = ["check-offer", "check-way-out", "check-security-groups", "check-other-side"];
    assert_eq!(steps(&answer), all);
    let notes = answer["notes"].to_string();
    assert!(notes.contains("what to look at next rests on no statement of the article"), "{notes}");
    let said = stdout(line);
    for part in [
        "What to look at next",
        "EnterpriseAgreement_2014-09-01, which serves mca-e, mca-azure-plan, too; the billing account",
        "does 203.0.113.5 answer on port 25",
    ] {
        assert!(flowing(&said).contains(part), "`{part}` is missing in {said}");
    }
    // What stays inside needs no way out, and no subscription's rule decided it.
    assert_eq!(steps(&json("check --offer EA --to 10.0.0.9 --format json")), all[2..]);
}

#[test]
fn azure_operated_by_21vianet_is_said_not_to_be_covered() {
    for line in ["check --help", "policy show"] {
        let said = flowing(&stdout(line));
        assert!(
            said.contains("Azure operated by 21Vianet has a text of its own"),
            "{line}: {said}"
        );
    }
}

#[test]
fn the_edition_of_a_question_s_time_answers_by_date_and_another_one_is_told() {
    let ask = |edition: &str, at: &str| {
        json(&format!(
            "check --inventory fixtures/inventories/partner-case.toml --machine scanner --to \
             203.0.113.5 --at {at} --edition {edition} --format json"
        ))
    };
    for (at, edition) in [("2020-12-20", "2020-12"), ("2021-03-20", "2021-03")] {
        let answer = ask("by-date", at);
        assert_eq!(answer["edition"]["id"], edition);
        assert!(!answer["notes"].to_string().contains("is not the text"), "{}", answer["notes"]);
    }
    let now = json(
        "check --inventory fixtures/inventories/partner-case.toml --machine scanner --to 203.0.113.5 \
         --format json",
    );
    assert_eq!(now["notes"][0], "edition 2020-12 answers; the text in force is 2023-12 (below)");
    let notes = ask("2020-12", "2025-11-03")["notes"].to_string();
    assert!(
        notes.contains("edition 2020-12 is not the text of 2025-11-03: that was 2023-12"),
        "{notes}"
    );
}
