//! What a second reading of the article found wrong, one test each: the life of exemptions and
//! machines, and what decisions say that they rest on.

use egress25_policy::{
    Edition, Event, ExemptionState, InventoryFile, Offer, Refused, SubscriptionName, World,
};

use crate::support::{INTERNET, ask, assumed, events, ids, one, short, steps, world, world_with};

fn happen(world: &mut World, line: &str) -> Result<(), Refused> {
    let event: Event = events(line).remove(0);
    world.apply(&event).map(|_| ())
}

fn granted() -> String {
    one("pay-as-you-go", "2019-03-01", "granted")
}

fn exempt() -> String {
    format!("{}started_since_grant = true\n", granted())
}

const CYCLE: &str = "2020-12-20T00:00:00Z machine-deallocated machine=web
                     2020-12-20T01:00:00Z machine-started machine=web";

#[test]
fn revocation_was_reserved_for_offers_of_which_the_text_does_not_say_so() {
    let of_2021_04 =
        [Offer::PayAsYouGo, Offer::PartnerNetwork, Offer::BizSparkPlus, Offer::AzureSponsorship];
    let reserved = [
        ("2018-11", "RV1", vec![Offer::PayAsYouGo, Offer::PartnerNetwork]),
        ("2019-08", "RV1", vec![Offer::PayAsYouGo, Offer::PartnerNetwork]),
        ("2020-11", "PG9", vec![Offer::PayAsYouGo]),
        ("2020-12", "PG9", vec![Offer::PayAsYouGo]),
        ("2021-03", "RV1", vec![Offer::PayAsYouGo]),
        ("2021-04", "RV1", of_2021_04.to_vec()),
        ("2021-08", "RV1", of_2021_04.to_vec()),
        ("2022-11", "", vec![]),
        ("2023-12", "", vec![]),
    ];
    for (id, cited, offers) in reserved {
        let edition = Edition::named(id).unwrap();
        for offer in Offer::ALL {
            let (rule, _) = edition.rule(*offer);
            assert_eq!(rule.revocable, offers.contains(offer), "{id} {offer}");
            let expected: &[_] = if rule.revocable { &[cited] } else { &[] };
            let found: Vec<_> = rule.cites.revoke.iter().map(|id| id.as_str()).collect();
            assert_eq!(found, expected, "{id} {offer}");
        }
    }
}

#[test]
fn a_machine_of_a_type_that_is_left_is_told_what_the_present_type_may_do() {
    let lab = one("msdn", "2019-03-01", "none");
    let changed = "2020-12-08T00:00:00Z offer-changed subscription=contoso offer=pay-as-you-go";
    let asks = ask(&world(&lab, changed), "web", INTERNET);
    assert_eq!(short(&asks), "drop not-granted");
    assert_eq!(ids(&asks), ["DV1", "PG4"]);
    assert_eq!(steps(&asks), ["ask-for-exemption", "use-relay", "contact-support"]);
    let grant = format!(
        "{changed}
        2020-12-09T00:00:00Z exemption-asked subscription=contoso
        2020-12-10T00:00:00Z exemption-granted subscription=contoso"
    );
    for grandfather in ["yes", "no"] {
        let set = [("grandfather_exemptions", grandfather)];
        let waiting = ask(&world_with(&lab, &set, &grant), "web", INTERNET);
        assert_eq!(short(&waiting), "drop waiting-for-stop-and-start");
        assert_eq!(steps(&waiting)[0], "stop-and-start");
        assert!(!assumed(&waiting).contains(&"grandfather_exemptions"));
    }
    let back = one("pay-as-you-go", "2019-03-01", "none");
    let changed = "2020-12-08T00:00:00Z offer-changed subscription=contoso offer=msdn";
    let never = ask(&world(&back, changed), "web", INTERNET);
    assert_eq!(short(&never), "drop offer-never-exempt");
    assert_eq!(ids(&never), ["PG3", "DV2", "DV3"][..2]);
}

