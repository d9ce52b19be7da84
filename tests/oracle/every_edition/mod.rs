//! What the specification says of every offer, date, exemption and way, an edition: written from
//! its tables ([`facts`]) and not from the code.
//!
//! A setting is named as assumed where another value of it alone would change verdict or reason.
//! Every setting has its default.

pub(crate) mod facts;

use facts::{AppService, Blocks, EDITIONS, Edition, Effect, Firewall, Row};

/// The day before, the day itself, the day after.
pub(crate) const DATES: [&str; 3] = ["2017-11-14", "2017-11-15", "2017-11-16"];
const OLD: &str = DATES[0];
const THE_DAY: &str = DATES[1];

/// Where the exemption stands. `revoked`: granted, picked up by the machine, then revoked.
pub(crate) const STATES: [&str; 6] =
    ["none", "requested", "further-steps", "refused", "granted", "revoked"];

/// The nine ways that the article and its settings speak of.
///
/// The first four go straight to the Internet, from a machine that since grant or revocation
/// - saw nothing (PG6),
/// - was stopped (deallocated) and started (PG6),
/// - was restarted (`guest_restart_counts`),
/// - was first deployed (`new_vm_after_exemption`, `new_deployment_in_old_subscription`).
///
/// None of them has a NAT gateway, a public address or a load balancer: they leave by default
/// outbound access (N6, `default_outbound_when_unsaid`). The others start at a machine that was
/// stopped and started, and lead
/// - to a private address (`internal_destination`),
/// - through a VPN gateway (`on_premises_route`),
/// - through an appliance of an Enterprise Agreement (PG8, `exempt_via_appliance`),
/// - through one of a blocked subscription, pay-as-you-go of 2018 without a request,
/// - through an Azure Firewall of the sender's own subscription (RL1).
///
/// A route to nowhere is not among them: the article does not speak of it.
pub(crate) const WAYS: [&str; 9] = [
    "direct",
    "direct-stopped-started",
    "direct-restarted",
    "direct-new-machine",
    "internal",
    "on-premises",
    "appliance-of-open",
    "appliance-of-blocked",
    "azure-firewall",
];

/// Two more that settings speak of, counted apart: a redeploy (`redeploy_counts`), and App Service
/// whose integration sends everything into the network (`app_service_when_silent`).
pub(crate) const MORE_WAYS: [&str; 2] = ["direct-redeployed", "app-service"];

/// One question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) offer: &'static str,
    pub(crate) created: &'static str,
    pub(crate) state: &'static str,
    pub(crate) way: &'static str,
}

/// What the specification says to one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) verdict: &'static str,
    pub(crate) reason: &'static str,
    /// Statements of edition 2020-12 that the answer must rest on.
    pub(crate) rests_on: Vec<&'static str>,
    /// Statements that it must not rest on.
    pub(crate) not_on: Vec<&'static str>,
    /// The names of the settings that it must name, and no others.
    pub(crate) assumed: Vec<&'static str>,
    /// Pages other than the article that it rests on.
    pub(crate) sources: Vec<&'static str>,
}

impl Answer {
    fn new(verdict: &'static str, reason: &'static str) -> Self {
        let none = Vec::new;
        Self { verdict, reason, rests_on: none(), not_on: none(), assumed: none(), sources: none() }
    }

    fn pass(reason: &'static str) -> Self {
        Self::new("pass", reason)
    }

    /// Blocked by the platform's filter, in silence: `block_form`.
    fn drop(reason: &'static str) -> Self {
        Self::new("drop", reason).assume(&["block_form"])
    }

