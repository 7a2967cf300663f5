//! When flow logs are on: windows in the week of a time zone.
//!
//! A question of the moment, not of an edge: whoever asks late, twice or not at all changes nothing about the answer
//! to the next one.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp, ToSpan as _,
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
        window.days.contains(&day.weekday())
            && self.span(window, day).is_some_and(|(start, end)| start <= now && now < end)
    }

    /// From when to when the window is, if it begins on `day`.
    fn span(&self, window: &Window, day: Date) -> Option<(Timestamp, Timestamp)> {
        let end_day = if window.ends_next_day() { day.tomorrow().unwrap_or(day) } else { day };
        Some((self.at(day, window.from)?, self.at(end_day, window.to)?))
    }

    fn at(&self, day: Date, time: Time) -> Option<Timestamp> {
        self.time_zone.to_timestamp(day.to_datetime(time)).ok()
    }

    /// When flow logs go on and off after `from` and before `to`, in order.
    ///
    /// With [`Schedule::is_on`] at `from` this is all there is to know of the time from `from` to `to`: between two
    /// transitions nothing changes.
    #[must_use]
    pub fn transitions(&self, from: Timestamp, to: Timestamp) -> Vec<Transition> {
        let day = |at| self.time_zone.to_datetime(at).date();
        // The day before, for the window across midnight.
        let (first, last) = (day(from).yesterday().unwrap_or(day(from)), day(to));
        let days = first.series(1.day()).take_while(|day| *day <= last);
        let mut moments: Vec<_> = days
            .flat_map(|day| {
                let spans = self.on.iter().filter_map(move |window| self.span(window, day));
                // With the day changes which days are asked about, too.
                spans.flat_map(|(start, end)| [start, end]).chain(self.at(day, Time::midnight()))
            })
            .filter(|at| from < *at && *at < to)
            .collect();
        moments.sort_unstable();
        let mut was_on = self.is_on(from);
        let asked = moments.into_iter().map(|at| Transition { at, is_on: self.is_on(at) });
        asked.filter(|found| std::mem::replace(&mut was_on, found.is_on) != found.is_on).collect()
    }
}

