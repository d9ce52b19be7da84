//! The edition files: each loads, covers every offer, and says what the table of editions says.

use egress25_policy::{
    AppServiceRule, Channel, Edition, Effect, FirewallRule, Offer, Restriction, StatementKind,
    Topic, path_text,
};

/// A row of the table: offer, then per edition whom it restricts and how removal is asked for.
const TABLE: &str = "\
enterprise-agreement        open            open            open          open          open          open               open               open          open
enterprise-dev-test         -               -               -             -             -             -                  -                  always/portal always/portal
mca-e                       -               -               -             -             -             -                  -                  -             open
pay-as-you-go               after/case      after/case      after/portal  after/portal  after/portal  always/portal+case always/portal+case always/none   always/none
microsoft-partner-network   after/case      after/case      after/case    after/case    after/case    always/portal+case always/portal+case always/none   always/none
bizspark-plus               -               -               after/case    after/case    after/case    always/portal+case always/portal+case always/none   always/none
azure-sponsorship           after/none      after/none      after/case    after/case    after/case    always/portal+case always/portal+case always/none   always/none
bizspark                    after/none      after/none      -             -             -             -                  -                  always/none   always/none
msdn                        after/none      after/none      after/none    after/none    after/none    always/none        always/none        always/none   always/none
azure-pass                  after/none      after/none      after/none    after/none    after/none    always/none        always/none        always/none   always/none
azure-in-open               after/none      after/none      after/none    after/none    after/none    always/none        always/none        always/none   always/none
education                   after/none      after/none      after/none    after/none    after/none    always/none        always/none        always/none   always/none
free-trial                  after/none      after/none      after/none    after/none    after/none    always/none        always/none        always/none   always/none
azure-for-students          after/none      after/none      after/none    after/none    after/none    always/none        always/none        always/none   always/none
visual-studio               after/none      after/none      after/none    after/none    after/none    always/none        always/none        always/none   always/none
cloud-solution-provider     nodate/provider nodate/provider nodate/portal nodate/portal nodate/portal always/portal+case always/portal+case always/none   always/none
all-other-types             -               -               -             -             -             -                  -                  -             always/none
pay-as-you-go-dev-test      -               -               -             -             -             -                  -                  -             always/none
mca-azure-plan              -               -               -             -             -             -                  -                  -             always/none
mca-dev-test                -               -               -             -             -             -                  -                  -             always/none
azure-for-students-starter  -               -               -             -             -             -                  -                  -             always/none
";

const EDITIONS: [&str; 9] = [
    "2018-11", "2019-08", "2020-11", "2020-12", "2021-03", "2021-04", "2021-08", "2022-11",
    "2023-12",
];

fn cell(edition: &Edition, offer: Offer) -> String {
    let (rule, named) = edition.rule(offer);
    if !named {
        return "-".to_owned();
    }
    let who = match rule.restriction {
        Restriction::Open => return "open".to_owned(),
        Restriction::After => "after",
        Restriction::NoDate => "nodate",
        Restriction::Always => "always",
    };
    let channels: Vec<_> = rule.request.iter().map(|channel| channel.name()).collect();
    let how = if channels.is_empty() { "none".to_owned() } else { channels.join("+") };
    format!("{who}/{how}")
}

#[test]
fn every_edition_says_of_every_offer_what_the_table_says() {
    let mut rows = 0;
    for line in TABLE.lines() {
        let mut words = line.split_whitespace();
        let offer: Offer = words.next().unwrap().parse().unwrap();
        for (id, expected) in EDITIONS.iter().zip(words) {
            let edition = Edition::named(id).unwrap();
            assert_eq!(cell(&edition, offer), expected, "{offer} in {id}");
            rows += 1;
        }
    }
    assert_eq!(rows, Offer::ALL.len() * EDITIONS.len(), "the table holds every offer");
    assert_eq!(Edition::all().unwrap().len(), EDITIONS.len());
}

#[test]
fn one_edition_is_the_default_and_one_is_in_force() {
    let all = Edition::all().unwrap();
    let ids = |want: fn(&Edition) -> bool| -> Vec<_> {
        all.iter().filter(|edition| want(edition)).map(|edition| edition.id.clone()).collect()
    };
    assert_eq!(ids(|edition| edition.default), ["2020-12"]);
    assert_eq!(ids(|edition| edition.in_force), ["2023-12"]);
}

