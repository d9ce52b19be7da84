//! Mail logs: who tried to reach whom, and how it ended, in the words of the programs that people
//! send mail with. Lines of several programs may stand in one log, each in the envelope of syslog or
//! of journald's JSON. A line that no reader understands is counted and never guessed at.

mod attempt;
mod exim;
mod foreign;
mod line;
mod nodemailer;
mod postfix;
mod reader;
mod smtplib;
mod swaks;
mod when;
mod words;

pub use attempt::{Attempt, Destination, Outcome, Program};
pub use when::Moment;
pub use words::of_resolver;

use exim::Exim;
use line::Line;
use nodemailer::Nodemailer;
use postfix::Postfix;
use reader::Reader;
use smtplib::Smtplib;
use swaks::Swaks;

/// The longest line that is looked at, in bytes: what a journal's entry has at most.
pub const MAX_LINE: usize = 64 * 1024;

/// Reads a mail log, line by line.
#[derive(Debug, Default)]
pub struct MailLog {
    postfix: Postfix,
    exim: Exim,
    swaks: Swaks,
    nodemailer: Nodemailer,
    smtplib: Smtplib,
    counts: LineCounts,
    foreign: Option<&'static str>,
    is_known: bool,
}

/// How many lines there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct LineCounts {
    /// All.
    pub lines: u64,
    /// Those that no reader understands.
    pub not_understood: u64,
    /// Those of programs whose logs are not read.
    pub foreign: u64,
    /// Those that are too long to be looked at.
    pub too_long: u64,
}

impl MailLog {
    /// Takes a line, without its end. What it makes certain is added to `found`.
    pub fn line(&mut self, bytes: &[u8], found: &mut Vec<Attempt>) {
        let counts = &mut self.counts;
        counts.lines = counts.lines.saturating_add(1);
        if bytes.len() > MAX_LINE {
            counts.too_long = counts.too_long.saturating_add(1);
            return;
        }
        let text = String::from_utf8_lossy(bytes);
        let line = Line::of(text.trim_end());
        if line.text.trim().is_empty() {
            self.read(&line, found);
            return;
        }
        // An entry of a journal may be several lines, as a traceback is.
        let mut one = Line { text: String::new(), ..line.clone() };
        let mut understood = false;
        for text in line.text.lines() {
            text.clone_into(&mut one.text);
            understood |= self.read(&one, found);
        }
        if understood {
            self.is_known = true;
            return;
        }
        let counts = &mut self.counts;
        let count = match foreign::of(&line) {
            Some(foreign) => {
                self.foreign = Some(foreign);
                &mut counts.foreign
            }
            None => &mut counts.not_understood,
        };
        *count = count.saturating_add(1);
    }

    /// Offers a line to each reader; whether one understands it.
    fn read(&mut self, line: &Line, found: &mut Vec<Attempt>) -> bool {
        self.readers().into_iter().any(|reader| reader.read(line, found))
    }

    fn readers(&mut self) -> [&mut dyn Reader; 5] {
        let Self { postfix, exim, swaks, nodemailer, smtplib, .. } = self;
        [postfix, exim, swaks, nodemailer, smtplib]
    }

    /// Nothing comes any more: adds to `found` what was not certain until now.
    pub fn end(&mut self, found: &mut Vec<Attempt>) {
        self.readers().into_iter().for_each(|reader| reader.end(found));
    }

    /// How many lines there were so far.
    #[must_use]
    pub const fn counts(&self) -> LineCounts {
        self.counts
    }

    /// Whether some line is of a program whose log is read.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.is_known
    }

    /// The name of a program whose log is not read, if one wrote some of the lines.
    #[must_use]
    pub const fn foreign(&self) -> Option<&'static str> {
        self.foreign
    }
}
