//! Every command that writes, ended at any moment and refused every system call that it writes
//! with: what stands under a name is whole, what was acknowledged is there, and nobody is exempt
//! whom the whole log blocks.

mod files;
mod labs;
mod listed;
mod pairs;
mod records;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use egress25_skipped::skipped;

use crate::program::{binary, repository};

/// A command that writes, in a folder that is prepared anew for each try.
struct CrashCase {
    name: &'static str,
    line: &'static str,
    /// What has to be there after the command, and after every later one that succeeds.
    made: &'static [&'static str],
}

/// The store of the prepared folder says that the exemption of `shop` was granted, the machine
/// started since, and the exemption revoked at last.
const CASES: &[CrashCase] = &[
    CrashCase {
        name: "init",
        line: "store init --inventory inventory.toml --store new.db",
        made: &["new.db"],
    },
    CrashCase { name: "import", line: "store import log.ndjson --store new.db", made: &["new.db"] },
    CrashCase {
        name: "export",
        line: "store export out.ndjson --store s.db",
        made: &["out.ndjson"],
    },
    CrashCase { name: "backup", line: "store backup copy.db --store s.db", made: &["copy.db"] },
    CrashCase { name: "restore", line: "store restore backup.db --store s.db", made: &["s.db"] },
    CrashCase {
        name: "restore anew",
        line: "store restore backup.db --store new.db",
        made: &["new.db"],
    },
    CrashCase { name: "migrate", line: "store migrate --store old.db", made: &["old.db"] },
    CrashCase {
        name: "append",
        line: "subscription add late --offer msdn --created 2019-03-01 --store s.db",
        made: &["s.db"],
    },
    CrashCase {
        name: "write",
        line: "replay day.pcapng --inventory day.toml --summary --write out.pcapng --pass-to pass.pcapng --drop-to drop.pcapng",
        made: &["out.pcapng", "pass.pcapng", "drop.pcapng"],
    },
];

fn run(folder: &Path, line: &str) -> Output {
    command(folder, line).output().expect("it runs")
}

fn command(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(binary());
    command.args(line.split_whitespace()).current_dir(folder);
    command.env("XDG_DATA_HOME", folder).env("USER", "ada");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn demand(folder: &Path, line: &str) {
    let output = run(folder, line);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {said}");
}

/// The lab that stores begin with: a history that ends with a revocation.
fn lab() -> String {
    let mut text = "[subscription.shop]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n\
                    [network.net]\naddress_space = [\"10.0.0.0/16\"]\n\
                    [machine.web]\nsubscription = \"shop\"\nnetwork = \"net\"\n\
                    addresses = [\"10.0.0.4\"]\n\
                    [subscription.other]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n\
                    [machine.spare]\nsubscription = \"other\"\nnetwork = \"net\"\n\
                    addresses = [\"10.0.0.5\"]\n"
        .to_owned();
    let mut event = |second: u32, kind: &str, what: &str| {
        let (minute, second) = (second / 60, second % 60);
        let _ = write!(
            text,
            "[[event]]\nat = \"2020-01-01T00:{minute:02}:{second:02}Z\"\nkind = \"{kind}\"\n{what}\n"
        );
    };
    event(0, "exemption-asked", "subscription = \"shop\"");
    event(1, "exemption-granted", "subscription = \"shop\"");
    for step in 0..600 {
        event(2 + 2 * step, "machine-deallocated", "machine = \"web\"");
        event(3 + 2 * step, "machine-started", "machine = \"web\"");
    }
    event(1_300, "exemption-revoked", "subscription = \"shop\"");
    text
}

/// A store of the first schema, with a file beside it that says up to where it was acknowledged.
fn older(folder: &Path) {
    demand(folder, "store backup old.db --store s.db");
    demand(folder, "subscription add late --offer msdn --created 2019-03-01 --store old.db");
    let connection = rusqlite::Connection::open(folder.join("old.db")).expect("a store");
    connection
        .execute_batch("DROP TABLE snapshot; PRAGMA user_version = 1;")
        .expect("the first schema");
}

/// A folder in memory where there is one: who is killed leaves the same there as on a disk, which
/// the tries would only wait for. `TMPDIR` says another place.
fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    match std::env::var_os("TMPDIR") {
        None if memory.is_dir() => tempfile::tempdir_in(memory),
        _ => tempfile::tempdir(),
    }
    .expect("a folder")
}

