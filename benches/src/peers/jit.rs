//! BPF compiled to machine code, by DPDK's `rte_bpf`: no look-up, IPv4 only, no VLAN.
#![expect(unsafe_code, reason = "DPDK is a C library")]

use std::ffi::c_void;
use std::ptr::NonNull;
use std::rc::Rc;

use crate::contenders::Contender;
use crate::peers::acl;
use crate::sets::Set;

/// How many frames ahead the headers are fetched, where they are.
const AHEAD: usize = 64;

// SAFETY: the signatures are those of `dpdk/bpf.c`, which is compiled with this crate.
unsafe extern "C" {
    fn bpf_peer_new(
        bytes: *const u8,
        offsets: *const u32,
        lengths: *const u32,
        frames: usize,
    ) -> *mut c_void;
    fn bpf_peer_count(peer: *mut c_void, ahead: usize) -> u64;
    fn bpf_peer_free(peer: *mut c_void);
}

/// The compiled filter with the packet buffers of one set, which are prepared outside of what is
/// timed.
#[derive(Debug)]
struct Compiled<'a> {
    peer: NonNull<c_void>,
    set: &'a Set,
}

impl Drop for Compiled<'_> {
    fn drop(&mut self) {
        // SAFETY: it came from `bpf_peer_new` and is freed once.
        unsafe { bpf_peer_free(self.peer.as_ptr()) }
    }
}

/// The contender.
#[derive(Debug)]
pub struct RteBpf<'a> {
    compiled: Rc<Compiled<'a>>,
    ahead: usize,
}

impl<'a> RteBpf<'a> {
    /// The filter for a set, as DPDK compiles it, and the same with headers fetched ahead.
    ///
    /// # Errors
    /// DPDK cannot be started here, or has no compiler for this machine.
    pub fn both(set: &'a Set) -> Result<[Self; 2], &'static str> {
        acl::start()?;
        let frames = set.frames();
        assert!(frames.captured.len() == frames.offsets.len(), "a length for each frame");
        // SAFETY: there are as many offsets and lengths as said, each frame lies inside of the
        // set's bytes, and the set, which is borrowed, outlives the buffers that point into it.
        let peer = unsafe {
            bpf_peer_new(
                frames.bytes.as_ptr(),
                frames.offsets.as_ptr(),
                frames.captured.as_ptr(),
                frames.offsets.len(),
            )
        };
        let peer = NonNull::new(peer).ok_or("rte_bpf could not compile the filter")?;
        let compiled = Rc::new(Compiled { peer, set });
        Ok([0, AHEAD].map(|ahead| Self { compiled: Rc::clone(&compiled), ahead }))
    }
}

impl Contender for RteBpf<'_> {
    fn name(&self) -> String {
        let name = "DPDK rte_bpf, compiled, no look-up";
        if self.ahead == 0 { name.to_owned() } else { format!("{name}, fetched ahead") }
    }

    fn go(&mut self, set: &Set) -> Option<u64> {
        assert!(std::ptr::eq(set, self.compiled.set), "another set than the prepared one");
        // SAFETY: the peer lives as long as this, and so does the set that its buffers point into.
        Some(unsafe { bpf_peer_count(self.compiled.peer.as_ptr(), self.ahead) })
    }
}
