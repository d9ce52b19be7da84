//! The network around the filter: what Microsoft's pages on it say, by date where that counts.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use ipnet::IpNet;
use jiff::civil::Date;
use serde::Deserialize;

use crate::article::edition::{Edition, EditionError};
use crate::article::statement::{Page, SourceName, Statement, StatementId};

const TEXT: &str = include_str!("../../network.toml");

/// The facts of the network.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NetworkFacts {
    source: BTreeMap<SourceName, Page>,
    #[serde(rename = "statement")]
    statements: Vec<Statement>,
    reserved: Vec<Reserved>,
}

/// A prefix that has a system route to `None` for some time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reserved {
    prefix: IpNet,
    #[serde(default, deserialize_with = "crate::file::moment::optional_day")]
    from: Option<Date>,
    #[serde(default, deserialize_with = "crate::file::moment::optional_day")]
    until: Option<Date>,
    #[serde(default, rename = "note")]
    _note: Option<String>,
}

/// The statements of the network that decisions name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, strum::VariantArray)]
pub(crate) enum NetworkFact {
    /// Direction.
    N1,
    /// Families.
    N4,
    /// Ways out.
    N5,
    /// Default outbound access.
    N6,
    /// Ways out of IPv6.
    N7,
    /// Translation.
    N8,
    /// What another default route takes out.
    N9,
    /// Reserved prefixes.
    N10,
    /// Load balancers as next hops.
    N11,
    /// Peerings.
    N12,
    /// Security rules.
    N15,
    /// Service tags.
    N16,
    /// Their place before the filter.
    N17,
    /// Who else sends.
    N18,
}

impl NetworkFact {
    /// Its id.
    pub(crate) fn id(self) -> StatementId {
        StatementId::from(<&str>::from(self))
    }
}

impl NetworkFacts {
    /// The facts of the file.
    ///
    /// # Errors
    /// The file is bad.
    pub(crate) fn get() -> Result<&'static Self, EditionError> {
        static FACTS: OnceLock<Result<NetworkFacts, EditionError>> = OnceLock::new();
        let facts = FACTS.get_or_init(|| {
            toml::from_str(TEXT)
                .map_err(|error| EditionError::Syntax { file: "network.toml".to_owned(), error })
        });
        facts.as_ref().map_err(Clone::clone)
    }

    /// Adds the statements to an edition that does not have them yet.
    pub(crate) fn add_to(&self, edition: &mut Edition) {
        for (name, page) in &self.source {
            edition.sources.entry(name.clone()).or_insert_with(|| page.clone());
        }
        for statement in &self.statements {
            if edition.statement(statement.id.as_str()).is_none() {
                edition.statements.push(statement.clone());
            }
        }
    }
}

/// The prefixes that have a system route to `None` on a day.
pub fn reserved_on(day: Date) -> impl Iterator<Item = IpNet> {
    // A bad file fails where editions are loaded, and there is no world without one.
    let facts = NetworkFacts::get().map_or(&[][..], |facts| &facts.reserved);
    let holds = move |one: &&Reserved| {
        one.from.is_none_or(|from| from <= day) && one.until.is_none_or(|until| day < until)
    };
    facts.iter().filter(holds).map(|one| one.prefix)
}

/// The days on which something of the network changes, in order.
#[must_use]
pub fn network_changes() -> Vec<Date> {
    let facts = NetworkFacts::get().map_or(&[][..], |facts| &facts.reserved);
    let mut days: Vec<_> = facts.iter().flat_map(|one| [one.from, one.until]).flatten().collect();
    days.sort_unstable();
    days.dedup();
    days
}
