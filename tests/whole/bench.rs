//! `bench`: that each format is whole and agrees with itself. How fast anything is, no test says.

use serde_json::Value;

use crate::program::{egress25, json, words};

/// A run that is soon over.
const TINY: &str = "--rounds 2 --warm-up 0 --file-size 1";

/// What the program writes to stdout, with a temporary folder of its own, which has to be empty
/// again.
fn stdout(line: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let output = egress25(words(line)).env("TMPDIR", folder.path()).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("the folder").count(), 0);
    String::from_utf8(output.stdout).expect("text")
}

fn number(of: &Value, field: &str) -> f64 {
    of[field].as_f64().unwrap_or_else(|| panic!("no number `{field}` in {of}"))
}

fn contenders(table: &Value) -> &[Value] {
    table["contenders"].as_array().expect("a list")
}

/// Holds the columns of a table against each other.
fn agrees_with_itself(table: &Value) {
    let bytes_each = number(table, "bytes") / number(table, "packets");
    let peer = contenders(table).iter().find(|one| one["name"] == table["peer"]);
    for one in contenders(table) {
        let median = number(one, "nanoseconds_per_packet");
        let (lower, upper) = (number(one, "lower_quartile"), number(one, "upper_quartile"));
        assert!(lower <= median && median <= upper, "{one}");
        assert!(one["outliers"].is_u64(), "{one}");
        let close = |field: &str, expected: f64| {
            assert!((number(one, field) - expected).abs() <= 0.00501, "{field} of {one}");
        };
        let elapsed = number(one, "elapsed_nanoseconds_per_packet");
        close("million_packets_per_second", 1e3 / elapsed);
        close("gigabytes_per_second", bytes_each / elapsed);
        match peer {
            Some(peer) => close("times_peer", number(peer, "nanoseconds_per_packet") / median),
            None => assert!(one["times_peer"].is_null(), "{one}"),
        }
    }
}

#[test]
fn ratios_contradicted_columns_and_nothing_told_spread_or_machine() {
    let figures: Value =
        serde_json::from_str(&stdout(&format!("bench {TINY} --format json"))).expect("JSON");
    for of_machine in ["processor", "vectors", "kernel"] {
        assert!(figures["machine"][of_machine].is_string(), "{figures}");
    }
    assert!(
        figures["machine"]["processors"].is_u64() && figures["versions"]["egress25"].is_string()
    );
    let (judge, pipeline) = (&figures["judge"], &figures["pipeline"]);
    agrees_with_itself(judge);
    agrees_with_itself(pipeline);
    assert_eq!((&judge["clock"], &pipeline["clock"]), (&"elapsed".into(), &"processors".into()));
    // Everybody who looks for SYNs to port 25 finds the same ones, in memory and in the file.
    let times = number(pipeline, "packets") / number(judge, "packets");
    for (table, expected) in [(judge, 661.0), (pipeline, 661.0 * times)] {
        let found = contenders(table).iter().filter_map(|one| one["found"].as_f64());
        assert!(found.clone().count() > 0 && found.into_iter().all(|count| count == expected));
    }
}

#[test]
fn every_format_has_both_tables_and_the_machine() {
    let human = stdout(&format!("bench {TINY}"));
    for part in ["judge, on packets in memory", "read -> judge -> count", "outliers", "25 to 75 %"]
    {
        assert!(human.contains(part), "{human}");
    }
    let markdown = stdout(&format!("bench {TINY} --format markdown"));
    let rows: Vec<_> = markdown.lines().filter(|line| line.starts_with('|')).collect();
    assert!(rows.len() >= 8 && rows.iter().all(|row| row.matches('|').count() == 9), "{markdown}");
    for part in ["### judge", "### pipeline", "- egress25 "] {
        assert!(markdown.contains(part), "{markdown}");
    }
    let text = stdout(&format!("bench {TINY} --format csv"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().expect("a header").clone();
    let rows: Vec<_> = reader.records().collect::<Result<_, _>>().expect("rows");
    for column in ["table", "nanoseconds_per_packet", "outliers", "times_peer", "kernel", "tcpdump"]
    {
        assert!(header.iter().any(|name| name == column), "{text}");
    }
    for table in ["judge", "pipeline"] {
        assert!(rows.iter().any(|row| &row[0] == table), "{text}");
    }
}

#[test]
fn a_capture_of_several_interfaces_is_measured_from_a_file_of_several() {
    let line = "bench fixtures/captures/overlapping-interfaces.pcapng \
                --inventory fixtures/inventories/overlapping.toml --format json";
    let figures = json(&format!("{line} {TINY}"));
    let (judge, pipeline) = (&figures["judge"], &figures["pipeline"]);
    agrees_with_itself(judge);
    agrees_with_itself(pipeline);
    let times = number(pipeline, "packets") / number(judge, "packets");
    let found = |table: &Value| number(&contenders(table)[0], "found");
    assert!(found(judge) > 0.0);
    assert_eq!(found(pipeline), found(judge) * times);
}
