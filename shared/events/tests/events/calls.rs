//! Recorded calls, and notices from Cloud Config: samples with one change.

use events::{EventKind, parse};
use serde_json::{Value, json};

use crate::changed::{json_of, sent, with, without};

const VPC: &str = "actiontrail-create-vpc";
const LAUNCH: &str = "actiontrail-run-instances-console";

fn one(body: &Value) -> EventKind {
    sent(body).remove(0)
}

fn is_broken(event: &EventKind, problem: &str) -> bool {
    matches!(event, EventKind::Malformed(reason) if reason.contains(problem))
}

fn is_not_for_us(event: &EventKind, why: &str) -> bool {
    matches!(event, EventKind::Ignored(reason) if reason.contains(why))
}

#[test]
fn a_malformed_id_is_broken_wherever_it_stands() {
    for (name, pointer) in [
        (VPC, "/data/responseElements/VpcId"),
        ("actiontrail-create-vswitch", "/data/responseElements/VSwitchId"),
        ("actiontrail-create-network-interface", "/data/responseElements/NetworkInterfaceId"),
        ("actiontrail-create-flow-log", "/data/responseElements/FlowLogId"),
        ("actiontrail-delete-vpc", "/data/requestParameters/VpcId"),
        ("actiontrail-delete-flow-log", "/data/requestParameters/FlowLogId"),
        ("config-item-change", "/data/resourceId"),
    ] {
        for id in ["vpc-1&Action=DeleteVpc", "vpc 1", "../x"] {
            let event = one(&with(name, pointer, id));
            assert!(is_broken(&event, id), "{name}: {event:?}");
        }
    }
}

#[test]
fn a_malformed_id_among_the_instances_of_a_launch_is_a_result_of_its_own_and_the_others_go_on() {
    let launched = |ids: Value| sent(&with(LAUNCH, "/data/responseElements/InstanceIdSets/InstanceIdSet", ids));
    let good = EventKind::Launched(vec!["i-1".to_owned(), "i-2".to_owned()]);
    for id in ["i-", "vpc-1", "i-1&Action=DeleteVpc", "i-1 "] {
        let events = launched(json!(["i-1", id, "i-2"]));
        assert!(events.len() == 2 && events.contains(&good), "{id}: {events:?}");
        assert!(events.iter().any(|event| is_broken(event, &format!("\"{id}\" is not an instance id"))), "{id}");
    }
    assert_eq!(launched(json!(["i-1", "", "i-2"])), [good], "an empty text is as if it were not there");
    let events = launched(json!(["x", "y"]));
    assert!(events.len() == 2 && events.iter().all(|event| is_broken(event, "is not an instance id")), "{events:?}");

    // Even if the body holds it twice, it counts once, and each result has the time and region of the launch.
    let event = with(LAUNCH, "/data/responseElements/InstanceIdSets/InstanceIdSet", json!(["i-1", "x", "i-2"]));
    let found = parse(json!([event, event]).to_string().as_bytes()).unwrap();
    assert_eq!(found.iter().filter(|found| matches!(found.event, EventKind::Launched(_))).count(), 1);
    assert!(found.iter().all(|one| (one.time, &one.region) == (found[0].time, &found[0].region)));
    assert!(found[0].time.is_some() && found[0].region.is_some());
}

#[test]
fn a_recorded_call_alone_must_say_whose_it_is() {
    let bare = json_of("actiontrail-create-vpc")["data"].clone();
    assert!(matches!(one(&bare), EventKind::Created(_)));
    let mut unsaid = bare.clone();
    unsaid.as_object_mut().unwrap().remove("serviceName").unwrap();
    assert!(is_broken(&one(&unsaid), "it has no serviceName"));
    unsaid["eventName"] = json!("DescribeVpcs");
    assert!(is_not_for_us(&one(&unsaid), "none that is looked at"), "whosever it is");
}

#[test]
fn ids_are_looked_for_in_the_answer_then_in_the_parameters_and_then_in_what_is_referred_to() {
    let places = [
        ("/data/responseElements", json!({"NetworkInterfaceId": "eni-1"})),
        ("/data/requestParameters", json!({"NetworkInterfaceId": "eni-2"})),
        ("/data/requestParameterJson", json!("{\"NetworkInterfaceId\":\"eni-3\"}")),
        ("/data/referencedResources", json!({"VSwitch": ["vsw-1"], "NetworkInterface": ["eni-4"]})),
        ("/data/resourceName", json!("vsw-1;eni-5")),
    ];
    let mut event = json_of("actiontrail-create-network-interface");
    event["data"]["resourceType"] = json!("ACS::VPC::VSwitch;ACS::ECS::NetworkInterface");
    for (pointer, value) in &places {
        event["data"][pointer.trim_start_matches("/data/")] = value.clone();
    }
    for (nth, (pointer, _)) in places.iter().enumerate() {
        assert_eq!(sent(&event), [EventKind::Created(format!("eni-{}", nth + 1).parse().unwrap())], "{pointer}");
        event["data"].as_object_mut().unwrap().remove(pointer.trim_start_matches("/data/"));
    }
    assert!(is_broken(&one(&event), "its responseElements have no NetworkInterfaceId, nor does it name one elsewhere"));
}

