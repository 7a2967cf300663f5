use flow_log::Verdict;
use local_cloud::{LocalCloud, OWN_ACCOUNT, Options, SECOND_ACCOUNT, SECOND_ACCOUNT_ROLE};
use reconcile::Outcome;
use scenarios::{CREATE_FLOW_LOG, CREATION, REMEDIATION, Stage, cloud, result, vpc_created};
use serde_json::Value;

/// What the function says of a VPC whose flow log is another one than its own.
async fn looked_at(cloud: &LocalCloud, vpc: &str) -> Value {
    let invocation = cloud.invoke(CREATE_FLOW_LOG, vpc_created(vpc).to_string().as_bytes()).await.unwrap();
    assert!(invocation.success, "{:#}", invocation.body);
    result(&invocation)
}

/// A VPC, with the flow log on it that its event brought.
async fn vpc_with_flow_log(cloud: &LocalCloud) -> (String, String) {
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let flow_log = cloud.flow_log_of(&vpc).unwrap().id;
    (vpc, flow_log)
}

#[tokio::test]
async fn a_vpc_that_its_owner_wants_ignored_gets_no_flow_log() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.create_vpc(&[("flowkeeper", "ignore")]).await.unwrap();
    cloud.settled().await.unwrap();

    assert!(cloud.flow_logs().is_empty());
    let result = result(&cloud.invocations()[0]);
    assert_eq!((&result["verdict"], &result["outcome"]), (&"excluded".into(), &"skipped".into()));
    assert_eq!(result["reason"], "its tag flowkeeper says ignore");
}

#[tokio::test]
async fn a_tag_that_nobody_understands_is_said_and_nothing_is_done() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.create_vpc(&[("flowkeeper", "ingore")]).await.unwrap();
    cloud.settled().await.unwrap();

    assert!(cloud.flow_logs().is_empty());
    let [invocation] = cloud.invocations().try_into().unwrap();
    assert!(invocation.success);
    assert_eq!(invocation.body["summary"]["findings"], 1);
    assert!(result(&invocation)["reason"].as_str().unwrap().contains("\"ingore\""));
}

#[tokio::test]
async fn a_flow_log_that_others_made_counts_and_is_not_touched() {
    let cloud = cloud(Options::default()).await.unwrap();
    let (vpc, flow_log) = vpc_with_flow_log(&cloud).await;
    cloud.edit_flow_log(&flow_log, |flow_log| flow_log.tags.clear());
    let result = looked_at(&cloud, &vpc).await;
    assert_eq!((&result["verdict"], &result["outcome"]), (&"foreign".into(), &"unchanged".into()));
}

#[tokio::test]
async fn a_flow_log_of_sls_counts_and_is_not_touched() {
    let cloud = cloud(Options::default()).await.unwrap();
    let (vpc, flow_log) = vpc_with_flow_log(&cloud).await;
    cloud.edit_flow_log(&flow_log, |flow_log| flow_log.service_type = "sls".to_owned());
    let result = looked_at(&cloud, &vpc).await;
    assert_eq!((&result["verdict"], &result["outcome"]), (&"foreign".into(), &"unchanged".into()));
}

#[tokio::test]
async fn an_inactive_flow_log_is_no_cover_and_is_said() {
    let cloud = cloud(Options::default()).await.unwrap();
    let (vpc, flow_log) = vpc_with_flow_log(&cloud).await;
    cloud.call("DeactiveFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    cloud.settled().await.unwrap();
    let result = looked_at(&cloud, &vpc).await;
    assert_eq!((&result["verdict"], &result["outcome"]), (&"inactive".into(), &"skipped".into()));
    assert_eq!(cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn a_flow_log_whose_lines_do_not_arrive_is_said() {
    let cloud = cloud(Options::default()).await.unwrap();
    let (vpc, flow_log) = vpc_with_flow_log(&cloud).await;
    cloud.edit_flow_log(&flow_log, |flow_log| {
        flow_log.deliver_status = "FAILED".to_owned();
        flow_log.deliver_error_message = "ProjectNotExist".to_owned();
    });
    let result = looked_at(&cloud, &vpc).await;
    assert_eq!((&result["verdict"], &result["outcome"]), (&"undelivered".into(), &"skipped".into()));
    assert!(result["reason"].as_str().unwrap().contains("ProjectNotExist"));
}

#[tokio::test]
async fn a_vpc_that_another_account_shares_is_its_owners_to_look_after() {
    let stage = Stage::new("").await;
    let theirs = stage.cloud.operator(SECOND_ACCOUNT, "cn-hangzhou").create_vpc(&[]).await.unwrap();
    stage.cloud.share_vpc(&theirs, OWN_ACCOUNT);
    stage.cloud.create_vpc(&[]).await.unwrap();
    let swept = stage.sweep(REMEDIATION).await;
    let minute = std::time::Duration::from_secs(60);
    let named = stage.look(CREATION, &[&theirs], jiff::SignedDuration::ZERO, minute).await;
    for report in [&swept, &named] {
        let item = report.results.iter().find(|item| item.resource_id.as_ref() == Some(&theirs)).unwrap();
        assert_eq!((item.verdict, item.outcome), (Some(Verdict::Unsupported), Outcome::Skipped), "{item:#?}");
        assert!(item.reason.contains("is shared by the account 1000000000000002"), "{}", item.reason);
        assert_eq!((report.incomplete(), report.summary.findings), (None, 0));
    }
    assert_eq!((swept.summary.changed, stage.cloud.calls_of("CreateFlowLog").len()), (1, 1));
}

#[tokio::test]
async fn the_own_account_is_left_alone_by_events_too_where_the_policy_leaves_it_out() {
    let more =
        format!("accounts: [{{id: \"{SECOND_ACCOUNT}\", role: \"{SECOND_ACCOUNT_ROLE}\"}}]\nown_account: false\n");
    let stage = Stage::new(&more).await;
    let vpc = stage.cloud.create_vpc(&[]).await.unwrap();
    let minute = std::time::Duration::from_secs(60);
    let report = stage.look(CREATION, &[&vpc], jiff::SignedDuration::ZERO, minute).await;
    assert_eq!((report.results[0].outcome, report.incomplete()), (Outcome::Skipped, None));
    assert!(report.results[0].reason.ends_with("which the policy leaves out"), "{report:#?}");
    assert!(stage.cloud.flow_logs().is_empty());
}
