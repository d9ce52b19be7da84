//! One connection that was seen twice: of a container or a pod on a bridge, and of its machine after
//! translation (N3).

use std::collections::HashMap;
use std::net::SocketAddr;

use egress25_policy::Reason;

use crate::connection::{Connection, ONE_PACKET};

/// Joins the connections that are one: same destination and port, same sequence number and TCP
/// options, begun at the same time, with other sources. The result is in the order of the capture.
///
/// The sender is the source that the description knows, or else the later one: what a container
/// sends has its machine's address last.
#[must_use]
pub fn join_twins<T>(mut connections: Vec<Connection<T>>) -> Vec<Connection<T>> {
    connections.sort_by_key(|connection| (connection.first, connection.seen));
    let mut joined: Vec<Connection<T>> = Vec::with_capacity(connections.len());
    let mut last: HashMap<(SocketAddr, u32, u64), usize> = HashMap::new();
    for connection in connections {
        let key = (connection.tuple.to, connection.isn, connection.options);
        let twin = last.get(&key).and_then(|place| joined.get_mut(*place));
        match twin.filter(|twin| are_one(twin, &connection)) {
            Some(twin) => join(twin, connection),
            None => {
                last.insert(key, joined.len());
                joined.push(connection);
            }
        }
    }
    joined.sort_by_key(|connection| connection.seen);
    joined
}

fn are_one<T>(earlier: &Connection<T>, later: &Connection<T>) -> bool {
    let apart = earlier.first.zip(later.first).map(|(first, then)| then.duration_since(first));
    earlier.tuple.from.ip() != later.tuple.from.ip()
        && apart.is_some_and(|apart| apart <= ONE_PACKET)
}

/// Makes one of two, of which the first began first.
fn join<T>(earlier: &mut Connection<T>, mut later: Connection<T>) {
    // On its bridge a container's packet comes in, by what a cooked header says.
    let is_behind = matches!(earlier.judged.1, Reason::UnknownSource | Reason::Inbound);
    if is_behind {
        std::mem::swap(earlier, &mut later);
    }
    let (one, other) = (earlier, later);
    let place = if is_behind { &mut one.behind } else { &mut one.translated_to };
    place.push(other.tuple.from.ip());
    one.behind.extend(other.behind);
    one.translated_to.extend(other.translated_to);
    one.first = one.first.min(other.first);
    one.last_try = one.last_try.max(other.last_try);
    // Nothing is later than a time.
    one.answered_at = [one.answered_at, other.answered_at].into_iter().flatten().min();
    one.tries = one.tries.max(other.tries);
    one.answer = one.answer.max(other.answer);
    one.met.iter_mut().zip(other.met).for_each(|(met, more)| *met |= more);
}
