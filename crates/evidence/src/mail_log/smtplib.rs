//! Python's smtplib writes no log: what it leaves is a traceback with a frame of `smtplib.py` in it,
//! which names no server; with its debug level set, the whole transaction before that.

use crate::mail_log::attempt::{Attempt, Destination, Outcome, Program};
use crate::mail_log::line::Line;
use crate::mail_log::reader::Reader;
use crate::mail_log::words::{leading_number, reply_code, system_error};

/// Reads tracebacks and debug output of smtplib.
#[derive(Debug, Default)]
pub(super) struct Smtplib {
    session: Option<Session>,
    traceback: Option<Traceback>,
    /// What a traceback has said, until it is clear that no further one belongs to it.
    failed: Option<Failed>,
}

/// A connection whose transaction is printed.
#[derive(Debug)]
struct Session {
    attempt: Attempt,
    /// Whether the server has said anything: without that, and without an exception, nobody knows
    /// how it ended.
    answered: bool,
}

/// A traceback that is not over.
#[derive(Debug, Default)]
struct Traceback {
    /// Whether a frame of smtplib is in it.
    of_smtplib: bool,
    lines: usize,
}

#[derive(Debug)]
struct Failed {
    attempt: Attempt,
    /// Whether the next traceback is of what came of this one.
    goes_on: bool,
}

/// The most lines of a traceback that is waited for the end of.
const MOST_LINES: usize = 2000;

impl Reader for Smtplib {
    fn read(&mut self, line: &Line, found: &mut Vec<Attempt>) -> bool {
        let text = line.text.as_str();
        if let Some(traceback) = &mut self.traceback {
            traceback.lines = traceback.lines.saturating_add(1);
            let inside = text.starts_with(' ') || text.trim().is_empty();
            if inside && traceback.lines < MOST_LINES {
                traceback.of_smtplib |= text.contains("smtplib.py\"");
                return true;
            }
            let of_smtplib = traceback.of_smtplib || text.starts_with("smtplib.");
            self.traceback = None;
            if !inside {
                return self.exception(line, of_smtplib);
            }
        }
        // One stands between an exception and the one that came of it.
        if text.trim().is_empty() {
            return false;
        }
        if text == "Traceback (most recent call last):" {
            if self.failed.as_ref().is_some_and(|failed| !failed.goes_on) {
                self.flush(found);
            }
            self.traceback = Some(Traceback::default());
            return true;
        }
        let follows = text.starts_with("During handling of the above exception")
            || text.starts_with("The above exception was the direct cause");
        match &mut self.failed {
            Some(failed) if follows => {
                failed.goes_on = true;
                return true;
            }
            Some(_) => self.flush(found),
            None => {}
        }
        self.debug(line, found)
    }

    fn end(&mut self, found: &mut Vec<Attempt>) {
        self.flush(found);
        self.end_session(found);
    }
}

impl Smtplib {
    fn end_session(&mut self, found: &mut Vec<Attempt>) {
        let ended = self.session.take().filter(|session| session.answered);
        found.extend(ended.map(|session| session.attempt));
    }

    fn flush(&mut self, found: &mut Vec<Attempt>) {
        found.extend(self.failed.take().map(|failed| failed.attempt));
    }

    /// The last line of a traceback: the exception.
    fn exception(&mut self, line: &Line, of_smtplib: bool) -> bool {
        if let Some(failed) = &mut self.failed
            && failed.goes_on
        {
            failed.goes_on = false;
            return true;
        }
        if !of_smtplib && self.session.is_none() {
            return false;
        }
        let session = self.session.take();
        let meaning = meaning(&line.text);
        let attempt = match (session, meaning) {
            // The application's own: what the session has shown counts.
            (Some(session), None) => session.answered.then_some(session.attempt),
            // A delivery is one, whatever happens behind it.
            (Some(session), _) if session.attempt.outcome == Outcome::Delivered => {
                Some(session.attempt)
            }
            (Some(Session { attempt, answered }), Some((outcome, reply))) => {
                let outcome = match outcome {
                    Outcome::TimedOut if answered => Outcome::ConnectionLost,
                    outcome => outcome,
                };
                Some(Attempt { outcome, reply: reply.or(attempt.reply), ..attempt })
            }
            (None, meaning) => meaning.map(|(outcome, reply)| Attempt {
                at: line.at.clone(),
                reply,
                ..Attempt::new(Program::Smtplib, outcome)
            }),
        };
        self.failed = attempt.map(|attempt| Failed { attempt, goes_on: false });
        self.failed.is_some()
    }

