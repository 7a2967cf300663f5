//! With `create_destination`, a flow log's project, Logstore and index are created where they are missing.

use std::time::Duration;

use local_cloud::{Fault, LocalCloud, LogStore, OWN_ACCOUNT, Options, SECOND_ACCOUNT, SECOND_ACCOUNT_ROLE};
use reconcile::{Capabilities, Outcome, Report};
use scenarios::{ACTIVATION, CREATION, DELETION, Harness, REMEDIATION};
use serde_json::json;

const CREATE: &str = "overrides: [{match: {regions: [cn-hangzhou]}, create_destination: {retention_days: 180}}]\n";
const ALWAYS: &str = "schedule: day\nschedules: {day: {time_zone: UTC, on: ['Mon-Sun 00:00-24:00']}}\n";
const KILLS: [Fault; 2] = [Fault::Hang, Fault::HangAfterEffect];
const MINUTE: Duration = Duration::from_secs(60);
const WRITES: [&str; 5] = ["CreateProject", "CreateLogStore", "UpdateLogStore", "CreateIndex", "CreateFlowLog"];

/// A harness whose flow logs can write only to what was created. The policy says `flowlog/vpc`.
async fn harness(more: &str) -> Harness {
    with(more, Options::default()).await
}

async fn with(more: &str, options: Options) -> Harness {
    Harness::with(more, Options { check_destinations: true, ..options }).await
}

/// Handles the creation of a new VPC.
async fn new_vpc(harness: &Harness) -> Report {
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    harness.look(CREATION, &[&vpc], jiff::SignedDuration::ZERO, 10 * MINUTE).await
}

/// The writes that took effect after the first `seen` calls, in order.
fn writes(cloud: &LocalCloud, seen: usize) -> Vec<String> {
    let calls = cloud.calls().split_off(seen);
    let is_write = |action: &str| WRITES.contains(&action);
    calls.into_iter().filter(|call| is_write(&call.action) && call.succeeded()).map(|call| call.action).collect()
}

fn changed(report: &Report) -> Vec<&str> {
    let done = report.results.iter().filter(|item| item.outcome == Outcome::Done);
    done.map(|item| item.action.unwrap().as_str()).collect()
}

fn failed(report: &Report) -> Vec<(&str, &str)> {
    let failed = report.results.iter().filter(|item| item.outcome == Outcome::Failed);
    failed.map(|item| (item.reason.as_str(), item.error.as_ref().map_or("", |error| &error.code))).collect()
}

/// The Logstore that flow logs write to, if it was created.
fn log_store(cloud: &LocalCloud) -> Option<LogStore> {
    cloud.log_projects().into_iter().find(|project| project.name == "flowlog")?.log_stores.remove("vpc")
}

#[tokio::test]
async fn project_logstore_and_index_are_created_before_the_flow_log_and_once() {
    let harness = harness(CREATE).await;
    let report = new_vpc(&harness).await;
    assert_eq!(report.incomplete(), None, "{report:#?}");
    assert_eq!(changed(&report), ["CreateProject", "CreateLogStore", "CreateIndex", "CreateFlowLog"]);
    let log_store = log_store(&harness.cloud).unwrap();
    assert_eq!(log_store.retention_days, 180);
    assert!(log_store.index.is_some());
    assert_eq!(report.summary.checked, 1, "only the VPC is a resource: {report:#?}");

    let seen = harness.calls();
    let second = new_vpc(&harness).await;
    assert_eq!((second.incomplete(), changed(&second)), (None, vec!["CreateFlowLog"]));
    let again = harness.sweep(REMEDIATION).await;
    assert_eq!((again.incomplete(), again.summary.compliant), (None, 2));
    assert_eq!(writes(&harness.cloud, seen), ["CreateFlowLog"]);
}

#[tokio::test]
async fn a_sweep_of_many_resources_creates_their_destination_once_and_reads_it_once_where_all_is_well() {
    let harness = harness(CREATE).await;
    for _ in 0..20 {
        harness.cloud.create_vpc(&[]).await.unwrap();
    }
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.incomplete(), harness.cloud.flow_logs().len()), (None, 20), "{report:#?}");
    for action in ["GetProject", "CreateProject", "CreateLogStore", "CreateIndex"] {
        assert_eq!(harness.cloud.calls_of(action).len(), 1, "{action}");
    }
    assert_eq!(reads(&harness, REMEDIATION).await, ["GetLogStore", "GetIndex"]);
}

