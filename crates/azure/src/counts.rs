//! How much of what an export holds.

use crate::block::Block;
use crate::export::Export;
use crate::resource::Kind;

/// How many of each thing were read; the names are those of machine-readable output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts(Vec<(&'static str, usize)>);

impl Counts {
    /// Counts what is in an export, those that are commented out together.
    pub(crate) fn of(export: &Export, blocks: &[Block]) -> Self {
        let kinds = <Kind as strum::VariantArray>::VARIANTS;
        let mut counts: Vec<_> = kinds
            .iter()
            .filter(|kind| !matches!(kind, Kind::Other | Kind::Machine))
            // A subscription of which only resources are there is not counted.
            .map(|kind| {
                let of_kind = export.resources.of(*kind);
                (kind.into(), of_kind.filter(|one| !one.fields.is_empty()).count())
            })
            .collect();
        counts.push(("machine", export.machine_names.len()));
        counts.push(("effective_route", export.routes_read));
        counts.push(("power_event", export.done.values().map(Vec::len).sum()));
        let mut all_off = 0_usize;
        for (name, count) in &mut counts {
            let off = blocks.iter().filter(|block| block.off_kind() == Some(*name)).count();
            *count = count.saturating_sub(off);
            all_off = all_off.saturating_add(off);
        }
        counts.push(("commented_out", all_off));
        counts.sort_unstable();
        Self(counts)
    }

    /// All of them, by their names.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, usize)> {
        self.0.iter().copied()
    }
}
