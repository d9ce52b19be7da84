//! What of Azure's resources stands in an inventory, for those that the shared samples lack.

use egress25_policy::LoadBalancerSku;
use serde_json::{Value, json};

use crate::{built, gaps, imported};

fn net(what: &str) -> String {
    format!("/subscriptions/1/resourceGroups/a/providers/Microsoft.Network/{what}")
}

fn compute(what: &str) -> String {
    format!("/subscriptions/1/resourceGroups/a/providers/Microsoft.Compute/{what}")
}

fn subscription() -> Value {
    json!({ "id": "/subscriptions/1", "displayName": "shop",
            "subscriptionPolicies": { "quotaId": "PayAsYouGo_2014-09-01" } })
}

fn network(name: &str, space: &str, subnets: &Value, peerings: &Value) -> Value {
    json!({ "id": net(&format!("virtualNetworks/{name}")), "name": name, "properties": {
        "addressSpace": { "addressPrefixes": [space] },
        "subnets": subnets, "virtualNetworkPeerings": peerings,
    } })
}

fn subnet(name: &str, prefix: &str) -> Value {
    json!({ "name": name, "properties": { "addressPrefix": prefix } })
}

fn nic(name: &str, machine: &str, address: &str, subnet: &str) -> Value {
    json!({ "id": net(&format!("networkInterfaces/{name}")), "name": name, "properties": {
        "virtualMachine": { "id": compute(machine) },
        "ipConfigurations": [{ "name": "c", "properties": {
            "privateIPAddress": address,
            "subnet": { "id": net(&format!("virtualNetworks/{subnet}")) },
        } }],
    } })
}

fn machine(name: &str, nics: &[&str]) -> Value {
    let nics: Value =
        nics.iter().map(|nic| json!({ "id": net(&format!("networkInterfaces/{nic}")) })).collect();
    json!({ "id": compute(&format!("virtualMachines/{name}")), "name": name, "properties": {
        "networkProfile": { "networkInterfaces": nics },
        "timeCreated": "2019-03-01T10:00:00Z",
    } })
}

fn public(name: &str, address: &str) -> Value {
    json!({ "id": net(&format!("publicIPAddresses/{name}")), "name": name,
            "properties": { "ipAddress": address } })
}

