//! Frames: the fast path against the reference, on every level of vector instructions.

use std::cell::RefCell;

use egress25_evidence::Seen;
use egress25_packet_filter::frame::{
    Frame, FrameOptions, MAX_TUNNELS, classify, outermost, transports,
};
use egress25_packet_filter::link::LinkType;
use egress25_policy::SMTP_PORT;

use crate::build::{self, LINKS, Made, Random, table};
use crate::compare::{Pair, ways};

/// What is before the frame in an input: the way, the link type with the interface, the length on the
/// wire, and the frame's place in its batch.
const HEAD: usize = 4;

const INTERFACES: [Option<&str>; 3] = [None, Some("two"), Some("unknown")];

/// How many frames are in a batch, by the lowest bits of the place: mostly it alone, or it among so many
/// others that they are looked up together, or in a block with two behind it.
const BATCHES: [usize; 8] = [1, 1, 1, 1, 1, 1, 16, 66];

/// The link type that stands for what a byte says.
fn link_of(byte: u8) -> LinkType {
    LINKS[usize::from(byte & 0x0f) % LINKS.len()]
}

/// What frames are judged by, made once.
struct Bench {
    ways: Vec<FrameOptions>,
    /// For each way, without a network and with one.
    pairs: Vec<Pair>,
    batch: Vec<Made>,
}

impl Bench {
    fn new() -> Self {
        let table = table();
        let networks = [None, table.network(&"one".into())];
        let of = |way: &FrameOptions| networks.map(|network| Pair::new(&table, *way, network));
        let ways = ways();
        let pairs = ways.iter().flat_map(of).collect();
        Self { ways, pairs, batch: Vec::new() }
    }

    fn judge(&mut self, head: [u8; HEAD], bytes: &[u8]) {
        let [way, link_and_interface, more, place] = head;
        let link = link_of(link_and_interface);
        let interface = INTERFACES[usize::from(link_and_interface >> 4) % INTERFACES.len()];
        let pair = usize::from(way) % self.pairs.len();
        let captured = u32::try_from(bytes.len()).unwrap();
        // 255 stands for a file that claims less than is there.
        let wire = if more == u8::MAX { 0 } else { captured + u32::from(more) };
        walks_agree(link, bytes, wire.max(captured), &self.ways[pair / 2]);
        let count = BATCHES[usize::from(place) % BATCHES.len()];
        // By threes, so that each place of a vector comes up.
        let at = usize::from(place) / BATCHES.len() * 3 % count;
        self.batch.clear();
        self.batch.resize(count, neighbour(link));
        self.batch[at] = Made { bytes: bytes.to_vec(), wire };
        self.pairs[pair].check(link, interface, &self.batch);
    }
}

thread_local! {
    static BENCH: RefCell<Bench> = RefCell::new(Bench::new());
}

/// A frame gets the same verdict, reason and kind from the reference and from the fast path, alone or
/// in the midst of a block of others.
pub fn frame(input: &[u8]) {
    let Some((head, bytes)) = input.split_first_chunk::<HEAD>() else { return };
    BENCH.with_borrow_mut(|bench| bench.judge(*head, bytes));
}

/// All walks through a frame see the same packets, and an end.
fn walks_agree(link: LinkType, bytes: &[u8], wire_len: u32, options: &FrameOptions) {
    let frame = Frame { link, bytes, wire_len };
    let (mut seen, mut with_transports) = (Vec::new(), Vec::new());
    classify(&frame, options, &mut |outcome| seen.push(outcome));
    transports(&frame, options, &mut |outcome, transport| {
        // What it says of a connection is read of any bytes, too.
        let _ = transport.and_then(|found| Seen::of(&found, SMTP_PORT));
        with_transports.push(outcome);
    });
    assert_eq!(seen, with_transports, "{options:?}");
    assert!((1..=MAX_TUNNELS + 2).contains(&seen.len()), "{seen:?}");
    assert_eq!(seen.first(), Some(&outermost(&frame, options)), "{options:?}");
    assert!(seen.iter().all(|outcome| !outcome.to_string().is_empty()));
    for outcome in &seen {
        let ends = outcome.candidate().map(|of| (of.source, of.destination));
        assert!(ends.is_none() || outcome.is_judged() && outcome.addresses() == ends, "{outcome}");
        assert!(outcome.candidate().is_none_or(|of| !of.vlan.to_string().is_empty()));
    }
    let other = link.mistaken_for(bytes, wire_len);
    assert_ne!(other, Some(link), "no link type is mistaken for itself");
}

/// A plain SYN to port 25 from a known sender.
fn neighbour(link: LinkType) -> Made {
    let ip = [
        0x45, 0, 0, 40, 0, 1, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 4, 203, 0, 113, 5, 0x9c, 0x40, 0, 25,
        0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0,
    ];
    let mut bytes: Vec<u8> = match link {
        LinkType::Ethernet => [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0].into(),
        LinkType::LinuxSll => [0, 4, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0].into(),
        LinkType::LinuxSll2 => [8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 6, 0, 0, 0, 0, 0, 0, 0, 0].into(),
        LinkType::Null => [2, 0, 0, 0].into(),
        LinkType::Loop => [0, 0, 0, 2].into(),
        LinkType::Ppp => [0xff, 3, 0, 0x21].into(),
        _ => Vec::new(),
    };
    bytes.extend(ip);
    let wire = u32::try_from(bytes.len()).unwrap();
    Made { bytes, wire }
}

/// An input to begin with: a frame that comes close to what the fast path decides.
#[must_use]
pub fn frame_seed(seed: u64) -> Vec<u8> {
    let mut random = Random::new(seed);
    let at = random.below(LINKS.len());
    let made = build::frame(&mut random, LINKS[at]);
    let captured = u32::try_from(made.bytes.len()).unwrap();
    let more = made.wire.checked_sub(captured).and_then(|more| u8::try_from(more).ok());
    let interface = u8::try_from(random.below(INTERFACES.len())).unwrap();
    let head = [
        random.byte(),
        (interface << 4) + u8::try_from(at).unwrap(),
        more.unwrap_or(u8::MAX),
        random.byte(),
    ];
    [&head[..], &made.bytes].concat()
}
