//! Frames that come close to everything that the fast path decides, and the table for them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::table::{Leaf, RouteSet, Table, TableBuilder};
use egress25_policy::{CaptureIds, NetworkName, Reason};

/// A small generator of random numbers (xorshift*), so that a seed tells every frame.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(limit).unwrap()).unwrap()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        u8::try_from(self.next() & 0xff).unwrap()
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// A frame with its length on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) bytes: Vec<u8>,
    pub(crate) wire: u32,
}

pub(crate) const LINKS: [LinkType; 9] = [
    LinkType::Ethernet,
    LinkType::Raw,
    LinkType::Ipv4,
    LinkType::Ipv6,
    LinkType::LinuxSll,
    LinkType::LinuxSll2,
    LinkType::Null,
    LinkType::Loop,
    LinkType::Ppp,
];

/// IPv4 source and destination addresses: known, unknown, and such that no packet may have.
const ADDRESSES: [[u8; 4]; 14] = [
    [10, 0, 0, 4],
    [10, 0, 0, 5],
    [10, 0, 0, 6],
    [10, 0, 0, 7],
    [10, 1, 0, 4],
    [203, 0, 113, 5],
    [198, 51, 100, 1],
    [224, 0, 0, 1],
    [255, 255, 255, 255],
    [127, 0, 0, 1],
    [0, 0, 0, 0],
    [0, 0, 0, 1],
    [168, 63, 129, 16],
    [239, 1, 2, 3],
];

fn addresses_v6(at: usize) -> [u8; 16] {
    let all: [Ipv6Addr; 8] = [
        "fd00::4".parse().unwrap(),
        "fd00::5".parse().unwrap(),
        "2001:db8::5".parse().unwrap(),
        "::ffff:1.2.3.4".parse().unwrap(),
        "::1".parse().unwrap(),
        "::".parse().unwrap(),
        "ff02::1".parse().unwrap(),
        "::1.2.3.4".parse().unwrap(),
    ];
    all[at % all.len()].octets()
}

/// A table over these addresses: three networks that overlap, known by VLAN or interface.
pub(crate) fn table() -> Arc<Table> {
    let mut builder = TableBuilder::default();
    let edges = [
        Reason::NotGranted,
        Reason::Exempt,
        Reason::WaitingForStopStart,
        Reason::SenderNotRunning,
        Reason::UnrestrictedOffer,
    ];
    for (number, name) in ["one", "two", "three"].into_iter().enumerate() {
        let network = builder.network(&NetworkName::from(name));
        let number_u16 = u16::try_from(number).unwrap();
        builder.shown_by(
            network,
            &CaptureIds {
                interfaces: vec![name.to_owned()],
                vlans: vec![number_u16 + 10],
                vxlans: vec![],
            },
        );
        let routes = RouteSet::new(vec![
            ("0.0.0.0/0".parse().unwrap(), Leaf::Edge),
            ("::/0".parse().unwrap(), Leaf::Edge),
            ("10.0.0.0/8".parse().unwrap(), Leaf::Fixed(Reason::Internal)),
            ("168.63.129.16/32".parse().unwrap(), Leaf::Fixed(Reason::PlatformAddress)),
            ("198.51.100.0/25".parse().unwrap(), Leaf::Fixed(Reason::AzureFirewallUnsupported)),
            ("fd00::/64".parse().unwrap(), Leaf::Fixed(Reason::Internal)),
        ]);
        let place = builder.place(network, &routes).unwrap();
        let its_address: [u8; 4] = [10, u8::try_from(number).unwrap(), 0, 4];
        let shared = [[10, 0, 0, 5], [10, 0, 0, 6], [10, 0, 0, 7]];
        for (at, address) in [its_address].into_iter().chain(shared).enumerate() {
            let edge = edges[(at + number) % edges.len()];
            let address = IpAddr::V4(Ipv4Addr::from(address));
            builder.address(place, address, None, edge).unwrap();
        }
        let six: Ipv6Addr = if number == 0 { "fd00::4" } else { "fd00::5" }.parse().unwrap();
        builder.address(place, IpAddr::V6(six), None, edges[number]).unwrap();
    }
    Arc::new(builder.build(1).unwrap())
}

