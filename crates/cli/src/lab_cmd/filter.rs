//! `filter`: the policy on a network that is there already.

use super::args::FilterArgs;
use crate::console::Console;
use crate::failure::Failure;

pub(super) fn run(_args: &FilterArgs, _console: &mut Console) -> Result<(), Failure> {
    Err(Failure::Usage("not yet".to_owned()))
}
