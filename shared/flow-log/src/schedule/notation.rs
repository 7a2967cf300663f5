//! How windows and dates are written in a policy.

use std::{fmt, str::FromStr};

use jiff::civil::{Date, Time, Weekday};

/// The days of the week, as they are written.
pub(crate) const DAYS: [(&str, Weekday); 7] = [
    ("Mon", Weekday::Monday),
    ("Tue", Weekday::Tuesday),
    ("Wed", Weekday::Wednesday),
    ("Thu", Weekday::Thursday),
    ("Fri", Weekday::Friday),
    ("Sat", Weekday::Saturday),
    ("Sun", Weekday::Sunday),
];

/// A time span on some days of the week: `Mon-Fri 07:00-21:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    pub(super) days: Vec<Weekday>,
    pub(super) from: Time,
    pub(super) to: Time,
}

impl Window {
    /// A window that ends at or before its beginning ends on the next day.
    pub(super) fn ends_next_day(&self) -> bool {
        self.to <= self.from
    }
}

/// The error for a text that is not a window or not dates.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not {what}")]
pub struct InvalidSchedule {
    given: String,
    what: &'static str,
}

impl InvalidSchedule {
    fn new(given: &str, what: &'static str) -> Self {
        Self { given: given.chars().take(80).collect(), what }
    }
}

impl FromStr for Window {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        const WHAT: &str = "a window: days and times, as in \"Mon-Fri 07:00-21:00\" or \"Sat,Sun 22:00-06:00\"";
        const EMPTY: &str = "a window: it ends at the time at which it begins (a whole day is \"Mon 00:00-24:00\")";
        let parse = || {
            let (days, times) = text.trim().split_once(char::is_whitespace)?;
            let (from, to) = times.trim().split_once('-')?;
            Some((self::days(days)?, from, to))
        };
        let (days, from, to) = parse().ok_or_else(|| InvalidSchedule::new(text, WHAT))?;
        if from == to && time(from).is_some() {
            return Err(InvalidSchedule::new(text, EMPTY));
        }
        match (time(from), end(to)) {
            (Some(from), Some(to)) => Ok(Self { days, from, to }),
            _ => Err(InvalidSchedule::new(text, WHAT)),
        }
    }
}

/// Reads `Mon`, `Mon-Fri`, `Fri-Mon` or `Mon,Wed,Fri`.
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

pub(super) fn weekday(text: &str) -> Option<Weekday> {
    DAYS.iter().find(|(name, _)| *name == text).map(|(_, day)| *day)
}

/// Reads `07:00`; hours and minutes have two digits each.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |part: &str| {
        let is_good = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        is_good.then(|| part.parse::<i8>().ok()).flatten()
    };
    Time::new(digits(hour)?, digits(minute)?, 0, 0).ok()
}

/// Reads the end of a window; `24:00` is the midnight after it.
fn end(text: &str) -> Option<Time> {
    if text == "24:00" { Some(Time::midnight()) } else { time(text) }
}

/// A range of dates, both ends included: `2026-10-01` or `2026-10-01..2026-10-07`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dates {
    first: Date,
    last: Date,
}

impl Dates {
    pub(crate) fn contain(self, day: Date) -> bool {
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
        parse().ok_or_else(|| {
            InvalidSchedule::new(text, "a date or dates, as in \"2026-10-01\" or \"2026-10-01..2026-10-07\"")
        })
    }
}

/// A date that counts as another day of the week: `2026-09-20` as a Monday, `2026-10-10 as Fri` as a Friday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnDate {
    /// The date that is worked although the week says otherwise.
    pub date: Date,
    /// The day of the week that it counts as.
    pub counts_as: Weekday,
}

impl FromStr for OnDate {
    type Err = InvalidSchedule;

    fn from_str(text: &str) -> Result<Self, InvalidSchedule> {
        let parse = || {
            let (day, counts_as) = match text.split_once(" as ") {
                Some((day, name)) => (day, weekday(name.trim())?),
                None => (text, Weekday::Monday),
            };
            Some(Self { date: date(day)?, counts_as })
        };
        parse().ok_or_else(|| {
            InvalidSchedule::new(text, "a date, as in \"2026-09-20\" (a Monday) or \"2026-10-10 as Fri\"")
        })
    }
}

/// Reads `2026-10-01`, and nothing longer: a time of day would be ignored.
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
            "Mon 07:00-07:00",
            "Mon 00:00-00:00",
        ] {
            assert!(text.parse::<Window>().is_err(), "{text}");
        }
        for text in ["", "2026-13-01", "2026-10-01T12:00", "2026-10-07..2026-10-01", "tomorrow"] {
            assert!(text.parse::<Dates>().is_err(), "{text}");
        }
        for text in ["", "2026-09-20..2026-09-21", "2026-09-20 as", "2026-09-20 as Friday", "Fri", "2026-09-20 Fri"] {
            assert!(text.parse::<OnDate>().is_err(), "{text}");
        }
        assert_eq!(
            "Mon 07:00-07:00".parse::<Window>().unwrap_err().to_string(),
            "\"Mon 07:00-07:00\" is not a window: it ends at the time at which it begins (a whole day is \"Mon 00:00-24:00\")"
        );
    }
}
