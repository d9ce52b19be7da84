//! What the edition in force says where another one was asked.

use egress25_policy::{Decision, Edition, Offer, Reason, Setting, Verdict};

use crate::say::output::assignments_in_words;

/// Whether the edition in force answers as another one did, in words, with what its answer assumes.
#[must_use]
pub(crate) fn in_words(
    edition: &Edition,
    now: &Decision,
    then: (Verdict, Reason),
    offer: Option<Offer>,
) -> String {
    let mut text = if (now.verdict, now.reason) == then {
        "the same".to_owned()
    } else {
        let but = if now.verdict == then.0 { "for another reason" } else { "OTHERWISE" };
        let ids = edition.cited(&now.statements);
        format!(
            "{but}: {} {} [{ids}] {}",
            now.verdict,
            now.reason,
            now.reason.line().trim_end_matches('.')
        )
    };
    if !now.assumed.is_empty() {
        text.push_str(&format!("; assumed {}", assignments_in_words(&now.assumed)));
    }
    let grandfathered = Setting::GrandfatherExemptions.name();
    let never = offer.is_some_and(|offer| edition.rule(offer).0.request.is_empty());
    if never && now.assumed.iter().any(|assumption| assumption.setting == grandfathered) {
        text.push_str(": the text of today names no way to one for this offer");
    }
    text
}
