//! From the raw input to the uncompressed stream.

use std::io::{self, BufRead, BufReader, Cursor, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use flate2::bufread::GzDecoder;

use crate::capture::read::format::{Compression, MAGIC_LEN, compression_of};
use crate::capture::read::read_buffer::ByteSource;
use crate::capture::read::threaded_read::ThreadedRead;

/// Buffer in front of a decompressor, in bytes.
const COMPRESSED_CHUNK: usize = 64 * 1024;

/// The largest zstd buffer that is unpacked, as a power of 2: 128 MiB, which is what `zstd
/// --ultra -22` writes and the decompressor's own default. It bounds the decompressor's memory.
const ZSTD_WINDOW_LOG: u32 = 27;

/// What the layers below can be asked about while the stream is read.
#[derive(Debug, Default)]
pub(super) struct Gauge {
    read: AtomicU64,
    garbage: AtomicBool,
}

impl Gauge {
    /// Bytes of the raw input that were read so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Whether the gzip stream is followed by something else.
    pub(super) fn trailing_garbage(&self) -> bool {
        self.garbage.load(Ordering::Relaxed)
    }
}

/// The input, unpacked, and what it was packed with.
pub(super) struct UnpackedInput {
    pub(super) stream: ByteSource,
    pub(super) compression: Compression,
    pub(super) gauge: Arc<Gauge>,
}

impl UnpackedInput {
    /// Looks at the first bytes and puts the decompressor in front that they ask for. What is
    /// unpacked is unpacked on a thread of its own.
    ///
    /// No more is read than those bytes, so that a pipe that has only just begun is enough.
    pub(super) fn new(raw: impl Read + Send + 'static) -> io::Result<Self> {
        let gauge = Arc::new(Gauge::default());
        let mut raw = Counted { raw, gauge: Arc::clone(&gauge) };
        let magic = read_up_to(&mut raw, MAGIC_LEN)?;
        let compression = compression_of(&magic);
        let raw = Cursor::new(magic).chain(raw);
        let stream = match compression {
            Compression::None => ByteSource::Direct(Box::new(raw)),
            Compression::Gzip => {
                let raw = BufReader::with_capacity(COMPRESSED_CHUNK, raw);
                let members =
                    Members { state: MemberState::Between(raw), gauge: Arc::clone(&gauge) };
                ByteSource::Threaded(ThreadedRead::start(members)?)
            }
            Compression::Zstd => {
                let raw = BufReader::with_capacity(COMPRESSED_CHUNK, raw);
                let mut decoder = zstd::stream::read::Decoder::with_buffer(raw)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                ByteSource::Threaded(ThreadedRead::start(decoder)?)
            }
        };
        Ok(Self { stream, compression, gauge })
    }
}

/// Reads `len` bytes, or what there is.
fn read_up_to(source: &mut impl Read, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    source.take(u64::try_from(len).unwrap_or(u64::MAX)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Counts what passes, and tries again where a signal interrupted a read.
struct Counted<R> {
    raw: R,
    gauge: Arc<Gauge>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        // Retried here, at the bottom, because not every layer above keeps its state over an error.
        let n = loop {
            match self.raw.read(buf) {
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.gauge.read.fetch_add(u64::try_from(n).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(n)
    }
}

/// The members of a gzip stream, one after the other.
///
/// flate2's own multi-member reader fails at bytes behind the last member; gzip(1) and
/// capture tools ignore them, so members are told apart here.
struct Members<R> {
    state: MemberState<R>,
    gauge: Arc<Gauge>,
}

enum MemberState<R> {
    Between(R),
    Inside(GzDecoder<R>),
    Ended,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            match std::mem::replace(&mut self.state, MemberState::Ended) {
                MemberState::Ended => return Ok(0),
                MemberState::Between(mut raw) => match raw.fill_buf()?.first() {
                    None => return Ok(0),
                    Some(0x1f) => self.state = MemberState::Inside(GzDecoder::new(raw)),
                    Some(_) => {
                        self.gauge.garbage.store(true, Ordering::Relaxed);
                        return Ok(0);
                    }
                },
                MemberState::Inside(mut member) => {
                    let n = member.read(buf)?;
                    if n > 0 {
                        self.state = MemberState::Inside(member);
                        return Ok(n);
                    }
                    self.state = MemberState::Between(member.into_inner());
                }
            }
        }
    }
}
