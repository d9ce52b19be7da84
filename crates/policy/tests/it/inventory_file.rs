//! The inventory: what is wrong is said with its place.

use egress25_policy::{
    Edition, EventKind, InventoryError, InventoryFile, Offer, inventory_schema, locate_key,
    parse_events,
};

use crate::support::one;

fn wrong(text: &str) -> InventoryError {
    match InventoryFile::parse(text) {
        Err(error) => error,
        Ok(file) => file.build(&Edition::default_edition().unwrap(), &[]).unwrap_err(),
    }
}

fn base() -> String {
    one("pay-as-you-go", "2019-03-01", "none")
}

#[test]
fn an_unknown_key_is_refused_with_its_place() {
    let text = base().replace("subscription = \"contoso\"", "subscripton = \"contoso\"");
    let error = wrong(&text);
    let span = error.span.unwrap();
    assert_eq!(&text[span], "subscripton");
    assert!(error.what.contains("unknown field `subscripton`"), "{}", error.what);
}

#[test]
fn what_refers_to_nothing_is_refused_with_its_key() {
    let cases = [
        ("subscription = \"contoso\"", "subscription = \"fabrikam\"", "machine.web.subscription"),
        ("network = \"hub\"", "network = \"hab\"", "machine.web.network"),
        ("\"10.0.0.4\", ", "\"10.9.0.4\", ", "machine.web"),
        ("[network.hub]", "[network.hub]\npeerings = [\"spoke\"]", "network.hub.peerings[0]"),
        ("[network.hub]", "[network.hub]\npeerings = [\"hub\"]", "network.hub.peerings[0]"),
        ("addresses = [\"10.0.0.4\", \"fd00:25::4\"]", "addresses = []", "machine.web.interfaces"),
        (
            "addresses = [\"10.0.0.4\", \"fd00:25::4\"]",
            "addresses = [\"10.0.0.4\", \"10.0.0.4\"]",
            "machine.web.interfaces",
        ),
        (
            "addresses = [\"10.0.0.4\", \"fd00:25::4\"]",
            "addresses = [\"10.0.0.4\"]\nstarted_since_grant = true",
            "machine.web.started_since_grant",
        ),
        (
            "[machine.web]",
            "[settings]\nblock_from = \"drop\"\n[machine.web]",
            "settings.block_from",
        ),
    ];
    for (from, to, key) in cases {
        let text = base().replace(from, to);
        assert_ne!(text, base(), "{from}");
        let error = wrong(&text);
        assert_eq!(error.key.as_deref(), Some(key), "{}", error.what);
        assert!(locate_key(&text, key).is_some(), "{key} has a place in the file");
    }
}

#[test]
fn overlapping_networks_live_side_by_side_but_are_not_peered() {
    let twin = "[network.twin]\naddress_space = [\"10.0.0.0/16\"]\n";
    let text = format!("{}{twin}", base());
    let file = InventoryFile::parse(&text).unwrap();
    file.build(&Edition::default_edition().unwrap(), &[]).unwrap();
    let peered = text.replace("[network.hub]", "[network.hub]\npeerings = [\"twin\"]");
    assert!(wrong(&peered).what.contains("overlapping address space"));
}

