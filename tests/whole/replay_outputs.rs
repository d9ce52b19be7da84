//! What `replay` writes and compares: annotated captures, split captures, golden files.

use std::fs::File;
use std::path::Path;

use egress25_packet_filter::capture::Reader;

use crate::packets::{ipv6, mail, pcap};
use crate::program::{egress25, failure, repository, stdout, words};
use crate::replay::captured;

const DAY: &str =
    "replay fixtures/captures/day-of-mail.pcapng --lab fixtures/labs/day-of-mail.toml";

/// The packets of a capture: bytes and comments.
fn packets(mut reader: Reader) -> Vec<(Vec<u8>, Vec<String>)> {
    let mut packets = Vec::new();
    while let Some(record) = reader.next_record().expect("a record") {
        let comments = record.comments.iter().map(|text| text.into_owned()).collect();
        packets.push((record.data.to_vec(), comments));
    }
    packets
}

fn read(path: &Path) -> Vec<(Vec<u8>, Vec<String>)> {
    packets(Reader::open(path).expect("a capture"))
}

#[test]
fn the_written_capture_has_every_packet_and_the_verdicts_as_comments() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("judged.pcapng");
    stdout(&format!("{DAY} --summary --write {}", path.display()));
    let original = read(&repository().join("fixtures/captures/day-of-mail.pcapng"));
    let written = read(&path);
    assert_eq!(written.len(), original.len());
    assert!(written.iter().zip(&original).all(|((a, _), (b, _))| a == b), "the same bytes");
    let comments: Vec<_> = written.iter().flat_map(|(_, comments)| comments).collect();
    assert_eq!(comments.len(), 215);
    assert_eq!(
        comments[0],
        "egress25: drop not-granted [PG3, PG4]; machine vm-web, subscription shop; edition 2020-12"
    );
}

#[test]
fn the_capture_is_split_by_what_becomes_of_the_packets() {
    let folder = tempfile::tempdir().expect("a folder");
    let (drop, pass) = (folder.path().join("drop.pcapng"), folder.path().join("pass.pcapng"));
    let line = format!("--drop-to {} --pass-to {}", drop.display(), pass.display());
    stdout(&format!("{DAY} --summary {line}"));
    assert_eq!(read(&drop).len(), 180);
    assert_eq!(read(&pass).len(), 817 - 180);
    assert!(read(&drop).iter().all(|(_, comments)| comments[0].starts_with("egress25: drop ")));
}

#[test]
fn what_nobody_can_tell_goes_where_it_is_told_to_go() {
    let six = [0xfd00, 0x25, 0, 0, 0, 0, 0, 4];
    let unclear = ipv6(253, six, [0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], &[0; 20]);
    let capture = captured(&pcap(&[(1, unclear)]));
    for (choice, expected) in [("", 0), ("--on-indeterminate pass", 1)] {
        let folder = tempfile::tempdir().expect("a folder");
        let pass = folder.path().join("pass.pcapng");
        let line = format!(
            "replay {} --lab fixtures/labs/dual-stack.toml --pass-to {} {choice}",
            capture.path.display(),
            pass.display()
        );
        stdout(&line);
        assert_eq!(read(&pass).len(), expected, "{choice}");
    }
}

#[test]
fn a_capture_comes_from_stdin_and_goes_to_stdout() {
    let bytes = std::fs::read(repository().join("fixtures/captures/day-of-mail.pcap.gz"));
    let line = "replay - --lab fixtures/labs/day-of-mail.toml --drop-to -";
    let output = egress25(words(line)).write_stdin(bytes.expect("a capture")).output();
    let output = output.expect("runs");
    assert!(output.status.success());
    let reader = Reader::from_read(std::io::Cursor::new(output.stdout), "stdout");
    assert_eq!(packets(reader.expect("a capture")).len(), 180);
    assert_eq!(failure(&format!("{line} --write -")).0, 2);
    assert_eq!(failure(&format!("{line} --format json")).0, 2);
    assert_eq!(failure("replay - --lab -").0, 2);
}

