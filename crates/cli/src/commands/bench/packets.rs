//! The packets that are measured with, in memory.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::{FrameList, Frames};
use egress25_packet_filter::table::{Leaf, NetworkId, RouteSet, Table, TableBuilder};
use egress25_policy::{NetworkName, Reason, World};
use ipnet::IpNet;

use crate::args::BenchArgs;
use crate::read::capture;
use crate::read::inventory::InventoryInput;
use crate::read::network;
use crate::say::failure::Failure;

/// Frames in a batch.
const BATCH: usize = 4096;

/// The packets and the senders of our own set.
const BUILT_IN_PACKETS: u32 = 1 << 16;
const BUILT_IN_SENDERS: u32 = 100_000;

/// Packets in memory.
#[derive(Debug, Default)]
pub(super) struct Packets {
    source: String,
    bytes: Vec<u8>,
    runs: Vec<Run>,
    /// What whoever reads the figures has to know of them.
    warnings: Vec<String>,
}

/// Packets of one interface and link type that follow each other.
#[derive(Debug)]
struct Run {
    link: LinkType,
    interface: Option<String>,
    base: usize,
    list: FrameList,
}

/// The packets, the table, and the network that they belong to.
pub(super) type BenchInput = (Packets, Arc<Table>, Option<NetworkId>);

/// Loads what the arguments ask for.
pub(super) fn load(args: &BenchArgs) -> Result<BenchInput, Failure> {
    let (Some(capture), Some(inventory)) = (&args.capture, &args.inventory) else {
        return built_in().map_err(|error| Failure::Internal(error.to_string()));
    };
    let inventory = InventoryInput::load(inventory, &[], &args.edition.set)?;
    let edition = inventory.edition(args.edition.edition.as_deref())?;
    let timeline = inventory.timeline(&edition)?;
    let table = Table::compile(timeline.world(), 1);
    let table = Arc::new(table.map_err(|error| Failure::Usage(error.to_string()))?);
    let network = network_id(&table, timeline.world(), args.network.as_deref())?;
    let limit = (args.memory.get() as usize).saturating_mul(1 << 20);
    Ok((Packets::read(capture, limit)?, table, network))
}

impl Packets {
    fn read(path: &Path, limit: usize) -> Result<Self, Failure> {
        let mut reader = capture::open(path)?;
        let mut packets = Self { source: format!("`{}`", reader.name()), ..Self::default() };
        while packets.bytes.len() < limit
            && let Some(record) = reader.next_record()?
        {
            let interface = record.interface.and_then(|interface| interface.name);
            packets.add(record.link, interface, record.data, record.wire_len);
        }
        packets.warnings = reader.warnings().iter().map(ToString::to_string).collect();
        if packets.bytes.len() >= limit {
            packets.warnings.push("packets behind the limit of --memory are left out".to_owned());
        }
        Ok(packets)
    }

    fn add(&mut self, link: LinkType, interface: Option<&str>, data: &[u8], wire: u32) {
        let at = self.bytes.len();
        let fits = self.runs.last().is_some_and(|run| {
            run.link == link
                && run.interface.as_deref() == interface
                && at.saturating_sub(run.base) < 1 << 31
        });
        if !fits {
            let (interface, list) = (interface.map(str::to_owned), FrameList::default());
            self.runs.push(Run { link, interface, base: at, list });
        }
        let Some(run) = self.runs.last_mut() else { return };
        let offset = u32::try_from(at.saturating_sub(run.base));
        if let (Ok(offset), Ok(len)) = (offset, u32::try_from(data.len())) {
            // As in a capture file: a header of 16 bytes between two packets.
            run.list.push(offset.saturating_add(16), len, wire);
            self.bytes.extend_from_slice(&[0; 16]);
            self.bytes.extend_from_slice(data);
        }
    }

