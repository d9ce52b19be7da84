//! Signals that ask the program to end, for commands that bring something to its end then.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::{Child, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use egress25_lab::process::{Ready, wait};
use rustix::process::{Pid, PidfdFlags, Signal, getpgrp, pidfd_open, pidfd_send_signal};
use rustix::termios::tcgetpgrp;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{SigId, flag, iterator, low_level};

use crate::say::failure::Failure;

/// The signals and what they are called, in the order of their places.
const ALL: [(i32, &str); 3] = [(SIGINT, "SIGINT"), (SIGTERM, "SIGTERM"), (SIGHUP, "SIGHUP")];

/// The signals of which the first one is outlived, a bit each.
static OUTLIVED: AtomicU64 = AtomicU64::new(0);

/// What ends the program at a signal that is not outlived.
static ENDING: Mutex<Ending> = Mutex::new(Ending::Handlers(Vec::new()));

/// What ends the program at a signal that is not outlived.
enum Ending {
    /// The signals' handlers, at once.
    Handlers(Vec<SigId>),
    /// Whoever waits for [`Deadly`].
    Watcher,
}

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
            if ignored & bit(signal) != 0 {
                continue;
            }
            outlive_first(signal, &again)?;
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
    if ignored() & bit(SIGINT) != 0 {
        return Ok(());
    }
    outlive_first(SIGINT, &Arc::new(AtomicBool::new(false)))
        .map_err(|error| Failure::Internal(format!("catching SIGINT: {error}")))
}

/// Outlives the first of a signal and of those with the same flag; the next one ends the program.
fn outlive_first(signal: i32, again: &Arc<AtomicBool>) -> io::Result<()> {
    let mut ending = ENDING.lock().unwrap_or_else(PoisonError::into_inner);
    OUTLIVED.fetch_or(bit(signal), Ordering::SeqCst);
    // In this order, which is that in which they act: the first time nothing is set.
    if let Ending::Handlers(all) = &mut *ending {
        all.push(flag::register_conditional_default(signal, again.clone())?);
    }
    flag::register(signal, again.clone()).map(drop)
}

/// The signals that end the program, for somebody who has something to do before they may.
#[derive(Debug)]
pub struct Deadly(iterator::Signals);

impl Deadly {
    /// Signals end the program from now on only when whoever waits for them lets them.
    ///
    /// # Errors
    /// The system refuses.
    pub fn watch() -> io::Result<Self> {
        let mut ending = ENDING.lock().unwrap_or_else(PoisonError::into_inner);
        let signals = caught(ignored())?;
        if let Ending::Handlers(handlers) = std::mem::replace(&mut *ending, Ending::Watcher) {
            for handler in handlers {
                low_level::unregister(handler);
            }
        }
        Ok(Self(signals))
    }

    /// Waits for a signal that ends the program; [`end_by`] lets it.
    #[must_use]
    pub fn wait(mut self) -> Option<i32> {
        let mut outlived = false;
        self.0.forever().find(|signal| {
            let first = !outlived && OUTLIVED.load(Ordering::SeqCst) & bit(*signal) != 0;
            outlived |= first;
            !first
        })
    }
}

/// The signals that end programs, for one that they are handed on to. What a terminal sends it has
/// sent to the program, too.
#[derive(Debug)]
pub struct HandedOn {
    /// Can be read when a signal has come.
    woken: UnixStream,
    signals: iterator::Signals,
}

impl HandedOn {
    /// Catches them from now on.
    ///
    /// # Errors
    /// The system refuses.
    pub fn catch() -> Result<Self, Failure> {
        Self::registered().map_err(|error| Failure::Internal(format!("catching signals: {error}")))
    }

    fn registered() -> io::Result<Self> {
        let (woken, wake) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        let ignored = ignored();
        let signals = caught(ignored)?;
        for (signal, _) in ALL.iter().filter(|(signal, _)| ignored & bit(*signal) == 0) {
            low_level::pipe::register(*signal, wake.try_clone()?)?;
        }
        Ok(Self { woken, signals })
    }

    /// Waits for a program, and hands them on to it. No thread is started: none can be where the
    /// process has entered another namespace of processes.
    ///
    /// # Errors
    /// The system refuses.
    pub fn wait(&mut self, program: &mut Child) -> io::Result<ExitStatus> {
        let process = pidfd_open(Pid::from_child(program), PidfdFlags::empty())?;
        while wait(process.as_fd(), Some(self.woken.as_fd()), None)? != Ready::First {
            match self.woken.read(&mut [0; 64]) {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
            for (signal, named) in self.signals.pending().filter_map(|s| Some((s, named(s)?))) {
                if signal != SIGINT || !has_the_terminal() {
                    // One that has ended needs none.
                    let _ = pidfd_send_signal(&process, named);
                }
            }
        }
        program.wait()
    }
}

/// A signal as the system's calls name it.
fn named(signal: i32) -> Option<Signal> {
    [Signal::INT, Signal::TERM, Signal::HUP].into_iter().find(|one| one.as_raw() == signal)
}

/// Whether Ctrl-C comes to this process group.
fn has_the_terminal() -> bool {
    let group = File::open("/dev/tty").ok().and_then(|terminal| tcgetpgrp(terminal).ok());
    group.is_some_and(|group| group == getpgrp())
}

/// Catches those of the signals that are not ignored.
fn caught(ignored: u64) -> io::Result<iterator::Signals> {
    iterator::Signals::new(ALL.iter().map(|(one, _)| *one).filter(|one| ignored & bit(*one) == 0))
}

/// Ends the program by a signal, as if it had never been caught.
pub fn end_by(signal: i32) {
    // It does not come back from a signal that ends programs.
    let _ = low_level::emulate_default_handler(signal);
}

const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// The signals that are ignored, a bit each: `nohup` and shells ignore some for what they start.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|line| u64::from_str_radix(line.trim(), 16).ok()).unwrap_or(0)
}
