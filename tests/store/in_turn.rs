//! Two commands that meet at one store, or at files that look like one's.

use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::{ASK, Home};
use crate::program::binary;
use crate::signals::wait_until;

/// A program that goes on in the background, and ends with the test.
struct Beside(Child);

impl Beside {
    fn begin(home: &Home, line: &str) -> Self {
        let mut command = Command::new(binary());
        command.args(line.split(' ')).current_dir(home.path("."));
        command.env("XDG_DATA_HOME", home.path(".")).env("USER", "ada");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        Self(command.spawn().expect("it runs"))
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A store whose machine may send.
fn exempt(home: &Home, store: &str) {
    home.run(&format!("store init --store {store}"));
    for line in [
        "subscription add shop --offer pay-as-you-go --created 2019-03-01",
        "vm deploy web --subscription shop --address 10.0.0.4",
        ASK,
        "vm deallocate web",
        "vm start web",
    ] {
        home.run(&format!("{line} --store {store}"));
    }
    assert_eq!(verdict(home, store), "pass");
}

fn verdict(home: &Home, store: &str) -> serde_json::Value {
    let line = format!("check --machine web --to 203.0.113.5 --store {store}");
    home.json(&line)["decision"]["verdict"].clone()
}

/// A reader, for as long as which the write-ahead log stays.
fn reader(home: &Home, store: &str) -> Beside {
    let reader = Beside::begin(home, &format!("log --follow --store {store}"));
    let shared = home.path(&format!("{store}-shm"));
    wait_until("the reader has begun", || shared.exists());
    reader
}

#[test]
fn an_import_that_came_too_late_took_a_revocation_of_the_store_that_was_there() {
    let home = Home::new();
    exempt(&home, "first.db");
    home.run("store export log.ndjson --store first.db");
    let log = std::fs::read_to_string(home.path("log.ndjson")).expect("a log");
    let (begin, rest) = log.split_at(log.find('\n').expect("lines") + 1);
    let mut late = Beside::begin(&home, "store import - --store x.db");
    let mut input = late.0.stdin.take().expect("a pipe");
    input.write_all(begin.as_bytes()).expect("taken");
    let drafted = || {
        let names = std::fs::read_dir(home.path(".")).expect("a folder").flatten();
        names.into_iter().any(|entry| entry.file_name().to_string_lossy().contains(".partial"))
    };
    wait_until("the import has begun", drafted);
    exempt(&home, "x.db");
    let _reader = reader(&home, "x.db");
    home.run("exemption revoke shop --store x.db");
    input.write_all(rest.as_bytes()).expect("taken");
    drop(input);
    assert_eq!(late.0.wait().expect("it ends").code(), Some(2));
    assert_eq!(verdict(&home, "x.db"), "drop");
    assert!(home.path("x.db-head").exists() && !home.path("x.db-wal.gone-1").exists());
}

#[test]
fn a_restore_by_a_link_moved_the_link_and_made_two_stores() {
    let home = Home::new();
    exempt(&home, "real.db");
    home.run("store backup backup.db --store real.db");
    symlink("real.db", home.path("link.db")).expect("a link");
    let mut bytes = std::fs::read(home.path("real.db")).expect("a store");
    bytes[100..4096].fill(0x5a);
    std::fs::write(home.path("real.db"), bytes).expect("damaged");
    home.run("store restore backup.db --store link.db");
    assert!(home.path("link.db").is_symlink());
    home.run("exemption revoke shop --store real.db");
    assert_eq!([verdict(&home, "link.db"), verdict(&home, "real.db")], ["drop", "drop"]);
}

#[test]
fn a_new_store_took_files_of_somebody_else_away_that_had_names_like_its_own() {
    let home = Home::new();
    exempt(&home, "s.db");
    home.run("store export log.ndjson --store s.db");
    for ending in ["head", "wal", "shm"] {
        let name = format!("draft-{ending}");
        std::fs::write(home.path(&name), "a text of mine").expect("written");
        for line in [
            "store backup draft --store s.db",
            "store init --store draft",
            "store import log.ndjson --store draft",
            "store restore s.db --store draft",
        ] {
            home.fails(line, 2, &format!("{name}` is there, and no store has left it"));
        }
        assert_eq!(std::fs::read(home.path(&name)).expect("there"), b"a text of mine");
        assert!(!home.path("draft").exists());
        std::fs::remove_file(home.path(&name)).expect("removed");
    }
}

#[test]
fn the_hint_for_a_misspelt_backup_was_to_begin_an_empty_one() {
    let home = Home::new();
    exempt(&home, "s.db");
    let (code, _, said) = home.try_run("store restore backpu.db --store s.db");
    assert!(code == 2 && said.contains("there is no backup at `backpu.db`"), "{said}");
    assert!(!said.contains("init"), "{said}");
}

#[test]
fn a_store_was_not_looked_at_where_an_inventory_was_named_too() {
    let home = Home::new();
    exempt(&home, "s.db");
    home.run("exemption revoke shop --store s.db");
    let inventory = "[subscription]\nshop = { offer = \"pay-as-you-go\", created = \"2019-03-01\", \
                     exemption = \"granted\" }\n[network.net]\naddress_space = [\"10.0.0.0/16\"]\n\
                     [machine]\nweb = { subscription = \"shop\", network = \"net\", addresses = \
                     [\"10.0.0.4\"], started_since_grant = true }\n";
    std::fs::write(home.path("i.toml"), inventory).expect("written");
    let capture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/captures/day-of-mail.pcapng");
    for line in [
        "check --machine web --to 203.0.113.5".to_owned(),
        format!("replay {}", capture.display()),
        "flows logs".to_owned(),
    ] {
        home.fails(&format!("{line} --inventory i.toml --store s.db"), 2, "say who sends");
    }
    let output = crate::program::egress25("check --machine web --to 203.0.113.5".split(' '))
        .args(["--inventory", "i.toml"])
        .current_dir(home.path("."))
        .env("EGRESS25_CHECK_STORE", "s.db")
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn what_is_no_export_was_refused_without_its_name_and_what_one_is() {
    let home = Home::new();
    exempt(&home, "s.db");
    home.run("store backup backup.db --store s.db");
    std::fs::write(home.path("inventory.toml"), "[subscription]\n").expect("written");
    for file in ["inventory.toml", "backup.db"] {
        let (code, _, said) = home.try_run(&format!("store import {file} --store new.db"));
        assert!(code == 2 && said.contains(&format!("`{file}`, line 1: ")), "{said}");
        assert!(said.contains("store export` has written"), "{said}");
    }
}

#[test]
fn a_log_of_a_misspelt_name_was_empty() {
    let home = Home::shop();
    for (flag, name) in [("--subscription", "shpo"), ("--machine", "wbe")] {
        home.fails(&format!("log {flag} {name}"), 2, &format!("`{name}`; it has: "));
    }
    assert!(home.run("log --subscription shop --machine web").contains("web"));
}
