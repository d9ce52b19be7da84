//! `store …`: beginning, checking, copying and mending a store. What the commands that record in
//! one share lies here, too.

pub(super) mod follow;
mod inventory;
pub(super) mod next_steps;
mod place;
pub(super) mod record;
pub(super) mod rows;

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use egress25_exemption_store::{
    LogError, SqliteLog, SqliteOptions, StoreError, StorePlace, export, import, one_name, verify,
};
use egress25_policy::shell_word;
use serde_json::json;

use crate::args::DocumentFormat;
use crate::read::input::NamedText;
use crate::say::ask::path_word;
use crate::say::console::Console;
use crate::say::failure::Failure;
use crate::say::output::{self, Versioned, counted};
use crate::written::{Draft, not_beside_a_store};

use crate::args::store::{
    FileArgs, InitArgs, MigrateArgs, StoreCommand, StoreExportArgs, VerifyArgs,
};

pub use inventory::inventory;
use place::{begin, genesis, make_folder};
pub(super) use place::{open, world};

/// Runs `store …`.
///
/// # Errors
/// The store can't be used, or isn't sound.
pub fn run(command: &StoreCommand, console: &mut Console) -> Result<(), Failure> {
    match command {
        StoreCommand::Init(args) => init(args, console),
        StoreCommand::Verify(args) => check(args, console),
        StoreCommand::Backup(args) => backup(args, console),
        StoreCommand::Restore(args) => restore(args, console),
        StoreCommand::Migrate(args) => migrate(args, console),
        StoreCommand::Export(args) => write(args, console),
        StoreCommand::Import(args) => read(args, console),
    }
}

/// Says what was done: a sentence for people, or facts.
fn say(
    console: &mut Console,
    format: DocumentFormat,
    sentence: &str,
    facts: &serde_json::Value,
) -> Result<(), Failure> {
    // As a value, whose keys are in order of their names.
    let document = || json!(Versioned::new(facts));
    match format {
        DocumentFormat::Human => console.line(sentence),
        DocumentFormat::Json => output::json(console, &document()),
        DocumentFormat::Ndjson => output::ndjson(console, &document()),
    }
}

fn entries(count: u64) -> String {
    counted(count, "entry", "entries")
}

fn init(args: &InitArgs, console: &mut Console) -> Result<(), Failure> {
    let path = place::path(args.store.path.as_deref())?;
    let place = StorePlace::from(path.as_path());
    let inventory = args.inventory.as_deref().map(NamedText::read).transpose()?;
    let genesis = genesis(inventory.as_ref(), args.edition.edition.as_deref(), &args.edition.set)?;
    if place != StorePlace::Memory {
        make_folder(&path)?;
    }
    let store = begin(&place, &genesis, &args.who.clone().unwrap_or_else(record::user), None)?;
    let (path, revision) = (path.display().to_string(), store.head().revision);
    let world = store.world();
    let (subscriptions, machines) = (world.subscriptions().len(), world.machines().len());
    let sentence = format!(
        "`{path}` begins under edition {} with {}, {} and {}",
        genesis.edition,
        counted(subscriptions, "subscription", "subscriptions"),
        counted(machines, "machine", "machines"),
        entries(revision)
    );
    let facts = json!({
        "store": path, "edition": genesis.edition, "settings": genesis.settings,
        "subscriptions": subscriptions, "machines": machines, "revision": revision,
        "hash": store.head().hash,
    });
    say(console, args.format, &sentence, &facts)
}

fn check(args: &VerifyArgs, console: &mut Console) -> Result<(), Failure> {
    let path = place::path(args.store.path.as_deref())?;
    let log = SqliteLog::examine(&path, SqliteOptions::default())?;
    let report = verify(&log, args.anchor)?;
    let path = path.display();
    let sentence =
        format!("`{path}`: {}, head {}:{}", entries(report.entries), report.revision, report.head);
    let facts = json!({ "store": path.to_string(), "clean": report.is_clean(), "report": report });
    say(console, args.format, &sentence, &facts)?;
    if args.format == DocumentFormat::Human {
        for finding in &report.findings {
            let at = finding.revision.map_or(String::new(), |at| format!("revision {at}: "));
            console.line(format!("  {at}{}", finding.what))?;
        }
        if report.is_clean() {
            console.line("  everything is as it was written")?;
        }
    }
    if report.is_clean() {
        return Ok(());
    }
    Err(Failure::Unsound(format!(
        "{} wrong with `{path}`; `egress25 store restore BACKUP --store {}` takes a backup",
        counted(report.findings.len(), "thing is", "things are"),
        shell_word(&path.to_string())
    )))
}

fn backup(args: &FileArgs, console: &mut Console) -> Result<(), Failure> {
    let path = place::path(args.store.path.as_deref())?;
    let store = place::open_at(&path)?;
    place::publish(&args.file, |new| Ok(store.log().backup(new)?))?;
    let copied = place::open_at(&args.file)?;
    let (file, head) = (args.file.display().to_string(), copied.head());
    let sentence = format!("`{file}` holds {}, head {}", entries(head.revision), head.hash);
    let facts = json!({ "backup": file, "revision": head.revision, "hash": head.hash });
    say(console, args.format, &sentence, &facts)
}

