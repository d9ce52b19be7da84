//! Where the store is, and opening it.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use egress25_exemption_store::{
    ExpectedRevision, Genesis, LogError, NeverGranted, NewEntry, SqliteLog, SqliteOptions, Store,
    StoreError, StorePlace, beside, files_of, foreign_beside,
};
use egress25_policy::{InventoryFile, World};
use jiff::Timestamp;

use crate::read::edition;
use crate::read::input::NamedText;
use crate::read::inventory::inventory_file;
use crate::say::failure::Failure;
use crate::written::{Draft, WrittenError, not_beside_a_store, not_stdout};

use crate::args::store::{PlaceArgs, StoreListArgs};

/// The store that every command takes where none is given: in the XDG data folder.
///
/// # Errors
/// Neither `XDG_DATA_HOME` nor `HOME` says where that is.
fn default_path() -> Result<PathBuf, Failure> {
    let absolute = |value: OsString| Some(PathBuf::from(value)).filter(|path| path.is_absolute());
    let data = std::env::var_os("XDG_DATA_HOME").and_then(absolute).or_else(|| {
        let home = std::env::var_os("HOME").and_then(absolute)?;
        Some(home.join(".local").join("share"))
    });
    data.map(|data| data.join("egress25").join("store.db")).ok_or_else(|| {
        Failure::Usage(
            "neither XDG_DATA_HOME nor HOME says where the store is; say it with --store"
                .to_owned(),
        )
    })
}

/// The path of a store.
pub(super) fn path(given: Option<&Path>) -> Result<PathBuf, Failure> {
    given.map_or_else(default_path, |path| Ok(path.to_owned()))
}

/// Opens a store; what the user should know is told on stderr.
///
/// # Errors
/// It isn't there, isn't sound, or begins with another inventory.
pub(crate) fn open(args: &PlaceArgs) -> Result<Store, Failure> {
    let path = path(args.store.as_deref())?;
    let inventory = args.inventory.as_deref().map(NamedText::read).transpose()?;
    let place = StorePlace::from(path.as_path());
    if place == StorePlace::Memory {
        let genesis = genesis(inventory.as_ref(), None, &[])?;
        return begin(&place, &genesis, "egress25", None);
    }
    match inventory {
        Some(inventory) => open_begun_with(&path, &inventory),
        None => open_at(&path),
    }
}

/// Opens the store in a file that was begun with an inventory.
///
/// # Errors
/// It isn't there, isn't sound, or begins with another inventory.
pub(crate) fn open_begun_with(path: &Path, inventory: &NamedText) -> Result<Store, Failure> {
    let store = open_at(path)?;
    if store.genesis()?.inventory.as_ref() == Some(&inventory.text) {
        return Ok(store);
    }
    Err(Failure::Usage(format!(
        "store `{}` doesn't begin with the inventory `{}` as that file is now; a store keeps the \
         inventory that it was begun with (`egress25 store init --inventory`)",
        path.display(),
        inventory.name
    )))
}

/// Opens the store in a file.
pub(super) fn open_at(path: &Path) -> Result<Store, Failure> {
    files_of(path).try_for_each(|file| not_stdout(&file))?;
    Ok(Store::open(SqliteLog::open(path, SqliteOptions::default())?)?)
}

/// What a store begins with.
pub(crate) fn genesis(
    inventory: Option<&NamedText>,
    argument: Option<&str>,
    set: &[(String, String)],
) -> Result<Genesis, Failure> {
    let file = inventory.map(inventory_file).transpose()?;
    let of_inventory = file.as_ref().and_then(InventoryFile::edition);
    let chosen = edition::choose(argument, of_inventory)?;
    if !edition::is_built_in(&chosen) {
        return Err(Failure::Usage(format!(
            "a store needs a built-in edition, which stays what it is; `{}` comes from a file",
            chosen.id
        )));
    }
    let mut genesis = Genesis::new(crate::clock::now()?, &chosen.id);
    for (name, value) in set {
        genesis = genesis.with_setting(name, value);
    }
    let Some((file, inventory)) = file.zip(inventory) else {
        edition::settings(&chosen, set)?;
        return Ok(genesis);
    };
    file.build(&chosen, set).map_err(|error| inventory.inventory_error(&error))?;
    Ok(genesis.with_inventory(&inventory.text))
}

