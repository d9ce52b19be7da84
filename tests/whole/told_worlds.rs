//! A world that is true and one that is told: what the first answers contradicts the second exactly
//! where it cannot be.

use std::fmt::Write as _;

use egress25_policy::{
    Edition, InventoryFile, Question, Setting, Source, Timeline, Verdict, decide, parse_events,
};
use jiff::Timestamp;
use serde_json::Value;

use crate::evidence::tcp;
use crate::packets::{MIDNIGHT, ipv4, pcap};
use crate::program::{egress25, words};
use crate::replay::captured;

/// How many pairs there are.
const PAIRS: u64 = 100;

const MX: [u8; 4] = [203, 0, 113, 25];

/// Numbers without a pattern, the same in every run (Knuth's generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % end
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

const OFFERS: &[&str] =
    &["enterprise-agreement", "pay-as-you-go", "csp", "msdn", "azure-sponsorship"];
const CREATED: &[&str] = &["2016-03-01", "2019-03-01"];

/// A world in which one machine sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Described {
    offer: &'static str,
    created: &'static str,
    /// How far its exemption came: asked, granted, revoked.
    exemption: usize,
    /// Whether the machine was stopped and started since the grant, in the middle of the capture.
    restarted: bool,
    block_form: &'static str,
}

impl Described {
    fn any(numbers: &mut Numbers) -> Self {
        Self {
            offer: numbers.one_of(OFFERS),
            created: numbers.one_of(CREATED),
            exemption: numbers.one_of(&[0, 0, 0, 2, 2, 2, 1, 3]),
            restarted: numbers.below(4) > 0,
            block_form: numbers.one_of(&["drop", "drop", "reject"]),
        }
    }

    /// The same but for one thing.
    fn told_otherwise(mut self, numbers: &mut Numbers) -> Self {
        match numbers.below(5) {
            0 => self.offer = numbers.one_of(OFFERS),
            1 => self.created = numbers.one_of(CREATED),
            2 => self.exemption = numbers.below(4),
            3 => self.restarted = !self.restarted,
            _ => self.block_form = numbers.one_of(&["drop", "reject"]),
        }
        self
    }

    /// As an inventory.
    fn inventory(&self) -> String {
        let Self { offer, created, exemption, restarted, .. } = self;
        let mut text = format!(
            "[subscription.shop]\noffer = \"{offer}\"\ncreated = \"{created}\"\n[network.hub]\n\
             address_space = [\"10.0.0.0/16\"]\n[machine.web]\nsubscription = \"shop\"\nnetwork = \
             \"hub\"\naddresses = [\"10.0.1.4\"]\n"
        );
        let exempted = ["exemption-asked", "exemption-granted", "exemption-revoked"];
        for (day, kind) in (1..).zip(exempted).take(*exemption) {
            let _ = write!(
                text,
                "[[event]]\nat = \"2020-12-0{day}T09:00:00Z\"\nkind = \"{kind}\"\nsubscription = \
                 \"shop\"\n"
            );
        }
        for (second, kind) in [(10, "machine-deallocated"), (12, "machine-started")] {
            if *restarted {
                let _ = write!(
                    text,
                    "[[event]]\nat = \"2020-12-08T00:00:{second}Z\"\nkind = \"{kind}\"\nmachine = \
                     \"web\"\n"
                );
            }
        }
        text
    }

    /// Its time; none where an edition has it that this cannot happen.
    fn timeline(&self, edition: &str) -> Option<Timeline> {
        let file = InventoryFile::parse(&self.inventory()).expect("an inventory");
        let edition = Edition::named(edition).expect("an edition");
        let setting = (Setting::BlockForm.to_string(), self.block_form.to_owned());
        let inventory = file.build(&edition, &[setting]).expect("it fits");
        inventory.timeline(parse_events("").expect("none")).ok()
    }
}

/// What becomes of a SYN at a second.
fn verdict(timeline: &mut Timeline, second: u32) -> Verdict {
    let time = Timestamp::from_second(i64::from(MIDNIGHT + second)).expect("a time");
    let happened = timeline.position_at(time);
    timeline.move_to(happened, |_, _| {}).expect("they can happen");
    let source = Source::Address { network: None, address: [10, 0, 1, 4].into() };
    decide(timeline.world(), &Question::smtp(source, MX.into())).verdict
}

