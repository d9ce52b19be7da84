//! Working out cells: a subnet's stretches, followed from forwarder to forwarder.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::rc::Rc;

use crate::SMTP_PORT;
use crate::article::reason::Reason;
use crate::article::settings::{AzurePublicDestination, PassOrFiltered};
use crate::cells::stretches::{Both, FAMILIES, Outlet, Span, Stretch, cut_at, stretches, within};
use crate::cells::{Cell, Cells, Forwarder, LeadsTo, SenderClass, SourceClass, indirect, ways_out};
use crate::decide::appliance::{TakenBy, taken_by};
use crate::decide::destination::{PLATFORM, UnfitDestination, unfit_ranges};
use crate::decide::firewall::carries;
use crate::decide::grounds::ReasonAlone;
use crate::decide::screen::{
    Crossing, RuleStand, Screen, Screens, Stand, over_peering, source_ports,
};
use crate::decide::service::{ByTheService, of_all_egress, that_enter};
use crate::world::World;
use crate::world::name::{FirewallName, MachineName, NetworkName, SubnetName};
use crate::world::ranges::{PrefixSet, address, in_order, max, number};
use crate::world::route::effective_routes;
use crate::world::security::Direction;

/// Who is at an appliance's address.
#[derive(Debug, Clone)]
enum AtAddress {
    /// Nobody who takes the packet on.
    Dead(Reason),
    Firewall(FirewallName),
    /// A machine, by the place of what it does on.
    Machine(usize),
}

/// A machine as it forwards by one of its interfaces.
#[derive(Debug)]
struct Station {
    machine: MachineName,
    place: Place,
    ways_out: [bool; 2],
    indirect: [bool; 2],
    /// Where destinations lead from there, once that is known.
    pieces: Option<Rc<Both<Piece>>>,
    /// Whether that is being worked out.
    open: bool,
}

/// Where destinations lead from a station on.
#[derive(Debug, Clone)]
struct Course {
    leads_to: LeadsTo,
    /// The machines on the way, the station's own first.
    path: Path,
}

/// A range of destinations as they lead from a station on.
type Piece = Span<Course>;

/// Machines on a way, shared by all ways that end alike.
type Path = Option<Rc<Link>>;

#[derive(Debug)]
struct Link {
    machine: MachineName,
    rest: Path,
}

fn is_on(path: &Path, machine: &MachineName) -> bool {
    let mut at = path;
    while let Some(link) = at {
        if link.machine == *machine {
            return true;
        }
        at = &link.rest;
    }
    false
}

/// Where routes are asked, and the rules before them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    network: NetworkName,
    subnet: SubnetName,
    /// Whose packets it is about; `None`: routes alone count.
    passing: Option<Passing>,
}

/// What packets are for security rules, and what they meet at a place.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Passing {
    /// By its number in [`CellMap::sources`].
    source: usize,
    /// What they came in by.
    came_to: Option<RuleStand>,
    /// What they leave by; a firewall asks no rules.
    leaves_by: Option<RuleStand>,
}

/// Works out cells; what several classes share is worked out once.
#[derive(Debug)]
pub struct CellMap<'w> {
    world: &'w World,
    subnets: HashMap<(NetworkName, SubnetName), Rc<Both<Stretch>>>,
    /// By places with the rules before their routes.
    places: HashMap<Place, Rc<Both<Stretch>>>,
    screens: Screens,
    /// Sources, with the port where rules tell some apart.
    sources: Vec<(SourceClass, Option<u16>)>,
    numbers: HashMap<(SourceClass, Option<u16>), usize>,
    /// Where what enters a network may be told apart, for each family and source port.
    inside: HashMap<(NetworkName, bool, Option<u16>), Rc<Vec<u128>>>,
    hops: HashMap<(NetworkName, IpAddr, Option<usize>), AtAddress>,
    stations: Vec<Station>,
    known: HashMap<(MachineName, Place, [bool; 2], [bool; 2]), usize>,
    /// How many ranges were looked at: what it cost.
    looked_at: usize,
}

