//! What a setting decides.

use egress25_policy::{Decision, Setting};
use serde::Serialize;

use crate::commands::explain::possible::{names, of_other_editions};
use crate::commands::explain::reading::{Reading, listed};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{TableRow, labelled};

/// What a setting decides, and how it stands.
#[derive(Debug, Serialize)]
pub(super) struct ExplainedSetting {
    setting: &'static str,
    value: &'static str,
    default: &'static str,
    values: &'static [&'static str],
    question: &'static str,
    why: &'static str,
    /// What there is to know where no answer of the edition that was asked for names it.
    note: Option<String>,
}

/// Explains a setting as the edition has it.
pub(super) fn explain(setting: Setting, reading: &Reading) -> Result<ExplainedSetting, Failure> {
    let Reading { edition, settings, .. } = reading;
    Ok(ExplainedSetting {
        setting: setting.name(),
        value: settings.get(setting),
        default: edition.default_settings()?.get(setting),
        values: setting.values(),
        question: setting.question(),
        why: setting.why(),
        note: note(setting, reading)?,
    })
}

/// Where answers of other editions name it and none of this one does. Of a setting that the
/// descriptions by flags never meet, nothing is said.
fn note(setting: Setting, reading: &Reading) -> Result<Option<String>, Failure> {
    let named = |answer: &Decision| answer.assumed.iter().any(|one| one.setting == setting.name());
    let edition = &reading.edition;
    if names(reading, named)? {
        return Ok(None);
    }
    let others = of_other_editions(edition, named)?;
    Ok((!others.is_empty()).then(|| {
        format!(
            "no answer of edition {} names it, with the other settings as they are; answers of {} \
             do",
            edition.id,
            listed(&others)
        )
    }))
}

impl TableRow for ExplainedSetting {
    const COLUMNS: &'static [&'static str] =
        &["setting", "value", "default", "values", "question", "why", "note"];
}

impl ExplainedSetting {
    /// Writes it for a person.
    pub(super) fn human(&self, console: &mut Console) -> Result<(), Failure> {
        let paint = console.paint();
        let of = if self.value == self.default { "the default" } else { "set" };
        let (name, value) = (paint.bold(self.setting), paint.assumed(self.value));
        console.line(name + " = " + value + &format!("  ({of})"))?;
        labelled(console, "", 0, self.question)?;
        console.line("")?;
        labelled(console, paint.bold("Why      "), 9, self.why)?;
        let values = self.values.join(", ");
        let default = format!("{values}; where nobody sets it: {}", self.default);
        labelled(console, paint.bold("Values   "), 9, &default)?;
        self.note.iter().try_for_each(|note| labelled(console, paint.bold("Note     "), 9, note))
    }
}
