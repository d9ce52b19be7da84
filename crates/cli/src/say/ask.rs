//! Questions on the terminal.

use std::io::{self, BufRead, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use egress25_policy::{in_lines, shell_bytes};

use crate::say::failure::Failure;

/// Whether somebody is there to answer: stdin and stderr are terminals.
#[must_use]
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// The answer to a question of yes and no.
///
/// # Errors
/// The text is neither; what it says is for people.
pub fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" => Ok(true),
        "n" | "no" => Ok(false),
        other => Err(format!("`{other}` is no answer; expected `y` or `n`")),
    }
}

/// A path as a shell takes it for one word, and a program for no flag.
#[must_use]
pub fn path_word(path: &Path) -> String {
    match path.as_os_str().as_bytes() {
        [b'-', ..] => shell_bytes(Path::new(".").join(path).as_os_str().as_bytes()),
        bytes => shell_bytes(bytes),
    }
}

/// Asks, and returns the answer without the space around it; empty where there is none.
///
/// # Errors
/// The answer cannot be read, or whoever is asked ended the input (Ctrl-D).
pub fn ask(question: &str) -> Result<String, Failure> {
    let nothing = || Failure::Usage("the question was not answered; nothing is done".to_owned());
    ask_or_end(question)?.ok_or_else(nothing)
}

/// As [`ask`]; `None` where whoever is asked ended the input.
///
/// # Errors
/// The answer cannot be read.
pub fn ask_or_end(question: &str) -> Result<Option<String>, Failure> {
    let mut stderr = io::stderr();
    // A question that can't be shown is answered by nobody, which the empty answer says.
    let _ = write!(stderr, "{} ", in_lines(question)).and_then(|()| stderr.flush());
    let mut answer = String::new();
    let read = io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|source| Failure::Read { name: "<stdin>".to_owned(), source })?;
    if read == 0 {
        // The next line begins a line.
        let _ = writeln!(stderr);
        return Ok(None);
    }
    Ok(Some(answer.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::path_word;

    #[test]
    fn a_file_by_the_name_of_a_flag_was_typed_as_one() {
        assert_eq!(path_word(Path::new("own.pcap")), "own.pcap");
        assert_eq!(path_word(Path::new("-own.pcap")), "./-own.pcap");
        assert_eq!(path_word(Path::new("-my own.pcap")), "'./-my own.pcap'");
    }
}
