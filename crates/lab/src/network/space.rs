//! Namespaces, made and entered.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, setns, unshare};
use rustix::thread::CapabilitySet;

use crate::error::LabError;
use crate::privileges::give_up_others;

/// The namespaces of one node: its network, its host name, and its view of the file system.
#[derive(Debug)]
pub struct Space {
    name: String,
    network: OwnedFd,
    host_name: OwnedFd,
    mounts: OwnedFd,
}

/// The namespaces of a lab, by node. More come with machines that are deployed later.
#[derive(Debug, Default)]
pub(crate) struct NodeSpaces(RwLock<Vec<Arc<Space>>>);

impl NodeSpaces {
    /// Those of a node.
    pub(crate) fn get(&self, node: usize) -> Result<Arc<Space>, LabError> {
        let found = self.0.read().unwrap_or_else(PoisonError::into_inner).get(node).cloned();
        found.ok_or_else(|| LabError::Answer(format!("the lab has no node {node}")))
    }

    /// Adds those of the next node.
    pub(crate) fn push(&self, space: Space) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).push(Arc::new(space));
    }

    /// Lets go of all but those of the first nodes.
    pub(crate) fn truncate(&self, nodes: usize) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).truncate(nodes);
    }
}

/// Files that a node sees in the place of the system's, each with the name of that.
pub(crate) type NodeFiles = Vec<(PathBuf, &'static str)>;

impl Space {
    /// Makes the namespaces of a node. They belong to the user namespace of the caller.
    pub(crate) fn make(name: &str, files: &NodeFiles) -> Result<Self, LabError> {
        let (name, files) = (name.to_owned(), files.clone());
        in_thread(move || {
            let flags = CloneFlags::CLONE_NEWNET
                | CloneFlags::CLONE_NEWUTS
                | CloneFlags::CLONE_NEWNS
                | CloneFlags::CLONE_FS;
            unshare(flags).map_err(LabError::errno(format!("making namespaces for `{name}`")))?;
            let short: String = name.chars().filter(|c| *c != ':').take(63).collect();
            nix::unistd::sethostname(short)
                .map_err(LabError::errno(format!("naming the host `{name}`")))?;
            for (from, to) in &files {
                if Path::new(to).exists() {
                    mount(Some(from), *to, None::<&str>, MsFlags::MS_BIND, None::<&str>)
                        .map_err(LabError::errno(format!("mounting `{to}` for `{name}`")))?;
                }
            }
            let open = |kind: &str| {
                File::open(format!("/proc/thread-self/ns/{kind}"))
                    .map(OwnedFd::from)
                    .map_err(LabError::system(format!("opening the {kind} namespace of `{name}`")))
            };
            let (network, host_name, mounts) = (open("net")?, open("uts")?, open("mnt")?);
            Ok(Self { name, network, host_name, mounts })
        })
    }

    /// The name of the node.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The network namespace.
    #[must_use]
    pub fn network(&self) -> BorrowedFd<'_> {
        self.network.as_fd()
    }

    /// All of its namespaces in the order in which they have to be entered.
    #[must_use]
    pub fn all(&self) -> [BorrowedFd<'_>; 3] {
        [self.network.as_fd(), self.host_name.as_fd(), self.mounts.as_fd()]
    }

    /// Runs something in the network namespace, in a thread of its own.
    pub(crate) fn run<T: Send>(
        &self,
        work: impl FnOnce() -> Result<T, LabError> + Send,
    ) -> Result<T, LabError> {
        let network = self.network.as_fd();
        in_thread(move || {
            setns(network, CloneFlags::CLONE_NEWNET)
                .map_err(LabError::errno(format!("entering `{}`", self.name)))?;
            work()
        })
    }

    /// Starts a thread that stays in the network namespace, which it has entered then, and keeps
    /// some capabilities.
    pub(crate) fn spawn(
        &self,
        name: &str,
        kept: CapabilitySet,
        work: impl FnOnce() + Send + 'static,
    ) -> Result<(), LabError> {
        self.spawn_opened(name, kept, || Ok(()), |()| work())?
            .map_err(LabError::system(format!("entering `{}`", self.name)))
    }

    /// As [`spawn_opened`], in the network namespace.
    pub(crate) fn spawn_opened<T>(
        &self,
        name: &str,
        kept: CapabilitySet,
        open: impl FnOnce() -> io::Result<T> + Send + 'static,
        work: impl FnOnce(T) + Send + 'static,
    ) -> Result<io::Result<()>, LabError> {
        let network = self
            .network
            .try_clone()
            .map_err(LabError::system(format!("entering `{}`", self.name)))?;
        let enter = move || {
            setns(network, CloneFlags::CLONE_NEWNET)?;
            open()
        };
        spawn_opened(name, kept, enter, work)
    }

    /// Runs a program that has to succeed, and returns what it printed.
    pub(crate) fn demand(&self, command: &[&str], input: &str) -> Result<String, LabError> {
        self.run(|| demand(command, input))
    }
}

