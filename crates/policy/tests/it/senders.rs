//! Who else sends than machines.

use crate::support::{INTERNET, ask, ask_port, ids, short, world};

/// A container group of an Enterprise Agreement, which is told by its subnet or by its kind.
fn container(edition: &str, delegated: &str, kind: &str) -> String {
    format!(
        r#"
edition = "{edition}"
[subscription.mail]
offer = "enterprise-agreement"
created = "2019-03-01"
[network.vnet]
address_space = ["10.0.0.0/16"]
[network.vnet.subnet.default]
prefixes = ["10.0.1.0/24"]
{delegated}
[machine.group]
subscription = "mail"
network = "vnet"
addresses = ["10.0.1.4"]
{kind}"#
    )
}

#[test]
fn a_container_instance_was_let_out_by_its_subscriptions_offer() {
    let delegated = "delegated_to = \"Microsoft.ContainerInstance/containerGroups\"";
    //= N18 type=test
    for (edition, expected) in [
        ("2020-12", vec!["N18"]),
        ("2021-04", vec!["N18"]),
        ("2022-11", vec!["N18", "PS1"]),
        ("2023-12", vec!["N18", "PS1b"]),
    ] {
        for (subnet, kind) in [(delegated, ""), ("", "kind = \"container-instance\"")] {
            let world = world(&container(edition, subnet, kind), "");
            let decision = ask(&world, "group", INTERNET);
            assert_eq!(short(&decision), "drop platform-service-unsupported", "{edition}");
            assert_eq!(ids(&decision), expected, "{edition}");
            // Port 25 to the Internet alone.
            assert_eq!(short(&ask_port(&world, "group", INTERNET, 8080)), "pass other-port");
            assert_eq!(short(&ask(&world, "group", "10.0.1.9")), "pass internal");
        }
        let another = "delegated_to = \"Microsoft.Web/serverFarms\"";
        let decision = ask(&world(&container(edition, another, ""), ""), "group", INTERNET);
        assert_eq!(short(&decision), "pass unrestricted-offer", "{edition}");
    }
}
