//! nodemailer hands its caller an error, which Node prints over several lines; with its logger on, it
//! writes lines of its own before that, with the session's id.

use crate::mail_log::attempt::{Attempt, Destination, Outcome, Program};
use crate::mail_log::line::{Line, is_time};
use crate::mail_log::reader::{Reader, Remembered};
use crate::mail_log::words::{leading_number, reply_code, with_port};

/// Reads errors and log lines of nodemailer.
#[derive(Debug, Default)]
pub(super) struct Nodemailer {
    sessions: Remembered<Session>,
    /// What the logger said last, which the error object says again.
    logged: Option<String>,
    error: Option<Printed>,
}

/// What the logger has told of a session.
#[derive(Debug, Clone, Default)]
struct Session {
    at: Option<String>,
    to: Destination,
    port: Option<u16>,
    connected: bool,
    delivered: bool,
    failed: bool,
}

/// An error that Node prints, until its last line.
#[derive(Debug)]
struct Printed {
    attempt: Attempt,
    /// Whether something in it is nodemailer's: any program has connections that time out.
    confirmed: bool,
    /// Whether the logger has told it already.
    again: bool,
}

/// The ports of mail.
const PORTS_OF_MAIL: [u16; 5] = [25, 465, 587, 2525, 2587];

impl Reader for Nodemailer {
    fn read(&mut self, line: &Line, found: &mut Vec<Attempt>) -> bool {
        let text = line.text.as_str();
        if let Some(rest) = logger(text) {
            self.flush(found);
            self.logger_line(line, rest, found);
            return true;
        }
        if let Some(printed) = &mut self.error
            && (text.starts_with(' ') || text == "}" || text == "] {")
        {
            printed.detail(text.trim());
            if text == "}" {
                return self.flush(found);
            }
            return true;
        }
        self.flush(found);
        if let Some((_, said)) = text.split_once("Error: ")
            && let Some(attempt) = meaning(said)
        {
            let again = self.logged.take().is_some_and(|logged| logged == said);
            let confirmed = attempt.port.is_some_and(|port| PORTS_OF_MAIL.contains(&port));
            let attempt = Attempt { at: line.at.clone(), ..attempt };
            self.error = Some(Printed { attempt, confirmed, again });
            return true;
        }
        // The result that an application prints of what has been sent.
        if let Some(said) = text.trim().strip_prefix("response: '")
            && reply_code(said).is_some_and(|code| code < 300)
        {
            if self.logged.take().is_none() {
                found.push(Attempt {
                    at: line.at.clone(),
                    ..Attempt::new(Program::Nodemailer, Outcome::Delivered)
                });
            }
            return true;
        }
        false
    }

    fn end(&mut self, found: &mut Vec<Attempt>) {
        self.flush(found);
        found.extend(self.sessions.drain().filter_map(Session::ended));
    }
}

impl Nodemailer {
    /// The error that was printed is over; whether it was nodemailer's.
    fn flush(&mut self, found: &mut Vec<Attempt>) -> bool {
        let Some(Printed { attempt, confirmed, again }) = self.error.take() else { return false };
        if confirmed && !again {
            found.push(attempt);
        }
        confirmed || again
    }

    /// A line of the logger, from behind its level.
    fn logger_line(&mut self, line: &Line, text: &str, found: &mut Vec<Attempt>) {
        let Some((id, said)) = text.strip_prefix('[').and_then(|text| text.split_once("] ")) else {
            // Of a mail, and no session: what a session has said, again. Only a rejection is news.
            if let Some((_, said)) = text.split_once(": ")
                && (text.starts_with("Send Error: ") || text.starts_with("Send error for "))
                && self.logged.as_deref() != Some(said)
            {
                self.logged = Some(said.to_owned());
                let rejected = meaning(said).filter(|one| one.outcome == Outcome::Rejected);
                // It names no session: it is the last one's.
                let session = self.sessions.last().filter(|session| !session.failed);
                if let (Some(attempt), Some(session)) = (rejected, session) {
                    session.failed = true;
                    found.push(session.names(attempt));
                }
            }
            return;
        };
        let mut session = self.sessions.take(id).unwrap_or_default();
        session.at = line_time(line).or(session.at);
        if let Some(resolved) = said.strip_prefix("Resolved ") {
            self.logged = None;
            if let Some((name, rest)) = resolved.split_once(" as ") {
                session.to.name = Destination::named(name).name;
                session.to.address = rest.split(' ').next().and_then(|text| text.parse().ok());
            }
        } else if let Some(server) = said.strip_prefix("Connection established to ") {
            session.connected = true;
            if let Some((to, port)) = with_port(server.split(' ').next().unwrap_or_default()) {
                session.to.address = to.address.or(session.to.address);
                session.port = Some(port);
            }
        } else if said.contains("encoded mime message") {
            session.delivered = true;
            self.logged = Some(said.to_owned());
        } else if let Some(attempt) = meaning(said)
            && !session.failed
        {
            session.failed = true;
            self.logged = Some(said.to_owned());
            found.push(session.names(attempt));
        } else if said.starts_with("Closing connection") {
            // Where recipients were rejected, that is said behind it.
            return found.extend(session.delivered.then(|| session.ended()).flatten());
        }
        let old = self.sessions.put(id.to_owned(), session);
        found.extend(old.and_then(Session::ended));
    }
}

impl Session {
    /// What the log has told of the session, put into a try.
    fn names(&self, attempt: Attempt) -> Attempt {
        let Self { at, to, port, .. } = self.clone();
        let name = to.name.or(attempt.to.name);
        let to = Destination { name, address: to.address.or(attempt.to.address) };
        Attempt { at, to, port: port.or(attempt.port), ..attempt }
    }