#[test]
fn an_offer_that_changes_and_changes_back_leaves_no_exemption_without_an_assumption() {
    let there_and_back =
        "2020-12-08T00:00:00Z offer-changed subscription=contoso offer=enterprise-agreement
         2020-12-09T00:00:00Z offer-changed subscription=contoso offer=pay-as-you-go";
    let back = world(&exempt(), there_and_back);
    let state = back.subscriptions()[&SubscriptionName::from("contoso")].exemption.state;
    assert_eq!(state, ExemptionState::Lapsed);
    let running = ask(&back, "web", INTERNET);
    assert_eq!(short(&running), "pass exempt");
    assert!(assumed(&running).contains(&"exemption_survives_offer_change"));
    assert!(assumed(&running).contains(&"offer_change_effect"));
    let again = format!(
        "{there_and_back}
        2020-12-10T00:00:00Z exemption-asked subscription=contoso"
    );
    let pending = ask(&world(&exempt(), &again), "web", INTERNET);
    assert_eq!(short(&pending), "pass exempt");
    assert!(assumed(&pending).contains(&"exemption_survives_offer_change"));
    let cycled = ask(&world(&exempt(), &format!("{there_and_back}\n{CYCLE}")), "web", INTERNET);
    assert_eq!(short(&cycled), "drop exemption-lapsed");
    let lapsed = one("pay-as-you-go", "2019-03-01", "lapsed");
    let survives = [("exemption_survives_offer_change", "yes")];
    let survived = ask(&world_with(&lapsed, &survives, ""), "web", INTERNET);
    assert_eq!(short(&survived), "drop waiting-for-stop-and-start");
}

#[test]
fn a_revoked_exemption_that_still_runs_names_the_revocation_after_a_new_request_too() {
    let again = "2020-12-08T00:00:00Z exemption-revoked subscription=contoso
                 2020-12-09T00:00:00Z exemption-asked subscription=contoso";
    for (effect, answer) in [("next-start", "pass exempt"), ("immediate", "drop request-pending")] {
        let set = [("revocation_effect", effect)];
        let decision = ask(&world_with(&exempt(), &set, again), "web", INTERNET);
        assert_eq!(short(&decision), answer);
        assert!(assumed(&decision).contains(&"revocation_effect"), "{effect}");
    }
}

#[test]
fn a_machine_that_was_started_after_the_revocation_does_not_rest_on_when_it_counts() {
    let revoked = "2020-12-10T00:00:00Z exemption-revoked subscription=contoso";
    let running = ask(&world(&exempt(), revoked), "web", INTERNET);
    assert!(assumed(&running).contains(&"revocation_effect"));
    let cycled = ask(&world(&exempt(), &format!("{revoked}\n{CYCLE}")), "web", INTERNET);
    assert_eq!(short(&cycled), "drop revoked");
    assert!(!assumed(&cycled).contains(&"revocation_effect"));
}

#[test]
fn a_change_at_once_brings_no_exemption_to_a_machine_that_never_picked_it_up() {
    let set = [("offer_change_effect", "immediate"), ("exemption_survives_offer_change", "yes")];
    let changed = "2020-12-08T00:00:00Z offer-changed subscription=contoso offer=bizspark-plus";
    let waiting = ask(&world_with(&granted(), &set, changed), "web", INTERNET);
    assert_eq!(short(&waiting), "drop waiting-for-stop-and-start");
    assert!(assumed(&waiting).contains(&"offer_change_effect"));
    let kept = ask(&world_with(&exempt(), &set, changed), "web", INTERNET);
    assert_eq!(short(&kept), "pass exempt");
}

#[test]
fn a_statement_on_changes_from_open_types_is_not_cited_for_a_change_to_one() {
    let lab = |edition: &str, offer| {
        format!("edition = \"{edition}\"\n{}", one(offer, "2019-03-01", "none"))
    };
    let to_open =
        "2021-05-01T00:00:00Z offer-changed subscription=contoso offer=enterprise-agreement";
    let to_closed = "2021-05-01T00:00:00Z offer-changed subscription=contoso offer=pay-as-you-go";
    let of = |lab: &str, events| ids(&ask(&world(lab, events), "web", INTERNET)).join(" ");
    assert_eq!(of(&lab("2021-04", "pay-as-you-go"), to_open), "PG3c");
    assert_eq!(of(&lab("2021-04", "enterprise-agreement"), to_closed), "TC1b EA1b");
    assert_eq!(of(&lab("2021-04", "msdn"), to_closed), "DV1c PG4d");
    // This edition says of every change when it takes effect.
    assert_eq!(of(&lab("2021-03", "pay-as-you-go"), to_open), "EF1c PG3");
    assert_eq!(of(&lab("2021-03", "enterprise-agreement"), to_closed), "TC1 EF1c EA1b");
}

