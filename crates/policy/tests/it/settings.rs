//! Every setting changes a verdict, and every decision that rests on one says so.

use std::collections::BTreeSet;

use egress25_policy::{Setting, Settings};

use crate::support::{INTERNET, ask, assumed, one, short, world_with};

/// Settings with a case in which each decides: the value, the answer by default and by the value;
/// below it who sends, by `lab`, where to unless to the Internet, and what happens.
const CASES: &str = r#"
* cutoff_day_restricted=no: drop not-granted, pass predates-restriction
    lab pay-as-you-go/2017-11-15/none
* creation_between_bounds=earliest: drop not-granted, pass predates-restriction
    lab pay-as-you-go/before:2019-03-02/none
* new_deployment_in_old_subscription=restricted: pass predates-restriction, drop not-granted
    lab pay-as-you-go/2017-01-01/none deployed="2018-01-01T00:00:00Z"
* csp_cutoff=always: pass predates-restriction, drop not-granted
    lab cloud-solution-provider/2016-01-01/none
* revocation_effect=next-start: drop revoked, pass exempt
    lab pay-as-you-go/2019-03-01/granted started_since_grant=true
    2020-12-10T00:00:00Z exemption-revoked subscription=contoso
* guest_restart_counts=yes: drop waiting-for-stop-and-start, pass exempt
    lab pay-as-you-go/2019-03-01/granted
    2020-12-09T01:00:00Z machine-restarted machine=web
* new_vm_after_exemption=no: pass exempt, drop waiting-for-stop-and-start
    lab pay-as-you-go/2019-03-01/granted deployed="2020-12-09T00:00:00Z"
* exempt_via_appliance=blocked: pass unrestricted-offer, drop exemption-does-not-cover
    lab pay-as-you-go/2019-03-01/granted started_since_grant=true nva:enterprise-agreement/2019-03-01/none
* on_premises_route=filtered: pass on-premises, drop not-granted
    lab pay-as-you-go/2019-03-01/none
    to 192.168.1.1
* internal_destination=filtered: pass internal, drop not-granted
    lab pay-as-you-go/2019-03-01/none
    to 10.0.0.9
* ea_via_azure_firewall=unrestricted: reject azure-firewall-unsupported, pass unrestricted-offer
    lab enterprise-agreement/2019-03-01/none firewall:pay-as-you-go/2019-03-01/none
* azure_firewall_form=drop: reject azure-firewall-unsupported, drop azure-firewall-unsupported
    lab pay-as-you-go/2019-03-01/none firewall:enterprise-agreement/2019-03-01/none
* unsupported_means_blocked=no: reject azure-firewall-unsupported, pass unrestricted-offer
    lab pay-as-you-go/2019-03-01/none firewall:enterprise-agreement/2019-03-01/none
* requests_can_be_refused=no: drop request-refused, drop further-steps
    lab pay-as-you-go/2019-03-01/refused
* never_granted_but_granted=counts: drop offer-never-exempt, pass exempt
    lab msdn/2019-03-01/granted started_since_grant=true
* azure_firewall_2022_11=rejected: pass unrestricted-offer, reject azure-firewall-unsupported
    lab pay-as-you-go/2019-03-01/none edition:2022-11 firewall:enterprise-agreement/2019-03-01/none
* exemption_behind_azure_firewall=does-not-cover: pass exempt, drop exemption-does-not-cover
    lab enterprise-agreement/2019-03-01/none edition:2023-12 firewall:enterprise-dev-test/2019-03-01/granted
    2023-12-09T00:00:00Z firewall-rules-updated firewall=af
* azure_in_open_may_ask_2018=yes: drop offer-never-exempt, drop not-granted
    lab azure-in-open/2018-01-01/none edition:2018-11
* block_form=reject: drop not-granted, reject not-granted
    lab pay-as-you-go/2019-03-01/none
* one_cycle_frees_all=yes: drop waiting-for-stop-and-start, pass exempt
    lab pay-as-you-go/2019-03-01/granted beside:machine
    2020-12-09T01:00:00Z machine-deallocated machine=beside
    2020-12-09T02:00:00Z machine-started machine=beside
