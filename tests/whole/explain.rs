//! `explain`.

use egress25_policy::{Edition, Reason};
use serde_json::Value;

use crate::program::{failure, json, stdout};

#[test]
fn every_reason_is_explained() {
    let all = json("explain --format json");
    let reasons = all["reasons"].as_array().expect("a list");
    assert_eq!(reasons.len(), Reason::COUNT);
    for reason in Reason::ALL {
        let text = stdout(&format!("explain {reason}"));
        assert!(text.contains(reason.line()), "{text}");
        assert!(text.contains("What to do"), "{text}");
    }
    for one in reasons {
        assert!(one["rests_on"].as_array().is_some_and(|list| !list.is_empty()), "{one}");
    }
}

#[test]
fn a_name_that_is_nearly_right_is_answered_with_those_that_are() {
    let (code, text) = failure("explain grantd-not-granted-firewall");
    assert_eq!(code, 2);
    assert!(text.contains("azure-firewall-unsupported"), "{text}");
    assert!(stdout("explain Not_Granted").starts_with("not-granted"));
}

#[test]
fn statements_of_the_chosen_edition_are_quoted() {
    assert!(stdout("explain azure-firewall-unsupported").contains("RL1      Routing port-25"));
    assert!(stdout("explain created-before-exemption").contains("2018-11/EF1"));
}

#[test]
fn a_reason_was_explained_in_an_edition_that_cannot_give_it() {
    let note = |line: &str| {
        let all = json(&format!("{line} --format json"));
        all["reasons"][0]["note"].as_str().map(str::to_owned)
    };
    assert_eq!(
        note("explain created-before-exemption").as_deref(),
        Some("cannot come up in edition 2020-12; in these it does: 2018-11")
    );
    assert_eq!(note("explain created-before-exemption --edition 2018-11"), None);
    let now = note("explain azure-firewall-unsupported --edition in-force").expect("a note");
    assert!(now.starts_with("cannot come up in edition 2023-12; in these it does: "), "{now}");
    assert!(now.contains("2020-12") && !now.contains("2022-11"), "{now}");
    assert_eq!(
        note("explain predates-restriction --edition in-force").as_deref(),
        Some(
            "in edition 2023-12 only with another reading: --set honour_pre_2017_subscriptions=yes"
        )
    );
    assert_eq!(note("explain not-granted --edition in-force"), None);
    let text = stdout("explain created-before-exemption");
    assert!(text.contains("Note        cannot come up in edition 2020-12"), "{text}");
}

/// Every reason as an edition explains it, with what `check` answers to what is given to try.
fn tried(edition: &str) -> Vec<(Value, Value)> {
    let all = json(&format!("explain --edition {edition} --format json"));
    let reasons = all["reasons"].as_array().expect("a list").iter();
    let with_try = reasons.filter_map(|one| {
        let line = one["try_it"].as_str().filter(|line| !line.is_empty())?;
        Some((one.clone(), json(&format!("check {line} --format json"))["decision"].clone()))
    });
    with_try.collect()
}

#[test]
fn what_was_given_to_try_was_answered_otherwise_or_on_other_grounds() {
    let words = |list: &Value, key: Option<&str>| -> Vec<String> {
        let all = list.as_array().expect("a list").iter();
        let word = |one: &Value| key.map_or(one.clone(), |key| one[key].clone());
        all.map(|one| word(one).as_str().expect("a text").to_owned()).collect()
    };
    for edition in Edition::all().expect("editions") {
        for (explained, decision) in tried(&edition.id) {
            assert_eq!(decision["reason"], explained["reason"], "{}: {explained}", edition.id);
            let ids = words(&explained["rests_on"], Some("id"));
            let bare: Vec<_> = ids.iter().map(|id| id.rsplit('/').next().expect("one")).collect();
            let statements = words(&decision["statements"], None);
            let assumed = words(&decision["assumed"], Some("setting"));
            let grounds: Vec<_> = statements.iter().chain(&assumed).collect();
            assert!(bare.starts_with(&grounds.iter().map(|id| id.as_str()).collect::<Vec<_>>()));
            let steps = decision["next_steps"].as_array().expect("a list");
            let relay = format!("on TCP {}", edition.relay_ports[0]);
            let has_relay = steps.iter().any(|step| step["step"] == "use-relay");
            let told = explained["what_to_do"].as_str().expect("a text");
            assert!(!has_relay || told.contains(&relay), "{}: {told}", edition.id);
        }
    }
}

