//! `lab events` and `lab capture`: what goes on as long as somebody listens.

use std::os::fd::{AsFd, BorrowedFd};

use egress25_lab::control::client::Client;
use egress25_lab::control::requests::Request;
use egress25_lab::enforce::verdict::VerdictEvent;

use crate::args::StreamFormat;
use crate::args::lab::{CaptureArgs, EventsArgs};
use crate::commands::lab::place::client;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output;
use crate::say::verdict::verdict;
use crate::signals::Signals;
use crate::written::{self, Output, OutputKind, Target};

pub(super) fn run(args: &EventsArgs, console: &mut Console) -> Result<(), Failure> {
    let mut client = client(&args.at)?;
    client.exchange(&Request::Events { since_start: args.since_start })?;
    let mut left = args.count;
    while left != Some(0) {
        let Some(line) = client.line()? else { return Ok(()) };
        match serde_json::from_str::<VerdictEvent>(&line) {
            Ok(event) if args.format == StreamFormat::Human => verdict(&event, console)?,
            Ok(_) => output::json_line(console, &line)?,
            // No verdict: what went wrong, or how much was missed.
            Err(_) if args.format == StreamFormat::Human => {
                console.warn(&aside(&line));
                continue;
            }
            Err(_) => {
                output::json_line(console, &line)?;
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

pub(super) fn capture(args: &CaptureArgs, console: &mut Console) -> Result<(), Failure> {
    let outputs = [Some((args.file.as_path(), OutputKind::Capture))];
    let [Some(target)] = written::claim([], outputs, args.force.force)? else { return Ok(()) };
    let signals = Signals::catch()?;
    let client = client(&args.at)?;
    let capture = LabCapture::begin(client, target)?;
    console.note("capturing; interrupt to end, then the file is whole");
    // A signal ends it, or the lab: by its own end, or by what it could not write.
    signals
        .wait(Some(capture.as_fd()), None)
        .map_err(|error| Failure::Internal(format!("waiting for the lab: {error}")))?;
    capture.finish()
}

/// A capture that a lab writes into a file of ours.
pub(super) struct LabCapture {
    client: Client,
    output: Output,
}

impl LabCapture {
    pub(super) fn begin(mut client: Client, target: Target) -> Result<Self, Failure> {
        let output = Output::create(target)?;
        client.capture(output.as_fd())?;
        Ok(Self { client, output })
    }

    /// Ends it; the file is whole then, or not there.
    pub(super) fn finish(self) -> Result<(), Failure> {
        let Self { client, output } = self;
        client.finish().map_err(|error| {
            let name = output.name();
            Failure::Internal(format!("`{name}` cannot be written: {error}"))
        })?;
        Ok(output.finish()?)
    }
}

impl AsFd for LabCapture {
    /// Can be read when the capture has ended.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.client.as_fd()
    }
}
