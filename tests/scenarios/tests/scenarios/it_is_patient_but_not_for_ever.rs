use std::time::Duration;

use flow_log::Verdict;
use jiff::SignedDuration;
use local_cloud::Fault;
use reconcile::{Outcome, Report};
use scenarios::{CREATION, Stage};

/// Looks after these resources, whose event came `age` ago, with so much time to do it.
async fn keep(stage: &Stage, ids: &[&str], age: SignedDuration, time: Duration) -> Report {
    stage.look(CREATION, ids, age, time).await
}

const JUST_NOW: SignedDuration = SignedDuration::ZERO;
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_is_not_there_is_looked_for_half_a_minute_and_then_tried_again_later() {
    let stage = Stage::new("").await;
    let report = keep(&stage, &["vpc-none"], JUST_NOW, 10 * MINUTE).await;
    assert_eq!((report.results[0].verdict, report.results[0].outcome), (Some(Verdict::Unknown), Outcome::Failed));
    assert!(report.incomplete().is_some());
    assert!((20..=30).contains(&stage.waited().as_secs()), "{:?}", stage.waited());
}

#[tokio::test]
async fn what_is_not_there_is_looked_for_half_of_the_time_at_most() {
    let stage = Stage::new("").await;
    keep(&stage, &["vpc-none"], JUST_NOW, Duration::from_secs(8)).await;
    assert!((1..=4).contains(&stage.waited().as_secs()), "{:?}", stage.waited());
}

#[tokio::test]
async fn what_is_not_there_a_quarter_of_an_hour_after_its_event_is_gone() {
    for (minutes, outcome) in [(14, Outcome::Failed), (16, Outcome::Skipped)] {
        let stage = Stage::new("").await;
        let report = keep(&stage, &["vpc-none"], SignedDuration::from_mins(minutes), Duration::from_secs(4)).await;
        assert_eq!(report.results[0].outcome, outcome, "{minutes} minutes: {}", report.results[0].reason);
    }
}

#[tokio::test]
async fn what_there_is_no_time_for_is_unfinished_and_the_invocation_fails() {
    let stage = Stage::new("").await;
    let vpc = stage.cloud.create_vpc(&[]).await.unwrap();
    let report = keep(&stage, &[&vpc], JUST_NOW, Duration::ZERO).await;
    assert_eq!(report.results[0].outcome, Outcome::Unfinished);
    assert_eq!((report.summary.unfinished, report.summary.failed), (1, 0));
    assert!(report.incomplete().is_some());
    assert!(stage.cloud.calls_of("CreateFlowLog").is_empty());
}

#[tokio::test]
async fn several_targets_that_lead_to_one_vpc_are_one_result() {
    let stage = Stage::new("").await;
    let vpc = stage.cloud.create_vpc(&[]).await.unwrap();
    let vswitch = stage.cloud.create_vswitch(&vpc).await.unwrap();
    let report = keep(&stage, &[&vpc, &vswitch, &vpc], JUST_NOW, MINUTE).await;
    assert_eq!(report.results.len(), 1);
    assert_eq!((report.summary.checked, report.summary.changed), (1, 1));
}

#[tokio::test]
async fn a_vpc_that_is_not_to_be_seen_is_not_touched_on_behalf_of_its_part() {
    let stage = Stage::new("").await;
    let vpc = stage.cloud.create_vpc(&[("flowkeeper", "ignore")]).await.unwrap();
    let vswitch = stage.cloud.create_vswitch(&vpc).await.unwrap();
    stage.cloud.fail("DescribeVpcs", Fault::NotVisibleYet, 3);
    let report = keep(&stage, &[&vswitch], JUST_NOW, MINUTE).await;
    assert_eq!((report.results[0].verdict, report.results[0].outcome), (Some(Verdict::Excluded), Outcome::Skipped));
    stage.cloud.fail("DescribeVpcs", Fault::NotVisibleYet, u32::MAX);
    let report = keep(&stage, &[&vswitch], JUST_NOW, MINUTE).await;
    assert_eq!((report.results[0].verdict, report.results[0].outcome), (Some(Verdict::Unknown), Outcome::Failed));
    assert!(stage.cloud.flow_logs().is_empty());
}

#[tokio::test]
async fn a_region_without_flow_logs_is_said_and_is_no_failure() {
    let stage = Stage::new("").await;
    let vpc = stage.cloud.create_vpc(&[]).await.unwrap();
    for action in ["DescribeFlowLogs", "CreateFlowLog"] {
        stage.cloud.fail(action, Fault::Code("OperationUnsupported.action"), 1);
        let report = keep(&stage, &[&vpc], JUST_NOW, MINUTE).await;
        let [item] = report.results.as_slice() else { panic!("{report:?}") };
        assert_eq!((item.verdict, item.outcome), (Some(Verdict::Unsupported), Outcome::Skipped));
        assert!(report.incomplete().is_none());
        assert_eq!(report.summary.findings, 1);
    }
}

#[tokio::test]
async fn what_its_schedule_keeps_off_is_compliant() {
    let stage = Stage::new("schedule: never\n").await;
    let vpc = stage.cloud.create_vpc(&[]).await.unwrap();
    let report = keep(&stage, &[&vpc], JUST_NOW, MINUTE).await;
    assert_eq!((report.results[0].verdict, report.summary.compliant), (Some(Verdict::Paused), 1));
    assert!(stage.cloud.flow_logs().is_empty());
}

#[tokio::test]
async fn all_network_interfaces_of_an_instance_are_waited_for() {
    let stage = Stage::new("coverage: network-interface\n").await;
    let vpc = stage.cloud.create_vpc(&[]).await.unwrap();
    let vswitch = stage.cloud.create_vswitch(&vpc).await.unwrap();
    let answer = stage.cloud.call("RunInstances", &[("VSwitchId", &vswitch)]).await.unwrap();
    let instance = answer.pointer("/InstanceIdSets/InstanceIdSet/0").unwrap().as_str().unwrap().to_owned();
    let report = keep(&stage, &[&instance], JUST_NOW, MINUTE).await;
    assert_eq!((report.results.len(), report.summary.changed), (1, 1));
    assert_eq!(stage.cloud.calls_of("DescribeNetworkInterfaces").len(), 2, "until two looks see the same");
}

#[tokio::test]
async fn a_flow_log_on_the_whole_is_seen_before_one_is_made_on_the_part() {
    let stage = Stage::new("coverage: network-interface\n").await;
    let vpc = stage.cloud.create_vpc(&[]).await.unwrap();
    let vswitch = stage.cloud.create_vswitch(&vpc).await.unwrap();
    let interface = stage.cloud.create_network_interface(&vswitch).await.unwrap();
    stage.cloud.create_flow_log("VPC", &vpc, &[]).await.unwrap();
    stage.cloud.finish_transitions();
    let report = keep(&stage, &[&interface], JUST_NOW, MINUTE).await;
    assert_eq!((report.results[0].verdict, report.results[0].outcome), (Some(Verdict::Foreign), Outcome::Unchanged));
    assert_eq!(stage.cloud.flow_logs().len(), 1);
}
