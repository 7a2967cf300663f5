//! Calls signed in their headers, with ACS3-HMAC-SHA256.

use std::time::Duration;

use http::Request;
use local_cloud::{Credentials, LocalCloud, exchange};
use serde_json::Value;

use crate::support::{cloud, code, operator};

/// Sends a request. Returns the status and the code, which is empty on success.
async fn sent(cloud: &LocalCloud, request: Request<String>) -> (u16, String) {
    let answer = exchange(&cloud.endpoint(), request).await.unwrap();
    let body: Value = serde_json::from_str(answer.body()).unwrap();
    (answer.status().as_u16(), body["Code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn calls_signed_in_their_headers_do_what_the_others_do() {
    let cloud = cloud().await;
    let client = cloud.client().with_acs3();
    let parameters = [("RegionId", "cn-hangzhou"), ("VpcName", " a+b/流*~ "), ("Tag.1.Key", "k"), ("Tag.10.Key", "l")];
    client.call("CreateVpc", &parameters).await.unwrap();
    assert_eq!(cloud.vpcs()[0].name, " a+b/流*~ ");
    assert_eq!(cloud.calls()[0].caller.as_ref().unwrap().name, "test");
    assert_eq!(code(client.call("DescribeNothing", &[]).await), "InvalidApi.NotFound");
}

#[tokio::test]
async fn each_parameter_is_read_where_it_belongs_query_or_form() {
    let cloud = cloud().await;
    let router = operator(&cloud).create_router(&["vbr-1"]).await.unwrap();
    let query =
        [("InstanceType", "VBR"), ("InstanceId", "vbr-1"), ("ProjectName", "project"), ("LogStoreName", "store")];
    let form = format!("EcrId={router}&FlowLogName=%E6%88%91%E7%9A%84%20log");
    let client = cloud.client().with_version("2023-09-01");
    let create = client.acs3_request("CreateFlowLog", &query, &form).unwrap();
    assert_eq!(sent(&cloud, create).await, (200, "200".to_owned()));
    assert_eq!(cloud.router_flow_logs()[0].name, "我的 log");
    let created = cloud.calls_of("CreateFlowLog").remove(0);
    assert_eq!(created.in_query, ["InstanceId", "InstanceType", "LogStoreName", "ProjectName"]);
    assert_eq!(created.signed_with.as_deref(), Some("ACS3-HMAC-SHA256"));

    let id = cloud.router_flow_logs()[0].id.clone();
    for (action, misplaced_query, misplaced_form, says) in [
        ("DeleteFlowlog", format!("EcrId={router}&FlowLogId={id}"), String::new(), "\"EcrId\" is not supplied"),
        ("DeleteFlowlog", String::new(), format!("EcrId={router}&FlowLogId={id}"), "reads it: in the query"),
        ("ActivateFlowLog", format!("FlowLogId={id}"), format!("EcrId={router}"), "reads it: in the form"),
        ("DescribeExpressConnectRouter", "Tag.1.Key=k".into(), String::new(), "\"Tag.1.Key\" is not supplied"),
    ] {
        let pairs: Vec<_> = misplaced_query.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let request = client.acs3_request(action, &pairs, &misplaced_form).unwrap();
        assert_eq!(sent(&cloud, request).await, (400, "MissingParameter".to_owned()), "{action}");
        let call = cloud.calls_of(action).pop().unwrap();
        assert!(call.answer["Message"].as_str().unwrap().contains(says), "{}", call.answer);
    }
    let parameters = [("EcrId", router.as_str()), ("FlowLogId", id.as_str())];
    client.call("DeleteFlowlog", &parameters).await.expect("HMAC-SHA1 signs query and form as one");
}

#[tokio::test]
async fn each_flaw_of_a_header_has_its_own_code() {
    let cloud = cloud().await;
    let client = cloud.client();
    for (name, value, status, code) in [
        ("x-acs-action", "DeleteEverything", 404, "InvalidApi.NotFound"),
        ("x-acs-action", "DescribeFlowLogs", 400, "SignatureDoesNotMatch"),
        ("x-acs-version", "2000-01-01", 400, "NoSuchVersion"),
        ("x-acs-date", "2016-02-23T12:46:24Z", 400, "InvalidTimeStamp.Expired"),
        ("x-acs-date", "yesterday", 400, "InvalidTimeStamp.Format"),
        ("x-acs-signature-nonce", "another", 400, "SignatureDoesNotMatch"),
        ("x-acs-content-sha256", "0000", 400, "SignatureDoesNotMatch"),
        ("x-acs-signature-nonce", "", 400, "IncompleteSignature"),
        ("x-acs-extra", "not signed", 400, "IncompleteSignature"),
        ("x-acs-security-token", "not signed", 400, "IncompleteSignature"),
        ("host", "elsewhere", 400, "SignatureDoesNotMatch"),
        ("user-agent", "not signed, and need not be", 200, ""),
        ("authorization", "ACS3-HMAC-SM3 Credential=test,SignedHeaders=host,Signature=0", 400, "IncompleteSignature"),
        ("authorization", "ACS3-HMAC-SHA256 Credential=test", 400, "IncompleteSignature"),
    ] {
        let mut request = client.acs3_request("DescribeVpcs", &[("RegionId", "cn-hangzhou")], "").unwrap();
        request.headers_mut().insert(name, value.parse().unwrap());
        let got = sent(&cloud, request).await;
        assert_eq!((got.0, got.1.as_str()), (status, code), "{name}: {value}");
    }
    let nobody = Credentials { access_key_id: "nobody".into(), ..Credentials::own() };
    let guessed = Credentials { access_key_secret: "guessed".into(), ..Credentials::own() };
    let tokened = Credentials { security_token: Some("made-up".into()), ..Credentials::own() };
    for (credentials, expected) in [
        (nobody, "InvalidAccessKeyId.NotFound"),
        (guessed, "SignatureDoesNotMatch"),
        (tokened, "InvalidSecurityToken.Malformed"),
    ] {
        let stranger = local_cloud::Client::new(cloud.endpoint(), credentials).with_acs3();
        assert_eq!(code(stranger.call("DescribeRegions", &[]).await), expected);
    }
}

#[tokio::test]
async fn what_was_signed_cannot_be_changed_or_sent_again() {
    let cloud = cloud().await;
    let request = || cloud.client().acs3_request("DescribeVpcs", &[("RegionId", "cn-hangzhou")], "").unwrap();
    let mut other_query = request();
    *other_query.uri_mut() = "/?RegionId=cn-shanghai".parse().unwrap();
    assert_eq!(sent(&cloud, other_query).await.1, "SignatureDoesNotMatch");
    let mut other_body = request();
    *other_body.body_mut() = "VpcName=smuggled".into();
    assert_eq!(sent(&cloud, other_body).await.1, "SignatureDoesNotMatch");
    let good = request();
    assert_eq!(sent(&cloud, good.clone()).await.0, 200);
    assert_eq!(sent(&cloud, good).await.1, "SignatureNonceUsed");
    cloud.set_clock_ahead(Duration::from_secs(16 * 60));
    let late = local_cloud::Client::new(cloud.endpoint(), Credentials::own()).with_acs3();
    assert_eq!(code(late.call("DescribeRegions", &[]).await), "InvalidTimeStamp.Expired");
}
