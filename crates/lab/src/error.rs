//! What can go wrong in a lab.

use std::io;

use egress25_packet_filter::table::TooLarge;
use egress25_policy::Refused;
use serde::{Deserialize, Serialize};

/// Why a lab did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// The kernel does not let this user make namespaces.
    #[error(
        "this kernel does not let user {uid} make {what}: {source}; run as root, or allow \
         unprivileged user namespaces (`sysctl user.max_user_namespaces`, \
         `kernel.unprivileged_userns_clone`, `kernel.apparmor_restrict_unprivileged_userns`)"
    )]
    Namespaces {
        /// Which kind.
        what: &'static str,
        /// Who asked.
        uid: u32,
        /// What the kernel said.
        source: io::Error,
    },
    /// Something that the system was asked for failed.
    #[error("{what}: {source}")]
    System {
        /// What was being done.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// A program that somebody asked for cannot be started in a node.
    #[error("`{program}` cannot be run: {source}")]
    NotStarted {
        /// The program.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// A link, an address, a route or a rule could not be made.
    #[error("in `{place}`: {what}: {source}")]
    Network {
        /// The node.
        place: String,
        /// What was being made.
        what: String,
        /// What the kernel said.
        source: Box<rtnetlink::Error>,
    },
    /// A program that the lab needs is missing, or failed.
    #[error("`{program}` failed: {what}")]
    Program {
        /// The program.
        program: String,
        /// What it said, or how to get it.
        what: String,
    },
    /// The data path cannot enforce anything here.
    #[error("the data path `{path}` cannot be used: {what}")]
    DataPath {
        /// Its name.
        path: &'static str,
        /// Why, and what to do.
        what: String,
    },
    /// The world does not fit into a table.
    #[error(transparent)]
    Table(#[from] TooLarge),
    /// An event cannot happen.
    #[error("the event is refused: {0}")]
    Refused(#[from] Refused),
    /// A node that the lab does not have.
    #[error("the lab has no `{name}`; it has: {known}")]
    NoSuchNode {
        /// The name that was given.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// The lab cannot be reached, or answered something else than was expected.
    #[error("the lab at `{path}` cannot be reached: {what}")]
    Unreachable {
        /// Its control socket.
        path: String,
        /// Why.
        what: String,
    },
    /// The lab was reached and says no.
    #[error("{0}")]
    Answer(String),
    /// The lab was reached, and what it was asked for does not fit.
    #[error("{0}")]
    BadRequest(String),
    /// The lab was reached, and the policy's state machines forbid what it was asked for.
    #[error("{0}")]
    Declined(String),
    /// A file says something that does not fit.
    #[error("`{key}`: {what}")]
    Input {
        /// The key or the file.
        key: String,
        /// What does not fit and what was expected.
        what: String,
    },
}

/// Why something failed, roughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// What was asked for does not fit.
    Request,
    /// The policy's state machines forbid it.
    Policy,
    /// The lab could not do it.
    Lab,
}

impl LabError {
    /// Whose fault it is.
    #[must_use]
    pub const fn fault(&self) -> Fault {
        match self {
            Self::Input { .. } | Self::NoSuchNode { .. } | Self::BadRequest(_) => Fault::Request,
            Self::Refused(_) | Self::Declined(_) => Fault::Policy,
            _ => Fault::Lab,
        }
    }

    /// A failure of the system while something was being done.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::System { what, source }
    }

    /// The same, of a call that reports by number.
    pub(crate) fn errno(what: impl Into<String>) -> impl FnOnce(nix::Error) -> Self {
        let what = what.into();
        move |errno| Self::System { what, source: errno.into() }
    }

    /// A thread that somebody waits for has panicked.
    pub(crate) fn thread_gone() -> Self {
        Self::Answer("a thread of the lab has ended unexpectedly".to_owned())
    }

    /// Something in a file that does not fit.
    pub(crate) fn input(key: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Input { key: key.into(), what: what.into() }
    }
}
