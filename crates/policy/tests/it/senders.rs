//! Who else sends than machines.

use crate::support::{INTERNET, ask, ask_port, assumed, ids, short, world, world_with};

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

/// Functions and App Services whose traffic does not enter the network: the inventory had no word for
/// them.
#[test]
fn what_leaves_by_the_service_itself_was_judged_by_routes_and_subscription() {
    let of = |edition: &str, kind: &str| container(edition, "", kind);
    let integrated = "kind = \"app-service\"\nroute_all = false";
    let without = "kind = \"platform-service\"";
    for (kind, internal) in [(integrated, "pass internal"), (without, "pass platform-egress")] {
        let before = world(&of("2020-12", kind), "");
        let decision = ask(&before, "group", INTERNET);
        assert_eq!(short(&decision), "pass platform-egress");
        assert_eq!(ids(&decision), ["N18"]);
        assert_eq!(assumed(&decision), ["platform_egress_when_silent"]);
        assert_eq!(short(&ask(&before, "group", "10.0.1.9")), internal);
        let set = [("platform_egress_when_silent", "drop")];
        let decision = ask(&world_with(&of("2020-12", kind), &set, ""), "group", INTERNET);
        assert_eq!(short(&decision), "drop platform-service-unsupported");
        // Named by a text of 2022-02.
        let since = ask(&world(&of("2022-11", kind), ""), "group", INTERNET);
        assert_eq!(short(&since), "drop platform-service-unsupported");
        assert_eq!(assumed(&since), ["block_form"]);
    }
    let all = ask(&world(&of("2022-11", "kind = \"app-service\""), ""), "group", INTERNET);
    assert_eq!(short(&all), "pass unrestricted-offer");
}
