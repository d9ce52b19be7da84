//! Mail logs: every line is counted, and every try is in a row.

use std::collections::HashSet;

use egress25_evidence::diagnosis::{Tally, held_against, what_fits};
use egress25_evidence::mail_log::{Attempt, MailLog};
use egress25_policy::{Reason, Verdict};

/// However a log is written, its lines are counted once, its tries make rows, and something fits.
pub fn mail_logs(input: &[u8]) {
    let (mut log, mut found, mut lines) = (MailLog::default(), Vec::new(), 0);
    for line in input.split(|byte| *byte == b'\n') {
        log.line(line, &mut found);
        lines += 1;
    }
    log.end(&mut found);
    let told = found.len();
    log.end(&mut found);
    assert_eq!(found.len(), told, "what was told at the end was told again");
    let counts = log.counts();
    assert_eq!(counts.lines, lines);
    assert!(counts.not_understood + counts.foreign + counts.too_long <= lines);
    assert_eq!(log.foreign().is_some(), counts.foreign > 0);
    assert!(told == 0 || log.is_known());
    let tries = tries(&found);
    let mut tally = Tally::default();
    found.into_iter().for_each(|attempt| tally.add(attempt));
    assert_eq!(tally.beyond(), 0, "a short log has more rows than there is room for");
    let rows = tally.rows();
    let in_rows: u64 = rows.iter().map(|row| row.tries).sum();
    assert_eq!(in_rows, u64::try_from(tries).expect("a count"), "tries were lost");
    for row in &rows {
        for judged in [(Verdict::Drop, Reason::NotGranted), (Verdict::Pass, Reason::Exempt)] {
            assert!(!held_against(judged, row).why.is_empty());
        }
    }
    let fitting = what_fits(&rows);
    assert!(serde_json::to_string(&counts).is_ok());
    assert_eq!(fitting, what_fits(&rows));
}

/// How many tries a log tells of. A failure that Postfix tells again, of mail that it does not try, has
/// been one try, and none where the try itself is told.
fn tries(found: &[Attempt]) -> usize {
    let server = |attempt: &Attempt| {
        let name = attempt.to.name.clone().filter(|_| attempt.to.address.is_none());
        (name, attempt.to.address, attempt.port)
    };
    let (again, told): (Vec<_>, Vec<_>) = found.iter().partition(|attempt| attempt.is_told_again);
    let tried: HashSet<_> = told.iter().map(|attempt| server(attempt)).collect();
    let new = again.iter().filter(|attempt| !tried.contains(&server(attempt)));
    let alike = |attempt: &&&Attempt| {
        let Attempt { program, to, port, by_relay, outcome, reply, .. } = **attempt;
        (*program, to.clone(), *port, *by_relay, *outcome, *reply)
    };
    told.len() + new.map(|attempt| alike(&attempt)).collect::<HashSet<_>>().len()
}
