use flow_log::{Action, Verdict};
use local_cloud::{Fault, OWN_ACCOUNT, Options, Rewrite};
use reconcile::Outcome;
use scenarios::{CREATE_ECR, ECR_CREATION, Harness, TIMER, results, whole_cloud};

const ECR: &str = "ecr_flow_log: {project: ecr-{region}, log_store: ecr, interval: 60, sampling_rate: '1:1024'}\n";

async fn router(harness: &Harness, vbrs: &[&str]) -> String {
    harness.cloud.operator(OWN_ACCOUNT, "cn-hangzhou").create_router(vbrs).await.unwrap()
}

#[tokio::test]
async fn every_virtual_border_router_gets_the_flow_log_that_the_policy_asks_for() {
    let harness = Harness::new(&ECR.replace("{region}", "flowlog")).await;
    router(&harness, &["vbr-1", "vbr-2"]).await;
    router(&harness, &["vbr-3"]).await;
    let report = harness.sweep(ECR_CREATION).await;
    assert!(report.incomplete().is_none(), "{report:#?}");
    assert_eq!((report.summary.checked, report.summary.changed), (3, 3));
    let made = harness.cloud.router_flow_logs();
    assert_eq!(made.len(), 3);
    for flow_log in &made {
        assert_eq!((flow_log.interval, flow_log.sampling_rate.as_str()), (60, "1:1024"));
        assert_eq!(flow_log.project, "ecr-flowlog");
        assert_eq!(flow_log.tags.get("managed-by").map(String::as_str), Some("flowkeeper"));
    }
    let again = harness.sweep(ECR_CREATION).await;
    assert_eq!((again.summary.changed, again.summary.compliant), (0, 3), "{again:#?}");
}

#[tokio::test]
async fn router_flow_logs_have_their_own_schedule() {
    let policy = "ecr_flow_log: {project: ecr-flowlog, log_store: ecr, schedule: day}\n\
                  schedules: {day: {time_zone: Asia/Shanghai, on: ['Mon-Sun 07:00-21:00']}}\n";
    let harness = Harness::new(policy).await;
    router(&harness, &["vbr-1"]).await;
    harness.sweep(ECR_CREATION).await;
    let status = || harness.cloud.router_flow_logs()[0].status.clone();
    assert_eq!(status(), "Active");
    harness.wait_until("2026-03-02T21:00:00+08:00");
    let off = harness.sweep(ECR_CREATION).await;
    assert_eq!(
        (off.results[0].verdict, off.results[0].action.map(Action::as_str)),
        (Some(Verdict::DueToPause), Some("DeactivateFlowLog"))
    );
    assert_eq!(status(), "Inactive");
    assert_eq!(harness.sweep(ECR_CREATION).await.results[0].verdict, Some(Verdict::Paused));
    harness.wait_until("2026-03-03T07:00:00+08:00");
    harness.sweep(ECR_CREATION).await;
    assert_eq!(status(), "Active");
}

#[tokio::test]
async fn foreign_router_flow_logs_are_left_and_drift_is_changed_in_place_or_a_finding() {
    let harness = Harness::new(&ECR.replace("{region}", "flowlog")).await;
    let ecr = router(&harness, &["vbr-1", "vbr-2"]).await;
    let operator = harness.cloud.operator(OWN_ACCOUNT, "cn-hangzhou");
    operator.create_router_flow_log(&ecr, "vbr-1", &[]).await.unwrap();
    let own = [("Tag.1.Key", "managed-by"), ("Tag.1.Value", "flowkeeper")];
    operator.create_router_flow_log(&ecr, "vbr-2", &own).await.unwrap();
    let report = harness.sweep(ECR_CREATION).await;
    let found: Vec<_> = report.results.iter().map(|item| (item.verdict.unwrap(), item.outcome)).collect();
    assert_eq!(found, [(Verdict::Foreign, Outcome::Unchanged), (Verdict::Drifted, Outcome::Done)], "{report:#?}");
    let changed = &report.results[1];
    assert_eq!(changed.action, Some(Action::EcrModifyFlowLogAttribute));
    assert!(changed.reason.contains("project is") && report.summary.findings == 1, "only a new one can have that");
    let again = harness.sweep(ECR_CREATION).await;
    assert_eq!((again.summary.changed, again.summary.findings), (0, 1), "{again:#?}");
    assert!(again.results[1].reason.contains("delete it by hand"), "{}", again.results[1].reason);
}

