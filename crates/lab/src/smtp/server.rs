//! The server: takes every mail.

use std::io;
use std::net::{self, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::WriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::error::LabError;
use crate::network::Space;

/// How many clients a server talks to at once. A process may usually have 1,024 descriptors open,
/// and a lab has other servers.
const CLIENTS: usize = 256;
/// The longest line that is read, and the most lines of a mail.
const LINE: u64 = 8_192;
const LINES: usize = 100_000;
/// How long nothing is accepted after a failure to.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a client may be silent, or read nothing.
const PATIENCE: Duration = Duration::from_secs(300);

/// Starts a server in a node.
pub(crate) fn serve(
    runtime: &Handle,
    space: &Space,
    name: &str,
    port: u16,
) -> Result<(), LabError> {
    let failed = || LabError::system(format!("listening on `{name}` port {port}"));
    let listener = space.run(|| {
        let everywhere = [
            SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)),
            SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)),
        ];
        net::TcpListener::bind(everywhere.as_slice()).map_err(failed())
    })?;
    start(runtime, listener, name, PATIENCE).map_err(failed())
}

/// Starts a server on a socket that listens.
fn start(
    runtime: &Handle,
    listener: net::TcpListener,
    name: &str,
    patience: Duration,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let _entered = runtime.enter();
    let listener = TcpListener::from_std(listener)?;
    runtime.spawn(accept(listener, name.into(), patience));
    Ok(())
}

async fn accept(listener: TcpListener, name: Arc<str>, patience: Duration) {
    let places = Arc::new(Semaphore::new(CLIENTS));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of descriptors, most likely: it passes, and must not take a processor.
            sleep(PAUSE).await;
            continue;
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            refuse(&name, stream);
            continue;
        };
        let name = name.clone();
        tokio::spawn(async move {
            // A client that goes in the middle has told nobody but itself.
            let _ = talk(&name, stream, patience).await;
            drop(place);
        });
    }
}

/// Tells a client that there is no place for it (RFC 5321, 4.2.3). One that waited for a place
/// would look as if the filter had dropped what it sent.
fn refuse(name: &str, stream: TcpStream) {
    // It fits into the empty buffer of a new connection.
    let _ = stream.into_std().and_then(|mut stream| {
        io::Write::write_all(&mut stream, format!("421 {name} too many clients\r\n").as_bytes())
    });
}

async fn talk(name: &str, mut stream: TcpStream, patience: Duration) -> io::Result<()> {
    let (reader, out) = stream.split();
    let mut reader = BufReader::new(reader);
    let mut out = Replies { out, patience };
    out.say(&format!("220 {name} ESMTP egress25 lab")).await?;
    let mut has_recipient = false;
    while let Some(line) = line(&mut reader, patience).await? {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" | "HELO" => out.say(&format!("250 {name}")).await?,
            "MAIL" => out.say("250 2.1.0 Ok").await?,
            "RCPT" => {
                has_recipient = true;
                out.say("250 2.1.5 Ok").await?;
            }
            "DATA" if !has_recipient => out.say("503 5.5.1 need RCPT first").await?,
            "DATA" => {
                out.say("354 End data with <CR><LF>.<CR><LF>").await?;
                body(&mut reader, patience).await?;
                has_recipient = false;
                out.say("250 2.0.0 Ok: taken").await?;
            }
            "RSET" => {
                has_recipient = false;
                out.say("250 2.0.0 Ok").await?;
            }
            "NOOP" => out.say("250 2.0.0 Ok").await?,
            "QUIT" => return out.say("221 2.0.0 Bye").await,
            _ => out.say("502 5.5.1 not implemented").await?,
        }
    }
    Ok(())
}

struct Replies<'a> {
    out: WriteHalf<'a>,
    patience: Duration,
}

impl Replies<'_> {
    async fn say(&mut self, text: &str) -> io::Result<()> {
        timeout(self.patience, self.out.write_all(format!("{text}\r\n").as_bytes())).await?
    }
}

