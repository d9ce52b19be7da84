//! `lab run`.

use super::args::RunArgs;
use crate::console::Console;
use crate::failure::Failure;

pub(super) fn run(_args: &RunArgs, _console: &mut Console) -> Result<(), Failure> {
    Err(Failure::Usage("not yet".to_owned()))
}

/// Splits `HOST:PORT`; an IPv6 address stands in brackets.
pub(super) fn host_and_port(text: &str) -> Result<(String, u16), Failure> {
    let split = text.rsplit_once(':').and_then(|(host, port)| {
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        Some((host.to_owned(), port.parse().ok()?))
    });
    split.ok_or_else(|| Failure::Usage(format!("`{text}` is no HOST:PORT")))
}
