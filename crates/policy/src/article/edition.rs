//! Editions: the article as it stood at a time, as data.
//!
//! An edition is a TOML file in `editions/`; a new one needs no code. Loading checks that every
//! offer is covered, that every cited id exists and that every rule is cited by something.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::article::offer::Offer;
use crate::article::settings::{SettingError, Settings};
use crate::article::statement::{Statement, StatementId, StatementKind};

/// The built-in edition files: name and text.
const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/editions.rs"));

/// Whom an offer's row restricts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Restriction {
    /// Nobody.
    Open,
    /// Subscriptions created from the cutoff day on.
    After,
    /// The text gives no date: the setting `csp_cutoff` decides.
    NoDate,
    /// Every subscription, whatever its date.
    Always,
}

/// Where an exemption is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(schemars::JsonSchema, strum::IntoStaticStr, strum::Display, strum::VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Channel {
    /// "Diagnose and solve" of a virtual network in the portal, section Connectivity.
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

    /// How to go about it, in words.
    #[must_use]
    pub const fn how(self) -> &'static str {
        match self {
            Self::Portal => {
                "in the portal, at a virtual network's Diagnose and solve, section Connectivity"
            }
            Self::Case => {
                "by a support case, Technical > Virtual Network > Connectivity > Cannot send e-mail \
                 (SMTP/Port 25)"
            }
            Self::Provider => "through the cloud solution provider, who files it",
        }
    }
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
    /// The subscription qualifies; it is enabled by itself then.
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
            Self::Qualification => "qualification; enabled by itself then",
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
    /// No removal is ever granted.
    pub never: Vec<StatementId>,
    /// What the user is told.
    pub advice: Vec<StatementId>,
    /// What is not promised.
    pub limits: Vec<StatementId>,
}

impl Citations {
    fn all(&self) -> impl Iterator<Item = &StatementId> {
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferRule {
    /// The offers that the row is for.
    pub offers: Vec<Offer>,
    /// Whom it restricts.
    pub restriction: Restriction,
    /// Where removal is asked for; empty where it is never granted.
    #[serde(default)]
    pub request: Vec<Channel>,
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
    /// Possible, under the subscription's own rule.
    OwnRule,
}

/// What the edition says of App Service and Functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppServiceRule {
    /// Nothing.
    Silent,
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
    /// Azure Firewall.
    Firewall,
    /// App Service and Functions.
    AppService,
    /// Subnets that are delegated to a service.
    DelegatedSubnet,
    /// A change of the subscription's type from an open to a blocked one.
    TypeChange,
    /// When a change of the subscription's type, any one, takes effect.
    TypeChangeEffect,
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
    /// What the edition says on each subject.
    #[serde(default)]
    pub topics: BTreeMap<Topic, Vec<StatementId>>,
    /// Settings whose default differs in this edition.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
    /// The statements.
    #[serde(rename = "statement")]
    pub statements: Vec<Statement>,
    /// The rows of the offers that it names.
    #[serde(rename = "offer")]
    pub rules: Vec<OfferRule>,
    /// The row for the offers that it does not name; every decision by it is assumed.
    pub unnamed: OfferRule,
}

const fn yes() -> bool {
    true
}

/// What is wrong with an edition file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditionError {
    /// It is not the TOML that an edition is made of.
    #[error("edition `{file}`: {message}")]
    Syntax {
        /// The file's name.
        file: String,
        /// What the reader said, with line and column.
        message: String,
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
    /// Reads an edition from the text of its file.
    ///
    /// # Errors
    /// What is wrong with it: syntax, an uncovered offer, an id that dangles.
    pub fn parse(file: &str, text: &str) -> Result<Self, EditionError> {
        let edition: Self = toml::from_str(text).map_err(|error| EditionError::Syntax {
            file: file.to_owned(),
            message: error.to_string(),
        })?;
        edition.check().map_err(|what| EditionError::Invalid { file: file.to_owned(), what })?;
        Ok(edition)
    }

    /// Every built-in edition, oldest first.
    ///
    /// # Errors
    /// What is wrong with the first bad file.
    pub fn all() -> Result<&'static [Arc<Self>], EditionError> {
        static ALL: OnceLock<Result<Vec<Arc<Edition>>, EditionError>> = OnceLock::new();
        let all = ALL.get_or_init(|| {
            BUILT_IN.iter().map(|(file, text)| Self::parse(file, text).map(Arc::new)).collect()
        });
        match all {
            Ok(editions) => Ok(editions),
            Err(error) => Err(error.clone()),
        }
    }

