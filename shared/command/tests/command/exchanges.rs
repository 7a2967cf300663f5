//! Each source on the wire, against servers on this machine.

use std::sync::Arc;

use flowkeeper::{
    credentials::{
        Sources,
        error::SourceError,
        exchange::{Exchange, Hosts},
        find,
        key::Key,
        obtain,
    },
    http::Http,
};
use openapi::{ClientSettings, SystemClock};
use serde_json::json;
use settings::Settings;

use crate::{
    server::{Answer, Seen, Server, sts},
    support::Home,
};

/// Gets the key of the source that a home and an environment lead to. `server` stands for STS, OAuth and metadata.
async fn key(server: &Server, home: &Home, env: &[(&str, &str)]) -> Result<Key, SourceError> {
    let env = Settings::from_pairs(env.iter().copied());
    let clock = Arc::new(SystemClock);
    let base = server.url("/");
    let exchange = Exchange {
        http: Http::new(None).unwrap(),
        settings: ClientSettings::read(&Settings::from_pairs([("FLOWKEEPER_STS_ENDPOINT", &base)])).unwrap(),
        clock: Arc::clone(&clock) as _,
        hosts: Hosts { metadata: base.parse().unwrap(), oauth: Some(base.parse().unwrap()) },
    };
    let now = exchange.now();
    let sources = Sources { env: &env, home: Some(home.path()), profile: None, now };
    obtain(&find(&sources)?, &sources, &exchange).await
}

/// A home whose current profile has these fields.
#[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
fn profile(fields: serde_json::Value) -> Home {
    profiles(json!([fields]))
}

fn profiles(mut list: serde_json::Value) -> Home {
    for (nth, profile) in list.as_array_mut().unwrap().iter_mut().enumerate() {
        profile["name"] = json!(if nth == 0 { "x".to_owned() } else { format!("x{nth}") });
    }
    Home::with(&[(".aliyun/config.json", &json!({"current": "x", "profiles": list}).to_string())])
}

const GOOD: &str = r#"{"Code":"Success","AccessKeyId":"STS.1","AccessKeySecret":"planted","SecurityToken":"planted-token",
    "Expiration":"2099-01-01T00:00:00Z","LastUpdated":"2026-11-26T10:00:00Z"}"#;

fn good() -> Answer {
    (200, GOOD.to_owned())
}

#[track_caller]
fn assert_no_secret(error: &SourceError, says: &str) {
    assert!(error.to_string().contains(says), "{error}");
    assert!(!format!("{error:?}").contains("planted"), "{error:?}");
    assert!(!error.remedy.is_empty());
}

#[tokio::test]
async fn roles_are_assumed_one_after_another() {
    let server = Server::answering(sts).await;
    let home = profiles(json!([
        {"mode": "ChainableRamRoleArn", "source_profile": "x1", "ram_role_arn": "acs:ram::2:role/last", "ram_session_name": "last",
            "external_id": "agreed", "expired_seconds": 900},
        {"mode": "RamRoleArn", "access_key_id": "id", "access_key_secret": "planted", "ram_role_arn": "acs:ram::1:role/first",
            "ram_session_name": "first"},
    ]));
    let key = key(&server, &home, &[]).await.unwrap();
    assert_eq!(key.credentials.access_key_id(), "STS.last");
    assert_eq!(key.expiration.unwrap().to_string(), "2099-01-01T00:00:00Z");
    let [first, last] = server.seen().try_into().unwrap();
    assert!(first.has("AccessKeyId=id&") && first.has("RoleArn=acs%3Aram%3A%3A1%3Arole%2Ffirst"), "{first:?}");
    assert!(last.has("AccessKeyId=STS.first&") && last.has("RoleArn=acs%3Aram%3A%3A2%3Arole%2Flast"), "{last:?}");
    assert!(
        last.has("ExternalId=agreed") && last.has("DurationSeconds=900") && last.has("SecurityToken=planted-token")
    );
}