/// As [`Space::demand`], in the calling thread's namespaces.
pub(crate) fn demand(command: &[&str], input: &str) -> Result<String, LabError> {
    let output = run_program(command, input)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let what = String::from_utf8_lossy(&output.stderr);
    let what = what.lines().take(6).collect::<Vec<_>>().join("; ");
    Err(LabError::Program { program: command.join(" "), what })
}

/// Runs a program with some input in the calling thread's namespaces.
fn run_program(command: &[&str], input: &str) -> Result<Output, LabError> {
    let [program, arguments @ ..] = command else {
        return Err(LabError::Program { program: String::new(), what: "no program".to_owned() });
    };
    let failed = |error: io::Error| {
        let what = match error.kind() {
            io::ErrorKind::NotFound => "it is not installed".to_owned(),
            _ => error.to_string(),
        };
        LabError::Program { program: (*program).to_owned(), what }
    };
    let path = std::ffi::OsStr::new("/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin");
    let mut child = Command::new(program)
        .args(arguments)
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input says so by its exit status.
        let _ = io::Write::write_all(&mut stdin, input.as_bytes());
    }
    child.wait_with_output().map_err(failed)
}

/// Runs something in a thread of its own, so that what it enters is left behind with it.
pub(crate) fn in_thread<T: Send>(
    work: impl FnOnce() -> Result<T, LabError> + Send,
) -> Result<T, LabError> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().spawn_scoped(scope, work);
        let thread = thread.map_err(LabError::system("starting a thread"))?;
        thread.join().unwrap_or_else(|_| Err(LabError::thread_gone()))
    })
}

/// Starts a thread that works with what it has opened before this returns; the inner error is why
/// it could not. When it has opened that, it gives up all capabilities but some.
pub(crate) fn spawn_opened<T>(
    name: &str,
    kept: CapabilitySet,
    open: impl FnOnce() -> io::Result<T> + Send + 'static,
    work: impl FnOnce(T) + Send + 'static,
) -> Result<io::Result<()>, LabError> {
    let (opens, opened) = sync_channel(1);
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let opened = open().and_then(|found| give_up_others(kept).map(|()| found));
            let (told, found) = match opened {
                Ok(found) => (Ok(()), Some(found)),
                Err(error) => (Err(error), None),
            };
            // Whoever started the thread waits for this.
            let _ = opens.send(told);
            if let Some(found) = found {
                work(found);
            }
        })
        .map_err(LabError::system("starting a thread"))?;
    Ok(opened.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into())))
}

/// Sets a kernel parameter of the calling thread's network namespace, where that can be done: not
/// with a read-only `/proc/sys`, nor with a kernel that lacks it.
pub(crate) fn sysctl(key: &str, value: &str) {
    let path = format!("/proc/sys/{key}");
    let mut now = String::new();
    let read = File::open(&path).and_then(|mut file| file.read_to_string(&mut now));
    if read.is_err() || now.trim() != value {
        let _ = fs::write(path, value);
    }
}
