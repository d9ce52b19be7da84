//! The store: a log with the policy on top of it.

use std::collections::BTreeSet;

use egress25_policy::{Applied, Event, EventKind, World, fit_for_a_name, fit_for_an_address_space};
use jiff::Timestamp;

use crate::clocks::{ClockOwner, Floor, concerns};
use crate::entry::{LogEntry, Sealed, schema_of};
use crate::error::{LogError, StoreError};
use crate::fold::Fold;
use crate::head::Head;
use crate::new_entry::{AppendOutcome, Backdated, ExpectedRevision, NeverGranted, NewEntry};
use crate::sqlite::{PAGE, SqliteLog};

/// A log with the policy on top of it: what it forbids isn't written, and the world is kept up.
#[derive(Debug)]
pub struct Store {
    log: SqliteLog,
    genesis: Vec<u8>,
    fold: Fold,
    /// The fold is ahead of the log or torn, because a write failed: it is made anew first.
    torn: bool,
}

impl Store {
    /// As [`Self::open`], for whoever begins a log and is to append what its inventory lists.
    ///
    /// # Errors
    /// The log can't be read, is damaged or was changed, or doesn't fit the policy.
    pub fn begin(log: SqliteLog) -> Result<Self, StoreError> {
        log.look()?;
        let genesis = log.genesis()?;
        let fold = Fold::begin(&genesis)?;
        let mut store = Self { log, genesis, fold, torn: false };
        store.catch_up(&mut |_, _, _| {})?;
        store.log.look_away();
        Ok(store)
    }

    /// Opens a log and folds all of it.
    ///
    /// # Errors
    /// The log can't be read, is damaged or was changed, or doesn't fit the policy; or it was
    /// begun, and not all that its inventory lists is in it.
    pub fn open(log: SqliteLog) -> Result<Self, StoreError> {
        let store = Self::begin(log)?;
        store.fold.check_finished()?;
        Ok(store)
    }

    /// The world after the last entry that this store has seen.
    #[must_use]
    pub const fn world(&self) -> &World {
        &self.fold.world
    }