* exemption_survives_offer_change=yes: drop exemption-lapsed, pass exempt
    lab pay-as-you-go/2019-03-01/granted
    2020-12-09T00:00:00Z offer-changed subscription=contoso offer=bizspark-plus
    2020-12-09T01:00:00Z machine-deallocated machine=web
    2020-12-09T02:00:00Z machine-started machine=web
* honour_pre_2017_subscriptions=yes: drop offer-never-exempt, pass predates-restriction
    lab pay-as-you-go/2016-01-01/none edition:2023-12
* grandfather_exemptions=no: pass exempt, drop offer-never-exempt
    lab pay-as-you-go/2019-03-01/granted edition:2022-11 started_since_grant=true
* redeploy_counts=yes: drop waiting-for-stop-and-start, pass exempt
    lab pay-as-you-go/2019-03-01/granted
    2020-12-09T01:00:00Z machine-redeployed machine=web
* unnamed_offer=open: drop not-granted, pass unrestricted-offer
    lab mca-e/2019-03-01/none
* offer_change_effect=immediate: pass unrestricted-offer, drop not-granted
    lab enterprise-agreement/2019-03-01/none
    2020-12-09T00:00:00Z offer-changed subscription=contoso offer=pay-as-you-go
* azure_firewall_when_silent=rejected: pass unrestricted-offer, reject azure-firewall-unsupported
    lab pay-as-you-go/2019-03-01/none edition:2018-11 firewall:enterprise-agreement/2019-03-01/none
* azure_firewall_subscription=sender: drop offer-never-exempt, pass unrestricted-offer
    lab enterprise-agreement/2019-03-01/none edition:2023-12 firewall:pay-as-you-go/2019-03-01/none
* app_service_when_silent=subscription-rule: drop platform-service-unsupported, pass unrestricted-offer
    lab enterprise-agreement/2019-03-01/none kind="app-service"
* exemption_terms_when_silent=no: drop waiting-for-stop-and-start, pass exempt
    lab cloud-solution-provider/2019-03-01/granted
* unknown_source=pass: drop unknown-source, pass unknown-source
    lab pay-as-you-go/2019-03-01/none name:somebody
* sender_not_running=pass: drop sender-not-running, pass sender-not-running
    lab pay-as-you-go/2019-03-01/none
    2020-12-09T01:00:00Z machine-deallocated machine=web
* platform_addresses=filtered: pass platform-address, drop not-granted
    lab pay-as-you-go/2019-03-01/none
    to 168.63.129.16
* service_endpoint_route=pass: drop not-granted, pass platform-address
    lab pay-as-you-go/2019-03-01/none
    to 198.51.100.9
* reserved_routes_under_other_default=gone: drop no-route, drop not-granted
    lab pay-as-you-go/2019-03-01/none route:internet
    to 10.200.0.1
* ipv6_default_route=no: drop not-granted, drop no-route
    lab pay-as-you-go/2019-03-01/none public_address="2001:db8::4"
    to 2001:db8::25
* default_outbound_when_unsaid=no: pass unrestricted-offer, drop no-outbound-access
    lab enterprise-agreement/2019-03-01/none
* implicit_lb_in_private_subnet=no: pass unrestricted-offer, drop no-outbound-access
    lab enterprise-agreement/2019-03-01/none private:subnet balanced:public
* load_balancer_ports_when_unsaid=no: pass unrestricted-offer, drop no-route
    lab pay-as-you-go/2019-03-01/none nva:enterprise-agreement/2019-03-01/none inner:balancer
* public_address_elsewhere_stops_default=no: drop no-outbound-access, pass unrestricted-offer
    lab enterprise-agreement/2019-03-01/none elsewhere:public
* snat_is_direct=no: pass exempt, drop exemption-does-not-cover
    lab pay-as-you-go/2019-03-01/granted started_since_grant=true balanced:public
* azure_firewall_ipv6=yes: drop appliance-not-forwarding, reject azure-firewall-unsupported
    lab pay-as-you-go/2019-03-01/none firewall6:enterprise-agreement/2019-03-01/none
    to 2001:db8::25
