//! The command line of egress25: arguments in, tables and JSON out.
//!
//! Arguments are read as typed ([`args`]), resolved into plain structures, and handed to the
//! functions that answer. This crate is the only one of the project that prints, reads the
//! clock or reads the environment.
#![expect(
    clippy::disallowed_methods,
    reason = "the command line reads the environment and the clock, and prints"
)]

pub mod args;
mod clock;
pub mod commands;
pub mod read;
pub mod say;
pub mod signals;
pub mod written;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches, Parser};
use egress25_policy::{acts_unseen, in_a_line, in_lines};

use crate::args::lab::OwnArgs;
use crate::args::{Cli, ColorChoice, Command, PolicyCommand, environment};
use crate::say::console::{Console, MAX_MESSAGE, shortened, to_stderr};
use crate::say::failure::Failure;

pub use args::command;
pub use say::output::SCHEMA_VERSION;

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the program with some arguments, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<_> = arguments.into_iter().collect();
    if let Err(failure) = clock::now() {
        return conclude(&Err(failure), &mut Console::new(ColorChoice::Auto, true));
    }
    if let [_, lab, own @ ..] = arguments.as_slice()
        && lab == "lab"
        && own.first().is_some_and(|word| word == "own")
    {
        return match OwnArgs::try_parse_from(own) {
            Ok(args) => {
                // Its standard error is a log.
                let mut console = Console::new(ColorChoice::Never, true);
                let outcome = commands::lab::own(&args, &mut console);
                conclude(&outcome, &mut console)
            }
            Err(error) => refuse(&error, &arguments),
        };
    }
    let program = environment::attach(Cli::command(), &arguments);
    let parsed = program.clone().try_get_matches_from(&arguments).and_then(|matches| {
        environment::refuse_bad_words(&program, &matches)?;
        Cli::from_arg_matches(&matches)
    });
    let advise = |console: &Console| {
        for (unread, name) in environment::meant(&arguments, built) {
            console.advise(&format!("the variable {unread} is not read; {name} is"));
        }
    };
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => {
            let known = built();
            let path = environment::typed_commands(&known, &arguments);
            let error = with_new_name(error, &path);
            let error = environment::blame_variables(error, &path, &arguments);
            let code = refuse(&error, &arguments);
            if error.use_stderr() {
                // Perhaps what is missing is in it.
                let quiet = environment::is_quiet(&known, &arguments);
                advise(&Console::new(ColorChoice::Never, quiet));
            }
            return code;
        }
    };
    let mut console = Console::new(cli.color, cli.quiet);
    advise(&console);
    let outcome = dispatch(cli.command, &mut console);
    conclude(&outcome, &mut console)
}

/// The program with every variable and with the flags of every command in each, as clap names them.
fn built() -> clap::Command {
    let mut program = command();
    program.build();
    program
}

/// Says what is wrong with the arguments; help and the version are no errors and go to stdout.
fn refuse(error: &clap::Error, arguments: &[OsString]) -> ExitCode {
    // A closed pipe is no error either.
    let code = if error.use_stderr() { Failure::BAD_INPUT } else { Failure::DONE };
    // What is wrong is repeated as it was typed, but for what acts unseen. With the colours of
    // clap, which takes sequences of others away with its own.
    let text = error.render().ansi().to_string();
    let typed = arguments.iter().map(|typed| typed.to_string_lossy().into_owned());
    let foreign: Vec<String> = typed.chain(environment::values()).collect();
    let acts = || foreign.iter().any(|text| text.contains(acts_unseen));
    if error.use_stderr() && (text.len() > MAX_MESSAGE || acts()) {
        to_stderr(&shortened(without(&text, &foreign), MAX_MESSAGE));
        return ExitCode::from(code);
    }
    match error.print() {
        Err(full) if full.kind() != std::io::ErrorKind::BrokenPipe && !error.use_stderr() => {
            conclude(&Err(Failure::stdout(full)), &mut Console::new(ColorChoice::Never, false))
        }
        _ => ExitCode::from(code),
    }
}

