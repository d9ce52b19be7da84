//! A timeline: a world at the beginning and the events after it, in order.

use jiff::Timestamp;

use crate::life::change::Undo;
use crate::life::event::Event;
use crate::life::transition::{Applied, Refused};
use crate::world::World;

/// A world that moves through its events, forward and back.
#[derive(Debug, Clone)]
pub struct Timeline {
    world: World,
    events: Vec<Event>,
    /// What has happened, with what takes it back; as many as events have happened.
    happened: Vec<(Applied, Undo)>,
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
        let mut timeline = Self { world, events, happened: Vec::new() };
        timeline.move_to(timeline.events.len(), |_, _| {})?;
        timeline.move_to(0, |_, _| {})?;
        Ok(timeline)
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

    /// How many events have happened.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.happened.len()
    }

    /// How many events take effect at or before a time.
    #[must_use]
    pub fn position_at(&self, time: Timestamp) -> usize {
        self.events.partition_point(|event| event.at <= time)
    }

    /// Moves to where so many events have happened, and takes back what is too many. `seen` is
    /// told of each step what the event changed, or had changed, with the world after the step.
    ///
    /// # Errors
    /// The first event that the state machines forbid; it and the later ones have not happened.
    pub fn move_to(
        &mut self,
        position: usize,
        mut seen: impl FnMut(&Applied, &World),
    ) -> Result<(), TimelineError> {
        while self.position() > position {
            if let Some((applied, undo)) = self.happened.pop() {
                self.world.undo(undo);
                seen(&applied, &self.world);
            }
        }
        while self.position() < position && self.step()? {
            if let Some((applied, _)) = self.happened.last() {
                seen(applied, &self.world);
            }
        }
        Ok(())
    }

    /// Lets the next event happen; false where there is none.
    fn step(&mut self) -> Result<bool, TimelineError> {
        let place = self.position();
        let Some(event) = self.events.get(place) else { return Ok(false) };
        let happened = self.world.apply_undoably(event).map_err(|refused| TimelineError {
            place,
            kind: event.kind.name(),
            at: event.at,
            refused,
        })?;
        self.happened.push(happened);
        Ok(true)
    }
}
