//! One packet of each kind of answer: what the summary asks the edition in force about.

use std::collections::BTreeMap;
use std::net::IpAddr;

use egress25_packet_filter::capture::Record;
use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::{Direction, Frame, Outcome};
use egress25_packet_filter::sieve::Ruling;
use egress25_policy::{NetworkName, Question, Reason, Source, SubscriptionName, Verdict};

use crate::commands::connections::by_time::Moment;

const _: () = assert!(Reason::COUNT <= u64::BITS as usize, "a reason is a bit of a word");

/// A packet that stands for those of its subscription that are judged for the same reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Example {
    /// Its number in the capture, from 1.
    pub(crate) packet: u64,
    /// The moment that it was judged by.
    pub(crate) moment: Moment,
    /// What became of it.
    pub(crate) verdict: Verdict,
    /// The network that it shows.
    pub(crate) network: Option<NetworkName>,
    pub(crate) source: IpAddr,
    pub(crate) source_port: u16,
    pub(crate) destination: IpAddr,
    /// The direction that it was seen in, where the capture says so.
    pub(crate) direction: Option<Direction>,
}

impl Example {
    /// The question that the packet asks.
    pub(crate) fn question(&self) -> Question {
        let source = Source::Address { network: self.network.clone(), address: self.source };
        let source_port = Some(self.source_port);
        Question { source_port, ..Question::smtp(source, self.destination) }
    }
}

/// The first packet of each subscription and reason that a policy decides.
#[derive(Debug, Default)]
pub(crate) struct Examples {
    /// The reasons that were met, as bits, by the senders' places in a table.
    met: Vec<u64>,
    /// The compilation of that table.
    epoch: u64,
    found: FoundExamples,
}

/// By the sender's subscription and the reason.
pub(crate) type FoundExamples = BTreeMap<(Option<SubscriptionName>, Reason), Example>;

impl Examples {
    pub(crate) const fn found(&self) -> &FoundExamples {
        &self.found
    }

    /// Takes in packets that were judged together; `record` has each by its place among them.
    pub(crate) fn see<'a>(
        &mut self,
        rulings: &[Ruling],
        filter: &Filter,
        moment: Moment,
        record: impl Fn(usize) -> Option<Record<'a>>,
    ) {
        // Another table may have other places.
        if std::mem::replace(&mut self.epoch, filter.table().epoch()) != filter.table().epoch() {
            self.met.clear();
        }
        for (at, ruling) in rulings.iter().enumerate().filter(|(_, ruling)| ruling.is_judged()) {
            let Some(reason) = ruling.reason() else { continue };
            let (place, bit) = (ruling.place(), 1_u64 << reason.index());
            if self.met.get(place).is_some_and(|met| met & bit != 0) {
                continue;
            }
            // What came in may be a packet that nobody can read: the next one may be an example.
            let found = record(at)
                .is_some_and(|record| self.first(*ruling, reason, filter, &record, moment));
            if !found && reason == Reason::Inbound {
                continue;
            }
            if self.met.len() <= place {
                self.met.resize(place.saturating_add(1), 0);
            }
            if let Some(met) = self.met.get_mut(place) {
                *met |= bit;
            }
        }
    }

    /// Takes in one as the first, where it is one that a policy decides.
    #[cold]
    fn first(
        &mut self,
        ruling: Ruling,
        reason: Reason,
        filter: &Filter,
        record: &Record<'_>,
        moment: Moment,
    ) -> bool {
        let table = filter.table();
        let key = (table.subscription(ruling).cloned(), reason);
        let frame = Frame { link: record.link, bytes: record.data, wire_len: record.wire_len };
        let sighting = record.sighting();
        let judgement = filter.look(&frame, sighting);
        let Outcome::Match(candidate) = judgement.outcome else { return false };
        self.found.entry(key).or_insert_with(|| Example {
            packet: record.index.saturating_add(1),
            moment,
            verdict: ruling.verdict(),
            network: judgement.network.and_then(|id| table.networks().name(id)).cloned(),
            source: candidate.source,
            source_port: candidate.source_port,
            destination: candidate.destination,
            direction: sighting.direction,
        });
        true
    }
}
