//! Questions on the terminal.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::say::failure::Failure;

/// Whether somebody is there to answer: stdin and stderr are terminals.
#[must_use]
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks, and returns the answer without the space around it; empty where there is none.
///
/// # Errors
/// The answer cannot be read.
pub fn ask(question: &str) -> Result<String, Failure> {
    let mut stderr = io::stderr();
    // A question that can't be shown is answered by nobody, which the empty answer says.
    let _ = write!(stderr, "{question} ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|source| Failure::Read { name: "<stdin>".to_owned(), source })?;
    Ok(answer.trim().to_owned())
}
