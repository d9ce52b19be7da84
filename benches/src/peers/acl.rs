//! DPDK's `rte_acl`: one rule for each sender, in a trie that vector instructions walk. No check
//! of any length, IPv4 without options only, no VLAN, no routes.
#![expect(unsafe_code, reason = "DPDK is a C library")]

use std::ffi::{c_int, c_void};
use std::ptr::NonNull;
use std::sync::OnceLock;

use crate::contenders::Contender;
use crate::sets::{FIRST_SENDER, Set};

/// The bytes of a frame that the rules read, to the last of their fields.
const READS: usize = 50;

// SAFETY: the signatures are those of `dpdk/acl.c`, which is compiled with this crate.
unsafe extern "C" {
    fn acl_peer_start() -> c_int;
    fn acl_peer_new(first: u32, rules: u32) -> *mut c_void;
    fn acl_peer_count(
        context: *mut c_void,
        bytes: *const u8,
        offsets: *const u32,
        frames: usize,
    ) -> u64;
    fn acl_peer_free(context: *mut c_void);
}

/// Starts DPDK's environment, once a process.
///
/// # Errors
/// It cannot be started without huge pages here.
pub fn start() -> Result<(), &'static str> {
    static STARTED: OnceLock<c_int> = OnceLock::new();
    // SAFETY: takes nothing; `OnceLock` sees to it that it runs once.
    match *STARTED.get_or_init(|| unsafe { acl_peer_start() }) {
        0 => Ok(()),
        _ => Err("DPDK's environment could not be started"),
    }
}

/// The contender.
#[derive(Debug)]
pub struct RteAcl {
    context: NonNull<c_void>,
    rules: u32,
}

impl RteAcl {
    /// Builds rules for so many senders; it is made for thousands.
    ///
    /// # Errors
    /// DPDK cannot be started here, or the rules cannot be built.
    pub fn new(rules: u32) -> Result<Self, &'static str> {
        start()?;
        // SAFETY: plain numbers; the environment was started.
        let context = unsafe { acl_peer_new(FIRST_SENDER, rules) };
        NonNull::new(context)
            .map(|context| Self { context, rules })
            .ok_or("rte_acl could not build its rules")
    }
}

impl Drop for RteAcl {
    fn drop(&mut self) {
        // SAFETY: the context came from `acl_peer_new` and is freed once.
        unsafe { acl_peer_free(self.context.as_ptr()) }
    }
}

impl Contender for RteAcl {
    fn name(&self) -> String {
        format!("DPDK rte_acl, {} rules", self.rules)
    }

    fn go(&mut self, set: &Set) -> Option<u64> {
        let frames = set.frames();
        // Nothing on the other side looks at a length.
        let last = frames.offsets.iter().max().map_or(0, |last| *last as usize);
        assert!(last + READS <= frames.bytes.len(), "a frame is shorter than what the rules read");
        // SAFETY: every offset has `READS` bytes behind it, as was just made sure, there are as
        // many offsets as said, and the context lives as long as this.
        let hits = unsafe {
            acl_peer_count(
                self.context.as_ptr(),
                frames.bytes.as_ptr(),
                frames.offsets.as_ptr(),
                frames.offsets.len(),
            )
        };
        Some(hits)
    }
}
