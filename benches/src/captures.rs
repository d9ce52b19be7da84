//! Sets as capture files.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::sets::Set;

/// Writes a set as pcap, little endian, with microseconds.
///
/// # Errors
/// The file cannot be written.
pub fn write_pcap(set: &Set, path: &Path) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 20, std::fs::File::create(path)?);
    file.write_all(&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0])?;
    file.write_all(&[0; 8])?;
    file.write_all(&262_144_u32.to_le_bytes())?;
    file.write_all(&1_u32.to_le_bytes())?;
    file.write_all(&set.bytes)?;
    file.flush()
}

/// A lab whose machines are so many of the senders of a set: one network, one subscription.
#[must_use]
pub fn lab(machines: u32) -> String {
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
