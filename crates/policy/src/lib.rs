//! The outbound SMTP policy of Azure's platform, as data and as a reference decision.
//!
//! On Azure a TCP SYN to port 25 leaves a virtual machine for the Internet only if the
//! subscription's offer, its creation date, an exemption and the route allow it. This crate
//! holds what the platform's article says ([`Edition`], one data file each), what a
//! deployment looks like ([`World`]), what happened to it ([`Event`]), and the slow, obvious
//! [`decide`] that everything else is checked against.
//!
//! It is pure: no input or output, no clock, no environment, nothing asynchronous.

mod advice;
mod capture_ids;
mod cells;
mod change;
mod decide;
mod decision;
mod edge;
mod edition;
mod event;
mod exemption;
mod forwarded;
mod lab;
mod lab_error;
mod life;
pub mod moment;
mod name;
mod near;
mod offer;
mod plan;
mod quota;
mod reason;
mod route;
mod settings;
mod state;
mod statement;
mod timeline;
mod transition;
mod world;

pub use capture_ids::CaptureIds;
pub use cells::{
    Cell, CellMap, Cells, Forwarder, LeadsTo, SenderClass, exit_reason, winning_routes,
};
pub use change::Undo;
pub use decide::{Question, Source, decide};
pub use decision::{Assumption, Decision, Hop, HopKind, NextStep, Verdict};
pub use edge::creation_counts;
pub use edition::{
    AppServiceRule, Channel, Citations, Edition, EditionError, Effect, FirewallRule, OfferRule,
    Requirement, Restriction, Topic,
};
pub use event::{Event, EventError, EventKind, Placement};
pub use exemption::{Exemption, ExemptionState};
pub use forwarded::{ForwardingPort, decide_forwarded};
pub use lab::{Lab, LabFile, lab_schema, parse_events};
pub use lab_error::{LabError, locate_key};
pub use life::{MachineState, Power, Programmed, ProgrammedBy};
pub use moment::{MomentError, parse_day, parse_moment};
pub use name::{
    FirewallName, MachineName, NetworkName, RouteTableName, SubnetName, SubscriptionName,
};
pub use near::{first_few, nearest};
pub use offer::{Offer, UnknownOffer};
pub use plan::{edge_reason, verdict_of};
pub use quota::{Recognised, recognise_quota_id};
pub use reason::{Reason, UnknownReason};
pub use route::{NextHop, Route, RouteOrigin, effective_routes, resolve};
pub use settings::{
    AppServiceWhenSilent, AzureFirewallSubscription, AzureFirewallWhenSilent, BlockForm, CspCutoff,
    EaViaAzureFirewall, ExemptViaAppliance, OfferChangeEffect, PassOrDrop, PassOrFiltered,
    RevocationEffect, RevocationWhenSilent, Setting, SettingError, Settings, UnnamedOffer,
    Unrestricted, YesNo,
};
pub use state::WorldState;
pub use statement::{Statement, StatementId, StatementKind};
pub use timeline::{Timeline, TimelineError};
pub use transition::{Applied, Refused};
pub use world::{
    AzureFirewall, Gateway, GatewayKind, Interface, Machine, MachineKind, Peering, RouteTable,
    Subnet, Subscription, UserNextHop, UserRoute, VirtualNetwork, World, WorldError,
};

/// The TCP port that the platform filters (G1).
pub const SMTP_PORT: u16 = 25;
