//! The policy's tests: one binary, a module for each subject.
#![expect(clippy::disallowed_methods, reason = "tests are told by the environment what to do")]
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets what it did not expect ends there"
)]

mod cells;
mod contradictions;
mod dates;
mod direction;
mod editions;
#[path = "../../../../tests/oracle/every_edition/mod.rs"]
mod every_edition;
mod exhaustive_life;
mod grants;
mod inventory_file;
mod life;
mod matrix;
mod metamorphic;
mod names;
mod nothing_leaks;
#[path = "../../../../tests/oracle/edition_2020_12.rs"]
mod oracle;
mod oracle_differences;
mod properties;
mod routes;
mod schema_documents;
mod second_reading;
mod second_reading_routes;
mod security;
mod senders;
mod settings;
mod support;
mod ways_out;
#[path = "../../../../tests/worlds/random.rs"]
mod worlds;