#[tokio::test]
async fn a_tag_on_the_router_is_obeyed() {
    let harness = Harness::new(&ECR.replace("{region}", "flowlog")).await;
    let ecr = router(&harness, &["vbr-1"]).await;
    harness.cloud.edit_router(&ecr, |router| _ = router.tags.insert("flowkeeper".into(), "ignore".into()));
    let report = harness.sweep(ECR_CREATION).await;
    assert_eq!((report.results[0].verdict, report.results[0].outcome), (Some(Verdict::Excluded), Outcome::Skipped));
    assert!(harness.cloud.router_flow_logs().is_empty());
}

#[tokio::test]
async fn a_refusal_inside_a_successful_answer_is_a_failure() {
    let options = Options { ecr_failures_in_200: true, ..Options::default() };
    let harness = Harness::with(&ECR.replace("{region}", "flowlog"), options).await;
    router(&harness, &["vbr-1", "vbr-2"]).await;
    harness.cloud.fail("expressconnectrouter:CreateFlowLog", Fault::Code("QuotaExceeded.FlowlogCount"), 1);
    let report = harness.sweep(ECR_CREATION).await;
    assert_eq!((report.summary.changed, report.summary.failed), (1, 1), "{report:#?}");
}

#[tokio::test]
async fn a_router_that_cannot_be_read_does_not_hold_up_the_others() {
    let harness = Harness::new(&ECR.replace("{region}", "flowlog")).await;
    router(&harness, &["vbr-1"]).await;
    router(&harness, &["vbr-2"]).await;
    harness.cloud.fail("expressconnectrouter:DescribeFlowLogs", Fault::Code("Forbidden.RAM"), 1);
    let report = harness.sweep(ECR_CREATION).await;
    assert_eq!((report.summary.unknown, report.summary.changed), (1, 1), "{report:#?}");
}

#[tokio::test]
async fn without_ecr_flow_log_in_the_policy_no_router_flow_log_is_created() {
    let cloud = whole_cloud(Options::default()).await.unwrap();
    cloud.operator(OWN_ACCOUNT, "cn-hangzhou").create_router(&["vbr-1"]).await.unwrap();
    let invocation = cloud.invoke(CREATE_ECR, TIMER).await.unwrap();
    assert!(invocation.success);
    assert!(results(&invocation)[0]["reason"].as_str().unwrap().starts_with("the policy has no ecr_flow_log"));
    assert!(cloud.router_flow_logs().is_empty());
}

#[tokio::test]
async fn a_router_flow_log_that_another_run_created_is_not_claimed() {
    let harness = Harness::new(&ECR.replace("{region}", "flowlog")).await;
    let ecr = router(&harness, &["vbr-1"]).await;
    harness.cloud.operator(OWN_ACCOUNT, "cn-hangzhou").create_router_flow_log(&ecr, "vbr-1", &[]).await.unwrap();
    harness.cloud.fail("expressconnectrouter:DescribeFlowLogs", Fault::NotVisibleYet, 1);
    let report = harness.sweep(ECR_CREATION).await;
    assert_eq!(harness.cloud.router_flow_logs().len(), 1);
    assert_eq!(report.summary.changed, 0, "{report:#?}");
}

#[tokio::test]
async fn a_router_flow_log_whose_answer_is_lost_is_found_and_not_created_twice() {
    let harness = Harness::new(&ECR.replace("{region}", "flowlog")).await;
    router(&harness, &["vbr-1"]).await;
    harness.cloud.fail("expressconnectrouter:CreateFlowLog", Fault::AnswerLost, 1);
    let report = harness.sweep(ECR_CREATION).await;
    assert_eq!((report.results[0].outcome, report.summary.changed), (Outcome::Done, 1), "{report:#?}");
    assert_eq!(harness.cloud.router_flow_logs().len(), 1);
    assert!(report.results[0].flow_log_id.is_some(), "{report:#?}");
}

