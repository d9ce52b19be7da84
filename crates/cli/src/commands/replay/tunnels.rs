//! Tunnels in a capture of which nothing was judged.
//!
//! While nobody asks for what tunnels carry, UDP passes without a look at it, and so it should:
//! most of a capture may be UDP. Where nothing at all was judged, the question is worth a second
//! reading, if the capture is a file.

use std::path::Path;

use egress25_packet_filter::filter::Filter;
use egress25_packet_filter::frame::FrameOptions;

use crate::commands::replay::judge::ReplayJudge;
use crate::commands::replay::resolve::ReplayPlan;
use crate::read::capture;

/// What is known of the tunnels in a capture of which nothing was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tunnels {
    /// They were looked into, or something was judged: nobody asks.
    NotAsked,
    /// So many packets are tunnels that are carried.
    Counted(u64),
    /// The capture cannot be read again.
    Unknown,
}

/// Reads the capture once more, and counts its tunnels; as far as it can be read.
pub(super) fn count(plan: &ReplayPlan, judge: &ReplayJudge) -> Tunnels {
    if plan.options.look_inside || judge.counters().judged() > 0 {
        return Tunnels::NotAsked;
    }
    let path = &plan.capture;
    let is_file = path != Path::new("-") && path.metadata().is_ok_and(|meta| meta.is_file());
    let Some(mut reader) = is_file.then(|| capture::open(path).ok()).flatten() else {
        return Tunnels::Unknown;
    };
    let options = FrameOptions { look_inside: true, ..plan.options };
    let mut filter = Filter::new(judge.table().clone(), options);
    let (mut rulings, mut found) = (Vec::new(), 0_u64);
    while let Ok(Some(batch)) = reader.next_batch() {
        filter.judge(&batch.frames(), &mut rulings);
        let tunnels = rulings.iter().filter(|ruling| ruling.has_inside()).count();
        found = found.saturating_add(u64::try_from(tunnels).unwrap_or(u64::MAX));
    }
    Tunnels::Counted(found)
}
