use std::time::Duration;

use flow_log::{Action, Verdict};
use jiff::SignedDuration;
use local_cloud::{Fault, Options};
use reconcile::Outcome;
use scenarios::{DELETION, Harness, REMEDIATION, whole_cloud};

const LATER: &str = "2026-03-02T13:00:00+08:00";

/// A harness with two of Flowkeeper's own flow logs: one on a VPC, and one whose VPC is gone.
async fn harness() -> (Harness, String, String) {
    let harness = Harness::new("").await;
    let (_, kept) = harness.kept_vpc(&[]).await;
    let (gone, orphan) = harness.kept_vpc(&[]).await;
    harness.cloud.call("DeleteVpc", &[("VpcId", &gone)]).await.unwrap();
    (harness, kept, orphan)
}

fn flow_logs(harness: &Harness) -> Vec<String> {
    harness.cloud.finish_transitions();
    harness.cloud.flow_logs().into_iter().map(|it| it.id).collect()
}

#[tokio::test]
async fn the_flow_log_of_a_deleted_resource_is_deleted() {
    let cloud = whole_cloud(Options::default()).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    assert_eq!(cloud.flow_logs().len(), 1);
    cloud.call("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
    cloud.settled().await.unwrap();
    assert!(cloud.flow_logs().is_empty());
    assert!(cloud.invocations().iter().all(|invocation| invocation.success), "{:#?}", cloud.invocations());
}

#[tokio::test]
async fn a_sweep_deletes_orphans_whose_event_was_lost() {
    let (harness, kept, orphan) = harness().await;
    harness.wait_until(LATER);
    let report = harness.sweep(DELETION).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.verdict, item.outcome), (Some(Verdict::Orphaned), Outcome::Done));
    assert_eq!(
        (item.action.map(Action::as_str), item.flow_log_id.as_ref().unwrap().as_str()),
        (Some("DeleteFlowLog"), orphan.as_str())
    );
    assert_eq!((report.summary.checked, report.summary.compliant, report.summary.findings), (2, 1, 0));
    assert_eq!(flow_logs(&harness), [kept]);
}

#[tokio::test]
async fn a_young_flow_log_is_no_orphan_because_its_resource_may_not_be_visible_yet() {
    let (harness, ..) = harness().await;
    let report = harness.sweep(DELETION).await;
    assert_eq!((report.results.len(), flow_logs(&harness).len()), (0, 2));
}

