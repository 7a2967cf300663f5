use flow_log::Action;
use std::time::Duration;

use jiff::SignedDuration;
use local_cloud::{OWN_ACCOUNT, Options};
use reconcile::Outcome;
use scenarios::{ACTIVATION, DEACTIVATION, DELETION, ECR_CREATION, Harness, REMEDIATION, cloud, result};

#[tokio::test]
async fn a_dry_run_reports_what_it_would_do_and_writes_nothing() {
    let environment = [("FLOWKEEPER_DRY_RUN".to_owned(), "true".to_owned())].into();
    let cloud = cloud(Options { environment, ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();

    assert!(cloud.calls_of("CreateFlowLog").is_empty() && cloud.flow_logs().is_empty());
    let [invocation] = cloud.invocations().try_into().unwrap();
    assert!(invocation.success);
    assert_eq!(invocation.body["dry_run"], true);
    let result = result(&invocation);
    assert_eq!((&result["action"], &result["outcome"]), (&"CreateFlowLog".into(), &"planned".into()));
    assert_eq!(result["resource_id"], vpc);
    assert_eq!(invocation.body["summary"]["planned"], 1);
}

#[tokio::test]
async fn no_function_writes_anything_in_a_dry_run() {
    const POLICY: &str = "replace: true\n\
                          overrides: [{match: {tags: {shift: night}}, schedule: never}]\n\
                          ecr_flow_log: {project: ecr, log_store: ecr}\n";
    let mut harness = Harness::new(POLICY).await;
    harness.dry_run = true;
    harness.cloud.create_vpc(&[]).await.unwrap();
    let [renamed, replaced, stopped] = [
        harness.kept_vpc(&[]).await.1,
        harness.kept_vpc(&[]).await.1,
        harness.kept_vpc(&[("flowkeeper", "on")]).await.1,
    ];
    harness.cloud.edit_flow_log(&renamed, |it| it.name = "theirs".into());
    harness.cloud.edit_flow_log(&replaced, |it| it.project = "theirs".into());
    harness.cloud.edit_flow_log(&stopped, |it| it.status = "Inactive".into());
    harness.kept_vpc(&[("shift", "night")]).await;
    let (gone, _) = harness.kept_vpc(&[]).await;
    harness.cloud.call("DeleteVpc", &[("VpcId", &gone)]).await.unwrap();
    harness.cloud.operator(OWN_ACCOUNT, "cn-hangzhou").create_router(&["vbr-1"]).await.unwrap();
    harness.wait_until("2026-03-02T13:00:00+08:00");

    let before = harness.calls();
    let remediation = [
        "CreateFlowLog",
        "ModifyFlowLogAttribute",
        "DeleteFlowLog",
        "CreateFlowLog",
        "ActiveFlowLog",
        "DeactiveFlowLog",
    ];
    for (capabilities, planned) in [
        (REMEDIATION, &remediation[..]),
        (ACTIVATION, &["ActiveFlowLog"]),
        (DEACTIVATION, &["DeactiveFlowLog"]),
        (DELETION, &["DeleteFlowLog"]),
        (ECR_CREATION, &["CreateFlowLog"]),
    ] {
        let report = harness.sweep(capabilities).await;
        let mut found: Vec<_> = report
            .results
            .iter()
            .filter(|it| it.outcome == Outcome::Planned)
            .map(|it| it.action.unwrap().as_str())
            .collect();
        let mut planned = planned.to_vec();
        found.sort_unstable();
        planned.sort_unstable();
        assert_eq!(found, planned, "{report:#?}");
        assert_eq!((report.incomplete(), report.summary.planned, report.summary.changed), (None, planned.len(), 0));
    }
    let event = harness.look(DELETION, &[&gone], SignedDuration::ZERO, Duration::from_secs(60)).await;
    assert_eq!(
        (event.results[0].action.map(Action::as_str), event.results[0].outcome),
        (Some("DeleteFlowLog"), Outcome::Planned)
    );
    let calls = harness.cloud.calls().split_off(before);
    let reads = |action: &str| ["Describe", "Get"].iter().any(|verb| action.starts_with(verb));
    assert!(calls.iter().all(|call| reads(&call.action)), "{calls:#?}");
}
