use std::time::Duration;

use flow_log::{Action, Verdict};
use jiff::SignedDuration;
use local_cloud::{Clock, EntryKind, Fault, LocalCloud, Options, Timers};
use reconcile::{Outcome, Report};
use scenarios::{
    ACTIVATION, CREATION, DEACTIVATION, Harness, REMEDIATE, REMEDIATION, create_kept_vpc, results, whole_cloud,
};
use serde_json::json;

async fn cloud_with_kept_vpc() -> (LocalCloud, String, String) {
    let cloud = whole_cloud(Options::default()).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let flow_log = cloud.flow_log_of(&vpc).unwrap().id;
    (cloud, vpc, flow_log)
}

/// How often remediation was invoked.
fn remediations(cloud: &LocalCloud) -> usize {
    cloud.invocations().iter().filter(|invocation| invocation.function == REMEDIATE).count()
}

#[tokio::test]
async fn a_deleted_flow_log_is_created_again() {
    let (cloud, vpc, flow_log) = cloud_with_kept_vpc().await;
    cloud.call("DeleteFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    cloud.settled().await.unwrap();
    let made = cloud.flow_log_of(&vpc).unwrap();
    assert!(made.id != flow_log && made.status == "Active", "{made:?}");
}

#[tokio::test]
async fn a_stopped_flow_log_is_activated_again() {
    let (cloud, _, flow_log) = cloud_with_kept_vpc().await;
    cloud.call("DeactiveFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    cloud.settled().await.unwrap();
    assert_eq!(cloud.flow_logs()[0].status, "Active");
    assert_eq!(cloud.calls_of("ActiveFlowLog").len(), 1);
}

#[tokio::test]
async fn a_changed_flow_log_is_changed_back() {
    let (cloud, vpc, flow_log) = cloud_with_kept_vpc().await;
    let change = [("FlowLogId", flow_log.as_str()), ("FlowLogName", "theirs"), ("AggregationInterval", "1")];
    cloud.call("ModifyFlowLogAttribute", &change).await.unwrap();
    cloud.settled().await.unwrap();
    let [it] = cloud.flow_logs().try_into().unwrap();
    assert_eq!((it.name, it.aggregation_interval), (format!("flowkeeper-{vpc}"), 10));
    assert_eq!(it.status, "Active");
}

#[tokio::test]
async fn flowkeepers_own_calls_start_no_endless_loop() {
    let (cloud, _, flow_log) = cloud_with_kept_vpc().await;
    let change = [("FlowLogId", flow_log.as_str()), ("FlowLogName", "theirs")];
    cloud.call("ModifyFlowLogAttribute", &change).await.unwrap();
    cloud.settled().await.unwrap();
    // Its own ModifyFlowLogAttribute comes back as an event, which is ignored.
    assert_eq!(remediations(&cloud), 2);
    // An instance handles several events at once, so either may be answered first.
    let remediations = cloud.invocations().into_iter().filter(|invocation| invocation.function == REMEDIATE);
    let mut found: Vec<_> = remediations.flat_map(|invocation| results(&invocation)).collect();
    found.sort_by_key(|result| result["outcome"].to_string());
    let [done, skipped] = found.try_into().unwrap();
    assert_eq!((&done["action"], &done["outcome"]), (&json!("ModifyFlowLogAttribute"), &json!("done")));
    assert_eq!((&skipped["outcome"], &skipped["reason"]), (&json!("skipped"), &json!("Flowkeeper itself did this")));
    assert_eq!(cloud.calls_of("ModifyFlowLogAttribute").len(), 2);
}

#[tokio::test]
async fn a_cloud_config_remediation_event_leads_to_a_repair() {
    let (cloud, vpc, flow_log) = cloud_with_kept_vpc().await;
    cloud.edit_flow_log(&flow_log, |it| it.status = "Inactive".into());
    let remediation = json!([{
        "regionId": "cn-hangzhou", "accountId": 1_000_000_000_000_001_u64, "resourceId": vpc,
        "resourceType": "ACS::VPC::VPC", "configRuleId": "cr-example",
    }]);
    let invocation = cloud.invoke(REMEDIATE, remediation.to_string().as_bytes()).await.unwrap();
    let [result] = results(&invocation).try_into().unwrap();
    assert_eq!((&result["verdict"], &result["outcome"]), (&json!("inactive"), &json!("done")));
    cloud.settled().await.unwrap();
    assert_eq!(cloud.flow_logs()[0].status, "Active");
}

async fn put_right(harness: &Harness) -> Report {
    let report = harness.sweep(REMEDIATION).await;
    assert!(report.incomplete().is_none(), "{report:#?}");
    harness.cloud.finish_transitions();
    report
}

#[tokio::test]
async fn several_differences_of_one_flow_log_are_repaired_one_after_the_other() {
    let harness = Harness::new("").await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| {
        it.status = "Inactive".into();
        it.name = "theirs".into();
    });
    let report = put_right(&harness).await;
    let actions: Vec<_> = report.results.iter().map(|item| (item.action.unwrap().as_str(), item.outcome)).collect();
    assert_eq!(actions, [("ActiveFlowLog", Outcome::Done), ("ModifyFlowLogAttribute", Outcome::Done)]);
    assert!(harness.cloud.calls().iter().all(|call| call.code.is_none()), "each waited for the one before");
    let again = put_right(&harness).await;
    assert_eq!((again.summary.changed, again.summary.compliant), (0, 1));
}

#[tokio::test]
async fn drift_that_cannot_be_changed_in_place_is_replaced_only_if_the_policy_allows() {
    let keeping = Harness::new("").await;
    let (_, drifted) = keeping.kept_vpc(&[]).await;
    keeping.cloud.edit_flow_log(&drifted, |it| it.project = "theirs".into());
    let finding = put_right(&keeping).await;
    assert_eq!(
        (finding.results[0].verdict, finding.results[0].action.map(Action::as_str)),
        (Some(Verdict::Drifted), None)
    );
    assert_eq!((finding.summary.findings, finding.summary.changed), (1, 0));

    let harness = Harness::new("replace: true\n").await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
    let report = put_right(&harness).await;
    let actions: Vec<_> = report.results.iter().map(|item| (item.action.unwrap().as_str(), item.outcome)).collect();
    assert_eq!(actions, [("DeleteFlowLog", Outcome::Done), ("CreateFlowLog", Outcome::Done)], "one result a change");
    assert_eq!((report.summary.checked, report.summary.changed), (1, 2), "of one resource");
    let made = harness.cloud.flow_log_of(&vpc).unwrap();
    assert!(made.id != flow_log && made.project == "flowlog", "{made:?}");
}

#[tokio::test]
async fn a_replacement_that_was_interrupted_after_the_deletion_is_finished_by_the_next_run() {
    let harness = Harness::new("replace: true\n").await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    harness.delete_flow_log(&flow_log).await;
    put_right(&harness).await;
    assert_eq!(harness.cloud.flow_log_of(&vpc).unwrap().status, "Active");
}

#[tokio::test]
async fn a_deactivating_flow_log_is_waited_for_and_activated() {
    let options =
        Options { transitions: local_cloud::Transitions::After(Duration::from_secs(3)), ..Options::default() };
    let harness = Harness::with("", options).await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.call("DeactiveFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Deactivating"));
    let report = harness.look(REMEDIATION, &[&flow_log], SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert_eq!(
        (report.results[0].action.map(Action::as_str), report.results[0].outcome),
        (Some("ActiveFlowLog"), Outcome::Done)
    );
}

#[tokio::test]
async fn a_flow_log_that_stays_deactivating_is_unfinished_and_retried() {
    let options = Options { transitions: local_cloud::Transitions::Explicit, ..Options::default() };
    let harness = Harness::with("", options).await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.call("DeactiveFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    let report = harness.look(REMEDIATION, &[&flow_log], SignedDuration::ZERO, Duration::from_secs(60)).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.verdict, item.outcome), (Some(Verdict::Pending), Outcome::Unfinished));
    assert!(
        item.reason.contains("is Deactivating") && item.reason.contains("ActiveFlowLog has to wait"),
        "{}",
        item.reason
    );
    assert!(report.incomplete().is_some() && harness.waited() <= Duration::from_secs(30));
    assert_eq!((report.summary.unfinished, report.summary.findings), (1, 1));
}

#[tokio::test]
async fn a_flow_log_that_does_not_deliver_is_a_finding_with_the_reason() {
    let harness = Harness::new("").await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| {
        it.deliver_status = "FAILED".into();
        it.deliver_error_message = "ProjectNotExist".into();
    });
    let report = put_right(&harness).await;
    assert_eq!((report.results[0].verdict, report.summary.findings), (Some(Verdict::Undelivered), 1));
    assert!(report.results[0].reason.contains("ProjectNotExist"));
}

#[tokio::test]
async fn a_flow_log_at_a_finer_level_is_checked_if_the_policy_keeps_that_level() {
    let harness = Harness::new("").await;
    let (vpc, _) = harness.kept_vpc(&[]).await;
    let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
    let theirs = harness.cloud.create_flow_log("VSwitch", &vswitch, &[]).await.unwrap();
    harness.cloud.finish_transitions();
    let report = harness.look(REMEDIATION, &[&theirs], SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert_eq!(
        (report.results[0].resource_id.as_ref(), report.results[0].verdict),
        (Some(&vpc), Some(Verdict::Compliant))
    );
}

#[tokio::test]
async fn a_tag_change_does_not_end_the_wait_for_an_earlier_change() {
    let transitions = local_cloud::Transitions::After(Duration::from_secs(20));
    let overrides = "overrides: [{match: {regions: [cn-hangzhou]}, tags: {team: network}}]\n";
    let harness = Harness::with(overrides, Options { transitions, ..Options::default() }).await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| {
        it.status = "Inactive".into();
        it.name = "theirs".into();
    });
    let report = harness.sweep(REMEDIATION).await;
    let actions: Vec<_> = report.results.iter().map(|item| (item.action.unwrap().as_str(), item.outcome)).collect();
    let done = |action| (action, Outcome::Done);
    assert_eq!(actions, ["ActiveFlowLog", "TagResources", "ModifyFlowLogAttribute"].map(done), "{report:#?}");
    assert!(harness.cloud.calls().iter().all(|call| call.code.is_none()), "each waited for the one before");
}

#[tokio::test]
async fn remaining_drift_after_a_change_whose_answer_was_lost_is_a_finding() {
    let harness = Harness::new("").await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| {
        it.status = "Inactive".into();
        it.project = "theirs".into();
    });
    harness.cloud.fail("ActiveFlowLog", local_cloud::Fault::AnswerLost, 1);
    let report = put_right(&harness).await;
    assert_eq!(
        (report.results[0].action.map(Action::as_str), report.results[0].outcome),
        (Some("ActiveFlowLog"), Outcome::Done)
    );
    assert_eq!((report.summary.changed, report.summary.findings), (1, 1), "it writes to another project: {report:#?}");
}