/// The reads of Log Service in a sweep in which nothing is to do.
async fn reads(harness: &Harness, by: Capabilities) -> Vec<String> {
    let seen = harness.calls();
    let report = harness.sweep(by).await;
    assert_eq!((report.incomplete(), changed(&report).len()), (None, 0), "{report:#?}");
    let calls = harness.cloud.calls().split_off(seen);
    let of_log_service = calls.into_iter().filter(|call| !call.action.starts_with("Describe"));
    of_log_service.map(|call| call.action).collect()
}

#[tokio::test]
async fn a_sweep_reads_no_destination_that_it_may_not_create_or_that_no_flow_log_writes_to() {
    let without = Harness::new("").await;
    without.kept_vpc(&[]).await;
    assert_eq!(reads(&without, REMEDIATION).await, [""; 0], "the policy does not say create_destination");
    let unused = harness(CREATE).await;
    assert_eq!(reads(&unused, REMEDIATION).await, [""; 0], "no flow log");
    let scheduled = harness(&format!("{CREATE}{ALWAYS}")).await;
    scheduled.cloud.with_log_store(OWN_ACCOUNT, "cn-hangzhou", "flowlog", "vpc");
    scheduled.kept_vpc(&[]).await;
    assert_eq!(reads(&scheduled, ACTIVATION).await, [""; 0], "this function creates nothing");
    assert_eq!(reads(&scheduled, DELETION).await, [""; 0], "nor does this one");
}

#[tokio::test]
async fn without_create_destination_a_missing_destination_is_a_failure_that_names_the_setting() {
    let harness = harness("").await;
    let report = new_vpc(&harness).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    let error = item.error.as_ref().unwrap();
    assert_eq!((item.outcome, error.code.as_str()), (Outcome::Failed, "ProjectOrLogstoreNotExist"));
    assert!(error.advice.contains("create_destination"), "{}", error.advice);
    assert_eq!(report.summary.findings, 1);
    assert!(harness.cloud.calls().iter().all(|call| !call.action.starts_with("Get")));
}

#[tokio::test]
async fn a_dry_run_notices_a_missing_destination_and_says_what_it_would_create() {
    let mut harness = harness(CREATE).await;
    harness.dry_run = true;
    harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.create_vpc(&[]).await.unwrap();
    let report = harness.sweep(REMEDIATION).await;
    let mut planned: Vec<_> = report.results.iter().map(|item| (item.outcome, item.action.unwrap().as_str())).collect();
    planned.sort_by_key(|(_, action)| *action);
    let expected = ["CreateFlowLog", "CreateFlowLog", "CreateIndex", "CreateLogStore", "CreateProject"];
    assert_eq!(planned, expected.map(|action| (Outcome::Planned, action)));
    assert_eq!((harness.cloud.calls_of("GetProject").len(), writes(&harness.cloud, 0).len()), (1, 0));

    let mut not_asked = with("", Options::default()).await;
    not_asked.dry_run = true;
    not_asked.cloud.create_vpc(&[]).await.unwrap();
    let said = not_asked.sweep(REMEDIATION).await;
    let finding = said.results.iter().find(|item| item.outcome == Outcome::Skipped).unwrap();
    assert!(finding.is_finding && finding.reason.contains("create_destination"), "{}", finding.reason);
    assert_eq!(said.incomplete(), None);
    not_asked.cloud.with_log_store(OWN_ACCOUNT, "cn-hangzhou", "flowlog", "vpc");
    assert_eq!(not_asked.sweep(REMEDIATION).await.results.len(), 1, "it is there now");
}

#[tokio::test]
async fn killed_between_any_two_calls_the_next_run_completes_the_destination() {
    let undisturbed = harness(CREATE).await;
    let before = undisturbed.calls();
    new_vpc(&undisturbed).await;
    let calls = undisturbed.calls() - before - 1;
    assert!(calls > 6, "{calls}");
    for fault in KILLS {
        for after in 0..calls {
            let when = format!("{} at call {}", fault.name(), after + 1);
            let harness = harness(CREATE).await;
            let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
            let named = [vpc.as_str()];
            let run = || harness.look(CREATION, &named, jiff::SignedDuration::ZERO, 10 * MINUTE);
            harness.cloud.fail_after(after.try_into().unwrap(), "*", fault);
            assert!(harness.until_killed(run()).await.is_none(), "{when}");
            harness.cloud.heal();
            let report = run().await;
            assert_eq!(report.incomplete(), None, "{when}: {report:#?}");
            assert!(harness.cloud.flow_log_of(&vpc).is_some(), "{when}");
            let mut made = writes(&harness.cloud, 0);
            made.sort();
            assert_eq!(made, ["CreateFlowLog", "CreateIndex", "CreateLogStore", "CreateProject"], "{when}");
        }
    }
}

