//! Power events in Azure's activity log.

use egress25_policy::Power;
use jiff::Timestamp;

use crate::fields::{Fields, Look as _};
use crate::id::Id;

/// What was done to a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Deed {
    Start,
    Stop,
    Deallocate,
    Restart,
    Redeploy,
}

/// Something that was done to a machine, and when it had been done.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Done {
    pub(crate) at: Timestamp,
    pub(crate) machine: Id,
    pub(crate) deed: Deed,
}

/// What power events are of. Those of a scale set do not say which instances they are of.
const OF: [&str; 3] =
    ["virtualmachines", "virtualmachinescalesets/virtualmachines", "virtualmachinescalesets"];

impl Done {
    /// The one that an entry of the log tells: what has not succeeded was not done.
    pub(crate) fn of(entry: &Fields) -> Option<Self> {
        let value = |key: &str| match entry.object(key) {
            Some(object) => object.text("value"),
            None => entry.text(key),
        };
        if !value("status")?.eq_ignore_ascii_case("succeeded") {
            return None;
        }
        let operation = value("operationname")?.to_ascii_lowercase();
        let behind = operation.strip_prefix("microsoft.compute/")?;
        let (of, deed) = behind.strip_suffix("/action")?.rsplit_once('/')?;
        if !OF.contains(&of) {
            return None;
        }
        let deed = match deed {
            "start" => Deed::Start,
            "poweroff" => Deed::Stop,
            "deallocate" => Deed::Deallocate,
            "restart" => Deed::Restart,
            "redeploy" => Deed::Redeploy,
            _ => return None,
        };
        let at = entry.text("eventtimestamp")?.parse().ok()?;
        let machine = Id::new(entry.text("resourceid").or_else(|| entry.text("id"))?);
        Some(Self { at, machine, deed })
    }
}

impl Deed {
    /// The event's name in an inventory.
    pub(crate) const fn event(self) -> &'static str {
        match self {
            Self::Start => "machine-started",
            Self::Stop => "machine-stopped",
            Self::Deallocate => "machine-deallocated",
            Self::Restart => "machine-restarted",
            Self::Redeploy => "machine-redeployed",
        }
    }

    /// The power state that it must have been done in, where it is the first that is known.
    pub(crate) const fn before(self) -> Power {
        match self {
            Self::Start => Power::Stopped,
            _ => Power::Running,
        }
    }

    /// The power state that it leads to; `None`: it does not fit, and changes nothing.
    pub(crate) const fn after(self, power: Power) -> Option<Power> {
        match (self, power) {
            (Self::Start, Power::Stopped | Power::Deallocated)
            | (Self::Restart, Power::Running)
            | (Self::Redeploy, Power::Running | Power::Stopped) => Some(Power::Running),
            (Self::Stop, Power::Running) => Some(Power::Stopped),
            (Self::Deallocate, Power::Running | Power::Stopped) => Some(Power::Deallocated),
            _ => None,
        }
    }
}