/// The next line, or as much of it as is read of one.
async fn line(
    reader: &mut (impl AsyncBufRead + Unpin),
    patience: Duration,
) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut reader = reader.take(LINE);
    while !bytes.ends_with(b"\n") {
        // Whoever says a part of a line is not silent.
        let more = timeout(patience, reader.fill_buf()).await??;
        let Some(piece) = more.split_inclusive(|byte| *byte == b'\n').next() else { break };
        bytes.extend_from_slice(piece);
        let taken = piece.len();
        reader.consume(taken);
    }
    let text = String::from_utf8_lossy(&bytes);
    Ok((!bytes.is_empty()).then(|| text.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Reads a mail up to its end.
async fn body(reader: &mut (impl AsyncBufRead + Unpin), patience: Duration) -> io::Result<()> {
    for _ in 0..LINES {
        match line(reader, patience).await? {
            Some(line) if line == "." => return Ok(()),
            Some(_) => {}
            None => break,
        }
    }
    Err(io::ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpStream;

    use super::*;
    use crate::runtime::Runtime;

    /// A server on the loopback interface, and where it listens.
    fn server(patience: Duration) -> (Runtime, SocketAddr) {
        let runtime = Runtime::start().unwrap();
        let listener = net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = listener.local_addr().unwrap();
        start(runtime.handle(), listener, "mx", patience).unwrap();
        (runtime, at)
    }

    /// A client that gives up where a test would hang.
    struct Client(BufReader<TcpStream>);

    impl Client {
        fn connect(at: SocketAddr) -> Self {
            let stream = TcpStream::connect(at).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            Self(BufReader::new(stream))
        }

        /// The next line; empty at the end.
        fn hear(&mut self) -> String {
            let mut line = String::new();
            self.0.read_line(&mut line).unwrap();
            line
        }

        fn ask(&mut self, text: &str) -> String {
            self.0.get_ref().write_all(text.as_bytes()).unwrap();
            self.hear()
        }
    }

    #[test]
    fn every_step_of_a_mail_is_answered_as_it_was() {
        let (_runtime, at) = server(PATIENCE);
        let mut client = Client::connect(at);
        assert_eq!(client.hear(), "220 mx ESMTP egress25 lab\r\n");
        let steps = [
            ("EHLO me\r\n", "250 mx\r\n"),
            ("VRFY me\r\n", "502 5.5.1 not implemented\r\n"),
            ("MAIL FROM:<a@b>\r\n", "250 2.1.0 Ok\r\n"),
            ("DATA\r\n", "503 5.5.1 need RCPT first\r\n"),
            ("rcpt TO:<c@d>\r\n", "250 2.1.5 Ok\r\n"),
            ("DATA\r\n", "354 End data with <CR><LF>.<CR><LF>\r\n"),
            ("Subject: s\r\n\r\nQUIT\r\n..\r\n.\r\n", "250 2.0.0 Ok: taken\r\n"),
            ("DATA\n", "503 5.5.1 need RCPT first\r\n"),
            ("RSET\r\nNOOP\r\n", "250 2.0.0 Ok\r\n"),
            ("", "250 2.0.0 Ok\r\n"),
            ("QUIT\r\n", "221 2.0.0 Bye\r\n"),
            ("", ""),
        ];
        for (said, expected) in steps {
            assert_eq!(client.ask(said), expected, "{said:?}");
        }
    }

    #[test]
    fn a_line_without_an_end_is_read_in_pieces() {
        let (_runtime, at) = server(PATIENCE);
        let mut client = Client::connect(at);
        client.hear();
        let length = usize::try_from(LINE).unwrap();
        let long = "x".repeat(length + 1) + "\r\n";
        for _ in ["the first piece", "the rest"] {
            assert_eq!(client.ask(&long[..length]), "502 5.5.1 not implemented\r\n");
        }
    }

    #[test]
    fn a_silent_client_and_one_in_the_middle_of_a_line_hold_up_nobody() {
        let (_runtime, at) = server(PATIENCE);
        let _silent = Client::connect(at);
        let mut slow = Client::connect(at);
        slow.hear();
        slow.0.get_ref().write_all(b"NO").unwrap();
        let mut client = Client::connect(at);
        client.hear();
        assert_eq!(client.ask("NOOP\r\n"), "250 2.0.0 Ok\r\n");
        assert_eq!(slow.ask("OP\r\n"), "250 2.0.0 Ok\r\n");
    }

    #[test]
    fn a_client_that_is_silent_too_long_is_let_go() {
        let (_runtime, at) = server(Duration::from_millis(50));
        let mut client = Client::connect(at);
        client.hear();
        assert_eq!(client.hear(), "");
    }

    #[test]
    fn one_client_too_many_is_told_so_and_has_the_place_of_the_next_that_goes() {
        let (_runtime, at) = server(PATIENCE);
        let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::connect(at)).collect();
        for client in &mut clients {
            assert!(client.hear().starts_with("220 "));
        }
        let mut refused = Client::connect(at);
        assert_eq!(refused.hear(), "421 mx too many clients\r\n");
        assert_eq!(refused.hear(), "");
        let mut going = clients.pop().unwrap();
        assert!(going.ask("QUIT\r\n").starts_with("221 "));
        // Its connection is closed before its place is free.
        let served = || Client::connect(at).hear().starts_with("220 ");
        assert!((0..1_000).any(|_| served()), "no place became free");
    }

    #[test]
    fn servers_end_with_their_runtime() {
        let (runtime, at) = server(PATIENCE);
        let mut client = Client::connect(at);
        client.hear();
        drop(runtime);
        assert_eq!(client.0.read(&mut [0]).unwrap(), 0);
    }
}
