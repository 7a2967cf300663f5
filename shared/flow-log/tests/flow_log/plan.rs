//! What is planned for a resource, from what was seen on it.

use flow_log::{Change, Delivery, FlowLog, Plan, Resource, Status, Verdict, plan, wanted};
use jiff::Timestamp;
use proptest::{collection::vec, prelude::*, sample::select};

use crate::support::{foreign, own, policy, resource, tagged, vpc};

fn planned(resource: &Resource, seen: &[FlowLog], more_policy: &str) -> Plan {
    plan(resource, seen, &wanted(resource, &policy(more_policy), Timestamp::UNIX_EPOCH))
}

/// A network interface on vsw-1 in vpc-1, under `coverage: network-interface`.
fn planned_eni(seen: &[FlowLog]) -> Plan {
    planned(&resource("eni-1", &["vsw-1", "vpc-1"]), seen, "coverage: network-interface\n")
}

#[test]
fn a_vpc_without_a_flow_log_gets_one() {
    let plan = planned(&vpc("vpc-1"), &[], "");
    assert_eq!(plan.verdict, Verdict::Missing);
    let [Change::Create(spec)] = plan.changes.as_slice() else { panic!("{plan:?}") };
    assert_eq!(spec.name.as_str(), "flowkeeper-vpc-1");
    assert_eq!(plan.reason, "no active flow log covers vpc-1");
}

#[test]
fn a_vpc_already_as_wanted_is_left_alone() {
    let plan = planned(&vpc("vpc-1"), &[own("fl-1", "vpc-1")], "");
    assert_eq!((plan.verdict, plan.changes.len(), plan.is_settled), (Verdict::Compliant, 0, true));
    assert_eq!(plan.flow_log.unwrap().as_str(), "fl-1");
}

#[test]
fn a_flow_log_that_changes_its_state_is_pending_and_not_made_twice() {
    for status in [Status::Activating, Status::Deactivating, Status::Modifying] {
        let plan = planned(&vpc("vpc-1"), &[FlowLog { status, ..own("fl-1", "vpc-1") }], "");
        assert_eq!((plan.verdict, plan.changes.len()), (Verdict::Pending, 0));
    }
}

#[test]
fn a_flow_log_of_the_whole_covers_the_part() {
    for covering in ["vsw-1", "vpc-1"] {
        assert_eq!(planned_eni(&[own("fl-1", covering)]).verdict, Verdict::Compliant);
        assert_eq!(planned_eni(&[foreign("fl-1", covering)]).verdict, Verdict::Foreign);
        let off = FlowLog { status: Status::Inactive, ..own("fl-1", covering) };
        assert_eq!(planned_eni(&[off]).verdict, Verdict::Missing, "it records nothing");
    }
    assert_eq!(planned_eni(&[own("fl-1", "vpc-2"), own("fl-2", "eni-2")]).verdict, Verdict::Missing);
}

#[test]
fn an_active_flow_log_of_others_counts_and_is_not_touched() {
    let by_sls = FlowLog { service_type: Some("sls".to_owned()), ..own("fl-1", "vpc-1") };
    for flow_log in [foreign("fl-1", "vpc-1"), by_sls] {
        let plan = planned(&vpc("vpc-1"), &[flow_log], "");
        assert_eq!((plan.verdict, plan.changes.len(), plan.is_settled), (Verdict::Foreign, 0, true));
    }
}

#[test]
fn an_inactive_flow_log_is_no_cover_and_makes_room_for_no_other() {
    for flow_log in [own("fl-1", "vpc-1"), foreign("fl-1", "vpc-1")] {
        let plan = planned(&vpc("vpc-1"), &[FlowLog { status: Status::Inactive, ..flow_log }], "");
        assert_eq!((plan.verdict, plan.changes.len(), plan.is_settled), (Verdict::Inactive, 0, false));
    }
}

#[test]
fn an_unknown_status_is_neither_active_nor_missing() {
    let odd = FlowLog { status: Status::from("Hibernating"), ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[odd], "");
    assert_eq!((plan.verdict, plan.changes.len()), (Verdict::Inactive, 0));
    assert!(plan.reason.contains("unknown status \"Hibernating\""), "{}", plan.reason);
}

#[test]
fn a_flow_log_off_by_its_schedule_is_paused_and_in_order() {
    let off = FlowLog { status: Status::Inactive, ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[off], "schedule: never\n");
    assert_eq!((plan.verdict, plan.is_settled), (Verdict::Paused, true));
    assert_eq!(planned(&vpc("vpc-1"), &[], "schedule: never\n").verdict, Verdict::Paused, "none is made to be off");
    let on = planned(&vpc("vpc-1"), &[own("fl-1", "vpc-1")], "schedule: never\n");
    assert_eq!((on.verdict, on.changes.len()), (Verdict::DueToPause, 0));
}

