//! What a mail log tells of one try to reach one server.

use std::net::IpAddr;

use serde::Serialize;

use crate::reply::Answer;

/// The program that wrote a line.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
pub enum Program {
    /// Postfix.
    #[strum(serialize = "Postfix")]
    Postfix,
    /// Exim.
    #[strum(serialize = "Exim")]
    Exim,
    /// swaks, with which people try a server out.
    #[strum(serialize = "swaks")]
    Swaks,
    /// Python's smtplib.
    #[strum(serialize = "smtplib")]
    Smtplib,
    /// nodemailer, of JavaScript.
    #[strum(serialize = "nodemailer")]
    Nodemailer,
}

impl Program {
    /// Its name, as it writes it itself.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// How a try ended.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing came back.
    #[strum(serialize = "timed out")]
    TimedOut,
    /// It was refused by a RST.
    #[strum(serialize = "refused")]
    Refused,
    /// The machine has no way to such an address: no packet left.
    #[strum(serialize = "network unreachable")]
    NetworkUnreachable,
    /// A router, or the machine itself, says that the server cannot be reached.
    #[strum(serialize = "host unreachable")]
    HostUnreachable,
    /// The name does not exist, or has no such address.
    #[strum(serialize = "name not found")]
    NameNotFound,
    /// Nobody said whether the name exists.
    #[strum(serialize = "name not answered")]
    NameNotAnswered,
    /// The connection came about, TLS did not.
    #[strum(serialize = "TLS failed")]
    TlsFailed,
    /// The connection came about, and ended early.
    #[strum(serialize = "connection lost")]
    ConnectionLost,
    /// The server answered, and does not take the mail.
    #[strum(serialize = "rejected")]
    Rejected,
    /// The connection came about; the log does not say how it ended.
    #[strum(serialize = "connected")]
    Connected,
    /// The server has taken the mail.
    #[strum(serialize = "delivered")]
    Delivered,
}

impl Outcome {
    /// It in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        self.into()
    }

    /// What came back to the SYN: nothing, a refusal, or an answer; `None` where none was sent, or
    /// where the log does not tell.
    #[must_use]
    pub const fn seen(self) -> Option<Answer> {
        match self {
            Self::TimedOut => Some(Answer::Silent),
            Self::Refused => Some(Answer::Reset),
            Self::TlsFailed
            | Self::ConnectionLost
            | Self::Rejected
            | Self::Connected
            | Self::Delivered => Some(Answer::Answered),
            Self::NetworkUnreachable
            | Self::HostUnreachable
            | Self::NameNotFound
            | Self::NameNotAnswered => None,
        }
    }
}

/// Whom a program tried to reach, as far as its log says.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Destination {
    /// The server's name; of a name that is not found, the domain's.
    pub name: Option<String>,
    /// The server's address.
    pub address: Option<IpAddr>,
}

impl Destination {
    /// A destination by its name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self { name: host_name(name), address: name.parse().ok() }
    }

    /// Whether the log says nothing of it.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        self.name.is_none() && self.address.is_none()
    }
}

/// The longest name (RFC 1035, 2.3.4).
const MAX_NAME: usize = 253;

/// A text as a name, where it may be one and is no address.
fn host_name(text: &str) -> Option<String> {
    let text = text.trim_end_matches('.');
    let fits = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '.' | '_');
    let named = !text.is_empty() && text.len() <= MAX_NAME && text.chars().all(fits);
    (named && text.parse::<IpAddr>().is_err()).then(|| text.to_ascii_lowercase())
}

/// One try to reach one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Who tried.
    pub program: Program,
    /// When, as the log writes it, where it does.
    pub at: Option<String>,
    /// Whom.
    pub to: Destination,
    /// The port, where the log says it or the program has one that goes without saying.
    pub port: Option<u16>,
    /// Whether the log says that the server is a relay, whatever its port.
    pub by_relay: bool,
    /// How it ended.
    pub outcome: Outcome,
    /// The reply code with which the server did not take the mail.
    pub reply: Option<u16>,
    /// Whether the log tells of it later, as the reason why nothing is tried now.
    pub is_told_again: bool,
}

impl Attempt {
    /// A try of which its end alone is known.
    #[must_use]
    pub const fn new(program: Program, outcome: Outcome) -> Self {
        let to = Destination { name: None, address: None };
        Self {
            program,
            at: None,
            to,
            port: None,
            by_relay: false,
            outcome,
            reply: None,
            is_told_again: false,
        }
    }
}
