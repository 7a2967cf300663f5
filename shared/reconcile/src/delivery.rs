//! Reads what arrived in the Logstores of flow logs, for proof of delivery and for reports.
//!
//! Reads only: the Logstore with its retention, its index, and **one query for each Logstore**, however many flow logs
//! deliver to it. A Logstore that knows no SQL takes up to three calls for each flow log. The network interfaces are asked
//! for only where nothing has arrived. `flow_log::proof` judges. One thing that cannot be read makes what depends on it
//! unknown, and nothing else.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use flow_log::{
    FlowLog, FlowLogId, ResourceType, Status,
    names::{LogStoreName, ProjectName},
    proof::{self, CountedResource, Expected, Missing, Proof, Seen, Tally, Unproven},
};
use futures_util::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use openapi::{
    CallError, Destination, Entry, ErrorKind, LogIndex, LogStore, MissingPart, NetworkInterfaceFilter, RecordField,
    RecordFilter, Session, TimeSpan,
};

use crate::ErrorReport;

/// How many Logstores are looked at together.
const MAX_AT_ONCE: usize = 4;
/// The `log-status` of a record that says that others were lost.
const SKIPPED: &str = "SKIPDATA";
/// The `log-status` of a record that says that nothing flowed.
const EMPTY: &str = "NODATA";
/// The fields that every count needs.
const COUNTED_FIELDS: [&str; 2] = ["log-status", "end"];

/// What to look at.
#[derive(Debug, Clone, Default)]
pub struct Look {
    /// How far to look back; at least as far as each flow log may be silent. An hour is enough to see whether records
    /// arrive, a day is what a daily report wants.
    pub back: SignedDuration,
    /// Since when flow logs have been on that a schedule or a tag switches.
    pub on_since: BTreeMap<FlowLogId, Timestamp>,
}

/// What was found out about a Logstore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogStoreProof {
    /// The project, as the flow logs name it.
    pub project: String,
    /// The Logstore, as the flow logs name it.
    pub log_store: String,
    /// How many days it keeps records; [`LogStore::FOR_EVER`] means for ever.
    pub retention_days: Result<u32, Unproven>,
    /// The first moment that was looked at.
    pub from: Timestamp,
    /// The first moment that was not looked at any more.
    pub to: Timestamp,
    /// Each flow log that delivers to it.
    pub flow_logs: Vec<FlowLogProof>,
    /// The calls that failed: another try, or another right, may prove more.
    pub failures: Vec<ErrorReport>,
}

/// What was found out about a flow log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLogProof {
    /// The flow log.
    pub id: FlowLogId,
    /// Whether what it records arrives.
    pub proof: Proof,
    /// What was counted for it, its own records and shared ones; `None` if nothing could be counted.
    pub tally: Option<Tally>,
}

/// Reads what arrived, for every flow log of one account and region.
///
/// `flow_logs` has to be all of them, those of others included: they may write the same records. Flow logs without a known
/// destination come last, in a Logstore without a name.
pub async fn prove(session: &Session<'_>, flow_logs: &[FlowLog], look: &Look) -> Vec<LogStoreProof> {
    let mut by_log_store: BTreeMap<Option<(&str, &str)>, Vec<&FlowLog>> = BTreeMap::new();
    for flow_log in flow_logs {
        let destination = flow_log.project.as_deref().zip(flow_log.log_store.as_deref());
        by_log_store.entry(destination).or_default().push(flow_log);
    }
    let unknown = by_log_store.remove(&None);
    // Made here, and not as the stream asks for them: only so can the whole be sent to another thread.
    let mut looks = Vec::with_capacity(by_log_store.len());
    for (destination, writers) in by_log_store {
        let Some((project, log_store)) = destination else { continue };
        let (now, failures) = (session.now(), Mutex::default());
        looks.push(Looked { session, look, project, log_store, writers, now, failures }.proof());
    }
    let mut proofs: Vec<_> = stream::iter(looks).buffered(MAX_AT_ONCE).collect().await;
    proofs.extend(unknown.map(|writers| {
        let now = session.now();
        let failures = Mutex::default();
        Looked { session, look, project: "", log_store: "", writers, now, failures }.unread(&Unproven::UnknownFlowLog)
    }));
    proofs
}

