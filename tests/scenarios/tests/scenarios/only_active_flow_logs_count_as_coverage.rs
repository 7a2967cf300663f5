use std::time::Duration;

use flow_log::{Action, Verdict};
use jiff::SignedDuration;
use local_cloud::{FlowLog, Options, Rewrite, Transitions};
use reconcile::Outcome;
use scenarios::{ACTIVATION, CREATION, DEACTIVATION, DELETION, ECR_CREATION, Harness, REMEDIATION};
use serde_json::Value;

type Edit = fn(&mut FlowLog);

/// A VPC with two own flow logs on it.
///
/// The API refuses to create a second flow log, but SLS may create one.
async fn vpc_with_two(harness: &Harness) -> (String, [String; 2]) {
    let (vpc, one) = harness.kept_vpc(&[]).await;
    harness.cloud.copy_flow_log(&one, std::slice::from_ref(&vpc));
    let other = harness.cloud.flow_logs().into_iter().map(|it| it.id).find(|id| *id != one).unwrap();
    (vpc, [one, other])
}

#[tokio::test]
async fn among_several_pages_of_vpcs_only_the_one_with_an_inactive_flow_log_is_found() {
    let harness = Harness::with("", Options { quota: 1000, ..Options::default() }).await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    let others = harness.cloud.copy_vpc(&vpc, 119);
    harness.cloud.copy_flow_log(&flow_log, &others);
    let off = harness.cloud.flow_log_of(&others[118]).unwrap().id;
    harness.cloud.edit_flow_log(&off, |it| it.status = "Inactive".into());

    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.summary.checked, report.summary.compliant, report.summary.changed), (120, 119, 1));
    let [done] = report.results.iter().filter(|item| item.outcome == Outcome::Done).collect::<Vec<_>>()[..] else {
        panic!("{report:#?}")
    };
    assert_eq!((done.verdict, done.action.map(Action::as_str)), (Some(Verdict::Inactive), Some("ActiveFlowLog")));
    assert_eq!((done.resource_id.as_ref(), done.flow_log_id.as_ref().unwrap().as_str()), (Some(&others[118]), &*off));
}

#[tokio::test]
async fn one_inactive_and_one_active_flow_log_on_a_vpc_are_one_verdict() {
    for off in 0..2 {
        let harness = Harness::new("").await;
        let (vpc, flow_logs) = vpc_with_two(&harness).await;
        harness.cloud.edit_flow_log(&flow_logs[off], |it| it.status = "Inactive".into());
        let report = harness.sweep(REMEDIATION).await;
        let [item] = report.results.as_slice() else { panic!("{report:#?}") };
        assert_eq!((item.resource_id.as_ref(), item.verdict), (Some(&vpc), Some(Verdict::Compliant)), "{item:#?}");
        assert_eq!((item.outcome, report.summary.changed), (Outcome::Skipped, 0));
        assert_eq!(item.flow_log_id.as_ref().unwrap().as_str(), flow_logs[1 - off], "the one that records");
        assert!(item.reason.contains(&flow_logs[off]), "the other one is named: {}", item.reason);
        assert_eq!(report.summary.findings, 1, "it is paid for, and records nothing");
    }
}

#[tokio::test]
async fn a_foreign_flow_log_next_to_an_own_one_is_reported_and_not_touched() {
    let harness = Harness::new("schedule: never\nreplace: true\n").await;
    let (_, [own, foreign]) = vpc_with_two(&harness).await;
    harness.cloud.edit_flow_log(&foreign, |it| it.tags.clear());
    let report = harness.sweep(REMEDIATION).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.action.map(Action::as_str), item.outcome), (Some("DeactiveFlowLog"), Outcome::Done));
    assert!(item.is_finding && item.reason.contains(&foreign), "{item:#?}");
    harness.cloud.finish_transitions();
    assert_eq!(harness.status(&own).as_deref(), Some("Inactive"));
    assert_eq!(harness.status(&foreign).as_deref(), Some("Active"), "what others made is left to them");
    harness.sweep(DELETION).await;
    assert_eq!(harness.cloud.flow_logs().len(), 2);
}

