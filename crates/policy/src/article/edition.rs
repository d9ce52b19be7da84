//! Editions: the article as it stood at a time, as data.
//!
//! An edition is a TOML file in `editions/`, which cites `statements.toml`; a new one needs no
//! code. Loading checks it (`check`).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::article::offer::Offer;
use crate::article::settings::{SettingError, Settings};
use crate::article::statement::{Cited, Page, SourceName, Statement, StatementId, cited_text};

/// Whom an offer's row restricts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restriction {
    /// Nobody.
    Open,
    /// Subscriptions created from the cutoff day on.
    After,
    /// The text gives no date: the setting `csp_cutoff` decides.
    NoDate,
    /// Every subscription, whatever its date.
    #[default]
    Always,
}

/// Where an exemption is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(schemars::JsonSchema, strum::IntoStaticStr, strum::Display, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Channel {
    /// "Diagnose and solve problems" of a virtual network in the portal.
    Portal,
    /// A support case.
    Case,
    /// The cloud solution provider files it.
    Provider,
}

impl Channel {
    /// Every channel.
    pub const ALL: &'static [Self] = <Self as strum::VariantArray>::VARIANTS;

    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The way to a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelPath {
    /// Where to go, step by step; printed as [`path_text`] has it.
    pub steps: Vec<String>,
}

/// Steps as a person would print them: "A > B > C".
#[must_use]
pub fn path_text(steps: &[String]) -> String {
    steps.join(" > ")
}

/// What is asked of someone who asks for an exemption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// An account in good standing.
    GoodStanding,
    /// A payment history.
    PaymentHistory,
    /// A sufficient payment history.
    SufficientPaymentHistory,
    /// Why the deployment has to send directly and cannot use an authenticated relay.
    Justification,
    /// Review at Microsoft's discretion.
    Discretion,
    /// Further anti-fraud checks.
    AntiFraud,
    /// No secure relay can be used.
    NoSecureRelay,
    /// The subscription qualifies; it is enabled then.
    Qualification,
}

impl Requirement {
    /// The requirement in words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::GoodStanding => "an account in good standing",
            Self::PaymentHistory => "a payment history",
            Self::SufficientPaymentHistory => {
                "a sufficient payment history; the portal's diagnosis of 2020-11 named paid \
                 invoices of at least 1,000 US dollars in sum"
            }
            Self::Justification => "why an authenticated relay cannot be used",
            Self::Discretion => "approval at Microsoft's discretion",
            Self::AntiFraud => "further anti-fraud checks",
            Self::NoSecureRelay => "that no secure relay can be used",
            Self::Qualification => "that the subscription qualifies; it is enabled then",
        }
    }
}

/// The statements that an offer's row rests on, by what they say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Citations {
    /// The offer is not restricted.
    pub open: Vec<StatementId>,
    /// Old subscriptions are left alone.
    pub before: Vec<StatementId>,
    /// Mail is blocked.
    pub blocked: Vec<StatementId>,
    /// How removal is asked for.
    pub request: Vec<StatementId>,
    /// How requests are answered.
    pub answer: Vec<StatementId>,
    /// When an exemption takes effect.
    pub exempt: Vec<StatementId>,
    /// What an exemption covers.
    pub covers: Vec<StatementId>,
    /// Revocation.
    pub revoke: Vec<StatementId>,
    /// No removal is granted, or no way to ask for one is named.
    pub never: Vec<StatementId>,
    /// What the user is told.
    pub advice: Vec<StatementId>,
    /// What is not promised.
    pub limits: Vec<StatementId>,
}

impl Citations {
    /// Every statement that the row rests on.
    pub(crate) fn all(&self) -> impl Iterator<Item = &StatementId> {
        [
            &self.open,
            &self.before,
            &self.blocked,
            &self.request,
            &self.answer,
            &self.exempt,
            &self.covers,
            &self.revoke,
            &self.never,
            &self.advice,
            &self.limits,
        ]
        .into_iter()
        .flatten()
    }
}

