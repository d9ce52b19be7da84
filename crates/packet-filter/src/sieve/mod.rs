//! The fast path: a batch of frames in, one [`Ruling`] for each out.
//!
//! A batch goes through in chunks. A **sieve** (AVX-512, AVX2 or none, as the processor has
//! it) compares 32 bytes of every frame with a template and lets pass what is certainly no SYN
//! to port 25. What it leaves is **sorted** one by one: no match, a plain candidate, or odd.
//! Where a block is full of plain candidates, their senders are looked up together. Odd frames
//! (fragments, options, tunnels, anything broken) go to the reference,
//! [`crate::frame::outermost`].
//!
//! Every length is checked before the byte that it guards is believed: the frame's captured
//! length and its length on the wire, the header length, the total length and the data offset.
//! The answers are those of the reference and of [`Table::answer`](crate::table::Table::answer),
//! frame by frame; the tests compare them.
//!
//! Unsafe code is confined to the modules of the vector levels and to `prefetch`.

mod candidate_block;
mod code;
mod equal_lanes;
mod fetch;
mod frames;
mod heads;
mod keep;
mod level;
pub(crate) mod prefetch;
mod ruling;
mod run;
mod scalar;
mod sort;
mod tally;
mod template;
mod vectors;
#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
mod x86_common_case;
#[cfg(target_arch = "x86_64")]
mod x86_heads;
#[cfg(target_arch = "x86_64")]
mod x86_words;

pub use code::Code;
pub(crate) use equal_lanes::{EqualLanes, Scalar};
pub use fetch::touch;
pub use frames::{FrameList, Frames};
pub(crate) use heads::Heads;
pub use keep::Sieve;
pub use ruling::Ruling;
pub(crate) use run::{Judges, Scratch, run};
pub(crate) use tally::{CODES, Tally};
pub(crate) use template::Template;
pub use vectors::Vectors;
