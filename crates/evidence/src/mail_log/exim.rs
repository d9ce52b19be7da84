//! Exim's main log: a time, the message's id, and what happened to it. A server that is given up is
//! named in a line of its own (`H=NAME [ADDRESS]: ERROR`), before the recipient's (`==`, `**`).

use std::collections::BTreeSet;

use crate::mail_log::attempt::{Attempt, Destination, Outcome, Program};
use crate::mail_log::line::{Line, is_time};
use crate::mail_log::reader::{Reader, Remembered};
use crate::mail_log::words::{in_brackets, reply_code, system_error};

/// The port of Exim's transport, where the log does not say another: without the log selector
/// `outgoing_port` it says none.
const PORT: u16 = 25;

/// Reads Exim's main log.
#[derive(Debug, Default)]
pub(super) struct Exim {
    /// The servers that were given up for a message, until its recipient's line says by which
    /// transport.
    given_up: Remembered<GivenUp>,
    /// The transports that have sent mail with a password, which no domain's server asks for.
    authenticated: BTreeSet<String>,
}

/// How many transports are remembered; a machine has a few.
const MOST_TRANSPORTS: usize = 64;

/// How many servers that were given up wait for what becomes of their mail.
const MOST_SERVERS: usize = 16;

/// The servers of a message, and when it was last told what became of them: its further recipients
/// are told at that time, too.
#[derive(Debug, Default)]
struct GivenUp {
    servers: Vec<Attempt>,
    told_at: Option<String>,
}

impl Reader for Exim {
    fn read(&mut self, line: &Line, found: &mut Vec<Attempt>) -> bool {
        let Some((at, id, text)) = entry(line) else { return false };
        let (mark, rest) = text.split_once(' ').unwrap_or((text, ""));
        match mark {
            "==" | "**" => {
                let GivenUp { servers, told_at } = self.given_up.take(&id).unwrap_or_default();
                let relay = self.by_relay(rest);
                // It says again what the servers' own lines have said.
                let again = !servers.is_empty() || told_at.as_ref() == Some(&at);
                found.extend(servers.into_iter().map(|attempt| through(attempt, relay)));
                let attempt = of_recipient(rest);
                let known = again || attempt.is_some() || rest.contains("retry time not reached");
                if let Some(attempt) = attempt.filter(|_| !again) {
                    found.push(through(Attempt { at: Some(at.clone()), ..attempt }, relay));
                }
                self.remember(id, GivenUp { servers: vec![], told_at: Some(at) }, found);
                known
            }
            "=>" | "->" | ">>" | "*>" => {
                if let Some((to, port)) = host(rest) {
                    let outcome = Outcome::Delivered;
                    let attempt =
                        Attempt { at: Some(at), to, port, ..Attempt::new(Program::Exim, outcome) };
                    // A further recipient of the same connection.
                    if mark != "->" {
                        found.push(through(attempt, self.by_relay(rest)));
                    }
                }
                true
            }
            _ if text.starts_with("H=") => {
                let Some(attempt) = of_server(text) else { return false };
                let mut given_up = self.given_up.take(&id).unwrap_or_default();
                given_up.servers.push(Attempt { at: Some(at), ..attempt });
                // Whether a relay comes after so many is not waited for.
                let many = given_up.servers.len().saturating_sub(MOST_SERVERS);
                let old = given_up.servers.drain(..many);
                found.extend(old.map(|attempt| through(attempt, false)));
                self.remember(id, given_up, found);
                true
            }
            _ => is_no_end(text),
        }
    }

    fn end(&mut self, found: &mut Vec<Attempt>) {
        let servers = self.given_up.drain().flat_map(|given_up| given_up.servers);
        found.extend(servers.map(|attempt| through(attempt, false)));
    }
}

impl Exim {
    /// Whether a line is of mail to a relay: its transport is called one, as Debian's
    /// `remote_smtp_smarthost` is, or sends with a password (`A=`).
    fn by_relay(&mut self, text: &str) -> bool {
        let Some(transport) = text.split_once(" T=").and_then(|(_, rest)| rest.split(' ').next())
        else {
            return false;
        };
        let with_password = text.split(" C=").next().is_some_and(|text| text.contains(" A="));
        if with_password && self.authenticated.len() < MOST_TRANSPORTS {
            self.authenticated.insert(transport.to_owned());
        }
        with_password || transport.contains("smarthost") || self.authenticated.contains(transport)
    }

