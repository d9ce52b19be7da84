//! "Is it the platform or me?", answered in a sentence.

use std::collections::BTreeMap;

use egress25_policy::{Reason, StoppedBy};

use crate::say::output::counted;

/// What is told first.
const ORDER: [StoppedBy; 7] = [
    StoppedBy::Platform,
    StoppedBy::Rule,
    StoppedBy::Route,
    StoppedBy::Source,
    StoppedBy::Packet,
    StoppedBy::Other,
    StoppedBy::None,
];

/// What was judged, counted by what stops it.
#[derive(Debug, Clone, Default)]
pub struct PlatformOrMe {
    by: BTreeMap<StoppedBy, u64>,
    inbound: u64,
    seen: SeenCounts,
}

/// What was seen of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct SeenCounts {
    /// Those that should pass and were never answered.
    pub unanswered: u64,
    /// Those that contradict.
    pub contradict: u64,
    /// Those of which nothing that was seen says whether the platform stops them.
    pub not_shown: u64,
}

impl PlatformOrMe {
    /// Counts some that something stops, judged for a reason.
    pub fn add(&mut self, by: StoppedBy, reason: Reason, count: u64) {
        let known = match reason {
            Reason::Inbound => &mut self.inbound,
            _ => self.by.entry(by).or_default(),
        };
        *known = known.saturating_add(count);
    }

    /// Counts what was seen of some.
    pub const fn see(&mut self, more: &SeenCounts) {
        let SeenCounts { unanswered, contradict, not_shown } = &mut self.seen;
        *unanswered = unanswered.saturating_add(more.unanswered);
        *contradict = contradict.saturating_add(more.contradict);
        *not_shown = not_shown.saturating_add(more.not_shown);
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
        let SeenCounts { unanswered, contradict, not_shown } = self.seen;
        let platform = self.by.get(&StoppedBy::Platform).copied().unwrap_or(0);
        let answer = match platform {
            0 => "it is not the platform",
            some if some == all => "it is the platform",
            _ => "it is partly the platform",
        };
        // What was seen weighs more than what is described.
        let answer = match contradict {
            0 => capitalised(answer),
            count => format!(
                "{} the description, by which {answer}",
                counted(count, &format!("{one} contradicts"), &format!("{many} contradict"))
            ),
        };
        let mut parts: Vec<_> =
            ORDER.iter().filter_map(|by| self.by.get(by).map(|count| part(*by, *count))).collect();
        if unanswered > 0 {
            parts.push(format!("{unanswered} of those that pass were never answered"));
        }
        let mut text = format!("{answer}: of {}, {}.", counted(all, one, many), parts.join(", "));
        if not_shown > 0 {
            text.push_str(&format!(
                " That is what the description says; nothing that was seen shows it of {not_shown}."
            ));
        }
        text
    }
}

fn capitalised(text: &str) -> String {
    let mut signs = text.chars();
    signs.next().into_iter().flat_map(char::to_uppercase).chain(signs).collect()
}

fn part(by: StoppedBy, count: u64) -> String {
    match by {
        StoppedBy::Platform => format!("Azure's filter stops {count}"),
        StoppedBy::Rule => format!("a security rule stops {count}"),
        StoppedBy::Route => format!("a route, or that there is no way out, stops {count}"),
        StoppedBy::Source => format!("{count} come from who does not fit the description"),
        StoppedBy::Packet => format!("{count} are such as nobody delivers"),
        StoppedBy::Other => {
            format!("the network's encryption, or the platform without a rule, denied {count}")
        }
        StoppedBy::None => format!("nothing here stops {count}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentence(
        all: &[(Reason, u64)],
        (unanswered, contradict, not_shown): (u64, u64, u64),
    ) -> String {
        let mut found = PlatformOrMe::default();
        for (reason, count) in all {
            found.add(StoppedBy::of(reason.usual_verdict(), *reason), *reason, *count);
        }
        found.see(&SeenCounts { unanswered, contradict, not_shown });
        found.sentence("connection", "connections")
    }

    #[test]
    fn the_platform_is_blamed_for_what_it_stops_and_for_nothing_else() {
        let none = (0, 0, 0);
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
                (2, 0, 0),
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
                (0, 1, 0),
                "1 connection contradicts the description, by which it is the platform: of 4 \
                 connections, Azure's filter stops 4.",
            ),
            (
                &[(Reason::NotGranted, 4)],
                (0, 0, 1),
                "It is the platform: of 4 connections, Azure's filter stops 4. That is what the \
                 description says; nothing that was seen shows it of 1.",
            ),
        ] {
            assert_eq!(sentence(all, seen), right);
        }
    }
}
