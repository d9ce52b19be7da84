//! `diagnose`: the real logs of the fixtures, held against the policy, and what stays out of all
//! output.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

use crate::own_capture::on_a_terminal;
use crate::program::{binary, egress25, failure, json, repository, stdout, words};

const PROGRAMS: [&str; 6] = ["postfix", "journald", "exim", "swaks", "smtplib", "nodemailer"];
const PAYG: &str = "--offer pay-as-you-go --created 2019-03-01";

/// Each kind, and what fits it.
const KINDS: [(&str, &str); 9] = [
    ("blocked", "block"),
    ("refused", "refused"),
    ("no-ipv6", "no-ipv6"),
    ("one-destination", "one-destination"),
    ("name-not-found", "name-resolution"),
    ("relay", "relay-in-use"),
    ("tls", "not-blocked"),
    ("lost", "not-blocked"),
    ("rejected", "not-blocked"),
];

fn log(program: &str, kind: &str) -> String {
    format!("fixtures/mail-logs/{program}/{kind}.log")
}

fn fed(arguments: &str, input: &[u8]) -> Output {
    let mut command = Command::new(binary());
    command.args(words(arguments)).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("it runs");
    // A log that is refused may not be read to its end.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("it ends")
}

fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_data_has_a_version_and_counts_its_lines() {
    let diagnosis = json(&format!("diagnose {} --format json", log("postfix", "blocked")));
    assert_eq!(diagnosis["fits"][0]["fits"], "block");
    assert_eq!(diagnosis["schema_version"], 2);
    assert!(diagnosis["lines"]["lines"].as_u64() > Some(0));
}

#[test]
fn what_was_seen_is_held_against_the_policy() {
    let evidence = |kind: &str, flags: &str| {
        let line = format!("diagnose {} {flags} --format json", log("postfix", kind));
        let diagnosis = json(&line);
        (diagnosis["evidence"].clone(), diagnosis["answer"]["decision"]["reason"].clone())
    };
    let (blocked, reason) = evidence("blocked", PAYG);
    assert_eq!((&blocked["agreement"], &reason), (&"agrees".into(), &"not-granted".into()));
    assert_eq!((&blocked["tries"], &blocked["of"]), (&3.into(), &3.into()));
    let (rejected, _) = evidence("rejected", PAYG);
    assert_eq!(rejected["agreement"], "contradicts");
    assert!(rejected["why"].as_str().is_some_and(|why| why.contains("started since?")));
    let (refused, _) = evidence("refused", PAYG);
    assert_eq!(refused["agreement"], "contradicts");
    // Who may send and is not answered has to look elsewhere (N20).
    let (silent, reason) = evidence("blocked", "--offer EA");
    assert_eq!(
        (&silent["agreement"], &reason),
        (&"no-evidence".into(), &"unrestricted-offer".into())
    );
    assert!(silent["why"].as_str().is_some_and(|why| why.contains("not this filter")), "{silent}");
    let exempt = format!("{PAYG} --exempt granted --started-since-grant");
    assert_eq!(evidence("tls", &exempt).0["agreement"], "agrees");
    for kind in ["relay", "no-ipv6", "name-not-found"] {
        assert_eq!(evidence(kind, PAYG).0["agreement"], "no-evidence", "{kind}");
    }
}

#[test]
fn the_answer_is_that_of_check() {
    let diagnosis = json(&format!("diagnose {} {PAYG} --format json", log("exim", "blocked")));
    let check = json(&format!("check --to 192.0.2.25 {PAYG} --format json"));
    for field in ["decision", "in_force", "sources", "notes", "stopped_by"] {
        assert_eq!(diagnosis["answer"][field], check[field], "{field}");
    }
    let human = stdout(&format!("diagnose {} {PAYG}", log("exim", "blocked")));
    for part in
        ["fits the platform's block", "DROP  not-granted", "PG3", "What to do", "agrees (6 of 6"]
    {
        let flat = human.split_whitespace().collect::<Vec<_>>().join(" ");
        let part = part.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(&part), "{part}: {human}");
    }
}

/// What must not be in any output: parts of names, addresses and mail addresses of the logs.
const PLANTED: [&str; 9] = [
    ".example",
    "someone",
    "app@",
    "203.0.113.",
    "198.51.100.",
    "192.0.2.187",
    "2001:db8",
    "secret",
    "10.9.8.7",
];

