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

/// The part of the quota id before `_`, in lower case, and the offers that it serves.
const TABLE: &[(&str, &[Offer])] = &[
    (
        "enterpriseagreement",
        &[Offer::EnterpriseAgreement, Offer::McaEnterprise, Offer::McaAzurePlan],
    ),
    (
        "msdndevtest",
        &[
            Offer::EnterpriseDevTest,
            Offer::PayAsYouGoDevTest,
            Offer::VisualStudio,
            Offer::McaDevTest,
        ],
    ),
    ("payasyougo", &[Offer::PayAsYouGo]),
    ("freetrial", &[Offer::FreeTrial]),
    ("azureinopen", &[Offer::AzureInOpen]),
    ("mpn", &[Offer::PartnerNetwork, Offer::VisualStudio]),
    ("sponsored", &[Offer::AzureSponsorship]),
    ("msdn", &[Offer::Msdn, Offer::VisualStudio]),
    ("azurepass", &[Offer::AzurePass]),
    ("azureforstudents", &[Offer::AzureForStudents]),
    ("dreamspark", &[Offer::AzureForStudentsStarter]),
    ("csp", &[Offer::CloudSolutionProvider]),
    ("cspdevtest", &[Offer::CloudSolutionProvider]),
    ("lightweighttrial", &[]),
];

/// Recognises the offer from `subscriptionPolicies.quotaId`: the part before `_`, whatever its
/// case. Where one id serves several offers nothing is guessed.
#[must_use]
pub fn recognise_quota_id(quota_id: &str) -> Recognised {
    let head = quota_id.split('_').next().unwrap_or_default().to_ascii_lowercase();
    if head == "default" {
        return Recognised::NoMachines;
    }
    match TABLE.iter().find(|(name, _)| *name == head) {
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

#[cfg(test)]
mod tests {
    use super::*;

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
