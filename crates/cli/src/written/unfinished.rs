//! The drafts of this process, which go with it when a signal ends it.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use egress25_lab::privileges;

use crate::signals::{self, Deadly};

/// How often a folder is removed into which somebody goes on writing.
const TRIES: usize = 100;

static DRAFTS: Mutex<Drafts> = Mutex::new(Drafts { folders: BTreeSet::new(), watched: false });

/// The folders of the drafts that are not published. Whoever holds them holds up the end by a
/// signal; when a signal has removed them nobody gets them any more, so that nothing goes on as if
/// it had failed.
#[derive(Debug)]
pub(super) struct Drafts {
    folders: BTreeSet<PathBuf>,
    /// Whether a thread waits for signals.
    watched: bool,
}

impl Drafts {
    /// Holds them, and makes sure that they go when a signal comes.
    ///
    /// # Errors
    /// The system refuses.
    pub(super) fn watched() -> io::Result<MutexGuard<'static, Self>> {
        let mut drafts = Self::hold();
        if !drafts.watched {
            let deadly = Deadly::watch()?;
            thread::Builder::new().name("signals".to_owned()).spawn(|| end_with_drafts(deadly))?;
            drafts.watched = true;
        }
        Ok(drafts)
    }

    /// Holds them.
    pub(super) fn hold() -> MutexGuard<'static, Self> {
        DRAFTS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add(&mut self, folder: &Path) {
        self.folders.insert(folder.to_owned());
    }

    /// Removes the folder of a draft, with all that is in it.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(super) fn remove(&mut self, folder: &Path) -> io::Result<()> {
        fs::remove_dir_all(folder)?;
        self.folders.remove(folder);
        Ok(())
    }
}

/// Waits for a signal that ends the program, and removes the drafts before it does.
fn end_with_drafts(deadly: Deadly) {
    // It removes files and does nothing else. Where that is refused it has what it was begun with.
    let _ = privileges::keep(privileges::FILES);
    let Some(signal) = deadly.wait() else { return };
    let drafts = Drafts::hold();
    for folder in &drafts.folders {
        // Whoever writes into it goes on until the end. One that stays is removed by the next run.
        let _ = (0..TRIES).find(|_| match fs::remove_dir_all(folder) {
            Err(error) => error.kind() != io::ErrorKind::DirectoryNotEmpty,
            Ok(()) => true,
        });
    }
    signals::end_by(signal);
    drop(drafts);
}