/// The state of the destination: whether it has an index, and for how long it keeps what is written to it.
fn destination(cloud: &LocalCloud) -> Option<(bool, u64)> {
    log_store(cloud).map(|found| (found.index.is_some(), found.retention_days))
}

#[tokio::test]
async fn killed_at_any_two_moments_a_sweep_completes_the_destination() {
    let mut was_without_index = 0;
    let (mut after, mut after_again) = (0, 0);
    loop {
        let when = format!("killed at call {}, and then at call {}", after + 1, after_again + 1);
        let harness = harness(CREATE).await;
        let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
        let named = [vpc.as_str()];
        let run = async |calls| {
            // A process that is killed before a call has seen the effects of all calls before it.
            harness.cloud.fail_after(calls, "*", Fault::Hang);
            let look = harness.look(CREATION, &named, jiff::SignedDuration::ZERO, 10 * MINUTE);
            let is_whole = harness.until_killed(look).await.is_some();
            harness.cloud.heal();
            is_whole
        };
        let is_first_whole = run(after).await;
        let is_second_whole = run(after_again).await;
        let has_flow_log = harness.cloud.flow_log_of(&vpc).is_some();
        was_without_index += u32::from(has_flow_log && destination(&harness.cloud) == Some((false, 180)));
        // Nobody sends the event again. The next sweep is a timer's.
        let report = harness.sweep(REMEDIATION).await;
        assert_eq!(report.incomplete(), None, "{when}: {report:#?}");
        assert_eq!(destination(&harness.cloud), Some((true, 180)), "{when}");
        assert!(harness.cloud.flow_log_of(&vpc).is_some(), "{when}");
        let mut made = writes(&harness.cloud, 0);
        made.sort();
        assert_eq!(made, ["CreateFlowLog", "CreateIndex", "CreateLogStore", "CreateProject"], "{when}");
        match (is_first_whole, is_second_whole) {
            (true, true) => break,
            (false, true) => (after, after_again) = (after + 1, 0),
            (_, false) => after_again += 1,
        }
    }
    assert!(was_without_index > 0, "otherwise this shows nothing");
}

/// A harness with a flow log of Flowkeeper's that writes to a Logstore without an index, for 30 days.
async fn half_made() -> Harness {
    let harness = harness(CREATE).await;
    harness.cloud.with_log_store(OWN_ACCOUNT, "cn-hangzhou", "flowlog", "vpc");
    harness.cloud.edit_log_store("flowlog", "vpc", |it| it.retention_days = 30);
    harness.kept_vpc(&[]).await;
    harness
}

#[tokio::test]
async fn a_sweep_completes_what_flow_logs_write_to_and_killed_anywhere_the_next_one_does() {
    let undisturbed = half_made().await;
    let before = undisturbed.calls();
    let report = undisturbed.sweep(REMEDIATION).await;
    assert_eq!((report.incomplete(), changed(&report)), (None, vec!["UpdateLogStore", "CreateIndex"]), "{report:#?}");
    let calls = undisturbed.calls() - before;
    for kill in KILLS {
        for after in 0..calls {
            let when = format!("{kill:?} at call {}", after + 1);
            let harness = half_made().await;
            harness.cloud.fail_after(after.try_into().unwrap(), "*", kill);
            assert!(harness.until_killed(harness.sweep(REMEDIATION)).await.is_none(), "{when}");
            harness.cloud.heal();
            let next = harness.sweep(REMEDIATION).await;
            assert_eq!(next.incomplete(), None, "{when}: {next:#?}");
            assert_eq!(destination(&harness.cloud), Some((true, 180)), "{when}");
            let mut made = writes(&harness.cloud, 0);
            made.retain(|action| action != "CreateFlowLog");
            assert_eq!(made, ["UpdateLogStore", "CreateIndex"], "{when}");
        }
    }
}

