//! What a signal leaves: nothing beside an output's name, and what was to be told is told.
//!
//! Commands wait in the middle of their work because what they read is a pipe that goes on.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::program::{binary, repository, words};

const CAPTURE: &str = "fixtures/captures/day-of-mail.pcapng";
const SIGNALS: [(&str, i32); 3] = [("INT", 2), ("TERM", 15), ("HUP", 1)];

/// What is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder").flatten();
    let mut names: Vec<_> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Starts a command in the repository's folder, with a folder for its outputs, `OUT` in the line,
/// which is that of temporary files, too.
fn start(line: &str, out: &Path) -> Child {
    let line = line.replace("OUT", &out.display().to_string());
    let mut command = Command::new(binary());
    command.args(words(&line)).current_dir(repository()).env("TMPDIR", out);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("it runs")
}

fn signal(name: &str, child: &Child) {
    let done = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(done.expect("kill runs").success(), "{name}");
}

/// Whether the handler of a signal has run: the signal is pending no more, and caught.
fn is_caught(name: &str, child: &Child) -> bool {
    let number = SIGNALS.iter().find(|(one, _)| *one == name).expect("one of them").1;
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it runs");
    let has = |field: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("a set");
        u64::from_str_radix(line.trim(), 16).expect("a set") & (1 << (number - 1)) != 0
    };
    has("SigCgt:") && !has("SigPnd:") && !has("ShdPnd:")
}

/// Whether something lies in a folder until it is whole.
fn has_draft(folder: &Path) -> bool {
    names(folder).iter().any(|name| name.ends_with(".partial"))
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A store's log, for a store to be made of.
fn exported_log() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    for line in [
        "store init --store OUT/s.db --inventory fixtures/inventories/day-of-mail.toml",
        "store export OUT/log --store OUT/s.db",
    ] {
        let output = start(line, folder.path()).wait_with_output().expect("it ends");
        assert!(output.status.success(), "{line}: {}", said(&output));
    }
    fs::read(folder.path().join("log")).expect("the log")
}

/// Commands that wait for their input with an output begun, and what they are given of it.
fn waiting() -> Vec<(String, Vec<u8>)> {
    let capture = fs::read(repository().join(CAPTURE)).expect("the capture");
    let half = capture[..capture.len() / 2].to_vec();
    let mut log = exported_log();
    log.truncate(log.len() / 2);
    let replay = "replay PIPE --inventory fixtures/inventories/day-of-mail.toml";
    vec![
        (format!("{replay} --write OUT/out.pcapng"), half.clone()),
        (
            format!("{replay} --format ndjson --pass-to OUT/pass.pcapng --drop-to OUT/drop.pcapng"),
            half,
        ),
        ("store import PIPE --store OUT/new.db".to_owned(), log),
    ]
}

#[test]
fn a_signal_left_half_an_output_beside_its_name() {
    for (line, given) in waiting() {
        for (name, number) in SIGNALS {
            let (pipes, out) =
                (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("one"));
            let pipe = pipes.path().join("pipe");
            assert!(Command::new("mkfifo").arg(&pipe).status().expect("it runs").success());
            let line = line.replace("PIPE", &pipe.display().to_string());
            let child = start(&line, out.path());
            let mut input = File::options().read(true).write(true).open(&pipe).expect("a pipe");
            // What does not fit into the pipe yet is not needed.
            let given = given[..given.len().min(60_000)].to_vec();
            input.write_all(&given).expect("it is read");
            wait_until("it has begun to write", || has_draft(out.path()));
            signal(name, &child);
            let output = child.wait_with_output().expect("it ends");
            let ended = output.status.signal();
            assert_eq!(ended, Some(number), "{line}: {name}: {}", said(&output));
            assert_eq!(names(out.path()), [""; 0], "{line}: {name}");
        }
    }
}

