//! The client: one mail, to one server.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, TcpStream};
use std::time::Duration;

use crate::connect;
use crate::error::LabError;

/// Sends a mail from the calling thread's namespace, and says what became of it.
pub(crate) fn send(
    to: (IpAddr, u16),
    from: &str,
    recipient: &str,
    patience: Duration,
) -> Result<&'static str, LabError> {
    let stream = match connect::open(to, patience)? {
        Ok(stream) => stream,
        Err(no) => return Ok(no.name()),
    };
    Ok(talk(&stream, from, recipient, patience).unwrap_or_else(|error| {
        let silent = matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
        if silent { "timeout" } else { "refused" }
    }))
}

fn talk(
    stream: &TcpStream,
    from: &str,
    recipient: &str,
    patience: Duration,
) -> io::Result<&'static str> {
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
    for (say, expected) in steps {
        if let Some(text) = say {
            out.write_all(format!("{text}\r\n").as_bytes())?;
        }
        if !reply(&mut reader)?.starts_with(expected) {
            return Ok("answered");
        }
    }
    out.write_all(b"QUIT\r\n")?;
    Ok("delivered")
}

/// The last line of a reply.
fn reply(reader: &mut impl BufRead) -> io::Result<String> {
    loop {
        let mut line = String::new();
        if io::Read::take(&mut *reader, 4_096).read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if line.chars().nth(3) != Some('-') {
            return Ok(line);
        }
    }
}
