//! The gateway's checks, each with a request that fails it.

use std::{collections::BTreeMap, time::Duration};

use http::Method;
use jiff::Timestamp;
use local_cloud::{Client, Clock, Credentials, LocalCloud, Options, form, send};
use serde_json::Value;

use crate::support::{cloud, cloud_with};

/// Posts parameters unchanged. Returns the status, the code and the message.
async fn post(cloud: &LocalCloud, parameters: &BTreeMap<String, String>) -> (u16, String, String) {
    let (status, text) = send(&cloud.endpoint(), Method::POST, "/", form(parameters)).await.unwrap();
    let body: Value = serde_json::from_str(&text).unwrap();
    let field = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (status, field("Code"), field("Message"))
}

#[tokio::test]
async fn each_flaw_of_a_request_has_its_own_code() {
    let cloud = cloud().await;
    let client = cloud.client();
    for (name, value, status, code) in [
        ("Version", "2000-01-01", 400, "NoSuchVersion"),
        ("Action", "DescribeNothing", 404, "InvalidApi.NotFound"),
        ("Action", "", 400, "MissingParameter"),
        ("AccessKeyId", "nobody", 404, "InvalidAccessKeyId.NotFound"),
        ("SecurityToken", "made-up", 400, "InvalidSecurityToken.Malformed"),
        ("Timestamp", "2026-01-01 00:00:00", 400, "InvalidTimeStamp.Format"),
        ("Timestamp", "2026-01-01T00:00:00.123456789Z", 400, "InvalidTimeStamp.Format"),
        ("Timestamp", "2016-02-23T12:46:24Z", 400, "InvalidTimeStamp.Expired"),
        ("SignatureNonce", "", 400, "MissingParameter"),
        ("SignatureMethod", "HMAC-MD5", 400, "IncompleteSignature"),
        ("RegionId", "cn-nowhere", 400, "InvalidRegionId.NotFound"),
        ("RegionId", "", 400, "MissingParameter"),
    ] {
        let mut parameters = client.parameters("DescribeVpcs", &[("RegionId", "cn-hangzhou")]);
        parameters.insert(name.into(), value.into());
        let (got, said, _) = post(&cloud, &client.sign("POST", parameters)).await;
        assert_eq!((got, said.as_str()), (status, code), "{name}={value}");
    }
}

#[tokio::test]
async fn a_wrong_signature_is_answered_with_the_string_to_sign() {
    let cloud = cloud().await;
    let client = cloud.client();
    let mut changed = client.sign("POST", client.parameters("DescribeVpcs", &[("RegionId", "cn-hangzhou")]));
    changed.insert("VpcName".into(), "smuggled in".into());
    let (status, code, message) = post(&cloud, &changed).await;
    assert_eq!((status, code.as_str()), (400, "SignatureDoesNotMatch"));
    let told = "Specified signature is not matched with our calculation. server string to sign is:POST&%2F&AccessKeyId";
    assert!(message.starts_with(told), "{message}");
    assert!(message.ends_with("VpcName%3Dsmuggled%2520in"), "{message}");

    // A signature for POST is not valid for GET.
    let signed = client.sign("POST", client.parameters("DescribeVpcs", &[("RegionId", "cn-hangzhou")]));
    let path = format!("/?{}", form(&signed));
    let by_get = send(&cloud.endpoint(), Method::GET, &path, String::new()).await.unwrap();
    assert_eq!(by_get.0, 400);
    assert!(by_get.1.contains("SignatureDoesNotMatch"), "{}", by_get.1);
}

#[tokio::test]
async fn a_nonce_is_good_for_one_call() {
    let cloud = cloud().await;
    let client = cloud.client();
    let signed = client.sign("POST", client.parameters("DescribeVpcs", &[("RegionId", "cn-hangzhou")]));
    assert_eq!(post(&cloud, &signed).await.0, 200);
    assert_eq!(post(&cloud, &signed).await.1, "SignatureNonceUsed");
}

