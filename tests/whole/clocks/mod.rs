//! Clocks that stand where no clock should.

use std::path::{Path, PathBuf};
use std::process::Command;

use egress25_skipped::skipped;

use crate::program::{egress25, repository, stdout, words};

/// A library that has the wall clock stand beyond the year 9999, if there is a C compiler.
fn late(folder: &Path) -> Option<PathBuf> {
    let library = folder.join("late.so");
    let source = repository().join("tests/whole/clocks/late.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]);
    match compiler.output() {
        Ok(output) if output.status.success() => Some(library),
        Ok(output) => {
            skipped(String::from_utf8_lossy(&output.stderr));
            None
        }
        Err(error) => {
            skipped(format_args!("no C compiler: {error}"));
            None
        }
    }
}

#[test]
fn a_clock_beyond_the_year_9999_ended_commands_with_a_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(library) = late(folder.path()) else { return };
    let store = folder.path().join("s.db").display().to_string();
    let day = "fixtures/inventories/day-of-mail.toml";
    stdout(&format!("store init --store {store} --inventory {day}"));
    for line in [
        "check --offer pay-as-you-go --created 2019-03-01 --to 203.0.113.5",
        "check --machine vm-web --to 203.0.113.5 --inventory DAY",
        "check --machine vm-web --to 203.0.113.5 --store STORE",
        "replay fixtures/captures/day-of-mail.pcapng --offer EA --summary",
        "init fixtures/captures/day-of-mail.pcapng --offer EA",
        "diagnose fixtures/mail-logs/postfix/blocked.log --offer EA",
        "flows fixtures/flow-logs/PT1H.json --offer EA",
        "graph DAY",
        "lab graph DAY",
        "lab vm restart vm-web --name no-such-lab",
        "vm restart vm-web --store STORE",
        "store init --store STORE.new",
    ] {
        let line = line.replace("DAY", day).replace("STORE", &store);
        let output = egress25(words(&line)).env("LD_PRELOAD", &library).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        // A static binary preloads nothing.
        if output.status.success() && line.starts_with("check --offer") {
            return skipped("the binary is static: its clock cannot be set");
        }
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        let why = "error: the system's clock is beyond the year 9999: set it right\n";
        assert_eq!(said, why, "{line}");
    }
    assert!(!Path::new(&format!("{store}.new")).exists());
}
