//! Who listens to the verdicts of a lab: as text, or as a capture.

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use egress25_packet_filter::capture::{
    InterfaceId, NewInterface, PcapngWriter, WriteError, WrittenPacket,
};
use egress25_packet_filter::link::LinkType;

use crate::control::descriptors::receive_files;
use crate::control::requests::LabAnswer;
use crate::enforce::verdict::{Told, VerdictEvent};
use crate::error::Fault;
use crate::owner::Owner;

/// How often somebody who listens is looked after where nothing is told.
const IDLE: Duration = Duration::from_millis(50);
/// How often what is written of a busy lab reaches the disk's file at least.
const FLUSHED: Duration = Duration::from_millis(500);
/// How long after its end somebody who listens is told of what was judged before.
pub(super) const SETTLES: Duration = Duration::from_millis(200);

/// Calls `each` with every verdict until the other side has gone or says no more, and with nothing
/// where for a while there was none.
fn follow(
    stream: &UnixStream,
    heard: &Receiver<Told>,
    mut each: impl FnMut(Option<Told>) -> io::Result<()>,
) -> io::Result<()> {
    LabAnswer::Done.send(stream)?;
    stream.set_read_timeout(Some(Duration::from_millis(1)))?;
    let mut idle = 0_u32;
    loop {
        match heard.recv_timeout(IDLE) {
            Ok(told) => {
                if !told.is_probe() {
                    each(Some(told))?;
                }
                idle = idle.saturating_add(1);
            }
            Err(RecvTimeoutError::Timeout) => {
                each(None)?;
                idle = u32::MAX;
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        // Whether anybody is there costs a system call: now and then is enough.
        if idle > 1_000 {
            idle = 0;
            match (&mut &*stream).read(&mut [0_u8; 1]) {
                Ok(0) => break,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
    }
    // What was judged before that is of interest still, and the kernel's log may yet tell of it.
    let until = Instant::now();
    while until.elapsed() < SETTLES {
        match heard.recv_timeout(SETTLES.saturating_sub(until.elapsed())) {
            Ok(told) if !told.is_probe() => each(Some(told))?,
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Ok(())
}

/// Tells verdicts, one a line.
pub(super) fn events(owner: &Owner, stream: &UnixStream, since_start: bool) -> io::Result<()> {
    let heard = owner.court.hub.listen(since_start);
    let mut out = stream;
    follow(stream, &heard, |told| {
        let mut text = match told {
            None => return Ok(()),
            Some(Told::Verdict(event)) => serde_json::to_vec(&*event)?,
            Some(Told::Missed(count)) => format!("{{\"missed\":{count}}}").into_bytes(),
            Some(Told::Note(what)) => serde_json::to_vec(&serde_json::json!({ "note": &*what }))?,
        };
        text.push(b'\n');
        out.write_all(&text)
    })
}

/// Writes what is judged to a file that the other side has opened, and says how that ended. The
/// lab itself opens no file that somebody names.
pub(super) fn capture(owner: &Owner, stream: &UnixStream) -> io::Result<()> {
    let _capturing = owner.captures.begin();
    LabAnswer::Done.send(stream)?;
    let (_, mut files) = receive_files(stream, &mut [0_u8; 1])?;
    let Some(file) = files.pop().map(File::from) else {
        let what = "a capture needs an open file, and none came with the message".to_owned();
        return LabAnswer::Failed { what, fault: Fault::Request }.send(stream);
    };
    match written(owner, stream, file) {
        Ok(()) => LabAnswer::Done.send(stream),
        Err(error) => {
            let what = format!("a capture has ended before its time: {error}");
            owner.complain(what);
            LabAnswer::Failed { what: error.to_string(), fault: Fault::Lab }.send(stream)
        }
    }
}

/// Writes what is judged until the other side says no more, each network as an interface.
fn written(owner: &Owner, stream: &UnixStream, file: File) -> io::Result<()> {
    let comment = "captured by egress25 lab: every judged packet with its verdict";
    let writer = PcapngWriter::new(BufWriter::new(file), Some(comment)).map_err(cause)?;
    let mut capture = VerdictCapture { owner, writer, interfaces: Vec::new() };
    let mut flushed = Instant::now();
    let heard = owner.court.hub.listen(false);
    follow(stream, &heard, |told| match told {
        Some(Told::Verdict(event)) => {
            capture.write(&event).map_err(cause)?;
            if flushed.elapsed() < FLUSHED {
                return Ok(());
            }
            flushed = Instant::now();
            capture.writer.flush().map_err(cause)
        }
        Some(Told::Missed(count)) => {
            owner.complain(format!("{count} packets came too fast for a capture"));
            Ok(())
        }
        Some(Told::Note(_)) => Ok(()),
        // A disk that is full is told of now, and a reader sees what there is.
        None => capture.writer.flush().map_err(cause),
    })?;
    capture.writer.finish().map(drop).map_err(cause)
}

fn cause(error: WriteError) -> io::Error {
    match error {
        WriteError::Io(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

struct VerdictCapture<'a> {
    owner: &'a Owner,
    writer: PcapngWriter<BufWriter<File>>,
    interfaces: Vec<((String, LinkType), InterfaceId)>,
}

impl VerdictCapture<'_> {
    fn write(&mut self, event: &VerdictEvent) -> Result<(), WriteError> {
        let Some(packet) = &event.packet else { return Ok(()) };
        let id = self.interface(&event.network, packet.link)?;
        let wire_len = u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX);
        let packet = WrittenPacket { timestamp: Some(event.at), wire_len, data: &packet.bytes };
        self.writer.write_packet(id, &packet, &[&event.comment()])
    }

    /// The interface of a network, called as the inventory calls it.
    fn interface(&mut self, network: &str, link: LinkType) -> Result<InterfaceId, WriteError> {
        let known =
            |known: &&((String, LinkType), InterfaceId)| known.0.0 == network && known.0.1 == link;
        if let Some((_, id)) = self.interfaces.iter().find(known) {
            return Ok(*id);
        }
        let world = self.owner.court.policy.world();
        let shown = world.networks().get(network).and_then(|n| n.capture.interfaces.first());
        let name = shown.map_or(network, String::as_str);
        let name = Some(name.to_owned().into());
        let interface = NewInterface { link, name, description: None, snaplen: 0 };
        let id = self.writer.add_interface(&interface)?;
        self.interfaces.push(((network.to_owned(), link), id));
        Ok(id)
    }
}
