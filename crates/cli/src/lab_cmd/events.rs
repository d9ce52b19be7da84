//! `lab events` and `lab capture`: what goes on as long as somebody listens.

use egress25_lab::owner::Request;
use egress25_lab::verdict::{VerdictEvent, name};

use super::args::{CaptureArgs, EventsArgs};
use super::{client, failed};
use crate::args::Format;
use crate::console::Console;
use crate::failure::Failure;

pub(super) fn run(args: &EventsArgs, console: &mut Console) -> Result<(), Failure> {
    let mut client = client(&args.at)?;
    client.ask(&Request::Events).map_err(failed)?;
    let mut left = args.count;
    while left != Some(0) {
        let Some(line) = client.line().map_err(failed)? else { return Ok(()) };
        match serde_json::from_str::<VerdictEvent>(&line) {
            Ok(event) if args.format == Format::Human => human(&event, console)?,
            Ok(_) => console.line(&line)?,
            // No verdict: what went wrong, or how much was missed.
            Err(_) if args.format == Format::Human => {
                console.warn(&aside(&line));
                continue;
            }
            Err(_) => {
                console.line(&line)?;
                console.finish()?;
                continue;
            }
        }
        console.finish()?;
        left = left.map(|count| count.saturating_sub(1));
    }
    Ok(())
}

/// What a line says that is no verdict.
fn aside(line: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    match (value.get("note").and_then(|note| note.as_str()), value.get("missed")) {
        (Some(note), _) => note.to_owned(),
        (None, Some(count)) => format!("{count} verdicts came too fast to tell"),
        _ => line.to_owned(),
    }
}

/// A verdict as a line for a person.
pub(super) fn human(event: &VerdictEvent, console: &mut Console) -> Result<(), Failure> {
    let text = |address: Option<std::net::IpAddr>| {
        address.map_or_else(|| "?".to_owned(), |address| address.to_string())
    };
    let verdict = console.paint().verdict(event.verdict, name(event.verdict));
    console.line(format!(
        "{} {verdict} {} -> {} {} ({}, {})",
        event.at,
        text(event.source),
        text(event.destination),
        event.reason,
        event.machine.as_deref().unwrap_or("nobody"),
        event.network,
    ))
}

pub(super) fn capture(args: &CaptureArgs, console: &mut Console) -> Result<(), Failure> {
    let path = std::path::absolute(&args.file)
        .map_err(|source| Failure::Write { name: args.file.display().to_string(), source })?;
    let mut client = client(&args.at)?;
    client.ask(&Request::Capture { path }).map_err(failed)?;
    console.note("capturing; interrupt to end, then the file is whole");
    // Nothing is told; the line ends with the lab.
    client.line().map_err(failed).map(drop)
}