#[tokio::test]
async fn an_index_that_somebody_else_made_is_never_replaced() {
    let harness = half_made().await;
    let theirs = json!({"keys": {"their-field": {"type": "text", "token": [","]}}});
    harness.cloud.edit_log_store("flowlog", "vpc", |it| it.index = Some(theirs.clone()));
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.incomplete(), changed(&report)), (None, vec!["UpdateLogStore"]), "{report:#?}");
    assert_eq!(log_store(&harness.cloud).unwrap().index, Some(theirs.clone()));

    // A read that does not show it yet does no harm either.
    harness.cloud.fail("GetIndex", Fault::Code("IndexConfigNotExist"), 1);
    let again = harness.sweep(REMEDIATION).await;
    assert_eq!((again.incomplete(), changed(&again).len()), (None, 0), "{again:#?}");
    assert_eq!(harness.cloud.calls_of("CreateIndex").len(), 1, "it was tried, and refused");
    assert_eq!(log_store(&harness.cloud).unwrap().index, Some(theirs));
}

#[tokio::test]
async fn a_dry_run_says_what_a_sweep_would_complete_and_completes_nothing() {
    let mut harness = half_made().await;
    harness.dry_run = true;
    let report = harness.sweep(REMEDIATION).await;
    let planned: Vec<_> = report.results.iter().filter(|item| item.outcome == Outcome::Planned).collect();
    let [retention, index] = planned[..] else { panic!("{report:#?}") };
    assert_eq!(retention.reason, "flowlog/vpc keeps records for 30 days, and the policy asks for 180");
    assert_eq!(index.reason, "flowlog/vpc has no index, so flow logs in it could not be searched");
    assert!(retention.is_finding && index.is_finding);
    assert_eq!(destination(&harness.cloud), Some((false, 30)));
}

#[tokio::test]
async fn a_destination_that_was_deleted_under_its_flow_logs_is_created_again() {
    let harness = half_made().await;
    harness.cloud.without_project(OWN_ACCOUNT, "cn-hangzhou", "flowlog");
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!(changed(&report), ["CreateProject", "CreateLogStore", "CreateIndex"], "{report:#?}");
    assert_eq!(destination(&harness.cloud), Some((true, 180)));
}

#[tokio::test]
async fn a_destination_in_use_that_may_not_be_read_is_a_finding_and_fails_no_sweep() {
    let harness = half_made().await;
    harness.cloud.fail("GetLogStore", Fault::Code("Unauthorized"), 1);
    let report = harness.sweep(REMEDIATION).await;
    let finding = report.results.iter().find(|item| item.is_finding).unwrap();
    assert!(finding.reason.contains("flowlog/vpc, which flow logs write to, could not be read"), "{finding:#?}");
    assert_eq!((report.incomplete(), finding.outcome), (None, Outcome::Skipped), "{report:#?}");
}

#[tokio::test]
async fn many_runs_at_once_create_one_destination() {
    let harness = harness(CREATE).await;
    let mut vpcs = Vec::new();
    for _ in 0..6 {
        vpcs.push(harness.cloud.create_vpc(&[]).await.unwrap());
    }
    let runs = vpcs
        .iter()
        .map(async |vpc| harness.look(CREATION, &[vpc.as_str()], jiff::SignedDuration::ZERO, 10 * MINUTE).await);
    let reports = futures_util::future::join_all(runs).await;
    assert!(reports.iter().all(|report| report.incomplete().is_none()), "{reports:#?}");
    let mut made = writes(&harness.cloud, 0);
    made.retain(|action| action != "CreateFlowLog");
    made.sort();
    assert_eq!(
        (made, harness.cloud.flow_logs().len()),
        (["CreateIndex", "CreateLogStore", "CreateProject"].map(str::to_owned).into(), 6)
    );
}

#[tokio::test]
async fn many_sweeps_at_once_complete_one_destination() {
    let harness = half_made().await;
    let reports = futures_util::future::join_all((0..6).map(|_| harness.sweep(REMEDIATION))).await;
    assert!(reports.iter().all(|report| report.incomplete().is_none()), "{reports:#?}");
    assert_eq!(destination(&harness.cloud), Some((true, 180)));
    let made = writes(&harness.cloud, 0);
    assert_eq!(made.iter().filter(|action| *action == "CreateIndex").count(), 1, "{made:?}");
    let claimed = reports.iter().flat_map(changed).filter(|action| *action == "CreateIndex").count();
    assert_eq!(claimed, 1, "nobody claims what another has made");
}