#[tokio::test]
async fn limits_hold_for_new_router_flow_logs_and_for_pauses_by_tag() {
    let limits = "limits: {max_changes: 1, max_creations: 1}\n";
    let policy = format!("{}{limits}", ECR.replace("{region}", "flowlog"));
    let mut harness = Harness::new(&policy).await;
    let ecr = router(&harness, &["vbr-1", "vbr-2"]).await;
    let refused = harness.sweep(ECR_CREATION).await;
    assert_eq!(refused.incomplete().unwrap().error_type, "TooManyChanges");
    let found: Vec<_> = refused.results.iter().map(|item| (item.action.map(Action::as_str), item.outcome)).collect();
    assert_eq!(found, [(Some("CreateFlowLog"), Outcome::Skipped); 2], "{refused:#?}");
    assert!(harness.cloud.router_flow_logs().is_empty() && refused.summary.findings == 2);

    harness.dry_run = true;
    let shown = harness.sweep(ECR_CREATION).await;
    assert_eq!((shown.incomplete(), shown.summary.planned), (None, 2), "{shown:#?}");
    assert!(harness.cloud.router_flow_logs().is_empty());

    harness.dry_run = false;
    let own = [("Tag.1.Key", "managed-by"), ("Tag.1.Value", "flowkeeper")];
    let operator = harness.cloud.operator(OWN_ACCOUNT, "cn-hangzhou");
    for vbr in ["vbr-1", "vbr-2"] {
        operator.create_router_flow_log(&ecr, vbr, &own).await.unwrap();
    }
    harness.cloud.edit_router(&ecr, |router| _ = router.tags.insert("flowkeeper".into(), "off".into()));
    let off = harness.sweep(ECR_CREATION).await;
    assert_eq!(off.incomplete().unwrap().error_type, "TooManyChanges", "{off:#?}");
    assert!(harness.cloud.router_flow_logs().iter().all(|it| it.status == "Active"));
}

#[tokio::test]
async fn routers_are_global_and_are_read_once_per_account() {
    let policy = format!("{}regions: [cn-hangzhou, cn-shanghai]\n", ECR.replace("{region}", "flowlog"));
    let harness = Harness::new(&policy).await;
    router(&harness, &["vbr-1"]).await;
    let report = harness.sweep(ECR_CREATION).await;
    assert_eq!((report.incomplete(), report.summary.changed), (None, 1), "{report:#?}");
    assert_eq!(harness.cloud.calls_of("DescribeExpressConnectRouter").len(), 1);
}

#[tokio::test]
async fn a_virtual_border_router_with_a_malformed_id_is_reported() {
    let harness = Harness::new("ecr_flow_log: {project: flowlog, log_store: ecr}\n").await;
    harness.cloud.seed_router();
    let odd = Rewrite::value(|json| json["ChildInstanceList"][0]["ChildInstanceId"] = "brd-123".into());
    harness.cloud.rewrite("DescribeExpressConnectRouterChildInstance", odd, u32::MAX);
    let report = harness.sweep(ECR_CREATION).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.verdict, item.resource_id.as_deref()), (Some(Verdict::Unknown), Some("brd-123")));
    assert!(report.incomplete().is_some());
}

#[tokio::test]
async fn a_router_flow_log_that_stays_in_transition_for_long_is_a_finding() {
    let harness = Harness::new(&ECR.replace("{region}", "flowlog")).await;
    router(&harness, &["vbr-1"]).await;
    harness.sweep(ECR_CREATION).await;
    let id = harness.cloud.router_flow_logs().remove(0).id;
    harness.cloud.edit_router_flow_log(&id, |it| it.status = "Activating".into());
    let young = harness.sweep(ECR_CREATION).await;
    assert_eq!((young.results[0].verdict, young.summary.findings), (Some(Verdict::Pending), 0), "{young:#?}");
    harness.wait_until("2026-03-02T21:00:00+08:00");
    let old = harness.sweep(ECR_CREATION).await;
    assert_eq!((old.summary.checked, old.summary.findings, old.summary.uncovered), (1, 1, 1), "{old:#?}");
    assert_eq!(old.incomplete(), None);
    let again = "and still was when it was read again; if it stays so, look at it in the console";
    let reason = format!("{id} is Activating, {again}");
    assert_eq!(old.results[0].reason, reason);
}

#[tokio::test]
async fn a_router_that_is_locked_for_unpaid_bills_is_a_finding() {
    let harness = Harness::new(&ECR.replace("{region}", "flowlog")).await;
    router(&harness, &["vbr-1"]).await;
    harness.sweep(ECR_CREATION).await;
    let locked = Rewrite::value(|json| json["EcrList"][0]["BizStatus"] = "FinancialLocked".into());
    harness.cloud.rewrite("DescribeExpressConnectRouter", locked, u32::MAX);
    let report = harness.sweep(ECR_CREATION).await;
    assert_eq!((report.results[0].verdict, report.summary.findings), (Some(Verdict::Undelivered), 1), "{report:#?}");
    assert_eq!((report.summary.uncovered, report.summary.changed), (1, 0), "{report:#?}");
}
