//! Bodies that are malformed, hostile, or not an event at all.

use events::{Event, EventKind, parse};
use proptest::prelude::*;

fn one(body: &str) -> EventKind {
    let [found] = <[Event; 1]>::try_from(parse(body.as_bytes()).unwrap()).unwrap();
    found.event
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
        (
            "{\"type\":\"a\",\"source\":\"b\"}",
            "an object of no known shape (it has type, source): an envelope of EventBridge without specversion",
        ),
        ("{\"specversion\":\"1.0\",\"source\":\"b\",\"data\":{}}", "an envelope of EventBridge without type"),
        ("{\"specversion\":\"1.0\",\"source\":\"\",\"type\":\"a\"}", "an envelope of EventBridge without source"),
        ("not JSON", "this is no JSON"),
        ("{\"specversion\":", "this is no JSON"),
    ] {
        let error = parse(body.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(found) && error.contains("expected an event"), "{body}: {error}");
    }
}

#[test]
fn a_body_far_larger_than_any_event_is_not_read() {
    let event = call(r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{"VpcId":"vpc-1"}}"#);
    let of_size = |size: usize| format!("{event}{}", " ".repeat(size - event.len()));
    assert!(parse(of_size(1 << 20).as_bytes()).is_ok());
    let error = parse(of_size((1 << 20) + 1).as_bytes()).unwrap_err().to_string();
    assert!(error.starts_with("a body of 1048577 bytes, and 1048576 is the maximum; expected an event"), "{error}");
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
        (r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{"VpcId":[7]}}"#, "have no VpcId"),
        (r#"{"eventName":"RunInstances","serviceName":"Ecs"}"#, "names no instance"),
        (r#"{"eventName":"DeleteFlowLog","serviceName":"Vpc"}"#, "names no FlowLogId"),
        (r#"{"serviceName":"Vpc"}"#, "no eventName"),
        ("null", "no eventName"),
    ] {
        let event = one(&call(body));
        assert!(matches!(&event, EventKind::Malformed(reason) if reason.contains(problem)), "{body}: {event:?}");
    }
}

#[test]
fn an_empty_or_null_error_code_is_that_of_a_success() {
    for code in ["\"\"", "null"] {
        let body = format!(
            r#"{{"eventName":"CreateVpc","serviceName":"Vpc","errorCode":{code},"responseElements":{{"VpcId":"vpc-1"}}}}"#
        );
        assert!(matches!(one(&call(&body)), EventKind::Created(_)), "{code}");
    }
}

#[test]
fn the_call_of_another_product_is_not_ours_whatever_its_name() {
    let named = r#"{"eventName":"CreateVpc","serviceName":"Smartag","responseElements":{"VpcId":"vpc-1"}}"#;
    assert!(matches!(one(&call(named)), EventKind::Ignored(_)));
    let unnamed = call(r#"{"eventName":"CreateVpc","responseElements":{"VpcId":"vpc-1"}}"#);
    assert!(matches!(one(&unnamed), EventKind::Created(_)), "told by its source");
    assert!(matches!(one(&unnamed.replace("acs.vpc", "acs:vpc")), EventKind::Created(_)), "the older spelling");
    assert!(matches!(one(&unnamed.replace("acs.vpc", "acs.smartag")), EventKind::Ignored(_)));
}

#[test]
fn one_broken_entry_of_an_array_does_not_spoil_the_others() {
    let good = call(r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{"VpcId":"vpc-1"}}"#);
    let body = format!(r#"[{{"hello":1}},{good},"not JSON",7]"#);
    let events: Vec<_> = parse(body.as_bytes()).unwrap().into_iter().map(|found| found.event).collect();
    assert!(
        matches!(
            events.as_slice(),
            [EventKind::Malformed(_), EventKind::Created(_), EventKind::Malformed(_), EventKind::Malformed(_)]
        ),
        "{events:?}"
    );
}

#[test]
fn an_entry_that_is_no_json_does_not_spoil_the_others() {
    let good = call(r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{"VpcId":"vpc-1"}}"#);
    for bad in [
        r#"{"eventName":"CreateVpc" "serviceName":"Vpc"}"#.as_bytes(),
        br#"{"VpcName":}"#,
        b"{'VpcName':'a'}",
        b"",
        b"vpc-1",
        b"{\"VpcName\":\"\xff\"}",
    ] {
        let body = [b"[", bad, b",", good.as_bytes(), b"]"].concat();
        let events: Vec<_> = parse(&body).unwrap().into_iter().map(|found| found.event).collect();
        assert!(matches!(events.as_slice(), [EventKind::Malformed(_), EventKind::Created(_)]), "{events:?}");
    }
    let error = parse(b"[{'a':1},{'b':1}]").unwrap_err().to_string();
    assert!(error.starts_with("this is no JSON"), "where none of them is, the body is none: {error}");
}

#[test]
fn half_an_emoji_in_one_event_does_not_lose_the_others() {
    let good = call(r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{"VpcId":"vpc-1"}}"#);
    let half = good.replace(r#""eventName""#, r#""requestParameters":{"VpcName":"a\ud83d"},"eventName""#);
    let half = half.replace(r#""id":"1""#, r#""id":"2""#);
    let events = parse(format!("[{half},{good}]").as_bytes()).unwrap();
    assert_eq!(events.len(), 2);
    assert!(matches!(events[1].event, EventKind::Created(_)), "{events:?}");
}

#[test]
fn a_byte_order_mark_before_an_event_is_passed_over_wherever_it_is() {
    let good = call(r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{"VpcId":"vpc-1"}}"#);
    let data =
        r#"\ufeff{\"eventName\":\"CreateVpc\",\"serviceName\":\"Vpc\",\"responseElements\":{\"VpcId\":\"vpc-1\"}}"#;
    for body in [
        format!("\u{feff}{good}"),
        format!(" \u{feff} {good}"),
        format!("\u{feff}[{good}]"),
        serde_json::json!([format!("\u{feff}{good}")]).to_string(),
        call(&format!("\"{data}\"")),
    ] {
        assert!(matches!(one(&body), EventKind::Created(_)), "{body}");
    }
}

#[test]
fn an_event_is_found_in_every_wrapping_that_it_may_come_in() {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use serde_json::{Value, json};
    let event = call(r#"{"eventName":"CreateVpc","serviceName":"Vpc","responseElements":{"VpcId":"vpc-1"}}"#);
    let as_text = |body: &str| json!(body).to_string();
    let in_base64 = |body: &str| STANDARD.encode(body);
    let in_queue = |body: Value| {
        json!({"specversion": "1.0", "id": "q", "source": "acs.mns", "type": "mns:Queue:SendMessage",
               "aliyuneventbusname": "custom", "data": {"messageId": "m", "messageBody": body}})
        .to_string()
    };
    let in_topic = |message: &str| json!({"TopicName": "t", "MessageId": "m", "Message": message}).to_string();
    let value: Value = serde_json::from_str(&event).unwrap();
    for body in [
        as_text(&event),
        in_base64(&event),
        in_queue(json!(event)),
        in_queue(json!(in_base64(&event))),
        in_queue(value.clone()),
        in_queue(json!([value]).to_string().into()),
        in_topic(&event),
        in_topic(&in_base64(&event)),
        json!([in_queue(json!(in_topic(&event)))]).to_string(),
        json!({"messageId": "m", "messageBody": event}).to_string(),
    ] {
        assert!(matches!(one(&body), EventKind::Created(_)), "{body}");
    }
    for (body, said) in [
        (in_queue(json!("TEST")), "mns:Queue:SendMessage of acs.mns is no event"),
        (in_topic("TEST"), "a message of a topic that is no event"),
        (json!({"messageId": "m", "messageBody": 7}).to_string(), "a message of a queue that is no event"),
    ] {
        assert!(matches!(one(&body), EventKind::Ignored(reason) if reason.starts_with(said)), "{body}");
    }
    for (body, said) in [
        (in_queue(json!("{\"hello\":1}")), "a message of a queue: this is an object of no known shape (it has hello)"),
        (in_topic("{\"hello\":"), "a message of a topic: this is no JSON"),
    ] {
        assert!(matches!(one(&body), EventKind::Malformed(reason) if reason.starts_with(said)), "{body}");
    }
    let mut endless = event;
    for _ in 0..10 {
        endless = as_text(&endless);
    }
    assert!(parse(endless.as_bytes()).unwrap_err().to_string().starts_with("this is a text"), "{endless}");
    let mut endless_topics = in_topic("{}");
    for _ in 0..10 {
        endless_topics = in_topic(&endless_topics);
    }
    assert!(
        matches!(one(&endless_topics), EventKind::Malformed(reason) if reason.contains("wrapped more than 5 times"))
    );
}

#[test]
fn what_comes_by_a_queue_has_the_id_and_the_place_of_the_event_itself() {
    let body = include_str!("../../../../tests/fixtures/events/eventbridge-mns-queue-message-with-event.json");
    let [found] = <[Event; 1]>::try_from(parse(body.as_bytes()).unwrap()).unwrap();
    assert_eq!(found.id.unwrap().source, "acs.vpc");
    assert_eq!(found.region.unwrap().as_str(), "cn-hangzhou");
}

/// A launch of `count` instances.
fn launch(count: usize) -> String {
    let ids: Vec<_> = (0..count).map(|nth| format!("\"i-{nth}\"")).collect();
    call(&format!(
        r#"{{"eventName":"RunInstances","serviceName":"Ecs","responseElements":{{"InstanceIdSets":{{"InstanceIdSet":[{}]}}}}}}"#,
        ids.join(",")
    ))
}

#[test]
fn a_body_that_names_more_resources_than_any_call_makes_is_refused() {
    assert!(matches!(one(&launch(1000)), EventKind::Launched(ids) if ids.len() == 1000));
    let nth = |nth: usize, count: usize| launch(count).replace(r#""id":"1""#, &format!(r#""id":"{nth}""#));
    assert_eq!(parse(format!("[{},{}]", nth(1, 500), nth(2, 500)).as_bytes()).unwrap().len(), 2);
    for body in [
        launch(1001),
        launch(90_000),
        format!("[{}]", launch(1001)),
        format!("[{},{}]", nth(1, 500), nth(2, 501)),
        serde_json::json!({"TopicName": "t", "Message": launch(1001)}).to_string(),
        launch(1001).replace("i-", "x-"),
    ] {
        let error = parse(body.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("or more resources in one body, and 1000 is the maximum"), "{error}");
    }
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
    assert!(matches!(one(&STANDARD.encode(vpc)), EventKind::Created(_)));
}

#[test]
fn a_time_that_is_no_time_harms_nothing() {
    let body = call(
        r#"{"eventName":"CreateVpc","serviceName":"Vpc","eventTime":"yesterday","responseElements":{"VpcId":"vpc-1"}}"#,
    );
    let [found] = <[Event; 1]>::try_from(parse(body.as_bytes()).unwrap()).unwrap();
    assert!(found.time.is_none() && matches!(found.event, EventKind::Created(_)));
}

/// Any JSON, biased towards keys and strings that have a meaning.
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
