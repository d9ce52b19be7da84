//! `lab`: networks of namespaces with the filter in force.

mod events;
mod hosts;
mod left_over;
mod ls;
mod owner;
mod place;
mod requests;
mod run;
mod scenario;
mod theatre;
mod up;

use crate::say::console::Console;
use crate::say::failure::Failure;

pub use owner::run as own;
pub use scenario::check_scenario;

use crate::args::lab::LabCommand;

/// Runs a command below `lab`.
///
/// # Errors
/// As the command says.
pub fn run(command: &LabCommand, console: &mut Console) -> Result<(), Failure> {
    match command {
        LabCommand::Up(args) => up::run(args, console),
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