#[test]
fn a_second_interrupt_left_half_an_output_beside_its_name() {
    let out = tempfile::tempdir().expect("a folder");
    let (line, given) = &waiting()[0];
    let mut child = start(&line.replace("PIPE", "-"), out.path());
    let mut input = child.stdin.take().expect("stdin");
    input.write_all(given).expect("it is read");
    wait_until("it has begun to write", || has_draft(out.path()));
    signal("INT", &child);
    wait_until("the first one is outlived", || is_caught("INT", &child));
    // Two that come together are one.
    std::thread::sleep(Duration::from_millis(100));
    assert!(child.try_wait().expect("a child").is_none() && has_draft(out.path()));
    signal("INT", &child);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.signal(), Some(2), "{}", said(&output));
    assert_eq!(names(out.path()), [""; 0]);
    drop(input);
}

/// In a pipeline Ctrl-C ends who writes the capture, too; what comes at the end is to be told.
#[test]
fn an_interrupt_of_a_pipeline_ended_packets_and_captures_and_spared_connections_alone() {
    let capture = fs::read(repository().join(CAPTURE)).expect("the capture");
    for more in
        ["", "--format ndjson", "--format json", "--format csv", "--summary", "--format html"]
    {
        let line = format!(
            "replay - --inventory fixtures/inventories/day-of-mail.toml {more} --write OUT/out.pcapng"
        );
        let results = [false, true].map(|interrupted| {
            let out = tempfile::tempdir().expect("a folder");
            let mut child = start(&line, out.path());
            let mut stdout = child.stdout.take().expect("stdout");
            let reading = std::thread::spawn(move || {
                let mut text = String::new();
                stdout.read_to_string(&mut text).map(|_| text)
            });
            let mut input = child.stdin.take().expect("stdin");
            let (first, rest) = capture.split_at(capture.len() / 2);
            input.write_all(first).expect("it is read");
            wait_until("it has begun to write", || has_draft(out.path()));
            if interrupted {
                signal("INT", &child);
                wait_until("it is outlived", || is_caught("INT", &child));
            }
            input.write_all(rest).expect("it is read");
            drop(input);
            let output = child.wait_with_output().expect("it ends");
            assert_eq!(output.status.code(), Some(0), "{more}: {}", said(&output));
            let written = fs::read(out.path().join("out.pcapng")).expect("the capture");
            let text = reading.join().expect("it reads").expect("text");
            (text.replace(&out.path().display().to_string(), "OUT"), written.len())
        });
        assert_eq!(results[0].1, results[1].1, "{more}");
        assert!(results[0].0.lines().count() == results[1].0.lines().count(), "{more}");
        assert!(!results[0].0.is_empty(), "{more}");
    }
}

#[test]
fn what_a_killed_bench_left_stayed_for_good() {
    let out = tempfile::tempdir().expect("a folder");
    let mut child = start("bench --rounds 1000 --warm-up 0 --file-size 1", out.path());
    wait_until("it has begun to write", || has_draft(out.path()));
    child.kill().expect("it is killed");
    child.wait().expect("a child");
    let left = names(out.path());
    assert!(has_draft(out.path()));
    let child = start("bench --rounds 1000 --warm-up 0 --file-size 1", out.path());
    wait_until("another one is there, and that one alone", || {
        let now = names(out.path());
        now.len() == 1 && now != left
    });
    signal("TERM", &child);
    let output = child.wait_with_output().expect("it ends");
    assert!(!output.status.success(), "{}", said(&output));
    assert_eq!(names(out.path()), [""; 0]);
}

/// Who reads a file that is cut meanwhile says one thing, and is not ended by a signal.
#[test]
fn a_text_that_is_cut_while_it_is_read_ends_with_a_code() {
    let log = fs::read(repository().join("fixtures/inventories/day-of-mail.toml")).expect("it");
    let out = tempfile::tempdir().expect("a folder");
    let file = out.path().join("inventory.toml");
    for _ in 0..10 {
        fs::write(&file, log.repeat(200)).expect("written");
        let child = start("validate OUT/inventory.toml", out.path());
        File::options().write(true).open(&file).expect("it").set_len(1_000).expect("cut");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.code().is_some(), "{:?} {}", output.status, said(&output));
    }
}
