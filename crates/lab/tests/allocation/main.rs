//! Where packets are judged nothing is allocated for one without a SYN to port 25: shown by counting.

#[cfg(test)]
#[path = "../wire/setting.rs"]
mod setting;

#[cfg(test)]
mod test {
    use std::alloc::System;
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    use std::sync::atomic::AtomicBool;
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use egress25_lab::enforce::afpacket::Judged;
    use egress25_lab::enforce::judge::ThreadJudge;
    use egress25_lab::enforce::wire::{ReadFrames, SendFrames, Socket};
    use egress25_lab::enforce::{queue_rules, standalone};
    use egress25_packet_filter::link::LinkType;
    use egress25_skipped::skipped;
    use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

    use crate::setting::{court, enter, frame, in_a_row};

    #[global_allocator]
    static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

    /// The count is of all threads: one after the other.
    #[test]
    fn judging_allocates_nothing_once_its_room_is_there() {
        if let Err(why) = enter(&[("port", "outer"), ("inner", "network"), ("far", "near")]) {
            return skipped(why);
        }
        frames_are_handed_on();
        match load_queue_rules() {
            Ok(()) => packets_of_a_queue_are_judged(),
            Err(why) => skipped(why),
        }
    }

    fn frames_are_handed_on() {
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

    const QUEUE: u16 = 7;

    fn load_queue_rules() -> Result<(), String> {
        for (program, rules) in queue_rules(QUEUE) {
            let mut restore = Command::new(format!("{program}-restore"));
            let child = restore.arg("--noflush").stdin(Stdio::piped()).spawn();
            let mut child = child.map_err(|error| format!("{program}-restore: {error}"))?;
            child.stdin.take().unwrap().write_all(rules.as_bytes()).unwrap();
            if !child.wait().unwrap().success() {
                return Err(format!("{program}-restore cannot load the rules here"));
            }
        }
        Ok(())
    }

    /// How many packets the queue was given, and how many it lost.
    fn queued() -> (u64, u64) {
        let path = "/proc/thread-self/net/netfilter/nfnetlink_queue";
        let text = std::fs::read_to_string(path).unwrap();
        let line = text.lines().find(|line| line.trim_start().starts_with("7 ")).unwrap();
        let words: Vec<u64> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
        (words[7], words[2] + words[5] + words[6])
    }

    fn packets_of_a_queue_are_judged() {
        let (court, at) = court();
        let (opens, opened) = channel();
        let judging = court.clone();
        std::thread::spawn(move || {
            standalone::queue(&judging, &at.network, QUEUE, || opens.send(()).unwrap())
        });
        opened.recv().unwrap();
        // A fragment from the middle of a segment is handed over, and is no SYN.
        let mut middle = frame([10, 1, 0, 4], 25, true, 1);
        middle[..6].fill(0xff);
        middle[20..22].copy_from_slice(&[0, 100]);
        middle[24..26].fill(0);
        let sum: u32 =
            middle[14..34].chunks(2).map(|two| u32::from(two[0]) << 8 | u32::from(two[1])).sum();
        let sum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
        middle[24..26].copy_from_slice(&sum.to_be_bytes());
        let frames = vec![middle; 50];
        let (bytes, list) = in_a_row(&frames);
        let batch = list.frames(LinkType::Ethernet, None, &bytes);
        let all: Vec<u32> = (0..50).collect();
        let mut far = Socket::open("far").unwrap().sender();
        let mut turns = |turns: usize| {
            for _ in 0..turns {
                far.send(&batch, &all);
                // The kernel keeps a few hundred for a reader, and no more.
                std::thread::sleep(Duration::from_millis(5));
            }
            std::thread::sleep(Duration::from_millis(200));
        };
        turns(20);
        let region = Region::new(ALLOCATOR);
        turns(200);
        let change = region.change();
        let (given, lost) = queued();
        assert!(given >= 11_000 && lost == 0, "{given} given, {lost} lost");
        assert_eq!((change.allocations, change.reallocations), (0, 0), "{change:?}");
        assert_eq!(court.hub.counts(), []);
    }
}
