use flow_log::Verdict;
use local_cloud::{LocalCloud, OWN_ACCOUNT, Options, SECOND_ACCOUNT, SECOND_ACCOUNT_ROLE};
use reconcile::Outcome;
use scenarios::{CREATE_FLOW_LOG, CREATION, Harness, REMEDIATION, cloud, forwarded, result, vpc_created};
use serde_json::Value;

/// Invokes the function for a VPC, and returns its result.
async fn looked_at(cloud: &LocalCloud, vpc: &str) -> Value {
    let invocation = cloud.invoke(CREATE_FLOW_LOG, vpc_created(vpc).to_string().as_bytes()).await.unwrap();
    assert!(invocation.success, "{:#}", invocation.body);
    result(&invocation)
}

/// Creates a VPC, and returns it with the flow log that its event led to.
async fn vpc_with_flow_log(cloud: &LocalCloud) -> (String, String) {
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let flow_log = cloud.flow_log_of(&vpc).unwrap().id;
    (vpc, flow_log)
}

#[tokio::test]
async fn a_vpc_tagged_ignore_gets_no_flow_log() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.create_vpc(&[("flowkeeper", "ignore")]).await.unwrap();
    cloud.settled().await.unwrap();

    assert!(cloud.flow_logs().is_empty());
    let result = result(&cloud.invocations()[0]);
    assert_eq!((&result["verdict"], &result["outcome"]), (&"excluded".into(), &"skipped".into()));
    assert_eq!(result["reason"], "its tag flowkeeper says ignore");
}

