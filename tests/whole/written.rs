//! What is written: never over an input or somebody's file, and whole or not at all.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::packets::{mail, pcap};
use crate::program::{binary, egress25, failure, repository, stdout, words};

/// A folder with a copy of a capture, a lab, and what else a replay reads.
fn day_of_mail() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = |from: &str, to: &str| {
        fs::copy(repository().join("fixtures").join(from), folder.path().join(to)).expect("copied");
    };
    copy("captures/day-of-mail.pcapng", "day.pcapng");
    copy("inventories/day-of-mail.toml", "inventory.toml");
    let at = folder.path().display();
    fs::write(folder.path().join("events.toml"), "").expect("written");
    let golden = stdout(&format!(
        "replay {at}/day.pcapng --inventory {at}/inventory.toml --format ndjson --summary"
    ));
    fs::write(folder.path().join("golden"), golden).expect("written");
    let line = format!(
        "replay {at}/day.pcapng --inventory {at}/inventory.toml --events {at}/events.toml --summary \
         --expect {at}/golden --only rejected"
    );
    (folder, line)
}

/// Every file of a folder with what it holds.
fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut all: Vec<_> = entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap_or_default())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn an_output_of_a_replay_that_was_one_of_its_inputs_replaced_it() {
    let (folder, line) = day_of_mail();
    let at = folder.path();
    symlink("day.pcapng", at.join("soft")).expect("a link");
    fs::hard_link(at.join("inventory.toml"), at.join("hard")).expect("a link");
    let before = content(at);
    for option in ["--write", "--pass-to", "--drop-to", "--force --write"] {
        for output in ["day.pcapng", "inventory.toml", "events.toml", "golden", "soft", "hard"] {
            let (code, text) = failure(&format!("{line} {option} {}/{output}", at.display()));
            assert_eq!(code, 2, "{option} {output}: {text}");
            assert!(text.contains("is the same file as the input"), "{option} {output}: {text}");
        }
    }
    assert_eq!(content(at), before);
}

#[test]
fn a_capture_from_stdin_was_replaced_by_the_output() {
    let (folder, _) = day_of_mail();
    let at = folder.path();
    let before = content(at);
    for input in ["-", "/dev/stdin"] {
        let line = format!(
            "replay {input} --inventory {0}/inventory.toml --summary --write {0}/day.pcapng",
            at.display()
        );
        let stdin = fs::File::open(at.join("day.pcapng")).expect("the capture");
        let mut command = std::process::Command::new(binary());
        let output = command.args(words(&line)).stdin(stdin).output().expect("runs");
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{input}: {text}");
    }
    assert_eq!(content(at), before);
}

#[test]
fn two_outputs_that_were_one_file_had_the_packets_of_the_last() {
    let (folder, line) = day_of_mail();
    let at = folder.path().display();
    let (code, text) =
        failure(&format!("{line} --pass-to {at}/both.pcapng --drop-to {at}/./both.pcapng"));
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("are the same file"), "{text}");
    assert!(!folder.path().join("both.pcapng").exists());
}

#[test]
fn a_file_of_somebody_else_was_replaced_unasked() {
    let (folder, line) = day_of_mail();
    let path = folder.path().join("letter");
    fs::write(&path, "dear you").expect("written");
    let line = format!("{line} --write {}", path.display());
    let (code, text) = failure(&line);
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("is there already"), "{text}");
    assert_eq!(fs::read_to_string(&path).expect("a file"), "dear you");
    assert_eq!(failure(&format!("{line} --force")).0, 0);
    // What we wrote ourselves is replaced without being asked.
    assert_eq!(failure(&line), (0, String::new()));
    // The capture of somebody else is not.
    fs::write(&path, pcap(&[(1, mail([10, 0, 1, 4], [203, 0, 113, 25]))])).expect("written");
    assert_eq!(failure(&line).0, 2);
}

#[test]
fn an_output_of_a_store_that_was_the_store_replaced_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().display();
    let store = format!("--store {at}/s.db");
    stdout(&format!("store init {store} --inventory fixtures/inventories/day-of-mail.toml"));
    let before = content(folder.path());
    for file in before.iter().map(|(name, _)| name) {
        let line =
            format!("replay fixtures/captures/day-of-mail.pcapng {store} --write {at}/{file}");
        assert_eq!(failure(&line).0, 2, "{file}");
        assert_eq!(failure(&format!("{line} --force")).0, 2, "{file}");
    }
    assert_eq!(content(folder.path()), before);
}

#[test]
fn manual_pages_replaced_what_was_in_their_way() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("egress25.1");
    fs::write(&path, "my own notes").expect("written");
    let line = format!("man --dir {}", folder.path().display());
    assert_eq!(failure(&line).0, 2);
    assert_eq!(fs::read_to_string(&path).expect("a file"), "my own notes");
    assert_eq!(failure(&format!("{line} --force")).0, 0);
    assert_eq!(failure(&line).0, 0);
}

