//! Where a file lies until it is whole.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};

use crate::written::error::WrittenError;
use crate::written::identity::{Identity, folder_of};
use crate::written::unfinished::Drafts;

/// What is between a file's name and the random part of its draft's, and behind that.
const INFIX: &str = ".egress25-";
const SUFFIX: &str = ".partial";

/// Digits of the random part.
const DIGITS: usize = 8;

/// How much of a file's name its draft's has, in bytes: names have at most 255.
const STEM: usize = 200;

/// How often a draft is begun anew when the next run takes it for a dead one.
const TRIES: usize = 16;

/// A folder beside a file, nobody else's and locked, in which the file is built: with whatever
/// else lies beside it while it is (a database's journal). It is published by moving it out.
///
/// Dropped, the folder is removed, and by a signal that ends the program. That of a run that was
/// killed is not locked any more, and the next draft in the same place removes it. Where the file
/// system has no locks, it stays.
#[derive(Debug)]
pub struct Draft {
    folder: PathBuf,
    /// Locked as long as it is open.
    _lock: File,
    /// Where the file is built.
    path: PathBuf,
    /// The name that it is to have.
    target: PathBuf,
}

impl Draft {
    /// Makes the folder, and removes those that killed runs have left.
    ///
    /// # Errors
    /// The system refuses.
    pub fn beside(target: &Path) -> Result<Self, WrittenError> {
        let failed = |source| WrittenError::system("write", target, source);
        let name = target.file_name().ok_or_else(|| failed(ErrorKind::InvalidInput.into()))?;
        let parent = folder_of(target);
        sweep(parent).map_err(|source| WrittenError::system("clean up", parent, source))?;
        let stem = name.to_string_lossy();
        let stem = stem.get(..stem.floor_char_boundary(STEM)).unwrap_or_default();
        let mut drafts = Drafts::watched().map_err(failed)?;
        for _ in 0..TRIES {
            // Keys are random in every process, and differ from one call to the next.
            let random = RandomState::new().hash_one(0) >> 32;
            let folder = parent.join(format!("{stem}{INFIX}{random:0DIGITS$x}{SUFFIX}"));
            match DirBuilder::new().mode(0o700).create(&folder) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                made => made.map_err(failed)?,
            }
            match lock(&folder) {
                Ok(Lock::Held(lock) | Lock::Unknown(lock)) => {
                    let path = folder.join(name);
                    drafts.add(&folder);
                    return Ok(Self { folder, _lock: lock, path, target: target.to_owned() });
                }
                // Somebody has taken it for a dead one before it was locked.
                Ok(Lock::Lost) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    // The first error is the one that is told.
                    let _ = fs::remove_dir(&folder);
                    return Err(failed(error));
                }
            }
        }
        Err(failed(ErrorKind::ResourceBusy.into()))
    }

    /// Where the file is to be built. Nothing is there yet.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Gives the file its name, which must be free, once its bytes are on the disk.
    ///
    /// # Errors
    /// The system refuses, or another file has the name; it stays.
    pub fn publish(self) -> Result<(), WrittenError> {
        let synced = File::open(&self.path).and_then(|file| file.sync_all());
        synced.map_err(|source| WrittenError::system("write", &self.target, source))?;
        self.publish_over(None)
    }

    /// Gives the file its name, its bytes being on the disk already. Replaces the file with the
    /// given identity, and no other.
    pub(super) fn publish_over(mut self, replaced: Option<&Identity>) -> Result<(), WrittenError> {
        let target = self.target.clone();
        let failed = |source| WrittenError::system("write", &target, source);
        let output = || target.display().to_string();
        let there = match fs::symlink_metadata(&target) {
            Ok(metadata) => Identity::of(&metadata),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        // A signal comes before this or after it.
        let mut drafts = Drafts::hold();
        match (there, replaced) {
            (Some(there), Some(replaced)) if there == *replaced => {
                fs::rename(&self.path, &target).map_err(failed)?;
            }
            (Some(_), Some(_)) => return Err(WrittenError::Changed { output: output() }),
            _ => match place_new(&self.path, &target) {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                    return Err(WrittenError::Exists { output: output() });
                }
                placed => placed.map_err(failed)?,
            },
        }
        File::open(folder_of(&target)).and_then(|folder| folder.sync_all()).map_err(failed)?;
        drafts
            .remove(&self.folder)
            .map_err(|source| WrittenError::system("remove", &self.folder, source))?;
        self.folder.clear();
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.folder.as_os_str().is_empty() {
            // Nobody is left to tell; a folder that stays is removed by the next run.
            let _ = Drafts::hold().remove(&self.folder);
        }
    }
}

/// Moves a file to a name that must be free: a plain rename would replace what is there.
fn place_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems do not know the flag; a link fails where the name is taken, too.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => fs::hard_link(from, to),
        renamed => Ok(renamed?),
    }
}

/// What became of locking a folder.
enum Lock {
    /// It is ours for as long as the file is open.
    Held(File),
    /// Some network file systems have no locks. Then nobody can tell who is alive.
    Unknown(File),
    /// Somebody else has it, or has put another folder in its place.
    Lost,
}

/// Opens a folder and locks it.
fn lock(folder: &Path) -> io::Result<Lock> {
    let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(folder)?;
    let held = match file.try_lock() {
        Err(TryLockError::WouldBlock) => return Ok(Lock::Lost),
        Err(TryLockError::Error(_)) => false,
        Ok(()) => true,
    };
    let (open, named) = (file.metadata()?, fs::symlink_metadata(folder)?);
    if Identity::of(&open) != Identity::of(&named) {
        return Ok(Lock::Lost);
    }
    Ok(if held { Lock::Held(file) } else { Lock::Unknown(file) })
}

/// Removes the drafts of this user that killed runs have left in a folder.
fn sweep(parent: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(parent) {
        Ok(entries) => entries,
        // A folder that one may write into and not look into is no reason to write nothing; one
        // that does not exist is told of by who writes.
        Err(error) if is_nobodys(&error) => return Ok(()),
        Err(error) => return Err(error),
    };
    let user = rustix::process::geteuid().as_raw();
    for entry in entries {
        let entry = entry?;
        if !is_draft(&entry.file_name().to_string_lossy()) {
            continue;
        }
        let path = entry.path();
        let removed = fs::symlink_metadata(&path).and_then(|metadata| {
            if !metadata.is_dir() || metadata.uid() != user {
                return Ok(());
            }
            match lock(&path)? {
                // Removed under the lock: whoever made it just now notices, and begins anew.
                Lock::Held(_lock) => fs::remove_dir_all(&path),
                Lock::Unknown(_) | Lock::Lost => Ok(()),
            }
        });
        match removed {
            Err(error) if is_nobodys(&error) => {}
            other => other?,
        }
    }
    Ok(())
}

/// Whether an error says that there is nothing for us to clean up: it is gone or not ours.
fn is_nobodys(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied)
}

/// Whether a name is that of a draft.
fn is_draft(name: &str) -> bool {
    let random = name.strip_suffix(SUFFIX).and_then(|name| name.rsplit_once(INFIX));
    random.is_some_and(|(_, random)| {
        random.len() == DIGITS && random.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
