//! Captures that we write.

use std::io::{self, Write};

use egress25_packet_filter::capture::{
    InterfaceId, NewInterface, PcapngWriter, WriteError, WrittenPacket,
};
use egress25_packet_filter::link::LinkType;
use jiff::Timestamp;
use proptest::prelude::any;
use proptest::{prop_assert_eq, proptest};

use crate::build::{LE, epb_of, idb};
use crate::read::{nanos, read};

const LINKS: [LinkType; 9] = [
    LinkType::Null,
    LinkType::Ethernet,
    LinkType::Ppp,
    LinkType::Raw,
    LinkType::Loop,
    LinkType::LinuxSll,
    LinkType::Ipv4,
    LinkType::Ipv6,
    LinkType::LinuxSll2,
];

fn packet(nanos: i128, wire_len: u32, data: &[u8]) -> WrittenPacket<'_> {
    WrittenPacket { timestamp: Some(Timestamp::from_nanosecond(nanos).unwrap()), wire_len, data }
}

#[test]
fn packets_come_back_with_time_lengths_interface_and_comments() {
    let mut writer = PcapngWriter::new(Vec::new(), Some("judged by edition 2020-12")).unwrap();
    let mut ids = Vec::new();
    for link in LINKS {
        let interface = NewInterface {
            link,
            name: Some(format!("{link}").into()),
            description: Some("network `blue`".into()),
            snaplen: 262_144,
        };
        ids.push(writer.add_interface(&interface).unwrap());
    }
    for (at, id) in ids.iter().enumerate() {
        let time = 1_700_000_000_123_456_789 + i128::try_from(at).unwrap();
        writer.write_packet(*id, &packet(time, 1_500, b"data"), &["drop", "wegen §1 – Ω"]).unwrap();
    }
    let records = read(&writer.finish().unwrap()).whole();
    assert_eq!(records.len(), LINKS.len());
    for (at, (record, link)) in records.iter().zip(LINKS).enumerate() {
        assert_eq!(record.link, link);
        assert_eq!(record.time, nanos(1_700_000_000_123_456_789 + i128::try_from(at).unwrap()));
        assert_eq!((record.wire_len, &record.data[..]), (1_500, &b"data"[..]));
        assert_eq!(record.comments, ["drop", "wegen §1 – Ω"]);
        let (section, id, name, description, snaplen) = record.interface.clone().unwrap();
        assert_eq!((section, usize::try_from(id).unwrap(), snaplen), (0, at, 262_144));
        assert_eq!(name, Some(link.to_string()));
        assert_eq!(description.as_deref(), Some("network `blue`"));
    }
}

#[test]
fn the_bytes_are_little_endian_pcapng_with_nanoseconds_and_always_the_same() {
    let make = || {
        let mut writer = PcapngWriter::new(Vec::new(), Some("hi")).unwrap();
        let id = writer.add_interface(&NewInterface::unnamed(LinkType::Raw)).unwrap();
        writer.write_packet(id, &packet(0x1_0000_0002, 9, b"abc"), &["x"]).unwrap();
        writer.finish().unwrap()
    };
    let bytes = make();
    assert_eq!(bytes, make());
    let mut want = vec![];
    want.extend(0x0a0d_0d0a_u32.to_le_bytes());
    want.extend([52, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0]);
    want.extend([0xff; 8]);
    want.extend(b"\x01\0\x02\0hi\0\0\x04\0\x08\0egress25\0\0\0\0");
    want.extend([52, 0, 0, 0]);
    want.extend(idb(LE, 101, 0, &[(9, &[9])]));
    want.extend(epb_of(LE, 0, 0x1_0000_0002, 3, 9, b"abc", &[(1, b"x")]));
    assert_eq!(bytes, want);
}

