//! What fits what was seen, each with its count (N22).

use std::collections::BTreeSet;
use std::net::IpAddr;

use egress25_policy::SMTP_PORT;
use serde::Serialize;

use crate::diagnosis::tally::Row;
use crate::mail_log::{Moment, Outcome};
use crate::reply::Answer;

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
    /// Silence of IPv6 addresses, with nothing to compare it with: IPv6 needs a way out of its own (N7).
    Ipv6Silent,
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
    /// The machine has no way to addresses of a family that the log does not tell.
    NoRoute,
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
    /// A probe has found a port of mail submission open.
    SubmissionOpen,
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

    /// What was seen.
    const fn what_was_seen(self) -> &'static str {
        match self {
            Self::Block => "port 25 is silent, and nothing there answers",
            Self::NotBlocked => "port 25 answers",
            Self::Changed => {
                "port 25 is silent for a part of the time, and answers before or after it"
            }
            Self::Ipv6Silent => "IPv6 addresses are silent on port 25",
            Self::OneDestination => "one destination is silent on port 25, and others are not",
            Self::SomeDestinations => "some destinations are silent on port 25, and others are not",
            Self::AllSilent => "port 25 is silent, and so is every other port that was tried",
            Self::TooLittle => "nothing came back",
            Self::Refused => "connections are refused",
            Self::NoIpv6 => "the network is unreachable",
            Self::NoIpv4 => "the network is unreachable by IPv4",
            Self::NoRoute => "the network is unreachable",
            Self::HostUnreachable => "hosts are unreachable",
            Self::NameResolution => "names are not found, or not answered",
            Self::Tls => "servers answer, and TLS fails",
            Self::ConnectionLost => "servers answer, and connections end early",
            Self::Rejected => "servers answer, and do not take the mail",
            Self::RelayInUse => "a relay answers",
            Self::SubmissionOpen => "a port of mail submission answers",
            Self::RelaySilent => "a relay is silent",
            Self::PrivateSilent => "a private address is silent",
        }
    }

    /// What that means.
    const fn meaning(self) -> &'static str {
        match self {
            Self::Block => {
                "this fits the platform's block, and a rule of yours that denies port 25"
            }
            Self::NotBlocked => "nothing blocks it",
            Self::Changed => {
                "something changed in between (an exemption and a start, the offer, a rule; \
                 or that server was down)"
            }
            Self::Ipv6Silent => {
                "no evidence of this filter: IPv6 has no way out unless the machine is given \
                 one (N7)"
            }
            Self::OneDestination | Self::SomeDestinations => {
                "not this filter, which does not tell destinations apart"
            }
            Self::AllSilent => {
                "this filter would leave the other ports open, where a server listens there \
                 (the way out? a security group? the other side?)"
            }
            Self::TooLittle => {
                "this may be the platform's block, a rule of yours, or a server that is \
                 down"
            }
            Self::Refused => {
                "not this filter, which drops without a word; the other side, or something \
                 on the way, refuses"
            }
            Self::NoIpv6 => {
                "the machine has no IPv6 address (N4): no packet leaves, and no exemption \
                 helps"
            }
            Self::NoIpv4 => "the machine has no route; not this filter, which drops without a word",
            Self::NoRoute => {
                "the machine has no way to such an address (IPv6 without an address of it, \
                 N4; or no route): no packet leaves"
            }
            Self::HostUnreachable => {
                "a router or a firewall says so; not this filter, which drops without a \
                 word"
            }
            Self::NameResolution => {
                "no connection was tried; look at the names and at the name server"
            }
            Self::Tls | Self::ConnectionLost => "not this filter",
            Self::Rejected => "not this filter; their replies say why",
            Self::RelayInUse => {
                "the filter is not asked about what goes to it: it looks at port 25 of the \
                 Internet alone"
            }
            Self::SubmissionOpen => {
                "a relay at such a port would not meet the filter, which looks at port 25 \
                 alone"
            }
            Self::RelaySilent => "not this filter, which looks at port 25 alone",
            Self::PrivateSilent => "not this filter, which looks at what leaves for the Internet",
        }
    }

    /// Where to look next, where what was seen leaves it open.
    const fn next(self) -> Option<&'static str> {
        match self {
            Self::Block => Some(
                "see whether a rule of yours denies port 25, which looks the same: the security groups of \
                 the interface and of the subnet, and Virtual Network Manager's admin rules. IP flow \
                 verify says Deny and names the rule (NSG diagnostics, of a scale set), and so does a \
                 flow log (`egress25 flows`); where it says Allow, it is none of these",
            ),
            Self::AllSilent => Some(
                "compare with servers that are known to listen on 587 or 443: many listen on port 25 \
                 alone, and are silent elsewhere without any block",
            ),
            Self::TooLittle => Some(
                "one server cannot tell: `egress25 diagnose --probe HOST OTHER` compares ports and hosts. \
                 Name two of big providers, one that takes mail at port 25 and one that listens on 587 or \
                 443",
            ),
            _ => None,
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
    /// What was seen, with both counts, in words.
    pub seen: String,
    /// It all in words: what was seen, and what that fits.
    pub sentence: String,
    /// Where to look next, where that is left open.
    pub next: Option<&'static str>,
}

