//! The captures that a replay writes.

use std::path::{Path, PathBuf};

use egress25_exemption_store::files_of;
use egress25_packet_filter::capture::{
    Block, CaptureCopy, Container, Record, ThreadedWrite, WriteError,
};
use egress25_policy::{Reason, Verdict};

use crate::args::{OnIndeterminate, ReplayArgs};
use crate::say::failure::Failure;
use crate::written::{self, Output, OutputKind, Target};

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
    pub(super) fn and(
        self,
        (verdict, reason): (Verdict, Option<Reason>),
        on_indeterminate: OnIndeterminate,
    ) -> Self {
        let lenient = on_indeterminate == OnIndeterminate::Pass;
        let passes = match (verdict, reason) {
            (Verdict::Pass, _) => true,
            (_, Some(Reason::Indeterminate)) => lenient,
            _ => false,
        };
        if passes { self } else { Self::Stop }
    }
}

/// The captures that are to be written, as many as were asked for.
pub(super) struct Outputs {
    all: Option<Target>,
    stopped: Option<Target>,
    passed: Option<Target>,
}

impl Outputs {
    /// Makes sure that the captures can be written without harm.
    pub(super) fn claim(args: &ReplayArgs) -> Result<Self, Failure> {
        let expected = [args.expect.as_ref(), args.expect_connections.as_ref()];
        let inputs =
            [Some(&args.capture), args.whose.inventory.as_ref()].into_iter().chain(expected);
        let inputs = inputs.flatten().chain(&args.whose.events).map(PathBuf::as_path);
        let edition = args.whose.edition.edition.as_deref().map(Path::new);
        let store = args.whose.store.iter().flat_map(|store| files_of(store)).collect::<Vec<_>>();
        let inputs = inputs.chain(edition).chain(store.iter().map(PathBuf::as_path));
        let outputs = [&args.write, &args.drop_to, &args.pass_to]
            .map(|path| path.as_deref().map(|path| (path, OutputKind::Capture)));
        let [all, stopped, passed] = written::claim(inputs, outputs, args.force.force)?;
        Ok(Self { all, stopped, passed })
    }

    /// Whether one of them takes stdout.
    pub(super) fn take_stdout(&self) -> bool {
        let all = [&self.all, &self.stopped, &self.passed];
        all.into_iter().flatten().any(Target::is_stdout)
    }

    /// Begins the captures.
    pub(super) fn create(self, container: Container, title: &str) -> Result<Sinks, Failure> {
        let begin = |target: Option<Target>| {
            target.map(|target| Sink::create(target, container, title)).transpose()
        };
        let Self { all, stopped, passed } = self;
        Ok(Sinks { all: begin(all)?, stopped: begin(stopped)?, passed: begin(passed)? })
    }
}

/// The captures that are being written.
pub(super) struct Sinks {
    all: Option<Sink>,
    stopped: Option<Sink>,
    passed: Option<Sink>,
}

struct Sink {
    name: String,
    writer: CaptureCopy<ThreadedWrite<Output>>,
}

impl Sinks {
    /// Whether anything is written.
    pub(super) const fn any(&self) -> bool {
        self.all.is_some() || self.stopped.is_some() || self.passed.is_some()
    }

    /// Writes a packet where it belongs.
    pub(super) fn packet(
        &mut self,
        record: &Record<'_>,
        fate: Fate,
        comments: &[String],
    ) -> Result<(), Failure> {
        let by_fate = match fate {
            Fate::Pass => &mut self.passed,
            Fate::Stop => &mut self.stopped,
        };
        let comments: Vec<_> = comments.iter().map(String::as_str).collect();
        write([&mut self.all, by_fate], |writer| writer.write_packet(record, &comments))
    }

    /// Writes a packet that is not understood: nothing stops it.
    pub(super) fn unread(&mut self, block: &Block<'_>) -> Result<(), Failure> {
        write([&mut self.all, &mut self.passed], |writer| writer.write_block(block))
    }

    /// Writes a block that is no packet, which every capture has.
    pub(super) fn block(&mut self, block: &Block<'_>) -> Result<(), Failure> {
        let Self { all, stopped, passed } = self;
        write([all, stopped, passed], |writer| writer.write_block(block))
    }

    /// What could not be written, if anything.
    pub(super) fn warning(&self) -> Option<String> {
        let all = [&self.all, &self.stopped, &self.passed].into_iter().flatten();
        let count = all.map(|sink| sink.writer.without_comments()).max().filter(|n| *n > 0)?;
        Some(format!(
            "{count} judged packets lie in simple packet blocks, which have no room for a comment; \
             they were written without their verdicts"
        ))
    }

    /// Ends the captures: from here on they are there.
    pub(super) fn finish(self) -> Result<(), Failure> {
        for sink in [self.all, self.stopped, self.passed].into_iter().flatten() {
            let Sink { name, writer } = sink;
            let output =
                writer.finish().and_then(|thread| thread.into_inner().map_err(WriteError::Io));
            match output {
                Err(error) if error.is_closed_pipe() => {}
                output => output.map_err(|error| failure(&name, error))?.finish()?,
            }
        }
        Ok(())
    }
}

/// Writes to some of the captures.
fn write<const N: usize>(
    places: [&mut Option<Sink>; N],
    mut each: impl FnMut(&mut CaptureCopy<ThreadedWrite<Output>>) -> Result<(), WriteError>,
) -> Result<(), Failure> {
    for place in places {
        let Some(sink) = place else { continue };
        match each(&mut sink.writer) {
            // Who read this one has gone; the others are written all the same.
            Err(error) if error.is_closed_pipe() => *place = None,
            Err(source) => return Err(failure(&sink.name, source)),
            Ok(()) => {}
        }
    }
    Ok(())
}

impl Sink {
    fn create(target: Target, container: Container, title: &str) -> Result<Self, Failure> {
        let name = target.name().to_owned();
        let output = Output::create(target)?;
        let thread = ThreadedWrite::start(output).map_err(WriteError::Io);
        let writer = thread.and_then(|thread| CaptureCopy::new(thread, container, title));
        let writer = writer.map_err(|error| failure(&name, error))?;
        Ok(Self { name, writer })
    }
}

fn failure(name: &str, source: WriteError) -> Failure {
    Failure::WriteCapture { name: name.to_owned(), source }
}
