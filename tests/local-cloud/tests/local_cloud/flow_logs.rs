//! The life cycle of a flow log.

use std::time::Duration;

use jiff::Timestamp;
use local_cloud::{Clock, LocalCloud, OWN_ACCOUNT, Options, SECOND_ACCOUNT, Transitions};

use crate::support::{cloud, code};

/// Returns the code that a call is refused with.
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
    let vpc_without = without.create_vpc(&[]).await.unwrap();
    let refused = without.create_flow_log("VPC", &vpc_without, &path).await.unwrap_err();
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

#[tokio::test]
async fn a_flow_log_delivers_to_a_log_store_that_exists() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let there = [("ProjectName", "project"), ("LogStoreName", "store")];
    cloud.without_log_store(OWN_ACCOUNT, "cn-hangzhou", "project", "store");
    assert_eq!(code(cloud.create_flow_log("VPC", &vpc, &there).await), "ProjectOrLogstoreNotExist");
    let elsewhere = cloud.operator(OWN_ACCOUNT, "cn-beijing");
    let other = elsewhere.create_vpc(&[]).await.unwrap();
    elsewhere.create_flow_log("VPC", &other, &there).await.unwrap();
    cloud.with_log_store(OWN_ACCOUNT, "cn-hangzhou", "project", "store");
    let id = cloud.create_flow_log("VPC", &vpc, &there).await.unwrap();
    cloud.call("DeactiveFlowLog", &[("FlowLogId", &id)]).await.unwrap();
    cloud.settled().await.unwrap();
    cloud.without_project(OWN_ACCOUNT, "cn-hangzhou", "project");
    assert_eq!(refusal(&cloud, "ActiveFlowLog", &[("FlowLogId", &id)]).await, "OperationDenied.FlowLogDeliverFailed");
}

#[tokio::test]
async fn what_an_account_a_region_or_a_vpc_is_like_is_why_a_flow_log_is_refused() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let create = async |more: &[(&str, &str)]| code(cloud.create_flow_log("VSwitch", &vswitch, more).await);

    cloud.edit_vpc(&vpc, |vpc| vpc.has_old_instances = true);
    assert_eq!(create(&[]).await, "OperationUnsupported.AdvancedFeature");
    cloud.edit_vpc(&vpc, |vpc| vpc.has_old_instances = false);

    cloud.without_flow_logs("cn-hangzhou");
    assert_eq!(create(&[]).await, "OperationUnsupported.action");
    assert_eq!(refusal(&cloud, "DescribeFlowLogs", &[]).await, "OperationUnsupported.action");
    cloud.operator(OWN_ACCOUNT, "cn-beijing").call("DescribeFlowLogs", &[]).await.unwrap();
    cloud.with_flow_logs("cn-hangzhou");

    cloud.without_traffic_paths(OWN_ACCOUNT, "cn-hangzhou");
    let path = [("TrafficPath.1", "natGateway")];
    assert_eq!(create(&path).await, "UnsupportedFeature.UserDefinedTrafficPath");
    cloud.with_traffic_paths(OWN_ACCOUNT, "cn-hangzhou");

    cloud.set_resource_groups(OWN_ACCOUNT, &["rg-known"]);
    assert_eq!(create(&[("ResourceGroupId", "rg-unknown")]).await, "IllegalParam.ResourceGroupId");

    cloud.lock_account(OWN_ACCOUNT);
    assert_eq!(create(&[]).await, "IncorrectBusinessStatus.FlowLog");
    cloud.lock_account(SECOND_ACCOUNT);
    cloud.unlock_account(OWN_ACCOUNT);

    let more = [("ResourceGroupId", "rg-known"), ("TrafficPath.1", "natGateway")];
    assert_eq!(create(&more).await, "");
}

#[tokio::test]
async fn a_debt_locks_what_is_there_and_payment_unlocks_it() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let id = cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap();
    cloud.lock_account(OWN_ACCOUNT);
    let listed = cloud.call("DescribeFlowLogs", &[]).await.unwrap();
    assert_eq!(listed["FlowLogs"]["FlowLog"][0]["BusinessStatus"], "FinancialLocked");
    assert_eq!(refusal(&cloud, "DeactiveFlowLog", &[("FlowLogId", &id)]).await, "IncorrectBusinessStatus.FlowLog");
    cloud.unlock_account(OWN_ACCOUNT);
    cloud.call("DeactiveFlowLog", &[("FlowLogId", &id)]).await.unwrap();
}

#[tokio::test]
async fn a_new_resource_can_be_listed_before_a_flow_log_can_be_made_on_it() {
    let clock = Clock::manual(Timestamp::now());
    let flow_logs_see_after = Duration::from_secs(5);
    let options = Options { clock: clock.clone(), flow_logs_see_after, ..Options::default() };
    let cloud = LocalCloud::start(options).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    assert_eq!(cloud.call("DescribeVpcs", &[("VpcId", &vpc)]).await.unwrap()["TotalCount"], 1);
    assert_eq!(code(cloud.create_flow_log("VPC", &vpc, &[]).await), "InvalidInstanceId");
    clock.advance(Duration::from_secs(5));
    cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap();
}

