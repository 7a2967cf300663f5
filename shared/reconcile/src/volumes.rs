//! Reads how much flow logs have written, for what they cost.
//!
//! Records are counted by the hour, in one query for each Logstore and type of resource. Their size is what `CloudMonitor` counts for the
//! Logstore in a day, divided by its records of that day. What cannot be read is said, for each flow log.

use std::collections::{BTreeMap, BTreeSet};

use flow_log::{
    FlowLog, FlowLogId, ResourceId, ResourceType, Status,
    names::{LogStoreName, ProjectName},
    proof::{self, Missing, Unproven},
};
use jiff::{SignedDuration, Timestamp};
use openapi::{CallError, Destination, ErrorKind, LogStore, MeteringMode, Metric, RecordFilter, Session, TimeSpan};

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
    /// Whether other flow logs wrote records of the same traffic, and this is an even part of all.
    pub is_split: bool,
}

/// The resources that contain a resource, nearest first; `None` if that is not known.
pub type Parents<'p> = &'p (dyn Fn(&ResourceId) -> Option<Vec<ResourceId>> + Sync);

/// Reads how much the flow logs of one account and region have written in the last `days`, or for as long as their
/// Logstore keeps records. Flow logs without a known destination are left out.
///
/// A record names no flow log. If several deliver into one Logstore what they record of the same traffic, all of it is
/// counted, and split evenly among those that are on.
pub async fn read(
    session: &Session<'_>,
    flow_logs: &[FlowLog],
    days: u16,
    parents: Parents<'_>,
) -> Vec<LogStoreVolume> {
    let mut by_log_store: BTreeMap<(&str, &str), Vec<&FlowLog>> = BTreeMap::new();
    for flow_log in flow_logs {
        if let Some(destination) = flow_log.project.as_deref().zip(flow_log.log_store.as_deref()) {
            by_log_store.entry(destination).or_default().push(flow_log);
        }
    }
    let mut volumes = Vec::new();
    for ((project, log_store), writers) in by_log_store {
        volumes.extend(of_log_store(session, (project, log_store), &writers, days.max(1), parents).await);
    }
    volumes
}

