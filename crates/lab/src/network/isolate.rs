//! Namespaces for the process that owns a lab, so that nothing of it outlives that process.
//!
//! The owner and whatever it starts live in a process namespace, whose first process does nothing
//! but attend to them: it reaps orphans, and ends with the owner. When it ends, however it ends,
//! the kernel ends everything in there, and with the last process the network namespaces go.

use std::fs;
use std::io::{self, Read};
use std::os::fd::RawFd;
use std::path::Path;
use std::thread;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::sys::wait::{WaitStatus, wait};
use nix::unistd::{Pid, getegid, geteuid, setsid};

use crate::error::LabError;
use crate::privileges::{NOTHING, give_up_others};

/// Closes whatever the caller's caller has left open besides the three standard streams: a lab
/// that goes on would hold its locks, its pipes and its deleted files. The calling process must
/// have opened nothing itself yet.
///
/// # Errors
/// What is open cannot be listed.
pub fn close_leaked() -> Result<(), LabError> {
    let failed = || LabError::system("listing what is open");
    let mut open: Vec<RawFd> = Vec::new();
    for entry in fs::read_dir("/proc/self/fd").map_err(failed())? {
        let name = entry.map_err(failed())?.file_name();
        open.extend(name.to_str().and_then(|name| name.parse::<RawFd>().ok()));
    }
    for descriptor in open.into_iter().filter(|descriptor| *descriptor > 2) {
        // That of the list itself is closed already.
        let _ = nix::unistd::close(descriptor);
    }
    Ok(())
}

/// Leaves the caller's namespaces behind. The next process that the caller starts is the first
/// of the new process namespace; it calls [`settle`] and then [`attend`].
///
/// As root this works without a user namespace, so that programs may change to other users; a
/// normal user gets a user namespace in which he is root and nobody else exists. The calling
/// process must not have started a thread.
///
/// # Errors
/// The kernel allows neither; the error says what to do.
pub fn leave() -> Result<(), LabError> {
    // A new session, so that the terminal's signals are not meant for the lab.
    let _ = setsid();
    let spaces = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWNET
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC;
    let (uid, gid) = (geteuid(), getegid());
    if uid.is_root() && unshare(spaces).is_ok() {
        return Ok(());
    }
    let refused = |what: &'static str| {
        move |errno: nix::Error| LabError::Namespaces {
            what,
            uid: uid.as_raw(),
            source: errno.into(),
        }
    };
    unshare(CloneFlags::CLONE_NEWUSER).map_err(refused("a user namespace"))?;
    let write = |file: &str, text: String| {
        fs::write(format!("/proc/self/{file}"), text)
            .map_err(LabError::system(format!("writing the {file} of the user namespace")))
    };
    write("setgroups", "deny".to_owned())?;
    write("uid_map", format!("0 {uid} 1"))?;
    write("gid_map", format!("0 {gid} 1"))?;
    unshare(spaces).map_err(refused("network, mount and process namespaces"))
}

/// Settles in the namespaces as their first process: mounts are private, `/proc` shows the
/// processes of the lab, and the process is to end with the one that started it, whose end of
/// `lifeline` closes then: `end` is called and does not come back.
///
/// # Errors
/// The mounts cannot be made private.
pub fn settle(
    lifeline: impl Read + Send + 'static,
    end: impl FnOnce() + Send + 'static,
) -> Result<(), LabError> {
    // Should the parent have gone already, the lifeline is at its end.
    let _ = prctl::set_pdeathsig(Signal::SIGKILL);
    thread::Builder::new()
        .name("lifeline".to_owned())
        .spawn(move || {
            let mut lifeline = lifeline;
            // An error is an end, too.
            let _ = give_up_others(NOTHING).and_then(|()| io::copy(&mut lifeline, &mut io::sink()));
            end();
        })
        .map_err(LabError::system("starting a thread"))?;
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(LabError::errno("making the mounts private"))?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    // Inside of a container the kernel may not allow it; then `/proc` stays as it is.
    let _ = mount(Some("proc"), "/proc", Some("proc"), flags, none);
    Ok(())
}

/// Attends to the processes of the lab, as their first process, until the one with this number
/// ends: whoever loses his parent is reaped when he ends. Returns the exit code of the awaited
/// one; 1 where a signal ended it.
///
/// # Errors
/// There is no such child.
pub fn attend(owner: u32) -> Result<i32, LabError> {
    loop {
        match wait() {
            Ok(WaitStatus::Exited(pid, code)) if is(pid, owner) => return Ok(code),
            Ok(WaitStatus::Signaled(pid, ..)) if is(pid, owner) => return Ok(1),
            Ok(_) | Err(nix::Error::EINTR) => {}
            Err(errno) => return Err(LabError::errno("waiting for the lab's process")(errno)),
        }
    }
}

fn is(pid: Pid, number: u32) -> bool {
    u32::try_from(pid.as_raw()).is_ok_and(|pid| pid == number)
}

/// Whether the owner lives in a user namespace of its own.
pub(crate) fn in_user_namespace() -> bool {
    let initial = |text: String| {
        let mut words = text.split_whitespace();
        words.next() == Some("0") && words.next() == Some("0") && words.next() == Some("4294967295")
    };
    !fs::read_to_string(Path::new("/proc/self/uid_map")).is_ok_and(initial)
}
