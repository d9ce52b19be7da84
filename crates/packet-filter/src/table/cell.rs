//! The table in use, where several threads judge and one changes it.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::table::Table;

/// Holds the table in use. Replacing it never waits for readers, and readers never wait: each
/// takes the table once a batch and keeps it for that long.
#[derive(Debug)]
pub struct TableCell {
    table: ArcSwap<Table>,
}

impl TableCell {
    /// Begins with a table.
    #[must_use]
    pub fn new(table: Arc<Table>) -> Self {
        Self { table: ArcSwap::new(table) }
    }

    /// The table in use.
    #[must_use]
    pub fn load(&self) -> Arc<Table> {
        self.table.load_full()
    }

    /// Replaces the table; batches that begin after this see the new one.
    pub fn replace(&self, table: Arc<Table>) {
        self.table.store(table);
    }
}
