//! The wall clock.

use std::time::SystemTime;

use jiff::Timestamp;

use crate::say::failure::Failure;

/// The wall clock, to the millisecond: what is finer is noise to a reader, and the revision says
/// the order.
///
/// # Errors
/// The clock stands where no time can be written (after the year 9999). No command begins then
/// (`run`), since most read the clock, and an answer as of another time would be a wrong one.
pub(crate) fn now() -> Result<Timestamp, Failure> {
    let wrong =
        |_| Failure::Usage("the system's clock is beyond the year 9999: set it right".to_owned());
    let now = Timestamp::try_from(SystemTime::now()).map_err(wrong)?;
    Timestamp::from_millisecond(now.as_millisecond()).map_err(wrong)
}
