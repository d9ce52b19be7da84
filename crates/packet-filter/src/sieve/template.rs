//! What the sieve compares 32 bytes of a frame with.

use crate::frame::FrameOptions;
use crate::link::LinkType;

/// How many bytes of a frame the sieve looks at.
pub(crate) const WINDOW: usize = 32;

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
    /// The same without vectors: the port, whether UDP passes, and whether the window begins
    /// with a type field.
    pub(crate) wanted: u16,
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
            wanted: port,
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
        template.other |= template.put(8, ip.wrapping_add(9), 1, 0xff);
        // UDP passes whatever it carries, unless the packets in its tunnels are asked for.
        if !options.look_inside {
            template.other |= template.put(9, ip.wrapping_add(9), 17, 0xff);
        }
        let [high, low] = port.to_be_bytes();
        let at = ip.wrapping_add(22).wrapping_sub(16);
        template.port |= template.put(16, at, high, 0xff);
        template.port |= template.put(17, at.wrapping_add(1), low, 0xff);
        Some(template)
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
    pub(crate) const fn passes(&self, bits: u32) -> bool {
        let plain = bits & self.plain == self.plain;
        let other = bits & self.other != 0;
        let tcp = bits & self.tcp == self.tcp && bits & self.long != 0;
        plain && (other || (tcp && bits & self.port != self.port))
    }
}
