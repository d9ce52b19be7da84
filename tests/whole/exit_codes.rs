//! Exit codes, streams and the environment.

use std::io::Read;
use std::process::{Command, Stdio};

use crate::program::{binary, egress25, failure, repository, stdout, words};

const QUESTION: &str = "check --offer pay-as-you-go --created 2019-03-01 --to 203.0.113.5";

#[test]
fn a_drop_is_an_answer_and_ends_with_0() {
    assert_eq!(failure(QUESTION), (0, String::new()));
}

#[test]
fn an_answer_that_is_not_expected_ends_with_3() {
    assert_eq!(failure(&format!("{QUESTION} --expect drop")).0, 0);
    assert_eq!(failure(&format!("{QUESTION} --expect not-granted")).0, 0);
    let (code, text) = failure(&format!("{QUESTION} --expect pass"));
    assert_eq!(code, 3);
    assert_eq!(text, "error: expected `pass`, but the answer is `drop not-granted`\n");
    assert_eq!(failure(&format!("{QUESTION} --expect exempt")).0, 3);
    assert_eq!(failure(&format!("{QUESTION} --expect perhaps")).0, 2);
    assert_eq!(failure(&format!("{QUESTION} --set block_form=reject --expect reject")).0, 0);
    assert_eq!(failure(&format!("{QUESTION} --expect reject")).0, 3);
}

#[test]
fn bad_usage_and_bad_input_end_with_2() {
    for line in [
        "",
        "check",
        "check --to nowhere",
        "check --to 203.0.113.5",
        "check --to 203.0.113.5 --offer pay-as-you-go",
        "check --to 203.0.113.5 --offer pay-as-you-go --created yesterday",
        "check --to 203.0.113.5 --offer gold --created 2019-03-01",
        "check --to 203.0.113.5 --inventory no-such-file.toml",
        "check --to 203.0.113.5 --inventory fixtures/captures/day-of-mail.pcap",
        "check --to 203.0.113.5 --offer pay-as-you-go --inventory fixtures/inventories/revoked.toml",
        "check --to 203.0.113.5 --offer free-trial --created 2019-03-01 --edition 1999-01",
        "check --to 203.0.113.5 --offer free-trial --created 2019-03-01 --set nothing=yes",
        "check --to 203.0.113.5 --offer free-trial --created 2019-03-01 --set block_form=maybe",
        "check --to 203.0.113.5 --offer free-trial --created 2019-03-01 --started-since-grant",
        "explain no-such-reason",
        "policy show 1999-01",
        "lab connect vm-web mx.example.net:25 --expect timout",
        "filter --interface no-such-interface",
        "no-such-command",
    ] {
        let (code, text) = failure(line);
        assert_eq!(code, 2, "`{line}`: {text}");
        assert!(!text.is_empty(), "`{line}` says why");
        assert!(!text.contains("panicked"), "`{line}`: {text}");
    }
}

#[test]
fn verdicts_that_go_on_were_written_as_lines_whatever_format_was_asked_for() {
    for line in ["lab events", "filter --inventory x.toml --queue 1"] {
        for format in ["json", "csv"] {
            let (code, said) = failure(&format!("{line} --format {format}"));
            assert_eq!(code, 2, "{line}: {said}");
            assert!(said.contains("possible values: human, ndjson"), "{line}: {said}");
        }
    }
}

#[test]
fn help_and_version_end_with_0_on_stdout() {
    for line in ["--help", "-h", "--version", "check --help", "help policy diff", "matrix -h"] {
        let (code, text) = failure(line);
        assert_eq!((code, text.as_str()), (0, ""), "{line}");
        assert!(!stdout(line).is_empty());
    }
}

#[test]
fn help_that_could_not_be_written_said_nothing() {
    for line in ["--help", "--version", "check --help"] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("it");
        let output = Command::new(binary())
            .args(words(line))
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(said.starts_with("error: `stdout` cannot be written: "), "{line}: {said}");
    }
}

