use std::time::Duration;

use flow_log::Verdict;
use jiff::SignedDuration;
use local_cloud::{Fault, Options, Transitions};
use reconcile::Outcome;
use scenarios::{CREATION, REMEDIATION, Stage, cloud, result};

#[tokio::test]
async fn a_flow_log_whose_answer_is_lost_is_found_and_not_made_twice() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.fail("CreateFlowLog", Fault::AnswerLost, 1);
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();

    let [flow_log] = cloud.flow_logs().try_into().unwrap();
    assert_eq!(cloud.calls_of("CreateFlowLog").len(), 1, "it looked, and did not write again");
    let [invocation] = cloud.invocations().try_into().unwrap();
    let result = result(&invocation);
    assert_eq!((&result["outcome"], &result["flow_log_id"]), (&"done".into(), &flow_log.id.into()));
    assert_eq!(result["resource_id"], vpc);
}

#[tokio::test]
async fn a_write_that_came_to_nothing_is_made_once_more_after_several_looks() {
    for fault in [Fault::Reset, Fault::Unavailable, Fault::InternalError] {
        let cloud = cloud(Options::default()).await.unwrap();
        cloud.fail("CreateFlowLog", fault, 1);
        let vpc = cloud.create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();

        assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active", "{fault:?}");
        let calls: Vec<_> = cloud.calls().into_iter().map(|call| call.action).skip(2).collect();
        let look = "DescribeFlowLogs";
        assert_eq!(calls, [look, "CreateFlowLog", look, look, look, look, "CreateFlowLog"], "{fault:?}");
    }
}

#[tokio::test]
async fn a_write_that_stays_uncertain_is_left_to_the_next_try() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.fail("CreateFlowLog", Fault::InternalError, 2);
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.wait_until("the first try has ended", |cloud| !cloud.invocations().is_empty()).await.unwrap();

    let first = cloud.invocations().remove(0);
    assert!(!first.success);
    let result = result(&first);
    assert_eq!((&result["outcome"], &result["error"]["code"]), (&"failed".into(), &"InternalError".into()));
    assert!(cloud.calls_of("CreateFlowLog").len() <= 3);
    cloud.settled().await.unwrap();
    assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active");
}

