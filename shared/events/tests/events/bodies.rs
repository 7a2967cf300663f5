//! Bodies that are broken, hostile, or no event at all.

use events::{Event, Woken, parse};
use proptest::prelude::*;

fn one(body: &str) -> Event {
    let [woken] = <[Woken; 1]>::try_from(parse(body.as_bytes()).unwrap()).unwrap();
    woken.event
}

/// A recorded call in its envelope.
fn call(body: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"1","source":"acs.vpc","type":"vpc:ActionTrail:ApiCall","data":{body}}}"#)
}

#[test]
fn what_is_no_event_at_all_is_said_to_be_none() {
    for (body, found) in [
        ("", "an empty body"),
        (" \n", "an empty body"),
        ("{}", "an empty object"),
        ("[]", "an empty array"),
        ("null", "this is null"),
        ("42", "this is a number"),
        ("\"text\"", "this is a text"),
        ("{\"hello\":\"world\"}", "an object of no known shape (it has hello)"),
        ("{\"type\":\"a\",\"source\":\"b\"}", "an object of no known shape"),
        ("not JSON", "this is no JSON"),
        ("{\"specversion\":", "this is no JSON"),
    ] {
        let error = parse(body.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(found) && error.contains("wanted is"), "{body}: {error}");
    }
}

#[test]
fn a_body_far_larger_than_any_event_is_not_read() {
    let event = call(r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{"VpcId":"vpc-1"}}"#);
    let of_size = |size: usize| format!("{event}{}", " ".repeat(size - event.len()));
    assert!(parse(of_size(1 << 20).as_bytes()).is_ok());
    let error = parse(of_size((1 << 20) + 1).as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("a body of 1048577 bytes, of which at most 1048576 are read; wanted is"), "{error}");
}

#[test]
fn what_an_unknown_body_holds_is_not_repeated() {
    let error = parse(br#"{"password":"the-secret"}"#).unwrap_err().to_string();
    assert!(!error.contains("the-secret"), "{error}");
}

#[test]
fn a_created_vpc_without_a_good_id_is_broken() {
    for (body, problem) in [
        (r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{}}"#, "have no VpcId"),
        (r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{"VpcId":""}}"#, "have no VpcId"),
        (r#"{"eventName":"CreateVpc","serviceName":"Vpc"}"#, "have no VpcId"),
        (r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{"VpcId":"subnet-1"}}"#, "is not a VPC id"),
        (r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{"VpcId":"vsw-1"}}"#, "is not a VPC id"),
        (r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{"VpcId":["vpc-1"]}}"#, "have no VpcId"),
        (r#"{"eventName":"RunInstances","serviceName":"Ecs"}"#, "names no instance"),
        (r#"{"eventName":"DeleteFlowLog","serviceName":"Vpc"}"#, "names no FlowLogId"),
        (r#"{"serviceName":"Vpc"}"#, "no eventName"),
        ("null", "no eventName"),
    ] {
        let event = one(&call(body));
        assert!(matches!(&event, Event::Broken(reason) if reason.contains(problem)), "{body}: {event:?}");
    }
}

#[test]
fn an_empty_or_null_error_code_is_that_of_a_success() {
    for code in ["\"\"", "null"] {
        let body = format!(
            r#"{{"eventName":"CreateVpc","serviceName":"Vpc","errorCode":{code},"responseElements":{{"VpcId":"vpc-1"}}}}"#
        );
        assert!(matches!(one(&call(&body)), Event::Created(_)), "{code}");
    }
}

#[test]
fn the_call_of_another_product_is_not_ours_whatever_its_name() {
    let named = r#"{"eventName":"CreateVpc","serviceName":"Smartag","responseElements":{"VpcId":"vpc-1"}}"#;
    assert!(matches!(one(&call(named)), Event::NotForUs(_)));
    let unnamed = call(r#"{"eventName":"CreateVpc","responseElements":{"VpcId":"vpc-1"}}"#);
    assert!(matches!(one(&unnamed), Event::Created(_)), "told by its source");
    assert!(matches!(one(&unnamed.replace("acs.vpc", "acs:vpc")), Event::Created(_)), "the older spelling");
    assert!(matches!(one(&unnamed.replace("acs.vpc", "acs.smartag")), Event::NotForUs(_)));
}

#[test]
fn one_broken_entry_of_an_array_does_not_spoil_the_others() {
    let good = call(r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{"VpcId":"vpc-1"}}"#);
    let body = format!(r#"[{{"hello":1}},{good},"not JSON",7]"#);
    let events: Vec<_> = parse(body.as_bytes()).unwrap().into_iter().map(|woken| woken.event).collect();
    assert!(
        matches!(events.as_slice(), [Event::Broken(_), Event::Created(_), Event::Broken(_), Event::Broken(_)]),
        "{events:?}"
    );
}

#[test]
fn an_event_that_is_in_the_body_twice_counts_once() {
    let event = call(r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{"VpcId":"vpc-1"}}"#);
    let other = event.replace(r#""id":"1""#, r#""id":"2""#);
    assert_eq!(parse(format!("[{event},{other},{event}]").as_bytes()).unwrap().len(), 2);
}

#[test]
fn a_notice_of_cloud_config_over_mns_comes_in_base64() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let notice = include_str!("../../../../tests/fixtures/events/config-item-change-mns-body.json");
    let vpc = notice.replace("ACS::OSS::Bucket", "ACS::VPC::VPC").replace("\"new-bucket\"", "\"vpc-1\"");
    assert!(matches!(one(&STANDARD.encode(vpc)), Event::Created(_)));
}

#[test]
fn a_time_that_is_no_time_harms_nothing() {
    let body = call(
        r#"{"eventName":"CreateVpc","serviceName":"Vpc","eventTime":"yesterday","responseElements":{"VpcId":"vpc-1"}}"#,
    );
    let [woken] = <[Woken; 1]>::try_from(parse(body.as_bytes()).unwrap()).unwrap();
    assert!(woken.time.is_none() && matches!(woken.event, Event::Created(_)));
}

/// Any JSON whose keys and texts are often those that mean something.
fn any_json() -> impl Strategy<Value = serde_json::Value> {
    use serde_json::Value;
    let words = "specversion|type|source|data|eventName|serviceName|CreateVpc|RunInstances|Vpc|responseElements|VpcId|\
                 vpc-1|errorCode|requestParameters|DryRun|complianceType|NON_COMPLIANT|evaluationResultIdentifier|\
                 resourceEventType|DISCOVERED|resourceType|resourceId|configRuleId|triggerTime|triggerName|payload|\
                 vpc:ActionTrail:ApiCall|vpc:Config:NonCompliantNotification|a:Events:ScheduledEvent|.{0,8}";
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        words.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(words, inner, 0..8).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_whatever_makes_the_reader_panic(value in any_json()) {
        _ = parse(value.to_string().as_bytes());
    }

    #[test]
    fn no_bytes_whatever_make_the_reader_panic(bytes in any::<Vec<u8>>()) {
        _ = parse(&bytes);
    }
}
