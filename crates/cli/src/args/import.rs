//! The arguments of `import`.

use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;
use egress25_azure::Of;
use egress25_policy::{ExemptionState, Offer};
use jiff::civil::Date;

use crate::args::common::{DocumentFormat, ForceArgs, day};

/// A file with the effective routes of a network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutesOf {
    /// The interface, by its name or id.
    pub interface: String,
    /// The file.
    pub file: PathBuf,
}

impl FromStr for RoutesOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((interface, file)) if !interface.is_empty() && !file.is_empty() => {
                Ok(Self { interface: interface.to_owned(), file: PathBuf::from(file) })
            }
            _ => Err("expected `INTERFACE=FILE`".to_owned()),
        }
    }
}

/// Something that is told of a subscription, or of every other one.
fn of<T>(text: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Of<T>, String> {
    let (subscription, told) = match text.rsplit_once('=') {
        Some((name, told)) => (Some(name.to_owned()), told),
        None => (None, text),
    };
    Ok(Of { subscription, told: read(told)? })
}

fn named<T: FromStr<Err: Display>>(text: &str) -> Result<Of<T>, String> {
    of(text, |told| told.parse().map_err(|error: T::Err| error.to_string()))
}

fn created(text: &str) -> Result<Of<Date>, String> {
    of(text, |told| day(told).map_err(|error| error.to_string()))
}

/// The arguments of `import`.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Everything of the subscriptions that you can read, by two read-only queries:
      scripts/azure-export.sh export
      egress25 import export/* --write inventory.toml

  What az prints, in any version and casing:
      az network nic list > nics.json; az vm list -d > machines.json
      az network vnet list > networks.json
      az rest --url /subscriptions/ID?api-version=2022-12-01 > subscription.json
      egress25 import *.json --exempt granted > inventory.toml

  A Terraform state; only you know the offer and the day of creation:
      terraform show -json | egress25 import - --offer shop=EA --created shop=2019-03-01

What only you know is never guessed: where the export does not tell the offer or bound the day
of creation, the inventory is written all the same, has a comment with `GAP` there, and does not
load until it is filled in. Each gap is a warning on stderr.")]
pub struct ImportArgs {
    /// The files of the export, which belong together; `-` is stdin
    ///
    /// Each is recognised by its shape: answers of Resource Graph, of the API (`value`), lists and
    /// single resources as az prints them, the portal's view of a resource, a Terraform state or
    /// `terraform show -json`, the activity log.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,

    /// The effective routes of a network interface, which do not say whose they are (repeatable)
    #[arg(long, value_name = "INTERFACE=FILE", value_delimiter = ',')]
    pub routes: Vec<RoutesOf>,

    /// The offer of a subscription, or of all others, where its quotaId does not tell (repeatable)
    #[arg(
        long,
        value_name = "[SUBSCRIPTION=]OFFER",
        value_delimiter = ',',
        value_parser = named::<Offer>
    )]
    pub offer: Vec<Of<Offer>>,

    /// The day on which a subscription, or all others, was created, UTC (repeatable)
    #[arg(
        long,
        value_name = "[SUBSCRIPTION=]DATE",
        value_delimiter = ',',
        value_parser = created
    )]
    pub created: Vec<Of<Date>>,

    /// Where the exemption of a subscription, or of all others, stands (repeatable) [default: none]
    #[arg(
        long,
        value_name = "[SUBSCRIPTION=]STATE",
        value_delimiter = ',',
        value_parser = named::<ExemptionState>
    )]
    pub exempt: Vec<Of<ExemptionState>>,

    /// Write the inventory into this file, and what was read to stdout
    #[arg(long, value_name = "FILE")]
    pub write: Option<PathBuf>,

    /// What is in the way.
    #[command(flatten)]
    pub force: ForceArgs,

    /// How the result is written: `json` has the counts, the gaps, and the inventory as a text
    #[arg(long, value_enum, default_value_t)]
    pub format: DocumentFormat,
}
