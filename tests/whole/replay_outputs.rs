//! What `replay` writes and compares: annotated captures, split captures, golden files.

use std::fs::File;
use std::path::Path;

use egress25_packet_filter::capture::CaptureReader;
use egress25_skipped::skipped;

use crate::packets::{ethernet, ipv6, mail, pcap};
use crate::program::{binary, egress25, failure, repository, stdout, words};
use crate::replay::captured;

const DAY: &str =
    "replay fixtures/captures/day-of-mail.pcapng --inventory fixtures/inventories/day-of-mail.toml";

/// The packets of a capture: bytes and comments.
fn packets(mut reader: CaptureReader) -> Vec<(Vec<u8>, Vec<String>)> {
    let mut packets = Vec::new();
    while let Some(record) = reader.next_record().expect("a record") {
        let comments = record.comments.iter().map(|text| text.into_owned()).collect();
        packets.push((record.data.to_vec(), comments));
    }
    packets
}

fn read(path: &Path) -> Vec<(Vec<u8>, Vec<String>)> {
    packets(CaptureReader::open(path).expect("a capture"))
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
            "replay {} --inventory fixtures/inventories/dual-stack.toml --pass-to {} {choice}",
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
    let line = "replay - --inventory fixtures/inventories/day-of-mail.toml --drop-to -";
    let output = egress25(words(line)).write_stdin(bytes.expect("a capture")).output();
    let output = output.expect("runs");
    assert!(output.status.success());
    let reader = CaptureReader::from_read(std::io::Cursor::new(output.stdout), "stdout");
    assert_eq!(packets(reader.expect("a capture")).len(), 180);
    assert_eq!(failure(&format!("{line} --write -")).0, 2);
    assert_eq!(failure(&format!("{line} --format json")).0, 2);
    assert_eq!(failure("replay - --inventory -").0, 2);
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
        "replay {} --inventory fixtures/inventories/day-of-mail.toml --force --write {}",
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
        lines[1].split(',').nth(1).and_then(|text| text.parse().ok()).expect("a number");
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
            [cells[1], cells[11]].join(",")
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
fn a_golden_file_that_said_a_thing_twice_was_believed_by_its_last_word() {
    let folder = tempfile::tempdir().expect("a folder");
    let golden = folder.path().join("golden");
    for (text, what) in [
        (
            r#"{"kind":"packet","packet":2,"verdict":"WRONG","verdict":"drop"}"#,
            "`verdict` stands twice",
        ),
        ("packet,verdict,verdict\n2,WRONG,drop\n", "`verdict` stands twice"),
        ("kind,packet,verdict\nelephant,2,drop\n", "has the kind `elephant`; expected `packet`"),
        ("schema_version,packet,verdict\n99,2,drop\n", "the schema_version `99`; expected `2`"),
        (r#"{"kind":"packet","packet":2,"verdict":"zzz","kind":"summary"}"#, "`kind` stands twice"),
        (
            r#"{"schema_version":77,"kind":"packet","packet":2,"verdict":"drop"}"#,
            "the schema_version `77`; expected `2`",
        ),
    ] {
        std::fs::write(&golden, text).expect("written");
        let (code, error) = failure(&format!("{DAY} --summary --expect {}", golden.display()));
        assert!(code == 2 && error.contains(what), "{text}: {error}");
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
        return skipped("tshark is not installed, so nobody else has read the comments");
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 15);
}

/// A pcapng block, little endian.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let mut body = body.to_vec();
    body.resize(body.len().next_multiple_of(4), 0);
    let len = u32::try_from(body.len() + 12).expect("a length").to_le_bytes();
    [&kind.to_le_bytes()[..], &len, &body, &len].concat()
}

fn section() -> Vec<u8> {
    block(0x0a0d_0d0a, &[&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0][..], &[0xff; 8]].concat())
}

fn interface(link: u16) -> Vec<u8> {
    block(1, &[&link.to_le_bytes()[..], &[0; 6]].concat())
}

fn packet(interface: u32, bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).expect("a length");
    let head = [interface, 0, 5, len, len].map(u32::to_le_bytes).concat();
    block(6, &[&head, bytes].concat())
}

