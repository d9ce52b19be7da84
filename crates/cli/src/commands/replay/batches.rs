//! Batches of a capture, judged: all packets of one at once, or group by group where they are of
//! several interfaces or are judged by several tables.

use std::collections::HashMap;

use egress25_packet_filter::capture::CaptureBatch;
use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::{Direction, FrameOptions};
use egress25_packet_filter::sieve::{FrameList, Frames, Ruling, Sieve};

use crate::commands::connections::by_time::{Moment, TableByTime};
use crate::commands::connections::examples::Examples;
use crate::say::failure::Failure;

/// Judges batches.
#[derive(Debug)]
pub(crate) struct BatchJudge {
    pub(crate) filter: Filter,
    options: FrameOptions,
    sieve: Sieve,
    /// The rulings on the packets of the batch that was judged last.
    pub(crate) rulings: Vec<Ruling>,
    /// One packet of each kind that was judged.
    pub(crate) examples: Examples,
    groups: Groups,
    /// The moment of the packet before the batch.
    before: Moment,
    /// How many packets that are judged came without a time.
    pub(crate) without_time: u64,
    /// How many packets are judged only inside of their tunnels.
    pub(crate) inside_alone: u64,
}

/// Packets of a batch that are not all judged by the same table, or are of several interfaces:
/// those that there is something to say of, by moment and interface. Its room is reused.
#[derive(Debug, Default)]
struct Groups {
    kept: Vec<u32>,
    members: Vec<Member>,
    list: FrameList,
    rulings: Vec<Ruling>,
    /// The packets among them without a time, and the moments that they are judged by.
    untimed: Vec<(u32, Moment)>,
}

/// A packet of a group: the moment that it is judged by, the first packet of the batch that has its
/// interface, and its place in the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    moment: Moment,
    interface: u32,
    place: u32,
}

impl BatchJudge {
    /// With a filter that reads packets by these options; `before` is the moment of packets without
    /// a time that come before any time is known.
    pub(crate) fn new(filter: Filter, options: FrameOptions, before: Moment) -> Self {
        Self {
            filter,
            options,
            sieve: Sieve::new(options),
            rulings: Vec::new(),
            examples: Examples::default(),
            groups: Groups::default(),
            before,
            without_time: 0,
            inside_alone: 0,
        }
    }

    /// Judges a batch, each packet by the table of its time and by its own interface: a ruling for
    /// each, in order. A packet without a time is judged by the table of the one before it.
    ///
    /// # Errors
    /// There is no table for a moment.
    pub(crate) fn judge(
        &mut self,
        batch: &CaptureBatch<'_>,
        tables: &mut impl TableByTime,
    ) -> Result<&[Ruling], Failure> {
        let frames = batch.frames();
        self.groups.untimed.clear();
        if self.is_of_one_group(batch, tables) {
            // Rows may have moved on to another table since.
            tables.install(tables.moment(), &mut self.filter)?;
            let Self { filter, options, rulings, examples, .. } = self;
            self.inside_alone += judge(filter, options, &frames, rulings, |at| batch.direction(at));
            examples.see(rulings, filter, tables.moment(), |at| batch.record(at));
        } else {
            self.by_groups(batch, &frames, tables)?;
        }
        let last = (0..batch.len()).rev().find_map(|place| batch.time(place));
        self.before = last.map_or(self.before, |time| tables.moment_at(time));
        Ok(&self.rulings)
    }

    /// The moment that a packet without a time was judged by, in the batch that was judged last.
    pub(crate) fn moment_of_untimed(&self, place: usize) -> Moment {
        let untimed = &self.groups.untimed;
        let found = untimed.binary_search_by_key(&place, |(place, _)| *place as usize);
        found.ok().and_then(|at| untimed.get(at)).map_or(self.before, |(_, moment)| *moment)
    }

    /// Whether all packets of a batch are judged by the table in use, and show the same interface,
    /// where that counts.
    fn is_of_one_group(&self, batch: &CaptureBatch<'_>, tables: &impl TableByTime) -> bool {
        let is_now = |time| tables.moment_at(time) == tables.moment();
        let one_moment = batch.times().is_none_or(|(first, last)| is_now(first) && is_now(last));
        let one_interface = !self.filter.heeds_interfaces() || !batch.has_several_interfaces();
        one_moment && one_interface && !batch.has_untimed()
    }