/// What every try begins with.
fn prepared() -> tempfile::TempDir {
    let folder = scratch();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("inventory.toml"), lab()).expect("written");
    demand(folder.path(), "store init --inventory inventory.toml --store s.db");
    demand(folder.path(), "store export log.ndjson --store s.db");
    demand(folder.path(), "store backup backup.db --store s.db");
    older(folder.path());
    for (from, to) in [
        ("captures/day-of-mail.pcapng", "day.pcapng"),
        ("inventories/day-of-mail.toml", "day.toml"),
    ] {
        std::fs::copy(repository().join("fixtures").join(from), at(to)).expect("copied");
    }
    folder
}

fn copied(from: &Path) -> tempfile::TempDir {
    let folder = scratch();
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).expect("copied");
    }
    folder
}

/// What is in a folder and below it, by its path from there.
fn names(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(place) = waiting.pop() {
        for entry in std::fs::read_dir(place).expect("a folder").flatten() {
            let path = entry.path();
            let name = path.strip_prefix(folder).expect("it lies there").to_string_lossy();
            found.insert(name.into_owned());
            if path.is_dir() {
                waiting.push(path);
            }
        }
    }
    found
}

/// Checks that a store is whole and says of the machine what its whole log does. Returns why it
/// is not read where it is of an earlier schema.
fn examine_store(folder: &Path, store: &str, context: &str) -> Result<(), String> {
    let check = run(folder, &format!("check --machine web --to 203.0.113.5 --store {store}"));
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    let why = String::from_utf8_lossy(&check.stderr).into_owned();
    if check.status.code() == Some(2) && why.contains("store migrate") {
        return Err(why);
    }
    assert!(said.starts_with("DROP  revoked"), "{context}: {store}: {said}{why}");
    let verify = run(folder, &format!("store verify --store {store}"));
    let said = String::from_utf8_lossy(&verify.stdout);
    assert!(verify.status.success(), "{context}: {store}: {said}");
    Ok(())
}

/// Checks the copies that were kept of stores. Returns how many are of an earlier schema.
fn examine_kept(folder: &Path, context: &str) -> usize {
    let mut older = 0;
    for name in names(folder) {
        let kept = [".before-restore-", ".schema-1-"]
            .iter()
            .filter_map(|ending| name.split_once(ending))
            .any(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()));
        if !kept {
            continue;
        }
        if examine_store(folder, &name, context).is_err() {
            older += 1;
            let apart = scratch();
            std::fs::copy(folder.join(&name), apart.path().join("kept.db")).expect("copied");
            demand(apart.path(), "store migrate --store kept.db");
            examine_store(apart.path(), "kept.db", context).expect("it was migrated");
        }
    }
    older
}

/// Whether a store is what every try begins with, to the byte: that needs no second look.
fn is_as_it_was(whole: &Path, folder: &Path, store: &str) -> bool {
    let read = |of: &Path, ending| std::fs::read(of.join(format!("{store}{ending}"))).ok();
    let same = |ending| read(whole, ending) == read(folder, ending);
    whole.join(store).exists() && ["", "-head", "-wal"].into_iter().all(same)
}

/// What a later look has to find, whatever became of a command.
fn examine(case: &CrashCase, whole: &Path, folder: &Path, done: bool, what: &str) {
    let context = format!("{}, {what}: {:?}", case.name, names(folder));
    for store in ["s.db", "new.db", "copy.db", "backup.db"] {
        if is_as_it_was(whole, folder, store) {
            continue;
        }
        if folder.join(store).exists() {
            examine_store(folder, store, &context).expect("it is of this schema");
            continue;
        }
        assert!(!(done && case.made.contains(&store)), "{context}: {store} is missing");
        assert_ne!(store, "s.db", "{context}");
    }
    let kept = examine_kept(folder, &context);
    if case.name == "migrate" {
        match examine_store(folder, "old.db", &context) {
            Ok(()) => assert!(kept > 0, "{context}: old.db was migrated, and nothing was kept"),
            Err(why) => assert!(!done, "{context}: {why}"),
        }
    }
    if done && case.name == "append" {
        let listed = run(folder, "subscription list --store s.db --format csv");
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        assert!(listed.contains("late,"), "{context}: it was acknowledged: {listed}");
    }
    for input in ["inventory.toml", "log.ndjson", "day.pcapng", "day.toml"] {
        let same = std::fs::read(whole.join(input)).ok() == std::fs::read(folder.join(input)).ok();
        assert!(same, "{context}: {input} has changed");
    }
    for output in ["out.ndjson", "out.pcapng", "pass.pcapng", "drop.pcapng"] {
        if let Ok(bytes) = std::fs::read(folder.join(output)) {
            let whole = std::fs::read(whole.join(output)).expect("the whole output");
            assert!(bytes == whole, "{context}: {output} is not what a whole run writes");
        } else {
            assert!(!(done && case.made.contains(&output)), "{context}: {output} is missing");
        }
    }
}

