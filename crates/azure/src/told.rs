//! What only the user knows of subscriptions.

use egress25_policy::{ExemptionState, Offer};
use jiff::civil::Date;

use crate::error::ImportError;
use crate::names::tidy;

/// Something that is told of one subscription, or of all that nothing else is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Of<T> {
    /// The subscription, by its name or its GUID; `None`: every other one.
    pub subscription: Option<String>,
    /// What is told.
    pub told: T,
}

/// What only the user knows. Nothing of it is ever guessed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// Offers, where a quotaId does not tell them.
    pub offers: Vec<Of<Offer>>,
    /// Days of creation, UTC.
    pub created: Vec<Of<Date>>,
    /// Where exemptions stand.
    pub exemptions: Vec<Of<ExemptionState>>,
    /// The day of the import, UTC: what is in an export was there by then, whatever else is known.
    pub today: Option<Date>,
}

/// Whether a text means the subscription with a name in the inventory and a GUID. It may be the name
/// as Azure spells it, which no inventory has.
fn is_meant(text: &str, name: &str, guid: &str) -> bool {
    tidy(text).eq_ignore_ascii_case(name) || text.eq_ignore_ascii_case(guid)
}

/// What is told of a subscription, by its name and GUID.
pub(crate) fn of<T: Copy>(all: &[Of<T>], name: &str, guid: &str) -> Option<T> {
    let named =
        |one: &&Of<T>| one.subscription.as_ref().is_some_and(|text| is_meant(text, name, guid));
    let named = all.iter().find(named);
    named.or_else(|| all.iter().find(|one| one.subscription.is_none())).map(|one| one.told)
}

impl Told {
    /// Makes sure that every subscription that is named is there.
    ///
    /// # Errors
    /// One is not.
    pub(crate) fn check(&self, known: &[(String, String)]) -> Result<(), ImportError> {
        let named = self.offers.iter().map(|one| &one.subscription);
        let named = named.chain(self.created.iter().map(|one| &one.subscription));
        let mut named = named.chain(self.exemptions.iter().map(|one| &one.subscription)).flatten();
        let is_there = |text: &String| known.iter().any(|(name, guid)| is_meant(text, name, guid));
        match named.find(|name| !is_there(name)) {
            None => Ok(()),
            Some(name) => {
                let known: Vec<_> = known.iter().map(|(name, _)| format!("`{name}`")).collect();
                Err(ImportError::NoSuchSubscription { name: name.clone(), known: known.join(", ") })
            }
        }
    }
}
