//! Why a file is no export that an inventory can be made of.

use egress25_policy::Offer;

/// What a file is instead of an export, where that is recognised by its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::VariantArray)]
pub enum NotAnExport {
    /// An ARM template, compiled Bicep among them.
    ArmTemplate,
    /// Source text of Bicep.
    Bicep,
    /// Source text of Terraform.
    TerraformSource,
    /// A flow log.
    FlowLog,
    /// An inventory, or another TOML file.
    Toml,
    /// A billing subscription.
    Billing,
    /// What service tags stand for.
    ServiceTags,
    /// An answer of Network Watcher to one question.
    NetworkWatcher,
    /// The output of `az vm list-ip-addresses`.
    AddressList,
    /// An error that the API answered.
    ApiError,
}

impl NotAnExport {
    /// What it is, and what to do about it.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::ArmTemplate => {
                "is an ARM template: it says what is to be deployed, with parameters, and not what \
                 is there; deploy it (`az deployment group create`) and export the resources"
            }
            Self::Bicep => {
                "is Bicep: it says what is to be deployed, and not what is there; deploy it (`az \
                 deployment group create`) and export the resources"
            }
            Self::TerraformSource => {
                "is Terraform's source text; give its state, or what `terraform show -json` prints"
            }
            Self::FlowLog => {
                "is a flow log: it says what went by, and not what is there; what security groups \
                 decided is in it, and nothing of the platform's filter"
            }
            Self::Toml => {
                "is TOML, as an inventory is, and nothing to import; `egress25 validate` checks one"
            }
            Self::Billing => {
                "is a billing subscription, which has no quotaId; what `az rest --url \
                 /subscriptions/ID?api-version=2022-12-01` answers has one"
            }
            Self::ServiceTags => {
                "says what service tags stand for; name it in the inventory: `service_tag_file = \
                 \"FILE\"`"
            }
            Self::NetworkWatcher => {
                "is an answer of Network Watcher to one question, and says too little of what is \
                 there; `az network nic list`, `az vm list -d` and `az network vnet list` do"
            }
            Self::AddressList => {
                "is from `az vm list-ip-addresses`, which leaves out the subnets; `az network nic \
                 list` has them"
            }
            Self::ApiError => "is an error that Azure answered, and no export; see what it says",
        }
    }
}

/// Which files say something, or that one does at two places.
fn of_which(one: &str, other: &str) -> String {
    match one == other {
        true => format!("`{one}` says, at two places,"),
        false => format!("`{one}` and `{other}` say"),
    }
}

/// Why nothing was imported. No message repeats what a file holds but ids and names: there may be
/// secrets in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ImportError {
    /// A file has more values than are kept in memory.
    #[error("`{file}` has more than {most} values: export fewer subscriptions at once")]
    TooLong {
        /// The file.
        file: String,
        /// The most that it may have.
        most: usize,
    },
    /// There is nothing in it.
    #[error("`{file}` is empty: did the command that was to write it fail?")]
    Empty {
        /// The file.
        file: String,
    },
    /// Several files are bad.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<Self>),
    /// It is no JSON.
    #[error(
        "`{file}` is no JSON (line {line}, column {column}); expected an export of Azure: Resource \
         Graph, `az ... list`, an answer of the API, or Terraform's state"
    )]
    NoJson {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// It is something else that is known.
    #[error("`{file}` {}", .what.advice())]
    NotAnExport {
        /// The file.
        file: String,
        /// What it is.
        what: NotAnExport,
    },
    /// It is nothing that is known.
    #[error(
        "`{file}` is no export of Azure that is known: expected resources with ids, as Resource \
         Graph, `az ... list`, the API or Terraform's state have them"
    )]
    Unknown {
        /// The file.
        file: String,
    },
    /// It ends before what was asked for does.
    #[error(
        "`{file}` is a part of an export: {of}; give the other pages, too, or export with paging \
         (`scripts/azure-export.sh` does)"
    )]
    Cut {
        /// The file.
        file: String,
        /// How that shows.
        of: Missing,
    },
    /// Two files, or two places of one, are of two moments.
    #[error(
        "{} different things of `{id}`: they are of two moments, and what they are together never was; \
         give the files of one export",
        of_which(one, other)
    )]
    Differs {
        /// The file that comes first.
        one: String,
        /// The other one.
        other: String,
        /// The id of the resource.
        id: String,
    },
    /// There is nothing in it that an inventory has.
    #[error(
        "{files}: {resources} resources, and none that an inventory has anything of: expected \
         subscriptions, virtual networks, machines and what belongs to them"
    )]
    Nothing {
        /// The files.
        files: String,
        /// How many there are.
        resources: usize,
    },
    /// A flag names a subscription that is not in the export.
    #[error("there is no subscription `{name}` in the export; there are: {known}")]
    NoSuchSubscription {
        /// The name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// A flag tells another offer than the quotaId does.
    #[error(
        "subscription `{name}` is said to be of `{told}`, and its quotaId `{quota_id}` serves: \
         {serves}"
    )]
    AnotherOffer {
        /// The subscription.
        name: String,
        /// The offer that the flag tells.
        told: Offer,
        /// Its quotaId.
        quota_id: String,
        /// The offers that have it.
        serves: String,
    },
    /// Effective routes are said to be of an interface that is not in the export.
    #[error("there is no network interface `{name}` in the export, or several have that name")]
    NoSuchInterface {
        /// The name.
        name: String,
    },
}

/// How it shows that something is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// There are more rows than the file has.
    #[error("it has {has} of {all} rows")]
    Rows {
        /// Those in it.
        has: u64,
        /// Those that there are.
        all: u64,
    },
    /// It says where the next page is.
    #[error("it says where the next page is (`{0}`)")]
    NextPage(&'static str),
    /// It says how the next page is asked for.
    #[error("it says how the next page is asked for (`$skipToken`)")]
    SkipToken,
    /// It says that it was cut.
    #[error("it says that it was cut (`resultTruncated`)")]
    Truncated,
}
