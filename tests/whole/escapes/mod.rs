//! What somebody else wrote, through every command and every format: nothing of it acts where it is
//! shown, forges a row, or breaks a document.

mod materials;
mod written;

use std::collections::BTreeSet;
use std::process::Output;

use clap::Command;
use egress25_policy::acts_unseen;

use crate::program::egress25;
use materials::{EVIL, Materials};

/// Every command with what is foreign in it: `EVIL` stands for the text, `D/` for a folder of that
/// name, and `BAD` for each inventory that is refused. One with formats is run in each.
const LINES: &[&str] = &[
    "check --inventory D/i.toml --machine =1+1 --to 203.0.113.25 --at 2020-12-08T00:00:00Z",
    "check --inventory D/i.toml --machine =1+1 --to 198.51.100.25 --explain-rules",
    "check --inventory D/i.toml --machine EVIL --to 203.0.113.25",
    "check --inventory BAD --machine m --to 203.0.113.25",
    "check --inventory D/missing --machine m --to EVIL",
    "check --offer EVIL --created EVIL --to 203.0.113.25",
    "check --offer msdn --created 2019-03-01 --to 203.0.113.25 --edition D/edition.toml",
    "check --inventory D/i.toml --events D/events.toml --machine =1+1 --to 203.0.113.25",
    "replay D/c.pcapng --inventory D/i.toml",
    "replay D/c.pcapng --inventory D/i.toml --connections --edition D/edition.toml",
    "replay D/c.pcapng --inventory D/i.toml --expect D/golden.ndjson",
    "replay D/c.pcapng --inventory D/i.toml --expect D/golden.csv",
    "replay D/c.pcapng --inventory D/i.toml --expect D/bad.ndjson",
    "replay D/c.pcapng --inventory D/i.toml --write D/out.pcapng --force",
    "replay D/c.pcapng --offer msdn --created 2019-03-01",
    "replay D/junk --inventory D/i.toml",
    "replay D/out.pcapng --inventory BAD",
    "flows D/PT1H.json --inventory D/i.toml",
    "flows D/ --inventory D/i.toml",
    "flows D/junk --inventory D/i.toml",
    "diagnose D/mail.log --show-addresses",
    "diagnose D/mail.log --offer msdn --created 2019-03-01 --show-addresses",
    "diagnose D/mail.log D/junk D/missing",
    "diagnose --probe EVIL",
    "init D/c.pcapng --offer pay-as-you-go --created 2019-03-01",
    "init D/junk --offer EVIL",
    "bench D/c.pcapng --inventory BAD",
    "bench D/junk --inventory D/i.toml",
    "explain EVIL",
    "explain ZZ1 --edition D/edition.toml",
    "explain not-granted --edition D/edition.toml",
    "matrix --edition D/edition.toml",
    "matrix --edition EVIL",
    "policy list EVIL",
    "policy list",
    "policy show D/edition.toml",
    "policy show D/junk",
    "policy diff 2020-12 D/edition.toml",
    "policy diff EVIL D/junk",
    "policy trace EVIL",
    "policy trace D/edition.toml",
    "lab up BAD",
    "lab up D/i.toml --name EVIL",
    "lab down --name EVIL",
    "lab ls EVIL",
    "lab ls",
    "lab inspect --name EVIL",
    "lab exec EVIL --name no-such-lab -- EVIL",
    "lab events --name EVIL",
    "lab graph D/i.toml",
    "lab graph BAD",
    "lab vm stop EVIL --name EVIL",
    "lab event EVIL EVIL --name EVIL",
    "lab capture D/lab.pcapng --name EVIL",
    "lab connect EVIL EVIL --name EVIL",
    "lab run D/scenario.toml --junit D/junit.xml",
    "lab run BAD",
    "lab crash --name EVIL",
    "export nft D/i.toml --network net",
    "export nft D/i.toml --network EVIL",
    "export iptables D/i.toml --network net",
    "export iptables BAD --network net",
    "filter --interface EVIL --inventory D/i.toml --network net",
    "filter --queue 1 --inventory BAD --network EVIL",
    "store init --store D/s.db --inventory D/i.toml",
    "store init --store D/other.db --inventory BAD",
    "subscription add EVIL --offer msdn --created 2019-03-01 --store D/s.db",
    "subscription add +1 --offer pay-as-you-go --created 2019-03-01 --store D/s.db",
    "subscription set-offer EVIL msdn --store D/s.db",
    "subscription set-offer +1 EVIL --store D/s.db",
    "subscription list --store D/s.db",
    "exemption request +1 --good-standing yes --payment-history yes --anti-fraud passed --why EVIL --store D/s.db",
    "exemption request EVIL --store D/s.db",
    "exemption grant EVIL --store D/s.db",
    "exemption further-steps EVIL --why EVIL --store D/s.db",
    "exemption refuse EVIL --why EVIL --store D/s.db",
    "exemption revoke +1 --why EVIL --store D/s.db",
    "exemption list --store D/s.db",
    "exemption show EVIL --store D/s.db",
    "exemption show +1 --store D/s.db",
    "vm deploy EVIL --subscription shop --address 10.0.1.9 --store D/s.db",
    "vm deploy @vm --subscription +1 --network net --subnet web --address 10.0.1.9 --store D/s.db",
    "vm stop EVIL --store D/s.db",
    "vm deallocate EVIL --store D/s.db",
    "vm start EVIL --store D/s.db",
    "vm restart EVIL --store D/s.db",
    "vm redeploy EVIL --store D/s.db",
    "vm delete EVIL --store D/s.db",
    "vm list --store D/s.db",
    "firewall update-rules EVIL --store D/s.db",
    "firewall stop EVIL --store D/s.db",
    "firewall start EVIL --store D/s.db",
    "firewall list --store D/s.db",
    "log --store D/s.db",
    "log --store D/s.db --subscription EVIL",
    "log --store D/missing.db",
    "store verify --store D/s.db",
    "store verify --store D/junk",
    "store verify --store D/s.db --anchor EVIL",
    "store backup D/backup.db --store D/s.db",
    "store export D/log.ndjson --store D/s.db",
    "store export --store D/s.db",
    "store import D/log.ndjson --store D/copy.db",
    "store import D/junk --store D/copy2.db",
    "store restore D/backup.db --store D/s.db",
    "store restore D/junk --store D/s.db",
    "store migrate --store D/s.db",
    "store migrate --store D/junk",
    "validate D/i.toml",
    "validate BAD",
    "validate D/junk D/missing D/i.toml",
    "validate D/edition.toml --kind edition",
    "validate D/events.toml --kind events",
    "validate D/junk --kind events",
    "validate D/scenario.toml --kind scenario",
    "import D/az.json",
    "import D/az.json --write D/all.toml",
    "import D/az-subscription.json --write D/imported.toml",
    "import D/junk D/missing",
    "graph D/i.toml",
    "graph BAD",
    "schema EVIL",
    "completions EVIL",
    "man --dir D/missing/missing",
];

