//! A role that is assumed with the token of another identity provider.

use flow_log::RoleArn;
use openapi::{AssumeRoleWithOidc, AssumedRole, CallError, Cause, ErrorKind};
use serde_json::json;

use crate::support::{Reply, Server, TestMachine, ok, refused};

const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.planted.signature";

async fn assumed(server: &Server, token: &str) -> Result<AssumedRole, CallError> {
    let client = server.client(&TestMachine::new()).read_only();
    let role: RoleArn = "acs:ram::2:role/flowkeeper".parse().unwrap();
    let asked = AssumeRoleWithOidc {
        role: &role,
        provider: "acs:ram::2:oidc-provider/ack",
        token,
        session_name: "laptop",
        duration: None,
        policy: None,
    };
    client.assume_role_with_oidc(&asked, &"cn-hangzhou".parse().unwrap(), None).await
}

fn credentials() -> Reply {
    ok(json!({"Credentials": {
        "AccessKeyId": "STS.1", "AccessKeySecret": "s", "SecurityToken": "t", "Expiration": "2026-11-20T11:00:00Z",
    }}))
}

#[tokio::test]
async fn a_role_is_assumed_with_a_token_and_without_a_signature() {
    let server = Server::scripted([credentials()]).await;
    let assumed = assumed(&server, TOKEN).await.unwrap();
    assert_eq!(assumed.credentials.access_key_id(), "STS.1");
    assert_eq!(assumed.expiration.to_string(), "2026-11-20T11:00:00Z");
    let [seen] = server.seen().try_into().unwrap();
    let query: Vec<_> = seen.query.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(
        query,
        ["Action=AssumeRoleWithOIDC", "Format=JSON", "Timestamp=2026-11-20T10:00:00Z", "Version=2015-04-01"]
    );
    let form: Vec<_> = seen.form.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(
        form,
        [
            "OIDCProviderArn=acs:ram::2:oidc-provider/ack",
            &format!("OIDCToken={TOKEN}"),
            "RoleArn=acs:ram::2:role/flowkeeper",
            "RoleSessionName=laptop"
        ]
    );
    assert_eq!(seen.headers.get("content-type").unwrap(), "application/x-www-form-urlencoded");
    assert!(!seen.headers.contains_key("authorization"), "{:?}", seen.headers);
}

#[tokio::test]
async fn a_token_is_in_no_error() {
    let echo = format!(r#"{{"Code":"AuthenticationFail.OIDCToken.Expired","Message":"{TOKEN} is expired."}}"#);
    let server = Server::scripted([Reply::Answer(400, vec![], echo)]).await;
    let error = assumed(&server, TOKEN).await.unwrap_err();
    assert_eq!(
        error.cause.to_string(),
        "refused with AuthenticationFail.OIDCToken.Expired (HTTP 400): *** is expired."
    );
    assert!(!format!("{error:?}").contains("planted"), "{error:?}");
}

#[tokio::test]
async fn a_token_that_is_none_is_not_sent_and_throttling_is_waited_for() {
    let server = Server::scripted([refused(429, "Throttling.User"), credentials()]).await;
    for token in ["", "two words"] {
        let error = assumed(&server, token).await.unwrap_err();
        assert!(matches!(error.cause, Cause::Invalid { .. }) && error.kind() == ErrorKind::Invalid, "{error}");
    }
    assert!(server.seen().is_empty());
    assumed(&server, TOKEN).await.unwrap();
    assert_eq!(server.seen().len(), 2);
}
