//! What tshark makes of the captures that we write, where it is installed.

use std::path::Path;
use std::process::Command;

use egress25_packet_filter::capture::{NewInterface, PcapngWriter, WrittenPacket};
use egress25_packet_filter::link::LinkType;
use egress25_skipped::skipped;
use jiff::Timestamp;

/// What tshark prints, or a loud word and `None` where it is not installed.
fn tshark(path: &Path, arguments: &[&str]) -> Option<String> {
    let output = match Command::new("tshark").arg("-r").arg(path).args(arguments).output() {
        Ok(output) => output,
        Err(error) => {
            skipped(format_args!("tshark cannot be run: {error}"));
            return None;
        }
    };
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// A SYN to port 25 over IPv4.
fn syn() -> Vec<u8> {
    let mut packet = Vec::new();
    etherparse::PacketBuilder::ipv4([10, 0, 0, 4], [203, 0, 113, 5], 64)
        .tcp(51_200, 25, 1, 64_240)
        .syn()
        .write(&mut packet, &[])
        .unwrap();
    packet
}

#[test]
fn verdicts_can_be_filtered_by_and_everything_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out.pcapng");
    let output = std::fs::File::create(&path).unwrap();
    let mut writer = PcapngWriter::new(output, Some("judged by edition 2020-12")).unwrap();
    let interface = |link, name: &'static str| NewInterface {
        name: Some(name.into()),
        description: Some("a network".into()),
        snaplen: 262_144,
        link,
    };
    let raw = writer.add_interface(&interface(LinkType::Raw, "blue")).unwrap();
    let ipv4 = writer.add_interface(&interface(LinkType::Ipv4, "green")).unwrap();
    let syn = syn();
    for (at, (id, comment)) in
        [(raw, "drop: not granted [PG3]"), (ipv4, "pass: exempt"), (ipv4, "drop: Ω")]
            .into_iter()
            .enumerate()
    {
        let time = 1_700_000_000_123_456_789 + i128::try_from(at).unwrap();
        let timestamp = Some(Timestamp::from_nanosecond(time).unwrap());
        let packet = WrittenPacket { timestamp, wire_len: 1_500, data: &syn };
        writer.write_packet(id, &packet, &[comment]).unwrap();
    }
    writer.finish().unwrap();

    let fields = [
        "-T",
        "fields",
        "-e",
        "frame.number",
        "-e",
        "frame.time_epoch",
        "-e",
        "frame.len",
        "-e",
        "frame.interface_name",
        "-e",
        "frame.comment",
        "-e",
        "tcp.dstport",
    ];
    let filter = ["-Y", "frame.comment contains \"drop\""];
    let Some(dropped) = tshark(&path, &[&filter[..], &fields].concat()) else { return };
    assert_eq!(
        dropped,
        "1\t1700000000.123456789\t1500\tblue\tdrop: not granted [PG3]\t25\n\
         3\t1700000000.123456791\t1500\tgreen\tdrop: Ω\t25\n"
    );
    let Some(passed) = tshark(&path, &["-Y", "frame.comment contains \"pass\""]) else { return };
    assert_eq!(passed.lines().count(), 1);
}
