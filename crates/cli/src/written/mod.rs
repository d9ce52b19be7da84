//! Everything that is written into files goes through here.
//!
//! A command says first what it reads and what it is to write ([`claim`]), before anything is read:
//! no output is an input or another output, whatever path leads to it, and no file that is not ours
//! is replaced unless the user says so. Then it writes ([`Output`]): a file has its name when it is
//! whole, and until then it lies in a folder beside it ([`Draft`]) that goes when a signal
//! ends the program, and that the next run removes if this one is killed. Devices, pipes and stdout
//! are written to as they are.

mod draft;
mod error;
mod identity;
mod kind;
mod unfinished;

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::{Path, PathBuf};

use egress25_exemption_store::BESIDE;

pub use draft::Draft;
pub use error::WrittenError;
use identity::Identity;
pub use kind::OutputKind;

/// Something that a command may write: nothing can go wrong any more that is the user's to mend.
#[derive(Debug)]
pub struct Target {
    /// The path, or `stdout`.
    name: String,
    place: WriteMode,
}

/// How a target is written.
#[derive(Debug)]
enum WriteMode {
    Stdout,
    /// A pipe or a device.
    Direct(PathBuf),
    /// A file, and which one has the name already.
    File(PathBuf, Option<Identity>),
}

/// Makes sure that the outputs of a command can be written without harm, before anything is read.
/// The inputs are all files that the command reads, whether they are there or not.
///
/// # Errors
/// An output, or stdout, is an input, the same file as another output, a directory, or a file that
/// is not ours and `force` is off.
pub fn claim<'a, const N: usize>(
    inputs: impl IntoIterator<Item = &'a Path>,
    outputs: [Option<(&Path, OutputKind)>; N],
    force: bool,
) -> Result<[Option<Target>; N], WrittenError> {
    let inputs: Vec<_> = inputs
        .into_iter()
        .filter_map(|path| Some((shown(path, "stdin"), Identity::of_input(path)?)))
        .collect();
    let stdout = Identity::of_stdout_file();
    if let Some((input, _)) = inputs.iter().find(|(_, input)| Some(input) == stdout.as_ref()) {
        return Err(WrittenError::IsInput { output: "stdout".to_owned(), input: input.clone() });
    }
    let mut targets = [const { None }; N];
    let mut taken: Vec<(String, Identity)> = Vec::new();
    for (place, output) in targets.iter_mut().zip(outputs) {
        let Some((path, kind)) = output else { continue };
        let (target, identity) = Target::of(path)?;
        let same = |known: &&(String, Identity)| Some(&known.1) == identity.as_ref();
        let output = target.name.clone();
        if !target.is_stdout() && identity.is_some() && identity == stdout {
            return Err(WrittenError::Twice { output, other: "stdout".to_owned() });
        }
        if let Some((input, _)) = inputs.iter().find(same) {
            return Err(WrittenError::IsInput { output, input: input.clone() });
        }
        if let Some((other, _)) = taken.iter().find(same) {
            return Err(WrittenError::Twice { output, other: other.clone() });
        }
        if let WriteMode::File(path, Some(_)) = &target.place
            && !force
            && !kind
                .is_ours(path)
                .map_err(|source| WrittenError::system("look at", path, source))?
        {
            return Err(match kind {
                OutputKind::Inventory => WrittenError::MayBeEdited { output },
                kind => WrittenError::NotOurs { output, kind },
            });
        }
        taken.extend(identity.map(|identity| (output, identity)));
        *place = Some(target);
    }
    Ok(targets)
}

/// Makes sure that stdout does not lead into a file that is about to be read, whatever a command prints.
///
/// # Errors
/// It does.
pub fn not_stdout(input: &Path) -> Result<(), WrittenError> {
    claim([input], [], false).map(|[]| ())
}

/// Makes sure that an output has no name that belongs to what lies beside a store.
///
/// # Errors
/// It has.
pub fn not_beside_a_store(output: &Path) -> Result<(), WrittenError> {
    let name = output.file_name().unwrap_or_default().to_string_lossy();
    match BESIDE.iter().find(|ending| name.ends_with(**ending)) {
        None => Ok(()),
        Some(ending) => Err(WrittenError::BesideAStore {
            output: output.display().to_string(),
            ending: (*ending).to_owned(),
        }),
    }
}

