//! A scenario's file, and whether it fits its inventory.

use std::path::{Path, PathBuf};

use egress25_lab::scenario::Scenario;
use egress25_policy::{World, locate_key};
use jiff::Timestamp;

use crate::args::EditionArgs;
use crate::read::input::NamedText;
use crate::read::inventory::world_as_of;
use crate::say::failure::Failure;
use crate::say::output::counted;

/// The scenario of a text.
pub(super) fn scenario(source: &NamedText) -> Result<Scenario, Failure> {
    if let Some(span) = locate_key(&source.text, "lab") {
        let what = "the key `lab` is called `inventory` now";
        return Err(source.error(what, Some(span)).into());
    }
    Scenario::parse(&source.text).map_err(|fault| source.error(fault.what, fault.span).into())
}

/// The scenario's inventory, which is named from the scenario's folder on.
pub(super) fn inventory_file(file: &Path, scenario: &Scenario) -> PathBuf {
    file.parent().unwrap_or(Path::new(".")).join(&scenario.inventory)
}

/// Checks a scenario against its inventory, and gives the world that it begins with.
pub(super) fn fits(
    source: &NamedText,
    scenario: &Scenario,
    inventory: &Path,
    edition: &EditionArgs,
) -> Result<World, Failure> {
    let at = scenario.at.unwrap_or_else(Timestamp::now);
    let world = world_as_of(inventory, edition, Some(at)).map_err(|failure| match failure {
        Failure::Read { .. } => {
            let span = locate_key(&source.text, "inventory");
            source.error(format!("`inventory`: {failure}"), span).into()
        }
        other => other,
    })?;
    scenario
        .fits(&source.text, &world, at)
        .map_err(|fault| Failure::from(source.error(fault.what, fault.span)))?;
    Ok(world)
}

/// What is in a scenario file, where everything in it fits and it fits its inventory.
///
/// # Errors
/// What does not fit, and where.
pub fn check_scenario(
    source: &NamedText,
    file: &Path,
    edition: &EditionArgs,
) -> Result<String, Failure> {
    let scenario = scenario(source)?;
    let inventory = inventory_file(file, &scenario);
    let world = fits(source, &scenario, &inventory, edition)?;
    let steps = counted(scenario.step.len(), "step", "steps");
    let machines = counted(world.machines().len(), "machine", "machines");
    Ok(format!("{steps} in `{}`, which has {machines}", inventory.display()))
}