    /// The try of a session that did not fail, if it came about.
    fn ended(self) -> Option<Attempt> {
        let outcome = match self.delivered {
            true => Outcome::Delivered,
            false => Outcome::Connected,
        };
        let came_about = self.connected && !self.failed;
        came_about.then(|| self.names(Attempt::new(Program::Nodemailer, outcome)))
    }
}

impl Printed {
    /// A line of the error behind its first.
    fn detail(&mut self, text: &str) {
        let text = text.trim_end_matches(',');
        let quoted = |text: &str| text.trim_matches('\'').to_owned();
        self.confirmed |= text.contains("nodemailer") || text.contains("smtp-connection");
        let to = &mut self.attempt.to;
        match text.split_once(": ") {
            Some(("command", _)) => self.confirmed = true,
            Some(("address", value)) => to.address = quoted(value).parse().ok().or(to.address),
            Some(("host" | "hostname", value)) if to.name.is_none() => {
                to.name = Destination::named(&quoted(value)).name;
            }
            Some(("port", value)) => {
                self.attempt.port = leading_number(value).or(self.attempt.port);
            }
            Some(("responseCode", value)) => {
                self.attempt.reply = leading_number(value).or(self.attempt.reply);
            }
            _ => {}
        }
    }
}

/// What stands behind the time and the level of a line of the logger.
fn logger(text: &str) -> Option<&str> {
    let (time, rest) = text.strip_prefix('[')?.split_once("] ")?;
    let (level, rest) = rest.split_once(' ')?;
    let is_level = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"].contains(&level);
    (is_level && is_time(time)).then_some(rest.trim_start())
}

fn line_time(line: &Line) -> Option<String> {
    line.text.get(1..20).filter(|time| is_time(time)).map(str::to_owned)
}

/// What an error's message means.
fn meaning(said: &str) -> Option<Attempt> {
    let try_of = |outcome| Attempt::new(Program::Nodemailer, outcome);
    if let Some(rest) = said.strip_prefix("connect ") {
        let (code, server) = rest.split_once(' ')?;
        let outcome = of_code(code)?;
        let (to, port) = with_port(server.split(' ').next()?)?;
        return Some(Attempt { to, port: Some(port), ..try_of(outcome) });
    }
    if let Some((call, rest)) = said.split_once(' ')
        && (call == "getaddrinfo" || call.starts_with("query"))
    {
        let (code, name) = rest.split_once(' ')?;
        let to = Destination::named(name);
        return Some(Attempt { to, ..try_of(of_code(code)?) });
    }
    const SAID: [(&str, Outcome); 10] = [
        ("Connection timeout", Outcome::TimedOut),
        ("Greeting never received", Outcome::ConnectionLost),
        ("Connection closed", Outcome::ConnectionLost),
        ("Unexpected socket close", Outcome::ConnectionLost),
        ("read ECONNRESET", Outcome::ConnectionLost),
        ("write EPIPE", Outcome::ConnectionLost),
        ("Client network socket disconnected before secure TLS", Outcome::TlsFailed),
        ("Error initiating TLS", Outcome::TlsFailed),
        ("self-signed certificate", Outcome::TlsFailed),
        ("unable to verify the first certificate", Outcome::TlsFailed),
    ];
    if let Some((_, outcome)) = SAID.iter().find(|(words, _)| said.starts_with(words)) {
        return (said != "Connection closed").then(|| try_of(*outcome));
    }
    const REJECTED: [&str; 8] = [
        "Can't send mail",
        "Mail command failed",
        "Recipient command failed",
        "Data command failed",
        "Message failed",
        "Invalid login",
        "Invalid greeting",
        "Invalid HELO",
    ];
    let rejected = REJECTED.iter().any(|words| said.starts_with(words));
    let reply = said.split(": ").chain(said.split("response=")).skip(1).find_map(reply_code);
    if rejected {
        return Some(Attempt { reply, ..try_of(Outcome::Rejected) });
    }
    said.contains("SSL routines").then(|| try_of(Outcome::TlsFailed))
}

/// What one of Node's codes means.
fn of_code(code: &str) -> Option<Outcome> {
    Some(match code {
        "ETIMEDOUT" => Outcome::TimedOut,
        "ECONNREFUSED" => Outcome::Refused,
        "ENETUNREACH" | "EADDRNOTAVAIL" | "EAFNOSUPPORT" => Outcome::NetworkUnreachable,
        "EHOSTUNREACH" => Outcome::HostUnreachable,
        "ECONNRESET" => Outcome::ConnectionLost,
        "ENOTFOUND" | "ENODATA" => Outcome::NameNotFound,
        "EAI_AGAIN" | "ESERVFAIL" | "ETIMEOUT" => Outcome::NameNotAnswered,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<Attempt> {
        let (mut reader, mut found) = (Nodemailer::default(), Vec::new());
        text.lines().for_each(|line| {
            reader.read(&Line::of(line), &mut found);
        });
        reader.end(&mut found);
        found
    }

    #[test]
    fn a_time_out_of_another_program_is_no_mail() {
        let text = "Error: connect ETIMEDOUT 203.0.113.25:443\n    at TCPConnectWrap (net.js:1)\n";
        assert_eq!(of(text), vec![]);
        assert_eq!(of("Error: Connection timeout\n    at Redis.connect (redis.js:1)\n"), vec![]);
    }

    #[test]
    fn an_older_node_prints_the_end_in_the_last_line() {
        let text = "Error: connect ETIMEDOUT 203.0.113.25:25\n    at TCPConnectWrap (net.js:1) {\n  \
                    errno: 'ETIMEDOUT',\n  code: 'ECONNECTION',\n  command: 'CONN' }\nnext\n";
        let found = of(&format!("{text}{text}"));
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].outcome, found[0].port), (Outcome::TimedOut, Some(25)));
    }
}
