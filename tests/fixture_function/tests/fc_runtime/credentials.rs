//! Which credentials an invocation uses, and that they are never shown.

use serde_json::Value;

use crate::support::{Host, Request};

const HEADERS: [&str; 3] = ["x-fc-access-key-id", "x-fc-access-key-secret", "x-fc-security-token"];
const VARIABLES: [(&str, &str); 3] = [
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "of-the-environment"),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "planted-secret"),
    ("ALIBABA_CLOUD_SECURITY_TOKEN", "planted-token"),
];

async fn told(host: &Host, headers: [Option<&str>; 3]) -> Value {
    let mut request = Request::invoke("1-a", r#"{"tell": true}"#);
    for (name, value) in HEADERS.into_iter().zip(headers) {
        if let Some(value) = value {
            request = request.header(name, value);
        }
    }
    host.send(request).await.json()
}

#[tokio::test]
async fn a_key_comes_from_all_three_headers_or_else_from_the_environment() {
    let host = Host::with(VARIABLES).await;
    let cases = [
        ([Some("of-the-headers"), Some("s"), Some("t")], "of-the-headers"),
        ([Some("of-the-headers"), Some("s"), Some("")], "of-the-environment"),
        ([Some("of-the-headers"), Some("s"), None], "of-the-environment"),
        ([Some("of-the-headers"), Some(""), Some("t")], "of-the-environment"),
        ([Some("of-the-headers"), None, Some("t")], "of-the-environment"),
        ([Some(""), Some("s"), Some("t")], "of-the-environment"),
        ([None, Some("s"), Some("t")], "of-the-environment"),
        ([Some(""), Some(""), Some("")], "of-the-environment"),
        ([None, None, None], "of-the-environment"),
    ];
    for (headers, expected) in cases {
        let told = told(&host, headers).await;
        assert_eq!((&told["access_key_id"], &told["has_token"]), (&expected.into(), &true.into()), "{headers:?}");
    }
}

#[tokio::test]
async fn a_key_of_the_environment_may_be_without_a_token_and_gets_none_from_the_headers() {
    let host = Host::with([VARIABLES[0], VARIABLES[1]]).await;
    let told = told(&host, [Some("of-the-headers"), None, Some("t")]).await;
    assert_eq!((&told["access_key_id"], &told["has_token"]), (&"of-the-environment".into(), &false.into()));
}

#[tokio::test]
async fn without_any_key_both_ways_to_give_one_are_named() {
    let host = Host::with([VARIABLES[0], VARIABLES[2]]).await;
    let told = told(&host, [Some("of-the-headers"), Some("s"), None]).await;
    assert_eq!(told["errorType"], "MissingCredentials");
    let message = told["errorMessage"].as_str().unwrap();
    assert!(message.contains("x-fc-security-token") && message.contains("ALIBABA_CLOUD_ACCESS_KEY_ID"), "{message}");
}

#[tokio::test]
async fn a_key_of_one_invocation_is_not_there_for_the_next() {
    let host = Host::start().await;
    let mut connection = host.connect().await;
    let with_key = HEADERS
        .into_iter()
        .fold(Request::invoke("1-a", r#"{"tell": true}"#), |request, name| request.header(name, "planted"));
    assert_eq!(connection.send(with_key).await.status, 200);
    let without = connection.send(Request::invoke("1-b", r#"{"tell": true}"#)).await;
    assert_eq!(without.json()["errorType"], "MissingCredentials");
}

#[tokio::test]
async fn neither_a_secret_nor_an_event_is_logged_or_answered() {
    let host = Host::with(VARIABLES).await;
    let events = ["{}", r#"{"tell": true}"#, r#"{"fail": "no"}"#, r#"{"panic": "oh"}"#, "planted-event"];
    for (at, secret) in [(1, "planted-header-secret"), (2, "planted-header-token")] {
        for event in events {
            for path in ["/invoke", "/http-invoke", "/initialize", "/pre-stop", "/unheard-of"] {
                let mut request = Request::new("POST", "/").header("x-fc-control-path", path).body(event);
                for (index, name) in HEADERS.into_iter().enumerate() {
                    request = request.header(name, if index == at { secret } else { "planted-else" });
                }
                let reply = host.send(request).await;
                let shown = format!("{reply:?} {} {}", String::from_utf8_lossy(&reply.body), host.log.text());
                let id = r#""access_key_id":"planted-else""#;
                assert!(!shown.replace(id, "").contains("planted"), "{path} {event}: {shown}");
            }
        }
    }
    let kept = format!("{:?}", fc_runtime::Settings::from_pairs(VARIABLES));
    assert!(!kept.contains("planted"), "{kept}");
    let noon = crate::support::NOON.parse().unwrap();
    let key = fc_runtime::environment_credentials(&fc_runtime::Settings::from_pairs(VARIABLES)).unwrap();
    let shown = format!("{:?}", fc_runtime::Invocation::new("1-a", noon).with_credentials(key));
    assert!(!shown.contains("planted"), "{shown}");
}
