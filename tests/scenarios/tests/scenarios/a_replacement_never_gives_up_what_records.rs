use std::time::Duration;

use flow_log::{Action, Verdict};
use jiff::SignedDuration;
use local_cloud::{Fault, OWN_ACCOUNT, Options, Rewrite};
use reconcile::{Outcome, Report};
use scenarios::{Harness, REMEDIATE, REMEDIATION, TIMER, whole_cloud};

const REPLACE: &str = "replace: true\n";
const MARK: &str = "flowkeeper-replace-refused";

/// A harness with this many VPCs whose own flow logs deliver to another project.
async fn harness(policy: &str, count: usize) -> Harness {
    let harness = Harness::with(policy, Options { quota: 100, ..Options::default() }).await;
    for _ in 0..count {
        let (_, flow_log) = harness.kept_vpc(&[]).await;
        harness.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
    }
    harness
}

fn marks(harness: &Harness) -> usize {
    harness.cloud.flow_logs().iter().filter(|it| it.tags.contains_key(MARK)).count()
}

fn deletions(harness: &Harness) -> usize {
    harness.cloud.calls_of("DeleteFlowLog").len()
}

fn actions(report: &Report) -> Vec<(&'static str, Outcome)> {
    report.results.iter().map(|item| (item.action.map_or("", Action::as_str), item.outcome)).collect()
}

/// Sweeps several times. Checks after each sweep that exactly `lost` flow logs are lost, and that the sweep does not
/// count as a success.
async fn sweeps_lose(harness: &Harness, before: usize, lost: usize) {
    for sweep in 1..=5 {
        let report = harness.sweep(REMEDIATION).await;
        harness.cloud.finish_transitions();
        assert_eq!(harness.cloud.flow_logs().len(), before - lost, "sweep {sweep}: {report:#?}");
        assert!(report.incomplete().is_some(), "sweep {sweep} wanted to replace and could not: {report:#?}");
    }
}

#[tokio::test]
async fn if_the_account_lacks_a_feature_the_canary_is_rolled_back_and_nothing_is_lost() {
    let policy = "replace: true\noverrides: [{match: {regions: [cn-hangzhou]}, traffic_path: [natGateway]}]\n";
    let harness = harness(policy, 6).await;
    harness.cloud.without_traffic_paths(OWN_ACCOUNT, "cn-hangzhou");
    let report = harness.sweep(REMEDIATION).await;
    harness.cloud.finish_transitions();
    // Such an account may not name even `all`, as the old flow log does: it is the default, so it is left out.
    assert_eq!((harness.cloud.flow_logs().len(), deletions(&harness), marks(&harness)), (6, 1, 1), "{report:#?}");
    sweeps_lose(&harness, 6, 0).await;
    assert_eq!(deletions(&harness), 1, "one canary, and no other was ever deleted");
}

#[tokio::test]
async fn if_the_successor_is_refused_the_old_flow_log_is_created_again_and_marked() {
    let harness = harness(REPLACE, 6).await;
    harness.cloud.without_project(OWN_ACCOUNT, "cn-hangzhou", "flowlog");
    let old = harness.cloud.flow_logs();
    let first = harness.sweep(REMEDIATION).await;
    harness.cloud.finish_transitions();
    assert_eq!(
        actions(&first)[..3],
        [("DeleteFlowLog", Outcome::Done), ("CreateFlowLog", Outcome::Failed), ("CreateFlowLog", Outcome::Done)],
        "{first:#?}"
    );
    let deleted = first.results[0].deleted.as_ref().unwrap();
    assert_eq!((deleted.project.as_deref(), deleted.flow_log_id.as_str()), (Some("theirs"), old[0].id.as_str()));
    let again = harness.cloud.flow_log_of(&old[0].resource_id).unwrap();
    let how = |it: &local_cloud::FlowLog| (it.name.clone(), it.project.clone(), it.log_store.clone());
    assert_eq!((how(&again), again.status.as_str()), (how(&old[0]), "Active"), "as it was");
    assert_eq!(marks(&harness), 1);
    sweeps_lose(&harness, 6, 0).await;
    assert_eq!(deletions(&harness), 1, "the mark stops all replacing in this account and region");

    // A person who fixed the cause removes the mark.
    harness.cloud.with_log_store(OWN_ACCOUNT, "cn-hangzhou", "flowlog", "vpc");
    for it in harness.cloud.flow_logs() {
        harness.cloud.edit_flow_log(&it.id, |it| _ = it.tags.remove(MARK));
    }
    let report = harness.sweep(REMEDIATION).await;
    assert!(report.incomplete().is_none(), "{report:#?}");
    assert!(harness.cloud.flow_logs().iter().all(|it| it.project == "flowlog"));
}

