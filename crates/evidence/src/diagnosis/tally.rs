//! Tries, one row for those that are alike.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use crate::mail_log::{Attempt, Destination, Outcome, Program, Seen};

/// The most rows that are kept; what is beyond them is counted.
const MOST_ROWS: usize = 50_000;

/// The port of SMTP, which alone the platform's filter looks at.
const SMTP_PORT: u16 = 25;

/// The ports of mail submission (RFC 6409, RFC 8314), and one that relays offer beside them.
const RELAY_PORTS: [u16; 4] = [465, 587, 2525, 2587];

/// Tries of one program to reach one destination that ended alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The program that tried, where a log tells; `None` of a probe.
    pub program: Option<Program>,
    /// Whom.
    pub to: Destination,
    /// The destination's number, by the order in which destinations are first seen, from 1; `None`
    /// where the log does not say whom.
    pub number: Option<usize>,
    /// The port.
    pub port: Option<u16>,
    /// Whether the log says that it is a relay.
    pub by_relay: bool,
    /// How they ended.
    pub outcome: Outcome,
    /// The reply code with which the server did not take the mail.
    pub reply: Option<u16>,
    /// How many there were.
    pub tries: u64,
    /// When the first was, as the log writes it.
    pub first: Option<String>,
    /// When the last was.
    pub last: Option<String>,
    /// The places of the first and the last among all tries.
    pub places: (u64, u64),
    /// How long the connection took, of a probe.
    pub milliseconds: Option<u64>,
}

impl Row {
    /// Whether it went to port 25 of a public address, which the filter is asked about. A name stands
    /// for one.
    #[must_use]
    pub fn is_asked_about(&self) -> bool {
        self.port == Some(SMTP_PORT) && !self.is_private()
    }

    /// Whether it went to a relay: by its port, because the log says so, or because no domain's mail
    /// goes to a private address.
    #[must_use]
    pub fn is_relay(&self) -> bool {
        self.by_relay
            || self.is_private()
            || self.port.is_some_and(|port| RELAY_PORTS.contains(&port))
    }

    /// Whether its address is none of the Internet.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.to.address.is_some_and(is_private)
    }

    fn key(&self) -> Key {
        let Self { program, to, port, by_relay, outcome, reply, .. } = self;
        (*program, to.clone(), *port, *by_relay, *outcome, *reply)
    }

    /// What came back, if that can be told.
    #[must_use]
    pub const fn seen(&self) -> Option<Seen> {
        self.outcome.seen()
    }
}

/// Whether an address is none of the Internet: private, a carrier's, of a link or of the machine.
fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let shared = first == 100 && (64..128).contains(&second);
            address.is_private() || address.is_loopback() || address.is_link_local() || shared
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// What tells rows apart.
type Key = (Option<Program>, Destination, Option<u16>, bool, Outcome, Option<u16>);

/// Adds tries up, in bounded memory.
#[derive(Debug, Default)]
pub struct Tally {
    rows: Vec<Row>,
    places: HashMap<Key, usize>,
    tries: u64,
    beyond: u64,
}

impl Tally {
    /// Counts a try that a log tells of.
    pub fn add(&mut self, attempt: Attempt) {
        let Attempt { program, at, to, port, by_relay, outcome, reply } = attempt;
        self.tries = self.tries.saturating_add(1);
        let place = self.tries;
        let key = (Some(program), to.clone(), port, by_relay, outcome, reply);
        if let Some(row) = self.places.get(&key).and_then(|place| self.rows.get_mut(*place)) {
            row.tries = row.tries.saturating_add(1);
            row.places.1 = place;
            row.last = at.or(row.last.take());
            return;
        }
        let row = Row {
            program: Some(program),
            to,
            number: None,
            port,
            by_relay,
            outcome,
            reply,
            tries: 1,
            first: at.clone(),
            last: at,
            places: (place, place),
            milliseconds: None,
        };
        if self.rows.len() < MOST_ROWS {
            self.places.insert(key, self.rows.len());
            self.rows.push(row);
        } else {
            self.beyond = self.beyond.saturating_add(1);
        }
    }

    /// How many tries are in no row, because there are too many destinations.
    #[must_use]
    pub const fn beyond(&self) -> u64 {
        self.beyond
    }

    /// The rows, their destinations numbered. An address that the log names once has that name
    /// wherever it stands alone.
    #[must_use]
    pub fn rows(self) -> Vec<Row> {
        let names: HashMap<IpAddr, String> = self
            .rows
            .iter()
            .filter_map(|row| Some((row.to.address?, row.to.name.clone()?)))
            .collect();
        let mut numbers: BTreeMap<Destination, usize> = BTreeMap::new();
        let mut rows = self.rows;
        for row in &mut rows {
            if row.to.name.is_none() {
                row.to.name = row.to.address.and_then(|address| names.get(&address)).cloned();
            }
            if row.to.is_unknown() {
                continue;
            }
            // A server with several addresses is one destination.
            let Destination { name, address } = row.to.clone();
            let key = match name {
                Some(name) => Destination { name: Some(name), address: None },
                None => Destination { name: None, address },
            };
            let next = numbers.len().saturating_add(1);
            row.number = Some(*numbers.entry(key).or_insert(next));
        }
        merged(rows)
    }
}

/// Rows that turned out to be alike, as one.
fn merged(rows: Vec<Row>) -> Vec<Row> {
    let mut places: HashMap<Key, usize> = HashMap::new();
    let mut merged: Vec<Row> = Vec::new();
    for row in rows {
        let key = row.key();
        match places.get(&key).and_then(|place| merged.get_mut(*place)) {
            Some(known) => {
                known.tries = known.tries.saturating_add(row.tries);
                known.first = known.first.take().or(row.first);
                known.places.0 = known.places.0.min(row.places.0);
                if row.places.1 > known.places.1 {
                    known.places.1 = row.places.1;
                    known.last = row.last.or(known.last.take());
                }
            }
            None => {
                places.insert(key, merged.len());
                merged.push(row);
            }
        }
    }
    merged
}