impl<'w> CellMap<'w> {
    /// Begins with a world.
    #[must_use]
    pub fn new(world: &'w World) -> Self {
        Self {
            world,
            subnets: HashMap::new(),
            places: HashMap::new(),
            screens: Screens::default(),
            sources: Vec::new(),
            numbers: HashMap::new(),
            inside: HashMap::new(),
            hops: HashMap::new(),
            stations: Vec::new(),
            known: HashMap::new(),
            looked_at: 0,
        }
    }

    /// How many ranges were looked at so far: the cost, for tests of how it grows.
    #[must_use]
    pub const fn looked_at(&self) -> usize {
        self.looked_at
    }

    /// Where the destinations of a class of senders lead.
    #[must_use]
    pub fn cells(&mut self, class: &SenderClass) -> Cells {
        let Some(screened) = &class.screened else { return self.cells_from(class, None) };
        self.by_source_port(|map, port| {
            let source = map.source(&screened.source, port);
            map.cells_from(class, Some(source))
        })
    }

    /// What a closure finds for packets of each range of source ports that rules tell apart, as one.
    fn by_source_port(&mut self, mut find: impl FnMut(&mut Self, Option<u16>) -> Cells) -> Cells {
        let ports = source_ports(self.world, SMTP_PORT);
        if ports.len() < 2 {
            return find(self, None);
        }
        let lasts = ports.iter().skip(1).map(|next| next.saturating_sub(1)).chain([u16::MAX]);
        let all: Vec<_> =
            ports.iter().zip(lasts).map(|(first, last)| (last, find(self, Some(*first)))).collect();
        Cells { v4: overlaid(&all, true), v6: overlaid(&all, false) }
    }

    /// The number of a source.
    fn source(&mut self, of: &SourceClass, port: Option<u16>) -> usize {
        let sources = &mut self.sources;
        *self.numbers.entry((of.clone(), port)).or_insert_with(|| {
            sources.push((of.clone(), port));
            sources.len().saturating_sub(1)
        })
    }

    fn cells_from(&mut self, class: &SenderClass, source: Option<usize>) -> Cells {
        let group = class.screened.as_ref().and_then(|screened| screened.group.clone());
        let (network, subnet) = (class.network.clone(), class.subnet.clone());
        let leaves_by = Some(RuleStand { network: network.clone(), subnet: subnet.clone(), group });
        let passing = source.map(|source| Passing { source, came_to: None, leaves_by });
        let stretches = self.place(&Place { network, subnet, passing });
        let mut found = FAMILIES.map(|_| Vec::new());
        for ((family, stretches), found) in FAMILIES.iter().zip(stretches.iter()).zip(&mut found) {
            for stretch in stretches {
                self.cells_of(class, source, *family, stretch, found);
            }
        }
        let [v4, v6] = found;
        let v4 = cut_out(v4, true, &self.by_the_service(class, true));
        let v6 = cut_out(v6, false, &self.by_the_service(class, false));
        self.finished(v4, v6)
    }

    /// A family's ranges of what leaves by the service that a sender is.
    fn by_the_service(&self, class: &SenderClass, v4: bool) -> Vec<Span<Reason>> {
        if class.by_the_service == ByTheService::Nothing {
            return Vec::new();
        }
        let place = (&class.network, &class.subnet);
        let enter = that_enter(self.world, class.by_the_service, place);
        let reason = of_all_egress(self.world);
        let span = |(first, last): &(u128, u128)| Span { first: *first, last: *last, goes: reason };
        PrefixSet::all().without(&enter).of_family(v4).iter().map(span).collect()
    }

