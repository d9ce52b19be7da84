//! Every setting changes a verdict, and every decision that rests on one says so.

use std::collections::BTreeSet;

use egress25_policy::{Setting, Settings};

use crate::support::{INTERNET, ask, assumed, one, short, world_with};

/// A setting with a case in which it decides: the answer by default and by another value.
struct Case {
    setting: Setting,
    value: &'static str,
    lab: String,
    events: &'static str,
    to: &'static str,
    default: &'static str,
    other: &'static str,
}

const CYCLE: &str = "2020-12-09T01:00:00Z machine-deallocated machine=web
                     2020-12-09T02:00:00Z machine-started machine=web";

fn routed(first: &str, second: &str, next_hop: &str, more: &str) -> String {
    format!(
        r#"
[subscription.contoso]
{first}
[subscription.other]
{second}
[network.hub]
address_space = ["10.0.0.0/16"]
gateway = {{ kind = "vpn", routes = ["192.168.0.0/16"] }}
[network.hub.subnet.mail]
prefixes = ["10.0.0.0/24"]
route_table = "out"
service_endpoints = ["198.51.100.0/24"]
[network.hub.subnet.nva]
prefixes = ["10.0.1.0/24"]
[route-table.out]
routes = [{next_hop}]
[machine.web]
subscription = "contoso"
network = "hub"
subnet = "mail"
addresses = ["10.0.0.4"]
{more}"#
    )
}

const PAYG: &str = "offer = \"pay-as-you-go\"\ncreated = \"2019-03-01\"";
const DEV_TEST: &str = "offer = \"enterprise-dev-test\"\ncreated = \"2019-03-01\"";
const EA: &str = "offer = \"enterprise-agreement\"\ncreated = \"2019-03-01\"";
const TO_FIREWALL: &str =
    r#"{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.1.9" }"#;
const FIREWALL: &str = "[firewall.af]\nsubscription = \"other\"\nnetwork = \"hub\"\nsubnet = \"nva\"\naddress = \"10.0.1.9\"\n";

