//! What one command has written, every other command takes.

use egress25_skipped::skipped;

use super::{copied, demand, labs, prepared, run};

/// Commands that write a store, and which.
const WRITERS: &[(&str, &str)] = &[
    ("store init --inventory inventory.toml --store new.db", "new.db"),
    ("store import log.ndjson --store new.db", "new.db"),
    ("store backup copy.db --store s.db", "copy.db"),
    ("store restore backup.db --store s.db", "s.db"),
    ("store restore backup.db --store new.db", "new.db"),
    ("store migrate --store old.db", "old.db"),
    ("subscription add late --offer msdn --created 2019-03-01 --store s.db", "s.db"),
    ("subscription set-offer shop msdn --store s.db", "s.db"),
    (
        "exemption request shop --reviewer manual --good-standing yes --payment-history yes --store s.db",
        "s.db",
    ),
    ("vm deploy new --subscription shop --network net --address 10.0.0.9 --store s.db", "s.db"),
    ("vm stop web --store s.db", "s.db"),
    ("vm deallocate web --store s.db", "s.db"),
    ("vm restart web --store s.db", "s.db"),
    ("vm redeploy web --store s.db", "s.db"),
];

/// Commands that read a store, or write to one that is there already.
const READERS: &[&str] = &[
    "check --machine web --to 203.0.113.5 --store STORE",
    "replay day.pcapng --summary --store STORE",
    "log --store STORE",
    "subscription list --store STORE",
    "vm list --store STORE",
    "firewall list --store STORE",
    "exemption list --store STORE",
    "exemption show shop --store STORE",
    "store verify --store STORE",
    "store export anew.ndjson --store STORE",
    "store backup anew.db --store STORE",
    "store restore STORE --store anew.db",
    "store restore backup.db --store STORE",
    "store migrate --store STORE",
    "subscription add later --offer msdn --created 2019-03-01 --store STORE",
];

#[test]
fn no_command_refuses_what_another_one_has_written() {
    let folder = prepared();
    let mut pairs = 0;
    let labs = labs::impossible().map(skipped).is_none();
    for (writer, store) in WRITERS {
        let written = copied(folder.path());
        demand(written.path(), writer);
        for reader in READERS {
            let reader = reader.replace("STORE", store);
            let apart = copied(written.path());
            let output = run(apart.path(), &reader);
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{writer}; {reader}: {said}");
            // Nor does the next one, which comes after both.
            let verified = run(apart.path(), &format!("store verify --store {store}"));
            let said = String::from_utf8_lossy(&verified.stdout);
            assert!(verified.status.success(), "{writer}; {reader}: {said}");
            pairs += 1;
        }
        if labs {
            labs::takes(written.path(), store);
            pairs += 1;
        }
    }
    println!("{pairs} pairs of commands");
}

#[test]
fn no_command_refuses_what_a_lab_has_written() {
    let folder = prepared();
    if let Some(why) = labs::impossible() {
        return skipped(why);
    }
    labs::wrote(folder.path(), "new.db");
    for reader in READERS {
        let apart = copied(folder.path());
        let output = run(apart.path(), &reader.replace("STORE", "new.db"));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "lab; {reader}: {said}");
    }
}
