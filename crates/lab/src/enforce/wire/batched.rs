//! As many frames a call as there are: `recvmmsg` and `sendmmsg`, into room that is used again.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::sync::Arc;

use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::{FrameList, Frames};
use nix::sys::socket::{MsgFlags, MultiHeaders, recvmmsg, setsockopt, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};
use pnet_datalink::{Channel, Config};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, send, sendmmsg};

use crate::enforce::wire::{
    FRAME, PATIENCE, ReadFrames, SendFrames, frames_of_no_vlan, interface, passes_over,
};

/// The most frames of one call.
const BATCH: usize = 64;

/// How many bytes each frame has for itself: whole pages, so that those that no frame reaches are
/// never touched.
const ROOM: usize = FRAME.next_multiple_of(4_096);

/// How many bytes may wait in a socket, where that can be said.
const WAITING: usize = 4 << 20;

/// A socket of an interface. What is sent by it is not read from it.
#[derive(Debug, Clone)]
pub struct Socket(Arc<OwnedFd>);

/// Sends many frames a call.
#[derive(Debug)]
pub struct Sender(Socket);

/// Reads many frames a call. It stays in its thread.
pub struct Reader {
    socket: Socket,
    headers: MultiHeaders<()>,
    bytes: Vec<u8>,
    list: FrameList,
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("socket", &self.socket).finish_non_exhaustive()
    }
}

impl Socket {
    /// Opens an interface of the calling thread's network namespace.
    ///
    /// # Errors
    /// There is none of this name, it is no Ethernet, or its frames may not be read.
    pub fn open(name: &str) -> io::Result<Self> {
        let interface = interface(name)?;
        let socket = frames_of_no_vlan()?;
        let descriptor = socket.try_clone()?.into_raw_fd();
        let config = Config { socket_fd: Some(descriptor), ..Config::default() };
        // pnet gives it to the interface, where it stays when pnet's descriptor is closed.
        match pnet_datalink::channel(&interface, config)? {
            Channel::Ethernet(..) => {}
            _ => return Err(io::Error::new(io::ErrorKind::Unsupported, "it is no Ethernet")),
        }
        fcntl_setfl(&socket, OFlags::empty())?;
        let patience = i64::try_from(PATIENCE.as_millis()).unwrap_or(i64::MAX);
        setsockopt(&socket, sockopt::ReceiveTimeout, &TimeVal::milliseconds(patience))?;
        // Who may not say that has the system's own measure.
        let _ = setsockopt(&socket, sockopt::RcvBufForce, &WAITING);
        Ok(Self(Arc::new(socket)))
    }

    /// Reads from it.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader {
            socket: self.clone(),
            headers: MultiHeaders::preallocate(BATCH, None),
            bytes: vec![0; BATCH * ROOM],
            list: FrameList::with_capacity(BATCH),
        }
    }

    /// Sends by it.
    #[must_use]
    pub fn sender(&self) -> Sender {
        Sender(self.clone())
    }
}

impl ReadFrames for Reader {
    fn read(&mut self) -> io::Result<Frames<'_>> {
        let Self { socket, headers, bytes, list } = self;
        list.clear();
        let mut rooms = bytes.chunks_exact_mut(ROOM);
        let mut places: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(rooms.next().unwrap_or_default())]);
        // The first frame is waited for, and no other.
        let flags = MsgFlags::MSG_WAITFORONE;
        match recvmmsg(socket.0.as_raw_fd(), headers, places.iter_mut(), flags, None) {
            Ok(messages) => {
                for (at, message) in messages.enumerate() {
                    let offset = u32::try_from(at.wrapping_mul(ROOM)).unwrap_or(u32::MAX);
                    let length = u32::try_from(message.bytes).unwrap_or(u32::MAX);
                    list.push(offset, length, length);
                }
            }
            Err(error) => {
                let error = io::Error::from(error);
                if !passes_over(&error) {
                    return Err(error);
                }
            }
        }
        Ok(list.frames(LinkType::Ethernet, None, bytes))
    }
}

impl Sender {
    /// Sends some of the frames at some places, and returns how many places are done with.
    fn send_some(&self, frames: &Frames<'_>, places: &[u32]) -> usize {
        let slices: [[IoSlice<'_>; 1]; BATCH] = std::array::from_fn(|at| {
            let frame = places.get(at).and_then(|place| frames.get(*place as usize));
            [IoSlice::new(frame.map_or(&[], |frame| frame.bytes))]
        });
        let mut nothing: [_; BATCH] = std::array::from_fn(|_| SendAncillaryBuffer::default());
        let mut slices = slices.iter();
        let mut headers = nothing.each_mut().map(|nothing| {
            MMsgHdr::new(slices.next().map_or(&[], |slice| slice.as_slice()), nothing)
        });
        let some = headers.get_mut(..places.len().min(BATCH)).unwrap_or_default();
        match sendmmsg(&self.0.0, some, SendFlags::empty()) {
            Ok(sent) => sent,
            Err(rustix::io::Errno::INTR) => 0,
            // The first is not taken. Those behind it may be.
            Err(_) => 1,
        }
    }
}

impl SendFrames for Sender {
    fn send(&mut self, frames: &Frames<'_>, places: &[u32]) {
        let mut left = places;
        while let [first, rest @ ..] = left {
            if !rest.is_empty() {
                left = left.get(self.send_some(frames, left)..).unwrap_or_default();
                continue;
            }
            if let Some(frame) = frames.get(*first as usize) {
                // Lost.
                let _ = self.send_one(frame.bytes);
            }
            return;
        }
    }

    fn send_one(&mut self, frame: &[u8]) -> io::Result<()> {
        Ok(send(&self.0.0, frame, SendFlags::empty()).map(drop)?)
    }
}