#[tokio::test]
async fn if_the_old_flow_log_cannot_be_created_again_only_the_canary_is_lost() {
    let harness = harness(REPLACE, 6).await;
    harness.cloud.fail("CreateFlowLog", Fault::Code("OperationUnsupported.AdvancedFeature"), u32::MAX);
    sweeps_lose(&harness, 6, 1).await;
    assert_eq!(deletions(&harness), 1, "what is missing could not be made, which forbids every deletion");
}

#[tokio::test]
async fn an_event_reports_drift_and_replaces_nothing() {
    let policy = "flow_log: {project: example-project, log_store: example-logstore}\nreplace: true\n";
    let cloud = whole_cloud(Options { policy: Some(policy.into()), ..Options::default() }).await.unwrap();
    for _ in 0..4 {
        cloud.create_vpc(&[]).await.unwrap();
    }
    cloud.settled().await.unwrap();
    for it in cloud.flow_logs() {
        cloud.edit_flow_log(&it.id, |it| it.project = "theirs".into());
        cloud.call("ModifyFlowLogAttribute", &[("FlowLogId", &it.id), ("Description", "theirs")]).await.unwrap();
    }
    cloud.settled().await.unwrap();
    assert_eq!(cloud.flow_logs().len(), 4);
    assert!(cloud.calls_of("DeleteFlowLog").is_empty());
    let woken = cloud.invocations().into_iter().filter(|it| it.function == REMEDIATE);
    let woken: Vec<_> = woken.collect();
    assert!(!woken.is_empty() && woken.iter().all(|it| it.success), "{woken:#?}");
    assert!(woken.iter().any(|it| it.body["summary"]["findings"] == 1), "{woken:#?}");

    // The event of a deleted flow log triggers a sweep of the region.
    let gone = cloud.flow_logs().remove(0).id;
    cloud.call("DeleteFlowLog", &[("FlowLogId", &gone)]).await.unwrap();
    cloud.settled().await.unwrap();
    assert_eq!(cloud.calls_of("DeleteFlowLog").len(), 1, "nobody but the test deletes");
    let timer = cloud.invoke(REMEDIATE, TIMER).await.unwrap();
    assert!(timer.success, "{:#}", timer.body);
    assert!(cloud.flow_logs().iter().all(|it| it.project == "example-project"), "a timer replaces");
}

#[tokio::test]
async fn with_proof_no_canary_is_needed_and_without_it_the_first_must_record_before_the_next() {
    for is_proven in [true, false] {
        let transitions = local_cloud::Transitions::After(Duration::from_secs(3));
        let harness = Harness::with(REPLACE, Options { transitions, ..Options::default() }).await;
        if is_proven {
            harness.kept_vpc(&[]).await;
        }
        for _ in 0..2 {
            let (_, flow_log) = harness.kept_vpc(&[]).await;
            harness.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
        }
        let seen = harness.calls();
        let report = harness.sweep(REMEDIATION).await;
        assert!(report.incomplete().is_none() && report.summary.changed == 4, "{report:#?}");
        let calls = harness.cloud.calls().split_off(seen);
        let at = |action: &str| calls.iter().position(|call| call.action == action).unwrap();
        let after_first = &calls[at("CreateFlowLog")..];
        let second = after_first.iter().position(|call| call.action == "DeleteFlowLog").unwrap();
        let reads = after_first[1..second].iter().filter(|call| call.action == "DescribeFlowLogs").count();
        assert_eq!(reads > 1, !is_proven, "{reads} reads between the first creation and the second deletion");
    }
}

#[tokio::test]
async fn a_creation_that_failed_anywhere_in_the_region_forbids_every_deletion_there() {
    let harness = harness(REPLACE, 3).await;
    harness.kept_vpc(&[]).await;
    let bare = harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.fail("CreateFlowLog", Fault::Code("QuotaExceeded.FlowlogCount"), 1);
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!(deletions(&harness), 0, "{report:#?}");
    let kept: Vec<_> = report.results.iter().filter(|item| item.action == Some(Action::DeleteFlowLog)).collect();
    assert_eq!(kept.len(), 3);
    for item in kept {
        assert_eq!((item.verdict, item.outcome), (Some(Verdict::Drifted), Outcome::Failed));
        assert!(
            item.reason.contains(&format!("not replaced: the flow log of {bare} was not created")),
            "{}",
            item.reason
        );
    }
}

