//! Named settings: our reading wherever the article is silent or ambiguous.
//!
//! Every decision that rests on one says so ("assumed"), with the setting's name and value,
//! so that nobody mistakes our reading for the platform's word.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! choices {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)+ })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            const TEXTS: &'static [&'static str] = &[$($text,)+];

            fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }

            /// The value's name in files and reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    )+};
}

choices! {
    /// Yes or no.
    YesNo {
        /// Yes.
        Yes = "yes",
        /// No.
        No = "no",
    }
    /// Is something left alone, or filtered like Internet traffic?
    PassOrFiltered {
        /// Not blocked.
        Pass = "pass",
        /// Filtered like traffic to the Internet.
        Filtered = "filtered",
    }
    /// Does a packet pass or vanish?
    PassOrDrop {
        /// It passes.
        Pass = "pass",
        /// It is dropped silently.
        Drop = "drop",
    }
    /// Is something restricted?
    Unrestricted {
        /// Not restricted.
        Unrestricted = "unrestricted",
        /// Restricted.
        Restricted = "restricted",
    }
    /// How a type without a date is dated.
    CspCutoff {
        /// The general date applies.
        General = "general",
        /// Restricted whatever the date.
        Always = "always",
    }
    /// Which end of the days counts that bound one that is not known.
    Bound {
        /// The last day on which it may have been.
        Latest = "latest",
        /// The first one.
        Earliest = "earliest",
    }
    /// When a revocation reaches a running machine.
    RevocationEffect {
        /// At once.
        Immediate = "immediate",
        /// At the machine's next allocation.
        NextStart = "next-start",
    }
    /// What becomes of exempt traffic that a route sends through an appliance.
    ExemptViaAppliance {
        /// The appliance's own machine and subscription decide for what it forwards.
        ApplianceDecides = "appliance-decides",
        /// The exemption does not cover it, and it is blocked.
        Blocked = "blocked",
    }
    /// What becomes of an unrestricted subscription's traffic through Azure Firewall.
    EaViaAzureFirewall {
        /// Rejected, as any other.
        Rejected = "rejected",
        /// Not restricted.
        Unrestricted = "unrestricted",
    }
    /// What the sender of a blocked SYN sees.
    BlockForm {
        /// Silence: the connection times out.
        Drop = "drop",
        /// A reset: the connection is refused.
        Reject = "reject",
    }
    /// How an offer that the edition does not name is treated.
    UnnamedOffer {
        /// By the edition's own default row.
        EditionDefault = "edition-default",
        /// Never blocked.
        Open = "open",
        /// Blocked whatever the date.
        Blocked = "blocked",
    }
    /// When a change of offer reaches a running machine.
    OfferChangeEffect {
        /// At the machine's next allocation.
        NextAllocation = "next-allocation",
        /// At once.
        Immediate = "immediate",
    }
    /// What Azure Firewall does where the edition says nothing of it.
    AzureFirewallWhenSilent {
        /// The subscription's own rule holds.
        SubscriptionRule = "subscription-rule",
        /// Rejected, as where it is unsupported.
        Rejected = "rejected",
    }
    /// Whose rule holds behind Azure Firewall where it is supported.
    AzureFirewallSubscription {
        /// The subscription that holds the firewall.
        Firewall = "firewall",
        /// The subscription of the sending machine.
        Sender = "sender",
    }
    /// What App Service may send where the edition says nothing of it.
    AppServiceWhenSilent {
        /// The subscription's own rule holds.
        SubscriptionRule = "subscription-rule",
        /// Blocked.
        Blocked = "blocked",
    }
    /// What becomes of the reserved routes beside another default route.
    ReservedRoutes {
        /// They stay.
        Kept = "kept",
        /// They go, as beside one to an appliance.
        Gone = "gone",
    }
    /// What a public address of one's own is to port 25.
    AzurePublicDestination {
        /// A destination outside, as any other.
        External = "external",
        /// One inside, which is not filtered.
        Internal = "internal",
    }
    /// Whether a grant counts that no edition up to its time knows.
    NeverGrantedButGranted {
        /// It does not: the offer is never exempt.
        DoesNotCount = "does-not-count",
        /// It counts as it happened.
        Counts = "counts",
    }
    /// Whether an exemption covers what an Azure Firewall sends.
    ExemptionBehindAzureFirewall {
        /// It does, once the firewall has picked it up.
        Covers = "covers",
        /// It does not: only machines' traffic that is routed directly.
        DoesNotCover = "does-not-cover",
    }
}

