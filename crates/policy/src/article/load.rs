//! Editions as they are loaded: from a file, or built in.

use std::sync::{Arc, OnceLock};

use jiff::civil::Date;

use crate::article::check::{check, check_together};
use crate::article::edition::{Edition, EditionError};
use crate::article::offer::Offer;

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

impl Edition {
    /// Reads an edition from the text of its file.
    ///
    /// # Errors
    /// What is wrong with it: syntax, an uncovered offer, an id that dangles.
    pub fn parse(file: &str, text: &str) -> Result<Self, EditionError> {
        let edition: Self = toml::from_str(text).map_err(|error| EditionError::Syntax {
            file: file.to_owned(),
            message: error.to_string(),
        })?;
        check(&edition).map_err(|what| EditionError::Invalid { file: file.to_owned(), what })?;
        Ok(edition)
    }

    /// Every built-in edition, oldest first. An id of a statement means one thing in all of them.
    ///
    /// # Errors
    /// What is wrong with the first bad file, or what two do not have alike.
    pub fn all() -> Result<&'static [Arc<Self>], EditionError> {
        static ALL: OnceLock<Result<Vec<Arc<Edition>>, EditionError>> = OnceLock::new();
        let all = ALL.get_or_init(|| {
            let parsed = BUILT_IN.iter().map(|(file, text)| Self::parse(file, text).map(Arc::new));
            let editions = parsed.collect::<Result<Vec<_>, _>>()?;
            check_together(&editions)?;
            Ok(editions)
        });
        match all {
            Ok(editions) => Ok(editions),
            Err(error) => Err(error.clone()),
        }
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
