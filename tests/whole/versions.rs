//! One store that 0.1.0 and this program use in turns: either both understand it, or one refuses it
//! and says why; nobody is exempt whose exemption was revoked, and nothing is lost that was
//! acknowledged.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use egress25_skipped::skipped;

use crate::program::{binary, repository};

/// The binary of 0.1.0, as `just baseline` builds it; `EGRESS25_BASELINE` names another.
fn earlier() -> Option<PathBuf> {
    let named = std::env::var_os("EGRESS25_BASELINE").map(PathBuf::from);
    let path = named.unwrap_or_else(|| repository().join("target/v0.1.0/release/egress25"));
    if !path.exists() {
        skipped("there is no binary of 0.1.0: `just baseline` builds it");
        return None;
    }
    Some(path)
}

/// A folder, and the two programs: 0.1.0 and this one.
struct Both {
    folder: tempfile::TempDir,
    programs: [PathBuf; 2],
}

const EARLIER: usize = 0;
const THIS: usize = 1;

impl Both {
    fn new() -> Option<Self> {
        let both = Self {
            folder: tempfile::tempdir().expect("a folder"),
            programs: [earlier()?, binary()],
        };
        std::fs::write(both.at("inventory.toml"), INVENTORY).expect("written");
        Some(both)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, program: usize, line: &str) -> Output {
        command(&self.programs[program], self.folder.path(), line).output().expect("it runs")
    }

