//! Postfix: `connect to NAME[ADDRESS]:PORT: ERROR` of each server that is tried, then a line for each
//! recipient with `relay=`, `status=` and, in parentheses, what the last server said.

use crate::mail_log::attempt::{Attempt, Destination, Outcome, Program};
use crate::mail_log::line::Line;
use crate::mail_log::reader::{Reader, Remembered};
use crate::mail_log::when::Moment;
use crate::mail_log::words::{in_brackets, reply_code, system_error};

/// Reads the lines of Postfix's clients, and those of its queue that say again what these said.
#[derive(Debug, Default)]
pub(super) struct Postfix {
    /// What a process said of its last mail.
    said: Remembered<Said>,
    /// The servers that a process has given up for the next one, until that one's line tells the port,
    /// which all servers of a mail have in common.
    given_up: Remembered<Vec<Attempt>>,
}

/// What a process said last: recipients' lines say it again.
#[derive(Debug, Default)]
struct Said {
    texts: Vec<String>,
    at: Option<Moment>,
}

/// How long the lines of one connection are apart at most, in seconds: Postfix tries again minutes
/// later (`minimal_backoff_time`, 300 s).
const ONE_CONNECTION: i64 = 120;

/// How many texts of a process are remembered.
const MOST_SAID: usize = 16;

/// What stands before the failure for which nothing is tried.
const SUSPENDED: &str = "delivery temporarily suspended: ";

impl Reader for Postfix {
    fn read(&mut self, line: &Line, found: &mut Vec<Attempt>) -> bool {
        let text = line.text.as_str();
        let mut find = |attempt: Attempt| found.push(Attempt { at: line.at.clone(), ..attempt });
        let Some(tag) = &line.tag else {
            // Copied out of a log.
            let attempt = text.strip_prefix("connect to ").and_then(connect);
            return attempt.map(find).is_some();
        };
        if !tag.ends_with("/smtp") {
            if !tag.starts_with("postfix") {
                return false;
            }
            // Its queue, and what writes in the place of a client.
            if let Some((_, said)) = text.split_once(SUSPENDED)
                && let Some(attempt) = tried(said.strip_suffix(')').unwrap_or(said))
            {
                find(Attempt { is_told_again: true, ..attempt });
            }
            return true;
        }
        if let Some(server) = text.strip_prefix("connect to ") {
            let attempt = connect(server);
            self.settle(line, attempt.as_ref().and_then(|attempt| attempt.port), found);
            let said = Said { texts: vec![text.to_owned()], at: moment(line) };
            self.said.take(&line.process);
            self.said.put(line.process.clone(), said);
            let Some(attempt) = attempt else { return false };
            found.push(Attempt { at: line.at.clone(), ..attempt });
            return true;
        }
        if let Some((_, rest)) = text.split_once(": to=<") {
            return self.recipient(line, rest, found).is_some();
        }
        let behind_the_id = text.split_once(": ").map_or(text, |(_, text)| text);
        match before_the_next_server(behind_the_id) {
            Some(attempt) => {
                let attempt = Attempt { at: line.at.clone(), ..attempt };
                let mut servers = self.given_up.take(&line.process).unwrap_or_default();
                // What one server says of several recipients is one connection.
                if servers.last().is_none_or(|last| last.to != attempt.to) {
                    servers.push(attempt);
                }
                // What comes after so many is not waited for.
                let many = servers.len().saturating_sub(MOST_SAID);
                found.extend(servers.drain(..many));
                let old = self.given_up.put(line.process.clone(), servers);
                found.extend(old.into_iter().flatten());
                true
            }
            None => is_no_end(text),
        }
    }

    fn end(&mut self, found: &mut Vec<Attempt>) {
        found.extend(self.given_up.drain().flatten());
    }
}

fn moment(line: &Line) -> Option<Moment> {
    line.at.as_deref().and_then(Moment::of)
}

