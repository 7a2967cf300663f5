use std::time::Duration;

use flow_log::{Action, Verdict};
use jiff::SignedDuration;
use local_cloud::{Fault, OWN_ACCOUNT, Options, SECOND_ACCOUNT, SECOND_ACCOUNT_ROLE};
use reconcile::{Outcome, Report};
use scenarios::{CREATION, ECR_CREATION, Harness, REMEDIATE, REMEDIATION, TIMER, cloud, whole_cloud};

const MINUTE: Duration = Duration::from_secs(60);

async fn create(harness: &Harness, vpc: &str) -> Report {
    harness.look(CREATION, &[vpc], SignedDuration::ZERO, 10 * MINUTE).await
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_reported_even_if_the_read_after_it_fails() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.fail("CreateFlowLog", Fault::AnswerLost, 1);
    harness.cloud.fail_after(1, "DescribeFlowLogs", Fault::Refused);
    let report = create(&harness, &vpc).await;
    let [result] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((result.action.map(Action::as_str), result.outcome), (Some("CreateFlowLog"), Outcome::Failed));
    assert!(report.incomplete().is_some(), "so it is made again");

    let repeated = create(&harness, &vpc).await;
    assert_eq!(repeated.results[0].verdict, Some(Verdict::Compliant), "{repeated:#?}");
    assert_eq!(harness.cloud.calls_of("CreateFlowLog").len(), 1);
}

#[tokio::test]
async fn a_stale_read_does_not_lead_to_a_second_flow_log() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.fail_after(1, "DescribeFlowLogs", Fault::StaleRead);
    create(&harness, &vpc).await;
    let report = create(&harness, &vpc).await;
    assert_eq!(
        harness.cloud.calls().iter().filter(|call| call.fault.is_some()).count(),
        1,
        "the second look was stale"
    );
    assert!(report.incomplete().is_none() && report.summary.changed == 0, "{report:#?}");
    assert_eq!(harness.cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn a_flow_log_that_others_create_between_the_read_and_the_write_is_foreign() {
    let harness = Harness::new("ecr_flow_log: {project: ecr-flowlog, log_store: ecr}\n").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    harness.cloud.operator(OWN_ACCOUNT, "cn-hangzhou").create_router(&["vbr-1"]).await.unwrap();
    harness.cloud.fail("CreateFlowLog", Fault::Overtaken, 2);
    for report in [create(&harness, &vpc).await, harness.sweep(ECR_CREATION).await] {
        let [result] = report.results.as_slice() else { panic!("{report:#?}") };
        assert_eq!((result.verdict, result.action), (Some(Verdict::Foreign), None), "{result:?}");
        assert!(matches!(result.outcome, Outcome::Unchanged | Outcome::Skipped), "{result:?}");
    }
    assert!(harness.cloud.flow_logs()[0].tags.is_empty() && harness.cloud.router_flow_logs()[0].tags.is_empty());
    assert_eq!(harness.cloud.calls_of("CreateFlowLog").len(), 4, "theirs, and ours, which were refused");
}

#[tokio::test]
async fn a_router_flow_log_that_was_not_visible_at_first_is_not_reported_as_created() {
    let harness = Harness::new("ecr_flow_log: {project: ecr-flowlog, log_store: ecr}\n").await;
    harness.cloud.operator(OWN_ACCOUNT, "cn-hangzhou").create_router(&["vbr-1"]).await.unwrap();
    harness.sweep(ECR_CREATION).await;
    harness.cloud.fail("expressconnectrouter:DescribeFlowLogs", Fault::NotVisibleYet, 1);
    let report = harness.sweep(ECR_CREATION).await;
    assert_eq!((report.results[0].verdict, report.summary.changed), (Some(Verdict::Compliant), 0), "{report:#?}");

    harness.cloud.call("DescribeVpcs", &[]).await.unwrap();
    let log = harness.cloud.router_flow_logs().remove(0);
    let operator = harness.cloud.operator(OWN_ACCOUNT, "cn-hangzhou");
    operator.call_router("DeleteFlowlog", &[("EcrId", &log.router_id), ("FlowLogId", &log.id)]).await.unwrap();
    harness.cloud.fail("CreateFlowLog", Fault::AnswerLost, 1);
    let recreated = harness.sweep(ECR_CREATION).await;
    let made = harness.cloud.router_flow_logs().remove(0).id;
    let told = recreated.results[0].flow_log_id.as_ref().map(ToString::to_string);
    assert_eq!((recreated.summary.changed, told), (1, Some(made)), "{recreated:#?}");
}

#[tokio::test]
async fn an_answer_that_stops_in_the_middle_is_uncertain() {
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    // Time passes only while the reconciler sleeps, so the rest of the answer never arrives.
    harness.cloud.fail("CreateFlowLog", Fault::SlowBytes(60 * MINUTE), 1);
    let report = harness.look(CREATION, &[&vpc], SignedDuration::ZERO, Duration::from_secs(2)).await;
    assert_eq!(
        (report.results[0].action.map(Action::as_str), report.results[0].outcome),
        (Some("CreateFlowLog"), Outcome::Done)
    );
    assert_eq!(harness.cloud.calls_of("CreateFlowLog").len(), 1);
}

#[tokio::test]
async fn a_clock_that_is_an_hour_off_is_detected() {
    for hours in [-1, 1] {
        let harness = Harness::new("").await;
        let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
        harness.set_machine_wrong_by(SignedDuration::from_hours(hours));
        let report = create(&harness, &vpc).await;
        assert_eq!(report.results[0].outcome, Outcome::Done, "{report:#?}");
        let in_vain = harness.cloud.calls().into_iter().filter(|call| call.code.is_some()).count();
        assert_eq!(in_vain, 1, "one call is enough to know the time");
    }
}

#[tokio::test]
async fn a_token_that_expires_in_the_middle_of_a_sweep_is_renewed() {
    let member =
        format!("own_account: false\naccounts: [{{id: \"{SECOND_ACCOUNT}\", role: \"{SECOND_ACCOUNT_ROLE}\"}}]\n");
    let harness = Harness::new(&member).await;
    let there = harness.cloud.operator(SECOND_ACCOUNT, "cn-hangzhou");
    for _ in 0..3 {
        there.create_vpc(&[]).await.unwrap();
    }
    harness.cloud.fail_after(1, "CreateFlowLog", Fault::TokenExpired);
    let report = harness.sweep(REMEDIATION).await;
    assert!(report.incomplete().is_none() && report.summary.changed == 3, "{report:#?}");
    assert_eq!(harness.cloud.calls_of("AssumeRole").len(), 2);
}

#[tokio::test]
async fn a_role_that_is_refused_in_one_account_does_not_hold_up_the_others() {
    let member = format!("accounts: [{{id: \"{SECOND_ACCOUNT}\", role: \"{SECOND_ACCOUNT_ROLE}\"}}]\n");
    let harness = Harness::new(&member).await;
    for account in [OWN_ACCOUNT, SECOND_ACCOUNT] {
        harness.cloud.operator(account, "cn-hangzhou").create_vpc(&[]).await.unwrap();
    }
    harness.cloud.fail("AssumeRole", Fault::Refused, u32::MAX);
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.summary.changed, report.summary.unknown), (1, 1), "{report:#?}");
    assert!(report.incomplete().is_some());
    harness.cloud.heal();
    let healed = harness.sweep(REMEDIATION).await;
    assert!(healed.incomplete().is_none() && healed.summary.changed == 1, "{healed:#?}");
}

