//! The offers (subscription types) that the policy tells apart, and the words for them.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::article::quota::{Recognised, recognise_quota_id};
use crate::file::near::{closest, nearest};

macro_rules! offers {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $title:literal;)+) => {
        /// The type of a subscription, as the article and the offer list name it.
        ///
        /// Every edition gives every offer a rule, or says that it does not name it. Read from a
        /// text it is told by its name, by the words that people use, or by its number.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::Display,
        )]
        pub enum Offer {
            $($(#[$doc])* #[serde(rename = $name)] #[strum(serialize = $name)] $variant,)+
        }

        impl Offer {
            /// Every offer, in the order of the edition table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The stable name that files, flags and reports use.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The name as a person would print it.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }
    };
}

offers! {
    /// Enterprise Agreement (MS-AZR-0017P).
    EnterpriseAgreement = "enterprise-agreement", "Enterprise Agreement";
    /// Enterprise Dev/Test (MS-AZR-0148P).
    EnterpriseDevTest = "enterprise-dev-test", "Enterprise Dev/Test";
    /// Microsoft Customer Agreement for enterprise.
    McaEnterprise = "mca-e", "MCA for enterprise (MCA-E)";
    /// Pay-as-you-go (MS-AZR-0003P).
    PayAsYouGo = "pay-as-you-go", "Pay-as-you-go";
    /// Microsoft Partner Network (MS-AZR-0025P).
    PartnerNetwork = "microsoft-partner-network", "Microsoft Partner Network";
    /// BizSpark Plus.
    BizSparkPlus = "bizspark-plus", "BizSpark Plus";
    /// Azure Sponsorship (MS-AZR-0036P).
    AzureSponsorship = "azure-sponsorship", "Azure Sponsorship";
    /// BizSpark, the plain programme.
    BizSpark = "bizspark", "BizSpark";
    /// MSDN Platforms (MS-AZR-0062P).
    Msdn = "msdn", "MSDN";
    /// Azure Pass.
    AzurePass = "azure-pass", "Azure Pass";
    /// Azure in Open (MS-AZR-0111P).
    AzureInOpen = "azure-in-open", "Azure in Open";
    /// Education.
    Education = "education", "Education";
    /// Free Trial (MS-AZR-0044P).
    FreeTrial = "free-trial", "Free Trial";
    /// Azure for Students (MS-AZR-0170P).
    AzureForStudents = "azure-for-students", "Azure for Students";
    /// Any Visual Studio subscription (MS-AZR-0029P, 0059P, 0060P, 0063P, 0064P).
    VisualStudio = "visual-studio", "Visual Studio";
    /// Cloud Solution Provider (MS-AZR-0145P).
    CloudSolutionProvider = "cloud-solution-provider", "Cloud Solution Provider";
    /// All other subscription types: the one heading of the text in force for whatever it names
    /// nowhere else.
    AllOtherTypes = "all-other-types", "All other subscription types";
    /// Pay-as-you-go Dev/Test (MS-AZR-0023P): no edition names it.
    PayAsYouGoDevTest = "pay-as-you-go-dev-test", "Pay-as-you-go Dev/Test";
    /// The Azure plan under a Microsoft Customer Agreement (MS-AZR-0017G): no edition names it.
    McaAzurePlan = "mca-azure-plan", "MCA Azure plan";
    /// Dev/Test under a Microsoft Customer Agreement: no edition names it.
    McaDevTest = "mca-dev-test", "MCA Dev/Test";
    /// Azure for Students Starter (MS-AZR-0144P): no edition names it.
    AzureForStudentsStarter = "azure-for-students-starter", "Azure for Students Starter";
}

/// What else the offers are called: the words that people use, and the offer numbers without
/// `MS-AZR-`. A word of several offers is none of them until somebody says which.
const WORDS: &[(Offer, &[&str])] = &[
    (Offer::EnterpriseAgreement, &["ea", "0017p"]),
    (Offer::EnterpriseDevTest, &["ea-dev-test", "dev-test", "0148p"]),
    (Offer::McaEnterprise, &["mca", "mcae", "mca-enterprise"]),
    (Offer::PayAsYouGo, &["payg", "paygo", "0003p"]),
    (Offer::PartnerNetwork, &["mpn", "partner-network", "0025p", "0035p", "0052p"]),
    (Offer::AzureSponsorship, &["sponsorship", "sponsored", "0036p"]),
    (Offer::Msdn, &["msdn-platforms", "0062p"]),
    (
        Offer::AzurePass,
        &["0120p", "0122p", "0123p", "0124p", "0125p", "0128p", "0129p", "0130p", "0243p"],
    ),
    (Offer::AzureInOpen, &["0111p"]),
    (Offer::FreeTrial, &["0044p"]),
    (Offer::AzureForStudents, &["students", "0170p"]),
    (
        Offer::VisualStudio,
        &[
            "vs",
            "visual-studio-enterprise",
            "visual-studio-enterprise-through-bizspark",
            "visual-studio-enterprise-through-mpn",
            "visual-studio-professional",
            "visual-studio-test-professional",
            "0029p",
            "0059p",
            "0060p",
            "0063p",
            "0064p",
        ],
    ),
    (Offer::CloudSolutionProvider, &["csp", "mca", "partner-mca", "0145p"]),
    (Offer::PayAsYouGoDevTest, &["payg-dev-test", "dev-test", "0023p"]),
    (Offer::McaAzurePlan, &["mca", "azure-plan", "0017g"]),
    (Offer::McaDevTest, &["mca", "dev-test", "0148g"]),
    (Offer::AzureForStudentsStarter, &["students-starter", "dreamspark", "0144p"]),
];

/// The number of a trial that no edition names.
const UNNAMED_TRIAL: &str = "0150p";

/// A text that does not say which offer is meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnknownOffer {
    /// It is like the name of one.
    #[error("`{text}` is no offer; did you mean `{near}`?")]
    Misspelt {
        /// What was read.
        text: String,
        /// The offer whose name, or a word for it, is nearest.
        near: Offer,
    },
    /// It is no word for any.
    #[error(
        "`{text}` is no offer; the nearest are: {} (`egress25 matrix` lists all); `egress25 check --quota-id` recognises one by its quotaId",
        nearest(text, Offer::ALL.iter().map(|offer| offer.name()))
    )]
    NoSuch {
        /// What was read.
        text: String,
    },
    /// It is a word for several.
    #[error("`{text}` stands for several offers; say which: {}", names(offers))]
    Several {
        /// What was read.
        text: String,
        /// The offers that it stands for.
        offers: Vec<Offer>,
    },
    /// It is a trial that no edition names.
    #[error(
        "`{text}` is a trial that no edition of the article names; say the offer whose rule is to \
         count, such as `{}`",
        Offer::FreeTrial
    )]
    Unnamed {
        /// What was read.
        text: String,
    },
}

