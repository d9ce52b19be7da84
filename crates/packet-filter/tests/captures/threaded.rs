//! Captures that are written on a thread of their own: what goes wrong there comes out.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Read, Write};

use egress25_packet_filter::capture::{
    NewInterface, PcapngWriter, ThreadedWrite, WriteError, WrittenPacket,
};
use egress25_packet_filter::link::LinkType;

/// A disk that has so much room.
struct Disk {
    room: usize,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.room == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        let taken = bytes.len().min(self.room);
        self.room -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a capture of so many packets to its end.
fn capture<W: Write + Send + 'static>(output: W, packets: usize) -> Result<W, WriteError> {
    let threaded = ThreadedWrite::start(output).map_err(WriteError::Io)?;
    let mut writer = PcapngWriter::new(threaded, Some("behind"))?;
    let interface = writer.add_interface(&NewInterface::unnamed(LinkType::Ethernet))?;
    for _ in 0..packets {
        let packet = WrittenPacket { timestamp: None, wire_len: 0, data: &[7; 1000] };
        writer.write_packet(interface, &packet, &[])?;
    }
    writer.finish()?.into_inner().map_err(WriteError::Io)
}

#[test]
fn a_disk_that_is_full_at_any_byte_is_an_error() {
    for packets in [0, 1, 1_000, 6_000] {
        let full = capture(Disk { room: usize::MAX }, packets).unwrap();
        let len = usize::MAX - full.room;
        for room in [0, 1, len / 2, len - 1] {
            match capture(Disk { room }, packets) {
                Err(WriteError::Io(error)) => assert_eq!(error.kind(), ErrorKind::StorageFull),
                Err(error) => panic!("{error}"),
                Ok(_) => panic!("{len} bytes were written to a disk with room for {room}"),
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_error_even_for_the_smallest_capture() {
    for packets in [0, 1, 3_000] {
        let device = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let error = capture(device, packets).unwrap_err();
        assert!(matches!(error, WriteError::Io(e) if e.kind() == ErrorKind::StorageFull));
    }
}

#[test]
fn a_reader_that_goes_away_is_told_as_a_closed_pipe_whenever_it_goes() {
    for (packets, taken) in [(0, 0), (1, 0), (5_000, 0), (5_000, 100_000), (20_000, 9_000_000)] {
        let (mut reader, writer) = io::pipe().unwrap();
        let reading = std::thread::spawn(move || {
            reader.read_exact(&mut vec![0; taken]).unwrap();
            drop(reader);
        });
        if taken == 0 {
            // Else the little that is written may fit into the pipe before the reader has gone.
            reading.join().unwrap();
        }
        let error = capture(writer, packets).unwrap_err();
        assert!(error.is_closed_pipe(), "{packets} packets, {taken} bytes: {error}");
    }
}