/// A text of several lines in which what acts unseen is spelt, the ends of lines, too, that
/// somebody else's texts brought into it.
fn without(text: &str, foreign: &[String]) -> String {
    let mut text = text.to_owned();
    // Of `--flag=value` the value alone may be repeated.
    let values = foreign.iter().filter_map(|typed| Some(typed.split_once('=')?.1));
    let mut all: Vec<&str> = foreign.iter().map(String::as_str).chain(values).collect();
    all.sort_by_key(|text| std::cmp::Reverse(text.len()));
    for one in all.into_iter().filter(|one| one.contains(acts_unseen)) {
        text = text.replace(one, &in_a_line(one));
    }
    in_lines(&without_colours(&text))
}

/// A text without the sequences that colour it.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('m') {
            Some((code, rest)) if code.bytes().all(|at| at.is_ascii_digit() || at == b';') => {
                plain.push_str(rest);
            }
            _ => plain.push_str(part),
        }
    }
    plain
}

/// Reports how a command has ended, and gives its exit code.
fn conclude(outcome: &Result<(), Failure>, console: &mut Console) -> ExitCode {
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
    ExitCode::from(match (code_of(outcome), code_of(&flushed)) {
        (Failure::DONE | Failure::DIFFERS, Failure::FAILED) => Failure::FAILED,
        (code, _) => code,
    })
}

/// The error of what had another name in 0.1.0, a flag or a schema, says what it is called now.
fn with_new_name(mut error: clap::Error, path: &[&clap::Command]) -> clap::Error {
    let is = |kind: ContextKind, word: &str| {
        error.get(kind) == Some(&ContextValue::String(word.to_owned()))
    };
    let Some(typed) = path.last() else { return error };
    let inventory = typed.get_arguments().find(|argument| argument.get_id() == "inventory");
    let now = match inventory.map(clap::Arg::get_long) {
        None if typed.get_name() == "schema" && is(ContextKind::InvalidValue, "lab") => {
            "`schema lab` is now `schema inventory`"
        }
        Some(Some(_)) if is(ContextKind::InvalidArg, "--lab") => {
            "`--lab FILE` is now `--inventory FILE`"
        }
        Some(None) if is(ContextKind::InvalidArg, "--lab") => {
            "what `--lab` named is now the argument INVENTORY"
        }
        _ => return error,
    };
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![now.into()]));
    error.remove(ContextKind::SuggestedArg);
    error.remove(ContextKind::SuggestedValue);
    error
}

fn dispatch(command: Command, console: &mut Console) -> Result<(), Failure> {
    match command {
        Command::Check(args) => commands::check::run(&args, console),
        Command::Replay(args) => commands::replay::run(&args, console),
        Command::Flows(args) => commands::flows::run(&args, console),
        Command::Diagnose(args) => commands::diagnose::run(&args, console),
        Command::Init(args) => commands::init::run(&args, console),
        Command::Bench(args) => commands::bench::run(&args, console),
        Command::Explain(args) => commands::explain::run(&args, console),
        Command::Matrix(args) => commands::matrix::run(&args, console),
        Command::Policy(PolicyCommand::List(args)) => commands::policy::list::run(&args, console),
        Command::Policy(PolicyCommand::Show(args)) => commands::policy::show::run(&args, console),
        Command::Policy(PolicyCommand::Diff(args)) => commands::policy::diff::run(&args, console),
        Command::Policy(PolicyCommand::Trace(args)) => commands::policy::trace::run(&args, console),
        Command::Lab(command) => commands::lab::run(&command, console),
        Command::Export(command) => commands::export::run(&command, console),
        Command::Filter(args) => commands::filter::run(&args, console),
        Command::Exemption(command) => commands::exemption::run(&command, console),
        Command::Vm(command) => commands::vm::run(&command, console),
        Command::Firewall(command) => commands::firewall::run(&command, console),
        Command::Subscription(command) => commands::subscription::run(&command, console),
        Command::Log(args) => commands::log::run(&args, console),
        Command::Store(command) => commands::store::run(&command, console),
        Command::Validate(args) => commands::validate::run(&args, console),
        Command::Import(args) => commands::import::run(&args, console),
        Command::Graph(args) => commands::graph::run(&args, console),
        Command::Schema(args) => commands::schema::run(&args, console),
        Command::Completions(args) => commands::completions::run(&args, console),
        Command::Man(args) => commands::man::run(&args, console),
    }
}
