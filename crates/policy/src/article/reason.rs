//! Reasons: the closed set of why a packet passes or not.

use serde::{Deserialize, Serialize};

/// What a reason's verdict follows from.
#[derive(Clone, Copy)]
pub(crate) enum VerdictRule {
    Pass,
    Drop,
    /// Azure Firewall stops it, in the form that `azure_firewall_form` says.
    Firewall,
    /// The platform's filter blocks it, in the form that `block_form` says.
    Block,
    /// Nobody's packet: `unknown_source` says.
    Unknown,
    /// `sender_not_running` says.
    NotRunning,
}

macro_rules! reasons {
    ($($variant:ident = $name:literal, $rule:ident, [$($rests:literal),*], $line:literal;)+) => {
        /// Why a packet passes, is dropped or is rejected. Names are stable.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            strum::Display, strum::EnumString,
        )]
        #[repr(u8)]
        #[strum(parse_err_ty = UnknownReason, parse_err_fn = UnknownReason::of)]
        pub enum Reason { $(#[doc = $line] #[serde(rename = $name)] #[strum(serialize = $name)] $variant,)+ }

        impl Reason {
            /// Every reason. A reason's place here is its [`index`](Self::index).
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// How many there are: the length of an array of counters.
            pub const COUNT: usize = Self::ALL.len();

            /// The stable name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// One line that explains it.
            #[must_use]
            pub const fn line(self) -> &'static str {
                match self { $(Self::$variant => $line,)+ }
            }

            /// What its verdict follows from.
            pub(crate) const fn verdict_rule(self) -> VerdictRule {
                match self { $(Self::$variant => VerdictRule::$rule,)+ }
            }

            /// What it rests on: statement ids of edition 2020-12, RFCs, names of settings.
            #[must_use]
            pub const fn rests_on(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($rests),*],)+ }
            }
        }
    };
}

