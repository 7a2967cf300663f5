//! How many records arrived in a Logstore.

use std::sync::{Arc, Mutex};

use flow_log::{
    AccountId, RegionId,
    names::{LogStoreName, ProjectName},
};
use openapi::{
    Bucket, CallError, CallRead, Cause, Destination, ErrorKind, MeteringMode, MissingPart, PageObserver, PageRead,
    RecordCount, RecordField, RecordFilter, Session, TimeSpan,
};
use serde_json::{Value, json};

use crate::support::{Reply, Server, TestMachine, ok, session};

fn names() -> (ProjectName, LogStoreName) {
    ("flowlog-1".parse().unwrap(), "vpc_logs".parse().unwrap())
}

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(second).unwrap()
}

fn span() -> TimeSpan {
    TimeSpan::new(at(1_763_942_400), at(1_764_028_800)).unwrap()
}

fn rows(progress: &str, rows: &[Value]) -> Reply {
    ok(json!({"meta": {"progress": progress, "count": rows.len(), "hasSQL": true}, "data": rows}))
}

fn row(vpc: &str, status: &str, records: &str, last: &str) -> Value {
    json!({"vpc": vpc, "status": status, "records": records, "last": last})
}

fn refused(status: u16, code: &str) -> Reply {
    let body = json!({"errorCode": code, "errorMessage": "Because."}).to_string();
    Reply::Answer(status, vec![("x-log-requestid", "5F-sls".to_owned())], body)
}

async fn count(session: &Session<'_>, by: &[RecordField]) -> Result<Vec<RecordCount>, CallError> {
    let (project, log_store) = names();
    session.count_records(Destination { project: &project, log_store: &log_store }, span(), by).await
}

async fn counted(replies: impl IntoIterator<Item = Reply>) -> (Result<Vec<RecordCount>, CallError>, usize) {
    let server = Server::scripted(replies).await;
    let client = server.client(&TestMachine::new()).read_only();
    let found = count(&session(&client), &[RecordField::Vpc]).await;
    (found, server.seen().len())
}

/// Counts the records of each VPC by the hour. Returns the second at which each hour begins, and its records.
async fn count_by_hour(server: &Server, span: TimeSpan) -> Result<Vec<(i64, u64)>, CallError> {
    let client = server.client(&TestMachine::new());
    let (project, log_store) = names();
    let of = Destination { project: &project, log_store: &log_store };
    let found = session(&client).count_records_by_hour(of, span, RecordField::Vpc).await?;
    Ok(found.iter().map(|count| (count.hour.as_second(), count.records)).collect())
}

async fn histogram(session: &Session<'_>, filter: RecordFilter<'_>) -> Result<Vec<Bucket>, CallError> {
    let (project, log_store) = names();
    session.histogram(Destination { project: &project, log_store: &log_store }, span(), filter).await
}

/// Keeps the calls that it learns of.
#[derive(Debug, Default)]
struct Kept(Mutex<Vec<CallRead>>);

impl PageObserver for Kept {
    fn page_read(&self, _: &AccountId, _: &RegionId, page: &PageRead) {
        panic!("no list is read: {page:?}");
    }

    fn call_read(&self, _: &AccountId, _: &RegionId, call: &CallRead) {
        self.0.lock().unwrap().push(call.clone());
    }
}

