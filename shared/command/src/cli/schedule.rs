//! `flowkeeper schedule`.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use flow_log::{
    Policy,
    schedule::{Schedule, Transition},
};
use jiff::{SignedDuration, Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde_json::json;

use crate::{
    calendar::{Month, clock_changes, hours, summary},
    columns::{hanging, marked, wrapped},
    context::Context,
    failure::Failure,
    month_svg, month_text,
    policy_file::{DEFAULT, PolicyFile},
    style::{BOLD, DIM, GREEN},
};

const EXAMPLES: &str = "\
Examples:
  flowkeeper schedule office-hours --days 7
  flowkeeper schedule office-hours --month 2026-11
  flowkeeper schedule office-hours --month 2026-11 --svg november.svg";

/// The columns of a word before a time.
const MARK: usize = 5;
/// The version of the JSON.
const JSON_VERSION: u8 = 1;

/// Show when a schedule is on: a list, a month, a picture.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ScheduleOf {
    /// Name of a schedule in the policy
    name: String,
    /// Policy, YAML or JSON; - for stdin
    #[arg(long, default_value = DEFAULT, value_name = "FILE")]
    policy: PathBuf,
    /// First day of the list, as in 2026-03-01; today by default
    #[arg(long, value_name = "DATE", value_parser = day)]
    from: Option<Date>,
    /// Days of the list
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u16).range(1..=3660))]
    days: u16,
    /// Draw this month instead, as in 2026-11
    #[arg(long, conflicts_with_all = ["from", "days"], value_parser = month)]
    month: Option<Date>,
    /// Write the month into a picture; by default this month
    #[arg(long, conflicts_with_all = ["from", "days"], value_name = "FILE")]
    svg: Option<PathBuf>,
    /// Form of the list: table, json or csv
    #[arg(long, value_enum, default_value_t, value_name = "FORM", hide_possible_values = true)]
    #[arg(hide_default_value = true, conflicts_with_all = ["month", "svg"])]
    output: Output,
}

/// The form of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For spreadsheets.
    Csv,
}

/// Reads a day.
fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "a day is a year, a month and a day, as in 2026-03-01".to_owned())
}

/// Reads a month: its first day.
fn month(text: &str) -> Result<Date, String> {
    let is_month = text.len() == 7 && text.as_bytes()[4] == b'-';
    let first = is_month.then(|| format!("{text}-01").parse().ok()).flatten();
    first.ok_or_else(|| "a month is a year and a month, as in 2026-11".to_owned())
}

impl ScheduleOf {
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut policy = PolicyFile::read(&self.policy)?.policy(&context.terminal)?;
        let Some(schedule) = policy.schedules.remove(&self.name) else { return Err(self.unknown(&policy)) };
        let today = schedule.time_zone.to_datetime(context.now()).date();
        if self.month.is_some() || self.svg.is_some() {
            return self.draw(context, &schedule, self.month.unwrap_or_else(|| today.first_of_month()));
        }
        let list = self.list(&schedule, self.from.unwrap_or(today))?;
        let terminal = &context.terminal;
        match self.output {
            Output::Table => terminal.print(&list.table(terminal.cut_at())),
            Output::Json => terminal.print_data(&list.json()),
            Output::Csv => terminal.print_data(&list.csv()),
        }
    }

    fn unknown(&self, policy: &Policy) -> Failure {
        let (path, name) = (self.policy.display(), &self.name);
        if ["always", "never"].contains(&name.as_str()) {
            let message = format!("{name} is no schedule of {path}: it is what it says, at all times");
            return Failure::usage(message, "name one of the policy's schedules");
        }
        let known: Vec<_> = policy.schedules.keys().map(String::as_str).collect();
        if known.is_empty() {
            let message = format!("{path} has no schedule {name:?}: it has none at all");
            return Failure::usage(message, "add one; docs/policy.md has examples");
        }
        let known = known.join(", ");
        Failure::usage(format!("{path} has no schedule {name:?}: it has {known}"), "name one of these")
    }

    fn draw(&self, context: &Context, schedule: &Schedule, first: Date) -> Result<(), Failure> {
        let month = Month::new(&self.name, schedule, first).map_err(|error| {
            Failure::usage(format!("the month of {first} cannot be drawn: {error}"), "name another")
        })?;
        let Some(file) = &self.svg else {
            let terminal = &context.terminal;
            return terminal.print(&month_text::draw(&month, terminal.cut_at(), terminal.is_dumb));
        };
        let svg = month_svg::draw(&month);
        if file == Path::new("-") {
            return context.terminal.print_data(&svg);
        }
        fs::write(file, svg).map_err(|error| {
            Failure::failed(format!("{} cannot be written: {error}", file.display()), "name a file that can be written")
        })?;
        context.terminal.note(format_args!("{} of {} is in {}", month.title(), self.name, file.display()));
        Ok(())
    }

    fn list<'a>(&'a self, schedule: &'a Schedule, first: Date) -> Result<List<'a>, Failure> {
        let zone = &schedule.time_zone;
        let midnight = |day: Result<Date, jiff::Error>| day.and_then(|day| Ok(day.to_zoned(zone.clone())?.timestamp()));
        let too_far = |error: jiff::Error| {
            Failure::usage(format!("{} days from {first} are out of range: {error}", self.days), "begin earlier")
        };
        let from = midnight(Ok(first)).map_err(too_far)?;
        let to = midnight(first.checked_add(i64::from(self.days).days())).map_err(too_far)?;
        let mut edges = vec![Transition { at: from, is_on: schedule.is_on(from) }];
        edges.extend(schedule.transitions(from, to));
        Ok(List { name: &self.name, zone, days: self.days, from, to, edges })
    }
}

