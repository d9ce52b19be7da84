//! What a capture has of connections, without its bytes.

use std::net::{IpAddr, SocketAddr};

use egress25_evidence::{Answer, Connection, Reply, SeenAt, Syn, Tracker, Tuple, join_twins};
use egress25_policy::{Reason, Verdict};
use jiff::Timestamp;

/// What a SYN that is dropped is judged.
pub(crate) const DROPPED: (Verdict, Reason) = (Verdict::Drop, Reason::NotGranted);
/// What one that passes is judged.
pub(crate) const PASSES: (Verdict, Reason) = (Verdict::Pass, Reason::Exempt);
/// What one of a sender that nobody describes is judged.
pub(crate) const UNKNOWN: (Verdict, Reason) = (Verdict::Drop, Reason::UnknownSource);

/// A packet of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Packet {
    Syn(Syn, (Verdict, Reason)),
    Reply(Reply),
}

/// The ends of a connection from an address and a port to a mail server of the same family.
pub(crate) fn tuple(from: IpAddr, port: u16) -> Tuple {
    let to: IpAddr = match from {
        IpAddr::V4(_) => "203.0.113.25".parse().unwrap(),
        IpAddr::V6(_) => "2001:db8::25".parse().unwrap(),
    };
    Tuple { from: SocketAddr::new(from, port), to: SocketAddr::new(to, 25) }
}

/// A SYN.
pub(crate) fn syn(tuple: Tuple, isn: u32, judged: (Verdict, Reason)) -> Packet {
    Packet::Syn(Syn { tuple, isn, options: 7, carries: 0 }, judged)
}

/// What comes back to it.
pub(crate) fn reply(tuple: Tuple, isn: u32, answer: Answer) -> Packet {
    Packet::Reply(Reply { tuple, isn, answer })
}

/// A time, in milliseconds.
pub(crate) fn at(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millisecond(1_700_000_000_000 + millis).ok()
}

/// Takes in packets with their times, in milliseconds, in the order that they have.
pub(crate) fn tracked(max: usize, packets: &[(i64, Packet)]) -> (Vec<Connection<()>>, u64) {
    let mut tracker = Tracker::new(max);
    for (packet, (millis, what)) in (1_u64..).zip(packets) {
        let seen = SeenAt { packet, depth: 0, time: at(*millis) };
        match what {
            Packet::Syn(syn, judged) => {
                tracker.syn(syn, seen, *judged);
            }
            Packet::Reply(reply) => tracker.reply(reply, seen),
        }
    }
    tracker.finish()
}

/// The connections of packets, twins joined.
pub(crate) fn connections(packets: &[(i64, Packet)]) -> Vec<Connection<()>> {
    join_twins(tracked(1_000, packets).0)
}
