//! `exemption …`.

mod next_steps;
mod portal;
mod request;
mod show;

use egress25_policy::{EventKind, SubscriptionName};

use crate::args::exemption::ExemptionCommand;
use crate::args::store::NamedArgs;
use crate::say::console::Console;
use crate::say::failure::Failure;

use crate::commands::store::open;
use crate::commands::store::record::record;

/// Runs `exemption …`.
///
/// # Errors
/// The store can't be used, or the state machines forbid it.
pub fn run(command: &ExemptionCommand, console: &mut Console) -> Result<(), Failure> {
    let name = |named: &NamedArgs| SubscriptionName::from(named.name.as_str());
    let (named, kind) = match command {
        ExemptionCommand::List(args) => return show::list(args, console),
        ExemptionCommand::Show(args) => return show::show(args, console),
        ExemptionCommand::Request(args) => return request::request(args, console),
        ExemptionCommand::Grant(named) => {
            (named, EventKind::ExemptionGranted { subscription: name(named) })
        }
        ExemptionCommand::FurtherSteps(named) => {
            (named, EventKind::ExemptionFurtherSteps { subscription: name(named) })
        }
        ExemptionCommand::Refuse(named) => {
            (named, EventKind::ExemptionRefused { subscription: name(named) })
        }
        ExemptionCommand::Revoke(named) => {
            (named, EventKind::ExemptionRevoked { subscription: name(named) })
        }
    };
    let mut store = open(&named.place)?;
    let name = name(named);
    record(named, &mut store, vec![kind], console, |world| {
        (
            next_steps::headline(world, &name),
            next_steps::next_steps(world, &name, &[], &named.place),
        )
    })
}