#[tokio::test]
async fn a_clock_may_be_fifteen_minutes_off() {
    let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    let clock = Clock::manual(now);
    let cloud = LocalCloud::start(Options { clock: clock.clone(), ..Options::default() }).await.unwrap();
    let client = Client::new(cloud.endpoint(), Credentials::own()).with_clock(Clock::manual(now));
    let regions = || client.call("DescribeRegions", &[]);
    clock.advance(Duration::from_secs(15 * 60));
    regions().await.unwrap();
    clock.advance(Duration::from_secs(1));
    assert_eq!(regions().await.unwrap_err().code(), Some("InvalidTimeStamp.Expired"));
}

#[tokio::test]
async fn parameters_come_by_query_and_by_form_and_answers_are_xml_unless_json_is_asked_for() {
    let cloud = cloud().await;
    let client = cloud.client();
    let mut parameters = client.parameters("CreateVpc", &[("RegionId", "cn-hangzhou"), ("VpcName", "a+b &c")]);
    parameters.remove("Format");
    let mut query = client.sign("POST", parameters);
    let body: BTreeMap<_, _> = query.remove_entry("VpcName").into_iter().collect();
    let (status, text) =
        send(&cloud.endpoint(), Method::POST, &format!("/?{}", form(&query)), form(&body)).await.unwrap();
    assert_eq!(status, 200, "{text}");
    assert!(text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><CreateVpcResponse>"), "{text}");
    assert_eq!(cloud.vpcs()[0].name, "a+b &c");
    let call = &cloud.calls()[0];
    assert_eq!((call.in_query.join(" "), call.signed_with.as_deref()), ("RegionId".to_owned(), Some("HMAC-SHA1")));
}

#[tokio::test]
async fn a_functions_key_needs_its_token_and_ends_after_36_hours() {
    let clock = Clock::manual(Timestamp::now());
    let (cloud, _folder) = cloud_with("succeed", &[], Options { clock: clock.clone(), ..Options::default() }).await;
    let echo = cloud.invoke("demo-stand-in", b"{}").await.unwrap().body;
    let of = |name: &str| echo["environment"][name].as_str().unwrap().to_owned();
    let temporary = Credentials {
        access_key_id: of("ALIBABA_CLOUD_ACCESS_KEY_ID"),
        access_key_secret: of("ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
        security_token: Some(of("ALIBABA_CLOUD_SECURITY_TOKEN")),
    };
    let call = async |credentials: Credentials| {
        let client = Client::new(cloud.endpoint(), credentials).with_clock(clock.clone());
        client.call("GetCallerIdentity", &[]).await.map_err(|error| error.code().unwrap_or_default().to_owned())
    };
    let identity = call(temporary.clone()).await.unwrap();
    assert_eq!(identity["Arn"], "acs:ram::1000000000000001:assumed-role/stand-in-role/demo-stand-in");
    assert_eq!(cloud.calls()[0].caller.as_ref().unwrap().name, "demo-stand-in");

    let without = Credentials { security_token: None, ..temporary.clone() };
    assert_eq!(call(without).await.unwrap_err(), "MissingSecurityToken");
    let mixed = Credentials { security_token: temporary.security_token.clone(), ..Credentials::own() };
    assert_eq!(call(mixed).await.unwrap_err(), "InvalidSecurityToken.MismatchWithAccessKey");
    let forged = Credentials { access_key_secret: "guessed".into(), ..temporary.clone() };
    assert_eq!(call(forged).await.unwrap_err(), "SignatureDoesNotMatch");
    clock.advance(Duration::from_secs(36 * 60 * 60));
    assert_eq!(call(temporary).await.unwrap_err(), "InvalidSecurityToken.Expired");
}

#[tokio::test]
async fn the_journal_shows_no_secret() {
    let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
    let client = cloud.client();
    let mut parameters = client.parameters("DescribeVpcs", &[("RegionId", "cn-hangzhou")]);
    parameters.insert("Signature".into(), "wrong".into());
    parameters.insert("SecurityToken".into(), "secret-token".into());
    post(&cloud, &parameters).await;
    parameters.remove("SecurityToken");
    post(&cloud, &parameters).await;
    let journal = serde_json::to_string(&cloud.journal()).unwrap();
    assert!(journal.contains("SignatureDoesNotMatch"));
    for secret in ["test-secret", "secret-token", "wrong"] {
        assert!(!journal.contains(secret), "{journal}");
    }
}