#[test]
fn a_hundred_times_what_azure_takes_is_the_most_of_a_table() {
    let listed = |count: usize, one: &str| vec![one; count].join(", ");
    let routes = |count: u32| {
        let prefix = |at: u32| std::net::Ipv4Addr::from(0x1400_0000 + at * 16);
        let route = |at| format!("{{ prefix = \"{}/28\", next_hop = \"none\" }}", prefix(at));
        let all = (0..count).map(route).collect::<Vec<_>>().join(", ");
        format!("{}[route-table.t]\nroutes = [{all}]\n", base())
    };
    let of_hub = |key: &str, count, one: &str| {
        let of = format!("[network.hub]\n{key} = [{}]", listed(count, one));
        base().replace("[network.hub]", &of)
    };
    let targets = |count| {
        let all = listed(count, "\"20.0.0.0/28\"");
        format!(
            "{}[security-group.g]\nrules = [{{ name = \"r\", priority = 100, direction = \"inbound\", \
             access = \"deny\", source = [{all}] }}]\n",
            base()
        )
    };
    let spaces = |count| {
        format!(
            "{}[network.wide]\naddress_space = [{}]\n",
            base(),
            listed(count, "\"20.0.0.0/16\"")
        )
    };
    for (text, key) in [
        (routes(40_001), "route-table.t.routes"),
        (of_hub("peerings", 50_001, "\"hub\""), "network.hub.peerings"),
        (spaces(100_001), "network.wide.address_space"),
        (targets(100_001), "security-group.g.rules[0].source"),
    ] {
        let error = InventoryFile::parse(&text).unwrap().check_what_begins().unwrap_err();
        assert!(error.what.contains("are the most"), "{key}: {}", error.what);
        assert_eq!(error.key.as_deref(), Some(key));
        assert!(locate_key(&text, key).is_some(), "{key} has a place in the file");
    }
    for text in [routes(40_000), targets(100_000)] {
        let file = InventoryFile::parse(&text).unwrap();
        file.check_what_begins().unwrap();
        file.build(&Edition::default_edition().unwrap(), &[]).unwrap();
    }
}

#[test]
fn of_two_routes_or_peerings_for_the_same_the_last_one_counted_unseen() {
    let route = |prefix: &str| format!("{{ prefix = \"{prefix}\", next_hop = \"none\" }}");
    let both = format!("{}, {}", route("11.9.0.1/16"), route("11.9.0.0/16"));
    let routes = format!("{}[route-table.t]\nroutes = [{both}]\n", base());
    let peers = "[network.hub]\npeerings = [\"spoke\", { network = \"spoke\" }]";
    let peerings = base().replace("[network.hub]", peers);
    for (text, key, expected) in [
        (routes, "route-table.t.routes[1]", "two routes for `11.9.0.0/16`"),
        (peerings, "network.hub.peerings[1]", "two peerings with `spoke`"),
    ] {
        let error = InventoryFile::parse(&text).unwrap().check_what_begins().unwrap_err();
        assert!(error.what.contains(expected), "{}", error.what);
        assert_eq!(error.key.as_deref(), Some(key));
    }
}

#[test]
fn an_event_with_a_missing_or_surplus_key_is_refused() {
    let missing =
        parse_events("[[event]]\nat = \"2020-12-08T09:00:00Z\"\nkind = \"exemption-granted\"");
    assert!(missing.unwrap_err().what.contains("needs the key `subscription`"));
    let surplus = parse_events(
        "[[event]]\nat = \"2020-12-08T09:00:00Z\"\nkind = \"machine-started\"\nmachine = \"a\"\nsubscription = \"b\"",
    );
    assert!(surplus.unwrap_err().what.contains("has no key `subscription`"));
    let kind = parse_events("[[event]]\nat = \"2020-12-08T09:00:00Z\"\nkind = \"granted\"");
    assert!(kind.unwrap_err().what.contains("`granted` is no kind of event"));
    let time =
        parse_events("[[event]]\nat = \"yesterday\"\nkind = \"machine-started\"\nmachine = \"a\"");
    assert!(time.unwrap_err().span.is_some());
}

