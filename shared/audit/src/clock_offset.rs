//! How far the machine's clock is ahead of the cloud's.

use jiff::Timestamp;

/// A second, in milliseconds: `Date` has no fractions.
const SECOND: i64 = 1_000;

/// What answers say about the machine's clock. Each gives an interval, a second wider than the answer took, and all of
/// them together a narrower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct ClockOffset(Option<(i64, i64)>);

impl ClockOffset {
    /// Adds an answer: when the machine sent the call and received the answer, and the `Date` in it.
    pub(crate) fn add(&mut self, sent: Timestamp, received: Timestamp, date: Timestamp) {
        let date = date.as_millisecond();
        let (least, most) = (sent.as_millisecond() - date - SECOND, received.as_millisecond() - date);
        let (lower, upper) = self.0.unwrap_or((least, most));
        self.0 = Some((lower.max(least), upper.min(most)));
    }

    /// Returns the offset in milliseconds, the least that explains every answer: 0 if the clocks agree as far as can be
    /// told. `None` if no answer had a `Date`.
    pub(crate) fn millis(self) -> Option<i64> {
        let (lower, upper) = self.0?;
        // A clock that was set meanwhile has no offset that explains all answers.
        let (lower, upper) = (lower.min(upper), lower.max(upper));
        Some(0.clamp(lower, upper))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
    }

    /// The offset by answers to calls that were sent and received at these times of the cloud, by a clock that is wrong by
    /// `wrong`.
    fn offset(wrong: i64, calls: &[(i64, i64)]) -> Option<i64> {
        let mut offset = ClockOffset::default();
        for (sent, received) in calls {
            let date = at(received.div_euclid(SECOND) * SECOND);
            offset.add(at(sent + wrong), at(received + wrong), date);
        }
        offset.millis()
    }

    #[test]
    fn a_clock_that_agrees_has_no_offset_although_dates_have_no_fractions() {
        assert_eq!(offset(0, &[(100, 150), (900, 999), (1_500, 2_700)]), Some(0));
        assert_eq!(offset(0, &[]), None);
    }

    #[test]
    fn a_clock_that_is_off_is_off_by_at_least_as_much_as_every_answer_says() {
        assert_eq!(offset(5_000, &[(0, 50)]), Some(4_000));
        assert_eq!(offset(5_000, &[(0, 50), (940, 990)]), Some(4_940));
        assert_eq!(offset(-5_000, &[(940, 990), (2_000, 2_010)]), Some(-4_990));
    }
}
