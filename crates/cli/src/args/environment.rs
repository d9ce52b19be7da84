//! Gives every flag an environment variable, named by command and flag: `check --to` may also come
//! from `EGRESS25_CHECK_TO`. The flags of every command (`--color`, `--quiet`) have no command in
//! theirs.

use std::ffi::{OsStr, OsString};

use clap::builder::{BoolishValueParser, PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

/// What the names of all variables begin with.
const PREFIX: &str = "EGRESS25";

/// How many letters of a name may be wrong for it to count as one that was mistyped.
const NEAR: usize = 2;

/// Adds the variables to a program and to everything below it. A flag of every command that is
/// typed anywhere gets none: clap would read its variable wherever it is not typed.
pub(crate) fn attach(program: Command, arguments: &[OsString]) -> Command {
    let is_typed_global = |arg: &Arg| arg.is_global_set() && is_typed(arg, arguments);
    below(program, PREFIX, &is_typed_global)
}

fn below(command: Command, prefix: &str, is_left_out: &impl Fn(&Arg) -> bool) -> Command {
    let command = command.mut_args(|arg| match is_left_out(&arg) {
        true => arg,
        false => with_variable(arg, prefix),
    });
    command.mut_subcommands(|command| {
        let prefix = variable(prefix, command.get_name());
        below(command, &prefix, is_left_out)
    })
}

/// What the variables say that a command may read.
pub(crate) fn values() -> impl Iterator<Item = String> {
    let ours = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(PREFIX));
    ours.map(|(_, value)| value.to_string_lossy().into_owned())
}

/// The commands that were typed, from the program on, as far as the words tell.
pub(crate) fn typed_commands<'a>(program: &'a Command, arguments: &[OsString]) -> Vec<&'a Command> {
    let mut path = vec![program];
    let mut below = program;
    while let Some(found) = arguments.iter().find_map(|word| below.find_subcommand(word)) {
        path.push(found);
        below = found;
    }
    path
}

/// Whether a flag stands among the arguments. What is behind `--` is another program's.
fn is_typed(arg: &Arg, arguments: &[OsString]) -> bool {
    let long = arg.get_long().map(|long| format!("--{long}"));
    let short = arg.get_short().map(|short| format!("-{short}"));
    arguments.iter().take_while(|word| *word != "--").any(|word| {
        let word = word.to_string_lossy();
        let flag = word.split_once('=').map_or(word.as_ref(), |(flag, _)| flag);
        [&long, &short].into_iter().flatten().any(|name| name == flag)
    })
}

/// The error that blames a flag for what its variable says blames the variable. `path` are the
/// commands that were typed, from the program on.
pub(crate) fn blame_variables(
    mut error: clap::Error,
    path: &[&Command],
    arguments: &[OsString],
) -> clap::Error {
    let flags: Vec<_> = path.iter().flat_map(|command| command.get_arguments()).collect();
    let blamed = |flag: &String| {
        let arg = flags.iter().find(|arg| arg.to_string() == *flag)?;
        let variable = arg.get_env().filter(|name| std::env::var_os(name).is_some())?;
        let is_read = !is_typed(arg, arguments);
        is_read.then(|| format!("{} (the variable of {flag})", variable.display()))
    };
    let blame = |flag: &String| blamed(flag).unwrap_or_else(|| flag.clone());
    for kind in [ContextKind::InvalidArg, ContextKind::PriorArg] {
        let value = match error.get(kind) {
            Some(ContextValue::String(flag)) => ContextValue::String(blame(flag)),
            Some(ContextValue::Strings(flags)) => {
                ContextValue::Strings(flags.iter().map(blame).collect())
            }
            _ => continue,
        };
        error.insert(kind, value);
    }
    error
}

fn variable(prefix: &str, name: &str) -> String {
    format!("{prefix}_{}", name.replace('-', "_").to_uppercase())
}

fn with_variable(arg: Arg, prefix: &str) -> Arg {
    let Some(variable) = arg.get_long().map(|long| variable(prefix, long)) else { return arg };
    match arg.get_action() {
        ArgAction::Set | ArgAction::Append => arg.env(variable).hide_env_values(true),
        ArgAction::SetTrue => arg.env(variable).hide_env_values(true).value_parser(FlagWord),
        _ => arg,
    }
}

/// The word of a flag's variable. One that is neither yes nor no stands for no here: whether it
/// counts at all is known when all that was typed is, and [`refuse_bad_words`] looks then.
#[derive(Debug, Clone, Copy)]
struct FlagWord;

impl TypedValueParser for FlagWord {
    type Value = bool;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<bool, clap::Error> {
        Ok(BoolishValueParser::new().parse_ref(command, arg, value).unwrap_or(false))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(["true", "false"].into_iter().map(PossibleValue::new)))
    }
}