#[tokio::test]
async fn a_flow_log_that_could_not_be_created_again_is_not_deleted_but_changed_in_place() {
    let harness = harness(REPLACE, 1).await;
    let it = harness.cloud.flow_logs().remove(0);
    harness.cloud.edit_flow_log(&it.id, |it| {
        it.traffic_type = "Most".into();
        it.name = "theirs".into();
    });
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!(deletions(&harness), 0);
    assert_eq!(actions(&report), [("ModifyFlowLogAttribute", Outcome::Done), ("DeleteFlowLog", Outcome::Failed)]);
    assert!(report.results[1].reason.contains("could not be created again as it is"), "{report:#?}");
}

#[tokio::test]
async fn the_state_is_read_again_before_anything_is_deleted() {
    let harness = Harness::new(REPLACE).await;
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    // The list is stale: the flow log is compliant.
    harness.cloud.rewrite(
        "DescribeFlowLogs",
        Rewrite::value(|json| json["FlowLogs"]["FlowLog"][0]["ProjectName"] = "theirs".into()),
        1,
    );
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((deletions(&harness), report.incomplete()), (0, None), "{report:#?}");
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Active"));
}

#[tokio::test]
async fn without_time_for_a_rollback_nothing_is_deleted() {
    let harness = harness(REPLACE, 2).await;
    let report = harness.sweep_within(REMEDIATION, Duration::from_secs(15)).await;
    assert_eq!(deletions(&harness), 0);
    assert!(report.results.iter().all(|item| item.outcome == Outcome::Unfinished), "{report:#?}");
    assert!(report.incomplete().is_some());
}

#[tokio::test]
async fn a_dry_run_shows_both_halves_of_each_replacement() {
    let mut harness = harness(REPLACE, 2).await;
    harness.dry_run = true;
    let report = harness.sweep(REMEDIATION).await;
    let both = [("DeleteFlowLog", Outcome::Planned), ("CreateFlowLog", Outcome::Planned)];
    assert_eq!(actions(&report), [both, both].concat(), "{report:#?}");
    assert_eq!(deletions(&harness), 0);
}

#[tokio::test]
async fn another_resource_group_does_not_lead_to_a_replacement() {
    let policy = "replace: true\noverrides: [{match: {regions: [cn-hangzhou]}, resource_group_id: rg-audit}]\n";
    let harness = Harness::new(policy).await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!(actions(&report), [("MoveResourceGroup", Outcome::Done)], "{report:#?}");
    let it = harness.cloud.flow_log_of(&vpc).unwrap();
    assert_eq!((it.id, it.resource_group_id.as_str()), (flow_log, "rg-audit"));
    let again = harness.sweep(REMEDIATION).await;
    assert_eq!((again.summary.changed, again.summary.compliant), (0, 1));
}

#[tokio::test]
async fn an_event_about_one_resource_replaces_nothing() {
    let harness = harness(REPLACE, 1).await;
    let vpc = harness.cloud.vpcs().remove(0).id;
    for named in [vpc.as_str(), Harness::REGION] {
        let report = harness.look(REMEDIATION, &[named], SignedDuration::ZERO, Duration::from_secs(60)).await;
        assert_eq!((report.incomplete(), report.summary.findings), (None, 1), "{report:#?}");
    }
    assert_eq!(deletions(&harness), 0);
}

#[tokio::test]
async fn if_the_policy_repairs_only_some_drift_nothing_is_replaced_and_the_report_says_why() {
    for (remediate, lacks) in [("drifted", "missing"), ("missing, inactive", "drifted")] {
        let harness = harness(&format!("replace: true\nremediate: [{remediate}]\n"), 3).await;
        let report = harness.sweep(REMEDIATION).await;
        assert_eq!((deletions(&harness), report.summary.findings), (0, 3), "{report:#?}");
        let why = format!("it is not replaced, as the policy's remediate does not list {lacks}");
        assert!(report.results.iter().all(|item| item.reason.ends_with(&why)), "{report:#?}");
    }
}

