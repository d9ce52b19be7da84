//! Link types: what the first byte of a captured record belongs to.

use core::fmt;

/// The link type of a capture's records, as the values of the LINKTYPE registry on disk.
///
/// Only the types that the frame parser understands can be built; anything else is refused
/// by name when a capture is opened ([`UnsupportedLinkType`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LinkType {
    /// BSD loopback: a 4-byte address family in the byte order of the writer (0).
    Null,
    /// Ethernet (1).
    Ethernet,
    /// PPP, with or without the HDLC-like address and control bytes (9).
    Ppp,
    /// A bare IPv4 or IPv6 packet, told by its version nibble (101; 12 and 14 in old files).
    Raw,
    /// OpenBSD loopback: a 4-byte address family in network byte order (108).
    Loop,
    /// Linux cooked capture, version 1 (113).
    LinuxSll,
    /// A bare IPv4 packet (228).
    Ipv4,
    /// A bare IPv6 packet (229).
    Ipv6,
    /// Linux cooked capture, version 2 (276).
    LinuxSll2,
}

impl LinkType {
    /// Recognises an on-disk link type.
    ///
    /// # Errors
    /// The number with its registry name, where the frame parser does not understand it.
    pub fn from_disk(value: u32) -> Result<Self, UnsupportedLinkType> {
        Ok(match value {
            0 => Self::Null,
            1 => Self::Ethernet,
            9 => Self::Ppp,
            12 | 14 | 101 => Self::Raw,
            108 => Self::Loop,
            113 => Self::LinuxSll,
            228 => Self::Ipv4,
            229 => Self::Ipv6,
            276 => Self::LinuxSll2,
            other => return Err(UnsupportedLinkType(other)),
        })
    }

    /// The value that a capture written by us carries.
    #[must_use]
    pub const fn to_disk(self) -> u16 {
        match self {
            Self::Null => 0,
            Self::Ethernet => 1,
            Self::Ppp => 9,
            Self::Raw => 101,
            Self::Loop => 108,
            Self::LinuxSll => 113,
            Self::Ipv4 => 228,
            Self::Ipv6 => 229,
            Self::LinuxSll2 => 276,
        }
    }

    /// What a frame is that is not of this type but plainly of another: a bare IP packet that is said to
    /// be Ethernet, or the reverse, as tools write them that mistake one for the other.
    ///
    /// `wire_len` is its length in bytes before anything was cut off.
    #[must_use]
    pub fn mistaken_for(self, bytes: &[u8], wire_len: u32) -> Option<Self> {
        let ether_type = || bytes.get(12..14);
        let framed = match ether_type() {
            Some([0x08, 0x00]) => bytes.get(14).is_some_and(|first| first >> 4 == 4),
            Some([0x86, 0xdd]) => bytes.get(14).is_some_and(|first| first >> 4 == 6),
            _ => false,
        };
        let bare = is_bare_ip(bytes, wire_len);
        match self {
            Self::Ethernet if bare && !framed => Some(Self::Raw),
            Self::Raw | Self::Ipv4 | Self::Ipv6 if framed && !bare => Some(Self::Ethernet),
            _ => None,
        }
    }
}

/// Whether bytes are an IP packet of exactly their length, from the first one on.
fn is_bare_ip(bytes: &[u8], wire_len: u32) -> bool {
    let word = |at: usize| {
        let found = bytes.get(at..at.saturating_add(2))?;
        Some(u32::from(u16::from_be_bytes(found.try_into().ok()?)))
    };
    match bytes.first().map(|first| (first >> 4, first & 0x0f)) {
        Some((4, 5..)) => word(2) == Some(wire_len),
        Some((6, _)) => word(4).and_then(|length| length.checked_add(40)) == Some(wire_len),
        _ => false,
    }
}

impl fmt::Display for LinkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(registry_name(u32::from(self.to_disk())))
    }
}

/// A link type that the frame parser does not understand, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("link type `{name}` ({0}) is not supported", name = registry_name(self.0))]
pub struct UnsupportedLinkType(pub u32);

/// The name that the LINKTYPE registry gives to a number, `unknown` where it gives none here.
fn registry_name(value: u32) -> &'static str {
    match value {
        0 => "NULL",
        1 => "EN10MB",
        6 => "IEEE802_5",
        7 => "ARCNET_BSD",
        8 => "SLIP",
        9 => "PPP",
        10 => "FDDI",
        12 | 14 | 101 => "RAW",
        19 | 106 => "ATM_CLIP",
        50 => "PPP_HDLC",
        51 => "PPP_ETHER",
        100 => "ATM_RFC1483",
        104 => "C_HDLC",
        105 => "IEEE802_11",
        107 => "FRELAY",
        108 => "LOOP",
        113 => "LINUX_SLL",
        117 => "PFLOG",
        119 => "IEEE802_11_PRISM",
        123 => "SUNATM",
        127 => "IEEE802_11_RADIOTAP",
        129 => "ARCNET_LINUX",
        132 => "JUNIPER_ES",
        137 => "JUNIPER_ATM1",
        140 => "MTP2",
        143 => "DOCSIS",
        147..=162 => "USER",
        163 => "IEEE802_11_AVS",
        178 => "JUNIPER_ETHER",
        182 => "MFR",
        187 => "BLUETOOTH_HCI_H4",
        189 => "USB_LINUX",
        192 => "PPI",
        195 => "IEEE802_15_4_WITHFCS",
        220 => "USB_LINUX_MMAPPED",
        226 => "IPNET",
        228 => "IPV4",
        229 => "IPV6",
        230 => "IEEE802_15_4_NOFCS",
        239 => "NFLOG",
        249 => "USBPCAP",
        276 => "LINUX_SLL2",
        281 => "DSA_TAG_BRCM",
        284 => "DSA_TAG_DSA",
        _ => "unknown",
    }
}
