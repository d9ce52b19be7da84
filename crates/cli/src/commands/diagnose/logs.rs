//! Mail logs, read into rows.

use std::path::{Path, PathBuf};

use egress25_evidence::diagnosis::{Row, Tally};
use egress25_evidence::mail_log::{LineCounts, MAX_LINE, MailLog};

use crate::read::foreign::ForeignJson;
use crate::read::input::stdin_once;
use crate::read::lines::Lines;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::counted;

/// What logs have told.
#[derive(Debug)]
pub(super) struct ReadLogs {
    pub(super) rows: Vec<Row>,
    pub(super) lines: LineCounts,
}

/// Reads logs, one after the other: what one begins may end in the next, as where it was rotated.
pub(super) fn read(paths: &[PathBuf], console: &Console) -> Result<ReadLogs, Failure> {
    stdin_once(paths.iter().map(PathBuf::as_path))?;
    let (mut log, mut tally, mut found) = (MailLog::default(), Tally::default(), Vec::new());
    let mut json = None;
    for path in paths {
        let mut lines = Lines::open(path, MAX_LINE)?;
        json = json.or_else(|| ForeignJson::of(&String::from_utf8_lossy(lines.start())));
        while let Some(line) = lines.next_line()? {
            log.line(line, &mut found);
            found.drain(..).for_each(|attempt| tally.add(attempt));
        }
        if lines.is_cut() {
            console.warn(&format!(
                "`{}` is cut: what it is compressed with ends too early; the lines before that count",
                shown(path)
            ));
        }
    }
    log.end(&mut found);
    found.into_iter().for_each(|attempt| tally.add(attempt));
    if !log.is_known() {
        return Err(Failure::Usage(unread(&log, json, paths)));
    }
    if tally.beyond() > 0 {
        console.warn(&format!(
            "there are too many destinations: {} in no row and in no count",
            counted(usize::try_from(tally.beyond()).unwrap_or(usize::MAX), "try is", "tries are")
        ));
    }
    Ok(ReadLogs { lines: log.counts(), rows: tally.rows() })
}

fn shown(path: &Path) -> String {
    match path == Path::new("-") {
        true => "<stdin>".to_owned(),
        false => path.display().to_string(),
    }
}

/// That no line is one of a program that is read.
fn unread(log: &MailLog, json: Option<ForeignJson>, paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths.iter().map(|path| shown(path)).collect();
    let names = names.join("`, `");
    let what = match (log.foreign(), json) {
        (Some(foreign), _) => format!("a log of {foreign}, which is not read"),
        (None, Some(json @ (ForeignJson::FlowLog | ForeignJson::Azure))) => {
            return format!("`{names}` is no mail log: {}", json.sentence());
        }
        (None, _) => "no mail log that is known".to_owned(),
    };
    format!(
        "`{names}`: {what}; expected one of Postfix, Exim, swaks, Python's smtplib or nodemailer, plain, \
         of syslog, or `journalctl -o json`. Without a log: `egress25 diagnose --probe HOST OTHER` tries \
         the connections itself"
    )
}