/// Rows that have something in common.
#[derive(Default)]
struct Group<'a>(Vec<&'a Row>);

impl<'a> Group<'a> {
    fn of(rows: &[&'a Row], which: impl Fn(&Row) -> bool) -> Self {
        Self(rows.iter().copied().filter(|row| which(row)).collect())
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn destinations(&self) -> BTreeSet<usize> {
        self.0.iter().filter_map(|row| row.number).collect()
    }

    /// Each server by its address, and by its name where the log says no address.
    fn servers(&self) -> BTreeSet<(Option<IpAddr>, Option<&'a str>)> {
        let known = self.0.iter().filter(|row| !row.to.is_unknown());
        let server = |row: &&'a Row| match row.to.address {
            Some(address) => (Some(address), None),
            None => (None, row.to.name.as_deref()),
        };
        known.map(server).collect()
    }

    /// How many servers there are: several addresses of one name are one, and so are several names of
    /// one address.
    fn count(&self) -> usize {
        let names = self.0.iter().filter(|row| !row.to.is_unknown()).map(|row| {
            let unnamed = row.to.address.filter(|_| row.to.name.is_none());
            (row.to.name.as_deref(), unnamed)
        });
        names.collect::<BTreeSet<_>>().len().min(self.servers().len())
    }

    /// Whether all of its tries were before all of another's, as far as times tell.
    fn is_before(&self, other: &Self) -> bool {
        let spans = |group: &Self| group.0.iter().map(|row| row.span).collect::<Option<Vec<_>>>();
        let Some((own, others)) = spans(self).zip(spans(other)) else { return false };
        let is_before = |one: Moment, other: Moment| one.until(other).is_some_and(|by| by > 0);
        own.iter().all(|(_, last)| others.iter().all(|(first, _)| is_before(*last, *first)))
    }

    fn fit(&self, fits: Fits) -> Fitting {
        let tries = self.0.iter().fold(0_u64, |all, row| all.saturating_add(row.tries));
        let destinations = self.count();
        let counted = match tries {
            1 => "1 try".to_owned(),
            tries => format!("{tries} tries"),
        };
        let to = match destinations {
            0 => "the log does not say to whom".to_owned(),
            1 => "1 destination".to_owned(),
            several => format!("{several} destinations"),
        };
        let seen = format!("{} ({counted}, {to})", fits.what_was_seen());
        let sentence = format!("{seen}: {}", fits.meaning());
        Fitting { fits, tries, destinations, seen, sentence, next: fits.next() }
    }
}

/// What fits, and the rows that speak for it.
type Which<'a> = (Fits, &'a dyn Fn(&Row) -> bool);

/// What fits some rows, each with its count; what port 25 shows comes first.
#[must_use]
pub fn what_fits(rows: &[Row]) -> Vec<Fitting> {
    let rows: Vec<&Row> = rows.iter().collect();
    let mut fitting = of_port_25(&rows);
    let all_silent = fitting.iter().any(|one| one.fits == Fits::AllSilent);
    let unreachable = |row: &Row| row.outcome == Outcome::NetworkUnreachable;
    let is_probe = |row: &Row| row.program.is_none();
    let rest: [Which<'_>; 13] = [
        (Fits::RelayInUse, &|row| row.is_relay() && is_answered(row) && !is_probe(row)),
        (Fits::SubmissionOpen, &|row| {
            row.is_relay() && is_answered(row) && is_probe(row) && row.port != Some(SMTP_PORT)
        }),
        (Fits::RelaySilent, &|row| {
            let is_public = row.is_relay() && !row.is_private();
            is_public && is_silent(row) && !is_probe(row) && !all_silent
        }),
        (Fits::PrivateSilent, &|row| row.is_private() && is_silent(row)),
        (Fits::Refused, &|row| row.seen() == Some(Answer::Reset)),
        (Fits::NoIpv6, &|row| unreachable(row) && row.is_ipv6()),
        (Fits::NoIpv4, &|row| unreachable(row) && row.to.address.is_some() && !row.is_ipv6()),
        (Fits::NoRoute, &|row| unreachable(row) && row.to.address.is_none()),
        (Fits::HostUnreachable, &|row| row.outcome == Outcome::HostUnreachable),
        (Fits::NameResolution, &|row| {
            matches!(row.outcome, Outcome::NameNotFound | Outcome::NameNotAnswered)
        }),
        (Fits::Tls, &|row| row.outcome == Outcome::TlsFailed),
        (Fits::ConnectionLost, &|row| row.outcome == Outcome::ConnectionLost),
        (Fits::Rejected, &|row| row.outcome == Outcome::Rejected),
    ];
    for (fits, which) in rest {
        let group = Group::of(&rows, which);
        if !group.is_empty() {
            fitting.push(group.fit(fits));
        }
    }
    fitting
}

