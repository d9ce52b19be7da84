//! The terminal: data on stdout, notes on stderr, colour where somebody can see it.

use std::io::{self, BufWriter, IsTerminal, Write};

use egress25_policy::{Verdict, in_a_line};
use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::args::ColorChoice;
use crate::say::failure::Failure;
use crate::say::shown::Shown;

/// The width of text where there is no terminal.
const PLAIN_WIDTH: usize = 100;

/// The longest message on stderr, in bytes: a name or a list in it may be endless.
pub const MAX_MESSAGE: usize = 4000;

/// The longest line of somebody else's that a message quotes, in bytes.
pub const MAX_QUOTED: usize = 1000;

/// Where the program writes.
pub struct Console {
    out: BufWriter<StdoutReader>,
    paint: Paint,
    paint_notes: bool,
    notes: bool,
    quiet: bool,
    terminal_width: Option<usize>,
}

/// Who reads stdout. One who has gone is no failure: what he does not want to see is thrown away,
/// and the command goes on to its answer, which its exit code and its files are a part of.
struct StdoutReader {
    stdout: io::Stdout,
    gone: bool,
}

impl StdoutReader {
    fn unless_gone<T>(&mut self, done: io::Result<T>, instead: T) -> io::Result<T> {
        match done {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(instead)
            }
            other => other,
        }
    }
}

impl Write for StdoutReader {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gone {
            return Ok(bytes.len());
        }
        let written = self.stdout.write(bytes);
        self.unless_gone(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.stdout.flush();
        self.unless_gone(flushed, ())
    }
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").field("notes", &self.notes).finish_non_exhaustive()
    }
}

