//! When a timer fires: six cron fields, optionally after a time zone, or `@every` and a duration.

use croner::{
    Cron,
    parser::{CronParser, Seconds},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

/// The names that are allowed besides numbers in each field; only the last two, month and weekday, have any.
const NAMES: [&[&str]; 6] = [
    &[],
    &[],
    &[],
    &[],
    &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
];

/// The schedule of a timer.
#[derive(Debug, Clone)]
pub struct Schedule {
    text: String,
    rule: Rule,
}

#[derive(Debug, Clone)]
enum Rule {
    Every(SignedDuration),
    Cron(Box<Cron>, TimeZone),
}

impl Schedule {
    /// Parses a cron expression of Function Compute, such as `CRON_TZ=Asia/Shanghai 0 0 4 * * *` or `@every 1h`.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let rule = match text.strip_prefix("@every ") {
            Some(duration) => Rule::Every(every(duration)?),
            None => {
                let (zone, fields) = match text.strip_prefix("CRON_TZ=") {
                    Some(zoned) => zoned.split_once(' ').ok_or_else(|| format!("{text:?} has no fields"))?,
                    None => ("UTC", text),
                };
                let zone = TimeZone::get(zone).map_err(|_| format!("{zone:?} is not a time zone"))?;
                Rule::Cron(Box::new(cron(fields)?), zone)
            }
        };
        Ok(Self { text: text.to_owned(), rule })
    }

    /// Returns the expression as it was written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the first time after `moment` at which it fires. An interval counts from `moment`.
    #[must_use]
    pub fn next_after(&self, moment: Timestamp) -> Option<Timestamp> {
        match &self.rule {
            Rule::Every(interval) => moment.checked_add(*interval).ok(),
            Rule::Cron(cron, zone) => {
                let next = cron.find_next_occurrence(&moment.to_zoned(zone.clone()), false);
                next.ok().map(|next| next.timestamp())
            }
        }
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

fn every(text: &str) -> Result<SignedDuration, String> {
    let is_plain = text.chars().all(|c| c.is_ascii_digit() || "hms".contains(c));
    let interval = text.parse::<SignedDuration>().ok().filter(|interval| is_plain && interval.as_secs() > 0);
    interval.ok_or_else(|| format!("{text:?} is not an interval such as 1h30m"))
}

fn cron(text: &str) -> Result<Cron, String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != NAMES.len() {
        return Err(format!("{text:?} has {} fields, not the six from second to weekday", fields.len()));
    }
    // The library accepts more than Function Compute documents, such as the last day of a month.
    let is_plain = |names: &[&str], word: &str| {
        word == "*"
            || word == "?"
            || (!word.is_empty() && word.chars().all(|c| c.is_ascii_digit()))
            || names.contains(&word.to_uppercase().as_str())
    };
    let is_odd = |(field, names): &(&&str, &&[&str])| !field.split([',', '-', '/']).all(|word| is_plain(names, word));
    if let Some((odd, _)) = fields.iter().zip(&NAMES).find(is_odd) {
        return Err(format!("{odd:?} contains more than numbers, names, * ? , - and /"));
    }
    let parser = CronParser::builder().seconds(Seconds::Required).build();
    parser.parse(text).map_err(|error| format!("{text:?}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(expression: &str, moment: &str) -> String {
        let next = Schedule::parse(expression).unwrap().next_after(moment.parse().unwrap());
        next.map_or_else(|| "never".to_owned(), |next| next.to_string())
    }

    #[test]
    fn the_next_moment_is_that_of_the_fields_in_their_time_zone() {
        for (expression, moment, expected) in [
            ("0 0 4 * * *", "2026-03-01T04:00:00Z", "2026-03-02T04:00:00Z"),
            ("0 0 4 * * *", "2026-03-01T03:59:59.5Z", "2026-03-01T04:00:00Z"),
            ("30 */10 * * * *", "2026-03-01T04:00:30Z", "2026-03-01T04:10:30Z"),
            ("CRON_TZ=Asia/Shanghai 0 0 4 * * *", "2026-03-01T04:00:00Z", "2026-03-01T20:00:00Z"),
            ("CRON_TZ=Asia/Shanghai 0 0 4 1 * *", "2026-03-01T04:00:00Z", "2026-03-31T20:00:00Z"),
            ("CRON_TZ=Asia/Shanghai 0 0 7 ? * MON-FRI", "2026-03-06T00:00:00Z", "2026-03-08T23:00:00Z"),
            // The hour that the switch to summer time skips, and the one that the switch back repeats.
            ("CRON_TZ=Europe/Berlin 0 30 2 * * *", "2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z"),
            ("0 0 0 30 2 *", "2026-03-01T00:00:00Z", "never"),
            ("@every 1h30m", "2026-03-01T04:00:00Z", "2026-03-01T05:30:00Z"),
        ] {
            assert_eq!(after(expression, moment), expected, "{expression} after {moment}");
        }
    }

    #[test]
    fn what_function_compute_would_not_understand_is_refused() {
        for (expression, expected) in [
            ("0 4 * * *", "\"0 4 * * *\" has 5 fields, not the six from second to weekday"),
            ("@every day", "\"day\" is not an interval such as 1h30m"),
            ("@every 0s", "\"0s\" is not an interval such as 1h30m"),
            ("@daily", "\"@daily\" has 1 fields, not the six from second to weekday"),
            ("0 0 4 L * *", "\"L\" contains more than numbers, names, * ? , - and /"),
            ("CRON_TZ=Asia/Shangai 0 0 4 * * *", "\"Asia/Shangai\" is not a time zone"),
        ] {
            assert_eq!(Schedule::parse(expression).unwrap_err(), expected);
        }
        for expression in ["0 0 24 * * *", "0 60 4 * * *", "0 0 4 * * MON-JAN", "0 0 4 32 * *"] {
            assert!(Schedule::parse(expression).is_err(), "{expression}");
        }
    }
}
