//! The kernel hands over what may be a SYN to port 25, and waits for the verdict.
//!
//! The rules are installed with iptables, because `nft … queue` is not in every kernel. They
//! have no bypass: while nobody listens to the queue the kernel drops what it would hand over.
//! Every port of a lab has a queue and a thread of its own, so that what one sends in a flood
//! fills no other's queue and takes no more of the processor than another's.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::Frames;
use egress25_policy::Verdict;
use nfq::{Queue, Verdict as Kernel};

use crate::enforce::datapath::Enforce;
use crate::enforce::judge::{Court, ThreadJudge};
use crate::enforce::ports::{Bench, NotedPort, Ports, benches};
use crate::enforce::reset;
use crate::enforce::wire::{self, PlainSender, SendFrames};
use crate::error::LabError;
use crate::network::NodeSpaces;
use crate::network::plan::{NodeId, Plan, Point};
use crate::privileges::{FRAMES, JUDGE};

/// The number of a namespace's first queue in a lab; each of its ports has one, counted from here.
const FIRST_QUEUE: u16 = 25;

/// How many packets wait in the kernel for their verdicts at most; more are dropped, and so are
/// those that the buffer of the queue's socket has no room for. That is as large as the system
/// makes it (`net.core.rmem_default`): `nfq` 0.2.5 has no call that widens it and does not hand out
/// its descriptor.
const WAITING: u32 = 4_096;

/// How many failures in a row the queue may have before it is given up.
const FAILURES: u32 = 1_000;

/// The `nfqueue` data path.
pub(super) struct NfQueue {
    spaces: Arc<NodeSpaces>,
    stop: Arc<AtomicBool>,
    /// The number of the next port's queue in each node in which packets are judged.
    nodes: Mutex<HashMap<NodeId, u16>>,
}