#[expect(clippy::too_many_lines, reason = "one row for each setting")]
fn cases() -> Vec<Case> {
    let granted = || one("pay-as-you-go", "2019-03-01", "granted");
    let payg = || one("pay-as-you-go", "2019-03-01", "none");
    let case = |setting, value, lab, events, to, default, other| Case {
        setting,
        value,
        lab,
        events,
        to,
        default,
        other,
    };
    let edition = |id: &str, lab: String| format!("edition = \"{id}\"\n{lab}");
    let blocked = "drop not-granted";
    let nva = "[machine.nva]\nsubscription = \"other\"\nnetwork = \"hub\"\nsubnet = \"nva\"\naddresses = [\"10.0.1.9\"]\nip_forwarding = true\n";
    vec![
        case(
            Setting::CutoffDayRestricted,
            "no",
            one("pay-as-you-go", "2017-11-15", "none"),
            "",
            INTERNET,
            blocked,
            "pass predates-restriction",
        ),
        case(
            Setting::NewDeploymentInOldSubscription,
            "restricted",
            format!(
                "{}deployed = \"2018-01-01T00:00:00Z\"\n",
                one("pay-as-you-go", "2017-01-01", "none")
            ),
            "",
            INTERNET,
            "pass predates-restriction",
            blocked,
        ),
        case(
            Setting::CspCutoff,
            "always",
            one("cloud-solution-provider", "2016-01-01", "none"),
            "",
            INTERNET,
            "pass predates-restriction",
            blocked,
        ),
        case(
            Setting::RevocationEffect,
            "next-start",
            format!("{}started_since_grant = true\n", granted()),
            "2020-12-10T00:00:00Z exemption-revoked subscription=contoso",
            INTERNET,
            "drop revoked",
            "pass exempt",
        ),
        case(
            Setting::GuestRestartCounts,
            "yes",
            granted(),
            "2020-12-09T01:00:00Z machine-restarted machine=web",
            INTERNET,
            "drop waiting-for-stop-and-start",
            "pass exempt",
        ),
        case(
            Setting::NewVmAfterExemption,
            "no",
            format!("{}deployed = \"2020-12-09T00:00:00Z\"\n", granted()),
            "",
            INTERNET,
            "pass exempt",
            "drop waiting-for-stop-and-start",
        ),
        case(
            Setting::ExemptViaAppliance,
            "blocked",
            routed(
                &format!("{PAYG}\nexemption = \"granted\""),
                EA,
                TO_FIREWALL,
                &format!("started_since_grant = true\n{nva}"),
            ),
            "",
            INTERNET,
            "pass unrestricted-offer",
            "drop exemption-does-not-cover",
        ),
        case(
            Setting::OnPremisesRoute,
            "filtered",
            routed(PAYG, EA, "", ""),
            "",
            "192.168.1.1",
            "pass on-premises",
            blocked,
        ),
        case(
            Setting::InternalDestination,
            "filtered",
            payg(),
            "",
            "10.0.0.9",
            "pass internal",
            blocked,
        ),
        case(
            Setting::EaViaAzureFirewall,
            "unrestricted",
            routed(EA, PAYG, TO_FIREWALL, FIREWALL),
            "",
            INTERNET,
            "reject azure-firewall-unsupported",
            "pass unrestricted-offer",
        ),
        case(
            Setting::AzureFirewallForm,
            "drop",
            routed(PAYG, EA, TO_FIREWALL, FIREWALL),
            "",
            INTERNET,
            "reject azure-firewall-unsupported",
            "drop azure-firewall-unsupported",
        ),
        case(
            Setting::UnsupportedMeansBlocked,
            "no",
            routed(PAYG, EA, TO_FIREWALL, FIREWALL),
            "",
            INTERNET,
            "reject azure-firewall-unsupported",
            "pass unrestricted-offer",
        ),
        case(
            Setting::RequestsCanBeRefused,
            "no",
            one("pay-as-you-go", "2019-03-01", "refused"),
            "",
            INTERNET,
            "drop request-refused",
            "drop further-steps",
        ),
        case(
            Setting::NeverGrantedButGranted,
            "counts",
            format!("{}started_since_grant = true\n", one("msdn", "2019-03-01", "granted")),
            "",
            INTERNET,
            "drop offer-never-exempt",
            "pass exempt",
        ),
        case(
            Setting::AzureFirewall2022_11,
            "rejected",
            edition("2022-11", routed(PAYG, EA, TO_FIREWALL, FIREWALL)),
            "",
            INTERNET,
            "pass unrestricted-offer",
            "reject azure-firewall-unsupported",
        ),
        case(
            Setting::ExemptionBehindAzureFirewall,
            "does-not-cover",
            edition(
                "2023-12",
                routed(EA, &format!("{DEV_TEST}\nexemption = \"granted\""), TO_FIREWALL, FIREWALL),
            ),
            "2023-12-09T00:00:00Z firewall-rules-updated firewall=af",
            INTERNET,
            "pass exempt",
            "drop exemption-does-not-cover",
        ),
        case(
            Setting::AzureInOpenMayAsk2018,
            "yes",
            edition("2018-11", one("azure-in-open", "2018-01-01", "none")),
            "",
            INTERNET,
            "drop offer-never-exempt",
            blocked,
        ),
        case(Setting::BlockForm, "reject", payg(), "", INTERNET, blocked, "reject not-granted"),
        case(
            Setting::OneCycleFreesAll,
            "yes",
            format!(
                "{}[machine.other]\nsubscription = \"contoso\"\nnetwork = \"hub\"\naddresses = [\"10.0.0.5\"]\n",
                granted()
            ),
            "2020-12-09T01:00:00Z machine-deallocated machine=other
             2020-12-09T02:00:00Z machine-started machine=other",
            INTERNET,
            "drop waiting-for-stop-and-start",
            "pass exempt",
        ),
        case(
            Setting::ExemptionSurvivesOfferChange,
            "yes",
            granted(),
            "2020-12-09T00:00:00Z offer-changed subscription=contoso offer=bizspark-plus
             2020-12-09T01:00:00Z machine-deallocated machine=web
             2020-12-09T02:00:00Z machine-started machine=web",
            INTERNET,
            "drop exemption-lapsed",
            "pass exempt",
        ),
        case(
            Setting::HonourPre2017Subscriptions,
            "yes",
            edition("2023-12", one("pay-as-you-go", "2016-01-01", "none")),
            "",
            INTERNET,
            "drop offer-never-exempt",
            "pass predates-restriction",
        ),
        case(
            Setting::GrandfatherExemptions,
            "no",
            edition("2022-11", format!("{}started_since_grant = true\n", granted())),
            "",
            INTERNET,
            "pass exempt",
            "drop offer-never-exempt",
        ),
        case(
            Setting::RedeployCounts,
            "yes",
            granted(),
            "2020-12-09T01:00:00Z machine-redeployed machine=web",
            INTERNET,
            "drop waiting-for-stop-and-start",
            "pass exempt",
        ),
        case(
            Setting::UnnamedOffer,
            "open",
            one("mca-e", "2019-03-01", "none"),
            "",
            INTERNET,
            blocked,
            "pass unrestricted-offer",
        ),
        case(
            Setting::OfferChangeEffect,
            "immediate",
            one("enterprise-agreement", "2019-03-01", "none"),
            "2020-12-09T00:00:00Z offer-changed subscription=contoso offer=pay-as-you-go",
            INTERNET,
            "pass unrestricted-offer",
            blocked,
        ),
        case(
            Setting::AzureFirewallWhenSilent,
            "rejected",
            edition("2018-11", routed(PAYG, EA, TO_FIREWALL, FIREWALL)),
            "",
            INTERNET,
            "pass unrestricted-offer",
            "reject azure-firewall-unsupported",
        ),
        case(
            Setting::AzureFirewallSubscription,
            "sender",
            edition("2023-12", routed(EA, PAYG, TO_FIREWALL, FIREWALL)),
            "",
            INTERNET,
            "drop offer-never-exempt",
            "pass unrestricted-offer",
        ),
        case(
            Setting::AppServiceWhenSilent,
            "subscription-rule",
            format!(
                "{}kind = \"app-service\"\n",
                one("enterprise-agreement", "2019-03-01", "none")
            ),
            "",
            INTERNET,
            "drop platform-service-unsupported",
            "pass unrestricted-offer",
        ),
        case(
            Setting::ExemptionTermsWhenSilent,
            "no",
            one("cloud-solution-provider", "2019-03-01", "granted"),
            "",
            INTERNET,
            "drop waiting-for-stop-and-start",
            "pass exempt",
        ),
        case(
            Setting::UnknownSource,
            "pass",
            payg().replace("[machine.web]", "[machine.somebody]"),
            "",
            INTERNET,
            "drop unknown-source",
            "pass unknown-source",
        ),
        case(
            Setting::SenderNotRunning,
            "pass",
            payg(),
            "2020-12-09T01:00:00Z machine-deallocated machine=web",
            INTERNET,
            "drop sender-not-running",
            "pass sender-not-running",
        ),
        case(
            Setting::PlatformAddresses,
            "filtered",
            payg(),
            "",
            "168.63.129.16",
            "pass platform-address",
            blocked,
        ),
        case(
            Setting::ServiceEndpointRoute,
            "pass",
            routed(PAYG, EA, "", ""),
            "",
            "198.51.100.9",
            blocked,
            "pass platform-address",
        ),
        case(Setting::Ipv6DefaultRoute, "no", payg(), "", "2001:db8::25", blocked, "drop no-route"),
    ]
}

