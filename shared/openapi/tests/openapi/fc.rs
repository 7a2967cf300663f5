//! Asynchronous invocations and their tasks.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use openapi::{
    AsyncInvocation, AsyncTask, CallError, ErrorKind, Listing, Remedy, Session, SignatureMethod, Submission, TaskStatus,
};
use serde_json::{Value, json};

use crate::support::{Reply, SECRET, Seen, Server, TOKEN, TestMachine, ok, refused, session};

const FUNCTION: &str = "flowkeeper-remediate-flow-logs";
const EVENT: &str = r#"{"flowkeeper":"shard","account":"1000000000000002"}"#;

fn invocation(task_id: Option<&str>) -> AsyncInvocation<'_> {
    AsyncInvocation { function: FUNCTION, task_id, delay: None, payload: EVENT.as_bytes() }
}

/// A response without a body, as Function Compute gives it.
fn nothing(status: u16) -> Reply {
    Reply::Answer(status, vec![("x-fc-request-id", "1-fc".to_owned())], String::new())
}

/// Computes the signature of a received request, as documented, over every header that must be signed and `x-fc-*`.
fn signature_of(seen: &Seen) -> String {
    let query: Vec<_> = seen.query.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let is_signed = |name: &str| signing::acs3::must_be_signed(name) || name.starts_with("x-fc-");
    let headers = seen.headers.iter().filter(|(name, _)| is_signed(name));
    let headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let (method, path, body) = (seen.method.as_str(), seen.path.as_str(), seen.body.as_bytes());
    let request = signing::acs3::Request { method, path, query: &query, headers: &headers, body };
    signing::acs3::sign(&request, "STS.example", SECRET).authorization
}

#[tokio::test]
async fn an_invocation_is_handed_over_under_its_path_signed_in_headers_whatever_the_setting_says() {
    for signature in [SignatureMethod::HmacSha1, SignatureMethod::Acs3HmacSha256] {
        let server = Server::answering(|_| nothing(202)).await;
        let client = server.client_with(&TestMachine::new(), signature);
        let asked = AsyncInvocation { delay: Some(Duration::from_secs(600)), ..invocation(Some("r1_2_1")) };
        assert_eq!(session(&client).invoke_async(&asked).await.unwrap(), Submission::Accepted);
        let seen = &server.seen()[0];
        assert_eq!(seen.method, "POST");
        assert_eq!(seen.path, "/2023-03-30/functions/flowkeeper-remediate-flow-logs/invocations");
        assert_eq!((seen.body.as_str(), seen.query.len()), (EVENT, 0));
        let header = |name: &str| seen.headers.get(name).map(String::as_str);
        for (name, value) in [
            ("x-acs-action", "InvokeFunction"),
            ("x-acs-version", "2023-03-30"),
            ("x-acs-security-token", TOKEN),
            ("content-type", "application/octet-stream"),
            ("x-fc-invocation-type", "Async"),
            ("x-fc-async-task-id", "r1_2_1"),
            ("x-fc-async-delay", "600"),
            ("host", &format!("127.0.0.1:{}", server.port())),
        ] {
            assert_eq!(header(name), Some(value), "{name}");
        }
        assert_eq!(seen.headers["authorization"], signature_of(seen));
    }
}

#[tokio::test]
async fn what_was_not_asked_for_is_not_sent() {
    let server = Server::answering(|_| nothing(202)).await;
    let client = server.client(&TestMachine::new());
    let asked = AsyncInvocation { payload: b"", ..invocation(None) };
    session(&client).invoke_async(&asked).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.headers["content-length"], "0");
    for name in ["x-fc-async-task-id", "x-fc-async-delay"] {
        assert!(!seen.headers.contains_key(name), "{name}");
    }
}

#[tokio::test]
async fn a_task_that_was_submitted_before_is_as_good_as_submitted() {
    let conflict = || refused(409, "StatefulAsyncInvocationAlreadyExists");
    let server = Server::scripted([
        conflict(),
        nothing(409),
        Reply::Answer(409, vec![], "it exists".to_owned()),
        // The first attempt was taken, and its answer was lost.
        Reply::Lost,
        conflict(),
        conflict(),
    ])
    .await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    for _ in 0..4 {
        let submission = session.invoke_async(&invocation(Some("r1_2_1"))).await;
        assert_eq!(submission.unwrap(), Submission::AlreadySubmitted);
    }
    let error = session.invoke_async(&invocation(None)).await.unwrap_err();
    assert_eq!(error.code(), Some("StatefulAsyncInvocationAlreadyExists"));
    assert_eq!(server.seen().len(), 6);
}

