//! `policy list|show|diff|trace`.

use egress25_policy::{Edition, Setting};

use crate::program::{json, stdout};

#[test]
fn the_nine_editions_are_listed_with_the_default_and_the_one_in_force() {
    let list = json("policy list --format json");
    let editions = list["editions"].as_array().expect("a list");
    let ids: Vec<_> = editions.iter().map(|one| one["id"].as_str().expect("an id")).collect();
    assert_eq!(
        ids,
        [
            "2018-11", "2019-08", "2020-11", "2020-12", "2021-03", "2021-04", "2021-08", "2022-11",
            "2023-12"
        ]
    );
    let marked = |key: &str| {
        editions.iter().filter(|one| one[key] == true).map(|one| &one["id"]).collect::<Vec<_>>()
    };
    assert_eq!(marked("default"), ["2020-12"]);
    assert_eq!(marked("in_force"), ["2023-12"]);
}

#[test]
fn an_edition_is_shown_with_all_statements_rows_and_settings() {
    let edition = Edition::default_edition().expect("an edition");
    let text = stdout("policy show");
    for statement in &edition.statements {
        assert!(text.contains(&format!("  {:<6}", statement.id.as_str())), "{}", statement.id);
    }
    for setting in Setting::ALL {
        assert!(text.contains(setting.name()), "{setting}");
    }
    let shown = json("policy show 2020-12 --format json");
    assert_eq!(shown["edition"]["id"], "2020-12");
    let csv = stdout("policy show --format csv");
    assert_eq!(csv.lines().count(), edition.statements.len() + 1);
}

#[test]
fn a_difference_as_csv_lacked_its_state_and_was_no_csv() {
    let csv = stdout("policy diff 2020-12 in-force --format csv");
    let mut lines = csv.lines();
    assert_eq!(lines.next(), Some("about,what,state,a,b"));
    let answers: Vec<_> = lines.filter(|line| line.starts_with("answer,")).collect();
    let expected = "answer,Enterprise Agreement,via-azure-firewall,\
                    reject azure-firewall-unsupported,pass unrestricted-offer";
    assert_eq!(answers.first(), Some(&expected));
}

#[test]
fn two_editions_are_compared_by_meaning() {
    assert!(stdout("policy diff 2020-12 default").contains("They say the same."));
    let diff = json("policy diff 2020-12 in-force --format json");
    let changes = diff["changes"].as_array().expect("a list");
    let has = |about: &str, what: &str, a: &str, b: &str| {
        changes.iter().any(|one| {
            one["about"] == about
                && one["what"] == what
                && one["a"].as_str().unwrap_or("").contains(a)
                && one["b"].as_str().unwrap_or("").contains(b)
        })
    };
    assert!(has("point", "through Azure Firewall", "not supported", "possible"));
    assert!(has("offer", "Pay-as-you-go", "exemption by portal", "no way to an exemption"));
    assert!(has("answer", "Pay-as-you-go", "not-granted", "offer-never-exempt"));
    assert!(has("statement", "RL1", "Azure Firewall", ""));
}

#[test]
fn the_trace_names_code_and_tests_of_every_statement() {
    let trace = json("policy trace --format json");
    let statements = trace["statements"].as_array().expect("a list");
    assert_eq!(statements.len(), 45);
    let pg6 = statements.iter().find(|one| one["id"] == "PG6").expect("PG6");
    for key in ["code", "tests"] {
        let places = pg6[key].as_array().expect("places");
        assert!(!places.is_empty(), "{key}");
        for place in places {
            let (file, line) =
                place.as_str().and_then(|text| text.split_once(':')).expect("a place");
            let text = std::fs::read_to_string(crate::program::repository().join(file));
            let text = text.expect("the file is there");
            let line: usize = line.parse().expect("a line");
            assert!(text.lines().nth(line - 1).expect("a line").contains("//= PG6"), "{place}");
        }
    }
}

#[test]
fn a_comparison_said_the_same_thing_twice_in_lines_that_no_page_holds() {
    let editions = Edition::all().expect("editions");
    for (a, b) in editions.iter().zip(editions.iter().skip(1)) {
        let text = stdout(&format!("policy diff {} {}", a.id, b.id));
        let (mut offers, mut at_offers) = (Vec::new(), false);
        for line in text.lines() {
            assert!(line.chars().count() <= 100, "{line}");
            at_offers = line.starts_with("Offers (") || at_offers && !line.is_empty();
            if at_offers && line.starts_with("  ") && !line.starts_with("   ") {
                offers.push(line);
            }
        }
        let count = offers.len();
        offers.sort_unstable();
        offers.dedup();
        assert_eq!(offers.len(), count, "{text}");
    }
}

#[test]
fn a_comparison_lacked_the_settings_whose_defaults_are_others() {
    let all = Edition::all().expect("editions");
    let of = |edition: &Edition| edition.default_settings().expect("settings");
    for (a, b) in all.iter().zip(all.iter().skip(1)) {
        let diff = json(&format!("policy diff {} {} --format json", a.id, b.id));
        let changes = diff["changes"].as_array().expect("a list");
        for setting in Setting::ALL {
            let change = changes.iter().find(|one| one["what"] == setting.name());
            let (old, new) = (of(a).get(*setting), of(b).get(*setting));
            assert_eq!(change.is_some(), old != new, "{} {}: {setting}", a.id, b.id);
        }
    }
}

#[test]
fn rules_that_an_edition_s_data_brings_about_were_traced_to_none() {
    let text = stdout("policy trace in-force");
    assert!(!text.contains(" none\n"), "{text}");
    assert!(text.contains("are brought about by the edition's data; "), "{text}");
}
