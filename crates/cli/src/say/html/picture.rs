//! A timeline as a picture: SVG in the page. What it shows stands in its tables, too.

use jiff::tz::TimeZone;
use maud::{Markup, html};

use crate::say::html::symbol::SymbolShape;
use crate::say::html::timeline::{Timeline, TimelineEvent, moment};

/// The picture's measures, in its own units.
const WIDTH: f64 = 960.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 44.0;
/// The height of a line of events' names.
const LABEL: f64 = 15.0;
/// How near two events are that nobody could tell from each other.
const TOO_NEAR: f64 = 3.0;
/// The width of a letter of these names, rounded up.
const LETTER: f64 = 6.6;
/// The height of a symbol's row within a lane.
const ROW: f64 = 20.0;
const GAP: f64 = 10.0;
/// How many letters of a lane's name have room beside it.
const LANE_LETTERS: usize = 20;
/// How many ticks there are at most.
const MAX_TICKS: i64 = 8;

/// Where things stand.
struct Scale {
    from: i64,
    to: i64,
    length: i64,
}

impl Scale {
    fn x(&self, milliseconds: i64) -> f64 {
        #[expect(clippy::as_conversions, reason = "a place in a picture may be rounded")]
        let float = |number: i64| number as f64;
        let all = float(self.to.saturating_sub(self.from)).max(1.0);
        let part = float(milliseconds.saturating_sub(self.from)) / all;
        LEFT + part.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    /// The ticks: at whole stretches, and as few as fit beside each other.
    fn ticks(&self) -> Vec<i64> {
        let stretches = self.to.saturating_sub(self.from).checked_div(self.length).unwrap_or(1);
        let each = stretches.saturating_add(MAX_TICKS).saturating_sub(1).div_euclid(MAX_TICKS);
        let step = each.max(1).saturating_mul(self.length);
        let tick = |number: i64| self.from.saturating_add(number.saturating_mul(step));
        (0..=MAX_TICKS).map(tick).take_while(|at| *at <= self.to).collect()
    }

    /// A tick's words: the day where it begins, or where ticks are days.
    fn tick_text(&self, at: i64, before: Option<i64>) -> String {
        let civil = |at| TimeZone::UTC.to_datetime(moment(at));
        let (now, before) = (civil(at), before.map(civil));
        let is_new_day = before.is_none_or(|before| before.date() != now.date());
        let time = match self.length {
            86_400_000.. => return now.strftime("%Y-%m-%d").to_string(),
            60_000.. => now.strftime("%H:%M").to_string(),
            1_000.. => now.strftime("%H:%M:%S").to_string(),
            _ => now.strftime("%H:%M:%S%.3f").to_string(),
        };
        if is_new_day { format!("{} {time}", now.strftime("%m-%d")) } else { time }
    }
}

/// The picture.
pub(super) fn picture(timeline: &Timeline) -> Markup {
    let (from, to) = timeline.bounds();
    let scale = Scale { from, to, length: timeline.length() };
    let events = placed(&timeline.drawn(), &scale);
    let lines = events.iter().map(|event| event.line.saturating_add(1)).max().unwrap_or(0);
    let top = number(lines) * LABEL + GAP;
    let symbols = timeline.symbols();
    let lane_height = number(symbols.len()) * ROW + GAP;
    let bottom = top + number(timeline.lanes().len()) * lane_height;
    let height = bottom + 34.0;
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox=(format!("0 0 {WIDTH} {height}"))
            role="img" aria-labelledby="picture-title picture-description" {
            title id="picture-title" { "Timeline" }
            desc id="picture-description" {
                (timeline.description()) " Tables below have all of it."
            }
            (lanes(timeline, top, lane_height))
            (axis(&scale, (top, bottom)))
            @for event in &events {
                (event_line(event, bottom))
            }
            @for (place, mark) in timeline.marks() {
                @let row = symbols.iter().position(|one| *one == place.symbol).unwrap_or(0);
                @let y = top + number(place.lane) * lane_height + (number(row) + 0.5) * ROW;
                @let begin = place.stretch.saturating_mul(scale.length);
                @let x = scale.x(begin.saturating_add(scale.length.div_euclid(2)));
                @let size = size(mark.count);
                (shape(place.symbol.shape, (x, y), size))
                @if mark.contradict > 0 {
                    circle .contradicts cx=(at(x)) cy=(at(y)) r=(at(size + 3.0)) {}
                }
            }
        }
    }
}

