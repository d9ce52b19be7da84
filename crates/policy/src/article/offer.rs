//! The offers (subscription types) that the policy tells apart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! offers {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $title:literal;)+) => {
        /// The type of a subscription, as the article and the offer list name it.
        ///
        /// Every edition gives every offer a rule, or says that it does not name it.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            JsonSchema, strum::Display, strum::EnumString,
        )]
        #[strum(ascii_case_insensitive)]
        #[strum(parse_err_ty = UnknownOffer, parse_err_fn = UnknownOffer::of)]
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

/// A text that names no offer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no offer; the offers are: {}", list())]
pub struct UnknownOffer {
    /// What was read.
    pub text: String,
}

fn list() -> String {
    Offer::ALL.iter().map(|offer| offer.name()).collect::<Vec<_>>().join(", ")
}

impl UnknownOffer {
    fn of(text: &str) -> Self {
        Self { text: text.to_owned() }
    }
}
