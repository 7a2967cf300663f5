//! What is retried, with which backoff, and what is not.

use std::time::Duration;

use flow_log::{FlowLogSpec, ResourceId};
use openapi::{
    CallCounter, CallCounts, Cause, Credentials, ErrorKind, FlowLogFilter, Listing, Remedy, Retry, SignatureMethod,
};
use serde_json::json;

use crate::support::{
    NOTHING, Reply, SECRET, Server, TOKEN, TestMachine, credentials, ok, refused, session, session_until,
};

fn vpc() -> ResourceId {
    "vpc-bp1example00000000001".parse().unwrap()
}

pub(crate) fn spec() -> FlowLogSpec {
    FlowLogSpec {
        name: "flowkeeper".parse().unwrap(),
        description: "Kept by Flowkeeper".parse().unwrap(),
        project: "flowlog".parse().unwrap(),
        log_store: "vpc".parse().unwrap(),
        create_destination: None,
        traffic_type: flow_log::names::TrafficType::All,
        traffic_path: vec![],
        aggregation_interval: flow_log::names::AggregationInterval::Ten,
        ip_version: None,
        resource_group_id: None,
        tags: [("managed-by".parse().unwrap(), "flowkeeper".parse().unwrap())].into(),
    }
}

#[tokio::test]
async fn a_read_is_tried_again_with_growing_waits_and_a_new_signature() {
    let server =
        Server::scripted([refused(503, "ServiceUnavailable"), Reply::Lost, refused(500, "X"), ok(NOTHING)]).await;
    let (machine, retry) = (TestMachine::new(), Retry::default());
    let client = server.client(&machine);
    assert_eq!(session(&client).describe_flow_logs(&FlowLogFilter::default()).await.unwrap(), Listing::default());
    let waits = machine.waits();
    assert_eq!(waits.len(), 3);
    for (nth, wait) in (0..).zip(&waits) {
        let base = retry.first_delay * 2_u32.pow(nth);
        assert!((base..=base * 2).contains(wait), "{waits:?}");
    }
    let nonces: std::collections::BTreeSet<_> =
        server.seen().iter().map(|seen| seen.get("SignatureNonce").unwrap().to_owned()).collect();
    assert_eq!(nonces.len(), 4);
}

#[tokio::test]
async fn a_throttled_call_is_tried_until_the_work_has_to_end() {
    for (is_write, status, code) in [
        (false, 400, "Throttling.User"),
        (true, 429, "Any"),
        (false, 503, "QpsLimitExceeded"),
        (true, 400, "FlowControl"),
    ] {
        let server = Server::answering(move |_| refused(status, code)).await;
        let machine = TestMachine::new();
        let client = server.client(&machine);
        let session = session_until(&client, "2026-11-20T10:00:58Z".parse().unwrap());
        let error = if is_write {
            session.writes().create_flow_log(&vpc(), &spec()).await.unwrap_err()
        } else {
            session.describe_flow_logs(&FlowLogFilter::default()).await.unwrap_err()
        };
        assert_eq!((error.kind(), error.request_id.as_deref()), (ErrorKind::Throttled, Some("R-1")));
        let waited: Duration = machine.waits().iter().sum();
        assert!((50..58).contains(&waited.as_secs()), "{waited:?}");
        assert!((12..=30).contains(&server.seen().len()), "{} calls", server.seen().len());
        assert!(machine.waits().iter().all(|wait| *wait <= Retry::default().max_delay), "{:?}", machine.waits());
    }
}