    /// Where destinations lead from an Azure Firewall's port, for whatever it sends there: what is from
    /// a source, or, without one, from nobody that is known.
    #[must_use]
    pub fn firewall_cells(&mut self, name: &FirewallName, source: Option<&SourceClass>) -> Cells {
        match source {
            None => self.firewall_cells_from(name, None),
            Some(of) => self.by_source_port(|map, port| {
                let source = map.source(of, port);
                map.firewall_cells_from(name, Some(source))
            }),
        }
    }

    fn firewall_cells_from(&mut self, name: &FirewallName, source: Option<usize>) -> Cells {
        let [v4, v6] = FAMILIES.map(|v4| {
            let cell = |piece: Piece| Cell {
                first: address(v4, piece.first),
                last: address(v4, piece.last),
                leads_to: piece.goes.leads_to,
                next: None,
            };
            self.through_firewall(name, source, v4, 0, max(v4)).into_iter().map(cell).collect()
        });
        self.finished(v4, v6)
    }

    fn finished(&self, v4: Vec<Cell>, v6: Vec<Cell>) -> Cells {
        let whole = |cells, v4| merged(cut_out(cells, v4, &fixed_by_address(self.world, v4)));
        Cells { v4: whole(v4, true), v6: whole(v6, false) }
    }

    fn cells_of(
        &mut self,
        class: &SenderClass,
        source: Option<usize>,
        v4: bool,
        at: &Stretch,
        found: &mut Vec<Cell>,
    ) {
        let cell = |first, last, leads_to, next| Cell {
            first: address(v4, first),
            last: address(v4, last),
            leads_to,
            next,
        };
        let whole = |leads_to, next| cell(at.first, at.last, leads_to, next);
        let to_internet = to_internet(class.ways_out, class.indirect, v4);
        let to = match ends(&at.goes, to_internet) {
            Ok(leads_to) => return found.push(whole(leads_to, None)),
            Err(address) => address,
        };
        match self.hop(&class.network, to, source) {
            AtAddress::Dead(reason) => found.push(whole(LeadsTo::Reason(reason), None)),
            AtAddress::Firewall(name) => {
                let next = Some(Forwarder::Firewall(name.clone()));
                let pieces = self.through_firewall(&name, source, v4, at.first, at.last);
                let pieces = pieces.into_iter();
                found.extend(pieces.map(|p| cell(p.first, p.last, p.goes.leads_to, next.clone())));
            }
            AtAddress::Machine(station) => {
                self.work_out(station);
                let forwarder = class.forwarder.as_ref();
                let next =
                    self.stations.get(station).map(|s| Forwarder::Machine(s.machine.clone()));
                for piece in self.pieces(station, v4, at.first, at.last) {
                    let returns = forwarder.is_some_and(|name| is_on(&piece.goes.path, name));
                    let leads_to = if returns { LOOP } else { piece.goes.leads_to };
                    found.push(cell(piece.first, piece.last, leads_to, next.clone()));
                }
            }
        }
    }

    /// Works out where destinations lead from a station, and from all that it needs for that.
    fn work_out(&mut self, station: usize) {
        let mut open = vec![station];
        while let Some(at) = open.last().copied() {
            let Some(found) = self.stations.get_mut(at).filter(|found| found.pieces.is_none())
            else {
                open.pop();
                continue;
            };
            if !found.open {
                found.open = true;
                let place = found.place.clone();
                let before = open.len();
                for next in self.stations_behind(&place) {
                    let next_one = self.stations.get(next);
                    if next_one.is_some_and(|next| next.pieces.is_none() && !next.open) {
                        open.push(next);
                    }
                }
                if open.len() > before {
                    continue;
                }
            }
            let pieces = FAMILIES.map(|v4| self.station_pieces(at, v4));
            if let Some(found) = self.stations.get_mut(at) {
                found.pieces = Some(Rc::new(pieces));
            }
        }
    }

