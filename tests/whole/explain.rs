//! `explain`.

use egress25_policy::Reason;

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
fn what_the_text_says_of_other_platform_services_was_read_by_nothing() {
    for (edition, id) in [("2022-11", "PS1"), ("2023-12", "PS1b")] {
        let line = format!("explain platform-service-unsupported --edition {edition}");
        let all = json(&format!("{line} --format json"));
        assert_eq!(all["reasons"][0]["rests_on"][0]["id"], id);
    }
}

#[test]
fn statements_of_the_chosen_edition_are_quoted() {
    assert!(stdout("explain azure-firewall-unsupported").contains("RL1      Routing port-25"));
    assert!(stdout("explain created-before-exemption").contains("2018-11/EF1"));
}
