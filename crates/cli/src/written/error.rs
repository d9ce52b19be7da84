//! Why something cannot be written.

use std::io;
use std::path::Path;

use crate::written::OutputKind;

/// Why something cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WrittenError {
    /// The output is a file that the command reads.
    #[error(
        "`{output}` cannot be written: it is the same file as the input `{input}`; choose another \
         name for the output"
    )]
    IsInput {
        /// The output.
        output: String,
        /// The input.
        input: String,
    },
    /// The output has the name of a file that lies beside a store.
    #[error(
        "`{output}` ends with `{ending}`, as what a store keeps beside itself does: choose another \
         name"
    )]
    BesideAStore {
        /// The output.
        output: String,
        /// How it ends.
        ending: String,
    },
    /// Two outputs are the same file.
    #[error("`{output}` and `{other}` are the same file: each output needs one of its own")]
    Twice {
        /// The output.
        output: String,
        /// The one that was named before it.
        other: String,
    },
    /// There is a file that somebody else wrote.
    #[error(
        "`{output}` is there already and is no {kind} of egress25: choose another name, or \
         replace it with `--force`"
    )]
    NotOurs {
        /// The output.
        output: String,
        /// What it was to be.
        kind: OutputKind,
    },
    /// There is an inventory, which somebody may have edited.
    #[error(
        "`{output}` is there already, and may have been edited: choose another name, or replace it \
         with `--force`"
    )]
    MayBeEdited {
        /// The output.
        output: String,
    },
    /// There is a file, and this is not the command to replace it.
    #[error("`{output}` is there already: choose another name, or remove it first")]
    Exists {
        /// The output.
        output: String,
    },
    /// The name is that of a directory.
    #[error("`{output}` is a directory: name a file")]
    Directory {
        /// The directory.
        output: String,
    },
    /// The name is that of a link to a file that does not exist.
    #[error("`{output}` is a link to a file that does not exist: name the file itself")]
    LinkToNothing {
        /// The link.
        output: String,
    },
    /// While the file was written, another one has come to have the name.
    #[error("`{output}` was made or replaced by somebody else meanwhile: it stays as it is now")]
    Changed {
        /// The output.
        output: String,
    },
    /// The system refuses.
    #[error("cannot {doing} `{path}`: {source}")]
    System {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl WrittenError {
    pub(super) fn system(doing: &'static str, path: impl AsRef<Path>, source: io::Error) -> Self {
        Self::System { doing, path: path.as_ref().display().to_string(), source }
    }
}
