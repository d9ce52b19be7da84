//! Whether an edition holds together.

use std::collections::BTreeSet;

use crate::article::edition::{Edition, Restriction, Topic};
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

fn check_offers(edition: &Edition) -> Result<(), String> {
    for offer in Offer::ALL {
        match edition.rows().filter(|row| row.offers.contains(offer)).count() {
            1 => {}
            0 => return Err(format!("offer `{offer}` is not covered; add it to a row")),
            rows => return Err(format!("offer `{offer}` stands in {rows} rows; keep one")),
        }
    }
    for row in edition.rows() {
        if row.restriction == Restriction::Open && !row.request.is_empty() {
            let offer = row.offers.first().map_or("?", |offer| offer.name());
            return Err(format!("offer `{offer}` is open, so there is nothing to `request`"));
        }
    }
    Ok(())
}

/// Every channel that a row names has a way, and every way a row; support likewise.
fn check_channels(edition: &Edition) -> Result<(), String> {
    let named: BTreeSet<_> = edition
        .rows()
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
    let cited = edition.all_cited();
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