#[tokio::test]
async fn an_own_flow_log_is_not_replaced_while_a_second_one_holds_its_place() {
    let harness = Harness::new("replace: true\n").await;
    let (_, [own, foreign]) = vpc_with_two(&harness).await;
    harness.cloud.edit_flow_log(&own, |it| it.project = "theirs".into());
    harness.cloud.edit_flow_log(&foreign, |it| {
        it.tags.clear();
        it.status = "Inactive".into();
    });
    let report = harness.sweep(REMEDIATION).await;
    harness.cloud.finish_transitions();
    assert_eq!(harness.status(&own).as_deref(), Some("Active"), "no new one could be made, so the old one stays");
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.verdict, item.outcome, item.is_finding), (Some(Verdict::Drifted), Outcome::Skipped, true));
}

#[tokio::test]
async fn an_activating_flow_log_is_pending_and_neither_missing_nor_compliant() {
    let harness = Harness::with("", Options { transitions: Transitions::Explicit, ..Options::default() }).await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    assert_eq!(harness.sweep(REMEDIATION).await.summary.changed, 1);
    assert_eq!(harness.cloud.flow_log_of(&vpc).unwrap().status, "Activating");
    let again = harness.sweep(REMEDIATION).await;
    assert_eq!((again.results[0].verdict, again.results[0].outcome), (Some(Verdict::Pending), Outcome::Unchanged));
    assert_eq!((again.summary.compliant, again.summary.changed, harness.cloud.flow_logs().len()), (0, 0, 1));
}

#[tokio::test]
async fn a_change_that_was_reported_as_done_is_checked_like_any_other_state() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    let made = harness.sweep(REMEDIATION).await;
    assert_eq!(made.results[0].outcome, Outcome::Done);
    harness.cloud.finish_transitions();
    // The flow log was created, and has been deactivated since.
    let flow_log = harness.cloud.flow_log_of(&vpc).unwrap().id;
    harness.cloud.edit_flow_log(&flow_log, |it| it.status = "Inactive".into());
    let again = harness.sweep(REMEDIATION).await;
    assert_eq!(
        (again.results[0].verdict, again.results[0].action.map(Action::as_str)),
        (Some(Verdict::Inactive), Some("ActiveFlowLog"))
    );
    harness.cloud.finish_transitions();
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Active"));
}

#[tokio::test]
async fn an_unknown_status_is_no_coverage_and_is_left_alone() {
    for status in ["Hibernating", ""] {
        let harness = Harness::new("").await;
        let (vpc, flow_log) = harness.kept_vpc(&[]).await;
        harness.cloud.edit_flow_log(&flow_log, |it| it.status = status.into());
        for report in [
            harness.sweep(REMEDIATION).await,
            harness.look(CREATION, &[&vpc], SignedDuration::ZERO, Duration::from_secs(60)).await,
        ] {
            let [item] = report.results.as_slice() else { panic!("{status:?}: {report:#?}") };
            assert_eq!((item.verdict, item.outcome), (Some(Verdict::Inactive), Outcome::Skipped), "{item:#?}");
            assert!(item.is_finding && item.reason.contains(&format!("{status:?}")), "{}", item.reason);
        }
        assert_eq!(harness.status(&flow_log).as_deref(), Some(status));
    }
}

#[tokio::test]
async fn a_sweep_of_an_empty_region_succeeds_and_sends_no_empty_id_list() {
    let harness = Harness::new("ecr_flow_log: {project: ecr-flowlog, log_store: ecr}\n").await;
    for capabilities in [REMEDIATION, ACTIVATION, DEACTIVATION, DELETION, ECR_CREATION] {
        let report = harness.sweep(capabilities).await;
        assert!(report.incomplete().is_none() && report.results.is_empty(), "{report:#?}");
        assert_eq!(report.summary, reconcile::Summary::default());
    }
    let calls = harness.cloud.calls();
    assert!(calls.iter().all(|call| call.succeeded() && call.action.starts_with("Describe")), "{calls:#?}");
    assert!(calls.len() <= 3 * 2 + 1 + 1, "each list once: {calls:#?}");
}

