//! A timeline: a world at the beginning and the events after it, in order.

use jiff::Timestamp;

use crate::event::Event;
use crate::transition::{Applied, Refused};
use crate::world::World;

/// A world that moves forward through its events.
#[derive(Debug, Clone)]
pub struct Timeline {
    world: World,
    events: Vec<Event>,
    next: usize,
}

/// An event of a timeline that the state machines forbid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event `{kind}` of {at} is refused: {refused}")]
pub struct TimelineError {
    /// The event's place in the timeline, from 0.
    pub place: usize,
    /// The event's kind.
    pub kind: &'static str,
    /// When it took effect.
    pub at: Timestamp,
    /// Why it is refused.
    pub refused: Refused,
}

impl Timeline {
    /// Sorts the events by time (events of the same time keep their order) and checks that all
    /// of them can happen.
    ///
    /// # Errors
    /// The first event that the state machines forbid.
    pub fn new(world: World, mut events: Vec<Event>) -> Result<Self, TimelineError> {
        events.sort_by_key(|event| event.at);
        let mut trial = Self { world: world.clone(), events, next: 0 };
        trial.advance(None, |_, _, _| {})?;
        Ok(Self { world, events: trial.events, next: 0 })
    }

    /// The world as it stands.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The events, in order of time.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// When the next event takes effect, if there is one.
    #[must_use]
    pub fn next_at(&self) -> Option<Timestamp> {
        self.events.get(self.next).map(|event| event.at)
    }

    /// Lets everything happen that takes effect at or before a time; `None`: everything.
    /// `seen` is told each event with the world after it.
    ///
    /// # Errors
    /// The first event that the state machines forbid; it and the later ones have not happened.
    pub fn advance(
        &mut self,
        until: Option<Timestamp>,
        mut seen: impl FnMut(&Event, &Applied, &World),
    ) -> Result<(), TimelineError> {
        while let Some(event) = self.events.get(self.next) {
            if until.is_some_and(|until| event.at > until) {
                break;
            }
            let applied = self.world.apply(event).map_err(|refused| TimelineError {
                place: self.next,
                kind: event.kind.name(),
                at: event.at,
                refused,
            })?;
            seen(event, &applied, &self.world);
            self.next = self.next.saturating_add(1);
        }
        Ok(())
    }
}
