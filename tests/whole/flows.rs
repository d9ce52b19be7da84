//! `flows`: the flow logs of Azure, judged.

use std::fs;
use std::path::Path;

use egress25_skipped::skipped;
use serde_json::Value;

use crate::program::{egress25, failure, json, repository, stdout, words};

const PAYG: &str = "--offer pay-as-you-go --created 2019-03-01";

/// A log of a network security group, with tuples below a rule.
fn log(rule: &str, tuples: &[&str]) -> String {
    let tuples = serde_json::to_string(tuples).expect("JSON");
    format!(
        "{{\"records\":[{{\"category\":\"NetworkSecurityGroupFlowEvent\",\"properties\":{{\"Version\":2,\
         \"flows\":[{{\"rule\":\"{rule}\",\"flows\":[{{\"mac\":\"000D3A000001\",\"flowTuples\":{tuples}\
         }}]}}]}}}}]}}"
    )
}

const SILENT: &str = "1607428803,10.0.1.4,203.0.113.25,40001,25,T,O,A,E,4,240,0,0";
const ANSWERED: &str = "1607428803,10.0.1.4,203.0.113.26,40002,25,T,O,A,E,21,3120,18,2210";
const DENIED: &str = "1607428803,10.0.1.4,203.0.113.27,40003,25,T,O,D,B,,,,";
const RELAY: &str = "1607428803,10.0.1.4,203.0.113.28,40004,587,T,O,A,B,,,,";

/// Writes a text into a folder, and gives its path.
fn put(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(&path, bytes).expect("written");
    path.display().to_string()
}

/// Of each row: what was seen, what was judged, and whether they agree.
fn rows(report: &Value) -> Vec<String> {
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or("-").to_owned();
    let one = |row: &Value| ["seen", "reason", "evidence"].map(|key| text(row, key)).join(" ");
    report["rows"].as_array().expect("rows").iter().map(one).collect()
}

#[test]
fn a_flow_log_was_a_capture_without_packets() {
    let folder = tempfile::tempdir().expect("a folder");
    let path =
        put(folder.path(), "PT1H.json", log("DefaultRule_a", &[SILENT, ANSWERED, DENIED, RELAY]));
    let report = json(&format!("flows {path} {PAYG} --format json"));
    let right = [
        "silent not-granted agrees",
        "answered not-granted contradicts",
        "denied not-granted no-evidence",
    ];
    assert_eq!(rows(&report), right);
    assert_eq!(report["rows"][0]["tries"], 4);
    assert_eq!(report["rows"][2]["refused_by"], "DefaultRule_a");
    assert_eq!(report["summary"]["connections"]["relay_syns"], 1);
    let people = stdout(&format!("flows {path} {PAYG}"));
    for said in ["(N21)", "request an exemption", "1 denied by a rule", "contradicts that of 1"] {
        assert!(people.contains(said), "{said}: {people}");
    }
    assert!(!people.contains("No relay"), "{people}");
    // What is given to the wrong command is told which is the right one.
    let (code, said) = failure(&format!("replay {path} {PAYG}"));
    assert!(code == 2 && said.contains("egress25 flows"), "{said}");
    let (code, said) = failure(&format!("flows fixtures/captures/day-of-mail.pcapng {PAYG}"));
    assert!(code == 2 && said.contains("egress25 replay"), "{said}");
}

/// The page of a flow log.
pub(crate) fn page() -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = put(folder.path(), "PT1H.json", log("UserRule_<b>", &[SILENT, ANSWERED, DENIED]));
    stdout(&format!("flows {path} {PAYG} --format html"))
}

