//! The server: takes every mail.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::error::LabError;
use crate::network::Space;

/// The longest line that is read, and the most lines of a mail.
const LINE: u64 = 8_192;
const LINES: usize = 100_000;
/// How long nothing is accepted after a failure to.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a client may be silent.
const PATIENCE: Duration = Duration::from_secs(300);

/// Starts a server in a node.
pub(crate) fn serve(space: &Space, name: &str, port: u16) -> Result<(), LabError> {
    let listener = space.run(|| {
        let everywhere = [
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        ];
        TcpListener::bind(everywhere.as_slice())
            .map_err(LabError::system(format!("listening on `{name}` port {port}")))
    })?;
    let name = name.to_owned();
    space.spawn("smtp", move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else {
                // Out of descriptors, most likely: it passes, and must not take a processor.
                thread::sleep(PAUSE);
                continue;
            };
            let name = name.clone();
            let _ = thread::Builder::new().name("smtp-client".to_owned()).spawn(move || {
                // A client that goes in the middle has told nobody but itself.
                let _ = talk(&name, &stream);
            });
        }
    })?;
    Ok(())
}

fn talk(name: &str, stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut reader = BufReader::new(stream);
    let mut out = stream;
    let mut say = |text: &str| out.write_all(format!("{text}\r\n").as_bytes());
    say(&format!("220 {name} ESMTP egress25 lab"))?;
    let mut has_recipient = false;
    while let Some(line) = line(&mut reader)? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" | "HELO" => say(&format!("250 {name}"))?,
            "MAIL" => say("250 2.1.0 Ok")?,
            "RCPT" => {
                has_recipient = true;
                say("250 2.1.5 Ok")?;
            }
            "DATA" if !has_recipient => say("503 5.5.1 need RCPT first")?,
            "DATA" => {
                say("354 End data with <CR><LF>.<CR><LF>")?;
                body(&mut reader)?;
                has_recipient = false;
                say("250 2.0.0 Ok: taken")?;
            }
            "RSET" => {
                has_recipient = false;
                say("250 2.0.0 Ok")?;
            }
            "NOOP" => say("250 2.0.0 Ok")?,
            "QUIT" => return say("221 2.0.0 Bye"),
            _ => say("502 5.5.1 not implemented")?,
        }
    }
    Ok(())
}

fn line(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let read = io::Read::take(reader, LINE).read_until(b'\n', &mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok((read > 0).then(|| text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Reads a mail up to its end.
fn body(reader: &mut impl BufRead) -> io::Result<()> {
    for _ in 0..LINES {
        match line(reader)? {
            Some(line) if line == "." => return Ok(()),
            Some(_) => {}
            None => break,
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}
