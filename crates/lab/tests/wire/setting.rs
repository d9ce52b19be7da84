//! A court with one network, links to send on, and frames.

use std::process::Command;
use std::sync::Arc;

use egress25_lab::enforce::judge::{Court, JudgedPort};
use egress25_lab::enforce::policy_state::PolicyState;
use egress25_lab::network::plan::Stands;
use egress25_packet_filter::sieve::FrameList;
use egress25_policy::{Edition, InventoryFile, NetworkName};
use etherparse::PacketBuilder;

const INVENTORY: &str = r#"
[subscription.shop]
offer = "pay-as-you-go"
created = "2019-03-01"

[network.net]
address_space = ["10.1.0.0/16"]

[network.net.subnet.web]
prefixes = ["10.1.0.0/24"]

[machine.vm]
subscription = "shop"
network = "net"
addresses = ["10.1.0.4"]
"#;

/// A court that judges by one network with one machine, and the machine's port.
pub(crate) fn court() -> (Court, JudgedPort) {
    let inventory = InventoryFile::parse(INVENTORY).unwrap();
    let world = inventory.build(&Edition::default_edition().unwrap(), &[]).unwrap().world;
    let (name, machine) = world.machines().iter().next().unwrap();
    let at = Stands::machine(&world, name, machine, &machine.interfaces[0]);
    let port = JudgedPort::of(&NetworkName::from("net"), &at);
    let policy = Arc::new(PolicyState::new(&world).unwrap());
    let clock = || jiff::Timestamp::UNIX_EPOCH;
    (Court { policy, hub: Arc::default(), clock }, port)
}

/// Enters a new network namespace with links whose ends have these names; why not, if it cannot
/// be. Nothing in it sends by itself.
pub(crate) fn enter(links: &[(&str, &str)]) -> Result<(), String> {
    nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET)
        .map_err(|error| format!("no network namespace can be made here: {error}"))?;
    // Who sends what in here is the test alone.
    std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1")
        .map_err(|error| format!("IPv6 cannot be turned off in a namespace: {error}"))?;
    for (left, right) in links {
        ip(&["link", "add", left, "type", "veth", "peer", "name", right])?;
        for end in [left, right] {
            ip(&["link", "set", end, "up"])?;
        }
    }
    Ok(())
}

fn ip(words: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(words).output().map_err(|error| format!("ip: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    output.status.success().then_some(()).ok_or(said)
}

/// A TCP segment in an Ethernet frame with four bytes that tell which one it is.
pub(crate) fn frame(from: [u8; 4], to_port: u16, syn: bool, number: u32) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2])
        .ipv4(from, [203, 0, 113, 25], 64)
        .tcp(40_000, to_port, number, 1_024);
    let builder = if syn { builder.syn() } else { builder.ack(1) };
    let mut frame = Vec::new();
    builder.write(&mut frame, &number.to_be_bytes()).unwrap();
    frame
}

/// Frames one after the other, and where they are.
pub(crate) fn in_a_row(frames: &[Vec<u8>]) -> (Vec<u8>, FrameList) {
    let (mut bytes, mut list) = (Vec::new(), FrameList::default());
    for frame in frames {
        let length = u32::try_from(frame.len()).unwrap();
        list.push(u32::try_from(bytes.len()).unwrap(), length, length);
        bytes.extend_from_slice(frame);
    }
    (bytes, list)
}
