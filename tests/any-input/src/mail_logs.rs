//! Mail logs: every line is counted, and every try is in a row.

use egress25_evidence::diagnosis::{Tally, held_against, what_fits};
use egress25_evidence::mail_log::MailLog;
use egress25_policy::{Reason, Verdict};

/// However a log is written, its lines are counted once, its tries make rows, and something fits.
pub fn mail_logs(input: &[u8]) {
    let (mut log, mut tally, mut found) = (MailLog::default(), Tally::default(), Vec::new());
    let (mut lines, mut tries) = (0, 0);
    for line in input.split(|byte| *byte == b'\n') {
        log.line(line, &mut found);
        lines += 1;
        tries += found.len();
        found.drain(..).for_each(|attempt| tally.add(attempt));
    }
    log.end(&mut found);
    tries += found.len();
    found.drain(..).for_each(|attempt| tally.add(attempt));
    log.end(&mut found);
    assert!(found.is_empty(), "what was told at the end was told again");
    let counts = log.counts();
    assert_eq!(counts.lines, lines);
    assert!(counts.not_understood + counts.foreign + counts.too_long <= lines);
    assert_eq!(log.foreign().is_some(), counts.foreign > 0);
    let beyond = tally.beyond();
    let rows = tally.rows();
    let in_rows: u64 = rows.iter().map(|row| row.tries).sum();
    assert_eq!(in_rows + beyond, u64::try_from(tries).expect("a count"), "tries were lost");
    assert!(tries == 0 || log.is_known());
    for row in &rows {
        for judged in [(Verdict::Drop, Reason::NotGranted), (Verdict::Pass, Reason::Exempt)] {
            assert!(!held_against(judged, row).why.is_empty());
        }
    }
    let fitting = what_fits(&rows);
    assert!(serde_json::to_string(&counts).is_ok());
    assert_eq!(fitting, what_fits(&rows));
}
