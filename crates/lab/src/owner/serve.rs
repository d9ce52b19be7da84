//! The control socket: a thread for each connection.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, IoSlice, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use egress25_packet_filter::capture::{NewInterface, OutputFile, Packet, PcapngWriter};
use rustix::fs::{Mode, fchmod};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType, bind, listen, sendmsg, socket_with,
};

use super::requests::{Answer, Fault, NodeView, Request, View};
use super::{Owner, probe_free};
use crate::datapath::space;
use crate::error::LabError;
use crate::place::same_user;
use crate::plan::NodeKind;
use crate::verdict::Told;
use crate::{connect, graph, isolate};

/// The control socket's name in the lab's folder.
pub(crate) const SOCKET: &str = "control.sock";

/// Answers until somebody takes the lab down. `ready` is called when questions can come.
///
/// # Errors
/// The socket cannot be made.
pub fn serve(owner: &Arc<Owner>, ready: impl FnOnce()) -> Result<(), LabError> {
    let path = owner.folder.join(SOCKET);
    // One that a killed lab left behind answers nobody.
    let _ = fs::remove_file(&path);
    let failed = || LabError::system(format!("opening `{}`", path.display()));
    let listener = listener(&path).map_err(failed())?;
    let (down, is_down) = channel();
    let accepting = owner.clone();
    std::thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else {
                    // Out of descriptors, most likely: it passes.
                    std::thread::sleep(Duration::from_millis(50));
                    continue;
                };
                let (owner, down) = (accepting.clone(), down.clone());
                let _ = std::thread::Builder::new()
                    .name("client".to_owned())
                    .spawn(move || drop(client(&owner, &stream, &down)));
            }
        })
        .map_err(LabError::system("starting a thread"))?;
    ready();
    // The sender lives as long as the thread does.
    let _ = is_down.recv();
    let _ = fs::remove_file(&path);
    Ok(())
}

/// A socket for this user alone, whatever the caller's umask is: the socket's mode is that of
/// the file.
fn listener(path: &Path) -> io::Result<UnixListener> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    bind(&socket, &SocketAddrUnix::new(path)?)?;
    listen(&socket, 128)?;
    Ok(socket.into())
}

fn client(owner: &Owner, stream: &UnixStream, down: &Sender<()>) -> io::Result<()> {
    same_user(stream)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    while reader.read_line(&mut line)? > 0 {
        match serde_json::from_str::<Request>(&line) {
            Err(error) => {
                let what = format!("the request is none: {error}");
                say(stream, &Answer::Failed { what, fault: Fault::Request })?;
            }
            Ok(Request::Events) => return events(owner, stream),
            Ok(Request::Capture { path }) => return capture(owner, stream, &path),
            Ok(Request::Enter { node }) => enter(owner, stream, &node)?,
            Ok(Request::Down) => {
                say(stream, &Answer::Done { generation: owner.court.policy.generation() })?;
                let _ = down.send(());
                return Ok(());
            }
            Ok(request) => {
                let answer = answer(owner, request).unwrap_or_else(|error| (&error).into());
                say(stream, &answer)?;
            }
        }
        line.clear();
    }
    Ok(())
}

fn say(mut stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    let mut text = serde_json::to_vec(answer)?;
    text.push(b'\n');
    stream.write_all(&text)
}

fn answer(owner: &Owner, request: Request) -> Result<Answer, LabError> {
    let generation = || owner.court.policy.generation();
    Ok(match request {
        Request::Inspect => Answer::View(Box::new(view(owner))),
        Request::Apply { events } => Answer::Done { generation: owner.ask(&events)? },
        Request::Connect { from, to, port, patience } => {
            let node = owner.plan().node(&from)?;
            let address = connect::resolve(owner, node, &to)?;
            let patience = Duration::from_millis(patience);
            let space = space(&owner.spaces, node)?;
            Answer::Connected { outcome: connect::connect(&space, (address, port), patience)? }
        }
        Request::Mail { from, to, port, recipient, patience } => {
            let node = owner.plan().node(&from)?;
            let address = connect::resolve(owner, node, &to)?;
            let patience = Duration::from_millis(patience);
            let space = space(&owner.spaces, node)?;
            let outcome = crate::smtp::send(&space, (address, port), &from, &recipient, patience)?;
            Answer::Mailed { outcome }
        }
        Request::Mailboxes => Answer::Mailboxes { mails: owner.mail.all() },
        Request::StopFilter => {
            owner.stop_filter();
            Answer::Done { generation: generation() }
        }
        Request::Enter { .. } | Request::Events | Request::Capture { .. } | Request::Down => {
            Answer::Failed { what: "this is answered elsewhere".to_owned(), fault: Fault::Request }
        }
    })
}

fn view(owner: &Owner) -> View {
    let world = owner.court.policy.world();
    let plan = owner.plan();
    let mut nodes = Vec::new();
    for (name, id) in &plan.names {
        let Some(node) = plan.nodes.get(*id) else { continue };
        let mut notes = Vec::new();
        let mut note = |key: &str, value: &str| notes.push((key.to_owned(), value.to_owned()));
        let kind = match &node.kind {
            NodeKind::Machine(machine) => {
                if let Some(found) = world.machines().get(machine) {
                    note("subscription", found.subscription.as_str());
                    note("power", found.state.power.name());
                    for interface in &found.interfaces {
                        note("network", interface.network.as_str());
                    }
                }
                "machine"
            }
            NodeKind::Firewall(_) => "azure-firewall",
            NodeKind::Host(_) => "host",
            NodeKind::Network(_) => "network",
            NodeKind::Edge(_) => "edge",
            NodeKind::Internet => "internet",
            NodeKind::OnPremises(_) => "on-premises",
            NodeKind::Wires => "wires",
        };
        let addresses = plan
            .ends(*id)
            .flat_map(|end| end.addresses.iter().map(ipnet::IpNet::addr))
            .filter(|address| !graph::is_link_local(*address))
            .collect();
        nodes.push(NodeView { name: name.clone(), kind: kind.to_owned(), addresses, notes });
    }
    View {
        datapath: owner.datapath.name().to_owned(),
        generation: owner.court.policy.generation(),
        user_namespace: isolate::in_user_namespace(),
        nodes,
        counts: owner
            .court
            .hub
            .counts()
            .into_iter()
            .map(|(reason, verdict, count)| (reason.to_string(), verdict.to_owned(), count))
            .collect(),
        complaints: owner.court.hub.complaints(),
        graph: graph::dot(&plan),
    }
}

