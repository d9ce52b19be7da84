//! Compressed captures, streams that are cut, and pipes.

use std::collections::VecDeque;
use std::io::{self, Cursor, ErrorKind, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use egress25_packet_filter::capture::{CaptureError, CaptureReader, Warning};

use crate::build::{LE, MICROS, epb, gzip, idb, pcap_header, pcap_record, shb, zstd};
use crate::read::{drain, read};

/// `count` packets.
fn capture(count: u32) -> Vec<u8> {
    let mut bytes = pcap_header(LE, MICROS, 1);
    for at in 0..count {
        bytes.extend(pcap_record(LE, (at + 1, 0), 60, &at.to_be_bytes().repeat(8)));
    }
    bytes
}

#[test]
fn gzip_members_and_zstd_frames_are_read_one_after_the_other() {
    let whole = capture(100);
    for at in [1, 23, 24, 30, 72, 1000] {
        let (front, back) = whole.split_at(at);
        assert_eq!(read(&[gzip(front), gzip(back)].concat()).whole().len(), 100, "gzip at {at}");
        assert_eq!(read(&[zstd(front), zstd(back)].concat()).whole().len(), 100, "zstd at {at}");
    }
    let empty_between = [gzip(&whole[..500]), gzip(b""), gzip(&whole[500..])].concat();
    assert_eq!(read(&empty_between).whole().len(), 100);
}

#[test]
fn skippable_zstd_frames_are_skipped() {
    let skippable = [&[0x53, 0x2a, 0x4d, 0x18, 4, 0, 0, 0][..], b"note"].concat();
    let bytes = [skippable.clone(), zstd(&capture(3)), skippable].concat();
    assert_eq!(read(&bytes).whole().len(), 3);
}

#[test]
fn bytes_behind_the_last_gzip_member_are_ignored_with_a_warning() {
    for garbage in [&b"\0\0\0\0\0\0"[..], b"signature"] {
        let read = read(&[&gzip(&capture(5))[..], garbage].concat());
        assert_eq!((read.records.len(), read.message()), (5, String::new()));
        assert_eq!(read.warnings, [Warning::TrailingGarbage]);
    }
}

#[test]
fn a_compressed_stream_that_is_cut_anywhere_delivers_a_prefix_and_says_so() {
    let whole = capture(20);
    let records = read(&whole).whole();
    for compressed in [gzip(&whole), zstd(&whole)] {
        for len in 4..compressed.len() {
            let read = read(&compressed[..len]);
            assert_eq!(read.records, records[..read.records.len()], "cut at {len}");
            let cut = |w: &Warning| matches!(w, Warning::CompressedStreamCut { .. });
            let told = read.warnings.iter().any(cut) || read.error.is_some();
            assert!(told, "cut at {len} of {}: {read:?}", compressed.len());
        }
    }
}

#[test]
fn a_corrupt_compressed_stream_is_an_error_and_not_an_end() {
    let whole = capture(2000);
    for compressed in [gzip(&whole), zstd(&whole)] {
        let mut checksum = compressed.clone();
        let at = if compressed[0] == 0x1f { compressed.len() - 8 } else { compressed.len() - 4 };
        checksum[at] ^= 0xff;
        let read = read(&checksum);
        assert!(matches!(read.error, Some(CaptureError::Compressed { .. })), "{:?}", read.error);
    }
}

#[test]
fn a_zstd_window_over_128_mib_is_refused_and_one_of_that_size_is_read() {
    // Frame header without flags, window of 2^(10 + n / 8) bytes, one raw and last block.
    let frame = |log: u8| {
        let content = capture(1);
        let head = (u32::try_from(content.len()).unwrap() << 3 | 1).to_le_bytes();
        [&[0x28, 0xb5, 0x2f, 0xfd, 0, (log - 10) << 3], &head[..3], &content].concat()
    };
    assert_eq!(read(&frame(27)).whole().len(), 1);
    let message = read(&frame(28)).message();
    assert!(message.contains("cannot be unpacked behind uncompressed byte 0: "), "{message}");
    assert!(message.contains("too much memory"), "{message}");
}

#[test]
fn a_bomb_of_zeros_is_an_error_long_before_its_end() {
    // One gibibyte: 64 members of 16 MiB.
    let zeros = gzip(&vec![0; 16 << 20]).repeat(64);
    let pcapng = [shb(LE), idb(LE, 1, 0, &[])].concat();
    for (header, want) in [
        (
            pcap_header(LE, MICROS, 1),
            "record 1048577 at byte offset 16777240: more than 1048576 empty records of zeros",
        ),
        (pcapng, "record 1 at byte offset 52: block of type `0x00000000` declares 0 bytes"),
    ] {
        let bomb = [gzip(&header), zeros.clone()].concat();
        let mut reader = CaptureReader::from_read(Cursor::new(bomb), "bomb").unwrap();
        let error = loop {
            match reader.next_record() {
                Ok(record) => assert!(record.is_some(), "the bomb was gone through"),
                Err(error) => break error.to_string(),
            }
        };
        assert!(error.contains(want), "{error}");
        let unpacked_for_it = reader.bytes_read();
        assert!(unpacked_for_it < 200_000, "{unpacked_for_it} bytes were read");
        assert!(reader.next_record().unwrap().is_none(), "an error is the end");
    }
}

#[test]
fn a_progress_bar_finds_bytes_read_and_their_total() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("capture");
    // More than the thread that unpacks may be ahead of who reads.
    let compressed = gzip(&capture(300_000));
    std::fs::write(&path, &compressed).unwrap();
    let mut reader = CaptureReader::open(&path).unwrap();
    let total = u64::try_from(compressed.len()).unwrap();
    assert_eq!(reader.total_bytes(), Some(total));
    let early = reader.bytes_read();
    assert!(early > 0 && early < total, "{early} of {total}");
    while reader.next_record().unwrap().is_some() {}
    assert_eq!(reader.bytes_read(), total);
    let reader = CaptureReader::from_read(Cursor::new(capture(1)), "pipe").unwrap();
    assert_eq!(reader.total_bytes(), None);
}