    /// The stations that a place's routes lead to.
    fn stations_behind(&mut self, place: &Place) -> Vec<usize> {
        let both = self.place(place);
        let mut found = Vec::new();
        for stretch in both.iter().flatten() {
            if let Outlet::To(address) = stretch.goes
                && let AtAddress::Machine(next) = self.hop(&place.network, address, place.source())
            {
                found.push(next);
            }
        }
        in_order(found)
    }

    /// Where a family's destinations lead from a station. Those behind it are known, but for
    /// those that wait for this one: these ways are followed step by step.
    fn station_pieces(&mut self, station: usize, v4: bool) -> Vec<Piece> {
        let mut done = Vec::new();
        let mut open = vec![(station, 0, max(v4), None, 0_usize)];
        // The machines of `been`, which the way to what is looked at next begins with.
        let (mut way, mut on_way) = (Vec::<MachineName>::new(), HashSet::new());
        while let Some((at, first, last, been, steps)) = open.pop() {
            while way.len() > steps
                && let Some(left) = way.pop()
            {
                on_way.remove(&left);
            }
            let Some(found) = self.stations.get(at) else { continue };
            let machine = found.machine.clone();
            if on_way.contains(&machine) {
                done.push(Span { first, last, goes: Course::ends(LOOP) });
                continue;
            }
            if found.pieces.is_some() {
                let pieces = self.pieces(at, v4, first, last).into_iter();
                done.extend(pieces.map(|at| Span { goes: at.goes.after(&been), ..at }));
                continue;
            }
            let (place, ways_out, indirect) = (found.place.clone(), found.ways_out, found.indirect);
            let source = place.source();
            let subnet = self.place(&place);
            let been = Some(Rc::new(Link { machine: machine.clone(), rest: been }));
            on_way.insert(machine.clone());
            way.push(machine.clone());
            for Span { first, last, goes } in within(&subnet, v4, first, last) {
                self.looked_at = self.looked_at.saturating_add(1);
                let ended =
                    |leads_to| Span { first, last, goes: Course::ends(leads_to).after(&been) };
                match ends(&goes, to_internet(ways_out, indirect, v4)) {
                    Ok(leads_to) => done.push(ended(leads_to.forwarded_by(&machine))),
                    Err(address) => match self.hop(&place.network, address, source) {
                        AtAddress::Dead(reason) => done.push(ended(LeadsTo::Reason(reason))),
                        AtAddress::Firewall(name) => {
                            let pieces =
                                self.through_firewall(&name, source, v4, first, last).into_iter();
                            done.extend(pieces.map(|at| Span { goes: at.goes.after(&been), ..at }));
                        }
                        AtAddress::Machine(next) => {
                            open.push((next, first, last, been.clone(), way.len()));
                        }
                    },
                }
            }
        }
        done.sort_by_key(|piece| piece.first);
        done
    }

    /// What is known of a station's destinations within a range.
    fn pieces(&mut self, station: usize, v4: bool, first: u128, last: u128) -> Vec<Piece> {
        let known = self.stations.get(station).and_then(|station| station.pieces.clone());
        let Some(known) = known else { return Vec::new() };
        let found = within(&known, v4, first, last);
        self.looked_at = self.looked_at.saturating_add(found.len());
        found
    }

    /// Where a range of destinations leads from an Azure Firewall on: what it sends on to an
    /// appliance is not followed.
    fn through_firewall(
        &mut self,
        name: &FirewallName,
        source: Option<usize>,
        v4: bool,
        first: u128,
        last: u128,
    ) -> Vec<Piece> {
        let Some(firewall) = self.world.firewalls.get(name) else { return Vec::new() };
        if !carries(self.world, v4, &mut ReasonAlone) {
            let goes = Course::ends(LeadsTo::Reason(Reason::ApplianceNotForwarding));
            return vec![Span { first, last, goes }];
        }
        let passing = source.map(|source| Passing { source, came_to: None, leaves_by: None });
        let (network, subnet) = (firewall.network.clone(), firewall.subnet.clone());
        let stretches = self.place(&Place { network, subnet, passing });
        let found = within(&stretches, v4, first, last);
        self.looked_at = self.looked_at.saturating_add(found.len());
        found
            .into_iter()
            .map(|Span { first, last, goes }| {
                // It has public addresses of its own.
                let leads_to = match ends(&goes, LeadsTo::Edge) {
                    Ok(LeadsTo::Edge) => LeadsTo::Exit(Forwarder::Firewall(name.clone())),
                    Ok(other) => other,
                    Err(_) => LeadsTo::Reason(Reason::NextHopUnknown),
                };
                Span { first, last, goes: Course::ends(leads_to) }
            })
            .collect()
    }

