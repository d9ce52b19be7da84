//! Random and mutated frames.

use egress25_packet_filter::link::LinkType;
use proptest::prelude::*;

use crate::build::{LINKS, Made, Random, frame, table};
use crate::compare::{Pair, ways};

const INTERFACES: [Option<&str>; 3] = [None, Some("two"), Some("unknown")];

/// Compares so many frames and says how many were judged.
fn compare(seed: u64, frames: usize) -> usize {
    let table = table();
    let mut judged = 0;
    let mut random = Random::new(seed);
    let networks = [None, table.network(&"one".into())];
    let mut pairs: Vec<Pair> = ways()
        .into_iter()
        .flat_map(|options| networks.map(|network| Pair::new(&table, options, network)))
        .collect();
    let mut left = frames;
    while left > 0 {
        // Ethernet most of the time, and lengths on both sides of the blocks'.
        let link = if random.below(2) == 0 { LinkType::Ethernet } else { random.pick(&LINKS) };
        let count = random.pick(&[1, 63, 64, 65, 256, 500]).min(left);
        let batch: Vec<Made> = (0..count).map(|_| frame(&mut random, link)).collect();
        let interface = random.pick(&INTERFACES);
        let at = random.below(pairs.len());
        judged += pairs[at].check(link, interface, &batch);
        left -= count;
    }
    if frames > 100_000 {
        let kinds = pairs.iter().map(|pair| pair.kinds);
        let kinds = kinds.reduce(|sum, more| std::array::from_fn(|at| sum[at] + more[at])).unwrap();
        assert!(kinds.iter().all(|count| *count > 100), "{kinds:?}");
    }
    judged
}

#[test]
fn random_frames_get_the_same_answers_on_every_level() {
    let judged = compare(25, 400_000);
    assert!(judged > 100_000, "only {judged} of 400000 frames were judged at all");
}

/// The long run: `EGRESS25_LONG_RUN` says how many frames, 100,000,000 for the record.
#[test]
#[ignore = "takes minutes; run by `just long-run`"]
fn a_hundred_million_frames_get_the_same_answers() {
    let frames: usize = std::env::var("EGRESS25_LONG_RUN")
        .ok()
        .and_then(|count| count.parse().ok())
        .unwrap_or(100_000_000);
    let started = std::time::Instant::now();
    let (mut judged, mut done) = (0, 0);
    for seed in 1.. {
        let batch = (frames - done).min(1_000_000);
        if batch == 0 {
            break;
        }
        judged += compare(seed, batch);
        done += batch;
    }
    let seconds = started.elapsed().as_secs();
    eprintln!("{done} frames, {judged} of them judged, all alike on every level ({seconds} s)");
}

proptest! {
    #[test]
    fn arbitrary_bytes_get_the_same_answers(
        frames in prop::collection::vec(
            (prop::collection::vec(any::<u8>(), 0..80), 0..100_u32), 0..130),
        link in prop::sample::select(LINKS.to_vec()),
        way in 0..11_usize,
    ) {
        let frames: Vec<Made> =
            frames.into_iter().map(|(bytes, wire)| Made { bytes, wire }).collect();
        Pair::new(&table(), ways()[way], None).check(link, None, &frames);
    }

    #[test]
    fn a_built_frame_with_changed_bytes_gets_the_same_answer(
        seed in any::<u64>(),
        link in prop::sample::select(LINKS.to_vec()),
        changes in prop::collection::vec((0..90_usize, any::<u8>()), 0..5),
        wire in prop::option::of(0..200_u32),
        way in 0..11_usize,
    ) {
        let mut made = frame(&mut Random::new(seed), link);
        for (at, byte) in changes {
            if let Some(place) = made.bytes.get_mut(at) {
                *place = byte;
            }
        }
        made.wire = wire.unwrap_or(made.wire);
        Pair::new(&table(), ways()[way], None).check(link, Some("one"), &[made]);
    }
}
