//! Properties that hold for any world and any order of events.

use egress25_policy::{
    BlockForm, Event, EventKind, Offer, OfferChangeEffect, Placement, Reason, Settings, Verdict,
    World, YesNo, verdict_of,
};
use proptest::prelude::*;

use crate::support::{ask, ask_port, events, finish, short, timeline};

const PORTS: [u16; 6] = [24, 26, 80, 443, 587, 2525];
const DESTINATIONS: [&str; 6] =
    ["203.0.113.5", "10.0.1.5", "192.168.3.3", "172.16.0.1", "168.63.129.16", "2001:db8::25"];

/// Two subscriptions with two machines each, and an appliance between.
fn lab(first: Offer, second: Offer, created: [&str; 2], routed: bool) -> String {
    let table = if routed { "route_table = \"out\"" } else { "" };
    format!(
        r#"
[subscription.a]
offer = "{first}"
created = "{}"
[subscription.b]
offer = "{second}"
created = "{}"
[network.hub]
address_space = ["10.0.0.0/16", "fd00:25::/64"]
gateway = {{ kind = "vpn", routes = ["192.168.0.0/16"] }}
[network.hub.subnet.a]
prefixes = ["10.0.0.0/24", "fd00:25::/80"]
[network.hub.subnet.b]
prefixes = ["10.0.1.0/24"]
{table}
[route-table.out]
routes = [{{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.0.5" }}]
[machine.a1]
subscription = "a"
network = "hub"
subnet = "a"
addresses = ["10.0.0.4", "fd00:25::4"]
[machine.a2]
subscription = "a"
network = "hub"
subnet = "a"
addresses = ["10.0.0.5"]
ip_forwarding = true
[machine.b1]
subscription = "b"
network = "hub"
subnet = "b"
addresses = ["10.0.1.4"]
[machine.b2]
subscription = "b"
network = "hub"
subnet = "b"
addresses = ["10.0.1.5"]
"#,
        created[0], created[1]
    )
}

const CREATED: [&str; 3] = ["2017-11-14", "2017-11-15", "2019-03-01"];

fn offer() -> impl Strategy<Value = Offer> {
    (0..Offer::ALL.len()).prop_map(|place| Offer::ALL[place])
}

/// An event about one subscription or machine; not every one can happen.
fn event(subscription: &'static str, grants: bool) -> impl Strategy<Value = Event> {
    let kinds = if grants { 0..13_u8 } else { 1..13_u8 };
    (kinds, 1..=2_u8, offer()).prop_map(move |(kind, machine, offer)| {
        let s = subscription;
        let line = match kind {
            0 => format!("exemption-granted subscription={s}"),
            1 => format!("exemption-asked subscription={s} why=appliance"),
            2 => format!("exemption-further-steps subscription={s}"),
            3 => format!("exemption-refused subscription={s}"),
            4 => format!("exemption-revoked subscription={s}"),
            5 => format!("offer-changed subscription={s} offer={offer}"),
            6 => format!("machine-stopped machine={s}{machine}"),
            7 => format!("machine-deallocated machine={s}{machine}"),
            8 => format!("machine-started machine={s}{machine}"),
            9 => format!("machine-restarted machine={s}{machine}"),
            10 => format!("machine-redeployed machine={s}{machine}"),
            11 => format!("guest-shutdown machine={s}{machine}"),
            _ => format!("machine-deleted machine={s}{machine}"),
        };
        events(&format!("2020-12-08T09:00:00Z {line}")).remove(0)
    })
}

fn beginning() -> impl Strategy<Value = World> {
    (offer(), offer(), 0..3_usize, 0..3_usize, any::<bool>()).prop_map(|(a, b, x, y, routed)| {
        finish(timeline(&lab(a, b, [CREATED[x], CREATED[y]], routed), &[], ""))
    })
}

/// An event of any kind, those that bring something new among them.
fn any_event() -> impl Strategy<Value = Event> {
    let new = (0..5_u8, 1..=2_u8, offer()).prop_map(|(kind, number, offer)| {
        let line = match kind {
            0 => format!(
                "subscription-added subscription=s{number} offer={offer} created=2019-03-01"
            ),
            1 => format!("network-added network=n{number} address_space=10.{number}.0.0/16"),
            2 => format!("machine-deployed machine=new{number}"),
            3 => format!("machine-deployed machine=b{number}"),
            _ => "temporary-subnet network=hub".to_owned(),
        };
        let mut event = events(&format!("2020-12-08T09:00:00Z {line}")).remove(0);
        if let EventKind::MachineDeployed { machine, placement } = &mut event.kind
            && machine.as_str().starts_with("new")
        {
            *placement = Some(Placement {
                subscription: "a".into(),
                network: "hub".into(),
                subnet: Some("a".into()),
                addresses: vec![format!("10.0.0.{}", 20 + number).parse().unwrap()],
            });
        }
        event
    });
    prop_oneof![event("a", true), event("b", true), new]
}

/// Lets everything happen that can.
fn after(world: &World, events: &[Event]) -> World {
    let mut world = world.clone();
    for event in events {
        let _refused = world.apply(event);
    }
    world
}

fn answers(world: &World, machines: &[&str]) -> Vec<String> {
    machines
        .iter()
        .flat_map(|machine| DESTINATIONS.map(|to| format!("{:?}", ask(world, machine, to))))
        .collect()
}

/// Whether the platform's filter itself blocks: what that looks like is for `block_form` to say.
fn is_platform_block(reason: Reason) -> bool {
    let forms = [BlockForm::Drop, BlockForm::Reject];
    let verdict = |block_form| verdict_of(&Settings { block_form, ..Settings::default() }, reason);
    forms.map(verdict) == [Verdict::Drop, Verdict::Reject]
}

proptest! {
    #[test]
    fn what_is_taken_back_has_never_been(
        world in beginning(),
        frees_all in any::<bool>(),
        at_once in any::<bool>(),
        log in prop::collection::vec(any_event(), 0..40),
    ) {
        let mut now = world;
        if frees_all {
            now.settings.one_cycle_frees_all = YesNo::Yes;
        }
        if at_once {
            now.settings.offer_change_effect = OfferChangeEffect::Immediate;
        }
        let mut happened = Vec::new();
        for event in &log {
            let before = format!("{now:?}");
            match now.apply_undoably(event) {
                Ok((_, undo)) => happened.push((before, undo)),
                Err(_) => prop_assert_eq!(before, format!("{now:?}"), "refused: {:?}", event),
            }
        }
        for (before, undo) in happened.into_iter().rev() {
            now.undo(undo);
            prop_assert_eq!(before, format!("{now:?}"));
        }
    }

    #[test]
    fn nobody_is_exempt_without_a_grant(
        world in beginning(),
        log in prop::collection::vec(event("a", false), 0..20),
    ) {
        //= PG5 type=test
        let world = after(&world, &log);
        for to in DESTINATIONS {
            for machine in ["a1", "a2", "b1", "b2"] {
                prop_assert_ne!(ask(&world, machine, to).reason, Reason::Exempt);
            }
        }
    }

    #[test]
    fn an_exemption_in_one_subscription_never_changes_anothers_verdict(
        world in beginning(),
        log in prop::collection::vec(event("b", true), 0..20),
    ) {
        //= PG7 type=test
        //= PN6 type=test
        let before = answers(&world, &["a1", "a2"]);
        let events: Vec<_> =
            log.into_iter().filter(|event| event.kind.subscription().is_some()).collect();
        prop_assert_eq!(before, answers(&after(&world, &events), &["a1", "a2"]));
    }

    #[test]
    fn only_port_25_is_ever_blocked(
        world in beginning(),
        log in prop::collection::vec(event("a", true), 0..20),
        port in prop::sample::select(&PORTS[..]),
    ) {
        //= G1 type=test
        //= G4 type=test
        let world = after(&world, &log);
        for to in DESTINATIONS {
            for machine in ["a1", "a2", "b1", "b2"] {
                let reason = ask_port(&world, machine, to, port).reason;
                prop_assert!(!is_platform_block(reason), "{} {}: {}", machine, to, reason);
            }
        }
    }

    #[test]
    fn the_order_of_unrelated_events_does_not_matter(
        world in beginning(),
        mine in prop::collection::vec(event("a", true), 0..12),
        theirs in prop::collection::vec(event("b", true), 0..12),
        picks in prop::collection::vec(any::<bool>(), 24),
    ) {
        let mut merged = Vec::new();
        let (mut a, mut b) = (mine.iter(), theirs.iter());
        for pick in picks {
            merged.extend(if pick { a.next().or_else(|| b.next()) } else { b.next().or_else(|| a.next()) }.cloned());
        }
        let in_a_row: Vec<_> = mine.iter().chain(&theirs).cloned().collect();
        let machines = ["a1", "a2", "b1", "b2"];
        prop_assert_eq!(
            answers(&after(&world, &in_a_row), &machines),
            answers(&after(&world, &merged), &machines)
        );
    }

    #[test]
    fn every_blocked_sender_is_told_what_to_do(
        world in beginning(),
        log in prop::collection::vec(event("a", true), 0..20),
    ) {
        //= G3 type=test
        //= DV3 type=test
        //= HP1 type=test
        let world = after(&world, &log);
        for to in DESTINATIONS {
            let decision = ask(&world, "a1", to);
            prop_assert_eq!(decision.verdict == Verdict::Pass, decision.next_steps.is_empty());
            if is_platform_block(decision.reason) {
                prop_assert!(!decision.statements.is_empty(), "{}", short(&decision));
                let has = |name| decision.next_steps.iter().any(|step| step.name() == name);
                prop_assert!(has("use-relay"));
                let relay = decision.next_steps.iter().find(|step| step.name() == "use-relay");
                prop_assert!(relay.unwrap().to_string().contains("587 or 443"));
                let never = decision.reason == Reason::OfferNeverExempt;
                prop_assert_eq!(never, has("change-offer"));
                prop_assert_eq!(!never, has("contact-support"));
            }
        }
    }
}
