//! Days and times in files: TOML's own are taken, and what is wrong is said in our words.

use egress25_policy::{Edition, InventoryFile, parse_events};

use crate::support::one;

fn lab(created: &str) -> Result<InventoryFile, String> {
    let text = one("pay-as-you-go", "2019-03-01", "none");
    let written = "created = \"2019-03-01\"";
    assert!(text.contains(written), "{text}");
    let text = text.replace(written, &format!("created = {created}"));
    InventoryFile::parse(&text).map_err(|error| {
        assert!(error.span.is_some(), "it has a place: {}", error.what);
        error.what
    })
}

fn at(at: &str) -> Result<String, String> {
    let text = format!("[[event]]\nat = {at}\nkind = \"machine-stopped\"\nmachine = \"web\"\n");
    let events = parse_events(&text).map_err(|error| error.what)?;
    Ok(events.iter().map(|event| event.at.to_string()).collect())
}

#[test]
fn a_date_without_quotes_was_refused() {
    let edition = Edition::default_edition().unwrap();
    let state = |created| {
        let lab = lab(created).unwrap().build(&edition, &[]).unwrap();
        format!("{:?}", lab.world.subscriptions())
    };
    assert_eq!(state("2019-03-01"), state("\"2019-03-01\""));
    for written in ["2020-12-08T09:00:00Z", "2020-12-08 09:00:00Z", "2020-12-08T10:00:00+01:00"] {
        assert_eq!(at(written).unwrap(), "2020-12-08T09:00:00Z", "{written}");
        assert_eq!(at(&format!("\"{written}\"")).unwrap(), "2020-12-08T09:00:00Z", "{written}");
    }
    for day in ["2020-12-08", "\"2020-12-08\""] {
        assert_eq!(at(day).unwrap(), "2020-12-08T00:00:00Z", "a day is its first moment");
    }
}

#[test]
fn the_date_readers_own_words_stood_in_messages() {
    for wrong in [
        "\"2019-02-30\"",
        "\"yesterday\"",
        "\"\"",
        "\"2019-3-1\"",
        "\"2019-03-01T00:00:00\"",
        "2019-03-01T00:00:00Z",
        "09:00:00",
        "2019",
        "{ day = 1 }",
    ] {
        let said = lab(wrong).unwrap_err();
        assert!(said.contains("a day such as `2019-03-01`"), "{wrong}: {said}");
    }
    for wrong in ["\"noon\"", "\"2020-13-08T09:00:00Z\"", "09:00:00", "true", "{ hour = 9 }"] {
        let said = at(wrong).unwrap_err();
        assert!(said.contains("a time such as `2020-12-08T09:00:00Z`"), "{wrong}: {said}");
    }
    for zoneless in ["2020-12-08T09:00:00", "\"2020-12-08T09:00:00\""] {
        let said = at(zoneless).unwrap_err();
        assert!(said.contains("does not say its time zone: add `Z`"), "{zoneless}: {said}");
    }
}
