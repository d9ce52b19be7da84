//! The control socket: a thread for each connection. They are this user's own, and what they ask
//! for blocks (a dial, programs, the lock of events, descriptors that are handed over, verdicts
//! that are waited for): on the runtime each would need a thread besides its task.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use rustix::fs::{Mode, fchmod};
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with,
};

use crate::connect;
use crate::control::descriptors::send_files;
use crate::control::place::{SOCKET, same_user};
use crate::control::requests::{LabAnswer, LabView, NodeView, Request};
use crate::error::{Fault, LabError};
use crate::network::graph::Graph;
use crate::network::isolate;
use crate::network::plan::NodeKind;
use crate::owner::{Owner, listeners};

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
                let work = move || {
                    if let Err(error) = client(&owner, &stream, &down)
                        && !has_gone(&error)
                    {
                        owner.complain(format!("a connection to the lab has failed: {error}"));
                    }
                };
                let started = std::thread::Builder::new().name("client".to_owned()).spawn(work);
                if let Err(error) = started {
                    // Its connection is closed with what the thread was to have.
                    accepting.complain(format!("nobody could answer a connection: {error}"));
                }
            }
        })
        .map_err(LabError::system("starting a thread"))?;
    ready();
    // The sender lives as long as the thread does.
    let _ = is_down.recv();
    let _ = fs::remove_file(&path);
    // What was judged is told, whoever listens learns of the end, and captures are written to
    // theirs.
    std::thread::sleep(listeners::SETTLES);
    owner.court.hub.close();
    owner.captures.wait();
    Ok(())
}

/// Whether an error says no more than that the other side has gone.
fn has_gone(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset)
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
                LabAnswer::Failed { what, fault: Fault::Request }.send(stream)?;
            }
            Ok(Request::Events { since_start }) => {
                return listeners::events(owner, stream, since_start);
            }
            Ok(Request::Capture) => return listeners::capture(owner, stream),
            Ok(Request::Enter { node }) => enter(owner, stream, &node)?,
            Ok(Request::Down) => {
                LabAnswer::Done.send(stream)?;
                let _ = down.send(());
                return Ok(());
            }
            Ok(request) => {
                let answer = answer(owner, request).unwrap_or_else(|error| (&error).into());
                answer.send(stream)?;
            }
        }
        line.clear();
    }
    Ok(())
}

fn answer(owner: &Owner, request: Request) -> Result<LabAnswer, LabError> {
    Ok(match request {
        Request::Inspect => LabAnswer::View(Box::new(view(owner))),
        Request::Apply { events } => {
            owner.happen(&events)?;
            LabAnswer::Done
        }
        Request::Connect(dial) => {
            let outcome = connect::dial(owner, &dial, connect::outcome)?;
            LabAnswer::Connected { outcome }
        }
        Request::Mail { dial, recipient } => {
            let outcome = connect::dial(owner, &dial, |to, patience| {
                crate::smtp::send(to, &dial.from, &recipient, patience)
            })?;
            LabAnswer::Mailed { outcome: outcome.to_owned() }
        }
        Request::StopFilter => {
            owner.stop_filter();
            LabAnswer::Done
        }
        Request::Enter { .. } | Request::Events { .. } | Request::Capture | Request::Down => {
            LabAnswer::Failed {
                what: "this is answered elsewhere".to_owned(),
                fault: Fault::Request,
            }
        }
    })
}

fn view(owner: &Owner) -> LabView {
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
                        for public in &interface.public_addresses {
                            note("public", &public.to_string());
                        }
                    }
                }
                "machine"
            }
            NodeKind::Firewall(_) => "azure-firewall",
            NodeKind::Host(_) => "host",
            NodeKind::Network(_) => "network",
            NodeKind::Edge(_) => "edge",
            NodeKind::Internet => "internet",
            NodeKind::Wires => "wires",
        };
        let addresses = plan.addresses(*id).collect();
        nodes.push(NodeView { name: name.clone(), kind: kind.to_owned(), addresses, notes });
    }
    let graph = Graph::from(&*plan);
    LabView {
        since: owner.since,
        datapath: owner.datapath.name().to_owned(),
        generation: owner.court.policy.generation(),
        user_namespace: isolate::in_user_namespace(),
        nodes,
        counts: owner.court.hub.counts(),
        complaints: owner.court.hub.complaints(),
        graph: graph.dot(),
        mermaid: graph.mermaid(),
    }
}

/// Hands the namespaces of a node over.
fn enter(owner: &Owner, stream: &UnixStream, node: &str) -> io::Result<()> {
    let entered = owner.plan().node(node).and_then(|id| {
        if let Some(NodeKind::Machine(machine)) = owner.plan().nodes.get(id).map(|n| &n.kind) {
            owner.check_runs(machine)?;
        }
        owner.spaces.get(id)
    });
    let space = match entered {
        Ok(space) => space,
        Err(error) => return LabAnswer::from(&error).send(stream),
    };
    let open = |kind: &str| File::open(format!("/proc/self/ns/{kind}")).map(OwnedFd::from);
    let mut more = vec![open("pid")?];
    if isolate::in_user_namespace() {
        more.push(open("user")?);
    }
    let mut all: Vec<BorrowedFd<'_>> = space.all().to_vec();
    all.extend(more.iter().map(AsFd::as_fd));
    send_files(stream, &LabAnswer::Spaces { count: all.len() }.line()?, &all)
}