/// The command again, as its user would: it does what it is for, and leaves nothing else behind.
fn again(case: &CrashCase, pristine: &Path, folder: &Path, way: &Way, what: &str) {
    for made in case.made {
        if !pristine.join(made).exists() && !folder.join(made).is_dir() {
            let _ = std::fs::remove_file(folder.join(made));
        }
    }
    let _ = std::fs::remove_file(folder.join("new.db-head"));
    let output = (way.begin)(folder, case.line).output().expect("it runs");
    (way.clean)(folder);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let taken = match case.name {
        "append" => said.contains("there is one of that name"),
        "lab event" => said.contains("is `requested` already"),
        _ => false,
    };
    assert!(output.status.success() || taken, "{}, {what}, again: {said}", case.name);
    let kept = |name: &String| {
        name.contains(".before-restore-")
            || name.contains(".schema-1-")
            // What a lab run needs.
            || name == "scenario.toml"
            || Path::new(name).starts_with("run")
            || name.ends_with("-head")
            || name.ends_with("-wal")
            || name.ends_with("-shm")
    };
    let left: Vec<_> =
        names(folder).difference(&names(pristine)).filter(|name| !kept(name)).cloned().collect();
    let made = |name: &&String| {
        let page = !name.contains(".partial");
        page && case.made.iter().any(|made| Path::new(name).starts_with(made))
    };
    let left: Vec<_> = left.iter().filter(|name| !made(name)).collect();
    assert!(left.is_empty(), "{}, {what}: left behind: {left:?}", case.name);
}

/// A folder in which everything has been done once: what outputs look like when they are whole.
fn whole(pristine: &Path) {
    let folder = copied(pristine);
    for case in CASES.iter().filter(|case| matches!(case.name, "export" | "write")) {
        demand(folder.path(), case.line);
        for made in case.made {
            std::fs::copy(folder.path().join(made), pristine.join(format!("whole.{made}")))
                .expect("copied");
        }
    }
}

/// The prepared folder, and beside it what whole outputs look like under their own names.
struct Range {
    pristine: tempfile::TempDir,
    whole: tempfile::TempDir,
}

fn range() -> Range {
    let pristine = prepared();
    let first = copied(pristine.path());
    for store in ["s.db", "backup.db"] {
        examine_store(first.path(), store, "before any try").expect("it is of this schema");
    }
    whole(pristine.path());
    let whole = copied(pristine.path());
    for name in names(pristine.path()) {
        if let Some(output) = name.strip_prefix("whole.") {
            let (from, to) = (whole.path().join(&name), whole.path().join(output));
            std::fs::rename(from, to).expect("renamed");
            std::fs::remove_file(pristine.path().join(&name)).expect("removed");
        }
    }
    Range { pristine, whole }
}

fn tries(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().and_then(|tries| tries.parse().ok()).unwrap_or(usual)
}

/// The cases that a long run is about: those whose names `EGRESS25_CASES` lists, or all.
fn chosen(cases: &[CrashCase]) -> impl Iterator<Item = &CrashCase> {
    let listed = std::env::var("EGRESS25_CASES").ok();
    let is_in = |listed: &String, name| listed.split(',').any(|one| one.trim() == name);
    cases.iter().filter(move |case| listed.as_ref().is_none_or(|all| is_in(all, case.name)))
}

/// How the tries of some cases are begun, ended and cleaned up.
struct Way {
    /// The folder that every try begins with.
    range: fn() -> Range,
    begin: fn(&Path, &str) -> Command,
    /// What `strace` traces.
    trace: &'static [&'static str],
    /// Ends all that works on the case.
    end: fn(&Path, &mut Child),
    /// Ends whatever goes on after the command was run again.
    clean: fn(&Path),
    /// Looks at what a try left.
    examine: fn(&CrashCase, &Path, &Path, bool, &str),
    tries: usize,
}

