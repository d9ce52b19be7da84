//! A lab with a store behind it: what goes wrong there, and the exit codes that say so.

use std::path::Path;
use std::process::Output;

use egress25_skipped::skipped;

use crate::harness::{Lab, egress25, impossible, scenario, wait_until};

fn up(folder: &Path, lab: &Path, store: &Path) -> Output {
    let mut command = egress25();
    command.args(["lab", "up", "--run-dir"]).arg(folder).arg(lab).arg("--store").arg(store);
    command.output().unwrap()
}

fn code(output: &Output) -> (Option<i32>, String) {
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_store_that_cannot_be_used_ends_a_lab_with_the_exit_code_of_the_other_commands() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let lab = scenario("mail.inventory.toml");
    let run = at("run");
    std::fs::write(at("text.db"), "this is no database, but a text of some length\n".repeat(50))
        .unwrap();
    let (bad, said) = code(&up(&run, &lab, &at("text.db")));
    assert_eq!(bad, Some(2), "it is no store: {said}");
    // One that begins with another lab.
    let other = at("other.toml");
    std::fs::write(&other, std::fs::read_to_string(&lab).unwrap() + "\n# changed\n").unwrap();
    let store = at("store.db");
    let init = egress25()
        .args(["store", "init", "--store"])
        .arg(&store)
        .arg("--inventory")
        .arg(&other)
        .output()
        .unwrap();
    assert_eq!(code(&init), (Some(0), code(&init).1));
    let (bad, said) = code(&up(&run, &lab, &store));
    assert_eq!(bad, Some(2), "{said}");
    assert!(said.contains("doesn't begin with the inventory"), "{said}");
    // A lab that is none, with and without a store, leaves no store behind.
    let broken = at("broken.toml");
    std::fs::write(&broken, "[machine.vm]\nsubscription = \"nobody\"\n").unwrap();
    let (bad, said) = code(&up(&run, &broken, &at("new.db")));
    assert_eq!(bad, Some(2), "{said}");
    assert!(!at("new.db").exists(), "a store of a lab that cannot be");
    let output =
        egress25().args(["lab", "up", "--run-dir"]).arg(&run).arg(&broken).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", code(&output).1);
    // Where no folder can be, every command fails alike.
    let nowhere = Path::new("/proc/no/such/folder/store.db");
    let (failed, said) = code(&up(&run, &lab, nowhere));
    let others = egress25()
        .args(["store", "init", "--store"])
        .arg(nowhere)
        .arg("--inventory")
        .arg(&lab)
        .output()
        .unwrap();
    assert_eq!(failed, others.status.code(), "{said}");
}

#[test]
fn what_is_asked_of_a_lab_ends_with_the_documented_exit_code() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db").display().to_string();
    for more in [&[][..], &["--store", &store]] {
        let lab = Lab::up(&scenario("mail.inventory.toml"), "nft", more);
        let ends = |words: &[&str], expected: i32| {
            let output = lab.output(words);
            assert_eq!(output.status.code(), Some(expected), "{words:?}: {}", code(&output).1);
            code(&output).1
        };
        ends(&["exec", "nobody", "--", "true"], 2);
        ends(&["connect", "vm-web", "nobody:25"], 2);
        ends(&["connect", "vm-web", "mx.example.net:25", "--patience", "1", "--expect", "open"], 3);
        // The state machines refuse these.
        ends(&["event", "exemption-granted", "shop"], 1);
        ends(&["vm", "start", "vm-web"], 1);
        ends(&["event", "no-such-kind", "shop"], 2);
        ends(&["vm", "deallocate", "vm-web"], 0);
    }
}

#[test]
fn the_last_policy_stays_in_force_when_the_store_vanishes() {
    if let Some(why) = impossible("nfqueue") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("stores");
    std::fs::create_dir(&place).unwrap();
    let store = place.join("store.db").display().to_string();
    let lab = Lab::up(&scenario("mail.inventory.toml"), "nfqueue", &["--store", &store]);
    lab.print(&["event", "exemption-asked", "shop"]);
    lab.print(&["event", "exemption-granted", "shop"]);
    std::fs::remove_dir_all(&place).unwrap();
    let complains = || lab.inspect()["lab"]["complaints"].to_string();
    wait_until("the lab says so", || complains().contains("the store cannot be followed"));
    // The next start would apply the grant; it cannot be written, so it does not happen.
    let output = lab.output(&["vm", "redeploy", "vm-web"]);
    assert_eq!(output.status.code(), Some(1), "{}", code(&output).1);
    assert_eq!(lab.connect("vm-web", "mx.example.net:25"), "timeout");
    assert_eq!(lab.connect("vm-ea", "mx.example.net:25"), "open");
}

#[test]
fn an_event_was_written_into_a_store_that_had_been_removed() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let store = file.display().to_string();
    let lab = Lab::up(&scenario("mail.inventory.toml"), "none", &["--store", &store]);
    lab.print(&["event", "exemption-asked", "shop"]);
    std::fs::remove_file(&file).unwrap();
    let output = lab.output(&["event", "exemption-granted", "shop"]);
    let (bad, said) = code(&output);
    assert_eq!(bad, Some(1), "{said}");
    assert!(said.contains("was removed"), "{said}");
    assert!(!said.contains("is written"), "{said}");
    let complains = || lab.inspect()["lab"]["complaints"].to_string();
    wait_until("the lab says so", || complains().contains("the store cannot be followed"));
    // What lies beside the store that is gone is in nobody's way.
    lab.print(&["down"]);
    let lab = scenario("mail.inventory.toml").display().to_string();
    let again = Lab::up(Path::new(&lab), "none", &["--store", &store]);
    again.print(&["event", "exemption-asked", "shop"]);
}

#[test]
fn a_lab_that_did_not_come_up_left_a_store_that_refused_the_next_try() {
    if let Some(why) = impossible("nft") {
        return skipped(why);
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let inventory = scenario("mail.inventory.toml");
    std::fs::write(at("bad.toml"), "[host.mx]\nno = 1\n").unwrap();
    // One that can be read, and not be built.
    let host = "[host.\"a b\"]\naddresses = [\"203.0.113.5\"]\n";
    std::fs::write(at("unbuilt.toml"), host).unwrap();
    let up = |store: &Path, hosts: &str| {
        let mut command = egress25();
        command.args(["lab", "up", "--datapath", "none", "--run-dir"]).arg(at("run"));
        command.arg(&inventory).arg("--store").arg(store).arg("--hosts").arg(at(hosts));
        code(&command.output().unwrap())
    };
    for hosts in ["bad.toml", "unbuilt.toml", "none.toml"] {
        let (bad, said) = up(&at("new/folder/store.db"), hosts);
        assert_eq!(bad, Some(2), "{hosts}: {said}");
        assert!(!at("new").exists(), "{hosts}: {said}");
    }
    // One that was there before stays.
    let store = at("store.db");
    let mut init = egress25();
    init.args(["store", "init", "--inventory"]).arg(&inventory).arg("--store").arg(&store);
    assert!(init.output().unwrap().status.success());
    let before = std::fs::read(&store).unwrap();
    assert_eq!(up(&store, "unbuilt.toml").0, Some(2));
    assert_eq!(std::fs::read(&store).unwrap(), before);
    // `filter` begins one, too.
    let mut filter = egress25();
    filter.args(["filter", "--queue", "1", "--network", "nowhere", "--inventory"]).arg(&inventory);
    let (bad, said) = code(&filter.arg("--store").arg(at("new/store.db")).output().unwrap());
    assert_eq!(bad, Some(2), "{said}");
    assert!(!at("new").exists(), "{said}");
}
