//! The page on how the article is read.

use std::fmt::Write as _;

use egress25_policy::{Edition, Setting};

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
