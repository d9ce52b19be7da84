//! The times that logs write, as far as two of them can be compared.

use jiff::Timestamp;

/// The months, as syslog writes them.
pub(super) const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// When something was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    clock: Clock,
    /// Seconds of that clock; over the end of a month they only keep their order.
    seconds: i64,
}

/// Only times of one clock can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Clock {
    /// Without a year: `Nov 28 05:37:12`.
    Yearless,
    /// Without a zone: `2026-11-28 05:37:12`.
    Local,
    /// With all.
    Absolute,
    /// None: the place among all that was read.
    Place,
}

impl Moment {
    /// The time that a log writes.
    #[must_use]
    pub fn of(at: &str) -> Option<Self> {
        if let Ok(at) = at.parse::<Timestamp>() {
            return Some(Self { clock: Clock::Absolute, seconds: at.as_second() });
        }
        let whole = at.split_once('.').map(|(whole, _)| whole);
        if let Some(Ok(seconds)) = whole.map(str::parse) {
            return Some(Self { clock: Clock::Absolute, seconds });
        }
        if let Some(month) = at.get(..3).and_then(|at| MONTHS.iter().position(|one| *one == at)) {
            let (day, clock) = at.get(3..)?.trim_start().split_once(' ')?;
            let seconds = seconds(i64::try_from(month).ok()?, day.parse().ok()?, clock)?;
            return Some(Self { clock: Clock::Yearless, seconds });
        }
        let (date, clock) = at.split_once([' ', 'T'])?;
        let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
        let (year, month, day) = (date.next()??, date.next()??, date.next()??);
        let months = year.checked_mul(12)?.checked_add(month)?;
        Some(Self { clock: Clock::Local, seconds: seconds(months, day, clock)? })
    }

    /// A place among all that was read, where nothing tells the time.
    #[must_use]
    pub const fn place(place: i64) -> Self {
        Self { clock: Clock::Place, seconds: place }
    }

    /// How many seconds another one is later, where that can be told.
    #[must_use]
    pub fn until(self, later: Self) -> Option<i64> {
        (self.clock == later.clock).then(|| later.seconds.saturating_sub(self.seconds))
    }
}

/// A day of a month and a time of day as seconds, in the order of the calendar.
fn seconds(months: i64, day: i64, clock: &str) -> Option<i64> {
    let mut parts = clock.get(..8)?.split(':').map(|part| part.parse::<i64>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let days = months.checked_mul(31)?.checked_add(day)?;
    let minutes =
        days.checked_mul(24)?.checked_add(hours)?.checked_mul(60)?.checked_add(minutes)?;
    minutes.checked_mul(60)?.checked_add(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_one_clock_are_compared_and_no_others() {
        for (earlier, later, seconds) in [
            ("Nov  8 05:37:12", "Nov 28 05:37:12", 20 * 86400),
            ("2026-11-28 05:37:12", "2026-11-28 05:38:12.25", 60),
            ("2026-11-28T05:37:12Z", "2026-11-28T06:37:12.5+01:00", 0),
            ("2026-11-28T05:37:12.5", "2026-11-28T05:38:12", 60),
            ("1795844232.5", "1795844242.25", 10),
        ] {
            let (first, last) = (Moment::of(earlier).unwrap(), Moment::of(later).unwrap());
            assert_eq!(first.until(last), Some(seconds), "{later}");
        }
        let (syslog, exim) = (Moment::of("Nov 28 05:37:12"), Moment::of("2026-11-28 05:37:12"));
        assert_eq!(syslog.unwrap().until(exim.unwrap()), None);
        for none in ["", "yesterday", "1795844242", "Nov 28", "2026-11-28", "12:00:00"] {
            assert_eq!(Moment::of(none), None, "{none}");
        }
    }
}