/// A network interface in a VPC with an own flow log, where the policy's level is `network-interface`.
async fn covered_network_interface(policy: &str, edit: impl Fn(&mut FlowLog)) -> (Harness, String, String) {
    let harness = Harness::new(&format!("coverage: network-interface\n{policy}")).await;
    let (vpc, cover) = harness.kept_vpc(&[]).await;
    harness.cloud.edit_flow_log(&cover, edit);
    let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
    let interface = harness.cloud.create_network_interface(&vswitch).await.unwrap();
    (harness, interface, cover)
}

#[tokio::test]
async fn a_flow_log_on_the_vpc_that_records_too_little_for_the_network_interface_is_no_coverage() {
    let paths = "overrides: [{match: {regions: [cn-hangzhou]}, traffic_path: [internetGateway, natGateway]}]\n";
    let version = "overrides: [{match: {regions: [cn-hangzhou]}, ip_version: IPv4}]\n";
    let cases: [(&str, Edit, &str); 5] = [
        ("", |it| it.traffic_type = "Drop".into(), "traffic_type Drop, not All"),
        ("", |it| it.traffic_path = vec!["natGateway".into()], "traffic_path natGateway, not all"),
        (paths, |it| it.traffic_path = vec!["natGateway".into()], "not internetGateway,natGateway"),
        (version, |it| it.ip_version = "IPv6".into(), "ip_version IPv6, not IPv4"),
        (
            "",
            |it| {
                it.tags.clear();
                it.traffic_type = "Allow".into();
            },
            "traffic_type Allow, not All",
        ),
    ];
    for (policy, edit, lacks) in cases {
        let left_out = format!("{policy}remediate: [inactive]\n");
        let (harness, interface, cover) = covered_network_interface(&left_out, edit).await;
        let [swept, event] = [
            harness.sweep(REMEDIATION).await,
            harness.look(REMEDIATION, &[&interface], SignedDuration::ZERO, Duration::from_secs(60)).await,
        ];
        for report in [swept, event] {
            let item = report.results.iter().find(|it| it.resource_id.as_ref() == Some(&interface)).unwrap();
            assert_eq!((item.verdict, item.outcome), (Some(Verdict::Missing), Outcome::Skipped), "{report:#?}");
            let reason = format!("covered in part by {cover} on ");
            assert!(item.reason.contains(&reason) && item.reason.contains(lacks), "{lacks}: {}", item.reason);
            assert_eq!((report.summary.compliant, report.summary.uncovered), (0, 1), "{report:#?}");
        }
        let (repairing, repaired, _) = covered_network_interface(policy, edit).await;
        let report = repairing.sweep(REMEDIATION).await;
        assert_eq!((report.incomplete(), report.summary.changed), (None, 1), "{report:#?}");
        repairing.cloud.finish_transitions();
        assert_eq!(repairing.cloud.flow_log_of(&repaired).unwrap().status, "Active");
        assert_eq!(repairing.sweep(REMEDIATION).await.summary.changed, 0);
    }
}

