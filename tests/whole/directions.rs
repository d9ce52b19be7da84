//! `replay`: where a capture says in which direction a packet was seen, by `epb_flags` of pcapng or by
//! the packet type of a cooked header, that counts before addresses.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::packets::{MIDNIGHT, ethernet, ipv4, mail, syn, udp};
use crate::program::json;
use crate::replay::{captured, reasons};

/// A machine that may not send, and nobody of the inventory.
const WEB: [u8; 4] = [10, 0, 1, 4];
const OUTSIDE: [u8; 4] = [198, 51, 100, 77];
const MX: [u8; 4] = [203, 0, 113, 25];

/// What a capture says of a packet's direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Nothing,
    Inbound,
    Outbound,
}

use Says::{Inbound, Nothing, Outbound};

const ALL: [Says; 3] = [Nothing, Inbound, Outbound];

/// Where it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Flags { big_endian: bool },
    Sll { pcapng: bool },
    Sll2 { pcapng: bool },
}

const FORMS: [Form; 6] = [
    Form::Flags { big_endian: false },
    Form::Flags { big_endian: true },
    Form::Sll { pcapng: false },
    Form::Sll { pcapng: true },
    Form::Sll2 { pcapng: false },
    Form::Sll2 { pcapng: true },
];

/// Numbers in one byte order.
struct Words(bool, Vec<u8>);

impl Words {
    fn word(&mut self, word: u32) {
        self.1.extend(if self.0 { word.to_be_bytes() } else { word.to_le_bytes() });
    }

    fn halves(&mut self, halves: [u16; 2]) {
        let bytes = |half: u16| if self.0 { half.to_be_bytes() } else { half.to_le_bytes() };
        self.1.extend(halves.into_iter().flat_map(bytes).collect::<Vec<_>>());
    }

    fn block(&mut self, kind: u32, body: impl Fn(&mut Self)) {
        let mut inside = Self(self.0, Vec::new());
        body(&mut inside);
        inside.1.resize(inside.1.len().next_multiple_of(4), 0);
        let length = u32::try_from(inside.1.len() + 12).expect("a short block");
        self.word(kind);
        self.word(length);
        self.1.extend(inside.1);
        self.word(length);
    }
}

/// A pcapng file of one interface: each packet with its second after midnight and its flags.
fn pcapng(big_endian: bool, link: u16, packets: &[(u32, Option<u32>, Vec<u8>)]) -> Vec<u8> {
    let mut file = Words(big_endian, Vec::new());
    file.block(0x0a0d_0d0a, |body| {
        body.word(0x1a2b_3c4d);
        body.halves([1, 0]);
        body.word(u32::MAX);
        body.word(u32::MAX);
    });
    file.block(1, |body| {
        body.halves([link, 0]);
        body.word(0);
    });
    for (seconds, flags, frame) in packets {
        let micros = u64::from(MIDNIGHT + seconds) * 1_000_000;
        let length = u32::try_from(frame.len()).expect("a short frame");
        file.block(6, |body| {
            body.word(0);
            body.word(u32::try_from(micros >> 32).expect("half of it"));
            body.word(u32::try_from(micros & 0xffff_ffff).expect("half of it"));
            body.word(length);
            body.word(length);
            body.1.extend(frame);
            body.1.resize(body.1.len().next_multiple_of(4), 0);
            if let Some(flags) = flags {
                body.halves([2, 4]);
                body.word(*flags);
                body.word(0);
            }
        });
    }
    file.1
}

