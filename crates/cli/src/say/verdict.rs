//! A verdict of a lab or a filter, as it is told while it runs.

use std::net::IpAddr;

use egress25_lab::enforce::verdict::VerdictEvent;

use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::shown::Shown;

/// Writes a verdict as a line for a person.
///
/// # Errors
/// The write failed.
pub fn verdict(event: &VerdictEvent, console: &mut Console) -> Result<(), Failure> {
    let text = |address: Option<IpAddr>| {
        address.map_or_else(|| "?".to_owned(), |address| address.to_string())
    };
    let colored = console.paint().verdict(event.verdict, event.verdict.name());
    let of = format!(
        " {} -> {} {} ({}, {})",
        text(event.source),
        text(event.destination),
        event.reason,
        event.machine.as_deref().unwrap_or("nobody"),
        event.network,
    );
    console.line(Shown::from(format!("{} ", event.at)) + colored + &of)
}
