//! Verdicts as they happen, and who wants to know of them.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use egress25_packet_filter::capture::VERDICT_MARK;
use egress25_packet_filter::link::LinkType;
use egress25_policy::{Reason, Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A SYN to port 25 (or what may be one) and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictEvent {
    /// The place in the lab's log, from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// The network.
    pub network: String,
    /// The machine that sent it, where the source address is one's.
    pub machine: Option<String>,
    /// The machine's subscription.
    pub subscription: Option<String>,
    /// The port that it was judged at: its machine or firewall.
    pub port: String,
    /// The source address, where it can be read.
    pub source: Option<IpAddr>,
    /// The source port.
    pub source_port: Option<u16>,
    /// The destination address.
    pub destination: Option<IpAddr>,
    /// The destination port.
    pub destination_port: Option<u16>,
    /// What became of it.
    pub verdict: Verdict,
    /// Why.
    pub reason: Reason,
    /// How many events had been applied when it was judged; with the `nft` data path, up to the
    /// last that has changed the rules of its network, as the packet met them: the kernel looks
    /// the sender up a moment later, so a change of that moment may count already, and the number
    /// be one too low. Rules of `filter` on an interface do not
    /// tell it: there it is how many had been applied when the verdict was told.
    pub generation: u64,
    /// The packet, for captures.
    #[serde(skip)]
    pub packet: Option<JudgedPacket>,
}

/// The bytes of a judged packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedPacket {
    /// What the first byte belongs to.
    pub link: LinkType,
    /// The bytes.
    pub bytes: Arc<[u8]>,
}

impl VerdictEvent {
    /// Whether it is about a probe.
    pub(crate) fn is_probe(&self) -> bool {
        self.source == Some(IpAddr::V4(PROBE))
    }

    /// The comment that a capture carries beside the packet.
    #[must_use]
    pub fn comment(&self) -> String {
        let whose = self.machine.as_deref().unwrap_or("-");
        format!("{VERDICT_MARK}{} {} (machine {whose})", self.verdict.name(), self.reason)
    }
}

/// Where a probe of the data path says that it comes from: no machine has this address (RFC 3927).
pub(crate) const PROBE: Ipv4Addr = Ipv4Addr::new(169, 254, 25, 25);

/// How many verdicts wait for a listener that is slow before it loses some.
const BACKLOG: usize = 65_536;

/// What a listener is told.
#[derive(Debug, Clone)]
pub enum Told {
    /// A verdict.
    Verdict(Arc<VerdictEvent>),
    /// Something went wrong that nobody waits to be told.
    Note(Arc<str>),
    /// So many verdicts came too fast for this listener and are lost to it.
    Missed(u64),
}

impl Told {
    /// Whether it is about a probe.
    pub(crate) fn is_probe(&self) -> bool {
        matches!(self, Self::Verdict(event) if event.is_probe())
    }
}

#[derive(Debug)]
struct HubListener {
    to: SyncSender<Told>,
    missed: u64,
}

/// How many complaints are kept.
const COMPLAINTS: usize = 100;

/// How many verdicts are kept for whoever asks later what was before.
const KEPT: usize = 1_000;

/// Tells verdicts to whoever listens, and what went wrong.
#[derive(Debug, Default)]
pub struct Hub {
    state: Mutex<HubState>,
}

#[derive(Debug, Default)]
struct HubState {
    count: u64,
    listeners: Vec<HubListener>,
    /// The last verdicts, without their packets.
    kept: VecDeque<Arc<VerdictEvent>>,
    complaints: VecDeque<String>,
    reasons: std::collections::BTreeMap<(Reason, Verdict), u64>,
}

impl Hub {
    /// Begins to listen; verdicts from now on come out. With `since_start` those that are kept come
    /// out first, and how many came before the first of them is a note.
    #[must_use]
    pub fn listen(&self, since_start: bool) -> Receiver<Told> {
        let (to, from) = sync_channel(BACKLOG);
        let mut state = self.lock();
        if since_start {
            let forgotten = state.kept.front().map_or(0, |first| first.seq.saturating_sub(1));
            let note = (forgotten > 0)
                .then(|| Told::Note(format!("{forgotten} earlier verdicts are not kept").into()));
            for told in note.into_iter().chain(state.kept.iter().cloned().map(Told::Verdict)) {
                // There is room for more than is kept.
                let _ = to.try_send(told);
            }
        }
        state.listeners.push(HubListener { to, missed: 0 });
        from
    }

