//! "Is it the platform or me?", answered in a sentence.

use std::collections::BTreeMap;

use egress25_policy::{Reason, StoppedBy, Verdict};

use crate::say::output::counted;

/// What is told first.
const ORDER: [StoppedBy; 6] = [
    StoppedBy::Platform,
    StoppedBy::Rule,
    StoppedBy::Route,
    StoppedBy::Source,
    StoppedBy::Packet,
    StoppedBy::None,
];

/// What was judged, counted by what stops it.
#[derive(Debug, Clone, Default)]
pub struct PlatformOrMe {
    by: BTreeMap<StoppedBy, u64>,
    inbound: u64,
    unanswered: u64,
    contradict: u64,
}

impl PlatformOrMe {
    /// Counts some of a verdict and a reason.
    pub fn add(&mut self, verdict: Verdict, reason: Reason, count: u64) {
        let known = match reason {
            Reason::Inbound => &mut self.inbound,
            _ => self.by.entry(StoppedBy::of(verdict, reason)).or_default(),
        };
        *known = known.saturating_add(count);
    }

    /// Counts those that should pass and were never answered, and those that contradict.
    pub const fn seen(&mut self, unanswered: u64, contradict: u64) {
        self.unanswered = self.unanswered.saturating_add(unanswered);
        self.contradict = self.contradict.saturating_add(contradict);
    }

    /// The answer, of what is counted: its name in the singular and in the plural.
    #[must_use]
    pub fn sentence(&self, one: &str, many: &str) -> String {
        let all: u64 = self.by.values().sum();
        if all == 0 {
            return match self.inbound {
                0 => format!("Nothing was judged: there is no {one} to port 25."),
                count => {
                    format!("{} came in, which nothing here stops.", counted(count, one, many))
                }
            };
        }
        let platform = self.by.get(&StoppedBy::Platform).copied().unwrap_or(0);
        let answer = match platform {
            0 => "It is not the platform",
            some if some == all => "It is the platform",
            _ => "It is partly the platform",
        };
        let mut parts: Vec<_> =
            ORDER.iter().filter_map(|by| self.by.get(by).map(|count| part(*by, *count))).collect();
        if self.unanswered > 0 {
            parts.push(format!("{} of those that pass were never answered", self.unanswered));
        }
        let all = counted(all, one, many);
        let mut text = format!("{answer}: of {all}, {}.", parts.join(", "));
        if self.contradict > 0 {
            text.push_str(&format!(
                " But that is what the description says, and {} it.",
                counted(
                    self.contradict,
                    &format!("{one} contradicts"),
                    &format!("{many} contradict")
                )
            ));
        }
        text
    }
}

fn part(by: StoppedBy, count: u64) -> String {
    match by {
        StoppedBy::Platform => format!("Azure's filter stops {count}"),
        StoppedBy::Rule => format!("a security rule stops {count}"),
        StoppedBy::Route => format!("a route, or that there is no way out, stops {count}"),
        StoppedBy::Source => format!("{count} come from who does not fit the description"),
        StoppedBy::Packet => format!("{count} are such as nobody delivers"),
        StoppedBy::None => format!("nothing here stops {count}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(all: &[(Reason, u64)], (unanswered, contradict): (u64, u64)) -> String {
        let mut found = PlatformOrMe::default();
        all.iter().for_each(|(reason, count)| found.add(reason.usual_verdict(), *reason, *count));
        found.seen(unanswered, contradict);
        found.sentence("connection", "connections")
    }

    #[test]
    fn the_platform_is_blamed_for_what_it_stops_and_for_nothing_else() {
        let none = (0, 0);
        for (all, seen, right) in [
            (&[][..], none, "Nothing was judged: there is no connection to port 25."),
            (&[(Reason::Inbound, 2)], none, "2 connections came in, which nothing here stops."),
            (
                &[(Reason::NotGranted, 1)],
                none,
                "It is the platform: of 1 connection, Azure's filter stops 1.",
            ),
            (
                &[(Reason::Exempt, 3)],
                (2, 0),
                "It is not the platform: of 3 connections, nothing here stops 3, 2 of those that \
                 pass were never answered.",
            ),
            (
                &[(Reason::NotGranted, 1), (Reason::SecurityGroupDenies, 2), (Reason::Exempt, 1)],
                none,
                "It is partly the platform: of 4 connections, Azure's filter stops 1, a security \
                 rule stops 2, nothing here stops 1.",
            ),
            (
                &[(Reason::NotGranted, 4)],
                (0, 1),
                "It is the platform: of 4 connections, Azure's filter stops 4. But that is what the \
                 description says, and 1 connection contradicts it.",
            ),
        ] {
            assert_eq!(sentence(all, seen), right);
        }
    }
}