/// The rules that hand every packet that comes in to a queue, for `iptables-restore` and
/// `ip6tables-restore`: more than the filter drops, and all of what it might drop.
#[must_use]
pub fn queue_rules(queue: u16) -> [(&'static str, String); 2] {
    rules_of([("", queue)])
}

/// The rules for some interfaces, each with its queue, as one text for each family. An interface
/// without a name is every one.
fn rules_of<'a>(queues: impl IntoIterator<Item = (&'a str, u16)>) -> [(&'static str, String); 2] {
    let [mut v4, mut v6] = ["*raw\n".to_owned(), "*raw\n".to_owned()];
    for (interface, queue) in queues {
        let [more_v4, more_v6] = queue_and_hook(interface, queue);
        v4.push_str(&more_v4);
        v6.push_str(&more_v6);
    }
    [("iptables", v4 + "COMMIT\n"), ("ip6tables", v6 + "COMMIT\n")]
}

/// The chain that fills a queue, and the rule that leads from an interface to it. Where an
/// interface has more, the newest counts: an earlier one is that of a machine that could not join.
fn queue_and_hook(interface: &str, queue: u16) -> [String; 2] {
    let to = format!("-j NFQUEUE --queue-num {queue}");
    let chain = queue_chain(queue);
    let hook = match interface {
        "" => format!("-A PREROUTING -j {chain}\n"),
        _ => format!("-I PREROUTING 1 -i {interface} -j {chain}\n"),
    };
    let begin = format!(":{chain} - [0:0]\n");
    let tunnels = [4, 41, 47].map(|number| format!("-A {chain} -p {number} {to}\n")).concat();
    // What has no flags or no port that can be read is not returned by either.
    let syn = format!(
        "-A {chain} -p tcp ! --tcp-flags SYN,ACK SYN -j RETURN\n\
         -A {chain} -p tcp ! --dport 25 -j RETURN\n\
         -A {chain} -p tcp {to}\n"
    );
    // Fragments of TCP: the first ones by the bit for more, the others by their offset. An
    // authentication header stands before TCP.
    let v4 = format!(
        "{begin}-A {chain} -p tcp -f {to}\n\
         -A {chain} -p tcp -m u32 --u32 \"4&0x2000=0x2000\" {to}\n\
         {tunnels}-A {chain} -p 51 {to}\n{syn}{hook}"
    );
    // Headers that the kernel does not walk over, and unknown ones: behind IPv6's own header, or
    // behind one more.
    let headers =
        [51, 135, 139, 140].map(|number| format!("-A {chain} -p {number} {to}\n")).concat();
    let unknown = format!(
        "-A {chain} -m u32 --u32 \"3&0xFF=148:255\" {to}\n\
         -A {chain} -m u32 --u32 \"3&0xFF=0,43,44,60&&37&0xFF=148:255\" {to}\n"
    );
    let v6 = format!(
        "{begin}-A {chain} -p tcp -m frag --fragmore {to}\n\
         -A {chain} -p tcp -m frag --fraglast {to}\n\
         {tunnels}{headers}{unknown}{syn}{hook}"
    );
    [v4, v6]
}

/// The chain that fills a queue: one for each, so that two on one host do not take each other's
/// packets away.
fn queue_chain(queue: u16) -> String {
    format!("EGRESS25-Q{queue}")
}

impl NfQueue {
    pub(super) fn new(spaces: &Arc<NodeSpaces>) -> Self {
        Self { spaces: spaces.clone(), stop: Arc::default(), nodes: Mutex::default() }
    }

    /// Begins to judge at more ports of a node, whose queues are counted from a number.
    fn begin(&self, bench: &Bench, first: u16, court: &Court) -> Result<(), LabError> {
        let place = self.spaces.get(bench.node)?;
        let queues: Vec<(&str, u16)> =
            bench.points.iter().map(|point| point.interface.as_str()).zip(first..).collect();
        for (program, rules) in rules_of(queues.iter().copied()) {
            let restore = format!("{program}-restore");
            place.demand(&[&restore, "--noflush"], &rules).map_err(|error| refused(&error))?;
            // A rule that fails to load would leave everything looking well.
            let listed = place.demand(&[program, "-t", "raw", "-S"], "")?;
            let missing =
                queues.iter().find(|(interface, queue)| !fills(&listed, interface, *queue));
            if let Some((interface, _)) = missing {
                let what = format!("{program} does not list the rules of `{interface}`");
                return Err(LabError::DataPath { path: "nfqueue", what });
            }
        }
        let ports = Ports::default();
        ports.note_points(&place, &bench.points)?;
        for (_, queue) in queues {
            let (known, judge) = (ports.clone(), ThreadJudge::new(court.clone()));
            let stop = self.stop.clone();
            let judge = move |queue| judge_queue(queue, judge, &mut |at| known.get(at), &stop);
            place
                .spawn_opened("nfqueue", JUDGE | FRAMES, move || open_queue(queue), judge)?
                .map_err(LabError::system("opening the kernel's packet queue"))?;
        }
        Ok(())
    }
}

/// Whether listed rules lead from an interface to a queue, with all that fills it.
fn fills(listed: &str, interface: &str, queue: u16) -> bool {
    let (chain, to) = (queue_chain(queue), format!(" --queue-num {queue}"));
    let rule = format!("-A {chain} ");
    let filling = |line: &&str| line.starts_with(&rule) && line.ends_with(&to);
    let hook = format!("-A PREROUTING -i {interface} -j {chain}");
    listed.lines().any(|line| line == hook) && listed.lines().filter(filling).count() >= 7
}

fn refused(error: &LabError) -> LabError {
    let what = format!("{error}; try `--datapath nft` or `--datapath afpacket`");
    LabError::DataPath { path: "nfqueue", what }
}

/// Opens a queue of the calling thread's network namespace.
pub(super) fn open_queue(number: u16) -> io::Result<Queue> {
    let mut queue = Queue::open()?;
    queue.bind(number)?;
    queue.set_queue_max_len(number, WAITING)?;
    Ok(queue)
}

/// Judges the packets of a queue until it fails or is told to stop. A packet from an interface that
/// `port_of` does not know is dropped.
pub(super) fn judge_queue(
    mut queue: Queue,
    mut judge: ThreadJudge,
    port_of: &mut dyn FnMut(u32) -> Option<Arc<NotedPort>>,
    stop: &AtomicBool,
) {
    let mut answers: HashMap<u32, Answers> = HashMap::new();
    let mut verdicts = Vec::with_capacity(1);
    let mut failures = 0_u32;
    loop {
        let mut message = match queue.recv() {
            Ok(message) => message,
            // A packet whose interface went down has left the queue; its verdict comes too late.
            // That, and a signal, is no reason to judge no more.
            Err(_) if failures < FAILURES => {
                failures = failures.saturating_add(1);
                continue;
            }
            Err(error) => {
                judge.complain(format!(
                    "the packet queue has failed: {error}; SYNs to port 25 stay dropped"
                ));
                return;
            }
        };
        failures = 0;
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let index = message.get_indev();
        let mut verdict = Verdict::Drop;
        if let Some(noted) = port_of(index) {
            // The queue hands them over one by one.
            let bytes = message.get_payload();
            let length = [u32::try_from(bytes.len()).unwrap_or(u32::MAX)];
            let (link, interface, offsets) = (LinkType::Raw, None, &[0]);
            let (captured, wire) = (&length, &length);
            let frames = Frames { link, interface, bytes, offsets, captured, wire };
            judge.judge_batch(&noted.port, &frames, &mut verdicts);
            verdict = verdicts.first().copied().unwrap_or(Verdict::Drop);
            if verdict == Verdict::Reject {
                // That the sender is told is a courtesy; that the packet is dropped is not.
                let _ = reject(&mut answers, index, &noted, &message);
            }
        }
        message.set_verdict(match verdict {
            Verdict::Pass => Kernel::Accept,
            Verdict::Drop | Verdict::Reject => Kernel::Drop,
        });
        // A packet without a verdict is dropped with the queue, and never passed.
        if let Err(error) = queue.verdict(message) {
            judge.complain(format!("a verdict could not be given: {error}; the packet waits"));
        }
    }
}

/// What answers to an interface are sent by, and its hardware address.
type Answers = (PlainSender, [u8; 6]);

fn reject(
    known: &mut HashMap<u32, Answers>,
    index: u32,
    noted: &NotedPort,
    message: &nfq::Message,
) -> io::Result<()> {
    let to = message.get_hw_addr().and_then(|mac| mac.first_chunk::<6>()).copied();
    let Some(to) = to else { return Ok(()) };
    let (sender, station) = match known.entry(index) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => {
            let station = wire::station(&noted.interface)?;
            entry.insert((wire::open(&noted.interface)?.0, station))
        }
    };
    match reset::for_packet(message.get_payload(), *station, to) {
        Some(frame) => sender.send_one(&frame),
        None => Ok(()),
    }
}

impl Enforce for NfQueue {
    fn join(&self, _: &Plan, points: &[Point], court: &Court) -> Result<(), LabError> {
        let mut nodes = self.nodes.lock().unwrap_or_else(PoisonError::into_inner);
        for bench in benches(points) {
            let next = nodes.entry(bench.node).or_insert(FIRST_QUEUE);
            let after = u16::try_from(bench.points.len()).ok().and_then(|n| next.checked_add(n));
            let Some(after) = after else {
                let what = "a node has more ports than the kernel has queues".to_owned();
                return Err(LabError::DataPath { path: "nfqueue", what });
            };
            // Where that fails half-way, nothing takes a number that may be in use.
            let first = std::mem::replace(next, after);
            self.begin(&bench, first, court)?;
        }
        Ok(())
    }

    fn stop_filter(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
