//! What can go wrong, and the exit code that says so.

use std::io;
use std::ops::Range;

use miette::{Diagnostic, NamedSource, SourceSpan};

use egress25_exemption_store::{LogError, StoreError};
use egress25_lab::error::{Fault, LabError};
use egress25_packet_filter::capture::{CaptureError, WriteError};
use egress25_policy::{EditionError, SettingError};

use crate::written::WrittenError;

/// Why the program did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments do not fit together.
    #[error("{0}")]
    Usage(String),
    /// A file says something that does not fit.
    #[error(transparent)]
    Input(Box<InputError>),
    /// Several files do; each has been reported.
    #[error("{bad} of {all} files are bad")]
    Files {
        /// How many are bad.
        bad: usize,
        /// How many there are.
        all: usize,
    },
    /// A file cannot be read.
    #[error("`{name}` cannot be read: {source}")]
    Read {
        /// The file.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Something cannot be written.
    #[error("`{name}` cannot be written: {source}")]
    Write {
        /// The file, or `stdout`.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A capture cannot be read (further).
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// No packet of a capture is of a link type that is understood.
    #[error("no packet of the capture can be judged; the first: {first}")]
    NothingUnderstood {
        /// What there is to say of the first one.
        first: String,
    },
    /// A capture cannot be written.
    #[error("`{name}`: {source}")]
    WriteCapture {
        /// The file, or `stdout`.
        name: String,
        /// Why.
        source: WriteError,
    },
    /// A file cannot be written.
    #[error(transparent)]
    Written(#[from] WrittenError),
    /// An edition does not exist or is bad.
    #[error(transparent)]
    Edition(#[from] EditionError),
    /// A setting does not exist or does not take the value.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The exemption store.
    #[error(transparent)]
    Store(Box<StoreError>),
    /// A store isn't sound; what is wrong has been reported.
    #[error("{0}")]
    Unsound(String),
    /// The answer is another than the one that `--expect` asked for.
    #[error("{0}")]
    Differs(String),
    /// Rows are others than expected.
    #[error("{}", .0.join("\n"))]
    DifferIn(Vec<String>),
    /// The arguments do not fit together, which takes several lines to say.
    #[error("{}", .0.join("\n"))]
    Lines(Vec<String>),
    /// Something of ours does not hold together.
    #[error("{0}")]
    Internal(String),
    /// Nobody reads the output any more.
    #[error("the reader of the output has closed it")]
    ClosedPipe,
}

/// Something in a file that does not fit, and where.
#[derive(Debug, thiserror::Error, Diagnostic)]
#[error("{what}")]
pub struct InputError {
    /// What does not fit and what was expected.
    pub what: String,
    /// The file's text, as it may be seen.
    #[source_code]
    pub source_code: NamedSource<String>,
    /// Where it stands in the file.
    pub place: Option<Range<usize>>,
    /// Where it stands in the text that is shown.
    #[label("here")]
    pub span: Option<SourceSpan>,
    /// How to mend it, where there is more to say; or which file, where the place is unknown.
    #[help]
    pub help: Option<String>,
}

impl Failure {
    /// Everything was done; a "blocked" answer is an answer.
    pub const DONE: u8 = 0;
    /// Something failed.
    pub const FAILED: u8 = 1;
    /// The usage or the input is bad.
    pub const BAD_INPUT: u8 = 2;
    /// A verdict differs from the one that was expected.
    pub const DIFFERS: u8 = 3;

    /// The exit code that goes with it.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            // A name that is a folder's is the user's to mend.
            Self::Capture(CaptureError::Io { source, .. })
                if source.kind() == io::ErrorKind::IsADirectory =>
            {
                Self::BAD_INPUT
            }
            Self::ClosedPipe => Self::DONE,
            Self::Store(error) => store_exit_code(error),
            Self::Written(error) => written_exit_code(error),
            Self::Write { .. }
            | Self::WriteCapture { .. }
            | Self::Internal(_)
            | Self::Unsound(_)
            | Self::Capture(CaptureError::Io { .. }) => Self::FAILED,
            Self::Differs(_) | Self::DifferIn(_) => Self::DIFFERS,
            Self::Usage(_)
            | Self::Lines(_)
            | Self::Input(_)
            | Self::Files { .. }
            | Self::Read { .. }
            | Self::Capture(_)
            | Self::NothingUnderstood { .. }
            | Self::Edition(_)
            | Self::Setting(_) => Self::BAD_INPUT,
        }
    }

    /// A failed write to stdout.
    #[must_use]
    pub fn stdout(source: io::Error) -> Self {
        Self::Write { name: "stdout".to_owned(), source }
    }
}

impl From<InputError> for Failure {
    fn from(error: InputError) -> Self {
        Self::Input(Box::new(error))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(Box::new(error))
    }
}

impl From<LabError> for Failure {
    fn from(error: LabError) -> Self {
        match error.fault() {
            Fault::Request => Self::Usage(error.to_string()),
            Fault::Policy | Fault::Lab => Self::Internal(error.to_string()),
        }
    }
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        StoreError::from(error).into()
    }
}

/// The exit code that goes with an error of the store: 2 where the user pointed at something that
/// isn't there or isn't ours, or gave a time that can't be; 1 where something failed or was
/// refused.
#[must_use]
pub const fn store_exit_code(error: &StoreError) -> u8 {
    match error {
        StoreError::Log(
            LogError::NotFound { .. }
            | LogError::Exists { .. }
            | LogError::NotAStore { .. }
            | LogError::Newer { .. }
            | LogError::Older { .. },
        )
        | StoreError::Name { .. }
        | StoreError::AddressSpace { .. }
        | StoreError::Backdated { .. }
        | StoreError::Genesis { .. }
        | StoreError::Inventory(_)
        | StoreError::Import { .. } => Failure::BAD_INPUT,
        _ => Failure::FAILED,
    }
}

/// The exit code that goes with an error of an output: what the user asked for is bad, or the
/// system failed.
const fn written_exit_code(error: &WrittenError) -> u8 {
    match error {
        WrittenError::IsInput { .. }
        | WrittenError::BesideAStore { .. }
        | WrittenError::Twice { .. }
        | WrittenError::NotOurs { .. }
        | WrittenError::MayBeEdited { .. }
        | WrittenError::Exists { .. }
        | WrittenError::Directory { .. }
        | WrittenError::LinkToNothing { .. } => Failure::BAD_INPUT,
        WrittenError::Changed { .. } | WrittenError::System { .. } => Failure::FAILED,
    }
}
