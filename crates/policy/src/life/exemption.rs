//! The life of an exemption: one state machine a subscription.

use std::str::FromStr;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::article::offer::Offer;
use crate::article::settings::{Settings, YesNo};
use crate::file::near::nearest;

/// Where a subscription's request for an exemption stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(Default, JsonSchema, strum::IntoStaticStr, strum::Display, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum ExemptionState {
    /// Nobody has asked.
    #[default]
    None,
    /// Asked, not answered (PG4, CS2, PN2).
    Requested,
    /// Answered with further steps (PG5).
    FurtherSteps,
    /// Granted (PG5).
    Granted,
    /// Refused (PG5).
    Refused,
    /// Granted and taken back (PG9).
    Revoked,
    /// Granted and ended by a change of offer (PG7; assumed).
    Lapsed,
}

impl ExemptionState {
    /// Every state.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A text that is no state of an exemption.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no state of an exemption; the states are: {}", nearest(.text, names()))]
pub struct UnknownState {
    /// The text.
    pub text: String,
}

fn names() -> impl Iterator<Item = &'static str> {
    ExemptionState::ALL.iter().map(|state| state.name())
}

impl FromStr for ExemptionState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        let found = Self::ALL.iter().find(|state| state.name() == text);
        found.copied().ok_or_else(|| UnknownState { text: text.to_owned() })
    }
}

/// A subscription's exemption: its state and since when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exemption {
    /// The state.
    pub state: ExemptionState,
    /// When it was reached; `None` where it stood so from the beginning.
    pub since: Option<Timestamp>,
    /// The last grant, also after it ended; `None` where there was none, or nothing is known of it.
    pub grant: Option<Grant>,
}

/// When and to what an exemption was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// When; `None` where it stood from the beginning.
    pub at: Option<Timestamp>,
    /// The offer that the subscription had then.
    pub to: Offer,
    /// The edition under which it was granted, where that was another than the world's.
    pub under: Option<String>,
    /// Whether that edition grants such an offer none.
    pub never: bool,
}

impl Exemption {
    /// An exemption as it stands at the beginning, of a subscription with an offer.
    #[must_use]
    pub const fn at_the_beginning(state: ExemptionState, offer: Offer) -> Self {
        let grant = match state {
            ExemptionState::Granted | ExemptionState::Revoked => {
                Some(Grant { at: None, to: offer, under: None, never: false })
            }
            // To which offer one that lapsed was granted nobody says.
            _ => None,
        };
        Self { state, since: None, grant }
    }

    /// Whether it is granted: also one that a change of offer ended, where the settings say that
    /// none ends by that.
    pub(crate) fn is_granted(&self, settings: &Settings) -> bool {
        match self.state {
            ExemptionState::Granted => true,
            ExemptionState::Lapsed => settings.exemption_survives_offer_change == YesNo::Yes,
            _ => false,
        }
    }
}
