//! Programs that are waited for so long and no longer.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

/// How long a group that was told to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(1);

/// How the wait for a program has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waited {
    /// The program has ended.
    Ended(ExitStatus),
    /// The time was over, and its group was ended.
    TooLong,
    /// Something else called for an end, and its group was ended.
    Called,
}

/// What of two files became ready to be read, the first before the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ready {
    /// The first.
    First,
    /// The second.
    Second,
    /// None, and the time is over.
    Nothing,
}

/// Waits for a program that leads a process group of its own. When the time is over, or `wake` can
/// be read, the group is ended: what has left it for a session of its own goes on.
///
/// # Errors
/// The system refuses.
pub fn wait_within(child: &mut Child, time: Duration, wake: BorrowedFd<'_>) -> io::Result<Waited> {
    let group = Pid::from_child(child);
    let program = pidfd_open(group, PidfdFlags::empty())?;
    let ready = wait(program.as_fd(), Some(wake), Some(time))?;
    if ready == Ready::First {
        return child.wait().map(Waited::Ended);
    }
    // Until the program itself is reaped, its group's number belongs to nobody else.
    end(group, Signal::TERM)?;
    wait(program.as_fd(), None, Some(GRACE))?;
    end(group, Signal::KILL)?;
    child.wait()?;
    Ok(if ready == Ready::Second { Waited::Called } else { Waited::TooLong })
}

/// Waits until a program ends or something can be read, and says whether the program ended first.
///
/// # Errors
/// The system refuses.
pub fn ends_before(child: &Child, other: BorrowedFd<'_>) -> io::Result<bool> {
    let program = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    Ok(wait(program.as_fd(), Some(other), None)? == Ready::First)
}

/// Waits for a program for so long at most, and says whether it has ended.
///
/// # Errors
/// The system refuses.
pub fn ends_within(child: &mut Child, time: Duration) -> io::Result<bool> {
    let program = pidfd_open(Pid::from_child(child), PidfdFlags::empty())?;
    let ended = wait(program.as_fd(), None, Some(time))? == Ready::First;
    if ended {
        child.wait()?;
    }
    Ok(ended)
}

fn end(group: Pid, signal: Signal) -> io::Result<()> {
    match kill_process_group(group, signal) {
        // All have ended.
        Err(Errno::SRCH) => Ok(()),
        other => Ok(other?),
    }
}

/// Waits until a file can be read, or another one, or some time is over.
///
/// # Errors
/// The system refuses.
pub fn wait(
    first: BorrowedFd<'_>,
    second: Option<BorrowedFd<'_>>,
    time: Option<Duration>,
) -> io::Result<Ready> {
    let begun = Instant::now();
    loop {
        let mut all = vec![PollFd::from_borrowed_fd(first, PollFlags::IN)];
        all.extend(second.map(|second| PollFd::from_borrowed_fd(second, PollFlags::IN)));
        let left = time.map(|time| time.saturating_sub(begun.elapsed()));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        match poll(&mut all, left.as_ref()) {
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(errno.into()),
            Ok(_) => {}
        }
        let mut ready = all.iter().map(|one| !one.revents().is_empty());
        match (ready.next(), ready.next()) {
            (Some(true), _) => return Ok(Ready::First),
            (_, Some(true)) => return Ok(Ready::Second),
            _ if time.is_some_and(|time| begun.elapsed() >= time) => return Ok(Ready::Nothing),
            _ => {}
        }
    }
}