#[test]
fn a_drifted_flow_log_is_reported_field_by_field() {
    let drifted = FlowLog { traffic_type: "Drop".to_owned(), aggregation_interval: Some(1), ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[drifted], "");
    assert_eq!((plan.verdict, plan.is_settled), (Verdict::Drifted, false));
    assert_eq!(
        plan.reason,
        "fl-1 differs from the policy: traffic_type is \"Drop\", not \"All\", aggregation_interval is \"1\", not \"10\""
    );
}

#[test]
fn a_flow_log_whose_lines_do_not_arrive_is_reported_with_the_reason() {
    let lost = FlowLog { delivery: Delivery::Failed("ProjectNotExist".to_owned()), ..own("fl-1", "vpc-1") };
    let plan = planned(&vpc("vpc-1"), &[lost], "");
    assert_eq!((plan.verdict, plan.is_settled), (Verdict::Undelivered, false));
    assert!(plan.reason.contains("ProjectNotExist"), "{}", plan.reason);
}

#[test]
fn an_excluded_vpc_is_not_touched() {
    let excluded = tagged(vpc("vpc-1"), &[("flowkeeper", "ignore")]);
    let plan = planned(&excluded, &[], "");
    assert_eq!((plan.verdict, plan.changes.len()), (Verdict::Excluded, 0));
}

/// What the cloud would hold after `plan`, at once and once it has settled.
fn applied(resource: &Resource, mut seen: Vec<FlowLog>, plan: &Plan) -> [Vec<FlowLog>; 2] {
    for Change::Create(spec) in &plan.changes {
        seen.push(FlowLog {
            name: spec.name.to_string(),
            description: spec.description.to_string(),
            status: Status::Activating,
            ..own("fl-new", resource.id.as_str())
        });
    }
    let mut settled = seen.clone();
    for flow_log in &mut settled {
        if flow_log.status == Status::Activating {
            flow_log.status = Status::Active;
        }
    }
    [seen, settled]
}

fn any_flow_log() -> impl Strategy<Value = FlowLog> {
    let statuses = vec!["Active", "Activating", "Inactive", "Deactivating", "Modifying", "Deleting", "Odd"];
    let on = select(vec!["eni-1", "vsw-1", "vpc-1", "vpc-2"]);
    (on, select(statuses), any::<bool>(), any::<bool>(), any::<bool>(), 0..99_u8).prop_map(
        |(on, status, is_own, by_sls, drifts, nth)| {
            let id = format!("fl-{nth}");
            let flow_log = if is_own { own(&id, on) } else { foreign(&id, on) };
            FlowLog {
                status: Status::from(status),
                service_type: by_sls.then(|| "sls".to_owned()),
                traffic_type: if drifts { "Drop" } else { "All" }.to_owned(),
                ..flow_log
            }
        },
    )
}

fn any_tags() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    vec((Just("flowkeeper"), select(vec!["ignore", "on", "off", "schedule=never", "odd"])), 0..2)
}

proptest! {
    #[test]
    fn planning_over_the_result_of_a_plan_is_empty(
        seen in vec(any_flow_log(), 0..4),
        tags in any_tags(),
        schedule in select(vec!["always", "never"]),
    ) {
        let eni = tagged(resource("eni-1", &["vsw-1", "vpc-1"]), &tags);
        let policy = policy(&format!("coverage: network-interface\nschedule: {schedule}\n"));
        let wanted = wanted(&eni, &policy, Timestamp::UNIX_EPOCH);
        let first = plan(&eni, &seen, &wanted);
        for seen in applied(&eni, seen, &first) {
            prop_assert_eq!(plan(&eni, &seen, &wanted).changes, []);
        }
    }

    #[test]
    fn no_second_flow_log_is_made_where_one_is_or_where_none_is_wanted(
        seen in vec(any_flow_log(), 0..4),
        tags in any_tags(),
    ) {
        let eni = tagged(resource("eni-1", &["vsw-1", "vpc-1"]), &tags);
        let plan = planned(&eni, &seen, "coverage: network-interface\n");
        let has_one = seen.iter().any(|seen| seen.resource_id == "eni-1" && seen.status != Status::Deleting);
        let is_unwanted = tags.iter().any(|(_, value)| *value != "on");
        prop_assert!(plan.changes.is_empty() || !has_one && !is_unwanted, "{:?}", plan);
        prop_assert_eq!(plan.changes.is_empty(), plan.verdict != Verdict::Missing);
    }
}
