//! Which flow logs record what others record already.

use cost::duplicates;
use flow_log::{Delivery, FlowLog, ResourceId, Status};

fn flow_log(id: &str, on: &str, traffic_type: &str) -> FlowLog {
    FlowLog {
        id: id.parse().unwrap(),
        resource_id: on.to_owned(),
        name: None,
        description: None,
        traffic_type: Some(traffic_type.to_owned()),
        traffic_path: None,
        project: None,
        log_store: None,
        aggregation_interval: None,
        ip_version: None,
        resource_group_id: None,
        tags: None,
        status: Status::Active,
        service_type: None,
        delivery: Delivery::Working,
        resource_type: None,
        region: None,
        creation_time: None,
        business_status: None,
        log_format: None,
    }
}

/// The network interface eni-1 is on the vSwitch vsw-1 in the VPC vpc-1.
fn parents(id: &ResourceId) -> Vec<ResourceId> {
    let parents: &[&str] = match id.as_str() {
        "vsw-1" => &["vpc-1"],
        "eni-1" => &["vsw-1", "vpc-1"],
        _ => &[],
    };
    parents.iter().map(|parent| parent.parse().unwrap()).collect()
}

/// Returns the pairs of a duplicate and the other one, by their ids.
fn found(flow_logs: &[FlowLog]) -> Vec<(String, String)> {
    let is_on = |flow_log: &FlowLog| flow_log.status == Status::Active;
    duplicates(flow_logs, parents, is_on).iter().map(|(id, other)| (id.to_string(), other.to_string())).collect()
}

fn pair(id: &str, other: &str) -> Vec<(String, String)> {
    vec![(id.to_owned(), other.to_owned())]
}

#[test]
fn a_flow_log_inside_another_one_is_a_duplicate_and_the_nearest_is_named() {
    let (vpc, vswitch) = (flow_log("fl-1", "vpc-1", "All"), flow_log("fl-2", "vsw-1", "All"));
    assert_eq!(found(&[vswitch.clone(), vpc.clone()]), pair("fl-2", "fl-1"));
    let interface = flow_log("fl-3", "eni-1", "Drop");
    assert_eq!(found(&[interface.clone(), vpc.clone()]), pair("fl-3", "fl-1"));
    assert_eq!(found(&[interface, vswitch, vpc])[1], ("fl-3".to_owned(), "fl-2".to_owned()));
}

#[test]
fn what_records_more_or_elsewhere_is_no_duplicate() {
    let all = flow_log("fl-1", "vpc-1", "All");
    for other in [
        // What contains it is not known.
        flow_log("fl-2", "vsw-2", "All"),
        FlowLog { status: Status::Inactive, ..flow_log("fl-2", "vsw-1", "All") },
        FlowLog { ip_version: Some("DualStack".to_owned()), ..flow_log("fl-2", "vsw-1", "All") },
        flow_log("fl-2", "x-1", "All"),
    ] {
        assert_eq!(found(&[all.clone(), other.clone()]), [], "{other:?}");
    }
    let some = flow_log("fl-1", "vpc-1", "Drop");
    assert_eq!(found(&[some.clone(), flow_log("fl-2", "vsw-1", "All")]), []);
    assert_eq!(found(&[some, flow_log("fl-2", "vsw-1", "Drop")]), pair("fl-2", "fl-1"));
    let one_path = FlowLog { traffic_path: Some(vec!["internetGateway".to_owned()]), ..all.clone() };
    assert_eq!(found(&[one_path.clone(), flow_log("fl-2", "vsw-1", "All")]), []);
    let same_path = FlowLog { resource_id: "vsw-1".to_owned(), id: "fl-2".parse().unwrap(), ..one_path.clone() };
    assert_eq!(found(&[one_path, same_path]), pair("fl-2", "fl-1"));
}

#[test]
fn of_two_on_one_resource_the_younger_is_the_duplicate_and_never_both() {
    let at =
        |time: &str, id: &str| FlowLog { creation_time: Some(time.parse().unwrap()), ..flow_log(id, "vpc-1", "All") };
    let (old, young) = (at("2026-01-01T00:00:00Z", "fl-2"), at("2026-02-01T00:00:00Z", "fl-1"));
    assert_eq!(found(&[young, old]), pair("fl-1", "fl-2"));
    assert_eq!(found(&[flow_log("fl-1", "vpc-1", "All"), flow_log("fl-2", "vpc-1", "All")]), pair("fl-2", "fl-1"));
}
