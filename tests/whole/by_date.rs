//! Replays by the text of a day, and what the edition in force says at their end.

use serde_json::Value;

use crate::check::flowing;
use crate::packets::{mail, pcap};
use crate::program::{failure, json, stdout};
use crate::replay::{captured, reasons};

const MX: [u8; 4] = [203, 0, 113, 25];

/// A machine of a subscription of 2016, and one whose request was granted in January 2021.
const OLD: &str = r#"
[subscription.old]
offer = "pay-as-you-go"
created = "2016-05-01"
[subscription.young]
offer = "pay-as-you-go"
created = "2019-05-01"
[network.office]
address_space = ["10.0.0.0/16"]
[machine.fax]
subscription = "old"
network = "office"
addresses = ["10.0.1.4"]
[machine.erp]
subscription = "young"
network = "office"
addresses = ["10.0.1.5"]
[[event]]
at = "2021-01-11"
kind = "exemption-asked"
subscription = "young"
[[event]]
at = "2021-01-13"
kind = "exemption-granted"
subscription = "young"
[[event]]
at = "2021-01-14T10:00:00Z"
kind = "machine-deallocated"
machine = "erp"
[[event]]
at = "2021-01-14T10:10:00Z"
kind = "machine-started"
machine = "erp"
"#;

/// Days after 2020-12-08 in 2020, 2021 and 2025.
const DAYS: [u32; 3] = [1, 200, 1_800];

fn by_date(packets: &[(u32, Vec<u8>)], more: &str) -> Value {
    let (capture, inventory) = (captured(&pcap(packets)), captured(OLD.as_bytes()));
    let (capture, inventory) = (capture.path.display(), inventory.path.display());
    json(&format!("replay {capture} --inventory {inventory} --format json {more}"))
}

#[test]
fn every_packet_is_judged_by_the_text_of_its_day() {
    let senders = [[10, 0, 1, 4], [10, 0, 1, 5]];
    // Out of order: the oldest text is come back to.
    let times = [0, 2, 1, 0].map(|day: usize| DAYS[day] * 86_400);
    let packets: Vec<_> =
        times.iter().flat_map(|at| senders.map(|from| (*at, mail(from, MX)))).collect();
    let report = by_date(&packets, "--edition by-date");
    let rows = report["rows"].as_array().expect("rows");
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            [&row["edition"], &row["machine"], &row["reason"]].map(|at| at.as_str().unwrap())
        })
        .collect();
    let (old, mid, now) = ("2020-12", "2021-04", "2023-12");
    let expected = [
        [old, "fax", "predates-restriction"],
        [old, "erp", "not-granted"],
        [now, "fax", "offer-never-exempt"],
        [now, "erp", "exempt"],
        [mid, "fax", "not-granted"],
        [mid, "erp", "exempt"],
        [old, "fax", "predates-restriction"],
        [old, "erp", "not-granted"],
    ];
    assert_eq!(found, expected);
    let (edition, summary) = (&report["edition"], &report["summary"]);
    assert_eq!((&edition["id"], &edition["in_force"]), (&"by-date".into(), &false.into()));
    let used = summary["editions"].as_array().expect("editions");
    assert_eq!((&used[0], used.last()), (&old.into(), Some(&now.into())));
    // What the edition in force judged itself is not asked again.
    let today = summary["today"]["answers"].as_array().expect("answers");
    let asked: Vec<_> = today.iter().map(|answer| (&answer["packet"], &answer["reason"])).collect();
    let never = Value::from("offer-never-exempt");
    assert!(asked.contains(&(&1.into(), &never)), "{asked:?}");
    assert!(!asked.iter().any(|(packet, _)| **packet == 3), "{asked:?}");
}

#[test]
fn what_the_edition_in_force_answers_ends_a_replay_with_what_it_assumes() {
    let packets = [[10, 0, 1, 4], [10, 0, 1, 5]].map(|from| (86_400 * 60, mail(from, MX)));
    let report = by_date(&packets, "");
    let answers = report["summary"]["today"]["answers"].as_array().expect("answers").clone();
    let found: Vec<_> = answers
        .iter()
        .map(|at| (at["subscription"].as_str(), at["judged"].as_str(), at["reason"].as_str()))
        .collect();
    let expected = [
        (Some("old"), Some("predates-restriction"), Some("offer-never-exempt")),
        (Some("young"), Some("exempt"), Some("exempt")),
    ];
    assert_eq!(found, expected);
    assert_eq!((&answers[0]["differs"], &answers[1]["differs"]), (&true.into(), &false.into()));
    assert!(answers[1]["assumed"].to_string().contains("grandfather_exemptions=yes"));
    let (capture, inventory) = (captured(&pcap(&packets)), captured(OLD.as_bytes()));
    let (capture, inventory) = (capture.path.display(), inventory.path.display());
    let text = flowing(&stdout(&format!("replay {capture} --inventory {inventory}")));
    assert!(text.contains("the same; assumed grandfather_exemptions = yes"), "{text}");
    assert!(text.contains("OTHERWISE: drop offer-never-exempt"), "{text}");
    let report = by_date(&packets, "--edition in-force");
    assert!(report["summary"]["today"].is_null());
}

