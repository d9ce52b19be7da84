//! An import never invents a date, an offer or an exemption.

use egress25_azure::{ImportError, Of, Told};
use egress25_policy::{ExemptionState, Offer, Recognised, recognise_quota_id};
use jiff::civil::date;
use toml::Table;

use crate::{built, imported, imported_as, samples};

/// Every sample that is read, alone and beside the one before it.
fn texts() -> Vec<Vec<String>> {
    let Some(folder) = samples() else { return Vec::new() };
    let index = std::fs::read_to_string(folder.join("INDEX.tsv")).expect("the index");
    let mut all: Vec<Vec<String>> = Vec::new();
    let mut before = None;
    for line in index.lines().skip(1) {
        let mut cells = line.split('\t');
        let (Some(kind), Some(file)) = (cells.next(), cells.next()) else { continue };
        let text = std::fs::read_to_string(folder.join(kind).join(file)).expect("a text");
        if imported(&[&text]).is_err() {
            continue;
        }
        all.push(vec![text.clone()]);
        let both = before.replace(text.clone()).map(|before| vec![before, text]);
        // Samples of one name that say different things are no export.
        let fits =
            |both: &Vec<String>| !matches!(imported(&refs(both)), Err(ImportError::Differs { .. }));
        all.extend(both.filter(fits));
    }
    all
}

fn refs(texts: &[String]) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}

/// The quotaIds that stand in texts.
fn quota_ids(texts: &[String]) -> Vec<&str> {
    let behind = |text: &'_ String| -> Vec<(usize, usize)> {
        text.match_indices("quotaId").map(|(at, word)| (at, at + word.len() + 1)).collect()
    };
    let mut found = Vec::new();
    for text in texts {
        for (_, end) in behind(text) {
            found.extend(text[end..].split('"').nth(1));
        }
    }
    found
}

#[test]
fn nothing_is_told_that_the_export_does_not_say() {
    for texts in texts() {
        let imported = imported(&refs(&texts)).expect("it is read");
        let table: Table = imported.inventory.parse().expect("TOML");
        let subscriptions = table.get("subscription").and_then(|of| of.as_table());
        for (name, of) in subscriptions.into_iter().flatten() {
            assert!(of.get("created").is_none(), "{name}: {}", imported.inventory);
            assert!(of.get("exemption").is_none(), "{name}: {}", imported.inventory);
            if let Some(offer) = of.get("offer").and_then(|offer| offer.as_str()) {
                let offer: Offer = offer.parse().expect("an offer");
                let ids = quota_ids(&texts);
                let told = ids.iter().any(|id| recognise_quota_id(id) == Recognised::One(offer));
                assert!(told, "{name}: {offer} by {ids:?}");
            }
            if let Some(before) = of.get("created_before").and_then(|day| day.as_str()) {
                let day: jiff::civil::Date = before.parse().expect("a day");
                let oldest = day.yesterday().expect("a day").to_string();
                assert!(texts.iter().any(|text| text.contains(&oldest)), "{name}: {oldest}");
            }
            assert!(of.get("created_after").is_none(), "no page says when a quotaId was new");
        }
        assert!(!imported.inventory.contains("since_grant"), "{}", imported.inventory);
    }
}

#[test]
fn what_is_told_stands_there_and_the_inventory_builds() {
    let on = date(2019, 3, 1);
    for texts in texts() {
        let mut told = Told {
            offers: vec![],
            created: vec![Of { subscription: None, told: on }],
            exemptions: vec![Of { subscription: None, told: ExemptionState::Requested }],
            today: None,
        };
        let quiet = imported_as(&refs(&texts), &told).expect("it is read");
        if quiet.gaps.iter().any(|gap| gap.kind.name().starts_with("offer")) {
            // Where one subscription tells its offer, another may not: nothing is said against it.
            let offers = quota_ids(&texts);
            if offers.iter().any(|id| matches!(recognise_quota_id(id), Recognised::One(_))) {
                continue;
            }
            told.offers = vec![Of { subscription: None, told: Offer::VisualStudio }];
            if offers.iter().any(|id| id.starts_with("Ent")) {
                told.offers = vec![Of { subscription: None, told: Offer::EnterpriseAgreement }];
            }
        }
        let imported = imported_as(&refs(&texts), &told).expect("it is read");
        // What cannot be read keeps the inventory from loading until somebody has seen to it.
        let is_read = |line: &&str| {
            let line = line.trim_start();
            !line.starts_with("{ unread = ") && !line.starts_with("unread")
        };
        let lines: Vec<_> = imported.inventory.lines().filter(is_read).collect();
        let world = built(&lines.join("\n"));
        for subscription in world.subscriptions().values() {
            assert_eq!(subscription.exemption.state, ExemptionState::Requested);
        }
        let silent = ["offer", "created", "exemption-untold"];
        let left = imported.gaps.iter().map(|gap| gap.kind.name());
        let left: Vec<_> =
            left.filter(|name| silent.iter().any(|no| name.starts_with(no))).collect();
        assert_eq!(left, Vec::<&str>::new());
    }
}

#[test]
fn an_ambiguous_quota_id_is_asked_for_and_held_against_the_answer() {
    let subscription = |quota: &str| {
        format!(
            "{{\"id\": \"/subscriptions/abc\", \"displayName\": \"corp\", \"subscriptionPolicies\": \
             {{\"quotaId\": \"{quota}\"}}}}"
        )
    };
    let ea = subscription("EnterpriseAgreement_2014-09-01");
    let quiet = imported(&[&ea]).expect("read");
    assert!(quiet.inventory.contains("\n# offer = \"mca-e\"\n"), "{}", quiet.inventory);
    assert!(!quiet.inventory.contains("\noffer = "), "{}", quiet.inventory);
    let as_of = |name: Option<&str>, offer| {
        let of = Of { subscription: name.map(str::to_owned), told: offer };
        imported_as(&[&ea], &Told { offers: vec![of], ..Told::default() })
    };
    for name in [None, Some("corp"), Some("ABC")] {
        let told = as_of(name, Offer::McaEnterprise).expect("read").inventory;
        assert!(told.contains("\noffer = \"mca-e\"\n"), "{told}");
    }
    let other = as_of(None, Offer::FreeTrial).expect_err("another offer").to_string();
    assert!(
        other.contains("`EnterpriseAgreement_2014-09-01` serves: enterprise-agreement"),
        "{other}"
    );
    let nobody = as_of(Some("shop"), Offer::McaEnterprise).expect_err("no such").to_string();
    assert_eq!(nobody, "there is no subscription `shop` in the export; there are: `corp`");
    for (quota, kind) in [
        ("LightweightTrial_2016-09-01", "offer-unnamed"),
        ("Default_2014-09-01", "offer-unnamed"),
        ("Internal_2014-09-01", "offer-unknown"),
    ] {
        let read = imported(&[&subscription(quota)]).expect("read");
        assert_eq!(read.gaps[0].kind.name(), kind, "{quota}");
    }
}
