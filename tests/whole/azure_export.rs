//! `scripts/azure-export.sh`, against an `az` that answers from files.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use egress25_skipped::skipped;
use serde_json::{Value, json};

use crate::import::{put, run, text};
use crate::program::repository;

/// The world of the shared samples as Resource Graph has it.
fn world() -> Option<Value> {
    let path = repository().join("../shared/azure-samples/resource-graph/own-world-rest.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        skipped(format!("there is no {}", path.display()));
        return None;
    };
    Some(serde_json::from_str(&text).expect("JSON"))
}

/// `az` that answers from files: a page of a query, or the activity log. It writes down what it is
/// asked.
const AZ: &str = r#"#!/usr/bin/env bash
set -eu
printf '%s\n' "$*" >>"$STUB/asked"
case "$*" in
*"resourcecontainers |"*) name=subscriptions ;;
*"activity-log list"*) name=activity ;;
*) name=resources ;;
esac
page=1
case "$*" in *'$skipToken'*) page=2 ;; esac
if [ "${FAILS:-}" = "$name-$page" ]; then
    echo '{"half": "an answer"'
    echo "ERROR: throttled" >&2
    exit 1
fi
cat "$STUB/$name-$page.json"
"#;

/// A folder with the stub, and its answers of the world in two pages.
fn stub(world: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let az = folder.path().join("az");
    std::fs::write(&az, AZ).expect("written");
    std::fs::set_permissions(&az, std::fs::Permissions::from_mode(0o755)).expect("set");
    let rows = world["data"].as_array().expect("rows").clone();
    let (subscriptions, rows): (Vec<_>, Vec<_>) =
        rows.into_iter().partition(|row| row["type"] == "microsoft.resources/subscriptions");
    let all = rows.len();
    let page = |rows: &[Value], all: usize, token: Option<&str>| {
        let mut page = json!({ "count": rows.len(), "data": rows, "facets": [],
                               "resultTruncated": "false", "totalRecords": all });
        if let Some(token) = token {
            page["$skipToken"] = token.into();
            page["resultTruncated"] = "true".into();
        }
        page
    };
    let (first, second) = rows.split_at(10);
    put(folder.path(), "resources-1.json", &page(first, all, Some("abc+/=")));
    put(folder.path(), "resources-2.json", &page(second, all, None));
    put(folder.path(), "subscriptions-1.json", &page(&subscriptions, 1, None));
    put(folder.path(), "activity-1.json", &json!({ "read": 0, "value": [] }));
    folder
}

fn exported(stub: &Path, folder: &Path, fails: &str) -> Output {
    let path = format!("{}:{}", stub.display(), std::env::var("PATH").expect("a path"));
    let script = repository().join("scripts/azure-export.sh");
    let mut command = Command::new(script);
    command
        .args([folder.as_os_str(), "--all".as_ref()])
        .env("PATH", path)
        .env("STUB", stub)
        .env("FAILS", fails);
    command.output().expect("bash runs it")
}

#[test]
fn the_script_exports_every_page_and_asks_for_nothing_else() {
    let Some(world) = world() else { return };
    let stub = stub(&world);
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("export");
    let output = exported(stub.path(), &folder, "");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let mut files: Vec<_> = std::fs::read_dir(&folder).expect("the folder").collect();
    files.sort_by_key(|file| file.as_ref().expect("a file").file_name());
    let files: Vec<_> =
        files.into_iter().map(|file| file.expect("a file").path().display().to_string()).collect();
    let names = files.iter().map(|file| file.rsplit('/').next().expect("a name"));
    let names: Vec<_> = names.collect();
    let id = "activity-00000000-0000-0000-0000-000000000001.json";
    assert_eq!(names, [id, "resources-1.json", "resources-2.json", "subscriptions-1.json"]);
    let imported = run(files.iter().map(String::as_str));
    let whole = put(stub.path(), "whole.json", &world).display().to_string();
    assert_eq!(text(&imported.stdout), text(&run([&*whole]).stdout));
    assert_eq!(run([&*files[1]]).status.code(), Some(2), "a page alone is a part");
    let asked = std::fs::read_to_string(stub.path().join("asked")).expect("asked");
    assert_eq!(asked.lines().count(), 4, "{asked}");
    for line in asked.lines() {
        let reads = line.starts_with(
            "rest --method post --output json --url \
                                      /providers/Microsoft.ResourceGraph/resources?api-version=",
        ) || line.starts_with("monitor activity-log list --subscription 0000");
        assert!(reads, "{line}");
    }
    let again = exported(stub.path(), &folder, "");
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("is there already"));
}

#[test]
fn a_page_that_fails_leaves_nothing_that_looks_whole() {
    let Some(world) = world() else { return };
    let stub = stub(&world);
    for fails in ["resources-1", "resources-2", "subscriptions-1", "activity-1"] {
        let place = tempfile::tempdir().expect("a folder");
        let output = exported(stub.path(), &place.path().join("export"), fails);
        assert_eq!(output.status.code(), Some(1), "{fails}");
        assert!(text(&output.stderr).contains("throttled"), "{fails}");
        assert_eq!(std::fs::read_dir(place.path()).expect("read").count(), 0, "{fails}");
    }
}

#[test]
fn what_is_not_said_is_asked_for_and_a_cut_log_is_said() {
    let Some(world) = world() else { return };
    let stub = stub(&world);
    let place = tempfile::tempdir().expect("a folder");
    let folder = place.path().join("export").display().to_string();
    let run = |arguments: &[&str]| {
        let path = format!("{}:{}", stub.path().display(), std::env::var("PATH").expect("a path"));
        let mut command = Command::new(repository().join("scripts/azure-export.sh"));
        command.args(arguments).env("PATH", path).env("STUB", stub.path());
        command.output().expect("bash runs it")
    };
    let help = run(&["--help"]);
    assert!(help.status.success() && text(&help.stdout).contains("FOLDER --all"));
    assert_eq!(run(&[&folder]).status.code(), Some(2), "all subscriptions only when asked");
    let other = run(&[&folder, "00000000-0000-0000-0000-000000000002"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(text(&other.stderr).contains("cannot be read"), "{}", text(&other.stderr));
    let tight = json!({ "read": 100_000, "value": [] });
    std::fs::write(stub.path().join("activity-1.json"), tight.to_string()).expect("written");
    let tight_print = run(&[&folder, "--all"]);
    assert_eq!(tight_print.status.code(), Some(2), "{}", text(&tight_print.stderr));
    put(stub.path(), "activity-1.json", &tight);
    let cut = run(&[&folder, "00000000-0000-0000-0000-000000000001"]);
    let said = text(&cut.stderr);
    assert!(cut.status.success(), "{said}");
    assert!(said.contains("is cut: only its newest 100000") && said.contains("rm -r --"), "{said}");
}

#[test]
fn shellcheck_has_nothing_to_say_of_the_scripts() {
    let scripts = std::fs::read_dir(repository().join("scripts")).expect("scripts");
    let scripts = scripts.map(|script| script.expect("a script").path());
    let scripts: Vec<_> =
        scripts.filter(|path| path.extension().is_some_and(|ending| ending == "sh")).collect();
    assert!(!scripts.is_empty());
    match Command::new("shellcheck").args(&scripts).output() {
        Ok(output) => assert!(output.status.success(), "{}", text(&output.stdout)),
        Err(error) => skipped(format!("shellcheck cannot be run: {error}")),
    }
}
