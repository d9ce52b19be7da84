//! The other side of the control socket: asks a running lab, and enters its nodes.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use crate::control::descriptors::{receive_files, send_files};
use crate::control::place::{LabFolder, SOCKET, same_user};
use crate::control::requests::{LabAnswer, Request};
use crate::error::{Fault, LabError};
use crate::privileges;
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;

/// A connection to a running lab.
#[derive(Debug)]
pub struct Client {
    path: PathBuf,
    stream: UnixStream,
    reader: BufReader<UnixStream>,
}

impl Client {
    /// Connects to the lab of a folder.
    ///
    /// # Errors
    /// No lab is up there, or it is another user's.
    pub fn connect(folder: &Path) -> Result<Self, LabError> {
        LabFolder::open(folder)?;
        let path = folder.join(SOCKET);
        let unreachable = |error: io::Error| LabError::Unreachable {
            path: path.display().to_string(),
            what: format!("{error}; is the lab up?"),
        };
        let stream = UnixStream::connect(&path).map_err(unreachable)?;
        same_user(&stream).map_err(unreachable)?;
        let reader = BufReader::new(stream.try_clone().map_err(unreachable)?);
        Ok(Self { path: path.clone(), stream, reader })
    }

    /// Waits for no answer longer than this.
    ///
    /// # Errors
    /// The system refuses.
    pub fn set_patience(&self, patience: Duration) -> Result<(), LabError> {
        self.stream.set_read_timeout(Some(patience)).map_err(|error| self.lost(error.to_string()))
    }

    /// The number of the process that owns the lab, as the caller sees it.
    #[must_use]
    pub fn owner(&self) -> Option<i32> {
        let pid = getsockopt(&self.stream, PeerCredentials).ok()?.pid();
        (pid > 0).then_some(pid)
    }

    fn lost(&self, what: impl Into<String>) -> LabError {
        LabError::Unreachable { path: self.path.display().to_string(), what: what.into() }
    }

    /// Asks; [`Self::answer`] waits for the answer, which has come when [`AsFd::as_fd`] can be
    /// read.
    ///
    /// # Errors
    /// The lab cannot be reached.
    pub fn send(&mut self, request: &Request) -> Result<(), LabError> {
        let mut text = serde_json::to_vec(request).map_err(|e| self.lost(e.to_string()))?;
        text.push(b'\n');
        self.stream.write_all(&text).map_err(|error| self.lost(error.to_string()))
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// The lab cannot be reached, or says no.
    pub fn exchange(&mut self, request: &Request) -> Result<LabAnswer, LabError> {
        self.send(request)?;
        self.answer()
    }

    /// Waits for the answer.
    ///
    /// # Errors
    /// The lab cannot be reached, or says no.
    pub fn answer(&mut self) -> Result<LabAnswer, LabError> {
        let line = self.line()?.ok_or_else(|| self.lost("it has closed the connection"))?;
        match serde_json::from_str(&line).map_err(|error| self.lost(error.to_string()))? {
            LabAnswer::Failed { what, fault } => Err(refused(what, fault)),
            answer => Ok(answer),
        }
    }

    /// The next line that the lab sends; `None` when it has ended.
    ///
    /// # Errors
    /// The connection is lost.
    pub fn line(&mut self) -> Result<Option<String>, LabError> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(line.trim_end().to_owned())),
            Err(error) => Err(self.lost(error.to_string())),
        }
    }

    /// Has the packets that are judged from now on written to an open file, as pcapng, until
    /// [`Self::finish`].
    ///
    /// # Errors
    /// The lab cannot be reached, or the file cannot be handed over.
    pub fn capture(&mut self, file: BorrowedFd<'_>) -> Result<(), LabError> {
        // A file that came before it is waited for would be lost with the text around it.
        self.exchange(&Request::Capture)?;
        send_files(&self.stream, b"\n", &[file]).map_err(|error| self.lost(error.to_string()))?;
        self.answer().map(drop)
    }

    /// Says that nothing more is wanted of a capture, and waits until the lab has written all of
    /// it. A capture that has ended already, for whatever reason, ends with that.
    ///
    /// # Errors
    /// The file could not be written, or the lab ended before it was.
    pub fn finish(mut self) -> Result<(), LabError> {
        // Where the lab has gone there is nobody to tell; what it said can be read all the same.
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
        self.answer().map(drop)
    }

    /// The namespaces of a node.
    ///
    /// # Errors
    /// There is no such node, or the lab cannot be reached.
    pub fn spaces(&mut self, node: &str) -> Result<NodeNamespaces, LabError> {
        self.send(&Request::Enter { node: node.to_owned() })?;
        let mut text = vec![0_u8; 65_536];
        let (length, descriptors) =
            receive_files(&self.stream, &mut text).map_err(|error| self.lost(error.to_string()))?;
        let answer = text.get(..length).unwrap_or_default();
        match serde_json::from_slice(answer).map_err(|error| self.lost(error.to_string()))? {
            LabAnswer::Failed { what, fault } => Err(refused(what, fault)),
            LabAnswer::Spaces { count } if count == descriptors.len() => {
                NodeNamespaces::of(descriptors)
                    .ok_or_else(|| self.lost("it sent other namespaces than were expected"))
            }
            _ => Err(self.lost("it did not send the namespaces")),
        }
    }
}

