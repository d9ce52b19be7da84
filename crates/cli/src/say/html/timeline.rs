//! What became of things as time goes on, in bounded memory: counted in stretches of one length,
//! which grows with the time that there is to show.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::say::html::symbol::Symbol;
use crate::say::html::table::{Cell, Column, Table, TableBuilder};

/// How long a stretch may be, in milliseconds. Each is a multiple of the one before, so that
/// stretches are joined whole.
const LENGTHS: [i64; 22] = [
    1,
    10,
    100,
    1_000,
    5_000,
    10_000,
    30_000,
    60_000,
    300_000,
    600_000,
    1_800_000,
    3_600_000,
    10_800_000,
    21_600_000,
    43_200_000,
    DAY,
    10 * DAY,
    100 * DAY,
    1_000 * DAY,
    10_000 * DAY,
    100_000 * DAY,
    1_000_000 * DAY,
];

const DAY: i64 = 86_400_000;

/// How many stretches there are at most: all times that there are have fewer of the longest.
const MAX_STRETCHES: i64 = 60;

/// How many lanes there are at most; what comes later shares one more.
const MAX_LANES: usize = 12;

/// The lane of what has no lane of its own.
const OTHERS: &str = "all others";

/// How many events are drawn, and how many stand in the table.
const MAX_DRAWN: usize = 20;
const MAX_EVENT_ROWS: usize = 200;

/// What became of things, such as connections, by its time.
#[derive(Debug, Default)]
pub struct Timeline {
    /// What is counted, in the plural, such as `connections`.
    counted: &'static str,
    /// What has a lane, such as `machine`.
    lane_of: &'static str,
    /// The place of the stretches' length among all.
    length: usize,
    lanes: Vec<String>,
    marks: BTreeMap<Place, Mark>,
    /// The numbers of the first stretch and of the one behind the last.
    range: (i64, i64),
    without_time: u64,
    events: Vec<TimelineEvent>,
}

/// Where a mark stands: in which lane and stretch (by its number since 1970), and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) lane: usize,
    pub(super) stretch: i64,
    pub(super) symbol: Symbol,
}

/// What is counted at a place.
#[derive(Debug, Default)]
pub(super) struct Mark {
    pub(super) count: u64,
    pub(super) contradict: u64,
    reasons: BTreeMap<&'static str, u64>,
}

/// Something that is counted.
#[derive(Debug, Clone, Copy)]
pub struct TimelinePoint<'a> {
    /// When.
    pub at: Option<Timestamp>,
    /// Whose it is.
    pub lane: &'a str,
    /// What becomes of it.
    pub becomes: Symbol,
    /// Why.
    pub reason: &'static str,
    /// Whether what was seen contradicts that.
    pub contradicts: bool,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct TimelineEvent {
    /// When.
    pub at: Timestamp,
    /// What, in a word or two.
    pub what: String,
    /// To whom.
    pub whom: String,
    /// Whether it is drawn before others where there is no room for all.
    pub comes_first: bool,
}

impl Timeline {
    /// An empty timeline of what is counted, in the plural, with a lane for each of something.
    #[must_use]
    pub fn new(counted: &'static str, lane_of: &'static str) -> Self {
        Self { counted, lane_of, ..Self::default() }
    }

    /// Counts something.
    pub fn add(&mut self, point: &TimelinePoint<'_>) {
        let Some(at) = point.at else {
            self.without_time = self.without_time.saturating_add(1);
            return;
        };
        let lane = self.lane(point.lane);
        let stretch = at.as_millisecond().div_euclid(self.length());
        let mark = self.marks.entry(Place { lane, stretch, symbol: point.becomes }).or_default();
        mark.add(1, u64::from(point.contradicts), [(point.reason, 1)]);
        let end = stretch.saturating_add(1);
        self.range = match self.range {
            (first, last) if first == last => (stretch, end),
            (first, last) => (first.min(stretch), last.max(end)),
        };
        while self.stretches() > MAX_STRETCHES && self.lengthen() {}
    }

    /// Takes in what happened.
    pub fn event(&mut self, event: TimelineEvent) {
        self.events.push(event);
    }

    /// Whether there is nothing to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// The number of a lane, which may be new.
    fn lane(&mut self, name: &str) -> usize {
        let known = self.lanes.iter().position(|lane| lane == name);
        let place = known.unwrap_or_else(|| self.lanes.len().min(MAX_LANES));
        if place == self.lanes.len() {
            self.lanes.push(if place < MAX_LANES { name } else { OTHERS }.to_owned());
        }
        place
    }

    /// The length of a stretch, in milliseconds.
    pub(super) fn length(&self) -> i64 {
        LENGTHS.get(self.length).copied().unwrap_or(DAY)
    }

    fn stretches(&self) -> i64 {
        let (first, end) = self.range;
        end.saturating_sub(first)
    }