#[tokio::test]
async fn an_unknown_tag_value_is_reported_and_nothing_is_changed() {
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
async fn a_foreign_flow_log_counts_as_coverage_and_is_not_touched() {
    let cloud = cloud(Options::default()).await.unwrap();
    let (vpc, flow_log) = vpc_with_flow_log(&cloud).await;
    cloud.edit_flow_log(&flow_log, |flow_log| {
        flow_log.tags.clear();
        flow_log.name = "theirs".into();
    });
    let result = looked_at(&cloud, &vpc).await;
    assert_eq!((&result["verdict"], &result["outcome"]), (&"foreign".into(), &"unchanged".into()));
}

#[tokio::test]
async fn an_own_flow_log_that_lost_its_tag_is_a_finding_whether_active_or_stopped() {
    for (status, verdict) in [("Active", "foreign"), ("Inactive", "inactive")] {
        let cloud = cloud(Options::default()).await.unwrap();
        let (vpc, flow_log) = vpc_with_flow_log(&cloud).await;
        cloud.edit_flow_log(&flow_log, |flow_log| {
            flow_log.tags.clear();
            flow_log.status = status.into();
        });
        let result = looked_at(&cloud, &vpc).await;
        assert_eq!((&result["verdict"], &result["outcome"]), (&verdict.into(), &"skipped".into()));
        let reason = result["reason"].as_str().unwrap();
        assert!(reason.contains("equals Flowkeeper's and lacks the tag managed-by=flowkeeper"), "{reason}");
        assert_eq!(cloud.invocations().pop().unwrap().body["summary"]["findings"], 1);
        assert_eq!(cloud.flow_logs()[0].status, status, "and is left alone");
    }
}

#[tokio::test]
async fn a_flow_log_of_sls_counts_as_coverage_and_is_not_touched() {
    let cloud = cloud(Options::default()).await.unwrap();
    let (vpc, flow_log) = vpc_with_flow_log(&cloud).await;
    cloud.edit_flow_log(&flow_log, |flow_log| flow_log.service_type = "sls".to_owned());
    let result = looked_at(&cloud, &vpc).await;
    assert_eq!((&result["verdict"], &result["outcome"]), (&"foreign".into(), &"unchanged".into()));
}

#[tokio::test]
async fn an_inactive_foreign_flow_log_is_no_coverage_and_is_reported() {
    let cloud = cloud(Options::default()).await.unwrap();
    let (vpc, flow_log) = vpc_with_flow_log(&cloud).await;
    cloud.call("DeactiveFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
    cloud.settled().await.unwrap();
    let result = looked_at(&cloud, &vpc).await;
    assert_eq!((&result["verdict"], &result["outcome"]), (&"inactive".into(), &"skipped".into()));
    assert_eq!(cloud.flow_logs().len(), 1);
}

#[tokio::test]
async fn a_foreign_flow_log_that_does_not_deliver_is_reported() {
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
async fn a_vpc_shared_by_another_account_is_left_to_its_owner() {
    let harness = Harness::new("").await;
    let theirs = harness.cloud.operator(SECOND_ACCOUNT, "cn-hangzhou").create_vpc(&[]).await.unwrap();
    harness.cloud.share_vpc(&theirs, OWN_ACCOUNT);
    harness.cloud.create_vpc(&[]).await.unwrap();
    let swept = harness.sweep(REMEDIATION).await;
    let minute = std::time::Duration::from_secs(60);
    let named = harness.look(CREATION, &[&theirs], jiff::SignedDuration::ZERO, minute).await;
    for report in [&swept, &named] {
        let item = report.results.iter().find(|item| item.resource_id.as_ref() == Some(&theirs)).unwrap();
        assert_eq!((item.verdict, item.outcome), (Some(Verdict::Unsupported), Outcome::Skipped), "{item:#?}");
        assert!(item.reason.contains("is shared by the account 1000000000000002"), "{}", item.reason);
        assert_eq!((report.incomplete(), report.summary.findings), (None, 0));
    }
    assert_eq!((swept.summary.changed, harness.cloud.calls_of("CreateFlowLog").len()), (1, 1));
}

#[tokio::test]
async fn events_of_an_excluded_own_account_change_nothing() {
    let more =
        format!("accounts: [{{id: \"{SECOND_ACCOUNT}\", role: \"{SECOND_ACCOUNT_ROLE}\"}}]\nown_account: false\n");
    let harness = Harness::new(&more).await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    let minute = std::time::Duration::from_secs(60);
    let report = harness.look(CREATION, &[&vpc], jiff::SignedDuration::ZERO, minute).await;
    assert_eq!((report.results[0].outcome, report.incomplete()), (Outcome::Skipped, None));
    assert!(report.results[0].reason.ends_with("own_account is false in the policy"), "{report:#?}");
    assert!(harness.cloud.flow_logs().is_empty());
}

#[tokio::test]
async fn an_event_of_an_excluded_region_or_account_is_skipped_with_the_reason() {
    let policy = format!(
        "flow_log: {{project: flowlog, log_store: vpc}}\nregions: [cn-hangzhou]\n\
         accounts: [{{id: \"{SECOND_ACCOUNT}\", role: \"{SECOND_ACCOUNT_ROLE}\"}}]\n"
    );
    let forwarded = forwarded(&[(SECOND_ACCOUNT, "cn-hangzhou")]);
    let cloud = cloud(Options { policy: Some(policy), forwarded, ..Options::default() }).await.unwrap();
    let there = |account: &str, region: &str| {
        let mut event = vpc_created("vpc-1");
        event["data"]["recipientAccountId"] = account.into();
        event["data"]["acsRegion"] = region.into();
        event
    };
    for (account, region, why) in [
        (OWN_ACCOUNT, "cn-shanghai", "the region cn-shanghai is out of scope: the policy's regions do not name it"),
        (SECOND_ACCOUNT, "cn-shanghai", "the region cn-shanghai is out of scope: the policy's regions do not name it"),
        (
            "1000000000000009",
            "cn-hangzhou",
            "the account 1000000000000009 is out of scope: the policy's accounts do not name it",
        ),
    ] {
        let event = there(account, region).to_string();
        let invocation = cloud.invoke(CREATE_FLOW_LOG, event.as_bytes()).await.unwrap();
        assert!(invocation.success, "{:#}", invocation.body);
        let result = result(&invocation);
        assert_eq!((&result["outcome"], &result["reason"]), (&"skipped".into(), &why.into()));
        assert_eq!((&result["account"], &result["region"]), (&account.into(), &region.into()));
        assert_eq!((&result["resource_type"], &result["resource_id"]), (&"VPC".into(), &"vpc-1".into()));
    }
    assert!(cloud.calls().is_empty(), "nobody is asked about what is out of scope");

    let vpc = cloud.operator(SECOND_ACCOUNT, "cn-hangzhou").create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    assert!(cloud.flow_log_of(&vpc).is_some(), "the policy names the account");
}

#[tokio::test]
async fn without_regions_in_the_policy_an_event_of_any_region_is_acted_on() {
    let forwarded = forwarded(&[(OWN_ACCOUNT, "cn-shanghai")]);
    let cloud = cloud(Options { forwarded, ..Options::default() }).await.unwrap();
    let vpc = cloud.operator(OWN_ACCOUNT, "cn-shanghai").create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let event = cloud.events().into_iter().find(|event| event["data"]["eventName"] == "CreateVpc").unwrap();
    cloud.invoke(CREATE_FLOW_LOG, event.to_string().as_bytes()).await.unwrap();
    assert!(cloud.flow_log_of(&vpc).is_some());
}

#[tokio::test]
async fn a_network_interface_that_a_cloud_service_manages_is_unsupported_and_not_tried() {
    for is_covered in [false, true] {
        let harness = Harness::new("coverage: network-interface\n").await;
        let vpc = if is_covered { harness.kept_vpc(&[]).await.0 } else { harness.cloud.create_vpc(&[]).await.unwrap() };
        let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
        let interface = harness.cloud.create_network_interface(&vswitch).await.unwrap();
        harness.cloud.edit_network_interface(&interface, |it| it.service_managed = true);
        let seen = harness.calls();
        let minute = std::time::Duration::from_secs(60);
        let swept = harness.sweep(REMEDIATION).await;
        let event = harness.look(CREATION, &[&interface], jiff::SignedDuration::ZERO, minute).await;
        for report in [swept, event] {
            let item = report.results.iter().find(|it| it.resource_id.as_ref() == Some(&interface)).unwrap();
            assert_eq!((report.incomplete(), report.summary.changed), (None, 0), "{report:#?}");
            if is_covered {
                assert_eq!((item.verdict, item.outcome), (Some(Verdict::Compliant), Outcome::Unchanged), "{item:#?}");
            } else {
                assert_eq!((item.verdict, item.outcome), (Some(Verdict::Unsupported), Outcome::Skipped), "{item:#?}");
                assert!(item.reason.contains("is managed by a cloud service"), "{}", item.reason);
            }
        }
        assert!(harness.cloud.calls()[seen..].iter().all(|call| call.action.starts_with("Describe")));
    }
}

#[tokio::test]
async fn foreign_coverage_from_above_is_reported_with_its_destination() {
    let harness = Harness::new("coverage: network-interface\n").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
    harness.cloud.create_network_interface(&vswitch).await.unwrap();
    let theirs = [("ProjectName", "theirs"), ("LogStoreName", "theirs")];
    harness.cloud.create_flow_log("VPC", &vpc, &theirs).await.unwrap();
    harness.cloud.finish_transitions();
    let report = harness.sweep(REMEDIATION).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!(item.verdict, Some(Verdict::Foreign), "{report:#?}");
    assert!(item.reason.contains("which others made and which delivers to theirs/theirs"), "{}", item.reason);
}
