//! Sets of packets, built from a seed.

use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::{FrameList, Frames};

/// A small generator of random numbers (xorshift*).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// One that a seed determines.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    /// The next 32 bits.
    pub fn word(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        u32::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32).unwrap_or_default()
    }

    /// A number below a limit.
    pub fn below(&mut self, limit: u32) -> u32 {
        u32::try_from((u64::from(self.word()) * u64::from(limit)) >> 32).unwrap_or_default()
    }
}

/// How the packets of a set are mixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// Frames of 64, 594 and 1518 bytes as 7 : 4 : 1, one in a hundred a SYN to port 25.
    Imix,
    /// As [`Mix::Imix`], every other one a SYN to port 25.
    Half,
    /// Nothing but SYNs to port 25.
    All,
}

impl Mix {
    /// Every mix.
    pub const ALL: [Self; 3] = [Self::Imix, Self::Half, Self::All];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Imix => "IMIX",
            Self::Half => "half SYN/25",
            Self::All => "all SYN/25",
        }
    }

    /// How many bytes a packet of it takes on average, with its record header.
    const fn average(self) -> usize {
        match self {
            Self::Imix => 378,
            Self::Half => 226,
            Self::All => 76,
        }
    }
}

/// Packets as they lie in a capture file: behind a record header of 16 bytes each.
#[derive(Debug)]
pub struct Set {
    /// How they are mixed.
    pub mix: Mix,
    /// The bytes of the records.
    pub bytes: Vec<u8>,
    /// Where the packets are.
    pub list: FrameList,
    /// How many of them are SYNs to port 25.
    pub syns: u64,
}

/// The first address of the senders that tables know: see [`crate::tables`].
pub const FIRST_SENDER: u32 = 0x0a00_0000;

/// How many pairs of sender and receiver there are.
const FLOWS: u32 = 3_000_000;

/// When the first packet is sent, in seconds since 1970: 2020-12-08T12:00:00Z.
pub const FIRST_SECOND: u32 = 1_607_428_800;

impl Set {
    /// So many packets, whose senders are among the first `senders` addresses.
    #[must_use]
    pub fn new(mix: Mix, packets: usize, senders: u32, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut set = Self {
            mix,
            bytes: Vec::with_capacity(packets * (mix.average() + 2)),
            list: FrameList::with_capacity(packets),
            syns: 0,
        };
        for _ in 0..packets {
            set.add(&mut random, senders);
        }
        set
    }

    /// About so many bytes of packets.
    #[must_use]
    pub fn of_bytes(mix: Mix, bytes: usize, senders: u32, seed: u64) -> Self {
        Self::new(mix, bytes / mix.average(), senders, seed)
    }

    /// The packets as a batch.
    #[must_use]
    pub fn frames(&self) -> Frames<'_> {
        self.list.frames(LinkType::Ethernet, None, &self.bytes)
    }

    fn add(&mut self, random: &mut Random, senders: u32) {
        let syn = match self.mix {
            Mix::Imix => random.below(100) == 0,
            Mix::Half => random.below(2) == 0,
            Mix::All => true,
        };
        let len: u16 = match random.below(12) {
            _ if syn => 60,
            0..7 => 64,
            7..11 => 594,
            _ => 1518,
        };
        let mut flow = Random::new(u64::from(random.below(FLOWS)));
        let sender = FIRST_SENDER + flow.below(senders);
        // A destination on the Internet: 192.0.0.0 and above is private, multicast or reserved.
        let to = 0x0b00_0000 + flow.below(0x6000_0000);
        let mut frame = [0_u8; 54];
        let head = header(random, syn, len, sender, to);
        frame.copy_from_slice(&head);
        // The record header of pcap: times, which rise by a microsecond a packet, and the length
        // twice.
        let micros = u32::try_from(self.list.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(&(FIRST_SECOND + micros / 1_000_000).to_le_bytes());
        self.bytes.extend_from_slice(&(micros % 1_000_000).to_le_bytes());
        self.bytes.extend_from_slice(&u32::from(len).to_le_bytes());
        self.bytes.extend_from_slice(&u32::from(len).to_le_bytes());
        let offset = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.list.push(offset, u32::from(len), u32::from(len));
        self.bytes.extend_from_slice(&frame);
        let end = offset as usize + usize::from(len);
        self.bytes.resize(end, 0xa5);
        self.syns += u64::from(syn);
    }
}

/// Ethernet, IPv4 and TCP or UDP of one packet.
fn header(random: &mut Random, syn: bool, len: u16, sender: u32, to: u32) -> [u8; 54] {
    let mut frame = [0_u8; 54];
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(place) = frame.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    };
    put(0, &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0]);
    put(16, &(len - 14).to_be_bytes());
    put(20, &[0x40, 0, 64]);
    put(26, &sender.to_be_bytes());
    put(30, &to.to_be_bytes());
    let udp = !syn && random.below(4) == 0;
    put(23, &[if udp { 17 } else { 6 }]);
    let ports: [u16; 6] = [443, 80, 53, 8080, 22, 993];
    let other = ports.get(random.below(6) as usize).copied().unwrap_or(443);
    put(34, &u16::try_from(random.below(28_000) + 32_768).unwrap_or(40_000).to_be_bytes());
    put(36, &(if syn { 25 } else { other }).to_be_bytes());
    if udp {
        put(38, &(len - 34).to_be_bytes());
    } else {
        let flags = if syn { 2 } else { 0x10 };
        // The options of a SYN make its header 26 bytes: 24 and padding to 60.
        put(46, &[0x50, flags, 0xff, 0xff]);
    }
    frame
}
