//! Unpacking on a thread of its own, a little ahead of who looks at what was unpacked.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Bytes that are read at once, and how many pieces are ready at most: what bounds the memory.
const PIECE: usize = 1 << 20;
const READY: usize = 3;

/// Room in front of what was read, for the beginning of a record that goes on there: as much as
/// nearly every record takes.
const ROOM: usize = 256 * 1024;

/// The first piece with the room in front of it, so that a small capture costs little: while a read
/// fills all that there is, the next has four times as much.
const FIRST: usize = 64 * 1024;

/// What was read at once.
pub(super) struct ReadPiece {
    /// Room for what lies before it, and the bytes.
    pub(super) bytes: Vec<u8>,
    /// Where the bytes that were read begin and end.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Reads a stream on another thread. What that thread meets, data or error, comes in order.
pub(super) struct ThreadedRead {
    pieces: Receiver<io::Result<ReadPiece>>,
    /// Pieces that were looked at, to be filled again.
    empty: SyncSender<Vec<u8>>,
}

impl ThreadedRead {
    /// Begins to read. The thread ends with the stream, at an error, or when nobody wants more.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(super) fn start(mut stream: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, pieces) = sync_channel(READY);
        // One more is being filled, and one looked at.
        let (empty, filled_again) = sync_channel::<Vec<u8>>(READY + 2);
        let work = move || {
            let mut size = FIRST;
            loop {
                let mut bytes = filled_again.try_recv().unwrap_or_default();
                if bytes.len() < size {
                    bytes = vec![0; size];
                }
                let start = ROOM.min(bytes.len() / 5);
                let room = bytes.get_mut(start..).unwrap_or_default();
                let filled = room.len();
                let result = stream.read(room);
                if matches!(result, Ok(len) if len == filled) {
                    size = size.saturating_mul(4).min(ROOM + PIECE);
                }
                let last = !matches!(result, Ok(1..));
                let piece = result.map(|len| ReadPiece { bytes, start, end: start + len });
                if sender.send(piece).is_err() || last {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("decompress".to_owned()).spawn(work)?;
        Ok(Self { pieces, empty })
    }

    /// The next piece; an empty one at the end.
    pub(super) fn next(&mut self) -> io::Result<ReadPiece> {
        // A thread that has said everything is at its end.
        let ended = Ok(ReadPiece { bytes: Vec::new(), start: 0, end: 0 });
        self.pieces.recv().unwrap_or(ended)
    }

    /// Takes back the bytes of a piece that was looked at.
    pub(super) fn give_back(&mut self, bytes: Vec<u8>) {
        // Where enough are on their way, or the thread is at its end, they are not needed.
        let _ = self.empty.try_send(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails(usize);

    impl Read for Fails {
        fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
            match self.0.checked_sub(1) {
                Some(left) => {
                    self.0 = left;
                    buf[..3].copy_from_slice(b"abc");
                    Ok(3)
                }
                None => Err(io::Error::other("broken")),
            }
        }
    }

    /// Everything that is read, and the error that ended it. What comes after the end is nothing.
    fn all(mut ahead: ThreadedRead) -> (Vec<u8>, Option<io::Error>) {
        let mut read = Vec::new();
        let error = loop {
            match ahead.next() {
                Ok(piece) if piece.start == piece.end => break None,
                Ok(piece) => {
                    read.extend_from_slice(&piece.bytes[piece.start..piece.end]);
                    ahead.give_back(piece.bytes);
                }
                Err(error) => break Some(error),
            }
        };
        let ReadPiece { start, end, .. } = ahead.next().unwrap();
        assert_eq!(start, end);
        (read, error)
    }

    #[test]
    fn what_is_read_ahead_is_what_is_there() {
        let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let (read, error) = all(ThreadedRead::start(io::Cursor::new(bytes.clone())).unwrap());
        assert!(read == bytes && error.is_none());
    }

    #[test]
    fn an_error_comes_behind_what_was_read_before_it() {
        let (read, error) = all(ThreadedRead::start(Fails(2)).unwrap());
        assert_eq!(read, b"abcabc");
        assert_eq!(error.unwrap().to_string(), "broken");
    }

    #[test]
    fn a_reader_that_goes_ends_the_thread() {
        let (sender, dropped) = sync_channel::<()>(1);
        struct Endless(#[expect(dead_code, reason = "dropped with the stream")] SyncSender<()>);
        impl Read for Endless {
            fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                Ok(buf.len())
            }
        }
        drop(ThreadedRead::start(Endless(sender)).unwrap());
        assert!(dropped.recv().is_err(), "the stream is gone");
    }

    use std::sync::mpsc::SyncSender;
}