#[test]
fn the_statements_of_another_edition_stood_under_the_head_of_this_one() {
    let text = stdout("explain created-before-exemption");
    assert!(text.contains("Rests on (edition 2018-11)"), "{text}");
}

#[test]
fn what_can_be_done_in_force_was_what_could_be_done_in_2020_12() {
    let text = stdout("explain offer-never-exempt --edition in-force");
    assert!(
        text.contains("What to do  send through an authenticated relay on TCP 587\n"),
        "{text}"
    );
}

#[test]
fn what_is_given_to_try_was_torn_into_lines() {
    let text = stdout("explain exemption-does-not-cover");
    let tried = text.lines().find(|line| line.starts_with("Try it")).expect("a line");
    assert!(tried.contains("--set exempt_via_appliance=blocked"), "{text}");
}

#[test]
fn what_is_given_to_try_forgot_the_settings_that_were_set() {
    let set = "--set revocation_effect=next-start";
    let one = &json(&format!("explain revoked {set} --format json"))["reasons"][0];
    assert!(one["try_it"].as_str().is_some_and(|line| line.contains(set)), "{one}");
}

#[test]
fn a_statement_is_explained_as_its_edition_has_it() {
    let pg6 = stdout("explain pg6");
    assert!(pg6.starts_with("PG6  (rule)\n"), "{pg6}");
    let bl2 = json("explain BL2 --format json");
    let one = &bl2["statements"][0];
    assert_eq!(one["source"], "nsg-overview");
    let note = one["note"].as_str().expect("a note");
    assert!(note.starts_with("edition 2020-12 has no statement BL2, "), "{note}");
    assert!(note.ends_with(" it is of 2022-11 and 2023-12"), "{note}");
    let bl2 = json("explain BL2 --edition in-force --format json");
    assert_eq!(bl2["statements"][0]["note"], Value::Null);
    assert!(stdout("explain 2018-11/EF1").starts_with("EF1  (rule)"));
    assert_eq!(failure("explain 2018-11/EF1 --edition in-force").0, 2);
}

#[test]
fn a_setting_is_explained_and_where_no_answer_names_it() {
    let text = stdout("explain revocation-effect --set revocation_effect=next-start");
    assert!(text.starts_with("revocation_effect = next-start  (set)\n"), "{text}");
    let note = |line: &str| json(&format!("{line} --format json"))["settings"][0]["note"].clone();
    assert_eq!(note("explain csp_cutoff"), Value::Null);
    let now = note("explain csp_cutoff --edition in-force");
    let now = now.as_str().expect("a note");
    assert!(now.starts_with("no answer of edition 2023-12 names it"), "{now}");
    assert!(now.contains("2020-12"), "{now}");
    // Only an inventory's events bring it about: nothing is said of it.
    assert_eq!(note("explain redeploy_counts"), Value::Null);
}

#[test]
fn a_word_that_is_nearly_right_was_answered_with_half_the_list() {
    for (word, near) in [
        ("not-grantd", "did you mean: not-granted?"),
        ("revocation_efect", "did you mean: revocation_effect?"),
        ("gold", "`egress25 explain` lists the reasons"),
    ] {
        let (code, text) = failure(&format!("explain {word}"));
        assert_eq!(code, 2);
        assert!(text.contains(near), "{text}");
    }
}

#[test]
fn a_reason_that_a_setting_took_away_was_said_to_be_none_of_the_edition() {
    let line = "explain request-refused --format json";
    assert_eq!(json(line)["reasons"][0]["note"], Value::Null);
    let set = json(&format!("{line} --set requests_can_be_refused=no"));
    let note = set["reasons"][0]["note"].as_str().expect("a note");
    assert!(note.starts_with("cannot come up in edition 2020-12 with these settings; "), "{note}");
}