    /// Who is at an appliance's address, as a network's routes see it.
    fn hop(&mut self, network: &NetworkName, address: IpAddr, source: Option<usize>) -> AtAddress {
        let key = (network.clone(), address, source);
        if let Some(known) = self.hops.get(&key) {
            return known.clone();
        }
        let found = self.find_hop(network, address, source);
        self.hops.insert(key, found.clone());
        found
    }

    fn find_hop(
        &mut self,
        network: &NetworkName,
        address: IpAddr,
        source: Option<usize>,
    ) -> AtAddress {
        let of = source.and_then(|source| self.sources.get(source)).cloned();
        let packet = Crossing {
            source: address,
            origin: of.as_ref().and_then(|(of, _)| of.network.as_ref()),
            of_groups: &[],
            source_port: None,
            destination: address,
            port: SMTP_PORT,
            screens: &self.screens,
        };
        let (came_to, port) =
            match taken_by(self.world, network, address, &packet, &mut ReasonAlone) {
                Err(fault) => return AtAddress::Dead(fault.reason()),
                Ok(TakenBy::Firewall(name)) => return AtAddress::Firewall(name.clone()),
                Ok(TakenBy::Appliance { came_to, sends_on }) => (came_to, sends_on),
            };
        let (name, out, ways_out) = (port.name, port.interface, ways_out(self.world, port));
        let stand = |interface| Some(RuleStand::of(Stand::of(interface)));
        let (came_to, leaves_by) = (stand(came_to), stand(out));
        let passing = source.map(|source| Passing { source, came_to, leaves_by });
        let place = Place { network: out.network.clone(), subnet: out.subnet.clone(), passing };
        let key = (name.clone(), place, ways_out, indirect(self.world, port));
        if let Some(known) = self.known.get(&key) {
            return AtAddress::Machine(*known);
        }
        let number = self.stations.len();
        let (machine, place, ways_out, indirect) = key.clone();
        let (pieces, open) = (None, false);
        self.stations.push(Station { machine, place, ways_out, indirect, pieces, open });
        self.known.insert(key, number);
        AtAddress::Machine(number)
    }

    /// A place's destinations by its routes, and by the security rules before and behind them.
    fn place(&mut self, place: &Place) -> Rc<Both<Stretch>> {
        let routes = self.subnet(&place.network, &place.subnet);
        let Some(passing) = &place.passing else { return routes };
        if let Some(known) = self.places.get(place) {
            return known.clone();
        }
        let both = [true, false].map(|v4| self.behind_rules(&place.network, passing, &routes, v4));
        let found = Rc::new(both);
        self.places.insert(place.clone(), found.clone());
        found
    }