#[test]
fn what_is_referred_to_may_be_a_map_or_a_list_with_short_or_whole_types_and_one_or_more_ids() {
    let created = |id: &str| EventKind::Created(id.parse().unwrap());
    for (referenced, events) in [
        (json!({"ACS::VPC::VPC": ["vpc-1"]}), vec![created("vpc-1")]),
        (json!({"VPC": "vpc-1"}), vec![created("vpc-1")]),
        (json!({"Vpc": ["vpc-1", "vpc-2"]}), vec![created("vpc-1"), created("vpc-2")]),
        (json!("{\"VPC\":[\"vpc-1\"]}"), vec![created("vpc-1")]),
        (json!([{"resourceType": "ACS::VPC::VPC", "resourceName": "vpc-1"}]), vec![created("vpc-1")]),
        (json!([{"resourceType": "VPC", "resourceName": "vpc-1;vpc-2"}]), vec![created("vpc-1"), created("vpc-2")]),
    ] {
        let mut event = without(VPC, "/data/responseElements");
        event["data"]["referencedResources"] = referenced.clone();
        assert_eq!(sent(&event), events, "{referenced}");
    }
    for others in [
        json!({"ACS::CEN::VPC": ["vpc-1"], "ACS::VPC::VSwitch": ["vsw-1"], "VPCs": ["vpc-1"]}),
        json!([{"resourceType": "VSwitch", "resourceName": "vsw-1"}, {"resourceName": "vpc-1"}, "vpc-1"]),
        json!(["vpc-1"]),
        json!("vpc-1"),
        Value::Null,
    ] {
        let mut event = without(VPC, "/data/responseElements");
        event["data"]["referencedResources"] = others.clone();
        assert!(is_broken(&one(&event), "have no VpcId"), "{others}");
    }
}

#[test]
fn each_id_that_is_malformed_is_a_result_of_its_own_and_the_others_go_on() {
    let mut event = without("actiontrail-delete-vpc", "/data/requestParameters");
    event["data"]["referencedResources"] = json!({"ACS::VPC::VPC": ["vpc-1", "vpc 2", "vpc-3"]});
    let events = sent(&event);
    assert_eq!(events.len(), 3);
    for id in ["vpc-1", "vpc-3"] {
        assert!(events.contains(&EventKind::Deleted(id.parse().unwrap())), "{events:?}");
    }
    assert!(is_broken(&events[1], "vpc 2"), "{events:?}");
    let repeated = sent(&json!([event, json_of(VPC), event]));
    assert_eq!(repeated.iter().filter(|found| !is_broken(found, "")).count(), 3, "{repeated:?}");
}

#[test]
fn instances_are_found_however_their_ids_are_written() {
    for (answer, ids) in [
        (json!({"InstanceIdSets": {"InstanceIdSet": ["i-1", "i-2"]}}), vec!["i-1", "i-2"]),
        (json!({"InstanceIdSets": {"InstanceIdSet": "i-1"}}), vec!["i-1"]),
        (json!({"InstanceIdSets": ["i-1", "i-2"]}), vec!["i-1", "i-2"]),
        (json!({"InstanceIdSets": "[\"i-1\",\"i-2\"]"}), vec!["i-1", "i-2"]),
        (json!({"InstanceId": "i-1"}), vec!["i-1"]),
        (json!("{\"InstanceId\":\"i-1\"}"), vec!["i-1"]),
    ] {
        for call in ["RunInstances", "CreateInstance", "Create"] {
            let mut event = with(LAUNCH, "/data/responseElements", answer.clone());
            event["data"]["eventName"] = json!(call);
            event["data"]["referencedResources"] = Value::Null;
            assert_eq!(sent(&event), [EventKind::Launched(ids.iter().map(ToString::to_string).collect())], "{answer}");
        }
    }
}

