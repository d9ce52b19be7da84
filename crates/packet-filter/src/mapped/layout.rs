//! Where the records of a mapped capture are: what [`crate::capture::Reader`] says, for the
//! files that are as they should be. Whatever is not stops the walk, and the reader goes on.

use jiff::Timestamp;

use crate::capture::{
    ByteOrder, Comments, Interface, InterfaceRef, MAX_BLOCK_LEN, Record, u16_at, u32_at,
};
use crate::link::LinkType;

/// pcap's file and record headers, in bytes.
const FILE_HEADER: usize = 24;
const RECORD_HEADER: usize = 16;

/// pcapng's blocks.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 2;
const SIMPLE: u32 = 3;
const ENHANCED: u32 = 6;
/// In front of an enhanced packet's bytes: the block's head, and its own fields.
const ENHANCED_HEAD: usize = 28;
const OPTIONS_ROOM: u32 = 1 << 20;

/// How records lie in a file.
#[derive(Debug)]
pub(super) struct Layout {
    order: ByteOrder,
    max_len: u32,
    link: LinkType,
    kind: Kind,
    /// Where the first record is.
    pub(super) first: usize,
    /// The time of the first record, in whole seconds, to tell records from other bytes.
    about: u32,
}

#[derive(Debug)]
enum Kind {
    Pcap { unit: u32 },
    PcapNg { interfaces: Vec<Interface> },
}

/// A packet that was found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    /// Where its bytes begin.
    pub(super) data: usize,
    pub(super) captured: u32,
    pub(super) wire: u32,
    /// Nanoseconds since 1970.
    pub(super) time: i64,
    interface: u32,
    /// Where the next record begins.
    pub(super) end: usize,
}

/// What is at a place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    Packet(Found),
    /// Something else; the next record begins there.
    Other(usize),
    /// The file's end, exactly.
    End,
    /// Something that only the reader can tell.
    Stop,
}

impl Layout {
    /// Reads the head of a file; `None` where the reader has to read it.
    pub(super) fn of(bytes: &[u8], max_len: u32) -> Option<Self> {
        match bytes.first_chunk::<4>()? {
            [0xd4, 0xc3, 0xb2, 0xa1] => Self::pcap(bytes, ByteOrder::Little, 1_000_000, max_len),
            [0xa1, 0xb2, 0xc3, 0xd4] => Self::pcap(bytes, ByteOrder::Big, 1_000_000, max_len),
            [0x4d, 0x3c, 0xb2, 0xa1] => {
                Self::pcap(bytes, ByteOrder::Little, 1_000_000_000, max_len)
            }
            [0xa1, 0xb2, 0x3c, 0x4d] => Self::pcap(bytes, ByteOrder::Big, 1_000_000_000, max_len),
            [0x0a, 0x0d, 0x0d, 0x0a] => Self::pcapng(bytes, max_len),
            _ => None,
        }
    }

    fn pcap(bytes: &[u8], order: ByteOrder, unit: u32, max_len: u32) -> Option<Self> {
        let version = (u16_at(bytes, 4, order)?, u16_at(bytes, 6, order)?);
        let word = u32_at(bytes, 20, order)?;
        if version != (2, 4) || word & 0x03ff_0000 != 0 {
            return None;
        }
        let link = LinkType::from_disk(word & 0xffff).ok()?;
        let about = u32_at(bytes, FILE_HEADER, order).unwrap_or_default();
        Some(Self { order, max_len, link, kind: Kind::Pcap { unit }, first: FILE_HEADER, about })
    }

