//! Input that was made to break the reader.

use std::io::Cursor;

use egress25_packet_filter::capture::{CaptureReader, MAX_RECORD_LEN};
use proptest::prelude::{Strategy, any};
use proptest::{prop_assert, proptest};

use crate::build::{
    BE, LE, MICROS, NANOS, PATCHED, block, epb, epb_of, gzip, idb, old_pb, pcap_header,
    pcap_record, shb, spb, zstd,
};
use crate::read::{read, read_file};

/// A small pcap and the offsets between its records.
fn small_pcap() -> (Vec<u8>, Vec<usize>) {
    let pieces = [
        pcap_header(LE, MICROS, 1),
        pcap_record(LE, (1, 2), 60, b"one"),
        pcap_record(LE, (1, 3), 60, b""),
        pcap_record(LE, (1, 4), 60, b"three"),
    ];
    (pieces.concat(), ends(&pieces))
}

/// A small pcapng of every kind of block and the offsets between its blocks.
fn small_pcapng() -> (Vec<u8>, Vec<usize>) {
    let pieces = [
        shb(LE),
        idb(LE, 1, 0, &[(2, b"eth0"), (9, &[9])]),
        epb_of(LE, 0, 1, 3, 60, b"one", &[(1, b"comment")]),
        block(LE, 99, b"unknown"),
        spb(LE, 3, b"two"),
        shb(BE),
        idb(BE, 101, 0, &[]),
        old_pb(BE, 0, 1, b"three"),
        epb(BE, 0, 1, b"four"),
    ];
    (pieces.concat(), ends(&pieces))
}

fn ends(pieces: &[Vec<u8>]) -> Vec<usize> {
    pieces
        .iter()
        .scan(0, |at, piece| {
            *at += piece.len();
            Some(*at)
        })
        .collect()
}

#[test]
fn a_capture_cut_at_any_byte_delivers_what_is_whole_and_says_that_it_was_cut() {
    for (whole, ends) in [small_pcap(), small_pcapng()] {
        let records = read(&whole).whole();
        for len in 0..whole.len() {
            let read = read(&whole[..len]);
            assert_eq!(read.records, records[..read.records.len()], "cut at {len}");
            let told = !read.warnings.is_empty() || read.error.is_some();
            assert_eq!(told, !ends.contains(&len), "cut at {len}: {read:?}");
            // Behind the file header a cut is never an error.
            assert_eq!(read.error.is_some(), len < ends[0], "cut at {len}: {read:?}");
        }
    }
}

/// Reads anything, to the end, and checks what holds of anything.
fn survives(bytes: &[u8]) {
    let Ok(mut reader) = CaptureReader::from_read(Cursor::new(bytes.to_vec()), "fuzz") else {
        return;
    };
    let (mut behind, mut steps) = (0, 0);
    loop {
        steps += 1;
        assert!(steps <= bytes.len() + 2, "more records than bytes");
        match reader.next_record() {
            Ok(Some(record)) => {
                let len = u32::try_from(record.data.len()).unwrap();
                assert!(len <= MAX_RECORD_LEN && len <= record.wire_len);
                assert!(record.offset >= behind, "records come in the order of the file");
                behind = record.offset + u64::from(len);
                assert!(record.comments.iter().count() <= bytes.len());
            }
            Ok(None) => break,
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// Any file header that is recognised.
fn headers() -> Vec<Vec<u8>> {
    let mut headers = vec![vec![], vec![0x1f, 0x8b, 8, 0], vec![0x28, 0xb5, 0x2f, 0xfd]];
    for order in [LE, BE] {
        headers.extend([MICROS, NANOS, PATCHED].map(|magic| pcap_header(order, magic, 1)));
        headers.extend([shb(order), [shb(order), idb(order, 1, 0, &[])].concat()]);
    }
    headers
}

proptest! {
    #[test]
    fn any_bytes_behind_any_header_are_survived(
        header in proptest::sample::select(headers()),
        tail in proptest::collection::vec(any::<u8>(), 0..400),
    ) {
        survives(&[header, tail].concat());
    }

    #[test]
    fn words_that_look_like_lengths_and_types_are_survived(
        header in proptest::sample::select(headers()),
        words in proptest::collection::vec(
            proptest::prop_oneof![0..64_u32, any::<u32>(), proptest::sample::select(vec![
                0x0a0d_0d0a, 0x1a2b_3c4d, 0x4d3c_2b1a, 28, 32, 0x0600_0000, 0x2000_0000, u32::MAX,
            ])],
            0..100,
        ),
    ) {
        let tail: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        survives(&[header, tail].concat());
    }

    #[test]
    fn mutated_captures_are_survived(
        which in 0..6_usize,
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<proptest::sample::Index>(),
    ) {
        let (pcap, pcapng) = (small_pcap().0, small_pcapng().0);
        let files = [gzip(&pcap), zstd(&pcap), gzip(&pcapng), zstd(&pcapng), pcap, pcapng];
        let mut bytes = files[which].clone();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        survives(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        survives(&bytes);
    }

    #[test]
    fn one_flipped_length_never_loses_an_earlier_record(
        at in (24..60_usize).prop_map(|at| at), value in any::<u8>(),
    ) {
        let (mut bytes, _) = small_pcap();
        let before = read(&bytes).whole();
        bytes[at] = value;
        let after = read(&bytes).records;
        let untouched = before.iter().take_while(|r| r.offset + 16 < u64::try_from(at).unwrap());
        let untouched = untouched.filter(|r| {
            r.offset + 16 + u64::try_from(r.data.len()).unwrap() <= u64::try_from(at).unwrap()
        });
        for (old, new) in untouched.zip(&after) {
            prop_assert!(old == new);
        }
    }
}

#[test]
fn a_file_of_several_magics_one_after_the_other_is_survived() {
    for first in headers() {
        for second in headers() {
            survives(&[first.clone(), second].concat());
        }
    }
}

#[test]
fn a_file_that_names_itself_a_capture_and_is_not_there_any_more_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    assert!(read_file(&folder.path().join("gone.pcap")).error.is_some());
}
