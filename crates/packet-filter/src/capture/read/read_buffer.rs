//! A bounded buffer onto the uncompressed stream.

use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

use crate::capture::read::threaded_read::{ReadPiece, ThreadedRead};

/// How much is asked for in one read, and the least size of the buffer, in bytes: as much as a pipe
/// holds. Of 64 KiB to 2 MiB it is the fastest in a replay of 1.1 GB, by a fifth to 64 KiB.
const CHUNK: usize = 1 << 20;

/// The first of them, so that a small capture costs little: while a read fills all that there is, the
/// next has four times the room.
const FIRST_CHUNK: usize = 64 << 10;

/// The bytes of the stream that are being looked at.
///
/// The buffer never grows beyond twice what a caller asked [`ReadBuffer::fill`] for (or one chunk),
/// and only as bytes really arrive: a declared length alone allocates nothing. It is read into
/// only when bytes are missing, and one read's worth is enough to go on, so that records of a
/// live pipe are not held back.
pub(super) struct ReadBuffer {
    source: ByteSource,
    buf: Vec<u8>,
    start: usize,
    end: usize,
    offset: u64,
    /// Whether the last read took all the room that there was.
    filled: bool,
    ended: bool,
    cut: bool,
    reading: Duration,
}

/// Where the bytes come from.
pub(super) enum ByteSource {
    /// Read when they are needed.
    Direct(Box<dyn Read + Send>),
    /// Unpacked ahead.
    Threaded(ThreadedRead),
}

impl ReadBuffer {
    pub(super) fn new(source: ByteSource) -> Self {
        Self {
            source,
            buf: Vec::new(),
            start: 0,
            end: 0,
            offset: 0,
            filled: false,
            ended: false,
            cut: false,
            reading: Duration::ZERO,
        }
    }

    /// The offset of the buffer's first byte in the stream.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Whether the stream ended in the middle, as a decompressor can tell.
    pub(super) fn was_cut(&self) -> bool {
        self.cut
    }

    /// How long the source was read from, or waited for.
    pub(super) const fn reading(&self) -> Duration {
        self.reading
    }

    /// How many bytes can be looked at without reading.
    pub(super) fn available(&self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// The bytes that are there.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buf.get(self.start..self.end).unwrap_or_default()
    }

    /// Where in [`ReadBuffer::buffer`] the first of those bytes is. It stays there until the next
    /// `fill`, also when it is consumed.
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// All bytes that are held, consumed ones among them.
    pub(super) fn buffer(&self) -> &[u8] {
        &self.buf
    }

    /// The bytes that are held up to the last that was read.
    pub(super) fn held(&self) -> &[u8] {
        self.buf.get(..self.end).unwrap_or_default()
    }

    /// The offset in the stream of a place in [`ReadBuffer::buffer`].
    pub(super) fn offset_of(&self, place: usize) -> u64 {
        let number = |place: usize| u64::try_from(place).unwrap_or_default();
        self.offset.wrapping_add(number(place)).wrapping_sub(number(self.start))
    }

    /// Reads until `need` bytes are there. False where the stream ends before.
    pub(super) fn fill(&mut self, need: usize) -> io::Result<bool> {
        while self.available() < need {
            if self.ended {
                return Ok(false);
            }
            self.read_some()?;
        }
        Ok(true)
    }

    /// Goes past `len` bytes that are there.
    pub(super) fn consume(&mut self, len: usize) {
        let len = len.min(self.available());
        self.start = self.start.saturating_add(len);
        self.offset = self.offset.saturating_add(u64::try_from(len).unwrap_or(u64::MAX));
    }

    /// One read, behind what is there.
    fn read_some(&mut self) -> io::Result<()> {
        let started = Instant::now();
        let read = match self.source {
            ByteSource::Direct(_) => self.read_directly(),
            ByteSource::Threaded(_) => self.take_piece(),
        };
        self.reading = self.reading.saturating_add(started.elapsed());
        match read {
            Ok(len) => self.ended |= len == 0,
            // What the decompressors say of a stream without its end. Plain files end with 0.
            Err(e) if e.kind() == ErrorKind::UnexpectedEof => {
                self.ended = true;
                self.cut = true;
            }
            Err(e) => return Err(e),
        }
        Ok(())
    }

    fn read_directly(&mut self) -> io::Result<usize> {
        let ByteSource::Direct(source) = &mut self.source else { return Ok(0) };
        if self.start > 0 {
            self.buf.copy_within(self.start..self.end, 0);
            self.end = self.end.saturating_sub(self.start);
            self.start = 0;
        }
        let len = self.buf.len();
        if self.end == len || self.filled && len < CHUNK {
            let more = if len < CHUNK { len.saturating_mul(4) } else { len.saturating_mul(2) };
            self.buf.resize(more.max(FIRST_CHUNK), 0);
        }
        let len = source.read(self.buf.get_mut(self.end..).unwrap_or_default())?;
        self.end = self.end.saturating_add(len).min(self.buf.len());
        self.filled = self.end == self.buf.len();
        Ok(len)
    }

    /// Goes on with the next piece, what is left of this one in front of it.
    fn take_piece(&mut self) -> io::Result<usize> {
        let ByteSource::Threaded(source) = &mut self.source else { return Ok(0) };
        let ReadPiece { mut bytes, start, end } = source.next()?;
        let rest = self.buf.get(self.start..self.end).unwrap_or_default();
        let before = start.checked_sub(rest.len());
        if let Some(before) = before
            && let Some(room) = bytes.get_mut(before..start)
        {
            room.copy_from_slice(rest);
            (self.start, self.end) = (before, end);
            source.give_back(std::mem::replace(&mut self.buf, bytes));
        } else {
            // The beginning of a record that is longer than the room in front of a piece.
            let piece = bytes.get(start..end).unwrap_or_default();
            self.buf.truncate(self.end);
            self.buf.extend_from_slice(piece);
            self.end = self.buf.len();
            source.give_back(bytes);
        }
        Ok(end.saturating_sub(start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn direct(source: impl Read + Send + 'static) -> ReadBuffer {
        ReadBuffer::new(ByteSource::Direct(Box::new(source)))
    }

    #[test]
    fn the_buffer_grows_with_what_arrives_and_not_with_what_is_asked_for() {
        let mut buffer = direct(io::repeat(7).take(10));
        assert!(!buffer.fill(1 << 40).unwrap());
        assert_eq!((buffer.available(), buffer.buf.len()), (10, FIRST_CHUNK));
    }

    #[test]
    fn the_buffer_stays_within_twice_what_is_asked_for() {
        let mut buffer = direct(io::repeat(7));
        for need in [1, 100, CHUNK, CHUNK + 1, 3 * CHUNK, 100, 16 << 20, 1] {
            for _ in 0..20 {
                assert!(buffer.fill(need).unwrap());
                assert!(buffer.buf.len() <= (2 * (16 << 20)).min(2 * need.max(buffer.end)));
                buffer.consume(need);
            }
        }
        assert!(buffer.buf.len() <= 2 * (16 << 20));
    }

    #[test]
    fn what_is_consumed_stays_in_its_place() {
        let mut buffer = direct(&b"abcdef"[..]);
        assert!(buffer.fill(6).unwrap());
        buffer.consume(1);
        let start = buffer.start();
        buffer.consume(5);
        assert_eq!(buffer.buffer().get(start..start + 3), Some(&b"bcd"[..]));
        assert_eq!((buffer.offset_of(0), buffer.offset()), (0, 6));
    }
}
