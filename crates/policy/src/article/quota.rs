//! Recognising a subscription's offer from the quota id that the platform's API returns.

use crate::article::offer::Offer;

/// What a quota id says of the offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recognised {
    /// One offer.
    One(Offer),
    /// Several: only the user can tell which.
    Several(Vec<Offer>),
    /// A trial that no edition names: only the user can tell whose rule is to count.
    Unnamed,
    /// A support plan: there are no machines in it.
    NoMachines,
    /// The table does not hold it: only the user can tell.
    Unknown,
}

/// The quota ids that are known, and the offers that each serves.
const TABLE: &[(&str, &[Offer])] = &[
    (
        "EnterpriseAgreement_2014-09-01",
        &[Offer::EnterpriseAgreement, Offer::McaEnterprise, Offer::McaAzurePlan],
    ),
    (
        "MSDNDevTest_2014-09-01",
        &[
            Offer::EnterpriseDevTest,
            Offer::PayAsYouGoDevTest,
            Offer::VisualStudio,
            Offer::McaDevTest,
        ],
    ),
    ("PayAsYouGo_2014-09-01", &[Offer::PayAsYouGo]),
    ("FreeTrial_2014-09-01", &[Offer::FreeTrial]),
    ("AzureInOpen_2014-09-01", &[Offer::AzureInOpen]),
    ("MPN_2014-09-01", &[Offer::PartnerNetwork, Offer::VisualStudio]),
    ("Sponsored_2016-01-01", &[Offer::AzureSponsorship]),
    ("MSDN_2014-09-01", &[Offer::Msdn, Offer::VisualStudio]),
    ("AzurePass_2014-09-01", &[Offer::AzurePass]),
    ("AzureForStudents_2018-01-01", &[Offer::AzureForStudents]),
    ("DreamSpark_2015-02-01", &[Offer::AzureForStudentsStarter]),
    ("CSP_2015-05-01", &[Offer::CloudSolutionProvider]),
    ("CSP_MG_2017-12-01", &[Offer::CloudSolutionProvider]),
    ("CSPDEVTEST_2018-05-01", &[Offer::CloudSolutionProvider]),
    ("LightweightTrial_2016-09-01", &[]),
];

/// Recognises the offer from `subscriptionPolicies.quotaId`: the part before `_`, whatever its
/// case. Where one id serves several offers nothing is guessed.
#[must_use]
pub fn recognise_quota_id(quota_id: &str) -> Recognised {
    let head = |id: &str| id.split('_').next().unwrap_or_default().to_ascii_lowercase();
    let wanted = head(quota_id);
    if wanted == "default" {
        return Recognised::NoMachines;
    }
    match TABLE.iter().find(|(id, _)| head(id) == wanted) {
        Some((_, [])) => Recognised::Unnamed,
        Some((_, [offer])) => Recognised::One(*offer),
        Some((_, offers)) => Recognised::Several(offers.to_vec()),
        None => Recognised::Unknown,
    }
}

/// How a person tells offers apart that have a quota id in common, where that is known.
#[must_use]
pub fn how_to_tell_apart(offers: &[Offer]) -> Option<&'static str> {
    offers.contains(&Offer::McaEnterprise).then_some(
        "the billing account tells: one whose agreement type is Microsoft Customer Agreement is \
         mca-e where its account type is Enterprise",
    )
}

/// How a person sees whether a subscription is of an offer: the quota ids that it may have, and
/// which others have them, too.
pub(crate) fn how_to_recognise(offer: Offer) -> String {
    let rows = || TABLE.iter().filter(|(_, offers)| offers.contains(&offer));
    let ids: Vec<_> = rows().map(|(id, _)| *id).collect();
    let mut all: Vec<_> = rows().flat_map(|(_, offers)| *offers).copied().collect();
    all.sort();
    all.dedup();
    let others: Vec<_> = all.iter().filter(|of| **of != offer).map(|of| of.name()).collect();
    match (ids.is_empty(), others.is_empty()) {
        (true, _) => "No quotaId is known that tells".to_owned(),
        (false, true) => format!("Its quotaId tells: {}", ids.join(" or ")),
        (false, false) => format!(
            "Its quotaId is {}, which serves {}, too{}",
            ids.join(" or "),
            others.join(", "),
            how_to_tell_apart(&all).map_or(String::new(), |how| format!("; {how}"))
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_id_was_said_to_tell_offers_apart_that_have_it_in_common() {
        for offer in Offer::ALL {
            let told = how_to_recognise(*offer);
            let ids = TABLE.iter().filter(|(_, offers)| offers.contains(offer));
            let alone = ids.clone().all(|(_, offers)| offers.len() == 1) && ids.count() > 0;
            assert_eq!(told.starts_with("Its quotaId tells: "), alone, "{offer}: {told}");
        }
        let ea = how_to_recognise(Offer::EnterpriseAgreement);
        assert!(
            ea.contains("which serves mca-e, mca-azure-plan, too; the billing account"),
            "{ea}"
        );
        assert!(how_to_recognise(Offer::BizSparkPlus).starts_with("No quotaId is known"));
    }

    #[test]
    fn the_part_before_the_underscore_counts_whatever_its_case() {
        assert_eq!(recognise_quota_id("PayAsYouGo_2014-09-01"), Recognised::One(Offer::PayAsYouGo));
        assert_eq!(recognise_quota_id("payasyougo_2030-01-01"), Recognised::One(Offer::PayAsYouGo));
        assert_eq!(
            recognise_quota_id("CSP_MG_2017-12-01"),
            Recognised::One(Offer::CloudSolutionProvider)
        );
    }

    #[test]
    fn an_id_of_several_offers_is_never_guessed() {
        assert_eq!(
            recognise_quota_id("EnterpriseAgreement_2014-09-01"),
            Recognised::Several(vec![
                Offer::EnterpriseAgreement,
                Offer::McaEnterprise,
                Offer::McaAzurePlan
            ])
        );
        assert!(matches!(recognise_quota_id("MSDN_2014-09-01"), Recognised::Several(_)));
    }

    #[test]
    fn a_support_plan_has_no_machines_a_trial_no_rule_and_the_rest_is_unknown() {
        assert_eq!(recognise_quota_id("Default_2014-09-01"), Recognised::NoMachines);
        assert_eq!(recognise_quota_id("LightweightTrial_2016-09-01"), Recognised::Unnamed);
        assert_eq!(recognise_quota_id("Internal_2014-09-01"), Recognised::Unknown);
    }
}