#[test]
fn a_replay_that_fails_leaves_no_capture_behind() {
    let mut bytes = pcap(&[(1, mail([10, 0, 1, 4], [203, 0, 113, 25]))]);
    bytes.extend([0xff; 64]);
    let capture = captured(&bytes);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("judged.pcapng");
    std::fs::write(&path, "from before").expect("written");
    let line = format!(
        "replay {} --lab fixtures/labs/day-of-mail.toml --force --write {}",
        capture.path.display(),
        path.display()
    );
    assert_eq!(failure(&line).0, 2);
    assert_eq!(std::fs::read_to_string(&path).expect("still there"), "from before");
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    let (code, _) = failure(&format!("{DAY} --write no/such/folder/x.pcapng"));
    assert_eq!(code, 1);
}

#[test]
fn a_golden_file_fits_in_both_formats() {
    let folder = tempfile::tempdir().expect("a folder");
    for format in ["ndjson", "csv"] {
        let golden = folder.path().join(format);
        std::fs::write(&golden, stdout(&format!("{DAY} --format {format}"))).expect("written");
        let line = format!("{DAY} --summary --expect {}", golden.display());
        assert_eq!(failure(&line), (0, String::new()), "{format}");
    }
}

#[test]
fn every_difference_from_a_golden_file_is_named_and_ends_with_3() {
    let folder = tempfile::tempdir().expect("a folder");
    let golden = folder.path().join("golden.csv");
    let csv = stdout(&format!("{DAY} --format csv"));
    let mut lines: Vec<_> = csv.lines().map(str::to_owned).collect();
    lines[1] = lines[1].replace("drop,not-granted", "pass,exempt");
    lines.remove(2);
    let packet: u64 =
        lines[1].split(',').next().and_then(|text| text.parse().ok()).expect("a number");
    std::fs::write(&golden, lines.join("\n") + "\n").expect("written");
    let (code, text) = failure(&format!("{DAY} --expect {}", golden.display()));
    assert_eq!(code, 3);
    let changed = format!("~ packet {packet}: reason `not-granted`, expected `exempt`");
    assert!(text.contains(&changed), "{text}");
    assert!(text.contains("verdict `drop`, expected `pass`"), "{text}");
    assert!(text.contains("+ packet"), "{text}");
    // And the other way round: what the golden file has and the replay has not.
    std::fs::write(&golden, &csv).expect("written");
    let (code, text) =
        failure(&format!("{DAY} --only passed --summary --expect {}", golden.display()));
    assert_eq!(code, 3);
    assert!(text.contains("- packet") && text.contains("and 160 more"), "{text}");
}

#[test]
fn a_golden_file_with_fewer_columns_compares_those() {
    let folder = tempfile::tempdir().expect("a folder");
    let golden = folder.path().join("golden.csv");
    let lines = stdout(&format!("{DAY} --format csv"));
    let cut: Vec<_> = lines
        .lines()
        .map(|line| {
            let cells: Vec<_> = line.split(',').collect();
            [cells[0], cells[10]].join(",")
        })
        .collect();
    assert_eq!(cut[0], "packet,verdict");
    std::fs::write(&golden, cut.join("\n")).expect("written");
    assert_eq!(failure(&format!("{DAY} --summary --expect {}", golden.display())).0, 0);
}

#[test]
fn what_is_no_golden_file_is_bad_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let golden = folder.path().join("golden");
    for text in ["a,b\n1,2\n", "{\"kind\":\"packet\"}\n", "{broken\n", "packet,verdict\none,drop\n"]
    {
        std::fs::write(&golden, text).expect("written");
        let (code, error) = failure(&format!("{DAY} --summary --expect {}", golden.display()));
        assert_eq!(code, 2, "{text}: {error}");
        assert!(error.contains("is no golden file"), "{error}");
    }
}

#[test]
fn tshark_reads_the_comments_where_it_is_installed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("judged.pcapng");
    stdout(&format!("{DAY} --summary --write {}", path.display()));
    let tshark = std::process::Command::new("tshark")
        .args(["-r".as_ref(), path.as_os_str()])
        .args(["-Y", "frame.comment contains \"waiting-for-stop-and-start\""])
        .args(["-T", "fields", "-e", "frame.number"])
        .stdin(File::open(&path).expect("the capture"))
        .output();
    let Ok(output) = tshark else {
        eprintln!("SKIPPED: tshark is not installed, so nobody else has read the comments");
        return;
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 15);
}
