//! Exports of Azure, and what becomes of them.
#![expect(clippy::disallowed_methods, reason = "tests are told by the environment what to do")]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on says so by panicking, outside of `#[test]` functions, too"
)]

mod mutations;
mod names;
mod nothing_invented;
mod own_world;
mod samples;
mod secrets;
mod shapes;
mod terraform;
mod unread;
mod worlds;

use std::path::{Path, PathBuf};

use egress25_azure::{ImportError, Imported, Input, Told, import};
use egress25_policy::{Edition, InventoryFile};
use egress25_skipped::skipped;

/// The folder of the shared samples, unless it is not here.
pub(crate) fn samples() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/azure-samples");
    if folder.is_dir() {
        return Some(folder);
    }
    skipped("there is no ../shared/azure-samples");
    None
}

/// The text of a sample.
pub(crate) fn sample(file: &str) -> Option<String> {
    Some(std::fs::read_to_string(samples()?.join(file)).expect("the sample"))
}

/// Imports texts of which nothing is told.
pub(crate) fn imported(texts: &[&str]) -> Result<Imported, ImportError> {
    imported_as(texts, &Told::default())
}

/// Imports texts.
pub(crate) fn imported_as(texts: &[&str], told: &Told) -> Result<Imported, ImportError> {
    let names: Vec<_> = (0..texts.len()).map(|at| format!("{at}.json")).collect();
    let inputs: Vec<_> = texts
        .iter()
        .zip(&names)
        .map(|(text, name)| Input { name, text, routes_of: None })
        .collect();
    import(&inputs, told)
}

/// Builds an inventory.
pub(crate) fn built(inventory: &str) -> egress25_policy::World {
    let file = InventoryFile::parse(inventory).unwrap_or_else(|e| panic!("{e}\n{inventory}"));
    let edition = Edition::all().expect("editions").last().expect("one").clone();
    let built = file.build(&edition, &[]).unwrap_or_else(|e| panic!("{e}\n{inventory}"));
    built.world
}

/// The kinds of the gaps, with their places.
pub(crate) fn gaps(of: &Imported) -> Vec<(&'static str, &str)> {
    of.gaps.iter().map(|gap| (gap.kind.name(), gap.place.as_str())).collect()
}
