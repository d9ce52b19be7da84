//! The life of an exemption and of a machine: what each event does, and which are refused.

use egress25_policy::{Decision, Event, ExemptionState, Power, Refused, SubscriptionName, World};

use crate::support::{
    INTERNET, ask, assumed, events, ids, one, short, timeline, world, world_with,
};

fn happen(world: &mut World, line: &str) -> Result<(), Refused> {
    let event: Event = events(line).remove(0);
    world.apply(&event).map(|_| ())
}

fn refused(world: &mut World, line: &str) -> (String, Vec<String>) {
    let before = format!("{world:?}");
    let refused = happen(world, line).unwrap_err();
    assert_eq!(before, format!("{world:?}"), "a refused event changes nothing");
    let statements = refused.statements.iter().map(ToString::to_string).collect();
    (refused.to_string(), statements)
}

fn state(world: &World) -> ExemptionState {
    world.subscriptions()[&SubscriptionName::from("contoso")].exemption.state
}

const AT: &str = "2020-12-08T09:00:00Z";

#[test]
fn a_day_of_mail_with_a_grant_and_a_stop_and_start_in_the_middle() {
    let lab = one("pay-as-you-go", "2019-03-01", "none");
    let day = "
        2020-12-08T09:00:00Z exemption-asked subscription=contoso channel=portal
        2020-12-08T10:00:00Z exemption-further-steps subscription=contoso
        2020-12-08T11:00:00Z exemption-granted subscription=contoso
        2020-12-08T12:00:00Z machine-restarted machine=web
        2020-12-08T13:00:00Z machine-deallocated machine=web
        2020-12-08T14:00:00Z machine-started machine=web
        2020-12-08T15:00:00Z exemption-revoked subscription=contoso";
    let mut timeline = timeline(&lab, &[], day);
    //= PG5 type=test
    //= PG6 type=test
    //= PG9 type=test
    let expected = [
        ("08:59:59", "drop not-granted", "PG3 PG4"),
        ("09:00:00", "drop request-pending", "PG3 PG5"),
        ("10:30:00", "drop further-steps", "PG3 PG5"),
        ("11:30:00", "drop waiting-for-stop-and-start", "PG3 PG6"),
        ("12:30:00", "drop waiting-for-stop-and-start", "PG3 PG6"),
        ("13:30:00", "drop sender-not-running", ""),
        ("14:30:00", "pass exempt", "PG3 PG6 PG7 PG8"),
        ("15:30:00", "drop revoked", "PG3 PG9"),
    ];
    for (time, answer, statements) in expected {
        let at = format!("2020-12-08T{time}Z").parse().unwrap();
        timeline.move_to(timeline.position_at(at), |_, _| {}).unwrap();
        let decision = ask(timeline.world(), "web", INTERNET);
        assert_eq!(short(&decision), answer, "{time}");
        assert_eq!(ids(&decision).join(" "), statements, "{time}");
    }
}

#[test]
fn granting_what_was_never_asked_for_is_refused() {
    let mut world = world(&one("pay-as-you-go", "2019-03-01", "none"), "");
    //= PG5 type=test
    let (what, statements) =
        refused(&mut world, &format!("{AT} exemption-granted subscription=contoso"));
    assert!(what.contains("which is `none`; it needs `requested` or `further-steps`"), "{what}");
    assert_eq!(statements, ["PG5"]);
}

#[test]
fn asking_for_an_offer_that_is_never_exempt_is_refused_by_dv2() {
    for offer in ["msdn", "azure-pass", "azure-in-open", "education", "azure-for-students"] {
        let world = world(&one(offer, "2019-03-01", "none"), "");
        let asked = events(&format!("{AT} exemption-asked subscription=contoso")).remove(0);
        //= DV2 type=test
        let refused = world.refuse_what_is_never_granted(&asked).unwrap_err();
        assert!(refused.what.contains("names no way to an exemption"), "{refused}");
        assert_eq!(refused.statements[0].to_string(), "DV2");
    }
}

#[test]
fn asking_for_an_open_offer_is_refused_by_ea1() {
    let mut world = world(&one("enterprise-agreement", "2019-03-01", "none"), "");
    //= EA1 type=test
    let (_, statements) =
        refused(&mut world, &format!("{AT} exemption-asked subscription=contoso"));
    assert_eq!(statements, ["EA1"]);
}

