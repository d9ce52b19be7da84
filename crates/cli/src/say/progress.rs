//! The progress bar, on a terminal.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use egress25_packet_filter::capture::CaptureReader;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::say::console::Console;
use crate::say::failure::Failure;

const EVERY: Duration = Duration::from_millis(100);

/// Shows how far the reading of a capture is, and lets rows out in time.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    /// Whether the rows of a running capture are to be seen as they come.
    at_once: bool,
    last: Instant,
}

impl Progress {
    /// Begins at the capture's first byte.
    #[must_use]
    pub fn new(console: &Console, reader: &CaptureReader) -> Self {
        Self::of_bytes(console, reader.total_bytes())
    }

    /// Begins at the first of so many bytes, where that is known.
    #[must_use]
    pub fn of_bytes(console: &Console, total: Option<u64>) -> Self {
        let bar = total.filter(|_| console.shows_notes()).map(|total| {
            let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template(
                "{bar:30} {percent:>3}%  {bytes}/{total_bytes}  {eta} left",
            );
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        let at_once = total.is_none() || io::stdout().is_terminal();
        Self { bar, at_once, last: Instant::now() }
    }

    /// Goes on, a few times a second.
    ///
    /// # Errors
    /// The output cannot be written.
    pub fn tick(&mut self, console: &mut Console, read: u64) -> Result<(), Failure> {
        if let Some(bar) = &self.bar {
            if self.last.elapsed() < EVERY {
                return Ok(());
            }
            self.last = Instant::now();
            bar.set_position(read);
            // The rows go out while the bar is away.
            return if self.at_once { bar.suspend(|| console.flush()) } else { Ok(()) };
        }
        if self.at_once { console.flush() } else { Ok(()) }
    }

    /// Takes the bar away.
    pub fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
