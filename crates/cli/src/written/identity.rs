//! Which file a path leads to, whatever links are on the way.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// A file: two paths with the same identity lead to the same one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Identity {
    /// It exists: its device and its number there.
    Is { device: u64, inode: u64 },
    /// It doesn't yet: the folder's device and number, and its name there.
    Will { device: u64, inode: u64, name: OsString },
}

impl Identity {
    /// The identity of what exists. Character devices have none: `/dev/null` may be everything.
    pub(super) fn of(metadata: &Metadata) -> Option<Self> {
        let is_file = !metadata.file_type().is_char_device();
        is_file.then(|| Self::Is { device: metadata.dev(), inode: metadata.ino() })
    }

    /// The identity of an input; `-` is stdin.
    pub(super) fn of_input(path: &Path) -> Option<Self> {
        if path == Path::new("-") {
            return Self::of_descriptor(std::io::stdin().as_fd());
        }
        match std::fs::metadata(path) {
            Ok(metadata) => Self::of(&metadata),
            // Something that is read if it comes to be there, as what lies beside a store.
            Err(_) => Self::of_absent(path),
        }
    }

    /// The identity of the file that stdout leads to, if it is one.
    pub(super) fn of_stdout_file() -> Option<Self> {
        metadata(std::io::stdout().as_fd()).filter(Metadata::is_file).as_ref().and_then(Self::of)
    }

    /// The identity of what stdout leads to.
    pub(super) fn of_stdout() -> Option<Self> {
        Self::of_descriptor(std::io::stdout().as_fd())
    }

    fn of_descriptor(descriptor: BorrowedFd<'_>) -> Option<Self> {
        metadata(descriptor).as_ref().and_then(Self::of)
    }

    /// The identity of a file that does not exist yet.
    pub(super) fn of_absent(path: &Path) -> Option<Self> {
        let folder = std::fs::metadata(folder_of(path)).ok()?;
        let name = path.file_name()?.to_owned();
        Some(Self::Will { device: folder.dev(), inode: folder.ino(), name })
    }
}

fn metadata(descriptor: BorrowedFd<'_>) -> Option<Metadata> {
    File::from(descriptor.try_clone_to_owned().ok()?).metadata().ok()
}

/// The folder that a path lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

/// Whether a path stands for stdout.
pub(super) fn is_stdout(path: &Path) -> bool {
    let names = ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"];
    names.into_iter().any(|name| path == Path::new(name))
}