/// What the lines have that end with 2: a lab takes no such names.
const REFUSED: &[&str] = &[
    "EVIL",
    "BAD",
    "D/junk",
    "D/missing",
    "D/bad.",
    "D/scenario.toml",
    "lab graph D/i.toml",
    "lab capture D/lab.pcapng",
    "lab ls",
    // A comma is between files of events.
    "--events D/events.toml",
    "flows D/ --inventory D/i.toml",
];

/// The commands that do something, each as its words.
fn commands() -> Vec<Vec<String>> {
    fn walk(command: &Command, path: &[String], found: &mut Vec<Vec<String>>) {
        let below: Vec<_> =
            command.get_subcommands().filter(|sub| sub.get_name() != "help").collect();
        if below.is_empty() {
            found.push(path.to_vec());
        }
        for sub in below {
            walk(sub, &[path, &[sub.get_name().to_owned()]].concat(), found);
        }
    }
    let mut found = Vec::new();
    walk(&egress25_cli::command(), &[], &mut found);
    found
}

/// The command that a line begins with.
fn command_of(line: &str) -> Vec<String> {
    let words: Vec<_> = line.split(' ').collect();
    let is =
        |path: &&Vec<String>| path.iter().zip(&words).filter(|(a, b)| a == b).count() == path.len();
    commands().iter().find(is).unwrap_or_else(|| panic!("no command: {line}")).clone()
}