#[test]
fn a_packet_without_a_time_is_of_1970_and_one_that_does_not_fit_says_so() {
    let mut writer = PcapngWriter::new(Vec::new(), None).unwrap();
    let id = writer.add_interface(&NewInterface::unnamed(LinkType::Raw)).unwrap();
    let none = WrittenPacket { timestamp: None, wire_len: 1, data: b"x" };
    writer.write_packet(id, &none, &[]).unwrap();
    writer.write_packet(id, &packet(-1_000_000_000, 1, b"x"), &["drop"]).unwrap();
    writer.write_packet(id, &packet(i128::from(u64::MAX), 1, b"x"), &[]).unwrap();
    writer.write_packet(id, &packet(i128::from(u64::MAX) + 1, 1, b"x"), &[]).unwrap();
    let records = read(&writer.finish().unwrap()).whole();
    let times: Vec<_> = records.iter().map(|r| r.time).collect();
    assert_eq!(times, [nanos(0), nanos(0), nanos(i128::from(u64::MAX)), nanos(0)]);
    assert!(records[0].comments.is_empty());
    let misfit = "time 1969-12-31T23:59:59Z does not fit into the file";
    assert_eq!(records[1].comments, ["drop", misfit]);
    assert!(records[3].comments[0].starts_with("time 2554-07-21T23:34:33"));
}

#[test]
fn a_wire_length_below_the_bytes_is_their_length() {
    let mut writer = PcapngWriter::new(Vec::new(), None).unwrap();
    let id = writer.add_interface(&NewInterface::unnamed(LinkType::Raw)).unwrap();
    writer.write_packet(id, &packet(1, 0, b"four"), &[]).unwrap();
    assert_eq!(read(&writer.finish().unwrap()).whole()[0].wire_len, 4);
}

#[test]
fn a_comment_over_the_format_s_limit_is_cut_between_characters() {
    let long = "ü".repeat(40_000);
    let mut writer = PcapngWriter::new(Vec::new(), Some(&long)).unwrap();
    let named = NewInterface {
        name: Some(long.as_str().into()),
        ..NewInterface::unnamed(LinkType::Ethernet)
    };
    let id = writer.add_interface(&named).unwrap();
    writer.write_packet(id, &packet(1, 1, b"x"), &[&long, "next"]).unwrap();
    let record = read(&writer.finish().unwrap()).whole().remove(0);
    assert_eq!(record.comments, [&long[..65_534], "next"]);
}

#[test]
fn what_cannot_be_written_is_an_error_and_leaves_the_capture_whole() {
    let mut writer = PcapngWriter::new(Vec::new(), None).unwrap();
    let id = writer.add_interface(&NewInterface::unnamed(LinkType::Raw)).unwrap();
    let mut other = PcapngWriter::new(io::sink(), None).unwrap();
    other.add_interface(&NewInterface::unnamed(LinkType::Raw)).unwrap();
    let foreign: InterfaceId = other.add_interface(&NewInterface::unnamed(LinkType::Raw)).unwrap();
    let error = writer.write_packet(foreign, &packet(1, 1, b"x"), &[]).unwrap_err();
    assert!(matches!(error, WriteError::NoSuchInterface(1)), "{error}");
    let huge = vec![0; (256 << 10) + 1];
    let error = writer.write_packet(id, &packet(1, 1, &huge), &[]).unwrap_err();
    assert!(matches!(error, WriteError::PacketTooLong { len: 262_145 }), "{error}");
    writer.write_packet(id, &packet(1, 1, b"x"), &[]).unwrap();
    assert_eq!(read(&writer.finish().unwrap()).whole().len(), 1);
}

#[test]
fn a_capture_describes_at_most_65536_interfaces() {
    let mut writer = PcapngWriter::new(io::sink(), None).unwrap();
    let interface = NewInterface::unnamed(LinkType::Raw);
    for _ in 0..65_536 {
        writer.add_interface(&interface).unwrap();
    }
    let error = writer.add_interface(&interface).unwrap_err();
    assert!(matches!(error, WriteError::TooManyInterfaces), "{error}");
}

/// An output that fails from some byte on.
struct Full(usize, io::ErrorKind);

impl Write for Full {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(self.1.into());
        }
        let n = buf.len().min(self.0);
        self.0 -= n;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_at_the_latest_when_the_capture_is_finished() {
    let written = |kind| {
        let mut writer = PcapngWriter::new(io::BufWriter::new(Full(100, kind)), None).unwrap();
        let id = writer.add_interface(&NewInterface::unnamed(LinkType::Raw)).unwrap();
        writer.write_packet(id, &packet(1, 1, b"x"), &[]).unwrap();
        writer.finish().err().unwrap()
    };
    let full = written(io::ErrorKind::StorageFull);
    assert!(matches!(full, WriteError::Io(_)) && !full.is_closed_pipe(), "{full}");
    assert!(written(io::ErrorKind::BrokenPipe).is_closed_pipe());
}