impl Postfix {
    /// The servers that a process has given up are told, by the port of the one that came after them.
    fn settle(&mut self, line: &Line, port: Option<u16>, found: &mut Vec<Attempt>) {
        let servers = self.given_up.take(&line.process).into_iter().flatten();
        found.extend(servers.map(|attempt| Attempt { port: attempt.port.or(port), ..attempt }));
    }

    /// Whether a process has said a text before, of the same connection; it is remembered.
    fn says_again(&mut self, line: &Line, said: &str, text: String) -> bool {
        let now = moment(line);
        let mut before = self.said.take(&line.process).unwrap_or_default();
        let apart = before.at.zip(now).and_then(|(before, now)| before.until(now));
        if apart.is_some_and(|seconds| !(0..=ONE_CONNECTION).contains(&seconds)) {
            before.texts.clear();
        }
        let again = before.texts.iter().any(|told| *told == text || told == said);
        if !again {
            before.texts.truncate(MOST_SAID - 1);
            before.texts.insert(0, text);
        }
        self.said.put(line.process.clone(), Said { at: now.or(before.at), ..before });
        again
    }

    /// A recipient's line, from behind `to=<`: a try, unless it says again what another line has said,
    /// or that nothing was tried. `None` where it is not understood.
    fn recipient(&mut self, line: &Line, rest: &str, found: &mut Vec<Attempt>) -> Option<()> {
        let (_, rest) = rest.split_once(">, ")?;
        let (_, relay) = rest.split_once("relay=")?;
        let (relay, _) = relay.split_once(", ")?;
        let (_, status) = rest.split_once(" status=")?;
        let (status, said) = status.split_once(" (")?;
        let said = said.strip_suffix(')').unwrap_or(said);
        if let Some(said) = said.strip_prefix(SUSPENDED) {
            let attempt = tried(said)?;
            let at = line.at.clone();
            found.push(Attempt { at, is_told_again: true, ..attempt });
            return Some(());
        }
        let id = queue_id(&line.text);
        let (attempt, text) = match in_brackets(relay) {
            Some((to, port)) => {
                (answered(status, said, to, port), format!("{id} {relay} {status}"))
            }
            None if relay != "none" => return Some(()),
            None => (tried(said)?, format!("{id} {said}")),
        };
        self.settle(line, attempt.port, found);
        // Mail that goes over a connection that is there already opens none.
        if !self.says_again(line, said, text) && !rest.contains(" conn_use=") {
            found.push(Attempt { at: line.at.clone(), ..attempt });
        }
        Some(())
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
    } else if said.starts_with("host ") {
        // Whatever words the server chose.
        reply = server_said(said);
        Outcome::Rejected
    } else if said.contains("TLS") || said.starts_with("Server certificate") {
        Outcome::TlsFailed
    } else if said.starts_with("lost connection") || said.starts_with("conversation with") {
        Outcome::ConnectionLost
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
        reader.end(&mut found);
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

    fn recipient(at: &str, relay: &str, said: &str) -> String {
        format!(
            "Nov 28 {at} vm postfix/smtp[180]: F2F: to=<a@one.example>, relay={relay}, delay=3, {said}"
        )
    }

    const GREYLISTED: &str =
        "dsn=4.2.0, status=deferred (host mx.one.example[203.0.113.25] said: 450 4.2.0 Greylisted)";

    #[test]
    fn a_delivery_after_greylisting_was_lost() {
        let relay = "mx.one.example[203.0.113.25]:25";
        let first = recipient("05:49:22", relay, GREYLISTED);
        let second = recipient("06:49:22", relay, "dsn=2.0.0, status=sent (250 2.0.0 taken)");
        let (found, _) = of(&[&first, &second]);
        let outcomes: Vec<_> = found.iter().map(|attempt| attempt.outcome).collect();
        assert_eq!(outcomes, [Outcome::Rejected, Outcome::Delivered]);
        assert_eq!(found[0].reply, Some(450));
    }

    #[test]
    fn tries_over_hours_were_one() {
        let said = "dsn=4.4.1, status=deferred (connect to mx.one.example[203.0.113.25]:25: \
                    Connection timed out)";
        let lines = ["05:49:22", "05:49:23", "06:49:22", "08:49:22"];
        let silent = lines.map(|at| recipient(at, "none", said));
        assert_eq!(of(&silent.each_ref().map(String::as_str)).0.len(), 3);
        let relay = "mx.one.example[203.0.113.25]:25";
        let greylisted = lines.map(|at| recipient(at, relay, GREYLISTED));
        assert_eq!(of(&greylisted.each_ref().map(String::as_str)).0.len(), 3);
    }

    #[test]
    fn a_refusal_with_tls_in_its_text_was_a_failure_of_tls() {
        let relay = "mx.one.example[203.0.113.25]:25";
        let said = "dsn=5.7.1, status=bounced (host mx.one.example[203.0.113.25] said: 550 5.7.1 see \
                    https://s.example/NOTLSHELP (in reply to RCPT TO command))";
        let (found, _) = of(&[&recipient("05:49:22", relay, said)]);
        assert_eq!((found[0].outcome, found[0].reply), (Outcome::Rejected, Some(550)));
        let said = "dsn=4.7.4, status=deferred (TLS is required, but was not offered by host \
                    mx.one.example[203.0.113.25])";
        let (found, _) = of(&[&recipient("05:49:22", relay, said)]);
        assert_eq!(found[0].outcome, Outcome::TlsFailed);
    }

    #[test]
    fn a_server_that_is_given_up_has_the_port_of_the_next() {
        let given_up = "Nov 28 05:49:21 vm postfix/smtp[180]: F2F: host mx1.one.example[203.0.113.21] \
                        said: 450 4.2.0 later (in reply to RCPT TO command)";
        let next = "Nov 28 05:49:51 vm postfix/smtp[180]: connect to mx2.one.example[203.0.113.22]:25: \
                    Connection timed out";
        let (found, known) = of(&[given_up, given_up, next]);
        assert_eq!((found.len(), known), (2, 3));
        assert_eq!((found[0].outcome, found[0].port), (Outcome::Rejected, Some(25)));
        let (found, _) = of(&[given_up]);
        assert_eq!(found.iter().map(|attempt| attempt.port).collect::<Vec<_>>(), [None]);
    }

    #[test]
    fn what_a_queue_says_again_was_nothing() {
        for tag in ["smtp", "qmgr", "error"] {
            let suspended = format!(
                "Nov 28 05:37:12 vm postfix/{tag}[1]: F2F: to=<a@one.example>, relay=none, delay=3, \
                 dsn=4.4.1, status=deferred (delivery temporarily suspended: connect to \
                 mx.one.example[203.0.113.25]:25: Connection timed out)"
            );
            let (found, known) = of(&[&suspended]);
            assert_eq!((found.len(), known), (1, 1), "{tag}");
            assert!(found[0].is_told_again && found[0].port == Some(25), "{tag}");
        }
    }

    #[test]
    fn a_line_without_its_envelope_was_no_log() {
        let line = "connect to mx.example.net[203.0.113.25]:25: Connection timed out";
        let (found, _) = of(&[line, &format!("postfix/smtp[180]: {line}")]);
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|attempt| attempt.outcome == Outcome::TimedOut));
        assert_eq!(of(&["connect to the database failed: Connection timed out"]).1, 0);
    }

    #[test]
    fn what_was_not_tried_is_no_connection() {
        let local = "Nov 28 05:37:12 vm postfix/local[1]: F2F: to=<a@vm>, relay=local, delay=3, \
                     dsn=2.0.0, status=sent (delivered to mailbox)";
        assert_eq!(of(&[local]), (vec![], 1));
        assert_eq!(of(&["Nov 28 05:37:12 vm postfix/smtp[1]: something new"]), (vec![], 0));
    }
}