/// A moment at which flow logs go on, or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// When.
    pub at: Timestamp,
    /// Whether they are on from then.
    pub is_on: bool,
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
    use proptest::prelude::*;

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
        let until = schedule("America/New_York", &["Sat 22:00-01:30"], &[]);
        let autumn = ["2026-11-01T01:29-04:00", "2026-11-01T01:30-04:00", "2026-11-01T01:29-05:00"];
        assert_eq!(answers(&until, autumn), [true, false, false], "it ends with the first, too");
    }

    fn told(schedule: &Schedule, from: &str, to: &str) -> Vec<String> {
        let found = schedule.transitions(from.parse().unwrap(), to.parse().unwrap());
        let local = |at: Timestamp| at.to_zoned(schedule.time_zone.clone()).strftime("%a %H:%M%:z").to_string();
        found.iter().map(|one| format!("{} {}", if one.is_on { "on" } else { "off" }, local(one.at))).collect()
    }

    #[test]
    fn windows_that_touch_or_overlap_are_one() {
        let on = ["Mon 09:00-12:00", "Mon 12:00-13:00", "Mon 10:00-18:00", "Tue 00:00-24:00", "Wed 00:00-01:00"];
        let schedule = schedule("Asia/Kolkata", &on, &[]);
        assert_eq!(
            told(&schedule, "2026-03-01T00:00+05:30", "2026-03-08T00:00+05:30"),
            ["on Mon 09:00+05:30", "off Mon 18:00+05:30", "on Tue 00:00+05:30", "off Wed 01:00+05:30"]
        );
    }

    #[test]
    fn over_a_change_of_clocks_it_goes_on_and_off_at_the_local_times() {
        let office = schedule("America/New_York", &["Fri,Mon 07:00-21:00", "Sun 02:30-04:00"], &[]);
        assert_eq!(
            told(&office, "2026-03-06T00:00-05:00", "2026-03-10T00:00-04:00"),
            [
                "on Fri 07:00-05:00",
                "off Fri 21:00-05:00",
                "on Sun 03:30-04:00",
                "off Sun 04:00-04:00",
                "on Mon 07:00-04:00",
                "off Mon 21:00-04:00",
            ]
        );
    }

    #[test]
    fn transitions_are_after_the_beginning_and_before_the_end() {
        let office = schedule("UTC", &["Mon 07:00-21:00"], &[]);
        assert!(told(&office, "2026-03-02T07:00Z", "2026-03-02T21:00Z").is_empty());
        let both = told(&office, "2026-03-02T06:59:59Z", "2026-03-02T21:00:01Z");
        assert_eq!(both, ["on Mon 07:00+00:00", "off Mon 21:00+00:00"]);
        assert!(told(&office, "2026-03-02T21:00Z", "2026-03-02T07:00Z").is_empty(), "an end before the beginning");
    }

    #[test]
    fn what_is_always_on_or_never_on_has_no_transitions() {
        let (from, to) = ("2026-01-01T00:00Z", "2027-01-01T00:00Z");
        assert!(told(&schedule("Europe/Berlin", &["Mon-Sun 00:00-24:00"], &[]), from, to).is_empty());
        assert!(told(&schedule("Europe/Berlin", &["Mon-Sun 08:00-08:00"], &["2020-01-01"]), from, to).is_empty());
        assert!(told(&schedule("Europe/Berlin", &[], &[]), from, to).is_empty());
        assert!(told(&schedule("UTC", &["Mon 08:00-09:00"], &["2025-12-01..2027-02-01"]), from, to).is_empty());
    }

    /// Schedules in zones with whole, half and quarter hours, some of which change their clocks; some at midnight.
    fn schedules() -> impl Strategy<Value = Schedule> {
        let zones =
            ["Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe", "UTC"];
        let days = ["Mon-Fri", "Sat,Sun", "Fri-Mon", "Sun", "Mon-Sun"];
        let time =
            || (0..24_u8, prop::sample::select(vec![0_u8, 1, 30, 59])).prop_map(|(h, m)| format!("{h:02}:{m:02}"));
        let window = (prop::sample::select(days.to_vec()), time(), time())
            .prop_map(|(days, from, to)| format!("{days} {from}-{to}"));
        let off = prop::sample::select(vec!["2026-03-08", "2026-03-27..2026-04-05", "2026-11-01"]);
        (prop::sample::select(zones.to_vec()), prop::collection::vec(window, 0..4), prop::collection::vec(off, 0..2))
            .prop_map(|(zone, on, off)| {
                let on: Vec<_> = on.iter().map(String::as_str).collect();
                schedule(zone, &on, &off)
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn transitions_tell_for_every_minute_what_the_schedule_says(
            schedule in schedules(),
            // About the changes of clocks of those zones.
            around in prop::sample::select(vec!["2026-03-08T00:00Z", "2026-04-04T12:00Z", "2026-04-24T00:00Z",
                "2026-10-03T12:00Z", "2026-10-30T00:00Z", "2026-11-01T00:00Z", "2026-07-01T00:00Z"]),
            minutes in 0..2_880_i64,
        ) {
            let from = around.parse::<Timestamp>().unwrap() - minutes.minutes();
            let to = from + 96.hours();
            let found = schedule.transitions(from, to);
            prop_assert!(found.iter().all(|one| from < one.at && one.at < to));
            let mut left = found.iter().peekable();
            let mut is_on = schedule.is_on(from);
            let mut minute = from;
            while minute < to {
                while let Some(next) = left.next_if(|next| next.at <= minute) {
                    prop_assert_ne!(next.is_on, is_on, "nothing changes at {}", next.at);
                    is_on = next.is_on;
                }
                prop_assert_eq!(schedule.is_on(minute), is_on, "at {}", minute);
                minute += 1.minute();
            }
        }
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