#[test]
fn flushed_records_are_at_the_output_at_once() {
    let path = tempfile::NamedTempFile::new().unwrap();
    let file = path.reopen().unwrap();
    let mut writer = PcapngWriter::new(file, None).unwrap();
    let id = writer.add_interface(&NewInterface::unnamed(LinkType::Raw)).unwrap();
    writer.write_packet(id, &packet(1, 1, b"x"), &[]).unwrap();
    writer.flush().unwrap();
    assert_eq!(read(&std::fs::read(path.path()).unwrap()).whole().len(), 1);
    drop(writer);
}

proptest! {
    #[test]
    fn any_packet_comes_back(
        time in any::<u64>(),
        wire_len in any::<u32>(),
        data in proptest::collection::vec(any::<u8>(), 0..200),
        comments in proptest::collection::vec(".{0,40}", 0..4),
    ) {
        let mut writer = PcapngWriter::new(Vec::new(), None).unwrap();
        let id = writer.add_interface(&NewInterface::unnamed(LinkType::Ethernet)).unwrap();
        let list: Vec<&str> = comments.iter().map(String::as_str).collect();
        writer.write_packet(id, &packet(i128::from(time), wire_len, &data), &list).unwrap();
        let record = read(&writer.finish().unwrap()).whole().remove(0);
        prop_assert_eq!(record.time, nanos(i128::from(time)));
        prop_assert_eq!(record.wire_len, wire_len.max(u32::try_from(data.len()).unwrap()));
        prop_assert_eq!(record.data, data);
        prop_assert_eq!(record.comments, comments);
    }
}

#[test]
fn packets_without_comments_are_written_as_pcap_file_writes_them() {
    use std::borrow::Cow;
    use std::time::Duration;

    use pcap_file::pcapng::PcapNgWriter;
    use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
    use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionBlock;

    let mut blocks = Vec::new();
    for len in [0_usize, 1, 2, 3, 4, 5, 60, 1514] {
        let data: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let time = Timestamp::new(1_700_000_000, 123_456_789).unwrap();
        let mut writer = PcapngWriter::new(Vec::new(), None).unwrap();
        let interface = writer.add_interface(&NewInterface::unnamed(LinkType::Ethernet)).unwrap();
        let packet = WrittenPacket { timestamp: Some(time), wire_len: 2000, data: &data };
        let nothing = writer.finish().unwrap().len();
        let mut writer = PcapngWriter::new(Vec::new(), None).unwrap();
        writer.add_interface(&NewInterface::unnamed(LinkType::Ethernet)).unwrap();
        writer.write_packet(interface, &packet, &[]).unwrap();
        let ours = writer.finish().unwrap().split_off(nothing);

        let mut theirs = PcapNgWriter::new(Vec::new()).unwrap();
        let described = InterfaceDescriptionBlock {
            linktype: pcap_file::DataLink::ETHERNET,
            snaplen: 0,
            options: vec![],
        };
        theirs.write_pcapng_block(described).unwrap();
        let before = theirs.get_mut().len();
        let block = EnhancedPacketBlock {
            interface_id: 0,
            timestamp: Duration::new(1_700_000_000, 123_456_789),
            original_len: 2000,
            data: Cow::Borrowed(&data),
            options: vec![],
        };
        theirs.write_pcapng_block(block).unwrap();
        let theirs = theirs.into_inner().split_off(before);
        // Their interface counts microseconds by default: the time's two words differ.
        blocks.push((ours, theirs));
    }
    for (ours, theirs) in blocks {
        assert_eq!((&ours[..12], &ours[20..]), (&theirs[..12], &theirs[20..]));
        let word = |at: usize| u64::from(u32::from_le_bytes(ours[at..at + 4].try_into().unwrap()));
        assert_eq!((word(12) << 32) | word(16), 1_700_000_000_123_456_789);
    }
}