#[test]
fn the_page_of_a_flow_log_has_the_answer_and_every_flow() {
    let page = page();
    for said in [
        "1 flow contradicts the description, by which it is partly the platform: of 3 flows, \
         Azure's filter stops 2, a security rule stops 1.",
        "denied by a security rule",
        "(N21)",
        "UserRule_&lt;b&gt;",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(page.trim_end().ends_with("</html>"));
}

/// The rule decides before the filter (N17), and the log shows that it did (N21).
#[test]
fn a_flow_that_a_rule_denied_was_laid_to_the_platform() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = put(folder.path(), "PT1H.json", log("UserRule_mine", &[DENIED]));
    for offer in [PAYG, "--offer enterprise-agreement"] {
        let report = json(&format!("flows {path} {offer} --format json"));
        assert_eq!(report["rows"][0]["stopped_by"], "rule", "{offer}");
        assert_eq!(report["summary"]["by_subscription"][0]["stopped_by"], "rule", "{offer}");
        let people = stdout(&format!("flows {path} {offer}"));
        assert!(people.contains("1. look at the rule `UserRule_mine`"), "{people}");
        let page = stdout(&format!("flows {path} {offer} --format html"));
        assert!(
            page.contains("It is not the platform: of 1 flow, a security rule stops 1."),
            "{page}"
        );
    }
    let log = log("unspecified", &["1607428803,10.0.1.4,203.0.113.27,40003,25,6,O,D,NX,0,0,0,0"]);
    let path = put(folder.path(), "PT1H.json", log);
    let report = json(&format!("flows {path} {PAYG} --format json"));
    assert_eq!(report["rows"][0]["stopped_by"], "other");
    assert_eq!(report["rows"][0]["refused_by"], Value::Null);
}

/// What there was no room for may contradict as well.
#[test]
fn a_flow_that_was_not_kept_could_not_fail() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = put(folder.path(), "PT1H.json", log("a", &[SILENT, ANSWERED]));
    let line = format!("flows {path} {PAYG} --max-connections 1 --fail-on contradiction --summary");
    let (code, said) = failure(&line);
    assert!(code == 3 && said.contains("not kept"), "{said}");
}

#[test]
fn what_a_flow_log_shows_of_rules_is_held_against_the_described_ones() {
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = |rules: &str| {
        let text = format!(
            "[subscription.shop]\noffer = \"enterprise-agreement\"\ncreated = \"2021-05-01\"\n[network.hub]\naddress_space = \
             [\"10.0.0.0/16\"]\n[machine.web]\nsubscription = \"shop\"\nnetwork = \"hub\"\naddresses = \
             [\"10.0.1.4\"]\n{rules}"
        );
        put(folder.path(), "inventory.toml", text)
    };
    let denies = "security_group = \"g\"\n[security-group.g]\nrules = [{ name = \"smtp\", priority = 100, \
                  direction = \"outbound\", access = \"deny\", protocol = \"tcp\", destination_ports = \
                  [\"25\"] }]\n";
    let log = put(folder.path(), "log.json", log("UserRule_a", &[SILENT, DENIED]));
    let with = |rules: &str| {
        let inventory = inventory(rules);
        rows(&json(&format!("flows {log} --inventory {inventory} --format json")))
    };
    assert_eq!(
        with(denies),
        ["silent security-group-denies contradicts", "denied security-group-denies agrees"]
    );
    assert_eq!(
        with(&denies.replace("\"deny\"", "\"allow\"")),
        ["silent unrestricted-offer no-evidence", "denied unrestricted-offer contradicts"]
    );
    assert_eq!(
        with(""),
        ["silent unrestricted-offer no-evidence", "denied unrestricted-offer no-evidence"]
    );
    let inventory = inventory(denies);
    let line = format!("flows {log} --inventory {inventory} --summary --fail-on contradiction");
    let output = egress25(words(&line)).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("let out by the security rules") && said.contains("security groups?"),
        "{said}"
    );
}

