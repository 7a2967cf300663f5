//! What is logged, where, and when.

use std::io::{self, Write};

use fc_runtime::Log;
use serde_json::{Value, json};
use tracing::{debug, info};

use crate::support::{Gate, Host, Noon, Request, Written};

/// Returns what is written while `work` runs.
fn written(filter: &str, work: impl FnOnce()) -> Written {
    let written = Written::default();
    let log = Log::new(written.clone(), Noon);
    tracing::subscriber::with_default(log.subscriber(filter.parse().unwrap()), work);
    written
}

#[test]
fn an_entry_is_one_line_of_json_with_its_fields_beside_the_message() {
    let error = "x".parse::<u8>().unwrap_err();
    let written = written("info", || {
        info!(
            vpc.id = "vpc-\"1\"\n\u{1}é",
            waited_ms = 20_u64,
            offset = -1,
            dry_run = true,
            ratio = 0.5,
            none = f64::NAN,
            list = ?["a"],
            error = &error as &dyn std::error::Error,
            request_id = "theirs",
            run = "theirs",
            "created {}",
            "fl-1"
        );
    });
    assert_eq!(written.text().lines().count(), 1);
    assert_eq!(
        written.entries()[0],
        json!({
            "time": "2026-03-01T12:00:00.000Z", "level": "INFO", "message": "created fl-1",
            "vpc.id": "vpc-\"1\"\n\u{1}é", "waited_ms": 20, "offset": -1, "dry_run": true, "ratio": 0.5,
            "none": null, "list": "[\"a\"]", "error": "invalid digit found in string", "field.request_id": "theirs",
            "field.run": "theirs",
        })
    );
}

#[test]
fn what_the_filter_leaves_out_is_not_written() {
    let written = written("info", || {
        debug!("too much");
        info!("enough");
    });
    assert_eq!(written.entries().len(), 1);
}

#[test]
fn a_line_that_would_be_too_long_is_cut_and_is_still_json() {
    for filling in ["x", "\"", "\n", "é", "\u{1}", "\u{10348}"] {
        let long = filling.repeat(40_000);
        let written = written("info", || info!(short = "kept", long, also = ?long, "a long {long}"));
        let text = written.text();
        assert!(text.len() <= 32_768 && text.ends_with('\n'), "{} bytes of {filling:?}", text.len());
        assert!(text.len() > 8_192, "only {} bytes of {filling:?}", text.len());
        let entry = &written.entries()[0];
        assert_eq!((&entry["short"], &entry["cut"]), (&json!("kept"), &json!(true)));
        let end = format!("… (cut, {} bytes in all)", long.len());
        assert!(entry["long"].as_str().unwrap().ends_with(&end), "{filling:?}");
    }
}

#[test]
fn the_longest_line_that_fits_is_not_cut() {
    let bare = written("info", || info!("")).text().len();
    let fits = written("info", || info!("{}", "x".repeat(32_768 - bare)));
    assert_eq!(fits.text().len(), 32_768);
    assert_eq!(fits.entries()[0].get("cut"), None);
    let too_long = written("info", || info!("{}", "x".repeat(32_769 - bare)));
    assert!(too_long.text().len() <= 32_768);
    assert_eq!(too_long.entries()[0]["cut"], true);
}

#[tokio::test]
async fn invocations_at_the_same_time_log_under_their_own_ids() {
    let host = Host::start().await;
    let gate = Gate::new().await;
    let mut connections = Vec::new();
    let mut waiting = Vec::new();
    for id in ["1-a", "1-b"] {
        let event = format!(
            r#"{{"say": "{id} begins", "wait_for": "{}", "then_say": "{id} ends", "fail": "{id} fails"}}"#,
            gate.address()
        );
        let mut connection = host.connect().await;
        connection.write(&Request::invoke(id, &event).bytes()).await;
        waiting.push(gate.arrival().await);
        connections.push(connection);
    }
    drop(waiting);
    for connection in &mut connections {
        assert_eq!(connection.reply().await.status, 404);
    }
    let entries = host.log.entries();
    assert_eq!(entries.len(), 6, "{entries:?}");
    for entry in entries {
        let text = format!("{} {}", entry["message"], entry["error_message"]);
        assert!(text.contains(entry["request_id"].as_str().unwrap()), "{entry}");
    }
}

