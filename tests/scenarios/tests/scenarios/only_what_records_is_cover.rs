use std::time::Duration;

use flow_log::Verdict;
use jiff::SignedDuration;
use local_cloud::{Options, Transitions};
use reconcile::Outcome;
use scenarios::{ACTIVATION, CREATION, DEACTIVATION, DELETION, ECR_CREATION, REMEDIATION, Stage};

/// A VPC with two flow logs of ours on it.
///
/// The API makes no second one; SLS may.
async fn vpc_with_two(stage: &Stage) -> (String, [String; 2]) {
    let (vpc, one) = stage.kept_vpc(&[]).await;
    stage.cloud.copy_flow_log(&one, std::slice::from_ref(&vpc));
    let other = stage.cloud.flow_logs().into_iter().map(|it| it.id).find(|id| *id != one).unwrap();
    (vpc, [one, other])
}

#[tokio::test]
async fn of_more_than_a_page_of_vpcs_the_one_whose_flow_log_is_off_is_found_and_no_other() {
    let stage = Stage::with("", Options { quota: 1000, ..Options::default() }).await;
    let (vpc, flow_log) = stage.kept_vpc(&[]).await;
    let others = stage.cloud.copy_vpc(&vpc, 119);
    stage.cloud.copy_flow_log(&flow_log, &others);
    let off = stage.cloud.flow_log_of(&others[118]).unwrap().id;
    stage.cloud.edit_flow_log(&off, |it| it.status = "Inactive".into());

    let report = stage.sweep(REMEDIATION).await;
    assert_eq!((report.summary.checked, report.summary.compliant, report.summary.changed), (120, 119, 1));
    let [done] = report.results.iter().filter(|item| item.outcome == Outcome::Done).collect::<Vec<_>>()[..] else {
        panic!("{report:#?}")
    };
    assert_eq!((done.verdict, done.action), (Some(Verdict::Inactive), Some("ActiveFlowLog")));
    assert_eq!((done.resource_id.as_ref(), done.flow_log_id.as_ref().unwrap().as_str()), (Some(&others[118]), &*off));
}

#[tokio::test]
async fn one_inactive_and_one_active_flow_log_on_a_vpc_are_one_verdict() {
    for off in 0..2 {
        let stage = Stage::new("").await;
        let (vpc, flow_logs) = vpc_with_two(&stage).await;
        stage.cloud.edit_flow_log(&flow_logs[off], |it| it.status = "Inactive".into());
        let report = stage.sweep(REMEDIATION).await;
        let [item] = report.results.as_slice() else { panic!("{report:#?}") };
        assert_eq!((item.resource_id.as_ref(), item.verdict), (Some(&vpc), Some(Verdict::Compliant)), "{item:#?}");
        assert_eq!((item.outcome, report.summary.changed), (Outcome::Skipped, 0));
        assert_eq!(item.flow_log_id.as_ref().unwrap().as_str(), flow_logs[1 - off], "the one that records");
        assert!(item.reason.contains(&flow_logs[off]), "the other one is named: {}", item.reason);
        assert_eq!(report.summary.findings, 1, "it is paid for, and records nothing");
    }
}

#[tokio::test]
async fn next_to_one_of_ours_a_flow_log_of_others_is_named_and_not_touched() {
    let stage = Stage::new("schedule: never\nreplace: true\n").await;
    let (_, [own, foreign]) = vpc_with_two(&stage).await;
    stage.cloud.edit_flow_log(&foreign, |it| it.tags.clear());
    let report = stage.sweep(REMEDIATION).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.action, item.outcome), (Some("DeactiveFlowLog"), Outcome::Done));
    assert!(item.is_finding && item.reason.contains(&foreign), "{item:#?}");
    stage.cloud.finish_transitions();
    assert_eq!(stage.status(&own).as_deref(), Some("Inactive"));
    assert_eq!(stage.status(&foreign).as_deref(), Some("Active"), "what others made is left to them");
    stage.sweep(DELETION).await;
    assert_eq!(stage.cloud.flow_logs().len(), 2);
}