#[test]
fn every_kind_of_event_goes_round_through_its_table() {
    let lines = [
        "kind = \"subscription-added\"\nsubscription = \"a\"\noffer = \"msdn\"\ncreated = \"2020-01-01\"",
        "kind = \"offer-changed\"\nsubscription = \"a\"\noffer = \"msdn\"",
        "kind = \"exemption-asked\"\nsubscription = \"a\"\nchannel = \"case\"\nwhy = \"because\"",
        "kind = \"exemption-further-steps\"\nsubscription = \"a\"",
        "kind = \"exemption-granted\"\nsubscription = \"a\"\nedition = \"2019-08\"",
        "kind = \"exemption-refused\"\nsubscription = \"a\"",
        "kind = \"exemption-revoked\"\nsubscription = \"a\"",
        "kind = \"network-added\"\nnetwork = \"n\"\naddress_space = [\"10.0.0.0/16\"]",
        "kind = \"machine-deployed\"\nmachine = \"m\"",
        "kind = \"machine-deployed\"\nmachine = \"m\"\nsubscription = \"a\"\nnetwork = \"n\"\naddresses = [\"10.0.0.4\"]",
        "kind = \"machine-stopped\"\nmachine = \"m\"",
        "kind = \"machine-deallocated\"\nmachine = \"m\"",
        "kind = \"machine-started\"\nmachine = \"m\"",
        "kind = \"machine-restarted\"\nmachine = \"m\"",
        "kind = \"machine-redeployed\"\nmachine = \"m\"",
        "kind = \"machine-deleted\"\nmachine = \"m\"",
        "kind = \"guest-shutdown\"\nmachine = \"m\"",
        "kind = \"temporary-subnet\"\nnetwork = \"n\"",
        "kind = \"firewall-rules-updated\"\nfirewall = \"f\"",
        "kind = \"firewall-stopped\"\nfirewall = \"f\"",
        "kind = \"firewall-started\"\nfirewall = \"f\"",
    ];
    let mut kinds = std::collections::BTreeSet::new();
    for line in lines {
        let text = format!("[[event]]\nat = \"2020-12-08T09:00:00Z\"\n{line}");
        let events = parse_events(&text).unwrap_or_else(|error| panic!("{error}: {line}"));
        let table = toml::to_string(&events[0]).unwrap();
        assert_eq!(toml::from_str::<egress25_policy::Event>(&table).unwrap(), events[0]);
        kinds.insert(events[0].kind.name());
    }
    let all: std::collections::BTreeSet<_> = EventKind::NAMES.iter().copied().collect();
    assert_eq!(kinds, all);
}

#[test]
fn the_schema_closes_every_table() {
    let schema = inventory_schema();
    let text = schema.as_value().to_string();
    assert!(text.contains("\"additionalProperties\":false"), "{text}");
    assert!(text.contains("exemption-asked"), "{text}");
}

#[test]
fn what_shows_a_network_in_a_capture_shows_no_other() {
    let two = |hub: &str, spoke: &str| {
        let hub = format!("[network.hub]\ncapture = {{ {hub} }}");
        let spoke = format!(
            "[network.spoke]\naddress_space = [\"10.9.0.0/16\"]\ncapture = {{ {spoke} }}\n"
        );
        format!("{}{spoke}", base().replace("[network.hub]", &hub))
    };
    let cases = [
        (
            "vlans = [100]",
            "vlans = [7, 100]",
            "spoke.capture.vlans",
            "VLAN 100 shows network `hub`",
        ),
        ("vxlans = [9]", "vxlans = [9]", "spoke.capture.vxlans", "VXLAN network 9 shows network"),
        (
            "interfaces = [\"eth0\"]",
            "interfaces = [\"eth0\"]",
            "spoke.capture.interfaces",
            "interface `eth0` shows network `hub` already",
        ),
        ("vlans = [5, 5]", "vlans = []", "hub.capture.vlans", "VLAN 5 stands here twice"),
        ("vlans = [5000]", "vlans = []", "hub.capture.vlans", "`5000` is no VLAN"),
        ("vlans = [0]", "vlans = []", "hub.capture.vlans", "`0` is no VLAN"),
        ("vxlans = [16777216]", "vlans = []", "hub.capture.vxlans", "`16777216` is no VXLAN"),
    ];
    for (hub, spoke, key, what) in cases {
        let text = two(hub, spoke);
        let error = wrong(&text);
        assert_eq!(error.key, Some(format!("network.{key}")), "{}", error.what);
        assert!(error.what.contains(what), "{}", error.what);
        let key = error.key.unwrap_or_default();
        assert!(locate_key(&text, &key).is_some(), "{key} has a place in the file");
    }
    let fine = two("vlans = [100], vxlans = [100]", "vlans = [101], vxlans = [16777215]");
    let file = InventoryFile::parse(&fine).unwrap();
    file.build(&Edition::default_edition().unwrap(), &[]).unwrap();
}

