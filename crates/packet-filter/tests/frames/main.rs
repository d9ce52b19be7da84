//! Frames to outcomes: the cases of the evasion table, built; the corpus, read; properties.
//!
//! A line `// row: …` above a test names the row of `evasion.md` that it shows; the test
//! `rows::every_row_has_a_test` collects them.
#![expect(clippy::disallowed_methods, reason = "tests are told by the environment what to do")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail loudly")]

mod corpus;
mod evasion_table;
mod fragments;
mod ipv4;
mod ipv6;
mod kinds;
mod link_layers;
mod live;
mod other_encapsulations;
mod properties;
mod rows;
mod support;
mod tcp;
mod tunnels;
mod yardsticks;
