//! Postfix: `connect to NAME[ADDRESS]:PORT: ERROR` of each server that is tried, then a line for each
//! recipient with `relay=`, `status=` and, in parentheses, what the last server said.

use crate::mail_log::attempt::{Attempt, Destination, Outcome, Program};
use crate::mail_log::line::Line;
use crate::mail_log::reader::{Reader, Remembered};
use crate::mail_log::words::{in_brackets, reply_code, system_error};

/// Reads the lines of Postfix's clients; those of its other programs are no connections.
#[derive(Debug, Default)]
pub(super) struct Postfix {
    /// What a process said last of a server: a recipient's line says it again.
    said: Remembered<String>,
}

impl Reader for Postfix {
    fn read(&mut self, line: &Line, found: &mut Vec<Attempt>) -> bool {
        let Some(tag) = &line.tag else { return false };
        if !tag.ends_with("/smtp") {
            return tag.starts_with("postfix");
        }
        let text = line.text.as_str();
        let attempt = if let Some(server) = text.strip_prefix("connect to ") {
            self.remember(line, text);
            connect(server)
        } else if let Some((_, rest)) = text.split_once(": to=<") {
            match self.recipient(line, rest) {
                Some(attempt) => attempt,
                None => return false,
            }
        } else {
            let text = text.split_once(": ").map_or(text, |(_, text)| text);
            match before_the_next_server(text) {
                Some(attempt) => Some(attempt),
                None => return is_no_end(&line.text),
            }
        };
        if let Some(attempt) = attempt {
            found.push(Attempt { at: line.at.clone(), ..attempt });
            return true;
        }
        text.contains(": to=<")
    }
}

impl Postfix {
    fn remember(&mut self, line: &Line, text: &str) {
        self.said.take(&line.process);
        self.said.put(line.process.clone(), text.to_owned());
    }

    /// A recipient's line, from behind `to=<`: a try, or `Some(None)` where it says again what
    /// another line has said, or that nothing was tried.
    fn recipient(&mut self, line: &Line, rest: &str) -> Option<Option<Attempt>> {
        let (_, rest) = rest.split_once(">, ")?;
        let (_, relay) = rest.split_once("relay=")?;
        let (relay, _) = relay.split_once(", ")?;
        let (_, status) = rest.split_once(" status=")?;
        let (status, said) = status.split_once(" (")?;
        let said = said.strip_suffix(')').unwrap_or(said);
        // What one server has said of several recipients is one connection.
        let again = match relay {
            "none" => format!("{} {said}", queue_id(&line.text)),
            relay => format!("{} {relay}", queue_id(&line.text)),
        };
        if self.said.get(&line.process).is_some_and(|told| *told == again || told == said) {
            return Some(None);
        }
        let attempt = match in_brackets(relay) {
            _ if said.starts_with("delivery temporarily suspended") => return Some(None),
            Some((to, port)) => Some(answered(status, said, to, port)),
            None if relay != "none" => return Some(None),
            None => Some(tried(said)?),
        };
        self.remember(line, &again);
        // Mail that goes over a connection that is there already opens none.
        Some(attempt.filter(|_| !rest.contains(" conn_use=")))
    }
}

fn queue_id(text: &str) -> &str {
    text.split(':').next().unwrap_or_default()
}

/// A try, from behind `connect to `.
fn connect(server: &str) -> Option<Attempt> {
    let (server, error) = server.rsplit_once(": ")?;
    let (to, port) = in_brackets(server)?;
    let outcome = system_error(error)?;
    Some(Attempt { to, port, ..Attempt::new(Program::Postfix, outcome) })
}

/// What became of a try of which no server took part.
fn tried(said: &str) -> Option<Attempt> {
    if let Some(server) = said.strip_prefix("connect to ") {
        return connect(server);
    }
    if let Some((_, name)) = said.split_once("Name service error for name=") {
        let outcome = match said.contains("try again") || said.contains("unexpected") {
            true => Outcome::NameNotAnswered,
            false => Outcome::NameNotFound,
        };
        let to = Destination::named(name.split(' ').next()?);
        return Some(Attempt { to, ..Attempt::new(Program::Postfix, outcome) });
    }
    before_the_next_server(said)
}

