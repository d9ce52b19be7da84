//! Exports of Azure: an import ends with an error or with an inventory that loads.

use egress25_azure::{Input, Of, Told, import};
use egress25_policy::{Edition, ExemptionState, InventoryFile, Offer};

/// What is between the files of an input.
const BETWEEN: char = '\0';

/// So many files of an input are read.
const FILES: usize = 3;

/// What a user tells who knows it all.
fn all_is_told() -> Told {
    let day = "2019-03-01".parse().expect("a day");
    Told {
        offers: vec![Of { subscription: None, told: Offer::PayAsYouGo }],
        created: vec![Of { subscription: None, told: day }],
        exemptions: vec![Of { subscription: None, told: ExemptionState::None }],
        today: Some("2026-11-28".parse().expect("a day")),
    }
}

/// An export is refused, or what is made of it is an inventory, the same every time; with everything
/// told that no export says, one that can be read.
pub fn azure(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let names = ["a.json", "b.json", "c.json"];
    let texts = text.split(BETWEEN).take(FILES).zip(names);
    let inputs: Vec<_> = texts.map(|(text, name)| Input { name, text, routes_of: None }).collect();
    if let Ok(imported) = import(&inputs, &Told::default()) {
        let parsed = imported.inventory.parse::<toml::Table>();
        assert!(parsed.is_ok(), "{parsed:?}\n{}", imported.inventory);
        assert_eq!(import(&inputs, &Told::default()).as_ref(), Ok(&imported));
    }
    let Ok(imported) = import(&inputs, &all_is_told()) else { return };
    let file = match InventoryFile::parse(&imported.inventory) {
        Ok(file) => file,
        // What could not be read of it has to be written by hand before it loads.
        Err(_) if imported.inventory.contains("unread") => return,
        Err(error) => panic!("{error}\n{}", imported.inventory),
    };
    // A name of a resource is a name; the space that Azure says a network has may be unfit.
    if let Err(error) = file.check_what_begins() {
        assert!(error.to_string().contains("address_space"), "{error}\n{}", imported.inventory);
    }
    let edition = Edition::default_edition().expect("the default edition");
    // What Azure would not have may be in what no Azure wrote: it is refused, whatever that is.
    let _ = file.build(&edition, &[]);
}
