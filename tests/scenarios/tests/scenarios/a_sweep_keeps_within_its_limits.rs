use std::time::Duration;

use flow_log::{Action, Verdict};
use local_cloud::{Fault, Options, Rewrite};
use reconcile::{Outcome, Report};
use scenarios::{DELETION, Harness, REMEDIATION};

/// A harness with `kept` VPCs that have a compliant flow log, and `bare` VPCs that have none.
async fn harness(more_policy: &str, kept: usize, bare: usize) -> Harness {
    let options = Options { quota: 100_000, rate_limit: true, ..Options::default() };
    let harness = Harness::with(more_policy, options).await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    let others = harness.cloud.copy_vpc(&vpc, kept - 1);
    harness.cloud.copy_flow_log(&flow_log, &others);
    harness.cloud.copy_vpc(&vpc, bare);
    harness
}

fn outcomes(report: &Report, outcome: Outcome) -> usize {
    report.results.iter().filter(|item| item.outcome == outcome).count()
}

#[tokio::test]
async fn ten_thousand_vpcs_are_swept_in_as_many_calls_as_there_are_pages_and_repairs() {
    let harness = harness("limits: {max_changes: 200}\n", 9_900, 100).await;
    let before = harness.calls();
    let report = harness.sweep_within(REMEDIATION, Duration::from_secs(3600)).await;
    assert!(report.incomplete().is_none(), "{:?}", report.incomplete());
    assert_eq!((report.summary.checked, report.summary.compliant, report.summary.changed), (10_000, 9_900, 100));
    let calls: Vec<_> = harness.cloud.calls().into_iter().skip(before).map(|call| call.action).collect();
    let count = |action: &str| calls.iter().filter(|call| *call == action).count();
    assert_eq!((count("DescribeVpcs"), count("DescribeFlowLogs")), (10_000 / 50, 9_900 / 50));
    assert_eq!((count("CreateFlowLog"), calls.len()), (100, 200 + 198 + 100));
    assert_eq!(report.summary.unlisted, 9_900 - 200, "the report stays small");

    harness.cloud.finish_transitions();
    let again = harness.sweep_within(REMEDIATION, Duration::from_secs(3600)).await;
    assert_eq!((again.summary.compliant, again.summary.changed), (10_000, 0));
}

/// Changes this many flow logs, as somebody else might.
fn tamper(harness: &Harness, count: usize, edit: fn(&mut local_cloud::FlowLog)) {
    for flow_log in harness.cloud.flow_logs().into_iter().take(count) {
        harness.cloud.edit_flow_log(&flow_log.id, edit);
    }
}

/// A harness in which every flow log has the name that the policy gives it. Copies otherwise keep the original's name.
async fn named_harness(more_policy: &str, kept: usize, bare: usize) -> Harness {
    let harness = harness(more_policy, kept, bare).await;
    for flow_log in harness.cloud.flow_logs() {
        harness.cloud.edit_flow_log(&flow_log.id, |it| it.name = format!("flowkeeper-{}", it.resource_id));
    }
    harness
}

#[tokio::test]
async fn a_sweep_that_exceeds_a_limit_refuses_only_that_and_still_repairs() {
    let harness = named_harness("", 300, 5).await;
    tamper(&harness, 51, |it| it.name = "theirs".into());
    for flow_log in harness.cloud.flow_logs().iter().skip(60).take(3) {
        harness.cloud.edit_flow_log(&flow_log.id, |it| it.status = "Inactive".into());
    }
    let report = harness.sweep(REMEDIATION).await;
    let why = report.incomplete().unwrap();
    assert_eq!(why.error_type, "TooManyChanges");
    for part in
        ["1000000000000001 in cn-hangzhou", "51 changes are more than max_changes: 50", "raise limits.max_changes"]
    {
        assert!(why.message.contains(part), "{}", why.message);
    }
    assert_eq!(outcomes(&report, Outcome::Skipped), 51);
    let refused = report.results.iter().find(|item| item.outcome == Outcome::Skipped).unwrap();
    assert_eq!((refused.verdict, refused.action), (Some(Verdict::Drifted), Some(Action::ModifyFlowLogAttribute)));
    assert!(refused.reason.ends_with("not done, as the sweep would change too much"), "{}", refused.reason);
    assert_eq!((report.summary.findings, report.summary.changed), (51, 8), "five were made, three switched on");
    assert!(harness.cloud.calls_of("ModifyFlowLogAttribute").is_empty());
    assert_eq!(report.summary.limits.len(), 1, "{:?}", report.summary.limits);
}

#[tokio::test]
async fn the_first_sweep_of_a_region_covers_every_vpc_in_it() {
    let harness = harness("", 1, 60).await;
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.incomplete(), report.summary.changed, report.summary.uncovered), (None, 60, 0));
}