* service_tag_when_unknown=yes: pass unrestricted-offer, drop security-group-denies
    lab enterprise-agreement/2019-03-01/none group:Untold
* virtual_network_tag_by_any_default=no: drop security-group-denies, drop no-route
    lab enterprise-agreement/2019-03-01/none route-none:203.0.113.0/24 group:VirtualNetwork
* platform_egress_when_silent=drop: pass platform-egress, drop platform-service-unsupported
    lab enterprise-agreement/2019-03-01/none kind="platform-service"
* azure_public_destination=internal: drop not-granted, pass internal
    lab pay-as-you-go/2019-03-01/none balanced:public
    to 198.51.100.20
* forwarded_traffic_when_unsaid=no: pass internal, drop no-route
    lab enterprise-agreement/2019-03-01/none spokes:two
    to 10.9.0.4
"#;

/// The inventory of `OFFER/CREATED/EXEMPTION`, then what else is in it (`what:of`) and keys of the
/// machine.
fn lab(words: &str) -> String {
    let (contoso, more) = words.split_once(' ').unwrap_or((words, ""));
    let (mut edition, mut name, mut keys) = ("2020-12", "web", String::new());
    let (mut other, mut route, mut last) = ("enterprise-agreement/2019-03-01/none", "", "");
    let (mut subnet, mut elsewhere, mut peerings) = ("", "", "[]");
    let (mut to_none, mut group) = (String::new(), String::new());
    for word in more.split(' ').filter(|word| !word.is_empty()) {
        match word.split_once(':') {
            Some(("edition", id)) => edition = id,
            Some(("name", of)) => name = of,
            Some(("beside", _)) => last = BESIDE,
            Some(("inner", _)) => (route, last) = (TO_FRONTEND, BALANCED),
            Some(("private", _)) => subnet = "default_outbound_access = false\n",
            Some(("balanced", _)) => last = FRONTEND,
            Some(("elsewhere", _)) => {
                (elsewhere, last) = ("[[machine.web.interfaces]]\n", ELSEWHERE);
            }
            Some(("route", _)) => route = TO_INTERNET,
            Some(("firewall6", of)) => (other, route, last) = (of, TO_APPLIANCE_6, FIREWALL),
            Some(("spokes", _)) => (route, peerings, last) = (TO_SPOKE, "[\"far\"]", SPOKES),
            Some(("route-none", prefix)) => {
                to_none = format!("{{ prefix = \"{prefix}\", next_hop = \"none\" }}");
            }
            Some(("group", tag)) => {
                subnet = "security_group = \"out\"\n";
                group = GROUP.replace("TAG", tag);
            }
            Some(("nva", of)) => (other, route, last) = (of, TO_APPLIANCE, NVA),
            Some(("firewall", of)) => (other, route, last) = (of, TO_APPLIANCE, FIREWALL),
            _ => keys += &format!("{word}\n"),
        }
    }
    let subscription = |name: &str, of: &str| {
        let [offer, created, exemption] = of.split('/').collect::<Vec<_>>().try_into().unwrap();
        let bound = created.strip_prefix("before:").map(|day| ("created_before", day));
        let (key, created) = bound.unwrap_or(("created", created));
        format!(
            "[subscription.{name}]\noffer = \"{offer}\"\n{key} = \"{created}\"\n\
             exemption = \"{exemption}\"\n"
        )
    };
    format!(
        r#"edition = "{edition}"
{}{}
[network.hub]
address_space = ["10.0.0.0/16", "fd00:25::/64"]
peerings = {peerings}
gateway = {{ kind = "vpn", routes = ["192.168.0.0/16"] }}
[network.hub.subnet.mail]
prefixes = ["10.0.0.0/24", "fd00:25::/80"]
route_table = "out"
service_endpoints = ["198.51.100.0/24"]
{subnet}[network.hub.subnet.nva]
prefixes = ["10.0.1.0/24"]
[route-table.out]
routes = [{route}{to_none}]
[machine.{name}]
subscription = "contoso"
{elsewhere}network = "hub"
subnet = "mail"
addresses = ["10.0.0.4", "fd00:25::4"]
{keys}{last}{group}"#,
        subscription("contoso", contoso),
        subscription("other", other)
    )
}