/// The formats of a command.
fn formats(path: &[String]) -> Vec<String> {
    let program = egress25_cli::command();
    let found = path.iter().fold(&program, |at, name| at.find_subcommand(name).expect("a command"));
    let format = found.get_arguments().find(|arg| arg.get_long() == Some("format"));
    let values = format.map(clap::Arg::get_possible_values).unwrap_or_default();
    values.iter().map(|value| value.get_name().to_owned()).collect()
}

fn words(line: &str, materials: &Materials, bad: usize) -> Vec<String> {
    let place = materials.place.display().to_string();
    let word = |word: &str| match word {
        "BAD" => materials.path(&format!("bad{bad}.toml")).display().to_string(),
        word if word.starts_with("D/") => format!("{place}/{}", &word[2..]),
        word => word.replace("EVIL", EVIL),
    };
    line.split(' ').map(word).collect()
}

/// What is wrong with what a command said.
fn faults(output: &Output, format: Option<&str>) -> Vec<String> {
    let mut faults = Vec::new();
    let (Ok(out), Ok(err)) = (str::from_utf8(&output.stdout), str::from_utf8(&output.stderr))
    else {
        return vec!["it is no UTF-8".to_owned()];
    };
    match output.status.code() {
        Some(0..=3) => {}
        other => faults.push(format!("it ended with {other:?}")),
    }
    for (name, text) in [("stdout", out), ("stderr", err)] {
        if let Some(sign) = text.chars().find(|sign| *sign != '\n' && acts_unseen(*sign)) {
            faults.push(format!("{sign:?} on {name}"));
        }
        // A browser takes the end of a line for a space.
        let forged = |line: &&str| line.trim_start_matches(['"', '\'']).starts_with("FORGED");
        if format != Some("html")
            && let Some(line) = text.lines().find(forged)
        {
            faults.push(format!("a forged row on {name}: {line}"));
        }
    }
    if err.len() > 8_000 {
        faults.push(format!("{} bytes on stderr", err.len()));
    }
    faults.extend(match format {
        Some("json") if !out.is_empty() => serde_json::from_str::<serde_json::Value>(out)
            .err()
            .map(|error| format!("JSON: {error}")),
        Some("ndjson") => out.lines().find_map(|line| {
            serde_json::from_str::<serde_json::Value>(line)
                .err()
                .map(|error| format!("{line}: {error}"))
        }),
        Some("csv") => csv_fault(out),
        Some("html") if out.contains("<b>") || out.contains("<script") => Some("markup".to_owned()),
        Some("dot") => out.lines().find(|line| unquoted(line).contains("row")).map(str::to_owned),
        _ => None,
    });
    faults
}

/// What is wrong with a CSV: rows of other lengths, formulas.
fn csv_fault(text: &str) -> Option<String> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    reader.records().find_map(|record| match record {
        Err(error) => Some(format!("CSV: {error}")),
        Ok(record) => {
            let formula = |cell: &&str| {
                cell.starts_with(['=', '+', '@', '\t']) && cell.parse::<f64>().is_err()
                    || cell.starts_with('-') && cell.len() > 1 && cell.parse::<f64>().is_err()
            };
            record.iter().find(formula).map(|cell| format!("a formula: {cell}"))
        }
    })
}

/// A line of DOT without what is quoted in it.
fn unquoted(line: &str) -> String {
    let mut inside = false;
    let mut escaped = false;
    let mut outside = String::new();
    for sign in line.chars() {
        match sign {
            '"' if !escaped => inside = !inside,
            sign if !inside => outside.push(sign),
            _ => {}
        }
        escaped = sign == '\\' && !escaped;
    }
    if inside { format!("{outside} row") } else { outside }
}

#[test]
fn a_command_was_left_out_of_the_table_of_foreign_texts() {
    let named: BTreeSet<_> = LINES.iter().map(|line| command_of(line)).collect();
    let all: BTreeSet<_> = commands().into_iter().collect();
    assert_eq!(all.difference(&named).collect::<Vec<_>>(), Vec::<&Vec<String>>::new());
}

