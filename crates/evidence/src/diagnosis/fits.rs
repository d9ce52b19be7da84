//! What fits what was seen, each with its count (N22).

use std::collections::BTreeSet;

use serde::Serialize;

use crate::diagnosis::tally::Row;
use crate::mail_log::{Outcome, Seen};

/// What fits.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Fits {
    /// The platform's block: silence at port 25 of several destinations, and nothing else there.
    Block,
    /// Port 25 answers.
    NotBlocked,
    /// Silence first and answers later, or the reverse: something has changed in between.
    Changed,
    /// Silence of one destination where others answer: not this filter.
    OneDestination,
    /// Silence of several destinations where others answer: not this filter.
    SomeDestinations,
    /// Silence on every port: not this filter alone.
    AllSilent,
    /// Silence of one destination, or of nobody knows whom, and nothing to compare it with.
    TooLittle,
    /// Refused by a RST: not this filter.
    Refused,
    /// The machine has no IPv6 (N4).
    NoIpv6,
    /// The machine has no way to IPv4 addresses.
    NoIpv4,
    /// Something on the way says that the server cannot be reached: not this filter.
    HostUnreachable,
    /// Names that do not exist, or that nobody answered.
    NameResolution,
    /// Connections without TLS: not this filter.
    Tls,
    /// Connections that ended early: not this filter.
    ConnectionLost,
    /// Mail that servers did not take: not this filter.
    Rejected,
    /// A relay answers.
    RelayInUse,
    /// A relay does not answer: not this filter, which leaves its port alone.
    RelaySilent,
    /// Silence of a private address: not this filter, which is asked about the Internet alone.
    PrivateSilent,
}

impl Fits {
    /// Its stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What was seen, and what it means.
    const fn words(self) -> (&'static str, &'static str) {
        const NOT_BY_DESTINATION: &str = "not this filter, which does not tell destinations apart";
        match self {
            Self::Block => {
                ("port 25 is silent, and nothing there answers", "this fits the platform's block")
            }
            Self::NotBlocked => ("port 25 answers", "nothing blocks it"),
            Self::Changed => (
                "port 25 is silent for a part of the time, and answers before or after it",
                "something changed in between (an exemption and a start, the offer, a rule)",
            ),
            Self::OneDestination => {
                ("one destination is silent on port 25, and others are not", NOT_BY_DESTINATION)
            }
            Self::SomeDestinations => {
                ("some destinations are silent on port 25, and others are not", NOT_BY_DESTINATION)
            }
            Self::AllSilent => (
                "port 25 is silent, and so is every other port that was tried",
                "not this filter alone (the way out? a security group? the other side?)",
            ),
            Self::TooLittle => (
                "nothing came back",
                "this may be the platform's block, or a server that is down; `egress25 diagnose \
                 --probe HOST` compares ports and hosts",
            ),
            Self::Refused => (
                "connections are refused",
                "not this filter, which drops without a word; the other side, or something on the \
                 way, refuses",
            ),
            Self::NoIpv6 => (
                "the network is unreachable",
                "the machine has no IPv6 address (N4): no packet leaves, and no exemption helps",
            ),
            Self::NoIpv4 => (
                "the network is unreachable by IPv4",
                "the machine has no route; not this filter, which drops without a word",
            ),
            Self::HostUnreachable => (
                "hosts are unreachable",
                "a router or a firewall says so; not this filter, which drops without a word",
            ),
            Self::NameResolution => (
                "names are not found",
                "no connection was tried; look at the names and at the name server",
            ),
            Self::Tls => ("servers answer, and TLS fails", "not this filter"),
            Self::ConnectionLost => {
                ("servers answer, and connections end early", "not this filter")
            }
            Self::Rejected => (
                "servers answer, and do not take the mail",
                "not this filter; their replies say why",
            ),
            Self::RelayInUse => (
                "a relay answers",
                "what goes through it does not leave by port 25, so the filter is not asked",
            ),
            Self::RelaySilent => {
                ("a relay is silent", "not this filter, which looks at port 25 alone")
            }
            Self::PrivateSilent => (
                "a private address is silent",
                "not this filter, which looks at what leaves for the Internet",
            ),
        }
    }
}

/// One thing that fits, and what it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fitting {
    /// What fits.
    pub fits: Fits,
    /// How many tries speak for it.
    pub tries: u64,
    /// Of how many destinations; 0 where the log does not say of whom.
    pub destinations: usize,
    /// It in words.
    pub sentence: String,
}

/// Rows that have something in common.
struct Group<'a>(Vec<&'a Row>);

