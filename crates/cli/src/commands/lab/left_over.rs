//! What runs have left that were killed together with all processes of their labs.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use egress25_lab::control::place::LabFolder;

use crate::commands::lab::place::{FILES, HOME, LAB_OF_A_RUN};
use crate::say::failure::Failure;

/// Makes the folder for the files of a scenario's programs. It is locked for as long as its run
/// lives, which has the file.
pub(super) fn make_locked(folder: &Path) -> io::Result<File> {
    // Programs that change to other users have to get in.
    fs::DirBuilder::new().mode(0o755).create(folder)?;
    let locked = File::open(folder)?;
    // Where the file system has no locks, what is left over stays.
    let _ = locked.try_lock();
    Ok(locked)
}

/// Removes what dead runs of this user have left in the folder for temporary files.
///
/// # Errors
/// Something cannot be removed.
pub(super) fn sweep() -> Result<(), Failure> {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let run = name.strip_prefix(HOME).and_then(|name| name.strip_suffix(FILES));
        let Some(process) = run.and_then(|run| run.split('-').next()) else { continue };
        if Path::new("/proc").join(process).exists() {
            continue;
        }
        let files = entry.path();
        remove(&files)
            .map_err(|source| Failure::Write { name: files.display().to_string(), source })?;
    }
    Ok(())
}

/// Removes the files of a run's programs and what its lab has left, if both are dead.
fn remove(files: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(files)?;
    if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let locked = File::open(files)?;
    if locked.try_lock().is_err() {
        return Ok(());
    }
    let home = PathBuf::from(files.display().to_string().trim_end_matches(FILES));
    if let Ok(lab) = LabFolder::open(&home.join(LAB_OF_A_RUN)) {
        // One that comes to its end just now removes all of it itself.
        let Ok(Some(_claim)) = lab.claim() else { return Ok(()) };
        lab.clear()?;
    }
    for folder in [home.as_path(), files] {
        match fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