    /// The last revision that this store has seen, and its hash.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.fold.head
    }

    /// The engine.
    #[must_use]
    pub const fn log(&self) -> &SqliteLog {
        &self.log
    }

    /// Gives the engine back.
    #[must_use]
    pub fn into_log(self) -> SqliteLog {
        self.log
    }

    pub(crate) const fn fold(&self) -> &Fold {
        &self.fold
    }

    pub(crate) fn genesis_bytes(&self) -> &[u8] {
        &self.genesis
    }

    /// What the log began with.
    ///
    /// # Errors
    /// None after opening.
    pub fn genesis(&self) -> Result<crate::genesis::Genesis, StoreError> {
        crate::genesis::Genesis::from_bytes(&self.genesis)
    }

    /// Folds the log from its beginning.
    fn load(&mut self) -> Result<(), StoreError> {
        self.fold = Fold::begin(&self.genesis)?;
        self.torn = false;
        self.catch_up(&mut |_, _, _| {}).map(drop)
    }

    /// Reads what others appended, and tells each entry with what it changed and the world after
    /// it. Returns the last revision.
    ///
    /// # Errors
    /// The log can't be read, is damaged, or has lost entries; the world is the last good one.
    pub fn sync(
        &mut self,
        mut seen: impl FnMut(&LogEntry, &Applied, &World),
    ) -> Result<u64, StoreError> {
        let looks = self.log.look()?;
        let synced = if self.torn { self.load() } else { Ok(()) };
        let synced = synced.and_then(|()| self.catch_up(&mut seen));
        if looks {
            self.log.look_away();
        }
        synced
    }

    fn catch_up(
        &mut self,
        seen: &mut impl FnMut(&LogEntry, &Applied, &World),
    ) -> Result<u64, StoreError> {
        loop {
            let head = self.log.head()?;
            let at = self.fold.head;
            if head == at {
                return Ok(at.revision);
            }
            if head.revision <= at.revision {
                let (place, revision) = (self.log.place(), head.revision);
                return Err(LogError::Lost { place, revision, witnessed: at.revision }.into());
            }
            // The last entry that was seen comes along: a log that was set back and has grown since
            // goes another way, which is no damage.
            let mut page = self.log.read(at.revision.saturating_sub(1), PAGE)?;
            if at.revision > 0 {
                let seen = (!page.is_empty()).then(|| page.remove(0));
                if seen.is_none_or(|seen| (seen.revision, seen.hash) != (at.revision, at.hash)) {
                    let (place, revision) = (self.log.place(), head.revision);
                    return Err(LogError::Lost { place, revision, witnessed: at.revision }.into());
                }
            }
            if page.is_empty() {
                let what = format!("revision {} is missing", at.revision.saturating_add(1));
                return Err(LogError::Damaged { place: self.log.place(), what }.into());
            }
            for sealed in &page {
                let (entry, applied) = self.fold.take(sealed)?;
                seen(&entry, &applied, &self.fold.world);
            }
        }
    }

    /// Appends entries after whatever is there, all or none, and returns when they are durable.
    ///
    /// An entry whose idempotency key was used for the same event is not appended again; a batch
    /// may be retried whole, whatever became of it.
    ///
    /// # Errors
    /// The state machines forbid an event, somebody else appended first ([`ExpectedRevision::At`]),
    /// or the log can't be written. Nothing was acknowledged then.
    pub fn append(
        &mut self,
        expected: ExpectedRevision,
        batch: &[NewEntry],
    ) -> Result<Vec<AppendOutcome>, StoreError> {
        self.log.hold()?;
        let outcome = self.append_held(expected, batch);
        if outcome.is_err() {
            self.log.release();
        }
        outcome
    }

    fn append_held(
        &mut self,
        expected: ExpectedRevision,
        batch: &[NewEntry],
    ) -> Result<Vec<AppendOutcome>, StoreError> {
        self.sync(|_, _, _| {})?;
        let already: Vec<_> =
            batch.iter().map(|new| self.already(new)).collect::<Result<_, _>>()?;
        if already.iter().all(Option::is_some) {
            self.log.release();
            let done = already.into_iter().flatten();
            return Ok(done.map(|entry| AppendOutcome { entry, applied: None }).collect());
        }
        let actual = self.fold.head.revision;
        if let ExpectedRevision::At(expected) = expected
            && expected != actual
        {
            return Err(LogError::Conflict { expected, actual }.into());
        }
        // One event is all or nothing by itself; only what can be half done needs a way back.
        let back = (batch.len() > 1).then(|| self.fold.clone());
        self.write(actual, batch, already).inspect_err(|error| match (back, error) {
            (Some(back), _) => self.fold = back,
            (None, StoreError::Log(_)) => self.start_over(),
            (None, _) => {}
        })
    }

    /// A write failed after its event had happened to the fold: reads the log anew. As long as
    /// that fails, too, the world is the one at the beginning, not one that nobody acknowledged.
    fn start_over(&mut self) {
        self.log.release();
        self.torn = true;
        if self.load().is_err()
            && let Ok(beginning) = Fold::begin(&self.genesis)
        {
            self.fold = beginning;
            self.torn = true;
        }
    }

    /// Lets the batch happen to the fold, then writes it.
    fn write(
        &mut self,
        expected: u64,
        batch: &[NewEntry],
        already: Vec<Option<LogEntry>>,
    ) -> Result<Vec<AppendOutcome>, StoreError> {
        let mut sealed = Vec::with_capacity(batch.len());
        let mut outcomes = Vec::with_capacity(batch.len());
        let mut keys = BTreeSet::new();
        for (new, already) in batch.iter().zip(already) {
            if let Some(key) = &new.key
                && !keys.insert(key)
            {
                let revision = self.fold.head.revision;
                return Err(StoreError::KeyTaken { key: key.clone(), revision });
            }
            outcomes.push(match already {
                Some(entry) => AppendOutcome { entry, applied: None },
                None => {
                    let (seal, appended) = self.happen(new)?;
                    sealed.push(seal);
                    appended
                }
            });
        }
        self.log.append(expected, &sealed)?;
        Ok(outcomes)
    }

    fn happen(&mut self, new: &NewEntry) -> Result<(Sealed, AppendOutcome), StoreError> {
        let kind = new.event.kind.name();
        // What was written with such a name before is read all the same.
        if let Some((_, name)) = new.event.kind.begun() {
            fit_for_a_name(name).map_err(|unfit| StoreError::Name { kind, unfit })?;
        }
        for prefix in new.event.kind.address_space() {
            let fits = fit_for_an_address_space(prefix);
            fits.map_err(|unfit| StoreError::AddressSpace { kind, unfit })?;
        }
        let mut event = new.event.clone();
        if new.never_granted == NeverGranted::Refuse {
            let never = self.fold.world.refuse_what_is_never_granted(&event);
            never.map_err(|refused| StoreError::Refused { kind, refused })?;
        }
        let concerns: Vec<ClockOwner> = concerns(&self.fold.world, &event);
        if let Some(Floor { at: floor, revision, subject }) = self.fold.clocks.floor(&concerns)
            && event.at < floor
        {
            if new.backdated == Backdated::Refuse {
                return Err(StoreError::Backdated {
                    kind,
                    at: event.at,
                    subject: subject.to_string(),
                    floor,
                    revision,
                });
            }
            event.at = floor;
        }
        let (mut why, mut channel) = (new.why.clone(), new.channel);
        if let EventKind::ExemptionAsked { why: own_why, channel: own_channel, .. } =
            &mut event.kind
        {
            *own_why = own_why.take().or_else(|| why.take());
            *own_channel = own_channel.or_else(|| channel.take());
            (why, channel) = (None, None);
        }
        let revision = self.fold.head.revision.saturating_add(1);
        let entry = LogEntry {
            schema: schema_of(&event.kind),
            revision,
            recorded: new.recorded,
            who: new.who.clone(),
            why,
            channel,
            key: new.key.clone(),
            event,
        };
        let sealed = entry.seal(&self.fold.head.hash)?;
        let refused = |refused| StoreError::Refused { kind, refused };
        let applied = self.fold.happen(&entry.event, concerns).map_err(refused)?;
        self.fold.head = Head { revision, hash: sealed.hash };
        Ok((sealed, AppendOutcome { entry, applied: Some(applied) }))
    }

    /// The entry that a new one's idempotency key stands for.
    fn already(&self, new: &NewEntry) -> Result<Option<LogEntry>, StoreError> {
        let Some(key) = &new.key else { return Ok(None) };
        let Some(revision) = self.log.find_key(key)? else { return Ok(None) };
        let read = self.log.read(revision.saturating_sub(1), 1)?;
        let wrong = |what: &str| StoreError::Entry { revision, what: what.to_owned() };
        let sealed = read.first().ok_or_else(|| wrong("its idempotency key is there, it isn't"))?;
        let entry = sealed.peek()?;
        if entry.key.as_ref() != Some(key) {
            return Err(wrong("it hasn't the idempotency key that leads to it"));
        }
        if !same_event(&entry, new) {
            return Err(StoreError::KeyTaken { key: key.clone(), revision });
        }
        Ok(Some(entry))
    }

    /// Tells every entry after a revision, in order, with its seal checked.
    ///
    /// # Errors
    /// The log can't be read or is damaged, or `seen` says so.
    pub fn entries(
        &self,
        after: u64,
        mut seen: impl FnMut(&LogEntry, &Sealed) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.log.of_one_state(|| self.tell(after, &mut seen))
    }

    fn tell(
        &self,
        after: u64,
        seen: &mut impl FnMut(&LogEntry, &Sealed) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut previous = match after {
            0 => Head { revision: 0, hash: crate::genesis::Genesis::hash_of(&self.genesis) },
            _ => {
                let read = self.log.read(after.saturating_sub(1), 1)?;
                let Some(sealed) = read.first() else { return Ok(()) };
                Head { revision: after, hash: sealed.hash }
            }
        };
        self.log.each_after(after, |sealed| {
            let entry = sealed.open_behind(previous)?;
            previous = sealed.head();
            seen(&entry, sealed)
        })?;
        let head = self.log.head()?;
        if previous.revision < head.revision {
            let what = format!("revision {} is missing", previous.revision.saturating_add(1));
            return Err(LogError::Damaged { place: self.log.place(), what }.into());
        }
        Ok(())
    }

    /// The world as it stood at a time: the fold, by revision, of the entries that had taken
    /// effect then.
    ///
    /// # Errors
    /// The log can't be read or is damaged.
    pub fn world_at(&self, at: Timestamp) -> Result<World, StoreError> {
        let mut world = Fold::begin(&self.genesis)?.world;
        self.entries(0, |entry, _| {
            if entry.event.at <= at {
                world.apply(&entry.event).map_err(|refused| StoreError::Unfoldable {
                    revision: entry.revision,
                    refused,
                })?;
            }
            Ok(())
        })?;
        Ok(world)
    }

    /// The world at the beginning and all events, for whoever moves through time with a capture.
    ///
    /// # Errors
    /// The log can't be read or is damaged.
    pub fn history(&self) -> Result<(World, Vec<Event>), StoreError> {
        let world = Fold::begin(&self.genesis)?.world;
        let mut events = Vec::new();
        self.entries(0, |entry, _| {
            events.push(entry.event.clone());
            Ok(())
        })?;
        Ok((world, events))
    }
}

/// Whether an entry is what a new one would become: the same event, but for a time that was
/// raised.
fn same_event(entry: &LogEntry, new: &NewEntry) -> bool {
    let mut event = new.event.clone();
    if let EventKind::ExemptionAsked { why, channel, .. } = &mut event.kind {
        *why = why.take().or_else(|| new.why.clone());
        *channel = channel.or(new.channel);
    }
    event.kind == entry.event.kind && event.edition == entry.event.edition
}