    /// Remembers a message; what was given up for it is told.
    fn remember(&mut self, id: String, given_up: GivenUp, found: &mut Vec<Attempt>) {
        let old = self.given_up.put(id, given_up).unwrap_or_default();
        found.extend(old.servers.into_iter().map(|attempt| through(attempt, false)));
    }
}

/// The time, the message's id and the rest of a line; from syslog it may lack the time.
fn entry(line: &Line) -> Option<(String, String, &str)> {
    let mut text = line.text.as_str();
    let mut at = line.at.clone().unwrap_or_default();
    let with_time = text.get(..19).is_some_and(is_time) && text.get(4..5) == Some("-");
    if with_time {
        let (time, rest) = text.split_at_checked("2026-11-28 05:37:12".len())?;
        at = time.to_owned();
        text = rest.trim_start();
        // A zone and the process, where the log selectors say so.
        while text.starts_with(['+', '-', '.', '[']) {
            text = text.split_once(' ')?.1;
        }
    }
    if !with_time && line.tag.as_deref().is_none_or(|tag| !tag.starts_with("exim")) {
        return None;
    }
    let (id, rest) = text.split_once(' ')?;
    let parts: Vec<_> = id.split('-').collect();
    let of_id = |part: &&str| part.chars().all(|sign| sign.is_ascii_alphanumeric());
    // 1xXB8b-00000Y-1t, and since 4.97 1xXB8b-00000000001-1tAB.
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    let is_id = matches!(lengths[..], [6, 6, 2] | [6, 11, 4]) && parts.iter().all(of_id);
    is_id.then(|| (at, id.to_owned(), rest))
}

fn through(attempt: Attempt, by_relay: bool) -> Attempt {
    let port = attempt.port.or((!by_relay && attempt.to.address.is_some()).then_some(PORT));
    Attempt { by_relay, port, ..attempt }
}

/// The server in `H=NAME [ADDRESS]`, with or without a port.
fn host(text: &str) -> Option<(Destination, Option<u16>)> {
    let (_, host) = text.split_once("H=")?;
    in_brackets(host)
}

/// A server that was given up: `H=NAME [ADDRESS]: ERROR`.
fn of_server(text: &str) -> Option<Attempt> {
    let (to, port) = host(text)?;
    let (outcome, reply) = meaning(text)?;
    Some(Attempt { to, port, reply, ..Attempt::new(Program::Exim, outcome) })
}

/// A recipient that was put off or given up, as `ADDRESS R=... T=... defer (110): ERROR`.
fn of_recipient(text: &str) -> Option<Attempt> {
    // No router has taken it: a domain without a server, as long as it is not the machine's own.
    let unknown = text.contains(": Unrouteable address") && !text.contains(" R=");
    let looked_up = unknown || text.contains("host lookup did not complete");
    if looked_up || text.contains("all relevant MX records point to non-existent hosts") {
        let outcome = match text.contains("did not complete") {
            true => Outcome::NameNotAnswered,
            false => Outcome::NameNotFound,
        };
        let recipient = text.split([' ', ':']).next().unwrap_or_default();
        let domain = recipient.rsplit_once('@').map_or("", |(_, domain)| domain);
        let to = Destination::named(domain);
        return Some(Attempt { to, ..Attempt::new(Program::Exim, outcome) });
    }
    let (outcome, reply) = meaning(text)?;
    // Before Exim 4.90 the server stands in the error itself.
    let older = || in_brackets(text.split_once(": host ")?.1);
    let (to, port) = host(text).or_else(older).unwrap_or_default();
    Some(Attempt { to, port, reply, ..Attempt::new(Program::Exim, outcome) })
}

/// What an error means, and the server's code.
fn meaning(text: &str) -> Option<(Outcome, Option<u16>)> {
    if let Some((_, said)) = text.split_once("SMTP error from remote mail server after ") {
        let code = said.split(": ").skip(1).find_map(reply_code);
        return Some((Outcome::Rejected, code));
    }
    let outcome = if text.contains("TLS session") || text.contains("TLS is required") {
        Outcome::TlsFailed
    } else if text.contains("Remote host closed connection") {
        Outcome::ConnectionLost
    } else if text.contains("SMTP timeout after initial connection") {
        // With TCP Fast Open, which Exim asks for, the connection counts as made before the SYN is
        // sent: a SYN without an answer ends in these words.
        Outcome::TimedOut
    } else if text.contains("SMTP timeout after ") || text.contains("SMTP timeout while ") {
        Outcome::ConnectionLost
    } else {
        system_error(text)?
    };
    Some((outcome, None))
}