    fn behind_rules(
        &mut self,
        from: &NetworkName,
        passing: &Passing,
        routes: &Both<Stretch>,
        v4: bool,
    ) -> Vec<Stretch> {
        let Some((source, source_port)) = self.sources.get(passing.source).cloned() else {
            return Vec::new();
        };
        let entered = passing.came_to.as_ref().map(|at| (at.stand(), Direction::Inbound));
        let left = passing.leaves_by.as_ref().map(|at| (at.stand(), Direction::Outbound));
        let screen = |(at, direction)| self.screens.at(self.world, at, direction);
        let screens: Vec<_> = [entered, left].into_iter().flatten().filter_map(screen).collect();
        let mut cuts = Vec::new();
        screens.iter().for_each(|screen| screen.bounds(v4, source_port, &mut cuts));
        let cuts = in_order(cuts);
        let mut cuts_inside: HashMap<NetworkName, Vec<u128>> = HashMap::new();
        let mut found: Vec<Stretch> = Vec::new();
        for Span { first, last, goes } in within(routes, v4, 0, max(v4)) {
            let cuts = match &goes {
                Outlet::Inside { network, .. } => {
                    cuts_inside.entry(network.clone()).or_insert_with(|| {
                        let inside = self.bounds_inside(network, v4, source_port);
                        in_order(cuts.iter().chain(&*inside).copied().collect())
                    })
                }
                _ => &cuts,
            };
            cut_at(cuts, first, last, &mut |first, last| {
                let packet = Crossing {
                    source: source.address,
                    origin: source.network.as_ref(),
                    of_groups: &source.groups,
                    source_port,
                    destination: address(v4, first),
                    port: SMTP_PORT,
                    screens: &self.screens,
                };
                let ask = |screen: &Rc<Screen>| screen.ask(self.world, &packet, &mut ReasonAlone);
                let denied = screens.iter().map(ask).find_map(Result::err);
                let denied = denied.or_else(|| match &goes {
                    Outlet::Inside { network, .. } => {
                        let nothing = &mut ReasonAlone;
                        let peering = over_peering(self.world, (from, network), &packet, nothing);
                        if let Err(fault) = peering {
                            return Some(fault);
                        }
                        let stand = Stand::holding(self.world, network, packet.destination)?;
                        ask(&self.screens.at(self.world, stand, Direction::Inbound)?).err()
                    }
                    _ => None,
                });
                let goes = denied.map_or(goes.clone(), |fault| Outlet::Reason(fault.reason()));
                match found.last_mut() {
                    Some(before) if before.goes == goes => before.last = last,
                    _ => found.push(Span { first, last, goes }),
                }
            });
        }
        self.looked_at = self.looked_at.saturating_add(found.len());
        found
    }

    /// Where the rules of a network's subnets and interfaces may change what enters from a source port,
    /// in order.
    fn bounds_inside(
        &mut self,
        network: &NetworkName,
        v4: bool,
        source_port: Option<u16>,
    ) -> Rc<Vec<u128>> {
        let key = (network.clone(), v4, source_port);
        if let Some(known) = self.inside.get(&key) {
            return known.clone();
        }
        let found = Rc::new(in_order(self.find_bounds_inside(network, v4, source_port)));
        self.inside.insert(key, found.clone());
        found
    }

    fn find_bounds_inside(
        &self,
        network: &NetworkName,
        v4: bool,
        source_port: Option<u16>,
    ) -> Vec<u128> {
        let world = self.world;
        let mut cuts = Vec::new();
        let Some(of) = world.networks.get(network) else { return cuts };
        let mut stands = Vec::new();
        for (name, subnet) in &of.subnets {
            cuts.extend(PrefixSet::new(&subnet.prefixes).bounds(v4));
            stands.push(Stand { network, subnet: name, group: None });
        }
        for (at, (machine, place)) in world.owners.within(Some(network)) {
            if at.is_ipv4() != v4 {
                continue;
            }
            let machine = world.machines.get(machine);
            let interface = machine.and_then(|machine| machine.interfaces.get(*place));
            if let Some(interface) = interface.filter(|of| of.security_group.is_some()) {
                cuts.extend([number(at), number(at).saturating_add(1)]);
                stands.push(Stand::of(interface));
            }
        }
        for at in world.service_addresses(Some(network)).filter(|at| at.is_ipv4() == v4) {
            cuts.extend([number(at), number(at).saturating_add(1)]);
            stands.extend(Stand::holding(world, network, at));
        }
        for stand in stands {
            if let Some(screen) = self.screens.at(world, stand, Direction::Inbound) {
                screen.bounds(v4, source_port, &mut cuts);
            }
        }
        cuts
    }

