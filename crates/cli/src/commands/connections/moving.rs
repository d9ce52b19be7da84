//! The inventory as time goes on: what has happened in it, and which edition judges.
//!
//! What happened is the same in all epochs: each has its own world and tables for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::table::{NetworkId, Table};
use egress25_policy::{Edition, Event, NetworkName, World, network_changes};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::commands::connections::by_time::{Moment, TableByTime};
use crate::commands::connections::moments::Moments;
use crate::read::edition::{self, ChosenEdition};
use crate::read::inventory::InventoryInput;
use crate::read::network;
use crate::say::failure::Failure;

/// The inventory as time goes on, and the network that every packet belongs to, if one is given.
#[derive(Debug)]
pub(crate) struct MovingInventory {
    inventory: InventoryInput,
    /// The epochs, in order.
    epochs: Vec<Epoch>,
    /// The place among them of the moment's.
    current: usize,
    moments: Moments,
    /// Those of the other epochs that packets were of, by their places.
    others: BTreeMap<usize, Moments>,
    network: Option<NetworkName>,
}

/// A time in which one edition judges and the facts of the network stay as they are.
#[derive(Debug)]
struct Epoch {
    from: Timestamp,
    edition: Arc<Edition>,
    /// A day of it.
    day: Date,
}

/// The epochs of what judges: the first is from the beginning of time on.
fn epochs(chosen: &ChosenEdition) -> Result<Vec<Epoch>, Failure> {
    let mut days = network_changes();
    if matches!(chosen, ChosenEdition::ByDate) {
        days.extend(Edition::all()?.iter().map(|edition| edition.from));
    }
    days.sort_unstable();
    days.dedup();
    let begins = |day| edition::first_moment(day);
    let first = (Timestamp::MIN, Date::MIN);
    let all = [first].into_iter().chain(days.into_iter().map(|day| (begins(day), day)));
    all.map(|(from, day)| Ok(Epoch { from, edition: chosen.at(from)?, day })).collect()
}

impl MovingInventory {
    pub(crate) fn new(
        inventory: &InventoryInput,
        chosen: &ChosenEdition,
        network: Option<&str>,
    ) -> Result<Self, Failure> {
        let epochs = epochs(chosen)?;
        // What comes before any time is known is of the edition's own day, or of today's text.
        let known = match chosen {
            ChosenEdition::One(edition) => edition::first_moment(edition.from),
            ChosenEdition::ByDate => Timestamp::MAX,
        };
        let current = epoch_at(&epochs, known);
        let Some(Epoch { edition, day, .. }) = epochs.get(current) else {
            return Err(Failure::Internal("there is no edition".to_owned()));
        };
        let timeline = inventory.timeline_on(edition, Some(*day))?;
        inventory.refuse_empty(&timeline)?;
        let network = network.map(|name| network::named(timeline.world(), name)).transpose()?;
        Ok(Self {
            inventory: inventory.clone(),
            epochs,
            current,
            moments: Moments::new(timeline)?,
            others: BTreeMap::new(),
            network,
        })
    }

    /// The network that every packet belongs to, if one is given.
    pub(crate) const fn network(&self) -> Option<&NetworkName> {
        self.network.as_ref()
    }

    /// The network that every packet belongs to, in a table: it may have another number in each.
    pub(crate) fn network_in(&self, table: &Table) -> Option<NetworkId> {
        self.network.as_ref().and_then(|name| table.network(name))
    }

    /// The events, in order of time.
    pub(crate) fn events(&self) -> &[Event] {
        self.moments.timeline().events()
    }

    /// The edition that judges at a moment.
    pub(crate) fn edition_of(&self, moment: Moment) -> Option<&Arc<Edition>> {
        self.epochs.get(moment.epoch).map(|epoch| &epoch.edition)
    }

    /// The ids of the editions that judge between two times, oldest first.
    pub(crate) fn editions(&self, first: Timestamp, last: Timestamp) -> Vec<String> {
        let range = epoch_at(&self.epochs, first)..=epoch_at(&self.epochs, last);
        let epochs = self.epochs.get(range).unwrap_or_default().iter();
        let mut ids: Vec<_> = epochs.map(|epoch| epoch.edition.id.clone()).collect();
        ids.dedup();
        ids
    }

    /// The world of another moment: it is the moment's from here on.
    pub(crate) fn world_at(&mut self, moment: Moment) -> Result<&World, Failure> {
        self.move_to(moment)?;
        self.world()
    }

    /// The table of the moment.
    pub(crate) const fn table(&self) -> &Arc<Table> {
        self.moments.table()
    }

    /// The world of the moment.
    pub(crate) fn world(&mut self) -> Result<&World, Failure> {
        self.moments.world()
    }

    /// Goes to a moment: another table may be in use from here on.
    pub(crate) fn move_to(&mut self, moment: Moment) -> Result<(), Failure> {
        let place = moment.epoch;
        if place != self.current {
            let next = match (self.others.remove(&place), self.epochs.get(place)) {
                (Some(known), _) => known,
                (None, Some(Epoch { edition, day, .. })) => {
                    Moments::new(self.inventory.timeline_on(edition, Some(*day))?)?
                }
                (None, None) => return Err(Failure::Internal(format!("no {moment:?}"))),
            };
            let before = std::mem::replace(&mut self.moments, next);
            self.others.insert(std::mem::replace(&mut self.current, place), before);
        }
        self.moments.move_to_position(moment.happened)
    }
}

/// The place of the epoch of a time.
fn epoch_at(epochs: &[Epoch], time: Timestamp) -> usize {
    epochs.partition_point(|epoch| epoch.from <= time).saturating_sub(1)
}

impl TableByTime for MovingInventory {
    fn moment(&self) -> Moment {
        Moment { epoch: self.current, happened: self.moments.position() }
    }

    fn moment_at(&self, time: Timestamp) -> Moment {
        let happened = self.moments.timeline().position_at(time);
        Moment { epoch: epoch_at(&self.epochs, time), happened }
    }

    fn install(&mut self, moment: Moment, filter: &mut Filter) -> Result<(), Failure> {
        self.move_to(moment)?;
        if !Arc::ptr_eq(filter.table(), self.table()) {
            let table = self.table().clone();
            filter.set_network(self.network_in(&table));
            filter.set_table(table);
        }
        Ok(())
    }
}