    /// A line of the debug output. At level 2 the time stands before it.
    fn debug(&mut self, line: &Line, found: &mut Vec<Attempt>) -> bool {
        let text = match line.text.split_once(' ') {
            Some((time, rest)) if time.matches(':').count() == 2 => rest,
            _ => &line.text,
        };
        if let Some(server) = text.strip_prefix("connect: to (") {
            self.end_session(found);
            let Some((to, port)) = server_of(server) else { return false };
            let new = Attempt::new(Program::Smtplib, Outcome::Connected);
            let attempt = Attempt { at: line.at.clone(), to, port: Some(port), ..new };
            self.session = Some(Session { attempt, answered: false });
            return true;
        }
        let Some(session) = &mut self.session else { return false };
        if let Some(code) = text.strip_prefix("reply: retcode (").and_then(leading_number) {
            session.take_reply(code);
            return true;
        }
        if text.starts_with("data: (250") {
            session.attempt.outcome = Outcome::Delivered;
        }
        let marks = ["reply: ", "send: ", "data: ", "connect: ", "ehlo: ", "helo: "];
        marks.iter().any(|mark| text.starts_with(mark))
    }
}

impl Session {
    /// A reply of the server.
    fn take_reply(&mut self, code: u16) {
        self.answered = true;
        if code >= 400 && self.attempt.outcome != Outcome::Delivered {
            self.attempt.reply = Some(code);
            self.attempt.outcome = Outcome::Rejected;
        }
    }
}

/// `'name', port) ...`
fn server_of(text: &str) -> Option<(Destination, u16)> {
    let (name, rest) = text.split_once(", ")?;
    let to = Destination::named(name.trim_matches(['\'', '"']));
    let port = leading_number(rest)?;
    (!to.is_unknown()).then_some((to, port))
}

/// What an exception means, and the server's code.
fn meaning(text: &str) -> Option<(Outcome, Option<u16>)> {
    let (name, said) = text.split_once(": ").unwrap_or((text, ""));
    let outcome = match name {
        "smtplib.SMTPServerDisconnected" => Outcome::ConnectionLost,
        "smtplib.SMTPNotSupportedError" => Outcome::TlsFailed,
        _ if name.starts_with("ssl.") => Outcome::TlsFailed,
        _ if name.starts_with("smtplib.SMTP") => {
            let code = said.split(['(', '{']).find_map(reply_code);
            return Some((Outcome::Rejected, code));
        }
        "socket.gaierror" | "gaierror" if said.contains("[Errno -3]") => Outcome::NameNotAnswered,
        "socket.gaierror" | "gaierror" => Outcome::NameNotFound,
        "TimeoutError" | "socket.timeout" | "timeout" => Outcome::TimedOut,
        "ConnectionRefusedError" | "ConnectionResetError" | "OSError" | "socket.error" => {
            system_error(said)?
        }
        _ => return None,
    };
    Some((outcome, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<Attempt> {
        let (mut reader, mut found) = (Smtplib::default(), Vec::new());
        text.lines().for_each(|line| {
            reader.read(&Line::of(line), &mut found);
        });
        reader.end(&mut found);
        found
    }

    #[test]
    fn one_exception_that_came_of_another_is_one_try() {
        let traceback =
            "Traceback (most recent call last):\n  File \"/usr/lib/smtplib.py\", line 3\n";
        let text = format!(
            "{traceback}TimeoutError: timed out\n\nDuring handling of the above exception, another \
             exception occurred:\n\nTraceback (most recent call last):\n  File \"app.py\", line 1\n\
             app.NotSent: no mail\n"
        );
        let found = of(&text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].outcome, Outcome::TimedOut);
        assert_eq!(of(&format!("{text}{text}")).len(), 2);
    }

    #[test]
    fn what_nobody_said_the_end_of_is_no_evidence() {
        assert_eq!(of("connect: to ('mx.one.example', 25) None\n"), vec![]);
        let other = "Traceback (most recent call last):\n  File \"/usr/lib/http.py\"\n\
                     TimeoutError: timed out\n";
        assert_eq!(of(other), vec![]);
    }
}