    /// A subnet's destinations by its routes alone.
    fn subnet(&mut self, network: &NetworkName, subnet: &SubnetName) -> Rc<Both<Stretch>> {
        let key = (network.clone(), subnet.clone());
        if let Some(known) = self.subnets.get(&key) {
            return known.clone();
        }
        let routes = effective_routes(self.world, network, subnet);
        let both = FAMILIES.map(|v4| stretches(self.world, network, &routes, v4));
        self.looked_at = both.iter().fold(self.looked_at, |sum, one| sum.saturating_add(one.len()));
        let found = Rc::new(both);
        self.subnets.insert(key, found.clone());
        found
    }
}

impl Place {
    fn source(&self) -> Option<usize> {
        self.passing.as_ref().map(|passing| passing.source)
    }
}

/// Where a sender's packets lead that a route takes to the Internet, by whether its family finds a way
/// out, and whether that makes it indirect.
fn to_internet(ways_out: [bool; 2], indirect: [bool; 2], v4: bool) -> LeadsTo {
    let of_family = |[of_v4, of_v6]: [bool; 2]| if v4 { of_v4 } else { of_v6 };
    match (of_family(ways_out), of_family(indirect)) {
        (false, _) => LeadsTo::Reason(Reason::NoOutboundAccess),
        (true, true) => LeadsTo::Exit(Forwarder::Translation(None)),
        (true, false) => LeadsTo::Edge,
    }
}

/// Where an outlet ends, as its sender's own packets meet it.
///
/// # Errors
/// It goes on, to whoever is at an address.
fn ends(outlet: &Outlet, to_internet: LeadsTo) -> Result<LeadsTo, IpAddr> {
    Ok(match outlet {
        Outlet::To(address) => return Err(*address),
        Outlet::Reason(reason) => LeadsTo::Reason(*reason),
        Outlet::Internet => to_internet,
        Outlet::Inside { filtered: false, .. } => LeadsTo::Reason(Reason::Internal),
        Outlet::Edge | Outlet::Inside { filtered: true, .. } => LeadsTo::Edge,
    })
}

/// What comes back to where it has been.
const LOOP: LeadsTo = LeadsTo::Reason(Reason::RoutingLoop);

impl Course {
    const fn ends(leads_to: LeadsTo) -> Self {
        Self { leads_to, path: None }
    }

    /// The same destinations for whoever sends them here by some machines, the last one first.
    fn after(self, been: &Path) -> Self {
        let mut path = self.path.clone();
        let mut at = been;
        while let Some(link) = at {
            if is_on(&self.path, &link.machine) {
                return Self::ends(LOOP);
            }
            path = Some(Rc::new(Link { machine: link.machine.clone(), rest: path }));
            at = &link.rest;
        }
        // Whoever sends into a circle is not on a way that ends.
        if self.leads_to == LOOP { Self::ends(LOOP) } else { Self { path, ..self } }
    }
}

