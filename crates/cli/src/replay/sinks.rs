//! The captures that a replay writes.

use std::io::{self, IoSlice, Write};
use std::path::Path;

use egress25_packet_filter::capture::{Behind, OutputFile, PcapngWriter, Record, WriteError};
use egress25_policy::{Reason, Verdict};

use super::row::Row;
use crate::args::{OnIndeterminate, ReplayArgs};
use crate::failure::Failure;

/// Whether a packet passes, all of its layers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It passes.
    Pass,
    /// It does not.
    Stop,
}

impl Fate {
    /// The packet's fate with one more of its layers judged.
    pub(super) fn and(self, row: &Row, on_indeterminate: OnIndeterminate) -> Self {
        let lenient = on_indeterminate == OnIndeterminate::Pass;
        let passes = match (row.verdict, row.reason) {
            (Verdict::Pass, _) => true,
            (_, Reason::Indeterminate) => lenient,
            _ => false,
        };
        if passes { self } else { Self::Stop }
    }
}

/// The captures that are written, as many as were asked for.
pub(super) struct Sinks {
    all: Option<Sink>,
    stopped: Option<Sink>,
    passed: Option<Sink>,
}

struct Sink {
    name: String,
    writer: PcapngWriter<Behind<Target>>,
}

enum Target {
    File(OutputFile),
    Stdout(io::Stdout),
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write(bytes),
            Self::Stdout(stdout) => stdout.write(bytes),
        }
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            Self::File(file) => file.write_vectored(slices),
            Self::Stdout(stdout) => stdout.write_vectored(slices),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::File(file) => file.flush(),
            Self::Stdout(stdout) => stdout.flush(),
        }
    }
}

impl Sinks {
    /// Begins the captures that the arguments ask for.
    pub(super) fn create(args: &ReplayArgs, title: &str) -> Result<Self, Failure> {
        let create = |path: &Option<std::path::PathBuf>| {
            path.as_deref().map(|path| Sink::create(path, title)).transpose()
        };
        Ok(Self {
            all: create(&args.write)?,
            stopped: create(&args.drop_to)?,
            passed: create(&args.pass_to)?,
        })
    }

    /// Whether anything is written.
    pub(super) const fn any(&self) -> bool {
        self.all.is_some() || self.stopped.is_some() || self.passed.is_some()
    }

    /// Writes a packet where it belongs.
    pub(super) fn write(
        &mut self,
        record: &Record<'_>,
        fate: Fate,
        comments: &[String],
    ) -> Result<(), Failure> {
        let by_fate = match fate {
            Fate::Pass => &mut self.passed,
            Fate::Stop => &mut self.stopped,
        };
        for sink in [&mut self.all, by_fate].into_iter().flatten() {
            let comments: Vec<_> = comments.iter().map(String::as_str).collect();
            let written = sink.writer.write_record(record, &comments);
            written.map_err(|error| failure(&sink.name, error))?;
        }
        Ok(())
    }

    /// Ends the captures: from here on they are there.
    pub(super) fn finish(self) -> Result<(), Failure> {
        for sink in [self.all, self.stopped, self.passed].into_iter().flatten() {
            let Sink { name, writer } = sink;
            let behind = writer.finish().map_err(|error| failure(&name, error))?;
            let target = behind.into_inner().map_err(|e| failure(&name, WriteError::Io(e)))?;
            if let Target::File(file) = target {
                file.finish()?;
            }
        }
        Ok(())
    }
}

impl Sink {
    fn create(path: &Path, title: &str) -> Result<Self, Failure> {
        let (name, target) = if path == Path::new("-") {
            ("stdout".to_owned(), Target::Stdout(io::stdout()))
        } else {
            (path.display().to_string(), Target::File(OutputFile::create(path)?))
        };
        let behind = Behind::start(target).map_err(|e| failure(&name, WriteError::Io(e)))?;
        let writer =
            PcapngWriter::new(behind, Some(title)).map_err(|error| failure(&name, error))?;
        Ok(Self { name, writer })
    }
}

fn failure(name: &str, source: WriteError) -> Failure {
    if source.is_closed_pipe() {
        return Failure::ClosedPipe;
    }
    Failure::WriteCapture { name: name.to_owned(), source }
}
