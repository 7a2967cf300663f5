//! A client that only reads sends nothing else.

use std::time::Duration;

use openapi::{AssumeRole, CallError, Cause, FlowLogFilter, TagFilter, TaggedType};
use serde_json::json;

use crate::support::{NOTHING, Server, TestMachine, ok, session};

#[tokio::test]
async fn a_client_that_only_reads_refuses_every_write_before_it_is_sent() {
    let server = Server::answering(|_| ok(NOTHING)).await;
    let client = server.client(&TestMachine::new()).read_only();
    let session = session(&client);
    let (id, ecr) = ("fl-1".parse().unwrap(), "ecr-1".parse().unwrap());
    let tags = [("key".parse().unwrap(), "value".parse().unwrap())].into_iter().collect();
    let writes = session.writes();
    let refusals: [Result<(), CallError>; 8] = [
        writes.delete_flow_log(&id).await,
        writes.activate_flow_log(&id).await,
        writes.deactivate_flow_log(&id).await,
        writes.tag_resources(TaggedType::FlowLog, &["fl-1"], &tags).await,
        writes.untag_resources(TaggedType::FlowLog, &["fl-1"], &["key".parse().unwrap()]).await,
        writes.open_flow_log_service().await.map(drop),
        writes.delete_ecr_flow_log(&ecr, &id).await,
        // A dry run is a write that the API stops.
        writes.try_out_ecr_tags(&["ecr-1"], &tags).await,
    ];
    for refusal in refusals {
        let error = refusal.unwrap_err();
        assert_eq!(error.cause, Cause::ReadOnly, "{error}");
        assert_eq!(error.cause.to_string(), "not sent: this client only reads");
    }
    assert_eq!(server.actions(), [""; 0]);
}

#[tokio::test]
async fn a_client_that_only_reads_reads_and_assumes_roles() {
    let server = Server::answering(|seen| match seen.action() {
        "AssumeRole" => ok(json!({"Credentials": {
            "AccessKeyId": "STS.1", "AccessKeySecret": "s", "SecurityToken": "t", "Expiration": "2026-11-20T11:00:00Z",
        }})),
        "GetCallerIdentity" => ok(json!({"AccountId": "1000000000000001"})),
        _ => ok(NOTHING),
    })
    .await;
    let client = server.client(&TestMachine::new()).read_only();
    let session = session(&client);
    session.describe_flow_logs(&FlowLogFilter::default()).await.unwrap();
    session.describe_regions().await.unwrap();
    session.list_tag_resources(TaggedType::Vpc, &TagFilter { ids: &["vpc-1"], ..TagFilter::default() }).await.unwrap();
    session.get_caller_identity().await.unwrap();
    let role = "acs:ram::2:role/flowkeeper".parse().unwrap();
    let asked = AssumeRole { duration: Some(Duration::from_secs(900)), ..AssumeRole::new(&role, "reader") };
    session.assume_role(&asked).await.unwrap();
    let actions = ["DescribeFlowLogs", "DescribeRegions", "ListTagResources", "GetCallerIdentity", "AssumeRole"];
    assert_eq!(server.actions(), actions);
}