/// A shape around a point.
pub(super) fn shape(shape: SymbolShape, (x, y): (f64, f64), size: f64) -> Markup {
    let class = shape.class();
    let (left, right, up, down) = (x - size, x + size, y - size, y + size);
    html! {
        @match shape {
            SymbolShape::Circle => circle class=(class) cx=(at(x)) cy=(at(y)) r=(at(size)) {},
            SymbolShape::Square => {
                rect class=(class) x=(at(left)) y=(at(up))
                    width=(at(size * 2.0)) height=(at(size * 2.0)) {}
            }
            SymbolShape::Triangle => polygon class=(class) points=(format!(
                "{left:.1},{down:.1} {right:.1},{down:.1} {x:.1},{up:.1}"
            )) {},
            SymbolShape::Diamond => polygon class=(class) points=(format!(
                "{left:.1},{y:.1} {x:.1},{up:.1} {right:.1},{y:.1} {x:.1},{down:.1}"
            )) {},
        }
    }
}

/// The lanes' names and the lines between them.
fn lanes(timeline: &Timeline, top: f64, height: f64) -> Markup {
    html! {
        @for (place, lane) in timeline.lanes().iter().enumerate() {
            @let y = top + number(place) * height;
            line .lane x1="0" x2=(at(WIDTH)) y1=(at(y - GAP / 2.0)) y2=(at(y - GAP / 2.0)) {}
            text x="4" y=(at(y + height / 2.0)) { (shortened(lane, LANE_LETTERS)) }
        }
    }
}

fn axis(scale: &Scale, (top, bottom): (f64, f64)) -> Markup {
    let ticks = scale.ticks();
    let before = [None].into_iter().chain(ticks.iter().copied().map(Some));
    html! {
        line .axis x1=(at(LEFT)) x2=(at(WIDTH - RIGHT)) y1=(at(bottom)) y2=(at(bottom)) {}
        @for (tick, before) in ticks.iter().zip(before) {
            @let x = scale.x(*tick);
            line .tick x1=(at(x)) x2=(at(x)) y1=(at(top)) y2=(at(bottom + 4.0)) {}
            text x=(at(x)) y=(at(bottom + 18.0)) text-anchor="middle" {
                (scale.tick_text(*tick, before))
            }
        }
        text x="4" y=(at(bottom + 18.0)) { "UTC" }
    }
}

/// Events that share a line, with its place.
struct PlacedEvents {
    x: f64,
    /// The line of names that theirs stands in, from the top.
    line: usize,
    text: String,
    is_before: bool,
}

/// Gives events that stand too near to each other one line, and each line the first place for its
/// name where that has room.
fn placed(events: &[&TimelineEvent], scale: &Scale) -> Vec<PlacedEvents> {
    let x = |event: &&TimelineEvent| scale.x(event.at.as_millisecond());
    let mut ends: Vec<f64> = Vec::new();
    let mut count = 0_usize;
    let place = |near: &[&TimelineEvent]| {
        let first = count.saturating_add(1);
        count = count.saturating_add(near.len());
        let x = near.first().map_or(LEFT, x);
        let text = match near {
            [event] => {
                format!("{first} {} {}", event.what, shortened(&event.whom, LANE_LETTERS))
            }
            several => format!("{first} to {count}: {} events", several.len()),
        };
        let width = number(text.chars().count()) * LETTER;
        // Where it would reach beyond the right edge it stands in front of its line.
        let is_before = x + width > WIDTH;
        let begin = if is_before { x - width } else { x };
        let line = ends.iter().position(|end| *end < begin).unwrap_or(ends.len());
        let end = begin + width + LETTER;
        match ends.get_mut(line) {
            Some(known) => *known = end,
            None => ends.push(end),
        }
        PlacedEvents { x, line, text, is_before }
    };
    events.chunk_by(|one, next| x(next) - x(one) < TOO_NEAR).map(place).collect()
}