    /// A pcapng file of one section whose interfaces are all described in front of the packets
    /// and are of one link type.
    fn pcapng(bytes: &[u8], max_len: u32) -> Option<Self> {
        let order = match u32_at(bytes, 8, ByteOrder::Big)? {
            0x1a2b_3c4d => ByteOrder::Big,
            0x4d3c_2b1a => ByteOrder::Little,
            _ => return None,
        };
        let version = (u16_at(bytes, 12, order)?, u16_at(bytes, 14, order)?);
        if !matches!(version, (1, 0 | 2)) || u32_at(bytes, 4, order)? < 28 {
            return None;
        }
        let mut interfaces: Vec<Interface> = Vec::new();
        let mut at = block_end(bytes, 0, order, MAX_BLOCK_LEN)?;
        loop {
            match u32_at(bytes, at, order)? {
                INTERFACE => {
                    let end = block_end(bytes, at, order, max_len.saturating_add(OPTIONS_ROOM))?;
                    if end.checked_sub(at)? < 20 || interfaces.len() > 1000 {
                        return None;
                    }
                    let body = bytes.get(at.checked_add(8)?..end.checked_sub(4)?)?;
                    interfaces.push(Interface::parse(body, order).ok()?);
                    at = end;
                }
                SECTION | PACKET | SIMPLE => return None,
                ENHANCED => break,
                _ => at = block_end(bytes, at, order, MAX_BLOCK_LEN)?,
            }
        }
        let link = interfaces.first()?.link.ok()?;
        let alike = interfaces.iter().all(|interface| interface.link == Ok(link));
        let kind = Kind::PcapNg { interfaces };
        alike.then_some(Self { order, max_len, link, kind, first: at, about: 0 })
    }

    /// The link type of every packet.
    pub(super) const fn link(&self) -> LinkType {
        self.link
    }

    /// How far in front of its bytes a record begins.
    pub(super) const fn head(&self) -> usize {
        match self.kind {
            Kind::Pcap { .. } => RECORD_HEADER,
            Kind::PcapNg { .. } => ENHANCED_HEAD,
        }
    }

    /// What is at a place.
    #[inline(always)]
    pub(super) fn step(&self, bytes: &[u8], at: usize) -> Step {
        match &self.kind {
            Kind::Pcap { unit } => self.pcap_step(bytes, at, *unit),
            Kind::PcapNg { interfaces } => {
                self.pcapng_step(bytes, at, interfaces).unwrap_or(Step::Stop)
            }
        }
    }

    #[inline(always)]
    fn pcap_step(&self, bytes: &[u8], at: usize, unit: u32) -> Step {
        let Some(rest) = bytes.get(at..) else { return Step::Stop };
        let Some(header) = rest.first_chunk::<RECORD_HEADER>() else {
            return if rest.is_empty() { Step::End } else { Step::Stop };
        };
        let [seconds, fraction, captured, original] = self.words(header);
        let hole = (seconds | fraction | captured | original) == 0;
        let data = at.wrapping_add(RECORD_HEADER);
        let end = data.wrapping_add(captured as usize);
        if hole || captured > self.max_len || end > bytes.len() {
            return Step::Stop;
        }
        // At most 2^32 seconds and as many parts: far below 2^63 nanoseconds.
        let nanos_each = if unit == 1_000_000 { 1000 } else { 1 };
        let time = i64::from(seconds)
            .wrapping_mul(1_000_000_000)
            .wrapping_add(i64::from(fraction).wrapping_mul(nanos_each));
        let wire = original.max(captured);
        Step::Packet(Found { data, captured, wire, time, interface: 0, end })
    }

    fn pcapng_step(&self, bytes: &[u8], at: usize, interfaces: &[Interface]) -> Option<Step> {
        if at == bytes.len() {
            return Some(Step::End);
        }
        let word = |from: usize| u32_at(bytes, at.checked_add(from)?, self.order);
        match word(0)? {
            ENHANCED => {}
            SECTION | INTERFACE | PACKET | SIMPLE => return None,
            _ => return Some(Step::Other(block_end(bytes, at, self.order, MAX_BLOCK_LEN)?)),
        }
        let end = block_end(bytes, at, self.order, self.max_len.saturating_add(OPTIONS_ROOM))?;
        let room = end.checked_sub(at)?.checked_sub(ENHANCED_HEAD.checked_add(4)?)?;
        let interface = word(8)?;
        let (captured, original) = (word(20)?, word(24)?);
        if captured > self.max_len || captured as usize > room {
            return None;
        }
        let raw = (u64::from(word(12)?) << 32) | u64::from(word(16)?);
        let time = interfaces.get(interface as usize)?.time(raw).ok()?;
        let time = i64::try_from(time.as_nanosecond()).ok()?;
        let (data, wire) = (at.checked_add(ENHANCED_HEAD)?, original.max(captured));
        Some(Step::Packet(Found { data, captured, wire, time, interface, end }))
    }