#[test]
fn the_points_of_the_second_table_hold() {
    let edition = |id: &str| Edition::named(id).unwrap();
    assert_eq!(edition("2018-11").effect, Effect::MachinesCreatedAfter);
    for id in &EDITIONS[1..] {
        assert_eq!(edition(id).effect, Effect::NextStart, "{id}");
    }
    use FirewallRule::{Blocked, Disputed, MayWork, OwnRule, Silent, Unsupported};
    let rules = [
        Silent,
        Unsupported,
        Unsupported,
        Unsupported,
        Blocked,
        Blocked,
        MayWork,
        Disputed,
        OwnRule,
    ];
    for (id, rule) in EDITIONS.iter().zip(rules) {
        assert_eq!(edition(id).azure_firewall, rule, "{id}");
    }
    let (both, one): (&[u16], &[u16]) = (&[587, 443], &[587]);
    let ports = [both, both, both, both, one, one, one, one, one];
    for (id, ports) in EDITIONS.iter().zip(ports) {
        assert_eq!(edition(id).relay_ports, ports, "{id}");
    }
    let revocable = |id: &str, offer| edition(id).rule(offer).0.revocable;
    assert!(revocable("2020-12", Offer::PayAsYouGo));
    assert!(!revocable("2020-12", Offer::PartnerNetwork));
    assert!(revocable("2021-04", Offer::PartnerNetwork));
    assert!(!revocable("2022-11", Offer::EnterpriseDevTest));
    assert!(edition("2023-12").delegated_subnet_needs_temporary);
    assert_eq!(edition("2021-03").topic(Topic::TypeChange)[0].as_str(), "TC1");
    assert_eq!(edition("2021-03").topic(Topic::TypeChangeEffect)[0].as_str(), "EF1c");
    use AppServiceRule as App;
    let apps = [
        App::Silent,
        App::Silent,
        App::Silent,
        App::Silent,
        // The page begins within its time.
        App::Silent,
        App::Unsupported,
        App::Unsupported,
        App::OwnRule,
        App::OwnRule,
    ];
    for (id, rule) in EDITIONS.iter().zip(apps) {
        assert_eq!(edition(id).app_service, rule, "{id}");
    }
}

#[test]
fn the_edition_2020_12_holds_every_statement_with_its_kind() {
    let expected = "G1 rule G2 rule G3 advice G4 rule EA1 rule EA2 limit PG1 rule PG2 limit PG3 rule \
        PG4 lifecycle PG5 lifecycle PG6 rule PG7 rule PG8 rule PG9 lifecycle DV1 rule DV2 lifecycle \
        DV3 advice CS1 rule CS2 lifecycle CS3 lifecycle \
        PN1 rule PN2 lifecycle PN3 lifecycle PN4 lifecycle PN5 rule \
        PN6 rule RL1 rule HP1 advice";
    let edition = Edition::named("2020-12").unwrap();
    let found: Vec<_> = edition
        .statements
        .iter()
        .filter(|statement| statement.source.as_str() != "network-docs")
        .flat_map(|statement| [statement.id.as_str(), statement.kind.name()])
        .collect();
    assert_eq!(found, expected.split_whitespace().collect::<Vec<_>>());
    let lifecycle =
        edition.statements.iter().filter(|statement| statement.kind == StatementKind::Lifecycle);
    assert_eq!(lifecycle.count(), 9);
}

#[test]
fn the_channels_of_edition_2020_12_are_those_of_its_statements() {
    let edition = Edition::named("2020-12").unwrap();
    //= PG4 type=test
    assert_eq!(edition.rule(Offer::PayAsYouGo).0.request, [Channel::Portal]);
    //= CS2 type=test
    assert_eq!(edition.rule(Offer::CloudSolutionProvider).0.request, [Channel::Portal]);
    //= PN2 type=test
    assert_eq!(edition.rule(Offer::BizSparkPlus).0.request, [Channel::Case]);
    //= DV2 type=test
    assert!(edition.rule(Offer::FreeTrial).0.request.is_empty());
}

/// What is changed in the file of 2020-12, and what is said of that.
#[test]
fn an_edition_file_that_is_broken_was_taken() {
    let text = include_str!("../../editions/2020-12.toml");
    const HELP: &str = "support = [\"HP1\"]";
    let own = |id: &str, cited: &str, more: &str| {
        let one = format!("[[statement]]\nid = \"{id}\"\nkind = \"limit\"\ntext = \"New.\"");
        format!("support = [\"{cited}\"]\n{one}\n{more}")
    };
    let page = "[source.network-docs]\ntitle = \"Docs\"\nread = \"2026-11-26\"\n";
    let cases = [
        ("    \"education\",\n", String::new(), "offer `education` is not covered"),
        ("[\"pay-as-you-go\"]", "[\"pay-as-you-go\", \"msdn\"]".into(), "`msdn` stands in 2 rows"),
        ("[\"PG3\"]", "[\"PG33\"]".into(), "`PG33` is cited, but there is no such statement"),
        (HELP, own("X1", "HP1", ""), "statement `X1` is cited by no row and no topic"),
        (HELP, own("PG2", "HP1", ""), "`PG2` says something else in the built-in editions; give"),
        ("app_service =", "app_servise =".into(), "line 12, column 1"),
        ("app_service =", "app_servise =".into(), "unknown field `app_servise`"),
        ("[settings]", "[settings]\ncutof = \"x\"".into(), "`cutof` is no setting"),
        (HELP, own("X1", "X1", "source = \"docs\""), "`X1` is of `docs`; a table `[source.docs]`"),
        ("[channel.case]", format!("{page}[channel.case]"), "no statement is of `[source.network"),
        ("[channel.portal]", "[channel.provider]".into(), "`[channel.portal]` needs `steps`"),
        (
            "[channel.portal]",
            "[channel.provider]\nsteps = [\"ask\"]\n[channel.portal]".into(),
            "no row asks by `provider`",
        ),
        (HELP, "block-more = []".into(), "block-more"),
        ("\"2020-12-01\"", "\"2020-11-30\"".into(), "to be a day of the month `2020-12`"),
        ("\"2020-12-01\"", "\"2021-12-01\"".into(), "to be a day of the month `2020-12`"),
    ];
    for (from, to, said) in cases {
        assert!(text.contains(from), "{from}");
        let error = Edition::parse("broken.toml", &text.replacen(from, &to, 1)).unwrap_err();
        assert!(error.to_string().contains(said), "`{said}` is missing in {error}");
    }
}

