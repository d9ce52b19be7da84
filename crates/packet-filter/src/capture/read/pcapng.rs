//! pcapng blocks (draft-ietf-opsawg-pcapng).

use crate::capture::read::bytes::{ByteOrder, u16_at, u32_at};
use crate::capture::read::error::RecordFault;
use crate::capture::read::format::{Container, container_of};
use crate::capture::read::interface::CaptureInterface;
use crate::capture::read::next::{FoundPacket, MAX_RECORD_LEN, Next};
use crate::capture::read::option_list::{EPB_FLAGS, OptionList};
use crate::capture::read::places::{PacketKind, Places};
use crate::frame::Direction;
use crate::link::LinkType;

pub(in crate::capture) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
/// Obsolete, but in old files.
pub(in crate::capture) const PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
pub(in crate::capture) const ENHANCED_PACKET: u32 = 6;

/// Type and total length in front of a block's body, and the total length again behind it.
pub(in crate::capture) const BLOCK_HEAD: usize = 8;
pub(in crate::capture) const BLOCK_TAIL: usize = 4;
/// A section header's least length: the byte order is known only with its first 12 bytes.
pub(in crate::capture) const SECTION_HEADER_LEN: usize = 28;

/// The bytes in front of the captured ones in (enhanced) packet blocks and simple ones.
pub(in crate::capture) const PACKET_HEAD: usize = 20;
const SIMPLE_HEAD: usize = 4;

/// What an enhanced packet block has besides the packet and its options, in bytes.
const HEAD_AND_TAIL: u32 = 32;

/// Times below this, in nanoseconds since 1970, can be held by every kind of time: the year 2262.
const MAX_TIME: u64 = 1 << 63;

/// The longest pcapng block that is passed over, in bytes; the limit of Wireshark.
const MAX_BLOCK_LEN: u32 = 16 * 1024 * 1024;

/// What a packet block may hold besides the packet: its options, in bytes.
const OPTIONS_ROOM: u32 = 1 << 20;

/// The most interfaces that a section may describe. It bounds what is kept of a section.
const MAX_INTERFACES: usize = 65_536;

/// The section that is being read.
pub(super) struct PcapNg {
    order: ByteOrder,
    /// `None` before the first section header.
    section: Option<u32>,
    interfaces: Vec<CaptureInterface>,
}

impl PcapNg {
    /// Before the first section header, which has to be the first block.
    pub(super) fn new() -> Self {
        Self { order: ByteOrder::Little, section: None, interfaces: Vec::new() }
    }

    /// The byte order of the section that is being read.
    pub(super) const fn order(&self) -> ByteOrder {
        self.order
    }

    /// The number of the section that is being read, from 0 on.
    pub(super) fn section(&self) -> u32 {
        self.section.unwrap_or_default()
    }

    /// The interfaces that the section has described so far.
    pub(super) fn interfaces(&self) -> &[CaptureInterface] {
        &self.interfaces
    }

    /// What lies at the beginning of some bytes.
    pub(super) fn next(&self, bytes: &[u8]) -> Result<Next, RecordFault> {
        if bytes.len() < BLOCK_HEAD {
            return Ok(Next::Need(BLOCK_HEAD));
        }
        let mut order = self.order;
        let kind = u32_at(bytes, 0, order).unwrap_or_default();
        if kind == SECTION_HEADER {
            // Only its body says in which byte order its length is.
            if bytes.len() < BLOCK_HEAD.saturating_add(4) {
                return Ok(Next::Need(BLOCK_HEAD.saturating_add(4)));
            }
            order = section_order(bytes)?;
        }
        let len = u32_at(bytes, 4, order).unwrap_or_default();
        let total = checked_len(kind, len)?;
        let Some(block) = bytes.get(..total) else { return Ok(Next::Need(total)) };
        let tail = u32_at(block, total.saturating_sub(BLOCK_TAIL), order).unwrap_or_default();
        if tail != len {
            return Err(RecordFault::LengthMismatch { kind, head: len, tail });
        }
        let found = match kind {
            PACKET | ENHANCED_PACKET => self.packet(body(block), kind),
            SIMPLE_PACKET => self.simple(body(block)),
            _ => return Ok(Next::Block(total)),
        };
        match found {
            Ok(found) => Ok(Next::Packet(found, total)),
            // The block is whole: what follows can be read.
            Err(fault @ RecordFault::Link { .. }) => Ok(Next::Unread(fault, total)),
            Err(fault) => Err(fault),
        }
    }