    fn on(mut self, ids: &[&'static str]) -> Self {
        self.rests_on.extend(ids);
        self
    }

    fn assume(mut self, settings: &[&'static str]) -> Self {
        self.assumed.extend(settings);
        self
    }

    fn assume_if(self, condition: bool, setting: &'static str) -> Self {
        if condition { self.assume(&[setting]) } else { self }
    }

    fn by_page(mut self, pages: &[&'static str]) -> Self {
        self.sources.extend(pages);
        self
    }

    /// What the firewall's page does not promise to what passes.
    fn within_the_limit(self) -> Self {
        let passes = self.verdict == "pass";
        self.by_page(if passes { &["firewall-known-issues"] } else { &[] })
    }

    /// As it leaves a network by default outbound access, where it passes (N6).
    fn by_default_outbound(self) -> Self {
        let passes = self.verdict == "pass";
        self.assume_if(passes, "default_outbound_when_unsaid")
    }
}

/// Every question that an edition is asked, the nine ways or the others.
pub(crate) fn cases(edition: &Edition, ways: &'static [&'static str]) -> Vec<Case> {
    let mut cases = Vec::new();
    for offer in edition.rows.iter().flat_map(|row| row.offers) {
        for created in DATES {
            for state in STATES {
                cases.extend(ways.iter().map(|way| Case { offer, created, state, way }));
            }
        }
    }
    cases
}

/// The answer, or `None` where the specification gives none. Rows are shared with other editions,
/// whose ids are the project's to give.
pub(crate) fn answer(edition: &Edition, case: Case) -> Option<Answer> {
    let mut answer = by_the_rows(edition, case)?;
    if edition.id != "2020-12" {
        answer.rests_on.clear();
    }
    Some(answer)
}

fn by_the_rows(edition: &Edition, case: Case) -> Option<Answer> {
    let row = row(edition, case.offer);
    let sender = Sender { edition, row, case };
    Some(match case.way {
        "internal" => Answer::pass("internal").assume(&["internal_destination"]),
        "on-premises" => Answer::pass("on-premises").assume(&["on_premises_route"]),
        "appliance-of-open" => sender.through_appliance("enterprise-agreement"),
        "appliance-of-blocked" => sender.through_appliance("pay-as-you-go"),
        "azure-firewall" => sender.through_firewall()?,
        "app-service" => sender.app_service()?,
        // Edition 2020-12 says no, the table of the others "probably": they disagree.
        "direct-redeployed" if edition.id != "2020-12" => return None,
        _ => sender.direct().by_default_outbound(),
    })
}

/// How removal is asked for, in an edition, by an offer: the word of the table.
pub(crate) fn removal(row: &Row) -> String {
    match (row.blocks, row.removal) {
        (Blocks::Nobody, _) => "nothing to ask for".to_owned(),
        (_, []) => "none".to_owned(),
        (_, channels) => channels.join("+"),
    }
}

fn row(edition: &Edition, offer: &str) -> &'static Row {
    edition.rows.iter().find(|row| row.offers.contains(&offer)).unwrap()
}

/// Whether an edition up to this one lets an offer ask for removal.
fn ever_granted(edition: &Edition, offer: &str) -> bool {
    EDITIONS
        .iter()
        .take_while(|earlier| earlier.id <= edition.id)
        .flat_map(|earlier| earlier.rows)
        .any(|row| row.offers.contains(&offer) && !row.removal.is_empty())
}

/// Whether an exemption counts that an offer was granted while `stood` was the text: the edition
/// grants it one, or that one could. `None` where one of them does not name the offer, or blocks
/// nothing of it.
pub(crate) fn grant_counts(edition: &Edition, stood: &Edition, offer: &str) -> Option<bool> {
    let grants = |of: &Edition| {
        let row = of.rows.iter().find(|row| row.offers.contains(&offer))?;
        (row.blocks != Blocks::Nobody).then_some(!row.removal.is_empty())
    };
    Some(grants(edition)? | grants(stood)?)
}

/// Whose traffic it is when it leaves for the Internet.
struct Sender<'a> {
    edition: &'a Edition,
    row: &'static Row,
    case: Case,
}

