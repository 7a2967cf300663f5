//! One week of a schedule, ready to be drawn.

use flow_log::schedule::Schedule;
use jiff::{Timestamp, ToSpan as _, civil::Date};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The week of a schedule that a report was made in, from Monday to Sunday in the schedule's time zone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Week {
    /// The name of the schedule in the policy.
    pub name: String,
    /// Its time zone.
    pub time_zone: String,
    /// The moment that the report is about.
    pub now: Timestamp,
    /// Whether flow logs are on at that moment.
    pub is_on: bool,
    /// When that changes next, if it does within five weeks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Timestamp>,
    /// Seven days.
    pub days: Vec<Day>,
}

/// One day of a schedule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Day {
    /// The date.
    pub date: Date,
    /// When the day begins.
    pub from: Timestamp,
    /// When it ends. A day on which clocks change has 23 or 25 hours.
    pub to: Timestamp,
    /// The times of the day in which flow logs are on.
    pub on: Vec<Span>,
    /// What is special about the day, such as `off date`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<String>,
}

/// A time in which flow logs are on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// Its beginning.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
    /// The local time of its beginning, as in `07:00`.
    pub local_from: String,
    /// The local time of its end; `24:00` at the end of the day.
    pub local_to: String,
}

/// How far to look for the next change.
const MAX_DAYS_AHEAD: i64 = 35;

impl Week {
    /// The week of `schedule` that contains `now`. `None` at the ends of the calendar.
    #[must_use]
    pub fn of(name: &str, schedule: &Schedule, now: Timestamp) -> Option<Self> {
        let zone = &schedule.time_zone;
        let today = zone.to_datetime(now).date();
        let monday = today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).ok()?;
        let days: Option<Vec<_>> = monday.series(1.day()).take(7).map(|date| Day::of(schedule, date)).collect();
        let horizon = now.checked_add((MAX_DAYS_AHEAD * 24).hours()).ok()?;
        Some(Self {
            name: name.to_owned(),
            time_zone: zone.iana_name().unwrap_or("a zone without a name").to_owned(),
            now,
            is_on: schedule.is_on(now),
            next: schedule.transitions(now, horizon).first().map(|change| change.at),
            days: days?,
        })
    }

    /// For how many minutes of the week flow logs are on, and how many minutes it has.
    #[must_use]
    pub fn minutes(&self) -> (i64, i64) {
        let of = |from: Timestamp, to: Timestamp| to.duration_since(from).as_mins();
        let on = self.days.iter().flat_map(|day| &day.on).map(|span| of(span.from, span.to)).sum();
        (on, self.days.iter().map(|day| of(day.from, day.to)).sum())
    }
}

impl Day {
    fn of(schedule: &Schedule, date: Date) -> Option<Self> {
        let zone = &schedule.time_zone;
        let start = |day: Date| day.to_zoned(zone.clone()).ok()?.start_of_day().ok().map(|at| at.timestamp());
        let (from, to) = (start(date)?, start(date.tomorrow().ok()?)?);
        let local = |at: Timestamp| {
            if at == to { "24:00".to_owned() } else { zone.to_datetime(at).strftime("%H:%M").to_string() }
        };
        let mut on: Vec<Span> = Vec::new();
        let mut since = schedule.is_on(from).then_some(from);
        let ends = schedule.transitions(from, to).into_iter().map(|change| (change.at, change.is_on));
        for (at, is_on) in ends.chain([(to, false)]) {
            if let Some(began) = since {
                on.push(Span { from: began, to: at, local_from: local(began), local_to: local(at) });
            }
            since = is_on.then_some(at);
        }
        let mark = match schedule.weekday(date) {
            None => Some("off date".to_owned()),
            Some(weekday) if weekday != date.weekday() => {
                Some(format!("counts as {}", date_of(date, weekday)?.strftime("%a")))
            }
            Some(_) => None,
        };
        Some(Self { date, from, to, on, mark })
    }
}

/// The date of a weekday in the week of `date`, for its name.
fn date_of(date: Date, weekday: jiff::civil::Weekday) -> Option<Date> {
    date.nth_weekday(1, weekday).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::civil::Weekday;

    use super::*;

    fn office(zone: &str, on: &str) -> Schedule {
        Schedule {
            time_zone: flow_log::time_zone(zone).unwrap(),
            on: vec![on.parse().unwrap()],
            off_dates: vec!["2026-10-01..2026-10-07".parse().unwrap()],
            on_dates: BTreeMap::from([("2026-10-10".parse().unwrap(), Weekday::Friday)]),
        }
    }

    #[test]
    fn a_week_begins_on_monday_and_adds_up() {
        let week = Week::of("o", &office("Asia/Shanghai", "Mon-Fri 07:00-21:00"), "2026-11-26T00:00Z".parse().unwrap());
        let week = week.unwrap();
        assert_eq!(week.days[0].date.to_string(), "2026-11-23");
        assert_eq!(week.minutes(), (5 * 14 * 60, 7 * 24 * 60));
        assert_eq!((week.is_on, week.next), (true, Some("2026-11-26T13:00Z".parse().unwrap())));
        let monday = &week.days[0].on[0];
        assert_eq!((monday.local_from.as_str(), monday.local_to.as_str()), ("07:00", "21:00"));
    }

    #[test]
    fn a_night_ends_its_day_at_24_and_the_next_begins_at_0() {
        let week = Week::of("o", &office("UTC", "Mon 22:00-06:00"), "2026-11-26T00:00Z".parse().unwrap()).unwrap();
        let locals = |day: usize| week.days[day].on.iter().map(|s| format!("{}-{}", s.local_from, s.local_to));
        assert_eq!(locals(0).collect::<Vec<_>>(), ["22:00-24:00"]);
        assert_eq!(locals(1).collect::<Vec<_>>(), ["00:00-06:00"]);
    }

    #[test]
    fn special_dates_are_marked_and_a_change_of_clocks_makes_a_day_longer() {
        let shanghai = office("Asia/Shanghai", "Mon-Fri 07:00-21:00");
        let week = Week::of("o", &shanghai, "2026-10-08T00:00Z".parse().unwrap()).unwrap();
        let marks: Vec<_> = week.days.iter().map(|day| day.mark.as_deref().unwrap_or("-")).collect();
        assert_eq!(marks, ["off date", "off date", "off date", "-", "-", "counts as Fri", "-"]);
        let autumn = office("America/New_York", "Sun 00:00-24:00");
        let long = Week::of("o", &autumn, "2026-11-01T12:00Z".parse().unwrap()).unwrap();
        assert_eq!(long.minutes(), (25 * 60, (7 * 24 + 1) * 60));
    }
}