#[test]
fn asking_where_the_offer_does_not_ask_is_refused() {
    let mut portal = world(&one("cloud-solution-provider", "2019-03-01", "none"), "");
    //= CS2 type=test
    let (what, statements) =
        refused(&mut portal, &format!("{AT} exemption-asked subscription=contoso channel=case"));
    assert!(what.contains("requests it by: portal"), "{what}");
    assert_eq!(statements, ["CS2"]);
    //= PG4 type=test
    let mut payg = world(&one("pay-as-you-go", "2019-03-01", "none"), "");
    let (_, statements) =
        refused(&mut payg, &format!("{AT} exemption-asked subscription=contoso channel=provider"));
    assert_eq!(statements, ["PG4"]);
    happen(&mut payg, &format!("{AT} exemption-asked subscription=contoso channel=portal"))
        .unwrap();
    assert_eq!(state(&payg), ExemptionState::Requested);
}

#[test]
fn a_request_of_a_cloud_solution_provider_rested_on_cs1_alone() {
    for state in ["requested", "further-steps", "refused"] {
        //= CS3 type=test
        let decision =
            ask(&world(&one("cloud-solution-provider", "2019-03-01", state), ""), "web", INTERNET);
        assert_eq!(ids(&decision), ["CS1", "CS3"], "{state}");
    }
}

#[test]
fn pay_as_you_go_of_2019_was_not_asked_why() {
    for edition in ["2018-11", "2019-08"] {
        let lab =
            format!("edition = \"{edition}\"\n{}", one("pay-as-you-go", "2019-03-01", "none"));
        let (what, statements) =
            refused(&mut world(&lab, ""), &format!("{AT} exemption-asked subscription=contoso"));
        assert!(what.contains("must say `why`"), "{what}");
        assert_eq!(statements, ["PG4b", "PN3"]);
    }
}

#[test]
fn a_case_of_the_partner_group_must_say_why() {
    for offer in ["microsoft-partner-network", "bizspark-plus", "azure-sponsorship"] {
        let mut world = world(&one(offer, "2019-03-01", "none"), "");
        //= PN2 type=test
        //= PN3 type=test
        let (what, statements) =
            refused(&mut world, &format!("{AT} exemption-asked subscription=contoso channel=case"));
        assert!(what.contains("must say `why`"), "{what}");
        assert_eq!(statements, ["PN2", "PN3"]);
        happen(
            &mut world,
            &format!("{AT} exemption-asked subscription=contoso channel=case why=appliance"),
        )
        .unwrap();
        //= PN4 type=test
        let decision = ask(&world, "web", INTERNET);
        assert_eq!(short(&decision), "drop request-pending");
        assert_eq!(ids(&decision), ["PN1", "PN4"]);
    }
}

#[test]
fn every_transition_of_the_exemption_is_allowed_or_refused_as_drawn() {
    // Rows: the state before. Columns: asked, further steps, granted, refused, revoked.
    let drawn = [
        ("none", ["requested", "-", "-", "-", "-"]),
        ("requested", ["-", "further-steps", "granted", "refused", "-"]),
        ("further-steps", ["requested", "-", "granted", "refused", "-"]),
        ("granted", ["-", "-", "-", "-", "revoked"]),
        ("refused", ["requested", "-", "-", "-", "-"]),
        ("revoked", ["requested", "-", "-", "-", "-"]),
        ("lapsed", ["requested", "-", "-", "-", "-"]),
    ];
    let kinds = ["asked", "further-steps", "granted", "refused", "revoked"];
    for (before, row) in drawn {
        for (kind, after) in kinds.iter().zip(row) {
            let mut world = world(&one("pay-as-you-go", "2019-03-01", before), "");
            let line = format!("{AT} exemption-{kind} subscription=contoso");
            if after == "-" {
                let (_, statements) = refused(&mut world, &line);
                assert!(!statements.is_empty(), "{before} {kind}");
            } else {
                happen(&mut world, &line).unwrap();
                assert_eq!(state(&world).name(), after, "{before} {kind}");
            }
        }
    }
}