#[test]
fn every_setting_decides_a_case_and_is_named_in_it() {
    let mut seen = BTreeSet::new();
    for case in cases() {
        let name = case.setting.name();
        let by_default = ask(&world_with(&case.lab, &[], case.events), "web", case.to);
        assert_eq!(short(&by_default), case.default, "{name} by default");
        let set = [(name, case.value)];
        let other = ask(&world_with(&case.lab, &set, case.events), "web", case.to);
        assert_eq!(short(&other), case.other, "{name} = {}", case.value);
        for (answer, decision) in [("by default", &by_default), (case.value, &other)] {
            assert!(assumed(decision).contains(&name), "{name} is not named {answer}");
        }
        seen.insert(case.setting);
    }
    // An inventory lists no NAT gateway and no load balancer yet.
    seen.insert(Setting::SnatIsDirect);
    let all: BTreeSet<_> = Setting::ALL.iter().copied().collect();
    assert_eq!(seen, all, "every setting has a case");
}

#[test]
fn a_revocation_that_the_edition_does_not_reserve_is_accepted_unless_told_otherwise() {
    let lab = one("bizspark-plus", "2019-03-01", "granted");
    let revoked = "2020-12-10T00:00:00Z exemption-revoked subscription=contoso";
    let accepted = ask(&world_with(&lab, &[], revoked), "web", INTERNET);
    assert_eq!(short(&accepted), "drop revoked");
    assert!(assumed(&accepted).contains(&"exemption_terms_when_silent"));
    let mut strict = world_with(&lab, &[("exemption_terms_when_silent", "no")], "");
    let event = crate::support::events(revoked).remove(0);
    let refused = strict.apply(&event).unwrap_err();
    assert!(refused.what.contains("reserves no revocation"), "{refused}");
    // One that was revoked nevertheless does not hold at once, as one that stands does.
    let revoked = one("cloud-solution-provider", "2019-03-01", "revoked");
    let revoked = world_with(&revoked, &[("exemption_terms_when_silent", "no")], "");
    assert_eq!(short(&ask(&revoked, "web", INTERNET)), "drop revoked");
}

#[test]
fn a_stop_and_start_is_what_the_waiting_machine_is_told() {
    let world = world_with(&one("pay-as-you-go", "2019-03-01", "granted"), &[], "");
    let decision = ask(&world, "web", INTERNET);
    assert_eq!(decision.next_steps[0].name(), "stop-and-start");
    let after = world_with(&one("pay-as-you-go", "2019-03-01", "granted"), &[], CYCLE);
    assert_eq!(short(&ask(&after, "web", INTERNET)), "pass exempt");
    assert!(ask(&after, "web", INTERNET).next_steps.is_empty());
}

#[test]
fn an_unknown_setting_and_an_unknown_value_say_what_there_is() {
    let mut settings = Settings::default();
    let error = settings.set("block_from", "drop").unwrap_err().to_string();
    assert!(error.contains("`block_from` is no setting"), "{error}");
    let error = settings.set("block_form", "vanish").unwrap_err().to_string();
    assert!(error.contains("it takes: drop, reject"), "{error}");
    settings.set("guest_restart_counts", "true").unwrap();
    assert_eq!(settings.get(Setting::GuestRestartCounts), "yes");
}
