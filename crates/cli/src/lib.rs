//! The command line of egress25: arguments in, tables and JSON out.
//!
//! Arguments are read as typed ([`args`]), resolved into plain structures, and handed to the
//! functions that answer. This crate is the only one of the project that prints, reads the
//! clock or reads the environment.

pub mod args;
pub mod bench_cmd;
pub mod check;
pub mod completions;
pub mod console;
pub mod deployment;
pub mod edition;
mod environment;
pub mod explain;
pub mod failure;
pub mod input;
pub mod lab_cmd;
pub mod lab_input;
pub mod man;
pub mod matrix;
pub mod output;
pub mod policy_cmd;
pub mod replay;
pub mod schema;
pub mod signals;
pub mod store_cmd;
pub mod validate;
pub mod written;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use crate::args::{Cli, Command, PolicyCommand};
use crate::console::Console;
use crate::failure::Failure;

/// The version of the layout of every machine-readable output.
pub const SCHEMA_VERSION: u32 = 1;

/// The whole command, with an environment variable for every flag.
#[must_use]
pub fn command() -> clap::Command {
    environment::attach(Cli::command())
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the program with some arguments, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = command()
        .try_get_matches_from(arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout and are no errors; a closed pipe is none either.
            let code = if error.use_stderr() { Failure::BAD_INPUT } else { Failure::DONE };
            return match error.print() {
                Err(broken) if broken.kind() != std::io::ErrorKind::BrokenPipe => {
                    ExitCode::from(Failure::FAILED)
                }
                _ => ExitCode::from(code),
            };
        }
    };
    let mut console = Console::new(cli.color, cli.quiet);
    let outcome = dispatch(cli.command, &mut console);
    // What was written before a failure is seen before it is told.
    let flushed = console.flush();
    let code_of = |result: &Result<(), Failure>| match result {
        Ok(()) => Failure::DONE,
        Err(failure) => {
            console.report(failure);
            failure.exit_code()
        }
    };
    // What could not be written is told once.
    let told = outcome.as_ref().err().map(ToString::to_string);
    let flushed = flushed.or_else(|failure| match told {
        Some(told) if told == failure.to_string() => Ok(()),
        _ => Err(failure),
    });
    // An answer that could not be written is no answer, be it the expected one or not.
    ExitCode::from(match (code_of(&outcome), code_of(&flushed)) {
        (Failure::DONE | Failure::DIFFERS, Failure::FAILED) => Failure::FAILED,
        (code, _) => code,
    })
}

fn dispatch(command: Command, console: &mut Console) -> Result<(), Failure> {
    match command {
        Command::Check(args) => check::run(&args, console),
        Command::Replay(args) => replay::run(&args, console),
        Command::Bench(args) => bench_cmd::run(&args, console),
        Command::Explain(args) => explain::run(&args, console),
        Command::Matrix(args) => matrix::run(&args, console),
        Command::Policy(PolicyCommand::List(args)) => policy_cmd::list::run(&args, console),
        Command::Policy(PolicyCommand::Show(args)) => policy_cmd::show::run(&args, console),
        Command::Policy(PolicyCommand::Diff(args)) => policy_cmd::diff::run(&args, console),
        Command::Policy(PolicyCommand::Trace(args)) => policy_cmd::trace::run(&args, console),
        Command::Lab(command) => lab_cmd::run(&command, console),
        Command::Export(command) => lab_cmd::run_export(&command, console),
        Command::Filter(args) => lab_cmd::run_filter(&args, console),
        Command::Exemption(command) => store_cmd::exemption(&command, console),
        Command::Vm(command) => store_cmd::vm(&command, console),
        Command::Subscription(command) => store_cmd::subscription(&command, console),
        Command::Log(args) => store_cmd::log(&args, console),
        Command::Store(command) => store_cmd::store(&command, console),
        Command::Validate(args) => validate::run(&args, console),
        Command::Schema(args) => schema::run(&args, console),
        Command::Completions(args) => completions::run(&args, console),
        Command::Man(args) => man::run(&args, console),
    }
}