/// A capture of IPv4 packets that says of each in which direction it was seen.
fn capture(form: Form, packets: &[(u32, Says, Vec<u8>)]) -> Vec<u8> {
    let cooked = |says| match says {
        // A broadcast: it came in, but nothing says for whom.
        Nothing => 1,
        Inbound => 0,
        Outbound => 4,
    };
    let frame = |says, packet: &[u8]| match form {
        Form::Flags { .. } => ethernet(packet),
        Form::Sll { .. } => {
            let mut frame = vec![0, cooked(says), 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0];
            frame.extend(packet);
            frame
        }
        Form::Sll2 { .. } => {
            let mut frame = vec![8, 0, 0, 0, 0, 0, 0, 2, 0, 1, cooked(says), 6];
            frame.extend([2, 0, 0, 0, 0, 1, 0, 0]);
            frame.extend(packet);
            frame
        }
    };
    // Other bits of the flags have nothing to do with it; both directions at once are none.
    let flags = |says| match says {
        Nothing => 0x1f3,
        Inbound => 0x1f1,
        Outbound => 0x1e2,
    };
    let with = |flags: &dyn Fn(Says) -> Option<u32>| {
        let one =
            |(at, says, packet): &(u32, Says, Vec<u8>)| (*at, flags(*says), frame(*says, packet));
        packets.iter().map(one).collect::<Vec<_>>()
    };
    match form {
        Form::Flags { big_endian } => pcapng(big_endian, 1, &with(&|says| Some(flags(says)))),
        Form::Sll { pcapng: true } => pcapng(false, 113, &with(&|_| None)),
        Form::Sll2 { pcapng: true } => pcapng(true, 276, &with(&|_| None)),
        Form::Sll { pcapng: false } => pcap(113, &with(&|_| None)),
        Form::Sll2 { pcapng: false } => pcap(276, &with(&|_| None)),
    }
}

fn pcap(link: u32, packets: &[(u32, Option<u32>, Vec<u8>)]) -> Vec<u8> {
    let mut file = Words(false, Vec::new());
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, link] {
        file.word(word);
    }
    for (seconds, _, frame) in packets {
        let length = u32::try_from(frame.len()).expect("a short frame");
        for word in [MIDNIGHT + seconds, 0, length, length] {
            file.word(word);
        }
        file.1.extend(frame);
    }
    file.1
}

/// Replays packets in a form; what the summary counts has to be what the rows say.
fn replay(form: Form, packets: &[(u32, Says, Vec<u8>)], more: &str) -> Value {
    let capture = captured(&capture(form, packets));
    let report = json(&format!(
        "replay {} --inventory fixtures/inventories/day-of-mail.toml --format json {more}",
        capture.path.display()
    ));
    let key = |of: &Value| ["subscription", "verdict", "reason"].map(|name| of[name].to_string());
    let mut rows: BTreeMap<[String; 3], u64> = BTreeMap::new();
    for row in report["rows"].as_array().expect("rows") {
        *rows.entry(key(row)).or_default() += 1;
    }
    let counts = report["summary"]["by_subscription"].as_array().expect("counts");
    let counts: BTreeMap<_, _> =
        counts.iter().map(|one| (key(one), one["packets"].as_u64().expect("a count"))).collect();
    assert_eq!(counts, rows, "{form:?}");
    report
}

/// What becomes of a packet where nothing is said of its direction, inbound, and outbound; in every
/// form, one packet of a second and many of them, over the events of a day.
fn of_each(packet: &[u8], expected: [&str; 3]) {
    for form in FORMS {
        let all: Vec<_> = ALL.into_iter().map(|says| (0, says, packet.to_vec())).collect();
        let report = replay(form, &all, "");
        assert_eq!(reasons(&report), expected, "{form:?}");
        let mut of_a_day: Vec<_> = all.iter().cycle().take(300).cloned().collect();
        for (at, (second, ..)) in (0_u32..).zip(&mut of_a_day) {
            *second = at * 200;
        }
        let report = replay(form, &of_a_day, "");
        let inbound = reasons(&report).iter().filter(|reason| **reason == "inbound").count();
        let expected = expected.iter().filter(|reason| **reason == "inbound").count();
        assert_eq!(inbound, expected * 100, "{form:?}");
    }
}

#[test]
fn mail_to_a_server_that_nobody_described_is_not_of_an_unknown_source_where_the_interface_says_inbound()
 {
    of_each(&mail(OUTSIDE, MX), ["unknown-source", "inbound", "unknown-source"]);
}