/// A path as messages name it.
fn shown(path: &Path, standard: &str) -> String {
    if path == Path::new("-") { standard.to_owned() } else { path.display().to_string() }
}

impl Target {
    /// What a path stands for, and which file that is or will be.
    fn of(path: &Path) -> Result<(Self, Option<Identity>), WrittenError> {
        if identity::is_stdout(path) {
            let target = Self { name: "stdout".to_owned(), place: WriteMode::Stdout };
            return Ok((target, Identity::of_stdout()));
        }
        let name = path.display().to_string();
        let failed = |source| WrittenError::system("look at", path, source);
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                if path.symlink_metadata().is_ok() {
                    return Err(WrittenError::LinkToNothing { output: name });
                }
                let place = WriteMode::File(path.to_owned(), None);
                return Ok((Self { name, place }, Identity::of_absent(path)));
            }
            Err(error) => return Err(failed(error)),
        };
        if metadata.is_dir() {
            return Err(WrittenError::Directory { output: name });
        }
        let identity = Identity::of(&metadata);
        if !metadata.is_file() {
            return Ok((Self { name, place: WriteMode::Direct(path.to_owned()) }, identity));
        }
        // A link stays, and the file that it leads to is replaced.
        let path = path.canonicalize().map_err(failed)?;
        Ok((Self { name, place: WriteMode::File(path, identity.clone()) }, identity))
    }

    /// The path as it was given, or `stdout`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is stdout.
    #[must_use]
    pub const fn is_stdout(&self) -> bool {
        matches!(self.place, WriteMode::Stdout)
    }

    /// Writes some bytes, whole or not at all.
    ///
    /// # Errors
    /// As [`Output::create`] and [`Output::finish`], or the bytes cannot be written.
    pub fn write(self, bytes: &[u8]) -> Result<(), WrittenError> {
        let mut output = Output::create(self)?;
        let written = output.write_all(bytes);
        written.map_err(|source| WrittenError::system("write", &output.name, source))?;
        output.finish()
    }
}

/// An output that is being written. Dropped before [`Output::finish`], it leaves nothing behind,
/// and what was there stays.
#[derive(Debug)]
pub struct Output {
    name: String,
    file: File,
    /// Where the file lies until it is whole, and which one it is to replace.
    draft: Option<(Draft, Option<Identity>)>,
}

impl Output {
    /// Begins to write.
    ///
    /// # Errors
    /// The system refuses.
    pub fn create(target: Target) -> Result<Self, WrittenError> {
        let Target { name, place } = target;
        let failed = |source| WrittenError::system("write", &name, source);
        let (file, draft) = match place {
            WriteMode::Stdout => {
                let stdout = io::stdout().as_fd().try_clone_to_owned().map_err(failed)?;
                (File::from(stdout), None)
            }
            WriteMode::Direct(path) => {
                (OpenOptions::new().write(true).open(path).map_err(failed)?, None)
            }
            WriteMode::File(path, replaced) => {
                let draft = Draft::beside(&path)?;
                let file = File::create_new(draft.path()).map_err(failed)?;
                if replaced.is_some() {
                    // Who could read the old file can read the new one. Root alone gives it away; of
                    // others it is theirs.
                    let metadata = std::fs::metadata(&path).map_err(failed)?;
                    match fchown(&file, Some(metadata.uid()), Some(metadata.gid())) {
                        Err(error) if error.kind() != io::ErrorKind::PermissionDenied => {
                            return Err(failed(error));
                        }
                        _ => {}
                    }
                    file.set_permissions(metadata.permissions()).map_err(failed)?;
                }
                (file, Some((draft, replaced)))
            }
        };
        Ok(Self { name, file, draft })
    }

    /// The path as it was given, or `stdout`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Puts the file under its name, once its bytes are on the disk. What `close` could report is
    /// reported by then.
    ///
    /// # Errors
    /// The system refuses, or another file has come to have the name; what was there stays.
    pub fn finish(mut self) -> Result<(), WrittenError> {
        let failed = |source| WrittenError::system("write", &self.name, source);
        self.file.flush().map_err(failed)?;
        let Some((draft, replaced)) = self.draft.take() else { return Ok(()) };
        self.file.sync_all().map_err(failed)?;
        draft.publish_over(replaced.as_ref())
    }
}

impl AsFd for Output {
    /// The file as it is being written, for whoever else writes into it.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.file.write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests;
