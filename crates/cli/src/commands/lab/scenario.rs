//! A scenario's file, and whether it fits its lab.

use std::path::{Path, PathBuf};

use egress25_lab::scenario::Scenario;
use egress25_policy::{World, locate_key};
use jiff::Timestamp;

use crate::args::EditionArgs;
use crate::commands::lab::world;
use crate::read::input::Source;
use crate::say::failure::Failure;

/// The scenario of a text.
pub(super) fn scenario(source: &Source) -> Result<Scenario, Failure> {
    Scenario::parse(&source.text).map_err(|fault| source.error(fault.what, fault.span).into())
}

/// The scenario's lab file, which is named from the scenario's folder on.
pub(super) fn lab_file(file: &Path, scenario: &Scenario) -> PathBuf {
    file.parent().unwrap_or(Path::new(".")).join(&scenario.lab)
}

/// Checks a scenario against its lab file, and gives the world that it begins with.
pub(super) fn fits(
    source: &Source,
    scenario: &Scenario,
    lab: &Path,
    edition: &EditionArgs,
) -> Result<World, Failure> {
    let at = scenario.at.unwrap_or_else(Timestamp::now);
    let world = world::as_of(lab, edition, Some(at)).map_err(|failure| match failure {
        Failure::Read { .. } => {
            let span = locate_key(&source.text, "lab");
            source.error(format!("`lab`: {failure}"), span).into()
        }
        other => other,
    })?;
    scenario
        .fits(&source.text, &world, at)
        .map_err(|fault| Failure::from(source.error(fault.what, fault.span)))?;
    Ok(world)
}

/// What is in a scenario file, where everything in it fits and it fits its lab.
///
/// # Errors
/// What does not fit, and where.
pub fn check_scenario(
    source: &Source,
    file: &Path,
    edition: &EditionArgs,
) -> Result<String, Failure> {
    let scenario = scenario(source)?;
    let lab = lab_file(file, &scenario);
    let world = fits(source, &scenario, &lab, edition)?;
    let (steps, machines) = (scenario.step.len(), world.machines().len());
    Ok(format!("{steps} steps in `{}`, which has {machines} machines", lab.display()))
}