reasons! {
    // Nothing for the filter to say.
    OtherPort = "other-port", Pass, ["G3", "G4"],
        "The destination port is not 25; the article speaks of port 25 alone.";
    RelayPort = "relay-port", Pass, ["G3", "G4"],
        "The port is one that authenticated relays use; those are restricted for nobody.";
    Internal = "internal", Pass, ["internal_destination"],
        "The destination is inside the virtual network or a peered one.";
    OnPremises = "on-premises", Pass, ["on_premises_route"],
        "The route leads through a VPN or ExpressRoute gateway, not to the Internet.";
    PlatformAddress = "platform-address", Pass, ["platform_addresses"],
        "The destination is the platform's own (instance metadata, wire server).";
    PlatformEgress = "platform-egress", Pass, ["N18", "platform_egress_when_silent"],
        "It leaves by the service itself, where no route and no subscription's rule is asked.";
    Inbound = "inbound", Pass, ["N1"],
        "It comes in from outside; the article speaks of outbound SMTP alone.";
    // The subscription may send.
    UnrestrictedOffer = "unrestricted-offer", Pass, ["EA1"],
        "The subscription's offer is not restricted.";
    PredatesRestriction = "predates-restriction", Pass, ["PG1", "G2"],
        "The subscription was created before the restriction began.";
    Exempt = "exempt", Pass, ["PG6", "PG7", "PG8"],
        "The subscription is exempt and the machine has picked that up.";
    // The subscription may not send.
    NotGranted = "not-granted", Block, ["PG3", "PG4"],
        "The offer is restricted and no exemption was requested.";
    RequestPending = "request-pending", Block, ["PG3", "PG5"],
        "An exemption was requested and the request is not decided.";
    FurtherSteps = "further-steps", Block, ["PG3", "PG5"],
        "The request was answered with further steps, which are still to be taken.";
    RequestRefused = "request-refused", Block, ["PG3", "PG5", "requests_can_be_refused"],
        "An exemption was requested and the request was refused.";
    WaitingForStopStart = "waiting-for-stop-and-start", Block, ["PG6"],
        "The subscription may send, but the machine has not been stopped (deallocated) and started since.";
    CreatedBeforeExemption = "created-before-exemption", Block, ["2018-11/EF1"],
        "In this edition an exemption holds only for machines created after it.";
    Revoked = "revoked", Block, ["PG9", "revocation_effect"],
        "The exemption was revoked.";
    ExemptionLapsed = "exemption-lapsed", Block, ["exemption_survives_offer_change"],
        "The exemption ended when the subscription's offer changed.";
    ExemptionDoesNotCover = "exemption-does-not-cover", Block, ["PG8"],
        "The exemption covers only machines' traffic that is routed directly to the Internet.";
    OfferNeverExempt = "offer-never-exempt", Block, ["DV1", "DV2"],
        "The offer is restricted and the edition names no way to an exemption.";
    PlatformServiceUnsupported = "platform-service-unsupported", Block, ["app_service_when_silent", "N18"],
        "An App Service or a container instance cannot use port 25 to the Internet, whatever the offer.";
    // The route does not lead there.
    AzureFirewallUnsupported = "azure-firewall-unsupported", Firewall, ["RL1", "unsupported_means_blocked", "azure_firewall_form"],
        "Port 25 through Azure Firewall is not supported.";
    NoRoute = "no-route", Drop, ["routes"],
        "No route leads to the destination, or the route's next hop is none.";
    NextHopUnknown = "next-hop-unknown", Drop, ["routes"],
        "The route's appliance address belongs to no machine or firewall that can be reached.";
    ApplianceNotForwarding = "appliance-not-forwarding", Drop, ["routes"],
        "The appliance on the route is not running or its interface does not forward.";
    NoAddressOfFamily = "no-address-of-family", Drop, ["N4"],
        "The sender has no IPv6 address: the connection fails at once, before any packet.";
    NoOutboundAccess = "no-outbound-access", Drop, ["N5", "N6", "N7"],
        "Its route leads to the Internet, and no NAT gateway, address or load balancer takes it out.";
    SecurityGroupDenies = "security-group-denies", Drop, ["N15", "N17"],
        "A rule of a security group denies it, before the platform's filter is asked.";
    AdminRuleDenies = "admin-rule-denies", Drop, ["N15", "N17"],
        "A security admin rule denies it, before groups and the platform's filter are asked.";
    RoutingLoop = "routing-loop", Drop, ["routes"],
        "The routes send the packet round in a circle.";
    // The sender does not fit the world.
    UnknownSource = "unknown-source", Unknown, ["RFC 2827", "RFC 3704", "unknown_source"],
        "No known interface owns the source address.";
    AmbiguousNetwork = "ambiguous-network", Unknown, ["unknown_source"],
        "Several networks own the source address and the packet does not say which is meant.";
    SenderNotRunning = "sender-not-running", NotRunning, ["sender_not_running"],
        "By the inventory and its events the sending machine was not running.";
    SpoofedSource = "spoofed-source", Drop, ["RFC 2827", "RFC 3704", "Azure virtual network traffic routing"],
        "The source address is none of the sending port's own, and the port does not forward.";
    // The packet itself.
    Malformed = "malformed", Drop, ["RFC 791", "RFC 8200", "RFC 9293"],
        "The packet's headers break their own rules.";
    FragmentDrop = "fragment-drop", Drop, ["RFC 1858", "RFC 3128", "RFC 7112"],
        "A fragment that hides the TCP header, or could rewrite it.";
    Indeterminate = "indeterminate", Drop, ["RFC 7045"],
        "From these bytes nobody can tell whether this is a SYN to port 25.";
    SourceRouted = "source-routed", Drop, ["RFC 7126"],
        "The packet carries a loose or strict source route.";
    RoutingHeaderZero = "routing-header-0", Drop, ["RFC 5095"],
        "The packet carries an IPv6 routing header of type 0.";
    MartianDestination = "martian-destination", Drop, ["RFC 1122", "RFC 1812"],
        "The destination is multicast, broadcast, loopback, unspecified or link-local.";
    TunnelNotCarried = "tunnel-not-carried", Drop, ["Azure virtual network FAQ"],
        "IP-in-IP and GRE are not carried by the platform's networks.";
}

impl Reason {
    /// The reason's place in [`Self::ALL`]: the index of its counter.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The reason at a place, if there is one.
    #[must_use]
    pub fn from_index(index: u8) -> Option<Self> {
        Self::ALL.get(usize::from(index)).copied()
    }

    /// Whether the platform's filter is what stops the packet.
    #[must_use]
    pub const fn is_the_filters(self) -> bool {
        matches!(self.verdict_rule(), VerdictRule::Block)
    }

    /// Whether the packet's bytes alone decide it, without any policy.
    #[must_use]
    pub const fn is_about_the_packet(self) -> bool {
        matches!(
            self,
            Self::Malformed
                | Self::FragmentDrop
                | Self::Indeterminate
                | Self::SourceRouted
                | Self::RoutingHeaderZero
                | Self::MartianDestination
                | Self::TunnelNotCarried
        )
    }
}

/// A text that names no reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no reason; the reasons are: {}", list())]
pub struct UnknownReason {
    /// What was read.
    pub text: String,
}

fn list() -> String {
    Reason::ALL.iter().map(|reason| reason.name()).collect::<Vec<_>>().join(", ")
}

impl UnknownReason {
    fn of(text: &str) -> Self {
        Self { text: text.to_owned() }
    }
}