#[test]
fn what_somebody_else_wrote_did_something_where_it_was_shown() {
    let materials = Materials::new();
    let mut known = written::names(&materials.place);
    let (mut wrong, mut spelt) = (Vec::new(), false);
    for line in LINES {
        // Every one in the two commands that say where it stands, some in the others.
        let every = if line.starts_with("validate") || line.starts_with("check") { 1 } else { 9 };
        let all = if line.contains("BAD") { Materials::bad() } else { 1 };
        for bad in (0..all).step_by(every) {
            let words = words(line, &materials, bad);
            let formats = formats(&command_of(line));
            // Which of the bad files it is makes no difference to a format.
            let formats = if bad > 0 { vec![] } else { formats };
            let formats = formats.iter().map(|format| Some(format.as_str()));
            let runs = if formats.len() == 0 { vec![None] } else { formats.collect() };
            let shows = REFUSED.iter().all(|word| !line.contains(word));
            for (number, format) in runs.into_iter().enumerate() {
                let mut run = egress25(&words);
                run.env("XDG_RUNTIME_DIR", &materials.place);
                run.env("EGRESS25_CHECK_EDITOIN", EVIL);
                if let Some(format) = format {
                    run.env(variable(&command_of(line)), format);
                }
                let output = run.output().expect("it runs");
                if shows && number == 0 && output.status.code() == Some(2) {
                    let said = String::from_utf8_lossy(&output.stderr);
                    wrong.push(format!("{line}: it is refused, and shows nothing: {said}"));
                }
                spelt |= String::from_utf8_lossy(&output.stdout).contains("\\u{202e}");
                let written = written::faults(&materials.place, &mut known);
                for fault in faults(&output, format).into_iter().chain(written) {
                    wrong.push(format!("{line} ({format:?}, {bad}): {fault}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(spelt, "nothing that was shown had a sign to spell");
    for written in ["out.pcapng", "junit.xml", "log.ndjson", "imported.toml"] {
        assert!(known.contains(std::ffi::OsStr::new(written)), "{written} was not written");
    }
}

/// The variable of a command's format.
fn variable(path: &[String]) -> String {
    let name = path.join("_").replace('-', "_").to_uppercase();
    format!("EGRESS25_{name}_FORMAT")
}

#[test]
fn with_colours_a_text_brought_its_own() {
    let materials = Materials::new();
    for line in [
        "check --inventory D/i.toml --machine =1+1 --to 203.0.113.25 --color always",
        "check --inventory D/i.toml --machine EVIL --to 203.0.113.25 --color always",
        "replay D/c.pcapng --inventory D/i.toml --color always",
        "policy show D/edition.toml --color always",
        "explain ZZ1 --edition D/edition.toml --color always",
        "validate BAD --color always",
        "matrix --edition D/edition.toml --color always",
    ] {
        for bad in 0..if line.contains("BAD") { Materials::bad() } else { 1 } {
            let output = egress25(words(line, &materials, bad)).output().expect("it runs");
            let text = [output.stdout, output.stderr].concat();
            let text = String::from_utf8(text).expect("text");
            // Colours of ours are `ESC [ numbers m`; no text of theirs has another sequence left.
            let mut rest = text.as_str();
            let mut plain = String::new();
            while let Some((before, after)) = rest.split_once("\u{1b}[") {
                let end = after.find(|sign: char| !sign.is_ascii_digit() && sign != ';');
                let end = end.unwrap_or_else(|| panic!("{line}: {text}"));
                assert!(after[end..].starts_with('m'), "{line}: {text}");
                // The text of theirs would be red.
                assert!(!after[end + 1..].starts_with("\u{1b}]0;"), "{line}: {text}");
                plain.push_str(before);
                rest = &after[end + 1..];
            }
            plain.push_str(rest);
            let acts = plain.chars().find(|sign| *sign != '\n' && acts_unseen(*sign));
            assert_eq!(acts, None, "{line}: {text}");
            assert!(!text.contains("\nFORGED"), "{line}: {text}");
        }
    }
}
