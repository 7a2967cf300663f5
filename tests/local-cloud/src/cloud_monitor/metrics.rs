//! The few metrics that are published here, one point a minute, from what the journal says.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan as _};

use crate::{
    ros::queue,
    world::{
        journal::{Entry, EntryKind, Limit},
        state::Place,
    },
};

/// Returns the points of a metric up to now, in order.
///
/// # Errors
/// There is no such metric, or its dimensions are others.
pub(super) fn points(
    namespace: &str,
    metric: &str,
    dimensions: &BTreeMap<String, String>,
    home: &Place,
    journal: &[Entry],
    now: Timestamp,
) -> Result<Vec<(Timestamp, f64)>, String> {
    let dimension = |name: &str| {
        let found = dimensions.get(name).map(String::as_str);
        found.ok_or_else(|| format!("{namespace} needs the dimension {name}"))
    };
    if dimensions.len() != 2 {
        return Err(format!("{namespace} has two dimensions, not {dimensions:?}"));
    }
    let is_here = dimension("region")? == home.region;
    match (namespace, metric) {
        ("acs_smq", "NumberOfMessagesVisible") => {
            let queue = queue::arn(&home.account, &home.region, dimension("queueName")?);
            Ok(if is_here { depth(&queue, journal, now) } else { Vec::new() })
        }
        ("acs_fc", metric) => {
            let counted = counted(metric)?;
            let function = dimension("functionName")?;
            let mut minutes: BTreeMap<i64, (Timestamp, f64)> = BTreeMap::new();
            for entry in journal.iter().filter(|entry| is_here && entry.at <= now) {
                if counted(&entry.what).is_some_and(|of| of == function) {
                    let minute = entry.at.as_second().div_euclid(60);
                    minutes.entry(minute).or_insert((entry.at, 0.0)).1 += 1.0;
                }
            }
            Ok(minutes.into_values().collect())
        }
        _ => Err(format!("the metric {metric} of {namespace} is not published here")),
    }
}

/// Returns the function of an entry that a metric counts.
type Counted = fn(&EntryKind) -> Option<&str>;

fn counted(metric: &str) -> Result<Counted, String> {
    match metric {
        "FunctionFunctionErrors" => Ok(|what| match what {
            EntryKind::Invocation(invocation) => (!invocation.success).then_some(invocation.function.as_str()),
            _ => None,
        }),
        "FunctionConcurrencyThrottles" => Ok(|what| match what {
            EntryKind::Throttled { function, limit: Limit::OfFunction } => Some(function),
            _ => None,
        }),
        "FunctionResourceThrottles" => Ok(|what| match what {
            EntryKind::Throttled { function, limit: Limit::OfRegion } => Some(function),
            _ => None,
        }),
        "FunctionAsyncEventExpiredDropped" => Ok(|what| match what {
            EntryKind::DeadLetter(letter) => (letter.payload["requestContext"]["condition"] == "EventAgeExceeded")
                .then_some(letter.function.as_str()),
            _ => None,
        }),
        "FunctionDestinationErrors" => Ok(|what| match what {
            EntryKind::DeadLetter(letter) => letter.destination.is_none().then_some(letter.function.as_str()),
            _ => None,
        }),
        _ => Err(format!("the metric {metric} of acs_fc is not published here")),
    }
}

/// Returns how many messages a queue has, once a minute since the first.
fn depth(of: &str, journal: &[Entry], now: Timestamp) -> Vec<(Timestamp, f64)> {
    let is_queue = |destination: &str| destination.strip_suffix("/messages").unwrap_or(destination) == of;
    let change_by = |entry: &Entry| match &entry.what {
        EntryKind::DeadLetter(letter) => letter.destination.as_deref().is_some_and(is_queue).then_some(1.0),
        EntryKind::Undelivered(event) => event.destination.as_deref().is_some_and(is_queue).then_some(1.0),
        EntryKind::MessageSent { queue, .. } => is_queue(queue).then_some(1.0),
        EntryKind::MessageDeleted { queue } => is_queue(queue).then_some(-1.0),
        _ => None,
    };
    let changes: Vec<(Timestamp, f64)> =
        journal.iter().filter_map(|entry| Some((entry.at, change_by(entry)?))).collect();
    let Some((first, _)) = changes.first() else { return Vec::new() };
    let depth_at = |at: Timestamp| changes.iter().filter(|(when, _)| *when <= at).map(|(_, change)| change).sum();
    let mut points = Vec::new();
    let mut at = now;
    while at >= *first {
        points.insert(0, (at, depth_at(at)));
        at -= 1.minute();
    }
    points
}