impl Console {
    /// A console on the process's own stdout and stderr.
    #[must_use]
    pub fn new(color: ColorChoice, quiet: bool) -> Self {
        let out_terminal = io::stdout().is_terminal();
        let err_terminal = io::stderr().is_terminal();
        // no-color.org: present and not empty.
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let colored = |terminal: bool| match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && !no_color && !dumb,
        };
        let mut table = comfy_table::Table::new();
        table.set_content_arrangement(comfy_table::ContentArrangement::Dynamic);
        // A terminal of no columns, as some programs open one, does not say how wide it is.
        let width = table.width().map(usize::from).filter(|width| *width > 0);
        let terminal_width = width.filter(|_| out_terminal);
        Self {
            out: BufWriter::new(StdoutReader { stdout: io::stdout(), gone: false }),
            paint: Paint { on: colored(out_terminal) },
            paint_notes: colored(err_terminal),
            notes: err_terminal && !quiet,
            quiet,
            terminal_width,
        }
    }

    /// Where data goes.
    pub fn out(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// The colours of stdout.
    #[must_use]
    pub const fn paint(&self) -> Paint {
        self.paint
    }

    /// The width of the terminal, if stdout is one.
    #[must_use]
    pub const fn terminal_width(&self) -> Option<usize> {
        self.terminal_width
    }

    /// The width to which text is wrapped.
    #[must_use]
    pub fn width(&self) -> usize {
        self.terminal_width.unwrap_or(PLAIN_WIDTH).clamp(40, 120)
    }

    /// Whether notes and progress are shown: stderr is a terminal and nobody wants quiet.
    #[must_use]
    pub const fn shows_notes(&self) -> bool {
        self.notes
    }

    /// Whether nobody reads the data any more.
    #[must_use]
    pub fn is_unread(&self) -> bool {
        self.out.get_ref().gone
    }

    /// Writes a line for people, in which nothing acts that somebody else wrote.
    ///
    /// # Errors
    /// The write failed.
    pub fn line(&mut self, text: impl Into<Shown>) -> Result<(), Failure> {
        writeln!(self.out, "{}", text.into().as_str()).map_err(Failure::stdout)
    }

    /// Writes lines of a text that is made here: whoever makes it sees to it that the names in it
    /// end no line.
    ///
    /// # Errors
    /// The write failed.
    pub fn lines(&mut self, text: &str) -> Result<(), Failure> {
        text.trim_end().split('\n').try_for_each(|line| self.line(line))
    }

    /// Writes a note for a person: on a terminal alone.
    pub fn note(&self, text: &str) {
        if self.notes {
            to_stderr(&format!("note: {}", message(text)));
        }
    }

    /// Writes a note that is no part of what was asked for, and that a script's author has to see,
    /// too: nobody wants it who wants quiet.
    pub fn advise(&self, text: &str) {
        if !self.quiet {
            to_stderr(&format!("note: {}", message(text)));
        }
    }

    /// Writes a warning: something that whoever reads the data has to know.
    pub fn warn(&self, text: &str) {
        let mark = if self.paint_notes { "\u{1b}[33mwarning\u{1b}[0m" } else { "warning" };
        to_stderr(&format!("{mark}: {}", message(text)));
    }

    /// Writes out what is buffered.
    ///
    /// # Errors
    /// The write failed.
    pub fn flush(&mut self) -> Result<(), Failure> {
        self.out.flush().map_err(Failure::stdout)
    }

    /// Writes out what is buffered, for a command that goes on as long as somebody reads.
    ///
    /// # Errors
    /// The write failed, or nobody reads any more.
    pub fn finish(&mut self) -> Result<(), Failure> {
        self.flush()?;
        if self.is_unread() { Err(Failure::ClosedPipe) } else { Ok(()) }
    }

    /// Reports a failure on stderr.
    pub fn report(&self, failure: &Failure) {
        let mark = if self.paint_notes { "\u{1b}[31merror\u{1b}[0m" } else { "error" };
        match failure {
            Failure::ClosedPipe => {}
            Failure::Input(error) => {
                let theme = if self.paint_notes {
                    GraphicalTheme::unicode()
                } else {
                    GraphicalTheme::unicode_nocolor()
                };
                let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
                let mut text = String::new();
                if handler.render_report(&mut text, error.as_ref()).is_err() {
                    text = error.what.clone();
                }
                to_stderr(&format!("{mark}: {}", text.trim()));
            }
            Failure::DifferIn(lines) | Failure::Lines(lines) => {
                to_stderr(&format!("{mark}: {}", shortened(each_in_a_line(lines), MAX_MESSAGE)));
            }
            other => to_stderr(&format!("{mark}: {}", message(&other.to_string()))),
        }
    }
}

fn each_in_a_line(lines: &[String]) -> String {
    lines.iter().map(|line| in_a_line(line)).collect::<Vec<_>>().join("\n")
}

/// A text as a message of one line.
fn message(text: &str) -> String {
    shortened(in_a_line(text).into_owned(), MAX_MESSAGE)
}

/// A message of at most so many bytes, whatever was quoted in it or listed.
#[must_use]
pub fn shortened(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push_str("… (shortened)");
    }
    text
}

/// Writes lines of an error, a warning or a note; what somebody else wrote is spelt in them.
pub fn to_stderr(text: &str) {
    // Nobody is left to be told of a stderr that cannot be written to.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Colours, or none.
#[derive(Debug, Clone, Copy)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// Whether there are colours.
    #[must_use]
    pub const fn is_on(self) -> bool {
        self.on
    }

    fn with(self, code: &str, text: &str) -> Shown {
        if self.on { Shown::in_color(code, text) } else { Shown::from(text) }
    }

    /// A heading.
    #[must_use]
    pub fn bold(self, text: &str) -> Shown {
        self.with("1", text)
    }

    /// Something that is assumed.
    #[must_use]
    pub fn assumed(self, text: &str) -> Shown {
        self.with("33", text)
    }

    /// A text in the colour of a verdict.
    #[must_use]
    pub fn verdict(self, verdict: Verdict, text: &str) -> Shown {
        match verdict {
            Verdict::Pass => self.with("1;32", text),
            Verdict::Drop => self.with("1;31", text),
            Verdict::Reject => self.with("1;35", text),
        }
    }
}
