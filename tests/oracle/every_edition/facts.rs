//! What the texts say, a table an edition: the statements of edition 2020-12, and the table of the
//! editions with its corrections and the second check, which override it.

/// Whom a row blocks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blocks {
    /// `open`: nobody.
    Nobody,
    /// `after`: subscriptions created from 2017-11-15 on.
    After,
    /// `no date`: as `After` by the setting `csp_cutoff`.
    NoDate,
    /// `always`: everybody.
    Always,
}

/// How removal is asked for: the words behind the slash. Open rows have nothing to ask for.
pub(crate) type Removal = &'static [&'static str];

/// What the text leaves unsaid of an exemption's terms for a row (`exemption_terms_when_silent`).
#[derive(Clone, Copy)]
pub(crate) struct Silent {
    pub(crate) effect: bool,
    pub(crate) cover: bool,
    pub(crate) revocation: bool,
}

const SAID: Silent = Silent { effect: false, cover: false, revocation: false };
const REVOCATION: Silent = Silent { revocation: true, ..SAID };
const COVER_AND_REVOCATION: Silent = Silent { cover: true, ..REVOCATION };
const TERMS: Silent = Silent { effect: true, ..COVER_AND_REVOCATION };

/// The statements of edition 2020-12 that an answer must rest on, by what they say. The other
/// editions' ids are the project's to give: none is held against them.
#[derive(Clone, Copy)]
pub(crate) struct Ids {
    pub(crate) open: &'static [&'static str],
    pub(crate) old: &'static [&'static str],
    pub(crate) blocked: &'static [&'static str],
    pub(crate) request: &'static [&'static str],
    pub(crate) answer: &'static [&'static str],
    pub(crate) effect: &'static [&'static str],
    pub(crate) cover: &'static [&'static str],
    pub(crate) revoke: &'static [&'static str],
    pub(crate) never: &'static [&'static str],
}

const NONE: Ids = Ids {
    open: &[],
    old: &[],
    blocked: &[],
    request: &[],
    answer: &[],
    effect: &[],
    cover: &[],
    revoke: &[],
    never: &[],
};

/// A row of the table: offers that an edition treats alike.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) offers: &'static [&'static str],
    pub(crate) blocks: Blocks,
    pub(crate) removal: Removal,
    pub(crate) silent: Silent,
    pub(crate) ids: Ids,
    /// The page that says that no request is granted, where it is not the article.
    pub(crate) never_from: &'static [&'static str],
}

const ROW: Row = Row {
    offers: &[],
    blocks: Blocks::Always,
    removal: &[],
    silent: SAID,
    ids: NONE,
    never_from: &[],
};

/// When an exemption takes effect.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Only for machines created after it. The network security group overview says so, the
    /// article of the same time only "from then on".
    MachinesCreatedAfter,
    /// When the machine was stopped (deallocated) and started.
    StopAndStart,
}

/// Port 25 through Azure Firewall.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Firewall {
    /// The edition is silent, and the specification names no page of that time and no default.
    Silent,
    /// Not supported; the sentence stands in the part on these offers.
    UnsupportedFor(&'static [&'static str]),
    /// Not supported (RL1), for whatever type.
    Unsupported,
    /// The edition is silent; the firewall's known-issues page says blocked, cannot be enabled.
    BlockedByKnownIssues,
    /// The edition is silent; the known-issues page says that it may work, not guaranteed, not for
    /// every type: the subscription's rule, with that limit.
    OwnRuleWithLimit,
    /// The rule of the firewall's own subscription; article and firewall page disagree.
    OwnRuleDisputed,
    /// The rule of the firewall's own subscription, by the text.
    OwnRule,
}

/// App Service with integration into the network, for what enters the network.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum AppService {
    /// Blocked, and no page said so yet: assumed.
    Assumed,
    /// Blocked: the App Service page of 2021-03-08 to 2022-08.
    ByItsPage,
    /// The same, in an edition that begins a week before that page: of these days it is assumed.
    ByItsPageInPart,
    /// Possible, by the rule of the network's subscription.
    OwnRule,
}

