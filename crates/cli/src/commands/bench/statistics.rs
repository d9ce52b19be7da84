//! What rounds come to: median, spread and outliers, and ratios of what is printed.

use serde::Serialize;

/// An outlier lies further from the middle half than so many of its widths.
const FAR: f64 = 1.5;

/// The times of several rounds, in nanoseconds a packet, as they are printed: to a hundredth.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Spread {
    /// The median: half of the rounds took less.
    #[serde(rename = "nanoseconds_per_packet")]
    pub(super) median: f64,
    /// A quarter of the rounds took less.
    pub(super) lower_quartile: f64,
    /// A quarter of the rounds took more.
    pub(super) upper_quartile: f64,
    /// Rounds further from the middle half than 1.5 times its width.
    pub(super) outliers: usize,
}

impl Spread {
    /// Of the times of rounds; not a number where there are none.
    pub(super) fn of(times: &[f64]) -> Self {
        let mut sorted = times.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (lower, upper) = (at_quarter(&sorted, 1), at_quarter(&sorted, 3));
        let far = FAR * (upper - lower);
        let is_outlier = |time: &&f64| **time < lower - far || **time > upper + far;
        Self {
            median: hundredths(at_quarter(&sorted, 2)),
            lower_quartile: hundredths(lower),
            upper_quartile: hundredths(upper),
            outliers: sorted.iter().filter(is_outlier).count(),
        }
    }

    /// How many times as fast this is as a peer, by the medians as they are printed.
    pub(super) fn times_as_fast_as(&self, peer: &Self) -> Option<f64> {
        let times = hundredths(peer.median / self.median);
        times.is_finite().then_some(times)
    }

    /// The middle half, as it is printed.
    pub(super) fn range(&self) -> String {
        format!("{:.2} to {:.2}", self.lower_quartile, self.upper_quartile)
    }
}

/// The number at so many quarters of the way through sorted numbers, between two neighbours in
/// proportion.
fn at_quarter(sorted: &[f64], quarters: usize) -> f64 {
    let way = sorted.len().saturating_sub(1).saturating_mul(quarters);
    let before = sorted.get(way / 4).copied().unwrap_or(f64::NAN);
    let behind = sorted.get((way / 4).saturating_add(1)).copied().unwrap_or(before);
    let share = match way % 4 {
        0 => 0.0,
        1 => 0.25,
        2 => 0.5,
        _ => 0.75,
    };
    before + (behind - before) * share
}

/// As it is printed.
pub(super) fn hundredths(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratio_contradicted_the_columns_that_it_stood_beside() {
        let libpcap = Spread::of(&[22.2, 19.0, 60.0]);
        let ours = Spread::of(&[2.9, 3.5, 2.8]);
        assert_eq!((libpcap.median, ours.median), (22.2, 2.9));
        // By rounds the ratios are 7.66, 5.43 and 21.43; what is printed is what the columns say.
        assert_eq!(ours.times_as_fast_as(&libpcap), Some(7.66));
        assert_eq!(libpcap.times_as_fast_as(&libpcap), Some(1.0));
    }

    #[test]
    fn ratios_are_of_the_medians_as_they_are_printed() {
        // Without rounding first it would be 10.06.
        let (ours, peer) = (Spread::of(&[0.1247]), Spread::of(&[1.2546]));
        assert_eq!((ours.median, peer.median), (0.12, 1.25));
        assert_eq!(ours.times_as_fast_as(&peer), Some(10.42));
    }

    #[test]
    fn quartiles_lie_between_their_neighbours_in_proportion() {
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]);
        let Spread { median, lower_quartile, upper_quartile, outliers } = spread;
        assert_eq!((median, lower_quartile, upper_quartile, outliers), (2.5, 1.75, 3.25, 0));
        assert_eq!(spread.range(), "1.75 to 3.25");
        let one = Spread::of(&[7.0]);
        assert_eq!((one.median, one.lower_quartile, one.upper_quartile), (7.0, 7.0, 7.0));
    }

    #[test]
    fn outliers_lie_beyond_one_and_a_half_widths_on_both_sides() {
        // The middle half is 12 to 18: whatever is below 3 or above 27 is outside.
        let rounds = [10.0, 12.0, 14.0, 16.0, 18.0, 27.0, 3.0];
        let spread = Spread::of(&rounds);
        assert_eq!((spread.lower_quartile, spread.upper_quartile), (11.0, 17.0));
        assert_eq!(spread.outliers, 1);
        assert_eq!(Spread::of(&[1.0, 10.0, 11.0, 12.0, 13.0, 14.0, 99.0]).outliers, 2);
        assert_eq!(Spread::of(&[5.0; 9]).outliers, 0);
    }

    #[test]
    fn nothing_measured_is_no_number_and_no_ratio() {
        let none = Spread::of(&[]);
        assert!(none.median.is_nan() && none.outliers == 0);
        assert_eq!(none.times_as_fast_as(&Spread::of(&[1.0])), None);
        assert_eq!(Spread::of(&[0.001]).times_as_fast_as(&Spread::of(&[1.0])), None);
    }
}