    /// The record of a packet that was found.
    pub(super) fn record<'a>(
        &'a self,
        bytes: &'a [u8],
        found: &Found,
        index: u64,
    ) -> Option<Record<'a>> {
        let stop = found.data.checked_add(found.captured as usize)?;
        let (interface, comments) = match &self.kind {
            Kind::Pcap { .. } => (None, Comments::NONE),
            Kind::PcapNg { interfaces } => {
                let known = interfaces.get(found.interface as usize)?;
                let options = stop.next_multiple_of(4);
                let options = bytes.get(options..found.end.checked_sub(4)?).unwrap_or_default();
                let interface = InterfaceRef {
                    id: found.interface,
                    section: 0,
                    name: known.name.as_deref(),
                    description: known.description.as_deref(),
                    snaplen: known.snaplen,
                };
                (Some(interface), Comments::new(options, self.order))
            }
        };
        Some(Record {
            index,
            timestamp: Timestamp::from_nanosecond(i128::from(found.time)).ok(),
            link: self.link,
            interface,
            wire_len: found.wire,
            data: bytes.get(found.data..stop)?,
            offset: u64::try_from(found.data.checked_sub(self.head())?).ok()?,
            comments,
        })
    }

    /// The first place from `from` on, below `until`, that looks like the beginning of a record.
    /// It may be wrong: a packet may hold another capture.
    pub(super) fn guess(&self, bytes: &[u8], from: usize, until: usize) -> Option<usize> {
        let until = until.min(bytes.len());
        match self.kind {
            Kind::Pcap { unit } => {
                (from..until).find(|at| self.looks_like_records(bytes, *at, unit))
            }
            Kind::PcapNg { .. } => (from.next_multiple_of(4)..until).step_by(4).find(|at| {
                let Step::Packet(found) = self.step(bytes, *at) else { return false };
                !matches!(self.step(bytes, found.end), Step::Stop)
            }),
        }
    }

    fn looks_like_records(&self, bytes: &[u8], at: usize, unit: u32) -> bool {
        const NEXT: usize = 3;
        /// About four years.
        const NEAR: u32 = 1 << 27;
        let mut at = at;
        for _ in 0..NEXT {
            let header = bytes.get(at..).and_then(<[u8]>::first_chunk::<RECORD_HEADER>);
            let Some([seconds, fraction, captured, original]) = header.map(|h| self.words(h))
            else {
                return at == bytes.len();
            };
            let fits = seconds.abs_diff(self.about) < NEAR
                && fraction < unit
                && captured <= original
                && captured > 0
                && captured <= self.max_len;
            if !fits {
                return false;
            }
            at = at.wrapping_add(RECORD_HEADER).wrapping_add(captured as usize);
        }
        at <= bytes.len()
    }

    #[inline(always)]
    fn words(&self, header: &[u8; RECORD_HEADER]) -> [u32; 4] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *header;
        let words = [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]];
        match self.order {
            ByteOrder::Little => words.map(u32::from_le_bytes),
            ByteOrder::Big => words.map(u32::from_be_bytes),
        }
    }
}

/// Where a block ends, if its length is a possible one, it is there as a whole, and the length
/// behind it is the same.
fn block_end(bytes: &[u8], at: usize, order: ByteOrder, limit: u32) -> Option<usize> {
    let len = u32_at(bytes, at.checked_add(4)?, order)?;
    let end = at.checked_add(len as usize)?;
    let tail = u32_at(bytes, end.checked_sub(4)?, order)?;
    let possible = len >= 12 && len.is_multiple_of(4) && len <= limit;
    (possible && tail == len && end <= bytes.len()).then_some(end)
}
