//! Output files that appear whole or not at all.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What is added to the name of a file while it is being written.
const SUFFIX: &str = ".partial";

/// Why an output file could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// The file beside the final one cannot be created.
    #[error("cannot create `{path}`: {source}")]
    Create {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Somebody else is writing the same file.
    #[error("`{path}` is being written by another run: wait for it, or choose another name")]
    Busy {
        /// The file beside the final one.
        path: String,
    },
    /// The final name belongs to a directory.
    #[error("`{path}` is a directory: name a file")]
    Directory {
        /// The directory.
        path: String,
    },
    /// The file is whole but cannot be given its name.
    #[error("cannot put `{path}` in place: {source}")]
    Finish {
        /// The final name.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

/// A file that is written as `<path>.partial` and gets its name when [`OutputFile::finish`]
/// says that it is whole. Dropped before that, it is removed, and what was there stays.
///
/// A path that names a pipe or a device (`/dev/null`) is written to as it is, because
/// renaming would replace the device; a symbolic link stays, its target is replaced.
#[derive(Debug)]
pub struct OutputFile {
    file: File,
    /// The two names; `None` for pipes and devices, and after the file has got its name.
    names: Option<Names>,
}

#[derive(Debug)]
struct Names {
    partial: PathBuf,
    last: PathBuf,
}

impl OutputFile {
    /// Begins to write a file that shall be called `path`.
    ///
    /// # Errors
    /// Where the file beside it cannot be created, another run is writing it, or `path` is
    /// a directory.
    pub fn create(path: &Path) -> Result<Self, OutputError> {
        let failed = |path: &Path| {
            let path = path.display().to_string();
            move |source| OutputError::Create { path, source }
        };
        let existing = match fs::metadata(path) {
            Ok(metadata) => Some(metadata),
            Err(e) if e.kind() == ErrorKind::NotFound => None,
            Err(e) => return Err(failed(path)(e)),
        };
        let Some(metadata) = existing else {
            let (file, partial) = create_partial(path)?;
            let names = Names { partial, last: path.to_owned() };
            return Ok(Self { file, names: Some(names) });
        };
        if metadata.is_dir() {
            return Err(OutputError::Directory { path: path.display().to_string() });
        }
        if !metadata.is_file() {
            let file = OpenOptions::new().write(true).open(path).map_err(failed(path))?;
            return Ok(Self { file, names: None });
        }
        let last = fs::canonicalize(path).map_err(failed(path))?;
        let (file, partial) = create_partial(&last)?;
        let output = Self { file, names: Some(Names { partial, last }) };
        // Who could read the old file can read the new one.
        output.file.set_permissions(metadata.permissions()).map_err(failed(path))?;
        Ok(output)
    }

    /// Gives the file its name, once its bytes are on the disk.
    ///
    /// # Errors
    /// Where that fails; then the file is removed and what was there stays.
    pub fn finish(mut self) -> Result<(), OutputError> {
        let Some(names) = &self.names else { return Ok(()) };
        let placed = self.file.sync_all().and_then(|()| fs::rename(&names.partial, &names.last));
        match placed {
            Ok(()) => {
                self.names = None;
                Ok(())
            }
            Err(source) => {
                Err(OutputError::Finish { path: names.last.display().to_string(), source })
            }
        }
    }
}

impl Write for OutputFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file.write(buf)
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.file.write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for OutputFile {
    fn drop(&mut self) {
        if let Some(names) = self.names.take() {
            // Nobody is left to tell; a file that stays is taken over by the next run.
            let _ = fs::remove_file(names.partial);
        }
    }
}

/// Creates the file beside `path`, locked for as long as it is open.
///
/// One that a run left behind which was killed is not locked any more and is replaced. It is
/// removed and created anew, never opened as it is: it may be a link to somewhere else.
fn create_partial(path: &Path) -> Result<(File, PathBuf), OutputError> {
    let mut name = path.as_os_str().to_owned();
    name.push(SUFFIX);
    let partial = PathBuf::from(name);
    let shown = || partial.display().to_string();
    let failed = |source| OutputError::Create { path: shown(), source };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    let file = match options.open(&partial) {
        Err(e) if e.kind() == ErrorKind::AlreadyExists => {
            if let Ok(old) = OpenOptions::new().write(true).open(&partial) {
                lock(&old, shown)?;
            }
            fs::remove_file(&partial).map_err(failed)?;
            options.open(&partial).map_err(failed)?
        }
        other => other.map_err(failed)?,
    };
    lock(&file, shown)?;
    Ok((file, partial))
}

/// Locks a file, where the file system has locks.
fn lock(file: &File, shown: impl Fn() -> String) -> Result<(), OutputError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(OutputError::Busy { path: shown() }),
        // Some network file systems have none. Then two runs at once are the user's to avoid.
        Err(TryLockError::Error(_)) | Ok(()) => Ok(()),
    }
}
