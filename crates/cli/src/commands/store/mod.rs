//! The exemption store from the command line: `exemption`, `vm`, `subscription`, `log`, `store`.

mod admin;
mod exemption;
mod inventory;
mod log;
mod place;
mod portal;
mod record;
mod rows;
mod subscription;
mod vm;

use crate::say::console::Console;
use crate::say::failure::Failure;

pub use crate::args::store::{
    ExemptionCommand, LogArgs, StoreCommand, SubscriptionCommand, VmCommand,
};
pub(crate) use admin::folder_of;
pub use inventory::inventory;
pub(crate) use place::{begin, genesis};
pub use place::{default_path, open};

/// Runs `exemption …`.
///
/// # Errors
/// The store can't be used, or the state machines forbid it.
pub fn exemption(command: &ExemptionCommand, console: &mut Console) -> Result<(), Failure> {
    exemption::run(command, console)
}

/// Runs `vm …`.
///
/// # Errors
/// The store can't be used, or the state machines forbid it.
pub fn vm(command: &VmCommand, console: &mut Console) -> Result<(), Failure> {
    vm::run(command, console)
}

/// Runs `subscription …`.
///
/// # Errors
/// The store can't be used, or the state machines forbid it.
pub fn subscription(command: &SubscriptionCommand, console: &mut Console) -> Result<(), Failure> {
    subscription::run(command, console)
}

/// Runs `log`.
///
/// # Errors
/// The store can't be read.
pub fn log(args: &LogArgs, console: &mut Console) -> Result<(), Failure> {
    log::run(args, console)
}

/// Runs `store …`.
///
/// # Errors
/// The store can't be used, or isn't sound.
pub fn store(command: &StoreCommand, console: &mut Console) -> Result<(), Failure> {
    admin::run(command, console)
}