    /// Makes the stretches longer; false where there are no longer ones.
    fn lengthen(&mut self) -> bool {
        let before = self.length();
        let next = self.length.saturating_add(1);
        let Some(length) = LENGTHS.get(next) else { return false };
        self.length = next;
        let times = length.checked_div(before).unwrap_or(1);
        let (first, end) = self.range;
        let last = end.saturating_sub(1).div_euclid(times);
        self.range = (first.div_euclid(times), last.saturating_add(1));
        for (place, mark) in std::mem::take(&mut self.marks) {
            let place = Place { stretch: place.stretch.div_euclid(times), ..place };
            let Mark { count, contradict, reasons } = mark;
            self.marks.entry(place).or_default().add(count, contradict, reasons);
        }
        true
    }

    /// The lanes that marks stand in, by their numbers.
    pub(super) fn lanes(&self) -> &[String] {
        &self.lanes
    }

    /// The marks by their places.
    pub(super) const fn marks(&self) -> &BTreeMap<Place, Mark> {
        &self.marks
    }

    /// Whether anything contradicts.
    pub(super) fn has_contradictions(&self) -> bool {
        self.marks.values().any(|mark| mark.contradict > 0)
    }

    /// What the marks say, each once.
    pub(super) fn symbols(&self) -> Vec<Symbol> {
        let all: BTreeSet<_> = self.marks.keys().map(|place| place.symbol).collect();
        all.into_iter().collect()
    }

    /// The events within the picture's time.
    fn events_inside(&self) -> impl Iterator<Item = &TimelineEvent> {
        let (from, to) = self.bounds();
        self.events.iter().filter(move |event| (from..=to).contains(&event.at.as_millisecond()))
    }

    /// The events that are drawn, in order of time.
    pub(super) fn drawn(&self) -> Vec<&TimelineEvent> {
        let mut inside: Vec<_> = self.events_inside().collect();
        inside.sort_by_key(|event| (!event.comes_first, event.at));
        inside.truncate(MAX_DRAWN);
        inside.sort_by_key(|event| event.at);
        inside
    }

    /// The first moment of the picture and its last, in milliseconds since 1970.
    pub(super) fn bounds(&self) -> (i64, i64) {
        let (first, end) = self.range;
        (first.saturating_mul(self.length()), end.saturating_mul(self.length()))
    }

    /// What the picture shows, in a sentence or two.
    pub(super) fn description(&self) -> String {
        let (from, to) = self.bounds();
        let mut text = format!(
            "The {} of each {} from {} to {}: a mark stands for all of one shape within {}, and \
             a larger one for more.",
            self.counted,
            self.lane_of,
            moment(from),
            moment(to),
            in_words(self.length())
        );
        if self.lanes.len() > MAX_LANES {
            text.push_str(&format!(
                " Beyond the first {MAX_LANES} of the capture, each {} is among `{OTHERS}`.",
                self.lane_of
            ));
        }
        let not_drawn = self.events_inside().count().saturating_sub(MAX_DRAWN);
        if not_drawn > 0 {
            text.push_str(&format!(" {not_drawn} more events have no room in the picture."));
        }
        if self.without_time > 0 {
            text.push_str(&format!(" {} without a time are left out.", self.without_time));
        }
        text
    }

    /// The picture's marks as a table.
    pub(super) fn table(&self) -> Option<Table> {
        let columns = vec![
            Column::whole("from"),
            Column::whole("to"),
            Column::named(self.lane_of),
            Column::text("what became of them"),
            Column::number(self.counted),
            Column::number("contradict"),
            Column::text("reasons"),
        ];
        let mut marks: Vec<_> = self.marks.iter().collect();
        marks.sort_by_key(|(place, _)| (place.stretch, place.lane, place.symbol));
        TableBuilder::new("The marks of the timeline", columns, usize::MAX)
            .caption(format!(
                "Every mark of the picture: what is within {}.",
                in_words(self.length())
            ))
            .rows(marks, |(place, mark)| {
                let from = place.stretch.saturating_mul(self.length());
                let to = from.saturating_add(self.length());
                let lane = self.lanes.get(place.lane).map_or("", String::as_str);
                vec![
                    Cell::from(&moment(from)),
                    Cell::from(&moment(to)),
                    Cell::from(&lane),
                    Cell::Symbol(place.symbol),
                    Cell::from(&mark.count),
                    match mark.contradict {
                        0 => Cell::from(&0),
                        count => Cell::Contradiction(count.to_string()),
                    },
                    Cell::Text(mark.reasons()),
                ]
            })
            .build()
    }

