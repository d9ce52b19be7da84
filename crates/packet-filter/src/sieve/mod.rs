//! The fast path: a batch of frames in, one [`Code`] for each out.
//!
//! A batch goes through in chunks. A **sieve** (AVX-512, AVX2 or none, as the processor has
//! it) compares 32 bytes of every frame with a template and lets pass what is certainly no SYN
//! to port 25. What it leaves is **sorted** one by one: no match, a plain candidate, or odd.
//! The senders of plain candidates are looked up together, each fetched while the next is
//! sorted. Odd frames (fragments, options, tunnels, anything broken) go to the reference,
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
mod frames;
mod level;
pub(crate) mod prefetch;
mod run;
mod scalar;
mod sort;
mod template;
mod unjudged;
#[cfg(target_arch = "x86_64")]
mod x86;
#[cfg(target_arch = "x86_64")]
mod x86_common_case;
#[cfg(target_arch = "x86_64")]
mod x86_heads;

pub(crate) use candidate_block::Heads;
pub use code::Code;
pub use frames::{FrameList, Frames};
pub use level::Vectors;
pub(crate) use level::{Ahead, BLOCK, Level, LevelWork};
pub use run::touch;
pub(crate) use run::{Judges, Scratch, Tally, ones, run};
pub(crate) use scalar::Scalar;
pub(crate) use template::Template;
pub use unjudged::Sieve;
