use base64::{Engine as _, engine::general_purpose::STANDARD};
use local_cloud::{CredentialsIn, Fault, OWN_ACCOUNT, Options, Transitions};
use scenarios::{
    CREATE_FLOW_LOG, EACH_NETWORK_INTERFACE, call_event, cloud, forwarded, result, results, uncovered_vpc,
    uncovered_vpcs, vpc_created, whole_cloud,
};
use serde_json::{Value, json};

#[tokio::test]
async fn a_new_vpc_gets_the_flow_log_that_the_policy_asks_for() {
    let cloud = cloud(Options { transitions: Transitions::Explicit, ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();

    let flow_log = cloud.flow_log_of(&vpc).unwrap();
    assert_eq!(flow_log.status, "Activating");
    assert_eq!((flow_log.resource_type.as_str(), flow_log.traffic_type.as_str()), ("VPC", "All"));
    assert_eq!(flow_log.project, "flowlog-1000000000000001-cn-hangzhou");
    assert_eq!(flow_log.log_store, "vpc");
    assert_eq!(flow_log.name, format!("flowkeeper-{vpc}"));
    assert_eq!(flow_log.aggregation_interval, 10);
    assert_eq!(flow_log.tags.get("managed-by").map(String::as_str), Some("flowkeeper"));

    let [invocation] = cloud.invocations().try_into().unwrap();
    assert!(invocation.success);
    let expected = json!({
        "function": "create-flow-log",
        "run": cloud.events()[0]["id"],
        "request_id": invocation.request_id,
        "dry_run": false,
        "results": [{
            "account": "1000000000000001",
            "region": "cn-hangzhou",
            "resource_type": "VPC",
            "resource_id": vpc,
            "verdict": "missing",
            "action": "CreateFlowLog",
            "outcome": "done",
            "flow_log_id": flow_log.id,
            "reason": format!("no active flow log covers {vpc}"),
        }],
        "summary": {
            "checked": 1, "compliant": 0, "changed": 1, "planned": 0, "skipped": 0, "failed": 0, "unknown": 0,
            "unfinished": 0, "findings": 0, "exceptions": 0, "uncovered": 0, "limits": [],
        },
    });
    assert_eq!(invocation.body, expected);

    cloud.finish_transitions();
    assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active");
}

#[tokio::test]
async fn resources_in_a_vpc_are_covered_by_its_flow_log() {
    let cloud = cloud(Options::default()).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    cloud.create_network_interface(&vswitch).await.unwrap();
    cloud.settled().await.unwrap();

    assert_eq!(cloud.flow_logs().len(), 1);
    let [_, of_vswitch, of_interface] = cloud.invocations().try_into().unwrap();
    for invocation in [of_vswitch, of_interface] {
        let result = result(&invocation);
        assert_eq!((&result["verdict"], &result["outcome"]), (&json!("compliant"), &json!("unchanged")));
        assert_eq!(result["resource_id"], vpc);
    }
}

#[tokio::test]
async fn a_new_vswitch_leads_to_a_check_of_its_vpc() {
    let cloud = cloud(Options::default()).await.unwrap();
    let vpc = uncovered_vpc(&cloud).await;

    cloud.create_vswitch(&vpc).await.unwrap();
    cloud.settled().await.unwrap();
    assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active");
}

#[tokio::test]
async fn a_policy_may_ask_for_a_flow_log_on_each_network_interface() {
    let policy = Some(EACH_NETWORK_INTERFACE.to_owned());
    let cloud = cloud(Options { policy, ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let interface = cloud.create_network_interface(&vswitch).await.unwrap();
    cloud.settled().await.unwrap();

    let [flow_log] = cloud.flow_logs().try_into().unwrap();
    assert_eq!((flow_log.resource_type.as_str(), flow_log.resource_id), ("NetworkInterface", interface));
    let of_vpc = cloud.invocations().into_iter().find(|invocation| result(invocation)["resource_id"] == vpc).unwrap();
    assert_eq!(result(&of_vpc)["outcome"], "skipped");
    assert_eq!(result(&of_vpc)["reason"], "flow logs are kept at the level network interface, not VPC");
}

#[tokio::test]
async fn the_network_interface_of_the_documented_event_gets_its_flow_log() {
    let policy = Some(EACH_NETWORK_INTERFACE.to_owned());
    let cloud = cloud(Options { policy, ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let interface = cloud.create_network_interface(&vswitch).await.unwrap();
    cloud.settled().await.unwrap();
    let flow_log = cloud.flow_log_of(&interface).unwrap().id;
    cloud.call("DeleteFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    cloud.settled().await.unwrap();
    cloud.rename_network_interface(&interface, "eni-bp12f9rjbjqauktz****");

    let event = include_str!("../../../fixtures/events/actiontrail-create-network-interface.json");
    let mut event: Value = serde_json::from_str(event).unwrap();
    cloud.publish(&event);
    cloud.settled().await.unwrap();
    let elsewhere = cloud.invocations().pop().unwrap();
    assert_eq!(result(&elsewhere)["outcome"], "skipped", "it happened in the account of the documents");

    event["aliyunaccountid"] = Value::from(OWN_ACCOUNT);
    cloud.publish(&event);
    cloud.settled().await.unwrap();
    assert_eq!(cloud.flow_log_of("eni-bp12f9rjbjqauktz****").unwrap().status, "Active");
}

#[tokio::test]
async fn an_event_leads_to_a_flow_log_in_every_wrapping() {
    let cloud = cloud(Options::default()).await.unwrap();
    let in_queue = |body: &str| {
        json!({"specversion": "1.0", "id": "q", "source": "acs.mns", "type": "mns:Queue:SendMessage",
               "aliyuneventbusname": "queues", "data": {"messageId": "m", "messageBody": body}})
    };
    let data_as = |key: &str, data: Value| {
        let mut event = vpc_created("");
        event.as_object_mut().unwrap().remove("data");
        event[key] = data;
        event.to_string()
    };
    let wrappings: [&dyn Fn(&str) -> String; 8] = [
        &|vpc| data_as("data", vpc_created(vpc)["data"].to_string().into()),
        &|vpc| data_as("data_base64", STANDARD.encode(vpc_created(vpc)["data"].to_string()).into()),
        &|vpc| json!({"TopicName": "t", "MessageId": "m", "Message": vpc_created(vpc).to_string()}).to_string(),
        &|vpc| in_queue(&vpc_created(vpc).to_string()).to_string(),
        &|vpc| in_queue(&STANDARD.encode(vpc_created(vpc).to_string())).to_string(),
        &|vpc| format!("\u{feff}{}", vpc_created(vpc)),
        &|vpc| json!([json!({"messageId": "m", "messageBody": vpc_created(vpc).to_string()})]).to_string(),
        &|vpc| format!("[{{\"id\": }}, {}]", vpc_created(vpc)),
    ];
    let vpcs = uncovered_vpcs(&cloud, wrappings.len()).await;
    for (vpc, wrapped) in vpcs.iter().zip(wrappings) {
        let event = wrapped(vpc);
        let invocation = cloud.invoke(CREATE_FLOW_LOG, event.as_bytes()).await.unwrap();
        assert!(cloud.flow_log_of(vpc).is_some(), "{event}: {:#}", invocation.body);
        // The last event is in an array with an entry that is not JSON, which fails by itself.
        assert_eq!(invocation.success, !event.starts_with("[{\"id\": }"), "{event}: {:#}", invocation.body);
    }
}

#[tokio::test]
async fn an_event_leads_to_a_flow_log_wherever_it_holds_the_id_and_the_region() {
    let cloud = cloud(Options::default()).await.unwrap();
    let with = |key: &str, value: Value| {
        let mut event = call_event("Vpc", "CreateVpc", &Value::Null);
        event["data"][key] = value;
        event
    };
    let places: [&dyn Fn(&str) -> Value; 5] = [
        &|vpc| with("requestParameterJson", json!({"VpcId": vpc}).to_string().into()),
        &|vpc| with("referencedResources", json!({"ACS::VPC::VPC": [vpc]})),
        &|vpc| with("referencedResources", json!([{"resourceType": "VPC", "resourceName": vpc}])),
        &|vpc| {
            let mut event = with("resourceName", format!("vsw-1;{vpc}").into());
            event["data"]["resourceType"] = "ACS::VPC::VSwitch;ACS::VPC::VPC".into();
            event
        },
        &|vpc| {
            let mut event = vpc_created(vpc);
            event["data"]["errorCode"] = "200".into();
            event["data"]["acsRegion"] = "global".into();
            event["data"]["requestParameterJson"] = json!({"RegionId": "cn-hangzhou"}).to_string().into();
            event["aliyunregionid"] = "cn-beijing".into();
            event
        },
    ];
    let vpcs = uncovered_vpcs(&cloud, places.len()).await;
    for (vpc, event) in vpcs.iter().zip(places) {
        let invocation = cloud.invoke(CREATE_FLOW_LOG, event(vpc).to_string().as_bytes()).await.unwrap();
        assert!(invocation.success && cloud.flow_log_of(vpc).is_some(), "{:#} {:#}", event(vpc), invocation.body);
    }
}

#[tokio::test]
async fn an_instance_gets_its_flow_logs_whichever_call_launched_it() {
    let policy = Some(EACH_NETWORK_INTERFACE.to_owned());
    // No event triggers the function: the test invokes it.
    let triggers_of = Some("flowkeeper-open-flow-log-service".to_owned());
    let cloud = whole_cloud(Options { policy, triggers_of, ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    cloud.call("RunInstances", &[("VSwitchId", &vswitch), ("Amount", "4")]).await.unwrap();
    cloud.settled().await.unwrap();
    let launches: [&dyn Fn(&str) -> Value; 4] = [
        &|id| call_event("Ecs", "RunInstances", &json!({"InstanceIdSets": {"InstanceIdSet": [id]}})),
        &|id| call_event("Ecs", "RunInstances", &json!({"InstanceIdSets": {"InstanceIdSet": id}})),
        &|id| call_event("Ecs", "CreateInstance", &json!({"InstanceId": id})),
        &|id| {
            let mut event = call_event("Ecs", "Create", &Value::Null);
            event["data"]["referencedResources"] = json!({"ACS::ECS::Instance": [id]});
            event
        },
    ];
    let interfaces = cloud.network_interfaces();
    assert_eq!(interfaces.len(), launches.len());
    for (interface, launch) in interfaces.iter().zip(launches) {
        let event = launch(&interface.instance_id);
        let invocation = cloud.invoke(CREATE_FLOW_LOG, event.to_string().as_bytes()).await.unwrap();
        assert!(cloud.flow_log_of(&interface.id).is_some(), "{event:#}: {:#}", invocation.body);
    }
}

#[tokio::test]
async fn the_network_interfaces_of_a_new_instance_are_found_although_its_event_does_not_name_them() {
    let policy = Some(EACH_NETWORK_INTERFACE.to_owned());
    let cloud = cloud(Options { policy, ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    cloud.call("RunInstances", &[("VSwitchId", &vswitch), ("Amount", "3")]).await.unwrap();
    cloud.settled().await.unwrap();

    assert_eq!(cloud.flow_logs().len(), 3);
    let launched = cloud.invocations().into_iter().find(|invocation| results(invocation).len() == 3).unwrap();
    assert!(launched.success && results(&launched).iter().all(|result| result["outcome"] == "done"));
}

#[tokio::test]
async fn a_vpc_that_cloud_config_discovers_gets_its_flow_log() {
    let cloud = cloud(Options::default()).await.unwrap();
    let vpc = uncovered_vpc(&cloud).await;

    let event = include_str!("../../../fixtures/events/config-item-change.json");
    let event = event.replace("vpc-bp1example00000000001", &vpc);
    cloud.publish(&serde_json::from_str::<Value>(&event).unwrap());
    cloud.settled().await.unwrap();
    assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active");
}

#[tokio::test]
async fn a_throttled_cloud_only_takes_longer() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.fail("CreateFlowLog", Fault::Throttled, 2);
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();

    assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active");
    assert_eq!(cloud.calls_of("CreateFlowLog").len(), 3);
    let [invocation] = cloud.invocations().try_into().unwrap();
    assert!(invocation.success, "one invocation was enough");
}

#[tokio::test]
async fn credentials_are_taken_from_the_headers_and_from_the_environment() {
    for credentials in [CredentialsIn::Headers, CredentialsIn::Environment] {
        let cloud = cloud(Options { credentials, ..Options::default() }).await.unwrap();
        let vpc = cloud.create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
        assert!(cloud.flow_log_of(&vpc).is_some(), "{credentials:?}");
        let caller = cloud.calls_of("CreateFlowLog")[0].caller.clone().unwrap();
        assert_eq!(caller.name, CREATE_FLOW_LOG);
    }
}

#[tokio::test]
async fn both_signature_versions_work() {
    let environment = [("FLOWKEEPER_SIGNATURE".to_owned(), "acs3-hmac-sha256".to_owned())].into();
    let cloud = cloud(Options { environment, ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active");
}

#[tokio::test]
async fn a_vpc_of_another_account_gets_its_flow_log_through_the_role_in_the_policy() {
    let with_role = "flow_log:\n  project: flowlog-{account}\n  log_store: vpc\n\
                     accounts: [{id: \"1000000000000002\", role: \"acs:ram::1000000000000002:role/flowkeeper\"}]\n";
    for (policy, outcome) in [(Some(with_role.to_owned()), "done"), (None, "skipped")] {
        let forwarded = forwarded(&[("1000000000000002", "cn-hangzhou")]);
        let cloud = cloud(Options { policy, forwarded, ..Options::default() }).await.unwrap();
        let vpc = cloud.operator("1000000000000002", "cn-hangzhou").create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
        let [invocation] = cloud.invocations().try_into().unwrap();
        assert!(invocation.success, "{:#}", invocation.body);
        assert_eq!(result(&invocation)["outcome"], outcome);
        let flow_log = cloud.flow_log_of(&vpc);
        assert_eq!(flow_log.is_some(), outcome == "done");
        if let Some(flow_log) = flow_log {
            assert_eq!(flow_log.place.account, "1000000000000002");
            assert_eq!(flow_log.project, "flowlog-1000000000000002");
        }
    }
}

#[tokio::test]
async fn a_vpc_of_another_region_gets_its_flow_log_there() {
    let forwarded = forwarded(&[(OWN_ACCOUNT, "cn-shanghai")]);
    let cloud = cloud(Options { forwarded, ..Options::default() }).await.unwrap();
    let vpc = cloud.operator(OWN_ACCOUNT, "cn-shanghai").create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let flow_log = cloud.flow_log_of(&vpc).unwrap();
    assert_eq!(flow_log.place.region, "cn-shanghai");
    assert_eq!(flow_log.project, "flowlog-1000000000000001-cn-shanghai");
}

#[tokio::test]
async fn every_flow_log_setting_of_the_policy_is_sent_to_the_api() {
    let policy = "\
flow_log:
  project: flows
  log_store: dropped
  traffic_type: Drop
  aggregation_interval: 1
  traffic_path: [internetGateway, natGateway]
  ip_version: IPv4
  name: kept-{resource_id}
  description: What {account} drops in {region}
  resource_group_id: rg-example
  tags: {team: network}
overrides: [{match: {tags: {env: test}}, traffic_type: Allow}]
";
    let cloud = cloud(Options { policy: Some(policy.to_owned()), ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    let test = cloud.create_vpc(&[("env", "test")]).await.unwrap();
    cloud.settled().await.unwrap();

    let it = cloud.flow_log_of(&vpc).unwrap();
    assert_eq!((it.project.as_str(), it.log_store.as_str(), it.traffic_type.as_str()), ("flows", "dropped", "Drop"));
    assert_eq!((it.aggregation_interval, it.ip_version.as_str()), (1, "IPv4"));
    assert_eq!(it.traffic_path, ["internetGateway", "natGateway"]);
    assert_eq!((it.name, it.resource_group_id.as_str()), (format!("kept-{vpc}"), "rg-example"));
    assert_eq!(it.description, "What 1000000000000001 drops in cn-hangzhou");
    let tags: Vec<_> = it.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(tags, [("managed-by", "flowkeeper"), ("team", "network")]);
    assert_eq!(cloud.flow_log_of(&test).unwrap().traffic_type, "Allow");
}