#[tokio::test]
async fn a_mass_deletion_and_a_mass_stop_by_others_are_repaired_by_the_next_sweep() {
    let harness = named_harness("", 60, 0).await;
    for flow_log in harness.cloud.flow_logs() {
        harness.cloud.call("DeleteFlowLog", &[("FlowLogId", &flow_log.id)]).await.unwrap();
    }
    harness.cloud.finish_transitions();
    let recreated = harness.sweep(REMEDIATION).await;
    assert_eq!((recreated.incomplete(), recreated.summary.changed), (None, 60));
    harness.cloud.finish_transitions();
    tamper(&harness, 60, |it| it.status = "Inactive".into());
    let activated = harness.sweep(REMEDIATION).await;
    assert_eq!((activated.incomplete(), activated.summary.changed), (None, 60));
    assert!(harness.cloud.flow_logs().iter().all(|it| it.status != "Inactive"));
}

#[tokio::test]
async fn a_percentage_of_the_resources_counts_above_ten_changes() {
    for (kept, renamed, is_done) in [(11, 10, true), (21, 11, false), (37, 11, true)] {
        let harness = named_harness("", kept, 0).await;
        tamper(&harness, renamed, |it| it.name = "theirs".into());
        let report = harness.sweep(REMEDIATION).await;
        assert_eq!(report.incomplete().is_none(), is_done, "{renamed} of {kept}");
        assert_eq!(report.summary.changed, if is_done { renamed } else { 0 });
        let says = report.summary.limits.iter().any(|limit| limit.contains("raise limits.max_changes_percent"));
        assert_eq!(says, !is_done, "{:?}", report.summary.limits);
    }
}

#[tokio::test]
async fn new_flow_logs_have_a_limit_of_their_own_which_is_off_unless_the_policy_sets_it() {
    let harness = named_harness("limits: {max_creations: 3}\n", 20, 4).await;
    tamper(&harness, 2, |it| it.name = "theirs".into());
    let report = harness.sweep(REMEDIATION).await;
    let why = report.incomplete().unwrap();
    assert_eq!(why.error_type, "TooManyChanges");
    assert!(why.message.contains("4 new flow logs are more than max_creations: 3"), "{}", why.message);
    assert_eq!((report.summary.changed, report.summary.uncovered), (2, 4), "what it does not count goes on");
    assert_eq!(harness.cloud.calls_of("CreateFlowLog").len(), 1, "the one of the set-up");
}

#[tokio::test]
async fn a_dry_run_lists_the_changes_and_reports_what_the_limits_would_refuse() {
    let mut harness = named_harness("", 70, 5).await;
    tamper(&harness, 60, |it| it.name = "theirs".into());
    harness.dry_run = true;
    let report = harness.sweep(REMEDIATION).await;
    assert!(report.incomplete().is_none());
    assert_eq!((report.summary.planned, report.summary.changed), (65, 0));
    let [limit] = report.summary.limits.as_slice() else { panic!("{:?}", report.summary) };
    assert!(limit.contains("60 changes are more than max_changes: 50; raise limits.max_changes"), "{limit}");
    assert_eq!(harness.cloud.calls_of("CreateFlowLog").len(), 1);
    harness.dry_run = false;
    assert_eq!(harness.sweep(REMEDIATION).await.incomplete().unwrap().error_type, "TooManyChanges");
}

#[tokio::test]
async fn orphans_are_deleted_within_the_same_limits() {
    let mut harness = harness("", 100, 0).await;
    let vpcs: Vec<_> = harness.cloud.vpcs().into_iter().map(|vpc| vpc.id).collect();
    for vpc in &vpcs[..51] {
        harness.cloud.call("DeleteVpc", &[("VpcId", vpc)]).await.unwrap();
    }
    harness.wait_until("2026-03-02T13:00:00+08:00");
    let report = harness.sweep(DELETION).await;
    assert_eq!(report.incomplete().unwrap().error_type, "TooManyChanges");
    assert_eq!(outcomes(&report, Outcome::Skipped), 51);
    assert_eq!((harness.cloud.flow_logs().len(), report.summary.checked), (100, 100));
    harness.dry_run = true;
    let shown = harness.sweep(DELETION).await;
    assert_eq!((shown.incomplete(), shown.summary.planned, shown.summary.limits.len()), (None, 51, 1));
    assert_eq!(harness.cloud.flow_logs().len(), 100);
}

#[tokio::test]
async fn a_sweep_stops_in_time_and_the_rest_is_unfinished() {
    let harness = harness("limits: {max_changes: 500, max_changes_percent: 100}\n", 1, 200).await;
    // At ten calls a second, the pages take one second and each repair a tenth of a second.
    let report = harness.sweep_within(REMEDIATION, Duration::from_secs(9)).await;
    let summary = &report.summary;
    assert!(summary.changed > 20 && summary.unfinished > 20, "{summary:?}");
    // The outcome of a call that was in flight at the deadline is not known.
    assert!(summary.failed <= 1 && summary.changed + summary.unfinished + summary.failed == 200, "{summary:?}");
    assert_eq!(report.incomplete().unwrap().error_type, "Incomplete");
    harness.cloud.finish_transitions();
    let rest = harness.sweep(REMEDIATION).await;
    assert!(rest.incomplete().is_none() && rest.summary.changed >= summary.unfinished, "the next sweep finds the rest");
    assert_eq!(harness.cloud.flow_logs().len(), 201);
}