impl Sender<'_> {
    fn is_old(&self) -> bool {
        self.case.created == OLD && matches!(self.row.blocks, Blocks::After | Blocks::NoDate)
    }

    fn is_unrestricted(&self) -> bool {
        self.row.blocks == Blocks::Nobody || self.is_old()
    }

    /// The rule of the subscription.
    fn direct(&self) -> Answer {
        let Row { blocks, ids, .. } = *self.row;
        if blocks == Blocks::Nobody {
            return Answer::pass("unrestricted-offer").on(ids.open);
        }
        if self.is_old() {
            // Nothing says when the machine was deployed: G2 would touch it if it is newer.
            return Answer::pass("predates-restriction")
                .on(ids.old)
                .assume(&["new_deployment_in_old_subscription"])
                .assume_if(blocks == Blocks::NoDate, "csp_cutoff");
        }
        self.dated(self.exemption())
    }

    /// Adds what the restriction itself rests on, to an answer on the exemption.
    fn dated(&self, answer: Answer) -> Answer {
        let Row { blocks, ids, .. } = *self.row;
        let on_the_day =
            self.case.created == THE_DAY && matches!(blocks, Blocks::After | Blocks::NoDate);
        let drops = answer.verdict == "drop";
        let mut answer = answer
            .assume_if(on_the_day, "cutoff_day_restricted")
            .assume_if(on_the_day && blocks == Blocks::NoDate, "csp_cutoff")
            .assume_if(
                self.case.created == OLD && blocks == Blocks::Always,
                "honour_pre_2017_subscriptions",
            )
            .assume_if(
                self.edition.id == "2018-11" && self.case.offer == "azure-in-open",
                "azure_in_open_may_ask_2018",
            );
        // Created on the day itself: G1 and G2 carry the answer, the sections say "after".
        if on_the_day && blocks == Blocks::After {
            answer.not_on.extend(ids.blocked);
        }
        if self.edition.id != "2020-12" || !drops {
            return answer;
        }
        if on_the_day { answer.on(&["G1", "G2"]) } else { answer.on(ids.blocked) }
    }

    /// What the exemption says of a restricted subscription.
    fn exemption(&self) -> Answer {
        let Row { removal, silent, ids, never_from, .. } = *self.row;
        let (edition, state) = (self.edition, self.case.state);
        let was_granted = matches!(state, "granted" | "revoked");
        let grandfathered =
            removal.is_empty() && was_granted && ever_granted(edition, self.case.offer);
        if removal.is_empty() && !grandfathered {
            return Answer::drop("offer-never-exempt")
                .on(ids.never)
                .by_page(never_from)
                .assume_if(was_granted, "never_granted_but_granted");
        }
        let answer = match state {
            "none" => Answer::drop("not-granted").on(ids.request),
            "requested" => Answer::drop("request-pending").on(ids.answer),
            "further-steps" => Answer::drop("further-steps").on(ids.answer),
            "refused" => {
                Answer::drop("request-refused").on(ids.answer).assume(&["requests_can_be_refused"])
            }
            "granted" => self.granted(),
            "revoked" => Answer::drop("revoked")
                .on(ids.revoke)
                .assume_if(silent.revocation, "exemption_terms_when_silent")
                // A machine that was allocated anew, or never before, is cut off either way.
                .assume_if(self.keeps_its_programming(), "revocation_effect"),
            other => panic!("`{other}` is no state"),
        };
        answer.assume_if(grandfathered, "grandfather_exemptions")
    }

    /// Whether the machine is as it was at the grant or the revocation.
    fn keeps_its_programming(&self) -> bool {
        matches!(self.case.way, "direct" | "direct-restarted" | "direct-redeployed")
    }

    fn granted(&self) -> Answer {
        let Row { silent, ids, .. } = *self.row;
        let way = self.case.way;
        if self.edition.effect == Effect::MachinesCreatedAfter {
            let answer = if way == "direct-new-machine" {
                Answer::pass("exempt")
            } else {
                Answer::drop("created-before-exemption")
            };
            return answer
                .by_page(&["nsg-overview"])
                .assume_if(silent.effect, "exemption_terms_when_silent");
        }
        let waits = self.keeps_its_programming() || way == "azure-firewall";
        if waits {
            return Answer::drop("waiting-for-stop-and-start")
                .on(ids.effect)
                .assume_if(silent.effect, "exemption_terms_when_silent")
                .assume_if(way == "direct-restarted", "guest_restart_counts")
                .assume_if(way == "direct-redeployed", "redeploy_counts");
        }
        Answer::pass("exempt")
            .on(ids.effect)
            .on(ids.cover)
            .assume_if(silent.effect || silent.cover, "exemption_terms_when_silent")
            .assume_if(way == "direct-new-machine", "new_vm_after_exemption")
    }

    /// The appliance's machine and subscription decide for what it forwards.
    fn through_appliance(&self, offer: &'static str) -> Answer {
        let case = Case { offer, created: "2018-01-01", state: "none", way: "direct" };
        let appliance = Sender { edition: self.edition, row: row(self.edition, offer), case };
        let answer = appliance.direct().by_default_outbound();
        // An exempt sender is told that its exemption does not cover the hop; for any other the
        // setting changes nothing.
        let direct = Case { way: "direct-stopped-started", ..self.case };
        if (Sender { case: direct, ..*self }).direct().reason != "exempt" {
            return answer;
        }
        let Row { silent, ids, .. } = *self.row;
        let cover: Vec<_> = ids.cover.iter().filter(|id| **id != "PG7").copied().collect();
        let unsaid = silent.cover && !answer.assumed.contains(&"exemption_terms_when_silent");
        answer
            .on(&cover)
            .assume(&["exempt_via_appliance"])
            .assume_if(unsaid, "exemption_terms_when_silent")
    }

    fn through_firewall(&self) -> Option<Answer> {
        let rejected =
            || Answer::new("reject", "azure-firewall-unsupported").assume(&["azure_firewall_form"]);
        let unsupported = || {
            rejected()
                .assume(&["unsupported_means_blocked"])
                .assume_if(self.is_unrestricted(), "ea_via_azure_firewall")
        };
        Some(match self.edition.firewall {
            Firewall::Silent => return None,
            Firewall::UnsupportedFor(offers) => {
                if !offers.contains(&self.case.offer) && !self.is_unrestricted() {
                    return None;
                }
                unsupported()
            }
            Firewall::Unsupported => unsupported().on(&["RL1"]),
            Firewall::BlockedByKnownIssues => rejected().by_page(&["firewall-known-issues"]),
            Firewall::OwnRuleWithLimit => self.behind_firewall().within_the_limit(),
            Firewall::OwnRuleDisputed => {
                self.behind_firewall().within_the_limit().assume(&["azure_firewall_2022_11"])
            }
            Firewall::OwnRule => self.behind_firewall(),
        })
    }

    /// The firewall is of the sender's subscription and has its own public address; its rules were
    /// not updated since the grant.
    fn behind_firewall(&self) -> Answer {
        let own = self.direct();
        let waits = own.reason == "waiting-for-stop-and-start";
        own.assume_if(waits, "exemption_behind_azure_firewall")
    }

    fn app_service(&self) -> Option<Answer> {
        let unsupported = || Answer::drop("platform-service-unsupported");
        match self.edition.app_service {
            AppService::Assumed => Some(unsupported().assume(&["app_service_when_silent"])),
            AppService::ByItsPage => Some(unsupported().by_page(&["app-service-vnet"])),
            AppService::ByItsPageInPart => Some(
                unsupported().by_page(&["app-service-vnet"]).assume(&["app_service_when_silent"]),
            ),
            // When a grant or a revocation reaches it hangs on how its network was made (EF2).
            AppService::OwnRule if matches!(self.case.state, "granted" | "revoked") => None,
            AppService::OwnRule => Some(self.direct()),
        }
    }
}
