//! Captures put together byte by byte, independently of the code under test.

use std::io::Write;

use egress25_packet_filter::capture::ByteOrder;

pub(crate) const LE: ByteOrder = ByteOrder::Little;
pub(crate) const BE: ByteOrder = ByteOrder::Big;

pub(crate) const MICROS: u32 = 0xa1b2_c3d4;
pub(crate) const NANOS: u32 = 0xa1b2_3c4d;
pub(crate) const PATCHED: u32 = 0xa1b2_cd34;

/// Bytes in one byte order.
pub(crate) struct Bytes {
    pub(crate) order: ByteOrder,
    pub(crate) bytes: Vec<u8>,
}

impl Bytes {
    pub(crate) fn new(order: ByteOrder) -> Self {
        Self { order, bytes: Vec::new() }
    }

    pub(crate) fn u16(mut self, value: u16) -> Self {
        match self.order {
            LE => self.bytes.extend(value.to_le_bytes()),
            BE => self.bytes.extend(value.to_be_bytes()),
        }
        self
    }

    pub(crate) fn u32(mut self, value: u32) -> Self {
        match self.order {
            LE => self.bytes.extend(value.to_le_bytes()),
            BE => self.bytes.extend(value.to_be_bytes()),
        }
        self
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.bytes.extend(bytes);
        self
    }

    pub(crate) fn pad(mut self) -> Self {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self
    }
}

/// A pcap file header of version 2.4.
pub(crate) fn pcap_header(order: ByteOrder, magic: u32, link_word: u32) -> Vec<u8> {
    pcap_header_of(order, magic, (2, 4), link_word)
}

/// A pcap file header.
pub(crate) fn pcap_header_of(
    order: ByteOrder,
    magic: u32,
    version: (u16, u16),
    link_word: u32,
) -> Vec<u8> {
    let bytes = Bytes::new(order).u32(magic).u16(version.0).u16(version.1);
    bytes.u32(0).u32(0).u32(65_535).u32(link_word).bytes
}

/// A pcap record; `len` is what it claims to hold.
pub(crate) fn pcap_record_of(
    order: ByteOrder,
    time: (u32, u32),
    len: u32,
    wire: u32,
    data: &[u8],
) -> Vec<u8> {
    Bytes::new(order).u32(time.0).u32(time.1).u32(len).u32(wire).raw(data).bytes
}

/// A pcap record.
pub(crate) fn pcap_record(order: ByteOrder, time: (u32, u32), wire: u32, data: &[u8]) -> Vec<u8> {
    pcap_record_of(order, time, u32::try_from(data.len()).unwrap(), wire, data)
}

/// A pcapng block around a body.
pub(crate) fn block(order: ByteOrder, kind: u32, body: &[u8]) -> Vec<u8> {
    let body = Bytes::new(order).raw(body).pad().bytes;
    let len = u32::try_from(body.len() + 12).unwrap();
    Bytes::new(order).u32(kind).u32(len).raw(&body).u32(len).bytes
}

/// Options with their end.
pub(crate) fn options(order: ByteOrder, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut bytes = Bytes::new(order);
    for (code, value) in options {
        bytes = bytes.u16(*code).u16(u16::try_from(value.len()).unwrap()).raw(value).pad();
    }
    bytes.u16(0).u16(0).bytes
}

/// A section header block of a version.
pub(crate) fn shb_of(order: ByteOrder, major: u16, minor: u16) -> Vec<u8> {
    let body = Bytes::new(order).u32(0x1a2b_3c4d).u16(major).u16(minor).raw(&[0xff; 8]);
    block(order, 0x0a0d_0d0a, &body.bytes)
}

/// A section header block.
pub(crate) fn shb(order: ByteOrder) -> Vec<u8> {
    shb_of(order, 1, 0)
}

/// An interface description block.
pub(crate) fn idb(order: ByteOrder, link: u16, snaplen: u32, list: &[(u16, &[u8])]) -> Vec<u8> {
    let body = Bytes::new(order).u16(link).u16(0).u32(snaplen).raw(&options(order, list));
    block(order, 1, &body.bytes)
}

/// An enhanced packet block; `len` is what it claims to hold.
pub(crate) fn epb_of(
    order: ByteOrder,
    interface: u32,
    time: u64,
    len: u32,
    wire: u32,
    data: &[u8],
    list: &[(u16, &[u8])],
) -> Vec<u8> {
    let (high, low) = (u32::try_from(time >> 32).unwrap(), (time & 0xffff_ffff) as u32);
    let head = Bytes::new(order).u32(interface).u32(high).u32(low).u32(len).u32(wire);
    let body = head.raw(data).pad().raw(&options(order, list));
    block(order, 6, &body.bytes)
}

/// An enhanced packet block.
pub(crate) fn epb(order: ByteOrder, interface: u32, time: u64, data: &[u8]) -> Vec<u8> {
    let len = u32::try_from(data.len()).unwrap();
    epb_of(order, interface, time, len, len, data, &[])
}

/// A simple packet block.
pub(crate) fn spb(order: ByteOrder, wire: u32, data: &[u8]) -> Vec<u8> {
    block(order, 3, &Bytes::new(order).u32(wire).raw(data).bytes)
}

/// An obsolete packet block.
pub(crate) fn old_pb(order: ByteOrder, interface: u16, time: u64, data: &[u8]) -> Vec<u8> {
    let (high, low) = (u32::try_from(time >> 32).unwrap(), (time & 0xffff_ffff) as u32);
    let len = u32::try_from(data.len()).unwrap();
    let head = Bytes::new(order).u16(interface).u16(7).u32(high).u32(low).u32(len).u32(len);
    block(order, 2, &head.raw(data).bytes)
}

/// One gzip member.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// One zstd frame, with a checksum.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
