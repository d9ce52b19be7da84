//! A store whose file is mounted in another place without its folder, as containers do.

use std::path::Path;
use std::process::{Command, Output};

use egress25_skipped::skipped;

use crate::program::{binary, words};

/// Runs a line in a mount namespace in which `store.db` is `other/store.db`, too.
fn beside(folder: &Path, line: &str) -> Output {
    let script =
        format!("mount --bind store.db other/store.db && exec {} {line}", binary().display());
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "sh", "-c", &script]).current_dir(folder);
    command.output().expect("it runs")
}

#[test]
fn a_revocation_was_written_beside_a_store_that_was_mounted_without_its_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    std::fs::create_dir(at.join("other")).expect("a folder");
    std::fs::write(at.join("other/store.db"), "").expect("written");
    for line in [
        "store init --store store.db",
        "subscription add shop --offer pay-as-you-go --created 2019-03-01 --store store.db",
    ] {
        let output = Command::new(binary()).args(words(line)).current_dir(at).output();
        assert!(output.expect("it runs").status.success(), "{line}");
    }
    let mounts = Command::new("unshare").args(["--map-root-user", "--mount", "true"]).output();
    if !mounts.is_ok_and(|output| output.status.success()) {
        return skipped("the kernel allows no user and mount namespaces here");
    }
    for line in ["subscription list", "exemption request shop --why late", "store verify"] {
        let output = beside(at, &format!("{line} --store other/store.db"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("mounted here without its folder"), "{line}: {said}");
        assert_eq!(output.status.code(), Some(1), "{line}");
    }
    // Through its own name it is the store that it was, also where it is mounted elsewhere.
    let output = beside(at, "store verify --store store.db");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
