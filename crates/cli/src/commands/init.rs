//! `init`: an inventory begun from a capture of one's own.

use std::collections::BTreeMap;
use std::net::IpAddr;

use egress25_packet_filter::capture::{CaptureBatch, CaptureReader};
use egress25_packet_filter::frame::{Frame, FrameOptions, Outcome, outermost};
use egress25_policy::shell_word;
use jiff::Timestamp;

use crate::args::InitArgs;
use crate::read::edition;
use crate::read::sender::{MAX_MACHINES, SeenSender, SenderFacts};
use crate::read::{capture, sender};
use crate::say::ask::path_word;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::counted;
use crate::say::progress::Progress;
use crate::written::{self, OutputKind};

/// Writes the inventory.
///
/// # Errors
/// The capture cannot be read, or nothing says whose it is.
pub fn run(args: &InitArgs, console: &mut Console) -> Result<(), Failure> {
    let typed = match &args.capture {
        Some(capture) => format!("init {}", path_word(capture)),
        None => "init".to_owned(),
    };
    let output = args.write.as_deref().map(|path| (path, OutputKind::Inventory));
    let [target] = written::claim(args.capture.as_deref(), [output], args.force.force)?;
    let chosen = edition::chosen(None)?;
    // Nobody is asked about a file that cannot be read.
    let reader = args.capture.as_deref().map(capture::open).transpose()?;
    let facts = SenderFacts::resolve(&args.sender, &chosen, &[], &typed)?;
    let found = reader.map(|reader| senders(reader, &facts, console)).transpose()?;
    if let Some(Found { senders, foreign, .. }) = &found {
        say(senders.len(), *foreign, console);
    }
    let text = facts.inventory(found.as_ref().map(|found| &found.senders), Timestamp::now());
    match target {
        Some(target) => {
            let (name, word) = (target.name().to_owned(), shell_word(target.name()));
            target.write(text.as_bytes())?;
            console.line(format!("written: {name}; look at it, then: egress25 validate {word}"))
        }
        None => console.lines(&text),
    }
}

fn say(senders: usize, foreign: u64, console: &Console) {
    if senders == 0 {
        console.warn(&format!(
            "no private address of the capture sends a SYN to port 25; `{}` stands for all of them",
            sender::ALL
        ));
    }
    if senders > MAX_MACHINES {
        console.warn(&format!(
            "more than {MAX_MACHINES} addresses send, and are not written one by one: `{}` stands for \
             all of them",
            sender::ALL
        ));
    }
    if foreign > 0 {
        let syns = counted(foreign, "SYN is", "SYNs are");
        console.warn(&format!(
            "{syns} from addresses that are not private; if some are yours, name them with --mine PREFIX"
        ));
    }
}

/// What a capture shows of who sends.
#[derive(Debug, Default)]
struct Found {
    senders: BTreeMap<IpAddr, SeenSender>,
    /// How many SYNs to port 25 come from other addresses, and go to other ones.
    foreign: u64,
}

fn senders(
    mut reader: CaptureReader,
    facts: &SenderFacts,
    console: &mut Console,
) -> Result<Found, Failure> {
    let mut progress = Progress::new(console, &reader);
    let mut found = Found::default();
    while let Some(batch) = reader.next_batch()? {
        found.take_in(&batch, facts);
        progress.tick(console, reader.bytes_read())?;
    }
    progress.end();
    for warning in reader.warnings() {
        console.warn(&warning.to_string());
    }
    Ok(found)
}

impl Found {
    fn take_in(&mut self, batch: &CaptureBatch<'_>, facts: &SenderFacts) {
        let options = FrameOptions::default();
        for place in 0..batch.len() {
            let Some(record) = batch.record(place) else { continue };
            let frame = Frame { link: record.link, bytes: record.data, wire_len: record.wire_len };
            let Outcome::Match(syn) = outermost(&frame, &options) else { continue };
            if facts.own(syn.source) {
                // More are not written one by one, and a scan has millions of them.
                let is_full = self.senders.len() > MAX_MACHINES;
                if is_full && !self.senders.contains_key(&syn.source) {
                    continue;
                }
                let seen = self.senders.entry(syn.source);
                let seen = seen.or_insert(SeenSender { syns: 0, first: record.timestamp });
                seen.syns = seen.syns.saturating_add(1);
            } else if !facts.own(syn.destination) {
                self.foreign = self.foreign.saturating_add(1);
            }
        }
    }
}
