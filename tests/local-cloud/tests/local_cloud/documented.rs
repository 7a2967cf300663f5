//! Calls every documented operation once, and checks that the answer has the documented shape.

use local_cloud::{Options, SECOND_ACCOUNT_ROLE};
use serde_json::Value;

use crate::support::operator;

/// Checks that a value has only documented members, each of the documented kind.
fn agrees(at: &str, got: &Value, documented: &Value) {
    match documented {
        Value::Object(members) => {
            for (name, value) in got.as_object().unwrap_or_else(|| panic!("{at} is no object: {got}")) {
                let at = format!("{at}.{name}");
                agrees(&at, value, members.get(name).unwrap_or_else(|| panic!("{at} is not documented")));
            }
        }
        Value::Array(items) => {
            for item in got.as_array().unwrap_or_else(|| panic!("{at} is no list: {got}")) {
                agrees(at, item, &items[0]);
            }
        }
        kind => {
            let got_kind = match got {
                Value::String(_) => "string",
                Value::Number(_) => "integer",
                Value::Bool(_) => "boolean",
                _ => "something else",
            };
            assert_eq!(kind, got_kind, "{at}");
        }
    }
}

#[tokio::test]
async fn every_documented_operation_answers_in_its_documented_shape() {
    let options = Options { flow_log_service: false, ..Options::default() };
    let cloud = local_cloud::LocalCloud::start(options).await.unwrap();
    let operator = operator(&cloud);
    let vpc = operator.create_vpc(&[("k", "v")]).await.unwrap();
    let vswitch = operator.create_vswitch(&vpc).await.unwrap();
    let interface = operator.create_network_interface(&vswitch).await.unwrap();
    let router = operator.create_router(&["vbr-1"]).await.unwrap();
    // All ids come from one counter, so those of the flow logs are known in advance.
    let (flow_log, router_flow_log) = ("fl-bp1local0000000000006", "ecr-flog-bp1local0000000000007");
    let in_region = ("RegionId", "cn-hangzhou");
    let of_vpc = [in_region, ("FlowLogId", flow_log)];
    let of_router = [("EcrId", router.as_str()), ("FlowLogId", router_flow_log)];
    let tag =
        |kind, id| [in_region, ("ResourceType", kind), ("ResourceId.1", id), ("Tag.1.Key", "k"), ("Tag.1.Value", "v")];
    let target = [("ProjectName", "project"), ("LogStoreName", "store"), ("Tag.1.Key", "k"), ("FlowLogName", "name")];
    let on_vpc = [in_region, ("ResourceType", "VPC"), ("ResourceId", vpc.as_str()), ("TrafficType", "All")];
    let on_router = [("EcrId", router.as_str()), ("InstanceType", "VBR"), ("InstanceId", "vbr-1")];
    let move_to = [in_region, ("ResourceType", "FlowLog"), ("ResourceId", flow_log), ("NewResourceGroupId", "rg-2")];
    let role = [("RoleArn", SECOND_ACCOUNT_ROLE), ("RoleSessionName", "session")];
    let calls = [
        ("sts", "GetCallerIdentity", vec![]),
        ("sts", "AssumeRole", role.to_vec()),
        ("vpc", "DescribeRegions", vec![]),
        ("vpc", "GetFlowLogServiceStatus", vec![in_region]),
        ("vpc", "OpenFlowLogService", vec![in_region]),
        ("vpc", "CreateFlowLog", [&on_vpc[..], &target[..]].concat()),
        ("expressconnectrouter", "CreateFlowLog", [&on_router[..], &target[..]].concat()),
        ("vpc", "DescribeFlowLogs", vec![in_region]),
        ("vpc", "ModifyFlowLogAttribute", of_vpc.to_vec()),
        ("vpc", "DeactiveFlowLog", of_vpc.to_vec()),
        ("vpc", "ActiveFlowLog", of_vpc.to_vec()),
        ("vpc", "TagResources", tag("FLOWLOG", flow_log).to_vec()),
        ("vpc", "ListTagResources", tag("FLOWLOG", flow_log).to_vec()),
        ("vpc", "UnTagResources", [&tag("FLOWLOG", flow_log)[..3], &[("TagKey.1", "k")]].concat()),
        ("vpc", "MoveResourceGroup", move_to.to_vec()),
        ("vpc", "DescribeVpcs", vec![in_region]),
        ("vpc", "DescribeVSwitches", vec![in_region]),
        ("ecs", "DescribeNetworkInterfaces", vec![in_region]),
        ("ecs", "TagResources", tag("eni", &interface).to_vec()),
        ("ecs", "ListTagResources", tag("eni", &interface).to_vec()),
        ("vpc", "DeleteFlowLog", of_vpc.to_vec()),
        ("expressconnectrouter", "DescribeFlowLogs", vec![of_router[0]]),
        ("expressconnectrouter", "ModifyFlowLogAttribute", of_router.to_vec()),
        ("expressconnectrouter", "DeactivateFlowLog", of_router.to_vec()),
        ("expressconnectrouter", "ActivateFlowLog", of_router.to_vec()),
        ("expressconnectrouter", "DescribeExpressConnectRouter", vec![]),
        ("expressconnectrouter", "DescribeExpressConnectRouterChildInstance", vec![of_router[0]]),
        ("expressconnectrouter", "TagResources", tag("EXPRESSCONNECTROUTER", &router).to_vec()),
        ("expressconnectrouter", "ListTagResources", tag("EXPRESSCONNECTROUTER", &router).to_vec()),
        ("expressconnectrouter", "DeleteFlowlog", of_router.to_vec()),
    ];
    let documented: Value = serde_json::from_str(include_str!("../../../fixtures/openapi/documented.json")).unwrap();
    let operations = documented["operations"].as_array().unwrap();
    assert_eq!(operations.len(), calls.len());
    for (product, action, parameters) in calls {
        let operation = operations.iter().find(|one| one["product"] == product && one["action"] == action).unwrap();
        let client = operator.client().clone().with_version(operation["version"].as_str().unwrap());
        let answer = client.call(action, &parameters).await.unwrap();
        agrees(&format!("{product}.{action}"), &answer, &operation["answer"]);
    }
}
