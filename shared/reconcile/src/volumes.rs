//! Reads how much flow logs have written, for what they cost.
//!
//! Records are counted by the hour, in one query for each Logstore. Their size is what `CloudMonitor` counts for the
//! Logstore in a day, divided by its records of that day. What cannot be read is said, for each flow log.

use std::collections::{BTreeMap, BTreeSet};

use flow_log::{
    FlowLog, FlowLogId, ResourceType,
    names::{LogStoreName, ProjectName},
    proof::{self, Missing, Unproven},
};
use jiff::{SignedDuration, Timestamp};
use openapi::{Destination, ErrorKind, LogStore, MeteringMode, Metric, RecordFilter, Session, TimeSpan};

use crate::delivery::unproven;

/// The seconds of an hour.
const HOUR: i64 = 3600;
/// The hours of a day.
const DAY_HOURS: i64 = 24;
/// The sizes that a record can have, in bytes. A mean size outside is not believed: other things may be in the Logstore.
const MIN_RECORD_BYTES: u64 = 60;
const MAX_RECORD_BYTES: u64 = 2000;

/// What was found out about a Logstore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStoreVolume {
    /// The project, as the flow logs name it.
    pub project: String,
    /// The Logstore, as the flow logs name it.
    pub log_store: String,
    /// Its settings.
    pub settings: Result<LogStore, Unproven>,
    /// How it is charged.
    pub metering: Result<MeteringMode, Unproven>,
    /// The whole hours in which records were counted.
    pub span: TimeSpan,
    /// The mean size of a record in bytes; `None` if it could not be measured.
    pub record_bytes: Option<u64>,
    /// Each flow log that delivers to it, and its records.
    pub flow_logs: Vec<(FlowLogId, Result<Written, Unproven>)>,
}

/// What a flow log has written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// How many records there are.
    pub records: u64,
    /// How many there are in each hour; `None` if the Logstore cannot count by the hour. An hour without any is left out.
    pub hours: Option<Vec<(Timestamp, u64)>>,
}

/// Reads how much the flow logs of one account and region have written in the last `days`, or for as long as their
/// Logstore keeps records. Flow logs without a known destination are left out.
pub async fn read(session: &Session<'_>, flow_logs: &[FlowLog], days: u16) -> Vec<LogStoreVolume> {
    let mut by_log_store: BTreeMap<(&str, &str), Vec<&FlowLog>> = BTreeMap::new();
    for flow_log in flow_logs {
        if let Some(destination) = flow_log.project.as_deref().zip(flow_log.log_store.as_deref()) {
            by_log_store.entry(destination).or_default().push(flow_log);
        }
    }
    let mut volumes = Vec::new();
    for ((project, log_store), writers) in by_log_store {
        volumes.extend(of_log_store(session, project, log_store, &writers, days.max(1)).await);
    }
    volumes
}

async fn of_log_store(
    session: &Session<'_>,
    project: &str,
    log_store: &str,
    writers: &[&FlowLog],
    days: u16,
) -> Option<LogStoreVolume> {
    let names = (project.parse::<ProjectName>().ok()).zip(log_store.parse::<LogStoreName>().ok());
    let (project_name, log_store_name) = names?;
    let of = Destination { project: &project_name, log_store: &log_store_name };
    let none = || Unproven::NoDestination(Missing::LogStore);
    let settings =
        session.get_log_store(of).await.map_err(|error| unproven(&error)).and_then(|found| found.ok_or_else(none));
    let metering = session.get_log_store_metering_mode(of).await;
    let metering = metering.map_err(|error| unproven(&error)).and_then(|found| found.ok_or_else(none));
    let kept = settings.as_ref().map_or(days, |found| found.retention_days.min(days.into()) as u16);
    let span = last_days(session.now(), kept)?;
    let written = match &settings {
        Ok(found) if found.only_counts() => count_each(session, of, span, writers).await,
        _ => count(session, of, span, writers).await,
    };
    let is_counted = written.iter().any(|(_, counted)| counted.is_ok());
    let record_bytes = if is_counted { record_bytes(session, of, span.to()).await } else { None };
    Some(LogStoreVolume {
        project: project.to_owned(),
        log_store: log_store.to_owned(),
        settings,
        metering,
        span,
        record_bytes,
        flow_logs: written,
    })
}