/// The row of one or more offers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferRule {
    /// The offers that the row is for.
    pub offers: Vec<Offer>,
    /// Whom it restricts.
    pub restriction: Restriction,
    /// Where removal is asked for, all of them in this order; empty where no way is named.
    #[serde(default)]
    pub request: Vec<Channel>,
    /// Where removal is asked for if `azure_in_open_may_ask_2018` says that it may be.
    #[serde(default)]
    pub disputed_request: Vec<Channel>,
    /// What is asked of the asker.
    #[serde(default)]
    pub asks: Vec<Requirement>,
    /// Whether the edition reserves revocation for these offers.
    #[serde(default)]
    pub revocable: bool,
    /// What the row rests on.
    #[serde(default)]
    pub cites: Citations,
}

/// When an exemption reaches a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// At the machine's next start after a deallocate.
    NextStart,
    /// Only machines created after it have it.
    MachinesCreatedAfter,
}

/// What the edition says of Azure Firewall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FirewallRule {
    /// Nothing.
    Silent,
    /// Not supported.
    Unsupported,
    /// Nothing, and the firewall's own page of the time says that it is blocked.
    Blocked,
    /// Nothing, and the firewall's own page says that it may work, not for every type.
    MayWork,
    /// That other platform services are unsupported, while the firewall's own page says that it
    /// may work.
    Disputed,
    /// Possible, under the subscription's own rule.
    OwnRule,
}

/// What the edition says of App Service and Functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppServiceRule {
    /// Nothing, and no page for all of its time.
    Silent,
    /// Nothing, and the App Service page of the time says that it is not possible.
    Unsupported,
    /// Possible with virtual network integration, under the subscription's own rule.
    OwnRule,
}

/// The subjects on which an edition speaks for every offer alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Topic {
    /// Port 25 is blocked.
    Block,
    /// From when on.
    Cutoff,
    /// Relays.
    Relay,
    /// Services that are named as relays: advice alone.
    RelayAdvice,
    /// Ports that are neither 25 nor one of the relays'.
    OtherPort,
    /// Azure Firewall.
    Firewall,
    /// What is not promised of Azure Firewall to those whom the article does not name.
    FirewallLimit,
    /// Platform services (PaaS) other than those of the other topics.
    PlatformServices,
    /// App Service and Functions.
    AppService,
    /// How a change reaches the network that an App Service is integrated into.
    AppServiceEffect,
    /// Subnets that are delegated to a service.
    DelegatedSubnet,
    /// A change of the subscription's type from an open to a blocked one.
    TypeChange,
    /// When a change of the subscription's type, any one, takes effect.
    TypeChangeEffect,
    /// What to do before a change of the subscription's type.
    TypeChangeAdvice,
    /// Support.
    Support,
}

/// One edition of the article.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edition {
    /// The version of the file's layout; 1.
    pub schema: u32,
    /// The id: the month in which the text stood.
    pub id: String,
    /// The text's name and date.
    pub title: String,
    /// From this day of its month on it is held to have stood, until the next: the first, where
    /// no more is known; UTC.
    #[serde(deserialize_with = "crate::file::moment::day")]
    pub from: Date,
    /// What else is known of the text, for those who look at it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Whether this edition answers where nobody asks for another.
    #[serde(default)]
    pub default: bool,
    /// Whether this edition is the one in force.
    #[serde(default)]
    pub in_force: bool,
    /// The first day of the restriction; UTC.
    #[serde(deserialize_with = "crate::file::moment::day")]
    pub cutoff: Date,
    /// The ports that relays take, most usual first.
    pub relay_ports: Vec<u16>,
    /// Whether the text says that relays take other ports, too.
    #[serde(default = "yes")]
    pub relay_on_other_ports: bool,
    /// When an exemption reaches a machine.
    pub effect: Effect,
    /// Whether a delegated subnet needs a temporary subnet added and removed.
    #[serde(default)]
    pub delegated_subnet_needs_temporary: bool,
    /// Whether the text says that an exemption covers virtual machines' traffic and nothing else's;
    /// where it names App Service, that is said by `app_service`.
    #[serde(default)]
    pub exemption_covers_machines_only: bool,
    /// Azure Firewall.
    pub azure_firewall: FirewallRule,
    /// App Service and Functions.
    pub app_service: AppServiceRule,
    /// The way to each channel that a row names.
    #[serde(default, rename = "channel")]
    pub channels: BTreeMap<Channel, ChannelPath>,
    /// The way to support for those who are still stuck, step by step; empty where none is named.
    #[serde(default)]
    pub support: Vec<String>,
    /// The pages other than the article that statements are of.
    #[serde(default, rename = "source")]
    pub sources: BTreeMap<SourceName, Page>,
    /// What the edition says on each subject.
    #[serde(default)]
    pub topics: BTreeMap<Topic, Vec<StatementId>>,
    /// Settings whose default differs in this edition.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// The statements: those of `statements.toml` that it cites, and those of its own file.
    #[serde(default, rename = "statement")]
    pub statements: Vec<Statement>,
    /// The rows of the offers that it names.
    #[serde(rename = "offer")]
    pub rules: Vec<OfferRule>,
    /// The row for the offers that it does not name; every decision by it is assumed. Empty where
    /// it names every one.
    #[serde(default)]
    pub unnamed: OfferRule,
}

