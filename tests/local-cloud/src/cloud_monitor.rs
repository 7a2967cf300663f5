//! CloudMonitor: the metrics that alarms look at, and its rules.

mod metrics;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::{
    ros::alarms::{Escalation, MetricRule},
    world::{journal::Entry, state::Place},
};

/// Returns the level that a rule reaches now, and the dimensions of the resource that reaches it. The levels are tried in
/// the order of the template.
///
/// # Errors
/// The metric is not published here, or something of the rule is not understood.
pub(crate) fn evaluate(
    rule: &MetricRule,
    home: &Place,
    journal: &[Entry],
    now: Timestamp,
) -> Result<Option<(String, String)>, String> {
    for escalation in &rule.escalations {
        for resource in &rule.resources {
            let points = metrics::points(&rule.namespace, &rule.metric, resource, home, journal, now)?;
            if reaches(escalation, rule.period, &points, now)? {
                let dimensions: Vec<&str> = resource.values().map(String::as_str).collect();
                return Ok(Some((escalation.level.clone(), dimensions.join(" "))));
            }
        }
    }
    Ok(None)
}

/// Whether each of the latest periods is beyond the threshold. A period without data is not.
fn reaches(escalation: &Escalation, period: u64, points: &[(Timestamp, f64)], now: Timestamp) -> Result<bool, String> {
    let period = SignedDuration::try_from(Duration::from_secs(period)).map_err(|error| error.to_string())?;
    for nth in 0..escalation.times {
        let nth = i32::try_from(nth).map_err(|error| error.to_string())?;
        let until = now - period * nth;
        let inside = points.iter().filter(|(at, _)| until - period < *at && *at <= until);
        let values: Vec<f64> = inside.map(|(_, value)| *value).collect();
        if values.is_empty() || !is_beyond(escalation, statistic(&escalation.statistics, &values)?)? {
            return Ok(false);
        }
    }
    Ok(escalation.times > 0)
}

fn statistic(name: &str, values: &[f64]) -> Result<f64, String> {
    match name {
        "Maximum" => Ok(values.iter().copied().fold(f64::MIN, f64::max)),
        "Minimum" => Ok(values.iter().copied().fold(f64::MAX, f64::min)),
        "Average" => Ok(values.iter().sum::<f64>() / values.len() as f64),
        _ => Err(format!("the statistic {name} is not understood")),
    }
}

fn is_beyond(escalation: &Escalation, value: f64) -> Result<bool, String> {
    match escalation.operator.as_str() {
        "GreaterThanThreshold" => Ok(value > escalation.threshold),
        "GreaterThanOrEqualToThreshold" => Ok(value >= escalation.threshold),
        "LessThanThreshold" => Ok(value < escalation.threshold),
        "LessThanOrEqualToThreshold" => Ok(value <= escalation.threshold),
        operator => Err(format!("{operator} is not understood")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(minute * 60).unwrap()
    }

    fn escalation(statistics: &str, times: u64) -> Escalation {
        Escalation {
            level: "Warn".into(),
            operator: "GreaterThanThreshold".into(),
            statistics: statistics.into(),
            threshold: 1.0,
            times,
        }
    }

    #[test]
    fn a_level_is_reached_if_each_of_the_latest_periods_is_beyond_the_threshold() {
        let points = [(at(1), 3.0), (at(11), 0.0), (at(12), 2.0)];
        let reaches = |statistics, times, now| reaches(&escalation(statistics, times), 600, &points, at(now)).unwrap();
        assert!(reaches("Maximum", 1, 20) && reaches("Maximum", 2, 20));
        assert!(!reaches("Maximum", 3, 20), "there is no data of the third");
        assert!(!reaches("Average", 1, 20) && !reaches("Minimum", 1, 20));
        assert!(!reaches("Maximum", 1, 30), "it is over");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        assert!(reaches(&escalation("Sum", 1), 60, &[(at(1), 1.0)], at(1)).is_err());
        let odd = Escalation { operator: "Near".into(), ..escalation("Maximum", 1) };
        assert!(reaches(&odd, 60, &[(at(1), 1.0)], at(1)).is_err());
    }
}