#[test]
fn what_a_killed_replay_left_stayed_for_good() {
    let (folder, line) = day_of_mail();
    let left = folder.path().join("judged.pcapng.egress25-0a1b2c3d.partial");
    fs::create_dir(&left).expect("a folder");
    fs::write(left.join("judged.pcapng"), "half").expect("written");
    let output = egress25(words(&format!("{line} --write {}/x", folder.path().display()))).output();
    assert!(output.expect("runs").status.success());
    assert!(!left.exists());
}

#[test]
fn a_report_that_was_the_scenario_or_its_lab_replaced_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().display();
    fs::copy(
        repository().join("fixtures/inventories/revoked.toml"),
        folder.path().join("inventory.toml"),
    )
    .expect("copied");
    let scenario = "name = \"s\"\ninventory = \"inventory.toml\"\n\n[[step]]\nwait = 0\n";
    fs::write(folder.path().join("s.toml"), scenario).expect("written");
    let before = content(folder.path());
    for option in ["--junit", "--happened", "--verdicts", "--capture"] {
        for file in ["s.toml", "inventory.toml"] {
            let line = format!("lab run {at}/s.toml {option} {at}/{file}");
            let (code, text) = failure(&line);
            assert_eq!(code, 2, "{option} {file}: {text}");
            assert!(text.contains("is the same file as the input"), "{text}");
        }
    }
    assert_eq!(content(folder.path()), before);
}

#[test]
fn an_output_took_the_name_of_what_lies_beside_a_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path().display();
    let day = "fixtures/captures/day-of-mail.pcapng";
    stdout(&format!(
        "store init --inventory fixtures/inventories/day-of-mail.toml --store {at}/s.db"
    ));
    for ending in ["-head", "-wal", "-shm"] {
        // What is there now is no test of what will be.
        let _ = fs::remove_file(folder.path().join(format!("s.db{ending}")));
        for line in [
            format!("store export {at}/s.db{ending} --store {at}/s.db"),
            format!("store backup {at}/s.db{ending} --store {at}/s.db"),
            format!("store init --store {at}/s.db{ending}"),
            format!("replay {day} --store {at}/s.db --summary --write {at}/s.db{ending}"),
        ] {
            assert_eq!(failure(&line).0, 2, "{line}");
        }
    }
    stdout(&format!("store verify --store {at}/s.db"));
}

#[test]
fn rows_were_written_over_the_capture_that_they_tell_of() {
    let (folder, line) = day_of_mail();
    let before = content(folder.path());
    let capture = folder.path().join("day.pcapng");
    let file = fs::OpenOptions::new().write(true).open(&capture).expect("the capture");
    let output = std::process::Command::new(binary())
        .args(words(&line))
        .current_dir(repository())
        .stdout(file)
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(content(folder.path()), before);
}

#[test]
fn stdout_that_was_an_output_lost_all_its_rows() {
    let (folder, line) = day_of_mail();
    for redirect in [">", ">>"] {
        let script = format!(
            "cd {} && \"$0\" {line} --format ndjson --write out.pcapng {redirect} out.pcapng",
            folder.path().display()
        );
        let output = in_a_shell(&script);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("`out.pcapng` and `stdout` are the same file"), "{said}");
    }
}

#[test]
fn stdout_that_was_appended_to_what_a_command_reads_damaged_it() {
    let (folder, _) = day_of_mail();
    let copy = |from: &str, to: &str| {
        fs::copy(repository().join("fixtures").join(from), folder.path().join(to)).expect("copied");
    };
    copy("mail-logs/postfix/blocked.log", "mail.log");
    copy("flow-logs/PT1H.json", "PT1H.json");
    let begun = format!(
        "cd {} && \"$0\" store init --store s.db && \"$0\" subscription add shop --offer msdn \
         --created 2019-03-01 --store s.db",
        folder.path().display()
    );
    assert_eq!(in_a_shell(&begun).status.code(), Some(0));
    for (line, input) in [
        ("graph inventory.toml", "inventory.toml"),
        ("validate inventory.toml", "inventory.toml"),
        ("check --inventory inventory.toml --machine vm-web --to 203.0.113.5", "inventory.toml"),
        ("export nft inventory.toml --network shop-net", "inventory.toml"),
        ("flows PT1H.json --inventory inventory.toml", "inventory.toml"),
        ("flows PT1H.json --inventory inventory.toml", "PT1H.json"),
        ("diagnose mail.log", "mail.log"),
        ("log --store s.db", "s.db"),
        ("store export - --store s.db", "s.db-head"),
    ] {
        let before = content(folder.path());
        let script = format!("cd {} && \"$0\" {line} >> {input}", folder.path().display());
        let output = in_a_shell(&script);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains("is the same file as the input"), "{line}: {said}");
        assert!(content(folder.path()) == before, "{line}: {input}");
    }
}

/// What a script comes to, in which `$0` is the program.
fn in_a_shell(script: &str) -> std::process::Output {
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", script]).arg(binary()).output().expect("sh runs")
}