#[tokio::test]
async fn an_invocation_of_unknown_outcome_is_repeated_only_if_it_has_a_task_id() {
    for reply in [|| Reply::Lost, || refused(500, "InternalServerError"), || nothing(503)] {
        let server = Server::scripted([reply(), nothing(202), reply(), nothing(202)]).await;
        let client = server.client(&TestMachine::new());
        let session = session(&client);
        assert_eq!(session.invoke_async(&invocation(Some("r1_2_1"))).await.unwrap(), Submission::Accepted);
        let error = session.invoke_async(&invocation(None)).await.unwrap_err();
        assert_eq!((error.remedy(), server.seen().len()), (Remedy::ReadAgain, 3), "{}", error.cause);
        let nonces: Vec<_> = server.seen().iter().map(|seen| seen.headers["x-acs-signature-nonce"].clone()).collect();
        assert_ne!(nonces[0], nonces[1], "each attempt is signed anew");
    }
}

#[tokio::test]
async fn an_invocation_that_was_not_taken_for_want_of_room_is_handed_over_later() {
    for reply in [|| refused(429, "ResourceExhausted"), || nothing(429)] {
        for task_id in [None, Some("r1_2_1")] {
            let server = Server::scripted([reply(), nothing(202)]).await;
            let machine = TestMachine::new();
            let client = server.client(&machine);
            assert_eq!(session(&client).invoke_async(&invocation(task_id)).await.unwrap(), Submission::Accepted);
            assert_eq!((server.seen().len(), machine.waits().len()), (2, 1));
        }
    }
}