/// Whether the verdict of the told world says that what came back cannot be.
const fn is_impossible(told: Verdict, seen: Option<Verdict>) -> bool {
    match (told, seen) {
        (Verdict::Pass, _) | (_, None | Some(Verdict::Drop)) => false,
        (Verdict::Drop, Some(_)) => true,
        (Verdict::Reject, Some(seen)) => matches!(seen, Verdict::Pass),
    }
}

/// What the program says of a capture under a world: exit code, report, and stderr.
fn replayed(capture: &str, told: &Described, edition: &str) -> (Option<i32>, Value, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let inventory = folder.path().join("told.toml");
    std::fs::write(&inventory, told.inventory()).expect("written");
    let line = format!(
        "replay {capture} --inventory {} --edition {edition} --set block_form={} --connections \
         --format json --fail-on contradiction",
        inventory.display(),
        told.block_form
    );
    let output = egress25(words(&line)).output().expect("the program runs");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let report = serde_json::from_slice(&output.stdout);
    (output.status.code(), report.unwrap_or_else(|_| panic!("{told:?}: {stderr}")), stderr)
}

#[test]
fn a_contradiction_is_told_exactly_where_an_answer_makes_the_told_world_impossible() {
    let mut numbers = Numbers(25);
    let (mut contradicted, mut agreed) = (0, 0);
    while contradicted + agreed < PAIRS {
        let truth = Described::any(&mut numbers);
        let told = match numbers.below(8) {
            0 => truth,
            1..4 => truth.told_otherwise(&mut numbers),
            _ => Described::any(&mut numbers),
        };
        let edition = numbers.one_of(&["2020-12", "2022-11", "2023-12"]);
        let both = truth.timeline(edition).zip(told.timeline(edition));
        let Some((mut is_true, mut is_told)) = both else { continue };
        // Most pairs answer alike, which is soon shown.
        let answers_alike = verdict(&mut is_true, 30) == verdict(&mut is_told, 30);
        if answers_alike && numbers.below(4) > 0 {
            continue;
        }
        let (mut packets, mut impossible) = (Vec::new(), Vec::new());
        for port in 1..=u16::try_from(1 + numbers.below(4)).expect("few") {
            let second = numbers.one_of(&[0, 11, 20, 25, 30]);
            let (isn, web) = (u32::from(port) << 8, [10, 0, 1, 4]);
            packets.push((second, ipv4(6, web, MX, &[], &tcp((port, 25), 0x02, isn, 0))));
            // What passes may find nobody.
            let seen = match verdict(&mut is_true, second) {
                Verdict::Pass => (numbers.below(4) > 0).then_some((Verdict::Pass, 0x12)),
                Verdict::Drop => None,
                Verdict::Reject => Some((Verdict::Reject, 0x14)),
            };
            if let Some((_, flags)) = seen {
                let segment = tcp((25, port), flags, 90, isn + 1);
                packets.push((second, ipv4(6, MX, web, &[], &segment)));
            }
            let seen = seen.map(|(verdict, _)| verdict);
            impossible.push(is_impossible(verdict(&mut is_told, second), seen));
        }
        packets.sort_by_key(|(second, _)| *second);
        let capture = captured(&pcap(&packets));
        let (code, report, stderr) = replayed(&capture.path.display().to_string(), &told, edition);
        let mut found = vec![false; impossible.len()];
        for row in report["rows"].as_array().expect("rows") {
            let port =
                usize::try_from(row["source_port"].as_u64().expect("a port")).expect("small");
            found[port - 1] = row["evidence"] == "contradicts";
        }
        assert_eq!(found, impossible, "{truth:?} {told:?} {edition}: {report}");
        let any = impossible.contains(&true);
        assert!(truth != told || !any, "{truth:?}");
        assert_eq!(code, Some(if any { 3 } else { 0 }), "{stderr}");
        assert_eq!(stderr.contains("the description does not fit"), any, "{stderr}");
        if any { contradicted += 1 } else { agreed += 1 }
    }
    println!("{contradicted} told worlds were contradicted, {agreed} were not");
    assert!(contradicted >= 20 && agreed >= 20, "{contradicted} and {agreed}");
}