    fn by_groups(
        &mut self,
        batch: &CaptureBatch<'_>,
        frames: &Frames<'_>,
        tables: &mut impl TableByTime,
    ) -> Result<(), Failure> {
        self.rulings.clear();
        self.rulings.resize(frames.len(), Ruling::UNJUDGED);
        let mut groups = std::mem::take(&mut self.groups);
        groups.kept.clear();
        self.sieve.keep(frames, &mut groups.kept);
        groups.sort(batch, tables, self.before);
        for group in groups
            .members
            .chunk_by(|one, other| (one.moment, one.interface) == (other.moment, other.interface))
        {
            groups.list.clear();
            for member in group {
                groups.list.push_of(frames, member.place as usize);
            }
            let Some(first) = group.first() else { continue };
            tables.install(first.moment, &mut self.filter)?;
            let interface = batch.interface_name(first.interface as usize);
            let members = groups.list.frames(frames.link, interface, frames.bytes);
            let direction = |at: usize| batch.direction(group.get(at)?.place as usize);
            let (filter, rulings) = (&mut self.filter, &mut groups.rulings);
            self.inside_alone += judge(filter, &self.options, &members, rulings, direction);
            let record = |at: usize| batch.record(group.get(at)?.place as usize);
            self.examples.see(&groups.rulings, &self.filter, first.moment, record);
            for (member, ruling) in group.iter().zip(&groups.rulings) {
                if let Some(stored) = self.rulings.get_mut(member.place as usize) {
                    *stored = *ruling;
                }
            }
        }
        for (place, _) in &groups.untimed {
            let is_judged = self.rulings.get(*place as usize).is_some_and(|r| r.is_judged());
            self.without_time = self.without_time.saturating_add(u64::from(is_judged));
        }
        self.groups = groups;
        Ok(())
    }
}

impl Groups {
    /// Says of each packet that is kept which group it is of, and puts them in the groups' order. A
    /// packet without a time is judged by the moment of the one before it, whatever that is.
    fn sort(&mut self, batch: &CaptureBatch<'_>, tables: &impl TableByTime, before: Moment) {
        let (mut moment, mut looked_at) = (before, 0);
        let mut interfaces: HashMap<Option<&str>, u32> = HashMap::new();
        self.members.clear();
        for place in &self.kept {
            let here = *place as usize;
            let time = (looked_at..=here).rev().find_map(|place| batch.time(place));
            moment = time.map_or(moment, |time| tables.moment_at(time));
            looked_at = here.saturating_add(1);
            if batch.time(here).is_none() {
                self.untimed.push((*place, moment));
            }
            let name = batch.interface_name(here);
            let interface = *interfaces.entry(name).or_insert(*place);
            self.members.push(Member { moment, interface, place: *place });
        }
        self.members.sort_unstable();
    }
}