impl AsFd for Client {
    /// Can be read when the lab says something, or has gone.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

fn refused(what: String, fault: Fault) -> LabError {
    match fault {
        Fault::Request => LabError::BadRequest(what),
        Fault::Policy => LabError::Declined(what),
        Fault::Lab => LabError::Answer(what),
    }
}

/// The namespaces of a node, as somebody outside holds them.
#[derive(Debug)]
pub struct NodeNamespaces {
    network: OwnedFd,
    host_name: OwnedFd,
    mounts: OwnedFd,
    processes: OwnedFd,
    user: Option<OwnedFd>,
}

impl NodeNamespaces {
    fn of(descriptors: Vec<OwnedFd>) -> Option<Self> {
        let mut all = descriptors.into_iter();
        Some(Self {
            network: all.next()?,
            host_name: all.next()?,
            mounts: all.next()?,
            processes: all.next()?,
            user: all.next(),
        })
    }

    /// Starts a program in the node, in a folder (left out: the node's root). The calling process,
    /// which must have one thread only, enters the namespaces, does not come back, and keeps none of
    /// the capabilities that lead out of the node ([`privileges::NODE`]). The program ends with the
    /// lab, whatever it does.
    ///
    /// # Errors
    /// The namespaces cannot be entered, or the program cannot be started.
    pub fn start(
        self,
        (program, arguments): (&OsString, &[OsString]),
        folder: Option<&Path>,
        group_of_its_own: bool,
    ) -> Result<Child, LabError> {
        let enter = |fd: &OwnedFd, kind: CloneFlags, what: &str| {
            setns(fd, kind).map_err(LabError::errno(format!("entering the {what} of the node")))
        };
        if let Some(user) = &self.user {
            enter(user, CloneFlags::CLONE_NEWUSER, "user namespace")?;
        }
        enter(&self.processes, CloneFlags::CLONE_NEWPID, "processes")?;
        enter(&self.network, CloneFlags::CLONE_NEWNET, "network")?;
        enter(&self.host_name, CloneFlags::CLONE_NEWUTS, "host name")?;
        enter(&self.mounts, CloneFlags::CLONE_NEWNS, "file system")?;
        // The program is anybody's.
        privileges::keep(privileges::NODE)?;
        let mut command = Command::new(program);
        command.args(arguments);
        if let Some(folder) = folder {
            command.current_dir(folder);
        }
        if group_of_its_own {
            command.process_group(0);
        }
        let child = command.spawn().map_err(|source| {
            let program = program.to_string_lossy().into_owned();
            LabError::NotStarted { program, source }
        })?;
        privileges::keep(privileges::TO_END)?;
        Ok(child)
    }
}
