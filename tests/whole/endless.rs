//! Files without an end and lines of junk: each input says so once, in bounded memory.

use std::process::Command;

use crate::program::{binary, repository};

/// Runs a line in 1 GB of memory: exit code and what stands on stderr.
fn within_a_gigabyte(line: &str) -> (Option<i32>, String) {
    let line = format!("ulimit -v 1000000; exec \"$0\" {line}");
    let output = Command::new("sh")
        .args(["-c", &line])
        .arg(binary())
        .current_dir(repository())
        .output()
        .expect("sh runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

const INVENTORY: &str = "fixtures/inventories/day-of-mail.toml";

#[test]
fn a_text_of_a_flow_log_without_an_end_took_all_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("PT1H.json");
    for key in ["rule", "flowTuples"] {
        let text = format!("{{\"records\":[{{\"{key}\":\"{}", "\\u0061".repeat(2_000_000));
        std::fs::write(&file, text).expect("written");
        let line = format!("flows {} --offer EA", file.display());
        let (code, said) = within_a_gigabyte(&line);
        assert_eq!(code, Some(2), "{line}: {said}");
        assert!(said.contains("a text of more than 1048576 bytes"), "{line}: {said}");
    }
}

/// Every command line with a text to read, in the place of which `FILE` stands.
const READERS: &[&str] = &[
    "validate FILE",
    "validate FILE --kind events",
    "validate FILE --kind edition",
    "validate FILE --kind scenario",
    "check --inventory FILE --machine m --to 203.0.113.5",
    "check --inventory INVENTORY --events FILE --machine m --to 203.0.113.5",
    "check --inventory INVENTORY --edition FILE --machine m --to 203.0.113.5",
    "replay fixtures/captures/day-of-mail.pcapng --inventory INVENTORY --events FILE",
    "replay fixtures/captures/day-of-mail.pcapng --inventory INVENTORY --expect FILE",
    "lab run FILE",
    "graph FILE",
    "lab graph FILE",
    "import FILE",
    "export nft FILE --network n",
    "diagnose FILE",
];

#[test]
fn a_text_without_an_end_is_refused_whatever_it_is_to_be() {
    for reader in READERS {
        let line = reader.replace("FILE", "/dev/zero").replace("INVENTORY", INVENTORY);
        let (code, said) = within_a_gigabyte(&line);
        assert_eq!(code, Some(2), "{line}: {said}");
        assert!(said.contains("/dev/zero") && said.contains("longer than"), "{line}: {said}");
        assert!(said.len() < 1_000, "{line}: {said}");
    }
}

#[test]
fn ten_megabytes_of_junk_were_printed_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("junk");
    for junk in ["[", "x", "\u{1b}[31m", "{\"packet\": ", "packet,", "a = \""] {
        std::fs::write(&file, junk.repeat(10_000_000 / junk.len())).expect("written");
        for reader in READERS {
            let line =
                reader.replace("FILE", &file.display().to_string()).replace("INVENTORY", INVENTORY);
            let (code, said) = within_a_gigabyte(&line);
            assert_eq!(code, Some(2), "{line}: {said:.2000}");
            assert!(said.len() < 5_000, "{line}: {} bytes: {said:.2000}", said.len());
            assert!(!said.contains("\u{1b}[31m"), "{line}: {said:.2000}");
        }
    }
}
