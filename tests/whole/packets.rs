//! Packets and captures made by hand, byte by byte, for what no ordinary sender sends.

/// 2020-12-08T00:00:00Z, in seconds.
pub(crate) const MIDNIGHT: u32 = 1_607_385_600;

/// A TCP header: SYN to a port.
pub(crate) fn syn(port: u16) -> Vec<u8> {
    let mut header = vec![0xa0, 0x00];
    header.extend(port.to_be_bytes());
    header.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x02, 0x20, 0x00, 0, 0, 0, 0]);
    header
}

/// An IPv4 packet; `options` fill whole words.
pub(crate) fn ipv4(
    protocol: u8,
    from: [u8; 4],
    to: [u8; 4],
    options: &[u8],
    payload: &[u8],
) -> Vec<u8> {
    let words = u8::try_from(5 + options.len() / 4).expect("short options");
    let total = u16::try_from(20 + options.len() + payload.len()).expect("a short packet");
    let mut packet = vec![0x40 | words, 0];
    packet.extend(total.to_be_bytes());
    packet.extend([0, 1, 0x40, 0, 64, protocol, 0, 0]);
    packet.extend(from);
    packet.extend(to);
    packet.extend(options);
    packet.extend(payload);
    packet
}

/// A SYN to port 25 over IPv4.
pub(crate) fn mail(from: [u8; 4], to: [u8; 4]) -> Vec<u8> {
    ipv4(6, from, to, &[], &syn(25))
}

/// A UDP datagram.
pub(crate) fn udp(ports: (u16, u16), payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).expect("a short datagram");
    let mut datagram = Vec::new();
    for word in [ports.0, ports.1, length, 0] {
        datagram.extend(word.to_be_bytes());
    }
    datagram.extend(payload);
    datagram
}

/// An IPv6 packet.
pub(crate) fn ipv6(next_header: u8, from: [u16; 8], to: [u16; 8], payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(u16::try_from(payload.len()).expect("a short packet").to_be_bytes());
    packet.extend([next_header, 64]);
    packet.extend(from.iter().chain(&to).flat_map(|word| word.to_be_bytes()));
    packet.extend(payload);
    packet
}

/// An Ethernet frame of an IPv4 packet.
pub(crate) fn ethernet(packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    frame.extend(packet);
    frame
}

/// A pcap file of bare IP packets (link type 101), with the seconds after midnight.
pub(crate) fn pcap(packets: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 101] {
        file.extend(word.to_le_bytes());
    }
    for (seconds, packet) in packets {
        let length = u32::try_from(packet.len()).expect("a short packet");
        for word in [MIDNIGHT + seconds, 0, length, length] {
            file.extend(word.to_le_bytes());
        }
        file.extend(packet);
    }
    file
}
