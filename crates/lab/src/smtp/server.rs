//! The server: takes every mail and remembers it.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::enforce::judge::Clock;
use crate::error::LabError;
use crate::network::Space;

/// The longest line that is read, the most lines of a mail, and the most mails kept.
const LINE: u64 = 8_192;
const LINES: usize = 100_000;
const MAILS: usize = 10_000;
/// How long nothing is accepted after a failure to.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(300);

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The server that took it.
    pub server: String,
    /// Its port.
    pub port: u16,
    /// When.
    pub at: Timestamp,
    /// The sender's address, from the envelope.
    pub from: String,
    /// The recipients' addresses.
    pub to: Vec<String>,
    /// The subject line, if there was one.
    pub subject: Option<String>,
}

/// The mail that all servers of a lab took.
#[derive(Debug, Default)]
pub struct Mailboxes {
    mails: Mutex<Vec<Mail>>,
}

impl Mailboxes {
    /// All of it, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, mail: Mail) {
        let mut mails = self.mails.lock().unwrap_or_else(PoisonError::into_inner);
        if mails.len() < MAILS {
            mails.push(mail);
        }
    }
}

/// Starts a server in a node.
pub(crate) fn serve(
    space: &Space,
    name: &str,
    port: u16,
    mails: &Arc<Mailboxes>,
    clock: Clock,
) -> Result<(), LabError> {
    let listener = space.run(|| {
        let everywhere = [
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        ];
        TcpListener::bind(everywhere.as_slice())
            .map_err(LabError::system(format!("listening on `{name}` port {port}")))
    })?;
    let (name, mails) = (name.to_owned(), mails.clone());
    space.spawn("smtp", move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // Out of descriptors, most likely: it passes, and must not take a processor.
                thread::sleep(PAUSE);
                continue;
            };
            let (name, mails) = (name.clone(), mails.clone());
            let _ = thread::Builder::new().name("smtp-client".to_owned()).spawn(move || {
                let server = Server { name, port, mails, clock };
                // A client that goes in the middle has told nobody but itself.
                let _ = server.talk(&stream);
            });
        }
    })?;
    Ok(())
}

struct Server {
    name: String,
    port: u16,
    mails: Arc<Mailboxes>,
    clock: Clock,
}

impl Server {
    fn talk(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut reader = BufReader::new(stream);
        let mut out = stream;
        let mut say = |text: &str| out.write_all(format!("{text}\r\n").as_bytes());
        say(&format!("220 {} ESMTP egress25 lab", self.name))?;
        let (mut from, mut to) = (String::new(), Vec::new());
        while let Some(line) = line(&mut reader)? {
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" | "HELO" => say(&format!("250 {}", self.name))?,
                "MAIL" => {
                    from = address(&line);
                    say("250 2.1.0 Ok")?;
                }
                "RCPT" => {
                    to.push(address(&line));
                    say("250 2.1.5 Ok")?;
                }
                "DATA" if to.is_empty() => say("503 5.5.1 need RCPT first")?,
                "DATA" => {
                    say("354 End data with <CR><LF>.<CR><LF>")?;
                    let subject = body(&mut reader)?;
                    let (from, to) = (std::mem::take(&mut from), std::mem::take(&mut to));
                    let (server, port, at) = (self.name.clone(), self.port, (self.clock)());
                    self.mails.add(Mail { server, port, at, from, to, subject });
                    say("250 2.0.0 Ok: taken")?;
                }
                "RSET" => {
                    to.clear();
                    say("250 2.0.0 Ok")?;
                }
                "NOOP" => say("250 2.0.0 Ok")?,
                "QUIT" => return say("221 2.0.0 Bye"),
                _ => say("502 5.5.1 not implemented")?,
            }
        }
        Ok(())
    }
}

fn line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let read = io::Read::take(reader, LINE).read_until(b'\n', &mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok((read > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Reads a mail up to its end and returns its subject.
fn body(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut subject = None;
    for _ in 0..LINES {
        let Some(line) = line(reader)? else { break };
        if line == "." {
            return Ok(subject);
        }
        if subject.is_none()
            && let Some(text) = line.strip_prefix("Subject:")
        {
            subject = Some(text.trim().to_owned());
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

/// The address between angle brackets, or after the colon.
fn address(line: &str) -> String {
    let after = line.split_once(':').map_or("", |(_, rest)| rest).trim();
    let inner = after.strip_prefix('<').and_then(|rest| rest.split_once('>'));
    inner.map_or(after, |(inner, _)| inner).to_owned()
}