#[test]
fn names_and_addresses_stay_out_of_every_format() {
    for program in PROGRAMS {
        for (kind, _) in KINDS {
            let text = std::fs::read_to_string(repository().join(log(program, kind))).expect("it");
            let more = "Nov 28 05:37:12 vm postfix/smtp[1]: connect to secret.example[10.9.8.7]:25: \
                        Connection timed out\nNov 28 05:37:12 vm postfix/smtp[1]: secret.example\n";
            for format in ["human", "json", "ndjson", "csv", "html"] {
                let flags = format!("diagnose - --format {format} {PAYG} --fail-on blocked");
                let output = fed(&flags, format!("{text}\n{more}").as_bytes());
                let said = said(&output);
                assert!(output.status.code().is_some_and(|code| [0, 3].contains(&code)), "{said}");
                for planted in PLANTED {
                    assert!(
                        !said.contains(planted),
                        "{program}, {kind}, {format}: {planted}: {said}"
                    );
                }
                assert!(said.contains("destination 1"), "{program}, {kind}, {format}: {said}");
            }
        }
    }
    let shown = stdout(&format!("diagnose {} --show-addresses", log("postfix", "blocked")));
    assert!(shown.contains("mx.one.example [203.0.113.25]"), "{shown}");
    assert!(!shown.contains("someone"), "mail addresses never: {shown}");
}

#[test]
fn logs_of_other_programs_are_named_and_refused() {
    for (name, line) in [
        (
            "sendmail",
            "Nov 28 05:37:12 vm sendmail[12]: 1AB: to=<secret@one.example>, ctladdr=<app@vm>, delay=00:02, mailer=esmtp, relay=mx.one.example. [203.0.113.25], dsn=4.0.0, stat=Deferred: Connection timed out",
        ),
        ("sendmail", "Nov 28 05:37:12 vm sm-mta[12]: 1AB: to=<secret@one.example>, stat=Sent"),
        (
            "qmail",
            "Nov 28 05:37:12 vm qmail: 1795844232.1 delivery 12: deferral: secret_wasn't_able_to_establish_an_SMTP_connection",
        ),
        ("qmail", "@400000004a status: delivery 12: deferral: Sorry,_secret"),
        (
            "OpenSMTPD",
            "Nov 28 05:37:12 vm smtpd[12]: 5a mta delivery evpid=5 to=<secret@one.example> result=\"TempFail\"",
        ),
        (
            "msmtp",
            "Nov 28 05:37:12 host=secret.example tls=on auth=on from=app@vm errormsg='cannot connect' exitcode=EX_TEMPFAIL",
        ),
        ("sSMTP", "Nov 28 05:37:12 vm sSMTP[12]: Unable to connect to secret.example port 25."),
        ("Microsoft Exchange", "#Software: Microsoft Exchange Server"),
        ("IIS", "#Software: Microsoft Internet Information Services 10.0"),
        ("no mail log", "GET /secret.example 200"),
        ("no mail log", ""),
    ] {
        let output = fed("diagnose -", format!("{line}\n").as_bytes());
        let said = said(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(name) && said.contains("--probe"), "{name}: {said}");
        for planted in PLANTED {
            assert!(!said.contains(planted), "{planted}: {said}");
        }
    }
    // Beside one that is read it is counted.
    let text = std::fs::read(repository().join(log("postfix", "blocked"))).expect("it");
    let foreign = b"Nov 28 05:37:12 vm sm-mta[12]: 1AB: stat=Sent\n";
    let output = fed("diagnose - --format json", &[&text[..], foreign].concat());
    let diagnosis: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(diagnosis["lines"]["foreign"], 1);
}

#[test]
fn a_log_may_be_compressed_or_come_from_a_pipe_or_be_several() {
    let path = log("exim", "blocked");
    let text = std::fs::read(repository().join(&path)).expect("it");
    let plain = stdout(&format!("diagnose {path} --format csv"));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&text).expect("packed");
    let zstd = zstd::encode_all(&text[..], 0).expect("packed");
    for packed in [gzip.finish().expect("packed"), zstd, text.clone()] {
        let output = fed("diagnose - --format csv", &packed);
        assert_eq!(String::from_utf8_lossy(&output.stdout), plain);
    }
    let (before, after) = (log("postfix", "rejected"), log("postfix", "blocked"));
    let both = json(&format!("diagnose {before} {after} --format json"));
    assert_eq!(both["fits"][0]["fits"], "changed");
    assert!(both["rows"].as_array().is_some_and(|rows| rows.len() > 4), "{both}");
    for (magic, instead) in
        [(&b"\xfd7zXZ\0"[..], "xz -dc"), (b"BZh91AY", "bzip2"), (b"LPKSHHRH", "journalctl")]
    {
        let output = fed("diagnose -", magic);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(instead), "{}", said(&output));
    }
}