#[test]
fn a_change_to_azure_in_open_rests_on_whether_that_may_ask() {
    let lab = format!("edition = \"2018-11\"\n{}", one("msdn", "2018-01-01", "none"));
    let changed = "2018-12-01T00:00:00Z offer-changed subscription=contoso offer=azure-in-open";
    for (may_ask, answer) in [("no", "drop offer-never-exempt"), ("yes", "drop not-granted")] {
        let set = [("azure_in_open_may_ask_2018", may_ask)];
        let decision = ask(&world_with(&lab, &set, changed), "web", INTERNET);
        assert_eq!(short(&decision), answer);
        assert!(assumed(&decision).contains(&"azure_in_open_may_ask_2018"));
    }
}

#[test]
fn a_request_that_was_open_when_the_type_changed_is_not_granted_to_one_that_never_is() {
    let mut never = world(&one("free-trial", "2019-03-01", "requested"), "");
    let grant = "2020-12-08T00:00:00Z exemption-granted subscription=contoso";
    //= DV2 type=test
    let grants = |world: &World| world.refuse_what_is_never_granted(&events(grant)[0]);
    let refused = grants(&never).unwrap_err();
    assert!(refused.what.contains("names no way to an exemption"), "{refused}");
    assert_eq!(refused.statements[0].statement.as_str(), "DV2");
    let log = "2020-12-07T00:00:00Z exemption-asked subscription=contoso
                 2020-12-07T01:00:00Z offer-changed subscription=contoso offer=free-trial";
    let lab = one("pay-as-you-go", "2019-03-01", "none");
    let mut kept = world_with(&lab, &[("exemption_survives_offer_change", "yes")], log);
    assert!(grants(&kept).is_err());
    for world in [&mut never, &mut kept] {
        happen(world, grant).unwrap();
        assert_eq!(short(&ask(world, "web", INTERNET)), "drop offer-never-exempt");
    }
}

#[test]
fn an_exemption_of_an_earlier_edition_rests_on_the_setting_where_this_one_grants_some_too() {
    let lab = format!("edition = \"2021-04\"\n{}", one("pay-as-you-go", "2019-03-01", "none"));
    let mut early = events(
        "2020-12-08T09:00:00Z exemption-asked subscription=contoso
         2020-12-08T11:00:00Z exemption-granted subscription=contoso",
    );
    early.iter_mut().for_each(|event| event.edition = Some("2020-12".to_owned()));
    for (setting, answer) in [("yes", "pass exempt"), ("no", "drop not-granted")] {
        let mut now = world_with(&lab, &[("grandfather_exemptions", setting)], "");
        for event in early.iter().chain(&events(CYCLE)) {
            now.apply(event).unwrap();
        }
        let decision = ask(&now, "web", INTERNET);
        assert_eq!(short(&decision), answer);
        assert!(assumed(&decision).contains(&"grandfather_exemptions"));
        let again = happen(&mut now, "2021-05-01T00:00:00Z exemption-asked subscription=contoso");
        assert_eq!(again.is_ok(), setting == "no", "what does not count is asked for anew");
    }
}

#[test]
fn a_request_of_an_earlier_edition_that_this_one_grants_rests_on_this_one() {
    let lab = format!("edition = \"2021-04\"\n{}", one("pay-as-you-go", "2019-03-01", "none"));
    let mut log = events(
        "2020-12-08T09:00:00Z exemption-asked subscription=contoso
         2020-12-08T11:00:00Z exemption-granted subscription=contoso",
    );
    log[0].edition = Some("2020-12".to_owned());
    let mut now = world_with(&lab, &[("grandfather_exemptions", "no")], "");
    for event in log.iter().chain(&events(CYCLE)) {
        now.apply(event).unwrap();
    }
    let decision = ask(&now, "web", INTERNET);
    assert_eq!(short(&decision), "pass exempt");
    assert!(!assumed(&decision).contains(&"grandfather_exemptions"));
}

#[test]
fn a_restart_before_the_grant_is_not_named() {
    let lab = one("pay-as-you-go", "2019-03-01", "requested");
    let grant = "2020-12-08T00:00:00Z exemption-granted subscription=contoso";
    let before = format!("2020-12-07T00:00:00Z machine-restarted machine=web\n{grant}");
    let after = format!("{grant}\n2020-12-09T00:00:00Z machine-restarted machine=web");
    let names = |events: &str| {
        let decision = ask(&world(&lab, events), "web", INTERNET);
        assert_eq!(short(&decision), "drop waiting-for-stop-and-start");
        assumed(&decision).contains(&"guest_restart_counts")
    };
    assert!(!names(&before));
    assert!(names(&after));
}

