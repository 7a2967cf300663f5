use std::time::Duration;

use flow_log::Verdict;
use jiff::SignedDuration;
use local_cloud::{Fault, LocalCloud, Options};
use reconcile::{Outcome, Report};
use scenarios::{CREATION, REMEDIATE, REMEDIATION, Stage, results, whole_cloud};
use serde_json::json;

async fn cloud_with_kept_vpc() -> (LocalCloud, String, String) {
    let cloud = whole_cloud(Options::default()).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let flow_log = cloud.flow_log_of(&vpc).unwrap().id;
    (cloud, vpc, flow_log)
}

/// How often remediation was woken.
fn remediations(cloud: &LocalCloud) -> usize {
    cloud.invocations().iter().filter(|invocation| invocation.function == REMEDIATE).count()
}

#[tokio::test]
async fn one_that_is_deleted_is_made_again() {
    let (cloud, vpc, flow_log) = cloud_with_kept_vpc().await;
    cloud.call("DeleteFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    cloud.settled().await.unwrap();
    let made = cloud.flow_log_of(&vpc).unwrap();
    assert!(made.id != flow_log && made.status == "Active", "{made:?}");
}

#[tokio::test]
async fn one_that_is_stopped_is_switched_on_again() {
    let (cloud, _, flow_log) = cloud_with_kept_vpc().await;
    cloud.call("DeactiveFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    cloud.settled().await.unwrap();
    assert_eq!(cloud.flow_logs()[0].status, "Active");
    assert_eq!(cloud.calls_of("ActiveFlowLog").len(), 1);
}

#[tokio::test]
async fn one_that_is_changed_is_changed_back() {
    let (cloud, vpc, flow_log) = cloud_with_kept_vpc().await;
    let change = [("FlowLogId", flow_log.as_str()), ("FlowLogName", "theirs"), ("AggregationInterval", "1")];
    cloud.call("ModifyFlowLogAttribute", &change).await.unwrap();
    cloud.settled().await.unwrap();
    let [it] = cloud.flow_logs().try_into().unwrap();
    assert_eq!((it.name, it.aggregation_interval), (format!("flowkeeper-{vpc}"), 10));
    assert_eq!(it.status, "Active");
}

#[tokio::test]
async fn what_flowkeeper_does_itself_wakes_no_endless_circle() {
    let (cloud, _, flow_log) = cloud_with_kept_vpc().await;
    let change = [("FlowLogId", flow_log.as_str()), ("FlowLogName", "theirs")];
    cloud.call("ModifyFlowLogAttribute", &change).await.unwrap();
    cloud.settled().await.unwrap();
    // Its own ModifyFlowLogAttribute comes back as an event: that is looked at no further.
    assert_eq!(remediations(&cloud), 2);
    let last = cloud.invocations().pop().unwrap();
    let [result] = results(&last).try_into().unwrap();
    assert_eq!((&result["outcome"], &result["reason"]), (&json!("skipped"), &json!("Flowkeeper itself did this")));
    assert_eq!(cloud.calls_of("ModifyFlowLogAttribute").len(), 2);
}

#[tokio::test]
async fn cloud_config_names_what_is_to_be_put_right() {
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

async fn put_right(stage: &Stage) -> Report {
    let report = stage.sweep(REMEDIATION).await;
    assert!(report.incomplete().is_none(), "{report:#?}");
    stage.cloud.finish_transitions();
    report
}

#[tokio::test]
async fn several_things_that_are_wrong_with_one_are_put_right_one_after_the_other() {
    let stage = Stage::new("").await;
    let (_, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.edit_flow_log(&flow_log, |it| {
        it.status = "Inactive".into();
        it.name = "theirs".into();
    });
    let report = put_right(&stage).await;
    let actions: Vec<_> = report.results.iter().map(|item| (item.action.unwrap(), item.outcome)).collect();
    assert_eq!(actions, [("ActiveFlowLog", Outcome::Done), ("ModifyFlowLogAttribute", Outcome::Done)]);
    assert!(stage.cloud.calls().iter().all(|call| call.code.is_none()), "each waited for the one before");
    let again = put_right(&stage).await;
    assert_eq!((again.summary.changed, again.summary.compliant), (0, 1));
}

#[tokio::test]
async fn what_cannot_be_changed_in_place_is_a_finding_and_is_replaced_only_where_the_policy_allows() {
    let stage = Stage::new("").await;
    let (_, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
    let report = put_right(&stage).await;
    assert_eq!((report.results[0].verdict, report.results[0].action), (Some(Verdict::Drifted), None));
    assert_eq!((report.summary.findings, report.summary.changed), (1, 0));

    let stage = Stage::new("replace: true\n").await;
    let (vpc, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
    let report = put_right(&stage).await;
    let actions: Vec<_> = report.results.iter().map(|item| (item.action.unwrap(), item.outcome)).collect();
    assert_eq!(actions, [("DeleteFlowLog", Outcome::Done), ("CreateFlowLog", Outcome::Done)], "one result a change");
    assert_eq!((report.summary.checked, report.summary.changed), (1, 2), "of one resource");
    let made = stage.cloud.flow_log_of(&vpc).unwrap();
    assert!(made.id != flow_log && made.project == "flowlog", "{made:?}");
}

#[tokio::test]
async fn a_replacement_that_was_cut_off_after_the_deletion_is_finished_by_the_next_look() {
    let stage = Stage::new("replace: true\n").await;
    let (vpc, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.call("DeleteFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    stage.cloud.finish_transitions();
    put_right(&stage).await;
    assert_eq!(stage.cloud.flow_log_of(&vpc).unwrap().status, "Active");
}

#[tokio::test]
async fn one_that_is_about_to_be_off_is_waited_for_and_switched_on() {
    let options =
        Options { transitions: local_cloud::Transitions::After(Duration::from_secs(3)), ..Options::default() };
    let stage = Stage::with("", options).await;
    let (_, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.call("DeactiveFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    assert_eq!(stage.status(&flow_log).as_deref(), Some("Deactivating"));
    let report = stage.look(REMEDIATION, &[&flow_log], SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert_eq!((report.results[0].action, report.results[0].outcome), (Some("ActiveFlowLog"), Outcome::Done));
}

#[tokio::test]
async fn one_that_stays_about_to_be_off_is_unfinished_and_the_invocation_is_made_again() {
    let options = Options { transitions: local_cloud::Transitions::Explicit, ..Options::default() };
    let stage = Stage::with("", options).await;
    let (_, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.call("DeactiveFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    let report = stage.look(REMEDIATION, &[&flow_log], SignedDuration::ZERO, Duration::from_secs(60)).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.verdict, item.outcome), (Some(Verdict::Pending), Outcome::Unfinished));
    assert!(
        item.reason.contains("is Deactivating") && item.reason.contains("ActiveFlowLog has to wait"),
        "{}",
        item.reason
    );
    assert!(report.incomplete().is_some() && stage.waited() <= Duration::from_secs(30));
    assert_eq!((report.summary.unfinished, report.summary.findings), (1, 1));
}

#[tokio::test]
async fn one_whose_lines_do_not_arrive_is_a_finding_with_the_reason() {
    let stage = Stage::new("").await;
    let (_, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.edit_flow_log(&flow_log, |it| {
        it.deliver_status = "FAILED".into();
        it.deliver_error_message = "ProjectNotExist".into();
    });
    let report = put_right(&stage).await;
    assert_eq!((report.results[0].verdict, report.summary.findings), (Some(Verdict::Undelivered), 1));
    assert!(report.results[0].reason.contains("ProjectNotExist"));
}

#[tokio::test]
async fn a_flow_log_of_a_part_is_looked_at_where_the_policy_keeps_it() {
    let stage = Stage::new("").await;
    let (vpc, _) = stage.kept_vpc(&[]).await;
    let vswitch = stage.cloud.create_vswitch(&vpc).await.unwrap();
    let theirs = stage.cloud.create_flow_log("VSwitch", &vswitch, &[]).await.unwrap();
    stage.cloud.finish_transitions();
    let report = stage.look(REMEDIATION, &[&theirs], SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert_eq!(
        (report.results[0].resource_id.as_ref(), report.results[0].verdict),
        (Some(&vpc), Some(Verdict::Compliant))
    );
}

#[tokio::test]
async fn a_tag_that_is_set_in_between_does_not_end_the_wait_for_what_was_changed_before() {
    let transitions = local_cloud::Transitions::After(Duration::from_secs(20));
    let overrides = "overrides: [{match: {regions: [cn-hangzhou]}, tags: {team: network}}]\n";
    let stage = Stage::with(overrides, Options { transitions, ..Options::default() }).await;
    let (_, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.edit_flow_log(&flow_log, |it| {
        it.status = "Inactive".into();
        it.name = "theirs".into();
    });
    let report = stage.sweep(REMEDIATION).await;
    let actions: Vec<_> = report.results.iter().map(|item| (item.action.unwrap(), item.outcome)).collect();
    let done = |action| (action, Outcome::Done);
    assert_eq!(actions, ["ActiveFlowLog", "TagResources", "ModifyFlowLogAttribute"].map(done), "{report:#?}");
    assert!(stage.cloud.calls().iter().all(|call| call.code.is_none()), "each waited for the one before");
}

#[tokio::test]
async fn what_is_left_wrong_after_a_change_whose_answer_was_lost_is_a_finding() {
    let stage = Stage::new("").await;
    let (_, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.edit_flow_log(&flow_log, |it| {
        it.status = "Inactive".into();
        it.project = "theirs".into();
    });
    stage.cloud.fail("ActiveFlowLog", local_cloud::Fault::AnswerLost, 1);
    let report = put_right(&stage).await;
    assert_eq!((report.results[0].action, report.results[0].outcome), (Some("ActiveFlowLog"), Outcome::Done));
    assert_eq!((report.summary.changed, report.summary.findings), (1, 1), "it writes to another project: {report:#?}");
}

#[tokio::test]
async fn a_resource_with_two_flow_logs_is_a_finding_and_does_not_count_as_good() {
    let stage = Stage::new("").await;
    let (vpc, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.copy_flow_log(&flow_log, &[vpc]);
    let report = put_right(&stage).await;
    assert_eq!((report.summary.checked, report.summary.compliant, report.summary.findings), (1, 0, 1), "{report:#?}");
}

#[tokio::test]
async fn what_can_be_changed_is_changed_and_what_cannot_stays_a_finding() {
    let stage = Stage::new("").await;
    let (_, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.edit_flow_log(&flow_log, |it| {
        it.name = "theirs".into();
        it.project = "theirs".into();
    });
    let report = put_right(&stage).await;
    assert_eq!((report.results[0].action, report.summary.changed), (Some("ModifyFlowLogAttribute"), 1));
    assert_eq!(report.summary.findings, 1, "it still writes to another project");
}

#[tokio::test]
async fn after_a_long_wait_a_lost_answer_is_looked_into_as_long_as_ever() {
    let transitions = local_cloud::Transitions::After(Duration::from_secs(20));
    let stage = Stage::with("", Options { transitions, ..Options::default() }).await;
    let (_, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.call("DeactiveFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    stage.cloud.fail("ActiveFlowLog", local_cloud::Fault::InternalError, 1);
    let report = stage.look(REMEDIATION, &[&flow_log], SignedDuration::ZERO, Duration::from_secs(200)).await;
    assert_eq!((report.results[0].action, report.results[0].outcome), (Some("ActiveFlowLog"), Outcome::Done));
    assert_eq!((report.incomplete(), stage.cloud.calls_of("ActiveFlowLog").len()), (None, 2));
}

#[tokio::test]
async fn where_one_is_gone_that_an_event_names_all_of_its_region_is_looked_at() {
    let stage = Stage::new("").await;
    let vpc = stage.cloud.create_vpc(&[]).await.unwrap();
    let report = stage.look(REMEDIATION, &["fl-gone"], SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert_eq!((report.results[0].resource_id.as_ref(), report.summary.changed), (Some(&vpc), 1), "{report:#?}");
}

/// A stage on which the flow log of a VPC can only be replaced.
async fn stage_with_one_to_replace(options: Options) -> (Stage, String, String) {
    let stage = Stage::with("replace: true\n", options).await;
    let (vpc, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
    (stage, vpc, flow_log)
}

fn actions(report: &Report) -> Vec<(&'static str, Outcome)> {
    report.results.iter().map(|item| (item.action.unwrap_or_default(), item.outcome)).collect()
}

#[tokio::test]
async fn what_cannot_be_deleted_is_not_replaced() {
    let (stage, _, flow_log) = stage_with_one_to_replace(Options::default()).await;
    stage.cloud.fail("DeleteFlowLog", Fault::Refused, 1);
    let report = stage.sweep(REMEDIATION).await;
    assert_eq!(actions(&report), [("DeleteFlowLog", Outcome::Failed)]);
    assert_eq!(stage.cloud.calls_of("CreateFlowLog").len(), 1, "the one of the stage");
    assert_eq!(stage.status(&flow_log).as_deref(), Some("Active"), "it records, if not as it should");
    assert!(report.incomplete().is_some());
}

#[tokio::test]
async fn a_replacement_that_cannot_be_made_is_a_failure_and_the_next_look_makes_it() {
    let (stage, vpc, _) = stage_with_one_to_replace(Options::default()).await;
    stage.cloud.fail("CreateFlowLog", Fault::Refused, 1);
    let report = stage.sweep(REMEDIATION).await;
    assert_eq!(actions(&report), [("DeleteFlowLog", Outcome::Done), ("CreateFlowLog", Outcome::Failed)]);
    assert!(report.incomplete().is_some(), "there is none now, so somebody has to come again");
    let again = put_right(&stage).await;
    assert_eq!(
        (again.results[0].verdict, actions(&again)[0]),
        (Some(Verdict::Missing), ("CreateFlowLog", Outcome::Done))
    );
    assert_eq!(stage.cloud.flow_log_of(&vpc).unwrap().project, "flowlog");
}

#[tokio::test]
async fn the_new_one_is_made_as_soon_as_the_old_one_is_gone() {
    let options =
        Options { transitions: local_cloud::Transitions::After(Duration::from_secs(3)), ..Options::default() };
    let (stage, vpc, old) = stage_with_one_to_replace(options).await;
    let start = stage.now();
    let report = stage.sweep(REMEDIATION).await;
    assert_eq!(actions(&report), [("DeleteFlowLog", Outcome::Done), ("CreateFlowLog", Outcome::Done)]);
    let gap = stage.now().duration_since(start).as_secs();
    assert!((3..8).contains(&gap), "the VPC is without a flow log for {gap} s, of which 3 are the cloud's");
    assert!(stage.cloud.calls().iter().all(|call| call.code.is_none()), "it was not tried before");
    assert_ne!(stage.cloud.flow_log_of(&vpc).unwrap().id, old);
}

#[tokio::test]
async fn an_old_one_that_will_not_go_is_unfinished_and_the_next_look_makes_the_new_one() {
    let options = Options { transitions: local_cloud::Transitions::Explicit, ..Options::default() };
    let (stage, vpc, _) = stage_with_one_to_replace(options).await;
    let report = stage.sweep(REMEDIATION).await;
    assert_eq!(actions(&report), [("DeleteFlowLog", Outcome::Done), ("CreateFlowLog", Outcome::Unfinished)]);
    assert!(report.incomplete().is_some());
    stage.cloud.finish_transitions();
    assert!(stage.cloud.flow_log_of(&vpc).is_none());
    put_right(&stage).await;
    assert_eq!(stage.cloud.flow_log_of(&vpc).unwrap().status, "Active");
}

#[tokio::test]
async fn what_is_for_another_function_to_put_right_is_said_and_is_a_finding() {
    let stage = Stage::new("").await;
    let (vpc, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.edit_flow_log(&flow_log, |it| it.name = "theirs".into());
    let report = stage.look(CREATION, &[&vpc], SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert_eq!((report.results[0].outcome, report.results[0].action), (Outcome::Skipped, None));
    assert!(report.results[0].reason.ends_with("; ModifyFlowLogAttribute is not for this function to do"));
    assert_eq!((report.summary.findings, report.incomplete()), (1, None), "{report:#?}");
}

#[tokio::test]
async fn where_one_cannot_be_replaced_the_others_keep_what_they_have() {
    let stage = Stage::new("replace: true\n").await;
    let mut kept = Vec::new();
    for _ in 0..5 {
        let (_, flow_log) = stage.kept_vpc(&[]).await;
        stage.cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into());
        kept.push(flow_log);
    }
    let (_, stopped) = stage.kept_vpc(&[]).await;
    stage.cloud.edit_flow_log(&stopped, |it| it.status = "Inactive".into());
    stage.cloud.fail("CreateFlowLog", Fault::Code("ProjectOrLogstoreNotExist"), u32::MAX);
    let report = stage.sweep(REMEDIATION).await;
    stage.cloud.finish_transitions();
    assert_eq!(stage.cloud.calls_of("DeleteFlowLog").len(), 1, "one was lost, and no other put at risk");
    assert_eq!(stage.cloud.flow_logs().len(), 5);
    assert_eq!(stage.status(&stopped).as_deref(), Some("Active"), "what needs no replacement goes on");
    let skipped: Vec<_> = report.results.iter().filter(|item| item.outcome == Outcome::Skipped).collect();
    assert_eq!(skipped.len(), 8, "a deletion and a creation of each");
    assert!(
        skipped.iter().all(|item| item.reason.contains("could not be replaced") && item.is_finding),
        "{skipped:#?}"
    );

    stage.cloud.heal();
    put_right(&stage).await;
    assert!(stage.cloud.flow_logs().iter().all(|it| it.project == "flowlog"), "and once it can be done it is");
}

#[tokio::test]
async fn one_of_ours_where_the_policy_wants_none_is_a_finding_as_it_costs_twice() {
    let stage = Stage::new("").await;
    let (vpc, flow_log) = stage.kept_vpc(&[]).await;
    let vswitch = stage.cloud.create_vswitch(&vpc).await.unwrap();
    stage.cloud.copy_flow_log(&flow_log, std::slice::from_ref(&vswitch));
    let report = put_right(&stage).await;
    let finding = report.results.iter().find(|item| item.is_finding).unwrap();
    assert_eq!((finding.verdict, finding.resource_id.as_ref()), (Some(Verdict::Drifted), Some(&vswitch)));
    assert!(finding.reason.contains("kept at other levels than that of a vSwitch"), "{}", finding.reason);
    assert_eq!((report.summary.findings, report.summary.changed), (1, 0));

    let stage = Stage::new("overrides: [{match: {tags: {level: fine}}, coverage: vswitch}]\n").await;
    stage.kept_vpc(&[("level", "fine")]).await;
    let report = put_right(&stage).await;
    assert_eq!((report.summary.findings, report.results[0].verdict), (1, Some(Verdict::Drifted)), "{report:#?}");
}