#[test]
fn a_line_without_end_or_without_sense_is_counted() {
    let mut text = vec![b'x'; 1 << 20];
    text.extend(b"\n\xff\xfe\x00\nNov 28 05:37:12 vm postfix/smtp[1]: connect to a.example[203.0.113.25]:25: Connection timed out\n");
    let output = fed("diagnose - --format json", &text);
    let diagnosis: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let lines = serde_json::json!({ "lines": 3, "not_understood": 1, "foreign": 0, "too_long": 1 });
    assert_eq!(diagnosis["lines"], lines);
    assert_eq!(diagnosis["fits"][0]["fits"], "too-little");
    let next = diagnosis["fits"][0]["next"].as_str().unwrap_or_default();
    assert!(next.contains("--probe"), "{next}");
}

#[test]
fn what_people_bring_is_told() {
    let of = |server: &str, error: &str| {
        format!("Nov 28 05:37:12 vm postfix/smtp[1]: connect to {server}:25: {error}\n")
    };
    for (log, fits) in [
        (of("mx.example.net[203.0.113.25]", "Connection timed out"), "too-little"),
        (
            of("mx.example.net[203.0.113.25]", "Connection timed out")
                + &of("mx.example.org[198.51.100.25]", "Connection timed out"),
            "block",
        ),
        (of("mx.example.net[2001:db8::25]", "Network is unreachable"), "no-ipv6"),
        (of("mx.example.net[203.0.113.25]", "Connection refused"), "refused"),
        // Dual-stack servers from a machine without IPv6, behind the block.
        (
            of("mx.example.net[2001:db8::25]", "Network is unreachable")
                + &of("mx.example.net[203.0.113.25]", "Connection timed out")
                + &of("mx.example.org[198.51.100.25]", "Connection timed out"),
            "block",
        ),
        (of("mx.example.net[10.0.0.9]", "Connection timed out"), "private-silent"),
    ] {
        let output = fed("diagnose - --format json", log.as_bytes());
        let diagnosis: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(diagnosis["fits"][0]["fits"], fits, "{log}: {diagnosis}");
    }
}