    /// Frames packets one after the other, as [`Self::next`] would: those of enhanced packet
    /// blocks whose interface is understood and has times of a usual kind.
    pub(super) fn walk(&self, bytes: &[u8], start: usize, places: &mut Places) -> usize {
        const HEAD: usize = BLOCK_HEAD + PACKET_HEAD;
        let mut at = start;
        if bytes.len() > u32::MAX as usize {
            return at;
        }
        let (mut earliest, mut latest) = (u64::MAX, 0);
        // The interface of the packet before, and what its times are to be multiplied by.
        let mut known: Option<(u32, u64)> = None;
        while let Some(words) = bytes.get(at..).and_then(<[u8]>::first_chunk::<HEAD>) {
            let word = |place| u32_at(words, place, self.order).unwrap_or_default();
            let (kind, len, id) = (word(0), word(4), word(8));
            let (captured, original) = (word(20), word(24));
            if kind != ENHANCED_PACKET
                || checked_len(kind, len).is_err()
                || captured > MAX_RECORD_LEN
                || captured > len.saturating_sub(HEAD_AND_TAIL)
            {
                break;
            }
            let tail = at.wrapping_add(len as usize).wrapping_sub(BLOCK_TAIL);
            if u32_at(bytes, tail, self.order) != Some(len) {
                break;
            }
            let unit = match known {
                Some((before, unit)) if before == id => unit,
                _ => {
                    let Ok((interface, link, _)) = self.interface(id) else { break };
                    let Some(unit) = interface.whole_nanos() else { break };
                    let head = HEAD_AND_TAIL - 4;
                    if !places.fits(PacketKind { link, head, interface: Some(id) }) {
                        break;
                    }
                    known = Some((id, unit));
                    unit
                }
            };
            let raw = (u64::from(word(12)) << 32) | u64::from(word(16));
            let Some(time) = raw.checked_mul(unit).filter(|time| *time < MAX_TIME) else { break };
            if places.is_full() {
                break;
            }
            (earliest, latest) = (earliest.min(time), latest.max(time));
            #[expect(clippy::cast_possible_truncation, reason = "no place is larger, as was seen")]
            let data = at.wrapping_add(HEAD) as u32;
            places.push(data, captured, original.max(captured), Some(id));
            at = tail.wrapping_add(BLOCK_TAIL);
        }
        if at > start {
            places.between(i128::from(earliest), i128::from(latest));
        }
        at
    }

    /// Whether a block changes how the packets behind it are read.
    pub(super) fn is_description(&self, block: &[u8]) -> bool {
        let kind = u32_at(block, 0, self.order).unwrap_or_default();
        matches!(kind, SECTION_HEADER | INTERFACE_DESCRIPTION)
    }