pub(crate) struct Edition {
    pub(crate) id: &'static str,
    pub(crate) effect: Effect,
    pub(crate) firewall: Firewall,
    pub(crate) app_service: AppService,
    pub(crate) rows: &'static [Row],
}

const DEVELOPERS: &[&str] = &[
    "msdn",
    "azure-pass",
    "azure-in-open",
    "education",
    "free-trial",
    "azure-for-students",
    "visual-studio",
];
/// As 2020-12 and 2021-03 have it; 2021-04 puts Cloud Solution Provider beside them.
const PARTNERS: &[&str] = &["microsoft-partner-network", "bizspark-plus", "azure-sponsorship"];

const ENTERPRISE: Row = Row { offers: &["enterprise-agreement"], blocks: Blocks::Nobody, ..ROW };
const DEVELOPERS_AFTER: Row = Row { offers: DEVELOPERS, blocks: Blocks::After, ..ROW };

/// The rows of 2018-11 and 2019-08, which differ in no cell of the table of offers. What holds for
/// an offer that an edition does not name (`-`) the table does not say: none is asked.
const EARLY: &[Row] = &[
    ENTERPRISE,
    Row {
        offers: &["pay-as-you-go", "microsoft-partner-network"],
        blocks: Blocks::After,
        removal: &["case"],
        ..ROW
    },
    Row { offers: &["azure-sponsorship", "bizspark"], blocks: Blocks::After, ..ROW },
    DEVELOPERS_AFTER,
    // "For CSP the text gives neither effect, cover nor revocation."
    Row {
        offers: &["cloud-solution-provider"],
        blocks: Blocks::NoDate,
        removal: &["provider"],
        silent: TERMS,
        ..ROW
    },
];

const IN_2020_12: &[Row] = &[
    Row { ids: Ids { open: &["EA1"], ..NONE }, ..ENTERPRISE },
    Row {
        offers: &["pay-as-you-go"],
        blocks: Blocks::After,
        removal: &["portal"],
        ids: Ids {
            old: &["PG1"],
            blocked: &["PG3"],
            request: &["PG4"],
            answer: &["PG5"],
            effect: &["PG6"],
            cover: &["PG7", "PG8"],
            revoke: &["PG9"],
            ..NONE
        },
        ..ROW
    },
    Row {
        ids: Ids { old: &["G2"], blocked: &["DV1"], never: &["DV2"], ..NONE },
        ..DEVELOPERS_AFTER
    },
    // CS1 to CS3 say nothing of effect, cover and revocation.
    Row {
        offers: &["cloud-solution-provider"],
        blocks: Blocks::NoDate,
        removal: &["portal"],
        silent: TERMS,
        ids: Ids { old: &["G2"], blocked: &["CS1"], request: &["CS2"], answer: &["CS3"], ..NONE },
        ..ROW
    },
    // Revocation is reserved for pay-as-you-go alone.
    Row {
        offers: PARTNERS,
        blocks: Blocks::After,
        removal: &["case"],
        silent: REVOCATION,
        ids: Ids {
            old: &["G2"],
            blocked: &["PN1"],
            request: &["PN2", "PN3"],
            answer: &["PN4"],
            effect: &["PN5"],
            cover: &["PN6"],
            ..NONE
        },
        ..ROW
    },
];

const IN_2021_03: &[Row] = &[
    ENTERPRISE,
    Row { offers: &["pay-as-you-go"], blocks: Blocks::After, removal: &["portal"], ..ROW },
    DEVELOPERS_AFTER,
    Row {
        offers: &["cloud-solution-provider"],
        blocks: Blocks::NoDate,
        removal: &["portal"],
        silent: COVER_AND_REVOCATION,
        ..ROW
    },
    Row { offers: PARTNERS, blocks: Blocks::After, removal: &["case"], silent: REVOCATION, ..ROW },
];

const IN_2021_04: &[Row] = &[
    ENTERPRISE,
    // "The text in between (2021-04) has … a support request for Pay-as-you-go."
    Row { offers: &["pay-as-you-go"], removal: &["portal", "case"], ..ROW },
    Row { offers: DEVELOPERS, ..ROW },
    // The portal section and a support request: one way with two steps.
    Row {
        offers: &["cloud-solution-provider"],
        removal: &["portal", "case"],
        silent: TERMS,
        ..ROW
    },
    Row { offers: PARTNERS, removal: &["portal", "case"], ..ROW },
];

