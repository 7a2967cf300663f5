use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use flow_log::Verdict;
use jiff::SignedDuration;
use local_cloud::{Fault, Options, Rewrite};
use reconcile::{Outcome, Report};
use scenarios::{CREATION, Harness, REMEDIATION};
use serde_json::json;

/// Reconciles resources that an event named `age` ago, with a deadline after `time`.
async fn keep(harness: &Harness, ids: &[&str], age: SignedDuration, time: Duration) -> Report {
    harness.look(CREATION, ids, age, time).await
}

const JUST_NOW: SignedDuration = SignedDuration::ZERO;
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_resource_that_is_not_visible_is_waited_for_half_a_minute_and_retried_later() {
    let harness = Harness::new("").await;
    let report = keep(&harness, &["vpc-none"], JUST_NOW, 10 * MINUTE).await;
    assert_eq!((report.results[0].verdict, report.results[0].outcome), (Some(Verdict::Unknown), Outcome::Failed));
    assert!(report.incomplete().is_some());
    assert!((20..=30).contains(&harness.waited().as_secs()), "{:?}", harness.waited());
}

#[tokio::test]
async fn a_resource_that_is_not_visible_is_waited_for_at_most_half_of_the_time_left() {
    let harness = Harness::new("").await;
    keep(&harness, &["vpc-none"], JUST_NOW, Duration::from_secs(8)).await;
    assert!((1..=4).contains(&harness.waited().as_secs()), "{:?}", harness.waited());
}

#[tokio::test]
async fn a_resource_that_is_not_visible_a_minute_after_its_event_is_gone() {
    for (seconds, outcome) in [(50, Outcome::Failed), (70, Outcome::Skipped)] {
        let harness = Harness::new("").await;
        let report = keep(&harness, &["vpc-none"], SignedDuration::from_secs(seconds), Duration::from_secs(4)).await;
        assert_eq!(report.results[0].outcome, outcome, "{seconds} seconds: {}", report.results[0].reason);
    }
}

#[tokio::test]
async fn work_without_time_left_is_unfinished_and_the_invocation_fails() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    let report = keep(&harness, &[&vpc], JUST_NOW, Duration::ZERO).await;
    assert_eq!(report.results[0].outcome, Outcome::Unfinished);
    assert_eq!((report.summary.unfinished, report.summary.failed), (1, 0));
    assert!(report.incomplete().is_some());
    assert!(harness.cloud.calls_of("CreateFlowLog").is_empty());
}

#[tokio::test]
async fn several_targets_that_resolve_to_one_vpc_give_one_result() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
    let report = keep(&harness, &[&vpc, &vswitch, &vpc], JUST_NOW, MINUTE).await;
    assert_eq!(report.results.len(), 1);
    assert_eq!((report.summary.checked, report.summary.changed), (1, 1));
}

#[tokio::test]
async fn an_ignored_vpc_is_not_touched_because_of_its_vswitch() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[("flowkeeper", "ignore")]).await.unwrap();
    let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
    harness.cloud.fail("DescribeVpcs", Fault::NotVisibleYet, 3);
    let report = keep(&harness, &[&vswitch], JUST_NOW, MINUTE).await;
    assert_eq!((report.results[0].verdict, report.results[0].outcome), (Some(Verdict::Excluded), Outcome::Skipped));
    harness.cloud.fail("DescribeVpcs", Fault::NotVisibleYet, u32::MAX);
    let unseen = keep(&harness, &[&vswitch], JUST_NOW, MINUTE).await;
    assert_eq!((unseen.results[0].verdict, unseen.results[0].outcome), (Some(Verdict::Unknown), Outcome::Failed));
    assert!(harness.cloud.flow_logs().is_empty());
}

#[tokio::test]
async fn a_region_without_the_flow_log_service_is_reported_and_is_no_failure() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    for action in ["DescribeFlowLogs", "CreateFlowLog"] {
        harness.cloud.fail(action, Fault::Code("OperationUnsupported.action"), 1);
        let report = keep(&harness, &[&vpc], JUST_NOW, MINUTE).await;
        let [item] = report.results.as_slice() else { panic!("{report:?}") };
        assert_eq!((item.verdict, item.outcome), (Some(Verdict::Unsupported), Outcome::Skipped));
        assert!(report.incomplete().is_none());
        assert_eq!(report.summary.findings, 1);
    }
}

#[tokio::test]
async fn a_resource_whose_schedule_keeps_its_flow_log_off_is_compliant() {
    let harness = Harness::new("schedule: never\n").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    let report = keep(&harness, &[&vpc], JUST_NOW, MINUTE).await;
    assert_eq!((report.results[0].verdict, report.summary.compliant), (Some(Verdict::Paused), 1));
    assert!(harness.cloud.flow_logs().is_empty());
}

