//! When flow logs are on: weekly windows in a time zone.
//!
//! The answer depends only on the moment, not on earlier calls: asking late, twice or never does not change the next
//! answer.

mod notation;

use std::collections::BTreeMap;

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, DateTime, Time, Weekday},
    tz::{AmbiguousOffset, TimeZone},
};
pub(crate) use notation::DAYS;
pub use notation::{Dates, InvalidSchedule, OnDate, Window};

/// When flow logs are on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The time zone of the windows and dates.
    pub time_zone: TimeZone,
    /// Flow logs are on during each of these.
    pub on: Vec<Window>,
    /// No window begins on these dates.
    pub off_dates: Vec<Dates>,
    /// These dates count as the given day of the week.
    pub on_dates: BTreeMap<Date, Weekday>,
}

impl Schedule {
    /// Whether flow logs are on at `now`.
    ///
    /// A window across midnight belongs to the day on which it begins. If clocks skip the time at which a window
    /// begins, it begins when they change; if they skip the whole window, it keeps its length from there. A window that
    /// only ends in skipped time ends later by as much as is skipped. A time that occurs twice means its first
    /// occurrence.
    #[must_use]
    pub fn is_on(&self, now: Timestamp) -> bool {
        let today = self.time_zone.to_datetime(now).date();
        // Yesterday as well, for a window across midnight.
        let days = [today.yesterday().ok(), Some(today)];
        days.into_iter().flatten().any(|day| {
            self.weekday(day).is_some_and(|weekday| {
                self.on.iter().any(|window| window.days.contains(&weekday) && self.covers(window, day, now))
            })
        })
    }

    /// The day of the week that `day` counts as; `None` if no window begins on it.
    #[must_use]
    pub fn weekday(&self, day: Date) -> Option<Weekday> {
        let is_off = self.off_dates.iter().any(|dates| dates.contain(day));
        (!is_off).then(|| self.on_dates.get(&day).copied().unwrap_or_else(|| day.weekday()))
    }

    fn covers(&self, window: &Window, day: Date, now: Timestamp) -> bool {
        self.span(window, day).is_some_and(|(start, end)| start <= now && now < end)
    }

    /// When the window begins and ends, if it begins on `day`.
    fn span(&self, window: &Window, day: Date) -> Option<(Timestamp, Timestamp)> {
        let end_day = if window.ends_next_day() { day.tomorrow().unwrap_or(day) } else { day };
        let (from, to) = (day.to_datetime(window.from), end_day.to_datetime(window.to));
        let end = self.time_zone.to_timestamp(to).ok()?;
        let Some(start) = self.end_of_gap(from) else { return Some((self.time_zone.to_timestamp(from).ok()?, end)) };
        let is_skipped = end <= start || self.end_of_gap(to) == Some(start);
        Some((start, if is_skipped { start.checked_add(to.duration_since(from)).ok()? } else { end }))
    }

    /// When the clocks change that skip this local time; `None` if it is not skipped.
    fn end_of_gap(&self, local: DateTime) -> Option<Timestamp> {
        let local = self.time_zone.to_ambiguous_timestamp(local);
        let AmbiguousOffset::Gap { after, .. } = local.offset() else { return None };
        // Read with the offset after the change, this local time lies before the change; read with the offset before
        // it, it lies after.
        let (before_change, after_change) = (local.earlier().ok()?, local.later().ok()?);
        let mut changes =
            self.time_zone.following(before_change).take_while(|change| change.timestamp() <= after_change);
        changes.find(|change| change.offset() == after).map(|change| change.timestamp()).or(Some(after_change))
    }

    fn at(&self, day: Date, time: Time) -> Option<Timestamp> {
        self.time_zone.to_timestamp(day.to_datetime(time)).ok()
    }

