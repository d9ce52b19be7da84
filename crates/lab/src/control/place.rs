//! A lab's folder: of this user alone, and opened without following links.
//!
//! It may lie in a folder that everybody writes to, such as `/tmp`: whoever knows its name can
//! have made it before, with links in it or a socket of his own.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use egress25_policy::in_a_line;
use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::PeerCredentials;
use nix::unistd::geteuid;
use rustix::fs::{
    AtFlags, CWD, FlockOperation, Mode, OFlags, flock, fstat, mkdirat, openat, statat, unlinkat,
};
use rustix::io::Errno;

use crate::error::LabError;

/// A lab's log in its folder. Whoever has it locked has the folder.
const LOG: &str = "log";
/// What a lab writes into its folder besides: by name, and below that of a node.
const FILES: [&str; 3] = [SOCKET, HOSTS, OUTPUT];
const NODE_FILES: [&str; 2] = ["hosts", "resolv.conf"];
/// The control socket.
pub(crate) const SOCKET: &str = "control.sock";
/// The hosts of a scenario.
pub const HOSTS: &str = "hosts.toml";
/// What a scenario's program has printed.
pub const OUTPUT: &str = "output";
/// The folder with the files that nodes see in the place of the system's.
pub(crate) const NODES: &str = "nodes";

/// The longest name of a lab.
const LONGEST: usize = 64;
/// The longest path of a control socket: 108 bytes with the one that ends it (unix(7)).
const LONGEST_SOCKET: usize = 107;
/// How often a lab's folder is made anew when it, or the one around it, vanishes.
const TRIES: usize = 16;
/// The bits of a mode that let others write.
const OTHERS_WRITE: u32 = 0o022;
const STICKY: u32 = 0o1000;

/// Refuses a lab's name that is more than a name, or might not be told from a command's option.
///
/// # Errors
/// The name does not fit.
pub fn name(name: &str) -> Result<&str, LabError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let first = name.chars().next();
    if name.len() <= LONGEST
        && name.chars().all(fits)
        && first.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
    {
        return Ok(name);
    }
    let shown: String = name.chars().take(LONGEST).collect();
    let what = format!(
        "is no lab's name; expected 1 to {LONGEST} of the letters a to z and A to Z, digits, `-`, \
         `_` and `.`, beginning with a letter, a digit or `_`"
    );
    Err(LabError::input(in_a_line(&shown).into_owned(), what))
}

/// A lab's folder, held open.
#[derive(Debug)]
pub struct LabFolder {
    path: PathBuf,
    folder: File,
}

impl LabFolder {
    /// Makes a lab's folder, with mode 0700, or takes the one that is there.
    ///
    /// # Errors
    /// Its path is too long for a control socket, it cannot be made, or what is there may be somebody
    /// else's.
    pub fn make(path: &Path) -> Result<Self, LabError> {
        let longest = LONGEST_SOCKET.saturating_sub(SOCKET.len()).saturating_sub(1);
        let bytes = path.as_os_str().len();
        if bytes > longest {
            let what = format!(
                "has a path of {bytes} bytes, and {longest} are the most for its control socket; give a \
                 shorter `--run-dir` or `--name`"
            );
            return Err(unfit_folder(path, &what));
        }
        let above = path.parent().unwrap_or(Path::new("/"));
        let failed = || LabError::system(format!("making the folder `{}`", path.display()));
        let name = path.file_name().unwrap_or_default();
        let mut tries = 0;
        loop {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(above).map_err(failed())?;
            let made = shared(above).and_then(|around| match mkdirat(&around, name, Mode::RWXU) {
                Ok(()) | Err(Errno::EXIST) => Self::below(&around, path),
                Err(errno) => Err(failed()(errno.into())),
            });
            match made {
                // Whoever took a lab down has removed it, or the empty folder around it.
                Err(_) if tries < TRIES && path.symlink_metadata().is_err() => tries += 1,
                made => return made,
            }
        }
    }

