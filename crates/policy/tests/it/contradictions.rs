//! What contradicts the text, and what a change of offer leaves behind a firewall: found by
//! somebody who tried to break the answers.

use egress25_policy::Decision;

use crate::support::{INTERNET, ask, assumed, ids, one, short, world, world_with};

fn of(edition: &str, offer: &str, created: &str, exemption: &str) -> String {
    format!("edition = \"{edition}\"\n{}", one(offer, created, exemption))
}

/// A lab whose machine sends by an Azure Firewall of the subscription `hub`.
fn behind_firewall(edition: &str, hub: &str, renewed: bool) -> String {
    format!(
        r#"
edition = "{edition}"
[subscription.contoso]
offer = "msdn"
created = "2019-03-01"
[subscription.hub]
created = "2019-03-01"
{hub}
[network.hub]
address_space = ["10.0.0.0/16"]
[network.hub.subnet.apps]
prefixes = ["10.0.0.0/24"]
route_table = "out"
[network.hub.subnet.AzureFirewallSubnet]
prefixes = ["10.0.1.0/24"]
[route-table.out]
routes = [{{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.1.9" }}]
[firewall.af]
subscription = "hub"
network = "hub"
subnet = "AzureFirewallSubnet"
address = "10.0.1.9"
renewed_since_grant = {renewed}
[machine.web]
subscription = "contoso"
network = "hub"
subnet = "apps"
addresses = ["10.0.0.4"]
"#
    )
}

#[test]
fn a_history_that_grants_what_is_never_granted_could_not_be_told() {
    let told = "2020-12-08T01:00:00Z exemption-asked subscription=contoso channel=portal
                2020-12-08T02:00:00Z exemption-granted subscription=contoso
                2020-12-08T03:00:00Z machine-deallocated machine=web
                2020-12-08T04:00:00Z machine-started machine=web";
    for (edition, statement) in [("2020-12", "DV2"), ("2021-04", "DV2"), ("2023-12", "BL2")] {
        let lab = of(edition, "msdn", "2019-03-01", "none");
        let decision = ask(&world(&lab, told), "web", INTERNET);
        assert_eq!(short(&decision), "drop offer-never-exempt", "{edition}");
        assert!(ids(&decision).contains(&statement), "{edition}: {:?}", ids(&decision));
        assert!(assumed(&decision).contains(&"never_granted_but_granted"), "{edition}");
        assert!(decision.warnings[0].contains("contradicts the text"), "{:?}", decision.warnings);
        let counts = world_with(&lab, &[("never_granted_but_granted", "counts")], told);
        assert_eq!(short(&ask(&counts, "web", INTERNET)), "pass exempt", "{edition}");
        // One that is asked for alone contradicts nothing yet.
        let asked = ask(&world(&lab, told.lines().next().unwrap()), "web", INTERNET);
        assert_eq!(short(&asked), "drop offer-never-exempt", "{edition}");
        assert!(asked.warnings.is_empty(), "{edition}");
    }
}

#[test]
fn a_grant_under_an_edition_that_grants_none_counted_as_that_editions() {
    let lab = of("2020-12", "pay-as-you-go", "2018-03-01", "none");
    let told = "2024-10-15T00:00:00Z exemption-asked subscription=contoso edition=2023-12
                2024-11-01T00:00:00Z exemption-granted subscription=contoso edition=2023-12
                2024-11-02T00:00:00Z machine-deallocated machine=web
                2024-11-02T01:00:00Z machine-started machine=web";
    let decision = ask(&world(&lab, told), "web", INTERNET);
    assert_eq!(short(&decision), "drop not-granted");
    assert!(assumed(&decision).contains(&"never_granted_but_granted"));
}

#[test]
fn what_is_open_was_refused_as_never_granted() {
    let open = world(&of("2020-12", "enterprise-agreement", "2019-03-01", "none"), "");
    let asked = crate::support::events("2020-12-08T01:00:00Z exemption-asked subscription=contoso");
    assert_eq!(open.refuse_what_is_never_granted(&asked[0]), Ok(()));
}

#[test]
fn a_firewall_took_a_new_type_at_once_whatever_the_setting() {
    let hub = "offer = \"enterprise-agreement\"";
    let left = "2024-01-01T00:00:00Z offer-changed subscription=hub offer=pay-as-you-go";
    let renewed = format!("{left}\n2024-01-02T00:00:00Z firewall-rules-updated firewall=af");
    let lab = behind_firewall("2023-12", hub, false);
    let running = ask(&world(&lab, left), "web", INTERNET);
    assert_eq!(short(&running), "pass unrestricted-offer");
    assert_eq!(assumed(&running)[0], "offer_change_effect");
    assert!(ids(&running).contains(&"TC1c"), "{:?}", ids(&running));
    let immediate = [("offer_change_effect", "immediate")];
    let at_once = ask(&world_with(&lab, &immediate, left), "web", INTERNET);
    assert_eq!(short(&at_once), "drop offer-never-exempt");
    assert!(assumed(&at_once).contains(&"offer_change_effect"));
    let updated = ask(&world(&lab, &renewed), "web", INTERNET);
    assert_eq!(short(&updated), "drop offer-never-exempt");
    assert!(!assumed(&updated).contains(&"offer_change_effect"));
    // The other way round it waits for the firewall, and says so.
    let lab = behind_firewall("2023-12", "offer = \"pay-as-you-go\"", false);
    let opened = "2024-01-01T00:00:00Z offer-changed subscription=hub offer=enterprise-agreement";
    let waiting = ask(&world(&lab, opened), "web", INTERNET);
    assert_eq!(short(&waiting), "drop waiting-for-stop-and-start");
    assert_eq!(waiting.next_steps[0].name(), "renew-firewall");
}

#[test]
fn an_exemption_that_a_change_of_type_ended_was_not_named_behind_a_firewall() {
    let hub = "offer = \"pay-as-you-go\"\nexemption = \"granted\"";
    let lab = behind_firewall("2021-08", hub, true);
    let changed = "2021-09-01T00:00:00Z offer-changed subscription=hub offer=azure-sponsorship";
    let renewed = format!("{changed}\n2021-09-02T00:00:00Z firewall-rules-updated firewall=af");
    let asked =
        |set: &[(&str, &str)], events: &str| ask(&world_with(&lab, set, events), "web", INTERNET);
    let survives = [("exemption_survives_offer_change", "yes")];
    let both = |decision: &Decision| {
        ["exemption_survives_offer_change", "offer_change_effect"]
            .map(|setting| assumed(decision).contains(&setting))
    };
    let kept = asked(&[], changed);
    assert_eq!((short(&kept).as_str(), both(&kept)), ("pass exempt", [true, true]));
    let ended = asked(&[("offer_change_effect", "immediate")], changed);
    assert_eq!((short(&ended).as_str(), both(&ended)), ("drop exemption-lapsed", [true, true]));
    let ended = asked(&[], &renewed);
    assert_eq!((short(&ended).as_str(), both(&ended)), ("drop exemption-lapsed", [true, false]));
    let survived = asked(&survives, &renewed);
    assert_eq!((short(&survived).as_str(), both(&survived)), ("pass exempt", [true, false]));
}

#[test]
fn an_app_service_rested_on_what_the_text_says_of_machines() {
    for edition in ["2022-11", "2023-12"] {
        let lab = of(edition, "enterprise-dev-test", "2019-03-01", "granted");
        let lab = lab + "kind = \"app-service\"\n";
        let renewed = "2024-01-02T00:00:00Z temporary-subnet network=hub";
        for (events, answer) in [("", "drop waiting-for-stop-and-start"), (renewed, "pass exempt")]
        {
            let decision = ask(&world(&lab, events), "web", INTERNET);
            assert_eq!(short(&decision), answer, "{edition}");
            assert_eq!(ids(&decision), ["AS1", "ED1", "AS3"], "{edition} {answer}");
        }
    }
}

#[test]
fn an_app_service_of_the_first_week_rested_on_a_page_that_was_not_there() {
    let lab = of("2021-03", "enterprise-agreement", "2019-03-01", "none");
    let lab = lab + "kind = \"app-service\"\n";
    let blocked = ask(&world(&lab, ""), "web", INTERNET);
    assert_eq!(short(&blocked), "drop platform-service-unsupported");
    assert_eq!(ids(&blocked), ["AS2"]);
    assert!(assumed(&blocked).contains(&"app_service_when_silent"));
    let set = [("app_service_when_silent", "subscription-rule")];
    let open = ask(&world_with(&lab, &set, ""), "web", INTERNET);
    assert_eq!(short(&open), "pass unrestricted-offer");
    assert!(!ids(&open).contains(&"AS2"));
}

#[test]
fn what_the_article_says_of_open_types_was_the_ground_of_other_firewalls() {
    for (hub, answer, cited) in [
        ("enterprise-agreement", "pass unrestricted-offer", ["AF1", "EA1c"]),
        ("pay-as-you-go", "drop offer-never-exempt", ["FW2c", "BL1b"]),
    ] {
        let lab = behind_firewall("2023-12", &format!("offer = \"{hub}\""), false);
        let decision = ask(&world(&lab, ""), "web", INTERNET);
        assert_eq!(short(&decision), answer);
        assert_eq!(ids(&decision)[..2], cited, "{hub}");
    }
}

#[test]
fn a_subscription_of_the_cutoff_day_rested_on_the_page_that_speaks_of_older_ones() {
    let lab = of("2023-12", "pay-as-you-go", "2017-11-15", "none");
    let honour = ("honour_pre_2017_subscriptions", "yes");
    let blocked = ask(&world_with(&lab, &[honour], ""), "web", INTERNET);
    assert_eq!(short(&blocked), "drop offer-never-exempt");
    assert_eq!(ids(&blocked), ["BL1b", "BL2", "BL3"]);
    for setting in ["honour_pre_2017_subscriptions", "cutoff_day_restricted"] {
        assert!(assumed(&blocked).contains(&setting), "{setting}");
    }
    let old = world_with(&lab, &[honour, ("cutoff_day_restricted", "no")], "");
    let old = ask(&old, "web", INTERNET);
    assert_eq!(short(&old), "pass predates-restriction");
    assert_eq!(ids(&old), ["OS1"]);
}

#[test]
fn a_revocation_was_refused_with_statements_on_requests() {
    for (offer, cited) in [("pay-as-you-go", "[PG9]"), ("azure-sponsorship", "`granted`")] {
        let mut nothing = world(&of("2020-12", offer, "2019-03-01", "none"), "");
        let revoked = "2020-12-08T01:00:00Z exemption-revoked subscription=contoso";
        let refused = nothing.apply(&crate::support::events(revoked)[0]).unwrap_err();
        assert!(refused.to_string().ends_with(cited), "{refused}");
    }
}

#[test]
fn the_readings_by_which_a_sender_behind_an_appliance_is_exempt_were_not_named() {
    let appliance = |edition: &str, sender: &str| {
        let appliance = "[machine.nva]\nsubscription = \"hub\"\nnetwork = \"hub\"\n\
                         subnet = \"AzureFirewallSubnet\"\naddresses = [\"10.0.1.9\"]\n\
                         ip_forwarding = true\n[machine.web]\nstarted_since_grant = true";
        let lab = behind_firewall(edition, "offer = \"enterprise-dev-test\"", false);
        let (before, rest) = lab.split_once("[firewall.af]").unwrap();
        let (_, machine) = rest.split_once("[machine.web]").unwrap();
        let sender = format!("offer = \"{sender}\"\nexemption = \"granted\"");
        format!("{before}{appliance}{machine}").replacen("offer = \"msdn\"", &sender, 1)
    };
    let lab = appliance("2023-12", "msdn");
    for (counts, answer) in
        [("counts", "drop exemption-does-not-cover"), ("does-not-count", "drop not-granted")]
    {
        let set = [("exempt_via_appliance", "blocked"), ("never_granted_but_granted", counts)];
        let decision = ask(&world_with(&lab, &set, ""), "web", INTERNET);
        assert_eq!(short(&decision), answer);
        assert!(assumed(&decision).contains(&"never_granted_but_granted"), "{counts}");
    }
    // Where the appliance decides it does not matter.
    let decides = ask(&world(&lab, ""), "web", INTERNET);
    assert_eq!(short(&decides), "drop not-granted");
    assert!(!assumed(&decides).contains(&"never_granted_but_granted"));
}
