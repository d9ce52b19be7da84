//! Which grants count: who could grant them, when, and to which offer.

use egress25_policy::{Decision, Edition, Offer, Restriction};

use crate::every_edition::facts::{EDITIONS, Effect};
use crate::every_edition::grant_counts;
use crate::support::{INTERNET, ask, assumed, events, one, short, world, world_with};

const NEVER: [&str; 7] = [
    "msdn",
    "azure-pass",
    "azure-in-open",
    "education",
    "free-trial",
    "azure-for-students",
    "visual-studio",
];

fn of(edition: &str, offer: &str, exemption: &str, started: bool) -> String {
    let started = if started { "started_since_grant = true\n" } else { "" };
    format!("edition = \"{edition}\"\n{}{started}", one(offer, "2019-03-01", exemption))
}

fn never_exempt(decision: &Decision) {
    assert_eq!(short(decision), "drop offer-never-exempt");
    assert!(assumed(decision).contains(&"never_granted_but_granted"));
    assert!(decision.warnings[0].contains("contradicts the text"), "{:?}", decision.warnings);
}

#[test]
fn a_grant_to_an_offer_that_is_never_exempt_passed_as_exempt() {
    for edition in Edition::all().unwrap() {
        for offer in NEVER {
            never_exempt(&ask(
                &world(&of(&edition.id, offer, "granted", true), ""),
                "web",
                INTERNET,
            ));
            never_exempt(&ask(
                &world(&of(&edition.id, offer, "revoked", false), ""),
                "web",
                INTERNET,
            ));
        }
    }
}

#[test]
fn a_grant_of_an_earlier_edition_counts_and_is_grandfathered() {
    for offer in ["pay-as-you-go", "azure-sponsorship", "bizspark-plus", "cloud-solution-provider"]
    {
        let decision = ask(&world(&of("2023-12", offer, "granted", true), ""), "web", INTERNET);
        assert_eq!(short(&decision), "pass exempt", "{offer}");
        assert!(assumed(&decision).contains(&"grandfather_exemptions"), "{offer}");
        assert!(decision.warnings.is_empty(), "{offer}");
    }
    // No edition lets plain BizSpark ask, whatever the rows for offers that are not named say.
    never_exempt(&ask(&world(&of("2023-12", "bizspark", "granted", true), ""), "web", INTERNET));
}

#[test]
fn a_grant_counted_by_any_earlier_edition_and_not_by_the_one_of_its_day() {
    let mut grandfathered = 0;
    for edition in EDITIONS {
        for stood in EDITIONS {
            for offer in edition.rows.iter().flat_map(|row| row.offers) {
                let Some(counts) = grant_counts(edition, stood, offer) else { continue };
                let lab = one(offer, "2018-01-01", "none");
                let mut world = world(&format!("edition = \"{}\"\n{lab}", edition.id), "");
                let happened = [
                    "25T01 exemption-asked subscription=contoso why=because",
                    "25T02 exemption-granted subscription=contoso",
                    "25T03 machine-deallocated machine=web",
                    "25T04 machine-started machine=web",
                ];
                let lines = happened.map(|line| line.replacen(' ', ":00:00Z ", 1));
                let day = events(&lines.map(|line| format!("{}-{line}", stood.id)).join("\n"));
                let case = format!("{offer} under {}, granted in {}", edition.id, stood.id);
                let asked = world.refuse_what_is_never_granted(&day[0]);
                assert_eq!(asked.is_ok(), counts, "{case}: {asked:?}");
                if !counts {
                    assert!(!asked.unwrap_err().statements.is_empty(), "{case}");
                }
                day.iter().for_each(|event| _ = world.apply(event).unwrap());
                let decision = ask(&world, "web", INTERNET);
                if !counts {
                    never_exempt(&decision);
                    continue;
                }
                let expected = match edition.effect {
                    Effect::StopAndStart => "pass exempt",
                    Effect::MachinesCreatedAfter => "drop created-before-exemption",
                };
                assert_eq!(short(&decision), expected, "{case}");
                let by_then = assumed(&decision).contains(&"grandfather_exemptions");
                assert_eq!(by_then, grant_counts(edition, edition, offer) == Some(false), "{case}");
                grandfathered += u32::from(by_then);
            }
        }
    }
    assert!(grandfathered > 50, "{grandfathered}");
}