#[test]
fn the_samples_of_the_page_are_what_is_said() {
    let page = repository().join("docs/how-to/diagnose.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let (_, sample) = page.split_once("$ egress25 diagnose fixtures/").expect("a sample");
    let (line, sample) = sample.split_once('\n').expect("a line");
    let (sample, _) = sample.split_once("```").expect("its end");
    assert_eq!(stdout(&format!("diagnose fixtures/{line}")), sample);
    for (kind, fits) in &KINDS[1..6] {
        let said = stdout(&format!("diagnose {}", log("postfix", kind)));
        let (first, _) = said.split_once("\n\n").expect("a paragraph");
        assert!(first.starts_with(fits) && page.contains(first), "{kind}: {first}");
    }
}

#[test]
fn fail_on_makes_an_exit_code_of_the_block() {
    let line = |kind| format!("diagnose {} --fail-on blocked", log("postfix", kind));
    let (code, text) = failure(&line("blocked"));
    assert!(code == 3 && text.contains("platform's block"), "{text}");
    for kind in ["refused", "one-destination", "relay"] {
        assert_eq!(failure(&line(kind)).0, 0, "{kind}");
    }
}

#[test]
fn without_an_offer_the_line_to_type_is_said() {
    let path = log("postfix", "blocked");
    let line = format!("egress25 diagnose {path} --offer pay-as-you-go --created 2019-03-01");
    assert!(stdout(&format!("diagnose {path}")).contains(&line));
    let (code, text) = failure(&format!("diagnose {path} --created 2019-03-01"));
    assert!(code == 2 && text.contains(&line), "{text}");
    // They were not looked at.
    for flags in ["--edition nonsense", "--set foo=bar"] {
        assert_eq!(failure(&format!("diagnose {path} {flags}")).0, 2, "{flags}");
    }
    // What the filter was not asked about needs no offer.
    assert!(!stdout(&format!("diagnose {}", log("postfix", "relay"))).contains("--offer"));
}

#[test]
fn on_a_terminal_it_asks_for_offer_and_date() {
    let line = format!("diagnose {}", log("postfix", "blocked"));
    let Some(output) = on_a_terminal(&line, 100, "pay-as-you-go\n2019-03-01\n\n") else { return };
    let text = said(&output);
    assert!(text.contains("Which offer") && text.contains("On which day"), "{text}");
    assert!(text.contains("not-granted") && text.contains("agrees"), "{text}");
    let (seen, policy) = (text.find("port 25 is silent"), text.find("Which offer"));
    assert!(seen.is_some() && seen < policy, "it showed nothing before it asked: {text}");
    let line = format!("diagnose {}", log("postfix", "name-not-found"));
    let Some(output) = on_a_terminal(&line, 100, "") else { return };
    assert!(!said(&output).contains("Which offer"), "{}", said(&output));
}

#[test]
fn a_question_that_was_not_answered_threw_the_diagnosis_away() {
    let path = log("postfix", "blocked");
    // Enter, the end of the input, a word for it; for people and for a page.
    for (flags, typed) in [
        ("", "\n"),
        ("", "\u{4}"),
        ("", "unknown\n"),
        ("", "payg\n\n"),
        ("", "a\nb\nc\n"),
        ("--format html", "\n"),
        ("--offer payg", "\n"),
    ] {
        let line = format!("diagnose {path} {flags}");
        let Some(output) = on_a_terminal(&line, 200, typed) else { return };
        let text = said(&output);
        assert!(output.status.success(), "{typed:?}: {text}");
        assert!(text.contains("port 25 is silent"), "{typed:?}: {text}");
        assert!(text.contains("--offer pay-as-you-go --created"), "{typed:?}: {text}");
    }
}

/// Words as they stand in the output, whatever its width.
fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_block_was_said_flatly_where_the_offer_is_not_blocked() {
    let blocked = log("postfix", "blocked");
    for format in ["human", "html"] {
        let text = flat(&stdout(&format!("diagnose {blocked} --offer EA --format {format}")));
        assert!(!text.contains("fits the platform"), "{text}");
        assert!(
            text.contains("before anything else, see whether the description is right"),
            "{text}"
        );
        // Names and an address that nobody has.
        for made_up in ["192.0.2.25", "`vm`", "`subscription`", "`network`"] {
            assert!(!text.contains(made_up), "{made_up}: {text}");
        }
    }
    // A rule of one's own looks the same as the block.
    let text = flat(&stdout(&format!("diagnose {blocked}")));
    assert!(text.contains("a rule of yours") && text.contains("IP flow verify"), "{text}");
}

#[test]
fn what_contradicts_was_told_to_request_an_exemption_first() {
    let lost = log("postfix", "lost");
    for format in ["human", "html"] {
        let text = flat(&stdout(&format!("diagnose {lost} {PAYG} --format {format}")));
        let (doubt, request) =
            (text.find("what was seen contradicts"), text.find("request an exemption"));
        assert!(doubt.is_some() && doubt < request, "{text}");
        assert!(text.contains("though by what is described the policy answers drop"), "{text}");
        assert!(!text.contains("nothing blocks it"), "{text}");
    }
}

#[test]
fn what_to_do_was_that_of_an_old_edition_alone() {
    let blocked = log("postfix", "blocked");
    for format in ["human", "html"] {
        let text = flat(&stdout(&format!("diagnose {blocked} {PAYG} --format {format}")));
        let today = text.find("What to do today, by edition 2023-12");
        let then = text.find("What to do (by edition 2020-12)");
        assert!(today.is_some() && today < then, "{format}: {text}");
        assert!(text.contains("edition 2023-12, which is in force, answers"), "{format}: {text}");
    }
    let in_force = format!("diagnose {blocked} {PAYG} --edition in-force");
    assert!(!stdout(&in_force).contains("What to do today"));
}

#[test]
fn the_readers_of_evidence_did_not_name_each_other() {
    let flow_log = "{\"records\": [{\"flowRecords\": {\"flows\": []}}]}\n";
    let export = "{\"id\": \"/subscriptions/x/providers/Microsoft.Compute/vm\"}\n";
    for (input, right) in [(flow_log, "egress25 flows"), (export, "egress25 import")] {
        let output = fed("diagnose -", input.as_bytes());
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(right), "{}", said(&output));
    }
    for (line, right) in [
        ("diagnose fixtures/captures/day-of-mail.pcapng", "egress25 replay"),
        ("diagnose fixtures/flow-logs/PT1H.json", "egress25 flows"),
        ("diagnose fixtures/mail-logs", "is a folder"),
        ("diagnose", "--probe"),
        (&format!("replay {} {PAYG}", log("postfix", "blocked")), "egress25 diagnose"),
    ] {
        let (code, text) = failure(line);
        assert!(code == 2 && text.contains(right), "{line}: {text}");
    }
}

