//! Rounds in turns, the first ones to warm up.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::BenchArgs;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::signals::Signals;

/// What one contender took in one round, in nanoseconds a packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    /// By the clock of the table: the time that has gone by, or the processors' time.
    pub(super) nanos: f64,
    /// The time that has gone by.
    pub(super) elapsed: f64,
    /// SYNs to port 25 that it found, for who looks for any.
    pub(super) found: Option<u64>,
}

/// Somebody who is measured.
pub(super) trait Contender {
    /// What it is called.
    fn name(&self) -> String;

    /// Goes through all packets at least once.
    fn round(&mut self) -> Result<Round, Failure>;
}

/// One contender's rounds.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) name: String,
    pub(super) nanos: Vec<f64>,
    pub(super) elapsed: Vec<f64>,
    pub(super) found: Option<u64>,
}

/// Measures contenders: in each round everybody has a turn, and the first rounds do not count.
pub(super) fn in_turns(
    contenders: &mut [Box<dyn Contender + '_>],
    args: &BenchArgs,
    progress: &RoundsProgress<'_>,
) -> Result<Vec<Times>, Failure> {
    let new = |name: String| Times { name, nanos: Vec::new(), elapsed: Vec::new(), found: None };
    let mut all: Vec<Times> = contenders.iter().map(|one| new(one.name())).collect();
    for round in 0..args.warm_up.saturating_add(args.rounds.get()) {
        for (contender, times) in contenders.iter_mut().zip(&mut all) {
            let measured = contender.round()?;
            progress.tick(&times.name)?;
            times.found = measured.found;
            if round >= args.warm_up {
                times.nanos.push(measured.nanos);
                times.elapsed.push(measured.elapsed);
            }
        }
    }
    Ok(all)
}

/// How far the measuring is, on a terminal; and whether it is to end.
pub(super) struct RoundsProgress<'a> {
    bar: Option<ProgressBar>,
    signals: &'a Signals,
}

impl<'a> RoundsProgress<'a> {
    /// Of so many turns.
    pub(super) fn new(console: &Console, signals: &'a Signals, turns: usize) -> Self {
        let bar = console.shows_notes().then(|| {
            let turns = u64::try_from(turns).ok();
            let bar = ProgressBar::with_draw_target(turns, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{bar:30} {percent:>3}%  {eta} left  {msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        Self { bar, signals }
    }

    /// Somebody had a turn.
    fn tick(&self, name: &str) -> Result<(), Failure> {
        if let Some(bar) = &self.bar {
            bar.set_message(name.to_owned());
            bar.inc(1);
        }
        self.is_wanted()
    }

    /// Ends what is measured where a signal asks for that: the capture's folder goes away then.
    pub(super) fn is_wanted(&self) -> Result<(), Failure> {
        match self.signals.caught() {
            Some(signal) => Err(Failure::Internal(format!("{signal} broke the measuring off"))),
            None => Ok(()),
        }
    }
}

impl Drop for RoundsProgress<'_> {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