fn read(values: &[Value]) -> egress25_azure::Imported {
    let texts: Vec<_> = values.iter().map(ToString::to_string).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    imported(&texts).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn load_balancers_have_frontends_members_rules_and_ports() {
    let frontend = |of: &str, key: &str, value: Value| {
        json!([{ "name": "f", "id": net(&format!("loadBalancers/{of}/frontendIPConfigurations/f")),
                 "properties": { key: value, "subnet": { "id": net("virtualNetworks/n/subnets/s") } } }])
    };
    let pool = |of: &str| net(&format!("loadBalancers/{of}/backendAddressPools/p"));
    let inner = json!({ "id": net("loadBalancers/inner"), "name": "inner",
        "sku": { "name": "Standard" },
        "properties": {
            "frontendIPConfigurations": frontend("inner", "privateIPAddress", "10.0.0.9".into()),
            "loadBalancingRules": [{ "properties": { "protocol": "All", "frontendPort": 0 } }],
        } });
    let outer = json!({ "id": net("loadBalancers/outer"), "name": "outer",
        "sku": { "name": "Standard" },
        "properties": {
            "frontendIPConfigurations":
                frontend("outer", "publicIPAddress", json!({ "id": net("publicIPAddresses/pip") })),
            "loadBalancingRules": [{ "properties": { "disableOutboundSnat": true } }],
            "outboundRules": [{ "properties": { "frontendIPConfigurations":
                [{ "id": net("loadBalancers/outer/frontendIPConfigurations/f") }] } }],
        } });
    let mut member = nic("b", "virtualMachines/web", "10.0.0.5", "n/subnets/s");
    member["properties"]["ipConfigurations"][0]["properties"]["loadBalancerBackendAddressPools"] =
        json!([{ "id": pool("inner") }, { "id": pool("outer").to_uppercase() }]);
    let read = read(&[
        subscription(),
        network("n", "10.0.0.0/16", &json!([subnet("s", "10.0.0.0/24")]), &json!([])),
        nic("a", "virtualMachines/web", "10.0.0.4", "n/subnets/s"),
        member,
        machine("web", &["a", "b"]),
        public("pip", "203.0.113.9"),
        inner,
        outer,
    ]);
    built(&read.inventory);
    for expected in [
        "[load-balancer.inner]\nnetwork = \"n\"\naddresses = [\"10.0.0.9\"]\nmachines = [{ machine = \
         \"web\", interface = 1 }]\nports = \"all\"\n",
        "[load-balancer.outer]\naddresses = [\"203.0.113.9\"]\nmachines = [{ machine = \"web\", \
         interface = 1 }]\noutbound_rules = [\"203.0.113.9\"]\ndisable_outbound_snat = true\n",
    ] {
        assert!(read.inventory.contains(expected), "{}", read.inventory);
    }
    assert_eq!(LoadBalancerSku::default(), LoadBalancerSku::Standard, "it is left out");
}

#[test]
fn nat_gateways_stand_on_subnets_or_whole_networks() {
    let nat = |name: &str, sku: &str, more: Value| {
        let mut of = json!({ "id": net(&format!("natGateways/{name}")), "name": name,
                             "sku": { "name": sku }, "properties": {} });
        of["properties"] = more;
        of
    };
    let prefix = json!({ "id": net("publicIPPrefixes/p"), "name": "p",
                         "properties": { "ipPrefix": "203.0.113.8/30" } });
    let read = read(&[
        subscription(),
        network("n", "10.0.0.0/16", &json!([subnet("s", "10.0.0.0/24")]), &json!([])),
        network("m", "10.1.0.0/16", &json!([subnet("s", "10.1.0.0/24")]), &json!([])),
        prefix,
        public("six", "2001:db8::9"),
        nat(
            "one",
            "Standard",
            json!({
                "publicIpPrefixes": [{ "id": net("publicIPPrefixes/p") }],
                "subnets": [{ "id": net("virtualNetworks/N/subnets/S") }],
            }),
        ),
        nat(
            "whole",
            "StandardV2",
            json!({
                "publicIpAddressesV6": [{ "id": net("publicIPAddresses/six") }],
                "publicIpAddresses": [{ "id": net("publicIPAddresses/gone") }],
                "sourceVirtualNetwork": { "id": net("virtualNetworks/m") },
            }),
        ),
    ]);
    let inventory = read.inventory;
    for expected in [
        "[nat-gateway.one]\naddresses = [\"203.0.113.8\", \"203.0.113.9\", \"203.0.113.10\", \
         \"203.0.113.11\"]\n",
        "[nat-gateway.whole]\nsku = \"standard-v2\"\naddresses = [\"2001:db8::9\"]\n# GAP: a public",
        "[network.m]\naddress_space = [\"10.1.0.0/16\"]\nnat_gateway = \"whole\"\n",
        "[network.n.subnet.s]\nprefixes = [\"10.0.0.0/24\"]\nnat_gateway = \"one\"\n",
    ] {
        assert!(inventory.contains(expected), "{inventory}");
    }
}

#[test]
fn peerings_carry_when_connected_and_a_missing_side_is_taken_from_the_other() {
    let side = |to: &str, state: &str, more: Value| {
        let mut side = json!({ "name": format!("to-{to}"), "properties": {
            "peeringState": state, "allowForwardedTraffic": false, "allowVirtualNetworkAccess": true,
            "remoteVirtualNetwork": { "id": net(&format!("virtualNetworks/{to}")) },
            "remoteAddressSpace": { "addressPrefixes": ["10.9.0.0/16"] },
        } });
        for (key, value) in more.as_object().expect("fields") {
            side["properties"][key] = value.clone();
        }
        side
    };
    let elsewhere =
        "/subscriptions/2/resourceGroups/b/providers/Microsoft.Network/virtualNetworks/hub";
    let sides = json!([
        side("hub", "Connected", json!({ "useRemoteGateways": true })),
        side(
            "elsewhere",
            "Connected",
            json!({
                "remoteVirtualNetwork": { "id": elsewhere },
                "remoteAddressSpace": { "addressPrefixes": ["10.8.0.0/16"] },
            })
        ),
        side("old", "Disconnected", json!({})),
    ]);
    let local = json!({ "id": net("localNetworkGateways/office"), "name": "office", "properties": {
        "localNetworkAddressSpace": { "addressPrefixes": ["192.168.7.0/24"] } } });
    let connection = json!({ "id": net("connections/c"), "name": "c", "properties": {
        "virtualNetworkGateway1": { "id": net("virtualNetworkGateways/gw") },
        "localNetworkGateway2": { "id": net("localNetworkGateways/office") } } });
    let gateway = json!({ "id": net("virtualNetworkGateways/gw"), "name": "gw", "properties": {
        "gatewayType": "Vpn", "ipConfigurations": [{ "properties": {
            "subnet": { "id": net("virtualNetworks/hub/subnets/GatewaySubnet") } } }] } });
    let hub = network(
        "hub",
        "10.9.0.0/16",
        &json!([subnet("GatewaySubnet", "10.9.0.0/24")]),
        &json!([side("spoke", "Connected", json!({ "allowGatewayTransit": true }))]),
    );
    let spoke = network("spoke", "10.1.0.0/16", &json!([subnet("s", "10.1.0.0/24")]), &sides);
    let web =
        [machine("web", &["a"]), nic("a", "virtualMachines/web", "10.1.0.4", "spoke/subnets/s")];
    let [web, a] = web;
    let read = read(&[subscription(), hub, spoke, gateway, local, connection, web, a]);
    let world = built(&read.inventory);
    assert_eq!(world.peers(&"spoke".into()).count(), 2, "{}", read.inventory);
    assert!(world.gateway_of(&"spoke".into()).is_some(), "by transit");
    for expected in [
        "{ network = \"hub@a\", use_remote_gateways = true, allow_forwarded_traffic = false }",
        "{ network = \"hub@b\", allow_forwarded_traffic = false }",
        "# A peering that is not in the state Connected carries nothing; it is left out.",
        "gateway = { kind = \"vpn\", routes = [\"192.168.7.0/24\"] }",
        "address_space = [\"10.8.0.0/16\"]\npeerings = [\"spoke\"]",
    ] {
        assert!(read.inventory.contains(expected), "{}", read.inventory);
    }
    assert!(gaps(&read).contains(&("peer-missing", "network.hub@b")));
}

#[test]
fn instances_of_scale_sets_are_machines() {
    let set = |name: &str, mode: &str| {
        json!({ "id": compute(&format!("virtualMachineScaleSets/{name}")), "name": name,
                "sku": { "capacity": 1 }, "properties": { "orchestrationMode": mode } })
    };
    let below =
        |what: &str| compute(&format!("virtualMachineScaleSets/uni/virtualMachines/0{what}"));
    let mut of_set = nic("n0", "", "10.0.0.4", "n/subnets/s");
    of_set["id"] = below("/networkInterfaces/n0").into();
    of_set["properties"]["virtualMachine"] = json!({ "id": below("") });
    let mut flexible = machine("flex_1", &["f"]);
    flexible["properties"]["virtualMachineScaleSet"] =
        json!({ "id": compute("virtualMachineScaleSets/flex") });
    let read = read(&[
        subscription(),
        network("n", "10.0.0.0/16", &json!([subnet("s", "10.0.0.0/24")]), &json!([])),
        set("uni", "Uniform"),
        set("flex", "Flexible"),
        set("none", "Uniform"),
        of_set,
        flexible,
        nic("f", "virtualMachines/flex_1", "10.0.0.5", "n/subnets/s"),
    ]);
    let world = built(&read.inventory);
    let kinds = world.machines().iter().map(|(name, of)| (name.to_string(), of.kind.name()));
    let kinds: Vec<_> = kinds.collect();
    let expected = [("flex_1".to_owned(), "flexible-scale-set"), ("uni_0".to_owned(), "scale-set")];
    assert_eq!(kinds, expected);
    let missing: Vec<_> =
        gaps(&read).into_iter().filter(|(kind, _)| *kind == "instances-missing").collect();
    assert_eq!(missing, [("instances-missing", "scale set none")]);
}

#[test]
fn power_events_begin_with_the_state_before_them_and_what_does_not_fit_is_left_out() {
    let entry = |at: &str, what: &str, status: &str| {
        json!({ "eventTimestamp": at, "operationName":
                { "value": format!("Microsoft.Compute/virtualMachines/{what}/action") },
                "status": { "value": status }, "resourceId": compute("virtualMachines/WEB") })
    };
    let mut gone = entry("2021-01-02T00:00:00Z", "start", "Succeeded");
    gone["resourceId"] = compute("virtualMachines/gone").into();
    let log = json!({ "value": [
        entry("2021-01-02T00:00:00Z", "deallocate", "Succeeded"),
        entry("2021-01-01T00:00:00Z", "start", "Succeeded"),
        entry("2021-01-03T00:00:00Z", "start", "Started"),
        entry("2021-01-03T00:00:01Z", "start", "Succeeded"),
        entry("2021-01-03T00:00:02Z", "start", "Succeeded"),
        entry("2021-01-04T00:00:00Z", "powerOff", "Failed"),
        entry("2021-01-05T00:00:00Z", "write", "Succeeded"),
        gone,
    ] });
    let read = read(&[
        subscription(),
        network("n", "10.0.0.0/16", &json!([subnet("s", "10.0.0.0/24")]), &json!([])),
        machine("web", &["a"]),
        nic("a", "virtualMachines/web", "10.0.0.4", "n/subnets/s"),
        log,
    ]);
    let kinds: Vec<_> = read.inventory.lines().filter(|line| line.starts_with("kind = ")).collect();
    let expected = [
        "kind = \"machine-started\"",
        "kind = \"machine-deallocated\"",
        "kind = \"machine-started\"",
    ];
    assert_eq!(kinds, expected);
    assert!(read.inventory.contains("\npower = \"stopped\"\n"), "{}", read.inventory);
    let told: Vec<_> = gaps(&read).into_iter().map(|(kind, _)| kind).collect();
    assert!(told.contains(&"power-before") && told.contains(&"event-left-out"), "{told:?}");
    assert!(gaps(&read).contains(&("event-of-nobody", "machine gone")), "{:?}", read.gaps);
    let file = egress25_policy::InventoryFile::parse(&read.inventory).expect("it parses");
    let edition = egress25_policy::Edition::all().expect("editions").last().expect("one").clone();
    let inventory = file.build(&edition, &[]).expect("it builds");
    inventory.timeline(vec![]).expect("the events can happen");
}

#[test]
fn an_outbound_rule_whose_frontend_is_a_prefix_was_gone_without_a_word() {
    let frontend = |name: &str, key: &str, value: &str| {
        json!({ "name": name, "id": net(&format!("loadBalancers/l/frontendIPConfigurations/{name}")),
                "properties": { key: { "id": net(value) } } })
    };
    let balancer = |rule: &str| {
        json!({ "id": net("loadBalancers/l"), "name": "l", "sku": { "name": "Standard" },
            "properties": {
                "frontendIPConfigurations": [
                    frontend("one", "publicIPAddress", "publicIPAddresses/pip"),
                    frontend("many", "publicIPPrefix", "publicIPPrefixes/p"),
                ],
                "outboundRules": [{ "properties": { "frontendIPConfigurations":
                    [{ "id": net(&format!("loadBalancers/l/frontendIPConfigurations/{rule}")) }] } }],
            } })
    };
    for rule in ["one", "many", "gone"] {
        let read = read(&[subscription(), public("pip", "203.0.113.9"), balancer(rule)]);
        assert!(gaps(&read).contains(&("frontend-unread", "load-balancer.l")), "{:?}", read.gaps);
        assert_eq!(read.inventory.contains("outbound_rules = "), rule == "one");
    }
}

#[test]
fn a_group_that_alone_says_where_it_stands_stood_nowhere() {
    let group = |name: &str| {
        json!({ "id": net(&format!("networkSecurityGroups/{name}")), "name": name, "properties": {
            "securityRules": [],
            "subnets": [{ "id": net("virtualNetworks/N/subnets/S") }],
            "networkInterfaces": [{ "id": net("networkInterfaces/a") }] } })
    };
    let others = |own: Option<&str>| {
        let mut of = subnet("s", "10.0.0.0/24");
        if let Some(own) = own {
            let id = net(&format!("networkSecurityGroups/{own}"));
            of["properties"]["networkSecurityGroup"] = json!({ "id": id });
        }
        vec![
            subscription(),
            network("n", "10.0.0.0/16", &json!([of]), &json!([])),
            machine("web", &["a"]),
            nic("a", "virtualMachines/web", "10.0.0.4", "n/subnets/s"),
        ]
    };
    let differs = |read: &egress25_azure::Imported| {
        let places = gaps(read).into_iter().filter(|(kind, _)| *kind == "security-group-differs");
        places.map(|(_, place)| place.to_owned()).collect::<Vec<_>>()
    };
    for own in [None, Some("g")] {
        let mut all = others(own);
        all.push(group("g"));
        let read = read(&all);
        assert_eq!(read.inventory.matches("security_group = \"g\"").count(), 2, "{own:?}");
        assert!(differs(&read).is_empty(), "{:?}", read.gaps);
    }
    let mut all = others(Some("h"));
    all.extend([group("g"), group("h")]);
    let read = read(&all);
    assert_eq!(differs(&read), ["machine.web", "network.n.subnet.s"]);
    assert!(read.inventory.contains("security_group = \"h\""), "its own word is taken");
}

#[test]
fn power_events_of_a_scale_set_were_dropped_without_a_word() {
    let entry = json!({ "eventTimestamp": "2021-01-02T00:00:00Z",
        "operationName":
            { "value": "Microsoft.Compute/virtualMachineScaleSets/deallocate/action" },
        "status": { "value": "Succeeded" },
        "resourceId": compute("virtualMachineScaleSets/uni") });
    let read = read(&[subscription(), json!([entry])]);
    assert!(gaps(&read).contains(&("event-of-set", "scale set uni")), "{:?}", read.gaps);
    assert!(read.inventory.contains("# GAP: scale set uni: "), "{}", read.inventory);
}

#[test]
fn the_power_state_of_the_export_was_taken_for_the_past_without_a_word() {
    let mut web = machine("web", &["a"]);
    web["properties"]["extended"] =
        json!({ "instanceView": { "powerState": { "code": "PowerState/deallocated" } } });
    let read = read(&[
        subscription(),
        network("n", "10.0.0.0/16", &json!([subnet("s", "10.0.0.0/24")]), &json!([])),
        web,
        nic("a", "virtualMachines/web", "10.0.0.4", "n/subnets/s"),
    ]);
    assert!(gaps(&read).contains(&("power-at-export", "machine.web")), "{:?}", read.gaps);
    assert!(read.inventory.contains("\n# GAP: `power` is the state as of the export"));
}

#[test]
fn names_in_common_get_their_groups() {
    let other = json!({ "id": net("virtualNetworks/n").replace("/a/", "/B/"), "name": "n",
                        "properties": { "addressSpace": { "addressPrefixes": ["10.1.0.0/16"] } } });
    let read = read(&[
        subscription(),
        network("n", "10.0.0.0/16", &json!([subnet("s", "10.0.0.0/24")]), &json!([])),
        other,
        machine("web", &["a"]),
        nic("a", "virtualMachines/web", "10.0.0.4", "n/subnets/s"),
    ]);
    let world = built(&read.inventory);
    let names: Vec<_> = world.networks().keys().map(ToString::to_string).collect();
    assert_eq!(names, ["n@a", "n@b"]);
    assert_eq!(world.machines()["web"].interfaces[0].network, "n@a".into());
}
