//! `lab ls`: which labs run, and what is left of those that died.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use egress25_lab::control::client::Client;
use egress25_lab::control::place::{self, LabFolder};
use egress25_lab::control::requests::{LabAnswer, Request};
use serde::Serialize;
use serde_json::{Value, json};

use crate::args::lab::LsArgs;
use crate::commands::lab::place::{FILES, HOME, run_dir};
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, TableRow};

/// How long a lab may take to say how it stands.
const PATIENCE: Duration = Duration::from_secs(5);

/// How a lab stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum LabState {
    /// It answers.
    Running,
    /// It comes up, goes down, or does not answer.
    Busy,
    /// Its processes have ended; its files are there still.
    LeftOver,
}

#[derive(Debug, Serialize)]
struct LabRow {
    name: String,
    state: LabState,
    datapath: Option<String>,
    since: Option<String>,
    pid: Option<i32>,
    machines: Option<usize>,
    folder: PathBuf,
}

#[derive(Debug, Serialize)]
struct LabList<'a> {
    labs: &'a [LabRow],
}

impl TableRow for LabRow {
    const COLUMNS: &'static [&'static str] =
        &["name", "state", "data path", "since", "pid", "machines", "folder"];

    fn cells(&self) -> Vec<String> {
        let value = json!(self);
        let field = |column: &&str| match value.get(column.replace(' ', "")) {
            None | Some(Value::Null) => "-".to_owned(),
            Some(value) => output::text(value),
        };
        Self::COLUMNS.iter().map(field).collect()
    }
}

pub(super) fn run(args: &LsArgs, console: &mut Console) -> Result<(), Failure> {
    let mut around = vec![run_dir(args.run_dir.as_deref())];
    if args.run_dir.is_none() {
        around.extend(homes());
    }
    let mut rows = Vec::new();
    for folder in around {
        for lab in folders(&folder)? {
            rows.extend(look(&lab)?);
        }
    }
    output::rows(console, args.format, &rows, &LabList { labs: &rows }, |console| {
        if rows.is_empty() {
            console.note("no lab runs, and nothing is left of one");
            return Ok(());
        }
        output::write_rows(console, LabRow::COLUMNS, rows.iter().map(LabRow::cells))?;
        if rows.iter().any(|row| row.state == LabState::LeftOver) {
            console
                .note("`egress25 lab down --name NAME --run-dir FOLDER` removes what is left over");
        }
        Ok(())
    })
}

/// The folders around the labs of `lab run`. What cannot be looked into is somebody else's.
fn homes() -> Vec<PathBuf> {
    let entries = fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten();
    let ours = entries.filter(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with(HOME) && !name.ends_with(FILES)
    });
    ours.map(|entry| entry.path()).collect()
}

/// The folders below one, in order; none where it does not exist or is somebody else's.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
            ) =>
        {
            return Ok(Vec::new());
        }
        Err(source) => return Err(Failure::Read { name: folder.display().to_string(), source }),
    };
    let mut all: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    all.retain(|path| path.is_dir());
    all.sort();
    Ok(all)
}

/// How the lab of a folder stands; `None` where the folder is none of a lab of this user.
fn look(folder: &Path) -> Result<Option<LabRow>, Failure> {
    let Ok(place) = LabFolder::open(folder) else { return Ok(None) };
    let state = match place.is_claimed()? {
        None => return Ok(None),
        Some(false) => LabState::LeftOver,
        Some(true) => LabState::Busy,
    };
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if place::name(&name).is_err() {
        return Ok(None);
    }
    let folder = folder.to_owned();
    let mut row =
        LabRow { name, state, datapath: None, since: None, pid: None, machines: None, folder };
    if state == LabState::LeftOver {
        return Ok(Some(row));
    }
    let Ok(mut client) = Client::connect(&row.folder) else { return Ok(Some(row)) };
    row.pid = client.owner();
    let answer = client.set_patience(PATIENCE).and_then(|()| client.exchange(&Request::Inspect));
    if let Ok(LabAnswer::View(view)) = answer {
        row.state = LabState::Running;
        row.machines = Some(view.nodes.iter().filter(|node| node.kind == "machine").count());
        row.datapath = Some(view.datapath);
        row.since = Some(view.since.to_string());
    }
    Ok(Some(row))
}
