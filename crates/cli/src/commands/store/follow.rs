//! A store behind a lab or a filter: events come from there, and those of a lab are written there.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use egress25_exemption_store::{
    ExpectedRevision, Follower, FollowerState, Head, NewEntry, Store, StoreError, StorePlace,
    files_of,
};
use egress25_lab::error::LabError;
use egress25_lab::owner::{EventFeed, EventSink, FollowedEvent};
use egress25_policy::{Event, World};
use jiff::Timestamp;

use crate::args::EditionArgs;
use crate::commands::store::place::{self, genesis, make_folder, open_begun_with};
use crate::read::input::NamedText;
use crate::read::inventory::world_as_of;
use crate::say::failure::{Failure, store_exit_code};

/// Who writes, as the store's entries say.
const WHO: &str = "egress25 lab";

/// The world that a lab begins with.
pub(crate) struct Opened {
    pub(crate) world: World,
    /// From a store: what follows it, and where more is written.
    pub(crate) events: Option<(Box<dyn EventFeed>, Box<dyn EventSink>)>,
    /// The store, if there was none before.
    pub(crate) begun: Option<BegunStore>,
}

/// A store that was begun for something that may yet fail.
pub(crate) struct BegunStore {
    path: PathBuf,
    head: Head,
    /// The folders that were made for it, the innermost first.
    folders: Vec<PathBuf>,
}

impl BegunStore {
    /// Takes the store away again, with its folders, unless somebody else has written to it.
    pub(crate) fn take_away(&self) {
        if place::open_at(&self.path).is_ok_and(|store| store.head() == self.head) {
            for file in files_of(&self.path) {
                // There need not be all of them.
                let _ = std::fs::remove_file(file);
            }
            remove_empty(&self.folders);
        }
    }
}

fn remove_empty(folders: &[PathBuf]) {
    for folder in folders {
        // One with something of somebody else's in it stays.
        let _ = std::fs::remove_dir(folder);
    }
}

/// Where the world of a lab or a filter comes from.
pub(crate) struct LiveWorld<'a> {
    pub(crate) inventory: &'a Path,
    pub(crate) edition: &'a EditionArgs,
    /// The time as of which the lab begins; left out: now.
    pub(crate) at: Option<Timestamp>,
    /// The store that is followed.
    pub(crate) store: Option<&'a Path>,
}

impl LiveWorld<'_> {
    /// The world, with the store where there is one.
    pub(crate) fn open(&self) -> Result<Opened, Failure> {
        match self.store {
            Some(path) => open(path, self),
            None => {
                let world = world_as_of(self.inventory, self.edition, self.at)?;
                Ok(Opened { world, events: None, begun: None })
            }
        }
    }
}

/// Opens the store of a lab, or begins it with the inventory.
///
/// # Errors
/// The store is not sound, or begins with another inventory.
fn open(path: &Path, from: &LiveWorld<'_>) -> Result<Opened, Failure> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let inventory = NamedText::read(from.inventory)?;
    // The store's own inventory is what would be built; another one that was asked for is not it.
    let (store, begun) = if path.exists() {
        (open_begun_with(&path, &inventory)?, None)
    } else {
        let (store, folders) = begin(&path, &inventory, from)?;
        let head = store.head();
        (store, Some(BegunStore { path, head, folders }))
    };
    let follower = store.follow()?;
    let world = follower.world().clone();
    let feed = Feed { follower, stale: false };
    let events = Some((Box::new(feed) as _, Box::new(StoreSink(Mutex::new(store))) as _));
    Ok(Opened { world, events, begun })
}

/// Begins a store with what had happened by the time as of which the lab begins. Tells the folders
/// that it has made, too, the innermost first.
fn begin(
    path: &Path,
    inventory: &NamedText,
    from: &LiveWorld<'_>,
) -> Result<(Store, Vec<PathBuf>), Failure> {
    let mut genesis = genesis(Some(inventory), from.edition.edition.as_deref(), &from.edition.set)?;
    genesis.begun = from.at.unwrap_or(genesis.begun);
    let around = path.ancestors().skip(1);
    let new = around.take_while(|folder| folder.symlink_metadata().is_err());
    let new: Vec<_> = new.map(Path::to_owned).collect();
    let until = Some(genesis.begun);
    let store = make_folder(path)
        .and_then(|()| place::begin(&StorePlace::File(path.to_owned()), &genesis, WHO, until));
    match store {
        Ok(store) => Ok((store, new)),
        Err(failure) => {
            remove_empty(&new);
            Err(failure)
        }
    }
}

struct Feed {
    follower: Follower,
    stale: bool,
}

impl EventFeed for Feed {
    fn poll(&mut self, seen: &mut dyn FnMut(&FollowedEvent<'_>)) -> Result<(), String> {
        self.follower.poll(Duration::from_secs(1), |entry, applied, world| {
            let (place, event) = (entry.revision, &entry.event);
            seen(&FollowedEvent { place, event, applied, world });
        });
        match self.follower.state() {
            FollowerState::Current => self.stale = false,
            // It is told once; the last good world stays in force.
            FollowerState::Stale { error, .. } if !self.stale => {
                self.stale = true;
                return Err(format!("the store cannot be followed: {error}"));
            }
            FollowerState::Stale { .. } => std::thread::sleep(Duration::from_millis(200)),
        }
        Ok(())
    }
}

struct StoreSink(Mutex<Store>);

impl EventSink for StoreSink {
    fn append(&self, event: &Event) -> Result<u64, LabError> {
        let mut store = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = NewEntry::new(event.clone(), Timestamp::now(), WHO);
        store.append(ExpectedRevision::Any, &[entry]).map_err(|error| match &error {
            StoreError::Refused { .. } => LabError::Declined(error.to_string()),
            _ if store_exit_code(&error) == Failure::BAD_INPUT => {
                LabError::BadRequest(error.to_string())
            }
            _ => LabError::Answer(error.to_string()),
        })?;
        Ok(store.head().revision)
    }
}
