//! The outbound SMTP policy of Azure's platform, as data and as a reference decision.
//!
//! On Azure a TCP SYN to port 25 leaves a virtual machine for the Internet only if the
//! subscription's offer, its creation date, an exemption and the route allow it. This crate
//! holds what the platform's article says ([`Edition`], one data file each), what a
//! deployment looks like ([`World`]), what happened to it ([`Event`]), and the slow, obvious
//! [`decide`] that everything else is checked against.
//!
//! It is pure: no input or output, no clock, no environment, nothing asynchronous.

#[macro_use]
mod names;

mod article;
mod cells;
mod decide;
mod file;
mod life;
mod shape;
mod text;
mod world;

pub use article::edition::{
    AppServiceRule, Channel, ChannelPath, Citations, Edition, EditionError, Effect, FirewallRule,
    OfferRule, Requirement, Restriction, Topic, path_text,
};
pub use article::load::Stood;
pub use article::network::{network_changes, reserved_on};
pub use article::offer::{Offer, UnknownOffer};
pub use article::quota::{Recognised, how_to_tell_apart, recognise_quota_id};
pub use article::reason::{Reason, UnknownReason};
pub use article::settings::{
    AppServiceWhenSilent, Assumption, AzureFirewallSubscription, AzureFirewallWhenSilent,
    AzurePublicDestination, BlockForm, Bound, CspCutoff, EaViaAzureFirewall, ExemptViaAppliance,
    ExemptionBehindAzureFirewall, NeverGrantedButGranted, OfferChangeEffect, PassOrDrop,
    PassOrFiltered, ReservedRoutes, RevocationEffect, Setting, SettingError, Settings,
    UnnamedOffer, Unrestricted, YesNo,
};
pub use article::statement::{
    Cited, Page, SourceName, Statement, StatementId, StatementKind, cited_text,
};
pub use article::stopped_by::StoppedBy;
pub use article::verdict::{Verdict, verdict_of};
pub use cells::{
    Cell, CellMap, Cells, DestinationRanges, Forwarder, LeadsTo, Screened, SenderClass,
    SourceClass, exit_reason, winning_routes,
};
pub use decide::applied_rule::{AppliedRule, RuleSet};
pub use decide::by_source_port::by_source_port;
pub use decide::decision::{Decision, Hop, HopKind};
pub use decide::destination::UnfitDestination;
pub use decide::edge::{edge_reason, on_type_change};
pub use decide::fault::{InputFault, RouteFault};
pub use decide::forwarded::{ForwardingPort, decide_forwarded};
pub use decide::next_step::NextStep;
pub use decide::question::{Question, Source};
pub use decide::restriction::creation_counts;
pub use decide::service::ByTheService;
pub use decide::terms::may_ask_by;
pub use decide::{decide, decide_seen};
pub use file::error::{InventoryError, locate_below, locate_key};
pub use file::events::parse_events;
pub use file::inventory::{Inventory, InventoryFile};
pub use file::moment;
pub use file::moment::{MomentError, parse_day, parse_moment, utc_day};
pub use file::near::{closest, first_few, nearest};
pub use file::schema::inventory_schema;
pub use life::change::Undo;
pub use life::event::{Event, EventError, EventKind, Placement};
pub use life::exemption::{Exemption, ExemptionState, Grant, UnknownState};
pub use life::power::{MachineState, Missed, Power, Programmed, ProgrammedBy};
pub use life::timeline::{Timeline, TimelineError};
pub use life::transition::{Applied, Refused};
pub use text::{
    acts_unseen, in_a_line, in_lines, json_in_sight, shell_bytes, shell_word, toml_in_sight,
};
pub use world::address_space::{UnfitAddressSpace, fit_for_an_address_space};
pub use world::build::WorldError;
pub use world::capture_ids::CaptureIds;
pub use world::creation::Creation;
pub use world::listed_route::{ListedNextHop, ListedRoute, ListedSource};
pub use world::name::{
    AdminRulesName, ApplicationSecurityGroupName, FirewallName, LONGEST_NAME, LoadBalancerName,
    MachineName, NatGatewayName, NetworkName, RouteTableName, SecurityGroupName, SubnetName,
    SubscriptionName, Unfit, UnfitName, fit_for_a_name,
};
pub use world::outbound::{
    AllPorts, Backend, BackendInterface, LoadBalancer, LoadBalancerSku, NatGateway, NatGatewaySku,
    Ports,
};
pub use world::route::{NextHop, Route, RouteOrigin, effective_routes, resolve};
pub use world::security::{
    Access, AdminRules, Direction, PortRanges, Protocol, SecurityGroup, SecurityRule, Target,
    Targets,
};
pub use world::{
    AzureFirewall, FirewallState, Gateway, GatewayKind, Interface, Machine, MachineKind, Peering,
    RouteTable, Subnet, Subscription, UserNextHop, UserRoute, VirtualNetwork, World,
};

/// The TCP port that the platform filters (G1).
pub const SMTP_PORT: u16 = 25;
