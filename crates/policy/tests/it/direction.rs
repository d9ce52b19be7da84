//! What comes in from outside, and what a machine has no address for.

use egress25_policy::{Direction, Question, Source, decide, decide_seen};

use crate::support::{INTERNET, ask, ids, short, world};

/// Case BASE of an Enterprise Agreement, and a second network.
const LAB: &str = r#"
[subscription.mail]
offer = "enterprise-agreement"
created = "2019-03-01"
[network.vnet]
address_space = ["10.0.0.0/16"]
[network.vnet.subnet.default]
prefixes = ["10.0.1.0/24"]
[network.other]
address_space = ["10.9.0.0/16"]
[machine.mailbox]
subscription = "mail"
network = "vnet"
addresses = ["10.0.1.4"]
public_address = "198.51.100.4"
[load-balancer.front]
addresses = ["198.51.100.20"]
machines = ["mailbox"]
[machine.stopped]
subscription = "mail"
network = "vnet"
addresses = ["10.0.1.5"]
power = "deallocated"
"#;

fn from(network: Option<&str>, from: &str, to: &str) -> String {
    seen(None, network, from, to)
}

fn seen(direction: Option<Direction>, network: Option<&str>, from: &str, to: &str) -> String {
    let world = world(LAB, "");
    let network = network.map(Into::into);
    let source = Source::Address { network, address: from.parse().unwrap() };
    let question = Question::smtp(source, to.parse().unwrap());
    let decision = decide_seen(&world, &question, direction);
    format!("{} {}", short(&decision), ids(&decision).join(" ")).trim_end().to_owned()
}

#[test]
fn mail_that_comes_in_was_dropped_as_of_an_unknown_source() {
    //= N1 type=test
    for network in [None, Some("vnet")] {
        assert_eq!(from(network, "198.51.100.77", "10.0.1.4"), "pass inbound N1");
        assert_eq!(from(network, "198.51.100.77", "10.0.1.5"), "pass inbound N1");
        // Nobody is there.
        assert_eq!(from(network, "198.51.100.77", "10.0.1.9"), "drop unknown-source");
        assert_eq!(from(network, "198.51.100.77", INTERNET), "drop unknown-source");
    }
    // Seen outside: by a machine's public address, or a load balancer's.
    for (network, public) in [(None, "198.51.100.4"), (Some("other"), "198.51.100.20")] {
        assert_eq!(from(network, "198.51.100.77", public), "pass inbound N1");
    }
    assert_eq!(from(Some("other"), "198.51.100.77", "10.0.1.4"), "drop unknown-source");
    // Who is known sends outbound, whatever the destination.
    assert_eq!(from(None, "10.0.1.4", "10.0.1.5"), "pass internal");
}

#[test]
fn what_an_interface_saw_come_in_was_of_an_unknown_source_because_of_where_it_goes() {
    let (inbound, outbound) = (Some(Direction::Inbound), Some(Direction::Outbound));
    for network in [None, Some("vnet"), Some("other")] {
        for to in ["10.0.1.4", "10.0.1.9", "198.51.100.4", INTERNET] {
            //= N1 type=test
            assert_eq!(seen(inbound, network, "198.51.100.77", to), "pass inbound N1");
            assert_eq!(seen(outbound, network, "198.51.100.77", to), "drop unknown-source");
        }
    }
    // On a router what a machine sends comes in first.
    for direction in [None, inbound, outbound] {
        assert_eq!(seen(direction, None, "10.0.1.4", "10.0.1.5"), "pass internal");
        assert_eq!(
            seen(direction, None, "10.0.1.5", "10.0.1.4"),
            from(None, "10.0.1.5", "10.0.1.4")
        );
        let sent = seen(direction, None, "10.0.1.4", INTERNET);
        assert!(sent.starts_with("pass unrestricted-offer"), "{sent}");
    }
}

#[test]
fn what_comes_from_a_public_address_of_ours_behind_its_translation_was_of_an_unknown_source() {
    for network in [None, Some("vnet")] {
        // A frontend does not tell which of its machines sends.
        for (public, to_internet) in [
            ("198.51.100.4", "pass unrestricted-offer EA1"),
            ("198.51.100.20", "drop unknown-source"),
        ] {
            //= N1 type=test
            assert_eq!(from(network, public, "10.0.1.5"), "pass inbound N1");
            assert_eq!(from(network, public, INTERNET), to_internet);
        }
    }
}

#[test]
fn a_machine_without_an_ipv6_address_was_told_to_request_an_exemption() {
    let (payg, ea) = (LAB.replace("enterprise-agreement", "pay-as-you-go"), LAB.to_owned());
    for lab in [ea, payg] {
        let decision = ask(&world(&lab, ""), "mailbox", "2001:db8::25");
        //= N4 type=test
        assert_eq!(short(&decision), "drop no-address-of-family");
        assert_eq!(ids(&decision), ["N4"]);
        let step = decision.next_steps[0].to_string();
        assert!(step.contains("`mailbox` has no IPv6 address"), "{step}");
        assert_eq!(decision.next_steps.len(), 1);
    }
}

/// A capture on a host shows a container's packet twice: by the container's address, and translated.
#[test]
fn what_a_container_sends_was_of_an_unknown_source() {
    let behind = LAB.replacen(
        "addresses = [\"10.0.1.4\"]",
        "addresses = [\"10.0.1.4\"]\nbehind = [\"172.17.0.0/16\"]",
        1,
    );
    let world = world(&behind, "");
    let ask = |from: &str, to: &str| {
        let source = Source::Address { network: None, address: from.parse().unwrap() };
        decide(&world, &Question::smtp(source, to.parse().unwrap()))
    };
    let own = ask("10.0.1.4", INTERNET);
    let behind = ask("172.17.0.2", INTERNET);
    assert_eq!((short(&behind), behind.machine), (short(&own), own.machine));
    assert_eq!(short(&ask("172.18.0.2", INTERNET)), "drop unknown-source");
    assert_eq!(short(&ask("198.51.100.77", "172.17.0.2")), "pass inbound");
}

#[test]
fn what_comes_in_to_an_internal_load_balancer_was_dropped() {
    let inner = "[load-balancer.inner]\nnetwork = \"vnet\"\naddresses = [\"10.0.1.100\"]\n\
                 machines = [\"mailbox\"]\n";
    let world = world(&format!("{LAB}{inner}"), "");
    let ask = |network: Option<&str>| {
        let (network, address) = (network.map(Into::into), "192.168.7.7".parse().unwrap());
        let source = Source::Address { network, address };
        short(&decide(&world, &Question::smtp(source, "10.0.1.100".parse().unwrap())))
    };
    assert_eq!(ask(None), "pass inbound");
    assert_eq!(ask(Some("vnet")), "pass inbound");
    assert_eq!(ask(Some("other")), "drop unknown-source");
}

/// Seen outside of its translation, a machine's packet bears its public address.
#[test]
fn what_bears_an_own_public_address_was_taken_for_inbound() {
    let text = LAB.replace("enterprise-agreement", "pay-as-you-go");
    let world = world(&text, "");
    let ask = |to: &str| {
        let source = Source::Address { network: None, address: "198.51.100.4".parse().unwrap() };
        short(&decide(&world, &Question::smtp(source, to.parse().unwrap())))
    };
    assert_eq!(ask(INTERNET), "drop not-granted");
    assert_eq!(ask("198.51.100.20"), "drop not-granted");
    // At the receiver's own port.
    assert_eq!(ask("10.0.1.5"), "pass inbound");
}