    /// What the program writes to stdout; it has to end with 0.
    fn demand(&self, program: usize, line: &str) -> String {
        let output = self.run(program, line);
        assert!(output.status.success(), "{program}: {line}: {}", said(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Begins a store; the flag for the inventory was called `--lab`.
    fn begin(&self, program: usize, store: &str) {
        let flag = ["--lab", "--inventory"][program];
        self.demand(program, &format!("store init {flag} inventory.toml --store {store}"));
    }

    /// Verdict and reason of the machine, which both programs have to agree about.
    fn verdict(&self, store: &str, context: &str) -> String {
        let line = format!("check --machine web --to 203.0.113.5 --store {store}");
        let [earlier, this] = [EARLIER, THIS].map(|program| {
            let text = self.demand(program, &line);
            text.lines().next().map(str::to_owned).expect("a verdict")
        });
        assert_eq!(earlier, this, "{context}");
        this
    }
}

fn command(program: &Path, folder: &Path, line: &str) -> Command {
    let mut command = Command::new(program);
    command.args(line.split(' ')).current_dir(folder).env("USER", "ada");
    command.env("XDG_DATA_HOME", folder).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const INVENTORY: &str = r#"
[subscription.shop]
offer = "pay-as-you-go"
created = "2019-03-01"
[network.net]
address_space = ["10.0.0.0/16"]
[machine.web]
subscription = "shop"
network = "net"
addresses = ["10.0.0.4"]
[firewall.wall]
subscription = "shop"
network = "net"
address = "10.0.255.4"
"#;

/// What both programs can record.
const VERBS: &[&str] = &[
    "exemption request shop --good-standing yes --payment-history yes --anti-fraud passed --why mail",
    "exemption request shop --reviewer manual --good-standing yes --payment-history yes --why mail",
    "exemption grant shop",
    "exemption grant shop",
    "exemption refuse shop",
    "exemption revoke shop",
    "vm deallocate web",
    "vm deallocate web",
    "vm start web",
    "vm start web",
    "vm restart web",
    "vm stop web",
    "vm redeploy web",
    "subscription set-offer shop msdn",
    "subscription set-offer shop pay-as-you-go",
];

/// A number below another one, by a seed that goes on.
fn below(seed: &mut u64, bound: usize) -> usize {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    usize::try_from(*seed >> 33).expect("a number of 31 bits") % bound
}

#[test]
fn a_store_that_two_versions_use_in_turns_loses_nothing_and_frees_nobody() {
    let Some(both) = Both::new() else { return };
    let turns = std::env::var("EGRESS25_TURNS").ok().and_then(|turns| turns.parse().ok());
    let mut seed = 25;
    let (mut written, mut refused, mut freed) = (0, 0, 0);
    for begun in [EARLIER, THIS] {
        let store = format!("begun-by-{begun}.db");
        both.begin(begun, &store);
        let mut acknowledged = Vec::new();
        let mut revoked = false;
        for turn in 0..turns.unwrap_or(60_usize) {
            let verb = VERBS[below(&mut seed, VERBS.len())];
            let program = below(&mut seed, 2);
            let line = format!("{verb} --key turn-{turn}- --store {store}");
            let output = both.run(program, &line);
            let context = format!("turn {turn}: {program}: {line}: {}", said(&output));
            if output.status.success() {
                acknowledged.push(format!("\"key\":\"turn-{turn}-"));
                revoked &= !(verb.contains("grant") || verb.contains("request"));
                revoked |= verb.contains("revoke");
                written += 1;
            } else {
                // What does not fit the state is refused by a statement, and nothing else is.
                assert_eq!(output.status.code(), Some(1), "{context}");
                assert!(said(&output).contains("is refused"), "{context}");
                refused += 1;
            }
            let verdict = both.verdict(&store, &context);
            assert!(!(revoked && verdict.starts_with("PASS")), "{context}: {verdict}");
            freed += usize::from(verdict.starts_with("PASS"));
            let logs = [EARLIER, THIS]
                .map(|program| both.demand(program, &format!("store export - --store {store}")));
            assert!(logs[EARLIER] == logs[THIS], "{context}");
            let lost = acknowledged.iter().find(|key| !logs[THIS].contains(*key));
            assert_eq!(lost, None, "{context}");
        }
        for program in [EARLIER, THIS] {
            both.demand(program, &format!("store verify --store {store}"));
        }
    }
    println!("{written} verbs recorded, {refused} refused; after {freed} the machine was exempt");
    assert!(written > 20 && freed > 0);
}

#[test]
fn an_entry_of_a_later_version_was_called_damaged_by_an_earlier_one() {
    let Some(both) = Both::new() else { return };
    for (number, verb) in [
        "firewall stop wall",
        "firewall update-rules wall",
        "subscription add late --offer all-other-types --created 2019-03-01",
        "subscription set-offer shop all-other-types",
    ]
    .iter()
    .enumerate()
    {
        let store = format!("{number}.db");
        both.begin(THIS, &store);
        both.demand(THIS, &format!("{verb} --store {store}"));
        let before = both.demand(THIS, &format!("store export - --store {store}"));
        for line in [
            "check --machine web --to 203.0.113.5",
            "log",
            "exemption list",
            "vm stop web",
            "exemption request shop --good-standing yes --payment-history yes",
            "store export -",
        ] {
            let output = both.run(EARLIER, &format!("{line} --store {store}"));
            let why = said(&output);
            assert_eq!(output.status.code(), Some(1), "{verb}; {line}: {why}");
            assert!(why.contains("has entry schema 2"), "{verb}; {line}: {why}");
            assert!(!why.contains("damaged"), "{verb}; {line}: {why}");
            assert!(!String::from_utf8_lossy(&output.stdout).contains("PASS"), "{verb}; {line}");
        }
        assert_eq!(both.demand(THIS, &format!("store export - --store {store}")), before, "{verb}");
    }
}

/// The same where there is no binary of 0.1.0: it refuses what has another schema than 1.
#[test]
fn an_entry_that_0_1_0_does_not_know_had_the_schema_of_those_that_it_knows() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("inventory.toml"), INVENTORY).expect("written");
    for (line, schema) in [
        ("store init --inventory inventory.toml", 1),
        ("firewall stop wall", 2),
        ("vm restart web", 1),
        ("subscription set-offer shop all-other-types", 2),
        ("subscription add late --offer all-other-types --created 2019-03-01", 2),
    ] {
        let ran = |line: &str| {
            let line = format!("{line} --store s.db");
            let output = command(&binary(), folder.path(), &line).output().expect("it runs");
            assert!(output.status.success(), "{line}: {}", said(&output));
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        ran(line);
        let log = ran("store export -");
        let last = log.lines().last().expect("an entry");
        assert!(last.contains(&format!("\"schema\":{schema},")), "{line}: {last}");
        ran("store verify");
    }
}

#[test]
fn copies_of_one_version_are_taken_by_the_other() {
    let Some(both) = Both::new() else { return };
    for (from, to) in [(EARLIER, THIS), (THIS, EARLIER)] {
        let at = |name: &str| format!("{from}-{name}");
        let store = at("store.db");
        both.begin(from, &store);
        for line in [VERBS[0], "vm deallocate web", "vm start web", "exemption revoke shop"] {
            both.demand(from, &format!("{line} --store {store}"));
        }
        both.demand(from, &format!("store backup {} --store {store}", at("backup.db")));
        both.demand(from, &format!("store export {} --store {store}", at("log")));
        // What is written later is in the store that the restore keeps.
        both.demand(to, &format!("vm restart web --key late --store {store}"));
        both.demand(to, &format!("store restore {} --store {store}", at("backup.db")));
        both.demand(to, &format!("store import {} --store {}", at("log"), at("imported.db")));
        let kept = std::fs::read_dir(both.folder.path()).expect("a folder").flatten();
        let kept: Vec<_> = kept
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name.starts_with(&format!("{store}.before-restore-")))
            .filter(|name| name.bytes().last().is_some_and(|byte| byte.is_ascii_digit()))
            .collect();
        let late = |name: &String| {
            both.demand(THIS, &format!("store export - --store {name}")).contains("\"late\"")
        };
        assert!(kept.iter().any(late), "{from}: what was acknowledged is in no copy: {kept:?}");
        for name in [&store, &at("backup.db"), &at("imported.db")].into_iter().chain(&kept) {
            assert_eq!(both.verdict(name, name), "DROP  revoked", "{from}");
        }
    }
}

#[test]
fn a_store_of_the_first_schema_that_one_version_migrated_is_read_by_both() {
    let Some(both) = Both::new() else { return };
    for (begun, migrated) in [(EARLIER, THIS), (THIS, EARLIER)] {
        let store = format!("old-{begun}.db");
        both.begin(begun, &store);
        for line in [VERBS[0], "vm deallocate web", "vm start web", "exemption revoke shop"] {
            both.demand(begun, &format!("{line} --store {store}"));
        }
        let connection = rusqlite::Connection::open(both.at(&store)).expect("a store");
        connection
            .execute_batch("DROP TABLE snapshot; PRAGMA user_version = 1;")
            .expect("the first schema");
        drop(connection);
        for program in [EARLIER, THIS] {
            let line = format!("check --machine web --to 203.0.113.5 --store {store}");
            let output = both.run(program, &line);
            let why = said(&output);
            assert!(output.status.code() == Some(2) && why.contains("store migrate"), "{why}");
        }
        both.demand(migrated, &format!("store migrate --store {store}"));
        assert_eq!(both.verdict(&store, &store), "DROP  revoked");
        both.demand(begun, &format!("vm restart web --store {store}"));
        both.demand(migrated, &format!("store verify --store {store}"));
    }
}

#[test]
fn a_snapshot_of_an_earlier_version_frees_nobody_whom_a_later_one_blocked() {
    let Some(both) = Both::new() else { return };
    // A grant that is picked up, more entries than are between two snapshots, a revocation.
    let mut history = INVENTORY.to_owned();
    let turns = ["machine-deallocated", "machine-started"].iter().cycle().take(8_300);
    let kinds = ["exemption-asked", "exemption-granted"].iter().chain(turns);
    for (second, kind) in kinds.enumerate() {
        let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
        let at = format!("2020-01-01T{hour:02}:{minute:02}:{second:02}Z");
        let about = if kind.starts_with("machine") { "machine" } else { "subscription" };
        let name = if about == "machine" { "web" } else { "shop" };
        history += &format!("[[event]]\nat = \"{at}\"\nkind = \"{kind}\"\n{about} = \"{name}\"\n");
    }
    std::fs::write(both.at("inventory.toml"), history).expect("written");
    both.begin(EARLIER, "long.db");
    both.demand(EARLIER, "vm restart web --store long.db");
    let verified = both.demand(EARLIER, "store verify --store long.db");
    assert!(!verified.contains(" 0 snapshots"), "there is nothing to show: {verified}");
    assert_eq!(both.verdict("long.db", "granted"), "PASS  exempt");
    both.demand(THIS, "exemption revoke shop --store long.db");
    assert_eq!(both.verdict("long.db", "revoked"), "DROP  revoked");
    for program in [EARLIER, THIS] {
        both.demand(program, "store verify --store long.db");
    }
}

#[test]
fn two_versions_that_write_at_the_same_time_lose_nothing() {
    let Some(both) = Both::new() else { return };
    both.begin(EARLIER, "shared.db");
    let acknowledged: Vec<String> = std::thread::scope(|scope| {
        let writers = [EARLIER, THIS].map(|program| {
            let both = &both;
            scope.spawn(move || {
                let key = |number: usize| format!("by-{program}-{number}-");
                let write = |number: &usize| {
                    let key = key(*number);
                    let line = format!("vm restart web --key {key} --store shared.db");
                    let output = both.run(program, &line);
                    let is_busy = output.status.code() == Some(1);
                    assert!(output.status.success() || is_busy, "{}", said(&output));
                    output.status.success()
                };
                (0..25).filter(write).map(key).collect::<Vec<_>>()
            })
        });
        writers.into_iter().flat_map(|writer| writer.join().expect("it wrote")).collect()
    });
    let log = both.demand(THIS, "store export - --store shared.db");
    let lost: Vec<_> = acknowledged.iter().filter(|key| !log.contains(*key)).collect();
    assert_eq!(lost, Vec::<&String>::new());
    for program in [EARLIER, THIS] {
        both.demand(program, "store verify --store shared.db");
    }
    println!("{} of 50 entries of two versions acknowledged, none lost", acknowledged.len());
    assert!(acknowledged.len() > 10);
}