#[tokio::test]
async fn a_flow_log_that_another_one_made_meanwhile_is_not_claimed() {
    let cloud = cloud(Options { quota: 200, ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let flow_log = cloud.flow_log_of(&vpc).unwrap().id;
    cloud.call("DeleteFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    cloud.settled().await.unwrap();

    let event = scenarios::vpc_created(&vpc).to_string();
    let invocations = (0..10).map(|_| cloud.invoke(scenarios::CREATE_FLOW_LOG, event.as_bytes()));
    let invocations = futures_util::future::join_all(invocations).await;
    let done = invocations.iter().filter(|invocation| result(invocation.as_ref().unwrap())["outcome"] == "done");
    assert_eq!(done.count(), 1, "ten saw that there was none, and one made it");
}

/// A policy that makes remediation do nothing but this, and what has to be wrong for that.
type Wrong = fn(&mut local_cloud::FlowLog);
const EACH: [(&str, &str, Wrong); 5] = [
    ("ActiveFlowLog", "", |it| it.status = "Inactive".into()),
    ("DeactiveFlowLog", "schedule: never\n", |_| {}),
    ("ModifyFlowLogAttribute", "", |it| it.name = "theirs".into()),
    ("DeleteFlowLog", "replace: true\n", |it| it.project = "theirs".into()),
    ("CreateFlowLog", "replace: true\n", |it| it.project = "theirs".into()),
];

#[tokio::test]
async fn whatever_is_written_and_however_its_answer_fails_it_is_done_once_and_said_so() {
    for (action, policy, wrong) in EACH {
        for fault in [Fault::AnswerLost, Fault::Reset, Fault::Unavailable, Fault::InternalError, Fault::Throttled] {
            let transitions = Transitions::After(Duration::from_millis(1500));
            let stage = Stage::with(policy, Options { transitions, ..Options::default() }).await;
            let (vpc, flow_log) = stage.kept_vpc(&[]).await;
            stage.cloud.edit_flow_log(&flow_log, wrong);
            let written = stage.cloud.calls_of(action).len();
            stage.cloud.fail(action, fault, 1);
            let report = stage.sweep(REMEDIATION).await;
            assert!(report.incomplete().is_none(), "{action} {fault:?}: {report:#?}");
            let changes = if policy.starts_with("replace") { 2 } else { 1 };
            assert_eq!(
                (report.summary.changed, report.results.len()),
                (changes, changes),
                "{action} {fault:?}: {report:#?}"
            );
            let calls = stage.cloud.calls_of(action).len() - written;
            let expected = if matches!(fault, Fault::AnswerLost) { 1 } else { 2 };
            assert_eq!(calls, expected, "{action} {fault:?}");
            stage.cloud.finish_transitions();
            let [it] = stage.cloud.flow_logs().try_into().unwrap();
            let status = if action == "DeactiveFlowLog" { "Inactive" } else { "Active" };
            assert_eq!((it.resource_id, it.status.as_str(), it.project.as_str()), (vpc, status, "flowlog"), "{action}");
            let again = stage.sweep(REMEDIATION).await;
            assert_eq!((again.summary.changed, again.summary.compliant), (0, 1), "{action} {fault:?}: {again:#?}");
        }
    }
}

#[tokio::test]
async fn a_replacement_that_is_cut_off_anywhere_is_finished_by_the_next_look() {
    for step in 1..60 {
        let transitions = Transitions::After(Duration::from_secs(2));
        let stage = Stage::with("replace: true\n", Options { transitions, ..Options::default() }).await;
        let (vpc, flow_log) = stage.kept_vpc(&[]).await;
        stage.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
        stage.sweep_within(REMEDIATION, Duration::from_millis(150 * step)).await;
        let report = stage.sweep(REMEDIATION).await;
        assert!(report.incomplete().is_none(), "after {step}: {report:#?}");
        stage.cloud.finish_transitions();
        let [it] = stage.cloud.flow_logs().try_into().unwrap();
        assert_eq!((it.resource_id, it.status.as_str(), it.project.as_str()), (vpc, "Active", "flowlog"), "{step}");
    }
}

#[tokio::test]
async fn half_a_replacement_is_not_made_by_a_function_that_may_make_but_not_delete() {
    let stage = Stage::new("replace: true\n").await;
    let (vpc, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
    let made = stage.cloud.calls_of("CreateFlowLog").len();
    let report = stage.look(CREATION, &[&vpc], jiff::SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert!(report.results[0].reason.contains("project is \"theirs\", not \"flowlog\""), "{report:#?}");
    assert_eq!((stage.cloud.calls_of("CreateFlowLog").len(), report.summary.findings), (made, 1));
}

#[tokio::test]
async fn a_flow_log_that_is_seen_late_is_found_and_not_made_twice() {
    let stage = Stage::new("").await;
    let (vpc, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.fail("DescribeFlowLogs", Fault::NotVisibleYet, 3);
    let report = stage.look(CREATION, &[&vpc], SignedDuration::ZERO, Duration::from_secs(60)).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.verdict, item.outcome), (Some(Verdict::Compliant), Outcome::Unchanged), "{item:#?}");
    assert_eq!(item.flow_log_id.as_ref().unwrap().as_str(), flow_log);
    let tries = stage.cloud.calls_of("CreateFlowLog").split_off(1);
    let codes: Vec<_> = tries.iter().map(|call| call.code.as_deref()).collect();
    assert_eq!(codes, [Some("InvalidResourceId.NotFound")], "that one exists is said by the refusal, and once");
    assert_eq!(stage.cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn one_whose_answer_is_lost_and_that_is_seen_late_is_made_once() {
    let stage = Stage::new("").await;
    let vpc = stage.cloud.create_vpc(&[]).await.unwrap();
    stage.cloud.fail("CreateFlowLog", Fault::AnswerLost, 1);
    stage.cloud.fail("DescribeFlowLogs", Fault::NotVisibleYet, 3);
    let report = stage.look(CREATION, &[&vpc], SignedDuration::ZERO, Duration::from_secs(60)).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.action, item.outcome), (Some("CreateFlowLog"), Outcome::Done), "{item:#?}");
    assert_eq!((stage.cloud.calls_of("CreateFlowLog").len(), stage.cloud.flow_logs().len()), (1, 1));
}

#[tokio::test]
async fn what_is_there_and_cannot_be_seen_is_not_made_again() {
    let stage = Stage::new("").await;
    stage.cloud.create_vpc(&[]).await.unwrap();
    stage.cloud.fail("CreateFlowLog", Fault::Code("InvalidResourceId.NotFound"), 1);
    let report = stage.sweep(REMEDIATION).await;
    assert_eq!((report.summary.failed, stage.cloud.calls_of("CreateFlowLog").len()), (1, 1), "{report:#?}");
}

#[tokio::test]
async fn what_was_there_all_along_is_not_claimed_whoever_made_it() {
    // A list that lacks the newest makes it look missing.
    for (is_own, fault) in [(true, None), (false, None), (false, Some(Fault::InternalError))] {
        let stage = Stage::new("").await;
        let (_, flow_log) = stage.kept_vpc(&[]).await;
        if !is_own {
            stage.cloud.edit_flow_log(&flow_log, |it| it.tags.clear());
        }
        let written = stage.cloud.calls_of("CreateFlowLog").len();
        stage.cloud.fail("DescribeFlowLogs", Fault::NotVisibleYet, 1);
        if let Some(fault) = fault {
            stage.cloud.fail("CreateFlowLog", fault, 1);
        }
        let report = stage.sweep(REMEDIATION).await;
        assert_eq!((report.incomplete(), report.summary.changed), (None, 0), "{report:#?}");
        assert_eq!(report.summary.compliant, usize::from(is_own), "{report:#?}");
        assert_eq!(stage.cloud.calls_of("CreateFlowLog").len(), written + 1);
    }
}
