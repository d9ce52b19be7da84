//! What stops a packet: the user's own rule or route, the platform, or something else.

use serde::Serialize;

use crate::article::reason::Reason;
use crate::article::verdict::Verdict;

/// What stops a packet.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum StoppedBy {
    /// The user's own security rule.
    Rule,
    /// The user's own route, or that there is no way out.
    Route,
    /// The platform.
    Platform,
    /// None of them: what does not come about is for the other side.
    None,
    /// The sender, who does not fit the description.
    Source,
    /// The packet itself: nobody delivers it.
    Packet,
    /// Something else that a flow log shows: the network's encryption, or the platform without a rule
    /// (N21).
    Other,
}

impl StoppedBy {
    /// What stops a packet with a verdict for a reason.
    #[must_use]
    pub fn of(verdict: Verdict, reason: Reason) -> Self {
        if verdict == Verdict::Pass { Self::None } else { stopped_by(reason) }
    }

    /// The stable name: one word.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// It in a few words.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Rule => "your security rule",
            Self::Route => "your route or way out",
            Self::Platform => "the platform",
            Self::None => {
                "nothing of this: not by a rule, a route or the platform; look at the other side"
            }
            Self::Source => "the sender, who does not fit the description",
            Self::Packet => "the packet itself",
            Self::Other => "the encryption of the network, or the platform without a rule of yours",
        }
    }
}

/// What stops a packet that does not pass for a reason.
const fn stopped_by(reason: Reason) -> StoppedBy {
    match reason {
        Reason::SecurityGroupDenies | Reason::AdminRuleDenies => StoppedBy::Rule,
        Reason::NoRoute
        | Reason::NextHopUnknown
        | Reason::ApplianceNotForwarding
        | Reason::NoAddressOfFamily
        | Reason::NoOutboundAccess
        | Reason::RoutingLoop => StoppedBy::Route,
        Reason::UnknownSource
        | Reason::AmbiguousNetwork
        | Reason::SenderNotRunning
        | Reason::SpoofedSource => StoppedBy::Source,
        reason if reason.is_about_the_packet() => StoppedBy::Packet,
        _ => StoppedBy::Platform,
    }
}