#[tokio::test]
async fn all_network_interfaces_of_an_instance_are_waited_for() {
    let harness = Harness::new("coverage: network-interface\n").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
    let answer = harness.cloud.call("RunInstances", &[("VSwitchId", &vswitch)]).await.unwrap();
    let instance = answer.pointer("/InstanceIdSets/InstanceIdSet/0").unwrap().as_str().unwrap().to_owned();
    let report = keep(&harness, &[&instance], JUST_NOW, MINUTE).await;
    assert_eq!((report.results.len(), report.summary.changed), (1, 1));
    assert_eq!(harness.cloud.calls_of("DescribeNetworkInterfaces").len(), 2, "until two looks see the same");
}

#[tokio::test]
async fn a_flow_log_on_the_vpc_is_noticed_before_one_is_created_on_the_network_interface() {
    let harness = Harness::new("coverage: network-interface\n").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
    let interface = harness.cloud.create_network_interface(&vswitch).await.unwrap();
    harness.cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap();
    harness.cloud.finish_transitions();
    let report = keep(&harness, &[&interface], JUST_NOW, MINUTE).await;
    assert_eq!((report.results[0].verdict, report.results[0].outcome), (Some(Verdict::Foreign), Outcome::Unchanged));
    assert_eq!(harness.cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn a_call_that_is_throttled_for_a_while_succeeds_within_the_same_minute() {
    for (fault, times) in
        [(Fault::Throttled, 15), (Fault::Unavailable, 9), (Fault::Reset, 9), (Fault::InternalError, 9)]
    {
        let harness = Harness::new("").await;
        let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
        harness.cloud.fail("DescribeFlowLogs", fault, times);
        let report = keep(&harness, &[&vpc], JUST_NOW, MINUTE).await;
        assert_eq!((report.summary.changed, report.summary.failed), (1, 0), "{fault:?}: {:?}", report.results);
    }
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.fail("CreateFlowLog", Fault::Throttled, 12);
    let report = keep(&harness, &[&vpc], JUST_NOW, MINUTE).await;
    assert_eq!((report.summary.changed, report.summary.failed), (1, 0), "{:?}", report.results);
    assert_eq!(harness.cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn a_call_that_stays_throttled_is_given_up_before_the_deadline() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.fail("DescribeFlowLogs", Fault::Throttled, u32::MAX);
    let report = keep(&harness, &[&vpc], JUST_NOW, MINUTE).await;
    let [item] = report.results.as_slice() else { panic!("{report:?}") };
    assert_eq!((item.verdict, item.outcome), (Some(Verdict::Unknown), Outcome::Failed));
    assert!(item.error.as_ref().unwrap().code.contains("Throttling"), "{item:?}");
    assert!((50..=60).contains(&harness.waited().as_secs()), "{:?}", harness.waited());
    assert!(harness.cloud.flow_logs().is_empty());
}

#[tokio::test]
async fn a_vpc_that_create_flow_log_does_not_know_yet_gets_its_flow_log_within_the_same_minute() {
    for seconds in [2, 20, 45] {
        let flow_logs_see_after = Duration::from_secs(seconds);
        let harness = Harness::with("", Options { flow_logs_see_after, ..Options::default() }).await;
        let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
        let report = keep(&harness, &[&vpc], JUST_NOW, MINUTE).await;
        assert_eq!((report.incomplete(), report.summary.changed), (None, 1), "{seconds} s: {report:#?}");
        let refused: Vec<_> =
            harness.cloud.calls_of("CreateFlowLog").into_iter().filter_map(|call| call.code).collect();
        assert!(!refused.is_empty() && refused.iter().all(|code| code == "InvalidInstanceId"), "{refused:?}");
        assert!((seconds..seconds + 5).contains(&harness.waited().as_secs()), "{seconds} s: {:?}", harness.waited());
    }
}

#[tokio::test]
async fn a_creation_that_is_refused_for_a_while_succeeds_within_the_same_minute() {
    let not_visible = Fault::Code("InvalidInstanceId");
    for faults in [
        &[(Fault::Throttled, 5)][..],
        &[(Fault::Unavailable, 2)],
        &[(Fault::Reset, 2)],
        &[(not_visible, 5)],
        &[(not_visible, 2), (Fault::Throttled, 5), (Fault::Unavailable, 2), (Fault::Reset, 2), (not_visible, 2)],
    ] {
        let harness = Harness::new("").await;
        let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
        for (fault, times) in faults {
            harness.cloud.fail("CreateFlowLog", *fault, *times);
        }
        let report = keep(&harness, &[&vpc], JUST_NOW, MINUTE).await;
        assert_eq!((report.incomplete(), report.summary.changed), (None, 1), "{faults:?}: {report:#?}");
        assert_eq!(harness.cloud.flow_log_of(&vpc).map(|it| it.tags.len()), Some(1), "{faults:?}");
    }
}

/// Shows a VPC in the next `times` lists, and hides it afterwards.
fn vanishes_after(harness: &Harness, times: u32) {
    let shown = AtomicU32::new(0);
    let change = move |answer: &mut serde_json::Value| {
        if shown.fetch_add(1, Ordering::Relaxed) >= times {
            answer["Vpcs"]["Vpc"] = json!([]);
            answer["TotalCount"] = json!(0);
        }
    };
    harness.cloud.rewrite("DescribeVpcs", Rewrite::value(change), u32::MAX);
    harness.cloud.fail("CreateFlowLog", Fault::Code("InvalidInstanceId"), u32::MAX);
}

#[tokio::test]
async fn a_vpc_that_is_deleted_before_its_flow_log_is_created_is_not_waited_for() {
    for (by_event, times) in [(true, 1), (false, 1), (true, 4)] {
        let harness = Harness::new("").await;
        let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
        vanishes_after(&harness, times);
        let report = if by_event {
            keep(&harness, &[&vpc], SignedDuration::from_secs(61), MINUTE).await
        } else {
            harness.sweep_within(REMEDIATION, MINUTE).await
        };
        let [item] = report.results.as_slice() else { panic!("{report:#?}") };
        assert_eq!((item.outcome, report.incomplete()), (Outcome::Skipped, None), "{report:#?}");
        assert!(item.reason.starts_with(&format!("{vpc} is gone")), "{}", item.reason);
        assert!(harness.waited() < Duration::from_secs(10), "{:?}", harness.waited());
        assert_eq!(report.summary.uncovered, 0, "what is gone needs no cover");
    }
}

#[tokio::test]
async fn a_vpc_does_not_count_as_gone_after_one_read_without_it() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.fail("CreateFlowLog", Fault::Code("InvalidInstanceId"), 3);
    harness.cloud.fail_after(1, "DescribeVpcs", Fault::NotVisibleYet);
    harness.cloud.fail_after(2, "DescribeVpcs", Fault::Refused);
    let report = keep(&harness, &[&vpc], JUST_NOW, MINUTE).await;
    assert_eq!((report.incomplete(), report.summary.changed), (None, 1), "{report:#?}");
}

#[tokio::test]
async fn a_vpc_that_create_flow_log_never_knows_is_retried_until_the_deadline_and_later_again() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.fail("CreateFlowLog", Fault::Code("InvalidInstanceId"), u32::MAX);
    let report = keep(&harness, &[&vpc], JUST_NOW, MINUTE).await;
    assert!(report.incomplete().is_some() && report.summary.uncovered == 1, "{report:#?}");
    assert_eq!(report.results[0].error.as_ref().unwrap().code, "InvalidInstanceId");
    assert!((50..=60).contains(&harness.waited().as_secs()), "{:?}", harness.waited());
}

#[tokio::test]
async fn a_new_vpc_that_disappears_counts_as_gone_only_a_minute_after_its_event() {
    for (seconds, is_made) in [(0, true), (70, false)] {
        let harness = Harness::new("").await;
        let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
        harness.cloud.fail("CreateFlowLog", Fault::Code("InvalidInstanceId"), 1);
        for reads in [1, 2] {
            harness.cloud.fail_after(reads, "DescribeVpcs", Fault::NotVisibleYet);
        }
        let report = keep(&harness, &[&vpc], SignedDuration::from_secs(seconds), MINUTE).await;
        assert_eq!(report.summary.changed == 1, is_made, "{seconds} seconds: {report:#?}");
    }
}

#[tokio::test]
async fn in_a_sweep_one_resource_takes_at_most_half_of_the_time_left() {
    let harness = Harness::new("").await;
    harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.fail("CreateFlowLog", Fault::Code("InvalidInstanceId"), u32::MAX);
    let report = harness.sweep_within(REMEDIATION, MINUTE).await;
    assert!(report.incomplete().is_some() && report.summary.uncovered == 1, "{report:#?}");
    assert!((20..=30).contains(&harness.waited().as_secs()), "{:?}", harness.waited());
}

#[tokio::test]
async fn a_vpc_whose_flow_logs_cannot_be_listed_yet_gets_its_flow_log_within_the_same_minute() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.fail("DescribeFlowLogs", Fault::Code("InvalidInstanceId"), 5);
    let report = keep(&harness, &[&vpc], JUST_NOW, MINUTE).await;
    assert_eq!((report.incomplete(), report.summary.changed), (None, 1), "{report:#?}");
}
