//! What the sieve compares 32 bytes of a frame with.

use crate::frame::{FrameOptions, RELAY_PORTS, Wanted};
use crate::link::LinkType;

/// How many bytes of a frame the sieve looks at.
pub(crate) const WINDOW: usize = 32;

/// How many ports besides the one that is looked for can be told from the rest.
const TOLD_PORTS: usize = 1 + RELAY_PORTS.len();

/// The sieve's comparison, the same for every level.
///
/// From [`Self::base`] on, the window's two halves of 16 bytes are each rearranged by
/// [`Self::order`] (a byte above 15 gives zero), masked by [`Self::mask`], limited to
/// [`Self::limit`] and compared with [`Self::value`]. A limit that equals the value makes the
/// comparison "at least". Bit `i` of the result says that byte `i` fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Template {
    /// Where in the frame the window begins.
    pub(crate) base: u32,
    /// Where each compared byte comes from, inside its half.
    pub(crate) order: [u8; WINDOW],
    /// The bits that count.
    pub(crate) mask: [u8; WINDOW],
    /// The most that a byte counts as.
    pub(crate) limit: [u8; WINDOW],
    /// What it has to be.
    pub(crate) value: [u8; WINDOW],
    /// Bits that all plain IPv4 packets have.
    pub(crate) plain: u32,
    /// Of these, one is enough for no match: protocols that nobody filters.
    pub(crate) other: u32,
    /// Bits of TCP without fragments.
    pub(crate) tcp: u32,
    /// Of these, one says that the total length holds the ports.
    pub(crate) long: u32,
    /// Bits of the port that is looked for.
    pub(crate) port: u32,
    /// As many groups of bits as count, each of another port whose packets are to be told from the
    /// rest: the first of the source, the others of the destination.
    pub(crate) told_ports: ([u32; TOLD_PORTS], usize),
    /// The same without vectors: the port, which packets are told from the rest, whether ICMP and
    /// UDP pass, and whether the window begins with a type field.
    pub(crate) wanted: u16,
    pub(crate) told: Wanted,
    pub(crate) icmp_passes: bool,
    pub(crate) udp_passes: bool,
    pub(crate) ether_type: bool,
}

impl Template {
    /// The template for a link type; `None` where the sieve knows nothing of it.
    pub(crate) fn new(link: LinkType, options: &FrameOptions) -> Option<Self> {
        let (base, ethertype) = match link {
            LinkType::Ethernet => (12, true),
            LinkType::Raw | LinkType::Ipv4 => (0, false),
            _ => return None,
        };
        // Any port: then every TCP packet is for the sorter.
        let port = options.port?;
        let mut template = Self {
            base,
            order: [0x80; WINDOW],
            mask: [0xff; WINDOW],
            limit: [0xff; WINDOW],
            value: [0; WINDOW],
            plain: 0,
            other: 0,
            tcp: 0,
            long: 0,
            port: 0,
            told_ports: ([0; TOLD_PORTS], 0),
            wanted: port,
            told: options.wanted,
            icmp_passes: !options.wanted.icmp_errors,
            udp_passes: !options.look_inside,
            ether_type: ethertype,
        };
        let ip = if ethertype { 2 } else { 0 };
        if ethertype {
            template.plain |= template.put(0, 0, 0x08, 0xff) | template.put(1, 1, 0x00, 0xff);
        }
        // Version 4, a header of 20 bytes.
        template.plain |= template.put(2, ip, 0x45, 0xff);
        // The total length: 24 or more, or 256 or more.
        template.long |= template.put_least(3, ip.wrapping_add(2), 1);
        template.long |= template.put_least(4, ip.wrapping_add(3), 24);
        // Neither more fragments nor an offset.
        template.tcp |= template.put(5, ip.wrapping_add(6), 0, 0x3f);
        template.tcp |= template.put(6, ip.wrapping_add(7), 0, 0xff);
        template.tcp |= template.put(7, ip.wrapping_add(9), 6, 0xff);
        // ICMP passes, too, unless its errors are to be told.
        if template.icmp_passes {
            template.other |= template.put(8, ip.wrapping_add(9), 1, 0xff);
        }
        // UDP passes whatever it carries, unless the packets in its tunnels are asked for.
        if !options.look_inside {
            template.other |= template.put(9, ip.wrapping_add(9), 17, 0xff);
        }
        let at = ip.wrapping_add(22).wrapping_sub(16);
        template.port = template.put_port(16, at, port);
        template.put_told(at, port, options.wanted);
        Some(template)
    }

    /// Adds the ports that are to be told. `at` is where the destination's lies, in its half.
    fn put_told(&mut self, at: u8, port: u16, wanted: Wanted) {
        let (mut ports, mut count) = ([0; TOLD_PORTS], 0);
        let source = wanted.answers.then_some((at.wrapping_sub(2), port));
        let relays = RELAY_PORTS.into_iter().filter(|_| wanted.relay_syns);
        let all = source.into_iter().chain(relays.map(|relay| (at, relay)));
        for ((place, (at, port)), slot) in ports.iter_mut().zip(all).zip((18..).step_by(2)) {
            *place = self.put_port(slot, at, port);
            count += 1;
        }
        self.told_ports = (ports, count);
    }

    /// The groups of bits of the ports that are to be told.
    #[inline(always)]
    pub(crate) fn told_ports(&self) -> &[u32] {
        let (ports, count) = &self.told_ports;
        ports.get(..*count).unwrap_or_default()
    }

    /// Whether a segment between two ports is to be told from the rest.
    #[inline(always)]
    pub(crate) fn tells(&self, source: u16, destination: u16) -> bool {
        (self.told.answers && source == self.wanted)
            || (self.told.relay_syns && RELAY_PORTS.contains(&destination))
    }

    /// As [`Self::put`], for both bytes of a port.
    fn put_port(&mut self, slot: usize, from: u8, port: u16) -> u32 {
        let [high, low] = port.to_be_bytes();
        let first = self.put(slot, from, high, 0xff);
        first | self.put(slot.wrapping_add(1), from.wrapping_add(1), low, 0xff)
    }

    /// How many bytes of a frame have to be there.
    pub(crate) const fn needs(&self) -> u32 {
        self.base + 32
    }

    /// Has the compared byte `slot` come from `from` of its half; gives its bit.
    fn put(&mut self, slot: usize, from: u8, value: u8, mask: u8) -> u32 {
        let parts = (self.order.get_mut(slot), self.value.get_mut(slot), self.mask.get_mut(slot));
        if let (Some(order), Some(stored), Some(bits)) = parts {
            (*order, *stored, *bits) = (from, value, mask);
        }
        1 << slot
    }

    /// As [`Self::put`], for "at least".
    fn put_least(&mut self, slot: usize, from: u8, least: u8) -> u32 {
        if let Some(limit) = self.limit.get_mut(slot) {
            *limit = least;
        }
        self.put(slot, from, least, 0xff)
    }

    /// Whether the bits of a frame's comparison say that it is certainly no match.
    #[inline]
    pub(crate) fn passes(&self, bits: u32) -> bool {
        let plain = bits & self.plain == self.plain;
        let other = bits & self.other != 0;
        let tcp = bits & self.tcp == self.tcp && bits & self.long != 0;
        let asked = bits & self.port == self.port;
        let told = self.told_ports().iter().any(|port| bits & port == *port);
        plain && (other || (tcp && !asked && !told))
    }
}
