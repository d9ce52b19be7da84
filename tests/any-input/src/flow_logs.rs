//! Flow logs: the same whole and in odd pieces.

use std::io::{Cursor, Read};

use egress25_evidence::flow_log::{Description, FlowTracker, LoggedFlow, read};
use egress25_policy::{Reason, Verdict};

/// So many flows are kept.
const FLOWS: usize = 50;

/// A source that hands out one to seven bytes at a time.
struct Pieces<'a>(Cursor<&'a [u8]>, usize);

impl Read for Pieces<'_> {
    fn read(&mut self, buf: &mut [u8]) -> std::io::Result<usize> {
        self.1 = self.1 % 7 + 1;
        let len = buf.len().min(self.1);
        self.0.read(&mut buf[..len])
    }
}

/// What is read of a log, how it ended, and every tuple.
fn told(input: impl Read) -> (String, Vec<LoggedFlow>) {
    let mut flows = Vec::new();
    let ended = read(input, &|_| true, &mut |flow| flows.push(flow));
    let ended = ended.map_or_else(|error| error.to_string(), |read| format!("{read:?}"));
    (ended, flows)
}

/// A flow log is the same whole and in pieces; its tuples make flows, of which none is lost.
pub fn flow_logs(input: &[u8]) {
    let (ended, logged) = told(input);
    assert_eq!(told(Pieces(Cursor::new(input), 0)), (ended, logged.clone()));
    let (mut tracker, count) = (FlowTracker::new(FLOWS), logged.len());
    logged.into_iter().for_each(|one| tracker.add(one));
    let (flows, not_kept) = tracker.finish();
    assert!(flows.len() <= FLOWS.min(count));
    assert!(count == 0 || !flows.is_empty() || not_kept > 0);
    assert!(flows.is_sorted_by_key(|flow| flow.first), "the order in which they were told");
    for flow in &flows {
        assert!(flow.tries() >= 1);
        for judged in [(Verdict::Drop, Reason::NotGranted), (Verdict::Pass, Reason::Exempt)] {
            let found = flow.connection(1, judged, Description::default(), ()).finding();
            assert!(!found.why.is_empty());
        }
    }
}
