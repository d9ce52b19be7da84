//! The reader of captures.

use core::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

use super::error::CaptureError;
use super::format::{
    ByteOrder, Compression, Container, FOREIGN_LEN, Format, MAGIC_LEN, container_of, foreign,
};
use super::input::{Gauge, Input};
use super::pcap::{FILE_HEADER_LEN, Failure, Found, Pcap, Step};
use super::pcapng::{PcapNg, SECTION_HEADER_LEN};
use super::record::{Comments, InterfaceRef, Record, Warning};
use super::window::Window;

/// The longest record that is read unless [`Options`] say otherwise, in bytes: the largest
/// snapshot length of libpcap.
pub const DEFAULT_MAX_RECORD_LEN: u32 = 256 * 1024;

/// The most that [`Options::max_record_len`] can be set to, in bytes.
pub const MAX_RECORD_LEN: u32 = 16 * 1024 * 1024;

/// The longest pcapng block that is passed over, in bytes; the limit of Wireshark.
pub const MAX_BLOCK_LEN: u32 = 16 * 1024 * 1024;

/// The limits that a reader keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The longest packet in bytes; more than [`MAX_RECORD_LEN`] counts as that. A longer one is
    /// an error, because such a length is corrupt far more often than true.
    pub max_record_len: u32,
    /// The most bytes that the stream may have after decompression. Reading needs bounded memory
    /// whatever the length is; this bounds the time that a compression bomb can take.
    pub max_stream_len: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_record_len: DEFAULT_MAX_RECORD_LEN, max_stream_len: u64::MAX }
    }
}

/// Reads the records of a capture one by one.
///
/// Memory is bounded by construction: one window of at most twice the longest record (or block
/// that has to be kept), the decompressor's own (32 KiB for gzip, at most 128 MiB for zstd),
/// and what a pcapng section says of its interfaces (at most 65,536, names of 512 bytes).
///
/// After an error the reader is at its end, except for a packet of an unsupported interface
/// ([`RecordFault::Link`](super::RecordFault::Link)): the packets behind it can be read.
pub struct Reader {
    name: String,
    format: Format,
    records: Records,
    window: Window,
    gauge: Arc<Gauge>,
    total: Option<u64>,
    options: Options,
    next: u64,
    warnings: Vec<Warning>,
    done: bool,
}

enum Records {
    Pcap(Pcap),
    PcapNg(PcapNg),
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, format, next, .. } = self;
        write!(f, "Reader({name}, {format}, at record {next})")
    }
}

