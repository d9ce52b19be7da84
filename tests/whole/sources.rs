//! Whose word a statement is: what another page than the article says names the page wherever it
//! is printed.

use egress25_policy::Edition;

use crate::program::{failure, json, stdout};

/// The output without its line breaks, which depend on the width.
fn flowing(line: &str) -> String {
    stdout(line).split_whitespace().collect::<Vec<_>>().join(" ")
}

const IN_FORCE: &str = "--edition in-force --created 2019-03-01 --to 203.0.113.5";
const OVERVIEW: &str = "(Source: nsg-overview, \"Network security group overview\" of 2025-07-15, \
                        read 2026-11-26; not the article)";

#[test]
fn what_the_overview_says_was_printed_as_the_articles_word() {
    let line = format!("check --offer pay-as-you-go {IN_FORCE}");
    assert!(flowing(&line).contains(OVERVIEW), "{}", flowing(&line));
    let answer = json(&format!("{line} --format json"));
    assert_eq!(answer["sources"][0]["statement"], "BL2");
    assert_eq!(answer["sources"][0]["source"], "nsg-overview");
    assert_eq!(answer["sources"][0]["dated"], "2025-07-15");
    // What the article says has no page of its own.
    let old =
        json("check --offer pay-as-you-go --created 2019-03-01 --to 203.0.113.5 --format json");
    assert_eq!(old["sources"].as_array().map(Vec::len), Some(0));
    assert_eq!(old["in_force"]["sources"][0]["statement"], "BL2");
    let today = flowing("check --offer pay-as-you-go --created 2019-03-01 --to 203.0.113.5");
    assert!(today.contains("[BL1b, BL2 (nsg-overview), BL3]"), "{today}");
}

#[test]
fn an_edition_is_shown_compared_and_traced_with_the_sources_of_its_statements() {
    assert!(flowing("policy show in-force").contains(OVERVIEW));
    assert!(flowing("policy trace in-force").contains(OVERVIEW));
    let csv = stdout("policy show in-force --format csv");
    assert!(csv.starts_with("edition,id,kind,source,text\n"), "{csv}");
    assert!(csv.contains("2023-12,BL2,lifecycle,nsg-overview,"), "{csv}");
    assert!(csv.contains("2023-12,BL3,lifecycle,article,"), "{csv}");
    let diff = flowing("policy diff 2020-12 in-force");
    assert!(diff.contains("+ BL2 (nsg-overview), lifecycle: No request"), "{diff}");
    for edition in Edition::all().expect("editions") {
        let text = flowing(&format!("policy show {}", edition.id));
        for (name, page) in &edition.sources {
            assert!(text.contains(&format!("(Source: {name}{page}; not the article)")), "{text}");
        }
        for note in &edition.notes {
            assert!(text.contains(note), "{text}");
        }
    }
}

#[test]
fn a_reason_of_the_edition_in_force_was_explained_with_ids_of_2020_12_and_no_text() {
    let text = flowing("explain offer-never-exempt --edition in-force");
    assert!(text.contains("BL1b All other subscription types"), "{text}");
    assert!(text.contains(OVERVIEW), "{text}");
    assert!(!text.contains("DV1") && !text.contains("DV2"), "{text}");
    for edition in Edition::all().expect("editions").iter().filter(|edition| !edition.default) {
        let all = json(&format!("explain --edition {} --format json", edition.id));
        for reason in all["reasons"].as_array().expect("a list") {
            for ground in reason["rests_on"].as_array().expect("a list") {
                if ground["kind"] == "statement" {
                    let id = ground["id"].as_str().expect("an id");
                    // What no answer here has is tried, and rests, in the edition that has it.
                    let of_another = id.split_once('/').is_some_and(|(other, _)| {
                        let tried = reason["try_it"].as_str();
                        tried.is_some_and(|line| line.ends_with(&format!(" --edition {other}")))
                    });
                    let is_of_it = edition.statement(id).is_some();
                    assert!(is_of_it || of_another, "{}: {reason}", edition.id);
                }
            }
        }
    }
}

