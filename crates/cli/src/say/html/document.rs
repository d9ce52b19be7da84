//! A page as HTML.
//!
//! maud escapes every text that it is given, and [`printable`] spells what is left that could
//! change how a page reads: no name of a file or a machine is markup, or turns what stands beside
//! it.

use egress25_policy::in_lines;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::say::html::page::{MeantReason, Page, Steps};
use crate::say::html::picture::{picture, shape};
use crate::say::html::symbol::{Symbol, SymbolShape};
use crate::say::html::table::{Cell, Table};
use crate::say::html::timeline::Timeline;

/// How it looks: on a screen, light or dark, wide or narrow, and on paper.
const STYLE: &str = include_str!("page.css");

/// Nothing is fetched and nothing runs, whatever somebody gets into the page.
const NOTHING_ELSE: &str = include_str!("content-security-policy.txt");

const ABOUT_THE_PAGE: &str =
    "One file: it fetches nothing and runs no script. The same inputs make the same page.";

/// The page.
pub(super) fn document(page: &Page) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(NOTHING_ELSE.trim());
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content=(made_by());
                title { (page.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a .skip href="#main" { "Skip to the answer" }
                header { p { (made_by()) } }
                main #main tabindex="-1" { (content(page)) }
                footer { p { (ABOUT_THE_PAGE) } }
            }
        }
    };
    // Its lines are those of the page: a browser takes the end of a line in a text for a space.
    in_lines(&markup.into_string())
}

fn made_by() -> String {
    format!("egress25 {}", env!("CARGO_PKG_VERSION"))
}

fn content(page: &Page) -> Markup {
    html! {
        h1 { (page.title) }
        p .question { (page.question) }
        p .answer { (page.answer) }
        @if !page.counts.is_empty() {
            dl .counts { @for (name, count) in &page.counts {
                div { dt { (name) } dd { (count) } }
            } }
        }
        @if !page.warnings.is_empty() {
            div .warnings {
                h2 { "Know this first" }
                ul { @for warning in &page.warnings { li { (warning) } } }
            }
        }
        @for text in &page.said { p { (text) } }
        @let timeline = page.timeline.as_ref().filter(|timeline| !timeline.is_empty());
        @if let Some(timeline) = timeline { (drawn(timeline)) }
        @if !page.steps.is_empty() {
            h2 { "Next steps" }
            @for steps in &page.steps { (what_to_do(steps)) }
        }
        @for (place, table) in page.tables.iter().enumerate() {
            (tabular(table, &format!("table-{place}")))
        }
        @if !page.reasons.is_empty() {
            h2 { "What the reasons mean" }
            @for reason in &page.reasons { (meaning(reason)) }
        }
        @if !page.facts.is_empty() {
            h2 { "What was asked, and by what it was answered" }
            dl .facts { @for (name, text) in &page.facts { dt { (name) } dd { (text) } } }
        }
        @if let Some(timeline) = timeline {
            @if let Some(table) = timeline.table() { (tabular(&table, "marks")) }
        }
    }
}

fn what_to_do(Steps { heading, steps }: &Steps) -> Markup {
    html! {
        h3 { (heading) }
        ol { @for step in steps { li { (step) } } }
    }
}

/// The picture with what its shapes are, and its events.
fn drawn(timeline: &Timeline) -> Markup {
    html! {
        h2 #timeline { "Timeline" }
        p { (timeline.description()) }
        ul .legend {
            @for symbol in timeline.symbols() { li { (symbol_text(symbol)) } }
            @if timeline.has_contradictions() {
                li { (ring()) " contradicts the description" }
            }
        }
        section .scroll.picture tabindex="0" aria-labelledby="timeline" {
            (picture(timeline))
        }
        @if let Some(events) = timeline.event_table() { (tabular(&events, "events")) }
    }
}

fn tabular(table: &Table, id: &str) -> Markup {
    let Table { heading, caption, columns, rows, left_out } = table;
    html! {
        h2 id=(id) { (heading) }
        section .scroll tabindex="0" aria-labelledby=(id) {
            table {
                caption { (caption) }
                thead { tr { @for column in columns {
                    th scope="col" class=[column.layout] { (column.name) }
                } } }
                tbody { @for row in rows { tr {
                    @for (cell, column) in row.iter().zip(columns) {
                        td class=[column.layout] { (cell_text(cell)) }
                    }
                } } }
            }
        }
        @if *left_out > 0 {
            p { "And " (left_out) " more, which this page has no room for: the first are shown." }
        }
    }
}

fn cell_text(cell: &Cell) -> Markup {
    html! {
        @match cell {
            Cell::Text(text) => (text),
            Cell::Symbol(symbol) => (symbol_text(*symbol)),
            Cell::Contradiction(text) => {
                span class=(SymbolShape::Square.class()) { (ring()) " " (text) }
            }
        }
    }
}

/// A symbol with its word.
fn symbol_text(Symbol { shape: of, word }: Symbol) -> Markup {
    html! {
        span class=(of.class()) {
            svg width="12" height="12" aria-hidden="true" { (shape(of, (6.0, 6.0), 5.0)) }
            " " (word)
        }
    }
}

/// What is around a mark that contradicts.
fn ring() -> Markup {
    html! {
        svg width="14" height="14" aria-hidden="true" {
            circle .contradicts cx="7" cy="7" r="5.5" {}
        }
    }
}

fn meaning(reason: &MeantReason) -> Markup {
    html! {
        h3 { (reason.name) }
        p { (symbol_text(reason.becomes)) ": " (reason.line) }
        @if !reason.rests_on.is_empty() {
            dl .grounds { @for (id, text) in &reason.rests_on { dt { (id) } dd { (text) } } }
        }
    }
}
