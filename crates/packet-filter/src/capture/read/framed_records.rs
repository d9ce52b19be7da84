//! The records of either container, and a packet as it is handed out.

use jiff::Timestamp;

use crate::capture::read::bytes::ByteOrder;
use crate::capture::read::error::RecordFault;
use crate::capture::read::next::{FoundPacket, Next};
use crate::capture::read::pcap::Pcap;
use crate::capture::read::pcapng::PcapNg;
use crate::capture::read::places::Places;
use crate::capture::read::read_buffer::ReadBuffer;
use crate::capture::read::record::{Block, Comments, InterfaceRef, Record};
pub(super) enum FramedRecords {
    Pcap(Pcap),
    PcapNg(PcapNg),
}

impl FramedRecords {
    /// What lies at the beginning of some bytes.
    pub(super) fn next(&self, bytes: &[u8]) -> Result<Next, RecordFault> {
        match self {
            Self::Pcap(pcap) => pcap.next(bytes),
            Self::PcapNg(pcapng) => pcapng.next(bytes),
        }
    }

    /// Frames packets one after the other as long as nothing unusual comes: in `bytes`, from a
    /// place on. The place where that ended.
    pub(super) fn walk(&self, bytes: &[u8], start: usize, places: &mut Places) -> usize {
        match self {
            Self::Pcap(pcap) => pcap.walk(bytes, start, places),
            Self::PcapNg(pcapng) => pcapng.walk(bytes, start, places),
        }
    }

    /// The name of an interface of the section that is being read.
    pub(super) fn interface_name(&self, interface: u32) -> Option<&str> {
        match self {
            Self::Pcap(_) => None,
            Self::PcapNg(pcapng) => pcapng.interfaces().get(interface as usize)?.name.as_deref(),
        }
    }

    /// The byte order of a pcapng section's numbers.
    pub(super) const fn order(&self) -> ByteOrder {
        match self {
            Self::Pcap(_) => ByteOrder::Little,
            Self::PcapNg(pcapng) => pcapng.order(),
        }
    }
}

/// A packet as it is handed out, from where its record lies in the buffer's buffer.
pub(super) fn record<'a>(
    records: &'a FramedRecords,
    buffer: &'a ReadBuffer,
    found: &FoundPacket,
    (start, total): (usize, usize),
    index: u64,
) -> Record<'a> {
    let bytes = buffer.buffer().get(start..start.saturating_add(total)).unwrap_or_default();
    let data = found.data..found.data.saturating_add(found.captured as usize);
    let (interface, comments, block) = match (records, found.interface) {
        (FramedRecords::PcapNg(pcapng), Some(at)) => {
            let options = bytes.get(found.options.clone()).unwrap_or_default();
            let comments = Comments::new(options, pcapng.order());
            let block = Block { bytes, order: pcapng.order() };
            (interface_ref(pcapng, at), comments, Some(block))
        }
        _ => (None, Comments::NONE, None),
    };
    let nanos = found.time.ok().flatten();
    Record {
        index,
        timestamp: nanos.and_then(|nanos| Timestamp::from_nanosecond(nanos).ok()),
        link: found.link,
        interface,
        wire_len: found.wire_len,
        data: bytes.get(data).unwrap_or_default(),
        offset: buffer.offset_of(start),
        comments,
        block,
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