#[test]
fn a_code_that_says_success_is_no_error_in_whatever_case() {
    for code in [json!("200"), json!(200), json!("Success"), json!("SUCCESS"), json!("OK"), json!("ok"), json!("")] {
        for message in ["", "successful", "OK"] {
            let mut event = with(VPC, "/data/errorCode", code.clone());
            event["data"]["errorMessage"] = json!(message);
            let is_unsaid = code == "" && message == "successful";
            assert_eq!(matches!(one(&event), EventKind::Created(_)), !is_unsaid, "{code} {message}");
        }
    }
    for code in ["2000", "NotOK", "Successful", "404"] {
        assert!(is_not_for_us(&one(&with(VPC, "/data/errorCode", code)), &format!("failed ({code})")), "{code}");
    }
}

#[test]
fn the_region_of_the_bus_is_that_of_the_event_on_the_default_bus_of_the_account_alone() {
    let region = |event: &Value| {
        let found = parse(event.to_string().as_bytes()).unwrap().remove(0);
        (found.region.map(|region| region.to_string()), matches!(found.event, EventKind::Created(_)))
    };
    let mut event = without(VPC, "/data/requestParameters");
    event["data"]["acsRegion"] = json!("global");
    assert_eq!(region(&event), (Some("cn-hangzhou".to_owned()), true), "global is no region");
    event["aliyuneventbusname"] = json!("flowkeeper");
    assert_eq!(region(&event), (None, false), "the bus of another region may be where it came from");
    assert!(is_broken(&one(&event), "does not say in which region"));
    event["aliyuneventbusname"] = json!("default");
    event["aliyunoriginalaccountid"] = json!("1000000000000002");
    assert_eq!(region(&event), (None, false));
    event["data"]["requestParameterJson"] = json!("{\"RegionId\":\"cn-shanghai\"}");
    assert_eq!(region(&event), (Some("cn-shanghai".to_owned()), true));
    // If the envelope names no bus, the region stays open, for the function to fill in.
    let mut without_bus = without(VPC, "/data/requestParameters");
    without_bus["data"]["acsRegion"] = Value::Null;
    without_bus.as_object_mut().unwrap().remove("aliyuneventbusname").unwrap();
    assert_eq!(region(&without_bus), (None, true));
}

#[test]
fn instances_are_those_of_the_answer_else_those_referred_to() {
    let mut event = with(LAUNCH, "/data/responseElements/InstanceIdSets/InstanceIdSet", json!(["i-1", "i-2"]));
    assert_eq!(one(&event), EventKind::Launched(vec!["i-1".to_owned(), "i-2".to_owned()]));
    event["data"]["responseElements"] = Value::Null;
    assert_eq!(one(&event), EventKind::Launched(vec!["i-bp1example0000000001".to_owned()]));
    event["data"]["referencedResources"] = json!({"ACS::ECS::Image": ["m-1"]});
    assert!(is_broken(&one(&event), "names no instance"));
}

#[test]
fn a_dry_run_made_nothing_and_deleted_nothing() {
    for flag in [json!(true), json!("true"), json!("True")] {
        let created = with("actiontrail-create-vpc-dry-run", "/data/requestParameters/DryRun", flag.clone());
        let deleted = with("actiontrail-delete-vpc", "/data/requestParameters/DryRun", flag.clone());
        let mut launched = with(LAUNCH, "/data/requestParameters/DryRun", flag);
        launched["data"]["responseElements"] = Value::Null;
        launched["data"]["referencedResources"] = Value::Null;
        for event in [created, deleted, launched] {
            assert!(is_not_for_us(&one(&event), "was a dry run"), "{event}");
        }
    }
}

#[test]
fn a_call_that_made_something_was_no_dry_run_whatever_was_asked() {
    for flag in [json!(true), json!(false), json!("false")] {
        assert!(matches!(one(&with(VPC, "/data/requestParameters/DryRun", flag)), EventKind::Created(_)));
    }
}

#[test]
fn a_success_code_in_the_answer_is_no_error() {
    assert!(matches!(one(&with(VPC, "/data/responseElements/Code", "Success")), EventKind::Created(_)));
}

#[test]
fn another_products_call_is_not_ours_even_if_it_is_broken_or_failed() {
    let mut event = without("sag-create-flow-log", "/data/responseElements");
    assert!(is_not_for_us(&one(&event), "CreateFlowLog of Smartag"));
    event["data"]["errorCode"] = json!("Oops");
    assert!(is_not_for_us(&one(&event), "CreateFlowLog of Smartag"));
}