#[test]
fn a_folder_of_hours_is_one_log_whatever_its_files_are_packed_as() {
    use std::io::Write as _;
    let folder = tempfile::tempdir().expect("a folder");
    let begin = log("a", &["1607428790,10.0.1.4,203.0.113.25,40001,25,T,O,A,B,,,,"]);
    let next = log("a", &[SILENT]);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(next.as_bytes()).expect("packed");
    let packed = gz.finish().expect("packed");
    let utf16: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(log("a", &[ANSWERED]).encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    put(folder.path(), "y=2020/m=12/h=11/PT1H.json", &begin);
    put(folder.path(), "y=2020/m=12/h=12/PT1H.json.gz", &packed);
    put(folder.path(), "y=2020/m=12/h=13/PT1H.json", utf16);
    put(
        folder.path(),
        "y=2020/m=12/h=14/PT1H.json",
        format!("\u{feff}{}", log("a", &[DENIED]).replace('\n', "\r\n")),
    );
    put(folder.path(), "y=2020/m=12/h=15/PT1H.json", "{\"records\":[");
    put(folder.path(), "y=2020/m=12/h=16/PT1H.json", "");
    put(folder.path(), "y=2020/m=12/h=17/PT1H.json", "{\"rec");
    put(folder.path(), "y=2020/m=12/h=18/PT1H.json.gz", &packed[..packed.len() - 12]);
    put(folder.path(), "readme.txt", "no log");
    let line = format!("flows {} {PAYG} --format json", folder.path().display());
    let report = json(&line);
    assert_eq!(rows(&report).len(), 3, "{report}");
    assert_eq!(report["rows"][0]["seconds"], 13.0);
    assert_eq!(report["summary"]["files"], 8);
    assert!(report["summary"]["warnings"].to_string().contains("PT1H.json` is empty"), "{report}");
    let empty = folder.path().join("y=2020/m=12/h=16");
    let (code, said) = failure(&format!("flows {} {PAYG}", empty.display()));
    assert!(code == 2 && said.contains("is empty"), "{said}");
    assert!(report["summary"]["warnings"].to_string().contains("breaks off at line 1"), "{report}");
    let empty = tempfile::tempdir().expect("a folder");
    let (code, said) = failure(&format!("flows {} {PAYG}", empty.path().display()));
    assert!(code == 2 && said.contains("no `.json`"), "{said}");
}

#[test]
fn nothing_to_port_25_is_said_and_can_fail() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = put(folder.path(), "log.json", log("a", &[RELAY]));
    assert!(
        stdout(&format!("flows {path} {PAYG}"))
            .contains("1 file with 1 tuple: 0 flows out to port 25")
    );
    let (code, said) = failure(&format!("flows {path} {PAYG} --fail-on nothing-judged"));
    assert!(code == 3 && said.contains("nothing in the flow logs is judged"), "{said}");
    let foreign = ANSWERED.replace("10.0.1.4", "10.200.9.9");
    let path = put(folder.path(), "foreign.json", log("a", &[&foreign]));
    let inventory = "--inventory fixtures/inventories/day-of-mail.toml";
    let (code, said) = failure(&format!("flows {path} {inventory} --fail-on nothing-judged"));
    assert!(code == 3 && said.contains("of anybody whom the inventory knows"), "{said}");
    let (code, said) = failure(&format!("flows {path}"));
    let typed = format!("egress25 flows {path} --offer pay-as-you-go --created");
    assert!(code == 2 && said.contains(&typed) && said.contains("--inventory"), "{said}");
    let mail = put(folder.path(), "mail.log", "Dec  8 postfix/smtp[1]: connect to mx: timed out\n");
    let (code, said) = failure(&format!("flows {mail} {PAYG}"));
    assert!(code == 2 && said.contains("egress25 diagnose"), "{said}");
}