fn event_line(event: &PlacedEvents, bottom: f64) -> Markup {
    let y = (number(event.line) + 1.0) * LABEL - 3.0;
    let (x, anchor) =
        if event.is_before { (event.x - 3.0, "end") } else { (event.x + 3.0, "start") };
    html! {
        line .event x1=(at(event.x)) x2=(at(event.x)) y1=(at(y - LABEL + 5.0)) y2=(at(bottom)) {}
        text .event x=(at(x)) y=(at(y)) text-anchor=(anchor) { (event.text) }
    }
}

/// How large a mark is for how many it stands for: a little more each time that they are doubled.
fn size(count: u64) -> f64 {
    let doubled = u64::BITS.saturating_sub(count.leading_zeros()).saturating_sub(1);
    (3.5 + f64::from(doubled) * 0.7).min(8.5)
}

/// A place as the picture has it: tenths are enough.
fn at(place: f64) -> String {
    format!("{place:.1}")
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A name that has room; the tables have it whole.
fn shortened(name: &str, letters: usize) -> String {
    if name.chars().count() <= letters {
        return name.to_owned();
    }
    name.chars().take(letters.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use egress25_policy::Verdict;
    use jiff::Timestamp;

    use super::*;
    use crate::say::html::timeline::TimelinePoint;

    fn drawn(times: &[i64]) -> String {
        let mut timeline = Timeline::new("attempts", "machine");
        for at in times {
            timeline.add(&TimelinePoint {
                at: Timestamp::from_millisecond(*at).ok(),
                lane: "a name that is longer than there is room",
                becomes: Verdict::Reject.into(),
                reason: "",
                contradicts: true,
            });
            timeline.event(TimelineEvent {
                at: Timestamp::from_millisecond(*at).unwrap(),
                what: "x".repeat(40),
                whom: String::new(),
                comes_first: false,
            });
        }
        picture(&timeline).into_string()
    }

    #[test]
    fn a_moment_and_all_times_have_room_in_it() {
        let (least, most) = (-377_705_023_201_000, 253_402_207_200_000);
        for (times, tick) in [
            (&[0][..], ">01-01 00:00:00.000</text>"),
            (&[0, 3], ">00:00:00.002</text>"),
            (&[0, 40_000], ">00:00:30</text>"),
            (&[0, 86_399_999], ">03:00</text>"),
            (&[least, 0, most], ">-9999-01-02</text>"),
        ] {
            let text = drawn(times);
            assert!(text.contains(tick), "{times:?}: {tick}\n{text}");
            assert_eq!(text.matches("<polygon").count(), times.len(), "{text}");
            assert_eq!(text.matches("class=\"contradicts\"").count(), times.len());
            assert!(text.contains("a name that is long…") && !text.contains("NaN"), "{text}");
            let (_, shapes) = text.split_once("</desc>").unwrap();
            let places = shapes.split([' ', '"', ',']).filter_map(|word| word.parse::<f64>().ok());
            assert!(places.into_iter().all(|at| (-0.1..=WIDTH).contains(&at)), "{text}");
        }
    }

    #[test]
    fn more_is_larger_and_has_room_in_its_row() {
        assert!(size(1) < size(2) && size(2) < size(40));
        assert!(size(u64::MAX) < ROW / 2.0);
    }
}
