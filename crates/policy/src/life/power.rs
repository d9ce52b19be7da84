//! The life of a machine: its power state and what the platform programmed it with.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::article::offer::Offer;

/// A machine's power state, as the platform sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[derive(Default, JsonSchema, strum::IntoStaticStr, strum::Display)]
#[strum(serialize_all = "kebab-case")]
pub enum Power {
    /// It is not deployed yet.
    NotDeployed,
    /// It runs.
    #[default]
    Running,
    /// It is off but keeps its place: a shutdown from inside, or a power off.
    Stopped,
    /// It is off and has given up its place: the portal's Stop.
    Deallocated,
    /// It is deleted.
    Deleted,
}

impl Power {
    /// The stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What made the platform program a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProgrammedBy {
    /// It stood so when the inventory began.
    Beginning,
    /// It was deployed.
    Deployment,
    /// It was started after a deallocate (PG6).
    Start,
    /// It was redeployed (assumed).
    Redeploy,
    /// It was restarted, or started after a shutdown from inside (assumed, off by default).
    Restart,
    /// Another machine of the subscription was stopped and started (assumed, off by default).
    Neighbour,
    /// A temporary subnet was added to an App Service's network and removed (AS3, EF2).
    TemporarySubnet,
    /// The subscription's offer changed and the change counts at once (assumed, off by default).
    OfferChange,
}

/// What the platform programmed a machine with: pulled at allocation, kept until the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programmed {
    /// When; `None` for the beginning.
    pub at: Option<Timestamp>,
    /// What made it happen.
    pub by: ProgrammedBy,
    /// The subscription's offer at that time.
    pub offer: Offer,
    /// Whether the subscription's exemption reached the machine.
    pub exempt: bool,
    /// Whether a revocation, which counts at once, took the exemption away again.
    pub cut_off: bool,
}

impl Programmed {
    /// A revocation that counts at once reaches what was exempt.
    pub(crate) const fn revoke(&mut self) {
        self.cut_off |= self.exempt;
        self.exempt = false;
    }
}

/// What changes in a machine's life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineState {
    /// The power state.
    pub power: Power,
    /// What it was programmed with.
    pub programmed: Programmed,
    /// When it was deployed, where that is known.
    pub deployed: Option<Timestamp>,
    /// What its user may believe to have been enough.
    pub missed: Missed,
}

/// What happened to a machine that did not program it, since it was programmed and since there was
/// something to pick up (a grant, a change of offer).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Missed {
    /// It was restarted, or shut down from inside and started.
    pub restart: bool,
    /// It was redeployed.
    pub redeploy: bool,
    /// What would have programmed it by itself, had a temporary subnet come beside it (EF2).
    pub allocation: Option<ProgrammedBy>,
    /// A temporary subnet came, and it was not stopped and started beside that (EF2).
    pub temporary_subnet: bool,
}

impl MachineState {
    /// A machine of which nothing has happened yet: how it stands, what programmed it, with which
    /// offer, and whether the subscription's exemption reached it.
    #[must_use]
    pub const fn new(power: Power, by: ProgrammedBy, offer: Offer, exempt: bool) -> Self {
        let programmed = Programmed { at: None, by, offer, exempt, cut_off: false };
        let missed =
            Missed { restart: false, redeploy: false, allocation: None, temporary_subnet: false };
        Self { power, programmed, deployed: None, missed }
    }
}