#[test]
fn a_machine_that_was_deployed_before_the_grant_does_not_rest_on_new_ones() {
    let lab = format!(
        "{}deployed = \"2020-12-01T00:00:00Z\"\n",
        one("pay-as-you-go", "2019-03-01", "requested")
    );
    let grant = "2020-12-08T00:00:00Z exemption-granted subscription=contoso";
    for setting in ["yes", "no"] {
        let set = [("new_vm_after_exemption", setting)];
        let decision = ask(&world_with(&lab, &set, grant), "web", INTERNET);
        assert_eq!(short(&decision), "drop waiting-for-stop-and-start");
        assert!(!assumed(&decision).contains(&"new_vm_after_exemption"), "{setting}");
    }
}

#[test]
fn a_redeploy_that_does_not_count_and_a_restart_that_misses_a_change_of_type_are_named() {
    // A shutdown that a redeploy ends is no restart.
    let redeployed = "2020-12-09T00:00:00Z guest-shutdown machine=web
                      2020-12-09T01:00:00Z machine-redeployed machine=web";
    let set = [("redeploy_counts", "no")];
    let decision = ask(&world_with(&granted(), &set, redeployed), "web", INTERNET);
    assert_eq!(short(&decision), "drop waiting-for-stop-and-start");
    assert!(assumed(&decision).contains(&"redeploy_counts"));
    assert!(!assumed(&decision).contains(&"guest_restart_counts"));
    let restarted =
        "2020-12-08T00:00:00Z offer-changed subscription=contoso offer=enterprise-agreement
         2020-12-09T00:00:00Z machine-restarted machine=web";
    let decision =
        ask(&world(&one("pay-as-you-go", "2019-03-01", "none"), restarted), "web", INTERNET);
    assert_eq!(short(&decision), "drop waiting-for-stop-and-start");
    assert!(assumed(&decision).contains(&"guest_restart_counts"));
}

const OTHER: &str =
    "[machine.other]\nsubscription = \"contoso\"\nnetwork = \"hub\"\naddresses = [\"10.0.0.5\"]\n";

#[test]
fn one_cycle_before_the_lab_began_frees_the_others_too_where_one_frees_all() {
    let lab = format!("{}{OTHER}started_since_grant = true\n", granted());
    let by_default = ask(&world(&lab, ""), "web", INTERNET);
    assert_eq!(short(&by_default), "drop waiting-for-stop-and-start");
    assert!(assumed(&by_default).contains(&"one_cycle_frees_all"));
    let freed = ask(&world_with(&lab, &[("one_cycle_frees_all", "yes")], ""), "web", INTERNET);
    assert_eq!(short(&freed), "pass exempt");
    assert!(assumed(&freed).contains(&"one_cycle_frees_all"));
}

#[test]
fn one_cycle_frees_nobody_where_only_machines_created_later_are_exempt() {
    let lab =
        format!("edition = \"2018-11\"\n{}{OTHER}deployed = \"2018-12-01T00:00:00Z\"\n", granted());
    let cycle = "2018-12-03T00:00:00Z machine-deallocated machine=other
                 2018-12-03T01:00:00Z machine-started machine=other";
    let world = world_with(&lab, &[("one_cycle_frees_all", "yes")], cycle);
    assert_eq!(short(&ask(&world, "other", INTERNET)), "pass exempt");
    assert_eq!(short(&ask(&world, "web", INTERNET)), "drop created-before-exemption");
}

