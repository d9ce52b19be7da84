//! Packets to connections, in bounded memory and linear time.

use std::collections::HashMap;
use std::hash::Hash;

use egress25_policy::{Reason, Verdict};
use jiff::{SignedDuration, Timestamp};

use crate::connection::{Connection, ONE_PACKET, SeenAt, Witness};
use crate::reply::{Answer, Reply};
use crate::segment::Syn;
use crate::tuple::Tuple;

/// After so long, the same ends and sequence number are another connection: twice the longest life
/// of a segment (RFC 9293, 3.4.1), and longer than any system waits between two tries.
const FORGOTTEN: SignedDuration = SignedDuration::from_secs(240);

/// What makes SYNs one connection. A port that is used again has another sequence number.
type Key = (Tuple, u32);

/// Brings packets together to connections. What a caller keeps with each is `T`.
///
/// Packets may come in any order, but for copies of SYNs, which are told by the time since the last: what comes back is known by the sequence number that it
/// acknowledges, and waits for its SYN.
#[derive(Debug)]
pub struct Tracker<T> {
    max_connections: usize,
    connections: Vec<Connection<T>>,
    /// The latest of each key, by its place.
    places: HashMap<Key, usize>,
    waiting: Recent<Key, (Reply, SeenAt)>,
    /// How many SYNs were of connections that there was no room for.
    syns_not_kept: u64,
    /// How many connections nothing came back to yet.
    silent: usize,
}

impl<T: Default> Tracker<T> {
    /// One that keeps so many connections at most.
    #[must_use]
    pub fn new(max_connections: usize) -> Self {
        Self {
            max_connections,
            connections: Vec::new(),
            places: HashMap::new(),
            waiting: Recent::new(max_connections),
            syns_not_kept: 0,
            silent: 0,
        }
    }

    /// Takes in a SYN that was judged. Where its connection is judged by it, what is kept with that
    /// should be of it: the connection is returned.
    pub fn syn(
        &mut self,
        syn: &Syn,
        seen: SeenAt,
        (verdict, reason): (Verdict, Reason),
    ) -> Option<&mut Connection<T>> {
        let key = (syn.tuple, syn.isn);
        let known = self.places.get(&key).copied();
        let known = known.filter(|place| {
            self.connections.get(*place).is_some_and(|one| is_near(one.last_try, seen.time))
        });
        let (place, is_new) = match known {
            Some(place) => (place, false),
            None if self.connections.len() >= self.max_connections => {
                self.syns_not_kept = self.syns_not_kept.saturating_add(1);
                return None;
            }
            None => (self.begin(syn, seen, (verdict, reason)), true),
        };
        let connection = self.connections.get_mut(place)?;
        connection.meet((verdict, reason));
        if is_new {
            return Some(connection);
        }
        connection.try_again(syn, seen);
        // What passes may be what was answered, whatever became of the others, if it came before that.
        // An ICMP error leaves it open: what is tried after it may be answered.
        let is_over = matches!(connection.answer, Answer::Answered | Answer::Reset);
        let at = connection.answered_at.filter(|_| is_over);
        let is_late = at.zip(seen.time).is_some_and(|(at, now)| now > at);
        if connection.judged.0 != Verdict::Pass && verdict == Verdict::Pass && !is_late {
            connection.judged = (verdict, reason);
            return Some(connection);
        }
        None
    }

    fn begin(&mut self, syn: &Syn, seen: SeenAt, judged: (Verdict, Reason)) -> usize {
        let key = (syn.tuple, syn.isn);
        let place = self.connections.len();
        let mut connection = Connection {
            tuple: syn.tuple,
            isn: syn.isn,
            options: syn.options,
            seen,
            first: seen.time,
            last_try: seen.time,
            answered_at: None,
            tries: 1,
            answer: Answer::Silent,
            judged,
            is_bounded: false,
            witness: Witness::Capture,
            denied_by: None,
            behind: Vec::new(),
            translated_to: Vec::new(),
            kept: T::default(),
            met: [0; 3],
        };
        // Whoever takes the data of a SYN, too, acknowledges its end.
        let end = (syn.tuple, syn.isn.wrapping_add(syn.carries));
        for key in [Some(key), (end != key).then_some(end)].into_iter().flatten() {
            self.places.insert(key, place);
            if let Some((reply, at)) = self.waiting.take(&key)
                && is_near(connection.last_try, at.time)
            {
                connection.hear(reply.answer, at);
            }
        }
        self.silent = self.silent.saturating_add(usize::from(connection.answer == Answer::Silent));
        self.connections.push(connection);
        place
    }