#[tokio::test]
async fn the_environment_has_the_external_id_of_a_profile_that_has_none() {
    const OF_OTHERS: [(&str, &str); 2] =
        [("ALIBABACLOUD_EXTERNAL_ID", "second"), ("ALIBABA_CLOUD_EXTERNAL_ID", "first")];
    let role = |more: serde_json::Value| {
        let mut fields = json!({"mode": "RamRoleArn", "access_key_id": "id", "access_key_secret": "planted",
            "ram_role_arn": "acs:ram::2:role/audit"});
        fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fields
    };
    let chained =
        json!({"mode": "ChainableRamRoleArn", "source_profile": "x1", "ram_role_arn": "acs:ram::2:role/last"});
    for (list, env, expected) in [
        (json!([role(json!({}))]), &OF_OTHERS[..], &[Some("first")][..]),
        (json!([role(json!({}))]), &OF_OTHERS[..1], &[Some("second")]),
        (json!([role(json!({}))]), &[], &[None]),
        (json!([role(json!({"external_id": "own"}))]), &OF_OTHERS, &[Some("own")]),
        // The profile that is used has it, and not the one that it begins with.
        (json!([chained, role(json!({}))]), &OF_OTHERS, &[None, Some("first")]),
        (json!([chained, role(json!({"external_id": "own"}))]), &OF_OTHERS, &[Some("own"), Some("first")]),
    ] {
        let server = Server::answering(sts).await;
        key(&server, &profiles(list.clone()), env).await.unwrap();
        let seen = server.seen();
        assert_eq!(seen.len(), expected.len(), "{list}");
        for (call, external_id) in seen.iter().zip(expected) {
            let sent = external_id.map_or_else(|| "ExternalId=".to_owned(), |id| format!("ExternalId={id}&"));
            assert_eq!(call.has(&sent), external_id.is_some(), "{list} {env:?}: {call:?}");
        }
    }
}