/// Terms of an exemption stand in this part alone; revocation nowhere.
const ENTERPRISE_DEV_TEST: Row =
    Row { offers: &["enterprise-dev-test"], removal: &["portal"], silent: REVOCATION, ..ROW };
/// "No request is granted" is the network security group overview's, for these.
const NEVER_BY_OVERVIEW: Row = Row {
    offers: &[
        "pay-as-you-go",
        "msdn",
        "azure-pass",
        "azure-in-open",
        "education",
        "free-trial",
        "cloud-solution-provider",
    ],
    silent: TERMS,
    never_from: &["nsg-overview"],
    ..ROW
};
/// To the others the article names no way to ask.
const NO_WAY_TO_ASK: Row = Row {
    offers: &[
        "microsoft-partner-network",
        "bizspark-plus",
        "azure-sponsorship",
        "bizspark",
        "azure-for-students",
        "visual-studio",
    ],
    silent: TERMS,
    ..ROW
};
/// "All other subscription types" is one heading of the text in force, so that no offer is unnamed
/// in it. Pay-as-you-go Dev/Test stands for those that no table names.
const ALL_OTHERS: Row =
    Row { offers: &["all-other-types", "pay-as-you-go-dev-test"], ..NO_WAY_TO_ASK };

/// Every edition, oldest first.
pub(crate) const EDITIONS: &[Edition] = &[
    Edition {
        id: "2018-11",
        effect: Effect::MachinesCreatedAfter,
        firewall: Firewall::Silent,
        app_service: AppService::Assumed,
        rows: EARLY,
    },
    Edition {
        id: "2019-08",
        effect: Effect::StopAndStart,
        firewall: Firewall::UnsupportedFor(&["pay-as-you-go", "microsoft-partner-network"]),
        app_service: AppService::Assumed,
        rows: EARLY,
    },
    // Set apart by what is asked in the portal and by the way to support, which are not held here.
    Edition {
        id: "2020-11",
        effect: Effect::StopAndStart,
        firewall: Firewall::Unsupported,
        app_service: AppService::Assumed,
        rows: IN_2020_12,
    },
    Edition {
        id: "2020-12",
        effect: Effect::StopAndStart,
        firewall: Firewall::Unsupported,
        app_service: AppService::Assumed,
        rows: IN_2020_12,
    },
    Edition {
        id: "2021-03",
        effect: Effect::StopAndStart,
        firewall: Firewall::BlockedByKnownIssues,
        app_service: AppService::ByItsPageInPart,
        rows: IN_2021_03,
    },
    Edition {
        id: "2021-04",
        effect: Effect::StopAndStart,
        firewall: Firewall::BlockedByKnownIssues,
        app_service: AppService::ByItsPage,
        rows: IN_2021_04,
    },
    // The article of 2021-04, beside another text of the firewall's page.
    Edition {
        id: "2021-08",
        effect: Effect::StopAndStart,
        firewall: Firewall::OwnRuleWithLimit,
        app_service: AppService::ByItsPage,
        rows: IN_2021_04,
    },
    Edition {
        id: "2022-11",
        effect: Effect::StopAndStart,
        firewall: Firewall::OwnRuleDisputed,
        app_service: AppService::OwnRule,
        rows: &[ENTERPRISE, ENTERPRISE_DEV_TEST, NEVER_BY_OVERVIEW, NO_WAY_TO_ASK],
    },
    Edition {
        id: "2023-12",
        effect: Effect::StopAndStart,
        firewall: Firewall::OwnRule,
        app_service: AppService::OwnRule,
        rows: &[
            Row { offers: &["enterprise-agreement", "mca-e"], ..ENTERPRISE },
            ENTERPRISE_DEV_TEST,
            NEVER_BY_OVERVIEW,
            NO_WAY_TO_ASK,
            ALL_OTHERS,
        ],
    },
];
