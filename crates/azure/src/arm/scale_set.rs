//! Scale sets: their instances are machines; here is what is said where there are none.

use crate::export::Export;
use crate::fields::Look as _;
use crate::gaps::{GapKind, Gaps};
use crate::resource::Kind;

/// Notes the scale sets whose instances are not in the export.
pub(crate) fn note(export: &Export, gaps: &mut Gaps) {
    for set in export.resources.of(Kind::ScaleSet) {
        let names_it = |id: &&crate::id::Id| {
            let machine = export.resources.get(id, Kind::Machine);
            let named = machine.and_then(|one| one.fields.reference("virtualmachinescaleset"));
            id.is_below(&set.id) || named.as_ref() == Some(&set.id)
        };
        let capacity = set.fields.object("sku").and_then(|sku| sku.number("capacity"));
        if capacity != Some(0) && !export.machines.keys().any(|id| names_it(&id)) {
            gaps.note(format!("scale set {}", set.name()), GapKind::InstancesMissing);
        }
    }
}