#[test]
fn rows_for_people_did_not_name_the_edition_that_judged_each() {
    let packets = [(86_400 * DAYS[1], mail([10, 0, 1, 4], MX))];
    let (capture, inventory) = (captured(&pcap(&packets)), captured(OLD.as_bytes()));
    let (capture, inventory) = (capture.path.display(), inventory.path.display());
    let line = format!("replay {capture} --inventory {inventory}");
    let text = stdout(&format!("{line} --edition by-date"));
    assert!(text.contains("  2021-04: PG3c, "), "{text}");
    let text = stdout(&format!("{line} --edition 2021-04"));
    assert!(text.contains("  PG3c, ") && !text.contains("2021-04: "), "{text}");
}

#[test]
fn a_replay_that_the_edition_in_force_judged_itself_ended_with_an_empty_heading() {
    let packets = [(86_400 * DAYS[2], mail([10, 0, 1, 4], MX))];
    let report = by_date(&packets, "--edition by-date");
    assert_eq!(report["rows"][0]["edition"], "2023-12");
    assert_eq!(report["summary"]["today"], Value::Null);
}

#[test]
fn a_sender_that_the_inventory_does_not_know_was_a_dash_of_today() {
    let packets = [(0, mail([10, 9, 9, 9], MX))];
    let (capture, inventory) = (captured(&pcap(&packets)), captured(OLD.as_bytes()));
    let (capture, inventory) = (capture.path.display(), inventory.path.display());
    let text = flowing(&stdout(&format!("replay {capture} --inventory {inventory}")));
    assert!(text.contains("- no subscription unknown-source (packet 1)"), "{text}");
}

#[test]
fn a_question_by_flags_had_no_day_and_was_not_told_what_to_type() {
    let flags = "check --offer PAYG --created 2016-03-01 --to 203.0.113.5";
    let (code, said) = failure(&format!("{flags} --edition by-date"));
    assert!(code == 2 && said.contains("such as --edition 2021-04"), "{said}");
    let answer = json(&format!("{flags} --edition by-date --at 2021-06-01 --format json"));
    assert_eq!(answer["edition"]["id"], "2021-04");
    assert_eq!(answer["decision"]["reason"], "not-granted");
    let answer = json(&format!("{flags} --at 2021-06-01 --format json"));
    let notes = answer["notes"].to_string();
    assert!(notes.contains("edition 2020-12 is not the text of 2021-06-01"), "{notes}");
    assert!(
        stdout("policy list").contains("2021-08  2021-08-24  "),
        "the day stands beside the id"
    );
}

#[test]
fn what_to_do_did_not_say_by_which_edition_where_today_s_is_another() {
    let text = stdout("check --offer PAYG --created 2019-03-01 --to 203.0.113.5");
    assert!(text.contains("\nWhat to do (by edition 2020-12)\n"), "{text}");
    let text = stdout("check --offer EA --to 203.0.113.5");
    assert!(text.contains("\nWhat to look at next\n"), "{text}");
}

#[test]
fn the_reserved_routes_are_those_of_the_packets_day_whatever_the_edition() {
    let packets = DAYS.map(|day| (day * 86_400, mail([10, 0, 1, 4], [172, 16, 5, 5])));
    let report = by_date(&packets, "--edition 2020-12");
    // N10: 172.16.0.0/12 was none of them between 2019-11 and 2021-09.
    let expected = ["predates-restriction", "predates-restriction", "no-route"];
    assert_eq!(reasons(&report), expected);
    let inventory = captured(OLD.as_bytes());
    let at = |day: &str| {
        let path = inventory.path.display();
        let line = format!("check --inventory {path} --machine fax --to 172.16.5.5 --at {day}");
        json(&format!("{line} --format json"))["decision"]["reason"].clone()
    };
    assert_eq!((at("2020-12-20"), at("2025-11-03")), (expected[0].into(), expected[2].into()));
}

#[test]
fn mail_that_comes_in_was_dropped() {
    let from_outside = mail([198, 51, 100, 77], [10, 0, 1, 4]);
    let report = by_date(&[(86_400, from_outside)], "");
    assert_eq!(reasons(&report), ["inbound"]);
    assert_eq!(
        (&report["summary"]["passed"], &report["summary"]["dropped"]),
        (&1.into(), &0.into())
    );
}
