//! A schedule over a month: minute by minute on each day's clock.

use flow_log::schedule::{Schedule, Transition};
use jiff::{
    SignedDuration, Timestamp, ToSpan as _,
    civil::{Date, Weekday},
    tz::TimeZone,
};

/// Minutes on a clock face of 24 hours.
const MINUTES: usize = 24 * 60;

/// A month of a schedule.
#[derive(Debug)]
pub(crate) struct Month {
    /// The name of the schedule.
    pub(crate) name: String,
    /// The first day that is drawn.
    pub(crate) first: Date,
    pub(crate) time_zone: String,
    pub(crate) days: Vec<Day>,
    /// How long it is on.
    pub(crate) on: SignedDuration,
    /// How long the month is.
    pub(crate) whole: SignedDuration,
}

/// A day of a schedule.
#[derive(Debug)]
pub(crate) struct Day {
    pub(crate) date: Date,
    /// What each minute of the clock is.
    minutes: Vec<Minute>,
    /// How long it is on.
    pub(crate) on: SignedDuration,
    /// The day of the week that it counts as, if that is another one. `Some(None)` if no window begins on it.
    pub(crate) counts_as: Option<Option<Weekday>>,
    /// What happens to the clocks.
    pub(crate) clock_changes: Vec<ClockChange>,
}

/// What the schedule is in a minute on the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Minute {
    /// The clocks skip it.
    Skipped,
    Off,
    On,
}

/// What the schedule is in some minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cell {
    /// The clocks skip all of them.
    Skipped,
    Off,
    /// On in some.
    Part,
    On,
}

/// A moment at which the clocks change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClockChange {
    pub(crate) at: Timestamp,
    /// What happens to local time, as in `02:00 to 03:00 does not exist`.
    pub(crate) what: String,
}

impl Month {
    /// The month that begins on `first`.
    pub(crate) fn new(name: &str, schedule: &Schedule, first: Date) -> Result<Self, jiff::Error> {
        let zone = &schedule.time_zone;
        let after = first.checked_add(1.month())?;
        let midnight = |date: Date| Ok::<_, jiff::Error>(date.to_zoned(zone.clone())?.timestamp());
        let (from, to) = (midnight(first)?, midnight(after)?);
        let spans = spans_on(schedule, from, to);
        let mut days = Vec::new();
        for date in first.series(1.day()).take_while(|date| *date < after) {
            days.push(Day::new(date, schedule, (midnight(date)?, midnight(date.tomorrow()?)?), &spans));
        }
        let on = days.iter().map(|day| day.on).sum();
        let time_zone = zone.iana_name().unwrap_or("UTC").to_owned();
        Ok(Self { name: name.to_owned(), first, time_zone, days, on, whole: to.duration_since(from) })
    }

    /// What it is called, as in `November 2026`.
    pub(crate) fn title(&self) -> String {
        self.first.strftime("%B %Y").to_string()
    }

    /// The summary below it.
    pub(crate) fn summary(&self) -> String {
        summary(self.on, self.whole)
    }
}

/// Says how long a schedule is on, and what part of the time it saves.
pub(crate) fn summary(on: SignedDuration, whole: SignedDuration) -> String {
    let percent = 100.0 * (1.0 - on.as_secs_f64() / whole.as_secs_f64());
    format!("on for {} of {}: {percent:.0} % of the time nothing is recorded", hours(on), hours(whole))
}

/// Formats a duration: `14 h`, `13 h 30 min`.
pub(crate) fn hours(duration: SignedDuration) -> String {
    match duration.as_mins() % 60 {
        0 => format!("{} h", duration.as_hours()),
        minutes => format!("{} h {minutes} min", duration.as_hours()),
    }
}

/// The times from `from` to `to` in which the schedule is on.
fn spans_on(schedule: &Schedule, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let mut edges = vec![Transition { at: from, is_on: schedule.is_on(from) }];
    edges.extend(schedule.transitions(from, to));
    let ends = edges.iter().skip(1).map(|edge| edge.at).chain([to]);
    edges.iter().zip(ends).filter(|(edge, _)| edge.is_on).map(|(edge, end)| (edge.at, end)).collect()
}

impl Day {
    fn new(
        date: Date,
        schedule: &Schedule,
        (from, to): (Timestamp, Timestamp),
        spans: &[(Timestamp, Timestamp)],
    ) -> Self {
        let zone = &schedule.time_zone;
        let clock_changes = clock_changes(zone, from, to);
        // Between two changes of the clocks local time runs evenly.
        let mut bounds = vec![from];
        bounds.extend(clock_changes.iter().map(|change| change.at).filter(|at| *at > from));
        bounds.push(to);
        let midnight = date.to_datetime(jiff::civil::Time::midnight());
        let mut minutes = vec![Minute::Skipped; MINUTES];
        let mut on = SignedDuration::ZERO;
        for even in bounds.windows(2) {
            let [start, end] = *even else { continue };
            let offset = zone.to_offset(start);
            let minute = |at: Timestamp| {
                let seconds = offset.to_datetime(at).duration_since(midnight).as_secs();
                usize::try_from(seconds / 60).unwrap_or_default().min(MINUTES)
            };
            let mut set = |first: Timestamp, last: Timestamp, is: Minute| {
                for found in &mut minutes[minute(first)..minute(last)] {
                    // What is on in one of two passes is on.
                    *found = if *found == Minute::On { Minute::On } else { is };
                }
            };
            set(start, end, Minute::Off);
            for (span_start, span_end) in spans {
                let (first, last) = (start.max(*span_start), end.min(*span_end));
                if first < last {
                    set(first, last, Minute::On);
                    on += last.duration_since(first);
                }
            }
        }
        let counted = schedule.weekday(date);
        let counts_as = (counted != Some(date.weekday())).then_some(counted);
        Self { date, minutes, on, counts_as, clock_changes }
    }

