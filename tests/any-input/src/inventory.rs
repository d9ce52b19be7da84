//! Inventories: what loads is a world whose compiled table says what the reference does.

use egress25_packet_filter::table::Table;
use egress25_policy::{Edition, InventoryFile};

use crate::told_apart::{compare, follow};

/// So many events are let happen.
const EVENTS: usize = 6;

/// An inventory is refused, or its world is judged alike by the table and the reference, at its
/// beginning and after events.
pub fn inventory(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut file = match InventoryFile::parse(text) {
        Ok(file) => file,
        Err(error) => {
            let whole = 0..=text.len();
            let span = error.span.as_ref();
            assert!(
                span.is_none_or(|span| whole.contains(&span.start) && whole.contains(&span.end))
            );
            return;
        }
    };
    if file.service_tag_file().is_some() {
        let prefixes = vec!["203.0.113.0/24".parse().expect("a prefix")];
        file.tell_service_tags([("Storage".to_owned(), prefixes)]);
    }
    let edition = file.edition().map(Edition::named);
    let Ok(edition) = edition.unwrap_or_else(Edition::default_edition) else { return };
    let _ = file.check_what_begins();
    let Ok(inventory) = file.build(&edition, &[]) else { return };
    let mut table = Table::compile(&inventory.world, 0).ok();
    if let Some(table) = &table {
        compare(table, &inventory.world);
    }
    let mut world = inventory.world;
    for event in inventory.events.iter().take(EVENTS) {
        let Ok(applied) = world.apply(event) else { continue };
        table = table.and_then(|table| follow(table, &world, &applied));
        if let Some(table) = &table {
            compare(table, &world);
        }
    }
}
