//! libpcap's filter, where the library is installed.
#![expect(unsafe_code, reason = "a C library that is loaded at run time; only `bench` does it")]

use std::ffi::{CStr, c_char, c_int, c_uint, c_void};

use egress25_packet_filter::frame::Frame;
use libloading::{Library, Symbol};

/// The filter as a user would write it.
pub(super) const EXPRESSION: &CStr =
    c"ip and tcp dst port 25 and tcp[tcpflags] & (tcp-syn|tcp-ack|tcp-rst) == tcp-syn";

const ETHERNET: c_int = 1;
const SNAPLEN: c_int = 262_144;
const NETMASK_UNKNOWN: c_uint = 0xffff_ffff;

/// `struct bpf_program` (pcap/bpf.h).
#[repr(C)]
struct Program {
    len: c_uint,
    instructions: *mut c_void,
}

type OpenDead = unsafe extern "C" fn(c_int, c_int) -> *mut c_void;
type Compile =
    unsafe extern "C" fn(*mut c_void, *mut Program, *const c_char, c_int, c_uint) -> c_int;
type Close = unsafe extern "C" fn(*mut c_void);
type FreeCode = unsafe extern "C" fn(*mut Program);
type LibVersion = unsafe extern "C" fn() -> *const c_char;
type OfflineFilter = unsafe extern "C" fn(*const c_void, *const u8, c_uint, c_uint) -> c_uint;

/// A compiled filter.
pub(super) struct Libpcap {
    program: Program,
    filter: OfflineFilter,
    free: FreeCode,
    version: Option<String>,
    /// Keeps the functions where they are.
    _library: Library,
}

impl Libpcap {
    /// Loads the library and compiles the filter; `None` where either cannot be done.
    pub(super) fn load() -> Option<Self> {
        // SAFETY: the names are those of libpcap 1 and nothing else is asked of them; the types
        // of the functions are those that its headers declare (pcap/pcap.h, pcap/bpf.h), and
        // the pointers stay inside of this module while `_library` keeps the library loaded.
        // `pcap_compile` initialises the program where it answers 0, and copies the text;
        // `pcap_lib_version` answers a text of the library's own.
        unsafe {
            let library = ["libpcap.so.1", "libpcap.so.0.8", "libpcap.dylib"]
                .into_iter()
                .find_map(|name| Library::new(name).ok())?;
            let open: Symbol<'_, OpenDead> = library.get(b"pcap_open_dead\0").ok()?;
            let compile: Symbol<'_, Compile> = library.get(b"pcap_compile\0").ok()?;
            let close: Symbol<'_, Close> = library.get(b"pcap_close\0").ok()?;
            let free = *library.get::<FreeCode>(b"pcap_freecode\0").ok()?;
            let filter = *library.get::<OfflineFilter>(b"bpf_filter\0").ok()?;
            let version = library.get::<LibVersion>(b"pcap_lib_version\0").ok();
            let version = version.map(|version| version()).filter(|text| !text.is_null());
            let version =
                version.map(|text| plain_version(&CStr::from_ptr(text).to_string_lossy()));
            let handle = open(ETHERNET, SNAPLEN);
            if handle.is_null() {
                return None;
            }
            let mut program = Program { len: 0, instructions: std::ptr::null_mut() };
            let done = compile(handle, &raw mut program, EXPRESSION.as_ptr(), 1, NETMASK_UNKNOWN);
            close(handle);
            (done == 0).then_some(Self { program, filter, free, version, _library: library })
        }
    }

    /// The library's version, where it says one.
    pub(super) fn version(&self) -> Option<String> {
        self.version.clone()
    }

    /// Whether a frame passes the filter.
    pub(super) fn fits(&self, frame: &Frame<'_>) -> bool {
        let len = c_uint::try_from(frame.bytes.len()).unwrap_or_default();
        // SAFETY: the program was compiled by this library, which is still loaded; the pointer
        // and the length are those of one slice, and `bpf_filter` reads nothing outside of it.
        unsafe {
            (self.filter)(self.program.instructions, frame.bytes.as_ptr(), frame.wire_len, len) != 0
        }
    }
}

impl Drop for Libpcap {
    fn drop(&mut self) {
        // SAFETY: the program is one that `pcap_compile` made, and it is freed once.
        unsafe { (self.free)(&raw mut self.program) }
    }
}

/// The version in `libpcap version 1.10.3 (with TPACKET_V3)`.
fn plain_version(said: &str) -> String {
    let rest = said.strip_prefix("libpcap version ").unwrap_or(said);
    rest.split_whitespace().next().unwrap_or(rest).to_owned()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_is_the_number_alone() {
        assert_eq!(super::plain_version("libpcap version 1.10.3 (with TPACKET_V3)"), "1.10.3");
        assert_eq!(super::plain_version("another"), "another");
    }
}
