use local_cloud::{Fault, Options};
use scenarios::{cloud, result};

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
async fn a_write_that_came_to_nothing_is_made_again_after_a_look() {
    for fault in [Fault::Reset, Fault::Unavailable, Fault::InternalError] {
        let cloud = cloud(Options::default()).await.unwrap();
        cloud.fail("CreateFlowLog", fault, 1);
        let vpc = cloud.create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();

        assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active", "{fault:?}");
        let calls: Vec<_> = cloud.calls().into_iter().map(|call| call.action).collect();
        let expected =
            ["CreateVpc", "DescribeVpcs", "DescribeFlowLogs", "CreateFlowLog", "DescribeFlowLogs", "CreateFlowLog"];
        assert_eq!(calls, expected, "{fault:?}");
    }
}