/// A frame of a link type, near to a SYN to port 25.
pub(crate) fn frame(random: &mut Random, link: LinkType) -> Made {
    let mut bytes = Vec::with_capacity(128);
    let v6 = link == LinkType::Ipv6 || (link != LinkType::Ipv4 && random.one_in(4));
    link_header(random, link, v6, &mut bytes);
    let at = bytes.len();
    let header = if v6 { ipv6(random, &mut bytes) } else { ipv4(random, &mut bytes) };
    tcp(random, &mut bytes);
    for _ in 0..random.below(24) {
        let byte = random.byte();
        bytes.push(byte);
    }
    let len = bytes.len() - at;
    let (field, value) = if v6 { (at + 4, len - header) } else { (at + 2, len) };
    let value = match random.below(12) {
        0 => 0,
        1 => random.below(70),
        2 => value + 1,
        3 => value.saturating_sub(1),
        4 => 65_535,
        _ => value,
    };
    bytes[field..field + 2].copy_from_slice(&u16::try_from(value).unwrap().to_be_bytes());
    if !v6 && !random.one_in(4) {
        checksum(&mut bytes, at);
    }
    for _ in 0..random.pick(&[0, 0, 0, 1, 2]) {
        let place = random.below(bytes.len());
        bytes[place] = random.byte();
    }
    let full = u32::try_from(bytes.len()).unwrap();
    if random.one_in(6) {
        let keep = random.below(bytes.len() + 1);
        bytes.truncate(keep);
    }
    let wire = match random.below(6) {
        0 => u32::try_from(bytes.len()).unwrap(),
        1 => full + 7,
        2 => 0,
        _ => full,
    };
    Made { bytes, wire }
}

fn link_header(random: &mut Random, link: LinkType, v6: bool, bytes: &mut Vec<u8>) {
    let ether_type: [u8; 2] = if v6 { [0x86, 0xdd] } else { [8, 0] };
    match link {
        LinkType::Ethernet => {
            bytes.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
            let tags = if random.one_in(3) { random.below(5) } else { 0 };
            for _ in 0..tags {
                bytes.extend(random.pick(&[[0x81, 0], [0x88, 0xa8], [0x91, 0]]));
                let id = random.pick(&[0, 10, 11, 12, 13, 0x1f]);
                bytes.extend([random.pick(&[0, 0x20]), id]);
            }
            let other = [
                [8, 6],
                [0x88, 0x47],
                [0, 40],
                [0x88, 0x64],
                [8, 0],
                [0x86, 0xdd],
                [0x89, 0x09],
                [0x89, 0x03],
                [0x89, 0x26],
                [0x88, 0xe7],
            ];
            bytes.extend(if random.one_in(10) { random.pick(&other) } else { ether_type });
        }
        LinkType::LinuxSll => {
            bytes.extend([0, 0, random.pick(&[0, 3]), random.pick(&[1, 2, 0x38, 0x23]), 0, 6]);
            bytes.extend([0; 8]);
            bytes.extend(if random.one_in(10) { [0, 4] } else { ether_type });
        }
        LinkType::LinuxSll2 => {
            bytes.extend(if random.one_in(10) { [0, 4] } else { ether_type });
            bytes.extend([0; 6]);
            bytes.extend([random.pick(&[0, 3]), random.pick(&[1, 2, 0x38, 0x23])]);
            bytes.extend([0; 10]);
        }
        LinkType::Null => bytes.extend([if v6 { 10 } else { 2 }, 0, 0, 0]),
        LinkType::Loop => bytes.extend([0, 0, 0, if v6 { 24 } else { 2 }]),
        LinkType::Ppp => bytes.extend([0xff, 3, 0, if v6 { 0x57 } else { 0x21 }]),
        _ => {}
    }
}