/// The commands that were typed, from the program on, each with what was read for it.
fn typed<'a>(program: &'a Command, matches: &'a ArgMatches) -> Vec<(&'a Command, &'a ArgMatches)> {
    let mut typed = vec![(program, matches)];
    let (mut command, mut matches) = (program, matches);
    while let Some((name, read)) = matches.subcommand()
        && let Some(found) = command.find_subcommand(name)
    {
        (command, matches) = (found, read);
        typed.push((command, matches));
    }
    typed
}

/// Refuses the word of a flag's variable that is neither yes nor no, where the flag is not typed.
///
/// # Errors
/// There is one; the error names the variable.
pub(crate) fn refuse_bad_words(program: &Command, matches: &ArgMatches) -> Result<(), clap::Error> {
    for (command, matches) in typed(program, matches) {
        let flags = command.get_arguments().filter(|arg| {
            matches!(arg.get_action(), ArgAction::SetTrue)
                && matches.value_source(arg.get_id().as_str()) == Some(ValueSource::EnvVariable)
        });
        for variable in flags.filter_map(Arg::get_env) {
            let Some(word) = std::env::var_os(variable) else { continue };
            if BoolishValueParser::new().parse_ref(program, None, &word).is_err() {
                let (variable, word) = (variable.display(), word.display());
                let what = format!("the variable {variable} is `{word}`; expected yes or no");
                return Err(program.clone().error(ErrorKind::ValueValidation, what));
            }
        }
    }
    Ok(())
}

/// Whether notes are unwanted, as far as can be told where the arguments do not parse.
pub(crate) fn is_quiet(program: &Command, arguments: &[OsString]) -> bool {
    program.get_arguments().filter(|arg| arg.get_id() == "quiet").any(|arg| {
        let word = arg.get_env().and_then(std::env::var_os);
        let parsed = word.map(|word| BoolishValueParser::new().parse_ref(program, None, &word));
        is_typed(arg, arguments) || matches!(parsed, Some(Ok(true)))
    })
}

/// A variable that some command reads: its name, its flag as old names have it, and whether a
/// command reads it that was typed.
struct KnownVariable {
    name: String,
    flag: String,
    is_typed: bool,
}

fn known(command: &Command, path: &[&Command], all: &mut Vec<KnownVariable>) {
    let is_typed = path.iter().any(|typed| std::ptr::eq(*typed, command));
    for arg in command.get_arguments() {
        if let (Some(name), Some(long)) = (arg.get_env().and_then(OsStr::to_str), arg.get_long()) {
            all.push(KnownVariable {
                name: name.to_owned(),
                flag: variable(PREFIX, long),
                is_typed,
            });
        }
    }
    for below in command.get_subcommands() {
        known(below, path, all);
    }
}

/// The variables that no command reads and that were meant for one, as it seems, each with the name
/// that was meant: a name of 0.1.0, which had no command in it, or one with a letter wrong.
/// `built` makes the program with every variable, if there is anything to look for.
pub(crate) fn meant(
    arguments: &[OsString],
    built: impl FnOnce() -> Command,
) -> Vec<(String, String)> {
    let ours = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let mut ours: Vec<_> = ours.filter(|name| name.starts_with("EGRESS25_")).collect();
    if ours.is_empty() {
        return Vec::new();
    }
    ours.sort();
    let program = built();
    let mut all = Vec::new();
    known(&program, &typed_commands(&program, arguments), &mut all);
    ours.retain(|name| all.iter().all(|known| known.name != *name));
    ours.into_iter().filter_map(|name| Some((name.clone(), nearest(&name, &all)?))).collect()
}

/// The name that was meant by one that nobody reads.
fn nearest(name: &str, all: &[KnownVariable]) -> Option<String> {
    // The flag `--lab` of 0.1.0 is called `--inventory`.
    let renamed = name.strip_suffix("_LAB").map(|before| format!("{before}_INVENTORY"));
    let now = renamed.as_deref().unwrap_or(name);
    let distance = |known: &KnownVariable| strsim::osa_distance(now, &known.name);
    let fits = |known: &&KnownVariable| known.flag == now || distance(known) <= NEAR;
    let order = |known: &&KnownVariable| (!known.is_typed, distance(known));
    let found = all.iter().filter(fits).min_by_key(order)?;
    // Which command's it is to be, nobody can tell who has typed another.
    let any = renamed.is_some() && found.flag == now && distance(found) > 0 && !found.is_typed;
    Some(if any { format!("{PREFIX}_COMMAND_INVENTORY") } else { found.name.clone() })
}