    /// Takes in what a block that is no packet says.
    pub(super) fn take_in(&mut self, block: &[u8]) -> Result<(), RecordFault> {
        match u32_at(block, 0, self.order).unwrap_or_default() {
            SECTION_HEADER => {
                self.order = section_order(block)?;
                self.open_section(body(block))?;
            }
            INTERFACE_DESCRIPTION => {
                if self.interfaces.len() >= MAX_INTERFACES {
                    return Err(RecordFault::TooManyInterfaces(MAX_INTERFACES));
                }
                self.interfaces.push(CaptureInterface::parse(body(block), self.order)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn open_section(&mut self, body: &[u8]) -> Result<(), RecordFault> {
        let major = u16_at(body, 4, self.order).unwrap_or_default();
        let minor = u16_at(body, 6, self.order).unwrap_or_default();
        // 1.2 was written by some tools and means the same.
        if !matches!((major, minor), (1, 0 | 2)) {
            return Err(RecordFault::SectionVersion { major, minor });
        }
        self.section = Some(self.section.map_or(0, |number| number.saturating_add(1)));
        self.interfaces.clear();
        Ok(())
    }

    /// An enhanced packet block, or an obsolete packet block, which differ in the first word.
    fn packet(&self, body: &[u8], kind: u32) -> Result<FoundPacket, RecordFault> {
        let word = |at| u32_at(body, at, self.order).unwrap_or_default();
        let id = match kind {
            PACKET => u32::from(u16_at(body, 0, self.order).unwrap_or_default()),
            _ => word(0),
        };
        let (interface, link, at) = self.interface(id)?;
        let (high, low, captured, original) = (word(4), word(8), word(12), word(16));
        let room = body.len().saturating_sub(PACKET_HEAD);
        let len = captured_len(captured, room)?;
        let start = BLOCK_HEAD.saturating_add(PACKET_HEAD);
        let end = start.saturating_add(room);
        let options = start.saturating_add(len.next_multiple_of(4)).min(end);
        let raw = (u64::from(high) << 32) | u64::from(low);
        Ok(FoundPacket {
            time: interface.time(raw).map(Some),
            link,
            interface: Some(at),
            wire_len: original.max(captured),
            data: start,
            captured,
            options: options..end,
        })
    }

    /// A simple packet block: of the section's first interface, without a time, and with as
    /// many bytes as that interface's snapshot length allows.
    fn simple(&self, body: &[u8]) -> Result<FoundPacket, RecordFault> {
        let (interface, link, at) = self.interface(0)?;
        let original = u32_at(body, 0, self.order).unwrap_or_default();
        let captured = match interface.snaplen {
            0 => original,
            snaplen => original.min(snaplen),
        };
        let room = body.len().saturating_sub(SIMPLE_HEAD);
        captured_len(captured, room)?;
        Ok(FoundPacket {
            time: Ok(None),
            link,
            interface: Some(at),
            wire_len: original,
            data: BLOCK_HEAD.saturating_add(SIMPLE_HEAD),
            captured,
            options: 0..0,
        })
    }

    /// The interface of a packet, its link type and its place in the section.
    fn interface(&self, id: u32) -> Result<(&CaptureInterface, LinkType, usize), RecordFault> {
        let missing = || RecordFault::NoSuchInterface {
            interface: id,
            section: self.section(),
            known: self.interfaces.len(),
        };
        let at = usize::try_from(id).map_err(|_| missing())?;
        let interface = self.interfaces.get(at).ok_or_else(missing)?;
        let link = interface.link.map_err(|source| RecordFault::Link {
            interface: id,
            name: interface.name.as_deref().map(str::to_owned),
            source,
        })?;
        Ok((interface, link, at))
    }
}

/// What lies between a block's head and its tail.
fn body(block: &[u8]) -> &[u8] {
    let end = block.len().saturating_sub(BLOCK_TAIL);
    block.get(BLOCK_HEAD..end).unwrap_or_default()
}

/// The direction that the flags of an enhanced packet block tell, with which some bytes begin.
/// Obsolete packet blocks have other flags.
pub(super) fn flagged_direction(bytes: &[u8], order: ByteOrder) -> Option<Direction> {
    if u32_at(bytes, 0, order)? != ENHANCED_PACKET {
        return None;
    }
    let word = |at| usize::try_from(u32_at(bytes, at, order)?).ok();
    let (len, captured) = (word(4)?, word(BLOCK_HEAD.saturating_add(12))?);
    let data = BLOCK_HEAD.saturating_add(PACKET_HEAD);
    let start = data.saturating_add(captured.checked_next_multiple_of(4)?);
    let options = bytes.get(start..len.saturating_sub(BLOCK_TAIL))?;
    let mut options = OptionList::new(options, order).map_while(Result::ok);
    let (_, flags) = options.find(|&(code, _)| code == EPB_FLAGS)?;
    match u32_at(flags, 0, order).filter(|_| flags.len() == 4)? & 0b11 {
        0b01 => Some(Direction::Inbound),
        0b10 => Some(Direction::Outbound),
        _ => None,
    }
}

/// The byte order that a section header states in its first 12 bytes.
pub(super) fn section_order(head: &[u8]) -> Result<ByteOrder, RecordFault> {
    match u32_at(head, BLOCK_HEAD, ByteOrder::Big).unwrap_or_default() {
        0x1a2b_3c4d => Ok(ByteOrder::Big),
        0x4d3c_2b1a => Ok(ByteOrder::Little),
        other => Err(RecordFault::ByteOrderMagic(other)),
    }
}

/// A block's total length, where a block of that type can have it.
fn checked_len(kind: u32, len: u32) -> Result<usize, RecordFault> {
    let least = match kind {
        SECTION_HEADER => 28,
        INTERFACE_DESCRIPTION => 20,
        PACKET | ENHANCED_PACKET => 32,
        SIMPLE_PACKET => 16,
        _ => 12,
    };
    if len < least || !len.is_multiple_of(4) {
        return Err(RecordFault::BlockLength { kind, len, least });
    }
    let limit = match kind {
        SECTION_HEADER | INTERFACE_DESCRIPTION | PACKET | SIMPLE_PACKET | ENHANCED_PACKET => {
            MAX_RECORD_LEN.saturating_add(OPTIONS_ROOM)
        }
        _ => MAX_BLOCK_LEN,
    };
    match usize::try_from(len) {
        Ok(total) if len <= limit => Ok(total),
        _ => Err(RecordFault::TooLong { what: "a block", len, limit }),
    }
}

/// A packet's captured length, where its block has room for it.
fn captured_len(captured: u32, room: usize) -> Result<usize, RecordFault> {
    let Some(len) = usize::try_from(captured).ok().filter(|&len| len <= room) else {
        return Err(RecordFault::CapturedLength { captured, room });
    };
    if captured > MAX_RECORD_LEN {
        let (what, limit) = ("a packet", MAX_RECORD_LEN);
        return Err(RecordFault::TooLong { what, len: captured, limit });
    }
    Ok(len)
}

/// What a pcapng file's first section header says of the program that wrote it (`shb_userappl`),
/// as far as the file's first bytes go.
#[must_use]
pub fn section_application(start: &[u8]) -> Option<&[u8]> {
    const SHB_USERAPPL: u16 = 4;
    let order = section_order(start).ok()?;
    let len = usize::try_from(u32_at(start, 4, order)?).ok()?;
    let options = start.get(24..len.min(start.len()))?;
    let is_pcapng = matches!(container_of(start), Some(Container::PcapNg { .. }));
    let mut options = OptionList::new(options, order).map_while(Result::ok);
    options.find(|&(code, _)| is_pcapng && code == SHB_USERAPPL).map(|(_, value)| value)
}