impl Reader {
    /// Opens a capture file and reads its header.
    ///
    /// # Errors
    /// Where the file cannot be opened, is empty, is of a format that is not read (by name),
    /// or has a link type that the frame parser does not understand (pcap; for pcapng
    /// see [`Reader::next_record`]).
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        Self::open_with(path, Options::default())
    }

    /// As [`Reader::open`], with other limits.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn open_with(path: &Path, options: Options) -> Result<Self, CaptureError> {
        let name = path.display().to_string();
        let failed = |source| CaptureError::Open { name: name.clone(), source };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let mut reader = Self::from_read_with(file, &name, options)?;
        // A pipe or a device has no length that means anything.
        reader.total = metadata.is_file().then_some(metadata.len());
        Ok(reader)
    }

    /// Reads a capture from anything that bytes come out of, such as a pipe; `name` is what
    /// errors call it. Waits for the file header, and never for more than the next record.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn from_read(raw: impl Read + Send + 'static, name: &str) -> Result<Self, CaptureError> {
        Self::from_read_with(raw, name, Options::default())
    }

    /// As [`Reader::from_read`], with other limits.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn from_read_with(
        raw: impl Read + Send + 'static,
        name: &str,
        options: Options,
    ) -> Result<Self, CaptureError> {
        let name = name.to_owned();
        let input = match Input::new(raw) {
            Ok(input) => input,
            Err(source) => return Err(CaptureError::Io { name, offset: 0, source }),
        };
        let Input { stream, compression, gauge } = input;
        let mut window = Window::new(stream);
        let mut opening = Opening { name: &name, compression, window: &mut window };
        let (container, records) = opening.run(&options)?;
        Ok(Self {
            format: Format { container, compression },
            name,
            records,
            window,
            gauge,
            total: None,
            options,
            next: 0,
            warnings: Vec::new(),
            done: false,
        })
    }

    /// The next record, `None` at the end of the capture.
    ///
    /// A record that the file cuts short is the end, with a [`Warning::TruncatedTail`].
    ///
    /// # Errors
    /// A corrupt record, with its number and byte offset; a packet of a pcapng interface whose
    /// link type is not supported, naming the interface; a corrupt compressed stream; a
    /// failing input. All records before it have been handed out by then.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, CaptureError> {
        match self.find() {
            Ok(Some(found)) => Ok(Some(self.record(found))),
            Ok(None) => {
                self.finish();
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// What there is to remark so far; complete when [`Reader::next_record`] has said `None`.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// How many bytes of the input, still compressed, have been read.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.gauge.bytes_read()
    }

    /// The input's length in bytes, still compressed; `None` for pipes and other streams.
    #[must_use]
    pub fn total_bytes(&self) -> Option<u64> {
        self.total
    }

    /// The format, as the first bytes told it.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The name that errors call the capture.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Goes on to the next packet.
    fn find(&mut self) -> Result<Option<Found>, CaptureError> {
        while !self.done {
            if self.window.offset() > self.options.max_stream_len {
                self.done = true;
                let limit = self.options.max_stream_len;
                return Err(CaptureError::StreamTooLong { name: self.name.clone(), limit });
            }
            let limit = self.options.max_record_len.min(MAX_RECORD_LEN);
            let step = match &mut self.records {
                Records::Pcap(pcap) => pcap.step(&mut self.window, limit),
                Records::PcapNg(pcapng) => pcapng.step(&mut self.window, limit),
            };
            match step {
                Ok(Step::Packet(found)) => return Ok(Some(found)),
                Ok(Step::Other) => {}
                Ok(Step::End) => return Ok(None),
                Ok(Step::Tail { offset, bytes_left }) => {
                    let bytes_left = u64::try_from(bytes_left).unwrap_or(u64::MAX);
                    self.warnings.push(Warning::TruncatedTail { offset, bytes_left });
                    return Ok(None);
                }
                Err(failure) => return Err(self.fail(failure)),
            }
        }
        Ok(None)
    }

    /// The error for a failure; only a packet of an unsupported interface can be gone past.
    fn fail(&mut self, failure: Failure) -> CaptureError {
        match failure {
            Failure::Io(source) => {
                self.done = true;
                read_error(&self.name, self.format.compression, &self.window, source)
            }
            Failure::Fault { offset, fault } => {
                let record = self.next.saturating_add(1);
                if matches!(fault, super::RecordFault::Link { .. }) {
                    self.next = record;
                } else {
                    self.done = true;
                }
                CaptureError::Record { name: self.name.clone(), record, offset, fault }
            }
        }
    }

    /// Notes what only the end of the stream can tell, once.
    fn finish(&mut self) {
        if std::mem::replace(&mut self.done, true) {
            return;
        }
        if self.window.was_cut() {
            let here = u64::try_from(self.window.available()).unwrap_or(u64::MAX);
            let unpacked = self.window.offset().saturating_add(here);
            self.warnings.push(Warning::CompressedStreamCut { unpacked });
        }
        if self.gauge.trailing_garbage() {
            self.warnings.push(Warning::TrailingGarbage);
        }
    }

    fn record(&mut self, found: Found) -> Record<'_> {
        let index = self.next;
        self.next = self.next.saturating_add(1);
        let timestamp = found.timestamp.unwrap_or_else(|_| {
            self.warn_of_time(index);
            None
        });
        let (interface, comments) = match (&self.records, found.interface) {
            (Records::PcapNg(pcapng), Some(at)) => {
                let options = self.window.slice(found.options);
                (interface_ref(pcapng, at), Comments::new(options, pcapng.order()))
            }
            _ => (None, Comments::NONE),
        };
        Record {
            index,
            timestamp,
            link: found.link,
            interface,
            wire_len: found.wire_len,
            data: self.window.slice(found.data),
            offset: found.offset,
            comments,
        }
    }

    fn warn_of_time(&mut self, index: u64) {
        for warning in &mut self.warnings {
            if let Warning::TimestampOutOfRange { count, .. } = warning {
                *count = count.saturating_add(1);
                return;
            }
        }
        self.warnings.push(Warning::TimestampOutOfRange { first: index, count: 1 });
    }
}

