use local_cloud::Options;
use scenarios::{CREATE_FLOW_LOG, call_event, cloud, results, vpc_created};
use serde_json::{Value, json};

#[tokio::test]
async fn one_bad_item_stops_none_of_the_others() {
    let cloud = cloud(Options::default()).await.unwrap();
    let [one, other] = [cloud.create_vpc(&[]).await.unwrap(), cloud.create_vpc(&[]).await.unwrap()];
    cloud.settled().await.unwrap();
    for flow_log in cloud.flow_logs() {
        cloud.call("DeleteFlowLog", &[("FlowLogId", &flow_log.id)]).await.unwrap();
    }
    cloud.settled().await.unwrap();

    let mut second = vpc_created(&other);
    second["id"] = "another".into();
    let mut without_id = call_event("Vpc", "CreateVpc", &json!({}));
    without_id["id"] = "broken".into();
    let batch = json!([vpc_created(&one), {"hello": "world"}, without_id, second.to_string(), second]);
    let invocation = cloud.invoke(CREATE_FLOW_LOG, batch.to_string().as_bytes()).await.unwrap();

    assert!(!invocation.success, "what is broken is not passed over in silence");
    let outcomes: Vec<_> = results(&invocation)
        .iter()
        .map(|result| (result["resource_id"].as_str().map(str::to_owned), result["outcome"].clone()))
        .collect();
    let expected: Vec<(Option<String>, Value)> = vec![
        (None, "failed".into()),
        (None, "failed".into()),
        (Some(one.clone()), "done".into()),
        (Some(other.clone()), "done".into()),
    ];
    assert_eq!(outcomes, expected);
    assert!(cloud.flow_log_of(&one).is_some() && cloud.flow_log_of(&other).is_some());
}