#[tokio::test]
async fn a_foreign_flow_log_is_never_deleted() {
    let (harness, _, orphan) = harness().await;
    harness.cloud.edit_flow_log(&orphan, |it| it.tags.clear());
    let resource = harness.cloud.flow_logs().into_iter().find(|it| it.id == orphan).unwrap().resource_id;
    harness.wait_until(LATER);
    harness.sweep(DELETION).await;
    let event = harness.look(DELETION, &[&resource], SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert_eq!((event.results[0].verdict, event.results[0].outcome), (Some(Verdict::Orphaned), Outcome::Skipped));
    assert!(event.results[0].reason.ends_with("others made it, and it is left alone"), "{event:#?}");
    assert_eq!(flow_logs(&harness).len(), 2);
    assert!(harness.cloud.calls_of("DeleteFlowLog").is_empty());
}

#[tokio::test]
async fn a_resource_that_cannot_be_read_is_not_gone() {
    let (harness, ..) = harness().await;
    harness.wait_until(LATER);
    harness.cloud.fail("DescribeVpcs", Fault::Code("Forbidden.RAM"), 1);
    let report = harness.sweep(DELETION).await;
    assert_eq!((report.summary.unknown, report.summary.changed), (1, 0));
    assert_eq!(flow_logs(&harness).len(), 2);
}

#[tokio::test]
async fn a_resource_that_is_still_visible_after_its_deletion_event_is_retried_later() {
    let harness = Harness::new("").await;
    let (vpc, _) = harness.kept_vpc(&[]).await;
    let report = harness.look(DELETION, &[&vpc], SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert_eq!((report.results[0].verdict, report.results[0].outcome), (Some(Verdict::Unknown), Outcome::Failed));
    let old = harness.look(DELETION, &[&vpc], SignedDuration::from_mins(20), Duration::from_secs(60)).await;
    assert_eq!(old.results[0].outcome, Outcome::Skipped, "{old:#?}");
    assert_eq!(flow_logs(&harness).len(), 1);
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_is_confirmed_by_a_read_and_not_repeated() {
    let (harness, kept, _) = harness().await;
    harness.wait_until(LATER);
    harness.cloud.fail("DeleteFlowLog", Fault::AnswerLost, 1);
    let report = harness.sweep(DELETION).await;
    assert_eq!((report.results[0].outcome, report.incomplete()), (Outcome::Done, None), "{report:#?}");
    assert_eq!(harness.cloud.calls_of("DeleteFlowLog").len(), 1);
    assert_eq!(flow_logs(&harness), [kept]);
}

#[tokio::test]
async fn remediation_reports_orphans_and_leaves_them() {
    let (harness, ..) = harness().await;
    harness.wait_until(LATER);
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!(report.summary.findings, 1, "{report:#?}");
    let orphan = report.results.iter().find(|item| item.verdict == Some(Verdict::Orphaned)).unwrap();
    assert_eq!((orphan.outcome, orphan.action), (Outcome::Skipped, None));
    assert_eq!(flow_logs(&harness).len(), 2);
}

#[tokio::test]
async fn an_orphan_of_an_excluded_resource_is_not_deleted() {
    let harness = Harness::new("").await;
    let (gone, _) = harness.kept_vpc(&[]).await;
    let excluding = Harness::new(&format!("exclude: {{ids: [{gone}]}}\n")).await;
    let (same, _) = excluding.kept_vpc(&[]).await;
    assert_eq!(gone, same, "both clouds count alike");
    excluding.cloud.call("DeleteVpc", &[("VpcId", &same)]).await.unwrap();
    excluding.wait_until(LATER);
    let report = excluding.sweep(DELETION).await;
    assert_eq!(report.results[0].outcome, Outcome::Skipped, "{report:#?}");
    assert_eq!(excluding.cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn the_flow_logs_of_existing_vswitches_are_kept() {
    let harness = Harness::new("coverage: vswitch\n").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    for _ in 0..3 {
        harness.cloud.create_vswitch(&vpc).await.unwrap();
    }
    harness.sweep(REMEDIATION).await;
    harness.cloud.finish_transitions();
    harness.wait_until(LATER);
    let report = harness.sweep(DELETION).await;
    // vSwitches are read one at a time, because the API does not document a way to ask for several.
    assert_eq!((flow_logs(&harness).len(), report.summary.changed, report.summary.compliant), (3, 0, 3), "{report:#?}");
}

#[tokio::test]
async fn one_read_without_a_resource_is_not_enough_to_delete_its_flow_log() {
    let harness = Harness::new("").await;
    harness.kept_vpc(&[]).await;
    harness.wait_until(LATER);
    harness.cloud.fail("DescribeVpcs", Fault::NotVisibleYet, 1);
    let report = harness.sweep(DELETION).await;
    assert_eq!((flow_logs(&harness).len(), report.summary.changed), (1, 0), "{report:#?}");
    assert_eq!((report.summary.checked, report.summary.compliant), (1, 1));
}

#[tokio::test]
async fn flow_logs_whose_resources_cannot_be_read_do_not_count_as_compliant() {
    let (harness, ..) = harness().await;
    harness.wait_until(LATER);
    harness.cloud.fail("DescribeVpcs", Fault::Code("Forbidden.RAM"), 1);
    let summary = harness.sweep(DELETION).await.summary;
    assert_eq!((summary.unknown, summary.compliant, summary.unlisted), (1, 0, 0));
}

#[tokio::test]
async fn orphans_that_are_left_alone_do_not_count_towards_the_limits() {
    let policy = "limits: {max_changes: 0}\n";
    let (gone, _) = Harness::new(policy).await.kept_vpc(&[]).await;
    let harness = Harness::new(&format!("{policy}exclude: {{ids: [{gone}]}}\n")).await;
    let (same, _) = harness.kept_vpc(&[]).await;
    harness.cloud.call("DeleteVpc", &[("VpcId", &same)]).await.unwrap();
    harness.wait_until(LATER);
    let report = harness.sweep(DELETION).await;
    assert_eq!((report.incomplete(), report.results[0].outcome), (None, Outcome::Skipped), "{report:#?}");
    assert!(report.results[0].reason.ends_with("the policy excludes it"), "{report:#?}");
}

#[tokio::test]
async fn network_interfaces_that_exceed_one_call_are_read_in_several() {
    let harness = Harness::with("coverage: network-interface\n", Options { quota: 2000, ..Options::default() }).await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
    let mut interfaces = Vec::new();
    for _ in 0..101 {
        interfaces.push(harness.cloud.create_network_interface(&vswitch).await.unwrap());
    }
    let (_, flow_log) = harness.kept_vpc(&[]).await;
    harness.cloud.copy_flow_log(&flow_log, &interfaces);
    harness.cloud.call("DeleteNetworkInterface", &[("NetworkInterfaceId", &interfaces[100])]).await.unwrap();
    harness.wait_until(LATER);
    let report = harness.sweep(DELETION).await;
    assert_eq!((report.incomplete(), report.summary.changed, report.summary.compliant), (None, 1, 101), "{report:#?}");
}

#[tokio::test]
async fn a_flow_log_that_is_gone_or_being_deleted_is_not_deleted_again() {
    let (harness, _, orphan) = harness().await;
    harness.wait_until(LATER);
    harness.cloud.fail("DeleteFlowLog", Fault::Code("InvalidInstanceId.NotFound"), 1);
    // The list still shows it, but a read by its id does not.
    harness.cloud.fail_after(1, "DescribeFlowLogs", Fault::NotVisibleYet);
    let report = harness.sweep(DELETION).await;
    assert_eq!((report.results[0].outcome, report.incomplete()), (Outcome::Unchanged, None), "{report:#?}");
    assert!(report.results[0].reason.ends_with("somebody else has deleted it"), "{report:#?}");

    let resource = harness.cloud.flow_logs().into_iter().find(|it| it.id == orphan).unwrap().resource_id;
    harness.cloud.edit_flow_log(&orphan, |it| it.status = "Deleting".into());
    let swept = harness.sweep(DELETION).await;
    assert_eq!((swept.results.len(), swept.summary.checked), (0, 1), "{swept:#?}");
    let event = harness.look(DELETION, &[&resource], SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert_eq!(
        (event.results[0].outcome, event.results[0].action.map(Action::as_str)),
        (Outcome::Skipped, None),
        "{event:#?}"
    );
    assert_eq!(harness.cloud.calls_of("DeleteFlowLog").len(), 1);
}

#[tokio::test]
async fn remediation_reports_no_orphan_that_is_young_or_foreign_or_at_a_level_it_did_not_read() {
    let (harness, _, orphan) = harness().await;
    let findings = async || harness.sweep(REMEDIATION).await.summary.findings;
    assert_eq!(findings().await, 0, "its resource may not be seen yet");
    harness.wait_until(LATER);
    assert_eq!(findings().await, 1);
    harness.cloud.edit_flow_log(&orphan, |it| it.tags.clear());
    assert_eq!(findings().await, 0, "others made it");
    harness.cloud.edit_flow_log(&orphan, |it| {
        it.tags = [("managed-by".to_owned(), "flowkeeper".to_owned())].into();
        it.resource_id = "vsw-not-read".into();
    });
    let report = harness.sweep(REMEDIATION).await;
    assert!(report.results.iter().all(|item| item.verdict != Some(Verdict::Orphaned)), "nobody asked for vSwitches");
}

#[tokio::test]
async fn the_flow_log_of_a_resource_that_the_api_has_forgotten_is_found_by_its_tag() {
    let (harness, kept, orphan) = harness().await;
    let resource = harness.cloud.flow_logs().into_iter().find(|it| it.id == orphan).unwrap().resource_id;
    harness.cloud.fail("DescribeFlowLogs", Fault::Code("InvalidInstanceId"), 1);
    let report = harness.look(DELETION, &[&resource], SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert_eq!((report.results[0].outcome, report.incomplete()), (Outcome::Done, None), "{report:#?}");
    assert_eq!(flow_logs(&harness), [kept]);
}

#[tokio::test]
async fn many_vswitches_are_read_as_a_list_and_missing_ones_by_id() {
    let harness = Harness::with("coverage: vswitch\n", Options { quota: 2000, ..Options::default() }).await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    let mut vswitches = Vec::new();
    for _ in 0..60 {
        vswitches.push(harness.cloud.create_vswitch(&vpc).await.unwrap());
    }
    harness.cloud.copy_flow_log(&flow_log, &vswitches);
    harness.cloud.call("DeleteVSwitch", &[("VSwitchId", &vswitches[0])]).await.unwrap();
    harness.wait_until(LATER);
    let before = harness.cloud.calls_of("DescribeVSwitches").len();
    let report = harness.sweep(DELETION).await;
    assert_eq!((report.incomplete(), report.summary.changed, report.summary.compliant), (None, 1, 60), "{report:#?}");
    assert_eq!(
        harness.cloud.calls_of("DescribeVSwitches").len() - before,
        2 + 1,
        "two pages, and the one that is gone"
    );
}

#[tokio::test]
async fn a_flow_log_in_deletion_counts_as_deleted_although_the_answer_was_lost() {
    let options = Options { transitions: local_cloud::Transitions::Explicit, ..Options::default() };
    let harness = Harness::with("", options).await;
    let (gone, orphan) = harness.kept_vpc(&[]).await;
    harness.cloud.call("DeleteVpc", &[("VpcId", &gone)]).await.unwrap();
    harness.wait_until(LATER);
    harness.cloud.fail("DeleteFlowLog", Fault::AnswerLost, 1);
    let report = harness.sweep(DELETION).await;
    assert_eq!(harness.status(&orphan).as_deref(), Some("Deleting"));
    assert_eq!((report.results[0].outcome, report.incomplete()), (Outcome::Done, None), "{report:#?}");
    assert!(harness.waited() < Duration::from_secs(1), "one look is enough: {:?}", harness.waited());
}

#[tokio::test]
async fn an_orphan_that_the_second_read_cannot_confirm_is_unknown_and_kept() {
    let harness = Harness::new("").await;
    harness.kept_vpc(&[]).await;
    harness.wait_until(LATER);
    harness.cloud.fail("DescribeVpcs", Fault::NotVisibleYet, 1);
    harness.cloud.fail("DescribeVpcs", Fault::Code("Forbidden.RAM"), 1);
    let report = harness.sweep(DELETION).await;
    assert_eq!((report.results[0].verdict, report.results[0].outcome), (Some(Verdict::Unknown), Outcome::Failed));
    assert!(report.incomplete().is_some() && flow_logs(&harness).len() == 1, "{report:#?}");
}

/// A harness with a VPC and a vSwitch in it, both with an own flow log that is a day old; and the id of the vSwitch's.
async fn twice_paid(more_policy: &str, vswitch_tag: Option<(&str, &str)>) -> (Harness, String) {
    let harness = Harness::new(&format!("superfluous: delete\n{more_policy}")).await;
    let (vpc, _) = harness.kept_vpc(&[]).await;
    let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
    harness.cloud.edit_vswitch(&vswitch, |it| {
        it.tags.extend(vswitch_tag.map(|(key, value)| (key.to_owned(), value.to_owned())));
    });
    let own = [("Tag.1.Key", "managed-by"), ("Tag.1.Value", "flowkeeper")];
    let flow_log = harness.cloud.create_flow_log("VSwitch", &vswitch, &own).await.unwrap();
    harness.cloud.finish_transitions();
    harness.pass(Duration::from_secs(86_400));
    (harness, flow_log)
}

#[tokio::test]
async fn a_superfluous_flow_log_is_deleted_unless_its_resource_is_excluded_or_ignored() {
    let excluding = "exclude: {tags: {env: sandbox}}\n";
    for (policy, tag, is_deleted) in [
        ("", None, true),
        (excluding, None, true),
        (excluding, Some(("env", "sandbox")), false),
        ("", Some(("flowkeeper", "ignore")), false),
    ] {
        let (harness, flow_log) = twice_paid(policy, tag).await;
        let report = harness.sweep(DELETION).await;
        assert_eq!(harness.status(&flow_log).is_none(), is_deleted, "{tag:?}: {report:#?}");
    }
}

#[tokio::test]
async fn a_flow_log_of_another_ip_version_is_not_superfluous() {
    let (harness, flow_log) = twice_paid("", None).await;
    harness.cloud.edit_flow_log(&flow_log, |it| it.ip_version = "DualStack".into());
    let report = harness.sweep(DELETION).await;
    assert_eq!(harness.status(&flow_log).as_deref(), Some("Active"), "{report:#?}");
}
