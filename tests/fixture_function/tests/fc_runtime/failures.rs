//! A failed invocation affects no other one.

use serde_json::json;

use crate::support::{Gate, Host, NOON, Request, in_time};

#[tokio::test]
async fn a_failure_is_answered_with_its_type_its_message_and_its_report() {
    let host = Host::start().await;
    let reply = host.send(Request::invoke("1-a", r#"{"fail": "the quota is used up"}"#)).await;
    assert_eq!(reply.statuses(), (404, "404"));
    assert_eq!(
        reply.json(),
        json!({"errorType": "Refused", "errorMessage": "the quota is used up", "report": {"done": 0}})
    );
    let entries = host.log.entries();
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!(
        entries[0],
        json!({
            "time": "2026-03-01T12:00:00.000Z", "level": "WARN", "request_id": "1-a", "run": "1-a",
            "message": "the invocation failed", "error_type": "Refused", "error_message": "the quota is used up",
        })
    );
}

#[tokio::test]
async fn a_panic_is_the_failure_of_its_own_invocation_and_of_no_other() {
    let host = Host::start().await;
    let gate = Gate::new().await;
    let mut other = host.connect().await;
    other.write(&Request::invoke("1-other", &format!(r#"{{"wait_for": "{}"}}"#, gate.address())).bytes()).await;
    let waiting = gate.arrival().await;

    let mut panicking = host.connect().await;
    let reply = panicking.send(Request::invoke("1-panics", r#"{"panic": "no such thing"}"#)).await;
    assert_eq!(reply.statuses(), (404, "404"));
    assert_eq!(reply.json(), json!({"errorType": "Panic", "errorMessage": "panicked: no such thing"}));
    assert_eq!(panicking.send(Request::invoke("1-after", "{}")).await.status, 200);

    drop(waiting);
    assert_eq!(other.reply().await.json(), json!({"greeting": "hello"}));
    assert!(host.log.text().contains("FC Invoke End RequestId: 1-panics, Error: Unhandled function error\n"));
}

#[tokio::test]
async fn what_a_panic_said_is_answered_in_a_few_words() {
    let host = Host::start().await;
    let said = "云".repeat(30_000);
    let reply = host.send(Request::invoke("1-a", &format!(r#"{{"panic": "{said}"}}"#))).await;
    assert_eq!(reply.json()["errorType"], "Panic");
    assert!((4_000..5_000).contains(&reply.body.len()), "{} bytes", reply.body.len());
}

#[tokio::test(start_paused = true)]
async fn an_invocation_past_its_deadline_is_answered_just_before_it() {
    let host = Host::start().await;
    let began = tokio::time::Instant::now();
    let mut connection = host.connect().await;
    let hanging = Request::invoke("1-hangs", r#"{"hang": true}"#).header("x-fc-function-timeout", "3");
    let reply = connection.send(hanging).await;
    let waited = began.elapsed().as_millis();
    assert!((2_800..2_900).contains(&waited), "{waited} ms");
    assert_eq!(reply.statuses(), (404, "404"));
    assert_eq!(reply.json()["errorType"], "DeadlineExceeded");
    assert_eq!(connection.send(Request::invoke("1-after", "{}")).await.status, 200);
}

#[tokio::test(start_paused = true)]
async fn however_an_invocation_fails_one_line_says_so_and_a_function_may_write_it() {
    for (end, error_type) in
        [(r#""fail": "no""#, "Refused"), (r#""panic": "no""#, "Panic"), (r#""hang": true"#, "DeadlineExceeded")]
    {
        for (is_own, message) in [(true, "it failed, says the function"), (false, "the invocation failed")] {
            let host = Host::start().await;
            let event = format!(r#"{{"log_failure": {is_own}, {end}}}"#);
            let request = Request::invoke("1-a", &event).header("x-fc-function-timeout", "3");
            assert_eq!(host.send(request).await.json()["errorType"], error_type);
            // A failure of the next invocation is not the first one's.
            host.send(Request::invoke("1-b", r#"{"fail": "no"}"#)).await;
            let lines: Vec<_> =
                host.log.entries().into_iter().filter(|line| line.get("error_type").is_some()).collect();
            let said: Vec<_> =
                lines.iter().map(|line| ["request_id", "error_type", "message"].map(|key| &line[key])).collect();
            assert_eq!(json!(said), json!([["1-a", error_type, message], ["1-b", "Refused", "the invocation failed"]]));
            assert_eq!(lines[0].get("at"), is_own.then(|| json!(NOON)).as_ref(), "{lines:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_timeout_there_is_no_deadline() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    connection.write(&Request::invoke("1-hangs", r#"{"hang": true}"#).bytes()).await;
    let day = std::time::Duration::from_secs(86_400);
    assert!(tokio::time::timeout(day, connection.reply()).await.is_err());
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_cut_an_invocation_off() {
    let mut host = Host::start().await;
    let gate = Gate::new().await;
    let mut caller = host.connect().await;
    let event = format!(r#"{{"wait_for": "{}", "then_say": "second write"}}"#, gate.address());
    caller.write(&Request::invoke("1-a", &event).bytes()).await;
    let waiting = gate.arrival().await;
    drop(caller);
    // Another request is served meanwhile, so the server has noticed that the first caller hung up.
    assert_eq!(host.send(Request::invoke("1-b", "{}")).await.status, 200);
    drop(waiting);
    let log = host.log.clone();
    in_time(host.shut_down()).await.unwrap();
    assert!(log.text().contains("second write"), "{}", log.text());
    assert!(log.text().contains("FC Invoke End RequestId: 1-a\n"), "{}", log.text());
}
