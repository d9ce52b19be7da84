//! Which edition answers.

use std::path::Path;
use std::sync::Arc;

use egress25_policy::{Edition, EditionError, Settings, Stood, utc_day};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::read::input::{NamedText, edition_of};
use crate::say::failure::Failure;
use crate::say::output::EditionName;

/// What stands for the edition whose text stood at the time of a question.
const BY_DATE: &str = "by-date";

/// What was chosen to judge by.
#[derive(Debug, Clone)]
pub enum ChosenEdition {
    /// One edition, whatever the time.
    One(Arc<Edition>),
    /// At each time the one whose text stood then.
    ByDate,
}

impl ChosenEdition {
    /// The edition that judges at a time.
    ///
    /// # Errors
    /// A built-in edition is bad.
    pub fn at(&self, at: Timestamp) -> Result<Arc<Edition>, Failure> {
        match self {
            Self::One(edition) => Ok(edition.clone()),
            Self::ByDate => Ok(Edition::at(utc_day(at))?.edition),
        }
    }

    /// Its name, for the head of an answer.
    #[must_use]
    pub fn name(&self) -> EditionName {
        match self {
            Self::One(edition) => EditionName::of(edition),
            Self::ByDate => EditionName {
                id: BY_DATE.to_owned(),
                title: "the text that stood at the time of each packet".to_owned(),
                in_force: false,
            },
        }
    }

    /// What whoever asks has to know where a built-in edition was not the text of some time; nothing
    /// of an edition of one's own.
    ///
    /// # Errors
    /// A built-in edition is bad.
    pub fn of_another_time(
        &self,
        first: Timestamp,
        last: Timestamp,
    ) -> Result<Option<String>, Failure> {
        let (from, to) = (utc_day(first), utc_day(last));
        let (began, ended) = (Edition::at(from)?, Edition::at(to)?);
        let id = match self {
            Self::One(edition) if is_built_in(edition) => &edition.id,
            Self::One(_) => return Ok(None),
            Self::ByDate if began.before_the_oldest => {
                let Edition { id, from: oldest, .. } = &*began.edition;
                return Ok(Some(format!(
                    "of {from} no text is known: the oldest, {id}, stood from {oldest} on and \
                     answers in its place"
                )));
            }
            Self::ByDate => return Ok(None),
        };
        // Of what stood before the oldest nothing is known, and nothing better can be chosen.
        let fits = |stood: &Stood| stood.before_the_oldest || stood.edition.id == *id;
        if fits(&began) && fits(&ended) {
            return Ok(None);
        }
        let when = if from == to { format!("of {from}") } else { format!("from {from} to {to}") };
        let (first, last) = (&began.edition.id, &ended.edition.id);
        let then = if first == last { first.clone() } else { format!("{first} to {last}") };
        Ok(Some(format!(
            "edition {id} is not the text {when}: that was {then}; --edition by-date judges by the \
             text of the time"
        )))
    }
}

/// Whether a reference asks for the edition of a question's time.
#[must_use]
pub fn is_by_date(reference: Option<&str>) -> bool {
    reference == Some(BY_DATE)
}

/// The first moment of a day, UTC.
#[must_use]
pub fn first_moment(day: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).unwrap_or(Timestamp::MAX)
}

/// The edition that a reference means: an id, `default`, `in-force`, or a file.
///
/// # Errors
/// No edition has the id, or the file is bad.
pub fn find(reference: &str) -> Result<Arc<Edition>, Failure> {
    match reference {
        "default" => return Ok(Edition::default_edition()?),
        "in-force" => return Ok(Edition::in_force()?),
        BY_DATE => {
            return Err(Failure::Usage(
                "`by-date` is for questions that have a time: `check` with --at, or of an inventory \
                 or a store, and `replay`; elsewhere name one of `policy list`, such as --edition \
                 2021-04"
                    .to_owned(),
            ));
        }
        _ => {}
    }
    match Edition::named(reference) {
        Ok(edition) => Ok(edition),
        Err(EditionError::Unknown { .. }) if is_file(reference) => {
            edition_of(&NamedText::read(Path::new(reference))?).map(Arc::new)
        }
        Err(EditionError::Unknown { id, known }) => Err(Failure::Usage(format!(
            "`{id}` is no edition and no file; the editions are: {known}; `default` and \
             `in-force` stand for two of them"
        ))),
        Err(other) => Err(other.into()),
    }
}

fn is_file(reference: &str) -> bool {
    reference == "-" || Path::new(reference).exists() || reference.ends_with(".toml")
}

/// The edition of the arguments, of the inventory, or the default.
///
/// # Errors
/// No edition has the id, or the file is bad.
pub fn choose(argument: Option<&str>, inventory: Option<&str>) -> Result<Arc<Edition>, Failure> {
    find(argument.or(inventory).unwrap_or("default"))
}

/// What the arguments choose where no inventory is: an edition, or the text of each time.
///
/// # Errors
/// As [`choose`].
pub fn chosen(argument: Option<&str>) -> Result<ChosenEdition, Failure> {
    match is_by_date(argument) {
        true => Ok(ChosenEdition::ByDate),
        false => choose(argument, None).map(ChosenEdition::One),
    }
}

/// An edition's settings, with some of them set by name.
///
/// # Errors
/// An unknown name, or a value that the setting does not take.
pub fn settings(edition: &Edition, set: &[(String, String)]) -> Result<Settings, Failure> {
    Ok(edition.default_settings()?.with(set.iter().map(|(name, value)| (name, value)))?)
}

/// Whether an edition is built in, so that events can name it.
#[must_use]
pub fn is_built_in(edition: &Edition) -> bool {
    Edition::named(&edition.id).is_ok_and(|built_in| *built_in == *edition)
}
