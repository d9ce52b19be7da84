//! Connections that are tried: opened, and closed again. No byte is sent, and none is read: what the
//! filter lets through is answered by a SYN-ACK, before either side has said anything.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};

use egress25_evidence::diagnosis::Row;
use egress25_evidence::mail_log::{Destination, Outcome, of_resolver};
use egress25_lab::privileges;
use rustix::io::Errno;

use crate::args::DiagnoseArgs;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::counted;

/// The ports that are tried: the one that is blocked, those of submission, and one that nobody blocks.
const PORTS: [u16; 4] = [25, 465, 587, 443];

/// They, as people list them.
const PORTS_IN_WORDS: &str = "25, 465, 587 and 443";

/// The most hosts.
const MAX_HOSTS: usize = 16;

/// The most addresses of a host.
const MAX_ADDRESSES: usize = 8;

/// How many connections are tried at a time: those of four addresses.
const AT_A_TIME: usize = 16;

/// A host of the arguments: a name, or an address.
#[derive(Debug, Clone)]
struct Host {
    /// From 1.
    number: usize,
    text: String,
    address: Option<IpAddr>,
}

/// A connection that is tried.
#[derive(Debug, Clone)]
struct Target {
    host: usize,
    /// The number of the address, where the host has several.
    address_number: Option<usize>,
    name: Option<String>,
    address: SocketAddr,
}

/// Tries the hosts of the arguments.
pub(super) fn run(args: &DiagnoseArgs, console: &Console) -> Result<Vec<Row>, Failure> {
    // Whoever answers, a name server or a host: it needs none of root's powers to be asked.
    privileges::confine(privileges::NOTHING)?;
    if args.probe.len() > MAX_HOSTS {
        return Err(Failure::Usage(format!("--probe takes at most {MAX_HOSTS} hosts")));
    }
    let hosts = (1..).zip(&args.probe).map(|(number, text)| Host::of(number, text));
    let hosts = hosts.collect::<Result<Vec<_>, _>>()?;
    let timeout = Duration::from_secs(args.timeout.into());
    let names = hosts.iter().filter(|host| host.address.is_none()).count();
    if names > 0 {
        console.advise(&format!(
            "looks up {} at once, and waits at most {} s for the answers",
            counted(names, "name", "names"),
            args.timeout
        ));
    }
    let (mut rows, mut targets) = (Vec::new(), Vec::new());
    for (host, found) in hosts.iter().zip(looked_up(&hosts, timeout)) {
        let name = host.address.is_none().then(|| host.text.clone());
        match found {
            Ok(addresses) => {
                let several = addresses.len() > 1;
                targets.extend((1..).zip(addresses).flat_map(|(number, address)| {
                    PORTS.map(|port| Target {
                        host: host.number,
                        address_number: several.then_some(number),
                        name: name.clone(),
                        address: SocketAddr::new(address, port),
                    })
                }));
            }
            Err(outcome) => {
                let to = Destination { name, address: host.address };
                let number = Some(host.number);
                rows.push(Row { number, ..Row::probed(None, to, None, outcome) });
            }
        }
    }
    console.advise(&format!(
        "{} with {}: tries {}, sends nothing over them, and waits at most {} s for each",
        counted(hosts.len(), "host", "hosts"),
        counted(targets.len() / PORTS.len(), "address", "addresses"),
        counted(targets.len(), "connection", "connections"),
        args.timeout
    ));
    rows.extend(tried(&targets, timeout));
    rows.sort_by_key(|row| row.number);
    Ok(rows)
}