#[tokio::test]
async fn a_flow_log_that_is_stuck_in_a_change_takes_no_other() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let id = cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap();
    let long_ago = cloud.now() - Duration::from_secs(7200);
    cloud.edit_flow_log(&id, |flow_log| {
        flow_log.status = "Activating".into();
        flow_log.created = long_ago;
    });
    cloud.finish_transitions();
    for action in ["ActiveFlowLog", "DeactiveFlowLog", "DeleteFlowLog", "ModifyFlowLogAttribute"] {
        assert_eq!(refusal(&cloud, action, &[("FlowLogId", &id)]).await, "IncorrectStatus.flowlog", "{action}");
    }
    assert_eq!(cloud.flow_logs()[0].status, "Activating");
}

#[tokio::test]
async fn a_flow_log_is_moved_to_another_resource_group_that_exists() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let id = cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap();
    let group = || cloud.flow_logs()[0].resource_group_id.clone();
    let into = |target| [("ResourceType", "FlowLog"), ("ResourceId", id.as_str()), ("NewResourceGroupId", target)];
    cloud.call("MoveResourceGroup", &into("rg-any")).await.unwrap();
    assert_eq!(group(), "rg-any");
    let event = cloud.events().pop().unwrap();
    assert_eq!(
        (&event["data"]["eventName"], &event["data"]["eventRW"]),
        (&"MoveResourceGroup".into(), &"Write".into())
    );
    cloud.set_resource_groups(OWN_ACCOUNT, &["rg-known"]);
    assert_eq!(refusal(&cloud, "MoveResourceGroup", &into("rg-unknown")).await, "IllegalParam.ResourceGroupId");
    let nowhere = [("ResourceType", "FlowLog"), ("ResourceId", "fl-nowhere"), ("NewResourceGroupId", "rg-known")];
    assert_eq!(refusal(&cloud, "MoveResourceGroup", &nowhere).await, "InvalidInstanceId.NotFound");
    let elsewhere = cloud.operator(OWN_ACCOUNT, "cn-beijing");
    assert_eq!(code(elsewhere.call("MoveResourceGroup", &into("rg-known")).await), "InvalidInstanceId.NotFound");
    assert_eq!(group(), "rg-any");
    cloud.call("MoveResourceGroup", &into("rg-known")).await.unwrap();
    assert_eq!(group(), "rg-known");
}

#[tokio::test]
async fn a_network_interface_that_a_service_manages_takes_no_flow_log() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let managed = cloud.create_network_interface(&vswitch).await.unwrap();
    let own = cloud.create_network_interface(&vswitch).await.unwrap();
    cloud.edit_network_interface(&managed, |interface| interface.service_managed = true);
    for (switch, expected) in [("true", &managed), ("false", &own)] {
        let listed = cloud.call("DescribeNetworkInterfaces", &[("ServiceManaged", switch)]).await.unwrap();
        assert_eq!(listed["TotalCount"], 1);
        let one = &listed["NetworkInterfaceSets"]["NetworkInterfaceSet"][0];
        assert_eq!(
            (&one["NetworkInterfaceId"], one["ServiceManaged"] == true),
            (&expected.as_str().into(), switch == "true")
        );
    }
    assert_eq!(code(cloud.create_flow_log("NetworkInterface", &managed, &[]).await), "OperationUnsupported.action");
    let deleted = refusal(&cloud, "DeleteNetworkInterface", &[("NetworkInterfaceId", &managed)]).await;
    assert_eq!(deleted, "InvalidOperation.EniServiceManaged");
    cloud.create_flow_log("NetworkInterface", &own, &[]).await.unwrap();
}

#[tokio::test]
async fn a_list_may_name_another_owner_or_none() {
    let cloud = cloud().await;
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let interface = cloud.create_network_interface(&vswitch).await.unwrap();
    for (owner, of_vpc, of_interface) in
        [(Some("0".to_owned()), Some(&0.into()), Some(&"0".into())), (None, None, None::<&serde_json::Value>)]
    {
        cloud.edit_vpc(&vpc, |vpc| vpc.owner_id.clone_from(&owner));
        cloud.edit_vswitch(&vswitch, |vswitch| vswitch.owner_id.clone_from(&owner));
        cloud.edit_network_interface(&interface, |interface| interface.owner_id.clone_from(&owner));
        let vpcs = cloud.call("DescribeVpcs", &[]).await.unwrap();
        let vswitches = cloud.call("DescribeVSwitches", &[]).await.unwrap();
        let interfaces = cloud.call("DescribeNetworkInterfaces", &[]).await.unwrap();
        assert_eq!(vpcs["Vpcs"]["Vpc"][0].get("OwnerId"), of_vpc);
        assert_eq!(vswitches["VSwitches"]["VSwitch"][0].get("OwnerId"), of_vpc);
        assert_eq!(interfaces["NetworkInterfaceSets"]["NetworkInterfaceSet"][0].get("OwnerId"), of_interface);
    }
}
