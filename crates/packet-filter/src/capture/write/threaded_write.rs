//! Writing on a thread of its own, a little behind who produces.

use std::io::{self, IoSlice, Write};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

/// Bytes in a piece, and how many pieces wait at most: what bounds the memory.
const PIECE: usize = 1 << 20;
const WAITING: usize = 4;

/// What the thread gives back: the output, and how writing went.
type WriteEnd<W> = (W, io::Result<()>);

/// Collects what is written, and writes it on another thread, all that waits at a time.
///
/// An error of that thread is the answer to the first call afterwards that hands something over,
/// at the latest to [`ThreadedWrite::into_inner`]; nothing is written after it. Dropped without
/// [`ThreadedWrite::into_inner`], what was not handed over is lost, the rest is waited for, and the
/// output is dropped.
#[derive(Debug)]
pub struct ThreadedWrite<W: Write + Send + 'static> {
    piece: Vec<u8>,
    /// Pieces on their way; `None` once the thread is to end.
    pieces: Option<SyncSender<Vec<u8>>>,
    /// Pieces that were written, to be filled again.
    empty: Receiver<Vec<u8>>,
    /// `None` once it has ended: while this is written to, with an error.
    thread: Option<JoinHandle<WriteEnd<W>>>,
}

impl<W: Write + Send + 'static> ThreadedWrite<W> {
    /// Writes to an output.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(output: W) -> io::Result<Self> {
        let (sender, pieces) = sync_channel(WAITING);
        let (back, empty) = channel();
        let thread = std::thread::Builder::new()
            .name("write".to_owned())
            .spawn(move || write_all(output, &pieces, &back))?;
        let piece = Vec::with_capacity(PIECE);
        Ok(Self { piece, pieces: Some(sender), empty, thread: Some(thread) })
    }

    /// Writes the rest and gives the output back.
    ///
    /// # Errors
    /// What writing met.
    pub fn into_inner(mut self) -> io::Result<W> {
        self.hand_over()?;
        let (mut output, result) = self.end()?;
        result?;
        output.flush()?;
        Ok(output)
    }

    /// Hands the piece to the thread.
    fn hand_over(&mut self) -> io::Result<()> {
        if self.piece.is_empty() && self.thread.is_some() {
            return Ok(());
        }
        let next = self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(PIECE));
        let piece = std::mem::replace(&mut self.piece, next);
        match self.pieces.as_ref().map(|pieces| pieces.send(piece)) {
            Some(Ok(())) => Ok(()),
            // Only an error ends the thread while pieces may come.
            _ => Err(self.error()),
        }
    }

    /// The error that ended the thread.
    fn error(&mut self) -> io::Error {
        match self.end() {
            Ok((_, Err(error))) | Err(error) => error,
            Ok((_, Ok(()))) => io::Error::other("the output has ended"),
        }
    }

    /// Waits for the thread.
    fn end(&mut self) -> io::Result<WriteEnd<W>> {
        self.pieces = None;
        let ended = || io::Error::other("the output failed before");
        let thread = self.thread.take().ok_or_else(ended)?;
        thread.join().map_err(|_| io::Error::other("the thread that writes broke off"))
    }
}

impl<W: Write + Send + 'static> Write for ThreadedWrite<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.thread.is_none() {
            return Err(self.error());
        }
        let room = PIECE.saturating_sub(self.piece.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.piece.extend_from_slice(taken);
        if self.piece.len() >= PIECE {
            self.hand_over()?;
        }
        Ok(taken.len())
    }

    /// Hands over what was collected. That it is written, [`ThreadedWrite::into_inner`] says.
    fn flush(&mut self) -> io::Result<()> {
        self.hand_over()
    }
}

impl<W: Write + Send + 'static> Drop for ThreadedWrite<W> {
    fn drop(&mut self) {
        // The output goes with the thread: whoever drops this may count on both being gone.
        let _ = self.end();
    }
}

/// Writes pieces until no more come, or one cannot be written.
fn write_all<W: Write>(
    mut output: W,
    pieces: &Receiver<Vec<u8>>,
    back: &Sender<Vec<u8>>,
) -> WriteEnd<W> {
    let mut together = Vec::with_capacity(WAITING);
    while let Ok(first) = pieces.recv() {
        together.push(first);
        together.extend(pieces.try_iter().take(WAITING));
        if let Err(error) = write_together(&mut output, &together) {
            return (output, Err(error));
        }
        for mut piece in together.drain(..) {
            piece.clear();
            // Nobody takes it back at the end.
            let _ = back.send(piece);
        }
    }
    (output, Ok(()))
}

/// Writes some pieces with as few calls as the output allows.
fn write_together(output: &mut impl Write, pieces: &[Vec<u8>]) -> io::Result<()> {
    let mut slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut rest = slices.as_mut_slice();
    // Empty ones at the front would look like an output that takes nothing.
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match output.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes a few bytes at a time, and fails behind a limit.
    #[derive(Debug)]
    struct Narrow {
        taken: Vec<u8>,
        limit: usize,
    }

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.taken.len() >= self.limit {
                return Err(io::Error::new(io::ErrorKind::StorageFull, "full"));
            }
            let taken = bytes.len().min(70_001);
            self.taken.extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn narrow(limit: usize) -> Narrow {
        Narrow { taken: Vec::new(), limit }
    }

    #[test]
    fn what_is_written_behind_is_what_was_given() {
        let bytes: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut writer = ThreadedWrite::start(narrow(usize::MAX)).unwrap();
        for chunk in bytes.chunks(99_991) {
            writer.write_all(chunk).unwrap();
        }
        writer.flush().unwrap();
        writer.write_all(b"end").unwrap();
        let taken = writer.into_inner().unwrap().taken;
        assert_eq!(taken.len(), bytes.len() + 3);
        assert!(taken.starts_with(&bytes) && taken.ends_with(b"end"));
    }

    #[test]
    fn nothing_written_is_nothing() {
        assert!(ThreadedWrite::start(narrow(0)).unwrap().into_inner().unwrap().taken.is_empty());
    }

    #[test]
    fn an_error_of_the_output_comes_out_and_stays() {
        let mut writer = ThreadedWrite::start(narrow(1_500_000)).unwrap();
        let chunk = vec![7; 100_000];
        let error = (0..1_000).find_map(|_| writer.write_all(&chunk).err()).unwrap();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        assert!(writer.write_all(b"more").is_err());
        assert!(writer.flush().is_err());
        assert!(writer.into_inner().is_err());
    }

    #[test]
    fn an_error_at_the_very_end_is_not_lost() {
        let mut writer = ThreadedWrite::start(narrow(0)).unwrap();
        writer.write_all(b"little").unwrap();
        assert_eq!(writer.into_inner().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    #[test]
    fn dropped_the_output_is_gone() {
        struct Held(#[expect(dead_code, reason = "dropped with the output")] SyncSender<()>);
        impl Write for Held {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (sender, dropped) = sync_channel::<()>(1);
        let mut writer = ThreadedWrite::start(Held(sender)).unwrap();
        writer.write_all(&[1; PIECE * 2]).unwrap();
        drop(writer);
        assert!(
            dropped.try_recv().is_err_and(|e| e == std::sync::mpsc::TryRecvError::Disconnected)
        );
    }
}
