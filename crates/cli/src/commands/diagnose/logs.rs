//! Mail logs, read into rows.

use std::path::{Path, PathBuf};

use egress25_evidence::diagnosis::{Row, Tally};
use egress25_evidence::mail_log::{LineCounts, MAX_LINE, MailLog};

use crate::read::input::stdin_once;
use crate::read::lines::Lines;
use crate::say::failure::Failure;

/// What logs have told.
#[derive(Debug)]
pub(super) struct ReadLogs {
    pub(super) rows: Vec<Row>,
    pub(super) lines: LineCounts,
    /// How many tries are in no row.
    pub(super) beyond: u64,
}

/// Reads logs, one after the other.
pub(super) fn read(paths: &[PathBuf]) -> Result<ReadLogs, Failure> {
    stdin_once(paths.iter().map(PathBuf::as_path))?;
    let (mut log, mut tally, mut found) = (MailLog::default(), Tally::default(), Vec::new());
    for path in paths {
        let mut lines = Lines::open(path, MAX_LINE)?;
        while let Some(line) = lines.next_line()? {
            log.line(line, &mut found);
            found.drain(..).for_each(|attempt| tally.add(attempt));
        }
        log.end(&mut found);
        found.drain(..).for_each(|attempt| tally.add(attempt));
    }
    let (counts, beyond) = (log.counts(), tally.beyond());
    let rows = tally.rows();
    if !log.is_known() {
        return Err(Failure::Usage(unread(&log, paths)));
    }
    Ok(ReadLogs { rows, lines: counts, beyond })
}

/// That no line is one of a program that is read.
fn unread(log: &MailLog, paths: &[PathBuf]) -> String {
    let names: Vec<_> = paths
        .iter()
        .map(|path| match path.as_path() == Path::new("-") {
            true => "<stdin>".to_owned(),
            false => path.display().to_string(),
        })
        .collect();
    let what = match log.foreign() {
        Some(foreign) => format!("a log of {}, which is not read", foreign.name()),
        None => "no mail log that is known".to_owned(),
    };
    format!(
        "`{}`: {what}; expected one of Postfix, Exim, swaks, Python's smtplib or nodemailer, plain, of \
         syslog, or `journalctl -o json`. Without a log: `egress25 diagnose --probe HOST` tries the \
         connections itself",
        names.join("`, `")
    )
}