#[test]
fn rows_are_the_same_in_every_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = put(folder.path(), "log.json", log("a", &[SILENT, ANSWERED, DENIED]));
    let csv = stdout(&format!("flows {path} {PAYG} --format csv"));
    assert_eq!(csv.lines().count(), 4, "{csv}");
    let ndjson = stdout(&format!("flows {path} {PAYG} --format ndjson"));
    let lines: Vec<Value> =
        ndjson.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[3]["kind"], "summary");
    let kept = json(&format!("flows {path} {PAYG} --max-connections 1 --format json"));
    assert_eq!(kept["summary"]["connections"]["syns_not_kept"], 2);
    let only = json(&format!("flows {path} {PAYG} --only passed --format json"));
    assert_eq!(rows(&only).len(), 0);
    for (with, what) in
        [("--format csv --summary", "csv has no summary"), ("--network nope", "nope")]
    {
        let (code, said) = failure(&format!("flows {path} {PAYG} {with}"));
        assert!(code == 2 && said.contains(what), "{said}");
    }
}

/// Every sample of a flow log, and the cases that came without a file: read with so many flows to port
/// 25, or named.
#[test]
fn every_flow_log_is_read_or_named() {
    let shared = repository().join("../shared/azure-samples");
    if !shared.exists() {
        skipped("../shared/azure-samples is missing");
        return;
    }
    let table = include_str!("flows.tsv");
    let mut told = Vec::new();
    for line in table.lines().skip(1) {
        let (file, right) = line.split_once('\t').expect("two columns");
        let path = shared.join(file).display().to_string();
        let line = format!("flows {path} --offer EA --format json");
        let output = egress25(words(&line)).output().expect("runs");
        let said = match output.status.code() {
            Some(0) => {
                let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
                format!(
                    "{} tuples, {} to port 25",
                    report["summary"]["tuples"],
                    rows(&report).len()
                )
            }
            code => {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                let said = said.trim().replace(&path, "FILE");
                format!("{}: {said}", code.expect("a code"))
            }
        };
        if said != right {
            told.push(format!("{file}\t{said}"));
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    for folder in ["flowlog-nsg", "flowlog-vnet", "flowlog-cases"] {
        for entry in fs::read_dir(shared.join(folder)).expect("a folder") {
            let name = format!("{folder}/{}", entry.expect("a file").file_name().display());
            assert!(
                name.ends_with("SOURCES.tsv") || table.contains(&name),
                "{name} is not in the table"
            );
        }
    }
}

#[test]
fn shapes_that_came_without_a_file_are_read_or_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let of = |name: &str, text: &str| {
        let path = put(folder.path(), name, text);
        egress25(words(&format!("flows {path} --offer EA --summary"))).output().expect("runs")
    };
    let one = log("a", &[SILENT]);
    let record =
        one.strip_prefix("{\"records\":[").and_then(|text| text.strip_suffix("]}")).expect("one");
    let v6 = "1607428803000,2001:db8::4,2001:db8:25::25,40001,25,6,O,E,NX,4,240,0,0";
    let no_counts = "1607428803,10.0.1.4,203.0.113.25,40001,25,6,O,B,NX,,,,";
    for (name, text) in [
        ("04-nsg-v2.ndjson", format!("{record}\n{record}\n")),
        ("07-vnet-v4-empty-stats.json", log("a", &[no_counts])),
        ("16-PT1H-bom-crlf.json", format!("\u{feff}{}", one.replace(":[", ":\r\n["))),
        ("19-vnet-v4-ipv6.json", log("a", &[v6])),
    ] {
        let output = of(name, &text);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success() && said.contains("1 flow out to port 25"),
            "{name}: {said}"
        );
    }
    for (name, text, right) in [
        ("10-nsg-v2-trailing-comma.json", one.replace("0,0\"]", "0,0\",]"), "trailing comma"),
        (
            "22-ntanetanalytics.csv",
            "FlowStartTime,FlowEndTime,SrcIp,DestIp,DestPort\n".to_owned(),
            "Traffic Analytics",
        ),
    ] {
        let output = of(name, &text);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && said.contains(right), "{name}: {said}");
    }
}