/// A schedule over a number of days, from midnight to midnight.
struct List<'a> {
    name: &'a str,
    zone: &'a TimeZone,
    days: u16,
    from: Timestamp,
    to: Timestamp,
    edges: Vec<Transition>,
}

impl List<'_> {
    /// Each time in which it is on or off, and how long that is.
    fn spans(&self) -> impl Iterator<Item = (Transition, SignedDuration)> {
        let ends = self.edges.iter().skip(1).map(|edge| edge.at).chain([self.to]);
        self.edges.iter().zip(ends).map(|(edge, end)| (*edge, end.duration_since(edge.at)))
    }

    fn on(&self) -> SignedDuration {
        self.spans().filter(|(edge, _)| edge.is_on).map(|(_, lasts)| lasts).sum()
    }

    fn table(&self, columns: Option<usize>) -> String {
        let Self { name, zone, days, from, to, .. } = self;
        let days = if *days == 1 { "a day".to_owned() } else { format!("{days} days") };
        let zone_name = zone.iana_name().unwrap_or("UTC");
        let title = format!("{name}, {days} from {} in {zone_name}", local(*from, zone));
        let mut text = hanging(&title, 0, columns).replacen(&**name, &format!("{BOLD}{name}{BOLD:#}"), 1) + "\n";
        let mut lines: Vec<_> = clock_changes(zone, *from, *to)
            .into_iter()
            .map(|change| {
                let said = format!("{}  {}  clocks change: {}", local(change.at, zone), change.at, change.what);
                (change.at, wrapped(&said, MARK, columns))
            })
            .collect();
        lines.extend(self.spans().map(|(edge, lasts)| {
            let (word, style) = if edge.is_on { ("on", GREEN) } else { ("off", DIM) };
            let times = format!("{}  {}  for {}", local(edge.at, zone), edge.at, hours(lasts));
            (edge.at, marked(style, word, MARK, &times, columns))
        }));
        // The sort is stable: at the same moment, the clock change comes first.
        lines.sort_by_key(|(at, _)| *at);
        text.extend(lines.into_iter().map(|(_, line)| line));
        text + "\n" + &hanging(&summary(self.on(), to.duration_since(*from)), 0, columns)
    }

    fn json(&self) -> String {
        let Self { name, zone, from, to, .. } = self;
        let spans: Vec<_> = self
            .spans()
            .map(|(edge, lasts)| {
                let zoned = edge.at.to_zoned((*zone).clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
                json!({"is_on": edge.is_on, "at": edge.at.to_string(), "local": zoned, "seconds": lasts.as_secs()})
            })
            .collect();
        let changes: Vec<_> = clock_changes(zone, *from, *to)
            .into_iter()
            .map(|change| json!({"at": change.at.to_string(), "what": change.what}))
            .collect();
        let value = json!({
            "version": JSON_VERSION,
            "schedule": name,
            "time_zone": zone.iana_name(),
            "from": from.to_string(),
            "to": to.to_string(),
            "spans": spans,
            "clock_changes": changes,
            "seconds_on": self.on().as_secs(),
        });
        format!("{value:#}\n")
    }

    fn csv(&self) -> String {
        let mut text = "state,at,local,seconds\n".to_owned();
        for (edge, lasts) in self.spans() {
            let state = if edge.is_on { "on" } else { "off" };
            _ = writeln!(text, "{state},{},{},{}", edge.at, local(edge.at, self.zone), lasts.as_secs());
        }
        text
    }
}

/// Formats a time in a zone, with day of the week and offset.
pub(crate) fn local(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%a %Y-%m-%d %H:%M %:z").to_string()
}
