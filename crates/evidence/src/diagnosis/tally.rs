//! Tries, one row for those that are alike.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

use egress25_policy::SMTP_PORT;

use crate::mail_log::{Attempt, Destination, Moment, Outcome, Program};
use crate::reply::Answer;

/// The most rows that are kept; what is beyond them is counted.
const MOST_ROWS: usize = 50_000;

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
    /// The number of its address, from 1, where its destination has several.
    pub address_number: Option<usize>,
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
    /// The moments of both, where they can be compared; `None` of a probe, which tries all at once.
    pub span: Option<(Moment, Moment)>,
    /// How long the connection took, of a probe.
    pub milliseconds: Option<u64>,
}

impl Row {
    /// One try of a log.
    fn of(attempt: Attempt, place: i64) -> Self {
        let Attempt { program, at, to, port, by_relay, outcome, reply, .. } = attempt;
        let moment = at.as_deref().and_then(Moment::of).unwrap_or_else(|| Moment::place(place));
        let span = Some((moment, moment));
        let (first, last) = (at.clone(), at);
        Self {
            by_relay,
            reply,
            first,
            last,
            span,
            ..Self::probed(Some(program), to, port, outcome)
        }
    }

    /// One try of which nothing more is known.
    #[must_use]
    pub const fn probed(
        program: Option<Program>,
        to: Destination,
        port: Option<u16>,
        outcome: Outcome,
    ) -> Self {
        Self {
            program,
            to,
            number: None,
            address_number: None,
            port,
            by_relay: false,
            outcome,
            reply: None,
            tries: 1,
            first: None,
            last: None,
            span: None,
            milliseconds: None,
        }
    }

    /// Whether it went to port 25 of a public address, which the filter is asked about. A name stands
    /// for one.
    #[must_use]
    pub fn is_asked_about(&self) -> bool {
        self.port == Some(SMTP_PORT) && !self.is_private()
    }

    /// Whether it went to a relay: by its port, because the log says so, or because no domain's mail
    /// goes to a private address. What stays on the machine, as a content filter's does, is none.
    #[must_use]
    pub fn is_relay(&self) -> bool {
        let of_mail = |port| port == SMTP_PORT || RELAY_PORTS.contains(&port);
        let by_port = self.port.is_some_and(|port| RELAY_PORTS.contains(&port));
        let inside = self.is_private() && self.port.is_none_or(of_mail);
        let may_be = !self.is_loopback() && !self.is_asked_about();
        may_be && (self.by_relay || by_port || inside)
    }