#[tokio::test]
async fn a_resource_with_two_flow_logs_is_a_finding_and_not_compliant() {
    let harness = Harness::new("").await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.copy_flow_log(&flow_log, &[vpc]);
    let report = put_right(&harness).await;
    assert_eq!((report.summary.checked, report.summary.compliant, report.summary.findings), (1, 0, 1), "{report:#?}");
}

#[tokio::test]
async fn drift_is_changed_as_far_as_possible_and_the_rest_is_a_finding() {
    let harness = Harness::new("").await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| {
        it.name = "theirs".into();
        it.project = "theirs".into();
    });
    let report = put_right(&harness).await;
    assert_eq!(
        (report.results[0].action.map(Action::as_str), report.summary.changed),
        (Some("ModifyFlowLogAttribute"), 1)
    );
    assert_eq!(report.summary.findings, 1, "it still writes to another project");
}

#[tokio::test]
async fn a_long_wait_does_not_shorten_the_reads_after_a_lost_answer() {
    let transitions = local_cloud::Transitions::After(Duration::from_secs(20));
    let harness = Harness::with("", Options { transitions, ..Options::default() }).await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.call("DeactiveFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    harness.cloud.fail("ActiveFlowLog", local_cloud::Fault::InternalError, 1);
    let report = harness.look(REMEDIATION, &[&flow_log], SignedDuration::ZERO, Duration::from_secs(200)).await;
    assert_eq!(
        (report.results[0].action.map(Action::as_str), report.results[0].outcome),
        (Some("ActiveFlowLog"), Outcome::Done)
    );
    assert_eq!((report.incomplete(), harness.cloud.calls_of("ActiveFlowLog").len()), (None, 2));
}

#[tokio::test]
async fn an_event_of_a_deleted_flow_log_leads_to_a_sweep_of_its_region() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    let report = harness.look(REMEDIATION, &["fl-gone"], SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert_eq!((report.results[0].resource_id.as_ref(), report.summary.changed), (Some(&vpc), 1), "{report:#?}");
}

/// A harness with a flow log whose drift can only be repaired by a replacement.
async fn harness_with_one_to_replace(options: Options) -> (Harness, String, String) {
    let harness = Harness::with("replace: true\n", options).await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
    (harness, vpc, flow_log)
}

fn actions(report: &Report) -> Vec<(&'static str, Outcome)> {
    report.results.iter().map(|item| (item.action.map_or("", Action::as_str), item.outcome)).collect()
}

#[tokio::test]
async fn a_flow_log_that_cannot_be_deleted_is_not_replaced() {
    let (harness, _, flow_log) = harness_with_one_to_replace(Options::default()).await;
    harness.cloud.fail("DeleteFlowLog", Fault::Refused, 1);
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!(actions(&report), [("DeleteFlowLog", Outcome::Failed)]);
    assert_eq!(harness.cloud.calls_of("CreateFlowLog").len(), 1, "the one of the set-up");
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Active"), "it records, if not as it should");
    assert!(report.incomplete().is_some());
}

#[tokio::test]
async fn the_successor_is_created_as_soon_as_the_old_flow_log_is_gone() {
    let options =
        Options { transitions: local_cloud::Transitions::After(Duration::from_secs(3)), ..Options::default() };
    let (harness, vpc, old) = harness_with_one_to_replace(options).await;
    let start = harness.now();
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!(actions(&report), [("DeleteFlowLog", Outcome::Done), ("CreateFlowLog", Outcome::Done)]);
    let gap = harness.now().duration_since(start).as_secs();
    assert!((3..8).contains(&gap), "the VPC is without a flow log for {gap} s, of which 3 are the cloud's");
    assert!(harness.cloud.calls().iter().all(|call| call.code.is_none()), "it was not tried before");
    assert_ne!(harness.cloud.flow_log_of(&vpc).unwrap().id, old);
}

#[tokio::test]
async fn an_old_flow_log_that_stays_in_deletion_is_unfinished_and_the_next_run_creates_its_successor() {
    let options = Options { transitions: local_cloud::Transitions::Explicit, ..Options::default() };
    let (harness, vpc, _) = harness_with_one_to_replace(options).await;
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!(actions(&report), [("DeleteFlowLog", Outcome::Done), ("CreateFlowLog", Outcome::Unfinished)]);
    assert!(report.incomplete().is_some());
    harness.cloud.finish_transitions();
    assert!(harness.cloud.flow_log_of(&vpc).is_none());
    put_right(&harness).await;
    assert_eq!(harness.cloud.flow_log_of(&vpc).unwrap().status, "Active");
}

#[tokio::test]
async fn a_repair_that_belongs_to_another_function_is_a_finding() {
    let harness = Harness::new("").await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| it.name = "theirs".into());
    let report = harness.look(CREATION, &[&vpc], SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert_eq!((report.results[0].outcome, report.results[0].action.map(Action::as_str)), (Outcome::Skipped, None));
    assert!(report.results[0].reason.ends_with("; this function may not call ModifyFlowLogAttribute"));
    assert_eq!((report.summary.findings, report.incomplete()), (1, None), "{report:#?}");
}

#[tokio::test]
async fn an_own_flow_log_at_a_level_that_the_policy_does_not_keep_is_a_finding() {
    let harness = Harness::new("").await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
    harness.cloud.copy_flow_log(&flow_log, std::slice::from_ref(&vswitch));
    let report = put_right(&harness).await;
    let finding = report.results.iter().find(|item| item.is_finding).unwrap();
    assert_eq!((finding.verdict, finding.resource_id.as_ref()), (Some(Verdict::Drifted), Some(&vswitch)));
    assert!(finding.reason.contains("kept at other levels than that of a vSwitch"), "{}", finding.reason);
    assert_eq!((report.summary.findings, report.summary.changed), (1, 0));

    let overridden = Harness::new("overrides: [{match: {tags: {level: fine}}, coverage: vswitch}]\n").await;
    overridden.kept_vpc(&[("level", "fine")]).await;
    let mismatch = put_right(&overridden).await;
    assert_eq!((mismatch.summary.findings, mismatch.results[0].verdict), (1, Some(Verdict::Drifted)), "{mismatch:#?}");
}

/// A cloud in which only deletions of flow logs trigger remediation, with `vpcs` VPCs that have an own flow log. Its
/// clock is manual, so a slow answer does not arrive until the clock is advanced.
async fn cloud_for_a_burst(vpcs: usize) -> (LocalCloud, Vec<String>) {
    let options = Options {
        policy: Some("flow_log: {project: flowlog, log_store: vpc}\n".to_owned()),
        triggers_of: Some(REMEDIATE.to_owned()),
        timers: Timers::ByHand,
        clock: Clock::manual(Clock::real().now()),
        retry_delay: Duration::ZERO,
        ..Options::default()
    };
    let cloud = whole_cloud(options).await.unwrap();
    let mut flow_logs = Vec::new();
    for _ in 0..vpcs {
        flow_logs.push(create_kept_vpc(&cloud, &[]).await.1);
    }
    cloud.settled().await.unwrap();
    (cloud, flow_logs)
}

async fn delete(cloud: &LocalCloud, flow_log: &str) {
    cloud.call("DeleteFlowLog", &[("FlowLogId", flow_log)]).await.unwrap();
}

/// Deletes a flow log. Waits until the cloud has processed the resulting sweep's read of the flow logs, but has not
/// answered it yet.
async fn begin_a_sweep(cloud: &LocalCloud, flow_log: &str) {
    cloud.fail("DescribeFlowLogs", Fault::Slow(Duration::from_secs(1)), 1);
    delete(cloud, flow_log).await;
    cloud.wait_until("a sweep is under way", |cloud| !cloud.calls_of("DescribeFlowLogs").is_empty()).await.unwrap();
}

/// Waits until this many invocations of remediation are running.
async fn at_work(cloud: &LocalCloud, invocations: usize) {
    let begun = |it: &LocalCloud| {
        let is_start =
            |what: &EntryKind| matches!(what, EntryKind::Line { text, .. } if text.starts_with("FC Invoke Start"));
        it.journal().iter().filter(|entry| is_start(&entry.what)).count()
    };
    cloud.wait_until("all invocations have begun", |cloud| begun(cloud) == invocations).await.unwrap();
}

#[tokio::test]
async fn six_deletions_at_once_lead_to_three_sweeps_and_each_is_answered() {
    let (cloud, flow_logs) = cloud_for_a_burst(6).await;
    begin_a_sweep(&cloud, &flow_logs[0]).await;
    for flow_log in &flow_logs[1..] {
        delete(&cloud, flow_log).await;
    }
    at_work(&cloud, 6).await;
    cloud.clock().advance(Duration::from_secs(1));
    cloud.settled().await.unwrap();

    let kept = cloud.flow_logs();
    assert!(kept.len() == 6 && kept.iter().all(|it| it.status == "Active" && !flow_logs.contains(&it.id)));
    let invocations = cloud.invocations();
    assert!(invocations.len() == 6 && invocations.iter().all(|invocation| invocation.success), "{invocations:#?}");
    let joined: Vec<_> = invocations
        .iter()
        .flat_map(results)
        .filter(|result| result["reason"].as_str().unwrap().starts_with("the sweep of invocation 1-"))
        .collect();
    assert!(joined.iter().all(|result| result["outcome"] == "skipped"), "{joined:#?}");
    // One was running, one serves all events that came after it, and one is by the instance that took the sixth event.
    assert_eq!((cloud.calls_of("DescribeVpcs").len(), joined.len()), (3, 3), "{invocations:#?}");
}

#[tokio::test]
async fn a_deletion_after_a_sweep_has_begun_is_answered_by_another_sweep() {
    let (cloud, flow_logs) = cloud_for_a_burst(2).await;
    begin_a_sweep(&cloud, &flow_logs[0]).await;
    let late = cloud.flow_logs().into_iter().find(|it| it.id == flow_logs[1]).unwrap().resource_id;
    // The answer that the running sweep waits for still lists it.
    delete(&cloud, &flow_logs[1]).await;
    at_work(&cloud, 2).await;
    cloud.clock().advance(Duration::from_secs(1));
    cloud.settled().await.unwrap();

    assert_eq!(cloud.flow_log_of(&late).unwrap().status, "Active");
    let is_made = |result: &serde_json::Value| result["action"] == "CreateFlowLog" && result["outcome"] == "done";
    let made: Vec<_> = cloud.invocations().iter().flat_map(results).filter(is_made).collect();
    assert_eq!((made.len(), cloud.calls_of("DescribeVpcs").len()), (2, 2), "one sweep each");
}

#[tokio::test]
async fn if_a_shared_sweep_is_incomplete_every_invocation_that_joined_it_is_retried() {
    let (cloud, flow_logs) = cloud_for_a_burst(3).await;
    begin_a_sweep(&cloud, &flow_logs[0]).await;
    delete(&cloud, &flow_logs[1]).await;
    delete(&cloud, &flow_logs[2]).await;
    at_work(&cloud, 3).await;
    cloud.fail("DescribeVpcs", Fault::Refused, 1);
    cloud.clock().advance(Duration::from_secs(1));
    cloud.settled().await.unwrap();

    let invocations = cloud.invocations();
    let failed: Vec<_> = invocations.iter().filter(|invocation| !invocation.success).collect();
    let said: Vec<_> = failed.iter().map(|invocation| invocation.body.to_string()).collect();
    assert_eq!(failed.len(), 2, "{invocations:#?}");
    let of = |words: &str| said.iter().filter(|said| said.contains(words)).count();
    assert_eq!((of("Forbidden.RAM"), of("which would cover it, was not complete")), (1, 1), "{said:#?}");
    for one in failed {
        let repeated = |other: &local_cloud::Invocation| other.request_id == one.request_id && other.success;
        assert!(invocations.iter().any(repeated), "{invocations:#?}");
    }
    assert!(cloud.dead_letters().is_empty());
    assert_eq!(cloud.flow_logs().len(), 3);
}

/// Creates a VPC without a flow log, one with an inactive flow log, and one whose flow log has another description.
async fn three_to_repair(policy: &str) -> (Harness, [String; 3]) {
    let harness = Harness::new(policy).await;
    let missing = harness.cloud.create_vpc(&[]).await.unwrap();
    let (inactive, off) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&off, |it| it.status = "Inactive".into());
    let (drifted, changed) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&changed, |it| it.description = "theirs".into());
    (harness, [missing, inactive, drifted])
}

