//! Captures written: pcapng with comments.

use core::time::Duration;
use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};

use jiff::Timestamp;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::blocks::section_header::{SectionHeaderBlock, SectionHeaderOption};
use pcap_file::pcapng::{PcapNgWriteError, PcapNgWriter};
use pcap_file::{DataLink, Endianness};

use crate::capture::read::MAX_RECORD_LEN;
use crate::capture::read::pcapng::ENHANCED_PACKET;
use crate::link::LinkType;

/// The longest text of an option, in bytes: its length is a 16-bit number.
const OPTION_LEN: usize = 65_535;

/// The most interfaces that a written capture may describe.
const MAX_INTERFACES: usize = 65_536;

/// Why a capture could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The output failed.
    #[error("writing the capture failed: {0}")]
    Io(#[source] io::Error),
    /// The packet names an interface that was not added.
    #[error("no interface {0} in the capture that is written: add it first")]
    NoSuchInterface(u32),
    /// More interfaces than a capture may describe.
    #[error("the capture that is written would describe more than {MAX_INTERFACES} interfaces")]
    TooManyInterfaces,
    /// A packet that no reader would take.
    #[error("packet of {len} bytes is over the limit of {MAX_RECORD_LEN}")]
    PacketTooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// The format does not allow what was asked for.
    #[error("the capture format does not allow it: {0}")]
    Format(String),
}

impl WriteError {
    /// Whether the reader at the other end of a pipe has gone, which is no failure of ours.
    #[must_use]
    pub fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Io(e) if e.kind() == ErrorKind::BrokenPipe)
    }
}

impl From<PcapNgWriteError> for WriteError {
    fn from(error: PcapNgWriteError) -> Self {
        match error {
            PcapNgWriteError::Io(e) => Self::Io(e),
            PcapNgWriteError::Validation { field, source } => {
                Self::Format(format!("`{field}`: {source}"))
            }
            other => Self::Format(other.to_string()),
        }
    }
}

/// An interface to be described in a written capture.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NewInterface<'a> {
    /// The link type of all its packets.
    pub link: LinkType,
    /// `if_name`.
    pub name: Option<Cow<'a, str>>,
    /// `if_description`.
    pub description: Option<Cow<'a, str>>,
    /// The most bytes that were captured of a packet; 0 for no limit.
    pub snaplen: u32,
}

impl NewInterface<'_> {
    /// An interface without a name and without a limit.
    #[must_use]
    pub fn unnamed(link: LinkType) -> Self {
        Self { link, name: None, description: None, snaplen: 0 }
    }
}

/// An interface that was added to a written capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InterfaceId(u32);

/// A packet to be written.
#[derive(Debug, Clone, Copy)]
pub struct WrittenPacket<'a> {
    /// When it was captured. Without a time, or with one outside of 1970 to 2554, it is
    /// written as of the beginning of 1970; in the second case a comment tells the time.
    pub timestamp: Option<Timestamp>,
    /// Its length on the wire; counts as the length of `data` where it is less.
    pub wire_len: u32,
    /// The bytes that were captured.
    pub data: &'a [u8],
}

/// Writes pcapng: one section, little endian, time stamps in nanoseconds. The output is written to
/// in small pieces: it should be buffered.
///
/// The bytes depend on nothing but what is written: the same calls make the same file.
pub struct PcapngWriter<W: Write> {
    inner: PcapNgWriter<W>,
}

impl<W: Write> PcapngWriter<W> {
    /// Begins a capture, with a comment for the whole of it.
    ///
    /// # Errors
    /// Where the output fails.
    pub fn new(output: W, comment: Option<&str>) -> Result<Self, WriteError> {
        let comment = comment.map(|text| CommonOption::Comment(fitting(text).into()));
        let options = comment
            .map(SectionHeaderOption::Common)
            .into_iter()
            .chain([SectionHeaderOption::UserApplication("egress25".into())]);
        let section = SectionHeaderBlock {
            endianness: Endianness::Little,
            major_version: 1,
            minor_version: 0,
            section_length: -1,
            options: options.collect(),
        };
        Ok(Self { inner: PcapNgWriter::with_section_header(output, section)? })
    }

    /// Describes an interface, whether or not one like it is already there.
    ///
    /// # Errors
    /// Where the output fails, or at the 65,537th interface.
    pub fn add_interface(
        &mut self,
        interface: &NewInterface<'_>,
    ) -> Result<InterfaceId, WriteError> {
        use InterfaceDescriptionOption::{IfDescription, IfName, IfTsResol};
        let count = self.inner.interfaces().len();
        if count >= MAX_INTERFACES {
            return Err(WriteError::TooManyInterfaces);
        }
        let mut options = Vec::new();
        if let Some(name) = &interface.name {
            options.push(IfName(fitting(name).into()));
        }
        if let Some(description) = &interface.description {
            options.push(IfDescription(fitting(description).into()));
        }
        options.push(IfTsResol(InterfaceTsResolution::NANO));
        self.inner.write_pcapng_block(InterfaceDescriptionBlock {
            linktype: DataLink::from(u32::from(interface.link.to_disk())),
            snaplen: interface.snaplen,
            options,
        })?;
        Ok(InterfaceId(u32::try_from(count).map_err(|_| WriteError::TooManyInterfaces)?))
    }