    /// The day in cells of equal length. `count` divides 1440.
    pub(crate) fn cells(&self, count: usize) -> Vec<Cell> {
        let cell = |minutes: &[Minute]| {
            let of = |is: Minute| minutes.iter().filter(|minute| **minute == is).count();
            match (of(Minute::On), of(Minute::Off)) {
                (0, 0) => Cell::Skipped,
                (0, _) => Cell::Off,
                (_, 0) => Cell::On,
                _ => Cell::Part,
            }
        };
        self.minutes.chunks(MINUTES / count).map(cell).collect()
    }

    /// The runs of minutes that are skipped, off or on: where each begins, and where it ends.
    pub(crate) fn runs(&self) -> Vec<(Cell, usize, usize)> {
        let mut runs: Vec<(Cell, usize, usize)> = Vec::new();
        for (nth, cell) in self.cells(MINUTES).into_iter().enumerate() {
            match runs.last_mut() {
                Some((last, _, end)) if *last == cell => *end = nth + 1,
                _ => runs.push((cell, nth, nth + 1)),
            }
        }
        runs
    }

    /// What is special about it, in a few words.
    pub(crate) fn mark(&self) -> Option<String> {
        self.counts_as.map(|counts_as| match counts_as {
            Some(weekday) => format!("counts as {}", short(weekday)),
            None => "off date".to_owned(),
        })
    }
}

/// The three letters of a weekday, as policies write them.
pub(crate) const fn short(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    }
}

/// The moments at which the clocks change, from `from` and before `to`.
pub(crate) fn clock_changes(zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<ClockChange> {
    // A change at the very beginning, for zones that change at midnight.
    let found = zone.following(from - 1.second()).map(|change| change.timestamp()).take_while(|at| *at < to);
    found
        .filter_map(|at| {
            let (is, was) = (zone.to_offset(at), zone.to_offset(at - 1.second()));
            let [before, after] = [was, is].map(|offset| offset.to_datetime(at).strftime("%H:%M").to_string());
            let what = match is.cmp(&was) {
                std::cmp::Ordering::Greater => format!("{before} to {after} does not exist"),
                std::cmp::Ordering::Less => format!("{after} to {before} comes twice"),
                std::cmp::Ordering::Equal => return None,
            };
            Some(ClockChange { at, what })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn month(zone: &str, on: &str, first: &str) -> Month {
        let schedule = Schedule {
            time_zone: flow_log::time_zone(zone).unwrap(),
            on: vec![on.parse().unwrap()],
            off_dates: vec!["2026-10-01..2026-10-07".parse().unwrap()],
            on_dates: [("2026-10-10".parse().unwrap(), Weekday::Friday)].into_iter().collect(),
        };
        Month::new("x", &schedule, first.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_month_has_all_its_days_and_adds_up() {
        let month = month("Asia/Shanghai", "Mon-Fri 07:00-21:00", "2026-10-01");
        assert_eq!((month.days.len(), month.title().as_str()), (31, "October 2026"));
        // 22 weekdays, without five of the holidays, with a Saturday that is worked.
        assert_eq!(month.on, SignedDuration::from_hours((22 - 5 + 1) * 14));
        assert_eq!(month.whole, SignedDuration::from_hours(31 * 24));
        let marks: Vec<_> = month.days.iter().filter_map(Day::mark).collect();
        assert_eq!(marks[..2], ["off date", "off date"]);
        assert_eq!((marks.len(), marks[7].as_str()), (8, "counts as Fri"));
    }

    #[test]
    fn cells_say_what_part_of_them_is_on() {
        let month = month("Asia/Shanghai", "Mon-Fri 07:15-21:00", "2026-11-01");
        let monday = month.days[1].cells(24);
        assert_eq!((monday[6], monday[7], monday[8], monday[21]), (Cell::Off, Cell::Part, Cell::On, Cell::Off));
        let runs = month.days[1].runs();
        assert_eq!(runs, [(Cell::Off, 0, 435), (Cell::On, 435, 1260), (Cell::Off, 1260, 1440)]);
    }

    #[test]
    fn a_day_on_which_the_clocks_change_has_a_gap_or_an_hour_twice() {
        let spring = month("America/New_York", "Sun 00:00-24:00", "2026-03-01");
        let short = &spring.days[7];
        assert_eq!(short.on, SignedDuration::from_hours(23));
        assert_eq!(short.runs(), [(Cell::On, 0, 120), (Cell::Skipped, 120, 180), (Cell::On, 180, 1440)]);
        assert_eq!(short.clock_changes[0].what, "02:00 to 03:00 does not exist");
        let autumn = month("America/New_York", "Sun 00:00-01:30", "2026-11-01");
        let long = &autumn.days[0];
        assert_eq!(long.on, SignedDuration::from_mins(90), "it ends with the first 01:30");
        assert_eq!(long.runs(), [(Cell::On, 0, 90), (Cell::Off, 90, 1440)]);
        assert_eq!(long.clock_changes[0].what, "01:00 to 02:00 comes twice");
    }

    #[test]
    fn a_day_whose_midnight_is_skipped_begins_later() {
        // In Beirut clocks go from 00:00 to 01:00 on the last Sunday in March.
        let month = month("Asia/Beirut", "Sun 00:00-24:00", "2026-03-01");
        let day = &month.days[28];
        assert_eq!(day.runs(), [(Cell::Skipped, 0, 60), (Cell::On, 60, 1440)]);
        assert_eq!(day.clock_changes.len(), 1, "{:?}", day.clock_changes);
        assert!(month.days[27].clock_changes.is_empty());
    }
}
