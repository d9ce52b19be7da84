//! Frames to and from an interface: what reads and sends them, many at a time or one by one.

mod batched;
mod plain;

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use egress25_packet_filter::sieve::Frames;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};
use pnet_datalink::NetworkInterface;
use socket2::{SockFilter, SockRef};

pub use batched::Socket;
pub use plain::{PlainReader, PlainSender, open};

/// The largest frame that is read: what segmentation offload may leave behind, with room.
const FRAME: usize = 66_000;

/// How long a reader waits for a frame before it says that there was none.
const PATIENCE: Duration = Duration::from_millis(500);

/// Reads what comes from an interface.
pub trait ReadFrames {
    /// Waits for a frame, and reads what is there then: a frame that comes alone is not kept
    /// waiting. None where for half a second there was none.
    ///
    /// # Errors
    /// The interface is gone, or the system fails. That it is down is no error: it comes up again
    /// with its machine.
    fn read(&mut self) -> io::Result<Frames<'_>>;
}

/// Sends to an interface.
pub trait SendFrames {
    /// Sends the frames at some places of a batch, in order. A frame that the link does not take
    /// is lost, as on any link.
    fn send(&mut self, frames: &Frames<'_>, places: &[u32]);

    /// Sends one frame.
    ///
    /// # Errors
    /// The link does not take it.
    fn send_one(&mut self, frame: &[u8]) -> io::Result<()>;
}

/// An interface of the calling thread's network namespace. All of them are listed for it.
fn interface(name: &str) -> io::Result<NetworkInterface> {
    pnet_datalink::interfaces().into_iter().find(|found| found.name == name).ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("there is no interface `{name}`"))
    })
}

/// A socket of frames that belongs to no interface yet.
///
/// The kernel takes a frame's outer tag away before it is read: handed on without it, it would come
/// to a network that it was not sent in. What bears another VLAN's number than 0, the port's own
/// network, is not read, as a kernel without that VLAN takes no such frame.
fn frames_of_no_vlan() -> io::Result<OwnedFd> {
    const LOAD: u16 = 0x20;
    const AND: u16 = 0x54;
    const IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    /// Where the kernel tells of a frame's tag (`SKF_AD_VLAN_TAG_PRESENT`, `SKF_AD_VLAN_TAG`).
    const TAGGED: u32 = 0xffff_f030;
    const TAG: u32 = 0xffff_f02c;
    const VLAN: u32 = 0x0fff;
    let step = SockFilter::new;
    // Without a protocol nothing is received before the socket belongs to its interface.
    let socket = socket(AddressFamily::Packet, SockType::Raw, SockFlag::SOCK_CLOEXEC, None)?;
    SockRef::from(&socket).attach_filter(&[
        step(LOAD, 0, 0, TAGGED),
        step(IF_EQUAL, 4, 0, 0),
        step(LOAD, 0, 0, TAG),
        step(AND, 0, 0, VLAN),
        step(IF_EQUAL, 1, 0, 0),
        step(RETURN, 0, 0, 0),
        step(RETURN, 0, 0, u32::MAX),
    ])?;
    Ok(socket)
}

/// The hardware address of an interface of the calling thread's network namespace.
pub(crate) fn station(name: &str) -> io::Result<[u8; 6]> {
    interface(name)?
        .mac
        .map(|mac| mac.octets())
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("`{name}` has no address")))
}

/// Whether a reader that met this error goes on.
fn passes_over(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut
            | io::ErrorKind::Interrupted
            | io::ErrorKind::WouldBlock
            | io::ErrorKind::NetworkDown
    )
}
