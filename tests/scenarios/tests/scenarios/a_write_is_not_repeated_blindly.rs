use std::time::Duration;

use flow_log::Verdict;
use jiff::SignedDuration;
use local_cloud::{Fault, Options};
use reconcile::Outcome;
use scenarios::{CREATION, Stage, cloud, result};

#[tokio::test]
async fn a_flow_log_whose_answer_is_lost_is_found_and_not_made_twice() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.fail("CreateFlowLog", Fault::AnswerLost, 1);
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();

    let [flow_log] = cloud.flow_logs().try_into().unwrap();
    assert_eq!(cloud.calls_of("CreateFlowLog").len(), 1, "it looked, and did not write again");
    let [invocation] = cloud.invocations().try_into().unwrap();
    let result = result(&invocation);
    assert_eq!((&result["outcome"], &result["flow_log_id"]), (&"done".into(), &flow_log.id.into()));
    assert_eq!(result["resource_id"], vpc);
}

#[tokio::test]
async fn a_write_that_came_to_nothing_is_made_once_more_after_several_looks() {
    for fault in [Fault::Reset, Fault::Unavailable, Fault::InternalError] {
        let cloud = cloud(Options::default()).await.unwrap();
        cloud.fail("CreateFlowLog", fault, 1);
        let vpc = cloud.create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();

        assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active", "{fault:?}");
        let calls: Vec<_> = cloud.calls().into_iter().map(|call| call.action).skip(2).collect();
        let look = "DescribeFlowLogs";
        assert_eq!(calls, [look, "CreateFlowLog", look, look, look, look, "CreateFlowLog"], "{fault:?}");
    }
}

#[tokio::test]
async fn a_write_that_stays_uncertain_is_left_to_the_next_try() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.fail("CreateFlowLog", Fault::InternalError, 2);
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.wait_until("the first try has ended", |cloud| !cloud.invocations().is_empty()).await.unwrap();

    let first = cloud.invocations().remove(0);
    assert!(!first.success);
    let result = result(&first);
    assert_eq!((&result["outcome"], &result["error"]["code"]), (&"failed".into(), &"InternalError".into()));
    assert!(cloud.calls_of("CreateFlowLog").len() <= 3);
    cloud.settled().await.unwrap();
    assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active");
}

#[tokio::test]
async fn a_flow_log_that_another_one_made_meanwhile_is_not_claimed() {
    let cloud = cloud(Options { quota: 200, ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let flow_log = cloud.flow_log_of(&vpc).unwrap().id;
    cloud.call("DeleteFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    cloud.settled().await.unwrap();

    let event = scenarios::vpc_created(&vpc).to_string();
    let invocations = (0..10).map(|_| cloud.invoke(scenarios::CREATE_FLOW_LOG, event.as_bytes()));
    let invocations = futures_util::future::join_all(invocations).await;
    let done = invocations.iter().filter(|invocation| result(invocation.as_ref().unwrap())["outcome"] == "done");
    assert_eq!(done.count(), 1, "ten saw that there was none, and one made it");
}

#[tokio::test]
async fn a_flow_log_that_is_seen_late_is_found_and_not_made_twice() {
    let stage = Stage::new("").await;
    let (vpc, flow_log) = stage.kept_vpc(&[]).await;
    stage.cloud.fail("DescribeFlowLogs", Fault::NotVisibleYet, 3);
    let report = stage.look(CREATION, &[&vpc], SignedDuration::ZERO, Duration::from_secs(60)).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.verdict, item.outcome), (Some(Verdict::Compliant), Outcome::Unchanged), "{item:#?}");
    assert_eq!(item.flow_log_id.as_ref().unwrap().as_str(), flow_log);
    let tries = stage.cloud.calls_of("CreateFlowLog").split_off(1);
    let codes: Vec<_> = tries.iter().map(|call| call.code.as_deref()).collect();
    assert_eq!(codes, [Some("InvalidResourceId.NotFound")], "that one exists is said by the refusal, and once");
    assert_eq!(stage.cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn one_whose_answer_is_lost_and_that_is_seen_late_is_made_once() {
    let stage = Stage::new("").await;
    let vpc = stage.cloud.create_vpc(&[]).await.unwrap();
    stage.cloud.fail("CreateFlowLog", Fault::AnswerLost, 1);
    stage.cloud.fail("DescribeFlowLogs", Fault::NotVisibleYet, 3);
    let report = stage.look(CREATION, &[&vpc], SignedDuration::ZERO, Duration::from_secs(60)).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.action, item.outcome), (Some("CreateFlowLog"), Outcome::Done), "{item:#?}");
    assert_eq!((stage.cloud.calls_of("CreateFlowLog").len(), stage.cloud.flow_logs().len()), (1, 1));
}
