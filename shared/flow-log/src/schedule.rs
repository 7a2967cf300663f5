//! When flow logs are on: windows in the week of a time zone.
//!
//! A question of the moment, not of an edge: whoever asks late, twice or not at all changes nothing about the answer
//! to the next one.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};

/// When flow logs are on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The zone in which its times are meant.
    pub time_zone: TimeZone,
    /// Flow logs are on in each of these.
    pub on: Vec<Window>,
    /// No window begins on these days.
    pub off_dates: Vec<Dates>,
}

impl Schedule {
    /// Whether flow logs are on at `now`.
    ///
    /// A window across midnight belongs to the day on which it begins. Where clocks change, a local time that does not
    /// exist counts as the moment after the gap, and one that comes twice as the first of the two.
    #[must_use]
    pub fn is_on(&self, now: Timestamp) -> bool {
        let today = self.time_zone.to_datetime(now).date();
        // The day before, for the window across midnight.
        let days = [today.yesterday().ok(), Some(today)];
        days.into_iter().flatten().any(|day| {
            let is_off = self.off_dates.iter().any(|dates| dates.contain(day));
            !is_off && self.on.iter().any(|window| self.covers(window, day, now))
        })
    }

    fn covers(&self, window: &Window, day: Date, now: Timestamp) -> bool {
        if !window.days.contains(&day.weekday()) {
            return false;
        }
        let at = |date: Date, time: Time| self.time_zone.to_timestamp(date.to_datetime(time)).ok();
        let end_day = if window.ends_next_day() { day.tomorrow().unwrap_or(day) } else { day };
        match (at(day, window.from), at(end_day, window.to)) {
            (Some(start), Some(end)) => start <= now && now < end,
            _ => false,
        }
    }
}

/// A span of time on some days of the week: `Mon-Fri 07:00-21:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    days: Vec<Weekday>,
    from: Time,
    to: Time,
}

impl Window {
    /// Ending when it begins, or before, means on the next day.
    fn ends_next_day(&self) -> bool {
        self.to <= self.from
    }
}

/// Why a text is no window, or no dates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not {what}")]
pub struct InvalidSchedule {
    given: String,
    what: &'static str,
}

impl FromStr for Window {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        let parse = || {
            let (days, times) = text.trim().split_once(char::is_whitespace)?;
            let (from, to) = times.trim().split_once('-')?;
            Some(Self { days: self::days(days)?, from: time(from)?, to: end(to)? })
        };
        parse().ok_or_else(|| InvalidSchedule {
            given: text.chars().take(80).collect(),
            what: "a window: days and times, as in \"Mon-Fri 07:00-21:00\" or \"Sat,Sun 22:00-06:00\"",
        })
    }
}

/// `Mon`, `Mon-Fri`, `Fri-Mon`, `Mon,Wed,Fri`.
fn days(text: &str) -> Option<Vec<Weekday>> {
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (weekday(first)?, weekday(last)?);
        days.push(first);
        let mut day = first;
        while day != last {
            day = day.next();
            days.push(day);
        }
    }
    Some(days)
}

fn weekday(text: &str) -> Option<Weekday> {
    Some(match text {
        "Mon" => Weekday::Monday,
        "Tue" => Weekday::Tuesday,
        "Wed" => Weekday::Wednesday,
        "Thu" => Weekday::Thursday,
        "Fri" => Weekday::Friday,
        "Sat" => Weekday::Saturday,
        "Sun" => Weekday::Sunday,
        _ => return None,
    })
}

/// `07:00`, with two digits each.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| {
        let is_good = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        is_good.then(|| text.parse::<i8>().ok()).flatten()
    };
    Time::new(digits(hour)?, digits(minute)?, 0, 0).ok()
}

/// The end of a window: `24:00` is the midnight after it.
fn end(text: &str) -> Option<Time> {
    if text == "24:00" { Some(Time::midnight()) } else { time(text) }
}

/// Days, the first and the last included: `2026-10-01` or `2026-10-01..2026-10-07`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dates {
    first: Date,
    last: Date,
}

impl Dates {
    fn contain(self, day: Date) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

impl FromStr for Dates {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        let parse = || {
            let (first, last) = text.split_once("..").unwrap_or((text, text));
            let dates = Self { first: date(first)?, last: date(last)? };
            (dates.first <= dates.last).then_some(dates)
        };
        parse().ok_or_else(|| InvalidSchedule {
            given: text.chars().take(80).collect(),
            what: "a date or dates, as in \"2026-10-01\" or \"2026-10-01..2026-10-07\"",
        })
    }
}