#[test]
fn a_path_to_no_store_was_a_failure_that_might_pass() {
    let folder = tempfile::tempdir().expect("a folder");
    let link = folder.path().join("loop.db");
    std::os::unix::fs::symlink(&link, &link).expect("a link");
    let file = folder.path().join("plain.db");
    std::fs::write(&file, "").expect("written");
    for path in [link, file.join("inside.db"), folder.path().join("x".repeat(300))] {
        let (code, text) = failure(&format!("vm list --store {}", path.display()));
        assert!(code == 2 && text.contains("is no egress25 store"), "{code} {text}");
    }
}

#[test]
fn a_flag_comes_from_the_environment_and_a_typed_one_wins() {
    let mut command = egress25(words("check --offer free-trial"));
    command.env("EGRESS25_CHECK_TO", "203.0.113.5").env("EGRESS25_CHECK_CREATED", "2019-03-01");
    command.env("EGRESS25_CHECK_OFFER", "enterprise-agreement").env("EGRESS25_CHECK_FORMAT", "csv");
    command.env("EGRESS25_CHECK_SET", "block_form=reject,csp_cutoff=always");
    let text = String::from_utf8(command.output().expect("runs").stdout).expect("text");
    assert!(text.contains(",reject,offer-never-exempt,"), "{text}");
    let mut command = egress25(words(QUESTION));
    command.env("EGRESS25_CHECK_EXEMPT", "granted").env("EGRESS25_CHECK_STARTED_SINCE_GRANT", "1");
    let text = String::from_utf8(command.output().expect("runs").stdout).expect("text");
    assert!(text.starts_with("PASS"), "{text}");
    let mut command = egress25(words(QUESTION));
    command.env("EGRESS25_CHECK_EXEMPT", "granted").env("EGRESS25_CHECK_STARTED_SINCE_GRANT", "no");
    let text = String::from_utf8(command.output().expect("runs").stdout).expect("text");
    assert!(text.contains("waiting-for-stop-and-start"), "{text}");
}

#[test]
fn a_variable_of_one_command_broke_another() {
    // `bench` has no lines of JSON, and `replay --expect` is a file.
    let mut command = egress25(words("bench --help"));
    command.env("EGRESS25_CHECK_FORMAT", "ndjson");
    assert!(command.output().expect("runs").status.success());
    let day = "replay fixtures/captures/day-of-mail.pcapng --summary";
    let mut command =
        egress25(words(&format!("{day} --inventory fixtures/inventories/day-of-mail.toml")));
    command.env("EGRESS25_LAB_CONNECT_EXPECT", "open").env("EGRESS25_FORMAT", "no such format");
    assert!(command.output().expect("runs").status.success());
}

#[test]
fn a_word_that_is_no_yes_and_no_no_counted_as_yes() {
    let mut command = egress25(words(QUESTION));
    command.env("EGRESS25_CHECK_STARTED_SINCE_GRANT", "perhaps");
    let output = command.output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    let what = "the variable EGRESS25_CHECK_STARTED_SINCE_GRANT is `perhaps`; expected yes or no";
    assert!(said.contains(what), "{said}");
}

/// The exit code and what stands on stderr, with some variables.
fn with_variables(line: &str, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = egress25(words(line)).envs(variables.iter().copied()).output().expect("runs");
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

#[test]
fn a_typed_quiet_did_not_win_over_a_bad_variable() {
    let bad = [("EGRESS25_QUIET", "perhaps")];
    for line in [format!("{QUESTION} --quiet"), format!("-q {QUESTION}")] {
        assert_eq!(with_variables(&line, &bad), (Some(0), String::new()), "{line}");
    }
    let (code, said) = with_variables(QUESTION, &bad);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("the variable EGRESS25_QUIET is `perhaps`"), "{said}");
}

#[test]
fn a_typed_color_did_not_win_over_a_bad_variable() {
    let bad = [("EGRESS25_COLOR", "perhaps")];
    for line in [
        format!("{QUESTION} --color never"),
        format!("--color=never {QUESTION}"),
        "policy --color never show".to_owned(),
    ] {
        assert_eq!(with_variables(&line, &bad), (Some(0), String::new()), "{line}");
    }
    // What is behind `--` is another program's.
    let (code, said) = with_variables("lab exec vm-web -- ls --color never", &bad);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("EGRESS25_COLOR (the variable of --color <WHEN>)"), "{said}");
}