#[test]
fn a_request_is_asked_for_where_the_edition_says_and_not_where_2020_12_does() {
    let line = format!("check --offer enterprise-dev-test {IN_FORCE}");
    let text = flowing(&line);
    let way = "the page of one virtual network > Diagnose and solve problems > Cannot send email \
               (SMTP-Port 25) > run the diagnostic";
    assert!(text.contains(way), "{text}");
    assert!(!text.contains("Connectivity"), "{text}");
    // One way with two steps.
    let text = flowing(
        "check --offer bizspark-plus --created 2019-03-01 --to 203.0.113.5 --edition 2021-04",
    );
    assert!(text.contains("after the portal also by: support case > Technical"), "{text}");
    assert!(flowing("policy show 2021-04").contains("exemption by portal and case"), "{text}");
}

/// Mail through Azure Firewall, of which the firewall's own page speaks.
const HUB: &str = "replay fixtures/captures/hub-and-spokes.pcap --inventory \
                   fixtures/inventories/hub-and-spokes.toml --edition 2021-03";

#[test]
fn a_judged_packet_rested_on_another_page_without_a_word_of_it() {
    let rows = stdout(HUB);
    assert!(rows.contains("FW1 (firewall-known-issues)"), "{rows}");
    let csv = stdout(&format!("{HUB} --format csv"));
    assert!(csv.lines().next().is_some_and(|header| header.ends_with(",detail,sources")), "{csv}");
    assert!(csv.lines().any(|line| line.ends_with(",FW1=firewall-known-issues")), "{csv}");
    let all = json(&format!("{HUB} --format json"));
    let rows = all["rows"].as_array().expect("rows");
    let of = |row: &&serde_json::Value| row["reason"] == "azure-firewall-unsupported";
    let row = rows.iter().find(of).expect("a row through the firewall");
    assert_eq!(row["statements"][0], "FW1");
    assert_eq!(row["sources"][0]["statement"], "FW1");
    assert_eq!(row["sources"][0]["source"], "firewall-known-issues");
    assert!(row["sources"][0]["title"].is_string(), "{row}");
    let pass = rows.iter().find(|row| row["reason"] == "unrestricted-offer").expect("a pass");
    assert_eq!(pass["sources"].as_array().map(Vec::len), Some(0), "{pass}");
}

#[test]
fn a_cell_of_the_matrix_and_a_row_of_check_rested_on_another_page_without_a_word_of_it() {
    let csv = stdout("matrix --edition in-force --format csv");
    assert!(csv.starts_with("edition,offer,state,verdict,reason,statements,assumed,sources\n"));
    assert!(csv.lines().any(|line| line.ends_with(",BL2=nsg-overview")), "{csv}");
    let matrix = json("matrix --edition in-force --format json");
    let cells = matrix["cells"].as_array().expect("cells");
    for cell in cells {
        let of =
            |ids: &serde_json::Value| ids.as_array().is_some_and(|ids| ids.contains(&"BL2".into()));
        let named = cell["sources"].as_array().expect("a list").iter();
        let named = named.filter(|one| one["statement"] == "BL2").count();
        assert_eq!(named == 1, of(&cell["statements"]), "{cell}");
    }
    let row = stdout(&format!("check --offer pay-as-you-go {IN_FORCE} --format csv"));
    assert!(row.trim_end().ends_with(",BL2=nsg-overview,"), "{row}");
}

#[test]
fn a_refusal_was_given_with_another_pages_id_as_if_the_article_said_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store.db").display().to_string();
    stdout(&format!("store init --store {store} --edition in-force"));
    stdout(&format!(
        "subscription add shop --offer pay-as-you-go --created 2019-03-01 --store {store}"
    ));
    let (code, text) = failure(&format!("exemption request shop --store {store}"));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("[BL2 (nsg-overview), BL3]"), "{text}");
}
