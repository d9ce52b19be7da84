//! Editions: what loads answers every offer, by statements that it has.

use std::fmt::Write as _;
use std::sync::Arc;

use egress25_policy::{
    Edition, InventoryFile, MachineName, Offer, Question, SMTP_PORT, Source, decide,
};

/// A machine in a subscription of each offer, before the cutoff and after it.
fn inventory() -> String {
    let mut text = String::from("[network.net]\naddress_space = [\"10.0.0.0/8\"]\n");
    for (number, offer) in Offer::ALL.iter().enumerate() {
        for (age, created) in ["2016-01-01", "2024-01-01"].iter().enumerate() {
            let name = format!("s{number}-{age}");
            let exemption = ["none", "granted"][(number + age) % 2];
            write!(
                text,
                "[subscription.{name}]\noffer = \"{offer}\"\ncreated = \"{created}\"\n\
                 exemption = \"{exemption}\"\n[machine.{name}]\nsubscription = \"{name}\"\n\
                 network = \"net\"\naddresses = [\"10.{age}.{number}.4\"]\n"
            )
            .expect("room for a text");
        }
    }
    text
}

/// An edition is refused, or each of its answers rests on statements that it has.
pub fn edition(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(edition) = Edition::parse("any.toml", text) else { return };
    let edition = Arc::new(edition);
    let file = InventoryFile::parse(&inventory()).expect("an inventory");
    // A setting of the edition's own may be none.
    let Ok(inventory) = file.build(&edition, &[]) else { return };
    let world = inventory.world;
    for name in world.machines().keys() {
        for port in [SMTP_PORT, 587] {
            let source = Source::Machine(MachineName::from(name.as_str()));
            let destination = "203.0.113.5".parse().expect("an address");
            let question = Question { source, destination, port, source_port: None };
            let decision = decide(&world, &question);
            for id in &decision.statements {
                assert!(edition.statement(id.as_str()).is_some(), "{id} is not of the edition");
            }
            assert_eq!(decision.edition, edition.id);
        }
    }
}