/// Returns the last days, up to the last full hour.
fn last_days(now: Timestamp, days: u16) -> Option<TimeSpan> {
    let to = Timestamp::from_second(now.as_second().div_euclid(HOUR) * HOUR).ok()?;
    TimeSpan::new(to.checked_sub(SignedDuration::from_hours(DAY_HOURS * i64::from(days))).ok()?, to)
}

type Each = Vec<(FlowLogId, Result<Written, Unproven>)>;

fn for_each(writers: &[&FlowLog], written: impl Fn(&FlowLog) -> Result<Written, Unproven>) -> Each {
    writers.iter().map(|flow_log| (flow_log.id.clone(), written(flow_log))).collect()
}

/// Counts the records of all flow logs in one query.
async fn count(session: &Session<'_>, of: Destination<'_>, span: TimeSpan, writers: &[&FlowLog]) -> Each {
    let levels: BTreeSet<ResourceType> =
        writers.iter().filter_map(|flow_log| Some(proof::recorded(flow_log)?.resource_type())).collect();
    let mut levels = levels.into_iter();
    let (Some(level), None) = (levels.next(), levels.next()) else {
        // A record names the VPC, the vSwitch and the interface: it may be counted for each of them.
        return for_each(writers, |flow_log| {
            let others = writers.iter().map(|other| other.id.clone()).filter(|id| *id != flow_log.id);
            Err(Unproven::Shared(others.collect()))
        });
    };
    match session.count_records_by_hour(of, span, level.into()).await {
        Ok(counts) => for_each(writers, |flow_log| {
            let of_it = counts.iter().filter(|count| count.of.as_deref() == Some(flow_log.resource_id.as_str()));
            let hours: Vec<_> = of_it.map(|count| (count.hour, count.records)).collect();
            let records = hours.iter().fold(0_u64, |sum, (_, records)| sum.saturating_add(*records));
            Ok(Written { records, hours: Some(hours) })
        }),
        Err(error) => {
            let why = unproven(&error);
            for_each(writers, |_| Err(why.clone()))
        }
    }
}

/// Counts the records of each flow log by itself, in a Logstore that knows no SQL.
async fn count_each(session: &Session<'_>, of: Destination<'_>, span: TimeSpan, writers: &[&FlowLog]) -> Each {
    let mut each = Vec::new();
    for flow_log in writers {
        let written = match proof::recorded(flow_log) {
            None => Err(Unproven::UnknownFlowLog),
            Some(on) => {
                let filter = RecordFilter { of: Some((on.resource_type().into(), on.as_str())), log_status: None };
                let found = session.histogram(of, span, filter).await;
                found.map_err(|error| unproven(&error)).map(|buckets| {
                    let records = buckets.iter().fold(0_u64, |sum, bucket| sum.saturating_add(bucket.records));
                    Written { records, hours: None }
                })
            }
        };
        each.push((flow_log.id.clone(), written));
    }
    each
}