/// Hands the namespaces of a node over.
fn enter(owner: &Owner, stream: &UnixStream, node: &str) -> io::Result<()> {
    let entered = owner.plan().node(node).and_then(|id| {
        if let Some(NodeKind::Machine(machine)) = owner.plan().nodes.get(id).map(|n| &n.kind) {
            owner.runs(machine)?;
        }
        space(&owner.spaces, id)
    });
    let space = match entered {
        Ok(space) => space,
        Err(error) => return say(stream, &(&error).into()),
    };
    let open = |kind: &str| File::open(format!("/proc/self/ns/{kind}")).map(OwnedFd::from);
    let mut more = vec![open("pid")?];
    if isolate::in_user_namespace() {
        more.push(open("user")?);
    }
    let mut all: Vec<BorrowedFd<'_>> = space.all().to_vec();
    all.extend(more.iter().map(AsFd::as_fd));
    let mut text = serde_json::to_vec(&Answer::Spaces { count: all.len() })?;
    text.push(b'\n');
    let mut room = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut ancillary = SendAncillaryBuffer::new(&mut room);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&all)) {
        return Err(io::Error::other("the namespaces do not fit into one message"));
    }
    sendmsg(stream, &[IoSlice::new(&text)], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Calls `each` with every verdict until the other side has gone.
fn follow(
    owner: &Owner,
    stream: &UnixStream,
    mut each: impl FnMut(Told) -> io::Result<()>,
) -> io::Result<()> {
    let heard = owner.court.hub.listen();
    say(stream, &Answer::Done { generation: owner.court.policy.generation() })?;
    stream.set_read_timeout(Some(Duration::from_millis(1)))?;
    let mut idle = 0_u32;
    loop {
        match heard.recv_timeout(Duration::from_millis(50)) {
            Ok(told) => {
                if probe_free(&told) {
                    each(told)?;
                }
                idle = idle.saturating_add(1);
            }
            Err(RecvTimeoutError::Timeout) => idle = u32::MAX,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        // Whether anybody is there costs a system call: now and then is enough.
        if idle > 1_000 {
            idle = 0;
            let mut byte = [0_u8; 1];
            match io::Read::read(&mut &*stream, &mut byte) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn events(owner: &Owner, stream: &UnixStream) -> io::Result<()> {
    let mut out = stream;
    follow(owner, stream, |told| {
        let mut text = match told {
            Told::Verdict(event) => serde_json::to_vec(&*event)?,
            Told::Missed(count) => format!("{{\"missed\":{count}}}").into_bytes(),
            Told::Note(what) => serde_json::to_vec(&serde_json::json!({ "note": &*what }))?,
        };
        text.push(b'\n');
        out.write_all(&text)
    })
}

/// Writes what is judged until the other side has gone, each network as an interface.
fn capture(owner: &Owner, stream: &UnixStream, path: &Path) -> io::Result<()> {
    let mut interfaces = Vec::new();
    let wrong = |error: &dyn std::fmt::Display| io::Error::other(error.to_string());
    let begin = || -> io::Result<_> {
        let file = OutputFile::create(path).map_err(|error| wrong(&error))?;
        let comment = "captured by egress25 lab: every judged packet with its verdict";
        PcapngWriter::new(file, Some(comment)).map_err(|error| wrong(&error))
    };
    let mut writer = match begin() {
        Ok(writer) => writer,
        Err(error) => {
            return say(stream, &Answer::Failed { what: error.to_string(), fault: Fault::Lab });
        }
    };
    let world = owner.court.policy.world();
    let result = follow(owner, stream, |told| {
        let event = match told {
            Told::Verdict(event) => event,
            Told::Missed(count) => {
                let name = path.display();
                owner.complain(format!("{count} packets came too fast for the capture `{name}`"));
                return Ok(());
            }
            Told::Note(_) => return Ok(()),
        };
        let Some(packet) = &event.packet else { return Ok(()) };
        let key = (event.network.clone(), packet.link);
        let id = match interfaces.iter().find(|(known, _)| *known == key) {
            Some((_, id)) => *id,
            None => {
                let found = world.networks().get(event.network.as_str());
                let shown = found.and_then(|n| n.capture.interfaces.first());
                let name = shown.cloned().unwrap_or_else(|| event.network.clone());
                let interface = NewInterface {
                    link: packet.link,
                    name: Some(name.into()),
                    description: None,
                    snaplen: 0,
                };
                let id = writer.add_interface(&interface).map_err(|error| wrong(&error))?;
                interfaces.push((key, id));
                id
            }
        };
        let wire_len = u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX);
        let packet = Packet { timestamp: Some(event.at), wire_len, data: &packet.bytes };
        writer.write_packet(id, &packet, &[&event.comment()]).map_err(|error| wrong(&error))
    });
    let file = writer.finish().map_err(|error| wrong(&error))?;
    file.finish().map_err(|error| wrong(&error))?;
    // The file is whole; whoever still listens is told by the end of the connection.
    result
}
