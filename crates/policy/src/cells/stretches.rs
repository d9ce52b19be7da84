//! A subnet's destinations by its routes alone: ranges, each with where the route that wins takes
//! a packet.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::article::reason::Reason;
use crate::decide::grounds::ReasonAlone;
use crate::decide::route::{Toward, toward};
use crate::world::World;
use crate::world::name::{NetworkName, SubnetName};
use crate::world::ranges::{address, bounds_of_each, max, number};
use crate::world::route::{NextHop, Route, RouteOrigin, effective_routes, spaces};

/// The families, as places of arrays.
pub(super) const FAMILIES: [bool; 2] = [true, false];

/// A range of a family's destinations that all go one way.
#[derive(Debug, Clone)]
pub(super) struct Span<T> {
    pub(super) first: u128,
    pub(super) last: u128,
    pub(super) goes: T,
}

/// A range of a subnet's destinations, by its routes alone.
pub(super) type Stretch = Span<Outlet>;

/// Where a route takes a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outlet {
    Reason(Reason),
    /// To the Internet, where there is a way out.
    Internet,
    /// To what a setting treats like the Internet.
    Edge,
    /// To an address of a network; a setting says whether that is filtered like the Internet.
    Inside {
        network: NetworkName,
        filtered: bool,
    },
    /// To whoever is at an address.
    To(IpAddr),
}

/// The destinations of both families, IPv4 first.
pub(super) type Both<T> = [Vec<T>; 2];

/// The spans of one family within a range, cut to it.
pub(super) fn within<T: Clone>(
    both: &Both<Span<T>>,
    v4: bool,
    first: u128,
    last: u128,
) -> Vec<Span<T>> {
    let [of_v4, of_v6] = both;
    let spans = if v4 { of_v4 } else { of_v6 };
    let from = spans.partition_point(|span| span.last < first);
    spans
        .iter()
        .skip(from)
        .take_while(|span| span.first <= last)
        .map(|span| Span {
            first: span.first.max(first),
            last: span.last.min(last),
            goes: span.goes.clone(),
        })
        .collect()
}

/// A family's destinations by a network's routes: for each range the route that wins, and where
/// it takes the packet.
pub(super) fn stretches(
    world: &World,
    network: &NetworkName,
    routes: &[Route],
    v4: bool,
) -> Vec<Stretch> {
    let inside: Vec<_> = spaces(world, network).copied().collect();
    let inside = bounds_of_each(&inside, v4);
    let rules = world.has_security_rules() || world.restricts_forwarded_traffic();
    let mut found: Vec<Stretch> = Vec::new();
    let mut push = |first, last, goes: Outlet| match found.last_mut() {
        Some(before) if before.goes == goes => before.last = last,
        _ => found.push(Span { first, last, goes }),
    };
    for (first, last, route) in winners(routes, v4) {
        let Some(route) = route else {
            push(first, last, Outlet::Reason(Reason::NoRoute));
            continue;
        };
        let mut take = |first, last| {
            let sample = address(v4, first);
            let goes = match toward(world, network, sample, &route.next_hop, &mut ReasonAlone) {
                Ok(Toward::Internet) => Outlet::Internet,
                Ok(Toward::Edge) => Outlet::Edge,
                Ok(Toward::Inside { network, filtered }) if rules => {
                    Outlet::Inside { network, filtered }
                }
                // Which network it is counts for rules alone.
                Ok(Toward::Inside { filtered: true, .. }) => Outlet::Edge,
                Ok(Toward::Inside { filtered: false, .. }) => Outlet::Reason(Reason::Internal),
                Ok(Toward::Forwarder(address)) => Outlet::To(address),
                Ok(Toward::Done(reason)) => Outlet::Reason(reason),
                Err(fault) => Outlet::Reason(fault.reason()),
            };
            push(first, last, goes);
        };
        // A route can keep any address in the network, also one that is not there, or one of a peer.
        if route.next_hop == NextHop::VirtualNetwork {
            cut_at(&inside, first, last, &mut take);
        } else {
            take(first, last);
        }
    }
    found
}

