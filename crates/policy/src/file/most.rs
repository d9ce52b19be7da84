//! The most of a list that somebody may begin with. Whoever has more made a mistake, or wants to see us
//! busy.

use crate::file::error::{InventoryError, bad};

/// Routes of a table: a hundred times the 400 of Azure.
pub(super) const ROUTES: usize = 40_000;
/// Peerings of a network: a hundred times the 500 of Azure.
pub(super) const PEERINGS: usize = 50_000;
/// Subnets of a network: a hundred times the 3,000 of Azure.
pub(super) const SUBNETS: usize = 300_000;
/// Prefixes of an address space, of a subnet, or of a side of a rule: no page that we cite names a number.
pub(super) const PREFIXES: usize = 100_000;

/// Refuses a list that has more.
pub(super) fn at_most(key: String, count: usize, most: usize) -> Result<(), InventoryError> {
    if count <= most {
        return Ok(());
    }
    let what = format!(
        "has {count} entries, and {most} are the most; leave out what the question is not about"
    );
    Err(bad(key, what))
}
