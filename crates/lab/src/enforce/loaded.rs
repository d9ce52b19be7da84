//! Rules of nftables that are in force in a network namespace, and how they are brought up to
//! changed ones.

use crate::enforce::transaction::Transactions;
use crate::error::LabError;
use crate::network::{Space, demand};
use crate::rules::{Ruleset, RulesetChange};

/// Loads a script into a network namespace, or into the caller's, and returns what nft printed.
pub(super) fn nft(place: Option<&Space>, script: &str) -> Result<String, LabError> {
    let command = ["nft", "-f", "-"];
    place.map_or_else(|| demand(&command, script), |place| place.demand(&command, script))
}

/// Rules that are in force.
#[derive(Debug)]
pub(super) struct LoadedRules {
    /// `None` where a change has failed: then nobody knows.
    rules: Option<Ruleset>,
    /// What changes them in place; `None` where they have to be loaded anew.
    transactions: Option<Transactions>,
}

impl LoadedRules {
    /// Loads rules into a network namespace, or into the caller's.
    pub(super) fn load(place: Option<&Space>, rules: Ruleset) -> Result<Self, LabError> {
        nft(place, &rules.script())?;
        Ok(Self { rules: Some(rules), transactions: transactions_from_now(place) })
    }

    /// No rules are known to be in force: the next change loads them anew.
    pub(super) fn forget(&mut self) {
        self.rules = None;
    }

    /// Brings them up to others, in the same namespace.
    pub(super) fn change(&mut self, place: Option<&Space>, new: Ruleset) -> Result<(), LabError> {
        let change = match &self.rules {
            Some(old) => new.change_from(old),
            None => Some(RulesetChange::Anew),
        };
        let Some(change) = change else { return Ok(()) };
        // What becomes of a change that fails is not known.
        self.rules = None;
        let in_place = match (&change, &mut self.transactions) {
            (RulesetChange::InPlace(change), Some(transactions)) => {
                transactions.change(change).is_ok()
            }
            _ => false,
        };
        if in_place {
            self.rules = Some(new);
        } else {
            // Whoever took the rules away, or changed them, made a change in place impossible.
            self.transactions = None;
            *self = Self::load(place, new)?;
        }
        Ok(())
    }
}

/// What changes the rules of a namespace in place, from those of now on. Where that cannot be had
/// they are loaded anew each time.
fn transactions_from_now(place: Option<&Space>) -> Option<Transactions> {
    let open = || Transactions::from_now().map_err(LabError::system("opening the kernel's rules"));
    place.map_or_else(open, |place| place.run(open)).ok()
}