#[test]
fn a_bad_value_of_a_variable_was_blamed_on_a_flag_that_nobody_typed() {
    for (name, value, flag) in [
        ("EGRESS25_COLOR", "perhaps", "--color <WHEN>"),
        ("EGRESS25_COLOR", "", "--color <WHEN>"),
        ("EGRESS25_CHECK_FORMAT", "yaml", "--format <FORMAT>"),
        ("EGRESS25_CHECK_FORMAT", "", "--format <FORMAT>"),
        ("EGRESS25_CHECK_EXEMPT", "perhaps", "--exempt <STATE>"),
        ("EGRESS25_CHECK_DEPLOYED", "yesterday", "--deployed <TIME>"),
        ("EGRESS25_CHECK_DEPLOYED", "", "--deployed <TIME>"),
        ("EGRESS25_CHECK_SET", "nothing", "--set <NAME=VALUE>"),
        // It does not go with --offer.
        ("EGRESS25_CHECK_INVENTORY", "x.toml", "--inventory <FILE>"),
    ] {
        let (code, said) = with_variables(QUESTION, &[(name, value)]);
        assert_eq!(code, Some(2), "{name}={value}: {said}");
        let blamed = format!("{name} (the variable of {flag})");
        assert!(said.contains(&blamed), "{name}={value}: {said}");
    }
    let (_, said) = with_variables("check --to x", &[("EGRESS25_CHECK_TO", "y")]);
    assert!(said.contains("invalid value 'x' for '--to <ADDRESS[:PORT]>'"), "{said}");
}

#[test]
fn a_variable_that_was_meant_for_a_command_is_not_ignored_in_silence() {
    for (unread, name) in [
        ("EGRESS25_FORMAT", "EGRESS25_CHECK_FORMAT"),
        ("EGRESS25_LOOK_INSIDE", "EGRESS25_REPLAY_LOOK_INSIDE"),
        ("EGRESS25_CHEK_TO", "EGRESS25_CHECK_TO"),
        ("EGRESS25_COLOUR", "EGRESS25_COLOR"),
    ] {
        let note = format!("note: the variable {unread} is not read; {name} is\n");
        assert_eq!(with_variables(QUESTION, &[(unread, "no")]), (Some(0), note));
        let quiet = format!("{QUESTION} --quiet");
        assert_eq!(with_variables(&quiet, &[(unread, "no")]), (Some(0), String::new()));
    }
    let others = ["EGRESS25_TEST_BINARY", "EGRESS25_SKIPPED", "EGRESS25_FAULTS", "EGRESS25_KILLS"];
    let others = others.map(|name| (name, "x"));
    assert_eq!(with_variables(QUESTION, &others), (Some(0), String::new()));
}

#[test]
fn an_old_variable_was_not_told_where_its_flag_was_missing() {
    let line = "check --offer pay-as-you-go --created 2019-03-01";
    let note = "note: the variable EGRESS25_TO is not read; EGRESS25_CHECK_TO is\n";
    let old = ("EGRESS25_TO", "203.0.113.5");
    let (code, said) = with_variables(line, &[old]);
    assert!(
        code == Some(2) && said.contains("--to <ADDRESS[:PORT]>") && said.ends_with(note),
        "{said}"
    );
    for quiet in [("EGRESS25_QUIET", "yes"), ("EGRESS25_NONE", "")] {
        let line = format!("{line}{}", if quiet.1.is_empty() { " -q" } else { "" });
        let (code, said) = with_variables(&line, &[old, quiet]);
        assert!(code == Some(2) && !said.contains("note:"), "{line}: {said}");
    }
    assert_eq!(with_variables("check --help", &[old]), (Some(0), String::new()));
}

