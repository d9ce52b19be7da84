//! Batches as they leave a port: the fast path answers as the reference decides, for what bears an
//! address of the port, of somebody else, and of nobody.

use std::net::IpAddr;
use std::sync::Arc;

use egress25_packet_filter::filter::{Filter, Port, PortSources, SeenAt};
use egress25_packet_filter::frame::{FrameOptions, Origin};
use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::{FrameList, Vectors};
use egress25_packet_filter::table::Table;
use egress25_policy::{
    ForwardingPort, NetworkName, Question, Reason, Source, World, decide, decide_forwarded,
};

use crate::forwarders::{ports, world};
use crate::worlds;

/// A SYN to port 25 as raw IP, fit for a live wire.
pub(crate) fn syn(source: IpAddr, to: IpAddr) -> Vec<u8> {
    let mut packet = match (source, to) {
        (IpAddr::V4(source), IpAddr::V4(to)) => {
            let mut header =
                vec![0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            header[12..16].copy_from_slice(&source.octets());
            header[16..].copy_from_slice(&to.octets());
            let words = header.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
            let sum: u32 = words.sum();
            let sum = !((sum & 0xffff) + (sum >> 16)) & 0xffff;
            header[10..12].copy_from_slice(&sum.to_be_bytes()[2..]);
            header
        }
        (IpAddr::V6(source), IpAddr::V6(to)) => {
            let mut header = vec![0x60, 0, 0, 0, 0, 20, 6, 64];
            header.extend(source.octets());
            header.extend(to.octets());
            header
        }
        _ => panic!("{source} and {to} are of two families"),
    };
    packet.extend([0x9c, 0x40, 0, 25, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0]);
    packet
}

/// What the reference says of a SYN that leaves a port.
fn expected(
    world: &World,
    port: &Port,
    at: Option<&ForwardingPort>,
    origins: &[NetworkName],
    (source, destination): (IpAddr, IpAddr),
) -> Reason {
    let owns = |name: &&NetworkName| {
        let interfaces = world.machines().values().flat_map(|machine| &machine.interfaces);
        interfaces.clone().any(|one| one.network == **name && one.addresses.contains(&source))
    };
    let of = |network: &NetworkName| Question {
        source: Source::Address { network: Some(network.clone()), address: source },
        destination,
        port: 25,
        source_port: Some(40_000),
    };
    let is_own = match &port.sends {
        PortSources::Own(own) | PortSources::Forwarded(own) => own.contains(&source),
        PortSources::Firewall(_) | PortSources::Believed => false,
    };
    match (is_own, at, &port.sends) {
        (true, ..) => decide(world, &of(&port.name)).reason,
        (_, _, PortSources::Own(_)) => Reason::SpoofedSource,
        (_, Some(at), _) => {
            let origin = origins.iter().find(owns).unwrap_or(&port.name);
            decide_forwarded(world, at, &of(origin)).reason
        }
        _ => decide(world, &of(origins.iter().find(owns).unwrap_or(&port.name))).reason,
    }
}

fn check(seed: u64, world: &World, table: &Arc<Table>, port: &Port, at: Option<&ForwardingPort>) {
    let names: Vec<NetworkName> =
        port.origins.iter().map(|id| table.networks().name(*id).unwrap().clone()).collect();
    let known = world.machines().values().flat_map(|machine| &machine.interfaces);
    let mut sources: Vec<IpAddr> = known.flat_map(|one| one.addresses.clone()).collect();
    sources.extend(["10.99.0.9", "fd00:99::9"].map(|nobody| nobody.parse::<IpAddr>().unwrap()));
    let to = worlds::OUTSIDE.iter().map(|to| to.parse::<IpAddr>().unwrap());
    let pairs: Vec<(IpAddr, IpAddr)> = to
        .flat_map(|to| sources.iter().map(move |source| (*source, to)))
        .filter(|(source, to)| source.is_ipv4() == to.is_ipv4())
        .collect();
    let (mut list, mut bytes) = (FrameList::default(), Vec::new());
    for (source, to) in &pairs {
        let packet = syn(*source, *to);
        let length = u32::try_from(packet.len()).unwrap();
        list.push(u32::try_from(bytes.len()).unwrap(), length, length);
        bytes.extend(packet);
    }
    let expected: Vec<Reason> =
        pairs.iter().map(|pair| expected(world, port, at, &names, *pair)).collect();
    for origin in [Origin::Live, Origin::Capture] {
        let options = FrameOptions { origin, ..FrameOptions::default() };
        for level in Vectors::ALL.iter().copied().filter(|level| level.is_here()) {
            let mut filter = Filter::new(table.clone(), options);
            filter.set_vectors(level);
            filter.see_at(SeenAt::Port(port.clone()));
            let mut rulings = Vec::new();
            filter.judge(&list.frames(LinkType::Raw, None, &bytes), &mut rulings);
            for ((ruling, expected), pair) in rulings.iter().zip(&expected).zip(&pairs) {
                let found = (ruling.reason(), ruling.verdict());
                let right = (Some(*expected), table.verdict(*expected));
                assert_eq!(found, right, "world {seed}: {pair:?} at {port:?}");
            }
        }
    }
}

#[test]
fn what_leaves_a_port_in_a_batch_is_judged_as_the_reference_decides() {
    for seed in 0..40 {
        let world = world(seed);
        let table = Arc::new(Table::compile(&world, 0).unwrap());
        let origins = |own: &NetworkName| {
            let others = world.networks().keys().filter(|name| *name != own);
            [own].into_iter().chain(others).filter_map(|name| table.network(name)).collect()
        };
        let port = |name: &NetworkName, sends| Port {
            network: table.network(name),
            name: name.clone(),
            origins: origins(name),
            sends,
        };
        let interfaces = world.machines().values().flat_map(|machine| &machine.interfaces);
        for interface in interfaces.filter(|interface| !interface.ip_forwarding) {
            let sends = PortSources::Own(interface.addresses.as_slice().into());
            check(seed, &world, &table, &port(&interface.network, sends), None);
        }
        for (at, (network, address)) in ports(&world) {
            let sends = match &at {
                ForwardingPort::Machine(name, place) => PortSources::Forwarded(
                    world.machines()[name].interfaces[*place].addresses.as_slice().into(),
                ),
                ForwardingPort::Firewall(_) => PortSources::Firewall(address),
            };
            check(seed, &world, &table, &port(&network, sends), Some(&at));
        }
        for name in world.networks().keys() {
            check(seed, &world, &table, &port(name, PortSources::Believed), None);
        }
    }
}
