//! The commands that enforce: `lab`, `export`, `filter`.

mod events;
mod export;
mod filter;
mod ls;
mod owner;
mod requests;
mod run;
mod scenario;
mod store;
mod theatre;
mod up;
mod world;

use std::path::{Path, PathBuf};

use egress25_lab::control::client::Client;
use egress25_lab::control::place;
use egress25_lab::error::LabError;

use crate::say::console::Console;
use crate::say::failure::Failure;

pub use scenario::check_scenario;

use crate::args::lab::{AtArgs, ExportCommand, FilterArgs, LabCommand};

/// Runs a command below `lab`.
///
/// # Errors
/// As the command says.
pub fn run(command: &LabCommand, console: &mut Console) -> Result<(), Failure> {
    match command {
        LabCommand::Up(args) => up::run(args, console),
        LabCommand::Own(args) => owner::run(args, console),
        LabCommand::Down(at) => up::down(at, console),
        LabCommand::Ls(args) => ls::run(args, console),
        LabCommand::Inspect(args) => requests::inspect(args, console),
        LabCommand::Exec(args) => requests::exec(args, console),
        LabCommand::Events(args) => events::run(args, console),
        LabCommand::Graph(args) => requests::graph(args, console),
        LabCommand::Vm(args) => requests::vm(args, console),
        LabCommand::Event(args) => requests::event(args, console),
        LabCommand::Capture(args) => events::capture(args, console),
        LabCommand::Connect(args) => requests::connect(args, console),
        LabCommand::Run(args) => run::run(args, console),
        LabCommand::Crash(at) => requests::crash(at, console),
    }
}

/// Runs a command below `export`.
///
/// # Errors
/// The lab is bad, or nobody reads the output.
pub fn run_export(command: &ExportCommand, console: &mut Console) -> Result<(), Failure> {
    export::run(command, console)
}

/// Runs `filter`.
///
/// # Errors
/// The lab is bad, or the filter cannot be put in force.
pub fn run_filter(args: &FilterArgs, console: &mut Console) -> Result<(), Failure> {
    filter::run(args, console)
}

/// What a failure of the lab means to the user.
#[expect(clippy::needless_pass_by_value, reason = "it is used in `map_err`")]
fn failed(error: LabError) -> Failure {
    match error {
        LabError::Input { .. } | LabError::NoSuchNode { .. } | LabError::BadRequest(_) => {
            Failure::Usage(error.to_string())
        }
        _ => Failure::Internal(error.to_string()),
    }
}

/// The folder of a lab. It is worked out once and handed on: in a user namespace everybody is
/// root.
fn folder(at: &AtArgs) -> Result<PathBuf, Failure> {
    let name = place::name(&at.name).map_err(failed)?;
    Ok(run_dir(at.run_dir.as_deref()).join(name))
}

/// The folder around labs' folders.
fn run_dir(given: Option<&Path>) -> PathBuf {
    let base = given.map(Path::to_owned).unwrap_or_else(|| {
        std::env::var_os("XDG_RUNTIME_DIR").map_or_else(
            || std::env::temp_dir().join(format!("egress25-{}", whoami())),
            |folder| PathBuf::from(folder).join("egress25"),
        )
    });
    std::path::absolute(&base).unwrap_or(base)
}

/// The number of the user, or his name.
fn whoami() -> String {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").map_or_else(|_| "user".to_owned(), |me| me.uid().to_string())
}

fn client(at: &AtArgs) -> Result<Client, Failure> {
    Client::connect(&folder(at)?).map_err(failed)
}
