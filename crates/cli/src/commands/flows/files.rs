//! The files of flow logs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::say::failure::Failure;

/// How deep folders may lie in each other: the layout of a storage account has 20.
const DEPTH: usize = 64;

/// A file, and how many bytes it has where that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LogFile {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// The files that paths name: a file is itself, of a folder it is each with `.json` in its name, in
/// order, so that one hour follows the other. Links in folders are not followed.
pub(super) fn files(paths: &[PathBuf]) -> Result<Vec<LogFile>, Failure> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            let bytes = path.metadata().map_or(0, |metadata| metadata.len());
            found.push(LogFile { path: path.clone(), bytes });
            continue;
        }
        let before = found.len();
        below(path, DEPTH, &mut found)?;
        if found.len() == before {
            let name = path.display();
            return Err(Failure::Usage(format!(
                "`{name}` holds no `.json` and no `.json.gz`: name the folder of the flow logs, such as \
                 insights-logs-flowlogflowevent"
            )));
        }
    }
    Ok(found)
}

fn below(folder: &Path, depth: usize, found: &mut Vec<LogFile>) -> Result<(), Failure> {
    let failed = |source| Failure::Read { name: folder.display().to_string(), source };
    let entries = fs::read_dir(folder).map_err(failed)?;
    let mut entries = entries.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().map_err(failed)?;
        let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
        if kind.is_dir() && depth > 0 {
            below(&entry.path(), depth.saturating_sub(1), found)?;
        } else if kind.is_file() && (name.ends_with(".json") || name.ends_with(".json.gz")) {
            let bytes = entry.metadata().map_err(failed)?.len();
            found.push(LogFile { path: entry.path(), bytes });
        }
    }
    Ok(())
}

/// What a file is that is no flow log, by its beginning, and what to do with it.
pub(super) fn foreign(start: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(start);
    let head = text.trim_start_matches('\u{feff}').trim_start();
    let line = head.lines().next().unwrap_or_default();
    let is_of_aws = line.split(' ').nth(2).is_some_and(|one| one.starts_with("eni-"));
    let columns = line.to_ascii_lowercase();
    if is_of_aws || line.starts_with("version account-id") {
        Some(
            "this is a flow log of AWS, where port 25 is another rule's; a flow log of Azure is JSON",
        )
    } else if columns.contains("flowstarttime") || columns.contains("srcip") {
        Some(
            "this is a table of Traffic Analytics, which is aggregated and has no single flows; give the \
             PT1H.json files of the storage account that it was made from",
        )
    } else if !head.is_empty() && !head.starts_with(['{', '[']) {
        Some("this is no JSON, which a flow log is; `egress25 diagnose` reads mail logs")
    } else {
        None
    }
}
