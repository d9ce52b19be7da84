//! Decompressing on a thread of its own, a little ahead of who reads.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};

/// Bytes in a piece, and how many pieces are ready at most: what bounds the memory.
const PIECE: usize = 256 * 1024;
const READY: usize = 4;

/// Reads a stream on another thread. What that thread meets, data or error, comes in order.
pub(super) struct ThreadedRead {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
}

impl ThreadedRead {
    /// Begins to read. The thread ends with the stream, at an error, or when nobody wants more.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(super) fn start(mut stream: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, pieces) = sync_channel(READY);
        let work = move || {
            loop {
                let mut piece = vec![0; PIECE];
                let result = stream.read(&mut piece).map(|len| {
                    piece.truncate(len);
                    piece
                });
                let last = !result.as_ref().is_ok_and(|piece| !piece.is_empty());
                if sender.send(result).is_err() || last {
                    return;
                }
            }
        };
        std::thread::Builder::new().name("decompress".to_owned()).spawn(work)?;
        Ok(Self { pieces, piece: Vec::new(), at: 0 })
    }
}

impl Read for ThreadedRead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.piece.len() {
            // A thread that has said everything is at its end.
            let Ok(next) = self.pieces.recv() else { return Ok(0) };
            self.piece = next?;
            self.at = 0;
        }
        let mut rest = self.piece.get(self.at..).unwrap_or_default();
        let len = rest.read(buf)?;
        self.at = self.at.saturating_add(len);
        Ok(len)
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

    #[test]
    fn what_is_read_ahead_is_what_is_there() {
        let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut ahead = ThreadedRead::start(io::Cursor::new(bytes.clone())).unwrap();
        let mut read = Vec::new();
        ahead.read_to_end(&mut read).unwrap();
        assert_eq!(read, bytes);
        assert_eq!(ahead.read(&mut [0; 9]).unwrap(), 0);
    }

    #[test]
    fn an_error_comes_behind_what_was_read_before_it() {
        let mut ahead = ThreadedRead::start(Fails(2)).unwrap();
        let mut read = Vec::new();
        assert_eq!(ahead.read_to_end(&mut read).unwrap_err().to_string(), "broken");
        assert_eq!(read, b"abcabc");
        assert_eq!(ahead.read(&mut [0; 9]).unwrap(), 0);
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
