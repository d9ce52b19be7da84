//! The inventory as time goes on: what has happened in it, and which edition judges.
//!
//! A moment is an edition and how many events have happened, told by one number: each edition has
//! as many moments as there are events, and one more. What happened is the same under all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::table::{NetworkId, Table};
use egress25_policy::{Edition, Event, NetworkName, World};
use jiff::Timestamp;

use crate::commands::replay::batches::TableByTime;
use crate::commands::replay::moments::Moments;
use crate::commands::replay::resolve::ReplayPlan;
use crate::read::edition::{self, ChosenEdition};
use crate::read::inventory::InventoryInput;
use crate::read::network;
use crate::say::failure::Failure;

/// The inventory as time goes on, and the network that every packet belongs to, if one is given.
#[derive(Debug)]
pub(super) struct MovingInventory {
    inventory: InventoryInput,
    /// The editions that may judge, oldest first, and since when each does.
    editions: Vec<(Timestamp, Arc<Edition>)>,
    /// The place among them of the one that judges at the moment.
    current: usize,
    moments: Moments,
    /// Those of the other editions that have judged, by their places.
    others: BTreeMap<usize, Moments>,
    network: Option<NetworkName>,
}

impl MovingInventory {
    pub(super) fn new(plan: &ReplayPlan) -> Result<Self, Failure> {
        let editions = match &plan.edition {
            ChosenEdition::One(edition) => vec![(Timestamp::MIN, edition.clone())],
            ChosenEdition::ByDate => {
                let all = Edition::all()?.iter();
                all.map(|edition| (edition::began(edition), edition.clone())).collect()
            }
        };
        let current = editions.len().saturating_sub(1);
        let edition = plan.edition.at(Timestamp::MAX)?;
        let timeline = plan.inventory.timeline(&edition)?;
        let network = plan.network.as_deref();
        let network = network.map(|name| network::named(timeline.world(), name)).transpose()?;
        Ok(Self {
            inventory: plan.inventory.clone(),
            editions,
            current,
            moments: Moments::new(timeline)?,
            others: BTreeMap::new(),
            network,
        })
    }

    /// The network that every packet belongs to, in a table: it may have another number in each.
    pub(super) fn network_in(&self, table: &Table) -> Option<NetworkId> {
        self.network.as_ref().and_then(|name| table.network(name))
    }

    /// The events, in order of time.
    pub(super) fn events(&self) -> &[Event] {
        self.moments.timeline().events()
    }

    /// The edition that judges at a moment.
    pub(super) fn edition_of(&self, position: usize) -> Option<&Arc<Edition>> {
        let place = position.checked_div(self.stride())?;
        self.editions.get(place).map(|(_, edition)| edition)
    }

    /// The editions that judge between two times.
    pub(super) fn editions(
        &self,
        first: Timestamp,
        last: Timestamp,
    ) -> &[(Timestamp, Arc<Edition>)] {
        let range = self.edition_at(first)..=self.edition_at(last);
        self.editions.get(range).unwrap_or_default()
    }

    /// The table of the moment.
    pub(super) const fn table(&self) -> &Arc<Table> {
        self.moments.table()
    }

    /// The world of the moment, as it stands, or as it was at the moment that was asked for last.
    pub(super) const fn any_world(&self) -> &World {
        self.moments.timeline().world()
    }

    /// The world of the moment.
    pub(super) fn world(&mut self) -> Result<&World, Failure> {
        self.moments.world()
    }

    /// How many events have happened at a moment.
    pub(super) fn happened(&self, position: usize) -> usize {
        position.checked_rem(self.stride()).unwrap_or_default()
    }

    /// Goes to a moment: another table may be in use from here on.
    pub(super) fn move_to(&mut self, position: usize) -> Result<(), Failure> {
        let place = position.checked_div(self.stride()).unwrap_or_default();
        if place != self.current {
            let next = match (self.others.remove(&place), self.editions.get(place)) {
                (Some(known), _) => known,
                (None, Some((_, edition))) => Moments::new(self.inventory.timeline(edition)?)?,
                (None, None) => return Err(Failure::Internal(format!("no moment {position}"))),
            };
            let before = std::mem::replace(&mut self.moments, next);
            self.others.insert(std::mem::replace(&mut self.current, place), before);
        }
        self.moments.move_to_position(self.happened(position))
    }

    /// How many moments each edition has.
    fn stride(&self) -> usize {
        self.events().len().saturating_add(1)
    }

    /// The place of the edition that judges at a time; the oldest before all of them.
    fn edition_at(&self, time: Timestamp) -> usize {
        self.editions.partition_point(|(from, _)| *from <= time).saturating_sub(1)
    }

    fn moment(&self, edition: usize, happened: usize) -> usize {
        edition.saturating_mul(self.stride()).saturating_add(happened)
    }
}

impl TableByTime for MovingInventory {
    fn position(&self) -> usize {
        self.moment(self.current, self.moments.position())
    }

    fn position_at(&self, time: Timestamp) -> usize {
        self.moment(self.edition_at(time), self.moments.timeline().position_at(time))
    }

    fn install(&mut self, position: usize, filter: &mut Filter) -> Result<(), Failure> {
        self.move_to(position)?;
        if !Arc::ptr_eq(filter.table(), self.table()) {
            let table = self.table().clone();
            filter.set_network(self.network_in(&table));
            filter.set_table(table);
        }
        Ok(())
    }
}