fn ipv4(random: &mut Random, bytes: &mut Vec<u8>) -> usize {
    let protocol = match random.below(6) {
        0 => random.pick(&[1, 1, 4, 17, 17, 41, 47, 50, 51, 97, 115, 132, 255]),
        _ => 6,
    };
    let words = if random.one_in(8) { random.below(16) } else { 5 };
    let fragment = match random.below(8) {
        0 => [random.byte(), random.byte()],
        1 => [random.pick(&[0x40, 0x80, 0x20, 0xc0]), random.pick(&[0, 0, 1, 2])],
        _ => [0x40, 0],
    };
    let version = if random.one_in(40) { random.byte() & 0xf0 } else { 0x40 };
    bytes.push(version | u8::try_from(words).unwrap());
    bytes.extend([0, 0, 0, random.byte(), random.byte()]);
    bytes.extend(fragment);
    bytes.extend([64, protocol, 0, 0]);
    bytes.extend(source(random));
    let destination =
        if random.one_in(3) { random.pick(&ADDRESSES) } else { [203, 0, 113, random.byte()] };
    bytes.extend(destination);
    for _ in 5..words {
        bytes.extend([random.pick(&[0, 1, 7, 131, 137]), random.pick(&[0, 3, 4]), 4, 1]);
    }
    20
}

fn source(random: &mut Random) -> [u8; 4] {
    if random.one_in(5) { random.pick(&ADDRESSES) } else { random.pick(&ADDRESSES[..5]) }
}

fn ipv6(random: &mut Random, bytes: &mut Vec<u8>) -> usize {
    let next = match random.below(5) {
        0 => {
            random.pick(&[0, 4, 17, 17, 41, 43, 44, 47, 50, 51, 58, 58, 59, 60, 97, 115, 135, 200])
        }
        _ => 6,
    };
    let version = if random.one_in(40) { random.byte() } else { 0x60 };
    bytes.extend([version, 0, 0, 0, 0, 0, next, 64]);
    let at = if random.one_in(4) { random.below(8) } else { random.below(2) };
    bytes.extend(addresses_v6(at));
    let at = if random.one_in(4) { random.below(8) } else { 2 };
    bytes.extend(addresses_v6(at));
    40
}

fn tcp(random: &mut Random, bytes: &mut Vec<u8>) {
    let port: [u8; 2] = match random.below(4) {
        0 => random.pick(&[
            [1, 187],
            [2, 75],
            [1, 209],
            [9, 0xdd],
            [0, 24],
            [25, 0],
            [0x12, 0xb5],
            [8, 0x68],
            [0x2a, 0x30],
            [0x12, 0x92],
            [0x14, 0x7f],
        ]),
        _ => [0, 25],
    };
    let flags = match random.below(4) {
        0 => random.byte(),
        1 => random.pick(&[0x12, 0x10, 0x06, 0x03, 0xc2, 0x22]),
        _ => 2,
    };
    let offset = if random.one_in(6) { random.byte() & 0xf0 } else { random.pick(&[0x50, 0x60]) };
    bytes.extend(match random.below(5) {
        // Among them the types of ICMP's errors.
        0 => random.pick(&[[0, 25], [1, 187], [3, 1], [11, 0], [1, 0], [4, 1], [8, 0]]),
        _ => [0x9c, random.byte()],
    });
    bytes.extend(port);
    bytes.extend([0, 0, 0, 1, 0, 0, 0, 0, offset, flags, 0xff, 0xff, 0, 0, 0, 0]);
}

/// Puts the right checksum into the IPv4 header at a place, as far as it has one.
fn checksum(bytes: &mut [u8], at: usize) {
    let len = usize::from(bytes[at] & 15) * 4;
    if len < 20 || at + len > bytes.len() {
        return;
    }
    let sum: u32 = bytes[at..at + len]
        .as_chunks::<2>()
        .0
        .iter()
        .map(|word| u32::from(u16::from_be_bytes(*word)))
        .sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    let value = !u16::try_from(sum).unwrap();
    bytes[at + 10..at + 12].copy_from_slice(&value.to_be_bytes());
}
