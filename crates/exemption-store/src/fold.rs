//! The fold: the world that a prefix of the log leads to.

use egress25_policy::{Applied, Event, Refused, World};

use crate::clocks::{ClockOwner, Clocks, Floor, concerns};
use crate::entry::{LogEntry, Sealed};
use crate::error::StoreError;
use crate::genesis::Genesis;
use crate::head::Head;

/// The world after a prefix of the log, and what is needed to go on from there.
#[derive(Debug, Clone)]
pub struct Fold {
    pub(crate) world: World,
    pub(crate) clocks: Clocks,
    pub(crate) head: Head,
    /// Whether the inventory that the log began with lists events that had happened then: its first
    /// entries.
    pub(crate) listed: bool,
}

impl Fold {
    /// The fold of no entry, from the bytes that the log began with.
    ///
    /// # Errors
    /// The beginning can't be read or built.
    pub fn begin(genesis: &[u8]) -> Result<Self, StoreError> {
        let parsed = Genesis::from_bytes(genesis)?;
        let (world, events) = parsed.build()?;
        let head = Head { revision: 0, hash: Genesis::hash_of(genesis) };
        let listed = events.iter().any(|event| event.at <= parsed.begun);
        Ok(Self { world, clocks: Clocks::default(), head, listed })
    }

    /// The world.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.world
    }

    /// The last revision that was folded, and its hash.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }

    /// Makes sure that what the inventory lists has been appended to the log, which began with it.
    ///
    /// # Errors
    /// None of it has: the log was begun, and not finished.
    pub(crate) fn check_finished(&self) -> Result<(), StoreError> {
        if self.listed && self.head.revision == 0 {
            let what = "it lists events, and the log has none of them: it was begun, and not \
                        finished; remove it and begin it anew";
            return Err(StoreError::Genesis { what: what.to_owned() });
        }
        Ok(())
    }

    /// Takes the next entry: checks its seal and its place, and lets it happen.
    ///
    /// # Errors
    /// The entry isn't the next one, is damaged or was changed, or doesn't fit the policy; the
    /// fold is as it was then.
    pub fn take(&mut self, sealed: &Sealed) -> Result<(LogEntry, Applied), StoreError> {
        let revision = sealed.revision;
        let entry = sealed.open_behind(self.head)?;
        let concerns = concerns(&self.world, &entry.event);
        if let Some(Floor { at: floor, subject, .. }) = self.clocks.floor(&concerns)
            && entry.event.at < floor
        {
            let at = entry.event.at;
            let what = format!("it takes effect at {at}, but {subject} stands at {floor} already");
            return Err(StoreError::Entry { revision, what });
        }
        let applied = self
            .happen(&entry.event, concerns)
            .map_err(|refused| StoreError::Unfoldable { revision, refused })?;
        self.head = sealed.head();
        Ok((entry, applied))
    }

    /// Lets the event of the revision after the head happen to the world and to the clocks, all or
    /// nothing.
    pub(crate) fn happen(
        &mut self,
        event: &Event,
        concerns: Vec<ClockOwner>,
    ) -> Result<Applied, Refused> {
        let applied = self.world.apply(event)?;
        self.clocks.note(concerns, event, self.head.revision.saturating_add(1));
        Ok(applied)
    }
}
