//! Connections that are tried: opened, and closed again. No byte is sent, and none is read: what the
//! filter lets through is answered by a SYN-ACK, before either side has said anything.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use egress25_evidence::diagnosis::Row;
use egress25_evidence::mail_log::{Destination, Outcome};
use egress25_lab::privileges;
use rustix::io::Errno;

use crate::args::DiagnoseArgs;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::counted;

/// The ports that are tried: the one that is blocked, those of submission, and one that nobody blocks.
const PORTS: [u16; 4] = [25, 465, 587, 443];

/// The most hosts.
const MAX_HOSTS: usize = 16;

/// The most addresses of a host.
const MAX_ADDRESSES: usize = 8;

/// How many connections are tried at a time: those of four addresses.
const AT_A_TIME: usize = 16;

/// A connection that is tried.
#[derive(Debug, Clone)]
struct Target {
    host: usize,
    name: Option<String>,
    address: SocketAddr,
}

/// Tries the hosts of the arguments.
pub(super) fn run(args: &DiagnoseArgs, console: &Console) -> Result<Vec<Row>, Failure> {
    // Whoever answers, a name server or a host: it needs none of root's powers to be asked.
    privileges::confine(privileges::NOTHING)?;
    let hosts = &args.probe;
    if hosts.len() > MAX_HOSTS {
        return Err(Failure::Usage(format!("--probe takes at most {MAX_HOSTS} hosts")));
    }
    let (mut rows, mut targets) = (Vec::new(), Vec::new());
    for (place, host) in hosts.iter().enumerate() {
        let number = place.saturating_add(1);
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if bare.is_empty() || bare.parse::<IpAddr>().is_err() && bare.contains([':', '/', '@']) {
            return Err(Failure::Usage(format!(
                "host {number} of --probe is none: expected a name or an address, without a port, as \
                 `mx.example.com`; the ports {PORTS:?} are tried"
            )));
        }
        match addresses(bare) {
            Ok(addresses) => {
                let name = bare.parse::<IpAddr>().is_err().then(|| bare.to_owned());
                let of_host = addresses.iter().flat_map(|address| {
                    PORTS.map(|port| Target {
                        host: number,
                        name: name.clone(),
                        address: SocketAddr::new(*address, port),
                    })
                });
                targets.extend(of_host);
            }
            Err(outcome) => rows.push(row(number, Some(bare.to_owned()), None, None, outcome)),
        }
    }
    console.advise(&format!(
        "{} with {}: tries {}, sends nothing over them, and waits at most {} s for each",
        counted(hosts.len(), "host", "hosts"),
        counted(targets.len() / PORTS.len(), "address", "addresses"),
        counted(targets.len(), "connection", "connections"),
        args.timeout
    ));
    rows.extend(tried(&targets, Duration::from_secs(args.timeout.into())));
    rows.sort_by_key(|row| row.number);
    for (place, row) in (1_u64..).zip(&mut rows) {
        row.places = (place, place);
    }
    Ok(rows)
}

/// The addresses of a host, or how the name failed.
fn addresses(host: &str) -> Result<BTreeSet<IpAddr>, Outcome> {
    let found = (host, 0).to_socket_addrs().map_err(|error| {
        // The library says in words alone what `getaddrinfo` returned.
        match error.to_string().contains("Temporary failure") {
            true => Outcome::NameNotAnswered,
            false => Outcome::NameNotFound,
        }
    })?;
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
    let address = target.address;
    Row {
        milliseconds: Some(milliseconds),
        ..row(target.host, target.name.clone(), Some(address.ip()), Some(address.port()), outcome)
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

fn row(
    number: usize,
    name: Option<String>,
    address: Option<IpAddr>,
    port: Option<u16>,
    outcome: Outcome,
) -> Row {
    Row {
        program: None,
        to: Destination { name, address },
        number: Some(number),
        port,
        by_relay: false,
        outcome,
        reply: None,
        tries: 1,
        first: None,
        last: None,
        places: (0, 0),
        milliseconds: None,
    }
}