#[test]
fn a_day_has_the_edition_that_stood_on_it_and_before_the_oldest_that_is_said() {
    let cases = [
        ("2018-10-31", "2018-11", true),
        ("2018-11-01", "2018-11", false),
        ("2019-07-31", "2018-11", false),
        ("2020-10-31", "2019-08", false),
        ("2020-11-30", "2020-11", false),
        ("2020-12-01", "2020-12", false),
        ("2021-03-31", "2021-03", false),
        ("2021-04-01", "2021-04", false),
        ("2021-08-23", "2021-04", false),
        ("2021-08-24", "2021-08", false),
        ("2022-10-31", "2021-08", false),
        ("2025-11-01", "2023-12", false),
    ];
    for (day, id, before) in cases {
        let stood = Edition::at(day.parse().unwrap()).unwrap();
        assert_eq!((stood.edition.id.as_str(), stood.before_the_oldest), (id, before), "{day}");
    }
}

#[test]
fn the_edition_in_force_took_offers_for_unnamed_that_its_one_heading_names() {
    let edition = Edition::in_force().unwrap();
    for offer in Offer::ALL {
        assert!(edition.rule(*offer).1, "{offer}");
    }
    assert!(edition.unnamed.offers.is_empty());
}

#[test]
fn a_statement_of_another_page_is_quoted_with_its_page_and_one_of_the_article_without() {
    let edition = Edition::in_force().unwrap();
    let quoted = |id| edition.quoted(edition.statement(id).unwrap());
    let by_overview = quoted("BL2");
    assert!(
        by_overview.ends_with(
            "(Source: nsg-overview, \"Network security group overview\" of 2025-07-15, read \
             2026-11-26; not the article)"
        ),
        "{by_overview}"
    );
    assert_eq!(quoted("BL3"), edition.statement("BL3").unwrap().text);
    let never = &edition.rule(Offer::PayAsYouGo).0.cites.never;
    assert_eq!(edition.cited(never), "BL2 (nsg-overview), BL3");
}

#[test]
fn the_way_to_a_channel_was_that_of_2020_12_in_every_edition() {
    let way = |id, channel| path_text(Edition::named(id).unwrap().steps(channel));
    assert_eq!(
        way("2020-12", Channel::Portal),
        "Azure portal > a virtual network > Diagnose and solve > Connectivity"
    );
    assert!(way("2021-03", Channel::Portal).ends_with("> Cannot send email (SMTP-Port 25)"));
    assert!(way("2021-04", Channel::Portal).ends_with("> Connectivity"));
    for id in ["2022-11", "2023-12"] {
        assert!(
            way(id, Channel::Portal).ends_with(
                "the page of one virtual network > Diagnose and solve problems > Cannot send email \
                 (SMTP-Port 25) > run the diagnostic"
            ),
            "{id}"
        );
    }
    assert!(way("2020-12", Channel::Case).contains("> Connectivity > Cannot send e-mail"));
    assert!(way("2021-03", Channel::Case).ends_with("Virtual Network > Cannot send email"));
    assert_eq!(way("2019-08", Channel::Portal), "");
}

#[test]
fn the_firewall_was_blocked_from_2021_08_24_on_as_it_had_been_before() {
    let [before, after] = ["2021-04", "2021-08"].map(|id| Edition::named(id).unwrap());
    let of_firewall = |id: &str| id == "FW1" || id == "FW2";
    let article = |edition: &Edition| {
        let all = edition.statements.iter();
        all.filter(|one| !of_firewall(one.id.as_str())).cloned().collect::<Vec<_>>()
    };
    assert_eq!(article(&before), article(&after), "the article is one text");
    assert_eq!(before.rules, after.rules);
    assert_eq!((&before.unnamed, &before.channels), (&after.unnamed, &after.channels));
    assert!(after.topics[&Topic::Firewall] == ["FW2".into()]);
    assert!(before.statement("FW2").is_none());
    assert!(after.statement("FW1").is_none());
}