#[test]
fn the_variable_of_the_flag_that_was_called_lab_was_told_as_another_or_not_at_all() {
    for (line, unread, name) in [
        ("check --to 203.0.113.5", "EGRESS25_LAB", "EGRESS25_CHECK_INVENTORY"),
        ("check --to 203.0.113.5", "EGRESS25_CHECK_LAB", "EGRESS25_CHECK_INVENTORY"),
        ("replay x.pcap", "EGRESS25_LAB", "EGRESS25_REPLAY_INVENTORY"),
        ("explain not-granted", "EGRESS25_LAB", "EGRESS25_COMMAND_INVENTORY"),
        ("explain not-granted", "EGRESS25_REPLAY_LAB", "EGRESS25_REPLAY_INVENTORY"),
    ] {
        let (_, said) = with_variables(line, &[(unread, "x.toml")]);
        let note = format!("note: the variable {unread} is not read; {name} is\n");
        assert!(said.contains(&note), "{line} with {unread}: {said}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    // More output than a pipe holds, and a reader that takes some of it only.
    let mut child = Command::new(binary())
        .args(["matrix", "--format", "json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("runs");
    let mut out = child.stdout.take().expect("a pipe");
    let mut first = [0; 16];
    out.read_exact(&mut first).expect("some output");
    drop(out);
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

/// The program with a stdout that nobody reads any more.
fn unread(line: &str) -> (i32, String) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    run_into(line, writer)
}

/// The program with a stdout that is full.
fn full(line: &str) -> (i32, String) {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    run_into(line, full)
}

fn run_into(line: &str, stdout: impl Into<Stdio>) -> (i32, String) {
    let mut command = Command::new(binary());
    command.args(words(line)).current_dir(repository()).stdin(Stdio::null());
    let output = command.stdout(stdout).output().expect("runs");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code().expect("it was not killed"), text)
}

const REPLAY: &str =
    "replay fixtures/captures/day-of-mail.pcapng --inventory fixtures/inventories/day-of-mail.toml";

/// A folder with what a replay says, and with that changed in one row.
fn golden_files() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let rows = stdout(&format!("{REPLAY} --format csv"));
    std::fs::write(folder.path().join("good"), &rows).expect("written");
    let changed = rows.replacen("drop,not-granted", "pass,exempt", 1);
    std::fs::write(folder.path().join("changed"), changed).expect("written");
    folder
}

#[test]
fn a_closed_pipe_hid_that_rows_differ_and_left_the_captures_away() {
    let folder = golden_files();
    let at = folder.path().display();
    for format in ["human", "json", "ndjson", "csv"] {
        let line = format!(
            "{REPLAY} --format {format} --force --write {at}/all --drop-to {at}/drop --expect {at}"
        );
        let (code, text) = unread(&format!("{line}/changed"));
        assert_eq!(code, 3, "{format}: {text}");
        assert!(text.starts_with("error: the rows are not those of"), "{format}: {text}");
        assert_eq!(unread(&format!("{line}/good")), (0, String::new()), "{format}");
        assert!(folder.path().join("all").exists() && folder.path().join("drop").exists());
    }
    let (code, _) = unread(&format!("{REPLAY} --write - --drop-to {at}/too --expect {at}/changed"));
    assert_eq!(code, 3);
    let whole = std::fs::read(folder.path().join("drop")).expect("a capture");
    assert_eq!(std::fs::read(folder.path().join("too")).expect("a capture"), whole);
    assert_eq!(unread(&format!("{QUESTION} --expect pass --format json")).0, 3);
}

#[test]
fn a_full_disk_hid_behind_a_difference() {
    let (code, text) = full(&format!("{QUESTION} --expect pass"));
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("expected `pass`") && text.contains("cannot be written"), "{text}");
    let folder = golden_files();
    let at = folder.path().display();
    let line = format!("{REPLAY} --summary --write {at}/all --expect {at}/changed");
    assert_eq!(full(&line).0, 1);
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
    let output = Command::new(binary())
        .args(["matrix", "--format", "json"])
        .stdout(full)
        .output()
        .expect("runs");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.starts_with("error: `stdout` cannot be written"), "{text}");
}