/// Cuts a range where one of some numbers, in order, begins another.
pub(super) fn cut_at(at: &[u128], first: u128, last: u128, take: &mut impl FnMut(u128, u128)) {
    let mut next = first;
    let from = at.partition_point(|cut| *cut <= first);
    for cut in at.iter().skip(from).take_while(|cut| **cut <= last) {
        take(next, cut.saturating_sub(1));
        next = *cut;
    }
    take(next, last);
}

/// The routes of a subnet that win for any destination: of these the longest prefix that fits is
/// the one that counts, as in a kernel's table.
#[must_use]
pub fn winning_routes(world: &World, network: &NetworkName, subnet: &SubnetName) -> Vec<Route> {
    let routes = effective_routes(world, network, subnet);
    let won = FAMILIES.iter().flat_map(|v4| winners(&routes, *v4));
    let by_prefix: BTreeMap<IpNet, &Route> =
        won.filter_map(|(_, _, route)| Some((route?.prefix.trunc(), route?))).collect();
    by_prefix.into_values().cloned().collect()
}

/// A prefix that is open while the sweep is inside of it.
struct Open<'r> {
    last: u128,
    route: &'r Route,
    /// Whether it, or one around it, takes BGP routes out.
    beats_bgp: bool,
    /// The nearest that BGP has not brought.
    not_bgp: Option<&'r Route>,
}

impl<'r> Open<'r> {
    /// The route that wins where this is the longest prefix.
    const fn winner(&self) -> Option<&'r Route> {
        if self.beats_bgp { self.not_bgp } else { Some(self.route) }
    }
}

/// The route that wins in each range of a family; together they cover it.
///
/// Prefixes nest or are disjoint, so one sweep with a stack finds them all.
fn winners(routes: &[Route], v4: bool) -> Vec<(u128, u128, Option<&Route>)> {
    let mut order: Vec<&Route> =
        routes.iter().filter(|route| route.prefix.network().is_ipv4() == v4).collect();
    // Outer prefixes first; of equal ones the last counts, as in `resolve`.
    order.sort_by_key(|r| (number(r.prefix.network()), r.prefix.prefix_len(), r.origin));
    let mut sweep = Sweep { found: Vec::new(), open: Vec::new(), next: Some(0), max: max(v4) };
    for route in order {
        let (first, last) = (number(route.prefix.network()), number(route.prefix.broadcast()));
        sweep.close(Some(first));
        let around = sweep.open.last();
        let beats_bgp = route.beats_bgp() || around.is_some_and(|around| around.beats_bgp);
        let not_bgp = if route.origin == RouteOrigin::Bgp {
            around.and_then(|around| around.not_bgp)
        } else {
            Some(route)
        };
        sweep.open.push(Open { last, route, beats_bgp, not_bgp });
    }
    sweep.close(None);
    sweep.found
}

/// The sweep over a family's prefixes.
struct Sweep<'r> {
    found: Vec<(u128, u128, Option<&'r Route>)>,
    /// The prefixes that it is inside of, the longest last.
    open: Vec<Open<'r>>,
    /// The first address that is in no range yet; `None` behind the last one.
    next: Option<u128>,
    max: u128,
}

impl Sweep<'_> {
    /// Comes to the address where the next prefix begins; `None`: to the end.
    fn close(&mut self, until: Option<u128>) {
        while let Some(at) = self.next {
            let top = self.open.last().map(|top| (top.last, top.winner()));
            let (end, winner) = top.unwrap_or((self.max, None));
            let ends = until.is_none_or(|until| end < until);
            let last = if ends { Some(end) } else { until.and_then(|until| until.checked_sub(1)) };
            if let Some(last) = last.filter(|last| at <= *last) {
                self.found.push((at, last, winner));
                self.next = last.checked_add(1).filter(|after| *after <= self.max);
            }
            if !ends || self.open.pop().is_none() {
                return;
            }
        }
    }
}
