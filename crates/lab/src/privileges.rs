//! What of root's powers a process keeps: Linux capabilities (capabilities(7)).
//!
//! A lab's processes and `filter` read packets of others, and programs that `lab exec` starts are
//! anybody's. None of them has more than its work needs, and none gains any. Where an ordinary user
//! has a lab, these are powers over the lab's own user namespace and nothing else.

use std::io;

use nix::sys::prctl;
use rustix::io::Errno;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    remove_capability_from_bounding_set, set_capabilities, set_no_new_privs,
};

use crate::error::LabError;

/// Nothing at all.
pub const NOTHING: CapabilitySet = CapabilitySet::empty();

/// To give packets of a queue their verdicts, and to change rules.
pub const JUDGE: CapabilitySet = CapabilitySet::NET_ADMIN;

/// To open a socket of frames, besides.
pub const FRAMES: CapabilitySet = CapabilitySet::NET_RAW;

/// To read, write and remove files of other users, and to leave a store's files to whom the store
/// belongs to, as SQLite does for root.
pub const FILES: CapabilitySet = CapabilitySet::CHOWN.union(CapabilitySet::DAC_OVERRIDE);

/// To own a lab: to make and enter namespaces, name hosts and mount their files (`CAP_SYS_ADMIN`),
/// to make links, routes and rules, and to send and read frames.
pub const OWNER: CapabilitySet = CapabilitySet::SYS_ADMIN.union(JUDGE).union(FRAMES);

/// What the first processes of a lab keep for the next one: its files may be another user's, and
/// it gives up what it does not need either.
pub const TO_HAND_ON: CapabilitySet = OWNER.union(FILES).union(CapabilitySet::SETPCAP);

/// To end a program that has taken another user.
pub const TO_END: CapabilitySet = CapabilitySet::KILL;

/// What a program in a node has, as root in a machine: it configures the node's network, reads and
/// sends frames, takes other users, and has their files. It has none that leads out of the node:
/// with `CAP_SYS_ADMIN` it could enter the namespaces in which its packets are judged, with
/// `CAP_SYS_PTRACE` the programs of the lab, with `CAP_MKNOD` the host's disks.
pub const NODE: CapabilitySet = CapabilitySet::NET_ADMIN
    .union(CapabilitySet::NET_RAW)
    .union(CapabilitySet::NET_BIND_SERVICE)
    .union(FILES)
    .union(CapabilitySet::FOWNER)
    .union(CapabilitySet::FSETID)
    .union(CapabilitySet::KILL)
    .union(CapabilitySet::SETGID)
    .union(CapabilitySet::SETUID)
    .union(CapabilitySet::SETPCAP)
    .union(CapabilitySet::SYS_CHROOT)
    .union(CapabilitySet::AUDIT_WRITE);

/// Gives up all capabilities of the calling thread but some, in every set, so that no program that
/// it starts has others. Threads that have begun already keep theirs.
///
/// # Errors
/// The system refuses.
pub fn keep(kept: CapabilitySet) -> Result<(), LabError> {
    give_up_others(kept).map_err(LabError::system("giving up capabilities"))
}

/// The same, and no program that the thread starts gains what it has not, by its owner or by its
/// own capabilities. Nobody gets into the process by a debugger's calls either: whoever may do so
/// is told by what the one thread has that he asks for, and that may be less than another's.
///
/// # Errors
/// The system refuses.
pub fn confine(kept: CapabilitySet) -> Result<(), LabError> {
    set_no_new_privs(true)
        .map_err(|errno| LabError::system("setting `no_new_privs`")(errno.into()))?;
    prctl::set_dumpable(false).map_err(LabError::errno("closing the process to debuggers"))?;
    keep(kept)
}

pub(crate) fn give_up_others(kept: CapabilitySet) -> io::Result<()> {
    let held = capabilities(None)?;
    // Whoever may not change the bounding set has little in it that he could gain.
    if held.effective.contains(CapabilitySet::SETPCAP) {
        for number in 0..u64::BITS {
            let one = CapabilitySet::from_bits_retain(1 << number);
            match capability_is_in_bounding_set(one) {
                // The kernel has no more.
                Err(Errno::INVAL) => break,
                Ok(true) if !kept.contains(one) => remove_capability_from_bounding_set(one)?,
                other => drop(other?),
            }
        }
    }
    // The ambient set holds nothing that these do not.
    let sets = CapabilitySets {
        effective: held.effective & kept,
        permitted: held.permitted & kept,
        inheritable: held.inheritable & kept,
    };
    Ok(set_capabilities(None, sets)?)
}