#[test]
fn a_compressed_log_that_was_cut_was_not_read() {
    let text = std::fs::read(repository().join(log("postfix", "blocked"))).expect("it");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::none());
    for _ in 0..50 {
        gzip.write_all(&text).expect("packed");
    }
    let gzip = gzip.finish().expect("packed");
    let zstd = zstd::encode_all(&text.repeat(500)[..], 0).expect("packed");
    for packed in [&gzip[..gzip.len() - 20], &gzip[..3000], &zstd[..zstd.len() - 5]] {
        let output = fed("diagnose - --format json", packed);
        assert!(output.status.success() && said(&output).contains("is cut"), "{}", said(&output));
    }
    // Nor was one whole that PowerShell wrote, in UTF-16.
    let units = String::from_utf8_lossy(&text).into_owned();
    let wide: Vec<u8> = ["\u{feff}", &units, &units]
        .iter()
        .flat_map(|part| part.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let mut wide_gzip = GzEncoder::new(Vec::new(), Compression::none());
    wide_gzip.write_all(&wide).expect("packed");
    let wide_gzip = wide_gzip.finish().expect("packed");
    let output = fed("diagnose - --format json", &wide_gzip[..wide_gzip.len() - 301]);
    assert!(output.status.success() && said(&output).contains("is cut"), "{}", said(&output));
    let diagnosis = fed("diagnose - --format json", &gzip[..gzip.len() - 20]);
    let diagnosis: Value = serde_json::from_slice(&diagnosis.stdout).expect("JSON");
    assert_eq!(diagnosis["fits"][0]["fits"], "block");
}

#[test]
fn a_log_that_was_rotated_within_a_mail_counted_twice() {
    let log =
        std::fs::read_to_string(repository().join(log("exim", "one-destination"))).expect("it");
    let lines: Vec<&str> = log.lines().collect();
    let folder = tempfile::tempdir().expect("a folder");
    let paths = ["1", "2"].map(|name| folder.path().join(name).display().to_string());
    std::fs::write(&paths[0], lines[..2].join("\n") + "\n").expect("written");
    std::fs::write(&paths[1], lines[2..].join("\n") + "\n").expect("written");
    let diagnosis = json(&format!("diagnose {} --format json", paths.join(" ")));
    let rows = diagnosis["rows"].as_array().expect("rows").iter();
    let silent: u64 =
        rows.filter(|row| row["seen"] == "silent").filter_map(|row| row["tries"].as_u64()).sum();
    assert_eq!(silent, 2, "{diagnosis}");
}

#[test]
fn a_name_that_nobody_answers_held_a_probe_up() {
    let output = egress25(words("diagnose --probe no-such-name.invalid --timeout 1 --format json"))
        .output()
        .expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("looks up 1 name at once"), "{stderr}");
    let diagnosis: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(diagnosis["fits"][0]["fits"], "name-resolution");
}

#[test]
fn a_probe_says_how_many_connections_it_tries() {
    let output = egress25(words("diagnose --probe 127.0.0.1 --timeout 2 --format json"))
        .output()
        .expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("1 host with 1 address: tries 4 connections"), "{stderr}");
    let diagnosis: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let rows = diagnosis["rows"].as_array().expect("rows");
    let ports: Vec<_> = rows.iter().map(|row| row["port"].as_u64()).collect();
    assert_eq!(ports, [25, 465, 587, 443].map(Some));
    assert!(!said(&output).contains("127.0.0.1"), "{}", said(&output));
    for line in [
        "diagnose --probe secret.example:25",
        "diagnose --probe app@secret.example",
        "diagnose --probe secret.example --timeout 0",
        "diagnose --probe a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q",
        "diagnose some.log --probe secret.example",
        "diagnose",
    ] {
        assert_eq!(failure(line).0, 2, "{line}");
    }
    for host in ["secret.example:25", "[2001:db8::25]:25", "203.0.113.25:25"] {
        let (_, text) = failure(&format!("diagnose --probe {host}"));
        assert!(text.contains("has a port: leave it out") && !text.contains(host), "{text}");
    }
}