/// Begins a store, with the events that its inventory lists, up to a time: there is none until all
/// of it is there.
pub(crate) fn begin(
    place: &StorePlace,
    genesis: &Genesis,
    who: &str,
    until: Option<Timestamp>,
) -> Result<Store, Failure> {
    let (_, mut events) = genesis.build()?;
    events.retain(|event| until.is_none_or(|until| event.at <= until));
    events.sort_by_key(|event| event.at);
    let entry = |event| {
        let mut entry = NewEntry::new(event, genesis.begun, who);
        entry.why = Some("listed in the inventory".to_owned());
        entry.never_granted = NeverGranted::Take;
        entry
    };
    let entries: Vec<_> = events.into_iter().map(entry).collect();
    let fill = |place: &StorePlace| {
        let log = SqliteLog::create(place, genesis, SqliteOptions::default())?;
        let mut store = Store::begin(log)?;
        store.append(ExpectedRevision::At(0), &entries)?;
        Ok(store)
    };
    match place {
        StorePlace::Memory => fill(place),
        StorePlace::File(path) => {
            publish(path, |new| {
                Ok(fill(&StorePlace::File(new.to_owned()))?.into_log().finish()?)
            })?;
            open_at(path)
        }
    }
}

/// Makes a store that is not there yet under another name, and gives it its own when it is whole.
/// What lies beside the name of a store that is gone says nothing of the new one, and SQLite would
/// read the old write-ahead log into it: that is put aside, the rest goes.
pub(super) fn publish(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), Failure>,
) -> Result<(), Failure> {
    not_beside_a_store(path)?;
    let exists = || LogError::Exists { place: path.display().to_string() };
    if path.symlink_metadata().is_ok() {
        return Err(exists().into());
    }
    let draft = Draft::beside(path)?;
    fill(draft.path())?;
    // Until here somebody else may have begun a store, of which what lies beside the name is.
    let _alone = alone(path)?;
    if path.symlink_metadata().is_ok() {
        return Err(exists().into());
    }
    let foreign = foreign_beside(path).map_err(|source| unwritable(path, source))?;
    if let Some(foreign) = foreign {
        return Err(Failure::Usage(format!(
            "`{}` is there, and no store has left it, as its name would say: take it away, or give the \
             store `{}` another name",
            foreign.display(),
            path.display()
        )));
    }
    let wal = beside(path, "-wal");
    let there = |path: &Path| path.metadata().is_ok_and(|found| found.len() > 0);
    if there(&wal) {
        // Entries that were acknowledged may be in it, for whoever has the old file still.
        let aside = free(&wal, ".gone");
        std::fs::rename(&wal, &aside).map_err(|source| unwritable(&wal, source))?;
    }
    // The file itself is not there.
    for old in files_of(path).skip(1) {
        match std::fs::remove_file(&old) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(unwritable(&old, error));
            }
            _ => {}
        }
    }
    draft.publish().map_err(|error| match error {
        WrittenError::Exists { .. } => exists().into(),
        other => Failure::from(other),
    })
}

/// Keeps others from beginning a store in a folder, or from moving one of it, as long as this is held.
/// Where the file system has no locks, nobody is kept.
pub(super) fn alone(path: &Path) -> Result<File, Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    let opened = File::open(folder).map_err(|source| unwritable(folder, source))?;
    match opened.lock() {
        Err(error) if error.kind() != std::io::ErrorKind::Unsupported => {
            Err(unwritable(folder, error))
        }
        _ => Ok(opened),
    }
}

fn unwritable(path: &Path, source: std::io::Error) -> Failure {
    Failure::Write { name: path.display().to_string(), source }
}

/// Keeps a copy beside a store, whole or not at all: under the first name with the ending and a
/// number that isn't taken.
pub(super) fn keep(
    path: &Path,
    ending: &str,
    fill: &mut dyn FnMut(&Path) -> Result<(), StoreError>,
) -> Result<PathBuf, StoreError> {
    let failed = |error: WrittenError| LogError::Engine {
        place: path.display().to_string(),
        what: error.to_string(),
    };
    loop {
        let kept = free(path, ending);
        let draft = Draft::beside(&kept).map_err(failed)?;
        fill(draft.path())?;
        match draft.publish() {
            // Somebody else took the name meanwhile.
            Err(WrittenError::Exists { .. }) => {}
            Err(other) => return Err(failed(other).into()),
            Ok(()) => return Ok(kept),
        }
    }
}

/// The first name with this ending and a number that isn't taken.
pub(super) fn free(path: &Path, ending: &str) -> PathBuf {
    let mut number = 1_u32;
    loop {
        let name = beside(path, &format!("{ending}-{number}"));
        if name.symlink_metadata().is_err() {
            return name;
        }
        number = number.saturating_add(1);
    }
}

/// Makes the folder that a store is to be in.
pub(crate) fn make_folder(path: &Path) -> Result<(), Failure> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
        return Ok(());
    };
    std::fs::create_dir_all(folder)
        .map_err(|source| Failure::Write { name: folder.display().to_string(), source })
}

/// The world of a store, at a time or after its last entry.
pub(crate) fn world(args: &StoreListArgs) -> Result<World, Failure> {
    let store = open(&args.place)?;
    match args.at {
        Some(at) => Ok(store.world_at(at)?),
        None => Ok(store.world().clone()),
    }
}
