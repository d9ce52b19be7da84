//! Python's smtplib writes no log: what it leaves is a traceback with a frame of `smtplib.py` in it,
//! which names no server; with its debug level set, the whole transaction before that.

use crate::mail_log::attempt::{Attempt, Destination, Outcome, Program};
use crate::mail_log::line::Line;
use crate::mail_log::reader::Reader;
use crate::mail_log::words::{leading_number, reply_code, system_error};

/// Reads tracebacks and debug output of smtplib.
#[derive(Debug, Default)]
pub(super) struct Smtplib {
    session: Option<Attempt>,
    traceback: Option<Traceback>,
    /// What a traceback has said, until it is clear that no further one belongs to it.
    failed: Option<Failed>,
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
        if text.trim().is_empty() {
            return true;
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
        found.extend(self.session.take());
    }
}

impl Smtplib {
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
        let Some((outcome, reply)) = meaning(&line.text) else {
            // The application's own: what the session has shown counts.
            self.failed = session.map(|attempt| Failed { attempt, goes_on: false });
            return self.failed.is_some();
        };
        let new = || Attempt { at: line.at.clone(), ..Attempt::new(Program::Smtplib, outcome) };
        let attempt = match session {
            // A delivery is one, whatever happens behind it.
            Some(session) if session.outcome == Outcome::Delivered => session,
            Some(session) => {
                let connected = session.outcome.seen().is_some() && session.port.is_some();
                let timed_out = outcome == Outcome::TimedOut;
                let outcome = match connected && session.outcome != Outcome::TimedOut && timed_out {
                    true => Outcome::ConnectionLost,
                    false => outcome,
                };
                Attempt { outcome, reply: reply.or(session.reply), ..session }
            }
            None => Attempt { reply, ..new() },
        };
        self.failed = Some(Failed { attempt, goes_on: false });
        true
    }

    /// A line of the debug output. At level 2 the time stands before it.
    fn debug(&mut self, line: &Line, found: &mut Vec<Attempt>) -> bool {
        let text = match line.text.split_once(' ') {
            Some((time, rest)) if time.matches(':').count() == 2 => rest,
            _ => &line.text,
        };
        if let Some(server) = text.strip_prefix("connect: to (") {
            found.extend(self.session.take());
            let Some((to, port)) = server_of(server) else { return false };
            // Where nothing else follows, nothing came back as long as the log lasts: an exception
            // says how it ended.
            let new = Attempt::new(Program::Smtplib, Outcome::TimedOut);
            self.session = Some(Attempt { at: line.at.clone(), to, port: Some(port), ..new });
            return true;
        }
        let Some(session) = &mut self.session else { return false };
        if let Some(code) = text.strip_prefix("reply: retcode (").and_then(leading_number) {
            session.take_reply(code);
            return true;
        }
        if text.starts_with("data: (250") {
            session.outcome = Outcome::Delivered;
        }
        let marks = ["reply: ", "send: ", "data: ", "connect: ", "ehlo: ", "helo: "];
        marks.iter().any(|mark| text.starts_with(mark))
    }
}

impl Attempt {
    /// A reply of the server, in the debug output of a session.
    fn take_reply(&mut self, code: u16) {
        if self.outcome == Outcome::Delivered {
            return;
        }
        if code >= 400 {
            self.reply = Some(code);
            self.outcome = Outcome::Rejected;
        } else if self.outcome == Outcome::TimedOut {
            self.outcome = Outcome::Connected;
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
