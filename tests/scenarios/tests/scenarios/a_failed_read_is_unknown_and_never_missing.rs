use std::time::Duration;

use flow_log::Verdict;
use local_cloud::{Fault, Options, Rewrite, template::default_path};
use reconcile::Outcome;
use scenarios::{DELETION, Harness, REMEDIATION, cloud, result};
use tempfile::TempDir;

#[tokio::test]
async fn if_flow_logs_cannot_be_read_none_is_created_and_the_event_is_kept() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.fail("DescribeFlowLogs", Fault::Refused, u32::MAX);
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();

    assert!(cloud.calls_of("CreateFlowLog").is_empty());
    let invocations = cloud.invocations();
    assert_eq!(invocations.len(), 4, "Function Compute tries it again three times");
    for invocation in &invocations {
        assert!(!invocation.success);
        assert_eq!(invocation.status, Some(404));
        assert_eq!(invocation.body["errorType"], "Incomplete");
        let result = result(invocation);
        assert_eq!((&result["verdict"], &result["outcome"]), (&"unknown".into(), &"failed".into()));
        assert_eq!(result["error"]["action"], "DescribeFlowLogs");
        assert_eq!(result["error"]["code"], "Forbidden.RAM");
        assert_eq!(result["error"]["advice"], "Allow the action in the function's RAM role.");
        assert!(result["error"]["request_id"].is_string());
    }
    let [letter] = cloud.dead_letters().try_into().unwrap();
    assert!(letter.payload.to_string().contains(&vpc), "the event is not lost");
    assert!(letter.destination.unwrap().contains("flowkeeper-dead-letters"));
}

#[tokio::test]
async fn a_retry_does_what_the_first_try_could_not() {
    let cloud = cloud(Options::default()).await.unwrap();
    cloud.fail("DescribeFlowLogs", Fault::Refused, 1);
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();

    let [first, second] = cloud.invocations().try_into().unwrap();
    assert!(!first.success && second.success);
    assert_eq!(first.request_id, second.request_id);
    assert_eq!(cloud.flow_log_of(&vpc).unwrap().status, "Active");
}

/// A copy of the template with synchronous invocations, in a folder of its own. `EventBridge` retries three times
/// instead of for a day.
fn synchronous_template() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(default_path()).unwrap();
    let synchronous = text.replace("asyncInvocationType: true", "asyncInvocationType: false");
    assert_ne!(synchronous, text);
    let short = synchronous.replace("EXPONENTIAL_DECAY_RETRY", "BACKOFF_RETRY");
    std::fs::write(folder.path().join("template.yml"), short).unwrap();
    folder
}

#[tokio::test]
async fn a_synchronous_trigger_leaves_retries_and_dead_letters_to_eventbridge() {
    let folder = synchronous_template();
    let options = || Options { template: Some(folder.path().join("template.yml")), ..Options::default() };

    let recovering = cloud(options()).await.unwrap();
    recovering.fail("DescribeFlowLogs", Fault::Refused, 1);
    let vpc = recovering.create_vpc(&[]).await.unwrap();
    recovering.settled().await.unwrap();
    let [first, second] = recovering.invocations().try_into().unwrap();
    assert!(!first.success && second.success);
    assert_ne!(first.request_id, second.request_id, "each try is a new request");
    assert_eq!(recovering.flow_log_of(&vpc).unwrap().status, "Active");

    let failing = cloud(options()).await.unwrap();
    failing.fail("DescribeFlowLogs", Fault::Refused, u32::MAX);
    let unhandled = failing.create_vpc(&[]).await.unwrap();
    failing.settled().await.unwrap();
    assert_eq!(failing.invocations().len(), 4);
    let [letter] = failing.dead_letters().try_into().unwrap();
    assert!(letter.payload.to_string().contains(&unhandled), "the event is not lost");
    assert!(letter.destination.unwrap().ends_with(":/queues/flowkeeper-dead-letters"));
}

#[tokio::test]
async fn an_exhausted_quota_is_reported_with_advice() {
    let cloud = cloud(Options { quota: 1, ..Options::default() }).await.unwrap();
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();

    let last = cloud.invocations().pop().unwrap();
    assert!(!last.success, "a refusal is not just a line in the log");
    let result = result(&last);
    assert_eq!(result["error"]["code"], "QuotaExceeded.FlowlogCount");
    assert!(result["error"]["advice"].as_str().unwrap().contains("vpc_quota_flowlog_inst_nums_per_user"));
}

#[tokio::test]
async fn a_closed_flow_log_service_is_reported_with_the_function_that_opens_it() {
    let cloud = cloud(Options { flow_log_service: false, ..Options::default() }).await.unwrap();
    cloud.create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();

    let result = result(cloud.invocations().last().unwrap());
    assert_eq!(result["error"]["code"], "OptInRequired.FlowLog");
    assert!(result["error"]["advice"].as_str().unwrap().contains("open-flow-log-service"));
}

#[tokio::test]
async fn a_list_whose_second_page_cannot_be_read_proves_nothing_missing() {
    for list in ["DescribeFlowLogs", "DescribeVpcs"] {
        let harness = Harness::with("", Options { quota: 1000, ..Options::default() }).await;
        let (vpc, flow_log) = harness.kept_vpc(&[]).await;
        let others = harness.cloud.copy_vpc(&vpc, 59);
        harness.cloud.copy_flow_log(&flow_log, &others);
        for capabilities in [REMEDIATION, DELETION] {
            // The first page succeeds, and the second is refused.
            harness.cloud.fail(list, Fault::Slow(Duration::ZERO), 1);
            harness.cloud.fail(list, Fault::Refused, 1);
            let report = harness.sweep(capabilities).await;
            harness.cloud.heal();
            // Resources that the first page shows to be compliant are reported as such.
            let open = report.results.iter().filter(|item| item.verdict != Some(Verdict::Compliant));
            let [item] = open.collect::<Vec<_>>().try_into().unwrap();
            assert_eq!((item.verdict, item.outcome), (Some(Verdict::Unknown), Outcome::Failed));
            assert_eq!(item.error.as_ref().unwrap().action, list);
            assert!(report.summary.compliant <= 50 && report.incomplete().is_some(), "{:?}", report.summary);
        }
        let writes = harness.cloud.calls().into_iter().filter(|call| !call.action.starts_with("Describe"));
        assert_eq!(
            writes.map(|call| call.action).collect::<Vec<_>>(),
            ["CreateVpc", "CreateFlowLog"],
            "those of the set-up"
        );
    }
}

#[tokio::test]
async fn a_list_with_a_vpc_twice_lacks_another_and_is_unknown() {
    let harness = Harness::new("").await;
    for _ in 0..2 {
        harness.kept_vpc(&[]).await;
    }
    let twice = Rewrite::value(|json| json["Vpcs"]["Vpc"][1] = json["Vpcs"]["Vpc"][0].clone());
    harness.cloud.rewrite("DescribeVpcs", twice, u32::MAX);
    let report = harness.sweep(REMEDIATION).await;
    let [item] = report.results.as_slice() else { panic!("{report:#?}") };
    assert_eq!((item.verdict, item.outcome), (Some(Verdict::Unknown), Outcome::Failed));
    assert!(item.error.as_ref().unwrap().message.contains("shows 1 of the 2 items"), "{item:#?}");
}
