//! Gives every flag an environment variable: `--to` may also come from `EGRESS25_TO`.

use clap::builder::FalseyValueParser;
use clap::{Arg, ArgAction, Command};

/// The environment variable of a flag.
pub(crate) fn variable(long: &str) -> String {
    format!("EGRESS25_{}", long.replace('-', "_").to_uppercase())
}

/// Adds the variables to a command and everything below it.
pub(crate) fn attach(command: Command) -> Command {
    command.mut_args(with_variable).mut_subcommands(attach)
}

fn with_variable(arg: Arg) -> Arg {
    let Some(variable) = arg.get_long().map(variable) else { return arg };
    match arg.get_action() {
        ArgAction::Set | ArgAction::Append => arg.env(variable).hide_env_values(true),
        ArgAction::SetTrue => {
            arg.env(variable).hide_env_values(true).value_parser(FalseyValueParser::new())
        }
        _ => arg,
    }
}