    /// Returns when flow logs go on and off, after `from` and before `to`, in order.
    ///
    /// Together with [`Schedule::is_on`] at `from`, this describes the whole time from `from` to `to`: nothing changes
    /// between two transitions.
    #[must_use]
    pub fn transitions(&self, from: Timestamp, to: Timestamp) -> Vec<Transition> {
        let date = |at| self.time_zone.to_datetime(at).date();
        // The day before as well, for a window across midnight.
        let (first, last) = (date(from).yesterday().unwrap_or(date(from)), date(to));
        let days = first.series(1.day()).take_while(|day| *day <= last);
        let mut moments: Vec<_> = days
            .flat_map(|day| {
                let spans = self.on.iter().filter_map(move |window| self.span(window, day));
                // At midnight, `is_on` starts to look at other days, so its answer may change there as well.
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

/// A moment at which flow logs go on or off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// When the switch happens.
    pub at: Timestamp,
    /// Whether they are on from then.
    pub is_on: bool,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{notation::weekday, *};

    fn schedule(zone: &str, on: &[&str], off_dates: &[&str]) -> Schedule {
        Schedule {
            time_zone: TimeZone::get(zone).unwrap(),
            on: on.iter().map(|text| text.parse().unwrap()).collect(),
            off_dates: off_dates.iter().map(|text| text.parse().unwrap()).collect(),
            on_dates: BTreeMap::new(),
        }
    }

    /// The same schedule, with dates that count as other days.
    fn working(schedule: Schedule, on_dates: &[&str]) -> Schedule {
        let on_dates = on_dates.iter().map(|text| text.parse::<OnDate>().unwrap());
        Schedule { on_dates: on_dates.map(|on| (on.date, on.counts_as)).collect(), ..schedule }
    }

    /// Whether the schedule is on at these times.
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
            ["2026-03-08T01:59:59-05:00", "2026-03-08T03:00-04:00", "2026-03-08T03:30-04:00", "2026-03-08T04:00-04:00"];
        assert_eq!(answers(&early, spring), [false, true, true, false]);
        let late = schedule("America/New_York", &["Sun 01:30-03:00"], &[]);
        let autumn =
            ["2026-11-01T01:29-04:00", "2026-11-01T01:30-04:00", "2026-11-01T01:00-05:00", "2026-11-01T02:59-05:00"];
        assert_eq!(answers(&late, autumn), [false, true, true, true]);
        let until = schedule("America/New_York", &["Sat 22:00-01:30"], &[]);
        let repeated = ["2026-11-01T01:29-04:00", "2026-11-01T01:30-04:00", "2026-11-01T01:29-05:00"];
        assert_eq!(answers(&until, repeated), [true, false, false], "it ends with the first, too");
    }

    fn told(schedule: &Schedule, from: &str, to: &str) -> Vec<String> {
        let found = schedule.transitions(from.parse().unwrap(), to.parse().unwrap());
        let local = |at: Timestamp| at.to_zoned(schedule.time_zone.clone()).strftime("%a %H:%M%:z").to_string();
        found.iter().map(|one| format!("{} {}", if one.is_on { "on" } else { "off" }, local(one.at))).collect()
    }

    #[test]
    fn a_window_that_begins_in_a_skipped_hour_begins_when_that_hour_would_have_ended() {
        for (zone, window, from, to, transitions) in [
            (
                "Europe/Paris",
                "Sun 02:30-03:30",
                "2026-03-28T00:00+01:00",
                "2026-03-30T00:00+02:00",
                ["on Sun 03:00+02:00", "off Sun 03:30+02:00"],
            ),
            (
                "America/New_York",
                "Sun 02:30-03:15",
                "2026-03-07T00:00-05:00",
                "2026-03-09T00:00-04:00",
                ["on Sun 03:00-04:00", "off Sun 03:15-04:00"],
            ),
            (
                "America/New_York",
                "Sun 02:15-02:45",
                "2026-03-07T00:00-05:00",
                "2026-03-09T00:00-04:00",
                ["on Sun 03:00-04:00", "off Sun 03:30-04:00"],
            ),
            // Its end is the end of the skipped hour, so it begins there.
            (
                "Europe/Paris",
                "Sun 02:50-03:00",
                "2026-03-28T00:00+01:00",
                "2026-03-30T00:00+02:00",
                ["on Sun 03:00+02:00", "off Sun 03:10+02:00"],
            ),
            // Half an hour is skipped.
            (
                "Australia/Lord_Howe",
                "Sun 02:10-02:20",
                "2026-10-03T00:00+10:30",
                "2026-10-05T00:00+11:00",
                ["on Sun 02:30+11:00", "off Sun 02:40+11:00"],
            ),
            // Midnight itself is skipped.
            (
                "Africa/Cairo",
                "Fri 00:00-08:00",
                "2026-04-23T00:00+02:00",
                "2026-04-25T00:00+03:00",
                ["on Fri 01:00+03:00", "off Fri 08:00+03:00"],
            ),
        ] {
            assert_eq!(told(&schedule(zone, &[window], &[]), from, to), transitions, "{zone} {window}");
        }
    }

    #[test]
    fn a_working_day_counts_as_a_monday_or_as_the_day_that_it_names() {
        let office =
            schedule("Asia/Shanghai", &["Mon-Thu 07:00-21:00", "Fri 07:00-18:00"], &["2026-10-01..2026-10-07"]);
        let sunday = ["2026-09-20T06:59+08", "2026-09-20T07:00+08", "2026-09-20T20:59+08", "2026-09-20T21:00+08"];
        let saturday = ["2026-10-10T07:00+08", "2026-10-10T17:59+08", "2026-10-10T18:00+08"];
        assert_eq!((answers(&office, sunday), answers(&office, saturday)), ([false; 4], [false; 3]), "weekends");
        let moved = working(office, &["2026-09-20", "2026-10-10 as Fri"]);
        assert_eq!(answers(&moved, sunday), [false, true, true, false]);
        assert_eq!(answers(&moved, saturday), [true, true, false]);
        assert_eq!(answers(&moved, ["2026-10-05T12:00+08", "2026-09-27T12:00+08"]), [false, false], "as before");
        assert_eq!(
            told(&moved, "2026-09-19T00:00+08", "2026-09-21T00:00+08"),
            ["on Sun 07:00+08:00", "off Sun 21:00+08:00"]
        );
        let off = working(schedule("UTC", &["Mon-Fri 07:00-21:00"], &[]), &["2026-10-09 as Sun"]);
        assert_eq!(answers(&off, ["2026-10-09T12:00Z"]), [false], "a Friday that counts as a Sunday");
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
                "on Sun 03:00-04:00",
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
        let day_and_night = schedule("Europe/Berlin", &["Mon-Sun 08:00-20:00", "Mon-Sun 20:00-08:00"], &["2020-01-01"]);
        assert!(told(&day_and_night, from, to).is_empty());
        assert!(told(&schedule("Europe/Berlin", &[], &[]), from, to).is_empty());
        assert!(told(&schedule("UTC", &["Mon 08:00-09:00"], &["2025-12-01..2027-02-01"]), from, to).is_empty());
    }

    /// Schedules in zones with whole, half and quarter hour offsets. Some of the zones change their clocks, some of
    /// those at midnight.
    fn schedules() -> impl Strategy<Value = Schedule> {
        let zones =
            ["Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "Africa/Cairo", "Australia/Lord_Howe", "UTC"];
        let days = ["Mon-Fri", "Sat,Sun", "Fri-Mon", "Sun", "Mon-Sun"];
        let time =
            || (0..24_u8, prop::sample::select(vec![0_u8, 1, 30, 59])).prop_map(|(h, m)| format!("{h:02}:{m:02}"));
        let window = (prop::sample::select(days.to_vec()), time(), time())
            .prop_filter("it ends when it begins", |(_, from, to)| from != to)
            .prop_map(|(days, from, to)| format!("{days} {from}-{to}"));
        let off = prop::sample::select(vec!["2026-03-08", "2026-03-27..2026-04-05", "2026-11-01"]);
        let on_date = prop::sample::select(vec!["2026-03-07", "2026-03-09 as Fri", "2026-07-01 as Sun", "2026-10-31"]);
        let (windows, off, on_dates) = (
            prop::collection::vec(window, 0..4),
            prop::collection::vec(off, 0..2),
            prop::collection::vec(on_date, 0..3),
        );
        (prop::sample::select(zones.to_vec()), windows, off, on_dates).prop_map(|(zone, on, off, on_dates)| {
            let on: Vec<_> = on.iter().map(String::as_str).collect();
            working(schedule(zone, &on, &off), &on_dates)
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn transitions_tell_for_every_minute_what_the_schedule_says(
            schedule in schedules(),
            // Around the clock changes of those zones.
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

    proptest! {
        #[test]
        fn no_window_is_lost_to_the_clocks(
            // Days on which clocks skip part of the night.
            (zone, date) in prop::sample::select(vec![("Europe/Paris", "2026-03-29"), ("America/New_York", "2026-03-08"),
                ("Australia/Lord_Howe", "2026-10-04"), ("Africa/Cairo", "2026-04-24"), ("Asia/Beirut", "2026-03-29")]),
            from in 0..300_i64,
            length in 1..120_i64,
        ) {
            let day: Date = date.parse().unwrap();
            let time = |minutes: i64| (day.to_datetime(Time::midnight()) + minutes.minutes()).strftime("%H:%M").to_string();
            let schedule = schedule(zone, &[&format!("Mon-Sun {}-{}", time(from), time(from + length))], &[]);
            let (start, end) = schedule.span(&schedule.on[0], day).unwrap();
            prop_assert!(start < end && schedule.is_on(start), "{start} to {end}");
            // It begins at its local time, or at the end of the gap that contains it.
            let local = schedule.time_zone.to_datetime(start);
            let meant = day.to_datetime(Time::midnight()) + from.minutes();
            prop_assert!(local >= meant, "{local}");
            let just_before = schedule.time_zone.to_datetime(start - 1.second());
            prop_assert!(local == meant || just_before < meant, "{just_before} and {local}");
        }

        #[test]
        fn a_day_that_counts_as_another_has_the_windows_of_that_one(
            days in prop::sample::select(vec!["Mon", "Tue-Thu", "Fri-Mon", "Sat"]),
            (from, to) in (0..23_u8).prop_flat_map(|from| (Just(from), from + 1..24)),
            date in 0..700_i64,
            counts_as in prop::sample::select(vec!["Mon", "Wed", "Fri", "Sun"]),
            minute in 0..1440_i64,
        ) {
            let plain = schedule("Asia/Kolkata", &[&format!("{days} {from:02}:00-{to:02}:00")], &[]);
            let date = Date::constant(2026, 1, 1) + date.days();
            let moved = working(plain.clone(), &[&format!("{date} as {counts_as}")]);
            let twin = date.series(1.day()).find(|day| Some(day.weekday()) == weekday(counts_as)).unwrap();
            let on = |schedule: &Schedule, day: Date| {
                schedule.is_on(day.to_zoned(schedule.time_zone.clone()).unwrap().timestamp() + minute.minutes())
            };
            prop_assert_eq!(on(&moved, date), on(&plain, twin), "{} as {}", date, twin);
            let other = date.tomorrow().unwrap();
            prop_assert_eq!(on(&moved, other), on(&plain, other), "the day after is what it was");
        }
    }
}