macro_rules! settings {
    ($($variant:ident $field:ident: $kind:ident = $default:ident; $question:literal; $why:literal;)+) => {
        /// The name of a setting.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Setting { $(#[doc = $question] $variant,)+ }

        /// A value for every setting.
        #[derive(Debug, Clone, PartialEq, Eq, Serialize)]
        pub struct Settings { $(#[doc = $question] pub $field: $kind,)+ }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($field: $kind::$default,)+ }
            }
        }

        impl Setting {
            /// Every setting, in the order of the edition's table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The setting's name in files and reports.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($field),)+ }
            }

            /// The question that it answers.
            #[must_use]
            pub const fn question(self) -> &'static str {
                match self { $(Self::$variant => $question,)+ }
            }

            /// Why its default is what it is.
            #[must_use]
            pub const fn why(self) -> &'static str {
                match self { $(Self::$variant => $why,)+ }
            }

            /// The values that it takes.
            #[must_use]
            pub const fn values(self) -> &'static [&'static str] {
                match self { $(Self::$variant => $kind::TEXTS,)+ }
            }

            /// The value that it has where nobody sets it.
            #[must_use]
            pub const fn default_value(self) -> &'static str {
                match self { $(Self::$variant => $kind::$default.name(),)+ }
            }
        }

        impl Settings {
            /// The value of a setting, as text.
            #[must_use]
            pub const fn get(&self, setting: Setting) -> &'static str {
                match setting { $(Setting::$variant => self.$field.name(),)+ }
            }

            pub(crate) fn put(&mut self, setting: Setting, value: &str) -> bool {
                match setting {
                    $(Setting::$variant => match $kind::parse(value) {
                        Some(parsed) => { self.$field = parsed; true }
                        None => false,
                    },)+
                }
            }
        }
    };
}