#[tokio::test]
async fn a_flow_log_that_may_not_deliver_is_a_finding_and_uncovered() {
    let cases: [(Edit, &str); 7] = [
        (|it| it.business_status = "FinancialLocked".into(), "records nothing while its account is locked for unpaid"),
        (|it| it.business_status = "Resting".into(), "its business status is \"Resting\", and not Normal"),
        (|it| it.deliver_status = "Abnormal".into(), "its delivery is \"Abnormal\""),
        (
            |it| {
                it.deliver_status = "Abnormal".into();
                it.deliver_error_message = "ProjectNotExist".into();
            },
            "its delivery is \"Abnormal, ProjectNotExist\"",
        ),
        (|it| it.deliver_error_message = "UnknownError".into(), "its delivery is \"SUCCESS, UnknownError\""),
        (
            |it| {
                it.deliver_status = String::new();
                it.deliver_error_message = "UnavaliableTarget".into();
            },
            "does not arrive in flowlog/vpc: UnavaliableTarget",
        ),
        (
            |it| {
                it.deliver_status = "FAILED".into();
                it.deliver_error_message = "LogstoreNotExist".into();
            },
            "does not arrive in flowlog/vpc: LogstoreNotExist",
        ),
    ];
    for (edit, sentence) in cases {
        let own = Harness::new("").await;
        let (vpc, flow_log) = own.kept_vpc(&[]).await;
        own.cloud.edit_flow_log(&flow_log, edit);
        let theirs = Harness::new("").await;
        let (their_vpc, their_flow_log) = theirs.kept_vpc(&[]).await;
        theirs.cloud.edit_flow_log(&their_flow_log, |it| it.tags.clear());
        theirs.cloud.edit_flow_log(&their_flow_log, edit);
        let (part, interface, _) = covered_network_interface("", edit).await;
        for (harness, id) in [(own, vpc), (theirs, their_vpc), (part, interface)] {
            let seen = harness.calls();
            let swept = harness.sweep(REMEDIATION).await;
            let event = harness.look(REMEDIATION, &[&id], SignedDuration::ZERO, Duration::from_secs(60)).await;
            for report in [swept, event] {
                let item = report.results.iter().find(|it| it.resource_id.as_ref() == Some(&id)).unwrap();
                assert_eq!((item.verdict, item.outcome), (Some(Verdict::Undelivered), Outcome::Skipped), "{item:#?}");
                assert!(item.is_finding && item.reason.contains(sentence), "{sentence}: {}", item.reason);
                assert_eq!((report.summary.compliant, report.summary.uncovered), (0, 1), "{report:#?}");
            }
            assert!(harness.cloud.calls()[seen..].iter().all(|call| call.action.starts_with("Describe")));
        }
    }
}

#[tokio::test]
async fn a_flow_log_in_transition_for_more_than_an_hour_is_a_finding_and_uncovered() {
    for status in ["Activating", "Modifying"] {
        let options = || Options { transitions: Transitions::Explicit, ..Options::default() };
        let pending = async || {
            let harness = Harness::with("", options()).await;
            let (_, flow_log) = harness.kept_vpc(&[]).await;
            harness.cloud.edit_flow_log(&flow_log, |it| it.status = status.into());
            (harness, flow_log)
        };
        let (old, flow_log) = pending().await;
        old.wait_until("2026-03-02T13:01:00+08:00");
        let report = old.sweep(REMEDIATION).await;
        let [item] = report.results.as_slice() else { panic!("{report:#?}") };
        assert_eq!((item.verdict, item.outcome, item.is_finding), (Some(Verdict::Pending), Outcome::Skipped, true));
        let again = "and still was when it was read again; if it stays so, look at it in the VPC console";
        let sentence = format!("{flow_log} is {status}, {again}");
        assert_eq!(item.reason, sentence);
        assert_eq!((report.incomplete(), report.summary.checked, report.summary.uncovered), (None, 1, 1));

        let (young, _) = pending().await;
        young.wait_until("2026-03-02T12:59:00+08:00");
        let early = young.sweep(REMEDIATION).await;
        assert_eq!((early.results[0].verdict, early.summary.findings), (Some(Verdict::Pending), 0), "{early:#?}");
        assert_eq!(early.summary.uncovered, 0, "it is about to record");

        // The second read shows that it is active.
        let (settled, active) = pending().await;
        settled.cloud.edit_flow_log(&active, |it| it.status = "Active".into());
        settled.wait_until("2026-03-02T14:00:00+08:00");
        let before = move |answer: &mut Value| answer["FlowLogs"]["FlowLog"][0]["Status"] = status.into();
        settled.cloud.rewrite("DescribeFlowLogs", Rewrite::value(before), 1);
        let reread = settled.sweep(REMEDIATION).await;
        assert_eq!((reread.summary.findings, reread.summary.compliant), (0, 1), "{reread:#?}");

        let (ageless, _) = pending().await;
        ageless.wait_until("2026-03-02T14:00:00+08:00");
        let without = |answer: &mut Value| answer["FlowLogs"]["FlowLog"][0]["CreationTime"] = Value::Null;
        ageless.cloud.rewrite("DescribeFlowLogs", Rewrite::value(without), u32::MAX);
        let undated = ageless.sweep(REMEDIATION).await;
        assert_eq!((undated.results[0].verdict, undated.summary.findings), (Some(Verdict::Pending), 0), "{undated:#?}");
    }
}