/// What stands in the place of the words of the table: a file that is fine, and one that the
/// command makes.
fn filled(row: &str, folder: &std::path::Path, input: Option<&str>) -> String {
    let at = |name: &str| folder.join(name).display().to_string();
    let inventory = if row.contains("shop-net") {
        "fixtures/scenarios/mail.inventory.toml".to_owned()
    } else {
        "fixtures/inventories/day-of-mail.toml".to_owned()
    };
    let fine = [
        ("INVENTORY", inventory),
        ("CAPTURE", "fixtures/captures/day-of-mail.pcapng".to_owned()),
        ("MAIL_LOG", "fixtures/mail-logs/postfix/blocked.log".to_owned()),
        ("FLOW_LOG", "fixtures/flow-logs/PT1H.json".to_owned()),
        ("EXPORT", at("log.ndjson")),
        ("EXPORT_OF_AZURE", at("azure.json")),
        ("STORE", at("store.db")),
        ("NONE", at("none")),
    ];
    let words = row.split(' ').map(|word| match fine.iter().find(|(name, _)| *name == word) {
        Some((_, file)) => input.map_or_else(|| file.clone(), at),
        None if ["OUT", "NEW"].contains(&word) => at(word),
        None => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn prepared() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, log) = (folder.path().join("store.db"), folder.path().join("log.ndjson"));
    let (store, log) = (store.display(), log.display());
    stdout(&format!(
        "store init --inventory fixtures/inventories/day-of-mail.toml --store {store}"
    ));
    stdout(&format!("store export {log} --store {store}"));
    let subscription = "{\"id\": \"/subscriptions/1\", \"displayName\": \"shop\"}";
    std::fs::write(folder.path().join("azure.json"), subscription).expect("written");
    std::fs::create_dir(folder.path().join("directory")).expect("a directory");
    folder
}

fn code(line: &str, stdout: Stdio) -> i32 {
    let mut command = Command::new(binary());
    command.args(words(line)).current_dir(repository()).stdin(Stdio::null()).stdout(stdout);
    let output = command.stderr(Stdio::piped()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{line}: {said}");
    let lines: Vec<_> = said.lines().filter(|line| line.starts_with("error")).collect();
    assert!(lines.windows(2).all(|pair| pair[0] != pair[1]), "{line}: told twice: {said}");
    output.status.code().expect("it was not killed")
}

#[test]
fn every_command_ends_with_the_code_that_its_page_says() {
    let page = repository().join("docs/reference/program.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let rows: Vec<Vec<&str>> = page
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .filter(|row: &Vec<&str>| row.len() == 6)
        .collect();
    assert!(rows.len() > 20, "{} rows", rows.len());
    let full = || Stdio::from(std::fs::File::options().write(true).open("/dev/full").expect("it"));
    for row in rows {
        let command = row[0].trim_matches('`');
        for (column, expected) in
            ["missing", "directory", "taken", "unread", "full"].iter().zip(&row[1..])
        {
            let Ok(expected) = expected.parse::<i32>() else { continue };
            let folder = prepared();
            let fill = |input| filled(command, folder.path(), input);
            let found = match *column {
                "missing" => code(&fill(Some("no-such-file")), Stdio::piped()),
                "directory" => code(&fill(Some("directory")), Stdio::piped()),
                "taken" => {
                    std::fs::write(folder.path().join("OUT"), "somebody else's\n")
                        .expect("written");
                    let found = code(&fill(None), Stdio::piped());
                    let still = std::fs::read(folder.path().join("OUT")).expect("there");
                    assert_eq!(still, b"somebody else's\n", "{command}");
                    found
                }
                "unread" => {
                    let (reader, writer) = std::io::pipe().expect("a pipe");
                    drop(reader);
                    code(&fill(None), Stdio::from(writer))
                }
                _ => code(&fill(None), full()),
            };
            assert_eq!(found, expected, "{column}: {}", fill(None));
        }
    }
}

#[test]
fn the_flag_that_was_called_lab_says_what_it_is_called_now() {
    for line in ["replay day.pcap --lab x.toml", "check --to 203.0.113.25 --lab=x.toml"] {
        let (code, told) = failure(line);
        assert_eq!(code, 2, "{line}");
        assert!(told.contains("`--lab FILE` is now `--inventory FILE`"), "{line}: {told}");
    }
    let (_, told) = failure("lab up --lab x.toml");
    assert!(told.contains("is now the argument INVENTORY"), "{told}");
    assert!(!failure("explain --lab x.toml").1.contains("is now"));
}

#[test]
fn the_schema_that_was_called_lab_says_what_it_is_called_now() {
    let (code, told) = failure("schema lab");
    assert_eq!(code, 2, "{told}");
    assert!(told.contains("`schema lab` is now `schema inventory`"), "{told}");
    assert!(!failure("schema lap").1.contains("is now"));
}
