//! Verification: everything that can be checked of a log, from its beginning.

use serde::Serialize;

use crate::error::{LogError, StoreError};
use crate::fold::Fold;
use crate::hash::Hash;
use crate::head::Head;
use crate::sqlite::SqliteLog;

/// Something that a verification found wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The revision that it is about, where it is about one.
    pub revision: Option<u64>,
    /// What is wrong.
    pub what: String,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// How many entries were read.
    pub entries: u64,
    /// The hash of the last sound entry: note it down to be able to tell later, with an anchor,
    /// whether somebody wrote the whole log anew.
    pub head: Hash,
    /// The revision of the last sound entry.
    pub revision: u64,
    /// What is wrong; empty if nothing.
    pub findings: Vec<Finding>,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Reads a log from its beginning and checks everything: the files, that no revision is
/// missing, each checksum, the hash chain, that each entry may happen, and the idempotency
/// keys. With an anchor, a revision and the hash that was noted for it, also that the log still
/// leads through it.
///
/// # Errors
/// Nothing could be read at all. What could be read and is wrong is in the report.
pub fn verify(log: &SqliteLog, anchor: Option<Head>) -> Result<VerifyReport, StoreError> {
    let inspected = log.inspect()?;
    log.of_one_state(|| read_all(log, anchor, inspected))
}

fn read_all(
    log: &SqliteLog,
    anchor: Option<Head>,
    inspected: Vec<String>,
) -> Result<VerifyReport, StoreError> {
    let genesis = log.genesis()?;
    let beginning = Fold::begin(&genesis)?;
    let mut report =
        VerifyReport { entries: 0, head: beginning.head.hash, revision: 0, findings: Vec::new() };
    for what in inspected {
        report.find(None, what);
    }
    let mut pass = Pass { fold: beginning.clone(), previous: beginning.head, sound: true };
    let read = log.each_after(0, |sealed| {
        pass.check(log, sealed, &mut report);
        Ok::<_, LogError>(())
    });
    if let Err(error) = read {
        report.find(None, error.to_string());
    }
    report.head = pass.fold.head.hash;
    report.revision = pass.fold.head.revision;
    match log.head() {
        Ok(head) if head != pass.previous => report.find(
            Some(head.revision),
            format!("the log should end at revision {} with hash {}", head.revision, head.hash),
        ),
        Ok(_) => {}
        Err(error) => report.find(None, error.to_string()),
    }
    check_anchor(log, anchor, &beginning, &mut report)?;
    Ok(report)
}

fn check_anchor(
    log: &SqliteLog,
    anchor: Option<Head>,
    beginning: &Fold,
    report: &mut VerifyReport,
) -> Result<(), StoreError> {
    let Some(Head { revision, hash: noted }) = anchor else { return Ok(()) };
    let found = if revision == 0 {
        Some(beginning.head.hash)
    } else {
        log.read(revision.saturating_sub(1), 1)?
            .first()
            .filter(|sealed| sealed.revision == revision)
            .map(|sealed| sealed.hash)
    };
    match found {
        Some(found) if found == noted => {}
        Some(found) => {
            let error = StoreError::Anchor { revision, found, noted };
            report.find(Some(revision), error.to_string());
        }
        None => report.find(Some(revision), "it was noted, but isn't there".to_owned()),
    }
    Ok(())
}

struct Pass {
    fold: Fold,
    /// The last entry that was read, sound or not.
    previous: Head,
    /// Whether the fold has taken everything so far.
    sound: bool,
}

impl Pass {
    fn check(&mut self, log: &SqliteLog, sealed: &crate::entry::Sealed, report: &mut VerifyReport) {
        let revision = sealed.revision;
        let next = self.previous.revision.saturating_add(1);
        report.entries = report.entries.saturating_add(1);
        if revision != next {
            report.find(Some(next), "it is missing".to_owned());
            self.sound = false;
        }
        let opened = sealed.open(&self.previous.hash);
        self.previous = sealed.head();
        match &opened {
            Err(error) => {
                report.find(Some(revision), error.to_string());
                self.sound = false;
            }
            Ok(entry) => {
                if let Some(key) = &entry.key {
                    match log.find_key(key) {
                        Ok(Some(found)) if found == revision => {}
                        Ok(_) => {
                            let what = format!("its idempotency key `{key}` doesn't lead to it");
                            report.find(Some(revision), what);
                        }
                        Err(error) => report.find(Some(revision), error.to_string()),
                    }
                }
            }
        }
        // Behind something unsound the fold has no meaning; seals are checked on.
        if self.sound
            && let Err(error) = self.fold.take(sealed)
        {
            report.find(Some(revision), error.to_string());
            self.sound = false;
        }
    }
}

impl VerifyReport {
    fn find(&mut self, revision: Option<u64>, what: String) {
        self.findings.push(Finding { revision, what });
    }
}