#[test]
fn a_machine_may_have_as_many_addresses_as_a_network_and_none_twice() {
    let addresses = |count: u32| {
        let list = (0..count).map(|n| format!("\"{}\"", std::net::Ipv4Addr::from(0x0a00_0004 + n)));
        format!("addresses = [{}]", list.collect::<Vec<_>>().join(", "))
    };
    let text = base().replace("10.0.0.0/16", "10.0.0.0/8");
    let addresses_of_web = "addresses = [\"10.0.0.4\", \"fd00:25::4\"]";
    // Each address was held against all before it: as many pairs as 200,000 have take a minute.
    let with_200_000 = text.replace(addresses_of_web, &addresses(200_000));
    assert_ne!(with_200_000, text);
    let file = InventoryFile::parse(&with_200_000).unwrap();
    file.build(&Edition::default_edition().unwrap(), &[]).unwrap();
    let twice = text.replace(addresses_of_web, &addresses(3).replace("10.0.0.6", "10.0.0.4"));
    let error = wrong(&twice);
    assert!(error.what.contains("belongs to `web` twice"), "{}", error.what);
}

#[test]
fn the_words_that_people_use_for_offers_were_refused_in_files() {
    let text = format!(
        "{}\n[[event]]\nat = \"2020-12-08T09:00:00Z\"\nkind = \"offer-changed\"\n\
         subscription = \"contoso\"\noffer = \"ms-azr-0017p\"\n",
        base().replace("\"pay-as-you-go\"", "\"PAYG\"")
    );
    let edition = Edition::default_edition().unwrap();
    let inventory = InventoryFile::parse(&text).unwrap().build(&edition, &[]).unwrap();
    let offer = inventory.world.subscriptions()["contoso"].offer;
    assert_eq!(offer, Offer::PayAsYouGo);
    let EventKind::OfferChanged { offer, .. } = inventory.events[0].kind else { panic!() };
    assert_eq!(offer, Offer::EnterpriseAgreement);
    for (word, part) in [
        ("MCA", "`MCA` stands for several offers; say which: mca-e, "),
        ("pay-as-yuo-go", "did you mean `pay-as-you-go`?"),
    ] {
        let text = base().replace("pay-as-you-go", word);
        let error = wrong(&text);
        assert!(error.what.contains(part), "{}", error.what);
        assert_eq!(&text[error.span.unwrap()], format!("\"{word}\""), "it has its place");
    }
}

/// What is refused of what begins, and the text at its place.
fn refused_at(text: &str) -> (InventoryError, String) {
    let error = InventoryFile::parse(text).unwrap().check_what_begins().unwrap_err();
    let span = locate_key(text, error.key.as_deref().unwrap()).unwrap();
    (error, text[span].to_owned())
}

#[test]
fn a_bad_name_was_shown_at_the_first_table_of_its_kind() {
    let web = "[machine.web]\nsubscription = \"s\"\nnetwork = \"hub\"\n";
    let at = "[[event]]\nat = 2020-12-08T09:00:00Z\n";
    let added = |name: &str| format!("kind = \"network-added\"\nnetwork = \"{name}\"\n");
    let space = |space: &str| format!("address_space = [\"{space}\"]\n");
    let rule = |name: &str| {
        format!(
            "{{ name = \"{name}\", priority = 100, direction = \"outbound\", access = \"allow\" }}"
        )
    };
    let bad = "x\\u200by";
    let cases = [
        (format!("{web}[machine.\"{bad}\"]\nsubscription = \"s\"\n"), format!("\"{bad}\"")),
        // The table of a bad name with a dot in it stands behind one that is the name's beginning.
        (format!("{web}[machine.\"web.{bad}\"]\nsubscription = \"s\"\n"), format!("\"web.{bad}\"")),
        (format!("{web}[machine.\" \"]\nsubscription = \"s\"\n"), "\" \"".to_owned()),
        (format!("{web}[machine.\"\"]\nsubscription = \"s\"\n"), "\"\"".to_owned()),
        (
            format!(
                "[network.hub]\naddress_space = [\"10.0.0.0/8\"]\n\
                 [network.hub.subnet.a]\nprefixes = []\n[network.hub.subnet.\"{bad}\"]\nprefixes = []\n"
            ),
            format!("\"{bad}\""),
        ),
        (
            format!("[security-group.g]\nrules = [{}, {}]\n", rule("a"), rule(bad)),
            "name".to_owned(),
        ),
        (format!("{web}application_security_groups = [\"a\", \"{bad}\"]\n"), format!("\"{bad}\"")),
        (
            format!(
                "{at}{}{}{at}{}{}",
                added("n"),
                space("10.0.0.0/8"),
                added(bad),
                space("10.0.0.0/8")
            ),
            "network".to_owned(),
        ),
        (
            format!(
                "{at}{}{}{at}{}{}",
                added("n"),
                space("10.0.0.0/8"),
                added("m"),
                space("0.0.0.0/0")
            ),
            "address_space".to_owned(),
        ),
    ];
    for (text, place) in cases {
        let (error, shown) = refused_at(&text);
        assert_eq!(shown, place, "{error:?}");
        let first = text.find(&shown).unwrap();
        let span = locate_key(&text, error.key.as_deref().unwrap()).unwrap();
        let is_event = text.starts_with("[[event]]") || text.starts_with("[security");
        assert!(span.start > first || !is_event, "the first was shown: {error:?}");
    }
}