#[tokio::test]
async fn the_sweep_is_as_fast_as_the_quota_allows_and_is_never_throttled() {
    let harness = harness("", 1000, 0).await;
    let (before, start) = (harness.calls(), harness.now());
    harness.sweep(REMEDIATION).await;
    let calls = harness.cloud.calls().split_off(before);
    assert!(calls.iter().all(|call| call.code.is_none()), "{calls:#?}");
    let took = harness.now().duration_since(start);
    assert!(took.as_secs() <= 2, "{took:?} for {} calls", calls.len());
}

#[tokio::test]
async fn a_page_that_is_throttled_in_the_middle_loses_nothing() {
    let harness = harness("", 500, 5).await;
    for fault in [Fault::Throttled, Fault::Unavailable] {
        harness.cloud.fail("DescribeVpcs", fault, 2);
        harness.cloud.fail("DescribeFlowLogs", fault, 2);
        let report = harness.sweep(REMEDIATION).await;
        assert!(report.incomplete().is_none(), "{:?}", report.incomplete());
        assert_eq!(report.summary.checked, 505);
        harness.cloud.finish_transitions();
    }
    assert_eq!(harness.cloud.flow_logs().len(), 505);
}

#[tokio::test]
async fn only_modifications_replacements_and_unscheduled_pauses_count_towards_the_limits() {
    const OFFICE_HOURS: &str = "schedule: office-hours\n\
        schedules: {office-hours: {time_zone: Asia/Shanghai, on: [\"Sat 07:00-08:00\"]}}\n";
    let of_project: fn(&mut local_cloud::FlowLog) = |it| it.project = "theirs".into();
    for (policy, is_refused, edit) in [
        ("", true, (|it| it.name = "theirs".into()) as fn(&mut local_cloud::FlowLog)),
        ("replace: true\n", true, of_project),
        ("", false, of_project),
        ("", false, |it| it.status = "Inactive".into()),
        ("schedule: never\n", true, |_| {}),
        (OFFICE_HOURS, false, |_| {}),
    ] {
        let harness =
            named_harness(&format!("{policy}limits: {{max_changes: 2, max_changes_percent: 100}}\n"), 3, 0).await;
        tamper(&harness, 3, edit);
        let before = harness.calls();
        let report = harness.sweep(REMEDIATION).await;
        assert_eq!(report.incomplete().is_some(), is_refused, "{policy}{report:#?}");
        let writes = harness.cloud.calls().split_off(before).iter().any(|call| !call.action.starts_with("Describe"));
        assert!(!(is_refused && writes), "a refused sweep writes nothing of what it refuses: {policy}");
    }
}

#[tokio::test]
async fn deactivation_by_tags_alone_is_limited_too() {
    let harness = Harness::new("limits: {max_changes: 2, max_changes_percent: 100}\n").await;
    for _ in 0..3 {
        harness.kept_vpc(&[("flowkeeper", "off")]).await;
    }
    let report = harness.sweep(scenarios::DEACTIVATION).await;
    assert_eq!(report.incomplete().unwrap().error_type, "TooManyChanges");
    assert!(harness.cloud.flow_logs().iter().all(|it| it.status == "Active"), "{report:#?}");
}

#[tokio::test]
async fn a_report_stays_small_however_many_resources_are_unchanged() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[("flowkeeper", "ignore")]).await.unwrap();
    harness.cloud.copy_vpc(&vpc, 999);
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.results.len(), report.summary.unlisted), (200, 800));
    assert_eq!((report.summary.checked, report.summary.skipped, report.summary.compliant), (1000, 1000, 1000));
    assert_eq!(report.summary.exceptions, 1000, "they are left alone on purpose");
}

#[tokio::test]
async fn a_flow_log_that_cannot_be_read_does_not_relax_the_limits() {
    let harness = named_harness("", 21, 0).await;
    tamper(&harness, 20, |it| it.name = "theirs".into());
    let odd = harness.cloud.flow_logs().pop().unwrap().id;
    let unreadable = Rewrite::value(move |json| {
        for it in json["FlowLogs"]["FlowLog"].as_array_mut().unwrap() {
            if it["FlowLogId"] == odd.as_str() {
                it["ResourceId"] = serde_json::json!({});
            }
        }
    });
    harness.cloud.rewrite("DescribeFlowLogs", unreadable, u32::MAX);
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!(report.incomplete().unwrap().error_type, "TooManyChanges", "{report:#?}");
    assert!(harness.cloud.calls_of("ModifyFlowLogAttribute").is_empty());
}