#[tokio::test]
async fn what_cannot_be_seen_yet_is_waited_for() {
    let seen_after = Duration::from_secs(20);
    let harness = with(CREATE, Options { destinations_seen_after: seen_after, ..Options::default() }).await;
    let report = new_vpc(&harness).await;
    assert_eq!(report.incomplete(), None, "{report:#?}");
    assert_eq!(changed(&report).len(), 4);
    assert!(harness.waited() >= seen_after && harness.waited() < 2 * MINUTE, "{:?}", harness.waited());
}

#[tokio::test]
async fn a_name_that_another_account_owns_and_a_full_quota_are_clear_failures() {
    let taken = harness(CREATE).await;
    taken.cloud.with_log_store(SECOND_ACCOUNT, "cn-hangzhou", "flowlog", "vpc");
    let refused = new_vpc(&taken).await;
    let [(destination, code), (flow_log, _)] = failed(&refused)[..] else { panic!("{refused:#?}") };
    assert_eq!(code, "Unauthorized");
    assert!(destination.ends_with("this function may not read it, or it belongs to another account"), "{destination}");
    assert!(flow_log.ends_with("could not be created: what it would write to could not be created"), "{flow_log}");

    let elsewhere = harness(CREATE).await;
    elsewhere.cloud.with_log_store(OWN_ACCOUNT, "cn-shanghai", "flowlog", "vpc");
    let in_use = new_vpc(&elsewhere).await;
    assert_eq!(failed(&in_use)[0], ("the project flowlog could not be created", "ProjectAlreadyExist"));

    let full = with(CREATE, Options { project_quota: 0, ..Options::default() }).await;
    let report = new_vpc(&full).await;
    assert_eq!(failed(&report)[0], ("the project flowlog could not be created", "ProjectQuotaExceed"));
    assert!(report.results[0].error.as_ref().unwrap().advice.contains("quota"));
    assert!(report.incomplete().is_some() && full.cloud.flow_logs().is_empty());
}

#[tokio::test]
async fn retention_that_is_too_short_is_raised_by_remediation_alone_and_never_lowered() {
    let harness = harness(CREATE).await;
    new_vpc(&harness).await;
    for (days, by_event, by_sweep) in [(30, 30, 180), (3650, 3650, 3650)] {
        harness.cloud.edit_log_store("flowlog", "vpc", |it| it.retention_days = days);
        let report = new_vpc(&harness).await;
        assert_eq!((report.incomplete(), log_store(&harness.cloud).unwrap().retention_days), (None, by_event));
        harness.cloud.create_vpc(&[]).await.unwrap();
        let sweep = harness.sweep(REMEDIATION).await;
        assert_eq!(
            (sweep.incomplete(), log_store(&harness.cloud).unwrap().retention_days),
            (None, by_sweep),
            "{sweep:#?}"
        );
    }
}

#[tokio::test]
async fn an_index_that_is_missing_is_created_after_the_flow_log() {
    let harness = harness(CREATE).await;
    harness.cloud.with_log_store(OWN_ACCOUNT, "cn-hangzhou", "flowlog", "vpc");
    let report = new_vpc(&harness).await;
    assert_eq!(changed(&report), ["CreateFlowLog", "CreateIndex"], "{report:#?}");
}

#[tokio::test]
async fn a_lost_answer_of_each_write_is_followed_by_a_read() {
    for action in ["CreateProject", "CreateLogStore", "CreateIndex"] {
        let harness = harness(CREATE).await;
        harness.cloud.fail(action, Fault::AnswerLost, 1);
        let report = new_vpc(&harness).await;
        assert_eq!((report.incomplete(), changed(&report).len()), (None, 4), "{action}: {report:#?}");
        assert_eq!(harness.cloud.calls_of(action).len(), 1, "{action} is not repeated blindly");
    }
}

#[tokio::test]
async fn in_another_account_the_destination_is_created_there() {
    let more =
        format!("{CREATE}accounts: [{{id: '{SECOND_ACCOUNT}', role: '{SECOND_ACCOUNT_ROLE}'}}]\nown_account: false\n");
    let harness = harness(&more).await;
    harness.cloud.operator(SECOND_ACCOUNT, "cn-hangzhou").create_vpc(&[]).await.unwrap();
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!(report.incomplete(), None, "{report:#?}");
    let owners: Vec<_> = harness.cloud.log_projects().into_iter().map(|project| project.place.account).collect();
    assert_eq!(owners, [SECOND_ACCOUNT]);
}
