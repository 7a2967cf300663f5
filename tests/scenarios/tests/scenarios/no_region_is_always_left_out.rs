//! If the time limit is too short for all regions, two runs in a row, with time for two thirds of them each, leave none
//! unread.

use std::{collections::BTreeSet, time::Duration};

use local_cloud::{Directory, OWN_ACCOUNT, Options, Rewrite, SECOND_ACCOUNT};
use reconcile::{Outcome, Report};
use remediate_flow_logs::RemediateFlowLogs;
use scenarios::{Harness, REMEDIATE};
use serde_json::json;

const REGIONS: usize = 30;
/// How long each list of VPCs takes. An invocation has 570 s, so that 25 of the 30 lists come in time, and up to 8 of
/// them are too late for what follows.
const SLOW: Duration = Duration::from_secs(22);

/// A harness with a VPC in each region of an account, whose lists take long.
async fn harness(more: &str, account: &str) -> Harness {
    // Not in the order of their names.
    let regions = (1..REGIONS).map(|nth| format!("cn-test-{}", nth * 7 % REGIONS)).collect();
    let options = Options { regions, directory: Some(Directory::new()), ..Options::default() };
    let harness = Harness::with(&format!("regions: all\n{more}"), options).await;
    let answer = harness.cloud.operator(account, "cn-hangzhou").call("DescribeRegions", &[]).await.unwrap();
    let found = answer["Regions"]["Region"].as_array().unwrap();
    assert_eq!(found.len(), REGIONS);
    for region in found {
        harness.cloud.operator(account, region["RegionId"].as_str().unwrap()).create_vpc(&[]).await.unwrap();
    }
    let clock = harness.cloud.clock().clone();
    harness.cloud.rewrite("DescribeVpcs", Rewrite::value(move |_| clock.advance(SLOW)), u32::MAX);
    harness
}

/// The regions in which the VPC has a flow log.
fn covered(harness: &Harness) -> BTreeSet<String> {
    harness.cloud.flow_logs().into_iter().map(|flow_log| flow_log.place.region).collect()
}

/// Asserts that a run did what it could, and says what it left.
fn is_unfinished(harness: &Harness, report: &Report, before: usize) {
    let done = report.results.iter().filter(|item| item.outcome == Outcome::Done).count();
    assert_eq!(done, covered(harness).len() - before);
    assert!(report.incomplete().is_some() && report.summary.unfinished > 0, "{report:#?}");
    assert_eq!(report.summary.failed, 0, "{report:#?}");
}

#[tokio::test]
async fn two_runs_in_a_row_of_an_account_of_an_organization_read_every_region() {
    let harness = harness("resource_directory: {role: flowkeeper}\n", SECOND_ACCOUNT).await;
    let run = async |time: &str| {
        let shard = json!({"flowkeeper": "shard", "run": format!("r{time}Z-1a2b3c4d"), "account": SECOND_ACCOUNT,
                           "regions": "all", "attempt": 1});
        harness.respond::<RemediateFlowLogs>(REMEDIATE, shard.to_string().as_bytes()).await
    };
    is_unfinished(&harness, &run("20260302T230700").await, 0);
    let first = covered(&harness);
    assert!((REGIONS * 2 / 3..REGIONS).contains(&first.len()), "{first:?}");
    // Function Compute repeats what is unfinished, at the same place. The next timer begins elsewhere, after midnight, too.
    is_unfinished(&harness, &run("20260303T000700").await, first.len());
    assert_eq!(covered(&harness).len(), REGIONS, "the first run read {first:?}");
}

#[tokio::test]
async fn two_runs_in_a_row_of_one_account_read_every_region() {
    let harness = harness("", OWN_ACCOUNT).await;
    let run = async |time: &str| {
        let timer = json!({"triggerTime": format!("{time}Z"), "triggerName": "sweep", "payload": ""});
        harness.respond::<RemediateFlowLogs>(REMEDIATE, timer.to_string().as_bytes()).await
    };
    is_unfinished(&harness, &run("2026-03-02T04:07:00").await, 0);
    let first = covered(&harness);
    is_unfinished(&harness, &run("2026-03-02T05:07:00").await, first.len());
    assert_eq!(covered(&harness).len(), REGIONS, "the first run read {first:?}");
}
