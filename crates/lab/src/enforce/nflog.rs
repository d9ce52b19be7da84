//! The kernel's packet log: what the rules decided, told by the rules themselves.

use std::io;
use std::time::Duration;

use egress25_packet_filter::filter::PortSources;
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

use crate::enforce::judge::{Court, JudgedAtPort, live};
use crate::enforce::ports::Ports;
use crate::error::LabError;
use crate::network::{Space, spawn_opened};
use crate::privileges::NOTHING;

/// The group of the kernel's packet log.
pub(crate) const GROUP: u16 = 25;
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
    let (open, listen) = (move || open(group), move |socket| listen(&socket, &court, &ports));
    let opened = match space {
        Some(space) => space.spawn_opened("nflog", NOTHING, open, listen)?,
        None => spawn_opened("nflog", NOTHING, open, listen)?,
    };
    opened.map_err(LabError::system("opening the kernel's packet log"))
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
    let mut noted = None;
    let mut stamp = None;
    let mut payload: &[u8] = &[];
    for part in parts {
        match part {
            PacketNla::Prefix(text) => {
                reason = text.to_str().ok().and_then(|text| text.parse::<Reason>().ok());
            }
            PacketNla::IfIndexInDev(index) => {
                noted = ports.get(*index);
            }
            PacketNla::Mark(mark) => stamp = mark.checked_sub(1),
            PacketNla::Payload(bytes) => payload = bytes,
            _ => {}
        }
    }
    let (Some(reason), Some(noted)) = (reason, noted) else { return };
    let port = &noted.port;
    // Outside of a lab a packet's mark is somebody else's.
    let stamp = stamp.filter(|_| port.sends != PortSources::Believed).map(u64::from);
    let wire_len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let frame = Frame { link: LinkType::Raw, bytes: payload, wire_len };
    let outcome = frame::outermost(&frame, &live());
    let snapshot = court.policy.snapshot();
    let table = &snapshot.table;
    // Who sent under somebody's address is not that somebody.
    let source = outcome.addresses().map(|(source, _)| source);
    let found = source.filter(|_| reason != Reason::SpoofedSource).and_then(|source| {
        snapshot.origins(&port.network, &port.sends)?.iter().find_map(|network| {
            let slot = table.slot(Some(*network), source).ok()?;
            Some((table.networks().name(*network)?, table.owner(slot)?))
        })
    });
    court.tell(&JudgedAtPort {
        port,
        network: found.map_or(&port.network, |(network, _)| network),
        owner: found.map(|(_, owner)| owner),
        frame,
        outcome,
        verdict: table.verdict(reason),
        reason,
        generation: stamp.unwrap_or(snapshot.generation),
    });
}
