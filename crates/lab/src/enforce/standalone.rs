//! The filter on a network that is there already: a bridge, a container network, a queue.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use egress25_policy::{MachineName, NetworkName, World, in_a_line};

use crate::enforce::judge::{Court, JudgedPort, ThreadJudge};
use crate::enforce::loaded::{LoadedRules, nft};
use crate::enforce::nflog::{self, GROUP};
use crate::enforce::nfqueue::{judge_queue, open_queue};
use crate::enforce::ports::{NotedPort, Ports};
use crate::error::LabError;
use crate::rules::{RuleOptions, RulePort, Ruleset, TABLE, mark};

/// How many filters of one host can tell their verdicts at a time, less one.
const GROUPS: u16 = 64;

/// Rules that are in force on an interface. They stay when the program ends, so that nothing
/// passes unfiltered then; [`remove`] takes them away.
#[derive(Debug)]
pub struct InterfaceFilter {
    network: NetworkName,
    interface: String,
    machine: Option<MachineName>,
    options: RuleOptions,
    loaded: Mutex<LoadedRules>,
    _alone: UnixDatagram,
}

impl InterfaceFilter {
    /// Puts the policy of a network in force for what comes from an interface of the caller's
    /// network namespace, which may be said to be a machine's; the verdicts come to the court's
    /// hub.
    ///
    /// # Errors
    /// The interface does not exist or has such a filter already, there is no such machine in the
    /// network, or the rules cannot be loaded.
    pub fn load(
        court: &Court,
        network: &NetworkName,
        interface: &str,
        machine: Option<MachineName>,
    ) -> Result<Self, LabError> {
        let told = JudgedPort::unknown(network, interface.to_owned());
        let ports = Ports::default();
        ports.note(interface, told)?;
        let alone = alone(interface)?;
        let group = listen(court, &ports)?;
        let mark = format!("{}_{}", place(interface), mark(network, &[]));
        let options = RuleOptions { mark: Some(mark), log_group: Some(group), generation: None };
        let world = court.policy.world();
        let port = RulePort::outside(&world, network, interface, machine.as_ref())?;
        let rules = Ruleset::of(&world, network, &[port], &options);
        let loaded = Mutex::new(LoadedRules::load(None, rules)?);
        let (network, interface) = (network.clone(), interface.to_owned());
        Ok(Self { network, interface, machine, options, loaded, _alone: alone })
    }

    /// Brings the rules up to a changed world.
    ///
    /// # Errors
    /// They cannot be loaded; the old ones stay in force, or nobody knows which.
    pub fn update(&self, world: &World) -> Result<(), LabError> {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        let Self { network, interface, machine, options, .. } = self;
        let port = RulePort::outside(world, network, interface, machine.as_ref())?;
        loaded.change(None, Ruleset::of(world, network, &[port], options))
    }
}

/// Makes sure that nobody else filters an interface: whoever came second would put other rules in the
/// place of those that the first believes to be in force. Names of this kind are those of a network
/// namespace, as interfaces are, and end with who has them (unix(7)).
fn alone(interface: &str) -> Result<UnixDatagram, LabError> {
    let what = || format!("filtering `{interface}` alone");
    let named = SocketAddr::from_abstract_name(format!("egress25-filter-{interface}"))
        .map_err(LabError::system(what()))?;
    UnixDatagram::bind_addr(&named).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => LabError::input(
            "--interface",
            format!(
                "another `egress25 filter` has its rules in force on `{interface}`: end it first"
            ),
        ),
        _ => LabError::system(what())(source),
    })
}

/// Listens to the first group of the kernel's log that no other filter of this host listens to.
fn listen(court: &Court, ports: &Ports) -> Result<u16, LabError> {
    let mut group = GROUP;
    loop {
        match nflog::start(None, group, court.clone(), ports.clone()) {
            Ok(()) => return Ok(group),
            Err(LabError::System { source, .. })
                if source.kind() == io::ErrorKind::PermissionDenied && group < GROUP + GROUPS =>
            {
                group = group.saturating_add(1);
            }
            Err(error) => return Err(error),
        }
    }
}

/// An interface's part of the names of the tables that are in force on it: nftables takes letters
/// and digits only.
fn place(interface: &str) -> String {
    let hex: String = interface.bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("on{hex}")
}

/// Takes the rules away that [`InterfaceFilter::load`] has loaded for an interface, and those of
/// no other.
///
/// # Errors
/// There are none, or nftables cannot be used.
pub fn remove(interface: &str) -> Result<(), LabError> {
    let ours = format!("inet {TABLE}_{}_", place(interface));
    let listed = nft(None, "list tables\n")?;
    let tables = listed.lines().filter_map(|line| line.strip_prefix("table "));
    let script: String = tables
        .filter(|table| table.starts_with(&ours))
        .map(|table| format!("delete table {table}\n"))
        .collect();
    if script.is_empty() {
        let what = "no rules of `filter` are in force on this interface";
        return Err(LabError::input(interface, what));
    }
    nft(None, &script).map(drop)
}

/// Judges the packets of a netfilter queue of the caller's network namespace until the kernel
/// ends it. Every packet is taken to belong to one network. `ready` is called when the queue is
/// open.
///
/// # Errors
/// The queue cannot be opened.
pub fn queue(
    court: &Court,
    network: &NetworkName,
    number: u16,
    ready: impl FnOnce(),
) -> Result<(), LabError> {
    let port = JudgedPort::unknown(network, format!("queue {number}"));
    let what = format!("judging the packets of queue {number}");
    let queue = open_queue(number).map_err(|error| match (error.kind(), holder(number)) {
        (io::ErrorKind::PermissionDenied, Some(holder)) => {
            let what = format!("{holder} judges it already; end it, or take another queue");
            LabError::input(format!("queue {number}"), what)
        }
        (io::ErrorKind::PermissionDenied, None) => LabError::Answer(format!(
            "{what}: {error}; run as root (`CAP_NET_ADMIN` in the network namespace)"
        )),
        _ => LabError::system(&what)(error),
    })?;
    ready();
    let mut ports: HashMap<u32, Arc<NotedPort>> = HashMap::new();
    let mut port_of = |index| match ports.entry(index) {
        Entry::Occupied(entry) => Some(entry.get().clone()),
        Entry::Vacant(entry) => {
            let name = nix::net::if_::if_indextoname(index).ok()?;
            let (interface, port) = (name.into_string().ok()?, port.clone());
            Some(entry.insert(Arc::new(NotedPort { interface, port })).clone())
        }
    };
    judge_queue(queue, ThreadJudge::new(court.clone()), &mut port_of, &AtomicBool::new(false));
    let closed = io::Error::other("the kernel has closed the packet queue");
    Err(LabError::system(what)(closed))
}

/// Who has opened a netfilter queue, by the kernel's list of them: the number of its socket is
/// that of its process, as a rule.
fn holder(queue: u16) -> Option<String> {
    let list = std::fs::read_to_string("/proc/self/net/netfilter/nfnetlink_queue").ok()?;
    let socket = list.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()?.parse() == Ok(queue)).then(|| words.next().map(str::to_owned))?
    })?;
    let program = std::fs::read_to_string(format!("/proc/{socket}/comm"));
    Some(program.map_or_else(
        |_| "another program".to_owned(),
        |name| format!("`{}` (process {socket})", in_a_line(name.trim())),
    ))
}
