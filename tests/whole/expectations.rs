//! The expected answers beside the example inventories.

use std::path::PathBuf;

use serde::Deserialize;

use crate::program::repository;

/// `<inventory>.expect.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectations {
    pub(crate) question: Vec<Expectation>,
}

/// A question and what is to be answered; what is left out is not looked at.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    pub(crate) what: String,
    pub(crate) machine: Option<String>,
    pub(crate) from: Option<String>,
    pub(crate) network: Option<String>,
    pub(crate) to: String,
    pub(crate) port: Option<u16>,
    pub(crate) at: Option<String>,
    pub(crate) edition: Option<String>,
    #[serde(default)]
    pub(crate) set: Vec<String>,
    pub(crate) verdict: String,
    pub(crate) reason: String,
    pub(crate) statements: Option<Vec<String>>,
    pub(crate) assumed: Option<Vec<String>>,
    pub(crate) next_steps: Option<Vec<String>>,
    pub(crate) subscription: Option<String>,
    pub(crate) hops: Option<usize>,
    pub(crate) in_force: Option<String>,
}

/// An inventory with what is expected of it.
pub(crate) struct ExampleInventory {
    pub(crate) file: PathBuf,
    pub(crate) expectations: Option<Expectations>,
}

/// The example inventories, in order of name.
pub(crate) fn inventories() -> Vec<ExampleInventory> {
    let folder = repository().join("fixtures/inventories");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the inventories")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter(|path| !path.to_string_lossy().ends_with(".expect.toml"))
        .collect();
    files.sort();
    let with = |file: PathBuf| {
        let text = std::fs::read_to_string(file.with_extension("expect.toml")).ok();
        let expectations = text.map(|text| {
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
        });
        ExampleInventory { file, expectations }
    };
    files.into_iter().map(with).collect()
}