/// Judges frames, also by the direction that they were seen in, and what is inside of their tunnels
/// where the options ask for that. Returns how many are judged only there.
fn judge(
    filter: &mut Filter,
    options: &FrameOptions,
    frames: &Frames<'_>,
    rulings: &mut Vec<Ruling>,
    direction: impl Fn(usize) -> Option<Direction>,
) -> u64 {
    filter.judge(frames, rulings);
    filter.heed_directions(frames, rulings, direction);
    let mut inside_alone = 0_u64;
    if options.look_inside {
        let all = frames.iter().zip(rulings.iter());
        for (frame, ruling) in all.filter(|(_, ruling)| ruling.has_inside()) {
            let any = filter.judge_inside(&frame, frames.interface);
            inside_alone = inside_alone.saturating_add(u64::from(any && !ruling.is_judged()));
        }
    }
    inside_alone
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::Arc;

    use egress25_packet_filter::capture::{
        CaptureReader, NewInterface, PcapngWriter, WrittenPacket,
    };
    use egress25_packet_filter::link::LinkType;
    use egress25_packet_filter::table::{Leaf, RouteSet, Table, TableBuilder};
    use egress25_policy::{CaptureIds, NetworkName, Reason};
    use ipnet::{IpNet, Ipv4Net};
    use jiff::Timestamp;

    use super::*;
    use crate::commands::connections::by_time::AnyTime;

    /// Two networks that own the same address, each shown by an interface of its name.
    const NETWORKS: [(&str, Reason); 2] = [("one", Reason::Exempt), ("two", Reason::NotGranted)];

    fn table() -> Arc<Table> {
        let mut builder = TableBuilder::default();
        for (name, edge) in NETWORKS {
            let network = builder.network(&NetworkName::from(name));
            let shown = CaptureIds { interfaces: vec![name.to_owned()], ..CaptureIds::default() };
            builder.shown_by(network, &shown);
            let routes = RouteSet::new(vec![(IpNet::V4(Ipv4Net::default()), Leaf::Edge)]);
            let place = builder.place(network, &routes).unwrap();
            builder.address(place, IpAddr::from([10, 0, 0, 4]), None, edge).unwrap();
        }
        Arc::new(builder.build(1).unwrap())
    }

    /// A SYN to port 25 of the machine.
    fn syn() -> Vec<u8> {
        let mut syn = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0, 0, 40, 0, 0, 0x40, 0];
        syn.extend([64, 6, 0, 0, 10, 0, 0, 4, 203, 0, 113, 5, 0x9c, 0x40, 0, 25]);
        syn.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0]);
        syn
    }

    /// It on both interfaces in turns.
    fn capture() -> Vec<u8> {
        let syn = syn();
        let mut writer = PcapngWriter::new(Vec::new(), None).unwrap();
        let interfaces = NETWORKS.map(|(name, _)| {
            let mut new = NewInterface::unnamed(LinkType::Ethernet);
            new.name = Some(name.into());
            writer.add_interface(&new).unwrap()
        });
        for interface in interfaces.into_iter().cycle().take(6) {
            let timestamp = Some(Timestamp::UNIX_EPOCH);
            let packet = WrittenPacket { timestamp, wire_len: 54, data: &syn };
            writer.write_packet(interface, &packet, &[]).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn packets_of_several_interfaces_are_not_judged_by_the_first_ones_name() {
        let mut reader = CaptureReader::from_read(std::io::Cursor::new(capture()), "six").unwrap();
        let options = FrameOptions::default();
        let mut judge = BatchJudge::new(Filter::new(table(), options), options, Moment::default());
        let mut reasons = Vec::new();
        while let Some(batch) = reader.next_batch().unwrap() {
            let rulings = judge.judge(&batch, &mut AnyTime).unwrap();
            reasons.extend(rulings.iter().map(|ruling| ruling.reason()));
        }
        let expected: Vec<_> = NETWORKS.iter().cycle().take(6).map(|(_, r)| Some(*r)).collect();
        assert_eq!(reasons, expected);
    }

    /// An enhanced packet block of a second, in nanoseconds, or a simple one, which has no time.
    fn packet_block(second: Option<u64>, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        let words = match second.map(|second| second * 1_000_000_000) {
            Some(nanos) => {
                let [high, low] = [nanos >> 32, nanos & 0xffff_ffff];
                let half = |half| u32::try_from(half).unwrap();
                vec![6, 0, 0, half(high), half(low), length, length]
            }
            None => vec![3, 0, length],
        };
        let mut block: Vec<u8> = words.iter().flat_map(|word: &u32| word.to_le_bytes()).collect();
        block.extend_from_slice(data);
        block.resize(block.len().next_multiple_of(4), 0);
        let total = u32::try_from(block.len() + 4).unwrap().to_le_bytes();
        block[4..8].copy_from_slice(&total);
        block.extend(total);
        block
    }

    /// One machine's table before second 10, and from then on.
    struct Two(usize);

    impl TableByTime for Two {
        fn moment(&self) -> Moment {
            Moment { epoch: 0, happened: self.0 }
        }

        fn moment_at(&self, time: Timestamp) -> Moment {
            Moment { epoch: 0, happened: usize::from(time.as_second() >= 10) }
        }

        fn install(&mut self, moment: Moment, filter: &mut Filter) -> Result<(), Failure> {
            self.0 = moment.happened;
            let table = filter.table().clone();
            filter.set_network(table.network(&NetworkName::from(NETWORKS[self.0].0)));
            Ok(())
        }
    }

    #[test]
    fn a_packet_without_a_time_was_judged_by_whatever_table_was_in_use() {
        let mut writer = PcapngWriter::new(Vec::new(), None).unwrap();
        writer.add_interface(&NewInterface::unnamed(LinkType::Ethernet)).unwrap();
        let mut bytes = writer.finish().unwrap();
        let mut other = syn();
        other[36..38].copy_from_slice(&[1, 187]);
        let timed = [(Some(20), &other), (None, &syn()), (Some(5), &syn()), (None, &syn())];
        for (second, data) in timed.into_iter().chain([(Some(11), &other), (None, &syn())]) {
            bytes.extend(packet_block(second, data));
        }
        let mut reader = CaptureReader::from_read(std::io::Cursor::new(bytes), "six").unwrap();
        let options = FrameOptions::default();
        let mut judge = BatchJudge::new(Filter::new(table(), options), options, Moment::default());
        let (mut reasons, mut positions) = (Vec::new(), Vec::new());
        while let Some(batch) = reader.next_batch().unwrap() {
            // Rows have left another table in use.
            let rulings = judge.judge(&batch, &mut Two(1)).unwrap().to_vec();
            let untimed = (0..batch.len()).filter(|place| batch.time(*place).is_none());
            positions.extend(untimed.map(|place| judge.moment_of_untimed(place).happened));
            reasons.extend(rulings.iter().filter_map(|ruling| ruling.reason()));
        }
        let (exempt, blocked) = (Reason::Exempt, Reason::NotGranted);
        assert_eq!(reasons, [blocked, exempt, exempt, blocked]);
        assert_eq!(positions, [1, 0, 1]);
        assert_eq!(judge.without_time, 3);
    }
}