fn names(offers: &[Offer]) -> String {
    offers.iter().map(|offer| offer.name()).collect::<Vec<_>>().join(", ")
}

/// Lower case, with one `-` for whatever stands between letters and digits.
fn tidy(text: &str) -> String {
    let lower = text.to_ascii_lowercase().replace('+', "-plus");
    let parts = lower.split(|letter: char| !letter.is_alphanumeric());
    parts
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-")
        .replace("devtest", "dev-test")
}

/// An offer's names and the words for it, tidy.
fn words(offer: Offer) -> impl Iterator<Item = String> {
    let more = WORDS.iter().filter(move |(of, _)| *of == offer).flat_map(|(_, words)| *words);
    [offer.name(), offer.title()].into_iter().chain(more.copied()).map(tidy)
}

impl FromStr for Offer {
    type Err = UnknownOffer;

    fn from_str(text: &str) -> Result<Self, UnknownOffer> {
        let told = tidy(text);
        let told = told.strip_prefix("ms-azr-").unwrap_or(&told);
        let all = || Self::ALL.iter().copied();
        if let Some(named) = all().find(|offer| offer.name() == told) {
            return Ok(named);
        }
        let meant = meant(told);
        let quota_id = tidy(text.split('_').next().unwrap_or_default()).replace('-', "");
        let text = text.to_owned();
        match (meant.as_slice(), recognise_quota_id(&quota_id)) {
            ([one], _) => Ok(*one),
            ([], Recognised::One(one)) => Ok(one),
            ([], Recognised::Several(offers)) => Err(UnknownOffer::Several { text, offers }),
            ([], Recognised::Unnamed) => Err(UnknownOffer::Unnamed { text }),
            ([], _) if told == UNNAMED_TRIAL => Err(UnknownOffer::Unnamed { text }),
            ([], _) => Err(unknown(told, text)),
            _ => Err(UnknownOffer::Several { text, offers: meant }),
        }
    }
}

