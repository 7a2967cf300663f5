//! The HTTP controls, and the events that calls become.

use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use local_cloud::{Options, send};
use serde_json::{Value, json};

use crate::support::{FUNCTION, cloud, cloud_with};

/// Returns the time this far from now, in the API's format.
fn iso_in(duration: Duration) -> String {
    (Timestamp::now() + duration).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[tokio::test]
async fn faults_and_the_journal_are_there_over_http() {
    let cloud = cloud().await;
    let fault =
        async |body: Value| send(&cloud.endpoint(), Method::POST, "/_local/faults", body.to_string()).await.unwrap();
    assert_eq!(fault(json!({"action": "CreateVpc", "fault": "throttled", "times": 2})).await.0, 204);
    let refused = async |body: Value, expected: &str| {
        let (status, said) = fault(body).await;
        assert_eq!(status, 400, "{said}");
        assert!(said.contains(expected), "{said}");
    };
    refused(json!({"action": "CreateVpc", "fault": "gremlins"}), "the faults are throttled, unavailable, refused")
        .await;
    refused(
        json!({"action": "CreateVPC", "fault": "throttled"}),
        "(did you mean CreateVpc?); the actions are *, and with or without its product vpc:CreateVpc, ",
    )
    .await;
    assert_eq!(fault(json!({"action": "CreateVpc", "fault": "slow", "time": 2})).await.0, 400);
    assert_eq!(fault(json!({"fault": "throttled"})).await.0, 400);
    refused(json!({"action": "CreateVpc"}), "either `fault`").await;
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

#[tokio::test]
async fn an_answer_and_the_size_of_pages_can_be_given_over_http() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.copy_vpc(&vpc, 4);
    for body in [
        json!({"action": "DescribeVpcs", "answer": {"TotalCount": 1, "Vpcs": null}}),
        json!({"action": "DescribeVpcs", "answer": "{\"TotalCount\": 2}", "after": 1}),
        json!({"action": "DescribeVpcs", "fault": "small-pages", "items": 3, "after": 2}),
    ] {
        let asked = send(&cloud.endpoint(), Method::POST, "/_local/faults", body.to_string()).await.unwrap();
        assert_eq!(asked.0, 204, "{}", asked.1);
    }
    assert_eq!(cloud.call("DescribeVpcs", &[]).await.unwrap(), json!({"TotalCount": 1, "Vpcs": null}));
    assert_eq!(cloud.call("DescribeVpcs", &[]).await.unwrap(), json!({"TotalCount": 2}));
    let page = cloud.call("DescribeVpcs", &[]).await.unwrap();
    assert_eq!((page["Vpcs"]["Vpc"].as_array().unwrap().len(), &page["TotalCount"]), (3, &json!(5)));
}

#[tokio::test]
async fn what_can_be_looked_at_is_listed_and_faults_that_are_to_come_are_shown() {
    let cloud = cloud().await;
    let get = async |path| send(&cloud.endpoint(), Method::GET, path, String::new()).await.unwrap();
    let (found, index) = get("/_local").await;
    assert_eq!(found, 200);
    // Every `GET` route in the list exists; none of them has placeholders.
    let pages = index.lines().filter_map(|line| line.strip_prefix("GET")?.split_whitespace().next());
    for path in pages {
        assert_eq!(get(path).await.0, 200, "{path}");
    }
    assert!(index.contains("POST   /_local/invoke/<function> "), "{index}");
    for (path, expected) in [
        ("/_local/fault", "(did you mean /_local/faults?); GET /_local lists"),
        ("/_local/events", "does not take GET; it takes POST"),
    ] {
        let (status, said) = get(path).await;
        assert_eq!((status, said.contains(expected)), (404, true), "{said}");
    }

    let nothing = json!({"faults": [], "storm": null, "clock_ahead_seconds": 0});
    let faults = async || serde_json::from_str::<Value>(&get("/_local/faults").await.1).unwrap();
    assert_eq!(faults().await, nothing);
    cloud.fail_after(3, "CreateVpc", local_cloud::Fault::Throttled);
    cloud.rewrite_in("cn-beijing", "DescribeVpcs", local_cloud::Rewrite::body("{}"), 2);
    cloud.storm(Some(local_cloud::Storm { seed: 7, one_in: 9, faults: vec![local_cloud::Fault::Reset] }));
    cloud.set_clock_ahead(Duration::from_secs(60));
    let expected = json!({
        "faults": [
            {"action": "CreateVpc", "region": null, "fault": "throttled", "after": 3, "times": 1},
            {"action": "DescribeVpcs", "region": "cn-beijing", "fault": "rewritten", "after": 0, "times": 2},
        ],
        "storm": {"seed": 7, "one_in": 9, "faults": ["reset"]},
        "clock_ahead_seconds": 60,
    });
    assert_eq!(faults().await, expected);
    cloud.heal();
    assert_eq!(faults().await, nothing);
}
