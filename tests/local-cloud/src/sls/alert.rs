//! Alerts: what a query's answer means.

use std::time::Duration;

use super::query::{Table, Value};
use crate::ros::alarms::Severity;

/// How many rows of an answer an alert looks at.
const MAX_ROWS: usize = 100;
/// How much time a query of an alert may span, by the limits of alerting in the documentation.
pub(crate) const MAX_SPAN: Duration = Duration::from_secs(24 * 3600);

/// Returns the severity that an answer has, and the rows for which it does.
///
/// # Errors
/// A condition is not understood, or names no column of the answer.
pub(crate) fn evaluate(severities: &[Severity], answer: &Table) -> Result<Option<(u64, Table)>, String> {
    for Severity { severity, condition, count_condition } in severities {
        let condition = Condition::parse(condition)?;
        let column = answer.column(condition.of)?;
        let rows = answer.rows.iter().take(MAX_ROWS);
        let rows: Vec<_> = rows.filter(|row| condition.holds(&row[column])).cloned().collect();
        let count = Condition::parse(count_condition)?;
        if count.of != "__count__" {
            return Err(format!("{count_condition:?} is not about __count__"));
        }
        if count.holds(&Value::Number(rows.len() as f64)) {
            return Ok(Some((*severity, Table { columns: answer.columns.clone(), rows })));
        }
    }
    Ok(None)
}

/// A comparison with a number, such as `n > 0`.
struct Condition<'a> {
    of: &'a str,
    operator: &'a str,
    number: f64,
}

impl<'a> Condition<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if let [of, operator @ (">" | ">=" | "<" | "<=" | "==" | "!="), number] = *words
            && let Ok(number) = number.parse()
        {
            return Ok(Self { of, operator, number });
        }
        Err(format!("{text:?} is not such as n > 0"))
    }

    fn holds(&self, value: &Value) -> bool {
        let Some(value) = value.number() else { return false };
        match self.operator {
            ">" => value > self.number,
            ">=" => value >= self.number,
            "<" => value < self.number,
            "<=" => value <= self.number,
            "!=" => (value - self.number).abs() >= f64::EPSILON,
            _ => (value - self.number).abs() < f64::EPSILON,
        }
    }
}

/// Reads how far a query looks back, such as `-15m`.
pub(crate) fn look_back(start: &str) -> Result<Duration, String> {
    let length = start.strip_prefix('-').and_then(duration);
    length.ok_or_else(|| format!("{start:?} is not such as -15m"))
}

/// Reads how often an alert asks, such as `15m`.
pub(crate) fn interval(text: &str) -> Result<Duration, String> {
    let length = duration(text).filter(|length| !length.is_zero());
    length.ok_or_else(|| format!("{text:?} is not such as 15m"))
}

fn duration(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
    Some(Duration::from_secs(number.saturating_mul(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(rows: &[f64]) -> Table {
        let rows = rows.iter().map(|n| vec![Value::Number(*n)]).collect();
        Table { columns: vec!["n".to_owned()], rows }
    }

    fn severities(of: &[(u64, &str, &str)]) -> Vec<Severity> {
        let severity = |(severity, condition, count): &(u64, &str, &str)| Severity {
            severity: *severity,
            condition: (*condition).to_owned(),
            count_condition: (*count).to_owned(),
        };
        of.iter().map(severity).collect()
    }

    fn severity(of: &[(u64, &str, &str)], rows: &[f64]) -> Option<(u64, usize)> {
        let found = evaluate(&severities(of), &answer(rows)).unwrap();
        found.map(|(severity, answer)| (severity, answer.rows.len()))
    }

    #[test]
    fn the_first_severity_counts_whose_rows_are_enough() {
        let of = [(10, "n > 5", "__count__ > 1"), (4, "n > 0", "__count__ > 0")];
        assert_eq!(severity(&of, &[9.0, 7.0, 1.0]), Some((10, 2)));
        assert_eq!(severity(&of, &[9.0, 1.0]), Some((4, 2)));
        assert_eq!(severity(&of, &[0.0]), None);
        assert_eq!(severity(&of, &[]), None);
        assert_eq!(severity(&[(8, "n < 1", "__count__ > 0")], &[0.0]), Some((8, 1)));
        let many: Vec<f64> = (0..150).map(f64::from).collect();
        assert_eq!(severity(&[(8, "n >= 0", "__count__ > 0")], &many), Some((8, MAX_ROWS)));
    }

    #[test]
    fn a_condition_that_is_not_understood_is_refused() {
        for (condition, count) in [
            ("n", "__count__ > 0"),
            ("n > many", "__count__ > 0"),
            ("m > 0", "__count__ > 0"),
            ("n > 0 && n < 9", "__count__ > 0"),
            ("n > 0", "n > 0"),
            ("n > 0", ""),
        ] {
            assert!(evaluate(&severities(&[(8, condition, count)]), &answer(&[1.0])).is_err(), "{condition} {count}");
        }
    }

    #[test]
    fn a_query_looks_back_from_now() {
        for (start, expected) in [("-15m", 900), ("-25h", 90_000), ("-1d", 86_400), ("-86400s", 86_400)] {
            assert_eq!(look_back(start), Ok(Duration::from_secs(expected)), "{start}");
        }
        for start in ["", "15m", "-m", "-15", "-15w", "-1.5h"] {
            assert!(look_back(start).is_err(), "{start}");
        }
        assert_eq!(interval("1h"), Ok(Duration::from_secs(3600)));
        assert!(interval("0m").is_err() && interval("-1h").is_err());
    }
}