impl<'a> Group<'a> {
    fn of(rows: &'a [Row], which: impl Fn(&Row) -> bool) -> Self {
        Self(rows.iter().filter(|row| which(row)).collect())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn destinations(&self) -> BTreeSet<usize> {
        self.0.iter().filter_map(|row| row.number).collect()
    }

    /// The places of the first and the last try among all.
    fn places(&self) -> (u64, u64) {
        let first = self.0.iter().map(|row| row.places.0).min();
        let last = self.0.iter().map(|row| row.places.1).max();
        (first.unwrap_or(0), last.unwrap_or(0))
    }

    fn fit(&self, fits: Fits) -> Fitting {
        let tries = self.0.iter().fold(0_u64, |all, row| all.saturating_add(row.tries));
        let destinations = self.destinations().len();
        let counted = match tries {
            1 => "1 try".to_owned(),
            tries => format!("{tries} tries"),
        };
        let to = match destinations {
            0 => "the log does not say to whom".to_owned(),
            1 => "1 destination".to_owned(),
            several => format!("{several} destinations"),
        };
        let (seen, means) = fits.words();
        let sentence = format!("{seen} ({counted}, {to}): {means}");
        Fitting { fits, tries, destinations, sentence }
    }
}

/// What fits, and the rows that speak for it.
type Which<'a> = (Fits, &'a dyn Fn(&Row) -> bool);

/// What fits the rows; what port 25 shows comes first.
pub(super) fn of(rows: &[Row]) -> Vec<Fitting> {
    let mut fitting: Vec<_> = port_25(rows).into_iter().collect();
    let all_silent = fitting.first().is_some_and(|first| first.fits == Fits::AllSilent);
    let is_v4 = |row: &Row| row.to.address.is_some_and(|address| address.is_ipv4());
    let rest: [Which<'_>; 11] = [
        (Fits::RelayInUse, &|row| row.is_relay() && is(row, Seen::Answered)),
        (Fits::RelaySilent, &|row| {
            row.is_relay() && !row.is_private() && is(row, Seen::Silent) && !all_silent
        }),
        (Fits::PrivateSilent, &|row| row.is_private() && is(row, Seen::Silent)),
        (Fits::Refused, &|row| is(row, Seen::Refused)),
        (Fits::NoIpv6, &|row| row.outcome == Outcome::NetworkUnreachable && !is_v4(row)),
        (Fits::NoIpv4, &|row| row.outcome == Outcome::NetworkUnreachable && is_v4(row)),
        (Fits::HostUnreachable, &|row| row.outcome == Outcome::HostUnreachable),
        (Fits::NameResolution, &|row| {
            matches!(row.outcome, Outcome::NameNotFound | Outcome::NameNotAnswered)
        }),
        (Fits::Tls, &|row| row.outcome == Outcome::TlsFailed),
        (Fits::ConnectionLost, &|row| row.outcome == Outcome::ConnectionLost),
        (Fits::Rejected, &|row| row.outcome == Outcome::Rejected),
    ];
    for (fits, which) in rest {
        let group = Group::of(rows, which);
        if !group.is_empty() {
            fitting.push(group.fit(fits));
        }
    }
    fitting
}

fn is(row: &Row, seen: Seen) -> bool {
    row.seen() == Some(seen)
}

/// What the silence, or the answers, of port 25 fit.
fn port_25(rows: &[Row]) -> Option<Fitting> {
    let silent = Group::of(rows, |row| row.is_asked_about() && is(row, Seen::Silent));
    let answered = Group::of(rows, |row| row.is_asked_about() && is(row, Seen::Answered));
    if silent.is_empty() {
        // Where the log does not say the port, it may be another.
        let unsure =
            Group::of(rows, |row| row.port.is_none() && !row.is_relay() && is(row, Seen::Silent));
        return match (answered.is_empty(), unsure.is_empty()) {
            (false, _) => Some(answered.fit(Fits::NotBlocked)),
            (true, false) => Some(unsure.fit(Fits::TooLittle)),
            (true, true) => None,
        };
    }
    let destinations = silent.destinations();
    // A refusal has come through, too (N19).
    let through = Group::of(rows, |row| {
        row.is_asked_about() && row.seen().is_some_and(|seen| seen != Seen::Silent)
    });
    if !through.is_empty() {
        let ((first, last), (through_first, through_last)) = (silent.places(), through.places());
        let apart = last < through_first || through_last < first;
        let both = !destinations.is_disjoint(&through.destinations());
        return Some(silent.fit(match destinations.len() {
            several if apart && (both || several > 1) => Fits::Changed,
            0 | 1 => Fits::OneDestination,
            _ => Fits::SomeDestinations,
        }));
    }
    let elsewhere = |silent: bool| {
        Group::of(rows, move |row| {
            let seen = row.seen().is_some_and(|seen| (seen == Seen::Silent) == silent);
            row.port.is_some_and(|port| port != 25) && seen
        })
    };
    let (open, shut) = (elsewhere(false), elsewhere(true));
    // One destination is enough where its other ports answer, or refuse.
    let compared = !destinations.is_disjoint(&open.destinations());
    Some(silent.fit(if open.is_empty() && !shut.is_empty() {
        Fits::AllSilent
    } else if destinations.len() > 1 || compared {
        Fits::Block
    } else {
        Fits::TooLittle
    }))
}
