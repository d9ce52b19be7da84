//! Frames to and from an interface: the seam to pnet's datalink, and nothing else uses pnet.

use std::io;
use std::time::Duration;

use pnet_datalink::{Channel, Config, DataLinkReceiver, DataLinkSender, NetworkInterface};

/// The largest frame that is read: what segmentation offload may leave behind, with room.
const FRAME: usize = 66_000;

/// Sends frames.
pub(crate) struct Sender(Box<dyn DataLinkSender>);

/// Receives frames.
pub(crate) struct Receiver(Box<dyn DataLinkReceiver>);

/// An interface of the calling thread's network namespace.
pub(crate) fn interface(name: &str) -> io::Result<NetworkInterface> {
    pnet_datalink::interfaces().into_iter().find(|found| found.name == name).ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("there is no interface `{name}`"))
    })
}

/// Opens an interface of the calling thread's network namespace. Frames that are sent here are
/// not received here.
pub(crate) fn open(name: &str) -> io::Result<(Sender, Receiver)> {
    let config = Config {
        read_buffer_size: FRAME,
        write_buffer_size: FRAME,
        read_timeout: Some(Duration::from_millis(500)),
        ..Config::default()
    };
    match pnet_datalink::channel(&interface(name)?, config)? {
        Channel::Ethernet(sender, receiver) => Ok((Sender(sender), Receiver(receiver))),
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "the interface is no Ethernet")),
    }
}

/// The hardware address of an interface.
pub(crate) fn station(name: &str) -> io::Result<[u8; 6]> {
    interface(name)?
        .mac
        .map(|mac| mac.octets())
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("`{name}` has no address")))
}

impl Sender {
    /// Sends a frame.
    pub(crate) fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        self.0.send_to(frame, None).unwrap_or_else(|| Err(io::ErrorKind::InvalidInput.into()))
    }
}

impl Receiver {
    /// The next frame; `None` where for a while there was none.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        match self.0.next() {
            Ok(frame) => Ok(Some(frame)),
            Err(error) if matches!(error.kind(), io::ErrorKind::TimedOut) => Ok(None),
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::Interrupted
                        | io::ErrorKind::WouldBlock
                        // It comes up again with its machine.
                        | io::ErrorKind::NetworkDown
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}