/// A command that is one process.
const PLAIN: Way = Way {
    range,
    begin: command,
    trace: &["-f"],
    end: |_, child| drop(child.kill()),
    clean: |_| {},
    examine,
    tries: 25,
};

/// Whether a command has said that it did what it is for.
fn acknowledged(case: &CrashCase, output: &Output) -> bool {
    let says = !matches!(
        case.name,
        "export" | "write" | "manual pages" | "lab up" | "lab run" | "lab capture"
    );
    output.status.success() || says && !output.stdout.is_empty()
}

/// Kills every case at uniform moments of its run, and looks at what it left.
fn kill_all(cases: &[CrashCase], way: &Way, look: impl Fn(&CrashCase, &Path, bool, &str)) {
    let Range { pristine, whole } = (way.range)();
    let mut seed = u64::try_from(tries("EGRESS25_SEED", 25)).expect("64 bits");
    let (mut early, mut all) = (0_usize, 0_usize);
    for case in chosen(cases) {
        let mut took: Vec<Duration> = (0..3)
            .map(|_| {
                let folder = copied(pristine.path());
                let mut command = (way.begin)(folder.path(), case.line);
                let begun = Instant::now();
                let output = command.output().expect("it runs");
                let took = begun.elapsed();
                (way.clean)(folder.path());
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{}: {said}", case.line);
                took
            })
            .collect();
        took.sort();
        let span = took[1].as_micros().max(1);
        for number in 0..way.tries {
            let folder = copied(pristine.path());
            let folder = folder.path();
            let mut child = (way.begin)(folder, case.line).spawn().expect("it runs");
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let wait = u64::try_from(u128::from(seed >> 33) % span).expect("a short time");
            std::thread::sleep(Duration::from_micros(wait));
            early += usize::from(child.try_wait().expect("a child").is_none());
            all += 1;
            (way.end)(folder, &mut child);
            let done = acknowledged(case, &child.wait_with_output().expect("a child"));
            let what = format!("killed after {wait} us (number {number})");
            (way.examine)(case, whole.path(), folder, done, &what);
            look(case, folder, done, &what);
            again(case, pristine.path(), folder, way, &what);
            (way.examine)(case, whole.path(), folder, true, &what);
            look(case, folder, true, &what);
            if (number + 1) % 100 == 0 || number + 1 == way.tries {
                println!("{}: killed {} times", case.name, number + 1);
            }
        }
    }
    assert!(all > 0, "`EGRESS25_CASES` names none of these cases");
    println!("{all} commands, {early} of them killed before their end");
    assert!(early * 100 >= all * 30, "only {early} of {all} were killed before their end");
}

#[test]
fn commands_that_write_are_killed_at_any_moment() {
    let tries = tries("EGRESS25_KILLS", PLAIN.tries);
    kill_all(CASES, &Way { tries, ..PLAIN }, |_, _, _, _| {});
}

/// The system calls with which something is written.
const CALLS: &[&str] = &[
    "openat",
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "fsync",
    "fdatasync",
    "rename",
    "renameat2",
    "ftruncate",
    "unlink",
    "unlinkat",
    "link",
    "linkat",
    "mkdir",
    "mkdirat",
];

/// Runs a command under `strace`, which writes what it traces beside the folder.
fn strace(way: &Way, folder: &Path, options: &[&str], line: &str) -> Output {
    let inner = (way.begin)(folder, line);
    let mut command = Command::new("strace");
    command.args(way.trace).args(["-y", "-o"]).arg(folder.join("..").join(trace_name(folder)));
    command.args(options).arg(inner.get_program()).args(inner.get_args()).current_dir(folder);
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).output().expect("it runs")
}

fn trace_name(folder: &Path) -> String {
    format!("{}.trace", folder.file_name().expect("a name").to_string_lossy())
}