    /// Makes a lab's folder, and does with it what is to be done before somebody removes it: again with
    /// a new one, where a lab that goes down removes it first.
    ///
    /// # Errors
    /// As [`Self::make`], or what is done fails.
    pub fn make_for<T, E: From<LabError>>(
        path: &Path,
        mut first: impl FnMut(&Self) -> Result<T, E>,
    ) -> Result<(Self, T), E> {
        let mut tries = 0;
        loop {
            let place = Self::make(path)?;
            match first(&place) {
                Err(_) if tries < TRIES && !place.is_there() => tries += 1,
                found => return Ok((place, found?)),
            }
        }
    }

    /// Whether it is the folder that has its path, and has not been removed.
    #[must_use]
    pub fn is_there(&self) -> bool {
        let named = statat(CWD, &self.path, AtFlags::SYMLINK_NOFOLLOW);
        matches!((named, fstat(&self.folder)), (Ok(named), Ok(own))
            if (named.st_dev, named.st_ino) == (own.st_dev, own.st_ino))
    }

    /// Opens the folder of a lab that is up.
    ///
    /// # Errors
    /// There is none, or it may be somebody else's.
    pub fn open(path: &Path) -> Result<Self, LabError> {
        Self::below(&shared(path.parent().unwrap_or(Path::new("/")))?, path)
    }

    /// Opens the folder that the process has been handed by the one that made it. In a user
    /// namespace nothing can be said of the folder around it: root is somebody unknown there.
    ///
    /// # Errors
    /// There is none, or it may be somebody else's.
    pub fn handed(path: &Path) -> Result<Self, LabError> {
        Self::checked(open(CWD, path), path)
    }

    fn below(above: &File, path: &Path) -> Result<Self, LabError> {
        Self::checked(open(above, Path::new(path.file_name().unwrap_or_default())), path)
    }

    fn checked(folder: io::Result<File>, path: &Path) -> Result<Self, LabError> {
        let folder = folder.map_err(|error| unopened(path, &error))?;
        let found = fstat(&folder).map_err(|errno| unopened(path, &errno.into()))?;
        if found.st_uid != geteuid().as_raw() {
            return Err(unfit_folder(path, "is another user's; remove it or use `--run-dir`"));
        }
        if found.st_mode & 0o077 != 0 {
            return Err(unfit_folder(path, "is open to other users; expected mode 0700"));
        }
        Ok(Self { path: path.to_owned(), folder })
    }

    /// Claims the folder for a lab: its log, open and locked. The claim lasts as long as any
    /// process has the file open, which all processes of a lab have as their standard error.
    /// `None` where another lab has it.
    ///
    /// # Errors
    /// The file cannot be opened or locked.
    pub fn claim(&self) -> Result<Option<File>, LabError> {
        let path = self.path.join(LOG);
        let failed = || LabError::system(format!("locking `{}`", path.display()));
        loop {
            let file = self.file(LOG)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(errno) => return Err(failed()(errno.into())),
            }
            // A lab that went down meanwhile has removed what it had.
            let open = fstat(&file).map_err(|errno| failed()(errno.into()))?;
            match statat(&self.folder, LOG, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(named) if (named.st_dev, named.st_ino) == (open.st_dev, open.st_ino) => {
                    return Ok(Some(file));
                }
                Ok(_) | Err(Errno::NOENT) => {}
                Err(errno) => return Err(failed()(errno.into())),
            }
        }
    }

    /// Whether a lab has the folder; `None` where nothing of a lab is in it.
    ///
    /// # Errors
    /// The log cannot be looked at.
    pub fn is_claimed(&self) -> Result<Option<bool>, LabError> {
        let failed = || LabError::system(format!("looking at `{}`", self.path.display()));
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.folder, LOG, flags, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => return Err(failed()(errno.into())),
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(Some(false)),
            Err(Errno::WOULDBLOCK) => Ok(Some(true)),
            Err(errno) => Err(failed()(errno.into())),
        }
    }

    /// Removes what a lab has written into the folder, and the folder where nothing else is in it.
    /// Whoever calls has claimed it.
    ///
    /// # Errors
    /// Something of it cannot be removed.
    pub fn clear(self) -> io::Result<()> {
        let nodes = self.path.join(NODES);
        match fs::read_dir(&nodes) {
            Ok(entries) => {
                for node in entries {
                    let node = node?.path();
                    for name in NODE_FILES {
                        gone(fs::remove_file(node.join(name)))?;
                    }
                    gone(fs::remove_dir(node))?;
                }
                gone(fs::remove_dir(&nodes))?;
            }
            Err(error) => gone(Err(error))?,
        }
        // The log last: without it nobody takes the rest for a lab's.
        for name in FILES.into_iter().chain([LOG]) {
            gone(unlinkat(&self.folder, name, AtFlags::empty()).map_err(Into::into))?;
        }
        match fs::remove_dir(&self.path) {
            // Something of somebody else's.
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(()),
            removed => gone(removed),
        }
    }

    /// Opens a file of the folder for writing, made if there is none, as it is: nothing of it is
    /// cut before the caller knows that it is his.
    ///
    /// # Errors
    /// It is a link, or cannot be opened.
    pub fn file(&self, name: &str) -> Result<File, LabError> {
        // A pipe in its place would wait for a reader for ever.
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let mode = Mode::RUSR | Mode::WUSR;
        openat(&self.folder, name, flags | OFlags::CLOEXEC, mode).map(File::from).map_err(|errno| {
            LabError::system(format!("opening `{}`", self.path.join(name).display()))(errno.into())
        })
    }
}

