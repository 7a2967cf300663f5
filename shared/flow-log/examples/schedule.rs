//! Shows when a schedule of a policy goes on and off, in its own time zone and in UTC, and how long it is on in total.
//!
//! ```sh
//! cargo run -p flow-log --example schedule -- policy.yml office-hours --from 2026-03-01 --days 14
//! ```

mod reading;

use std::{
    fmt::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::Parser;
use flow_log::{
    Policy,
    schedule::{Schedule, Transition},
};
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

use crate::reading::{Mistakes, local};

/// Tells when a schedule of a policy goes on and off.
#[derive(Parser)]
struct Arguments {
    /// The policy, YAML or JSON.
    policy: PathBuf,
    /// The name of one of its schedules.
    schedule: String,
    /// The first day, as in 2026-03-01: today, if it is not given.
    #[arg(long)]
    from: Option<Date>,
    /// How many days.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=3660))]
    days: u16,
}

fn main() -> ExitCode {
    reading::print(timetable(&Arguments::parse()).map(|timetable| timetable.to_string()))
}

/// A schedule over a number of days, from midnight to midnight.
struct Timetable {
    name: String,
    schedule: Schedule,
    days: u16,
    from: Timestamp,
    to: Timestamp,
}

fn timetable(arguments: &Arguments) -> Result<Timetable, Mistakes> {
    let mut policy = reading::policy(&arguments.policy)?;
    let schedule = policy.schedules.remove(&arguments.schedule).ok_or_else(|| vec![unknown(arguments, &policy)])?;
    let zone = &schedule.time_zone;
    let first = arguments.from.unwrap_or_else(|| zone.to_datetime(reading::now(None)).date());
    let midnight = |day: Result<Date, jiff::Error>| day.and_then(|day| Ok(day.to_zoned(zone.clone())?.timestamp()));
    let too_far = |error: jiff::Error| vec![format!("{} days from {first} are out of range: {error}", arguments.days)];
    let from = midnight(Ok(first)).map_err(too_far)?;
    let to = midnight(first.checked_add(i64::from(arguments.days).days())).map_err(too_far)?;
    Ok(Timetable { name: arguments.schedule.clone(), schedule, days: arguments.days, from, to })
}

fn unknown(arguments: &Arguments, policy: &Policy) -> String {
    let (path, name) = (arguments.policy.display(), &arguments.schedule);
    if ["always", "never"].contains(&name.as_str()) {
        return format!("{name} is no schedule of {path}: it is what it says, at all times");
    }
    let known: Vec<_> = policy.schedules.keys().map(String::as_str).collect();
    if known.is_empty() {
        format!("{path} has no schedule {name:?}: it has none at all")
    } else {
        format!("{path} has no schedule {name:?}: it has {}", known.join(", "))
    }
}

impl fmt::Display for Timetable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, schedule, days, from, to } = self;
        let zone = &schedule.time_zone;
        let days = if *days == 1 { "a day".to_owned() } else { format!("{days} days") };
        writeln!(f, "{name}, {days} from {} in {}\n", local(*from, zone), zone.iana_name().unwrap_or("UTC"))?;

        let mut edges = vec![Transition { at: *from, is_on: schedule.is_on(*from) }];
        edges.extend(schedule.transitions(*from, *to));
        let mut on = SignedDuration::ZERO;
        let mut lines = changes_of_clocks(zone, *from, *to);
        for (nth, edge) in edges.iter().enumerate() {
            let end = edges.get(nth + 1).map_or(*to, |next| next.at);
            let lasts = end.duration_since(edge.at);
            if edge.is_on {
                on += lasts;
            }
            let word = if edge.is_on { "on " } else { "off" };
            let line = format!("{word}  {}  {}  for {}", local(edge.at, zone), edge.at, hours(lasts));
            lines.push((edge.at, line));
        }
        // The sort is stable: at the same moment, the clock change comes first.
        lines.sort_by_key(|(at, _)| *at);
        lines.iter().try_for_each(|(_, line)| writeln!(f, "{line}"))?;

        let whole = to.duration_since(*from);
        let percent = 100.0 * (1.0 - on.as_secs_f64() / whole.as_secs_f64());
        writeln!(f, "\non for {} of {}: {percent:.0} % of the time nothing is recorded", hours(on), hours(whole))
    }
}

/// The moments at which the clocks change, each with a description of what happens to local time.
fn changes_of_clocks(zone: &TimeZone, from: Timestamp, to: Timestamp) -> Vec<(Timestamp, String)> {
    let found = zone.following(from).map(|change| change.timestamp()).take_while(|at| *at < to);
    found
        .filter_map(|at| {
            let (is, was) = (zone.to_offset(at), zone.to_offset(at - 1.second()));
            let [before, after] = [was, is].map(|offset| offset.to_datetime(at).strftime("%H:%M").to_string());
            let what = match is.cmp(&was) {
                std::cmp::Ordering::Greater => format!("{before} to {after} does not exist"),
                std::cmp::Ordering::Less => format!("{after} to {before} comes twice"),
                std::cmp::Ordering::Equal => return None,
            };
            Some((at, format!("     {}  {at}  clocks change: {what}", local(at, zone))))
        })
        .collect()
}

/// Formats a duration: `14 h`, `13 h 30 min`.
fn hours(duration: SignedDuration) -> String {
    let mut text = format!("{} h", duration.as_hours());
    let minutes = duration.as_mins() % 60;
    if minutes != 0 {
        _ = write!(text, " {minutes} min");
    }
    text
}
