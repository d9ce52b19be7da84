//! Editions as they are loaded: from a file, or built in.

use std::sync::{Arc, OnceLock};

use jiff::civil::Date;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::article::check::check;
use crate::article::edition::{Edition, EditionError};
use crate::article::network::NetworkFacts;
use crate::article::offer::Offer;
use crate::article::statement::Statement;

/// The built-in edition files: name and text.
const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/editions.rs"));

/// The edition of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stood {
    /// The edition.
    pub edition: Arc<Edition>,
    /// Whether the day is before every edition that is known: the oldest stands in for what stood.
    pub before_the_oldest: bool,
}

/// What a TOML file holds.
fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, EditionError> {
    toml::from_str(text).map_err(|error| EditionError::Syntax { file: file.to_owned(), error })
}

/// The edition of a file; of one that is `as` a built-in edition what it says, and for the rest
/// what that one does.
fn laid_over(file: &str, text: &str) -> Result<Edition, EditionError> {
    let mut own: Table = read(file, text)?;
    let Some(of) = own.remove("as") else {
        // From the text, so that errors have their place.
        return read(file, text);
    };
    let name = format!("{}.toml", of.as_str().unwrap_or_default());
    let Some((_, under)) = BUILT_IN.iter().find(|(file, _)| *file == name) else {
        let what = format!("`as` is `{of}`; it needs to be the id of a built-in edition");
        return Err(EditionError::Invalid { file: file.to_owned(), what });
    };
    let mut table: Table = read(&name, under)?;
    table.remove("default");
    table.remove("in_force");
    lay_over(&mut table, own);
    table.try_into().map_err(|error| EditionError::Syntax { file: file.to_owned(), error })
}

/// Lays one table over another: tables key by key; rows in the place of those that have an offer
/// of theirs. An empty list or table takes away what is there.
fn lay_over(under: &mut Table, over: Table) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (_, Value::Array(none)) if none.is_empty() => _ = under.remove(&key),
            (_, Value::Table(none)) if none.is_empty() => _ = under.remove(&key),
            (Some(Value::Table(under)), Value::Table(over)) => lay_over(under, over),
            (Some(Value::Array(rows)), Value::Array(over)) if key == "offer" => {
                let offers = |row: &Value| row.get("offers").and_then(Value::as_array).cloned();
                let named: Vec<_> = over.iter().filter_map(offers).flatten().collect();
                rows.retain(|row| !offers(row).iter().flatten().any(|one| named.contains(one)));
                rows.extend(over);
            }
            (_, value) => _ = under.insert(key, value),
        }
    }
}

/// The statements of all built-in editions, each once.
fn known() -> Result<&'static [Statement], EditionError> {
    #[derive(Deserialize)]
    struct Statements {
        statement: Vec<Statement>,
    }
    static KNOWN: OnceLock<Result<Vec<Statement>, EditionError>> = OnceLock::new();
    let text = include_str!("../../statements.toml");
    let known =
        KNOWN.get_or_init(|| read("statements.toml", text).map(|file: Statements| file.statement));
    known.as_deref().map_err(Clone::clone)
}

/// Gives an edition the known statements that it cites, before those of its own file.
fn add_cited(edition: &mut Edition, known: &[Statement]) -> Result<(), String> {
    let own = &edition.statements;
    let of_own = |one: &Statement| own.iter().find(|own| own.id == one.id);
    if let Some(other) = known.iter().find(|one| of_own(one).is_some_and(|own| own != *one)) {
        return Err(format!(
            "statement `{}` says something else in the built-in editions; give yours another id",
            other.id
        ));
    }
    let cited = edition.all_cited();
    let wanted = |one: &&Statement| cited.contains(&one.id) && of_own(one).is_none();
    let added: Vec<_> = known.iter().filter(wanted).cloned().collect();
    edition.statements.splice(..0, added);
    Ok(())
}

impl Edition {
    /// Reads an edition from the text of its file, with the statements of the built-in editions
    /// that it cites. An id means one thing in all of them.
    ///
    /// # Errors
    /// What is wrong with it: syntax, an uncovered offer, an id that dangles.
    pub fn parse(file: &str, text: &str) -> Result<Self, EditionError> {
        let mut edition = laid_over(file, text)?;
        add_cited(&mut edition, known()?)
            .and_then(|()| check(&edition))
            .map_err(|what| EditionError::Invalid { file: file.to_owned(), what })?;
        NetworkFacts::get()?.add_to(&mut edition);
        Ok(edition)
    }

    /// Every built-in edition, oldest first.
    ///
    /// # Errors
    /// What is wrong with the first bad file.
    pub fn all() -> Result<&'static [Arc<Self>], EditionError> {
        static ALL: OnceLock<Result<Vec<Arc<Edition>>, EditionError>> = OnceLock::new();
        let parsed = || BUILT_IN.iter().map(|(file, text)| Self::parse(file, text).map(Arc::new));
        ALL.get_or_init(|| parsed().collect()).as_deref().map_err(Clone::clone)
    }

    /// The built-in edition with an id.
    ///
    /// # Errors
    /// No edition has it.
    pub fn named(id: &str) -> Result<Arc<Self>, EditionError> {
        Self::find(|edition| edition.id == id, id)
    }

    /// The edition that answers where nobody asks for another: 2020-12.
    ///
    /// # Errors
    /// No built-in edition is the default.
    pub fn default_edition() -> Result<Arc<Self>, EditionError> {
        Self::find(|edition| edition.default, "default")
    }

    /// The edition in force.
    ///
    /// # Errors
    /// No built-in edition is in force.
    pub fn in_force() -> Result<Arc<Self>, EditionError> {
        Self::find(|edition| edition.in_force, "in-force")
    }

    /// The edition whose text stood on a day, as far as is known: the last that began by then.
    ///
    /// # Errors
    /// A built-in edition is bad.
    pub fn at(day: Date) -> Result<Stood, EditionError> {
        let all = Self::all()?;
        let began = all.iter().rev().find(|edition| edition.from <= day).cloned();
        let known = began.is_some();
        let edition = began.or_else(|| all.first().cloned());
        let edition = edition.map_or_else(|| Self::named(""), Ok)?;
        Ok(Stood { edition, before_the_oldest: !known })
    }

    fn find(want: impl Fn(&Self) -> bool, id: &str) -> Result<Arc<Self>, EditionError> {
        let all = Self::all()?;
        all.iter().find(|edition| want(edition)).cloned().ok_or_else(|| EditionError::Unknown {
            id: id.to_owned(),
            known: all.iter().map(|edition| edition.id.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    /// Whether an edition before this one names an offer and lets it ask for an exemption.
    #[must_use]
    pub fn granted_before(&self, offer: Offer) -> bool {
        // A bad built-in edition fails where it is loaded.
        let all = Self::all().unwrap_or_default().iter();
        let mut before = all.take_while(|earlier| earlier.from < self.from);
        before.any(|earlier| earlier.grants_by_name(offer))
    }

    /// Whether it names an offer and lets it ask for an exemption.
    pub(crate) fn grants_by_name(&self, offer: Offer) -> bool {
        let (rule, named) = self.rule(offer);
        named && !rule.request.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_was_cited_by_no_edition() {
        let editions = Edition::all().unwrap();
        for Statement { id, .. } in known().unwrap() {
            let cites = |edition: &Arc<Edition>| edition.statement(id.as_str()).is_some();
            assert!(editions.iter().any(cites), "{id}");
        }
    }
}