/// What is not there need not be removed.
fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn open(above: impl std::os::fd::AsFd, path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(above, path, flags, Mode::empty())?.into())
}

/// Opens the folder around labs' folders, in which nobody else may put one in another's place.
fn shared(path: &Path) -> Result<File, LabError> {
    let folder = open(CWD, path).map_err(|error| unopened(path, &error))?;
    let found = fstat(&folder).map_err(|errno| unopened(path, &errno.into()))?;
    if found.st_uid != geteuid().as_raw() && found.st_uid != 0 {
        return Err(unfit_folder(path, "is another user's; give one of yours with `--run-dir`"));
    }
    if found.st_mode & OTHERS_WRITE != 0 && found.st_mode & STICKY == 0 {
        return Err(unfit_folder(path, "can be written to by others; expected mode 0700"));
    }
    Ok(folder)
}

fn unopened(path: &Path, error: &io::Error) -> LabError {
    if fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink()) {
        return unfit_folder(path, "is a link, which is not followed; give the folder itself");
    }
    let what = format!("{error}; is the lab up?");
    LabError::Unreachable { path: path.display().to_string(), what }
}

fn unfit_folder(path: &Path, what: &str) -> LabError {
    LabError::input(path.display().to_string(), format!("the lab's folder {what}"))
}

/// Refuses a connection with a process of another user.
pub(crate) fn same_user(stream: &UnixStream) -> io::Result<()> {
    // Its process may lie outside of the caller's namespace and have no number here.
    let other = getsockopt(stream, PeerCredentials)?.uid();
    if other == geteuid().as_raw() {
        return Ok(());
    }
    Err(io::Error::other(format!("user {other} is at the other end of the control socket")))
}

#[cfg(test)]
mod tests {
    use super::LabFolder;

    #[test]
    fn a_lab_that_went_down_took_the_folder_of_the_next_one() {
        let around = tempfile::tempdir().unwrap();
        let path = around.path().join("default");
        let mut dying = Some(LabFolder::make(&path).unwrap());
        let (place, claim) = LabFolder::make_for(&path, |place| {
            if let Some(dying) = dying.take() {
                let claim = dying.claim().unwrap();
                dying.clear().unwrap();
                drop(claim);
            }
            place.claim()
        })
        .unwrap();
        assert!(claim.is_some() && place.is_there() && path.join("log").exists());
        place.clear().unwrap();
        assert!(!path.exists());
    }
}
