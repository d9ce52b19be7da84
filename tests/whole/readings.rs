//! The page on how the article is read.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use egress25_policy::{Edition, Offer, Recognised, Setting, recognise_quota_id};

use crate::program::repository;

const PAGE: &str = "docs/reference/how-we-read-the-article.md";

/// The settings as a table: the question, the answer where nobody sets it, and its ground.
fn table() -> String {
    let mut text =
        "| setting | question | default | other values | ground |\n|---|---|---|---|---|\n"
            .to_owned();
    let editions = Edition::all().expect("editions");
    for setting in Setting::ALL {
        let mut default = format!("`{}`", setting.default_value());
        for edition in editions {
            let value = edition.default_settings().expect("settings").get(*setting);
            if value != setting.default_value() {
                let _ = write!(default, "; {}: `{value}`", edition.id);
            }
        }
        let others = setting.values().iter().filter(|value| **value != setting.default_value());
        let others: Vec<_> = others.map(|value| format!("`{value}`")).collect();
        let (question, why) = (setting.question(), setting.why().replace('`', "\""));
        let others = others.join(" ");
        let _ = writeln!(text, "| `{setting}` | {question} | {default} | {others} | {why} |");
    }
    text
}

#[test]
fn the_page_on_how_the_article_is_read_has_every_setting_with_its_ground() {
    let path = repository().join(PAGE);
    let page = std::fs::read_to_string(&path).expect("the page");
    let (head, _) = page.split_once("| setting |").expect("a table");
    let right = format!("{head}{}", table());
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &right).expect("the page is written");
    }
    let written = std::fs::read_to_string(&path).expect("the page");
    assert!(written == right, "{PAGE}: `just golden` writes it anew");
}

/// The quota ids of a page's table, with the offers beside them.
fn quota_rows(page: &str) -> Vec<(Vec<String>, BTreeSet<String>)> {
    let marked = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let cells = |line: &str| line.split('|').map(str::to_owned).collect::<Vec<_>>();
    let rows = page.lines().filter(|line| line.starts_with("| `")).map(cells);
    rows.map(|cells| (marked(&cells[1]), BTreeSet::from_iter(marked(&cells[2])))).collect()
}

#[test]
fn the_page_on_recognising_offers_lacked_ids_that_the_program_knows() {
    let page = std::fs::read_to_string(repository().join("docs/how-to/recognise-an-offer.md"));
    let page = page.expect("the page");
    let rows = quota_rows(&page);
    assert_eq!(rows.len(), 14);
    for (ids, offers) in rows {
        for id in ids {
            let known: BTreeSet<_> = match recognise_quota_id(&id) {
                Recognised::One(offer) => [offer.name().to_owned()].into(),
                Recognised::Several(offers) => offers.iter().map(|o| o.name().to_owned()).collect(),
                Recognised::Unnamed | Recognised::NoMachines => BTreeSet::new(),
                Recognised::Unknown => panic!("`{id}` is unknown"),
            };
            assert_eq!(known, offers, "{id}");
        }
    }
    // The numbers are those that are taken for the offers of their row.
    for line in page.lines().filter(|line| line.starts_with("| `")) {
        let (_, offers) = line.trim_end_matches(" |").rsplit_once(" | ").expect("two cells");
        for part in offers.split('`').skip(1).collect::<Vec<_>>().chunks(2) {
            let [name, numbers] = part else { panic!("{line}") };
            let digits = |word: &&str| word.len() == 5 && word.starts_with('0');
            for number in numbers.split(|c: char| !c.is_alphanumeric()).filter(digits) {
                let offer: Offer = number.parse().expect("a number that is known");
                assert_eq!(offer.name(), *name, "{number}");
            }
        }
    }
}
