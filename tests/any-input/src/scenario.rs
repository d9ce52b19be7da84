//! Scenario files: refused with a place in the file, or whole, with a report that is XML.

use std::sync::OnceLock;

use egress25_lab::scenario::{Scenario, ScenarioFault, ScenarioReport, junit};
use egress25_policy::{Edition, InventoryFile, World};
use jiff::Timestamp;

/// The inventory that the shipped scenarios name.
const INVENTORY: &str = include_str!("../../../fixtures/scenarios/mail.inventory.toml");

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let edition = Edition::default_edition().expect("the default edition");
        let file = InventoryFile::parse(INVENTORY).expect("an inventory");
        file.build(&edition, &[]).expect("a world").world
    })
}

/// A fault's place is in the file.
fn is_in(text: &str, fault: &ScenarioFault) {
    assert!(!fault.what.is_empty());
    if let Some(span) = &fault.span {
        assert!(text.get(span.clone()).is_some(), "{span:?} of {} bytes", text.len());
    }
}

/// A scenario is refused, or its steps can be looked at, and what is reported of it is XML.
pub fn scenario(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let scenario = match Scenario::parse(text) {
        Ok(scenario) => scenario,
        Err(fault) => return is_in(text, &fault),
    };
    let at = scenario.at.unwrap_or(Timestamp::UNIX_EPOCH);
    if let Err(fault) = scenario.fits(text, world(), at) {
        is_in(text, &fault);
    }
    let report = ScenarioReport::unplayed(&scenario, "nft", "it is not played here");
    assert_eq!(report.failed() + report.skipped(), scenario.step.len());
    is_xml(&junit(&report));
}

/// Whether a text has the characters and the quoting of XML 1.0, 2.2 and 2.3.
fn is_xml(text: &str) {
    let is_char = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    assert!(text.chars().all(is_char), "{text:?}");
    let (mut tags, mut quotes) = (0_i64, 0);
    for c in text.chars() {
        match c {
            '<' => tags += 1,
            '>' => tags -= 1,
            '"' => quotes += 1,
            _ => {}
        }
        assert!((0..=1).contains(&tags), "{text}");
    }
    assert!(tags == 0 && quotes % 2 == 0, "{text}");
}
