//! The world at each packet's time, and the table compiled from it.
//!
//! Packets of several interfaces come in any order around an event. A table is known by how many
//! events had happened when it was compiled or last patched; a step over an event patches it in
//! place, and where packets go back and forth a second table is compiled, so that going on is a
//! look at the tables that are kept. The world itself follows only where somebody asks it.

use std::collections::VecDeque;
use std::sync::Arc;

use egress25_packet_filter::table::{Patched, Table};
use egress25_policy::{Timeline, TimelineError, World};

use crate::say::failure::Failure;

/// How many compiled tables are kept, the one in use among them.
const KEPT: usize = 8;

/// The table of one moment: of the world after so many events.
#[derive(Debug, Clone)]
struct MomentTable {
    position: usize,
    table: Arc<Table>,
}

/// The world and its tables.
#[derive(Debug)]
pub(crate) struct Moments {
    timeline: Timeline,
    now: MomentTable,
    /// The other tables, the one that was used last in front.
    kept: VecDeque<MomentTable>,
    /// The furthest moment that there has been: steps up to it have been made before.
    furthest: usize,
    /// How many machines were patched for steps that had been made before, since a table was
    /// compiled: what it would have cost to have kept one.
    patched_again: usize,
    work: MovingCost,
}

/// What moving cost, as counts: what tests of the complexity look at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct MovingCost {
    /// Tables compiled.
    pub(crate) compiled: usize,
    /// Machines looked at for a patch.
    pub(crate) patched: usize,
    /// Events that happened or were taken back.
    pub(crate) stepped: usize,
}

impl Moments {
    pub(crate) fn new(timeline: Timeline) -> Result<Self, Failure> {
        let table = compile(timeline.world(), 0)?;
        Ok(Self {
            now: MomentTable { position: timeline.position(), table },
            timeline,
            kept: VecDeque::new(),
            furthest: 0,
            patched_again: 0,
            work: MovingCost { compiled: 1, ..MovingCost::default() },
        })
    }

    pub(crate) const fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// The table of the moment.
    pub(crate) const fn table(&self) -> &Arc<Table> {
        &self.now.table
    }

    /// How many events have happened at the moment.
    pub(crate) const fn position(&self) -> usize {
        self.now.position
    }

    #[cfg(test)]
    pub(crate) const fn work(&self) -> MovingCost {
        self.work
    }

    /// The world of the moment.
    pub(crate) fn world(&mut self) -> Result<&World, Failure> {
        self.step_world(self.now.position)?;
        Ok(self.timeline.world())
    }

    /// Goes to where so many events have happened: another table may be in use from here on.
    pub(crate) fn move_to_position(&mut self, position: usize) -> Result<(), Failure> {
        if position == self.now.position {
            return Ok(());
        }
        if let Some(place) = self.kept.iter().position(|kept| kept.position == position)
            && let Some(found) = self.kept.remove(place)
        {
            self.keep(found);
            return Ok(());
        }
        if self.patch_to(position)? {
            return Ok(());
        }
        self.step_world(position)?;
        let epoch = u64::try_from(self.work.compiled).unwrap_or(u64::MAX);
        let table = compile(self.timeline.world(), epoch)?;
        self.work.compiled = self.work.compiled.saturating_add(1);
        self.patched_again = 0;
        self.keep(MomentTable { position, table });
        Ok(())
    }

    /// Has another table in use, and keeps the one that was.
    fn keep(&mut self, next: MomentTable) {
        self.furthest = self.furthest.max(next.position);
        self.kept.push_front(std::mem::replace(&mut self.now, next));
        self.kept.truncate(KEPT.saturating_sub(1));
    }

    /// Patches the table in use step by step; false where that ends before the moment: a step
    /// needs another table, or steps that were made before have cost what a table costs, which
    /// is worth one of its own. The table in use stays true to the moment where it is left.
    fn patch_to(&mut self, position: usize) -> Result<bool, Failure> {
        self.step_world(self.now.position)?;
        while self.now.position != position {
            if self.patched_again > self.now.table.len() {
                return Ok(false);
            }
            let next = if self.now.position < position {
                self.now.position.saturating_add(1)
            } else {
                self.now.position.saturating_sub(1)
            };
            let is_new = next > self.furthest;
            let Self { timeline, now, patched_again, work, .. } = self;
            let mut in_place = true;
            timeline
                .move_to(next, |applied, world| {
                    let machines = applied.machines.len().saturating_add(1);
                    work.stepped = work.stepped.saturating_add(1);
                    work.patched = work.patched.saturating_add(machines);
                    if !is_new {
                        *patched_again = patched_again.saturating_add(machines);
                    }
                    in_place = now.table.patch(world, applied) != Patched::CompileAnew;
                })
                .map_err(internal)?;
            if !in_place {
                return Ok(false);
            }
            self.now.position = next;
            self.furthest = self.furthest.max(next);
        }
        Ok(true)
    }