fn restore(args: &FileArgs, console: &mut Console) -> Result<(), Failure> {
    let mut path = place::path(args.store.path.as_deref())?;
    make_folder(&path)?;
    let options = SqliteOptions::default();
    let (source, report) = SqliteLog::sound_backup(&args.file, options).map_err(no_backup)?;
    if path.is_symlink() {
        // What is moved away and what comes in its place is the file, not the link.
        path = one_name(&path, options)?;
    }
    let mut keep = |ending: &str, fill: &mut dyn FnMut(&Path) -> Result<(), StoreError>| {
        place::keep(&path, ending, fill)
    };
    let kept = if path.symlink_metadata().is_err() {
        place::publish(&path, |new| Ok(source.backup(new)?))?;
        None
    } else {
        match source.restore_into(&path, &mut keep) {
            Ok(kept) => Some(kept),
            // Nobody can write to it, and nobody can read it: it goes out of the way, if it is one.
            Err(StoreError::Log(LogError::Damaged { .. } | LogError::NotAStore { .. })) => {
                let draft = Draft::beside(&path)?;
                source.backup(draft.path())?;
                let _alone = place::alone(&path)?;
                let kept = place::free(&path, ".damaged");
                SqliteLog::set_aside(&path, &kept, options)?;
                draft.publish()?;
                Some(kept)
            }
            Err(other) => return Err(other.into()),
        }
    };
    let mut sentence = format!("`{}` holds {} again", path.display(), entries(report.revision));
    // What cannot be read any more has no entries to be missed.
    let before = kept.as_ref().and_then(|kept| SqliteLog::open(kept, options).ok()?.head().ok());
    let later = before.map_or(0, |head| head.revision.saturating_sub(report.revision));
    if let Some(kept) = &kept {
        sentence.push_str(&format!("; what was there is in `{}`", kept.display()));
        if later > 0 {
            sentence.push_str(&format!(
                ", with {} in force no more: see `egress25 log --store {}`",
                counted(later, "later entry that is", "later entries that are"),
                path_word(kept)
            ));
        }
    }
    let kept = kept.map(|kept| kept.display().to_string());
    let facts = json!({
        "store": path.display().to_string(), "revision": report.revision, "hash": report.head,
        "kept": kept, "later_entries": later,
    });
    say(console, args.format, &sentence, &facts)
}

/// That there is no backup: nobody is to begin a store under its name.
fn no_backup(error: StoreError) -> Failure {
    match error {
        StoreError::Log(LogError::NotFound { place }) => {
            Failure::Usage(format!("there is no backup at `{place}`; nothing was changed"))
        }
        other => other.into(),
    }
}

/// That a file is no export of a store, with its name and what one is.
fn no_export(name: &str, error: StoreError) -> Failure {
    match error {
        StoreError::Import { line, what } => Failure::Usage(format!(
            "`{name}`, line {line}: {what}; expected what `egress25 store export` has written (a backup \
             is for `egress25 store restore`); nothing was kept"
        )),
        other => other.into(),
    }
}

fn migrate(args: &MigrateArgs, console: &mut Console) -> Result<(), Failure> {
    let path = place::path(args.store.path.as_deref())?;
    let mut keep = |ending: &str, fill: &mut dyn FnMut(&Path) -> Result<(), StoreError>| {
        place::keep(&path, ending, fill)
    };
    let done = SqliteLog::migrate(&path, SqliteOptions::default(), &mut keep)?;
    let kept = done.as_ref().map(|(_, kept)| kept.display().to_string());
    let path = path.display().to_string();
    let sentence = match &done {
        None => format!("`{path}` is up to date"),
        Some((from, kept)) => format!(
            "`{path}` is up to date; as it was, with schema {from}, it is in `{}`",
            kept.display()
        ),
    };
    let from = done.as_ref().map(|(from, _)| *from);
    let facts = json!({ "store": path, "migrated_from": from, "kept": kept });
    say(console, args.format, &sentence, &facts)
}

fn write(args: &StoreExportArgs, console: &mut Console) -> Result<(), Failure> {
    let path = place::path(args.store.path.as_deref())?;
    let store = place::open_at(&path)?;
    if args.file == Path::new("-") {
        return export(&store, console.out()).map(drop).map_err(|error| match error {
            StoreError::Stream { what } => Failure::stdout(std::io::Error::other(what)),
            other => other.into(),
        });
    }
    let name = args.file.display().to_string();
    let wrong = |source| Failure::Write { name: name.clone(), source };
    if args.file.symlink_metadata().is_ok() {
        return Err(LogError::Exists { place: name }.into());
    }
    not_beside_a_store(&args.file)?;
    let draft = Draft::beside(&args.file)?;
    let mut file = BufWriter::new(File::create_new(draft.path()).map_err(wrong)?);
    let count = export(&store, &mut file)?;
    file.flush().map_err(wrong)?;
    draft.publish()?;
    console.note(&format!("{} in `{name}`", entries(count)));
    Ok(())
}

fn read(args: &FileArgs, console: &mut Console) -> Result<(), Failure> {
    let path = place::path(args.store.path.as_deref())?;
    make_folder(&path)?;
    let name = args.file.display().to_string();
    place::publish(&path, |new| {
        let begin = |genesis: &[u8]| {
            let place = StorePlace::File(new.to_owned());
            SqliteLog::create_from(&place, genesis, SqliteOptions::default())
        };
        let imported = if args.file == Path::new("-") {
            import(&mut std::io::stdin().lock(), begin)
        } else {
            let file = File::open(&args.file)
                .map_err(|source| Failure::Read { name: name.clone(), source })?;
            import(&mut BufReader::new(file), begin)
        };
        Ok(imported.map_err(|error| no_export(&name, error))?.finish()?)
    })?;
    let store = place::open_at(&path)?;
    let head = store.head();
    let sentence = format!("`{}` holds {} from `{name}`", path.display(), entries(head.revision));
    let facts = json!({
        "store": path.display().to_string(), "revision": head.revision, "hash": head.hash,
    });
    say(console, args.format, &sentence, &facts)
}
