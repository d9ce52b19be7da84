//! Gives every flag an environment variable, named by command and flag: `check --to` may also come
//! from `EGRESS25_CHECK_TO`. The flags of every command (`--color`, `--quiet`) have no command in
//! theirs.

use clap::builder::BoolishValueParser;
use clap::{Arg, ArgAction, Command};

/// Adds the variables to a program and to everything below it.
pub(crate) fn attach(program: Command) -> Command {
    below(program, "EGRESS25")
}

fn below(command: Command, prefix: &str) -> Command {
    let command = command.mut_args(|arg| with_variable(arg, prefix));
    command.mut_subcommands(|command| {
        let prefix = variable(prefix, command.get_name());
        below(command, &prefix)
    })
}

fn variable(prefix: &str, name: &str) -> String {
    format!("{prefix}_{}", name.replace('-', "_").to_uppercase())
}

fn with_variable(arg: Arg, prefix: &str) -> Arg {
    let Some(variable) = arg.get_long().map(|long| variable(prefix, long)) else { return arg };
    match arg.get_action() {
        ArgAction::Set | ArgAction::Append => arg.env(variable).hide_env_values(true),
        // What is no yes and no no is an error, as a misspelt flag is.
        ArgAction::SetTrue => {
            arg.env(variable).hide_env_values(true).value_parser(BoolishValueParser::new())
        }
        _ => arg,
    }
}