#[test]
fn app_service_is_no_virtual_machine_that_an_exemption_covers() {
    let app = |edition: &str, offer: &str| {
        let lab = exempt().replace("pay-as-you-go", offer);
        format!("edition = \"{edition}\"\n{lab}kind = \"app-service\"\n")
    };
    let set = [("app_service_when_silent", "subscription-rule")];
    let app_2020 = app("2020-12", "pay-as-you-go");
    let decision = ask(&world_with(&app_2020, &set, ""), "web", INTERNET);
    //= PG8 type=test
    assert_eq!(short(&decision), "drop exemption-does-not-cover");
    assert_eq!(ids(&decision), ["PG3", "PG7", "PG8"]);
    assert!(assumed(&decision).contains(&"app_service_when_silent"));
    assert_eq!(steps(&decision), ["use-relay"]);
    let waiting = app_2020.replace("started_since_grant = true\n", "");
    let waiting = ask(&world_with(&waiting, &set, ""), "web", INTERNET);
    assert_eq!(short(&waiting), "drop exemption-does-not-cover");
    let named = ask(&world(&app("2022-11", "enterprise-dev-test"), ""), "web", INTERNET);
    assert_eq!(short(&named), "pass exempt");
}

#[test]
fn an_unnamed_offer_that_is_blocked_whatever_the_date_is_blocked_whatever_the_date() {
    let lab = one("mca-e", "2016-01-01", "none");
    let set = [("unnamed_offer", "blocked"), ("honour_pre_2017_subscriptions", "yes")];
    let decision = ask(&world_with(&lab, &set, ""), "web", INTERNET);
    assert_eq!(short(&decision), "drop not-granted");
    assert!(!assumed(&decision).contains(&"honour_pre_2017_subscriptions"));
    let named = one("pay-as-you-go", "2016-01-01", "none");
    let named = ask(&world_with(&named, &set, ""), "web", INTERNET);
    assert_eq!(short(&named), "pass predates-restriction");
}

#[test]
fn on_the_cutoff_day_a_type_without_a_date_rests_on_the_day_and_on_the_date() {
    let lab = one("cloud-solution-provider", "2017-11-15", "none");
    let decision = ask(&world(&lab, ""), "web", INTERNET);
    assert_eq!(short(&decision), "drop not-granted");
    assert_eq!(assumed(&decision), ["csp_cutoff", "cutoff_day_restricted", "block_form"]);
    let old = ask(&world_with(&lab, &[("cutoff_day_restricted", "no")], ""), "web", INTERNET);
    assert_eq!(short(&old), "pass predates-restriction");
    assert!(assumed(&old).contains(&"csp_cutoff"));
}

#[test]
fn a_machine_of_the_cutoff_day_in_an_old_subscription_rests_on_the_day() {
    let lab = format!(
        "{}deployed = \"2017-11-15T12:00:00Z\"\n",
        one("pay-as-you-go", "2017-01-01", "none")
    );
    for (day, answer) in [("yes", "drop not-granted"), ("no", "pass predates-restriction")] {
        let set =
            [("new_deployment_in_old_subscription", "restricted"), ("cutoff_day_restricted", day)];
        let decision = ask(&world_with(&lab, &set, ""), "web", INTERNET);
        assert_eq!(short(&decision), answer);
        assert!(assumed(&decision).contains(&"cutoff_day_restricted"));
    }
    // It does not where new machines are as old ones, nor one of another day.
    let other = lab.replace("2017-11-15", "2018-01-01");
    for (lab, setting) in [(&lab, "unrestricted"), (&other, "restricted")] {
        let set = [("new_deployment_in_old_subscription", setting)];
        let decision = ask(&world_with(lab, &set, ""), "web", INTERNET);
        assert!(!assumed(&decision).contains(&"cutoff_day_restricted"), "{setting}");
    }
}

#[test]
fn where_removal_is_asked_for_in_two_places_both_are_told() {
    let lab =
        format!("edition = \"2021-04\"\n{}", one("cloud-solution-provider", "2019-03-01", "none"));
    let decision = ask(&world(&lab, ""), "web", INTERNET);
    assert_eq!(steps(&decision), ["ask-for-exemption", "ask-for-exemption", "use-relay"]);
    let texts: Vec<_> = decision.next_steps.iter().map(ToString::to_string).collect();
    assert!(texts[0].contains("Diagnose and solve"), "{texts:?}");
    assert!(texts[1].contains("support case"), "{texts:?}");
}

#[test]
fn a_revoked_offer_that_is_never_exempt_any_more_was_told_to_ask() {
    let lab = format!("edition = \"2023-12\"\n{}", one("pay-as-you-go", "2019-03-01", "revoked"));
    let decision = ask(&world(&lab, ""), "web", INTERNET);
    assert_eq!(short(&decision), "drop revoked");
    assert_eq!(steps(&decision), ["use-relay"]);
}

