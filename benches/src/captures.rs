//! Sets as capture files, and the inventories that go with them.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::sets::{FIRST_SECOND, Mix, Random, Set};

/// The senders of the captures that [`write_all`] makes; all but the first four are machines of
/// the inventory.
pub const SENDERS: u32 = 1_004;

/// Writes a set as pcap, little endian, with microseconds.
///
/// # Errors
/// The file cannot be written.
pub fn write_pcap(set: &Set, path: &Path) -> io::Result<()> {
    write_records(path, &[&set.bytes])
}

fn write_records(path: &Path, records: &[&[u8]]) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    file.write_all(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0])?;
    file.write_all(&[0; 8])?;
    file.write_all(&262_144_u32.to_le_bytes())?;
    file.write_all(&1_u32.to_le_bytes())?;
    records.iter().try_for_each(|bytes| file.write_all(bytes))?;
    file.flush()
}

/// Writes the captures that aims are measured with into a folder, the same bytes every time, each
/// beside the inventory it is judged by.
///
/// # Errors
/// A file cannot be written.
pub fn write_all(folder: &Path) -> io::Result<()> {
    let named = |name: &str| folder.join(name);
    std::fs::write(named("bench.toml"), inventory(SENDERS - 4))?;
    for (name, mix, packets) in [
        ("imix.pcap", Mix::Imix, 1_100_000_000 / 378),
        ("half.pcap", Mix::Half, 1 << 20),
        ("syns.pcap", Mix::All, 1 << 20),
    ] {
        write_pcap(&Set::new(mix, packets, SENDERS, 25), &named(name))?;
    }
    write_records(&named("long.pcap"), &[&long_records(4_000)])?;
    for events in [1, 100] {
        let (sorted, around, text) = around_events(events);
        std::fs::write(named(&format!("events-{events}.toml")), text)?;
        write_records(&named(&format!("events-{events}-sorted.pcap")), &[&sorted])?;
        write_records(&named(&format!("events-{events}-around.pcap")), &[&around])?;
    }
    Ok(())
}

/// Records of 64 to 256 KiB, as segmentation offload leaves them, every tenth a SYN to port 25.
fn long_records(count: u32) -> Vec<u8> {
    let syns = Set::new(Mix::All, count as usize, SENDERS, 25);
    let mut random = Random::new(25);
    let mut bytes = Vec::new();
    for (at, frame) in (0_u32..).zip(syns.frames().iter()) {
        let len = if at % 10 == 0 { 60 } else { 65_536 + random.below(196_608) };
        record(&mut bytes, u64::from(at), len, frame.bytes);
        let end = bytes.len() + len as usize - frame.bytes.len();
        bytes.resize(end, 0x5a);
    }
    bytes
}

/// A record of a packet that was sent so many microseconds after the first.
fn record(bytes: &mut Vec<u8>, micros: u64, len: u32, frame: &[u8]) {
    let part = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    for word in [FIRST_SECOND + part(micros / 1_000_000), part(micros % 1_000_000), len, len] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.extend_from_slice(frame);
}

/// SYNs on both sides of so many events, sorted by time and in turns, with their inventory.
fn around_events(events: u32) -> (Vec<u8>, Vec<u8>, String) {
    const EACH: usize = 1 << 16;
    let set = Set::new(Mix::All, EACH, SENDERS, 25);
    let mut text = inventory(SENDERS - 4);
    for event in 0..events {
        let at = moment_text(FIRST_SECOND + 60 * (event + 1));
        let kinds = ["exemption-asked", "exemption-granted", "exemption-revoked"];
        let kind = kinds.get(event as usize % kinds.len()).copied().unwrap_or_default();
        text.push_str(&format!(
            "[[event]]\nat = {at}\nkind = \"{kind}\"\nsubscription = \"shop\"\n\n"
        ));
    }
    // A packet in turn before the first event and behind each of the others.
    let moments = u64::from(events) + 1;
    let time = |moment: u64| moment * 60_000_000 + 1_000_000;
    let (mut sorted, mut around) = (Vec::new(), Vec::new());
    let frames: Vec<_> = set.frames().iter().collect();
    for (at, frame) in (0_u64..).zip(&frames) {
        record(&mut around, time(at % moments), 60, frame.bytes);
    }
    for moment in 0..moments {
        for (at, frame) in (0_u64..).zip(&frames) {
            if at % moments == moment {
                record(&mut sorted, time(moment), 60, frame.bytes);
            }
        }
    }
    (sorted, around, text)
}

/// A moment of 2020-12-08 as an inventory writes it.
fn moment_text(second: u32) -> String {
    let of_day = second % 86_400;
    let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
    format!("\"2020-12-08T{hour:02}:{minute:02}:{second:02}Z\"")
}

/// An inventory whose machines are so many of the senders of a set: one network, one subscription.
#[must_use]
pub fn inventory(machines: u32) -> String {
    let mut text = String::from(
        "[subscription.shop]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n\n\
         [network.bench]\naddress_space = [\"10.0.0.0/8\"]\n\n\
         [network.bench.subnet.all]\nprefixes = [\"10.0.0.0/8\"]\n\n",
    );
    // The platform keeps the first four addresses of a subnet.
    for number in 4..machines + 4 {
        let address = std::net::Ipv4Addr::from(crate::sets::FIRST_SENDER + number);
        let machine = format!(
            "[machine.m{number}]\nsubscription = \"shop\"\nnetwork = \"bench\"\n\
             subnet = \"all\"\naddresses = [\"{address}\"]\n\n"
        );
        text.push_str(&machine);
    }
    text
}
