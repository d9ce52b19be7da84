//! What can be asked of a running lab: one JSON object a line, and one in answer.

use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;

use egress25_policy::{Event, Reason, Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Fault, LabError};

/// A connection that a node is to open.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dial {
    /// The node.
    pub from: String,
    /// The host, by name or address.
    pub to: String,
    /// The port.
    pub port: u16,
    /// How long silence may last, in milliseconds.
    pub patience: u64,
}

/// A question or an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Request {
    /// What the lab is and how it stands.
    Inspect,
    /// The namespaces of a node; they come beside the answer.
    Enter {
        /// The node.
        node: String,
    },
    /// Let events happen.
    Apply {
        /// The events, in order.
        events: Vec<Event>,
    },
    /// Tell verdicts from now on, one a line, until the connection ends.
    Events {
        /// The last ones before, too, as far as the lab keeps them.
        #[serde(default)]
        since_start: bool,
    },
    /// Write the packets that are judged to a file as pcapng until the other side says no more.
    /// The open file follows the answer, and a second answer says that capturing has begun; a last
    /// one says whether all was written.
    Capture,
    /// Open a TCP connection from a node.
    Connect(Dial),
    /// Send a mail from a node to a mail server.
    Mail {
        /// The server, and how it is reached.
        #[serde(flatten)]
        dial: Dial,
        /// The recipient.
        recipient: String,
    },
    /// End the program that judges, as if it had crashed.
    StopFilter,
    /// End the lab.
    Down,
}

/// What became of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
#[serde(rename_all = "kebab-case")]
pub enum ConnectOutcome {
    /// It was opened.
    Open,
    /// Nobody answered.
    Timeout,
    /// It was refused.
    Refused,
    /// The network said that nothing is there.
    Unreachable,
}

impl ConnectOutcome {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// A node, as `lab inspect` shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NodeView {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its network, subscription and so on, as far as there are any.
    pub notes: Vec<(String, String)>,
}

/// The lab as it stands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LabView {
    /// Since when it is up.
    pub since: Timestamp,
    /// The data path.
    pub datapath: String,
    /// How many events have been applied since it came up.
    pub generation: u64,
    /// Whether it lives in a user namespace of its own.
    pub user_namespace: bool,
    /// The nodes.
    pub nodes: Vec<NodeView>,
    /// How often each reason was given: reason, verdict, count.
    pub counts: Vec<(Reason, Verdict, u64)>,
    /// What went wrong meanwhile.
    pub complaints: Vec<String>,
    /// The lab as a graph in the DOT language.
    pub graph: String,
    /// The same for Mermaid.
    pub mermaid: String,
}

impl From<&LabError> for LabAnswer {
    fn from(error: &LabError) -> Self {
        Self::Failed { what: error.to_string(), fault: error.fault() }
    }
}

impl LabAnswer {
    /// Sends the answer, on a line.
    pub(crate) fn send(&self, mut stream: &UnixStream) -> io::Result<()> {
        stream.write_all(&self.line()?)
    }

    /// The answer as a line.
    pub(crate) fn line(&self) -> io::Result<Vec<u8>> {
        let mut text = serde_json::to_vec(self)?;
        text.push(b'\n');
        Ok(text)
    }
}

/// An answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum LabAnswer {
    /// It is done.
    Done,
    /// It failed.
    Failed {
        /// Why.
        what: String,
        /// Whose fault it is.
        fault: Fault,
    },
    /// The lab as it stands.
    View(Box<LabView>),
    /// The namespaces follow, as file descriptors beside this answer: network, host name,
    /// mounts, processes, and last the user namespace where the lab has one.
    Spaces {
        /// How many.
        count: usize,
    },
    /// What became of a connection.
    Connected {
        /// The outcome.
        outcome: ConnectOutcome,
    },
    /// What became of a mail.
    Mailed {
        /// `delivered`, `timeout`, `refused`, `unreachable` or `answered` (the server said no).
        outcome: String,
    },
}
