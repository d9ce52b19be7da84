//! When a subscription was created, as far as anybody knows.

use std::fmt;

use jiff::ToSpan as _;
use jiff::civil::Date;

/// The day on which a subscription was created, UTC: known, or between two days.
///
/// No export of Azure has it. What an export has bounds it: a subscription is not younger than the
/// oldest thing in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Creation {
    /// The first day on which it may have been.
    earliest: Date,
    /// The last one.
    latest: Date,
}

impl Creation {
    /// On a known day.
    #[must_use]
    pub const fn on(day: Date) -> Self {
        Self { earliest: day, latest: day }
    }

    /// After a day, before another, or both; `None` where no day is left between them.
    #[must_use]
    pub fn between(after: Option<Date>, before: Option<Date>) -> Option<Self> {
        let earliest = after.map_or(Some(Date::MIN), |day| day.tomorrow().ok())?;
        let latest = before.map_or(Some(Date::MAX), |day| day.yesterday().ok())?;
        (earliest <= latest).then_some(Self { earliest, latest })
    }

    /// The first day on which it may have been.
    #[must_use]
    pub const fn earliest(self) -> Date {
        self.earliest
    }

    /// The last day on which it may have been.
    #[must_use]
    pub const fn latest(self) -> Date {
        self.latest
    }

    /// Whether the day is known.
    #[must_use]
    pub fn is_known(self) -> bool {
        self.earliest == self.latest
    }
}

/// The day, or what is known of it.
impl fmt::Display for Creation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = (self.earliest > Date::MIN).then(|| self.earliest.saturating_sub(1.day()));
        let before = (self.latest < Date::MAX).then(|| self.latest.saturating_add(1.day()));
        match (after, before) {
            _ if self.is_known() => self.latest.fmt(f),
            (Some(after), Some(before)) => write!(f, "after {after} and before {before}"),
            (Some(after), None) => write!(f, "after {after}"),
            (None, Some(before)) => write!(f, "before {before}"),
            (None, None) => f.write_str("on a day that nobody knows"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::Creation;

    #[test]
    fn bounds_exclude_their_days() {
        let only = Creation::between(Some(date(2019, 3, 1)), Some(date(2019, 3, 3)));
        assert_eq!(only, Some(Creation::on(date(2019, 3, 2))));
        assert_eq!(Creation::between(Some(date(2019, 3, 1)), Some(date(2019, 3, 2))), None);
        let said = |after, before| Creation::between(after, before).unwrap().to_string();
        let (first, last) = (date(2016, 1, 1), date(2019, 5, 2));
        assert_eq!(said(Some(first), Some(last)), "after 2016-01-01 and before 2019-05-02");
        assert_eq!(said(None, Some(last)), "before 2019-05-02");
        assert_eq!(said(Some(first), None), "after 2016-01-01");
    }
}