/// A Logstore that is looked at.
struct Looked<'a> {
    session: &'a Session<'a>,
    look: &'a Look,
    project: &'a str,
    log_store: &'a str,
    /// The flow logs that deliver to it.
    writers: Vec<&'a FlowLog>,
    now: Timestamp,
    failures: Mutex<Vec<ErrorReport>>,
}

impl Looked<'_> {
    async fn proof(self) -> LogStoreProof {
        // What the API calls a project is one, unless this version knows too little of names.
        let names = (self.project.parse::<ProjectName>().ok()).zip(self.log_store.parse::<LogStoreName>().ok());
        let Some((project, log_store)) = names else { return self.unread(&Unproven::UnknownFlowLog) };
        let of = Destination { project: &project, log_store: &log_store };
        match self.session.get_log_store(of).await {
            Ok(Some(found)) => {
                let counts = self.counts(of, &found).await;
                self.judged(Ok(found.retention_days), counts).await
            }
            Ok(None) => self.missing(&project).await,
            // Counting has a permission of its own. A Logstore that may not be looked at is taken for a usual one.
            Err(error) => {
                let counts = self.count(of, None).await;
                self.judged(Err(self.failed(&error)), counts).await
            }
        }
    }

    /// Says which part of the destination is missing.
    async fn missing(&self, project: &ProjectName) -> LogStoreProof {
        let missing = match self.session.get_project(project).await {
            Ok(Some(_)) => Ok(Missing::LogStore),
            Ok(None) => Ok(Missing::Project),
            Err(error) => Err(self.failed(&error)),
        };
        let why = missing.clone().map_or_else(|unknown| unknown, Unproven::NoDestination);
        self.of_each(Err(why), |flow_log| match &missing {
            _ if flow_log.status != Status::Active => {
                (self.judge(flow_log, Expected::default(), Err(&Unproven::Incomplete)), None)
            }
            Ok(missing) => (Proof::NoDestination(*missing), None),
            Err(unknown) => (Proof::Unknown(unknown.clone()), None),
        })
    }

    /// Counts the records, as the Logstore and its index allow.
    async fn counts(&self, of: Destination<'_>, found: &LogStore) -> Result<Vec<CountedResource>, Unproven> {
        if !self.writers.iter().any(|flow_log| flow_log.status == Status::Active) {
            return Ok(Vec::new());
        }
        let index = match self.session.get_index(of).await {
            Ok(Some(index)) => Some(index),
            Ok(None) => return Err(Unproven::NoIndex { field: None }),
            // Counting has a permission of its own.
            Err(error) if error.kind() == ErrorKind::AccessDenied => {
                self.failed(&error);
                None
            }
            Err(error) => return Err(self.failed(&error)),
        };
        if found.only_counts() { self.count_each(of).await } else { self.count(of, index.as_ref()).await }
    }

    /// Counts the records of all flow logs in one query.
    async fn count(&self, of: Destination<'_>, index: Option<&LogIndex>) -> Result<Vec<CountedResource>, Unproven> {
        let levels: BTreeSet<ResourceType> = self.writers.iter().filter_map(|flow_log| level(flow_log)).collect();
        if levels.is_empty() {
            return Ok(Vec::new());
        }
        let fields: Vec<RecordField> = levels.iter().map(|level| RecordField::from(*level)).collect();
        if let Some(index) = index {
            let needed = fields.iter().map(|field| field.name()).chain(COUNTED_FIELDS);
            if let Some(field) = needed.into_iter().find(|field| !index.fields.contains(*field)) {
                return Err(Unproven::NoIndex { field: Some(field) });
            }
        }
        let span = self.span()?;
        // An index that was not read may lack the field, and without it the whole query would fail.
        let with_bytes = match index.filter(|index| index.sums_bytes) {
            Some(_) => Some(self.session.count_records_and_bytes(of, span, &fields).await),
            None => None,
        };
        // The proof does not depend on the bytes.
        let with_bytes = with_bytes.filter(|found| !found.as_ref().is_err_and(|it| it.kind() == ErrorKind::Invalid));
        let rows = match with_bytes {
            Some(rows) => rows,
            None => self.session.count_records(of, span, &fields).await,
        };
        let rows = rows.map_err(|error| self.failed(&error))?;
        let counted = |row: openapi::RecordCount| CountedResource {
            ids: levels.iter().zip(row.of).filter_map(|(level, id)| Some((*level, id?))).collect(),
            tally: Tally {
                records: row.records,
                skipped: row.skipped,
                empty: row.empty,
                last: row.last,
                bytes: row.bytes,
            },
        };
        Ok(rows.into_iter().map(counted).collect())
    }

    /// Counts the records of each flow log by itself, in a Logstore that knows no SQL.
    async fn count_each(&self, of: Destination<'_>) -> Result<Vec<CountedResource>, Unproven> {
        let mut counted = Vec::new();
        for flow_log in self.writers.iter().filter(|flow_log| flow_log.status == Status::Active) {
            let Some(on) = proof::recorded(flow_log) else { continue };
            let filter = RecordFilter { of: Some((on.resource_type().into(), on.as_str())), log_status: None };
            let all = self.tally(of, filter).await?;
            let status = |log_status| RecordFilter { log_status: Some(log_status), ..filter };
            let (skipped, empty) = match all.records {
                0 => (0, 0),
                _ => (self.tally(of, status(SKIPPED)).await?.records, self.tally(of, status(EMPTY)).await?.records),
            };
            let ids = vec![(on.resource_type(), on.to_string())];
            counted.push(CountedResource { ids, tally: Tally { skipped, empty, ..all } });
        }
        Ok(counted)
    }

    /// Counts by a histogram. The last record is not later than the end of the last part that has any.
    async fn tally(&self, of: Destination<'_>, filter: RecordFilter<'_>) -> Result<Tally, Unproven> {
        let buckets = self.session.histogram(of, self.span()?, filter).await.map_err(|error| self.failed(&error))?;
        let with_records = buckets.iter().filter(|bucket| bucket.records > 0);
        Ok(Tally {
            records: buckets.iter().fold(0, |sum, bucket| sum.saturating_add(bucket.records)),
            // The beginning of that part, so that nothing is taken for younger than it is.
            last: with_records.map(|bucket| bucket.from).max(),
            ..Tally::default()
        })
    }

    fn span(&self) -> Result<TimeSpan, Unproven> {
        let none = || Unproven::Unread(format!("there is no time between {} and {}", self.from(), self.now));
        TimeSpan::new(self.from(), self.now).ok_or_else(none)
    }

    fn from(&self) -> Timestamp {
        let silences = self.writers.iter().map(|flow_log| proof::longest_silence(flow_log));
        let back = silences.fold(self.look.back, SignedDuration::max);
        self.now.checked_sub(back).unwrap_or(Timestamp::MIN)
    }

    async fn judged(
        &self,
        retention_days: Result<u32, Unproven>,
        counts: Result<Vec<CountedResource>, Unproven>,
    ) -> LogStoreProof {
        let mut judged = self.of_each(retention_days, |flow_log| {
            let expected = Expected { on_since: self.on_since(flow_log), has_interfaces: Some(true) };
            let seen = counts.as_ref().map(|counts| Seen::of(flow_log, &self.writers, counts));
            let tally = seen.as_ref().ok().map(Seen::all);
            (self.judge(flow_log, expected, seen.as_ref().map_err(|why| *why)), tally)
        });
        // Only one that would be silent if there were anything to record is worth another call.
        for (flow_log, FlowLogProof { proof, .. }) in self.writers.iter().zip(&mut judged.flow_logs) {
            if matches!(proof, Proof::Silent { .. }) {
                let has_interfaces = self.has_interfaces(flow_log).await;
                let expected = Expected { on_since: self.on_since(flow_log), has_interfaces };
                let seen = counts.as_ref().map(|counts| Seen::of(flow_log, &self.writers, counts));
                *proof = self.judge(flow_log, expected, seen.as_ref().map_err(|why| *why));
            }
        }
        judged.failures = self.failures();
        judged
    }

    /// Keeps a call that failed, and says what that means for the proof.
    fn failed(&self, error: &CallError) -> Unproven {
        // What is missing is known to be missing.
        if error.missing_part().is_none() {
            self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(error.into());
        }
        unproven(error)
    }

    fn failures(&self) -> Vec<ErrorReport> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn on_since(&self, flow_log: &FlowLog) -> Option<Timestamp> {
        self.look.on_since.get(&flow_log.id).copied()
    }

    fn judge(&self, flow_log: &FlowLog, expected: Expected, seen: Result<&Seen, &Unproven>) -> Proof {
        match level(flow_log) {
            Some(_) => Proof::judge(flow_log, expected, seen, self.now),
            None => Proof::judge(flow_log, expected, Err(&Unproven::UnknownFlowLog), self.now),
        }
    }

    /// Returns whether any network interface is in use where the flow log records; `None` if that cannot be read.
    async fn has_interfaces(&self, flow_log: &FlowLog) -> Option<bool> {
        let on = proof::recorded(flow_log)?;
        let in_use = NetworkInterfaceFilter { status: Some("InUse"), ..NetworkInterfaceFilter::default() };
        let ids = std::slice::from_ref(&on);
        let filter = match on.resource_type() {
            ResourceType::Vpc => NetworkInterfaceFilter { vpc: Some(&on), ..in_use },
            ResourceType::VSwitch => NetworkInterfaceFilter { vswitch: Some(&on), ..in_use },
            ResourceType::NetworkInterface => NetworkInterfaceFilter { ids, ..in_use },
        };
        match self.session.network_interfaces(&filter).next().await {
            None => Some(false),
            Some(Ok(Entry::Read(_) | Entry::Unreadable(_))) => Some(true),
            Some(Err(error)) => {
                self.failed(&error);
                None
            }
        }
    }

    fn of_each(
        &self,
        retention_days: Result<u32, Unproven>,
        found: impl Fn(&FlowLog) -> (Proof, Option<Tally>),
    ) -> LogStoreProof {
        let of_one = |flow_log: &&FlowLog| {
            let (proof, tally) = found(flow_log);
            FlowLogProof { id: flow_log.id.clone(), proof, tally }
        };
        LogStoreProof {
            project: self.project.to_owned(),
            log_store: self.log_store.to_owned(),
            retention_days,
            from: self.from(),
            to: self.now,
            flow_logs: self.writers.iter().map(of_one).collect(),
            failures: self.failures(),
        }
    }

    fn unread(&self, why: &Unproven) -> LogStoreProof {
        self.of_each(Err(why.clone()), |flow_log| (self.judge(flow_log, Expected::default(), Err(why)), None))
    }
}