/// Whether a line is known that says nothing of a connection.
fn is_no_end(text: &str) -> bool {
    const KNOWN: [&str; 8] = [
        "<= ",
        "Completed",
        "Frozen",
        "Unfrozen",
        "Message is frozen",
        "Spool file is locked",
        "no immediate delivery",
        "cancelled by",
    ];
    KNOWN.iter().any(|known| text.starts_with(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Vec<Attempt> {
        let (mut reader, mut found) = (Exim::default(), Vec::new());
        for line in lines {
            assert!(reader.read(&Line::of(line), &mut found), "{line}");
        }
        reader.end(&mut found);
        found
    }

    const SERVER: &str = "2026-11-28 05:38:20 1xXB8b-00000000001-1tAB H=mx.one.example [203.0.113.25] \
         Connection timed out";
    const RECIPIENT: &str = "2026-11-28 05:38:20 1xXB8b-00000000001-1tAB == a@one.example R=dnslookup T=remote_smtp \
         defer (110): Connection timed out";

    #[test]
    fn a_recipient_says_again_what_the_servers_lines_have_said() {
        assert_eq!(of(&[SERVER, RECIPIENT, RECIPIENT]).len(), 1);
        assert_eq!(of(&[SERVER]).len(), 1);
        // Without the servers' lines it counts itself, and a later try once more.
        let later = RECIPIENT.replace("05:38", "06:38");
        let found = of(&[RECIPIENT, RECIPIENT, &later]);
        assert_eq!(found.len(), 2);
        assert!(found[0].to.is_unknown() && found[0].port.is_none());
    }

    #[test]
    fn a_port_goes_without_saying_but_of_a_relay() {
        assert_eq!(of(&[SERVER])[0].port, Some(25));
        let smarthost = RECIPIENT.replace("remote_smtp", "remote_smtp_smarthost");
        let found = of(&[SERVER, &smarthost]);
        assert_eq!((found[0].port, found[0].by_relay), (None, true));
        let said = SERVER.replace("25] ", "25]:587 ");
        assert_eq!(of(&[&said])[0].port, Some(587));
    }

    #[test]
    fn a_relay_that_asks_for_a_password_was_a_server_at_port_25() {
        let sent = "2026-11-28 05:38:20 1xXB8b-00000000001-1tAB => a@one.example R=send_via T=sendgrid_smtp \
                    H=smtp.relay.example [192.0.2.187] A=sendgrid_login C=\"250 taken A=b\"";
        let silent = RECIPIENT.replace("T=remote_smtp", "T=sendgrid_smtp");
        let found = of(&[sent, SERVER, &silent]);
        assert_eq!((found[0].port, found[0].by_relay), (None, true));
        assert_eq!((found[1].port, found[1].by_relay), (None, true));
        let plain = sent.replace(" A=sendgrid_login", "");
        assert_eq!((of(&[&plain])[0].port, of(&[&plain])[0].by_relay), (Some(25), false));
    }

    #[test]
    fn a_server_that_an_older_exim_names_in_the_error_was_not_said() {
        let line = "2026-11-28 05:38:20 1xXB8b-00000Y-1t ** a@three.example R=dnslookup T=remote_smtp: SMTP \
                    error from remote mail server after RCPT TO:<a@three.example>: host \
                    mx.three.example [203.0.113.27]: 550 no";
        let found = of(&[line]);
        assert_eq!(found[0].to.name.as_deref(), Some("mx.three.example"));
        assert_eq!((found[0].port, found[0].reply), (Some(25), Some(550)));
    }

    #[test]
    fn by_syslog_the_time_may_stand_once_or_twice() {
        let entry = SERVER.split_at(20).1;
        for line in [
            format!("Nov 28 05:38:20 vm exim[12]: {entry}"),
            format!("Nov 28 05:38:20 vm exim[12]: {SERVER}"),
        ] {
            assert_eq!(of(&[&line])[0].outcome, Outcome::TimedOut);
        }
        let other = format!("Nov 28 05:38:20 vm other[12]: {entry}");
        assert!(!Exim::default().read(&Line::of(&other), &mut Vec::new()));
    }
}