#[tokio::test]
async fn an_observer_learns_of_each_count_with_its_rows_and_its_request_and_of_no_call_that_fails() {
    let with_id = |id: &str, reply: Reply| match reply {
        Reply::Answer(status, _, body) => Reply::Answer(status, vec![("x-log-requestid", id.to_owned())], body),
        other => other,
    };
    let two = [row("vpc-1", "OK", "9", "1764027000"), row("vpc-2", "OK", "9", "1764027000")];
    let server = Server::scripted([
        with_id("R-1", rows("Incomplete", &[])),
        with_id("R-2", rows("Complete", &two)),
        refused(403, "Unauthorized"),
        ok(json!({"RequestId": "R-4", "Enabled": true})),
        with_id(&"x".repeat(101), rows("Complete", &two)),
    ])
    .await;
    let kept = Arc::new(Kept::default());
    let client = server.client(&TestMachine::new()).observed_by(Arc::<Kept>::clone(&kept));
    let session = session(&client);
    count(&session, &[RecordField::Vpc]).await.unwrap();
    count(&session, &[RecordField::Vpc]).await.unwrap_err();
    assert!(session.get_flow_log_service_status().await.unwrap());
    count(&session, &[RecordField::Vpc]).await.unwrap();
    let calls = std::mem::take(&mut *kept.0.lock().unwrap());
    let read = |action, about: &str, rows, id: Option<&str>| CallRead {
        action,
        about: about.to_owned(),
        rows,
        request_id: id.map(str::to_owned),
    };
    let expected = [
        read("GetLogsV2", "flowlog-1/vpc_logs", None, Some("R-1")),
        read("GetLogsV2", "flowlog-1/vpc_logs", Some(2), Some("R-2")),
        read("GetFlowLogServiceStatus", "", None, Some("R-4")),
        read("GetLogsV2", "flowlog-1/vpc_logs", Some(2), None),
    ];
    assert_eq!(calls, expected, "an id that is no word is left out");
}

#[tokio::test]
async fn records_are_counted_by_a_client_that_only_reads_although_the_query_is_a_post() {
    let answer = [
        row("vpc-1", "OK", "9", "1764027000"),
        row("vpc-1", "NODATA", "2", "1764028000"),
        row("vpc-1", "SKIPDATA", "1", "1764026000"),
        row("-", "OK", "3", "null"),
        row("null", "null", "700", "1764028000"),
        row("vpc-2", "New", "700", "1764028000"),
    ];
    let server = Server::scripted([rows("Complete", &answer)]).await;
    let client = server.client(&TestMachine::new()).read_only();
    let found = count(&session(&client), &[RecordField::Vpc]).await.unwrap();
    let nameless = RecordCount { of: vec![None], records: 3, skipped: 0, empty: 0, last: None, bytes: None };
    let last = Some(at(1_764_028_000));
    let named = RecordCount { of: vec![Some("vpc-1".into())], records: 12, skipped: 1, empty: 2, last, bytes: None };
    assert_eq!(found, [nameless, named], "what is no record of a flow log does not count");
    let call = server.seen().remove(0);
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/logstores/vpc_logs/logs"));
    let body: Value = serde_json::from_str(&call.body).unwrap();
    assert_eq!((&body["from"], &body["to"]), (&json!(1_763_942_400), &json!(1_764_028_800)));
    let query = body["query"].as_str().unwrap();
    assert!(query.starts_with(r#"* | select "vpc-id" as vpc, "log-status" as status, count(*) as records"#), "{query}");
}

#[tokio::test]
async fn counts_that_are_partial_are_asked_for_again_and_are_never_taken_for_whole() {
    let partial = || rows("Incomplete", &[row("vpc-1", "OK", "1", "1764028000")]);
    let (found, calls) = counted([partial(), partial(), rows("Complete", &[])]).await;
    assert_eq!((found.unwrap(), calls), (vec![], 3));
    let (never, tries) = counted((0..9).map(|_| partial())).await;
    let error = never.unwrap_err();
    assert_eq!((error.kind(), &error.cause, tries), (ErrorKind::Incomplete, &Cause::Incomplete { tries: 4 }, 4));
    assert_eq!(error.to_string(), "GetLogsV2 of flowlog-1/vpc_logs");
}

#[tokio::test]
async fn a_count_with_as_many_rows_as_an_answer_can_have_may_lack_some_and_is_no_evidence() {
    let many: Vec<_> = (0..50_000).map(|nth| row(&format!("vpc-{nth}"), "OK", "1", "1764028000")).collect();
    let (found, _) = counted([rows("Complete", &many)]).await;
    assert_eq!(found.unwrap_err().kind(), ErrorKind::Unreadable);
    let (fewer, _) = counted([rows("Complete", &many[1..])]).await;
    assert_eq!(fewer.unwrap().len(), 49_999);
}

#[tokio::test]
async fn records_are_counted_by_the_hour() {
    let of_hour = |vpc: &str, hour: &str, status: &str, records: &str| json!({"vpc": vpc, "hour": hour, "status": status, "records": records});
    let answer = [
        of_hour("vpc-1", "1763942400", "OK", "9"),
        of_hour("vpc-1", "1763942400", "NODATA", "1"),
        of_hour("vpc-1", "1763946000", "OK", "4"),
        of_hour("vpc-1", "1763946000", "null", "700"),
    ];
    let server = Server::scripted([rows("Complete", &answer), rows("Complete", &[row("vpc-1", "OK", "1", "1")])]).await;
    assert_eq!(count_by_hour(&server, span()).await.unwrap(), [(1_763_942_400, 10), (1_763_946_000, 4)]);
    let without_hour = count_by_hour(&server, span()).await.unwrap_err();
    assert_eq!(without_hour.kind(), ErrorKind::Unreadable);
}

#[tokio::test]
async fn a_span_with_too_many_rows_for_one_answer_is_counted_in_halves_and_a_single_hour_is_refused() {
    let of_hour = |vpc: String, hour: &str| json!({"vpc": vpc, "hour": hour, "status": "OK", "records": "2"});
    let full: Vec<_> = (0..50_000).map(|nth| of_hour(format!("vpc-{nth}"), "1763942400")).collect();
    let half = |hour| rows("Complete", &[of_hour("vpc-1".to_owned(), hour)]);
    let (from, middle, to) = (1_763_942_400, 1_763_985_600, 1_764_028_800);
    let server =
        Server::scripted([rows("Complete", &full), half("1763985600"), half("1763942400"), rows("Complete", &full)])
            .await;
    let hours = count_by_hour(&server, span()).await.unwrap();
    assert_eq!(hours, [(from, 2), (middle, 2)], "what was cut short counts for nothing");
    let asked = server.seen().into_iter().map(|call| serde_json::from_str::<Value>(&call.body).unwrap());
    let spans: Vec<_> = asked.map(|body| (body["from"].as_i64().unwrap(), body["to"].as_i64().unwrap())).collect();
    assert_eq!(spans, [(from, to), (middle, to), (from, middle)]);
    let hour = TimeSpan::new(at(from), at(from + 3600)).unwrap();
    let refused = count_by_hour(&server, hour).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unreadable);
}

#[tokio::test]
async fn a_count_that_cannot_be_read_is_unreadable_and_never_zero() {
    let odd = |field: &str, value: Value| {
        let mut odd = row("vpc-1", "OK", "9", "1764028000");
        odd[field] = value;
        rows("Complete", &[odd])
    };
    for reply in [
        ok(json!({"data": []})),
        ok(json!({"meta": {}, "data": []})),
        ok(json!({"meta": {"progress": "Complete"}})),
        ok(json!({"meta": {"progress": "Complete"}, "data": null})),
        ok(json!([])),
        odd("records", json!("many")),
        odd("records", json!(null)),
        odd("records", json!("-2")),
        odd("last", json!("yesterday")),
    ] {
        let (found, _) = counted([reply]).await;
        let error = found.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreadable, "{}", error.cause);
    }
}

