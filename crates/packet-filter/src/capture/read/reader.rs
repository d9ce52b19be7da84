//! The reader of captures.

use core::fmt;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::capture::read::batch::CaptureBatch;
use crate::capture::read::bytes::ByteOrder;
use crate::capture::read::error::{CaptureError, RecordFault};
use crate::capture::read::format::{
    CaptureFormat, Compression, Container, FOREIGN_LEN, MAGIC_LEN, container_of, foreign,
};
use crate::capture::read::framed_records::{FramedRecords, record};
use crate::capture::read::input::{Gauge, UnpackedInput};
use crate::capture::read::next::{FoundPacket, Next};
use crate::capture::read::pcap::{FILE_HEADER_LEN, Pcap};
use crate::capture::read::pcapng::{PcapNg, SECTION_HEADER_LEN};
use crate::capture::read::places::{NonPacket, Places};
use crate::capture::read::read_buffer::ReadBuffer;
use crate::capture::read::record::{Record, Warning};

/// How much a pipe is to hold, in bytes.
#[cfg(target_os = "linux")]
const PIPE: usize = 1 << 20;

/// Reads the records of a capture one by one.
///
/// Memory is bounded by construction: one buffer of at most twice the longest record (or block
/// that has to be kept), six pieces of 1.25 MiB where a thread unpacks, the decompressor's own
/// (32 KiB for gzip, at most 128 MiB for zstd),
/// and what a pcapng section says of its interfaces (at most 65,536, names of 512 bytes).
///
/// After an error the reader is at its end, except for a packet of an unsupported interface
/// ([`RecordFault::Link`](crate::capture::RecordFault::Link)): the packets behind it can be read.
pub struct CaptureReader {
    name: String,
    format: CaptureFormat,
    records: FramedRecords,
    buffer: ReadBuffer,
    gauge: Arc<Gauge>,
    total: Option<u64>,
    next: u64,
    warnings: Vec<Warning>,
    done: bool,
    places: Places,
}

/// What a reader comes to.
enum ReadStep {
    Packet(FoundPacket, usize),
    Block(usize),
    Unread(RecordFault, usize),
    /// The end, or of what is there without another read.
    End,
}

impl fmt::Debug for CaptureReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, format, next, .. } = self;
        write!(f, "Reader({name}, {format}, at record {next})")
    }
}

