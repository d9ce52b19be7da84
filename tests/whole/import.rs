//! `import`: an inventory from an export of Azure.

use std::path::{Path, PathBuf};
use std::process::Output;

use egress25_skipped::skipped;
use serde_json::{Value, json};

use crate::program::{egress25, failure, repository};

/// A network with a machine, as the API answers it.
fn small() -> Value {
    let id = |what: &str| format!("/subscriptions/0001/resourceGroups/a/providers/{what}");
    json!({ "value": [
        { "id": "/subscriptions/0001", "displayName": "shop",
          "subscriptionPolicies": { "quotaId": "PayAsYouGo_2014-09-01" } },
        { "id": id("Microsoft.Network/virtualNetworks/n"), "name": "n", "properties": {
            "addressSpace": { "addressPrefixes": ["10.0.0.0/16"] },
            "subnets": [{ "name": "s", "properties": { "addressPrefix": "10.0.0.0/24" } }] } },
        { "id": id("Microsoft.Network/networkInterfaces/nic"), "name": "nic", "properties": {
            "virtualMachine": { "id": id("Microsoft.Compute/virtualMachines/web") },
            "ipConfigurations": [{ "properties": { "privateIPAddress": "10.0.0.4", "subnet": {
                "id": id("Microsoft.Network/virtualNetworks/n/subnets/s") } } }] } },
        { "id": id("Microsoft.Compute/virtualMachines/web"), "name": "web", "properties": {
            "timeCreated": "2019-03-01T10:00:00Z", "osProfile": { "adminPassword": "hunter2" },
            "networkProfile": { "networkInterfaces": [
                { "id": id("Microsoft.Network/networkInterfaces/nic") }] } },
          "powerState": "VM running" },
    ] })
}

/// A file with a value.
pub(crate) fn put(folder: &Path, name: &str, value: &Value) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, serde_json::to_string_pretty(value).expect("JSON")).expect("written");
    path
}

/// Runs `import`.
pub(crate) fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    egress25(["import"].into_iter().chain(arguments)).output().expect("it runs")
}

/// What was printed.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn what_is_imported_can_be_asked_and_names_its_gaps_on_stderr() {
    let folder = tempfile::tempdir().expect("a folder");
    let export = put(folder.path(), "export", &small()).display().to_string();
    let inventory = folder.path().join("inventory.toml").display().to_string();
    let output = run([&*export, "--write", &inventory]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for part in ["subscription.shop: the day of creation is not", "bounded by the oldest resource"]
    {
        assert!(said.contains(part), "{said}");
    }
    assert!(text(&output.stdout).contains("interface 1, machine 1, network 1"));
    let (code, said) = failure(&format!("validate {inventory}"));
    assert_eq!(code, 0, "{said}");
    let question = format!("check --inventory {inventory} --machine web --to 203.0.113.5");
    let (code, said) = failure(&format!("{question} --expect drop"));
    assert_eq!(code, 0, "{said}");
    // Not over one that may have been edited since, and never over the input.
    let refused = run([&*export, "--write", &inventory]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("may have been edited"));
    assert_eq!(run([&*export, "--write", &inventory, "--force"]).status.code(), Some(0));
    assert_eq!(run([&*export, "--write", &export, "--force"]).status.code(), Some(2));
}

#[test]
fn stdin_formats_and_what_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let export = put(folder.path(), "export", &small()).display().to_string();
    let plain = run([&*export]);
    let inventory = text(&plain.stdout);
    assert!(inventory.contains("\ncreated_before = \"2019-03-02\"\n"), "{inventory}");
    let piped = egress25(["import", "-"]).write_stdin(small().to_string()).output().expect("runs");
    assert_eq!(text(&piped.stdout), inventory);
    let told = run([&*export, "--created", "shop=2019-01-01", "--exempt", "granted"]);
    let told = text(&told.stdout);
    for line in ["created = \"2019-01-01\"", "exemption = \"granted\""] {
        assert!(told.lines().any(|one| one == line), "{told}");
    }
    let output = run([&*export, "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["inventory"], inventory);
    assert_eq!((&report["counts"]["machine"], &report["counts"]["subnet"]), (&1.into(), &1.into()));
    assert_eq!(report["gaps"][0]["kind"], "created-unknown");
    assert_eq!(report["gaps"][0]["places"], json!(["subscription.shop"]));
    for output in [&plain, &piped, &output] {
        assert!(
            !text(&output.stderr).contains("hunter2") && !text(&output.stdout).contains("hunter2")
        );
    }
}

#[test]
fn what_is_no_export_ends_with_2_and_the_sentence_that_helps() {
    let folder = tempfile::tempdir().expect("a folder");
    let template = json!({ "$schema": "https://x/deploymentTemplate.json#", "resources": [] });
    let template = put(folder.path(), "main.json", &template).display().to_string();
    let bytes = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        path.display().to_string()
    };
    let gzipped = bytes("gz", &[0x1f, 0x8b, 8, 0]);
    let wide = bytes("wide", &[0xff, 0xfe, b'{', 0]);
    let empty = bytes("empty", b"\n");
    let (code, said) = failure(&format!("import {gzipped} {wide}"));
    assert_eq!(code, 2, "{said}");
    assert!(said.contains(&gzipped) && said.contains(&wide), "all bad files at once: {said}");
    for (file, expected) in [
        (&*template, "is an ARM template"),
        ("fixtures/inventories/free-trial.toml", "`egress25 validate` checks one"),
        ("fixtures/captures/day-of-mail.pcap", "it is a capture, which `egress25 replay` reads"),
        (&*gzipped, "it is gzipped: unpack it"),
        (&*wide, "it is UTF-16"),
        (&*empty, "is empty: did the command"),
        ("no-such-file.json", "cannot be read"),
    ] {
        let (code, said) = failure(&format!("import {file}"));
        assert_eq!(code, 2, "{file}: {said}");
        assert!(said.contains(expected), "{file}: {said}");
    }
    let export = put(folder.path(), "export", &small()).display().to_string();
    for more in ["--offer shop=EA", "--offer other=EA", "--offer gold", "--created yesterday"] {
        let (code, said) = failure(&format!("import {export} {more}"));
        assert_eq!(code, 2, "{more}: {said}");
    }
}

#[test]
fn every_sample_ends_with_the_code_that_goes_with_the_table_of_samples() {
    let shared = repository().join("../shared/azure-samples");
    if !shared.is_dir() {
        skipped(format!("there is no {}", shared.display()));
        return;
    }
    let table = repository().join("crates/azure/tests/it/samples.tsv");
    let table = std::fs::read_to_string(table).expect("the table");
    for row in table.lines().skip(1) {
        let [file, answer, what] = row.split('\t').collect::<Vec<_>>()[..] else {
            panic!("three columns: {row}")
        };
        let path = shared.join(file).display().to_string();
        let output = run([&*path]);
        let said = text(&output.stderr);
        let code = if answer == "read" { 0 } else { 2 };
        assert_eq!(output.status.code(), Some(code), "{file}: {said}");
        assert!(code == 0 || said.contains(what), "{file}: {said}");
    }
}