#[test]
fn a_key_with_dots_in_it_was_shown_at_its_table() {
    let text = base().replace("[machine.web]", "[machine.\"web.local\"]");
    let text = text.replace("subscription = \"contoso\"", "subscription = \"fabrikam\"");
    let error = wrong(&text);
    let span = locate_key(&text, error.key.as_deref().unwrap()).unwrap();
    assert_eq!(&text[span], "subscription", "{error:?}");
}

#[test]
fn why_a_text_is_no_name_was_left_to_be_found_out() {
    for (text, why) in [
        ("", "`` is no name: it is blank".to_owned()),
        ("\u{a0}", "`\u{a0}` is no name: it is blank".to_owned()),
        (
            &*"x".repeat(513),
            format!("`{}…` is no name: it has 513 bytes, and 512 are the most", "x".repeat(100)),
        ),
        ("a\u{200c}b", "it has U+200C in it, a sign that is not seen; leave it out".to_owned()),
        ("a\nb", "`a\\nb` is no name: it has U+000A in it".to_owned()),
    ] {
        let said = egress25_policy::fit_for_a_name(text).unwrap_err().to_string();
        assert!(said.contains(&why), "{said}");
    }
    assert_eq!(egress25_policy::fit_for_a_name(&"x".repeat(512)), Ok(()));
}

#[test]
fn an_events_file_began_what_an_inventory_may_not() {
    let at = "[[event]]\nat = 2020-12-08T09:00:00Z\n";
    let fine = format!("{at}kind = \"machine-started\"\nmachine = \"a\\nb\"\n");
    assert_eq!(parse_events(&fine).unwrap().len(), 1, "what is there may be called so");
    let network = "subscription = \"s\"\nnetwork = \"n\"\naddresses = [\"10.0.0.4\"]\n";
    let cases = [
        ("kind = \"subscription-added\"\noffer = \"msdn\"\ncreated = \"2020-01-01\"\nsubscription = \"x\\u202ey\\nz\"\n".to_owned(), "subscription"),
        ("kind = \"network-added\"\nnetwork = \" \"\naddress_space = [\"10.0.0.0/8\"]\n".to_owned(), "network"),
        ("kind = \"network-added\"\nnetwork = \"n\"\naddress_space = [\"127.0.0.0/8\"]\n".to_owned(), "address_space"),
        (format!("kind = \"machine-deployed\"\nmachine = \"a\\nb\"\n{network}"), "machine"),
    ];
    for (event, place) in cases {
        let text = format!("{fine}{at}{event}");
        let error = parse_events(&text).unwrap_err();
        let key = format!("event[1].{place}");
        assert_eq!(error.key, Some(key.clone()));
        let span = locate_key(&text, &key).unwrap();
        assert_eq!((&text[span.clone()], span.start > fine.len()), (place, true), "{error:?}");
        // The inventory's own events are held to the same.
        assert_eq!(refused_at(&text).0, error);
    }
}