    /// Whether its address is none of the Internet.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.is_loopback() || self.to.address.is_some_and(is_private)
    }

    /// Whether it went to the machine itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let by_name = |name: &str| name == "localhost" || name.starts_with("localhost.");
        match self.to.address {
            Some(address) => {
                let address = address.to_canonical();
                address.is_loopback() || address.is_unspecified()
            }
            None => self.to.name.as_deref().is_some_and(by_name),
        }
    }

    /// Whether its address is of IPv6.
    #[must_use]
    pub fn is_ipv6(&self) -> bool {
        self.to.address.is_some_and(|address| address.to_canonical().is_ipv6())
    }

    /// What came back, if that can be told.
    #[must_use]
    pub const fn seen(&self) -> Option<Answer> {
        self.outcome.seen()
    }

    fn key(&self) -> Key {
        let Self { program, to, port, by_relay, outcome, reply, .. } = self;
        (*program, to.clone(), *port, *by_relay, *outcome, *reply)
    }

    /// Takes the tries of a row that is alike; of times that cannot be compared the later told counts.
    fn join(&mut self, row: Self) {
        self.tries = self.tries.saturating_add(row.tries);
        let spans = self.span.zip(row.span);
        let is_before = |one: Moment, other: Moment| one.until(other).map(|seconds| seconds >= 0);
        let first_stays = spans.and_then(|(own, other)| is_before(own.0, other.0));
        let last_stays = spans.and_then(|(own, other)| is_before(other.1, own.1));
        self.span = spans.zip(first_stays.zip(last_stays)).map(|((own, other), stays)| {
            (if stays.0 { own.0 } else { other.0 }, if stays.1 { own.1 } else { other.1 })
        });
        if first_stays == Some(false) || self.first.is_none() {
            self.first = row.first;
        }
        if last_stays != Some(true) || self.last.is_none() {
            self.last = row.last.or(self.last.take());
        }
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

/// Rows, those that are alike as one.
#[derive(Debug, Default)]
struct Rows {
    rows: Vec<Row>,
    places: HashMap<Key, usize>,
}

impl Rows {
    /// Takes a row; `false` where there is no room for it.
    fn take(&mut self, row: Row) -> bool {
        let key = row.key();
        if let Some(known) = self.places.get(&key).and_then(|place| self.rows.get_mut(*place)) {
            known.join(row);
            return true;
        }
        let room = self.rows.len() < MOST_ROWS;
        if room {
            self.places.insert(key, self.rows.len());
            self.rows.push(row);
        }
        room
    }
}

/// Adds tries up, in bounded memory.
#[derive(Debug, Default)]
pub struct Tally {
    rows: Rows,
    /// What the log tells of again.
    again: Rows,
    tries: i64,
    beyond: u64,
}

impl Tally {
    /// Counts a try that a log tells of.
    pub fn add(&mut self, attempt: Attempt) {
        self.tries = self.tries.saturating_add(1);
        let again = attempt.is_told_again;
        let row = Row::of(attempt, self.tries);
        let has_room = match again {
            true => self.again.take(row),
            false => self.rows.take(row),
        };
        if !has_room {
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
        let mut rows = self.rows.rows;
        let server = |row: &Row| match row.to.address {
            Some(_) => Destination { name: None, address: row.to.address },
            None => row.to.clone(),
        };
        let told: HashSet<_> = rows.iter().map(|row| (server(row), row.port)).collect();
        // The failure that is told again has been one try, however often it is told.
        let again = self.again.rows.into_iter();
        let new = again.filter(|row| !told.contains(&(server(row), row.port)));
        rows.extend(new.map(|row| Row { tries: 1, ..row }));
        let names: HashMap<IpAddr, String> =
            rows.iter().filter_map(|row| Some((row.to.address?, row.to.name.clone()?))).collect();
        for row in rows.iter_mut().filter(|row| row.to.name.is_none()) {
            row.to.name = row.to.address.and_then(|address| names.get(&address)).cloned();
        }
        number(&mut rows);
        let mut merged = Rows::default();
        for row in rows {
            merged.take(row);
        }
        merged.rows
    }
}

/// Numbers destinations. A server with several addresses is one destination, and so are several names
/// of one address.
fn number(rows: &mut [Row]) {
    let mut addresses: HashMap<String, HashMap<IpAddr, usize>> = HashMap::new();
    for row in rows.iter() {
        if let (Some(name), Some(address)) = (&row.to.name, row.to.address) {
            let known = addresses.entry(name.clone()).or_default();
            let next = known.len().saturating_add(1);
            known.entry(address).or_insert(next);
        }
    }
    let mut numbers: HashMap<Destination, usize> = HashMap::new();
    for row in rows.iter_mut().filter(|row| !row.to.is_unknown()) {
        let known = row.to.name.as_ref().and_then(|name| addresses.get(name));
        let several = known.filter(|known| known.len() > 1);
        let only = known.filter(|known| known.len() == 1).and_then(|known| known.keys().next());
        let server = match (only, several) {
            (Some(address), _) => Destination { name: None, address: Some(*address) },
            (None, Some(_)) => Destination { name: row.to.name.clone(), address: None },
            (None, None) => row.to.clone(),
        };
        let next = numbers.len().saturating_add(1);
        row.number = Some(*numbers.entry(server).or_insert(next));
        row.address_number = several.and_then(|known| known.get(&row.to.address?)).copied();
    }
}