/// Measures the mean size of a record in the day before `to`.
async fn record_bytes(session: &Session<'_>, of: Destination<'_>, to: Timestamp) -> Option<u64> {
    let span = last_days(to, 1)?;
    let points = match session.metric_of_log_store(Metric::LogInflow, of, span).await {
        Ok(points) => points,
        Err(error) => {
            if error.kind() != ErrorKind::AccessDenied {
                tracing::warn!("{error}: {}; the size of records is assumed", error.cause);
            }
            return None;
        }
    };
    let bytes = points.iter().fold(0_u64, |sum, point| sum.saturating_add(point.bytes));
    let buckets = session.histogram(of, span, RecordFilter::default()).await.ok()?;
    let records = buckets.iter().fold(0_u64, |sum, bucket| sum.saturating_add(bucket.records));
    let mean = bytes.checked_div(records)?;
    (MIN_RECORD_BYTES..=MAX_RECORD_BYTES).contains(&mean).then_some(mean)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Api, Reply};

    const LOG_STORE: Reply = Reply::Answer(200, r#"{"logstoreName":"vpc","ttl":7,"mode":"standard","shardCount":2}"#);
    const METERING: Reply = Reply::Answer(200, r#"{"meteringMode":"ChargeByDataIngest"}"#);
    const DENIED: Reply = Reply::Answer(401, r#"{"errorCode":"Unauthorized","errorMessage":"No."}"#);
    const HOURS: Reply = Reply::Answer(
        200,
        r#"{"meta":{"progress":"Complete"},"data":[{"vpc":"vpc-1","status":"OK","records":"9","hour":"1795165200","last":"1"},
            {"vpc":"vpc-2","status":"OK","records":"5","hour":"1795165200","last":"1"}]}"#,
    );
    const BYTES: Reply = Reply::Answer(200, r#"{"Datapoints":"[{\"timestamp\":1795165200000,\"Value\":3000}]"}"#);
    const TEN: Reply = Reply::Answer(200, r#"[{"from":1795165200,"to":1795168800,"count":10,"progress":"Complete"}]"#);

    async fn volume_of(replies: Vec<Reply>, flow_logs: &[FlowLog]) -> (LogStoreVolume, Vec<String>) {
        let api = Api::start(replies);
        let client = api.client().read_only();
        let [found] = read(&testing::session(&client), flow_logs, 30).await.try_into().unwrap();
        (found, api.calls())
    }

    #[tokio::test]
    async fn records_are_counted_by_the_hour_for_as_long_as_the_logstore_keeps_them() {
        let flow_logs = [testing::flow_log("fl-1", "vpc-1"), testing::flow_log("fl-3", "vpc-3")];
        let (found, calls) = volume_of(vec![LOG_STORE, METERING, HOURS, BYTES, TEN], &flow_logs).await;
        assert_eq!((found.metering, found.record_bytes), (Ok(MeteringMode::ByIngest), Some(300)));
        assert_eq!(found.span.duration().as_secs(), 7 * 86_400);
        let hour = Timestamp::from_second(1_795_165_200).unwrap();
        let first = Written { records: 9, hours: Some(vec![(hour, 9)]) };
        let nothing = Written { records: 0, hours: Some(vec![]) };
        let written: Vec<_> = found.flow_logs.into_iter().map(|(_, written)| written.unwrap()).collect();
        assert_eq!(written, [first, nothing]);
        assert_eq!(calls[2..], ["POST /logstores/vpc/logs", "DescribeMetricList", "GET /logstores/vpc"]);
    }

    #[tokio::test]
    async fn what_may_not_be_read_is_said_and_nothing_is_zero() {
        let flow_logs = [testing::flow_log("fl-1", "vpc-1")];
        let (found, _) = volume_of(vec![DENIED, DENIED, DENIED], &flow_logs).await;
        let denied = |action| Err(Unproven::NoPermission { action });
        assert_eq!(found.flow_logs[0].1, Err(Unproven::NoPermission { action: "GetLogsV2" }));
        assert_eq!((found.record_bytes, found.metering), (None, denied("GetLogStoreMeteringMode")));
        let several = [testing::flow_log("fl-1", "vpc-1"), testing::flow_log("fl-2", "vsw-1")];
        let (mixed, calls) = volume_of(vec![LOG_STORE, METERING], &several).await;
        assert_eq!(mixed.flow_logs[0].1, Err(Unproven::Shared(vec![several[1].id.clone()])));
        assert_eq!(calls.len(), 2);
    }

    #[tokio::test]
    async fn a_size_that_no_record_has_is_not_believed() {
        let flow_logs = [testing::flow_log("fl-1", "vpc-1")];
        let huge = Reply::Answer(200, r#"{"Datapoints":"[{\"timestamp\":1,\"Value\":30000000}]"}"#);
        for bytes in [huge, DENIED, Reply::Answer(200, r#"{"Datapoints":"[]"}"#)] {
            let (found, _) = volume_of(vec![LOG_STORE, METERING, HOURS, bytes, TEN], &flow_logs).await;
            assert_eq!(found.record_bytes, None);
        }
    }
}