#[tokio::test]
async fn verdicts_that_remediate_does_not_list_are_reported_and_not_repaired() {
    let repairs = [
        ("missing", "CreateFlowLog", Verdict::Missing),
        ("inactive", "ActiveFlowLog", Verdict::Inactive),
        ("drifted", "ModifyFlowLogAttribute", Verdict::Drifted),
    ];
    for listed in ["missing", "inactive", "drifted", "missing, inactive", "inactive, drifted", ""] {
        if listed.is_empty()
            && flow_log::Policy::parse("flow_log: {project: p, log_store: l}\nremediate: []\n").is_err()
        {
            continue;
        }
        let policy = format!("remediate: [{listed}]\n");
        let (harness, vpcs) = three_to_repair(&policy).await;
        let seen = harness.calls();
        let swept = harness.sweep(REMEDIATION).await;
        let mut writes: Vec<_> = harness.cloud.calls().split_off(seen).into_iter().map(|call| call.action).collect();
        writes.retain(|action| !action.starts_with("Describe"));
        writes.sort();
        let is_listed = |word: &str| listed.split(", ").any(|listed| listed == word);
        let expected = repairs.iter().filter(|(word, ..)| is_listed(word)).map(|(_, action, _)| *action);
        let mut expected: Vec<_> = expected.collect();
        expected.sort_unstable();
        assert_eq!(writes, expected, "{listed}: {swept:#?}");
        let (other, others) = three_to_repair(&policy).await;
        let ids = others.each_ref().map(String::as_str);
        let event = other.look(REMEDIATION, &ids, SignedDuration::ZERO, Duration::from_secs(60)).await;
        for (report, resources) in [(&swept, &vpcs), (&event, &others)] {
            assert_eq!((report.incomplete(), report.summary.changed), (None, expected.len()), "{listed}: {report:#?}");
            assert_eq!(report.summary.findings, 3 - expected.len(), "{listed}: {report:#?}");
            for ((word, action, verdict), vpc) in
                repairs.iter().zip(resources).filter(|((word, ..), _)| !is_listed(word))
            {
                let item = report.results.iter().find(|item| item.resource_id.as_ref() == Some(vpc)).unwrap();
                assert_eq!((item.verdict, item.outcome, item.action), (Some(*verdict), Outcome::Skipped, None));
                let why = format!("; {action} is left out, as the policy's remediate does not list {word}");
                assert!(item.reason.ends_with(&why) && item.is_finding, "{}", item.reason);
            }
            let uncovered = ["missing", "inactive"].into_iter().filter(|word| !is_listed(word)).count();
            assert_eq!(report.summary.uncovered, uncovered, "{listed}: {report:#?}");
        }
    }
}