settings! {
    CutoffDayRestricted cutoff_day_restricted: YesNo = Yes;
        "Is a subscription created on the cutoff day itself new?";
        "The general text says `from`; days are UTC.";
    CreationBetweenBounds creation_between_bounds: Bound = Latest;
        "By which day is a subscription judged of which only bounds of its creation are known?";
        "A later day is never judged more kindly. Fail closed; `created` says the day where it is known.";
    NewDeploymentInOldSubscription new_deployment_in_old_subscription: Unrestricted = Unrestricted;
        "Is a new deployment in an old subscription restricted?";
        "The section on the offer dates by the subscription alone and is the more specific text.";
    CspCutoff csp_cutoff: CspCutoff = General;
        "Which date holds for an offer whose section gives none?";
        "The general date.";
    RevocationEffect revocation_effect: RevocationEffect = Immediate;
        "Is a running machine cut off at once by a revocation?";
        "The text is silent; the strict reading.";
    GuestRestartCounts guest_restart_counts: YesNo = No;
        "Does a restart, or a shutdown from inside the guest, apply the exemption?";
        "Users report that only a portal stop (deallocate) and start did.";
    NewVmAfterExemption new_vm_after_exemption: YesNo = Yes;
        "Is a machine first deployed after the approval exempt at once?";
        "It has never been programmed with the block.";
    ExemptViaAppliance exempt_via_appliance: ExemptViaAppliance = ApplianceDecides;
        "What becomes of traffic that a route sends through a network virtual appliance?";
        "An exemption covers what is routed directly and not that hop; the appliance's own machine decides.";
    OnPremisesRoute on_premises_route: PassOrFiltered = Pass;
        "Is traffic that leaves through a VPN or ExpressRoute gateway filtered?";
        "It does not go directly to the Internet; a relay on premises is reached by it.";
    InternalDestination internal_destination: PassOrFiltered = Pass;
        "Is port 25 to an address in the virtual network or a peered one filtered?";
        "The general text speaks of external domains.";
    EaViaAzureFirewall ea_via_azure_firewall: EaViaAzureFirewall = Rejected;
        "Is an unrestricted subscription rejected when routed through Azure Firewall?";
        "`Not supported` is said of Azure Firewall and of no offer.";
    BlockForm block_form: BlockForm = Drop;
        "What does the sender of a blocked SYN see?";
        "Users report time-outs, never a refusal.";
    AzureFirewallForm azure_firewall_form: BlockForm = Reject;
        "What does the sender of a SYN see that was routed through Azure Firewall?";
        "Asked for by this project's users; no public text speaks of a reset.";
    UnsupportedMeansBlocked unsupported_means_blocked: YesNo = Yes;
        "Does `not supported` through Azure Firewall mean that it does not get through?";
        "The firewall's known-issues page of that time says blocked.";
    RequestsCanBeRefused requests_can_be_refused: YesNo = Yes;
        "Can a request for an exemption be refused?";
        "The text knows two outcomes, enabled and next steps; a refusal is our reading of `at Microsoft's discretion`.";
    OneCycleFreesAll one_cycle_frees_all: YesNo = No;
        "Does stopping and starting some machines free the others of the subscription too?";
        "Each machine is free from its own next start on; the state is pulled at allocation.";
    ExemptionSurvivesOfferChange exemption_survives_offer_change: YesNo = No;
        "Is a granted exemption kept when the subscription's offer changes?";
        "The text says only `the subscription requested`; the new offer's rule is ours.";
    HonourPre2017Subscriptions honour_pre_2017_subscriptions: YesNo = No;
        "In an edition without a date, may a subscription created before 2017-11-15 still send?";
        "Two live pages disagree; the article dropped the date in 2021.";
    GrandfatherExemptions grandfather_exemptions: YesNo = Yes;
        "Does an exemption granted under an earlier edition go on working?";
        "Users saw provider subscriptions still allowed in November 2022.";
    NeverGrantedButGranted never_granted_but_granted: NeverGrantedButGranted = DoesNotCount;
        "Does an exemption count that was granted to an offer to which no edition up to that time grants one?";
        "No edition up to then names these offers a way to one, so the description contradicts the text.";
    RedeployCounts redeploy_counts: YesNo = Yes;
        "Does a redeploy renew a machine's programming?";
        "Undocumented; it moves the machine to another host.";
    UnnamedOffer unnamed_offer: UnnamedOffer = EditionDefault;
        "How is an offer treated that the edition does not name?";
        "By the edition's general statement.";
    OfferChangeEffect offer_change_effect: OfferChangeEffect = NextAllocation;
        "When does a change of the subscription's offer reach a running machine?";
        "The state is held per machine and pulled at allocation.";
    AzureFirewallWhenSilent azure_firewall_when_silent: AzureFirewallWhenSilent = SubscriptionRule;
        "What holds behind Azure Firewall where the edition says nothing of it?";
        "Only the general statement is left, which speaks of subscriptions.";
    AzureFirewall2022_11 azure_firewall_2022_11: AzureFirewallWhenSilent = SubscriptionRule;
        "What holds behind Azure Firewall where article and firewall page disagree?";
        "The article names no such service as supported, the firewall page says that it may work.";
    AzureFirewallSubscription azure_firewall_subscription: AzureFirewallSubscription = Firewall;
        "Whose subscription decides behind Azure Firewall where it is supported?";
        "As for an appliance: the hop that sends to the Internet is the firewall's.";
    ExemptionBehindAzureFirewall exemption_behind_azure_firewall: ExemptionBehindAzureFirewall = Covers;
        "Does an exemption of the firewall's own subscription cover what the firewall sends?";
        "A public report of 2021-04 has the hub's subscription exempted, the rules updated, and mail flowing.";
    AppServiceWhenSilent app_service_when_silent: AppServiceWhenSilent = Blocked;
        "What may App Service send where the edition says nothing of it?";
        "Its own page of 2021-03 to 2022-08 says that integration with a network cannot use port 25.";
    SnatIsDirect snat_is_direct: YesNo = Yes;
        "Does traffic by a NAT gateway or a load balancer count as routed directly?";
        "They are no hop of the route table; no page says either (N8).";
    ExemptionTermsWhenSilent exemption_terms_when_silent: YesNo = Yes;
        "Where the text says nothing of an exemption's terms, do those of pay-as-you-go hold (of Enterprise Dev/Test from 2022-11 on)?";
        "Whoever is exempted is exempted in the same way; no text tells another one.";
    AzureInOpenMayAsk2018 azure_in_open_may_ask_2018: YesNo = No;
        "May Azure in Open request an exemption as pay-as-you-go does, in 2018?";
        "Another page of Microsoft's said so until 2018-08; the article does not.";
    UnknownSource unknown_source: PassOrDrop = Drop;
        "What becomes of a SYN from an address that no known interface owns?";
        "Fail closed.";
    SenderNotRunning sender_not_running: PassOrDrop = Drop;
        "What becomes of a SYN from a machine that by the inventory and its events is not running?";
        "A machine without compute sends nothing: the inventory (its state may be of a later day), the events or the clock is wrong. Fail closed.";
    PlatformAddresses platform_addresses: PassOrFiltered = Pass;
        "Is port 25 to the metadata and wire server addresses filtered?";
        "They are inside the platform, not external domains.";
    ServiceEndpointRoute service_endpoint_route: PassOrFiltered = Filtered;
        "Is port 25 to a prefix behind a service endpoint filtered?";
        "It is still a public address. Fail closed.";
    ReservedRoutesUnderOtherDefault reserved_routes_under_other_default: ReservedRoutes = Kept;
        "Do the reserved routes to `None` stay beside a route 0.0.0.0/0 whose next hop is Internet, None or VnetLocal?";
        "The pages speak of appliances and gateways alone; a private destination is dropped either way.";
    DefaultOutboundWhenUnsaid default_outbound_when_unsaid: YesNo = Yes;
        "Has a subnet default outbound access of which that is not said?";
        "Networks had it that were created before 2026, and clients that name an older version still get it (N6).";
    ImplicitLbInPrivateSubnet implicit_lb_in_private_subnet: YesNo = Yes;
        "Does a public load balancer's frontend without outbound rules take machines of a private subnet out?";
        "The pages call it a way out of its own kind, and say of private subnets only that the default goes.";
    LoadBalancerPortsWhenUnsaid load_balancer_ports_when_unsaid: YesNo = Yes;
        "Does an internal load balancer pass a packet on whose rules are not said?";
        "One before appliances has high-availability ports, which cover every port (N11).";
    PublicAddressElsewhereStopsDefault public_address_elsewhere_stops_default: YesNo = Yes;
        "Does a public address on another interface take a machine's default outbound access from all of them?";
        "Microsoft's text of 2022 to 2024 says so; it is gone since 2025-12.";
    ServiceTagWhenUnknown service_tag_when_unknown: YesNo = No;
        "Does a security rule match whose service tag stands for addresses that nobody has told?";
        "It cannot be told; a service-tag file tells it (N16).";
    VirtualNetworkTagByAnyDefault virtual_network_tag_by_any_default: YesNo = Yes;
        "Does the tag VirtualNetwork cover a default route learned by BGP, and routes to None?";
        "It covers a subnet's user-defined routes (azure-docs issue 22178); of these two no page speaks (N16).";
    PlatformEgressWhenSilent platform_egress_when_silent: PassOrDrop = Pass;
        "What becomes of port 25 that leaves by a service of the platform itself, before a text names it?";
        "No page forbids it before the text of 2022-02 (N18).";
    AzurePublicDestination azure_public_destination: AzurePublicDestination = External;
        "Is port 25 to a public address of one's own machines or load balancers filtered as to any other?";
        "The article speaks of external domains; a report of 2018 fits.";
    ForwardedTrafficWhenUnsaid forwarded_traffic_when_unsaid: YesNo = Yes;
        "Does a peering let in what was forwarded in the other network, of which that is not said?";
        "Without it a hub's appliance connects no spokes, which is what such hubs are for (N12).";
    AzureFirewallIpv6 azure_firewall_ipv6: YesNo = No;
        "Does Azure Firewall carry IPv6?";
        "Its known issues say no as of 2025-09; taken to be the same later (N4).";
    Ipv6DefaultRoute ipv6_default_route: YesNo = Yes;
        "Has a subnet a system route ::/0 to the Internet?";
        "The text on routes lists IPv4 alone; taken to be the same.";
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A setting that does not exist, or a value that it does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No setting has this name.
    #[error("`{name}` is no setting; `egress25 policy show` lists them")]
    Unknown {
        /// What was read.
        name: String,
    },
    /// The setting does not take this value.
    #[error("setting `{setting}` does not take `{value}`; it takes: {}", setting.values().join(", "))]
    Value {
        /// The setting.
        setting: Setting,
        /// What was read.
        value: String,
    },
}