    /// What whoever reads the figures has to know of them.
    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Where they come from.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.runs.iter().map(|run| run.list.len()).sum()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes they have.
    pub(super) fn bytes(&self) -> u64 {
        let headers = self.len().saturating_mul(16);
        u64::try_from(self.bytes.len().saturating_sub(headers)).unwrap_or(u64::MAX)
    }

    /// Whether all of them are Ethernet.
    pub(super) fn is_ethernet(&self) -> bool {
        self.runs.iter().all(|run| run.link == LinkType::Ethernet)
    }

    /// Whether all of them are of one link type, and of no interface that has a name.
    pub(super) fn is_plain(&self) -> bool {
        let link = self.runs.first().map(|run| run.link);
        self.runs.iter().all(|run| Some(run.link) == link && run.interface.is_none())
    }

    /// All of them, batch by batch.
    pub(super) fn batches(&self) -> impl Iterator<Item = Frames<'_>> {
        self.runs.iter().flat_map(|run| {
            let bytes = self.bytes.get(run.base..).unwrap_or_default();
            let all = run.list.frames(run.link, run.interface.as_deref(), bytes);
            (0..all.len()).step_by(BATCH).map(move |start| {
                let end = start.saturating_add(BATCH).min(all.len());
                Frames {
                    offsets: all.offsets.get(start..end).unwrap_or_default(),
                    captured: all.captured.get(start..end).unwrap_or_default(),
                    wire: all.wire.get(start..end).unwrap_or_default(),
                    ..all
                }
            })
        })
    }
}

/// Our own packets: sizes of 64, 594 and 1518 bytes as 7 : 4 : 1, one in 100 a SYN to port 25 of
/// one of 100,000 machines.
fn built_in() -> Result<BenchInput, egress25_packet_filter::table::TooLarge> {
    let mut builder = TableBuilder::default();
    let network = builder.network(&NetworkName::from("own"));
    let routes = RouteSet::new(vec![(IpNet::V4(ipnet::Ipv4Net::default()), Leaf::Edge)]);
    let place = builder.place(network, &routes)?;
    for number in 0..BUILT_IN_SENDERS {
        let address = IpAddr::V4(Ipv4Addr::from(0x0a00_0000_u32.saturating_add(number)));
        builder.address(place, address, None, Reason::NotGranted)?;
    }
    let mut packets =
        Packets { source: "packets of ours (IMIX, 1 % SYN/25)".to_owned(), ..Packets::default() };
    let mut state = 25_u64;
    let mut below = move |limit: u32| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        u32::try_from(((state >> 33).wrapping_mul(u64::from(limit))) >> 31).unwrap_or_default()
    };
    for _ in 0..BUILT_IN_PACKETS {
        let syn = below(100) == 0;
        let len: u16 = match below(12) {
            _ if syn => 60,
            0..7 => 64,
            7..11 => 594,
            _ => 1518,
        };
        let source = 0x0a00_0000_u32.saturating_add(below(BUILT_IN_SENDERS));
        let frame = frame(syn, len, source, 0x0b00_0000_u32.saturating_add(below(1 << 30)));
        packets.add(LinkType::Ethernet, None, &frame, u32::from(len));
    }
    Ok((packets, Arc::new(builder.build(1)?), None))
}

/// A TCP packet over Ethernet and IPv4.
fn frame(syn: bool, len: u16, source: u32, destination: u32) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    frame.extend(len.saturating_sub(14).to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
    frame.extend(source.to_be_bytes());
    frame.extend(destination.to_be_bytes());
    frame.extend([0x9c, 0x40]);
    frame.extend((if syn { 25_u16 } else { 443 }).to_be_bytes());
    frame.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, if syn { 2 } else { 0x10 }, 0xff, 0xff]);
    frame.resize(usize::from(len), 0);
    frame
}

/// The id of a network in a table.
fn network_id(
    table: &Table,
    world: &World,
    name: Option<&str>,
) -> Result<Option<NetworkId>, Failure> {
    let name = name.map(|name| network::named(world, name)).transpose()?;
    Ok(name.and_then(|name| table.network(&name)))
}
