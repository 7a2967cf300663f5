use local_cloud::{Invocation, LocalCloud, Options};
use scenarios::{CREATE_FLOW_LOG, call_event, cloud, result, results, vpc_created};
use serde_json::{Value, json};

async fn invoked(cloud: &LocalCloud, event: &str) -> Invocation {
    cloud.invoke(CREATE_FLOW_LOG, event.as_bytes()).await.unwrap()
}

#[tokio::test]
async fn a_body_that_is_not_an_event_is_a_failure() {
    let cloud = cloud(Options::default()).await.unwrap();
    for (body, problem) in [
        ("", "an empty body"),
        ("not JSON", "this is no JSON"),
        ("{}", "an empty object"),
        ("{\"hello\":\"world\"}", "an object of no known shape (it has hello)"),
        (
            "{\"id\":\"1\",\"source\":\"acs.vpc\",\"type\":\"vpc:ActionTrail:ApiCall\",\"data\":{}}",
            "an envelope of EventBridge without specversion",
        ),
    ] {
        let invocation = invoked(&cloud, body).await;
        assert!(!invocation.success, "{body}");
        assert_eq!(invocation.status, Some(404));
        assert_eq!(invocation.body["errorType"], "UnknownEvent");
        let message = invocation.body["errorMessage"].as_str().unwrap();
        assert!(message.contains(problem) && message.contains("expected an event"), "{message}");
    }
    assert!(cloud.calls().is_empty());
}

#[tokio::test]
async fn an_event_of_no_interest_is_skipped_with_the_reason() {
    let cloud = cloud(Options::default()).await.unwrap();
    let failed = json!({"eventName": "CreateVpc", "serviceName": "Vpc", "errorCode": "NoPermission"});
    let mut failed_call = vpc_created("vpc-1");
    failed_call["data"] = failed;
    for (event, reason) in [
        (
            call_event("Cbn", "CreateFlowLog", &json!({"FlowLogId": "flowlog-1"})),
            "the call CreateFlowLog of Cbn is none",
        ),
        (call_event("Vpc", "CreateNatGateway", &json!({})), "the call CreateNatGateway of Vpc is none"),
        (failed_call, "the call CreateVpc failed (NoPermission)"),
        (call_event("Vpc", "DeleteVpc", &json!({})), ""),
    ] {
        let invocation = invoked(&cloud, &event.to_string()).await;
        if reason.is_empty() {
            assert!(!invocation.success, "a deletion that does not say of what is broken");
            continue;
        }
        assert!(invocation.success, "{:#}", invocation.body);
        let result = result(&invocation);
        assert_eq!(result["outcome"], "skipped");
        assert!(result["reason"].as_str().unwrap().starts_with(reason), "{result}");
    }
    assert!(cloud.calls().is_empty());
}

#[tokio::test]
async fn a_missing_or_malformed_vpc_id_is_a_failure_that_names_it() {
    let cloud = cloud(Options::default()).await.unwrap();
    for (answer, problem) in [
        (json!({}), "its responseElements have no VpcId, nor does it name one elsewhere"),
        (json!({"VpcId": "subnet-1"}), "\"subnet-1\" is not a VPC id"),
    ] {
        let invocation = invoked(&cloud, &call_event("Vpc", "CreateVpc", &answer).to_string()).await;
        assert!(!invocation.success);
        assert_eq!(invocation.body["errorType"], "Incomplete");
        assert!(result(&invocation)["reason"].as_str().unwrap().contains(problem), "{:#}", invocation.body);
    }
    assert!(cloud.calls().is_empty());
}

#[tokio::test]
async fn an_unknown_region_is_a_failure_that_says_so() {
    let cloud = cloud(Options::default()).await.unwrap();
    let mut event = vpc_created("vpc-1");
    event["data"]["acsRegion"] = Value::from("cn-atlantis");
    let invocation = invoked(&cloud, &event.to_string()).await;
    assert!(!invocation.success);
    let result = result(&invocation);
    assert_eq!((&result["region"], &result["verdict"]), (&"cn-atlantis".into(), &"unknown".into()));
    assert_eq!(result["error"]["code"], "InvalidRegionId.NotFound");
    assert!(result["error"]["advice"].as_str().unwrap().contains("no such region"));
}

#[tokio::test]
async fn a_malformed_id_among_good_ones_fails_alone() {
    let cloud = cloud(Options::default()).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let mut event = call_event("Vpc", "CreateVpc", &Value::Null);
    event["data"]["referencedResources"] = json!({"ACS::VPC::VPC": ["vpc 1", vpc]});
    let invocation = invoked(&cloud, &event.to_string()).await;
    assert!(!invocation.success);
    let outcomes: Vec<_> = results(&invocation).iter().map(|result| result["outcome"].clone()).collect();
    assert_eq!(outcomes, ["failed", "unchanged"], "{:#}", invocation.body);
}