/// Returns the type of what a flow log is on, if it is known.
fn level(flow_log: &FlowLog) -> Option<ResourceType> {
    proof::recorded(flow_log).map(|on| on.resource_type())
}

/// Returns what a failed call means for the proof.
pub(crate) fn unproven(error: &CallError) -> Unproven {
    match (error.kind(), error.missing_part()) {
        (ErrorKind::AccessDenied, _) => Unproven::NoPermission { action: error.action },
        (ErrorKind::Incomplete, _) => Unproven::Incomplete,
        (_, Some(MissingPart::Index)) => Unproven::NoIndex { field: None },
        (_, Some(MissingPart::Project)) => Unproven::NoDestination(Missing::Project),
        (_, Some(MissingPart::LogStore)) => Unproven::NoDestination(Missing::LogStore),
        _ => Unproven::Unread(format!("{error}: {}", error.cause)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, Api, Reply};

    const LOG_STORE: Reply = Reply::Answer(200, r#"{"logstoreName":"vpc","ttl":180,"mode":"standard"}"#);
    const QUERY_MODE: Reply = Reply::Answer(200, r#"{"logstoreName":"vpc","ttl":7,"mode":"query"}"#);
    const INDEX: Reply = Reply::Answer(200, r#"{"keys":{"vpc-id":{},"vswitch-id":{},"log-status":{},"end":{}}}"#);
    const NO_LOG_STORE: Reply = Reply::Answer(404, r#"{"errorCode":"LogStoreNotExist","errorMessage":"No."}"#);
    const NO_PROJECT: Reply = Reply::Answer(404, r#"{"errorCode":"ProjectNotExist","errorMessage":"No."}"#);
    const NO_INDEX: Reply = Reply::Answer(404, r#"{"errorCode":"IndexConfigNotExist","errorMessage":"No."}"#);
    const PROJECT: Reply = Reply::Answer(200, r#"{"projectName":"flowlog"}"#);
    const DENIED: Reply = Reply::Answer(401, r#"{"errorCode":"Unauthorized","errorMessage":"No."}"#);
    const PARTIAL: Reply = Reply::Answer(200, r#"{"meta":{"progress":"Incomplete"},"data":[]}"#);
    const NOTHING: Reply = Reply::Answer(200, r#"{"meta":{"progress":"Complete"},"data":[]}"#);
    /// Five minutes before [`testing::now`].
    const ROWS: Reply = Reply::Answer(
        200,
        r#"{"meta":{"progress":"Complete"},"data":[{"vpc":"vpc-1","status":"OK","records":"8","last":"1795168500"},{"vpc":"vpc-1","status":"NODATA","records":"1","last":"1795167000"}]}"#,
    );
    const NO_INTERFACES: Reply = Reply::Answer(200, r#"{"NetworkInterfaceSets":{"NetworkInterfaceSet":[]}}"#);

    fn hour() -> Look {
        Look { back: SignedDuration::from_hours(1), ..Look::default() }
    }

    /// Reads the proof of one flow log on `vpc-1`.
    async fn proof_of(replies: Vec<Reply>) -> (LogStoreProof, Proof, Vec<String>) {
        let api = Api::start(replies);
        let client = api.client().read_only();
        let session = testing::session(&client);
        let flow_logs = [testing::flow_log("fl-1", "vpc-1")];
        let [found] = prove(&session, &flow_logs, &hour()).await.try_into().unwrap();
        let proof = found.flow_logs[0].proof.clone();
        (found, proof, api.calls())
    }

    #[tokio::test]
    async fn one_query_tells_what_arrived() {
        let (found, proof, calls) = proof_of(vec![LOG_STORE, INDEX, ROWS]).await;
        let last = "2026-11-20T09:55:00Z".parse().unwrap();
        assert_eq!(proof, Proof::Delivering { records: 8, last });
        assert_eq!(
            found.flow_logs[0].tally,
            Some(Tally { records: 9, empty: 1, last: Some(last), ..Tally::default() })
        );
        assert_eq!((found.retention_days, found.to), (Ok(180), testing::now()));
        assert_eq!(calls, ["GET /logstores/vpc", "GET /logstores/vpc/index", "POST /logstores/vpc/logs"]);
    }

    #[tokio::test]
    async fn bytes_that_cannot_be_added_up_cost_no_proof() {
        const WITH_BYTES: Reply = Reply::Answer(
            200,
            r#"{"keys":{"vpc-id":{},"log-status":{},"end":{},"bytes":{"type":"long","doc_value":true}}}"#,
        );
        const REFUSED: Reply = Reply::Answer(400, r#"{"errorCode":"ParameterInvalid","errorMessage":"No."}"#);
        let (found, proof, calls) = proof_of(vec![LOG_STORE, WITH_BYTES, REFUSED, ROWS]).await;
        assert_eq!((proof.name(), found.failures.len(), calls.len()), ("delivering", 0, 4));
        assert_eq!(found.flow_logs[0].tally.unwrap().bytes, None);
        let (_, denied, _) = proof_of(vec![LOG_STORE, WITH_BYTES, DENIED]).await;
        assert_eq!(denied, Proof::Unknown(Unproven::NoPermission { action: "GetLogsV2" }), "it is not asked again");
    }

    #[tokio::test]
    async fn flow_logs_of_one_logstore_share_the_query_and_those_that_are_off_need_none() {
        let api = Api::start(vec![LOG_STORE, INDEX, ROWS]);
        let client = api.client();
        let session = testing::session(&client);
        let paused = FlowLog { status: Status::Inactive, ..testing::flow_log("fl-2", "vpc-2") };
        let flow_logs = [testing::flow_log("fl-1", "vpc-1"), paused.clone()];
        let [found] = prove(&session, &flow_logs, &hour()).await.try_into().unwrap();
        let names: Vec<_> = found.flow_logs.iter().map(|it| (it.id.as_str(), it.proof.name())).collect();
        assert_eq!(names, [("fl-1", "delivering"), ("fl-2", "off")]);
        let quiet = Api::start(vec![LOG_STORE]);
        let other = quiet.client();
        let [found_off] = prove(&testing::session(&other), &[paused], &hour()).await.try_into().unwrap();
        assert_eq!((found_off.flow_logs[0].proof.name(), quiet.calls().len()), ("off", 1));
    }

    #[tokio::test]
    async fn what_is_silent_is_asked_for_its_network_interfaces() {
        let (_, proof, calls) = proof_of(vec![LOG_STORE, INDEX, NOTHING, NO_INTERFACES]).await;
        assert_eq!((proof, calls[3].as_str()), (Proof::NothingToRecord, "DescribeNetworkInterfaces"));
        let one = Reply::Answer(
            200,
            r#"{"NetworkInterfaceSets":{"NetworkInterfaceSet":[{"NetworkInterfaceId":"eni-1","VpcId":"vpc-1","OwnerId":"1"}]}}"#,
        );
        assert_eq!(proof_of(vec![LOG_STORE, INDEX, NOTHING, one]).await.1, Proof::Silent { last: None });
        let unread =
            proof_of(vec![LOG_STORE, INDEX, NOTHING, Reply::Answer(403, r#"{"Code":"Forbidden.RAM"}"#)]).await.1;
        assert_eq!(unread, Proof::Unknown(Unproven::UnknownInterfaces));
    }

    #[tokio::test]
    async fn lost_records_are_lost_although_there_is_nothing_to_record_any_more() {
        /// Fifty minutes before [`testing::now`].
        const LOST: Reply = Reply::Answer(
            200,
            r#"{"meta":{"progress":"Complete"},"data":[{"vpc":"vpc-1","status":"SKIPDATA","records":"2","last":"1795165800"}]}"#,
        );
        let (found, proof, calls) = proof_of(vec![LOG_STORE, INDEX, LOST, NO_INTERFACES]).await;
        assert_eq!((proof, calls[3].as_str()), (Proof::RecordsLost { skipped: 2 }, "DescribeNetworkInterfaces"));
        assert_eq!(found.failures, []);
        let unread = Reply::Answer(403, r#"{"Code":"Forbidden.RAM"}"#);
        let (unread, proof_unread, _) = proof_of(vec![LOG_STORE, INDEX, LOST, unread]).await;
        assert_eq!((proof_unread, unread.failures.len()), (Proof::RecordsLost { skipped: 2 }, 1));
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_unknown_and_says_why() {
        let denied = |action| Proof::Unknown(Unproven::NoPermission { action });
        for (replies, expected) in [
            (vec![LOG_STORE, INDEX, DENIED], denied("GetLogsV2")),
            (vec![LOG_STORE, NO_INDEX], Proof::Unknown(Unproven::NoIndex { field: None })),
            (vec![LOG_STORE, INDEX, NO_INDEX], Proof::Unknown(Unproven::NoIndex { field: None })),
            (vec![LOG_STORE, INDEX, PARTIAL, PARTIAL, PARTIAL, PARTIAL], Proof::Unknown(Unproven::Incomplete)),
            (
                vec![LOG_STORE, Reply::Answer(200, r#"{"keys":{"vpc-id":{},"end":{}}}"#)],
                Proof::Unknown(Unproven::NoIndex { field: Some("log-status") }),
            ),
            (vec![NO_LOG_STORE, PROJECT], Proof::NoDestination(Missing::LogStore)),
            (vec![NO_PROJECT, NO_PROJECT], Proof::NoDestination(Missing::Project)),
            (vec![NO_LOG_STORE, DENIED], denied("GetProject")),
        ] {
            assert_eq!(proof_of(replies).await.1, expected);
        }
        let (_, odd, _) = proof_of(vec![LOG_STORE, INDEX, Reply::Answer(200, "{}")]).await;
        assert!(
            matches!(&odd, Proof::Unknown(Unproven::Unread(why)) if why.starts_with("GetLogsV2 of flowlog/vpc")),
            "{odd}"
        );
    }

    #[tokio::test]
    async fn records_are_counted_although_the_logstore_may_not_be_looked_at() {
        let (found, proof, _) = proof_of(vec![DENIED, ROWS]).await;
        assert_eq!((found.retention_days.is_err(), proof.name()), (true, "delivering"));
        assert_eq!(proof_of(vec![LOG_STORE, DENIED, ROWS]).await.1.name(), "delivering");
    }

    #[tokio::test]
    async fn a_logstore_that_knows_no_sql_is_counted_by_histograms() {
        const ALL: Reply = Reply::Answer(
            200,
            r#"[{"from":1795168200,"to":1795168500,"count":4,"progress":"Complete"},{"from":1795168500,"to":1795168800,"count":0,"progress":"Complete"}]"#,
        );
        const NONE: Reply = Reply::Answer(200, "[]");
        let (found, proof, calls) = proof_of(vec![QUERY_MODE, INDEX, ALL, NONE, NONE]).await;
        let last = "2026-11-20T09:50:00Z".parse().unwrap();
        assert_eq!((proof, found.retention_days), (Proof::Delivering { records: 4, last }, Ok(7)));
        assert_eq!(calls[2..], ["GET /logstores/vpc"; 3]);
        assert_eq!(proof_of(vec![QUERY_MODE, INDEX, ALL, NONE, ALL]).await.1.name(), "no-traffic");
        assert_eq!(proof_of(vec![QUERY_MODE, INDEX, ALL, ALL, NONE]).await.1.name(), "records-lost");
    }

    #[tokio::test]
    async fn a_flow_log_without_a_destination_is_unknown_and_the_others_are_read() {
        let api = Api::start(vec![LOG_STORE, INDEX, ROWS]);
        let client = api.client();
        let session = testing::session(&client);
        let without = FlowLog { log_store: None, ..testing::flow_log("fl-2", "vpc-2") };
        let flow_logs = [without, testing::flow_log("fl-1", "vpc-1")];
        let found = prove(&session, &flow_logs, &hour()).await;
        let names: Vec<_> =
            found.iter().map(|store| (store.log_store.as_str(), store.flow_logs[0].proof.name())).collect();
        assert_eq!(names, [("vpc", "delivering"), ("", "unknown")]);
    }
}