#[tokio::test]
async fn two_accounts_are_swept_once_an_outage_is_over_and_neither_waits_for_the_other() {
    let member = format!("accounts: [{{id: \"{SECOND_ACCOUNT}\", role: \"{SECOND_ACCOUNT_ROLE}\"}}]\n");
    let harness = Harness::new(&member).await;
    let reconciler = harness.reconciler(REMEDIATION);
    // Caches the credentials of the other account, so that both accounts are read at the same time.
    assert!(harness.sweep_by(&reconciler).await.incomplete().is_none());
    harness.cloud.region_down("cn-hangzhou");
    assert!(harness.sweep_by(&reconciler).await.incomplete().is_some());
    harness.cloud.heal();
    harness.pass(5 * MINUTE);
    let report = harness.sweep_by(&reconciler).await;
    assert!(report.incomplete().is_none(), "{report:#?}");
}

#[tokio::test]
async fn the_next_sweep_repairs_what_a_lost_event_missed() {
    let cloud = whole_cloud(Options::default()).await.unwrap();
    cloud.fail("CreateVpc", Fault::EventDropped, 1);
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    assert!(cloud.events().is_empty() && cloud.flow_log_of(&vpc).is_none());
    assert!(cloud.invoke(REMEDIATE, TIMER).await.unwrap().success);
    assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active");
}

#[tokio::test]
async fn a_late_event_does_only_what_is_still_needed() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.fail("CreateVpc", Fault::EventDelayed(Duration::from_millis(50)), 2);
    let kept = cloud.create_vpc(&[]).await.unwrap();
    let gone = cloud.create_vpc(&[]).await.unwrap();
    cloud.create_flow_log("VPC", &gone, &[]).await.unwrap();
    cloud.settled().await.unwrap();
    assert_eq!(cloud.invocations().len(), 2);
    assert_eq!(cloud.flow_log_of(&kept).unwrap().status, "Active");
    assert!(cloud.flow_log_of(&gone).unwrap().tags.is_empty(), "others were quicker");
}

#[tokio::test]
async fn a_function_that_is_killed_at_its_write_is_invoked_again_and_creates_one_flow_log() {
    for fault in [Fault::FunctionKilled, Fault::FunctionKilledAfterEffect] {
        let cloud = cloud(Options::default()).await.unwrap();
        cloud.fail("CreateFlowLog", fault, 1);
        let vpc = cloud.create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
        let succeeded: Vec<_> = cloud.invocations().iter().map(|invocation| invocation.success).collect();
        assert_eq!(succeeded, [false, true], "{fault:?}");
        assert!(cloud.dead_letters().is_empty());
        assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active", "{fault:?}");
        let took_effect = cloud.calls_of("CreateFlowLog").into_iter().filter(local_cloud::Call::succeeded).count();
        assert_eq!(took_effect, 1, "{fault:?}");
    }
}
