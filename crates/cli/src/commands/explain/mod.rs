//! `explain`: what a reason, a statement or a setting means.

mod example;
mod possible;
mod reading;
mod reason;
mod setting;
mod statement;

pub use example::example;

use std::str::FromStr;

use egress25_policy::{Reason, Setting, closest};
use serde::Serialize;

use crate::args::ExplainArgs;
use crate::commands::explain::reading::Reading;
use crate::commands::explain::reason::ExplainedReason;
use crate::commands::explain::setting::ExplainedSetting;
use crate::commands::explain::statement::ExplainedStatement;
use crate::read::edition;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, EditionName};

/// What was asked about.
enum Subject {
    Reasons(&'static [Reason]),
    Statement(String),
    Setting(Setting),
}

/// What the words mean.
#[derive(Debug, Serialize)]
struct Explained {
    edition: EditionName,
    reasons: Vec<ExplainedReason>,
    statements: Vec<ExplainedStatement>,
    settings: Vec<ExplainedSetting>,
}

/// Explains the word of the arguments, or all reasons.
///
/// # Errors
/// There is no such word.
pub fn run(args: &ExplainArgs, console: &mut Console) -> Result<(), Failure> {
    let (edition_id, word) = of_an_edition(args)?;
    let edition = edition::choose(edition_id, None)?;
    let settings = edition::settings(&edition, &args.edition.set)?;
    let reading = Reading { edition, settings, set: args.edition.set.clone() };
    let mut explained = Explained {
        edition: EditionName::of(&reading.edition),
        reasons: vec![],
        statements: vec![],
        settings: vec![],
    };
    let subject = match word {
        None => Subject::Reasons(Reason::ALL),
        Some(word) => find(word, &reading)?,
    };
    match subject {
        Subject::Reasons(asked) => {
            explained.reasons = reason::explain(asked, &reading)?;
            let all = &explained.reasons;
            output::rows(console, args.format, all, &explained, |console| match word {
                None => reason::table(console, all),
                Some(_) => all.iter().try_for_each(|one| one.human(console, &reading.edition.id)),
            })
        }
        Subject::Statement(id) => {
            explained.statements = vec![statement::explain(&id, &reading)?];
            let all = &explained.statements;
            output::rows(console, args.format, all, &explained, |console| {
                all.iter().try_for_each(|one| one.human(console))
            })
        }
        Subject::Setting(asked) => {
            explained.settings = vec![setting::explain(asked, &reading)?];
            let all = &explained.settings;
            output::rows(console, args.format, all, &explained, |console| {
                all.iter().try_for_each(|one| one.human(console))
            })
        }
    }
}

/// The edition and the word that are asked about. A statement may stand behind its edition's id, as
/// reports have it: `2018-11/EF1`.
fn of_an_edition(args: &ExplainArgs) -> Result<(Option<&str>, Option<&str>), Failure> {
    let asked_for = args.edition.edition.as_deref();
    let Some((id, bare)) = args.word.as_deref().and_then(|word| word.split_once('/')) else {
        return Ok((asked_for, args.word.as_deref()));
    };
    if let Some(asked_for) = asked_for
        && edition::find(asked_for)?.id != id
    {
        let text = format!("`{id}/{bare}` is of edition {id}, and --edition names another");
        return Err(Failure::Usage(text));
    }
    Ok((Some(id), Some(bare)))
}

/// What a word means: a reason, a statement of the edition or of another, or a setting.
fn find(word: &str, reading: &Reading) -> Result<Subject, Failure> {
    let tidy = word.trim().to_ascii_lowercase().replace([' ', '_'], "-");
    if let Ok(reason) = Reason::from_str(&tidy) {
        let place = reason.index();
        let one = Reason::ALL.get(place..=place).unwrap_or_default();
        return Ok(Subject::Reasons(one));
    }
    let setting = tidy.replace('-', "_");
    if let Some(setting) = Setting::named(&setting) {
        return Ok(Subject::Setting(setting));
    }
    let ids = statement::known(&reading.edition)?;
    if let Some(id) = ids.iter().find(|id| id.eq_ignore_ascii_case(word.trim())) {
        return Ok(Subject::Statement(id.clone()));
    }
    let reasons = || Reason::ALL.iter().map(|reason| reason.name());
    let settings = Setting::ALL.iter().map(|setting| (setting.name(), setting.name()));
    let named = reasons().map(|name| (name, name));
    let near = closest(&tidy, named).or_else(|| closest(&setting, settings));
    let part = |known: &&str| known.split('-').any(|part| part.len() > 3 && tidy.contains(part));
    let near = near.map_or_else(|| reasons().filter(part).collect(), |near| vec![near]);
    let hint = if near.is_empty() {
        "`egress25 explain` lists the reasons, `egress25 policy show` statements and settings"
            .to_owned()
    } else {
        format!("did you mean: {}?", near.join(", "))
    };
    Err(Failure::Usage(format!("`{word}` is no reason, statement or setting; {hint}")))
}