    /// The built-in edition with an id.
    ///
    /// # Errors
    /// No edition has it.
    pub fn named(id: &str) -> Result<Arc<Self>, EditionError> {
        Self::find(|edition| edition.id == id, id)
    }

    /// The edition that answers where nobody asks for another: 2020-12.
    ///
    /// # Errors
    /// No built-in edition is the default.
    pub fn default_edition() -> Result<Arc<Self>, EditionError> {
        Self::find(|edition| edition.default, "default")
    }

    /// The edition in force.
    ///
    /// # Errors
    /// No built-in edition is in force.
    pub fn in_force() -> Result<Arc<Self>, EditionError> {
        Self::find(|edition| edition.in_force, "in-force")
    }

    fn find(want: impl Fn(&Self) -> bool, id: &str) -> Result<Arc<Self>, EditionError> {
        let all = Self::all()?;
        all.iter().find(|edition| want(edition)).cloned().ok_or_else(|| EditionError::Unknown {
            id: id.to_owned(),
            known: all.iter().map(|edition| edition.id.as_str()).collect::<Vec<_>>().join(", "),
        })
    }

    /// An offer's row, and whether the edition names the offer.
    #[must_use]
    pub fn rule(&self, offer: Offer) -> (&OfferRule, bool) {
        self.rules
            .iter()
            .find(|rule| rule.offers.contains(&offer))
            .map_or((&self.unnamed, false), |rule| (rule, true))
    }

    /// What the edition says on a subject.
    #[must_use]
    pub fn topic(&self, topic: Topic) -> &[StatementId] {
        self.topics.get(&topic).map_or(&[], Vec::as_slice)
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

    fn check(&self) -> Result<(), String> {
        if self.schema != 1 {
            return Err(format!("`schema` is {}; this program reads 1", self.schema));
        }
        self.check_offers()?;
        self.check_statements()?;
        self.default_settings().map_err(|error| error.to_string())?;
        if self.relay_ports.is_empty() || self.relay_ports.contains(&crate::SMTP_PORT) {
            return Err("`relay_ports` needs at least one port, and not 25".to_owned());
        }
        Ok(())
    }

    fn check_offers(&self) -> Result<(), String> {
        let rows = || self.rules.iter().chain([&self.unnamed]);
        for offer in Offer::ALL {
            match rows().filter(|row| row.offers.contains(offer)).count() {
                1 => {}
                0 => return Err(format!("offer `{offer}` is not covered; add it to a row")),
                rows => return Err(format!("offer `{offer}` stands in {rows} rows; keep one")),
            }
        }
        for row in rows() {
            if row.restriction == Restriction::Open && !row.request.is_empty() {
                let offer = row.offers.first().map_or("?", |offer| offer.name());
                return Err(format!("offer `{offer}` is open, so there is nothing to `request`"));
            }
        }
        Ok(())
    }

    fn check_statements(&self) -> Result<(), String> {
        let mut known = BTreeSet::new();
        for statement in &self.statements {
            if !known.insert(&statement.id) {
                return Err(format!("statement `{}` stands twice", statement.id));
            }
        }
        let rows = self.rules.iter().chain([&self.unnamed]).flat_map(|row| row.cites.all());
        let cited: BTreeSet<_> = self.topics.values().flatten().chain(rows).collect();
        if let Some(id) = cited.difference(&known).next() {
            return Err(format!("`{id}` is cited, but there is no such statement"));
        }
        let idle = |statement: &&Statement| {
            matches!(statement.kind, StatementKind::Rule | StatementKind::Lifecycle)
                && !cited.contains(&statement.id)
        };
        if let Some(statement) = self.statements.iter().find(idle) {
            return Err(format!("statement `{}` is cited by no row and no topic", statement.id));
        }
        Ok(())
    }
}
