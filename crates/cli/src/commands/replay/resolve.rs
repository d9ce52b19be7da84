//! What a replay is asked for, resolved.

use std::path::PathBuf;

use egress25_packet_filter::frame::{self, MAX_VXLAN_PORTS, VxlanPorts, Wanted};
use egress25_policy::{Reason, Verdict};

use crate::args::{OnIndeterminate, ReplayArgs, ReportFormat, RowsArgs};
use crate::commands::connections::refuse_nothing;
use crate::read::edition::ChosenEdition;
use crate::read::inventory::InventoryInput;
use crate::read::{capture, whose};
use crate::say::ask::path_word;
use crate::say::failure::Failure;

/// What is asked for, resolved.
#[derive(Debug)]
pub(super) struct ReplayPlan {
    pub(super) capture: PathBuf,
    pub(super) inventory: InventoryInput,
    pub(super) edition: ChosenEdition,
    pub(super) network: Option<String>,
    pub(super) options: frame::FrameOptions,
    /// Which rows are asked for.
    pub(super) asked: RowsArgs,
    /// Whether there are rows.
    pub(super) rows: bool,
    /// Whether they are connections, and not packets.
    pub(super) rows_are_connections: bool,
    /// Whether packets are brought together to connections.
    pub(super) tracks_connections: bool,
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
        self.asked.shows(verdict, reason)
    }
}

/// Reads the inputs that the arguments name.
pub(super) fn resolve(args: &ReplayArgs, stdout_taken: bool) -> Result<ReplayPlan, Failure> {
    if stdout_taken && args.rows.format != ReportFormat::Human {
        return Err(Failure::Usage(
            "a capture that is written to `-` takes stdout, so --format has nowhere to go"
                .to_owned(),
        ));
    }
    refuse_nothing(&args.rows)?;
    let typed = format!("replay {}", path_word(&args.capture));
    let mut inventory = whose::inventory(&args.whose, &[&args.capture], &typed, || {
        // Nobody is asked about a file that cannot be read.
        if args.capture.is_file() { capture::open(&args.capture).map(drop) } else { Ok(()) }
    })?;
    let vxlan_ports = VxlanPorts::new(&args.vxlan_port).ok_or_else(|| {
        Failure::Usage(format!("--vxlan-port takes at most {MAX_VXLAN_PORTS} ports"))
    })?;
    let is_for_people = matches!(args.rows.format, ReportFormat::Human | ReportFormat::Html);
    let rows_are_connections = args.connections || is_for_people;
    let tracks_connections =
        rows_are_connections || !args.rows.fail_on.is_empty() || args.expect_connections.is_some();
    Ok(ReplayPlan {
        capture: args.capture.clone(),
        edition: inventory.judged_by(args.whose.edition.edition.as_deref())?,
        inventory,
        network: args.whose.network.clone(),
        options: frame::FrameOptions {
            look_inside: args.look_inside,
            vxlan_ports,
            wanted: if tracks_connections { Wanted::EVERYTHING } else { Wanted::NOTHING },
            ..frame::FrameOptions::default()
        },
        asked: args.rows.clone(),
        rows: !args.rows.summary,
        rows_are_connections,
        tracks_connections,
        on_indeterminate: args.on_indeterminate,
        described: whose::is_described(&args.whose),
        format: args.rows.format,
        stdout_taken,
    })
}