/// A setting that a decision rests on, with the value it had.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Assumption {
    /// The setting's name.
    pub setting: String,
    /// Its value.
    pub value: String,
}

impl Assumption {
    /// Whether it is where a day of creation lies that is known by its bounds alone.
    #[must_use]
    pub fn is_of_a_bound(&self) -> bool {
        Setting::named(&self.setting) == Some(Setting::CreationBetweenBounds)
    }
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.setting, self.value)
    }
}

impl Setting {
    /// Whether it says by what packets leave for the Internet.
    #[must_use]
    pub const fn is_about_ways_out(self) -> bool {
        matches!(
            self,
            Self::DefaultOutboundWhenUnsaid
                | Self::ImplicitLbInPrivateSubnet
                | Self::PublicAddressElsewhereStopsDefault
        )
    }

    /// Whether it says where routes lead, or what security rules cover, which counts for every port.
    #[must_use]
    pub(crate) const fn is_about_routes(self) -> bool {
        matches!(
            self,
            Self::LoadBalancerPortsWhenUnsaid
                | Self::ReservedRoutesUnderOtherDefault
                | Self::Ipv6DefaultRoute
                | Self::AzureFirewallIpv6
                | Self::ForwardedTrafficWhenUnsaid
                | Self::ServiceTagWhenUnknown
                | Self::VirtualNetworkTagByAnyDefault
        )
    }

    /// The setting with a name, if there is one.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|setting| setting.name() == name)
    }
}

impl Settings {
    /// Sets a setting by name; `true` and `false` stand for `yes` and `no`.
    ///
    /// # Errors
    /// An unknown name, or a value that the setting does not take.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        let setting =
            Setting::named(name).ok_or_else(|| SettingError::Unknown { name: name.to_owned() })?;
        let word = match value {
            "true" => "yes",
            "false" => "no",
            other => other,
        };
        if self.put(setting, word) {
            return Ok(());
        }
        Err(SettingError::Value { setting, value: value.to_owned() })
    }

    /// The same, with some of them set by name, the later over the earlier.
    ///
    /// # Errors
    /// An unknown name, or a value that the setting does not take.
    pub fn with<'a>(
        mut self,
        set: impl IntoIterator<Item = (&'a String, &'a String)>,
    ) -> Result<Self, SettingError> {
        for (name, value) in set {
            self.set(name, value)?;
        }
        Ok(self)
    }

    /// A setting with its present value, as a decision reports it.
    #[must_use]
    pub fn assumption(&self, setting: Setting) -> Assumption {
        Assumption { setting: setting.name().into(), value: self.get(setting).into() }
    }
}
