//! The files that commands write: what stands in them of what somebody else wrote.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use egress25_packet_filter::capture::CaptureReader;
use egress25_policy::acts_unseen;

/// The files in a folder that were not there before, with what is wrong with each.
pub(super) fn faults(folder: &Path, known: &mut BTreeSet<OsString>) -> Vec<String> {
    let new: Vec<_> = names(folder).difference(known).cloned().collect();
    let found = new.iter().filter_map(|name| {
        let fault = fault(&folder.join(name))?;
        Some(format!("{}: {fault}", name.display()))
    });
    let found = found.collect();
    known.extend(new);
    found
}

/// The names in a folder.
pub(super) fn names(folder: &Path) -> BTreeSet<OsString> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").file_name()).collect()
}

fn fault(path: &Path) -> Option<String> {
    let name = path.file_name()?.display().to_string();
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("pcapng") => comments(path).into_iter().find_map(|text| acts(&text)),
        Some("xml") => {
            let text = std::fs::read_to_string(path).expect("text");
            acts(&text).or_else(|| text.contains("<b>").then(|| format!("markup: {text}")))
        }
        Some("ndjson" | "toml") => {
            let text = std::fs::read_to_string(path).expect("text");
            let forged = text.lines().find(|line| line.starts_with("FORGED"));
            acts(&text).or_else(|| Some(format!("a forged line: {}", forged?)))
        }
        // What is kept, and not shown.
        _ if path.is_dir() || name.contains(".db") => None,
        _ => Some("nobody looks at such a file".to_owned()),
    }
}

/// The comments that the program writes into a capture; those of the capture that it copies stay.
fn comments(path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut reader = CaptureReader::open(path).expect("a capture");
    while let Some(record) = reader.next_record().expect("a packet") {
        found.extend(record.comments.iter().map(|comment| comment.into_owned()));
    }
    found.retain(|comment| comment.starts_with("egress25: "));
    assert!(!found.is_empty(), "no comment of the program's in {}", path.display());
    found
}

/// What acts in a text, if anything does.
fn acts(text: &str) -> Option<String> {
    let sign = text.chars().find(|sign| *sign != '\n' && acts_unseen(*sign))?;
    Some(format!("{sign:?} in {text}"))
}