    /// What happened, as a table; what is drawn has its number.
    pub(super) fn event_table(&self) -> Option<Table> {
        let columns = vec![
            Column::number("number"),
            Column::whole("time"),
            Column::text("what happened"),
            Column::named("to whom"),
            Column::text("in the picture"),
        ];
        let (from, to) = self.bounds();
        let drawn = self.drawn();
        let number = |event: &TimelineEvent| drawn.iter().position(|one| std::ptr::eq(*one, event));
        // What is drawn stands in the table, whatever has no room in it.
        let mut rows: Vec<_> = self.events.iter().collect();
        rows.sort_by_key(|event| (number(event).is_none(), event.at));
        let left_out = rows.len().saturating_sub(MAX_EVENT_ROWS);
        rows.truncate(MAX_EVENT_ROWS);
        rows.sort_by_key(|event| event.at);
        TableBuilder::new("What happened", columns, MAX_EVENT_ROWS)
            .caption("The events of the description. What the verdicts of later packets rest on.")
            .left_out(left_out)
            .rows(rows, |event| {
                let number = number(event);
                let place = match number {
                    Some(_) => "a line with this number",
                    None if event.at.as_millisecond() < from => "before it",
                    None if event.at.as_millisecond() > to => "after it",
                    None => "no room for it",
                };
                let number = number.map_or(0, |number| number.saturating_add(1));
                vec![
                    Cell::Text(if number > 0 { number.to_string() } else { "-".to_owned() }),
                    Cell::Text(format!("{:.0}", event.at)),
                    Cell::from(&event.what),
                    Cell::from(&event.whom),
                    Cell::from(&place),
                ]
            })
            .build()
    }
}

impl Mark {
    fn add(
        &mut self,
        count: u64,
        contradict: u64,
        reasons: impl IntoIterator<Item = (&'static str, u64)>,
    ) {
        self.count = self.count.saturating_add(count);
        self.contradict = self.contradict.saturating_add(contradict);
        for (reason, count) in reasons {
            let known = self.reasons.entry(reason).or_default();
            *known = known.saturating_add(count);
        }
    }

    fn reasons(&self) -> String {
        let each = self.reasons.iter().map(|(reason, count)| match self.reasons.len() {
            1 => (*reason).to_owned(),
            _ => format!("{count} {reason}"),
        });
        each.collect::<Vec<_>>().join(", ")
    }
}

/// A moment, from milliseconds since 1970; a stretch may begin before time does.
pub(super) fn moment(milliseconds: i64) -> Timestamp {
    let limit = if milliseconds < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_millisecond(milliseconds).unwrap_or(limit)
}

/// A length in words.
fn in_words(milliseconds: i64) -> String {
    const UNITS: [(i64, &str); 4] =
        [(DAY, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")];
    let unit = UNITS.into_iter().find(|(unit, _)| milliseconds % unit == 0);
    let (unit, name) = unit.unwrap_or((1, "millisecond"));
    match milliseconds.checked_div(unit).unwrap_or(0) {
        1 => format!("one {name}"),
        many => format!("{many} {name}s"),
    }
}

#[cfg(test)]
mod tests {
    use egress25_policy::Verdict;

    use super::*;

    fn point(at: i64, lane: &str) -> TimelinePoint<'_> {
        TimelinePoint {
            at: Timestamp::from_millisecond(at).ok(),
            lane,
            becomes: Verdict::Drop.into(),
            reason: "not-granted",
            contradicts: false,
        }
    }

    #[test]
    fn the_same_points_in_any_order_make_the_same_stretches_and_none_is_lost() {
        let times: Vec<i64> = (0..5_000).map(|at| at * 17_117 - 40_000_000).collect();
        let made = |times: &mut dyn Iterator<Item = &i64>| {
            let mut timeline = Timeline::new("connections", "machine");
            times.for_each(|at| timeline.add(&point(*at, "web")));
            timeline
        };
        let (forward, back) = (made(&mut times.iter()), made(&mut times.iter().rev()));
        for timeline in [&forward, &back] {
            assert_eq!(timeline.marks.values().map(|mark| mark.count).sum::<u64>(), 5_000);
            assert!((10..=MAX_STRETCHES).contains(&timeline.stretches()));
        }
        assert!(forward.marks.keys().eq(back.marks.keys()));
        assert_eq!(in_words(forward.length()), "30 minutes");
    }

    #[test]
    fn a_century_and_a_thousand_machines_are_no_more_marks_than_a_page_bears() {
        let mut timeline = Timeline::new("connections", "machine");
        for at in 0..10_000 {
            let lane = format!("web-{}", at % 1_000);
            timeline.add(&point(at * 315_360_000, &lane));
        }
        assert_eq!(timeline.lanes.len(), MAX_LANES + 1);
        assert!(timeline.marks.len() <= 60 * (MAX_LANES + 1), "{}", timeline.marks.len());
        assert!(timeline.description().contains(OTHERS));
    }

    #[test]
    fn each_length_is_a_multiple_of_the_one_before() {
        assert!(LENGTHS.windows(2).all(|pair| pair[1] % pair[0] == 0 && pair[1] > pair[0]));
    }
}
