//! Handing frames on allocates nothing for a frame without a SYN to port 25: shown by counting.

#[cfg(test)]
#[path = "../wire/setting.rs"]
mod setting;

#[cfg(test)]
mod test {
    use std::alloc::System;
    use std::sync::atomic::AtomicBool;

    use egress25_lab::enforce::afpacket::Judged;
    use egress25_lab::enforce::judge::ThreadJudge;
    use egress25_lab::enforce::wire::{ReadFrames, SendFrames, Socket};
    use egress25_packet_filter::link::LinkType;
    use egress25_skipped::skipped;
    use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

    use crate::setting::{court, enter, frame, in_a_row};

    #[global_allocator]
    static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

    #[test]
    fn handing_on_allocates_nothing_once_its_room_is_there() {
        if let Err(why) = enter(&[("port", "outer"), ("inner", "network")]) {
            return skipped(why);
        }
        let open = |name| Socket::open(name).unwrap();
        let (outer, inner) = (open("outer"), open("inner"));
        let (mut port, mut network) = (open("port").sender(), open("network").reader());
        let (court, at) = court();
        let judge = ThreadJudge::new(court.clone());
        let mut judged = Judged::new(outer.reader(), inner.sender(), outer.sender(), judge, at);

        // Plain ones, SYNs to other ports, answers from port 25, and what is no TCP at all.
        let frames: Vec<Vec<u8>> = (0..50_u32)
            .map(|number| match number % 4 {
                0 => frame([10, 1, 0, 4], 587, true, number),
                1 => frame([10, 1, 0, 4], 25, false, number),
                2 => vec![0x08; 60],
                _ => frame([10, 1, 0, 9], 443, false, number),
            })
            .collect();
        let (bytes, list) = in_a_row(&frames);
        let batch = list.frames(LinkType::Ethernet, None, &bytes);
        let all: Vec<u32> = (0..50).collect();
        let go = AtomicBool::new(false);
        let mut turns = |turns: usize| {
            let (mut came, mut arrived) = (0, 0);
            for turn in 1..=turns {
                port.send(&batch, &all);
                while came < turn * frames.len() {
                    came += judged.hand_on(&go).unwrap();
                }
                while arrived < came {
                    arrived += network.read().unwrap().len();
                }
            }
            arrived
        };
        assert_eq!(turns(20), 1_000);
        let region = Region::new(ALLOCATOR);
        let arrived = turns(200);
        let change = region.change();
        assert_eq!(arrived, 10_000);
        assert_eq!((change.allocations, change.reallocations), (0, 0), "{change:?}");
        assert_eq!(court.hub.counts(), []);
    }
}