    /// Writes a packet with its comments. A comment over 65,535 bytes is cut.
    ///
    /// # Errors
    /// Where the output fails, the interface is not of this capture, or the packet is
    /// longer than [`MAX_RECORD_LEN`].
    pub fn write_packet(
        &mut self,
        interface: InterfaceId,
        packet: &WrittenPacket<'_>,
        comments: &[&str],
    ) -> Result<(), WriteError> {
        let InterfaceId(interface_id) = interface;
        let known = usize::try_from(interface_id).ok();
        if known.and_then(|at| self.inner.interfaces().get(at)).is_none() {
            return Err(WriteError::NoSuchInterface(interface_id));
        }
        let len = data_len(packet.data)?;
        let (timestamp, misfit) = match packet.timestamp {
            None => (Duration::ZERO, None),
            Some(time) => match nanoseconds(time) {
                Some(nanos) => (Duration::from_nanos(nanos), None),
                None => (Duration::ZERO, Some(format!("time {time} does not fit into the file"))),
            },
        };
        let original_len = packet.wire_len.max(len);
        if comments.is_empty() && misfit.is_none() {
            let nanos = timestamp.as_nanos();
            return self.write_plain(interface_id, nanos, original_len, packet.data);
        }
        let comment = |text| EnhancedPacketOption::Common(CommonOption::Comment(text));
        let mut options: Vec<_> = comments.iter().map(|c| comment(fitting(c).into())).collect();
        options.extend(misfit.map(|text| comment(text.into())));
        self.inner.write_pcapng_block(EnhancedPacketBlock {
            interface_id,
            timestamp,
            original_len,
            data: packet.data.into(),
            options,
        })?;
        Ok(())
    }

    /// Writes an enhanced packet block without options (draft-ietf-opsawg-pcapng, 4.3) piece
    /// by piece: most packets of a split capture are such.
    fn write_plain(
        &mut self,
        interface: u32,
        nanos: u128,
        original: u32,
        data: &[u8],
    ) -> Result<(), WriteError> {
        const AROUND: usize = 32;
        let padding = data.len().next_multiple_of(4).saturating_sub(data.len());
        let too_long = |_| WriteError::PacketTooLong { len: data.len() };
        let total = data.len().saturating_add(padding).saturating_add(AROUND);
        let total = u32::try_from(total).map_err(too_long)?;
        let captured = u32::try_from(data.len()).map_err(too_long)?;
        // 64 bits of nanoseconds, as `nanoseconds` has made sure, the upper half first.
        let half = |bits: u128| u32::try_from(bits & u128::from(u32::MAX)).unwrap_or(u32::MAX);
        let words =
            [ENHANCED_PACKET, total, interface, half(nanos >> 32), half(nanos), captured, original];
        let mut head = [0; 28];
        for (place, word) in head.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *place = word.to_le_bytes();
        }
        let output = self.inner.get_mut();
        let tail = [0, 0, 0];
        let written = output
            .write_all(&head)
            .and_then(|()| output.write_all(data))
            .and_then(|()| output.write_all(tail.get(..padding).unwrap_or_default()))
            .and_then(|()| output.write_all(&total.to_le_bytes()));
        written.map_err(WriteError::Io)
    }

    /// Has the output hand on what it buffers.
    ///
    /// # Errors
    /// Where the output fails.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        self.inner.get_mut().flush().map_err(WriteError::Io)
    }

    /// Ends the capture and gives the output back.
    ///
    /// # Errors
    /// Where the output fails: then the capture is not whole.
    pub fn finish(self) -> Result<W, WriteError> {
        let mut output = self.inner.into_inner();
        output.flush().map_err(WriteError::Io)?;
        Ok(output)
    }
}

/// The length of a packet's bytes, where a reader would take it.
fn data_len(data: &[u8]) -> Result<u32, WriteError> {
    let len = u32::try_from(data.len()).ok().filter(|&len| len <= MAX_RECORD_LEN);
    len.ok_or(WriteError::PacketTooLong { len: data.len() })
}

/// Nanoseconds since 1970, where 64 bits hold them: until the year 2554.
fn nanoseconds(time: Timestamp) -> Option<u64> {
    u64::try_from(time.as_nanosecond()).ok()
}

/// As much of a text as fits into an option.
pub(super) fn fitting(text: &str) -> &str {
    let end = text.floor_char_boundary(OPTION_LEN);
    text.get(..end).unwrap_or_default()
}