#[test]
fn every_transition_of_a_machine_is_allowed_or_refused_as_drawn() {
    let drawn = [
        (
            "running",
            ["-", "stopped", "deallocated", "-", "running", "running", "deleted", "stopped"],
        ),
        ("stopped", ["-", "-", "deallocated", "running", "-", "running", "deleted", "-"]),
        ("deallocated", ["-", "-", "-", "running", "-", "-", "deleted", "-"]),
        ("not-deployed", ["running", "-", "-", "-", "-", "-", "-", "-"]),
        ("deleted", ["running", "-", "-", "-", "-", "-", "-", "-"]),
    ];
    let kinds = [
        "machine-deployed",
        "machine-stopped",
        "machine-deallocated",
        "machine-started",
        "machine-restarted",
        "machine-redeployed",
        "machine-deleted",
        "guest-shutdown",
    ];
    for (before, row) in drawn {
        let lab = format!("{}power = \"{before}\"\n", one("pay-as-you-go", "2019-03-01", "none"));
        for (kind, after) in kinds.iter().zip(row) {
            let mut world = world(&lab, "");
            let line = format!("{AT} {kind} machine=web");
            if after == "-" {
                refused(&mut world, &line);
            } else {
                happen(&mut world, &line).unwrap();
                let power = world.machines().values().next().unwrap().state.power;
                assert_eq!(power.name(), after, "{before} {kind}");
            }
        }
    }
}

#[test]
fn a_deleted_machine_owns_its_address_no_longer() {
    let lab = one("enterprise-agreement", "2019-03-01", "none");
    let world = world(&lab, &format!("{AT} machine-deleted machine=web"));
    let question = egress25_policy::Question {
        source: egress25_policy::Source::Address {
            network: None,
            address: "10.0.0.4".parse().unwrap(),
        },
        destination: INTERNET.parse().unwrap(),
        port: 25,
        source_port: None,
    };
    assert_eq!(short(&egress25_policy::decide(&world, &question)), "drop unknown-source");
    assert_eq!(world.machines().values().next().unwrap().state.power, Power::Deleted);
}

#[test]
fn a_change_of_offer_ends_the_exemption_and_counts_from_the_next_allocation() {
    let lab =
        format!("{}started_since_grant = true\n", one("pay-as-you-go", "2019-03-01", "granted"));
    let changed =
        "2020-12-08T09:00:00Z offer-changed subscription=contoso offer=microsoft-partner-network";
    let cycle = "2020-12-08T10:00:00Z machine-deallocated machine=web
                 2020-12-08T11:00:00Z machine-started machine=web";
    //= PG7 type=test
    assert_eq!(short(&ask(&world(&lab, changed), "web", INTERNET)), "pass exempt");
    let after = ask(&world(&lab, &format!("{changed}\n{cycle}")), "web", INTERNET);
    assert_eq!(short(&after), "drop exemption-lapsed");
    assert_eq!(ids(&after), ["PN1"]);
    assert!(assumed(&after).contains(&"exemption_survives_offer_change"));
    let survives = world_with(
        &lab,
        &[("exemption_survives_offer_change", "yes")],
        &format!("{changed}\n{cycle}"),
    );
    assert_eq!(short(&ask(&survives, "web", INTERNET)), "pass exempt");
}

#[test]
fn a_change_to_an_open_offer_waits_for_a_stop_and_start() {
    let lab = one("pay-as-you-go", "2019-03-01", "none");
    let changed =
        "2020-12-08T09:00:00Z offer-changed subscription=contoso offer=enterprise-agreement";
    let cycle = "2020-12-08T10:00:00Z machine-deallocated machine=web
                 2020-12-08T11:00:00Z machine-started machine=web";
    let waiting = ask(&world(&lab, changed), "web", INTERNET);
    assert_eq!(short(&waiting), "drop waiting-for-stop-and-start");
    assert!(assumed(&waiting).contains(&"offer_change_effect"));
    let after = ask(&world(&lab, &format!("{changed}\n{cycle}")), "web", INTERNET);
    assert_eq!(short(&after), "pass unrestricted-offer");
    let at_once = world_with(&lab, &[("offer_change_effect", "immediate")], changed);
    assert_eq!(short(&ask(&at_once, "web", INTERNET)), "pass unrestricted-offer");
}

#[test]
fn the_edition_2018_11_exempts_only_machines_created_after_it() {
    let lab = format!("edition = \"2018-11\"\n{}", one("pay-as-you-go", "2018-03-01", "none"));
    let granted = "2018-12-01T00:00:00Z exemption-asked subscription=contoso why=appliance
                   2018-12-02T00:00:00Z exemption-granted subscription=contoso
                   2018-12-03T00:00:00Z machine-deallocated machine=web
                   2018-12-03T01:00:00Z machine-started machine=web";
    let old = ask(&world(&lab, granted), "web", INTERNET);
    assert_eq!(short(&old), "drop created-before-exemption");
    assert_eq!(old.next_steps[0].name(), "create-anew");
    let again = "2018-12-04T00:00:00Z machine-deleted machine=web
                 2018-12-04T01:00:00Z machine-deployed machine=web
                 2018-12-05T00:00:00Z machine-deallocated machine=web
                 2018-12-05T01:00:00Z machine-started machine=web";
    let new = world(&lab, &format!("{granted}\n{again}"));
    assert_eq!(short(&ask(&new, "web", INTERNET)), "pass exempt");
}