/// A pipe whose writer has written some pieces and then waits: asking for more than there is
/// would block, and is an error here. One read gives at most one piece.
struct Pipe {
    pieces: VecDeque<Vec<u8>>,
    read: Arc<AtomicUsize>,
}

impl Read for Pipe {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let Some(mut piece) = self.pieces.pop_front() else {
            return Err(ErrorKind::WouldBlock.into());
        };
        let n = piece.len().min(buf.len());
        buf[..n].copy_from_slice(&piece[..n]);
        if n < piece.len() {
            self.pieces.push_front(piece.split_off(n));
        } else {
            self.read.fetch_add(1, Ordering::Relaxed);
        }
        Ok(n)
    }
}

/// Reads as many records as there are pieces behind the first; each must come with its piece.
fn delivered_at_once(pieces: Vec<Vec<u8>>) {
    let count = pieces.len();
    let read = Arc::new(AtomicUsize::new(0));
    let pipe = Pipe { pieces: pieces.into(), read: Arc::clone(&read) };
    let mut reader = CaptureReader::from_read(pipe, "-").unwrap();
    assert_eq!(read.load(Ordering::Relaxed), 1, "the header is enough to open");
    for at in 1..count {
        let record = reader.next_record().unwrap().unwrap();
        assert_eq!(record.index + 1, u64::try_from(at).unwrap());
        assert_eq!(read.load(Ordering::Relaxed), at + 1, "no read-ahead");
    }
    let error = reader.next_record().unwrap_err();
    assert!(matches!(error, CaptureError::Io { .. }), "the pipe would have blocked: {error}");
}

#[test]
fn records_of_a_pipe_are_delivered_as_they_come() {
    let mut pcap = vec![pcap_header(LE, MICROS, 1)];
    pcap.extend((1..9).map(|at| pcap_record(LE, (at, 0), 60, b"packet")));
    delivered_at_once(pcap);

    let mut pcapng = vec![shb(LE)];
    let first = [idb(LE, 1, 0, &[]), epb(LE, 0, 1, b"packet")].concat();
    pcapng.extend([first, epb(LE, 0, 2, b"packet"), epb(LE, 0, 3, b"packet")]);
    delivered_at_once(pcapng);
}

/// A pipe that waits for its writer.
struct Waiting {
    pieces: mpsc::Receiver<Vec<u8>>,
    rest: Cursor<Vec<u8>>,
}

impl Read for Waiting {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.rest.read(buf)?;
        if n > 0 {
            return Ok(n);
        }
        let Ok(piece) = self.pieces.recv() else { return Ok(0) };
        self.rest = Cursor::new(piece);
        self.rest.read(buf)
    }
}

/// Writes a piece at a time and reads the record in it before the next is written. A record that
/// is held back until more comes would wait for ever.
fn delivered_as_flushed(pieces: Vec<Vec<u8>>) {
    let (writer, pipe) = mpsc::channel();
    let mut pieces = pieces.into_iter();
    writer.send(pieces.next().unwrap()).unwrap();
    let pipe = Waiting { pieces: pipe, rest: Cursor::default() };
    let mut reader = CaptureReader::from_read(pipe, "-").unwrap();
    for (at, piece) in pieces.enumerate() {
        writer.send(piece).unwrap();
        let record = reader.next_record().unwrap().unwrap();
        assert_eq!(record.index, u64::try_from(at).unwrap());
    }
}

#[test]
fn records_of_a_compressed_pipe_are_delivered_as_they_are_flushed() {
    let mut plain = vec![pcap_header(LE, MICROS, 1)];
    plain.extend((1..9).map(|at| pcap_record(LE, (at, 0), 60, b"packet")));

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let pieces = plain.iter().map(|piece| {
        encoder.write_all(piece).unwrap();
        encoder.flush().unwrap();
        std::mem::take(encoder.get_mut())
    });
    delivered_as_flushed(pieces.collect());

    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    let pieces = plain.iter().map(|piece| {
        encoder.write_all(piece).unwrap();
        encoder.flush().unwrap();
        std::mem::take(encoder.get_mut())
    });
    delivered_as_flushed(pieces.collect());
}

#[test]
fn a_read_that_a_signal_interrupts_is_tried_again() {
    struct Interrupted(Cursor<Vec<u8>>, bool);
    impl Read for Interrupted {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(ErrorKind::Interrupted.into());
            }
            let n = buf.len().min(7);
            self.0.read(&mut buf[..n])
        }
    }
    let whole = capture(10);
    for bytes in [whole.clone(), gzip(&whole), zstd(&whole)] {
        let read = drain(CaptureReader::from_read(Interrupted(Cursor::new(bytes), false), "pipe"));
        assert_eq!(read.whole().len(), 10);
    }
}

#[test]
fn a_failing_disk_is_an_error_behind_the_records_that_were_read() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::from_raw_os_error(5))
        }
    }
    for bytes in [capture(3), gzip(&capture(3))] {
        let read = drain(CaptureReader::from_read(Cursor::new(bytes).chain(Failing), "disk"));
        assert_eq!(read.records.len(), 3);
        assert!(matches!(read.error, Some(CaptureError::Io { .. })), "{:?}", read.error);
    }
}
