//! The clock: contenders in turns, medians over the rounds.
//!
//! The machine may be shared and noisy, so nobody is measured alone: in each round everybody goes
//! through the set once (or often enough for a readable time). What counts is the medians as they
//! are printed: a ratio is one of them to another, so that it fits what stands beside it.

use std::time::{Duration, Instant};

use crate::contenders::Contender;
use crate::sets::Set;

/// Nanoseconds a packet, round by round.
#[derive(Debug, Clone, PartialEq)]
pub struct Times {
    /// Whose they are.
    pub name: String,
    /// One for each round.
    pub nanos: Vec<f64>,
}

impl Times {
    /// The median of the rounds, to a hundredth.
    #[must_use]
    pub fn median(&self) -> f64 {
        hundredths(median(&self.nanos))
    }

    /// The middle half of the rounds, as text.
    #[must_use]
    pub fn range(&self) -> String {
        let mut sorted = self.nanos.clone();
        sorted.sort_by(f64::total_cmp);
        let at = |place: usize| sorted.get(place).copied().unwrap_or(f64::NAN);
        let last = sorted.len().saturating_sub(1);
        format!("{:.2} to {:.2}", at(last / 4), at(last - last / 4))
    }

    /// How many times another's median goes into this one.
    #[must_use]
    pub fn ratio_to(&self, other: &Self) -> f64 {
        self.median() / other.median()
    }
}

/// As it is printed.
#[must_use]
pub fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// The middle of some numbers.
#[must_use]
pub fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A contender saw another number of SYNs to port 25 than there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongHits {
    /// Who.
    pub name: String,
    /// How many it saw.
    pub hits: u64,
    /// How many there are.
    pub expected: u64,
}

impl std::fmt::Display for WrongHits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { name, hits, expected } = self;
        write!(f, "`{name}` saw {hits} SYNs to port 25, the set has {expected}")
    }
}

impl std::error::Error for WrongHits {}

/// Measures contenders on a set.
///
/// # Errors
/// One of them sees another number of SYNs to port 25 than the set has.
pub fn rounds(
    set: &Set,
    contenders: &mut [Box<dyn Contender + '_>],
    rounds: usize,
    least: Duration,
) -> Result<Vec<Times>, WrongHits> {
    let mut all: Vec<Times> =
        contenders.iter().map(|c| Times { name: c.name(), nanos: Vec::new() }).collect();
    for _ in 0..rounds {
        for (contender, times) in contenders.iter_mut().zip(&mut all) {
            let (mut packets, started) = (0_usize, Instant::now());
            let elapsed = loop {
                if let Some(hits) = contender.go(set).filter(|hits| *hits != set.syns) {
                    return Err(WrongHits { name: contender.name(), hits, expected: set.syns });
                }
                packets += set.list.len();
                let elapsed = started.elapsed();
                if elapsed >= least {
                    break elapsed;
                }
            };
            times.nanos.push(nanos_each(elapsed, packets));
        }
    }
    Ok(all)
}

/// Nanoseconds for one of many.
#[must_use]
pub fn nanos_each(elapsed: Duration, count: usize) -> f64 {
    elapsed.as_secs_f64() * 1e9 / f64::from(u32::try_from(count.max(1)).unwrap_or(u32::MAX))
}
