//! A lab of somebody without privileges.

use std::process::{Command, Output};

use egress25_skipped::skipped;

use crate::harness::{impossible, is_root, possible, root, said, scenario};

/// A folder of somebody else with the program and the scenarios in it: the program may lie
/// where another user cannot read.
pub(crate) struct Somebody {
    pub(crate) folder: tempfile::TempDir,
}

impl Somebody {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("egress25");
        std::fs::copy(env!("CARGO_BIN_EXE_egress25"), &program).unwrap();
        for entry in std::fs::read_dir(root().join("fixtures/scenarios")).unwrap().flatten() {
            std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        let chown = Command::new("chown").args(["-R", "65534"]).arg(folder.path()).status();
        assert!(chown.unwrap().success());
        Self { folder }
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
            .arg(self.folder.path().join("egress25"))
            .args(["lab", words[0]])
            .args(&words[1..])
            .env("TMPDIR", self.folder.path())
            .env("XDG_RUNTIME_DIR", self.folder.path().join("run"))
            .current_dir(self.folder.path());
        command.output().unwrap()
    }

    pub(crate) fn print(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", said(&output));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

#[test]
fn a_user_without_privileges_has_a_lab_for_a_whole_life() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    if !is_root() {
        return skipped("not root, so the other tests show it already");
    }
    let somebody = Somebody::new();
    for datapath in possible() {
        let mx = "mx.example.net:25";
        somebody.print(&["up", "mail.inventory.toml", "--datapath", datapath, "--store", datapath]);
        let blocked = ["connect", "vm-web", mx, "--patience", "2", "--expect", "timeout"];
        somebody.print(&blocked);
        somebody.print(&["connect", "vm-ea", mx, "--expect", "open"]);
        assert_eq!(somebody.print(&["exec", "vm-web", "--", "hostname"]), "vm-web");
        // Inside he is root, and his program may do as root does in a machine.
        assert_eq!(somebody.print(&["exec", "vm-web", "--", "id", "-u"]), "0");
        somebody.print(&["event", "exemption-asked", "shop"]);
        somebody.print(&["event", "exemption-granted", "shop"]);
        somebody.print(&["vm", "restart", "vm-web"]);
        somebody.print(&blocked);
        somebody.print(&["vm", "deallocate", "vm-web"]);
        somebody.print(&["vm", "start", "vm-web"]);
        somebody.print(&["connect", "vm-web", mx, "--expect", "open"]);
        somebody.print(&["event", "exemption-revoked", "shop"]);
        somebody.print(&blocked);
        let inspected = somebody.print(&["inspect"]);
        assert!(inspected.contains("drop revoked"), "{datapath}: {inspected}");
        somebody.print(&["down"]);
    }
    let scenario = somebody.run(&["run", "routes.toml"]);
    assert!(scenario.status.success(), "{}", said(&scenario));
}

#[test]
fn a_kernel_that_allows_no_namespaces_is_told_of() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "for kind in user net; do echo 0 >/proc/sys/user/max_${{kind}}_namespaces; done; \
         exec {} lab up {} --run-dir {}",
        env!("CARGO_BIN_EXE_egress25"),
        scenario("mail.inventory.toml").display(),
        folder.path().display()
    );
    let output = Command::new("unshare").args(["-Ur", "sh", "-c", &script]).output().unwrap();
    let said = said(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("make a user namespace"), "{said}");
    assert!(said.contains("run as root, or allow unprivileged user namespaces"), "{said}");
}
