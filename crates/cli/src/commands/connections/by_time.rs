//! The table that packets are judged by, by their time.

use egress25_packet_filter::filter::Filter;
use jiff::Timestamp;

use crate::say::failure::Failure;

/// A moment of the world that packets are judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(crate) struct Moment {
    /// The place of its epoch: a time in which one edition judges and the facts of the network stay
    /// as they are.
    pub(crate) epoch: usize,
    /// How many events have happened.
    pub(crate) happened: usize,
}

/// Which table packets are judged by, by their time.
pub(crate) trait TableByTime {
    /// The moment that has been moved to.
    fn moment(&self) -> Moment;

    /// The moment at a time.
    fn moment_at(&self, time: Timestamp) -> Moment;

    /// Moves to a moment, and gives its table to the filter, where that has another one.
    ///
    /// # Errors
    /// The moment cannot be reached, or has no table.
    fn install(&mut self, moment: Moment, filter: &mut Filter) -> Result<(), Failure>;
}

/// The table that the filter has, at all times.
#[derive(Debug)]
pub(crate) struct AnyTime;

impl TableByTime for AnyTime {
    fn moment(&self) -> Moment {
        Moment::default()
    }

    fn moment_at(&self, _: Timestamp) -> Moment {
        Moment::default()
    }

    fn install(&mut self, _: Moment, _: &mut Filter) -> Result<(), Failure> {
        Ok(())
    }
}
