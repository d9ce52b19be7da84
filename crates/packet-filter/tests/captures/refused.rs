//! Input that is no capture, and what people are told.

use std::path::Path;

use egress25_packet_filter::capture::{CaptureError, CaptureReader};

use crate::build::{LE, MICROS, gzip, pcap_header, shb, zstd};
use crate::read::{read, read_file};

#[test]
fn nothing_at_all_is_said_to_be_empty() {
    for bytes in [vec![], gzip(b""), zstd(b"")] {
        let read = read(&bytes);
        assert!(matches!(read.error, Some(CaptureError::Empty { .. })), "{:?}", read.error);
        assert!(read.message().starts_with("`test` is empty"));
    }
}

#[test]
fn a_file_header_that_is_cut_short_says_how_much_is_missing() {
    let message = read(&pcap_header(LE, MICROS, 1)[..23]).message();
    assert_eq!(message, "`test`: the pcap file header needs 24 bytes, the file ends after 23");
    let message = read(&shb(LE)[..27]).message();
    assert_eq!(message, "`test`: the pcapng section header needs 28 bytes, the file ends after 27");
    let message = read(&[0xd4]).message();
    assert_eq!(message, "`test`: the file header needs 24 bytes, the file ends after 1");
}

#[test]
fn other_formats_are_refused_by_name() {
    for (start, name) in [
        (&b"snoop\0\0\0\0\0\0\x02"[..], "snoop"),
        (b"GMBU\0\x02", "Microsoft Network Monitor 2"),
        (b"RTSS\0\x02", "Microsoft Network Monitor 1"),
        (b"TRSNIFF data    \x1a", "Sniffer (DOS)"),
        (b"XCP\x00001.1", "NetXRay"),
        (b"iptrace 2.0", "AIX iptrace"),
        (b"btsnoop\0\0\0\0\x01", "btsnoop"),
        (b"\xa1\x2b\x3c\x4d", "Navtel"),
        (b"\x1c\x00\x01\xac", "Ixia"),
        (b"\xfd7zXZ\0\0", "xz"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\x04\x22\x4d\x18\x64", "lz4"),
        (b"PK\x03\x04\x14\0", "zip"),
        (b"7z\xbc\xaf\x27\x1c\0\x04", "7z"),
        (b"%PDF-1.7", "PDF"),
        (b"{\"records\": [", "JSON"),
        (b"\n[1, 2]", "JSON"),
        (b"<?xml version", "XML or HTML"),
        (b"0000  45 00 00 3c 1c 46 40 00 40 06", "text"),
        (b"12:00:01.000 IP 10.0.0.4.51200 > 203", "text"),
        (b"\xef\xbb\xbftime,source", "text"),
    ] {
        let read = read(start);
        assert!(matches!(read.error, Some(CaptureError::Foreign { .. })), "{:?}", read.error);
        let message = read.message();
        assert!(message.contains(name), "{message}");
        assert!(message.contains("not pcap or pcapng: "), "{message}");
    }
}

#[test]
fn bytes_of_no_known_format_are_shown() {
    // ERF has no magic number: it cannot be named.
    let message = read(b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09").message();
    assert!(message.contains("begins with the bytes `00 01 02 03 04 05 06 07`"), "{message}");
}

#[test]
fn a_capture_that_is_compressed_twice_is_refused() {
    let once = gzip(&pcap_header(LE, MICROS, 1));
    assert!(read(&gzip(&once)).message().contains("gzip inside a compressed stream"));
    assert!(read(&zstd(&zstd(b"x"))).message().contains("zstd inside a compressed stream"));
}

#[test]
fn the_first_block_of_pcapng_has_to_be_right() {
    let mut bytes = shb(LE);
    bytes[8] = 0;
    let message = read(&bytes).message();
    assert!(message.contains("byte offset 0: section header has the byte order word"), "{message}");
}

#[test]
fn a_file_is_told_by_its_bytes_and_not_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture.json.txt");
    std::fs::write(&path, gzip(&pcap_header(LE, MICROS, 1))).unwrap();
    assert!(read_file(&path).whole().is_empty());
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = CaptureReader::open(Path::new("no/such/file.pcap")).unwrap_err();
    assert!(error.to_string().starts_with("cannot open `no/such/file.pcap`: "), "{error}");
}

#[test]
fn a_directory_is_no_capture() {
    let folder = tempfile::tempdir().unwrap();
    let read = read_file(folder.path());
    assert!(matches!(read.error, Some(CaptureError::Io { .. })), "{:?}", read.error);
}