/// What became of a connection to a server.
fn answered(status: &str, said: &str, to: Destination, port: Option<u16>) -> Attempt {
    let mut reply = None;
    let outcome = if status == "sent" {
        Outcome::Delivered
    } else if said.contains("TLS") || said.starts_with("Server certificate") {
        Outcome::TlsFailed
    } else if said.starts_with("lost connection") || said.starts_with("conversation with") {
        Outcome::ConnectionLost
    } else if let Some(code) = server_said(said) {
        reply = Some(code);
        Outcome::Rejected
    } else {
        Outcome::Connected
    };
    Attempt { to, port, reply, ..Attempt::new(Program::Postfix, outcome) }
}

/// The code in `host NAME[ADDRESS] said: CODE ...`, or `refused to talk to me: CODE`.
fn server_said(said: &str) -> Option<u16> {
    let words = [" said: ", " refused to talk to me: "];
    let behind = words.iter().find_map(|words| said.split_once(words))?.1;
    reply_code(behind)
}

/// A server that is given up for the next one, without its port.
fn before_the_next_server(said: &str) -> Option<Attempt> {
    let (server, outcome) = if let Some(server) = said.strip_prefix("host ") {
        (server, Outcome::Rejected)
    } else if let Some(server) = said.strip_prefix("lost connection with ") {
        (server, Outcome::ConnectionLost)
    } else {
        (said.strip_prefix("conversation with ")?, Outcome::ConnectionLost)
    };
    let (to, _) = in_brackets(server)?;
    let reply = server_said(said);
    Some(Attempt { to, reply, ..Attempt::new(Program::Postfix, outcome) })
}

/// Whether a line is known that says nothing of how a connection ended.
fn is_no_end(text: &str) -> bool {
    let text = text.strip_prefix("warning: ").unwrap_or(text);
    text.contains("TLS connection established to ")
        || text.starts_with("SSL_connect error to ")
        || text.starts_with("TLS library problem: ")
        || text.ends_with(": Cannot start TLS: handshake failure")
        || text.contains(": enabling PIX workarounds")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> (Vec<Attempt>, usize) {
        let (mut reader, mut found) = (Postfix::default(), Vec::new());
        let known = lines.iter().filter(|line| reader.read(&Line::of(line), &mut found)).count();
        (found, known)
    }

    #[test]
    fn a_recipients_line_says_again_what_the_connection_has_said() {
        let connect = "Nov 28 05:37:12 vm postfix/smtp[180]: connect to mx.one.example[203.0.113.25]:25: \
                       Connection timed out";
        let status = "Nov 28 05:37:12 vm postfix/smtp[180]: F2F: to=<a@one.example>, relay=none, \
                      delay=3, dsn=4.4.1, status=deferred (connect to \
                      mx.one.example[203.0.113.25]:25: Connection timed out)";
        for lines in [&[connect, status, status][..], &[status], &[connect]] {
            let (found, known) = of(lines);
            assert_eq!((found.len(), known), (1, lines.len()));
            assert_eq!(found[0].outcome, Outcome::TimedOut);
            assert_eq!(found[0].port, Some(25));
        }
        // Tried again, it is another connection.
        assert_eq!(of(&[connect, status, connect, status]).0.len(), 2);
    }

    #[test]
    fn what_was_not_tried_is_no_connection() {
        let suspended = "Nov 28 05:37:12 vm postfix/smtp[1]: F2F: to=<a@one.example>, relay=none, \
                         delay=3, dsn=4.4.1, status=deferred (delivery temporarily suspended: \
                         connect to mx.one.example[203.0.113.25]:25: Connection timed out)";
        assert_eq!(of(&[suspended]), (vec![], 1));
        let local = "Nov 28 05:37:12 vm postfix/local[1]: F2F: to=<a@vm>, relay=local, delay=3, \
                     dsn=2.0.0, status=sent (delivered to mailbox)";
        assert_eq!(of(&[local]), (vec![], 1));
        assert_eq!(of(&["Nov 28 05:37:12 vm postfix/smtp[1]: something new"]), (vec![], 0));
    }
}
