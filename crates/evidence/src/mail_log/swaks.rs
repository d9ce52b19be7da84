//! swaks prints the transaction: `=== Trying NAME:PORT...`, then what is sent and what comes back.

use crate::mail_log::attempt::{Attempt, Outcome, Program};
use crate::mail_log::line::Line;
use crate::mail_log::reader::Reader;
use crate::mail_log::words::{reply_code, system_error, with_port};

/// Reads transcripts of swaks.
#[derive(Debug, Default)]
pub(super) struct Swaks {
    session: Option<Session>,
}

#[derive(Debug)]
struct Session {
    attempt: Attempt,
    /// Whether anything has said how it went.
    ended: bool,
    /// Whether the mail has been sent: the next reply is for it.
    sent: bool,
}

impl Reader for Swaks {
    fn read(&mut self, line: &Line, found: &mut Vec<Attempt>) -> bool {
        let text = line.text.as_str();
        if let Some(server) = text.strip_prefix("=== Trying ") {
            self.end(found);
            let Some((to, port)) = with_port(server.trim_end_matches('.')) else { return false };
            let new = Attempt::new(Program::Swaks, Outcome::Connected);
            let attempt = Attempt { at: line.at.clone(), to, port: Some(port), ..new };
            self.session = Some(Session { attempt, ended: false, sent: false });
            return true;
        }
        let marks = ["=== ", "*** ", "<-", "<~", "<*", " ->", " ~>", " **"];
        match &mut self.session {
            Some(session) if marks.iter().any(|mark| text.starts_with(mark)) => {
                session.line(text);
                true
            }
            _ => false,
        }
    }

    fn end(&mut self, found: &mut Vec<Attempt>) {
        let ended = self.session.take().filter(|session| session.ended);
        found.extend(ended.map(|session| session.attempt));
    }
}

impl Session {
    fn line(&mut self, text: &str) {
        let reply = text.strip_prefix('<').and_then(|text| text.get(1..));
        let code = reply.map(|text| text.trim_start_matches(['-', '~', '*', ' ']));
        if text.starts_with("=== Connected to ") {
            self.is(Outcome::Connected);
        } else if let Some(code) = code.and_then(reply_code) {
            if text.starts_with("<*") || text.starts_with("<~*") {
                self.attempt.reply = Some(code);
                self.is(Outcome::Rejected);
            } else if self.sent && code < 300 {
                self.is(Outcome::Delivered);
            }
            self.sent = false;
        } else if text.trim_start() == "-> ." || text.trim_start() == "~> ." {
            self.sent = true;
        } else if text.starts_with("*** TLS startup failed") {
            self.is(Outcome::TlsFailed);
        } else if text.starts_with("*** Remote host closed connection")
            || text.starts_with("*** Timed out")
        {
            self.is(Outcome::ConnectionLost);
        } else if let Some(error) = text.strip_prefix("*** ")
            && let Some(outcome) = system_error(error)
            && !self.ended
        {
            self.is(outcome);
        }
    }

    fn is(&mut self, outcome: Outcome) {
        // What a server says first of a mail counts, whatever it says at the end.
        if self.attempt.outcome == Outcome::Connected {
            self.attempt.outcome = outcome;
        }
        self.ended = true;
    }
}