    fn step_world(&mut self, position: usize) -> Result<(), Failure> {
        let stepped = &mut self.work.stepped;
        self.timeline
            .move_to(position, |_, _| *stepped = stepped.saturating_add(1))
            .map_err(internal)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
fn internal(error: TimelineError) -> Failure {
    Failure::Internal(error.to_string())
}

fn compile(world: &World, epoch: u64) -> Result<Arc<Table>, Failure> {
    Table::compile(world, epoch).map(Arc::new).map_err(|error| Failure::Usage(error.to_string()))
}

#[cfg(test)]
mod tests {
    use egress25_policy::{Edition, InventoryFile, parse_events};

    use jiff::Timestamp;

    use super::*;

    /// So many machines, with events at 10:00, 10:01 and so on.
    fn moments(machines: usize, events: &[&str]) -> Moments {
        let mut inventory =
            "[subscription.s]\noffer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"\n\
                       [network.n]\naddress_space = [\"10.0.0.0/8\"]\n"
                .to_owned();
        for number in 0..machines {
            let [_, a, b, c] = u32::try_from(number + 4).unwrap().to_be_bytes();
            inventory.push_str(&format!(
                "[machine.m{number}]\nsubscription = \"s\"\nnetwork = \"n\"\n\
                 addresses = [\"10.{a}.{b}.{c}\"]\n"
            ));
        }
        let events: String = (0..)
            .zip(events)
            .map(|(minute, event)| {
                format!("[[event]]\nat = \"2020-12-08T10:{minute:02}:00Z\"\n{event}\n")
            })
            .collect();
        let inventory = InventoryFile::parse(&inventory).unwrap();
        let inventory = inventory.build(&Edition::default_edition().unwrap(), &[]).unwrap();
        Moments::new(inventory.timeline(parse_events(&events).unwrap()).unwrap()).unwrap()
    }

    fn minute(minute: usize, second: i64) -> Timestamp {
        let start: Timestamp = "2020-12-08T10:00:00Z".parse().unwrap();
        start + jiff::SignedDuration::from_secs(i64::try_from(minute).unwrap() * 60 + second)
    }

    const ASKED: &str = "kind = \"exemption-asked\"\nsubscription = \"s\"";
    const GRANTED: &str = "kind = \"exemption-granted\"\nsubscription = \"s\"";
    const REVOKED: &str = "kind = \"exemption-revoked\"\nsubscription = \"s\"";

    /// The reason of the first machine's mail by the table of the moment, which has to be what a
    /// table says that is compiled from the world of the moment.
    fn reason(moments: &mut Moments) -> String {
        let (from, to) = ("10.0.0.4".parse().unwrap(), "203.0.113.5".parse().unwrap());
        let answer = moments.table().answer(None, (from, 40_000), to).reason;
        let anew = compile(moments.world().unwrap(), 0).unwrap();
        assert_eq!(answer, anew.answer(None, (from, 40_000), to).reason);
        answer.to_string()
    }

    fn move_to(moments: &mut Moments, time: Timestamp) {
        moments.move_to_position(moments.timeline.position_at(time)).unwrap();
    }

    #[test]
    fn packets_on_both_sides_of_an_event_cost_no_more_than_a_few_tables() {
        let machines = 500;
        let mut moments = moments(machines, &[ASKED, GRANTED]);
        for _ in 0..10_000 {
            move_to(&mut moments, minute(1, 1));
            move_to(&mut moments, minute(1, -1));
        }
        let MovingCost { compiled, patched, stepped } = moments.work();
        assert!(compiled <= 3, "{compiled} tables");
        assert!(patched <= 6 * machines, "{patched} machines were patched");
        assert!(stepped <= 20, "{stepped} steps");
        assert_eq!(reason(&mut moments), "request-pending");
        move_to(&mut moments, minute(1, 0));
        assert_eq!(reason(&mut moments), "waiting-for-stop-and-start");
    }

    #[test]
    fn in_order_every_event_is_patched_once_and_nothing_is_compiled() {
        let mut moments = moments(100, &[ASKED, GRANTED, REVOKED]);
        for number in 0..3 {
            move_to(&mut moments, minute(number, 0));
        }
        let MovingCost { compiled, patched, stepped } = moments.work();
        assert_eq!((compiled, patched, stepped), (1, 3 * 101, 3));
    }

    #[test]
    fn any_order_has_the_answers_of_its_moments_and_eight_tables_at_most() {
        let deployed = |number: u32| {
            format!(
                "kind = \"machine-deployed\"\nmachine = \"new{number}\"\nsubscription = \"s\"\n\
                 network = \"n\"\naddresses = [\"10.255.0.{number}\"]"
            )
        };
        let structural: Vec<String> = (4..20).map(deployed).collect();
        let mut events = vec![ASKED, GRANTED];
        events.extend(structural.iter().map(String::as_str));
        events.extend([REVOKED, ASKED, GRANTED, REVOKED]);
        let mut moments = moments(20, &events);
        // A walk without a pattern: multiples of a generator of the residues.
        let mut at = 1_usize;
        for _ in 0..300 {
            at = at * 5 % 23;
            move_to(&mut moments, minute(at, 0));
            reason(&mut moments);
            assert!(moments.kept.len() < KEPT);
        }
    }
}