#[tokio::test]
async fn an_answer_says_that_the_invocation_was_taken_or_it_is_an_error() {
    let of = async |reply: Reply| {
        let server = Server::scripted([reply]).await;
        let client = server.client(&TestMachine::new());
        session(&client).invoke_async(&invocation(None)).await
    };
    for reply in [
        nothing(200),
        nothing(202),
        nothing(204),
        Reply::Answer(202, vec![], "taken".to_owned()),
        Reply::Answer(202, vec![], r#"{"requestId":"1-fc"}"#.to_owned()),
    ] {
        assert_eq!(of(reply).await.unwrap(), Submission::Accepted);
    }
    for (reply, kind) in [
        (refused(200, "InvalidArgument"), ErrorKind::Invalid),
        (refused(202, "InvalidArgument"), ErrorKind::Invalid),
        (Reply::Answer(200, vec![], "<html>".to_owned()), ErrorKind::Unreadable),
        (nothing(302), ErrorKind::Unreadable),
        (nothing(404), ErrorKind::Unreadable),
        (refused(404, "FunctionNotFound"), ErrorKind::NotFound),
        (refused(400, "EntityTooLarge"), ErrorKind::Invalid),
        (refused(403, "AccessDenied"), ErrorKind::AccessDenied),
    ] {
        let error = of(reply).await.unwrap_err();
        assert_eq!((error.kind(), error.resource.as_str()), (kind, FUNCTION), "{}", error.cause);
        assert!(!error.advice().is_empty());
    }
    assert_eq!(of(nothing(404)).await.unwrap_err().request_id.as_deref(), Some("1-fc"), "only a header has it");
    assert_eq!(of(refused(400, "A")).await.unwrap_err().request_id.as_deref(), Some("R-1"), "the body has it, too");
}

#[tokio::test]
async fn what_function_compute_would_not_take_is_not_sent() {
    let server = Server::answering(|_| nothing(202)).await;
    let client = server.client(&TestMachine::new());
    let session = session(&client);
    let (large, long) = (vec![b' '; (128 << 10) + 1], "a".repeat(129));
    let names = ["", "..", "a/b", "a b", "1a", "-a", "a?b", "é", long.as_str()];
    let mut odd: Vec<_> = names.map(|function| AsyncInvocation { function, ..invocation(None) }).to_vec();
    odd.extend(names.map(|id| invocation(Some(id))));
    odd.extend([0, 3601].map(|s| AsyncInvocation { delay: Some(Duration::from_secs(s)), ..invocation(None) }));
    odd.push(AsyncInvocation { delay: Some(Duration::from_millis(999)), ..invocation(None) });
    odd.push(AsyncInvocation { payload: &large, ..invocation(None) });
    for invocation in odd {
        let error = session.invoke_async(&invocation).await.unwrap_err();
        assert_eq!(error.short_code(), "Invalid", "{error}: {}", error.cause);
    }
    for function in names {
        let error = session.async_tasks(function, "r1_").try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(error.short_code(), "Invalid", "{function}");
    }
    assert!(server.seen().is_empty());
    let just = AsyncInvocation {
        delay: Some(Duration::from_secs(3600)),
        payload: &large[1..],
        ..invocation(Some(&long[1..]))
    };
    session.invoke_async(&just).await.unwrap();
}

async fn tasks(session: &Session<'_>) -> Result<Listing<AsyncTask>, CallError> {
    session.async_tasks(FUNCTION, "r1_").try_collect().await
}

fn page(tasks: &Value, next: &str) -> Reply {
    ok(json!({"tasks": tasks, "nextToken": next}))
}

#[tokio::test]
async fn tasks_are_listed_by_their_prefix_to_the_last_page() {
    let first = json!([{"taskId": "r1_2_1", "status": "Succeeded"}, {"taskId": "r2_9_1", "status": "Failed"}]);
    let second =
        json!([{"taskId": "r1_3_1", "status": "Failed", "taskErrorMessage": "Because."}, {"taskId": "r1_4_1"}]);
    for signature in [SignatureMethod::HmacSha1, SignatureMethod::Acs3HmacSha256] {
        let server = Server::scripted([page(&first, "more"), page(&second, "")]).await;
        let client = server.client_with(&TestMachine::new(), signature);
        let found = tasks(&session(&client)).await.unwrap();
        let done = AsyncTask { id: "r1_2_1".to_owned(), status: TaskStatus::Succeeded, error: None };
        let error = Some("Because.".to_owned());
        let failed = AsyncTask { id: "r1_3_1".to_owned(), status: TaskStatus::Failed, error };
        assert_eq!(found.items, [done, failed], "a task of another run was not asked for");
        assert_eq!(found.unreadable[0].id.as_deref(), Some("r1_4_1"));
        let seen = server.seen();
        for (call, token) in seen.iter().zip([None, Some("more")]) {
            assert_eq!(call.method, "GET");
            assert_eq!(call.path, "/2023-03-30/functions/flowkeeper-remediate-flow-logs/async-tasks");
            assert_eq!(["prefix", "limit"].map(|key| call.get(key).unwrap()), ["r1_", "100"]);
            assert_eq!((call.get("nextToken"), call.body.as_str()), (token, ""));
            assert_eq!(call.headers["x-acs-action"], "ListAsyncTasks");
            assert_eq!(call.headers["authorization"], signature_of(call));
        }
    }
}

#[tokio::test]
async fn a_list_of_tasks_that_is_none_or_leads_back_is_unreadable() {
    for (body, said) in [
        (json!({}), "has no tasks"),
        (json!({"tasks": null, "nextToken": ""}), "tasks is no list"),
        (json!({"tasks": {"taskId": "r1_2_1"}}), "tasks is no list"),
        (json!({"tasks": [], "nextToken": ["a"]}), "nextToken"),
        (json!({"tasks": [{"taskId": "r1_2_1", "status": "Running"}], "nextToken": "a"}), "leads back"),
    ] {
        let text = body.to_string();
        let server = Server::answering(move |_| ok(&text)).await;
        let client = server.client(&TestMachine::new());
        let error = tasks(&session(&client)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreadable, "{body}");
        assert!(error.cause.to_string().contains(said), "{body}: {}", error.cause);
    }
    let server = Server::answering(|_| nothing(200)).await;
    let client = server.client(&TestMachine::new());
    let error = tasks(&session(&client)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreadable, "no body is no empty list");
}

#[test]
fn a_task_has_ended_or_goes_on() {
    for (text, has_ended, has_failed) in [
        ("Enqueued", false, false),
        ("Dequeued", false, false),
        ("Running", false, false),
        ("Retrying", false, false),
        ("Stopping", false, false),
        ("NeverSeenBefore", false, false),
        ("Succeeded", true, false),
        ("Failed", true, true),
        ("Stopped", true, true),
        ("Expired", true, true),
        ("Invalid", true, true),
    ] {
        let status = TaskStatus::from(text.to_owned());
        assert_eq!((status.has_ended(), status.has_failed()), (has_ended, has_failed), "{text}");
        assert_eq!(matches!(status, TaskStatus::Other(_)), text == "NeverSeenBefore");
    }
}
