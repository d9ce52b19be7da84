//! Days and moments as people write them: one reader for files and arguments, and one place for
//! what is said where they cannot be read.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Unexpected, Visitor};

use crate::text::in_a_line;

/// What is expected of a day.
const DAY: &str = "a day such as `2019-03-01`";
/// What is expected of a moment.
const MOMENT: &str = "a time such as `2020-12-08T09:00:00Z`, or a day such as `2020-12-08`, which \
                      stands for its first moment, UTC";

/// How much of a text that is no date an error shows, in characters.
const SHOWN: usize = 40;

/// A text that is no day or no moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MomentError {
    /// It is no day.
    #[error("`{}` is no day of the calendar: expected {DAY}", shown(.text))]
    Day {
        /// The text.
        text: String,
    },
    /// It is no moment.
    #[error("`{}` is no time: expected {MOMENT}", shown(.text))]
    Moment {
        /// The text.
        text: String,
    },
    /// It is a time of day without a zone, and so a different moment for everybody.
    #[error("`{}` does not say its time zone: add `Z` for UTC, or an offset such as `+01:00`", shown(.text))]
    NoZone {
        /// The text.
        text: String,
    },
}

/// The beginning of a text, without control characters.
fn shown(text: &str) -> String {
    let beginning: String = text.chars().take(SHOWN).collect();
    let mut shown = in_a_line(&beginning).into_owned();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// Reads a day, such as `2019-03-01`.
///
/// # Errors
/// The text is no day of the calendar, or written otherwise.
pub fn parse_day(text: &str) -> Result<Date, MomentError> {
    let day = text.parse::<Date>().ok().filter(|day| day.to_string() == text);
    day.ok_or_else(|| MomentError::Day { text: text.to_owned() })
}

/// Reads a moment: RFC 3339, or a day, which stands for its first moment, UTC.
///
/// # Errors
/// The text is neither, or does not say its time zone.
pub fn parse_moment(text: &str) -> Result<Timestamp, MomentError> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let none = || MomentError::Moment { text: text.to_owned() };
    if let Ok(day) = parse_day(text) {
        return TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).map_err(|_| none());
    }
    match text.parse::<DateTime>() {
        Ok(_) => Err(MomentError::NoZone { text: text.to_owned() }),
        Err(_) => Err(none()),
    }
}

/// The day of a moment, UTC: as editions and subscriptions have it.
#[must_use]
pub fn utc_day(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// A date or time of a file as text: a string, or one of TOML's own.
struct Written(&'static str);

impl<'de> Visitor<'de> for Written {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E>(self, text: &str) -> Result<String, E> {
        Ok(text.to_owned())
    }

    // TOML's reader hands its dates on as a table with a key of its own.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<String, A::Error> {
        toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))
            .map(|written| written.to_string())
            .map_err(|_| A::Error::invalid_type(Unexpected::Map, &self))
    }
}

/// Reads a day of a file, for `#[serde(deserialize_with)]`: a string or TOML's own date.
///
/// # Errors
/// As for [`parse_day`].
pub fn day<'de, D: Deserializer<'de>>(input: D) -> Result<Date, D::Error> {
    parse_day(&input.deserialize_any(Written(DAY))?).map_err(D::Error::custom)
}

/// Reads a moment of a file, for `#[serde(deserialize_with)]`: a string or TOML's own.
///
/// # Errors
/// As for [`parse_moment`].
pub fn moment<'de, D: Deserializer<'de>>(input: D) -> Result<Timestamp, D::Error> {
    parse_moment(&input.deserialize_any(Written(MOMENT))?).map_err(D::Error::custom)
}

/// The same where it may be left out, or be null.
///
/// # Errors
/// As for [`parse_day`].
pub fn optional_day<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Date>, D::Error> {
    #[derive(Deserialize)]
    struct Day(#[serde(deserialize_with = "day")] Date);
    Ok(Option::<Day>::deserialize(input)?.map(|Day(day)| day))
}

/// The same where it may be left out, or be null.
///
/// # Errors
/// As for [`parse_moment`].
pub fn optional_moment<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    #[derive(Deserialize)]
    struct Moment(#[serde(deserialize_with = "moment")] Timestamp);
    Ok(Option::<Moment>::deserialize(input)?.map(|Moment(at)| at))
}

#[cfg(test)]
mod tests {
    use super::{parse_day, parse_moment};

    #[test]
    fn a_day_stands_for_its_first_moment() {
        assert_eq!(parse_moment("2020-12-08"), parse_moment("2020-12-08T00:00:00Z"));
    }

    #[test]
    fn a_time_without_a_zone_stood_for_midnight() {
        let said = parse_moment("2020-12-08T09:00:00").unwrap_err().to_string();
        assert!(said.contains("time zone"), "{said}");
        assert!(parse_day("2020-12-08T09:00:00").is_err());
    }

    #[test]
    fn an_endless_text_is_not_printed_back() {
        let text = "\u{1b}[31m".repeat(1000);
        for said in [parse_day(&text).map(drop), parse_moment(&text).map(drop)] {
            let said = said.unwrap_err().to_string();
            assert!(said.len() < 500 && !said.contains('\u{1b}'), "{said}");
        }
    }
}
