//! What reads and sends one by one, and what does it many at a time, do the same.

use std::time::{Duration, Instant};

use egress25_lab::enforce::wire::{self, ReadFrames, SendFrames, Socket};
use egress25_packet_filter::link::LinkType;
use egress25_skipped::skipped;

use crate::setting::{enter, frame, in_a_row};

/// More than are sent or read by one call.
const FRAMES: u32 = 200;

/// Reads until there are so many frames.
fn read(from: &mut impl ReadFrames, count: usize) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    let begun = Instant::now();
    while all.len() < count && begun.elapsed() < Duration::from_secs(10) {
        all.extend(from.read().unwrap().iter().map(|frame| frame.bytes.to_vec()));
    }
    all
}

fn check(
    what: &str,
    to: &mut impl SendFrames,
    from: &mut impl ReadFrames,
    sent_here: &mut impl ReadFrames,
) {
    // One that comes alone is not kept waiting for others.
    let lone = frame([10, 1, 0, 4], 25, true, 1);
    to.send_one(&lone).unwrap();
    let first = from.read().unwrap();
    assert_eq!(
        first.iter().map(|frame| frame.bytes.to_vec()).collect::<Vec<_>>(),
        [lone],
        "{what}"
    );

    let frames: Vec<Vec<u8>> =
        (0..FRAMES).map(|number| frame([10, 1, 0, 4], 80, false, number)).collect();
    let (bytes, list) = in_a_row(&frames);
    let batch = list.frames(LinkType::Ethernet, None, &bytes);
    let odd: Vec<u32> = (0..FRAMES).filter(|number| number % 2 == 1).collect();
    to.send(&batch, &odd);
    let expected: Vec<Vec<u8>> = frames.iter().skip(1).step_by(2).cloned().collect();
    assert!(read(from, expected.len()) == expected, "{what}: the odd ones in order");

    // What a link does not take is lost, and what comes behind it is not.
    let few = [vec![0; 20_000], frames[0].clone(), vec![0; 3], frames[1].clone()];
    let (bytes, list) = in_a_row(&few);
    to.send(&list.frames(LinkType::Ethernet, None, &bytes), &[0, 1, 2, 3]);
    assert_eq!(read(from, 2), frames[..2], "{what}");

    // The kernel hides a frame's tag: one of another network would come out in this one.
    let in_vlan = |tag: [u8; 4]| [&frames[0][..12], &tag, &frames[0][12..]].concat();
    for lost in [in_vlan([0x81, 0, 0, 7]), in_vlan([0x88, 0xa8, 0xa0, 7])] {
        to.send_one(&lost).unwrap();
    }
    to.send_one(&in_vlan([0x81, 0, 0xe0, 0])).unwrap();
    to.send_one(&frames[1]).unwrap();
    assert_eq!(read(from, 2), frames[..2], "{what}: a priority is no network");

    assert_eq!(sent_here.read().unwrap().len(), 0, "{what}: what was sent here came back");
}

#[test]
fn one_by_one_and_many_at_a_time_do_the_same() {
    if let Err(why) = enter(&[("left", "right")]) {
        return skipped(why);
    }
    {
        let (mut to, mut sent_here) = wire::open("left").unwrap();
        let (_, mut from) = wire::open("right").unwrap();
        check("plain", &mut to, &mut from, &mut sent_here);
    }
    let (left, right) = (Socket::open("left").unwrap(), Socket::open("right").unwrap());
    check("batched", &mut left.sender(), &mut right.reader(), &mut left.reader());
    let missing = Socket::open("nowhere").unwrap_err();
    assert_eq!(missing.to_string(), wire::open("nowhere").err().unwrap().to_string());
}
