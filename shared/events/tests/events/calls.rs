//! Recorded calls, and notices of Cloud Config: samples with one thing changed.

use events::{Event, parse};
use serde_json::{Value, json};

use crate::changed::{json_of, sent, with, without};

const VPC: &str = "actiontrail-create-vpc";
const LAUNCH: &str = "actiontrail-run-instances-console";

fn one(body: &Value) -> Event {
    sent(body).remove(0)
}

fn is_broken(event: &Event, problem: &str) -> bool {
    matches!(event, Event::Broken(reason) if reason.contains(problem))
}

fn is_not_for_us(event: &Event, why: &str) -> bool {
    matches!(event, Event::NotForUs(reason) if reason.contains(why))
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
    let good = Event::Launched(vec!["i-1".to_owned(), "i-2".to_owned()]);
    for id in ["i-", "vpc-1", "i-1&Action=DeleteVpc", "i-1 "] {
        let events = launched(json!(["i-1", id, "i-2"]));
        assert!(events.len() == 2 && events.contains(&good), "{id}: {events:?}");
        assert!(events.iter().any(|event| is_broken(event, &format!("\"{id}\" is not an instance id"))), "{id}");
    }
    assert_eq!(launched(json!(["i-1", "", "i-2"])), [good], "an empty text is as if it were not there");
    let events = launched(json!(["x", "y"]));
    assert!(events.len() == 2 && events.iter().all(|event| is_broken(event, "is not an instance id")), "{events:?}");

    // In a body with others, told twice, it still counts once, and each result has the launch's place and time.
    let event = with(LAUNCH, "/data/responseElements/InstanceIdSets/InstanceIdSet", json!(["i-1", "x", "i-2"]));
    let woken = parse(json!([event, event]).to_string().as_bytes()).unwrap();
    assert_eq!(woken.iter().filter(|woken| matches!(woken.event, Event::Launched(_))).count(), 1);
    assert!(woken.iter().all(|one| (one.time, &one.region) == (woken[0].time, &woken[0].region)));
    assert!(woken[0].time.is_some() && woken[0].region.is_some());
}

#[test]
fn a_recorded_call_alone_must_say_whose_it_is() {
    let bare = json_of("actiontrail-create-vpc")["data"].clone();
    assert!(matches!(one(&bare), Event::Created(_)));
    let mut unsaid = bare.clone();
    unsaid.as_object_mut().unwrap().remove("serviceName").unwrap();
    assert!(is_broken(&one(&unsaid), "it has no serviceName"));
    unsaid["eventName"] = json!("DescribeVpcs");
    assert!(is_not_for_us(&one(&unsaid), "none that is looked at"), "whosever it is");
}

#[test]
fn what_a_call_refers_to_is_not_what_it_made() {
    let mut event = without("actiontrail-create-network-interface", "/data/responseElements/NetworkInterfaceId");
    event["data"]["referencedResources"] =
        json!({"NetworkInterface": ["eni-1"], "ACS::ECS::NetworkInterface": ["eni-2"]});
    assert!(is_broken(&one(&event), "have no NetworkInterfaceId"));
}

#[test]
fn instances_are_those_of_the_answer_else_those_referred_to() {
    let mut event = with(LAUNCH, "/data/responseElements/InstanceIdSets/InstanceIdSet", json!(["i-1", "i-2"]));
    assert_eq!(one(&event), Event::Launched(vec!["i-1".to_owned(), "i-2".to_owned()]));
    event["data"]["responseElements"] = Value::Null;
    assert_eq!(one(&event), Event::Launched(vec!["i-bp1example0000000001".to_owned()]));
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
        assert!(matches!(one(&with(VPC, "/data/requestParameters/DryRun", flag)), Event::Created(_)));
    }
}

#[test]
fn a_success_code_in_the_answer_is_no_error() {
    assert!(matches!(one(&with(VPC, "/data/responseElements/Code", "Success")), Event::Created(_)));
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
        let (Event::NotForUs(said) | Event::Broken(said)) = one(&with(name, pointer, "x\ny".repeat(10_000))) else {
            panic!("{name} {pointer}");
        };
        assert!(said.len() < 400 && !said.contains('\n'), "{name} {pointer}: {said}");
    }
    let error = parse(json!({"x\n".repeat(10_000): 1}).to_string().as_bytes()).unwrap_err().to_string();
    assert!(error.len() < 400 && !error.contains('\n'), "{error}");
}

#[test]
fn the_owner_is_the_recipient_then_the_account_of_the_bus_then_that_of_the_caller() {
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
    assert_eq!(owner(&event).as_deref(), Some("1000000000000004"));
    event["data"]["userIdentity"] = json!({"type": "system", "userName": "ecs.aliyuncs.com"});
    assert_eq!(owner(&event), None);
}

#[test]
fn a_recorded_call_that_lacks_its_recipient_still_has_its_owner_without_an_envelope() {
    let body = json_of("actiontrail-create-network-interface-body").to_string();
    assert_eq!(parse(body.as_bytes()).unwrap()[0].account.as_ref().unwrap().as_str(), "116214825062****");
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
    assert!(matches!(one(&event), Event::FlowLogTouched { .. }));
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