#[test]
fn a_type_without_terms_of_its_own_is_told_by_which_statement_to_stop_and_start() {
    let lab = one("cloud-solution-provider", "2019-03-01", "granted");
    let decision = ask(&world(&lab, ""), "web", INTERNET);
    assert_eq!(short(&decision), "drop waiting-for-stop-and-start");
    assert_eq!(decision.next_steps[0].statements()[0].as_str(), "PG6");
}

#[test]
fn a_temporary_subnet_in_another_network_programs_nothing() {
    let lab = r#"
edition = "2023-12"
[subscription.contoso]
offer = "enterprise-dev-test"
created = "2019-03-01"
exemption = "granted"
[network.hub]
address_space = ["10.0.0.0/16"]
[network.apps]
address_space = ["10.1.0.0/16"]
[network.apps.subnet.delegated]
prefixes = ["10.1.0.0/24"]
delegated_to = "Microsoft.Web/serverFarms"
[machine.web]
subscription = "contoso"
[[machine.web.interfaces]]
network = "hub"
addresses = ["10.0.0.4"]
[[machine.web.interfaces]]
network = "apps"
addresses = ["10.1.0.4"]
"#;
    let wrong =
        ask(&world(lab, "2024-01-02T00:00:00Z temporary-subnet network=hub"), "web", INTERNET);
    assert_eq!(short(&wrong), "drop waiting-for-stop-and-start");
    assert!(wrong.next_steps[1].to_string().contains("`apps`"), "{}", wrong.next_steps[1]);
    let both = "2024-01-02T00:00:00Z temporary-subnet network=apps
                2024-01-02T01:00:00Z machine-deallocated machine=web
                2024-01-02T02:00:00Z machine-started machine=web";
    let right = ask(&world(lab, both), "web", INTERNET);
    assert_eq!(short(&right), "pass exempt");
    assert!(ids(&right).contains(&"EF2"));
}

#[test]
fn a_refused_deployment_leaves_the_world_as_it_was() {
    let lab = format!("{}{OTHER}power = \"deleted\"\n", granted());
    let at = "2020-12-08T00:00:00Z";
    let cases = [
        // An address that is taken; twice the same; outside; no such subnet, network, owner.
        ("other", "contoso", "hub", "", "\"10.0.0.6\", \"10.0.0.4\""),
        ("other", "contoso", "hub", "", "\"10.0.0.6\", \"10.0.0.6\""),
        ("other", "contoso", "hub", "", "\"10.0.0.6\", \"10.9.0.6\""),
        ("other", "contoso", "hub", "", ""),
        ("other", "contoso", "hub", "subnet = \"none\"", "\"10.0.0.6\""),
        ("other", "contoso", "spoke", "", "\"10.0.0.6\""),
        ("other", "fabrikam", "hub", "", "\"10.0.0.6\""),
        ("web", "contoso", "hub", "", "\"10.0.0.6\""),
    ];
    for (machine, subscription, network, subnet, addresses) in cases {
        let text = format!(
            "[[event]]\nat = \"{at}\"\nkind = \"machine-deployed\"\nmachine = \"{machine}\"\n\
             subscription = \"{subscription}\"\nnetwork = \"{network}\"\n{subnet}\n\
             addresses = [{addresses}]\n"
        );
        let event = egress25_policy::parse_events(&text).unwrap().remove(0);
        let mut world = world(&lab, "");
        let before = format!("{world:?}");
        world.apply(&event).unwrap_err();
        assert_eq!(before, format!("{world:?}"), "{text}");
    }
}

#[test]
fn two_firewalls_at_one_address_are_refused() {
    let firewall = |name: &str, address: &str| {
        format!(
            "[firewall.{name}]\nsubscription = \"contoso\"\nnetwork = \"hub\"\n\
             address = \"{address}\"\n"
        )
    };
    let build = |text: &str| {
        InventoryFile::parse(text).unwrap().build(&Edition::default_edition().unwrap(), &[])
    };
    let apart = format!("{}{}{}", granted(), firewall("a", "10.0.0.8"), firewall("b", "10.0.0.9"));
    build(&apart).unwrap();
    let error = build(&apart.replace("10.0.0.9", "10.0.0.8")).unwrap_err();
    assert_eq!(error.key.as_deref(), Some("firewall.b.address"));
    assert!(error.what.contains("belongs to firewall `a` already"), "{}", error.what);
}