async fn of_log_store(
    session: &Session<'_>,
    (project, log_store): (&str, &str),
    writers: &[&FlowLog],
    days: u16,
    parents: Parents<'_>,
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
        Ok(found) if found.only_counts() => count_each(session, of, span, writers, parents).await,
        _ => count(session, of, span, writers, parents).await,
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

/// The records that name a resource, by the hour.
type Hours = BTreeMap<Timestamp, u64>;

/// Counts the records of all flow logs in one query for each type of resource.
async fn count(
    session: &Session<'_>,
    of: Destination<'_>,
    span: TimeSpan,
    writers: &[&FlowLog],
    parents: Parents<'_>,
) -> Each {
    let Some(tree) = Tree::of(writers, parents) else { return shared(writers) };
    let mut named: BTreeMap<String, Hours> = BTreeMap::new();
    let levels: BTreeSet<ResourceType> = tree.chains.keys().map(ResourceId::resource_type).collect();
    for level in levels {
        match session.count_records_by_hour(of, span, level.into()).await {
            Ok(counts) => {
                for count in counts {
                    let Some(id) = count.of else { continue };
                    *named.entry(id).or_default().entry(count.hour).or_default() += count.records;
                }
            }
            Err(error) => return unread(writers, &error),
        }
    }
    for_each(writers, |flow_log| {
        let (hours, is_split) = tree.part(flow_log, &named).ok_or(Unproven::UnknownFlowLog)?;
        let records = hours.values().fold(0_u64, |sum, records| sum.saturating_add(*records));
        Ok(Written { records, hours: Some(hours.into_iter().collect()), is_split })
    })
}

/// Counts the records of each flow log by itself, in a Logstore that knows no SQL.
async fn count_each(
    session: &Session<'_>,
    of: Destination<'_>,
    span: TimeSpan,
    writers: &[&FlowLog],
    parents: Parents<'_>,
) -> Each {
    let Some(tree) = Tree::of(writers, parents) else { return shared(writers) };
    let mut named: BTreeMap<String, Hours> = BTreeMap::new();
    for on in tree.chains.keys() {
        let filter = RecordFilter { of: Some((on.resource_type().into(), on.as_str())), log_status: None };
        match session.histogram(of, span, filter).await {
            Ok(buckets) => {
                let records = buckets.iter().fold(0_u64, |sum, bucket| sum.saturating_add(bucket.records));
                named.insert(on.to_string(), [(span.from(), records)].into());
            }
            Err(error) => return unread(writers, &error),
        }
    }
    for_each(writers, |flow_log| {
        let (hours, is_split) = tree.part(flow_log, &named).ok_or(Unproven::UnknownFlowLog)?;
        Ok(Written { records: hours.values().sum(), hours: None, is_split })
    })
}

/// No flow log's records are known, since a query failed.
fn unread(writers: &[&FlowLog], error: &CallError) -> Each {
    let why = unproven(error);
    for_each(writers, |_| Err(why.clone()))
}

/// Why nothing is told apart in a Logstore where it is not known what contains what.
fn shared(writers: &[&FlowLog]) -> Each {
    for_each(writers, |flow_log| {
        let others = writers.iter().map(|other| other.id.clone()).filter(|id| *id != flow_log.id);
        Err(Unproven::Shared(others.collect()))
    })
}

/// The resources that the flow logs of one Logstore are on, and how they contain each other.
struct Tree<'w> {
    /// Each resource with those around it that have a flow log, too: itself first, then outwards.
    chains: BTreeMap<ResourceId, Vec<ResourceId>>,
    /// The flow logs, with what they are on.
    writers: Vec<(&'w FlowLog, ResourceId)>,
}

impl<'w> Tree<'w> {
    /// Returns `None` if it is not known what contains a resource, and there are flow logs on larger ones.
    fn of(writers: &[&'w FlowLog], parents: Parents<'_>) -> Option<Self> {
        let writers: Vec<_> =
            writers.iter().filter_map(|flow_log| Some((*flow_log, proof::recorded(flow_log)?))).collect();
        let on: BTreeSet<&ResourceId> = writers.iter().map(|(_, id)| id).collect();
        let largest = on.iter().map(|id| id.resource_type()).min();
        let mut chains = BTreeMap::new();
        for id in &on {
            let around = if Some(id.resource_type()) == largest { Vec::new() } else { parents(id)? };
            let chain = std::iter::once((*id).clone()).chain(around.into_iter().filter(|parent| on.contains(parent)));
            chains.insert((*id).clone(), chain.collect());
        }
        Some(Self { chains, writers })
    }

    /// Returns the part of a flow log of the records that name its resource, and whether others share in them.
    fn part(&self, flow_log: &FlowLog, named: &BTreeMap<String, Hours>) -> Option<(Hours, bool)> {
        let own = proof::recorded(flow_log)?;
        let (mut part, mut is_split) = (Hours::new(), false);
        for (id, chain) in self.chains.iter().filter(|(_, chain)| chain.contains(&own)) {
            let all: Vec<_> = self.writers.iter().filter(|(_, on)| chain.contains(on)).map(|(it, _)| it).collect();
            // Those that are off may have been on before. But if others are on, these are likelier.
            let on: Vec<_> = all.iter().filter(|it| it.status == Status::Active).copied().collect();
            let sharers = if on.is_empty() { all } else { on };
            if !sharers.iter().any(|it| it.id == flow_log.id) {
                continue;
            }
            is_split |= sharers.len() > 1;
            for (hour, records) in self.alone(id, named) {
                *part.entry(hour).or_default() += records / sharers.len() as u64;
            }
        }
        Some((part, is_split))
    }

    /// Returns the records of a resource that name no smaller one with a flow log of its own.
    fn alone(&self, id: &ResourceId, named: &BTreeMap<String, Hours>) -> Hours {
        let mut hours = named.get(id.as_str()).cloned().unwrap_or_default();
        let inside = self.chains.iter().filter(|(_, chain)| chain.get(1) == Some(id));
        for (hour, records) in inside.filter_map(|(inner, _)| named.get(inner.as_str())).flatten() {
            let left = hours.entry(*hour).or_default();
            *left = left.saturating_sub(*records);
        }
        hours
    }
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
        let parents = |id: &ResourceId| (id.as_str() == "vsw-1").then(|| vec!["vpc-1".parse().unwrap()]);
        let [found] = read(&testing::session(&client), flow_logs, 30, &parents).await.try_into().unwrap();
        (found, api.calls())
    }

    #[tokio::test]
    async fn records_are_counted_by_the_hour_for_as_long_as_the_logstore_keeps_them() {
        let flow_logs = [testing::flow_log("fl-1", "vpc-1"), testing::flow_log("fl-3", "vpc-3")];
        let (found, calls) = volume_of(vec![LOG_STORE, METERING, HOURS, BYTES, TEN], &flow_logs).await;
        assert_eq!((found.metering, found.record_bytes), (Ok(MeteringMode::ByIngest), Some(300)));
        assert_eq!(found.span.duration().as_secs(), 7 * 86_400);
        let hour = Timestamp::from_second(1_795_165_200).unwrap();
        let first = Written { records: 9, hours: Some(vec![(hour, 9)]), is_split: false };
        let nothing = Written { records: 0, hours: Some(vec![]), is_split: false };
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
        let several = [testing::flow_log("fl-1", "vpc-1"), testing::flow_log("fl-2", "vsw-2")];
        let (mixed, calls) = volume_of(vec![LOG_STORE, METERING], &several).await;
        assert_eq!(mixed.flow_logs[0].1, Err(Unproven::Shared(vec![several[1].id.clone()])));
        assert_eq!(calls.len(), 2);
    }

    #[tokio::test]
    async fn records_of_the_same_traffic_are_split_evenly_among_those_that_are_on() {
        let by_vswitch = Reply::Answer(
            200,
            r#"{"meta":{"progress":"Complete"},"data":[{"vswitch":"vsw-1","status":"OK","records":"4","hour":"1795165200","last":"1"}]}"#,
        );
        let on = testing::flow_log("fl-1", "vpc-1");
        let inner = testing::flow_log("fl-2", "vsw-1");
        let off = FlowLog { status: Status::Inactive, ..on.clone() };
        for (outer, expected) in [(on, [7, 2]), (off, [5, 4])] {
            let replies = vec![LOG_STORE, METERING, HOURS, by_vswitch, BYTES, TEN];
            let (found, _) = volume_of(replies, &[outer, inner.clone()]).await;
            let written: Vec<_> = found.flow_logs.into_iter().map(|(_, written)| written.unwrap()).collect();
            // Nine records name the VPC, and four of these the vSwitch: each of the two has written half of these.
            assert_eq!(written.iter().map(|it| it.records).collect::<Vec<_>>(), expected);
            assert_eq!(written.iter().any(|it| it.is_split), expected == [7, 2]);
        }
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