impl CaptureReader {
    /// Opens a capture file and reads its header.
    ///
    /// # Errors
    /// Where the file cannot be opened, is empty, is of a format that is not read (by name),
    /// or has a link type that the frame parser does not understand (pcap; for pcapng
    /// see [`CaptureReader::next_record`]).
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let name = path.display().to_string();
        let file =
            File::open(path).map_err(|source| CaptureError::Open { name: name.clone(), source })?;
        Self::from_file(file, &name)
    }

    /// Reads a capture from a file or a pipe that is open; `name` is what errors call it.
    ///
    /// # Errors
    /// As [`CaptureReader::open`].
    pub fn from_file(file: File, name: &str) -> Result<Self, CaptureError> {
        let failed = |source| CaptureError::Open { name: name.to_owned(), source };
        let metadata = file.metadata().map_err(failed)?;
        widen(&file, &metadata);
        let mut reader = Self::from_read(file, name)?;
        // A pipe or a device has no length that means anything.
        reader.total = metadata.is_file().then_some(metadata.len());
        Ok(reader)
    }

    /// Reads a capture from anything that bytes come out of, such as a pipe; `name` is what
    /// errors call it. Waits for the file header, and never for more than the next record.
    ///
    /// # Errors
    /// As [`CaptureReader::open`].
    pub fn from_read(raw: impl Read + Send + 'static, name: &str) -> Result<Self, CaptureError> {
        let name = name.to_owned();
        let input = match UnpackedInput::new(raw) {
            Ok(input) => input,
            Err(source) => return Err(CaptureError::Io { name, offset: 0, source }),
        };
        let UnpackedInput { stream, compression, gauge } = input;
        let mut buffer = ReadBuffer::new(stream);
        let mut opening = Opening { name: &name, compression, buffer: &mut buffer };
        let (container, records) = opening.run()?;
        Ok(Self {
            format: CaptureFormat { container, compression },
            name,
            records,
            buffer,
            gauge,
            total: None,
            next: 0,
            warnings: Vec::new(),
            done: false,
            places: Places::default(),
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
        loop {
            match self.step(true)? {
                ReadStep::Packet(found, total) => {
                    let (start, index) = (self.buffer.start(), self.next);
                    self.pass(&found, total);
                    let place = (start, total);
                    return Ok(Some(record(&self.records, &self.buffer, &found, place, index)));
                }
                ReadStep::Block(total) => self.take_in(total)?,
                ReadStep::Unread(fault, total) => {
                    let error = self.fault(fault);
                    self.pass_unread(total);
                    return Err(error);
                }
                ReadStep::End => return Ok(None),
            }
        }
    }

    /// What is there of the capture: as many packets as were read at once, at least one piece of
    /// it, `None` at its end. Waits for the next packet or block, and not for more.
    ///
    /// # Errors
    /// As [`CaptureReader::next_record`], but that a packet of an unsupported interface is a piece
    /// of the batch and no error.
    pub fn next_batch(&mut self) -> Result<Option<CaptureBatch<'_>>, CaptureError> {
        self.places.clear();
        let mut wait = true;
        loop {
            if self.walk() {
                wait = false;
            }
            let step = match self.step(wait) {
                // What is wrong behind this batch comes up again with the next one.
                Err(_) if !wait => break,
                step => step?,
            };
            let start = self.buffer.start();
            match step {
                ReadStep::Packet(found, total) => {
                    if self.places.len() == 0 {
                        self.places.first = self.next;
                    }
                    if !self.places.packet(&found, start, total) {
                        break;
                    }
                    self.pass(&found, total);
                }
                ReadStep::Block(total) => {
                    // It may be broken, and what is before it is of another section or byte order.
                    if !wait && self.is_description(total) {
                        break;
                    }
                    self.take_in(total)?;
                    self.places.piece(NonPacket::Block { start, total });
                }
                ReadStep::Unread(..) if self.places.len() > 0 => break,
                ReadStep::Unread(fault, total) => {
                    let error = self.fault(fault);
                    self.pass_unread(total);
                    self.places.piece(NonPacket::Unread { start, total, error });
                }
                ReadStep::End => break,
            }
            wait = false;
        }
        if wait {
            return Ok(None);
        }
        Ok(Some(CaptureBatch::new(&self.records, &self.buffer, &self.places)))
    }

    /// What there is to remark so far; complete when [`CaptureReader::next_record`] has said
    /// `None`.
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

    /// How long the input was read from, or waited for: for a compressed one, for the thread that
    /// unpacks it.
    #[must_use]
    pub fn time_reading(&self) -> Duration {
        self.buffer.reading()
    }

    /// The format, as the first bytes told it.
    #[must_use]
    pub fn format(&self) -> CaptureFormat {
        self.format
    }

    /// The name that errors call the capture.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Frames the packets that are there, up to the first that is not a usual one; whether there
    /// was any.
    fn walk(&mut self) -> bool {
        if self.done {
            return false;
        }
        let (before, start) = (self.places.len(), self.buffer.start());
        if before == 0 {
            self.places.first = self.next;
        }
        let end = self.records.walk(self.buffer.held(), start, &mut self.places);
        self.buffer.consume(end.saturating_sub(start));
        let count = self.places.len().saturating_sub(before);
        self.next = self.next.saturating_add(u64::try_from(count).unwrap_or(u64::MAX));
        count > 0
    }

    /// What comes next. Without `wait`, only what is there already.
    fn step(&mut self, wait: bool) -> Result<ReadStep, CaptureError> {
        while !self.done {
            match self.records.next(self.buffer.bytes()) {
                Ok(Next::Packet(found, total)) => return Ok(ReadStep::Packet(found, total)),
                Ok(Next::Block(total)) => return Ok(ReadStep::Block(total)),
                Ok(Next::Unread(fault, total)) => return Ok(ReadStep::Unread(fault, total)),
                Ok(Next::Need(_)) if !wait => return Ok(ReadStep::End),
                Ok(Next::Need(needed)) => {
                    if !self.fill(needed)? {
                        self.end();
                    }
                }
                Err(fault) => {
                    self.done |= wait;
                    return Err(self.fault(fault));
                }
            }
        }
        Ok(ReadStep::End)
    }

    /// Reads until so many bytes are there; false where the stream ends before.
    fn fill(&mut self, needed: usize) -> Result<bool, CaptureError> {
        self.buffer.fill(needed).map_err(|source| {
            self.done = true;
            read_error(&self.name, self.format.compression, &self.buffer, source)
        })
    }

    /// The error of the record that comes next.
    fn fault(&self, fault: RecordFault) -> CaptureError {
        let record = self.next.saturating_add(1);
        let offset = self.buffer.offset();
        CaptureError::Record { name: self.name.clone(), record, offset, fault }
    }

    /// Whether the block that comes next changes how packets are read.
    fn is_description(&self, total: usize) -> bool {
        let block = self.buffer.bytes().get(..total).unwrap_or_default();
        matches!(&self.records, FramedRecords::PcapNg(pcapng) if pcapng.is_description(block))
    }

    /// Goes past a block that is no packet.
    fn take_in(&mut self, total: usize) -> Result<(), CaptureError> {
        let block = self.buffer.bytes().get(..total).unwrap_or_default();
        if let FramedRecords::PcapNg(pcapng) = &mut self.records
            && let Err(fault) = pcapng.take_in(block)
        {
            self.done = true;
            return Err(self.fault(fault));
        }
        self.buffer.consume(total);
        Ok(())
    }

    /// Goes past a packet.
    fn pass(&mut self, found: &FoundPacket, total: usize) {
        if found.time.is_err() {
            self.warn_of_time(self.next);
        }
        if let FramedRecords::Pcap(pcap) = &mut self.records {
            pcap.passed(found);
        }
        self.buffer.consume(total);
        self.next = self.next.saturating_add(1);
    }

    /// Goes past a packet whose link type is not understood.
    fn pass_unread(&mut self, total: usize) {
        self.buffer.consume(total);
        self.next = self.next.saturating_add(1);
    }

    /// Notes how the stream ended, once.
    fn end(&mut self) {
        self.done = true;
        if let bytes_left @ 1.. = u64::try_from(self.buffer.available()).unwrap_or(u64::MAX) {
            let offset = self.buffer.offset();
            self.warnings.push(Warning::TruncatedTail { offset, bytes_left });
        }
        self.finish();
    }

    /// Notes what only the end of the stream can tell, once.
    fn finish(&mut self) {
        if self.buffer.was_cut() {
            let here = u64::try_from(self.buffer.available()).unwrap_or(u64::MAX);
            let unpacked = self.buffer.offset().saturating_add(here);
            self.warnings.push(Warning::CompressedStreamCut { unpacked });
        }
        let read = self.gauge.bytes_read();
        let is_plain = self.format.compression == Compression::None;
        if let Some(length) = self.total.filter(|length| is_plain && read < *length) {
            self.warnings.push(Warning::Shrunk { read, length });
        }
        if self.gauge.trailing_garbage() {
            self.warnings.push(Warning::TrailingGarbage);
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

/// Has a pipe hold more, so that both its ends are woken more seldom. The kernel may have a limit:
/// then it stays as it is.
fn widen(file: &File, metadata: &Metadata) {
    #[cfg(target_os = "linux")]
    if std::os::unix::fs::FileTypeExt::is_fifo(&metadata.file_type()) {
        let _ = rustix::pipe::fcntl_setpipe_size(file, PIPE);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (file, metadata);
}

/// An error of the input, or of the decompressor: that has no code of the system, and is of a
/// kind by which flate2 and zstd say that they were given nonsense.
fn read_error(
    name: &str,
    compression: Compression,
    buffer: &ReadBuffer,
    source: io::Error,
) -> CaptureError {
    let here = u64::try_from(buffer.available()).unwrap_or(u64::MAX);
    let offset = buffer.offset().saturating_add(here);
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
    buffer: &'a mut ReadBuffer,
}

impl Opening<'_> {
    /// Recognises the container and reads its header.
    fn run(&mut self) -> Result<(Container, FramedRecords), CaptureError> {
        let whole = self.fill(MAGIC_LEN)?;
        if self.buffer.available() == 0 && !self.buffer.was_cut() {
            return Err(CaptureError::Empty { name: self.name.to_owned() });
        }
        match container_of(self.buffer.bytes()) {
            Some(container @ Container::Pcap { order, resolution, patched }) => {
                if !self.fill(FILE_HEADER_LEN)? {
                    return Err(self.truncated("pcap file header", FILE_HEADER_LEN));
                }
                let bytes = self.buffer.bytes();
                let pcap = Pcap::open(self.name, bytes, order, resolution, patched)?;
                self.buffer.consume(FILE_HEADER_LEN);
                Ok((container, FramedRecords::Pcap(pcap)))
            }
            Some(Container::PcapNg { .. }) => {
                let (order, pcapng) = self.section()?;
                Ok((Container::PcapNg { order }, FramedRecords::PcapNg(pcapng)))
            }
            None if !whole => Err(self.truncated("file header", FILE_HEADER_LEN)),
            None => {
                self.fill(FOREIGN_LEN)?;
                Err(self.unknown())
            }
        }
    }

    /// Makes sure of the first section header, which stays to be read.
    fn section(&mut self) -> Result<(ByteOrder, PcapNg), CaptureError> {
        let failed = |name: &str, fault| {
            Err(CaptureError::Record { name: name.to_owned(), record: 1, offset: 0, fault })
        };
        loop {
            let pcapng = PcapNg::new();
            match pcapng.next(self.buffer.bytes()) {
                Ok(Next::Need(needed)) => {
                    if !self.fill(needed)? {
                        return Err(self.truncated("pcapng section header", SECTION_HEADER_LEN));
                    }
                }
                Ok(Next::Block(total)) => {
                    let block = self.buffer.bytes().get(..total).unwrap_or_default();
                    let mut first = PcapNg::new();
                    return match first.take_in(block) {
                        Ok(()) => Ok((first.order(), pcapng)),
                        Err(fault) => failed(self.name, fault),
                    };
                }
                // The magic number of a section header is no packet's.
                Ok(Next::Packet(..) | Next::Unread(..)) => return Err(self.unknown()),
                Err(fault) => return failed(self.name, fault),
            }
        }
    }

    fn fill(&mut self, need: usize) -> Result<bool, CaptureError> {
        self.buffer.fill(need).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> CaptureError {
        read_error(self.name, self.compression, self.buffer, source)
    }

    fn truncated(&self, what: &'static str, needed: usize) -> CaptureError {
        let have = self.buffer.available();
        CaptureError::TruncatedHeader { name: self.name.to_owned(), what, needed, have }
    }

    fn unknown(&self) -> CaptureError {
        let name = self.name.to_owned();
        let start = self.buffer.bytes();
        let start = start.get(..FOREIGN_LEN).unwrap_or(start);
        if let Some(known) = foreign(start) {
            return CaptureError::Foreign { name, format: known.name, mend: known.mend };
        }
        let hex: Vec<String> = start.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        CaptureError::Unknown { name, start: hex.join(" ") }
    }
}
