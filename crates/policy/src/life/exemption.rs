//! The life of an exemption: one state machine a subscription.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// A subscription's exemption: its state and since when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exemption {
    /// The state.
    pub state: ExemptionState,
    /// When it was reached; `None` where it stood so from the beginning.
    pub since: Option<Timestamp>,
    /// The edition under which it was granted, where that was another than the world's.
    pub granted_under: Option<String>,
}
