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

use egress25_exemption_store::{LogError, StoreError};

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

/// The exit code that goes with an error of the store: 2 where the user pointed at something that
/// isn't there or isn't ours, or gave a time that can't be; 1 where something failed or was
/// refused.
#[must_use]
pub const fn exit_code(error: &StoreError) -> u8 {
    match error {
        StoreError::Log(
            LogError::NotFound { .. }
            | LogError::Exists { .. }
            | LogError::NotAStore { .. }
            | LogError::Newer { .. }
            | LogError::Older { .. },
        )
        | StoreError::Backdated { .. }
        | StoreError::Genesis { .. }
        | StoreError::Inventory(_)
        | StoreError::Import { .. } => Failure::BAD_INPUT,
        _ => Failure::FAILED,
    }
}
