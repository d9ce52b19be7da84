//! What a file is, and whether it was us who wrote it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use egress25_lab::scenario::JUNIT_MARK;
use egress25_packet_filter::capture::section_application;

/// What is written into a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputKind {
    /// A capture: pcapng.
    Capture,
    /// A scenario's report as JUnit XML.
    Junit,
    /// The events of a scenario, TOML.
    Events,
    /// Verdicts of a lab, a JSON object a line.
    Verdicts,
    /// A manual page.
    Manual,
    /// An inventory that was imported.
    Inventory,
}

/// How much of a file is looked at: more than a section header with a comment needs.
const LOOKED_AT: u64 = 128 * 1024;

impl OutputKind {
    /// What a text of this kind that we write has among its first lines; `None` where no file counts as
    /// ours: what is imported is there to be edited.
    #[must_use]
    pub const fn mark(self) -> Option<&'static str> {
        Some(match self {
            Self::Capture => "egress25",
            Self::Junit => JUNIT_MARK,
            Self::Events => "# written by egress25",
            Self::Verdicts => "{\"seq\":",
            Self::Manual => ".TH egress25",
            Self::Inventory => return None,
        })
    }

    /// Whether a file was written by us, or is empty: nothing that is anybody's is lost with it.
    pub(super) fn is_ours(self, path: &Path) -> io::Result<bool> {
        let mut start = Vec::new();
        File::open(path)?.take(LOOKED_AT).read_to_end(&mut start)?;
        if start.is_empty() {
            return Ok(true);
        }
        let Some(mark) = self.mark() else { return Ok(false) };
        if self == Self::Capture {
            return Ok(section_application(&start) == Some(mark.as_bytes()));
        }
        let text = String::from_utf8_lossy(&start);
        Ok(text.lines().take(3).any(|line| line.starts_with(mark)))
    }
}

impl fmt::Display for OutputKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Capture => "capture",
            Self::Junit => "JUnit report",
            Self::Events => "list of events",
            Self::Verdicts => "list of verdicts",
            Self::Manual => "manual page",
            Self::Inventory => "inventory",
        })
    }
}