fn is_silent(row: &Row) -> bool {
    row.seen() == Some(Answer::Silent)
}

fn is_answered(row: &Row) -> bool {
    row.seen() == Some(Answer::Answered)
}

/// Whether something came back: a refusal has come through, too (N19).
fn came_through(row: &Row) -> bool {
    row.seen().is_some_and(|seen| seen != Answer::Silent)
}

/// What port 25 shows, of each family apart: they leave by ways of their own (N7).
fn of_port_25(rows: &[&Row]) -> Vec<Fitting> {
    let (of_ipv6, others): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| row.is_ipv6());
    let ipv6 = port_25(&of_ipv6).map(|(fits, group)| {
        let open = of_ipv6.iter().any(|row| !row.is_private() && came_through(row));
        let is_silence = matches!(fits, Fits::Block | Fits::AllSilent | Fits::TooLittle);
        (if is_silence && !open { Fits::Ipv6Silent } else { fits }, group)
    });
    match (port_25(&others), ipv6) {
        (Some((fits, mut group)), Some((alike, more))) if fits == alike => {
            group.0.extend(more.0);
            vec![group.fit(fits)]
        }
        (others, ipv6) => {
            others.into_iter().chain(ipv6).map(|(fits, group)| group.fit(fits)).collect()
        }
    }
}

/// What the silence, or the answers, of port 25 fit, of rows of one family.
fn port_25<'a>(rows: &[&'a Row]) -> Option<(Fits, Group<'a>)> {
    let silent = Group::of(rows, |row| row.is_asked_about() && is_silent(row));
    let answered = Group::of(rows, |row| row.is_asked_about() && is_answered(row));
    // Where the log does not say the port, it may be 25.
    let unsure = |row: &Row| row.port.is_none() && !row.is_relay() && !row.is_private();
    if silent.is_empty() {
        let unsure = Group::of(rows, |row| unsure(row) && is_silent(row));
        return match (answered.is_empty(), unsure.is_empty()) {
            (false, _) => Some((Fits::NotBlocked, answered)),
            (true, false) => Some((Fits::TooLittle, unsure)),
            (true, true) => None,
        };
    }
    let through = Group::of(rows, |row| {
        let counts = row.is_asked_about() || unsure(row) && !row.to.is_unknown();
        counts && came_through(row)
    });
    if !through.is_empty() {
        // Only a server that was tried again tells that something has changed.
        let again = !silent.servers().is_disjoint(&through.servers());
        let fits = if again && (silent.is_before(&through) || through.is_before(&silent)) {
            Fits::Changed
        } else if silent.count() > 1 {
            Fits::SomeDestinations
        } else {
            Fits::OneDestination
        };
        return Some((fits, silent));
    }
    // What stays inside says nothing of the way out.
    let elsewhere = |row: &Row| row.port.is_some_and(|port| port != SMTP_PORT) && !row.is_private();
    let open = Group::of(rows, |row| elsewhere(row) && came_through(row));
    let shut = Group::of(rows, |row| elsewhere(row) && is_silent(row));
    // An answer of nobody knows whom, at nobody knows which port, leaves it open.
    let by_somebody = rows.iter().any(|row| unsure(row) && came_through(row));
    // One destination is enough where its other ports answer, or refuse.
    let compared = !silent.destinations().is_disjoint(&open.destinations());
    let several = silent.count() > 1;
    let fits = if several && open.is_empty() && !shut.is_empty() {
        Fits::AllSilent
    } else if (several || compared) && !by_somebody {
        Fits::Block
    } else {
        Fits::TooLittle
    };
    Some((fits, silent))
}
