//! One frame a call, by pnet: for single frames, and what the batches are compared with.

use std::io;
use std::os::fd::IntoRawFd as _;

use egress25_packet_filter::link::LinkType;
use egress25_packet_filter::sieve::{FrameList, Frames};
use pnet_datalink::{Channel, Config, DataLinkReceiver, DataLinkSender};

use crate::enforce::wire::{
    FRAME, PATIENCE, ReadFrames, SendFrames, frames_of_no_vlan, interface, passes_over,
};

/// Sends one frame a call.
pub struct PlainSender(Box<dyn DataLinkSender>);

/// Reads one frame a call.
pub struct PlainReader {
    from: Box<dyn DataLinkReceiver>,
    list: FrameList,
}

/// Opens an interface of the calling thread's network namespace. Frames that are sent here are
/// not received here.
///
/// # Errors
/// There is none of this name, it is no Ethernet, or its frames may not be read.
pub fn open(name: &str) -> io::Result<(PlainSender, PlainReader)> {
    let interface = interface(name)?;
    let config = Config {
        socket_fd: Some(frames_of_no_vlan()?.into_raw_fd()),
        read_buffer_size: FRAME,
        write_buffer_size: FRAME,
        read_timeout: Some(PATIENCE),
        ..Config::default()
    };
    match pnet_datalink::channel(&interface, config)? {
        Channel::Ethernet(sender, from) => {
            let list = FrameList::with_capacity(1);
            Ok((PlainSender(sender), PlainReader { from, list }))
        }
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "the interface is no Ethernet")),
    }
}

impl ReadFrames for PlainReader {
    fn read(&mut self) -> io::Result<Frames<'_>> {
        let Self { from, list } = self;
        list.clear();
        let bytes: &[u8] = match from.next() {
            Ok(frame) => {
                let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
                list.push(0, length, length);
                frame
            }
            Err(error) if passes_over(&error) => &[],
            Err(error) => return Err(error),
        };
        Ok(list.frames(LinkType::Ethernet, None, bytes))
    }
}

impl SendFrames for PlainSender {
    fn send(&mut self, frames: &Frames<'_>, places: &[u32]) {
        for place in places {
            if let Some(frame) = frames.get(*place as usize) {
                // Lost.
                let _ = self.send_one(frame.bytes);
            }
        }
    }

    fn send_one(&mut self, frame: &[u8]) -> io::Result<()> {
        self.0.send_to(frame, None).unwrap_or_else(|| Err(io::ErrorKind::InvalidInput.into()))
    }
}