#[tokio::test]
async fn a_flow_log_is_not_replaced_if_the_policy_does_not_repair_drift() {
    // A run may end between the two halves of a replacement. So a replacement needs `missing` to be allowed, too.
    for (listed, lacks) in [("missing, inactive", "drifted"), ("drifted, inactive", "missing")] {
        let harness = Harness::new(&format!("replace: true\nremediate: [{listed}]\n")).await;
        let (_, flow_log) = harness.kept_vpc(&[]).await;
        harness.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
        let report = harness.sweep(REMEDIATION).await;
        assert_eq!((report.incomplete(), report.summary.changed, report.summary.findings), (None, 0, 1), "{report:#?}");
        let why = format!("; it is not replaced, as the policy's remediate does not list {lacks}");
        assert!(report.results[0].reason.ends_with(&why), "{report:#?}");
        assert_eq!(harness.status(&flow_log).as_deref(), Some("Active"), "{listed}");
    }
    let harness = Harness::new("replace: true\nremediate: [missing, drifted]\n").await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
    assert_eq!(harness.sweep(REMEDIATION).await.summary.changed, 2);
    assert_eq!(harness.cloud.flow_log_of(&vpc).unwrap().project, "flowlog");
}

#[tokio::test]
async fn remediate_does_not_restrict_new_resources_and_schedules() {
    let (creating, [missing, ..]) = three_to_repair("remediate: [drifted]\n").await;
    let report = creating.look(CREATION, &[&missing], SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert_eq!((report.incomplete(), report.summary.changed), (None, 1), "{report:#?}");
    let (pausing, ..) = three_to_repair("remediate: [missing]\nschedule: never\n").await;
    assert_eq!(pausing.sweep(DEACTIVATION).await.summary.changed, 1);
    let policy =
        "remediate: [missing]\nschedule: day\nschedules: {day: {time_zone: UTC, on: ['Mon-Sun 00:00-24:00']}}\n";
    let (activating, ..) = three_to_repair(policy).await;
    assert_eq!(activating.sweep(ACTIVATION).await.summary.changed, 1);
    // A sweep of remediation also switches off what a schedule keeps off.
    let (sweeping, ..) = three_to_repair("remediate: [missing]\nschedule: never\n").await;
    assert_eq!(sweeping.sweep(REMEDIATION).await.summary.changed, 1);
}