#[tokio::test]
async fn one_of_ours_is_not_replaced_while_another_one_takes_its_place() {
    let stage = Stage::new("replace: true\n").await;
    let (_, [own, foreign]) = vpc_with_two(&stage).await;
    stage.cloud.edit_flow_log(&own, |it| it.project = "theirs".into());
    stage.cloud.edit_flow_log(&foreign, |it| {
        it.tags.clear();
        it.status = "Inactive".into();
    });
    let report = stage.sweep(REMEDIATION).await;
    stage.cloud.finish_transitions();
    assert_eq!(stage.status(&own).as_deref(), Some("Active"), "no new one could be made, so the old one stays");
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.verdict, item.outcome, item.is_finding), (Some(Verdict::Drifted), Outcome::Skipped, true));
}

#[tokio::test]
async fn one_that_is_still_being_switched_on_is_pending_and_neither_missing_nor_compliant() {
    let stage = Stage::with("", Options { transitions: Transitions::Explicit, ..Options::default() }).await;
    let vpc = stage.cloud.create_vpc(&[]).await.unwrap();
    assert_eq!(stage.sweep(REMEDIATION).await.summary.changed, 1);
    assert_eq!(stage.cloud.flow_log_of(&vpc).unwrap().status, "Activating");
    let again = stage.sweep(REMEDIATION).await;
    assert_eq!((again.results[0].verdict, again.results[0].outcome), (Some(Verdict::Pending), Outcome::Unchanged));
    assert_eq!((again.summary.compliant, again.summary.changed, stage.cloud.flow_logs().len()), (0, 0, 1));
}

#[tokio::test]
async fn what_was_reported_as_done_is_looked_at_like_everything_else() {
    let stage = Stage::new("").await;
    let vpc = stage.cloud.create_vpc(&[]).await.unwrap();
    let made = stage.sweep(REMEDIATION).await;
    assert_eq!(made.results[0].outcome, Outcome::Done);
    stage.cloud.finish_transitions();
    // It was made, and has come to nothing since.
    let flow_log = stage.cloud.flow_log_of(&vpc).unwrap().id;
    stage.cloud.edit_flow_log(&flow_log, |it| it.status = "Inactive".into());
    let again = stage.sweep(REMEDIATION).await;
    assert_eq!((again.results[0].verdict, again.results[0].action), (Some(Verdict::Inactive), Some("ActiveFlowLog")));
    stage.cloud.finish_transitions();
    assert_eq!(stage.status(&flow_log).as_deref(), Some("Active"));
}

#[tokio::test]
async fn a_status_that_nobody_knows_is_no_cover_and_is_left_to_people() {
    for status in ["Hibernating", ""] {
        let stage = Stage::new("").await;
        let (vpc, flow_log) = stage.kept_vpc(&[]).await;
        stage.cloud.edit_flow_log(&flow_log, |it| it.status = status.into());
        for report in [
            stage.sweep(REMEDIATION).await,
            stage.look(CREATION, &[&vpc], SignedDuration::ZERO, Duration::from_secs(60)).await,
        ] {
            let [item] = report.results.as_slice() else { panic!("{status:?}: {report:#?}") };
            assert_eq!((item.verdict, item.outcome), (Some(Verdict::Inactive), Outcome::Skipped), "{item:#?}");
            assert!(item.is_finding && item.reason.contains(&format!("{status:?}")), "{}", item.reason);
        }
        assert_eq!(stage.status(&flow_log).as_deref(), Some(status));
    }
}

#[tokio::test]
async fn where_there_is_nothing_every_sweep_ends_well_and_asks_for_nothing_by_an_empty_list() {
    let stage = Stage::new("ecr_flow_log: {project: ecr-flowlog, log_store: ecr}\n").await;
    for duty in [REMEDIATION, ACTIVATION, DEACTIVATION, DELETION, ECR_CREATION] {
        let report = stage.sweep(duty).await;
        assert!(report.incomplete().is_none() && report.results.is_empty(), "{report:#?}");
        assert_eq!(report.summary, reconcile::Summary::default());
    }
    let calls = stage.cloud.calls();
    assert!(calls.iter().all(|call| call.succeeded() && call.action.starts_with("Describe")), "{calls:#?}");
    assert!(calls.len() <= 3 * 2 + 1 + 1, "each list once: {calls:#?}");
}
