use std::time::Duration;

use jiff::SignedDuration;
use local_cloud::{Fault, OWN_ACCOUNT, Options};
use reconcile::Outcome;
use scenarios::{
    CREATE_FLOW_LOG, CREATION, DELETION, ECR_CREATION, Harness, REMEDIATION, cloud, result, uncovered_vpc, vpc_created,
};

#[tokio::test]
async fn the_same_event_again_changes_nothing() {
    let cloud = cloud(Options::default()).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();

    let event = cloud.events()[0].clone();
    cloud.publish(&event);
    cloud.settled().await.unwrap();
    assert_eq!(cloud.flow_logs().len(), 1);
    assert_eq!(cloud.calls_of("CreateFlowLog").len(), 1);
    let again = result(cloud.invocations().last().unwrap());
    assert_eq!((&again["resource_id"], &again["outcome"]), (&vpc.into(), &"unchanged".into()));
}

#[tokio::test]
async fn an_event_that_is_delivered_twice_at_once_creates_one_flow_log() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.fail("CreateVpc", Fault::EventDuplicated, 1);
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();

    assert_eq!(cloud.flow_logs().len(), 1);
    let invocations = cloud.invocations();
    assert!(invocations.len() >= 2 && invocations.iter().all(|invocation| invocation.success), "{invocations:#?}");
}

#[tokio::test]
async fn ten_invocations_at_once_create_one_flow_log() {
    let cloud = cloud(Options { policy: None, ..Options::default() }).await.unwrap();
    let vpc = uncovered_vpc(&cloud).await;

    let event = vpc_created(&vpc).to_string();
    let invocations = (0..10).map(|_| cloud.invoke(CREATE_FLOW_LOG, event.as_bytes()));
    for invocation in futures_util::future::join_all(invocations).await {
        assert!(invocation.unwrap().success);
    }
    assert_eq!(cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn events_in_the_wrong_order_lead_to_the_same_state() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.fail("CreateVpc", Fault::EventReordered, 1);
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.create_vswitch(&vpc).await.unwrap();
    cloud.settled().await.unwrap();

    let names: Vec<_> = cloud.events().iter().map(|event| event["data"]["eventName"].clone()).collect();
    assert_eq!(names[..2], ["CreateVSwitch", "CreateVpc"], "the order is the wrong one");
    let [flow_log] = cloud.flow_logs().try_into().unwrap();
    assert_eq!((flow_log.resource_id, flow_log.status.as_str()), (vpc, "Active"));
    assert!(cloud.invocations().iter().all(|invocation| invocation.success), "{:#?}", cloud.invocations());
}

#[tokio::test]
async fn a_late_event_acts_on_the_current_state() {
    let late = SignedDuration::from_hours(5);
    let time = Duration::from_secs(60);
    let harness = Harness::new("").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    let made = harness.look(CREATION, &[&vpc], late, time).await;
    assert_eq!(made.results[0].outcome, Outcome::Done, "late is better than never");
    harness.cloud.finish_transitions();

    // An event that is hours old says nothing about the flow log's current state.
    let flow_log = harness.cloud.flow_log_of(&vpc).unwrap().id;
    let nothing = harness.look(REMEDIATION, &[&flow_log], late, time).await;
    assert_eq!((nothing.summary.compliant, nothing.summary.changed), (1, 0));

    // An old deletion event does not delete the flow log of a resource that exists.
    let deletion = harness.look(DELETION, &[&vpc], late, time).await;
    assert_eq!((deletion.results[0].outcome, harness.cloud.flow_logs().len()), (Outcome::Skipped, 1));
}

#[tokio::test]
async fn five_sweeps_at_once_do_what_one_does_and_none_of_them_fails() {
    let policy = "replace: true\necr_flow_log: {project: ecr-flowlog, log_store: ecr}\n";
    let harness = Harness::new(policy).await;
    let missing = harness.cloud.create_vpc(&[]).await.unwrap();
    let mut kept = Vec::new();
    for _ in 0..4 {
        kept.push(harness.kept_vpc(&[]).await);
    }
    harness.cloud.edit_flow_log(&kept[0].1, |it| it.status = "Inactive".into());
    harness.cloud.edit_flow_log(&kept[1].1, |it| it.name = "theirs".into());
    harness.cloud.edit_flow_log(&kept[2].1, |it| it.project = "theirs".into());
    harness.cloud.call("DeleteVpc", &[("VpcId", &kept[3].0)]).await.unwrap();
    harness.cloud.operator(OWN_ACCOUNT, "cn-hangzhou").create_router(&["vbr-1"]).await.unwrap();
    harness.wait_until("2026-03-02T13:00:00+08:00");
    for capabilities in [REMEDIATION, DELETION, ECR_CREATION] {
        let before = harness.calls();
        let reports = futures_util::future::join_all((0..5).map(|_| harness.sweep(capabilities))).await;
        harness.cloud.finish_transitions();
        for report in &reports {
            assert!(report.incomplete().is_none(), "{report:#?}");
        }
        let calls = harness.cloud.calls().split_off(before);
        let writes = calls
            .iter()
            .filter(|call| call.succeeded() && capabilities.actions.iter().any(|action| action.as_str() == call.action))
            .count();
        let done = reports.iter().map(|report| report.summary.changed).sum::<usize>();
        assert!(writes > 0);
        assert_eq!(done, writes, "each change is claimed by the one that made it: {reports:#?}");
    }
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.summary.checked, report.summary.compliant), (4, 4), "{report:#?}");
    assert_eq!((harness.cloud.flow_logs().len(), harness.cloud.router_flow_logs().len()), (4, 1));
    assert!(harness.cloud.flow_log_of(&missing).is_some());
}