/// A family's ranges whose addresses alone decide, in order.
fn fixed_by_address(world: &World, v4: bool) -> Vec<Span<Reason>> {
    let mut platform: Vec<_> = PLATFORM.map(|at| number(IpAddr::V4(at))).into();
    platform.sort_unstable();
    platform.retain(|_| v4);
    let mut found = Vec::new();
    for (first, last) in unfit_ranges(v4) {
        let Some(unfit) = UnfitDestination::of(first) else { continue };
        let (begin, last) = (number(first), number(last));
        let mut first = begin;
        for at in platform.iter().filter(|at| (begin..=last).contains(*at)) {
            found.push(Span { first, last: at.saturating_sub(1), goes: unfit.reason() });
            first = at.saturating_add(1);
        }
        found.push(Span { first, last, goes: unfit.reason() });
    }
    if world.settings.platform_addresses == PassOrFiltered::Pass {
        let alone = |at| Span { first: at, last: at, goes: Reason::PlatformAddress };
        found.extend(platform.into_iter().map(alone));
    }
    if world.settings.azure_public_destination == AzurePublicDestination::Internal {
        let own = world.public_addresses().filter(|at| at.is_ipv4() == v4).map(number);
        let alone = |at| Span { first: at, last: at, goes: Reason::Internal };
        found.extend(own.collect::<BTreeSet<_>>().into_iter().map(alone));
    }
    found.sort_by_key(|span| span.first);
    found
}

/// Ranges of a family, in order, with others, which are in order and apart, cut out of them for a reason.
fn cut_out(cells: Vec<Cell>, v4: bool, cuts: &[Span<Reason>]) -> Vec<Cell> {
    let mut found = Vec::with_capacity(cells.len().saturating_add(cuts.len().saturating_mul(2)));
    for cell in cells {
        let (begin, end) = (number(cell.first), number(cell.last));
        let mut next = Some(begin);
        let from = cuts.partition_point(|cut| cut.last < begin);
        for cut in cuts.iter().skip(from).take_while(|cut| cut.first <= end) {
            let (first, last) = (cut.first.max(begin), cut.last.min(end));
            if let Some(from) = next.filter(|from| *from < first) {
                let before = address(v4, first.saturating_sub(1));
                found.push(Cell { first: address(v4, from), last: before, ..cell.clone() });
            }
            let leads_to = LeadsTo::Reason(cut.goes);
            let (first, until) = (address(v4, first), address(v4, last));
            found.push(Cell { first, last: until, leads_to, next: None });
            next = last.checked_add(1).filter(|after| *after <= end);
        }
        if let Some(from) = next {
            found.push(Cell { first: address(v4, from), ..cell });
        }
    }
    found
}

/// Cells of a family by ranges of source ports, each with its last, as one partition.
fn overlaid(all: &[(u16, Cells)], v4: bool) -> Vec<Cell> {
    let of_family = |cells: &Cells| if v4 { cells.v4.clone() } else { cells.v6.clone() };
    let firsts = all.iter().flat_map(|(_, cells)| of_family(cells)).map(|cell| cell.first);
    let firsts = in_order(firsts.map(number).collect());
    let mut found = Vec::with_capacity(firsts.len());
    for (place, first) in firsts.iter().enumerate() {
        let next = firsts.get(place.saturating_add(1));
        let last = next.map_or(max(v4), |next| next.saturating_sub(1));
        let (first, last) = (address(v4, *first), address(v4, last));
        let mut ports: Vec<(u16, LeadsTo)> = Vec::new();
        let mut goes_to = None;
        for (last_port, cells) in all {
            let Some(cell) = cells.at(first) else { continue };
            goes_to = goes_to.or_else(|| cell.next.clone());
            match ports.last_mut() {
                Some((last, before)) if *before == cell.leads_to => *last = *last_port,
                _ => ports.push((*last_port, cell.leads_to.clone())),
            }
        }
        let leads_to = match ports.as_slice() {
            [(_, only)] => only.clone(),
            _ => LeadsTo::BySourcePort(ports),
        };
        found.push(Cell { first, last, leads_to, next: goes_to });
    }
    merged(found)
}

/// Neighbours that lead the same way become one.
fn merged(cells: Vec<Cell>) -> Vec<Cell> {
    let mut found: Vec<Cell> = Vec::with_capacity(cells.len());
    for cell in cells {
        match found.last_mut() {
            Some(before) if before.leads_to == cell.leads_to && before.next == cell.next => {
                before.last = cell.last;
            }
            _ => found.push(cell),
        }
    }
    found
}