#[tokio::test]
async fn each_line_says_of_which_run_it_is_once_that_is_known_and_until_then_names_the_invocation() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    let with_run = r#"{"say": "before", "run": "2026-03-02T04:00:00Z", "then_say": "after", "fail": "no"}"#;
    for (event, runs) in
        [(with_run, &["1-a", "2026-03-02T04:00:00Z", "2026-03-02T04:00:00Z"][..]), (r#"{"say": "another"}"#, &["1-a"])]
    {
        let before = host.log.entries().len();
        connection.send(Request::invoke("1-a", event)).await;
        let entries = host.log.entries().split_off(before);
        assert_eq!(entries.iter().map(|entry| entry["run"].as_str().unwrap()).collect::<Vec<_>>(), runs, "{entries:?}");
        assert!(entries.iter().all(|entry| entry["request_id"] == "1-a"));
    }
}

#[tokio::test]
async fn a_filter_does_not_hide_the_request_id() {
    let host = Host::start().await;
    let quiet = Written::default();
    let log = Log::new(quiet.clone(), Noon);
    let _subscriber =
        tracing::subscriber::set_default(log.subscriber("off,fc_runtime::server::service=warn".parse().unwrap()));
    assert_eq!(host.send(Request::invoke("1-a", r#"{"say": "hidden", "fail": "no"}"#)).await.status, 404);
    assert_eq!(quiet.entries().len(), 1);
    assert_eq!(quiet.entries()[0]["request_id"], "1-a");
}

#[tokio::test]
async fn what_an_invocation_logs_is_written_before_it_is_answered() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    for id in ["1-a", "1-b", "1-c"] {
        assert_eq!(connection.send(Request::invoke(id, r#"{"say": "done"}"#)).await.status, 200);
        let text = host.log.text();
        let last: Vec<_> = text.lines().rev().take(3).collect();
        assert_eq!(last[0], format!("FC Invoke End RequestId: {id}"));
        assert_eq!(serde_json::from_str::<Value>(last[1]).unwrap()["message"], "done");
        assert_eq!(last[2], format!("FC Invoke Start RequestId: {id}"));
    }
}

#[tokio::test]
async fn each_kind_of_invocation_has_its_markers() {
    let host = Host::start().await;
    for (method, path) in [("POST", "/initialize"), ("GET", "/pre-stop"), ("GET", "/pre-freeze")] {
        let request = Request::new(method, path).header("x-fc-request-id", "529eab23");
        assert_eq!(host.send(request).await.status, 200);
    }
    assert_eq!(host.send(Request::invoke("1-a", r#"{"fail": "no"}"#)).await.status, 404);
    // A health check comes every few seconds, and is not an invocation.
    assert_eq!(host.send(Request::new("GET", "/health")).await.status, 200);
    let text = host.log.text();
    let markers: Vec<_> = text.lines().filter(|line| !line.starts_with('{')).collect();
    assert_eq!(
        markers,
        [
            "FC Initialize Start RequestId: 529eab23",
            "FC Initialize End RequestId: 529eab23",
            "FC PreStop Start RequestId: 529eab23",
            "FC PreStop End RequestId: 529eab23",
            "FC PreFreeze Start RequestId: 529eab23",
            "FC PreFreeze End RequestId: 529eab23",
            "FC Invoke Start RequestId: 1-a",
            "FC Invoke End RequestId: 1-a, Error: Unhandled function error",
        ]
    );
}

#[tokio::test]
async fn a_huge_request_id_makes_no_huge_line() {
    let host = Host::start().await;
    let id = "1".repeat(60_000);
    assert_eq!(host.send(Request::invoke(&id, r#"{"say": "hello"}"#)).await.status, 200);
    assert!(host.log.text().lines().all(|line| line.len() < 32_768));
    assert_eq!(host.log.entries().len(), 1);
}

#[test]
fn a_log_that_cannot_be_written_is_nothing_to_panic_for() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    let log = Log::new(Broken, Noon);
    tracing::subscriber::with_default(log.subscriber("info".parse().unwrap()), || info!("lost"));
}
