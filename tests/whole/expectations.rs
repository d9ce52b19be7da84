//! The expected answers beside the example labs.

use std::path::PathBuf;

use serde::Deserialize;

use crate::program::repository;

/// `<lab>.expect.toml`.
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

/// A lab with what is expected of it.
pub(crate) struct ExampleLab {
    pub(crate) lab: PathBuf,
    pub(crate) expectations: Option<Expectations>,
}

/// The example labs, in order of name.
pub(crate) fn labs() -> Vec<ExampleLab> {
    let folder = repository().join("fixtures/inventories");
    let mut labs: Vec<_> = std::fs::read_dir(folder)
        .expect("the labs")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .filter(|path| !path.to_string_lossy().ends_with(".expect.toml"))
        .collect();
    labs.sort();
    let with = |lab: PathBuf| {
        let text = std::fs::read_to_string(lab.with_extension("expect.toml")).ok();
        let expectations = text.map(|text| {
            toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", lab.display()))
        });
        ExampleLab { lab, expectations }
    };
    labs.into_iter().map(with).collect()
}