impl Host {
    fn of(number: usize, text: &str) -> Result<Self, Failure> {
        let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let address = bare.parse::<IpAddr>().ok();
        if address.is_some() || !bare.is_empty() && !bare.contains([':', '/', '@']) {
            return Ok(Self { number, text: bare.to_owned(), address });
        }
        // It is not repeated: names stay out of all output.
        let with_port = text.parse::<SocketAddr>().is_ok()
            || text.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        Err(Failure::Usage(match with_port {
            true => format!(
                "host {number} of --probe has a port: leave it out; the ports {PORTS_IN_WORDS} of each \
                 host are tried"
            ),
            false => format!(
                "host {number} of --probe is none: expected a name or an address, without a port, as \
                 `mx.example.com`; the ports {PORTS_IN_WORDS} are tried"
            ),
        }))
    }
}

/// The addresses of hosts, or how each name failed. Names are looked up at once. One that nobody has
/// answered in time is given up: its thread ends with the program.
fn looked_up(hosts: &[Host], timeout: Duration) -> Vec<Result<BTreeSet<IpAddr>, Outcome>> {
    let (tell, told) = mpsc::channel();
    let mut found: Vec<Result<BTreeSet<IpAddr>, Outcome>> = Vec::new();
    for (place, host) in hosts.iter().enumerate() {
        found.push(host.address.map(|address| [address].into()).ok_or(Outcome::NameNotAnswered));
        if host.address.is_some() {
            continue;
        }
        let (tell, name) = (tell.clone(), host.text.clone());
        let thread = std::thread::Builder::new().spawn(move || {
            // Nobody waits for it any more where this fails.
            let _ = tell.send((place, addresses(&name)));
        });
        // It stays a name that is not answered where there is no thread for it.
        drop(thread);
    }
    drop(tell);
    let until = Instant::now() + timeout;
    while let Ok((place, answer)) =
        told.recv_timeout(until.saturating_duration_since(Instant::now()))
    {
        if let Some(place) = found.get_mut(place) {
            *place = answer;
        }
    }
    found
}

/// The addresses of a name, or how it failed.
fn addresses(name: &str) -> Result<BTreeSet<IpAddr>, Outcome> {
    // The library says in words alone what `getaddrinfo` returned.
    let found = (name, 0).to_socket_addrs().map_err(|error| of_resolver(&error.to_string()))?;
    let all: BTreeSet<IpAddr> = found.map(|address| address.ip()).collect();
    Ok(all.into_iter().take(MAX_ADDRESSES).collect())
}

/// Tries connections, some at a time, in the order in which they stand.
fn tried(targets: &[Target], timeout: Duration) -> Vec<Row> {
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..targets.len().min(AT_A_TIME) {
            scope.spawn(|| {
                while let Some((place, target)) = {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    targets.get(place).map(|target| (place, target))
                } {
                    let row = connect(target, timeout);
                    // Nothing panics while it is held.
                    if let Ok(mut rows) = rows.lock() {
                        rows.push((place, row));
                    }
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap_or_default();
    rows.sort_by_key(|(place, _)| *place);
    rows.into_iter().map(|(_, row)| row).collect()
}

/// Opens a connection and closes it.
fn connect(target: &Target, timeout: Duration) -> Row {
    let begun = Instant::now();
    let outcome = match TcpStream::connect_timeout(&target.address, timeout) {
        Ok(connection) => {
            drop(connection);
            Outcome::Connected
        }
        Err(error) => of_error(&error),
    };
    let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let Target { host, address_number, name, address } = target.clone();
    let to = Destination { name, address: Some(address.ip()) };
    Row {
        number: Some(host),
        address_number,
        milliseconds: Some(milliseconds),
        ..Row::probed(None, to, Some(address.port()), outcome)
    }
}

/// What an error of a connection means.
fn of_error(error: &io::Error) -> Outcome {
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Outcome::TimedOut,
        io::ErrorKind::ConnectionRefused => Outcome::Refused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => {
            Outcome::ConnectionLost
        }
        // Without an address of the family, with and without the family itself.
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable => {
            Outcome::NetworkUnreachable
        }
        _ if error.raw_os_error() == Some(Errno::AFNOSUPPORT.raw_os_error()) => {
            Outcome::NetworkUnreachable
        }
        _ => Outcome::HostUnreachable,
    }
}
