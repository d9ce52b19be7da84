//! The client: one mail, to one server.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, TcpStream};
use std::time::Duration;

use crate::connect;
use crate::control::requests::MailOutcome;
use crate::error::LabError;

/// Sends a mail from the calling thread's namespace.
pub(crate) fn send(
    to: (IpAddr, u16),
    from: &str,
    recipient: &str,
    patience: Duration,
) -> Result<MailOutcome, LabError> {
    let stream = match connect::open(to, patience)? {
        Ok(stream) => stream,
        Err(no) => return Ok(outcome(no.name(), None)),
    };
    Ok(talk(&stream, from, recipient, patience).unwrap_or_else(|error| {
        let silent = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
        outcome(if silent { "timeout" } else { "refused" }, None)
    }))
}

fn outcome(outcome: &str, answer: Option<String>) -> MailOutcome {
    MailOutcome { outcome: outcome.to_owned(), answer }
}

fn talk(
    stream: &TcpStream,
    from: &str,
    recipient: &str,
    patience: Duration,
) -> io::Result<MailOutcome> {
    stream.set_read_timeout(Some(patience))?;
    let mut reader = BufReader::new(stream);
    let mut out = stream;
    let subject = "Subject: egress25 lab";
    let steps = [
        (None, '2'),
        (Some(format!("EHLO {from}")), '2'),
        (Some(format!("MAIL FROM:<lab@{from}>")), '2'),
        (Some(format!("RCPT TO:<{recipient}>")), '2'),
        (Some("DATA".to_owned()), '3'),
        (Some(format!("From: lab@{from}\r\nTo: {recipient}\r\n{subject}\r\n\r\nHello.\r\n.")), '2'),
    ];
    let mut last = String::new();
    for (say, expected) in steps {
        if let Some(text) = say {
            out.write_all(format!("{text}\r\n").as_bytes())?;
        }
        last = reply(&mut reader)?;
        if !last.starts_with(expected) {
            return Ok(outcome("answered", Some(last)));
        }
    }
    out.write_all(b"QUIT\r\n")?;
    Ok(outcome("delivered", Some(last)))
}

/// The last line of a reply.
fn reply(reader: &mut impl BufRead) -> io::Result<String> {
    loop {
        let mut line = String::new();
        if io::Read::take(&mut *reader, 4_096).read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if line.chars().nth(3) != Some('-') {
            return Ok(line.trim_end().to_owned());
        }
    }
}
