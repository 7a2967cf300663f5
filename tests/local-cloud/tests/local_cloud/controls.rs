//! The controls over HTTP, and the events that calls become.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use local_cloud::{Options, send};
use serde_json::{Value, json};

use crate::support::{FUNCTION, cloud, cloud_with};

/// The time so far from now, as the API writes it.
fn iso_in(duration: Duration) -> String {
    (Timestamp::now() + duration).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[tokio::test]
async fn faults_and_the_journal_are_there_over_http() {
    let cloud = cloud().await;
    let fault =
        async |body: Value| send(&cloud.endpoint(), Method::POST, "/_local/faults", body.to_string()).await.unwrap();
    assert_eq!(fault(json!({"action": "CreateVpc", "fault": "throttled", "times": 2})).await.0, 204);
    let (status, said) = fault(json!({"action": "CreateVpc", "fault": "gremlins"})).await;
    assert_eq!(status, 400);
    assert!(said.contains("there is throttled, unavailable, refused"), "{said}");
    let (status, said) = fault(json!({"action": "CreateVPC", "fault": "throttled"})).await;
    assert_eq!(status, 400);
    assert!(said.contains("vpc:CreateVpc, "), "{said}");
    assert_eq!(fault(json!({"action": "CreateVpc", "fault": "slow", "time": 2})).await.0, 400);
    assert_eq!(fault(json!({"fault": "throttled"})).await.0, 400);
    assert_eq!(cloud.create_vpc(&[]).await.unwrap_err().code(), Some("Throttling.User"));
    assert_eq!(fault(json!({"action": "*", "fault": "unavailable", "region": "cn-beijing"})).await.0, 204);
    assert_eq!(fault(json!({"fault": "clock-ahead", "seconds": 3600})).await.0, 204);
    let ahead = || cloud.client().parameters("", &[])["Timestamp"] > iso_in(Duration::from_secs(1800));
    assert!(ahead());
    let healed = send(&cloud.endpoint(), Method::DELETE, "/_local/faults", String::new()).await.unwrap();
    assert_eq!((healed.0, ahead()), (204, false));
    cloud.create_vpc(&[]).await.unwrap();
    let (status, journal) = send(&cloud.endpoint(), Method::GET, "/_local/journal", String::new()).await.unwrap();
    assert_eq!(status, 200);
    let call: Value = serde_json::from_str(journal.lines().next().unwrap()).unwrap();
    assert_eq!((&call["kind"], &call["fault"]), (&json!("call"), &json!("throttled")));
}

#[tokio::test]
async fn events_and_invocations_are_there_over_http() {
    let (cloud, _folder) = cloud_with("succeed", &[], Options::default()).await;
    let event = include_str!("../../../fixtures/events/actiontrail-create-vpc.json").to_owned();
    assert_eq!(send(&cloud.endpoint(), Method::POST, "/_local/events", event).await.unwrap().0, 204);
    cloud.settled().await.unwrap();
    assert_eq!(cloud.invocations().len(), 1);
    let path = format!("/_local/invoke/{FUNCTION}");
    let (status, body) = send(&cloud.endpoint(), Method::POST, &path, "no json".into()).await.unwrap();
    assert_eq!(status, 200);
    let invocation: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((&invocation["success"], &invocation["event"]), (&json!(true), &json!("no json")));
    let unknown = send(&cloud.endpoint(), Method::POST, "/_local/invoke/nobody", String::new()).await.unwrap();
    assert_eq!(unknown.0, 404);
}

#[tokio::test]
async fn a_write_becomes_an_event_of_the_documented_shape() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[("env", "dev")]).await.unwrap();
    let [event] = cloud.events().try_into().unwrap();
    let sample: Value =
        serde_json::from_str(include_str!("../../../fixtures/events/actiontrail-create-vpc.json")).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&event), keys(&sample));
    assert_eq!(keys(&event["data"]), keys(&sample["data"]));
    assert_eq!((&event["type"], &event["source"]), (&sample["type"], &sample["source"]));
    assert_eq!(event["data"]["responseElements"]["VpcId"], vpc);
    assert_eq!(
        event["data"]["requestParameters"],
        json!({"CidrBlock": "10.0.0.0/8", "RegionId": "cn-hangzhou", "Tag.1.Key": "env", "Tag.1.Value": "dev"})
    );
}

#[tokio::test]
async fn a_failed_write_becomes_an_event_and_a_read_does_not() {
    let cloud = cloud().await;
    cloud.call("CreateVpc", &[("CidrBlock", "10.0.0.0/99")]).await.unwrap_err();
    cloud.call("DescribeVpcs", &[]).await.unwrap();
    let [event] = cloud.events().try_into().unwrap();
    assert_eq!(event["data"]["errorCode"], "InvalidParameter");
    assert_eq!(event["data"].get("responseElements"), None);
}