#[test]
fn a_written_capture_leaves_no_block_out() {
    const ETHERNET: u16 = 1;
    const RADIO: u16 = 127;
    let simple = ethernet(&mail([10, 0, 1, 4], [203, 0, 113, 25]));
    let simple_len = u32::try_from(simple.len()).expect("a length").to_le_bytes();
    let pieces = [
        packet(1, b"a frame of a kind that nobody here reads"),
        block(0x7777, b"a block of the future"),
        block(3, &[&simple_len[..], &simple].concat()),
    ];
    let syn = ethernet(&mail([10, 0, 1, 4], [203, 0, 113, 26]));
    let before = [section(), interface(ETHERNET), interface(RADIO)].concat();
    let capture = captured(&[before, pieces.concat(), packet(0, &syn)].concat());
    let folder = tempfile::tempdir().expect("a folder");
    let [all, drop, pass] = ["all", "drop", "pass"].map(|name| folder.path().join(name));
    let line = format!(
        "replay {} --inventory fixtures/inventories/day-of-mail.toml --summary --write {} --drop-to {} \
         --pass-to {}",
        capture.path.display(),
        all.display(),
        drop.display(),
        pass.display()
    );
    let output = egress25(words(&line)).output().expect("runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("1 judged packets lie in simple packet blocks"), "{said}");
    let has = |path: &Path, piece: &[u8]| {
        let bytes = std::fs::read(path).expect("a capture");
        bytes.windows(piece.len()).any(|part| part == piece)
    };
    for (number, piece) in pieces.iter().enumerate() {
        assert!(has(&all, piece), "piece {number} is lost");
    }
    // What is not understood passes; what is no packet goes everywhere.
    let [unread, future, simple] = &pieces;
    assert_eq!((has(&drop, unread), has(&pass, unread)), (false, true));
    assert_eq!((has(&drop, future), has(&pass, future)), (true, true));
    assert_eq!((has(&drop, simple), has(&pass, simple)), (true, false));
}

#[test]
fn a_capture_of_unknown_link_types_alone_is_bad_input_in_both_formats() {
    let pcapng = [section(), interface(127), packet(0, b"radio"), packet(0, b"radio")].concat();
    let mut pcap = pcap(&[(1, mail([10, 0, 1, 4], [203, 0, 113, 25]))]);
    pcap[20] = 127;
    for bytes in [pcapng, pcap] {
        let capture = captured(&bytes);
        let folder = tempfile::tempdir().expect("a folder");
        let written = folder.path().join("out.pcapng");
        let line = format!(
            "replay {} --inventory fixtures/inventories/day-of-mail.toml --write {}",
            capture.path.display(),
            written.display()
        );
        let (code, said) = failure(&line);
        assert_eq!(code, 2, "{said}");
        assert!(said.contains("127"), "{said}");
        assert!(!written.exists());
    }
}

#[test]
fn a_capture_that_is_cut_while_it_is_replayed_ends_with_a_warning() {
    let syn = mail([10, 0, 1, 4], [203, 0, 113, 25]);
    let packets: Vec<_> = (0..200_000).map(|at| (at, syn.clone())).collect();
    let bytes = pcap(&packets);
    let capture = captured(&bytes);
    let line = format!(
        "replay {} --inventory fixtures/inventories/day-of-mail.toml --format ndjson",
        capture.path.display()
    );
    let mut child = std::process::Command::new(binary())
        .args(words(&line))
        .current_dir(repository())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("runs");
    // The first rows are there, and nobody reads on: the replay waits in the middle of the file.
    let mut out = std::io::BufReader::new(child.stdout.take().expect("stdout"));
    let mut row = String::new();
    std::io::BufRead::read_line(&mut out, &mut row).expect("a row");
    let file = File::options().write(true).open(&capture.path).expect("the capture");
    let half = u64::try_from(bytes.len() / 2).expect("a length");
    file.set_len(half + 3).expect("cut");
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut out, &mut rest).expect("the rest");
    let output = child.wait_with_output().expect("ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("the file ends inside the record"), "{said}");
    assert!(rest.contains("\"complete\":false"), "{:?}", rest.lines().last());
}
