//! Days and times in files: TOML's own are taken, and what is wrong is said in our words.

use egress25_policy::{Edition, InventoryFile, parse_events};

use crate::support::{INTERNET, ask, assumed, one, short, world_with};

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

#[test]
fn bounds_of_a_creation_that_tell_enough_are_no_assumption() {
    let answer = |bounds: &str| {
        let text = one("pay-as-you-go", "2019-03-01", "none");
        let text = text.replace("created = \"2019-03-01\"", bounds);
        let decision = ask(&world_with(&text, &[], ""), "web", INTERNET);
        let bound = assumed(&decision).contains(&"creation_between_bounds");
        format!("{}{}", short(&decision), if bound { ", assumed" } else { "" })
    };
    for (bounds, right) in [
        ("created_before = 2019-03-02", "drop not-granted, assumed"),
        ("created_after = 2016-01-01", "drop not-granted, assumed"),
        ("created_before = 2017-11-15", "pass predates-restriction"),
        ("created_after = 2017-11-14", "drop not-granted"),
        ("created_after = 2017-11-13\ncreated_before = 2017-11-15", "pass predates-restriction"),
        ("created_after = 2017-11-13\ncreated_before = 2017-11-16", "drop not-granted, assumed"),
    ] {
        assert_eq!(answer(bounds), right, "{bounds}");
    }
    for (wrong, said) in [
        ("created_after = 2019-01-01\ncreated_before = 2019-01-02", "no day lies between"),
        ("created = 2019-01-01\ncreated_before = 2019-01-02", "nothing to bound"),
        ("", "say the day on which it was created"),
    ] {
        let text = one("pay-as-you-go", "2019-03-01", "none");
        let text = text.replace("created = \"2019-03-01\"", wrong);
        let file = InventoryFile::parse(&text).unwrap();
        let error = file.build(&Edition::default_edition().unwrap(), &[]).unwrap_err();
        assert!(error.what.contains(said), "{wrong}: {}", error.what);
    }
}