const TO_INTERNET: &str = r#"{ prefix = "0.0.0.0/0", next_hop = "internet" }"#;
const TO_APPLIANCE: &str =
    r#"{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.1.9" }"#;
const TO_APPLIANCE_6: &str =
    r#"{ prefix = "::/0", next_hop = "virtual-appliance", address = "10.0.1.9" }"#;
const GROUP: &str = r#"
[[security-group.out.rules]]
name = "named"
priority = 100
direction = "outbound"
access = "deny"
destination = "TAG"
"#;
const TO_SPOKE: &str =
    r#"{ prefix = "10.9.0.0/16", next_hop = "virtual-appliance", address = "10.8.0.4" }"#;
const SPOKES: &str = r#"
[network.far]
address_space = ["10.8.0.0/16"]
peerings = ["hub", "end"]
[network.end]
address_space = ["10.9.0.0/16"]
peerings = ["far"]
[machine.nva]
subscription = "other"
network = "far"
addresses = ["10.8.0.4"]
ip_forwarding = true
"#;
const NVA: &str = r#"
[machine.nva]
subscription = "other"
network = "hub"
subnet = "nva"
addresses = ["10.0.1.9"]
ip_forwarding = true
"#;
const FIREWALL: &str = r#"
[firewall.af]
subscription = "other"
network = "hub"
subnet = "nva"
address = "10.0.1.9"
"#;
const TO_FRONTEND: &str =
    r#"{ prefix = "0.0.0.0/0", next_hop = "virtual-appliance", address = "10.0.1.10" }"#;
const BALANCED: &str = r#"
[machine.nva]
subscription = "other"
network = "hub"
subnet = "nva"
addresses = ["10.0.1.9"]
ip_forwarding = true
public_address = "198.51.100.22"
[load-balancer.inner]
network = "hub"
addresses = ["10.0.1.10"]
machines = ["nva"]
"#;
const FRONTEND: &str = r#"
[load-balancer.front]
addresses = ["198.51.100.20"]
machines = ["web"]
"#;
const ELSEWHERE: &str = r#"
[[machine.web.interfaces]]
network = "hub"
subnet = "nva"
addresses = ["10.0.1.4"]
public_address = "198.51.100.21"
"#;
const BESIDE: &str = r#"
[machine.beside]
subscription = "contoso"
network = "hub"
subnet = "mail"
addresses = ["10.0.0.5"]
"#;

#[test]
fn every_setting_decides_a_case_and_is_named_in_it() {
    let mut seen = BTreeSet::new();
    for case in CASES.split("* ").skip(1) {
        let mut lines = case.lines().map(str::trim);
        let (set, answers) = lines.next().unwrap().split_once(": ").unwrap();
        let (name, value) = set.split_once('=').unwrap();
        let (mut inventory, mut to, mut events) = (String::new(), INTERNET, String::new());
        for line in lines {
            match line.split_once(' ') {
                Some(("lab", words)) => inventory = lab(words),
                Some(("to", address)) => to = address,
                _ => events += &format!("{line}\n"),
            }
        }
        let by_default = ask(&world_with(&inventory, &[], &events), "web", to);
        let other = ask(&world_with(&inventory, &[(name, value)], &events), "web", to);
        assert_eq!(format!("{}, {}", short(&by_default), short(&other)), answers, "{set}");
        for (answer, decision) in [("by default", &by_default), (value, &other)] {
            assert!(assumed(decision).contains(&name), "{name} is not named {answer}");
        }
        seen.insert(name);
    }
    let all: BTreeSet<_> = Setting::ALL.iter().map(|setting| setting.name()).collect();
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

const CYCLE: &str = "2020-12-09T01:00:00Z machine-deallocated machine=web
                     2020-12-09T02:00:00Z machine-started machine=web";

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
