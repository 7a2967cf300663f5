use local_cloud::{Fault, Options};
use scenarios::{CREATE_FLOW_LOG, cloud, result, vpc_created};

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
async fn an_event_that_is_delivered_twice_at_once_makes_one_flow_log() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.fail("CreateVpc", Fault::EventDuplicated, 1);
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();

    assert_eq!(cloud.flow_logs().len(), 1);
    let invocations = cloud.invocations();
    assert!(invocations.len() >= 2 && invocations.iter().all(|invocation| invocation.success), "{invocations:#?}");
}

#[tokio::test]
async fn ten_invocations_at_once_make_one_flow_log() {
    let cloud = cloud(Options { policy: None, ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let flow_log = cloud.flow_log_of(&vpc).unwrap().id;
    cloud.call("DeleteFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    cloud.settled().await.unwrap();

    let event = vpc_created(&vpc).to_string();
    let invocations = (0..10).map(|_| cloud.invoke(CREATE_FLOW_LOG, event.as_bytes()));
    for invocation in futures_util::future::join_all(invocations).await {
        assert!(invocation.unwrap().success);
    }
    assert_eq!(cloud.flow_logs().len(), 1);
}
