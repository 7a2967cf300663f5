use std::time::Duration;

use flow_log::Verdict;
use jiff::SignedDuration;
use local_cloud::{Fault, Options};
use reconcile::Outcome;
use scenarios::{CREATE_FLOW_LOG, CREATION, Harness, call_event, cloud, results, uncovered_vpcs, vpc_created};
use serde_json::{Value, json};

#[tokio::test]
async fn a_malformed_event_does_not_stop_the_others_of_its_batch() {
    let cloud = cloud(Options::default()).await.unwrap();
    let [one, other] = uncovered_vpcs(&cloud, 2).await.try_into().unwrap();

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

#[tokio::test]
async fn a_resource_that_fails_does_not_keep_the_others_from_their_flow_logs() {
    for (action, verdict) in [("DescribeFlowLogs", Verdict::Unknown), ("CreateFlowLog", Verdict::Missing)] {
        let harness = Harness::new("").await;
        let mut vpcs = Vec::new();
        for _ in 0..3 {
            vpcs.push(harness.cloud.create_vpc(&[]).await.unwrap());
        }
        let ids: Vec<_> = vpcs.iter().map(String::as_str).collect();
        harness.cloud.fail(action, Fault::Refused, 1);
        let report = harness.look(CREATION, &ids, SignedDuration::ZERO, Duration::from_secs(60)).await;
        let failed: Vec<_> = report.results.iter().filter(|item| item.outcome == Outcome::Failed).collect();
        let [failed] = failed.as_slice() else { panic!("{report:#?}") };
        assert_eq!((failed.verdict, failed.error.as_ref().unwrap().action), (Some(verdict), action));
        assert_eq!((report.summary.changed, report.summary.checked), (2, 3));
        assert!(report.incomplete().is_some(), "a refusal is not just a line in the log");
        assert!(harness.cloud.flow_log_of(failed.resource_id.as_ref().unwrap()).is_none());
        assert_eq!(harness.cloud.flow_logs().len(), 2);
    }
}