#[test]
fn the_edition_in_force_programs_a_delegated_subnet_by_a_temporary_one() {
    let lab = &format!("{DELEGATED}kind = \"app-service\"\n");
    let cycle = "2024-01-01T00:00:00Z machine-deallocated machine=web
                 2024-01-01T01:00:00Z machine-started machine=web";
    let waiting = ask(&world(lab, cycle), "web", INTERNET);
    assert_eq!(short(&waiting), "drop waiting-for-stop-and-start");
    assert_eq!(waiting.next_steps[0].name(), "temporary-subnet");
    assert_eq!(ids(&waiting), ["AS1", "ED1", "AS3", "EF2"]);
    let renewed = world(lab, "2024-01-02T00:00:00Z temporary-subnet network=hub");
    assert_eq!(short(&ask(&renewed, "web", INTERNET)), "pass exempt");
}

const DELEGATED: &str = r#"
edition = "2023-12"
[subscription.contoso]
offer = "enterprise-dev-test"
created = "2019-03-01"
exemption = "granted"
[network.hub]
address_space = ["10.0.0.0/16"]
[network.hub.subnet.apps]
prefixes = ["10.0.0.0/24"]
delegated_to = "Microsoft.Web/serverFarms"
[machine.web]
subscription = "contoso"
network = "hub"
addresses = ["10.0.0.4"]
"#;
const SUBNET: &str = "DAYT02:00:00Z temporary-subnet network=hub";
const CYCLE: &str = "DAYT00:00:00Z machine-deallocated machine=web
                     DAYT01:00:00Z machine-started machine=web";

/// What the machine meets in the delegated subnet after this, each on a day of its own.
fn in_a_delegated_subnet(lab: &str, happened: &[&str]) -> Decision {
    let days = happened.iter().enumerate();
    let lines = days.map(|(day, what)| what.replace("DAY", &format!("2024-01-0{}", day + 1)));
    ask(&world(lab, &lines.collect::<Vec<_>>().join("\n")), "web", INTERNET)
}

#[test]
fn a_temporary_subnet_alone_programmed_a_machine_in_a_delegated_subnet() {
    for (done, left) in [
        (vec![], vec!["stop-and-start", "temporary-subnet"]),
        (vec![SUBNET], vec!["stop-and-start"]),
        (vec![CYCLE], vec!["temporary-subnet"]),
        (vec![SUBNET, SUBNET], vec!["stop-and-start"]),
    ] {
        let waiting = in_a_delegated_subnet(DELEGATED, &done);
        assert_eq!(short(&waiting), "drop waiting-for-stop-and-start", "{done:?}");
        assert!(ids(&waiting).contains(&"EF2"), "{done:?}");
        let steps = waiting.next_steps.iter().map(|step| step.name());
        let steps: Vec<_> = steps.filter(|name| *name != "use-relay").collect();
        assert_eq!(steps, left, "{done:?}");
    }
    for both in [[SUBNET, CYCLE], [CYCLE, SUBNET]] {
        let exempt = in_a_delegated_subnet(DELEGATED, &both);
        assert_eq!(short(&exempt), "pass exempt", "{both:?}");
        assert!(ids(&exempt).contains(&"EF2"), "{both:?}");
        assert!(!assumed(&exempt).contains(&"redeploy_counts"), "{both:?}");
    }
    // What was before the grant is nothing that a machine could have picked up.
    let before = DELEGATED.replace("\"granted\"", "\"requested\"");
    let granted = "DAYT03:00:00Z exemption-granted subscription=contoso";
    let waiting = in_a_delegated_subnet(&before, &[SUBNET, granted, CYCLE]);
    assert_eq!(short(&waiting), "drop waiting-for-stop-and-start");
}

#[test]
fn a_machine_beside_a_delegated_subnet_was_programmed_by_a_stop_and_start_alone() {
    let mail = "[network.hub.subnet.mail]\nprefixes = [\"10.0.1.0/24\"]\n[machine.web]";
    let lab = DELEGATED
        .replace("[machine.web]", mail)
        .replace("10.0.0.4\"]", "10.0.1.4\"]\nsubnet = \"mail\"");
    let waiting = in_a_delegated_subnet(&lab, &[CYCLE]);
    assert_eq!(short(&waiting), "drop waiting-for-stop-and-start");
    assert_eq!(waiting.next_steps[0].name(), "temporary-subnet");
    assert_eq!(short(&in_a_delegated_subnet(&lab, &[CYCLE, SUBNET])), "pass exempt");
}

