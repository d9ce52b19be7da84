//! Questions that do not say from which port.

use std::ops::RangeInclusive;

use crate::decide::decide_with;
use crate::decide::decision::Decision;
use crate::decide::question::Question;
use crate::decide::screen::{Screens, source_ports};
use crate::world::World;

/// The answers to a question for every source port, by ranges of ports, in order: one range where no
/// security rule tells ports apart, or where the question names one.
#[must_use]
pub fn by_source_port(world: &World, question: &Question) -> Vec<(RangeInclusive<u16>, Decision)> {
    let (firsts, screens) = (source_ports(world, question.port), Screens::default());
    if question.source_port.is_some() || firsts.len() < 2 {
        return vec![(0..=u16::MAX, decide_with(world, question, None, &screens))];
    }
    let lasts = firsts.iter().skip(1).map(|next| next.saturating_sub(1)).chain([u16::MAX]);
    let mut found: Vec<(RangeInclusive<u16>, Decision)> = Vec::new();
    for (first, last) in firsts.iter().zip(lasts) {
        let question = Question { source_port: Some(*first), ..question.clone() };
        let decision = decide_with(world, &question, None, &screens);
        match found.last_mut() {
            Some((ports, before)) if *before == decision => *ports = *ports.start()..=last,
            _ => found.push((*first..=last, decision)),
        }
    }
    found
}
