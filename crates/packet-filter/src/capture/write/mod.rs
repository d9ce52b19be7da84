//! Captures, written: what was read, whole, and new ones.

mod copy;
mod threaded_write;
mod writer;

pub use copy::{COPY_MARK, CaptureCopy, FOREIGN_MARK, VERDICT_MARK};
pub use threaded_write::ThreadedWrite;
pub use writer::{InterfaceId, NewInterface, PcapngWriter, WriteError, WrittenPacket};