    /// Lets all listeners go: they learn that nothing more will come.
    pub fn close(&self) {
        self.lock().listeners.clear();
    }

    /// Tells everybody. The event gets its number here; a probe of the lab's own gets none.
    pub fn tell(&self, mut event: VerdictEvent) {
        let mut state = self.lock();
        if !event.is_probe() {
            state.count = state.count.saturating_add(1);
            event.seq = state.count;
            let counter = state.reasons.entry((event.reason, event.verdict)).or_default();
            *counter = counter.saturating_add(1);
            if state.kept.len() >= KEPT {
                state.kept.pop_front();
            }
            // Packets can be large, and nobody captures what was before.
            let packet = event.packet.take();
            state.kept.push_back(Arc::new(event.clone()));
            event.packet = packet;
        }
        if state.listeners.is_empty() {
            return;
        }
        let event = Arc::new(event);
        state.listeners.retain_mut(|listener| {
            if listener.missed > 0 && listener.to.try_send(Told::Missed(listener.missed)).is_ok() {
                listener.missed = 0;
            }
            match listener.to.try_send(Told::Verdict(event.clone())) {
                Ok(()) => true,
                Err(TrySendError::Full(_)) => {
                    listener.missed = listener.missed.saturating_add(1);
                    true
                }
                Err(TrySendError::Disconnected(_)) => false,
            }
        });
    }

    /// Notes something that went wrong and that nobody waits to be told; whoever listens is told
    /// at once, others find it in [`Self::complaints`].
    pub fn complain(&self, what: impl Into<String>) {
        let what = what.into();
        let mut state = self.lock();
        let note: Arc<str> = what.as_str().into();
        for listener in &mut state.listeners {
            // A listener that is so far behind learns that it missed something.
            if listener.to.try_send(Told::Note(note.clone())).is_err() {
                listener.missed = listener.missed.saturating_add(1);
            }
        }
        if state.complaints.len() >= COMPLAINTS {
            state.complaints.pop_front();
        }
        state.complaints.push_back(what);
    }

    /// What went wrong, oldest first: the last hundred.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        self.lock().complaints.iter().cloned().collect()
    }

    /// How often each verdict with each reason was given.
    #[must_use]
    pub fn counts(&self) -> Vec<(Reason, Verdict, u64)> {
        self.lock().reasons.iter().map(|((reason, verdict), n)| (*reason, *verdict, *n)).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HubState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(reason: Reason) -> VerdictEvent {
        VerdictEvent {
            seq: 0,
            at: Timestamp::UNIX_EPOCH,
            network: "n".to_owned(),
            machine: None,
            subscription: None,
            port: "p".to_owned(),
            source: None,
            source_port: None,
            destination: None,
            destination_port: None,
            verdict: Verdict::Drop,
            reason,
            generation: 0,
            packet: None,
        }
    }

    #[test]
    fn what_was_before_is_told_first_and_what_is_not_kept_is_said() {
        let hub = Hub::default();
        for _ in 0..KEPT + 5 {
            hub.tell(event(Reason::NotGranted));
        }
        let heard = hub.listen(true);
        hub.tell(event(Reason::Revoked));
        let told: Vec<Told> = heard.try_iter().collect();
        assert_eq!(told.len(), KEPT + 2);
        assert!(matches!(&told[0], Told::Note(note) if note.starts_with("5 earlier")), "{told:?}");
        let numbers = told.iter().filter_map(|told| match told {
            Told::Verdict(event) => Some(event.seq),
            _ => None,
        });
        assert!(numbers.eq(6..=1_006), "{told:?}");
        assert_eq!(hub.listen(false).try_iter().count(), 0);
    }
}
