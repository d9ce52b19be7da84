//! Every capture of the corpus beside the repository is replayed by the real binary.

use std::path::{Path, PathBuf};

use egress25_skipped::skipped;
use serde_json::Value;

use crate::program::{egress25, repository};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            files(&path, found);
        } else if !name.ends_with(".md") && !name.ends_with(".tsv") {
            found.push(path);
        }
    }
}

#[test]
fn every_file_is_judged_or_refused_and_the_report_is_whole() {
    let corpus = repository().join("../shared/corpus");
    if !corpus.is_dir() {
        return skipped(format_args!("no corpus at {}", corpus.display()));
    }
    let mut all = Vec::new();
    files(&corpus, &mut all);
    all.sort();
    assert!(all.len() > 1_300, "{} files", all.len());
    let (mut judged, mut refused) = (0, 0);
    for path in &all {
        let output = egress25(["replay", "--inventory", "fixtures/inventories/day-of-mail.toml"])
            .args(["--look-inside", "--format", "json", "--summary"])
            .arg(path)
            .output()
            .expect("the program runs");
        let shown = path.display();
        let stderr = String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => judged += 1,
            // Bad input says which file and what is wrong with it.
            Some(2) => {
                assert!(stderr.contains("error: `"), "{shown}: {stderr}");
                refused += 1;
            }
            code => panic!("{shown}: {code:?}: {stderr}"),
        }
        if !output.stdout.is_empty() {
            let report: Value = serde_json::from_slice(&output.stdout).expect("whole JSON");
            let whole = output.status.success();
            assert_eq!(report["summary"]["complete"], whole, "{shown}");
        }
    }
    assert!(judged > 1_200, "{judged} judged, {refused} refused");
}
