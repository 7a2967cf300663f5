use local_cloud::Options;
use scenarios::{cloud, result};

#[tokio::test]
async fn a_dry_run_says_what_it_would_do_and_writes_nothing() {
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