#[tokio::test]
async fn an_unavailable_feature_is_marked_like_any_lasting_refusal() {
    let harness = harness(REPLACE, 3).await;
    for _ in 0..3 {
        harness.cloud.fail("CreateFlowLog", Fault::Code("OperationUnsupported.AdvancedFeature"), 1);
        let report = harness.sweep(REMEDIATION).await;
        harness.cloud.finish_transitions();
        harness.cloud.heal();
        assert!(report.incomplete().is_some(), "{report:#?}");
        assert_eq!((deletions(&harness), marks(&harness), harness.cloud.flow_logs().len()), (1, 1, 3), "{report:#?}");
    }
}

#[tokio::test]
async fn one_flow_log_that_cannot_be_replaced_is_a_failure_and_is_uncovered_only_if_it_is_lost() {
    for (times, uncovered) in [(1, 0), (2, 1)] {
        let harness = harness(REPLACE, 1).await;
        harness.cloud.fail("CreateFlowLog", Fault::Code("OperationUnsupported.AdvancedFeature"), times);
        let report = harness.sweep(REMEDIATION).await;
        assert!(report.incomplete().is_some(), "{report:#?}");
        assert_eq!(
            (report.summary.uncovered, harness.cloud.flow_logs().len()),
            (uncovered, 1 - uncovered),
            "{report:#?}"
        );
    }
    let harness = harness(REPLACE, 2).await;
    harness.cloud.without_project(OWN_ACCOUNT, "cn-hangzhou", "flowlog");
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!(report.summary.uncovered, 0, "it was made again: {report:#?}");
}

/// Makes flow logs that deliver to the policy's project report a failed delivery.
fn undelivered() -> Rewrite {
    Rewrite::value(|json| {
        for it in json["FlowLogs"]["FlowLog"].as_array_mut().unwrap() {
            if it["ProjectName"] == "flowlog" {
                it["FlowLogDeliverStatus"] = "FAILED".into();
            }
        }
    })
}

#[tokio::test]
async fn a_canary_that_does_not_deliver_is_reported_and_stays_the_only_one() {
    let harness = harness(REPLACE, 4).await;
    harness.cloud.rewrite("DescribeFlowLogs", undelivered(), u32::MAX);
    for sweep in 1..=3 {
        let report = harness.sweep(REMEDIATION).await;
        harness.cloud.finish_transitions();
        assert_eq!((deletions(&harness), report.summary.uncovered), (1, 1), "sweep {sweep}: {report:#?}");
        assert!(report.incomplete().is_some());
    }
    let alone = self::harness(REPLACE, 1).await;
    alone.cloud.rewrite("DescribeFlowLogs", undelivered(), u32::MAX);
    let report = alone.sweep(REMEDIATION).await;
    assert_eq!((report.summary.findings, report.summary.uncovered), (1, 1), "{report:#?}");
}

#[tokio::test]
async fn a_list_that_still_shows_the_deleted_flow_log_does_not_keep_the_new_one_from_being_made() {
    let harness = harness(REPLACE, 1).await;
    harness.kept_vpc(&[]).await;
    let old = harness.cloud.flow_logs().into_iter().find(|it| it.project == "theirs").unwrap();
    let stale = harness.cloud.call("DescribeFlowLogs", &[("FlowLogId", &old.id)]).await.unwrap()["FlowLogs"].clone();
    // The stale answer comes after the list of the sweep and the read before the deletion.
    for reads in [2, 3] {
        let stale = stale.clone();
        let rewrite = Rewrite::value(move |json| {
            json["FlowLogs"] = stale.clone();
            json["TotalCount"] = "1".into();
        });
        harness.cloud.rewrite_after(reads, "DescribeFlowLogs", rewrite);
    }
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.incomplete(), report.summary.changed), (None, 2), "{report:#?}");
    assert!(harness.cloud.flow_logs().iter().all(|it| it.project == "flowlog"));
}

/// A generator of pseudorandom numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn roll<T: Copy>(&mut self, of: &[T]) -> T {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        of[(self.0 >> 33) as usize % of.len()]
    }
}