    /// Takes in what came back.
    pub fn reply(&mut self, reply: &Reply, seen: SeenAt) {
        let key = (reply.tuple, reply.isn);
        match self.hear(reply, seen) {
            true => {}
            false => self.waiting.put(key, (*reply, seen), |old, new| {
                if new.0.answer > old.0.answer { new } else { old }
            }),
        }
    }

    /// Takes in what shows that something came back: the sender acknowledges it.
    pub fn acknowledgement(&mut self, reply: &Reply, seen: SeenAt) {
        self.hear(reply, seen);
    }

    /// Whether nothing came back yet to some connection: only then does an acknowledgement tell more.
    #[must_use]
    pub const fn awaits_answers(&self) -> bool {
        self.silent > 0
    }

    /// Notes what came back to a connection that is known; whether there is one.
    fn hear(&mut self, reply: &Reply, seen: SeenAt) -> bool {
        let place = self.places.get(&(reply.tuple, reply.isn));
        let known = place.and_then(|place| self.connections.get_mut(*place));
        let Some(connection) = known.filter(|one| is_near(one.last_try, seen.time)) else {
            return false;
        };
        let was_silent = connection.answer == Answer::Silent;
        connection.hear(reply.answer, seen);
        let hears = was_silent && connection.answer != Answer::Silent;
        self.silent = self.silent.saturating_sub(usize::from(hears));
        true
    }

    /// The connections, and how many SYNs were of those that there was no room for.
    #[must_use]
    pub fn finish(self) -> (Vec<Connection<T>>, u64) {
        (self.connections, self.syns_not_kept)
    }
}

impl<T> Connection<T> {
    /// Takes in another SYN of the connection.
    fn try_again(&mut self, syn: &Syn, seen: SeenAt) {
        let is_copy = match self.last_try.zip(seen.time) {
            Some((last, now)) => now.duration_since(last).abs() < ONE_PACKET,
            None => false,
        };
        if !is_copy {
            self.tries = self.tries.saturating_add(1);
        }
        if seen.time < self.first {
            (self.first, self.options) = (seen.time, syn.options);
        }
        self.last_try = self.last_try.max(seen.time);
    }

    /// Takes in what came back.
    fn hear(&mut self, answer: Answer, seen: SeenAt) {
        let earlier = [self.answered_at, seen.time].into_iter().flatten().min();
        self.answered_at = earlier;
        self.answer = self.answer.max(answer);
    }
}

/// Whether two packets may be of one connection, by their times; without a time they may be.
fn is_near(one: Option<Timestamp>, other: Option<Timestamp>) -> bool {
    one.zip(other).is_none_or(|(one, other)| one.duration_since(other).abs() <= FORGOTTEN)
}

/// The entries that came last, at least half of so many and at most all of them.
#[derive(Debug)]
struct Recent<K, V> {
    half: usize,
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K: Eq + Hash, V: Copy> Recent<K, V> {
    fn new(most: usize) -> Self {
        Self { half: most.div_ceil(2), young: HashMap::new(), old: HashMap::new() }
    }

    /// Adds an entry, or brings it together with the one that is there.
    fn put(&mut self, key: K, value: V, join: impl Fn(V, V) -> V) {
        let value = match self.take(&key) {
            Some(old) => join(old, value),
            None => value,
        };
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    fn take(&mut self, key: &K) -> Option<V> {
        self.young.remove(key).or_else(|| self.old.remove(key))
    }
}