#[test]
fn what_goes_out_with_a_source_of_nobody_was_inbound_because_of_where_it_goes() {
    of_each(&mail(OUTSIDE, WEB), ["inbound", "inbound", "unknown-source"]);
}

#[test]
fn a_machines_own_mail_is_judged_though_a_router_saw_it_come_in() {
    of_each(&mail(WEB, MX), ["not-granted"; 3]);
    of_each(&mail(WEB, WEB), ["internal"; 3]);
}

#[test]
fn what_nobody_can_read_was_dropped_though_it_came_in() {
    let fragment = |from| {
        let mut packet = ipv4(6, from, MX, &[], &syn(25)[..8]);
        packet[6..8].copy_from_slice(&[0x20, 0]);
        packet
    };
    of_each(&fragment(OUTSIDE), ["fragment-drop", "inbound", "fragment-drop"]);
    of_each(&fragment(WEB), ["fragment-drop"; 3]);
    let mut short_header = syn(25);
    short_header[12] = 0x40;
    let malformed = ipv4(6, OUTSIDE, WEB, &[], &short_header);
    of_each(&malformed, ["malformed", "inbound", "malformed"]);
    // Loose source routing.
    let routed = |from| ipv4(6, from, MX, &[131, 7, 4, 192, 0, 2, 1, 0], &syn(25));
    of_each(&routed(OUTSIDE), ["source-routed", "inbound", "source-routed"]);
    of_each(&routed(WEB), ["source-routed"; 3]);
}

#[test]
fn what_comes_in_names_what_it_rests_on_even_where_nobody_can_read_it() {
    let mut short_header = syn(25);
    short_header[12] = 0x40;
    let malformed = ipv4(6, OUTSIDE, WEB, &[], &short_header);
    let packets = [(0, Inbound, malformed), (1, Inbound, mail(OUTSIDE, MX))];
    let report = replay(FORMS[0], &packets, "");
    assert_eq!(reasons(&report), ["inbound"; 2]);
    for row in report["rows"].as_array().expect("rows") {
        assert_eq!(row["statements"], serde_json::json!(["N1"]), "{row}");
        assert_eq!(row["verdict"], "pass");
    }
    // The edition in force is asked about one that can be read, and told its direction, too.
    let answers = report["summary"]["today"]["answers"].as_array().expect("answers");
    let told: Vec<_> = answers.iter().map(|one| (&one["packet"], &one["reason"])).collect();
    assert_eq!(format!("{told:?}"), r#"[(Number(2), String("inbound"))]"#);
    assert_eq!(answers[0]["differs"], false);
}

#[test]
fn what_is_inside_of_a_tunnel_was_inbound_because_the_tunnel_came_in() {
    let inner = mail(OUTSIDE, MX);
    let mut vxlan = vec![8, 0, 0, 0, 0, 0, 7, 0];
    vxlan.extend(ethernet(&inner));
    let mirrored = ipv4(17, [10, 0, 1, 9], [10, 0, 1, 8], &[], &udp((50_000, 4789), &vxlan));
    let ip_in_ip = ipv4(4, OUTSIDE, WEB, &[], &inner);
    for form in FORMS {
        let packets = [(0, Inbound, mirrored.clone()), (0, Inbound, ip_in_ip.clone())];
        let report = replay(form, &packets, "--look-inside");
        assert_eq!(reasons(&report), ["unknown-source", "inbound", "unknown-source"], "{form:?}");
    }
}

#[test]
fn what_is_not_asked_about_stays_so_whatever_its_direction() {
    let web = ipv4(6, OUTSIDE, WEB, &[], &syn(443));
    for form in FORMS {
        let packets: Vec<_> = ALL.into_iter().map(|says| (0, says, web.clone())).collect();
        let report = replay(form, &packets, "");
        assert_eq!(reasons(&report), [""; 0], "{form:?}");
        assert_eq!(report["summary"]["unjudged"], 3);
    }
}