const fn yes() -> bool {
    true
}

/// What is wrong with an edition file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditionError {
    /// It is not the TOML that an edition is made of.
    #[error("edition `{file}`: {error}")]
    Syntax {
        /// The file's name.
        file: String,
        /// What the reader said, with the place.
        error: toml::de::Error,
    },
    /// Something in it does not fit.
    #[error("edition `{file}`: {what}")]
    Invalid {
        /// The file's name.
        file: String,
        /// What does not fit and what was expected.
        what: String,
    },
    /// No edition has this id.
    #[error("`{id}` is no edition; the editions are: {known}")]
    Unknown {
        /// What was asked for.
        id: String,
        /// The known ids.
        known: String,
    },
}

impl Edition {
    /// An offer's row, and whether the edition names the offer.
    #[must_use]
    pub fn rule(&self, offer: Offer) -> (&OfferRule, bool) {
        self.rules
            .iter()
            .find(|rule| rule.offers.contains(&offer))
            .map_or((&self.unnamed, false), |rule| (rule, true))
    }

    /// Every row, the one for the offers that it does not name last.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &OfferRule> {
        self.rules.iter().chain([&self.unnamed])
    }

    /// Every statement that a topic or a row rests on.
    pub(crate) fn all_cited(&self) -> BTreeSet<&StatementId> {
        let by_rows = self.rows().flat_map(|row| row.cites.all());
        self.topics.values().flatten().chain(by_rows).collect()
    }

    /// What the edition says on a subject.
    #[must_use]
    pub fn topic(&self, topic: Topic) -> &[StatementId] {
        self.topics.get(&topic).map_or(&[], Vec::as_slice)
    }

    /// The way to a channel, step by step; empty where no row asks by it.
    #[must_use]
    pub fn steps(&self, channel: Channel) -> &[String] {
        self.channels.get(&channel).map_or(&[], |path| &path.steps)
    }

    /// The statement with an id.
    #[must_use]
    pub fn statement(&self, id: &str) -> Option<&Statement> {
        self.statements.iter().find(|statement| statement.id.as_str() == id)
    }

    /// The settings as this edition has them where nobody sets any.
    ///
    /// # Errors
    /// The edition sets a setting that does not exist, or to a value that it does not take.
    pub fn default_settings(&self) -> Result<Settings, SettingError> {
        Settings::default().with(&self.settings)
    }

    /// Statements of this edition, with the texts that say them.
    #[must_use]
    pub fn cite(&self, ids: &[StatementId]) -> Vec<Cited> {
        let source = |id: &StatementId| {
            self.statement(id.as_str()).map(|found| found.source.clone()).unwrap_or_default()
        };
        ids.iter().map(|id| Cited { statement: id.clone(), source: source(id) }).collect()
    }

    /// Statements of this edition as a person reads them.
    #[must_use]
    pub fn cited(&self, ids: &[StatementId]) -> String {
        cited_text(&self.cite(ids))
    }

    /// A statement's text as a person reads it: one of another page than the article with the
    /// page's name and date.
    #[must_use]
    pub fn quoted(&self, statement: &Statement) -> String {
        let text = &statement.text;
        if statement.source.is_article() {
            return text.clone();
        }
        let page = self.sources.get(&statement.source).map_or_else(String::new, Page::to_string);
        format!("{text} (Source: {}{page}; not the article)", statement.source)
    }
}