#[tokio::test]
async fn a_role_that_refuses_is_an_error_of_its_profile() {
    let server = Server::answering(|_: &Seen| {
        (403, r#"{"Code":"NoPermission","Message":"planted is not trusted.","RequestId":"R-1"}"#.to_owned())
    })
    .await;
    let home = profile(json!({"mode": "RamRoleArn", "access_key_id": "id", "access_key_secret": "planted",
        "ram_role_arn": "acs:ram::2:role/audit"}));
    let error = key(&server, &home, &[]).await.unwrap_err();
    assert_no_secret(
        &error,
        "profile \"x\" of ~/.aliyun/config.json (RamRoleArn): AssumeRole of acs:ram::2:role/audit",
    );
    assert_no_secret(&error, "NoPermission");
}

#[tokio::test]
async fn the_token_of_an_identity_provider_is_exchanged_without_a_key() {
    let server = Server::answering(sts).await;
    let home = Home::with(&[("token", " planted.jwt\n")]);
    let file = home.path().join("token");
    let trio = [
        ("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::2:role/audit"),
        ("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "acs:ram::2:oidc-provider/a"),
        ("ALIBABA_CLOUD_OIDC_TOKEN_FILE", file.to_str().unwrap()),
        ("ALIBABA_CLOUD_ROLE_SESSION_NAME", "ci"),
    ];
    let found = key(&server, &home, &trio).await.unwrap();
    assert_eq!(found.credentials.access_key_id(), "STS.ci");
    let [seen] = server.seen().try_into().unwrap();
    assert!(seen.target.starts_with("/?Action=AssumeRoleWithOIDC&Format=JSON&Timestamp="), "{seen:?}");
    assert!(seen.has("OIDCToken=planted.jwt&") && !seen.has("Signature"), "{seen:?}");

    let by_profile = profile(json!({"mode": "OIDC", "oidc_provider_arn": "acs:ram::2:oidc-provider/a",
        "oidc_token_file": file, "ram_role_arn": "acs:ram::2:role/audit", "ram_session_name": "laptop"}));
    assert_eq!(key(&server, &by_profile, &[]).await.unwrap().credentials.access_key_id(), "STS.laptop");

    home.write("token", "");
    assert_no_secret(&key(&server, &home, &trio).await.unwrap_err(), "token is empty");
    std::fs::remove_file(&file).unwrap();
    assert_no_secret(&key(&server, &home, &trio).await.unwrap_err(), "cannot be read: No such file");
}

/// The metadata service of an instance with the role `node`.
fn metadata(seen: &Seen) -> Answer {
    let path = "/latest/meta-data/ram/security-credentials/";
    match (seen.method.as_str(), seen.target.as_str(), seen.header("x-aliyun-ecs-metadata-token")) {
        ("PUT", "/latest/api/token", _) if seen.header("x-aliyun-ecs-metadata-token-ttl-seconds") == "21600" => {
            (200, "the-token".to_owned())
        }
        ("GET", target, "the-token") if target == path => (200, "node".to_owned()),
        ("GET", target, "the-token") if target.strip_prefix(path) == Some("node") => good(),
        // The first version of the service would answer here.
        ("GET", _, "") => (500, "asked without a token".to_owned()),
        _ => (404, String::new()),
    }
}

#[tokio::test]
async fn the_role_of_an_instance_is_read_with_a_token_and_never_without() {
    let named = profile(json!({"mode": "EcsRamRole", "ram_role_name": "node"}));
    let unnamed = profile(json!({"mode": "EcsRamRole", "ram_role_name": ""}));
    let empty = Home::new();
    for (home, env, calls) in [
        (&named, None, 2),
        (&unnamed, None, 3),
        (&empty, Some(("ALIBABA_CLOUD_ECS_METADATA", "node")), 2),
        // Nobody names it, and it is asked last.
        (&empty, None, 3),
    ] {
        let server = Server::answering(metadata).await;
        let env: Vec<_> = env.into_iter().collect();
        assert_eq!(key(&server, home, &env).await.unwrap().credentials.access_key_id(), "STS.1");
        let seen = server.seen();
        assert_eq!(seen.len(), calls, "{seen:?}");
        assert_eq!((seen[0].method.as_str(), seen[0].target.as_str()), ("PUT", "/latest/api/token"));
        assert!(seen[1..].iter().all(|seen| seen.header("x-aliyun-ecs-metadata-token") == "the-token"));
    }
}

#[tokio::test]
async fn a_role_with_which_another_is_assumed_may_be_that_of_the_instance() {
    let server = Server::answering(|seen: &Seen| if seen.has("Action=") { sts(seen) } else { metadata(seen) }).await;
    let home = profile(json!({"mode": "RamRoleArnWithRoleName", "ram_role_name": "node",
        "ram_role_arn": "acs:ram::2:role/audit", "ram_session_name": "me"}));
    assert_eq!(key(&server, &home, &[]).await.unwrap().credentials.access_key_id(), "STS.me");
    assert!(server.seen()[2].has("AccessKeyId=STS.1&"));
}

#[tokio::test]
async fn an_instance_without_a_second_version_or_a_role_is_an_error_if_it_is_named_and_no_source_otherwise() {
    let named = profile(json!({"mode": "EcsRamRole", "ram_role_name": "other"}));
    let server = Server::answering(metadata).await;
    let error = key(&server, &named, &[]).await.unwrap_err();
    assert_no_secret(&error, "profile \"x\" of ~/.aliyun/config.json (EcsRamRole): the instance has no such RAM role");

    let first_version_only = Server::answering(|seen: &Seen| match seen.method.as_str() {
        "PUT" => (404, String::new()),
        _ => good(),
    })
    .await;
    let old = key(&first_version_only, &named, &[]).await.unwrap_err();
    assert_no_secret(&old, "gives no token of version 2 (HTTP 404)");
    assert_eq!(first_version_only.seen().len(), 1, "the first version is not asked");
    let none = key(&first_version_only, &Home::new(), &[]).await.unwrap_err();
    assert_no_secret(&none, "no credentials: none in the environment, ~/.aliyun/config.json");

    let odd = Server::answering(|seen: &Seen| match (seen.method.as_str(), seen.target.ends_with('/')) {
        ("PUT", _) => (200, "t".to_owned()),
        (_, true) => (200, "../../planted".to_owned()),
        _ => good(),
    })
    .await;
    let misled = key(&odd, &profile(json!({"mode": "EcsRamRole"})), &[]).await.unwrap_err();
    assert_no_secret(&misled, "the name of the role is none");
}

#[tokio::test]
async fn a_uri_answers_with_credentials_with_or_without_a_code() {
    for (answer, says) in [
        (good(), None),
        ((200, GOOD.replace(r#""Code":"Success","#, "")), None),
        ((200, GOOD.replace("Success", "Failed")), Some("refuses (HTTP 200, Failed)")),
        ((500, r#"{"Code":"planted secret"}"#.to_owned()), Some("refuses (HTTP 500, no code)")),
        ((200, "planted".to_owned()), Some("answers with what is no JSON (HTTP 200)")),
        ((200, r#"{"AccessKeyId":"STS.1"}"#.to_owned()), Some("gives no key: the answer has no AccessKeySecret")),
        ((200, GOOD.replace("2099", "2020")), Some("it gave credentials that expired at 2020-01-01T00:00:00Z")),
    ] {
        let server = Server::answering(move |_: &Seen| answer.clone()).await;
        let uri = server.url("/credentials?for=planted");
        let outcome = key(&server, &Home::new(), &[("ALIBABA_CLOUD_CREDENTIALS_URI", &uri)]).await;
        match says {
            None => assert_eq!(outcome.unwrap().credentials.access_key_id(), "STS.1"),
            Some(says) => assert_no_secret(&outcome.unwrap_err(), says),
        }
        assert_eq!(
            (server.seen()[0].method.as_str(), server.seen()[0].target.as_str()),
            ("GET", "/credentials?for=planted")
        );
    }
    let nobody = Server::answering(sts).await;
    let error =
        key(&nobody, &Home::new(), &[("ALIBABA_CLOUD_CREDENTIALS_URI", "http://planted:planted@127.0.0.1:1/planted")])
            .await;
    assert_no_secret(
        &error.unwrap_err(),
        "the environment (ALIBABA_CLOUD_CREDENTIALS_URI): 127.0.0.1:1 does not answer",
    );
}

#[tokio::test]
async fn a_sign_in_with_cloud_sso_is_exchanged_and_never_renewed() {
    let server = Server::answering(|seen: &Seen| match seen.header("authorization") {
        "Bearer planted-access" => (200, format!(r#"{{"CloudCredential":{GOOD}}}"#)),
        _ => (401, r#"{"ErrorCode":"InvalidAccessToken","ErrorMessage":"planted"}"#.to_owned()),
    })
    .await;
    let fields = |token: &str, expires: i64| {
        json!({"mode": "CloudSSO", "cloud_sso_sign_in_url": server.url("/start/login"), "cloud_sso_account_id": "2",
            "cloud_sso_access_config": "ac-1", "access_token": token, "cloud_sso_access_token_expire": expires})
    };
    let home = profile(fields("planted-access", 4_000_000_000));
    assert_eq!(key(&server, &home, &[]).await.unwrap().credentials.access_key_id(), "STS.1");
    let [seen] = server.seen().try_into().unwrap();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/cloud-credentials"));
    assert_eq!(seen.body, r#"{"AccessConfigurationId":"ac-1","AccountId":"2"}"#);
    assert_eq!(seen.header("content-type"), "application/json");

    let error = key(&server, &profile(fields("planted-other", 4_000_000_000)), &[]).await.unwrap_err();
    assert_no_secret(&error, "CloudSSO refuses a key for the account 2 (HTTP 401, InvalidAccessToken)");
    let expired = key(&server, &profile(fields("planted-access", 1_600_000_000)), &[]).await.unwrap_err();
    assert_no_secret(&expired, "the sign-in with CloudSSO expired at 2020-09-13T12:26:40Z");
    assert_eq!(expired.remedy, "run `aliyun configure --profile x --mode CloudSSO`");
    assert_eq!(server.seen().len(), 2, "an expired token is not sent");
}

#[tokio::test]
async fn a_sign_in_with_oauth_is_exchanged_and_never_renewed() {
    let camel = r#"{"accessKeyId":"STS.2","accessKeySecret":"planted","securityToken":"planted","expiration":"2099-01-01T00:00:00Z"}"#;
    let server = Server::answering(move |seen: &Seen| match seen.header("authorization") {
        "Bearer planted-access" => (200, camel.to_owned()),
        _ => (400, r#"{"error":"invalid_token","error_description":"planted"}"#.to_owned()),
    })
    .await;
    let fields = |token: &str, expires: i64| {
        json!({"mode": "OAuth", "oauth_site_type": "CN", "oauth_access_token": token, "oauth_refresh_token": "planted-refresh",
            "oauth_access_token_expire": expires})
    };
    let home = profile(fields("planted-access", 4_000_000_000));
    assert_eq!(key(&server, &home, &[]).await.unwrap().credentials.access_key_id(), "STS.2");
    let error = key(&server, &profile(fields("planted-other", 4_000_000_000)), &[]).await.unwrap_err();
    assert_no_secret(&error, "refuses the access token (HTTP 400, invalid_token)");
    let expired = key(&server, &profile(fields("planted-access", 1_600_000_000)), &[]).await.unwrap_err();
    assert_no_secret(&expired, "the OAuth access token expired at 2020-09-13T12:26:40Z; it is not refreshed here");
    let seen = server.seen();
    assert!(seen.iter().all(|seen| seen.target == "/v1/exchange" && !seen.has("refresh")), "{seen:?}");
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn a_stored_key_of_a_sign_in_is_used_while_it_is_good() {
    let server = Server::answering(sts).await;
    let home = profile(json!({"mode": "CloudSSO", "access_key_id": "STS.stored", "access_key_secret": "planted",
        "sts_token": "planted", "sts_expiration": 4_000_000_000_i64}));
    let key = key(&server, &home, &[]).await.unwrap();
    assert_eq!(key.credentials.access_key_id(), "STS.stored");
    assert!(key.expiration.is_some() && server.seen().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_prints_credentials_and_no_shell_reads_its_line() {
    let server = Server::answering(sts).await;
    let home =
        Home::with(&[("answer.json", r#"{"mode":"AK","access_key_id":"printed","access_key_secret":"planted"}"#)]);
    let file = home.path().join("answer.json");
    for (line, says) in [
        (format!("cat '{}'", file.display()), None),
        (format!("cat {} ; echo planted", file.display()), Some("cat failed: exit status: 1")),
        ("false".to_owned(), Some("false failed: exit status: 1")),
        ("echo planted".to_owned(), Some("echo printed what is no JSON")),
        ("/nowhere/sso --token planted".to_owned(), Some("/nowhere/sso cannot be run: No such file")),
    ] {
        let outcome = key(&server, &profile(json!({"mode": "External", "process_command": line})), &[]).await;
        match says {
            None => assert_eq!(outcome.unwrap().credentials.access_key_id(), "printed"),
            Some(says) => assert_no_secret(&outcome.unwrap_err(), says),
        }
    }
}

#[tokio::test]
async fn a_section_of_the_sdks_file_may_assume_a_role() {
    let server = Server::answering(sts).await;
    let home = Home::with(&[(
        ".alibabacloud/credentials",
        "[default]\ntype = ram_role_arn\naccess_key_id = id\naccess_key_secret = planted\n\
         role_arn = acs:ram::2:role/audit\nrole_session_name = ini\npolicy = {}\n",
    )]);
    assert_eq!(key(&server, &home, &[]).await.unwrap().credentials.access_key_id(), "STS.ini");
    assert!(server.seen()[0].has("Policy=%7B%7D"));
}
