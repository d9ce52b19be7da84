//! Which edition answers.

use std::path::Path;
use std::sync::Arc;

use egress25_policy::{Edition, EditionError, Settings};

use crate::read::input::{NamedText, edition_of};
use crate::say::failure::Failure;

/// The edition that a reference means: an id, `default`, `in-force`, or a file.
///
/// # Errors
/// No edition has the id, or the file is bad.
pub fn find(reference: &str) -> Result<Arc<Edition>, Failure> {
    match reference {
        "default" => return Ok(Edition::default_edition()?),
        "in-force" => return Ok(Edition::in_force()?),
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
