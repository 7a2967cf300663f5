//! The life of a flow log.

use std::time::Duration;

use jiff::Timestamp;
use local_cloud::{Clock, LocalCloud, Options, Transitions};

use crate::support::cloud;

/// The code that a call is refused with.
async fn refusal(cloud: &LocalCloud, action: &str, parameters: &[(&str, &str)]) -> String {
    cloud.call(action, parameters).await.unwrap_err().code().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_flow_log_changes_its_state_with_time() {
    let options = Options { transitions: Transitions::Explicit, ..Options::default() };
    let cloud = LocalCloud::start(options).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let id = cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap();
    let status = || cloud.flow_logs().first().map(|flow_log| flow_log.status.clone());
    let of_it = [("FlowLogId", id.as_str())];

    assert_eq!(status().as_deref(), Some("Activating"));
    assert_eq!(refusal(&cloud, "DeactiveFlowLog", &of_it).await, "IncorrectStatus.flowlog");
    cloud.finish_transitions();
    assert_eq!(status().as_deref(), Some("Active"));
    assert_eq!(refusal(&cloud, "ActiveFlowLog", &of_it).await, "InvalidStatus");
    for (action, during, then) in [
        ("DeactiveFlowLog", "Deactivating", Some("Inactive")),
        ("ModifyFlowLogAttribute", "Modifying", Some("Inactive")),
        ("ActiveFlowLog", "Activating", Some("Active")),
        ("DeleteFlowLog", "Deleting", None),
    ] {
        cloud.call(action, &of_it).await.unwrap();
        assert_eq!(status().as_deref(), Some(during), "{action}");
        cloud.finish_transitions();
        assert_eq!(status().as_deref(), then, "{action}");
    }
    assert_eq!(refusal(&cloud, "DeleteFlowLog", &of_it).await, "InvalidInstanceId.NotFound");
}

#[tokio::test]
async fn a_change_takes_as_long_as_the_options_say() {
    let clock = Clock::manual(Timestamp::now());
    let transitions = Transitions::After(Duration::from_secs(5));
    let cloud = LocalCloud::start(Options { clock: clock.clone(), transitions, ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap();
    clock.advance(Duration::from_millis(4999));
    cloud.call("DescribeRegions", &[]).await.unwrap();
    assert_eq!(cloud.flow_logs()[0].status, "Activating");
    clock.advance(Duration::from_millis(1));
    cloud.settled().await.unwrap();
    assert_eq!(cloud.flow_logs()[0].status, "Active");
}

#[tokio::test]
async fn a_resource_holds_one_flow_log() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap();
    let error = cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap_err();
    assert_eq!(error.code(), Some("InvalidResourceId.NotFound"));
    assert!(error.to_string().ends_with("This resourceId already has flowlog instance existed."), "{error}");
    assert_eq!(cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn there_are_no_more_flow_logs_than_the_quota() {
    let cloud = LocalCloud::start(Options { quota: 1, ..Options::default() }).await.unwrap();
    let vpcs = [cloud.create_vpc(&[]).await.unwrap(), cloud.create_vpc(&[]).await.unwrap()];
    cloud.create_flow_log("VPC", &vpcs[0], &[]).await.unwrap();
    let error = cloud.create_flow_log("VPC", &vpcs[1], &[]).await.unwrap_err();
    assert_eq!(error.code(), Some("QuotaExceeded.FlowlogCount"));
}

#[tokio::test]
async fn what_create_flow_log_does_not_accept_has_its_documented_code() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let good = [
        ("ResourceType", "VPC"),
        ("ResourceId", vpc.as_str()),
        ("TrafficType", "All"),
        ("ProjectName", "example-project"),
        ("LogStoreName", "example-logstore"),
    ];
    for (name, value, code) in [
        ("ResourceId", "vpc-nowhere", "InvalidInstanceId"),
        ("ResourceType", "VSwitch", "InvalidInstanceId"),
        ("ResourceType", "Vpc", "InvalidParameter"),
        ("TrafficType", "Some", "InvalidParameter"),
        ("TrafficType", "", "MissingParameter"),
        ("ProjectName", "No", "InvalidParameter"),
        ("LogStoreName", "", "MissingParameter"),
        ("AggregationInterval", "600", "IllegalParam.AggregationInterval"),
        ("TrafficPath.1", "everywhere", "IllegalParam.TrafficPath"),
        ("ResourceGroupId", "default", "IllegalParam.ResourceGroupId"),
        ("FlowLogName", "https://example.com", "InvalidParameter"),
        ("Tag.1.Key", "acs:x", "InvalidTagKey"),
    ] {
        let mut parameters: Vec<_> = good.into_iter().filter(|(known, _)| *known != name).collect();
        parameters.push((name, value));
        assert_eq!(refusal(&cloud, "CreateFlowLog", &parameters).await, code, "{name}={value}");
    }
    let twice = [("TrafficPath.1", "all"), ("TrafficPath.2", "all")];
    let error = cloud.create_flow_log("VPC", &vpc, &twice).await.unwrap_err();
    assert_eq!(error.code(), Some("DuplicatedParam.TrafficPath"));
    assert_eq!(cloud.flow_logs().len(), 0);
}

#[tokio::test]
async fn a_flow_log_that_sls_manages_is_not_the_callers_to_change() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let id = cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap();
    cloud.edit_flow_log(&id, |flow_log| flow_log.service_type = "sls".into());
    let code = refusal(&cloud, "DeactiveFlowLog", &[("FlowLogId", &id)]).await;
    assert_eq!(code, "Forbidden.OperateManagedFlowLog");
}

#[tokio::test]
async fn the_service_has_to_be_open_and_is_opened_once() {
    let cloud = LocalCloud::start(Options { flow_log_service: false, ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    assert_eq!(cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap_err().code(), Some("OptInRequired.FlowLog"));
    assert_eq!(cloud.call("GetFlowLogServiceStatus", &[]).await.unwrap()["Enabled"], false);
    assert_eq!(cloud.call("OpenFlowLogService", &[]).await.unwrap()["Code"], "200");
    assert_eq!(refusal(&cloud, "OpenFlowLogService", &[]).await, "OperationFailed.ExceedPurchaseLimit");
    cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap();
}

#[tokio::test]
async fn paths_may_be_named_by_those_who_asked_for_it() {
    let path = [("TrafficPath.1", "internetGateway"), ("TrafficPath.2", "vbr")];
    let without = LocalCloud::start(Options { traffic_paths: false, ..Options::default() }).await.unwrap();
    let vpc = without.create_vpc(&[]).await.unwrap();
    let refused = without.create_flow_log("VPC", &vpc, &path).await.unwrap_err();
    assert_eq!(refused.code(), Some("UnsupportedFeature.UserDefinedTrafficPath"));
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.create_flow_log("VPC", &vpc, &path).await.unwrap();
    assert_eq!(cloud.flow_logs()[0].traffic_path, ["internetGateway", "vbr"]);
}

#[tokio::test]
async fn a_flow_log_that_cannot_be_delivered_is_not_activated() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let id = cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap();
    cloud.edit_flow_log(&id, |flow_log| {
        flow_log.status = "Inactive".into();
        flow_log.deliver_status = "FAILED".into();
    });
    assert_eq!(refusal(&cloud, "ActiveFlowLog", &[("FlowLogId", &id)]).await, "OperationDenied.FlowLogDeliverFailed");
}
