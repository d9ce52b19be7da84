//! Working out cells: a subnet's stretches, followed from forwarder to forwarder.

use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::Rc;

use crate::SMTP_PORT;
use crate::article::reason::Reason;
use crate::article::settings::PassOrFiltered;
use crate::cells::stretches::{
    Both, FAMILIES, Outlet, Span, Stretch, address, max, number, stretches, within,
};
use crate::cells::{Cell, Cells, Forwarder, LeadsTo, SenderClass, ways_out};
use crate::decide::appliance::{TakenBy, taken_by};
use crate::decide::destination::{PLATFORM, UnfitDestination, unfit_ranges};
use crate::decide::grounds::ReasonAlone;
use crate::world::World;
use crate::world::name::{FirewallName, MachineName, NetworkName, SubnetName};
use crate::world::route::effective_routes;

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
    network: NetworkName,
    subnet: SubnetName,
    ways_out: [bool; 2],
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

/// Works out cells; what several classes share is worked out once.
#[derive(Debug)]
pub struct CellMap<'w> {
    world: &'w World,
    subnets: HashMap<(NetworkName, SubnetName), Rc<Both<Stretch>>>,
    hops: HashMap<(NetworkName, IpAddr), AtAddress>,
    stations: Vec<Station>,
    known: HashMap<(MachineName, NetworkName, SubnetName, [bool; 2]), usize>,
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
        let subnet = self.subnet(&class.network, &class.subnet);
        let mut found = FAMILIES.map(|_| Vec::new());
        for ((family, stretches), found) in FAMILIES.iter().zip(subnet.iter()).zip(&mut found) {
            for stretch in stretches {
                self.cells_of(class, *family, stretch, found);
            }
        }
        let [v4, v6] = found;
        self.finished(v4, v6)
    }

    /// Where destinations lead from an Azure Firewall's port, for whatever it sends there.
    #[must_use]
    pub fn firewall_cells(&mut self, name: &FirewallName) -> Cells {
        let [v4, v6] = FAMILIES.map(|v4| {
            let cell = |piece: Piece| Cell {
                first: address(v4, piece.first),
                last: address(v4, piece.last),
                leads_to: piece.goes.leads_to,
                next: None,
            };
            self.through_firewall(name, v4, 0, max(v4)).into_iter().map(cell).collect()
        });
        self.finished(v4, v6)
    }

    fn finished(&self, v4: Vec<Cell>, v6: Vec<Cell>) -> Cells {
        let whole = |cells, v4| merged(cut_out(cells, v4, &fixed_by_address(self.world, v4)));
        Cells { v4: whole(v4, true), v6: whole(v6, false) }
    }

    fn cells_of(&mut self, class: &SenderClass, v4: bool, at: &Stretch, found: &mut Vec<Cell>) {
        let cell = |first, last, leads_to, next| Cell {
            first: address(v4, first),
            last: address(v4, last),
            leads_to,
            next,
        };
        let whole = |leads_to, next| cell(at.first, at.last, leads_to, next);
        let to = match &at.goes {
            Outlet::Reason(reason) => return found.push(whole(LeadsTo::Reason(*reason), None)),
            Outlet::Internet if !has_way(class.ways_out, v4) => {
                return found.push(whole(NO_WAY_OUT, None));
            }
            Outlet::Internet | Outlet::Edge => return found.push(whole(LeadsTo::Edge, None)),
            Outlet::To(address) => *address,
        };
        match self.hop(&class.network, to) {
            AtAddress::Dead(reason) => found.push(whole(LeadsTo::Reason(reason), None)),
            AtAddress::Firewall(name) => {
                let next = Some(Forwarder::Firewall(name.clone()));
                let pieces = self.through_firewall(&name, v4, at.first, at.last).into_iter();
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
                let (network, subnet) = (found.network.clone(), found.subnet.clone());
                let before = open.len();
                for next in self.stations_behind(&network, &subnet) {
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

    /// The stations that a subnet's routes lead to.
    fn stations_behind(&mut self, network: &NetworkName, subnet: &SubnetName) -> Vec<usize> {
        let both = self.subnet(network, subnet);
        let mut found = Vec::new();
        for stretch in both.iter().flatten() {
            if let Outlet::To(address) = stretch.goes
                && let AtAddress::Machine(next) = self.hop(network, address)
            {
                found.push(next);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Where a family's destinations lead from a station. Those behind it are known, but for
    /// those that wait for this one: these ways are followed step by step.
    fn station_pieces(&mut self, station: usize, v4: bool) -> Vec<Piece> {
        let mut done = Vec::new();
        let mut open = vec![(station, 0, max(v4), None)];
        while let Some((at, first, last, been)) = open.pop() {
            let Some(found) = self.stations.get(at) else { continue };
            let machine = found.machine.clone();
            if is_on(&been, &machine) {
                done.push(Span { first, last, goes: Course::ends(LOOP) });
                continue;
            }
            if found.pieces.is_some() {
                let pieces = self.pieces(at, v4, first, last).into_iter();
                done.extend(pieces.map(|at| Span { goes: at.goes.after(&been), ..at }));
                continue;
            }
            let (network, subnet) = (found.network.clone(), found.subnet.clone());
            let ways_out = found.ways_out;
            let subnet = self.subnet(&network, &subnet);
            let been = Some(Rc::new(Link { machine: machine.clone(), rest: been }));
            for Span { first, last, goes } in within(&subnet, v4, first, last) {
                self.looked_at = self.looked_at.saturating_add(1);
                let ends =
                    |leads_to| Span { first, last, goes: Course::ends(leads_to).after(&been) };
                match goes {
                    Outlet::Reason(reason) => done.push(ends(LeadsTo::Reason(reason))),
                    Outlet::Internet if !has_way(ways_out, v4) => done.push(ends(NO_WAY_OUT)),
                    Outlet::Internet | Outlet::Edge => {
                        done.push(ends(LeadsTo::Exit(Forwarder::Machine(machine.clone()))));
                    }
                    Outlet::To(address) => match self.hop(&network, address) {
                        AtAddress::Dead(reason) => done.push(ends(LeadsTo::Reason(reason))),
                        AtAddress::Firewall(name) => {
                            let pieces = self.through_firewall(&name, v4, first, last).into_iter();
                            done.extend(pieces.map(|at| Span { goes: at.goes.after(&been), ..at }));
                        }
                        AtAddress::Machine(next) => open.push((next, first, last, been.clone())),
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
        v4: bool,
        first: u128,
        last: u128,
    ) -> Vec<Piece> {
        let Some(firewall) = self.world.firewalls.get(name) else { return Vec::new() };
        let subnet = self.subnet(&firewall.network, &firewall.subnet);
        let found = within(&subnet, v4, first, last);
        self.looked_at = self.looked_at.saturating_add(found.len());
        found
            .into_iter()
            .map(|Span { first, last, goes }| {
                let leads_to = match goes {
                    Outlet::Reason(reason) => LeadsTo::Reason(reason),
                    Outlet::Internet | Outlet::Edge => {
                        LeadsTo::Exit(Forwarder::Firewall(name.clone()))
                    }
                    Outlet::To(_) => LeadsTo::Reason(Reason::NextHopUnknown),
                };
                Span { first, last, goes: Course::ends(leads_to) }
            })
            .collect()
    }

    /// Who is at an appliance's address, as a network's routes see it.
    fn hop(&mut self, network: &NetworkName, address: IpAddr) -> AtAddress {
        let key = (network.clone(), address);
        if let Some(known) = self.hops.get(&key) {
            return known.clone();
        }
        let found = self.find_hop(network, address);
        self.hops.insert(key, found.clone());
        found
    }

    fn find_hop(&mut self, network: &NetworkName, address: IpAddr) -> AtAddress {
        let port = match taken_by(self.world, network, address, SMTP_PORT, &mut ReasonAlone) {
            Err(fault) => return AtAddress::Dead(fault.reason()),
            Ok(TakenBy::Firewall(name)) => return AtAddress::Firewall(name.clone()),
            Ok(TakenBy::Appliance(port)) => port,
        };
        let (name, out, ways_out) = (port.name, port.interface, ways_out(self.world, port));
        let key = (name.clone(), out.network.clone(), out.subnet.clone(), ways_out);
        if let Some(known) = self.known.get(&key) {
            return AtAddress::Machine(*known);
        }
        let number = self.stations.len();
        self.stations.push(Station {
            machine: name.clone(),
            network: out.network.clone(),
            subnet: out.subnet.clone(),
            ways_out,
            pieces: None,
            open: false,
        });
        self.known.insert(key, number);
        AtAddress::Machine(number)
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

/// What finds no way out.
const NO_WAY_OUT: LeadsTo = LeadsTo::Reason(Reason::NoOutboundAccess);

/// Whether a family finds one.
const fn has_way([of_v4, of_v6]: [bool; 2], v4: bool) -> bool {
    if v4 { of_v4 } else { of_v6 }
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
    found.sort_by_key(|span| span.first);
    found
}

/// Ranges of a family, in order, with others cut out of them for a reason.
fn cut_out(cells: Vec<Cell>, v4: bool, cuts: &[Span<Reason>]) -> Vec<Cell> {
    let mut found = Vec::with_capacity(cells.len().saturating_add(cuts.len().saturating_mul(2)));
    for cell in cells {
        let (begin, end) = (number(cell.first), number(cell.last));
        let mut next = Some(begin);
        for cut in cuts.iter().filter(|cut| cut.first <= end && begin <= cut.last) {
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
