//! Which request goes where, and that every response reports success or failure.

use serde_json::json;

use crate::support::{Host, Request};

#[tokio::test]
async fn an_event_is_answered_with_what_the_function_made_of_it() {
    let reply = Host::start().await.send(Request::invoke("1-a", "{}")).await;
    assert_eq!(reply.statuses(), (200, "200"));
    assert_eq!(reply.header("content-type"), Some("application/json"));
    assert_eq!(reply.json(), json!({"greeting": "hello"}));
}

#[tokio::test]
async fn the_control_path_is_stronger_than_the_path() {
    let host = Host::start().await;
    let to_http = Request::new("POST", "/invoke").header("x-fc-control-path", "/http-invoke").body("{}");
    assert_eq!(host.send(to_http).await.json()["errorType"], "NoHttpInterface");
    let to_invoke = Request::new("PUT", "/elsewhere").header("X-Fc-Control-Path", "/invoke").body("{}");
    assert_eq!(host.send(to_invoke).await.json(), json!({"greeting": "hello"}));
}

#[tokio::test]
async fn an_empty_control_path_is_an_absent_one() {
    let request = Request::new("POST", "/invoke").header("x-fc-control-path", "").body("{}");
    assert_eq!(Host::start().await.send(request).await.json(), json!({"greeting": "hello"}));
}

#[tokio::test]
async fn an_event_may_be_of_any_content_type_or_of_none() {
    let host = Host::start().await;
    for content_type in ["application/octet-stream", "application/json", "text/plain; charset=utf-8", "application/x"] {
        let request = Request::new("POST", "/invoke").header("content-type", content_type).body("not json");
        assert_eq!(host.send(request).await.json(), json!({"bytes": 8}), "{content_type}");
    }
    assert_eq!(host.send(Request::new("POST", "/invoke").body([0xff, 0])).await.json(), json!({"bytes": 2}));
    assert_eq!(host.send(Request::new("POST", "/invoke")).await.json(), json!({"bytes": 0}));
}

#[tokio::test]
async fn every_answer_says_whether_it_is_a_success() {
    let host = Host::start().await;
    let cases = [
        ("POST", "/invoke", "{}", (200, "200")),
        ("POST", "/invoke", r#"{"fail": "no"}"#, (404, "404")),
        ("POST", "/invoke", r#"{"panic": "oh"}"#, (404, "404")),
        ("POST", "/initialize", "", (200, "200")),
        ("GET", "/pre-stop", "", (200, "200")),
        ("GET", "/pre-freeze", "", (200, "200")),
        ("GET", "/health", "", (200, "200")),
        ("GET", "/", "", (200, "200")),
        ("GET", "/invoke", "", (200, "200")),
        ("PUT", "/invoke", "", (404, "404")),
        ("DELETE", "/initialize", "", (404, "404")),
        ("POST", "/pre-stop", "", (404, "404")),
        ("PATCH", "/no/such/path?x=1", "x", (404, "404")),
    ];
    let mut connection = host.connect().await;
    for (method, path, body, statuses) in cases {
        let reply = connection.send(Request::new(method, path).body(body)).await;
        assert_eq!(reply.statuses(), statuses, "{method} {path} {body}");
        assert_eq!(reply.header("content-type"), Some("application/json"), "{method} {path}");
        assert!(reply.json().is_object(), "{method} {path}");
    }
    let unheard_of = Request::new("POST", "/invoke").header("x-fc-control-path", "/unheard-of");
    assert_eq!(connection.send(unheard_of).await.statuses(), (404, "404"));
}

#[tokio::test]
async fn a_health_check_on_any_path_is_answered_with_name_and_version() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    for path in ["/", "/health", "/invoke", "/initialize", "/no/such/path?x=1"] {
        let reply = connection.send(Request::new("GET", path)).await;
        assert_eq!(
            (reply.statuses(), reply.header("content-type")),
            ((200, "200"), Some("application/json")),
            "{path}"
        );
        assert_eq!(
            reply.json(),
            json!({"function": "fixture-function", "version": env!("CARGO_PKG_VERSION")}),
            "{path}"
        );
    }
    let by_trigger = Request::new("GET", "/").header("x-fc-control-path", "/http-invoke");
    assert_eq!(connection.send(by_trigger).await.json()["function"], "fixture-function");
    for path in ["/", "/health", "/invoke", "/pre-stop"] {
        let reply = connection.head(path).await;
        assert_eq!(
            (reply.statuses(), reply.header("content-type")),
            ((200, "200"), Some("application/json")),
            "{path}"
        );
    }
    assert_eq!(connection.send(Request::invoke("1-a", "{}")).await.json(), json!({"greeting": "hello"}));
}

#[tokio::test]
async fn the_headers_tell_the_function_where_it_is() {
    let host = Host::with([("FC_REGION", "cn-shanghai"), ("FC_ACCOUNT_ID", "1000000000000002")]).await;
    let request = Request::invoke("1-a", r#"{"tell": true}"#)
        .header("x-fc-function-name", "create-flow-log")
        .header("x-fc-account-id", "1000000000000001")
        .header("x-fc-region", "")
        .header("x-fc-retry-count", "2")
        .header("x-fc-function-timeout", "60")
        .header("x-fc-access-key-id", "id")
        .header("x-fc-access-key-secret", "secret")
        .header("x-fc-security-token", "token");
    assert_eq!(
        host.send(request).await.json(),
        json!({
            "request_id": "1-a", "function": "create-flow-log", "account": "1000000000000001",
            "region": "cn-shanghai", "retry_count": 2, "arrived": "2026-03-01T12:00:00Z",
            "deadline": "2026-03-01T12:01:00Z", "soft_deadline": "2026-03-01T12:00:54Z",
            "access_key_id": "id", "has_token": true,
        })
    );
}

#[tokio::test]
async fn a_header_that_is_not_what_it_should_be_is_ignored_with_a_warning() {
    let host = Host::start().await;
    let mut request = Request::invoke("1-a", "{}")
        .header("x-fc-retry-count", "often")
        .header("x-fc-function-timeout", "0")
        .header("x-fc-region", "planted")
        .bytes();
    let at = request.windows(7).position(|bytes| bytes == b"planted").unwrap();
    request[at] = 0xff;
    let mut connection = host.connect().await;
    connection.write(&request).await;
    assert_eq!(connection.reply().await.statuses(), (200, "200"));
    let warned: Vec<_> = host.log.entries().iter().map(|entry| entry["header"].clone()).collect();
    assert_eq!(warned, ["x-fc-region", "x-fc-retry-count", "x-fc-function-timeout"]);
    assert!(host.log.entries().iter().all(|entry| entry["level"] == "WARN" && entry["request_id"] == "1-a"));
    assert!(!host.log.text().contains("lanted"));
}