/// `2026-10-01`, and nothing longer: a time of day would be passed over.
fn date(text: &str) -> Option<Date> {
    let text = text.trim();
    if text.len() == 10 { text.parse().ok() } else { None }
}

impl fmt::Display for Dates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.first, self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(zone: &str, on: &[&str], off_dates: &[&str]) -> Schedule {
        Schedule {
            time_zone: TimeZone::get(zone).unwrap(),
            on: on.iter().map(|text| text.parse().unwrap()).collect(),
            off_dates: off_dates.iter().map(|text| text.parse().unwrap()).collect(),
        }
    }

    /// The answers at some local times with their offsets.
    fn answers<const N: usize>(schedule: &Schedule, times: [&str; N]) -> [bool; N] {
        times.map(|time| schedule.is_on(time.parse().unwrap()))
    }

    #[test]
    fn office_hours_are_on_from_the_first_minute_to_the_last_but_one() {
        let office = schedule("Asia/Shanghai", &["Mon-Fri 07:00-21:00"], &[]);
        let monday = ["2026-03-02T06:59:59+08", "2026-03-02T07:00+08", "2026-03-02T20:59:59+08", "2026-03-02T21:00+08"];
        assert_eq!(answers(&office, monday), [false, true, true, false]);
        assert_eq!(answers(&office, ["2026-03-07T12:00+08", "2026-03-08T12:00+08"]), [false, false], "a weekend");
    }

    #[test]
    fn a_window_across_midnight_belongs_to_the_day_on_which_it_begins() {
        let nights = schedule("Asia/Shanghai", &["Fri 22:00-06:00"], &["2026-03-13"]);
        let times = ["2026-03-06T22:00+08", "2026-03-07T05:59+08", "2026-03-07T06:00+08", "2026-03-07T22:00+08"];
        assert_eq!(answers(&nights, times), [true, true, false, false]);
        let off = ["2026-03-13T22:00+08", "2026-03-14T05:59+08"];
        assert_eq!(answers(&nights, off), [false, false], "the Friday is off, and so is its night");
    }

    #[test]
    fn day_ranges_wrap_and_whole_days_have_no_gap() {
        let long_weekend = schedule("Asia/Kolkata", &["Fri-Mon 00:00-24:00"], &[]);
        let times =
            ["2026-03-05T23:59:59+05:30", "2026-03-06T00:00+05:30", "2026-03-07T00:00+05:30", "2026-03-09T23:59+05:30"];
        assert_eq!(answers(&long_weekend, times), [false, true, true, true]);
        assert_eq!(answers(&long_weekend, ["2026-03-10T00:00+05:30"]), [false]);
    }

    #[test]
    fn off_dates_include_the_first_and_the_last() {
        let office = schedule("Asia/Shanghai", &["Mon-Sun 07:00-21:00"], &["2026-10-01..2026-10-07"]);
        let times = ["2026-09-30T12:00+08", "2026-10-01T12:00+08", "2026-10-07T12:00+08", "2026-10-08T12:00+08"];
        assert_eq!(answers(&office, times), [true, false, false, true]);
    }

    #[test]
    fn the_missing_hour_begins_after_the_gap_and_the_repeated_one_with_its_first() {
        // In New York clocks went from 02:00 to 03:00 on 2026-03-08, and go from 02:00 back to 01:00 on 2026-11-01.
        let early = schedule("America/New_York", &["Sun 02:30-04:00"], &[]);
        let spring =
            ["2026-03-08T01:59:59-05:00", "2026-03-08T03:29-04:00", "2026-03-08T03:30-04:00", "2026-03-08T04:00-04:00"];
        assert_eq!(answers(&early, spring), [false, false, true, false]);
        let late = schedule("America/New_York", &["Sun 01:30-03:00"], &[]);
        let autumn =
            ["2026-11-01T01:29-04:00", "2026-11-01T01:30-04:00", "2026-11-01T01:00-05:00", "2026-11-01T02:59-05:00"];
        assert_eq!(answers(&late, autumn), [false, true, true, true]);
    }

    #[test]
    fn what_is_no_window_and_no_date_is_refused() {
        for text in [
            "",
            "Mon",
            "07:00-21:00",
            "Monday 07:00-21:00",
            "Mon 7:00-21:00",
            "Mon +7:00-21:00",
            "Mon 07:00",
            "Mon 07:00-25:00",
            "Mon-Fri 24:00-07:00",
            "Mon- 07:00-08:00",
        ] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
        for text in ["", "2026-13-01", "2026-10-01T12:00", "2026-10-07..2026-10-01", "tomorrow"] {
            assert!(text.parse::<Dates>().is_err(), "{text}");
        }
    }
}