impl Offer {
    /// The words of people that stand for one offer, as they are usually written: in small letters
    /// and in capitals, and with spaces.
    fn usual_words() -> Vec<String> {
        let words = Self::ALL.iter().flat_map(|offer| words(*offer));
        let numbered = |word: &String| word.strip_suffix(['p', 'g']).is_some_and(is_number);
        let written = words.flat_map(|word| {
            let title = |offer: &Self| offer.title().to_owned();
            let titles = Self::ALL.iter().map(title).filter(|title| tidy(title) == word);
            let number = numbered(&word).then(|| format!("ms-azr-{word}"));
            let small: Vec<_> = [word.clone()].into_iter().chain(number).collect();
            let capitals: Vec<_> = small.iter().map(|word| word.to_uppercase()).collect();
            small.into_iter().chain(capitals).chain(titles).collect::<Vec<_>>()
        });
        let of_one: BTreeSet<_> = written.filter(|word| word.parse::<Self>().is_ok()).collect();
        let names: BTreeSet<_> = Self::ALL.iter().map(|offer| offer.name()).collect();
        of_one.into_iter().filter(|word| !names.contains(word.as_str())).collect()
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// The offers that have a word, tidy, in common.
fn meant(word: &str) -> Vec<Offer> {
    let has = |offer: &&Offer| words(**offer).any(|own| own == word);
    Offer::ALL.iter().filter(has).copied().collect()
}

/// What a text, and how it is when it is tidy, may have meant that is no word for an offer.
fn unknown(told: &str, text: String) -> UnknownOffer {
    let known: Vec<_> =
        Offer::ALL.iter().flat_map(|offer| words(*offer).map(move |word| (word, *offer))).collect();
    let first = |word: &str| word.split('-').next().unwrap_or_default().to_owned();
    let begins = first(told);
    // A first word that is known is kept to: `MSDN Enterprise` is not nearly `mca-enterprise`.
    let is_known = known.iter().any(|(word, _)| *word == begins);
    let like = known.iter().filter(|(word, _)| !is_known || first(word) == begins);
    if let Some(near) = closest(told, like.map(|(word, offer)| (word.as_str(), *offer))) {
        return UnknownOffer::Misspelt { text, near };
    }
    let offers = match recognise_quota_id(&begins) {
        Recognised::Several(offers) => offers,
        _ => meant(&begins),
    };
    match offers.as_slice() {
        [] => UnknownOffer::NoSuch { text },
        [near] => UnknownOffer::Misspelt { text, near: *near },
        _ => UnknownOffer::Several { text, offers },
    }
}

impl<'de> Deserialize<'de> for Offer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Offer {
    fn schema_name() -> Cow<'static, str> {
        "Offer".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = Self::ALL.iter().map(|offer| offer.name()).collect();
        json_schema!({
            "description": "The type of a subscription, as the article and the offer list name it.",
            "anyOf": [
                { "enum": names },
                {
                    "enum": (Self::usual_words()),
                    "description": "A word that people use, such as EA or PAYG, or the offer's \
                                    number, such as MS-AZR-0003P; in any casing.",
                },
            ],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_that_people_use_were_refused() {
        for (text, offer) in [
            ("EA", Offer::EnterpriseAgreement),
            ("Enterprise Agreement", Offer::EnterpriseAgreement),
            ("EA Dev/Test", Offer::EnterpriseDevTest),
            ("enterprise-devtest", Offer::EnterpriseDevTest),
            ("PAYG", Offer::PayAsYouGo),
            ("Pay_As_You_Go", Offer::PayAsYouGo),
            ("CSP", Offer::CloudSolutionProvider),
            ("MPN", Offer::PartnerNetwork),
            ("BizSpark+", Offer::BizSparkPlus),
            ("MCA-E", Offer::McaEnterprise),
            ("MCA for enterprise (MCA-E)", Offer::McaEnterprise),
            ("MS-AZR-0003P", Offer::PayAsYouGo),
            ("0003P", Offer::PayAsYouGo),
            ("ms-azr-0017g", Offer::McaAzurePlan),
            ("MS-AZR-0017P", Offer::EnterpriseAgreement),
            ("0148P", Offer::EnterpriseDevTest),
            ("0148G", Offer::McaDevTest),
            ("0035P", Offer::PartnerNetwork),
            ("0052p", Offer::PartnerNetwork),
            ("0243P", Offer::AzurePass),
        ] {
            assert_eq!(text.parse(), Ok(offer), "{text}");
            assert_eq!(Offer::deserialize(toml::Value::from(text)).unwrap(), offer, "{text}");
        }
        for offer in Offer::ALL {
            assert_eq!(offer.name().parse(), Ok(*offer));
            assert_eq!(offer.title().parse(), Ok(*offer));
            assert_eq!(toml::Value::try_from(offer).unwrap().as_str(), Some(offer.name()));
        }
    }

    #[test]
    fn a_word_of_several_offers_is_answered_with_them() {
        let said = "MCA".parse::<Offer>().unwrap_err().to_string();
        assert_eq!(
            said,
            "`MCA` stands for several offers; say which: mca-e, cloud-solution-provider, \
             mca-azure-plan, mca-dev-test"
        );
        let said = "Dev/Test".parse::<Offer>().unwrap_err().to_string();
        assert!(
            said.contains("enterprise-dev-test, pay-as-you-go-dev-test, mca-dev-test"),
            "{said}"
        );
        let said = "MS-AZR-0150P".parse::<Offer>().unwrap_err().to_string();
        assert!(said.contains("a trial that no edition of the article names"), "{said}");
    }

    #[test]
    fn a_name_of_the_quota_ids_table_was_refused_or_taken_for_something_else() {
        let said = |text: &str| match text.parse::<Offer>() {
            Ok(offer) => offer.name().to_owned(),
            Err(UnknownOffer::Several { offers, .. }) => names(&offers),
            Err(other) => other.to_string(),
        };
        for (text, meant) in [
            ("MSDN Enterprise", "msdn, visual-studio"),
            ("MSDNDevTest", said("MSDNDevTest_2014-09-01").as_str()),
            ("MSDN Dev/Test", said("MSDNDevTest_2014-09-01").as_str()),
            ("PayAsYouGo_2014-09-01", "pay-as-you-go"),
            ("AzurePass", "azure-pass"),
            ("CSP_MG_2017-12-01", "cloud-solution-provider"),
            ("Visual Studio Test Professional", "visual-studio"),
            ("EnterpriseAgreement", "enterprise-agreement, mca-e, mca-azure-plan"),
            ("MCAE", "mca-e"),
        ] {
            assert_eq!(said(text), meant, "{text}");
        }
        assert!(said("MSDNDevTest").starts_with("enterprise-dev-test, "));
    }

    #[test]
    fn a_misspelt_offer_was_answered_with_a_list_of_twenty() {
        for (text, near) in [
            ("pay-as-yuo-go", "pay-as-you-go"),
            ("enterprise-agrement", "enterprise-agreement"),
            ("PAYGG", "pay-as-you-go"),
            ("visualstudio", "visual-studio"),
        ] {
            let said = text.parse::<Offer>().unwrap_err().to_string();
            assert_eq!(said, format!("`{text}` is no offer; did you mean `{near}`?"));
        }
        let said = "gold".parse::<Offer>().unwrap_err().to_string();
        assert!(
            said.contains(
                " and 13 more (`egress25 matrix` lists all); `egress25 check --quota-id` recognises"
            ),
            "{said}"
        );
        let said = "0004P".parse::<Offer>().unwrap_err().to_string();
        assert!(said.contains("the nearest are: "), "a number is not near another: {said}");
    }
}