#[tokio::test]
async fn a_call_of_work_without_an_end_is_given_up_after_a_minute() {
    let server = Server::answering(|_| refused(400, "Throttling")).await;
    let machine = TestMachine::new();
    let client = server.client(&machine);
    let (account, region) = ("1000000000000001".parse().unwrap(), "cn-hangzhou".parse().unwrap());
    let session = client.session(credentials(), account, region, None);
    session.describe_flow_logs(&FlowLogFilter::default()).await.unwrap_err();
    let waited: Duration = machine.waits().iter().sum();
    assert!((50..=60).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test]
async fn what_was_down_for_a_while_is_read_in_the_end() {
    for reply in
        [|| refused(503, "ServiceUnavailable"), || Reply::Lost, || refused(502, "Bad"), || refused(400, "SystemBusy")]
    {
        let mut failures = 0;
        let server = Server::answering(move |_| {
            failures += 1;
            if failures < 9 { reply() } else { ok(NOTHING) }
        })
        .await;
        let client = server.client(&TestMachine::new());
        session(&client).describe_flow_logs(&FlowLogFilter::default()).await.unwrap();
        assert_eq!(server.seen().len(), 9);
    }
}

#[tokio::test]
async fn a_write_that_the_state_does_not_allow_is_tried_a_few_times_and_then_left_to_who_looks_again() {
    let server = Server::answering(|_| refused(400, "IncorrectStatus.flowlog")).await;
    let client = server.client(&TestMachine::new());
    let error = session(&client).writes().delete_flow_log(&"fl-1".parse().unwrap()).await.unwrap_err();
    assert_eq!((error.kind(), server.seen().len()), (ErrorKind::Conflict, 5));
}

#[tokio::test]
async fn while_most_calls_fail_retries_come_to_an_end() {
    let server = Server::answering(|_| refused(400, "Throttling")).await;
    let machine = TestMachine::new();
    let client = server.client(&machine);
    for _ in 0..20 {
        session(&client).describe_flow_logs(&FlowLogFilter::default()).await.unwrap_err();
    }
    assert_eq!(server.seen().len(), 20 + 100, "a hundred retries, and then none");
}

#[tokio::test]
async fn a_key_with_a_line_break_is_told_at_once_and_nothing_is_sent() {
    for signature in [SignatureMethod::HmacSha1, SignatureMethod::Acs3HmacSha256] {
        for (key, part) in [
            (Credentials::new("test\n", "secret"), "access key id"),
            (Credentials::new("test", "secret\r\n"), "access key secret"),
            (Credentials::new("test", "secret").with_security_token("to\u{1}ken"), "security token"),
            (Credentials::new("test ", "secret"), "access key id"),
        ] {
            let server = Server::answering(|_| ok(NOTHING)).await;
            let machine = TestMachine::new();
            let client = server.client_with(&machine, signature);
            let (account, region) = ("1000000000000001".parse().unwrap(), "cn-hangzhou".parse().unwrap());
            let session = client.session(key, account, region, None);
            let error = session.describe_flow_logs(&FlowLogFilter::default()).await.unwrap_err();
            assert_eq!((error.kind(), error.remedy()), (ErrorKind::Credentials, Remedy::GiveUp));
            assert!(error.cause.to_string().contains(part), "{}", error.cause);
            assert!(!format!("{error:?} {}", error.cause).contains("secret\\"), "{error:?}");
            assert!(error.advice().contains("line break"), "{}", error.advice());
            assert!(server.seen().is_empty() && machine.waits().is_empty());
        }
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_not_sent_again() {
    for reply in [Reply::Lost, refused(500, "InternalError"), ok("<html>"), ok("{}")] {
        let server = Server::scripted([reply, ok(json!({"FlowLogId": "fl-1"}))]).await;
        let client = server.client(&TestMachine::new());
        let error = session(&client).writes().create_flow_log(&vpc(), &spec()).await.unwrap_err();
        assert_eq!(error.remedy(), Remedy::ReadAgain, "{error}: {}", error.cause);
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_write_that_was_not_done_is_tried_again() {
    let server = Server::scripted([
        refused(400, "Throttling.User"),
        refused(400, "TaskConflict"),
        ok(json!({"FlowLogId": "fl-1"})),
    ])
    .await;
    let machine = TestMachine::new();
    let client = server.client(&machine);
    assert_eq!(session(&client).writes().create_flow_log(&vpc(), &spec()).await.unwrap().as_str(), "fl-1");
    assert!(machine.waits()[0] >= Retry::default().first_delay_throttled, "{:?}", machine.waits());
}

#[tokio::test]
async fn a_refusal_is_not_retried() {
    let server = Server::answering(|_| refused(403, "Forbidden.RAM")).await;
    let client = server.client(&TestMachine::new());
    let error = session(&client).describe_flow_logs(&FlowLogFilter::default()).await.unwrap_err();
    assert_eq!((error.remedy(), server.seen().len()), (Remedy::GiveUp, 1));
}

#[tokio::test]
async fn the_server_is_given_the_time_that_it_asks_for_within_reason() {
    for (asked_for, waited) in [(7_000, 7_000), (999_999_999, 120_000)] {
        let throttled = refused(400, "Throttling").with_header("x-acs-retry-after", asked_for);
        let server = Server::scripted([throttled, ok(NOTHING)]).await;
        let machine = TestMachine::new();
        let client = server.client(&machine);
        session(&client).describe_flow_logs(&FlowLogFilter::default()).await.unwrap();
        assert_eq!(machine.waits(), [Duration::from_millis(waited)]);
    }
}

#[tokio::test]
async fn nothing_is_waited_for_that_comes_after_the_end() {
    let throttled = || refused(400, "Throttling").with_header("x-acs-retry-after", 60_000);
    let server = Server::answering(move |_| throttled()).await;
    let machine = TestMachine::new();
    let client = server.client(&machine);
    let session = session_until(&client, "2026-11-20T10:00:30Z".parse().unwrap());
    let error = session.describe_flow_logs(&FlowLogFilter::default()).await.unwrap_err();
    assert_eq!((error.code(), machine.waits().len()), (Some("Throttling"), 0));

    machine.let_pass(Duration::from_secs(30));
    let late = session.describe_flow_logs(&FlowLogFilter::default()).await.unwrap_err();
    assert!(late.is_out_of_time() && server.seen().len() == 1);
}

#[tokio::test]
async fn a_wrong_clock_is_corrected_once_by_the_servers_time() {
    let expired = || refused(400, "InvalidTimeStamp.Expired").with_header("date", "Fri, 20 Nov 2026 12:00:00 GMT");
    let server = Server::scripted([expired(), ok(NOTHING), ok(NOTHING), expired(), expired()]).await;
    let machine = TestMachine::new();
    let client = server.client(&machine);
    let session = session(&client);
    for _ in 0..2 {
        session.describe_flow_logs(&FlowLogFilter::default()).await.unwrap();
    }
    let times: Vec<_> = server.seen().iter().map(|seen| seen.get("Timestamp").unwrap().to_owned()).collect();
    assert_eq!(times, ["2026-11-20T10:00:00Z", "2026-11-20T12:00:00Z", "2026-11-20T12:00:00Z"]);
    let error = session.describe_flow_logs(&FlowLogFilter::default()).await.unwrap_err();
    assert_eq!((error.remedy(), server.seen().len()), (Remedy::CorrectClock, 5));
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_unanswered() {
    let server = Server::answering(|_| Reply::Silent).await;
    let client = server.client(&TestMachine::new());
    let session = session_until(&client, "2026-11-20T10:00:00.2Z".parse().unwrap());
    let error = session.writes().create_flow_log(&vpc(), &spec()).await.unwrap_err();
    assert!(matches!(error.cause, Cause::NoResponse { .. }), "{}", error.cause);
    assert_eq!(error.remedy(), Remedy::ReadAgain);
}

#[tokio::test]
async fn a_signed_request_is_not_carried_elsewhere() {
    let elsewhere = Server::answering(|_| ok(NOTHING)).await;
    let there = format!("http://127.0.0.1:{}/", elsewhere.port());
    let server = Server::answering(move |_| Reply::Answer(307, vec![("location", there.clone())], String::new())).await;
    let client = server.client(&TestMachine::new());
    let error = session(&client).describe_flow_logs(&FlowLogFilter::default()).await.unwrap_err();
    assert!(matches!(error.cause, Cause::Unreadable { status: 307, .. }), "{}", error.cause);
    assert!(elsewhere.seen().is_empty());
}

#[tokio::test]
async fn an_answer_without_end_is_not_read_to_its_end() {
    let server = Server::answering(|_| ok(" ".repeat((16 << 20) + 1))).await;
    let client = server.client(&TestMachine::new());
    let error = session(&client).describe_flow_logs(&FlowLogFilter::default()).await.unwrap_err();
    assert!(error.cause.to_string().contains("larger than"), "{}", error.cause);
}

#[tokio::test]
async fn no_error_says_what_was_signed_with() {
    let encoded = signing::percent_encode(TOKEN);
    for message in [
        format!("Specified signature is not matched. server string to sign is:POST&%2F&SecurityToken%3D{encoded}"),
        format!("SecurityToken {TOKEN} ({encoded}) and {SECRET} are bad"),
    ] {
        let body = json!({"Code": "SignatureDoesNotMatch", "Message": message, "RequestId": "R"});
        let server = Server::answering(move |_| Reply::Answer(400, vec![], body.to_string())).await;
        let client = server.client(&TestMachine::new());
        let session = session(&client);
        let error = session.describe_flow_logs(&FlowLogFilter::default()).await.unwrap_err();
        let text = format!("{error} {error:?} {} {session:?} {client:?}", error.cause);
        assert!(![SECRET, TOKEN, &encoded].iter().any(|secret| text.contains(secret)), "{text}");
    }
}

#[tokio::test]
async fn sessions_with_one_counter_count_their_calls_writes_retries_and_waits_together() {
    let done = || ok(r#"{"RequestId":"R-1"}"#);
    let server = Server::scripted([refused(400, "Throttling.User"), ok(NOTHING), done(), ok(NOTHING)]).await;
    let machine = TestMachine::new();
    let client = server.client(&machine);
    let counter = CallCounter::default();
    let counted = session(&client).counted_by(counter.clone());
    assert_eq!(counter.counts(), CallCounts::default());
    counted.describe_flow_logs(&FlowLogFilter::default()).await.unwrap();
    session(&client).counted_by(counter.clone()).writes().activate_flow_log(&"fl-1".parse().unwrap()).await.unwrap();
    session(&client).describe_flow_logs(&FlowLogFilter::default()).await.unwrap();
    let [wait] = machine.waits().try_into().unwrap();
    let wait = Duration::from_millis(wait.as_millis() as u64);
    assert_eq!(counter.counts(), CallCounts { calls: 3, writes: 1, retries: 1, throttles: 1, wait });
    assert_eq!(server.actions().len(), 4, "the last has no counter");
}