#[test]
fn a_setting_was_not_named_that_decides_beside_a_temporary_subnet() {
    let asked = |happened: &[&str]| in_a_delegated_subnet(DELEGATED, happened);
    let redeployed = asked(&["DAYT00:00:00Z machine-redeployed machine=web", SUBNET]);
    assert_eq!(short(&redeployed), "pass exempt");
    assert!(assumed(&redeployed).contains(&"redeploy_counts"));
    // A restart is named where it would have been enough, and not where it would not.
    let restart = "DAYT00:00:00Z machine-restarted machine=web";
    for happened in [[SUBNET, restart], [restart, SUBNET]] {
        let restarted = asked(&happened);
        assert_eq!(short(&restarted), "drop waiting-for-stop-and-start", "{happened:?}");
        assert!(assumed(&restarted).contains(&"guest_restart_counts"), "{happened:?}");
    }
    assert!(!assumed(&asked(&[restart])).contains(&"guest_restart_counts"));
}

#[test]
fn an_exemption_of_an_earlier_edition_goes_on_working() {
    let lab = format!("edition = \"2023-12\"\n{}", one("pay-as-you-go", "2019-03-01", "none"));
    let mut day = events(
        "2020-12-08T09:00:00Z exemption-asked subscription=contoso
         2020-12-08T11:00:00Z exemption-granted subscription=contoso
         2020-12-08T13:00:00Z machine-deallocated machine=web
         2020-12-08T14:00:00Z machine-started machine=web",
    );
    let mut now = world(&lab, "");
    for event in &day {
        now.apply(event).unwrap();
    }
    let decision = ask(&now, "web", INTERNET);
    assert_eq!(short(&decision), "pass exempt");
    assert!(assumed(&decision).contains(&"grandfather_exemptions"));
    // On a day of its own, and where the event names it, the one in force grants nothing.
    let mut named = day[0].clone();
    named.edition = Some("2023-12".to_owned());
    world(&lab, "").refuse_what_is_never_granted(&named).unwrap_err();
    day[0].at = "2024-01-08T09:00:00Z".parse().unwrap();
    let refused = world(&lab, "").refuse_what_is_never_granted(&day[0]).unwrap_err();
    assert_eq!(refused.statements[0].statement.as_str(), "BL2");
    assert!(refused.to_string().ends_with("[BL2 (nsg-overview), BL3]"), "{refused}");
    let mut not = world_with(&lab, &[("grandfather_exemptions", "no")], "");
    for event in events(
        "2020-12-08T09:00:00Z exemption-asked subscription=contoso edition=2020-12
         2020-12-08T11:00:00Z exemption-granted subscription=contoso edition=2020-12",
    ) {
        not.apply(&event).unwrap();
    }
    assert_eq!(short(&ask(&not, "web", INTERNET)), "drop offer-never-exempt");
}

#[test]
fn what_comes_or_goes_is_told_apart_from_what_a_table_takes_in_place() {
    let firewall = "[firewall.af]\nsubscription = \"contoso\"\nnetwork = \"hub\"\n\
                    address = \"10.0.0.9\"\n";
    let mut world = world(&format!("{}{firewall}", one("pay-as-you-go", "2019-03-01", "none")), "");
    let log = [
        (
            "subscription-added subscription=other offer=enterprise-agreement created=2019-03-01",
            false,
        ),
        ("network-added network=spoke address_space=10.1.0.0/16", true),
        ("machine-deployed machine=new subscription=other network=spoke addresses=10.1.0.4", true),
        ("machine-deallocated machine=web", false),
        ("machine-started machine=web", false),
        ("exemption-asked subscription=contoso", false),
        ("offer-changed subscription=contoso offer=msdn", false),
        ("firewall-rules-updated firewall=af", false),
        ("firewall-stopped firewall=af", true),
        ("firewall-started firewall=af", true),
        ("machine-deleted machine=web", true),
    ];
    for (line, structure) in log {
        let applied = world.apply(&events(&format!("{AT} {line}"))[0]).unwrap();
        assert_eq!(applied.structure, structure, "{line}");
    }
    assert_eq!(short(&ask(&world, "new", INTERNET)), "pass unrestricted-offer");
}
