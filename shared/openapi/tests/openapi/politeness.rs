//! Calls stay within the quotas, and the circuit breaker stops calls to a service that is down.

use std::{num::NonZeroU32, time::Duration};

use openapi::{Cause, FlowLogFilter, Quotas, Remedy, Session};

use crate::support::{NOTHING, Server, TestMachine, ok, refused, session};

async fn read(session: &Session<'_>) -> Result<(), openapi::CallError> {
    session.describe_flow_logs(&FlowLogFilter::default()).await.map(drop)
}

#[tokio::test]
async fn sessions_of_one_client_share_the_quota_of_an_operation() {
    let server = Server::answering(|_| ok(NOTHING)).await;
    let machine = TestMachine::new();
    let client = server.client(&machine);
    for _ in 0..100 {
        read(&session(&client)).await.unwrap();
    }
    // A tenth of the 600 per minute goes at once, the rest at an even rate.
    assert_eq!(machine.waits().len(), 40);
    assert!(machine.waits().iter().all(|wait| *wait == Duration::from_secs(60) / 540), "{:?}", machine.waits());
    session(&client).describe_regions().await.unwrap();
    assert_eq!(machine.waits().len(), 40, "another operation has a quota of its own");
}

#[tokio::test]
async fn a_quota_can_be_made_smaller_where_others_use_the_account_too() {
    let server = Server::answering(|_| ok(NOTHING)).await;
    let machine = TestMachine::new();
    let quotas = Quotas { vpc: NonZeroU32::new(20).unwrap(), ..Quotas::default() };
    let client = server.client_within(&machine, quotas);
    for _ in 0..5 {
        read(&session(&client)).await.unwrap();
    }
    assert_eq!(machine.waits(), [Duration::from_secs(60) / 18; 3], "two go at once, and the others evenly");
}

#[tokio::test]
async fn a_server_that_has_no_calls_left_is_not_called_before_its_time() {
    for (header, holds_others) in [("x-ratelimit-user-api", false), ("x-ratelimit-user", true)] {
        let server = Server::answering(move |seen| match seen.action() {
            "DescribeFlowLogs" => ok(NOTHING).with_header(header, "Remain:0,TimeLeft:4000"),
            _ => ok(NOTHING),
        })
        .await;
        let machine = TestMachine::new();
        let client = server.client(&machine);
        read(&session(&client)).await.unwrap();
        session(&client).describe_regions().await.unwrap();
        let four = Duration::from_secs(4);
        assert_eq!(machine.waits(), if holds_others { vec![four] } else { vec![] }, "{header}");
        read(&session(&client)).await.unwrap();
        assert_eq!(machine.waits(), [four], "{header}");
    }
}

#[tokio::test]
async fn a_service_that_is_down_is_left_alone_and_tried_again_later() {
    let server = Server::answering(|seen| match seen.action() {
        "DescribeFlowLogs" => refused(503, "ServiceUnavailable"),
        _ => ok(NOTHING),
    })
    .await;
    let machine = TestMachine::new();
    let client = server.client(&machine);
    let session = session(&client);
    // A single call with its retries opens the circuit, within half a minute.
    let error = read(&session).await.unwrap_err();
    assert_eq!((error.code(), error.request_id.as_deref()), (Some("ServiceUnavailable"), Some("R-1")));
    assert_eq!(server.seen().len(), 10);
    let waited: Duration = machine.waits().iter().sum();
    assert!((10..30).contains(&waited.as_secs()), "{waited:?}");

    let open = read(&session).await.unwrap_err();
    assert!(matches!(open.cause, Cause::CircuitOpen { failures: 10, .. }), "{}", open.cause);
    assert_eq!((open.short_code(), open.remedy()), ("CircuitOpen", Remedy::TryAgain));
    let text = open.cause.to_string();
    assert!(text.starts_with("not sent: VPC in cn-hangzhou failed 10 times in a row"), "{text}");
    assert!(text.contains("ServiceUnavailable"), "{text}");
    assert_eq!(server.seen().len(), 10, "nothing was sent");
    session.get_caller_identity().await.unwrap_err();
    assert_eq!(server.seen().len(), 11, "another product is another service");

    machine.let_pass(Duration::from_secs(5));
    session.describe_regions().await.unwrap();
    let calls = server.seen().len();
    assert_eq!(read(&session).await.unwrap_err().code(), Some("ServiceUnavailable"));
    assert!(server.seen().len() > calls, "it is called again");
}

#[tokio::test]
async fn a_refusal_is_no_failure_of_the_service() {
    let server = Server::answering(|_| refused(400, "Forbidden.RAM")).await;
    let client = server.client(&TestMachine::new());
    for _ in 0..30 {
        assert_eq!(read(&session(&client)).await.unwrap_err().code(), Some("Forbidden.RAM"));
    }
}
