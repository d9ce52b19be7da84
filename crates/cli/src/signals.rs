//! Signals that ask the program to end, for commands that bring something to its end then.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use egress25_lab::process::{Ready, wait};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use crate::say::failure::Failure;

/// The signals and what they are called, in the order of their places.
const ALL: [(i32, &str); 3] = [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")];

/// Catches the first signal that asks for an end; the second one ends the program at once.
#[derive(Debug)]
pub struct Signals {
    /// Can be read when a signal has come; nobody reads it, so it stays so.
    woken: UnixStream,
    /// The place of the signal in [`ALL`], from 1.
    caught: Arc<AtomicUsize>,
}

impl Signals {
    /// Catches them from now on. What the program was started to ignore it goes on to ignore.
    ///
    /// # Errors
    /// The system refuses.
    pub fn catch() -> Result<Self, Failure> {
        Self::registered().map_err(|error| Failure::Internal(format!("catching signals: {error}")))
    }

    fn registered() -> io::Result<Self> {
        let (woken, wake) = UnixStream::pair()?;
        let (caught, again) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let ignored = ignored();
        for (place, (signal, _)) in (1..).zip(ALL) {
            if ignored & (1 << (signal - 1)) != 0 {
                continue;
            }
            // In this order, which is that in which they act: the first time nothing is set.
            flag::register_conditional_default(signal, again.clone())?;
            flag::register(signal, again.clone())?;
            flag::register_usize(signal, caught.clone(), place)?;
            low_level::pipe::register(signal, wake.try_clone()?)?;
        }
        Ok(Self { woken, caught })
    }

    /// The signal that has come, if one has.
    #[must_use]
    pub fn caught(&self) -> Option<&'static str> {
        let place = self.caught.load(Ordering::SeqCst).checked_sub(1)?;
        ALL.get(place).map(|(_, name)| *name)
    }

    /// Waits until a signal comes, which is [`Ready::First`], something else can be read, or some
    /// time is over.
    ///
    /// # Errors
    /// The system refuses.
    pub fn wait(&self, other: Option<BorrowedFd<'_>>, time: Option<Duration>) -> io::Result<Ready> {
        wait(self.woken.as_fd(), other, time)
    }
}

impl AsFd for Signals {
    /// Can be read when a signal has come.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.woken.as_fd()
    }
}

/// Outlives the first SIGINT, for a command that reads what another program of its pipeline writes:
/// that one ends by it, and what it has written is to be told. The second one ends the program.
///
/// # Errors
/// The system refuses.
pub fn outlive_interrupt() -> Result<(), Failure> {
    if ignored() & (1 << (SIGINT - 1)) != 0 {
        return Ok(());
    }
    let again = Arc::new(AtomicBool::new(false));
    flag::register_conditional_default(SIGINT, again.clone())
        .and_then(|_| flag::register(SIGINT, again))
        .map(drop)
        .map_err(|error| Failure::Internal(format!("catching SIGINT: {error}")))
}

/// The signals that are ignored, a bit each: `nohup` and shells ignore some for what they start.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|line| u64::from_str_radix(line.trim(), 16).ok()).unwrap_or(0)
}