#[tokio::test]
async fn over_many_refused_sweeps_at_most_one_flow_log_is_lost_and_never_silently() {
    const POLICIES: [&str; 4] = [
        "replace: true\n",
        "replace: true\nremediate: [drifted]\n",
        "replace: true\noverrides: [{match: {regions: [cn-hangzhou]}, traffic_path: [natGateway]}]\n",
        "replace: true\nlimits: {max_creations: 0}\n",
    ];
    const CREATIONS: [Fault; 10] = [
        Fault::InternalError,
        Fault::AnswerLost,
        Fault::Throttled,
        Fault::Code("OperationUnsupported.AdvancedFeature"),
        Fault::Code("QuotaExceeded.FlowlogCount"),
        Fault::Code("ProjectOrLogstoreNotExist"),
        Fault::Code("UnsupportedFeature.UserDefinedTrafficPath"),
        Fault::Code("IncorrectBusinessStatus.FlowLog"),
        Fault::Code("InvalidInstanceId"),
        Fault::Code("TaskConflict"),
    ];
    let mut dice = Dice(1);
    for world in 0..60 {
        let policy = dice.roll(&POLICIES);
        let harness = Harness::with(policy, Options { quota: 100, ..Options::default() }).await;
        let mut foreign = Vec::new();
        for _ in 0..dice.roll(&[3, 4, 5, 6, 7]) {
            let (_, id) = harness.kept_vpc(&[]).await;
            let (is_ours, is_active) = dice.roll(&[(true, true), (true, true), (true, false), (false, true)]);
            let project = dice.roll(&["theirs", "theirs", "theirs", "flowlog"]);
            harness.cloud.edit_flow_log(&id, |it| {
                it.project = project.into();
                if !is_active {
                    it.status = "Inactive".into();
                }
                if !is_ours {
                    it.tags.clear();
                }
            });
            foreign.extend((!is_ours).then_some(id));
        }
        if dice.roll(&[true, false, false]) {
            harness.cloud.without_traffic_paths(OWN_ACCOUNT, "cn-hangzhou");
        }
        let before = harness.cloud.flow_logs().len();
        let (mut last, mut story) = (before, format!("world {world}, {policy}"));
        for sweep in 0..5 {
            harness.cloud.heal();
            for _ in 0..dice.roll(&[0, 1, 2, 3]) {
                let (fault, times) = (dice.roll(&CREATIONS), dice.roll(&[1, 2, 3, u32::MAX]));
                story.push_str(&format!("sweep {sweep}: {times} times {fault:?}\n"));
                harness.cloud.fail("CreateFlowLog", fault, times);
            }
            if dice.roll(&[true, false, false]) {
                let fault = dice.roll(&[Fault::AnswerLost, Fault::InternalError, Fault::Throttled]);
                harness.cloud.fail("DeleteFlowLog", fault, 1);
            }
            if dice.roll(&[true, false, false]) {
                let fault = dice.roll(&[Fault::StaleRead, Fault::NotVisibleYet, Fault::Unavailable]);
                harness.cloud.fail_after(dice.roll(&[0, 1, 2, 3, 4, 5, 6, 7]), "DescribeFlowLogs", fault);
            }
            let report = harness.sweep_within(REMEDIATION, Duration::from_secs(dice.roll(&[60, 600]))).await;
            harness.cloud.finish_transitions();
            let left = harness.cloud.flow_logs();
            assert!(left.len() + 1 >= before, "{story}{report:#?}");
            assert!(foreign.iter().all(|id| left.iter().any(|it| it.id == *id)), "{story}{report:#?}");
            let is_said = report.incomplete().is_some() && report.summary.uncovered > 0;
            assert!(left.len() >= last || is_said, "{story}{report:#?}");
            last = left.len();
        }
    }
}

#[tokio::test]
async fn a_flow_log_without_room_for_the_mark_is_no_canary() {
    let harness = harness(REPLACE, 1).await;
    let flow_log = harness.cloud.flow_logs().remove(0);
    harness.cloud.edit_flow_log(&flow_log.id, |it| {
        it.tags.extend((it.tags.len()..20).map(|n| (format!("theirs-{n}"), String::new())));
    });
    harness.cloud.fail("CreateFlowLog", Fault::Code("OperationUnsupported.AdvancedFeature"), 1);
    for _ in 0..3 {
        let report = harness.sweep(REMEDIATION).await;
        assert!(report.incomplete().is_some(), "{report:#?}");
        assert!(report.results[0].reason.contains("has as many tags as it can"), "{report:#?}");
        assert_eq!((deletions(&harness), harness.cloud.flow_logs().len()), (0, 1), "{report:#?}");
    }
}