#[test]
fn a_grant_was_judged_by_the_offer_that_the_subscription_has_now() {
    const CYCLE: &str = "2020-12-09T02:00:00Z machine-deallocated machine=web
                         2020-12-09T03:00:00Z machine-started machine=web";
    let survives = [("exemption_survives_offer_change", "yes")];
    let changed = |from: &str, to: &str| {
        let lab = of("2020-12", from, "granted", false);
        let change =
            format!("2020-12-09T01:00:00Z offer-changed subscription=contoso offer={to}\n{CYCLE}");
        ask(&world_with(&lab, &survives, &change), "web", INTERNET)
    };
    let to_msdn = changed("pay-as-you-go", "msdn");
    assert_eq!(short(&to_msdn), "pass exempt");
    assert!(assumed(&to_msdn).contains(&"exemption_survives_offer_change"));
    assert!(!assumed(&to_msdn).contains(&"never_granted_but_granted"));
    let from_msdn = changed("msdn", "pay-as-you-go");
    assert_eq!(short(&from_msdn), "drop not-granted");
    assert!(assumed(&from_msdn).contains(&"never_granted_but_granted"));
    // One that the change ended contradicts nothing any more.
    let lab = of("2020-12", "msdn", "granted", false);
    let ended = "2020-12-09T01:00:00Z offer-changed subscription=contoso offer=pay-as-you-go";
    let ended = ask(&world(&lab, ended), "web", INTERNET);
    assert_eq!(short(&ended), "drop exemption-lapsed");
    assert!(!assumed(&ended).contains(&"never_granted_but_granted"));
    // Where it stays the same offer, no change can have ended anything.
    let same = of("2020-12", "pay-as-you-go", "granted", true);
    let same = ask(&world_with(&same, &survives, ""), "web", INTERNET);
    assert!(!assumed(&same).contains(&"exemption_survives_offer_change"));
}

#[test]
fn an_inventory_that_begins_after_a_revocation_can_say_who_had_picked_the_exemption_up() {
    let lab = of("2020-12", "pay-as-you-go", "revoked", true);
    let cut_off = ask(&world(&lab, ""), "web", INTERNET);
    assert_eq!(short(&cut_off), "drop revoked");
    assert!(assumed(&cut_off).contains(&"revocation_effect"));
    let set = [("revocation_effect", "next-start")];
    let kept = ask(&world_with(&lab, &set, ""), "web", INTERNET);
    assert_eq!(short(&kept), "pass exempt");
    assert_eq!(assumed(&kept), ["revocation_effect", "default_outbound_when_unsaid"]);
    // Granted anew, it has to be picked up anew.
    let anew = "2020-12-09T01:00:00Z exemption-asked subscription=contoso
                2020-12-09T02:00:00Z exemption-granted subscription=contoso";
    let anew = ask(&world(&lab, anew), "web", INTERNET);
    assert_eq!(short(&anew), "drop waiting-for-stop-and-start");
    // One that had not picked it up is blocked either way.
    let never = ask(&world(&of("2020-12", "pay-as-you-go", "revoked", false), ""), "web", INTERNET);
    assert!(!assumed(&never).contains(&"revocation_effect"));
}

//= PG1 type=test
//= G2 type=test
#[test]
fn an_old_subscription_was_told_to_ask_for_what_it_has() {
    let edition = Edition::default_edition().unwrap();
    for offer in Offer::ALL {
        if edition.rule(*offer).0.restriction == Restriction::Open {
            continue;
        }
        let mut old = world(&one(offer.name(), "2016-03-01", "none"), "");
        let asked = events("2020-12-09T00:00:00Z exemption-asked subscription=contoso why=because");
        let refused = old.apply(&asked[0]).unwrap_err();
        assert!(refused.what.contains("there is nothing to request"), "{offer}: {refused}");
        let cited = if *offer == Offer::PayAsYouGo { "PG1" } else { "G2" };
        assert_eq!(refused.statements, edition.cite(&[cited.into()]), "{offer}");
    }
}

#[test]
fn a_request_cannot_be_refused_where_the_text_knows_two_outcomes_alone() {
    let lab = one("pay-as-you-go", "2019-03-01", "requested");
    let refusal = events("2020-12-09T00:00:00Z exemption-refused subscription=contoso");
    let mut strict = world_with(&lab, &[("requests_can_be_refused", "no")], "");
    let refused = strict.apply(&refusal[0]).unwrap_err();
    assert!(refused.what.contains("requests_can_be_refused"), "{refused}");
    assert_eq!(refused.to_string(), format!("{} [PG5]", refused.what));
}

#[test]
fn an_app_service_was_told_to_stop_and_start() {
    let lab = of("2023-12", "enterprise-dev-test", "granted", false) + "kind = \"app-service\"\n";
    let waiting = ask(&world(&lab, ""), "web", INTERNET);
    assert_eq!(short(&waiting), "drop waiting-for-stop-and-start");
    let step = &waiting.next_steps[0];
    assert_eq!(step.name(), "temporary-subnet");
    assert_eq!(step.statements(), ["AS3".into(), "EF2".into()]);
    let renewed = world(&lab, "2024-01-02T00:00:00Z temporary-subnet network=hub");
    assert_eq!(short(&ask(&renewed, "web", INTERNET)), "pass exempt");
}

#[test]
fn an_app_service_answered_that_nobody_had_asked() {
    for (edition, assumes) in
        [("2018-11", true), ("2020-12", true), ("2021-03", true), ("2021-04", false)]
    {
        for offer in ["pay-as-you-go", "enterprise-agreement"] {
            let lab = format!("{}kind = \"app-service\"\n", of(edition, offer, "none", false));
            let decision = ask(&world(&lab, ""), "web", INTERNET);
            assert_eq!(short(&decision), "drop platform-service-unsupported", "{edition} {offer}");
            let named = assumed(&decision).contains(&"app_service_when_silent");
            assert_eq!(named, assumes, "{edition} {offer}");
        }
    }
}
