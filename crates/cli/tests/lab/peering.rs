//! Appliances and firewalls behind peerings, in networks that have the same addresses.

use crate::harness::{Lab, possible};

/// A hub with an appliance and a firewall, and a spoke that routes through them. Every company
/// has the same addresses.
const COMPANY: &str = r#"
[subscription.C-hub]
offer = "OFFER"
created = "2019-03-01"

[subscription.C-spoke]
offer = "enterprise-agreement"
created = "2019-03-01"

[network.C-hub-net]
address_space = ["10.0.0.0/16"]
peerings = ["C-spoke-net"]

[network.C-hub-net.subnet.appliances]
prefixes = ["10.0.1.0/24"]

[network.C-hub-net.subnet.AzureFirewallSubnet]
prefixes = ["10.0.2.0/24"]

[network.C-spoke-net]
address_space = ["10.9.0.0/16"]
peerings = ["C-hub-net"]

[network.C-spoke-net.subnet.plain]
prefixes = ["10.9.0.0/24"]

[network.C-spoke-net.subnet.by-appliance]
prefixes = ["10.9.1.0/24"]
route_table = "C-appliance"

[network.C-spoke-net.subnet.by-firewall]
prefixes = ["10.9.2.0/24"]
route_table = "C-firewall"

[route-table.C-appliance]
routes = [{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.1.9" }]

[route-table.C-firewall]
routes = [{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.2.4" }]

[firewall.C-fw]
subscription = "C-hub"
network = "C-hub-net"
subnet = "AzureFirewallSubnet"
address = "10.0.2.4"

[machine.C-nva]
subscription = "C-hub"
network = "C-hub-net"
subnet = "appliances"
addresses = ["10.0.1.9"]
ip_forwarding = true

[machine.C-plain]
subscription = "C-spoke"
network = "C-spoke-net"
subnet = "plain"
addresses = ["10.9.0.4"]

[machine.C-behind]
subscription = "C-spoke"
network = "C-spoke-net"
subnet = "by-appliance"
addresses = ["10.9.1.4"]

[machine.C-guarded]
subscription = "C-spoke"
network = "C-spoke-net"
subnet = "by-firewall"
addresses = ["10.9.2.4"]
"#;

const MX: &str = "mx.example.net:25";
const RELAY: &str = "relay.example.net:587";

#[test]
fn an_appliance_across_a_peering_decides_for_its_own_company_though_addresses_overlap() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inventory.toml");
    let company = |name: &str, offer: &str| {
        COMPANY.replace("C-", &format!("{name}-")).replace("OFFER", offer)
    };
    let both = company("good", "enterprise-agreement") + &company("poor", "pay-as-you-go");
    std::fs::write(&file, format!("edition = \"2020-12\"\n{both}")).unwrap();
    for datapath in possible() {
        let lab = Lab::up(&file, datapath, &[]);
        let becomes = |from: &str, to: &str, expected: &str| {
            assert_eq!(lab.connect(from, to), expected, "{datapath}: {from} to {to}");
        };
        becomes("good-plain", MX, "open");
        becomes("poor-plain", MX, "open");
        // Whose appliance it is decides, not who sends.
        becomes("good-behind", MX, "open");
        becomes("poor-behind", MX, "timeout");
        becomes("good-nva", MX, "open");
        becomes("poor-nva", MX, "timeout");
        for company in ["good", "poor"] {
            becomes(&format!("{company}-guarded"), MX, "refused");
            for machine in ["plain", "behind", "guarded", "nva"] {
                becomes(&format!("{company}-{machine}"), RELAY, "open");
            }
            // Inside of a company nothing is filtered; nobody listens and says so.
            becomes(&format!("{company}-plain"), &format!("{company}-nva:25"), "refused");
        }
        // What passes the appliance really goes through it.
        lab.print(&["vm", "deallocate", "good-nva"]);
        becomes("good-behind", RELAY, "timeout");
        becomes("poor-behind", RELAY, "open");
        becomes("good-plain", MX, "open");
        lab.print(&["vm", "start", "good-nva"]);
        becomes("good-behind", MX, "open");
    }
}

#[test]
fn networks_with_the_same_addresses_do_not_see_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("inventory.toml");
    let mut text = "edition = \"2020-12\"\n[subscription.s]\noffer = \"enterprise-agreement\"\n\
                    created = \"2019-03-01\"\n"
        .to_owned();
    for name in ["one", "two"] {
        text += &format!(
            "[network.{name}]\naddress_space = [\"10.0.0.0/24\", \"fd00::/64\"]\n\
             [machine.{name}-a]\nsubscription = \"s\"\nnetwork = \"{name}\"\n\
             addresses = [\"10.0.0.4\", \"fd00::4\"]\n"
        );
    }
    // Only the second network has somebody at .5.
    text += "[machine.two-b]\nsubscription = \"s\"\nnetwork = \"two\"\n\
             addresses = [\"10.0.0.5\", \"fd00::5\"]\n";
    std::fs::write(&file, text).unwrap();
    for datapath in possible() {
        let lab = Lab::up(&file, datapath, &[]);
        for to in ["10.0.0.5:25", "[fd00::5]:25"] {
            assert_eq!(lab.connect("two-a", to), "refused", "{datapath}: somebody is at {to}");
            let other = lab.connect("one-a", to);
            assert!(other == "timeout" || other == "unreachable", "{datapath}: {to}: {other}");
        }
        for machine in ["one-a", "two-a", "two-b"] {
            assert_eq!(lab.connect(machine, MX), "open", "{datapath}: {machine}");
        }
        // Each has its own standing, at the same address.
        lab.print(&["vm", "deallocate", "one-a"]);
        assert_eq!(lab.connect("two-a", MX), "open", "{datapath}");
    }
}
