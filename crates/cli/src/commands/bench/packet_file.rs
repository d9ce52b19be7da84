//! The capture file that the pipeline reads: the packets in memory, written often enough.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use egress25_packet_filter::capture::{NewInterface, PcapngWriter, WriteError, WrittenPacket};
use egress25_packet_filter::frame::Frame;
use egress25_packet_filter::link::LinkType;
use jiff::Timestamp;

use crate::commands::bench::packets::Packets;
use crate::say::failure::Failure;
use crate::written::Draft;

/// When the first packet is sent, in seconds since 1970: 2020-12-08T12:00:00Z. Each that follows is
/// sent a microsecond later.
const FIRST_SECOND: u32 = 1_607_428_800;

/// A capture file in a folder of its own, which goes away with it. It never gets a name besides.
pub(super) struct PacketFile {
    draft: Draft,
    packets: u64,
    bytes: u64,
}

impl PacketFile {
    /// Writes packets over and over until the file has at least so many bytes: pcap where all are
    /// of one link type and no interface has a name, otherwise pcapng.
    pub(super) fn write(packets: &Packets, least: u64) -> Result<Self, Failure> {
        let failed = |name: &Path| {
            let name = name.display().to_string();
            move |source| Failure::Write { name, source }
        };
        let name = if packets.is_plain() { "packets.pcap" } else { "packets.pcapng" };
        let draft = Draft::beside(&std::env::temp_dir().join(name))?;
        let path = draft.path();
        let each = packets.bytes().saturating_add(record_headers(packets));
        let times = least.div_ceil(each.max(1)).max(1);
        let written = if packets.is_plain() {
            write_pcap(packets, times, path)
        } else {
            write_pcapng(packets, times, path)
        };
        written.map_err(failed(path))?;
        let bytes = std::fs::metadata(path).map_err(failed(path))?.len();
        let count = u64::try_from(packets.len()).unwrap_or(u64::MAX).saturating_mul(times);
        Ok(Self { draft, packets: count, bytes })
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        self.draft.path()
    }

    /// How many packets it has.
    pub(super) const fn packets(&self) -> u64 {
        self.packets
    }

    /// How many bytes it has.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// How many bytes pcap's record headers take.
fn record_headers(packets: &Packets) -> u64 {
    u64::try_from(packets.len()).unwrap_or(u64::MAX).saturating_mul(16)
}

/// All packets so many times over, numbered.
fn repeated(packets: &Packets, times: u64) -> impl Iterator<Item = (u64, Option<&str>, Frame<'_>)> {
    let once = move |_| {
        packets.batches().flat_map(|frames| {
            let interface = frames.interface;
            frames.iter().map(move |frame| (interface, frame))
        })
    };
    (0..times).flat_map(once).zip(0..).map(|((interface, frame), at)| (at, interface, frame))
}

/// Little endian, with microseconds (draft-ietf-opsawg-pcap).
fn write_pcap(packets: &Packets, times: u64, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let link = packets.batches().next().map_or(LinkType::Ethernet, |frames| frames.link);
    file.write_all(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0])?;
    file.write_all(&[0; 8])?;
    file.write_all(&262_144_u32.to_le_bytes())?;
    file.write_all(&u32::from(link.to_disk()).to_le_bytes())?;
    for (at, _, frame) in repeated(packets, times) {
        let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let second = FIRST_SECOND.saturating_add(number(at / 1_000_000));
        let captured = number(u64::try_from(frame.bytes.len()).unwrap_or(u64::MAX));
        for word in [second, number(at % 1_000_000), captured, frame.wire_len] {
            file.write_all(&word.to_le_bytes())?;
        }
        file.write_all(frame.bytes)?;
    }
    file.flush()
}

fn write_pcapng(packets: &Packets, times: u64, path: &Path) -> io::Result<()> {
    let failed = |error: WriteError| match error {
        WriteError::Io(error) => error,
        other => io::Error::other(other),
    };
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path)?);
    let mut writer = PcapngWriter::new(&mut file, None).map_err(failed)?;
    let mut interfaces = HashMap::new();
    for (at, name, frame) in repeated(packets, times) {
        let interface = match interfaces.get(&(frame.link, name)) {
            Some(known) => *known,
            None => {
                let mut new = NewInterface::unnamed(frame.link);
                new.name = name.map(Into::into);
                let added = writer.add_interface(&new).map_err(failed)?;
                interfaces.insert((frame.link, name), added);
                added
            }
        };
        let micros = u64::from(FIRST_SECOND).saturating_mul(1_000_000).saturating_add(at);
        let timestamp = i64::try_from(micros).ok();
        let timestamp = timestamp.and_then(|micros| Timestamp::from_microsecond(micros).ok());
        let packet = WrittenPacket { timestamp, wire_len: frame.wire_len, data: frame.bytes };
        writer.write_packet(interface, &packet, &[]).map_err(failed)?;
    }
    drop(writer);
    file.flush()
}
