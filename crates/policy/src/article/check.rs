//! Whether an edition holds together, and whether all of them do.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::article::edition::{Edition, EditionError, OfferRule, Restriction, Topic};
use crate::article::offer::Offer;
use crate::article::statement::Statement;
use crate::file::moment::parse_day;

/// What does not fit in an edition, if anything.
pub(crate) fn check(edition: &Edition) -> Result<(), String> {
    if edition.schema != 1 {
        return Err(format!("`schema` is {}; this program reads 1", edition.schema));
    }
    // An edition of one's own may have any name.
    let (from, id) = (edition.from, &edition.id);
    if parse_day(&format!("{id}-01")).is_ok_and(|first| first != from.first_of_month()) {
        return Err(format!("`from` is {from}; it needs to be a day of the month `{id}`"));
    }
    check_offers(edition)?;
    check_channels(edition)?;
    check_statements(edition)?;
    check_sources(edition)?;
    edition.default_settings().map_err(|error| error.to_string())?;
    if edition.relay_ports.is_empty() || edition.relay_ports.contains(&crate::SMTP_PORT) {
        return Err("`relay_ports` needs at least one port, and not 25".to_owned());
    }
    Ok(())
}

fn rows(edition: &Edition) -> impl Iterator<Item = &OfferRule> {
    edition.rules.iter().chain([&edition.unnamed])
}

fn check_offers(edition: &Edition) -> Result<(), String> {
    for offer in Offer::ALL {
        match rows(edition).filter(|row| row.offers.contains(offer)).count() {
            1 => {}
            0 => return Err(format!("offer `{offer}` is not covered; add it to a row")),
            rows => return Err(format!("offer `{offer}` stands in {rows} rows; keep one")),
        }
    }
    for row in rows(edition) {
        if row.restriction == Restriction::Open && !row.request.is_empty() {
            let offer = row.offers.first().map_or("?", |offer| offer.name());
            return Err(format!("offer `{offer}` is open, so there is nothing to `request`"));
        }
    }
    Ok(())
}

/// Every channel that a row names has a way, and every way a row; support likewise.
fn check_channels(edition: &Edition) -> Result<(), String> {
    let named: BTreeSet<_> = rows(edition)
        .flat_map(|row| row.request.iter().chain(&row.disputed_request))
        .copied()
        .collect();
    for channel in &named {
        if edition.channels.get(channel).is_none_or(|path| path.steps.is_empty()) {
            return Err(format!("a row asks by `{channel}`; `[channel.{channel}]` needs `steps`"));
        }
    }
    if let Some(channel) = edition.channels.keys().find(|channel| !named.contains(channel)) {
        return Err(format!("no row asks by `{channel}`; leave `[channel.{channel}]` out"));
    }
    if edition.topic(Topic::Support).is_empty() != edition.support.is_empty() {
        return Err("the topic `support` and the steps of `support` need each other".to_owned());
    }
    Ok(())
}

/// Every id stands once; each that is cited is there, and each that is there is cited.
fn check_statements(edition: &Edition) -> Result<(), String> {
    let mut known = BTreeSet::new();
    for statement in &edition.statements {
        if !known.insert(&statement.id) {
            return Err(format!("statement `{}` stands twice", statement.id));
        }
    }
    let by_rows = rows(edition).flat_map(|row| row.cites.all());
    let cited: BTreeSet<_> = edition.topics.values().flatten().chain(by_rows).collect();
    if let Some(id) = cited.difference(&known).next() {
        return Err(format!("`{id}` is cited, but there is no such statement"));
    }
    if let Some(id) = known.difference(&cited).next() {
        return Err(format!("statement `{id}` is cited by no row and no topic"));
    }
    Ok(())
}

/// Every page that a statement is of has a table, and every table a statement.
fn check_sources(edition: &Edition) -> Result<(), String> {
    for Statement { id, source, .. } in &edition.statements {
        if !source.is_article() && !edition.sources.contains_key(source) {
            return Err(format!("`{id}` is of `{source}`; a table `[source.{source}]` says what"));
        }
    }
    let idle = |name: &&_| edition.statements.iter().all(|statement| statement.source != **name);
    match edition.sources.keys().find(idle) {
        Some(name) => Err(format!("no statement is of `[source.{name}]`; leave it out")),
        None => Ok(()),
    }
}

/// Whether an id means one thing in all of them: the same kind, source and text.
pub(crate) fn check_together(editions: &[Arc<Edition>]) -> Result<(), EditionError> {
    let mut known: BTreeMap<_, (&str, &Statement)> = BTreeMap::new();
    for edition in editions {
        for statement in &edition.statements {
            let here = (edition.id.as_str(), statement);
            let (first, other) = *known.entry(&statement.id).or_insert(here);
            if other != statement {
                let id = &statement.id;
                return Err(EditionError::Unlike {
                    first: first.to_owned(),
                    second: edition.id.clone(),
                    what: format!(
                        "statement `{id}` needs the same kind, source and text in both; what says \
                         something else needs another id, such as `{id}b`"
                    ),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_meant_a_limit_in_one_edition_and_a_rule_in_another() {
        let text = include_str!("../../editions/2020-12.toml");
        let younger = |change: &dyn Fn(&str) -> String| {
            let later = text.replace("id = \"2020-12\"", "id = \"2021-01\"");
            let later = change(&later.replace("\"2020-12-01\"", "\"2021-01-01\""));
            let both = [text, later.as_str()].map(|text| Edition::parse("test.toml", text));
            check_together(&both.map(|edition| Arc::new(edition.unwrap())))
        };
        younger(&str::to_owned).unwrap();
        let changes: [(&str, &str); 3] = [
            ("id = \"PG2\"\nkind = \"limit\"", "id = \"PG2\"\nkind = \"rule\""),
            ("id = \"PG2\"\n", "id = \"PG2\"\nsource = \"network-docs\"\n"),
            ("text = \"The receiving provider may still", "text = \"The provider may still"),
        ];
        for (from, to) in changes {
            let page = "\n[source.network-docs]\ntitle = \"Docs\"\nread = \"2026-11-26\"\n";
            let page = if to.contains("source") { page } else { "" };
            let error = younger(&|text| text.replace(from, to) + page).unwrap_err().to_string();
            assert!(error.starts_with("editions `2020-12` and `2021-01`: statement `"), "{error}");
            assert!(error.contains("needs another id, such as `"), "{error}");
        }
    }
}
