//! A subscription as an inventory tells it.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::article::offer::Offer;
use crate::life::exemption::{Exemption, ExemptionState};
use crate::shape::Day;
use crate::world::Subscription;
use crate::world::creation::Creation;

/// A subscription.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SubscriptionEntry {
    /// Its offer.
    offer: Offer,
    /// The day on which it was created, UTC, such as "2019-03-01".
    #[serde(default, deserialize_with = "crate::file::moment::optional_day")]
    #[schemars(with = "Option<Day>")]
    created: Option<Date>,
    /// A day after which it was created, where the day itself is not known.
    #[serde(default, deserialize_with = "crate::file::moment::optional_day")]
    #[schemars(with = "Option<Day>")]
    created_after: Option<Date>,
    /// A day before which it was created, where the day itself is not known: the day after the oldest
    /// thing in it, for example.
    #[serde(default, deserialize_with = "crate::file::moment::optional_day")]
    #[schemars(with = "Option<Day>")]
    created_before: Option<Date>,
    /// Its GUID.
    #[serde(default)]
    id: Option<String>,
    /// Where its exemption stands when the inventory begins.
    #[serde(default)]
    exemption: ExemptionState,
}

impl SubscriptionEntry {
    /// The subscription; otherwise the key that is wrong, and what is.
    pub(super) fn subscription(&self) -> Result<Subscription, (&'static str, String)> {
        Ok(Subscription {
            id: self.id.clone(),
            offer: self.offer,
            created: self.creation()?,
            exemption: Exemption::at_the_beginning(self.exemption, self.offer),
        })
    }

    fn creation(&self) -> Result<Creation, (&'static str, String)> {
        match (self.created, self.created_after, self.created_before) {
            (Some(day), None, None) => Ok(Creation::on(day)),
            (Some(_), after, _) => {
                let bound = if after.is_some() { "created_after" } else { "created_before" };
                let what = format!("`created` says the day, so `{bound}` has nothing to bound");
                Err((bound, what))
            }
            (None, None, None) => Err((
                "created",
                "say the day on which it was created with `created`, or what is known of it with \
                 `created_before` and `created_after` (the portal and the first invoice show it)"
                    .to_owned(),
            )),
            (None, after, before) => Creation::between(after, before).ok_or_else(|| {
                let what = "no day lies between `created_after` and `created_before`".to_owned();
                (if before.is_some() { "created_before" } else { "created_after" }, what)
            }),
        }
    }
}
