//! The kernel's packet log: what the rules decided, told by the rules themselves.

use std::io;
use std::sync::PoisonError;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use egress25_packet_filter::frame::{self, Frame};
use egress25_packet_filter::link::LinkType;
use egress25_policy::Reason;
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_netfilter::nflog::{
    ConfigCmd, ConfigMode, PacketNla, Timeout, ULogMessage, config_request,
};
use netlink_packet_netfilter::{NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily};
use netlink_sys::Socket;
use netlink_sys::constants::NETLINK_NETFILTER;

use crate::enforce::Ports;
use crate::enforce::judge::{Court, addresses, live};
use crate::enforce::verdict::{JudgedPacket, VerdictEvent};
use crate::error::LabError;
use crate::network::Space;

/// How long the kernel gathers messages before it sends them.
const GATHER: Duration = Duration::from_millis(10);
/// How much may wait in the socket.
const BUFFER: usize = 16 << 20;

/// Starts to listen to a group of the log in a namespace; without one, in the caller's own.
pub(crate) fn start(
    space: Option<&Space>,
    group: u16,
    court: Court,
    ports: Ports,
) -> Result<(), LabError> {
    let (ready, is_ready) = sync_channel(1);
    let work = move || match open(group) {
        Err(error) => {
            let _ = ready.send(Err(error));
        }
        Ok(socket) => {
            let _ = ready.send(Ok(()));
            listen(&socket, &court, &ports);
        }
    };
    match space {
        Some(space) => drop(space.spawn("nflog", work)?),
        None => drop(
            std::thread::Builder::new()
                .name("nflog".to_owned())
                .spawn(work)
                .map_err(LabError::system("starting a thread"))?,
        ),
    }
    is_ready
        .recv()
        .unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
        .map_err(LabError::system("opening the kernel's packet log"))
}

fn open(group: u16) -> io::Result<Socket> {
    let mut socket = Socket::new(NETLINK_NETFILTER)?;
    socket.bind_auto()?;
    let _ = socket.set_rx_buf_sz(i32::try_from(BUFFER).unwrap_or(i32::MAX));
    let _ = socket.set_no_enobufs(true);
    let timeout: Timeout = GATHER.into();
    let commands = vec![ConfigCmd::Bind.into(), ConfigMode::PACKET_MAX.into(), timeout.into()];
    let request = config_request(NetfilterProtoFamily::Unspec, group, commands);
    let mut bytes = vec![0; request.buffer_len()];
    request.serialize(&mut bytes);
    socket.send(&bytes, 0)?;
    let (answer, _) = socket.recv_from_full()?;
    match NetlinkMessage::<NetfilterMessage>::deserialize(&answer).map(|m| m.payload) {
        Ok(NetlinkPayload::Error(error)) => match error.code {
            None => Ok(socket),
            Some(_) => Err(error.to_io()),
        },
        _ => Err(io::Error::other("the kernel's packet log gave no answer")),
    }
}

fn listen(socket: &Socket, court: &Court, ports: &Ports) {
    loop {
        let bytes = match socket.recv_from_full() {
            Ok((bytes, _)) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let what = "the rules are in force, but verdicts are told no more";
                court.hub.complain(format!("the kernel's packet log has failed: {error}; {what}"));
                return;
            }
        };
        let mut rest = bytes.as_slice();
        while let Ok(message) = NetlinkMessage::<NetfilterMessage>::deserialize(rest) {
            let length = usize::try_from(message.header.length).unwrap_or(usize::MAX);
            if let NetlinkPayload::InnerMessage(NetfilterMessage {
                inner: NetfilterMessageInner::ULog(ULogMessage::Packet(parts)),
                ..
            }) = &message.payload
            {
                tell(court, ports, parts);
            }
            // Messages begin at multiples of four bytes.
            let next = length.max(16).next_multiple_of(4);
            match rest.get(next..) {
                Some(more) if !more.is_empty() => rest = more,
                _ => break,
            }
        }
    }
}

fn tell(court: &Court, ports: &Ports, parts: &[PacketNla]) {
    let mut reason = None;
    let mut port = None;
    let mut stamp = None;
    let mut payload: &[u8] = &[];
    for part in parts {
        match part {
            PacketNla::Prefix(text) => {
                reason = text.to_str().ok().and_then(|text| text.parse::<Reason>().ok());
            }
            PacketNla::IfIndexInDev(index) => {
                let ports = ports.read().unwrap_or_else(PoisonError::into_inner);
                port = ports.get(index).map(|(_, port)| port.clone());
            }
            PacketNla::Mark(mark) => stamp = mark.checked_sub(1),
            PacketNla::Payload(bytes) => payload = bytes,
            _ => {}
        }
    }
    let (Some(reason), Some(port)) = (reason, port) else { return };
    // Outside of a lab a packet's mark is somebody else's.
    let stamp = stamp.filter(|_| port.at.is_some()).map(u64::from);
    let wire_len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let frame = Frame { link: LinkType::Raw, bytes: payload, wire_len };
    let outcome = frame::outermost(&frame, &live());
    let candidate = outcome.candidate();
    let (source, destination) = addresses(&outcome);
    let snapshot = court.policy.snapshot();
    let table = &snapshot.table;
    // Outside of a lab an address of a network far away is nobody's.
    let networks = match &port.at {
        Some(_) => snapshot.nearest_first(&port.network),
        None => snapshot.origins(&port.network),
    };
    let found = source.and_then(|source| {
        networks.iter().find_map(|network| {
            let slot = table.slot(Some(table.network(network)?), source).ok()?;
            Some((network, table.owner(slot)?))
        })
    });
    court.hub.tell(VerdictEvent {
        seq: 0,
        at: (court.clock)(),
        network: found.map_or(&port.network, |(network, _)| network).as_str().to_owned(),
        machine: found.map(|(_, owner)| owner.machine.as_str().to_owned()),
        subscription: found.map(|(_, owner)| owner.subscription.as_str().to_owned()),
        port: port.owner.clone(),
        source,
        source_port: candidate.map(|candidate| candidate.source_port),
        destination,
        destination_port: candidate.map(|candidate| candidate.destination_port),
        verdict: table.verdict(reason),
        reason,
        generation: stamp.unwrap_or(snapshot.generation),
        packet: Some(JudgedPacket { link: LinkType::Raw, bytes: payload.into() }),
    });
}
