//! Several events in one body.

use events::{EventKind, parse};
use serde_json::{Value, json};

use crate::changed::{json_of, sent, with, without};

const VPC: &str = "actiontrail-create-vpc";

fn is_created(event: &EventKind) -> bool {
    matches!(event, EventKind::Created(_))
}

#[test]
fn an_entry_of_any_kind_that_is_no_event_is_broken_by_itself() {
    let vpc = json_of(VPC);
    let not_events = [json!({}), json!([vpc]), json!(null), json!(7), json!("{}"), json!("[]"), json!(""), json!(true)];
    for entry in not_events {
        let events = sent(&json!([entry, vpc]));
        assert!(matches!(&events[..], [EventKind::Malformed(_), good] if is_created(good)), "{entry}: {events:?}");
    }
}

#[test]
fn a_broken_event_does_not_hide_a_good_one_of_the_same_id() {
    let events = sent(&json!([without(VPC, "/data"), json_of(VPC), json_of(VPC)]));
    assert!(matches!(&events[..], [EventKind::Malformed(_), good] if is_created(good)), "{events:?}");
}

#[test]
fn an_event_that_comes_twice_counts_once_however_it_is_wrapped() {
    let again = with(VPC, "/aliyunpublishtime", "2025-01-02T03:05:00Z");
    assert_eq!(sent(&json!([json_of(VPC), again, again.to_string()])).len(), 1);
}

#[test]
fn events_are_not_taken_for_each_other_by_half_an_id_or_none() {
    assert_eq!(sent(&json!([json_of(VPC), with(VPC, "/source", "acs.other")])).len(), 2);
    assert_eq!(sent(&json!([without(VPC, "/id"), without(VPC, "/id")])).len(), 2);
    let bare = json_of("actiontrail-create-vpc-body");
    assert_eq!(sent(&json!([bare, bare])).len(), 2);
}

#[test]
fn a_large_array_keeps_its_order() {
    let entries = (0..800).map(|n| {
        let mut event = with(VPC, "/id", n % 400);
        event["data"]["responseElements"]["VpcId"] = format!("vpc-{}", n % 400).into();
        event
    });
    let found = sent(&Value::from_iter(entries));
    let want: Vec<_> = (0..400).map(|n| EventKind::Created(format!("vpc-{n}").parse().unwrap())).collect();
    assert_eq!(found, want);
}

#[test]
fn an_array_far_longer_than_any_batch_is_not_read() {
    let of_length = |length: usize| parse(serde_json::to_string(&vec![json!({}); length]).unwrap().as_bytes());
    assert_eq!(of_length(1000).unwrap().len(), 1000);
    let error = of_length(1001).unwrap_err().to_string();
    assert!(
        error.starts_with("an array of 1001 events, and 1000 is the maximum (make the trigger send smaller"),
        "{error}"
    );
}

#[test]
fn a_body_nested_without_end_is_no_event() {
    for (open, close) in [("[", "]"), ("{\"data\":", "}")] {
        let body = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
        assert!(parse(body.as_bytes()).unwrap_err().to_string().contains("recursion limit exceeded"));
    }
}