fn interface_ref(pcapng: &PcapNg, at: usize) -> Option<InterfaceRef<'_>> {
    let interface = pcapng.interfaces().get(at)?;
    Some(InterfaceRef {
        id: u32::try_from(at).ok()?,
        section: pcapng.section(),
        name: interface.name.as_deref(),
        description: interface.description.as_deref(),
        snaplen: interface.snaplen,
    })
}

/// An error of the input, or of the decompressor: that has no code of the system, and is of a
/// kind by which flate2 and zstd say that they were given nonsense.
fn read_error(
    name: &str,
    compression: Compression,
    window: &Window,
    source: io::Error,
) -> CaptureError {
    let here = u64::try_from(window.available()).unwrap_or(u64::MAX);
    let offset = window.offset().saturating_add(here);
    let name = name.to_owned();
    let nonsense = matches!(
        source.kind(),
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::Other
    );
    if compression != Compression::None && nonsense && source.raw_os_error().is_none() {
        CaptureError::Compressed { name, offset, source }
    } else {
        CaptureError::Io { name, offset, source }
    }
}

/// The first look at a stream.
struct Opening<'a> {
    name: &'a str,
    compression: Compression,
    window: &'a mut Window,
}

impl Opening<'_> {
    /// Recognises the container and reads its header.
    fn run(&mut self, options: &Options) -> Result<(Container, Records), CaptureError> {
        let whole = self.fill(MAGIC_LEN)?;
        if self.window.available() == 0 && !self.window.was_cut() {
            return Err(CaptureError::Empty { name: self.name.to_owned() });
        }
        match container_of(self.window.bytes()) {
            Some(container @ Container::Pcap { order, resolution, patched }) => {
                if !self.fill(FILE_HEADER_LEN)? {
                    return Err(self.truncated("pcap file header", FILE_HEADER_LEN));
                }
                let bytes = self.window.bytes();
                let pcap = Pcap::open(self.name, bytes, order, resolution, patched)?;
                self.window.consume(FILE_HEADER_LEN);
                Ok((container, Records::Pcap(pcap)))
            }
            Some(Container::PcapNg { .. }) => {
                let (order, pcapng) = self.section(options)?;
                Ok((Container::PcapNg { order }, Records::PcapNg(pcapng)))
            }
            None if !whole => Err(self.truncated("file header", FILE_HEADER_LEN)),
            None => {
                self.fill(FOREIGN_LEN)?;
                Err(self.unknown())
            }
        }
    }

    /// Reads the first section header.
    fn section(&mut self, options: &Options) -> Result<(ByteOrder, PcapNg), CaptureError> {
        let mut pcapng = PcapNg::new();
        match pcapng.step(self.window, options.max_record_len.min(MAX_RECORD_LEN)) {
            Ok(Step::Tail { .. } | Step::End) => {
                Err(self.truncated("pcapng section header", SECTION_HEADER_LEN))
            }
            Ok(_) => Ok((pcapng.order(), pcapng)),
            Err(Failure::Io(source)) => Err(self.failed(source)),
            Err(Failure::Fault { offset, fault }) => {
                Err(CaptureError::Record { name: self.name.to_owned(), record: 1, offset, fault })
            }
        }
    }

    fn fill(&mut self, need: usize) -> Result<bool, CaptureError> {
        self.window.fill(need).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> CaptureError {
        read_error(self.name, self.compression, self.window, source)
    }

    fn truncated(&self, what: &'static str, needed: usize) -> CaptureError {
        let have = self.window.available();
        CaptureError::TruncatedHeader { name: self.name.to_owned(), what, needed, have }
    }

    fn unknown(&self) -> CaptureError {
        let name = self.name.to_owned();
        let start = self.window.bytes();
        let start = start.get(..FOREIGN_LEN).unwrap_or(start);
        if let Some(known) = foreign(start) {
            return CaptureError::Foreign { name, format: known.name, mend: known.mend };
        }
        let hex: Vec<String> = start.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        CaptureError::Unknown { name, start: hex.join(" ") }
    }
}
