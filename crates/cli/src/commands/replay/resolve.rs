//! What a replay is asked for, resolved.

use std::path::{Path, PathBuf};

use egress25_packet_filter::frame::{self, MAX_VXLAN_PORTS, VxlanPorts, Wanted};
use egress25_policy::{Reason, Verdict};
use jiff::Timestamp;

use crate::args::{OnIndeterminate, Only, ReplayArgs, ReportFormat};
use crate::commands::store::inventory;
use crate::read::capture;
use crate::read::edition::{self, ChosenEdition};
use crate::read::input::{NamedText, stdin_once};
use crate::read::inventory::{InventoryInput, events_of};
use crate::read::sender::SenderFacts;
use crate::say::ask::shell_word;
use crate::say::failure::Failure;

/// What is asked for, resolved.
#[derive(Debug)]
pub(super) struct ReplayPlan {
    pub(super) capture: PathBuf,
    pub(super) inventory: InventoryInput,
    pub(super) edition: ChosenEdition,
    pub(super) network: Option<String>,
    pub(super) options: frame::FrameOptions,
    only: Vec<Only>,
    /// Whether there are rows.
    pub(super) rows: bool,
    /// Whether they are connections, and not packets.
    pub(super) rows_are_connections: bool,
    /// Whether packets are brought together to connections.
    pub(super) tracks_connections: bool,
    pub(super) max_connections: usize,
    pub(super) on_indeterminate: OnIndeterminate,
    /// Whether flags describe who sends, and no file does.
    pub(super) described: bool,
    pub(super) format: ReportFormat,
    /// Whether a written capture takes stdout: the report goes to stderr then.
    pub(super) stdout_taken: bool,
}

impl ReplayPlan {
    /// Whether there are rows and they are packets.
    pub(super) const fn shows_packets(&self) -> bool {
        self.rows && !self.rows_are_connections
    }

    /// Whether it is to be said of connections who sent them and what their verdicts rest on.
    pub(super) fn describes_connections(&self) -> bool {
        self.rows && self.rows_are_connections || self.format == ReportFormat::Html
    }

    /// Whether rows of a verdict and a reason are asked for.
    pub(super) fn shows(&self, verdict: Verdict, reason: Reason) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only.shows(verdict, reason))
    }
}

/// Reads the inputs that the arguments name.
pub(super) fn resolve(args: &ReplayArgs, stdout_taken: bool) -> Result<ReplayPlan, Failure> {
    let inputs = [args.capture.as_path()].into_iter().chain(args.inventory.as_deref());
    stdin_once(inputs.chain(args.events.iter().map(PathBuf::as_path)))?;
    if stdout_taken && args.format != ReportFormat::Human {
        return Err(Failure::Usage(
            "a capture that is written to `-` takes stdout, so --format has nowhere to go"
                .to_owned(),
        ));
    }
    if args.summary && args.format == ReportFormat::Csv {
        return Err(Failure::Usage(
            "csv has no summary, so nothing would be written; take --format json or ndjson"
                .to_owned(),
        ));
    }
    let mut inventory = match &args.inventory {
        Some(inventory) => InventoryInput::load(inventory, &args.events, &args.edition.set)?,
        None => {
            let mut inventory = match &args.store {
                Some(store) => inventory(Some(store), &args.edition.set)?,
                None => described(args)?,
            };
            for path in &args.events {
                let source = NamedText::read(path)?;
                let events = events_of(&source)?;
                inventory.add_events(source, events);
            }
            inventory
        }
    };
    let vxlan_ports = VxlanPorts::new(&args.vxlan_port).ok_or_else(|| {
        Failure::Usage(format!("--vxlan-port takes at most {MAX_VXLAN_PORTS} ports"))
    })?;
    let is_for_people = matches!(args.format, ReportFormat::Human | ReportFormat::Html);
    let rows_are_connections = args.connections || is_for_people;
    let tracks_connections =
        rows_are_connections || !args.fail_on.is_empty() || args.expect_connections.is_some();
    Ok(ReplayPlan {
        capture: args.capture.clone(),
        edition: inventory.judged_by(args.edition.edition.as_deref())?,
        inventory,
        network: args.network.clone(),
        options: frame::FrameOptions {
            look_inside: args.look_inside,
            vxlan_ports,
            wanted: if tracks_connections { Wanted::EVERYTHING } else { Wanted::NOTHING },
            ..frame::FrameOptions::default()
        },
        only: args.only.clone(),
        rows: !args.summary,
        rows_are_connections,
        tracks_connections,
        max_connections: usize::try_from(args.max_connections).unwrap_or(usize::MAX),
        on_indeterminate: args.on_indeterminate,
        described: args.inventory.is_none() && args.store.is_none(),
        format: args.format,
        stdout_taken,
    })
}

/// The inventory of a capture that no file describes.
fn described(args: &ReplayArgs) -> Result<InventoryInput, Failure> {
    // Nobody is asked about a file that cannot be read.
    if args.capture.is_file() {
        capture::open(&args.capture)?;
    }
    let chosen = edition::chosen(args.edition.edition.as_deref())?;
    let mut typed = format!("replay {}", shell_word(&args.capture));
    if let Some(edition) = &args.edition.edition {
        typed.push_str(&format!(" --edition {}", shell_word(Path::new(edition))));
    }
    for (name, value) in &args.edition.set {
        typed.push_str(&format!(" --set {name}={value}"));
    }
    let facts = SenderFacts::resolve(&args.sender, &chosen, &args.edition.set, &typed)?;
    let text = facts.inventory(None, Timestamp::now());
    InventoryInput::of(NamedText { name: "the flags".to_owned(), text }, &args.edition.set)
}