#[tokio::test]
async fn a_refusal_says_which_part_is_missing() {
    for (status, code, kind, part) in [
        (401, "Unauthorized", ErrorKind::AccessDenied, None),
        (404, "ProjectNotExist", ErrorKind::DestinationMissing, Some(MissingPart::Project)),
        (404, "LogStoreNotExist", ErrorKind::DestinationMissing, Some(MissingPart::LogStore)),
        (404, "IndexConfigNotExist", ErrorKind::NotFound, Some(MissingPart::Index)),
        (400, "ParameterInvalid", ErrorKind::Invalid, None),
    ] {
        let (found, calls) = counted([refused(status, code)]).await;
        let error = found.unwrap_err();
        assert_eq!((error.kind(), error.missing_part(), calls), (kind, part, 1), "{code}");
    }
}

#[tokio::test]
async fn a_histogram_is_an_array_whose_every_part_must_be_complete() {
    let bucket = |from: i64, count: i64, progress: &str| json!({"from": from, "to": from + 3600, "count": count, "progress": progress});
    let server = Server::scripted([
        ok(json!([bucket(1_763_942_400, 3, "Complete"), bucket(1_763_946_000, 4, "Incomplete")])),
        ok(json!([bucket(1_763_942_400, 3, "Complete"), bucket(1_763_946_000, 5, "Complete")])),
    ])
    .await;
    let client = server.client(&TestMachine::new()).read_only();
    let filter = RecordFilter { of: Some((RecordField::Vpc, "vpc-1")), log_status: None };
    let found = histogram(&session(&client), filter).await.unwrap();
    assert_eq!(found.iter().map(|part| part.records).collect::<Vec<_>>(), [3, 5]);
    let call = server.seen().remove(0);
    assert_eq!((call.method.as_str(), call.path.as_str()), ("GET", "/logstores/vpc_logs"));
    assert_eq!(call.query.get("type").map(String::as_str), Some("histogram"));
    assert_eq!(call.query.get("query").map(String::as_str), Some(r#""vpc-id": "vpc-1""#));
}

#[tokio::test]
async fn a_histogram_that_is_no_array_or_runs_backwards_is_unreadable() {
    for reply in [
        ok(json!({})),
        ok(json!([{"from": 1, "to": 2, "count": 1}])),
        ok(json!([{"from": 2, "to": 1, "count": 1, "progress": "Complete"}])),
        ok(json!([{"from": 1, "to": 2, "count": "few", "progress": "Complete"}])),
    ] {
        let server = Server::scripted([reply]).await;
        let client = server.client(&TestMachine::new());
        let error = histogram(&session(&client), RecordFilter::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreadable, "{}", error.cause);
    }
    let server = Server::scripted([]).await;
    let client = server.client(&TestMachine::new());
    let filter = RecordFilter { of: Some((RecordField::Vpc, "vpc-1\" or *")), log_status: None };
    assert_eq!(histogram(&session(&client), filter).await.unwrap_err().kind(), ErrorKind::Invalid);
    assert_eq!(server.seen().len(), 0);
}

#[tokio::test]
async fn how_a_logstore_is_charged_is_read() {
    let server = Server::scripted([
        ok(json!({"meteringMode": "ChargeByDataIngest"})),
        ok(json!({"meteringMode": "ChargeByFunction"})),
        ok(json!({"meteringMode": "New"})),
        refused(404, "LogStoreNotExist"),
        ok(json!({})),
    ])
    .await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    let (project, log_store) = names();
    let of = Destination { project: &project, log_store: &log_store };
    let expected =
        [Some(MeteringMode::ByIngest), Some(MeteringMode::ByFeature), Some(MeteringMode::Other("New".into())), None];
    for mode in expected {
        assert_eq!(session.get_log_store_metering_mode(of).await.unwrap(), mode);
    }
    assert_eq!(session.get_log_store_metering_mode(of).await.unwrap_err().kind(), ErrorKind::Unreadable);
    assert_eq!(server.seen()[0].path, "/logstores/vpc_logs/meteringmode");
}

#[tokio::test]
async fn the_bytes_of_the_traffic_come_with_the_same_query_and_are_unknown_where_one_of_them_is_no_number() {
    let with = |row: Value, bytes: &str| {
        let mut row = row;
        row["traffic"] = json!(bytes);
        row
    };
    let answer = [
        with(row("vpc-1", "OK", "9", "1764027000"), "840"),
        with(row("vpc-1", "OK", "1", "1764027000"), "160"),
        with(row("vpc-1", "NODATA", "2", "1764028000"), "null"),
        with(row("vpc-2", "OK", "3", "1764027000"), "null"),
        with(row("vpc-3", "OK", "3", "1764027000"), "1.5E3"),
        with(row("vpc-4", "NODATA", "1", "1764027000"), "-"),
    ];
    let server = Server::scripted([rows("Complete", &answer)]).await;
    let client = server.client(&TestMachine::new()).read_only();
    let (project, log_store) = names();
    let of = Destination { project: &project, log_store: &log_store };
    let found = session(&client).count_records_and_bytes(of, span(), &[RecordField::Vpc]).await.unwrap();
    let bytes: Vec<_> = found.iter().map(|count| (count.records, count.bytes)).collect();
    assert_eq!(bytes, [(12, Some(1000)), (3, None), (3, None), (1, Some(0))]);
    let [call] = &server.seen()[..] else { panic!("more than one query") };
    let body: Value = serde_json::from_str(&call.body).unwrap();
    assert!(body["query"].as_str().unwrap().contains("sum(\"bytes\") as traffic"), "{body}");
}
