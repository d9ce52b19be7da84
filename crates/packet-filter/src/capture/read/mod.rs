//! Captures, read: bytes to the next record, over one buffer that is read into.

mod batch;
pub(super) mod bytes;
mod error;
pub(super) mod format;
mod framed_records;
mod input;
mod interface;
mod next;
pub(super) mod option_list;
mod pcap;
pub(super) mod pcapng;
mod places;
mod read_buffer;
mod reader;
pub(super) mod record;
mod threaded_read;

pub use batch::{CaptureBatch, Item};
pub use bytes::ByteOrder;
pub use error::{CaptureError, RecordFault};
pub use format::{CaptureFormat, Compression, Container, Resolution};
pub use next::MAX_RECORD_LEN;
pub use pcapng::section_application;
pub use reader::CaptureReader;
pub use record::{Block, Comments, InterfaceRef, Record, Warning};
