//! The same capture from a file, from memory at once, a pipe in small pieces and gzip.

use std::io::{Cursor, Read, Write};
use std::path::Path;

use egress25_packet_filter::capture::{CaptureReader, Warning};
use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::FrameOptions;
use egress25_skipped::skipped;

use crate::build::{Random, table};
use crate::corpus::files;

/// What a capture came to: its packets, what they were judged, and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct End {
    packets: usize,
    counters: String,
    warnings: Vec<String>,
    error: Option<String>,
}

fn end(reader: Result<CaptureReader, impl std::fmt::Display>) -> End {
    let mut filter = Filter::new(table(), FrameOptions::default());
    let (mut rulings, mut packets) = (Vec::new(), 0);
    let mut reader = match reader {
        Ok(reader) => reader,
        Err(error) => {
            let (counters, error) = (String::new(), Some(error.to_string()));
            return End { packets, counters, warnings: Vec::new(), error };
        }
    };
    let error = loop {
        match reader.next_batch() {
            Ok(Some(batch)) => {
                filter.judge(&batch.frames(), &mut rulings);
                packets += batch.len() + batch.unread().count();
            }
            Ok(None) => break None,
            Err(error) => break Some(error.to_string()),
        }
    };
    // What only a compressed stream can tell of its end.
    let of_gzip = |warning: &&Warning| !matches!(warning, Warning::TrailingGarbage);
    let warnings = reader.warnings().iter().filter(of_gzip).map(ToString::to_string).collect();
    End { packets, counters: format!("{:?}", filter.counters()), warnings, error }
}

/// A source that hands out a few bytes at a time, as a pipe does.
struct Trickle(Cursor<Vec<u8>>, usize);

impl Read for Trickle {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        let len = buf.len().min(self.1);
        self.0.read(&mut buf[..len])
    }
}

/// Judges bytes as they come from every source, and compares; how many packets there were.
fn compare(bytes: &[u8], what: &Path) -> usize {
    const NAME: &str = "capture";
    let pipe = || end(CaptureReader::from_read(Cursor::new(bytes.to_vec()), NAME));
    let expected = pipe();
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().write_all(bytes).unwrap();
    let found = end(CaptureReader::from_file(file.reopen().unwrap(), NAME));
    assert_eq!(found, expected, "{}, a file", what.display());
    // The largest in such small pieces would take most of the time.
    let small = if bytes.len() > 1 << 16 { 4_000 } else { 5 };
    for at_once in [small, 1_000] {
        let source = Trickle(Cursor::new(bytes.to_vec()), at_once);
        let found = end(CaptureReader::from_read(source, NAME));
        assert_eq!(found, expected, "{}, {at_once} bytes at once", what.display());
    }
    // What is compressed already would be unpacked once only.
    if !bytes.starts_with(&[0x1f, 0x8b]) && !bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(bytes).unwrap();
        let gzip = gzip.finish().unwrap();
        let found = end(CaptureReader::from_read(Cursor::new(gzip), NAME));
        assert_eq!(found, expected, "{}, compressed", what.display());
    }
    expected.packets
}

#[test]
fn every_capture_of_the_corpus_and_its_mutants_come_to_the_same_from_every_source() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    if !corpus.is_dir() {
        return skipped(format_args!("no corpus at {}", corpus.display()));
    }
    let mut paths = Vec::new();
    files(&corpus, &mut paths);
    paths.sort();
    let mut random = Random::new(25);
    let mut packets = 0;
    for path in &paths {
        let bytes = std::fs::read(path).unwrap();
        if bytes.is_empty() {
            continue;
        }
        packets += compare(&bytes, path);
        let mut mutant = bytes;
        for _ in 0..random.pick(&[1, 3, 20]) {
            let at = random.below(mutant.len());
            mutant[at] = random.byte();
        }
        mutant.truncate(random.below(mutant.len()) + 1);
        compare(&mutant, path);
    }
    assert!(packets > 20_000, "{packets} packets");
}