#[test]
fn what_others_wrote_is_cut_short_and_put_on_one_line() {
    for (name, pointer) in [
        (VPC, "/type"),
        (VPC, "/data/eventName"),
        (VPC, "/data/serviceName"),
        (VPC, "/data/errorCode"),
        (VPC, "/data/errorMessage"),
        (VPC, "/data/responseElements/VpcId"),
        (LAUNCH, "/data/responseElements/InstanceIdSets/InstanceIdSet/0"),
        ("eventbridge-ecs-disk-event", "/source"),
        ("config-item-change", "/data/resourceEventType"),
        ("config-item-change", "/data/resourceType"),
        ("config-item-change", "/data/resourceId"),
        ("config-noncompliant", "/data/complianceType"),
    ] {
        let (EventKind::Ignored(said) | EventKind::Malformed(said)) = one(&with(name, pointer, "x\ny".repeat(10_000)))
        else {
            panic!("{name} {pointer}");
        };
        assert!(said.len() < 400 && !said.contains('\n'), "{name} {pointer}: {said}");
    }
    let error = parse(json!({"x\n".repeat(10_000): 1}).to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.len() < 400 && !error.contains('\n'), "{error}");
}

#[test]
fn the_owner_is_the_recipient_then_the_original_account_then_that_of_the_bus_and_never_that_of_the_caller() {
    let owner =
        |event: &Value| parse(event.to_string().as_bytes()).unwrap()[0].account.as_ref().map(ToString::to_string);
    let mut event = with("actiontrail-create-vpc-cross-account", "/data/recipientAccountId", 1_000_000_000_000_003_u64);
    event["data"]["userIdentity"]["accountId"] = json!("1000000000000004");
    event["aliyunoriginalaccountid"] = json!("1000000000000005");
    assert_eq!(owner(&event).as_deref(), Some("1000000000000003"));
    event["data"]["recipientAccountId"] = json!("");
    assert_eq!(owner(&event).as_deref(), Some("1000000000000005"));
    event["aliyunoriginalaccountid"] = Value::Null;
    assert_eq!(owner(&event).as_deref(), Some("1000000000000001"));
    event["aliyunaccountid"] = Value::Null;
    assert_eq!(owner(&event), None);
}

#[test]
fn the_region_is_that_of_the_call_then_the_one_it_asked_for_then_that_of_the_bus() {
    let region =
        |event: &Value| parse(event.to_string().as_bytes()).unwrap()[0].region.as_ref().map(ToString::to_string);
    let mut event = with(VPC, "/aliyunregionid", "cn-beijing");
    event["data"]["acsRegion"] = json!("cn-shenzhen");
    assert_eq!(region(&event).as_deref(), Some("cn-shenzhen"));
    event["data"]["acsRegion"] = Value::Null;
    assert_eq!(region(&event).as_deref(), Some("cn-hangzhou"));
    event["data"]["requestParameters"] = Value::Null;
    assert_eq!(region(&event).as_deref(), Some("cn-beijing"));
}

#[test]
fn a_call_happened_when_it_says_else_when_its_envelope_says() {
    let time = |event: &Value| parse(event.to_string().as_bytes()).unwrap()[0].time.map(|time| time.to_string());
    let mut event = with(VPC, "/data/eventTime", "2025-01-02T03:00:00Z");
    assert_eq!(time(&event).as_deref(), Some("2025-01-02T03:00:00Z"));
    event["data"]["eventTime"] = json!("at noon");
    for (text, want) in [
        ("2025-01-02T03:04:05Z", Some("2025-01-02T03:04:05Z")),
        ("2020-11-19T21:04:41+08:00", Some("2020-11-19T13:04:41Z")),
        ("2020-11-19T21:04:42.179PRC", Some("2020-11-19T13:04:42.179Z")),
        ("2021-01-03T09:44:31.233Asia/Shanghai", Some("2021-01-03T01:44:31.233Z")),
        ("PRC", None),
        ("2025-13-45T99:00:00Z", None),
    ] {
        event["time"] = json!(text);
        assert_eq!(time(&event).as_deref(), want, "{text}");
    }
}

#[test]
fn the_id_may_be_in_the_text_form_of_the_parameters_alone() {
    let mut event = without("actiontrail-delete-flow-log", "/data/requestParameters");
    assert!(matches!(one(&event), EventKind::FlowLogChanged { .. }));
    event["data"]["requestParameterJson"] = json!("{broken");
    assert!(is_broken(&one(&event), "names no FlowLogId"));
}

#[test]
fn the_owner_of_a_resource_goes_before_the_account_that_judged_it() {
    let owner =
        |event: &Value| parse(event.to_string().as_bytes()).unwrap()[0].account.as_ref().map(ToString::to_string);
    let mut event = with("config-noncompliant", "/data/accountId", "1000000000000009");
    assert_eq!(owner(&event).as_deref(), Some("1000000000000001"));
    event["data"]["evaluationResultIdentifier"]["evaluationResultQualifier"]["resourceOwnerId"] = Value::Null;
    assert_eq!(owner(&event).as_deref(), Some("1000000000000009"));
}