/// The calls of a traced run that concern a folder: each with its number among the calls of that
/// kind that its thread made.
fn calls(folder: &Path) -> Vec<(&'static str, usize)> {
    let trace = folder.join("..").join(trace_name(folder));
    let text = std::fs::read_to_string(&trace).expect("a trace");
    std::fs::remove_file(trace).expect("removed");
    let here = folder.display().to_string();
    let mut counts = std::collections::BTreeMap::<(String, &str), usize>::new();
    let mut found = BTreeSet::new();
    for line in text.lines() {
        let digits = |(thread, _): &(&str, &str)| thread.bytes().all(|byte| byte.is_ascii_digit());
        let (thread, call) = line.split_once(' ').filter(digits).unwrap_or(("", line));
        let call = call.trim_start();
        let Some(name) = CALLS
            .iter()
            .find(|name| call.strip_prefix(**name).is_some_and(|rest| rest.starts_with('(')))
        else {
            continue;
        };
        let count = counts.entry((thread.to_owned(), name)).or_default();
        *count += 1;
        let writes = *name != "openat"
            || call.contains("O_CREAT")
            || call.contains("O_RDWR")
            || call.contains("O_WRONLY");
        // Paths in arguments may be relative to the folder.
        let ours = call.contains(&here) || call.contains("AT_FDCWD") && !call.contains("\"/");
        if writes && ours {
            found.insert((*name, *count));
        }
    }
    found.into_iter().collect()
}

/// Why no call can be made to fail here, if none can.
fn untraceable() -> Option<&'static str> {
    let traced = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    let traces = traced.is_ok_and(|output| output.status.success());
    (!traces).then_some("strace is not installed, or may not trace here")
}

/// Fails calls with which the cases write, one a run, and looks at what that left.
fn fail_all(cases: &[CrashCase], way: &Way, look: impl Fn(&CrashCase, &Path, bool, &str)) {
    let Range { pristine, whole } = (way.range)();
    let mut all = 0_usize;
    for (place, case) in chosen(cases).enumerate() {
        let folder = copied(pristine.path());
        let trace = format!("trace={}", CALLS.join(","));
        assert!(strace(way, folder.path(), &["-e", &trace], case.line).status.success());
        (way.clean)(folder.path());
        let calls = calls(folder.path());
        assert!(!calls.is_empty(), "{}: nothing is written", case.name);
        let step = calls.len().div_ceil(way.tries).max(1);
        // Cases that write with the same calls are failed at different ones.
        let first = place % step;
        for (number, (call, nth)) in calls.iter().enumerate().skip(first).step_by(step) {
            let error = ["ENOSPC", "EIO"][(number / step) % 2];
            let both = way.tries >= 1_000;
            for error in if both { vec!["ENOSPC", "EIO"] } else { vec![error] } {
                let folder = copied(pristine.path());
                let folder = folder.path();
                let inject = format!("inject={call}:error={error}:when={nth}");
                let output = strace(way, folder, &["-e", &inject], case.line);
                (way.clean)(folder);
                let _ = std::fs::remove_file(folder.join("..").join(trace_name(folder)));
                let what = format!("{}: {call} number {nth} fails with {error}", case.name);
                let code = output.status.code();
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(matches!(code, Some(0..=2)), "{what}: {code:?} {said}");
                (way.examine)(case, whole.path(), folder, code == Some(0), &what);
                look(case, folder, code == Some(0), &what);
                again(case, pristine.path(), folder, way, &what);
                (way.examine)(case, whole.path(), folder, true, &what);
                look(case, folder, true, &what);
                all += 1;
            }
        }
        println!("{}: {} calls write", case.name, calls.len());
    }
    assert!(all > 0, "`EGRESS25_CASES` names none of these cases");
    println!("{all} calls failed, one a run");
}

#[test]
fn every_call_that_writes_fails_once() {
    if let Some(why) = untraceable() {
        return skipped(why);
    }
    let tries = tries("EGRESS25_FAULTS", 12);
    fail_all(CASES, &Way { tries, ..PLAIN }, |_, _, _, _| {});
}

#[test]
fn what_is_no_store_is_not_replaced_by_a_restore() {
    let folder = prepared();
    let notes = folder.path().join("notes.txt");
    std::fs::write(&notes, "not a store at all\n".repeat(400)).expect("written");
    let output = run(folder.path(), "store restore backup.db --store notes.txt");
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(
        std::fs::read(&notes).expect("there"),
        "not a store at all\n".repeat(400).as_bytes()
    );
    let left: PathBuf = folder.path().join("notes.txt.damaged-1");
    assert!(!left.exists());
}
