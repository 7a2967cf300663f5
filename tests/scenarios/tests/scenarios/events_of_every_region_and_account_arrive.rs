//! Whichever way events come to the functions. If they do not come, nothing is lost, and a sweep says so.

use std::time::Duration;

use flow_log::Verdict;
use jiff::{SignedDuration, Timestamp};
use local_cloud::{
    CrossRegion, Entry, EntryKind, EventBus, Fault, Invocation, LocalCloud, OWN_ACCOUNT, Options, Place, Rewrite,
    SECOND_ACCOUNT, SECOND_ACCOUNT_ROLE, template::default_path,
};
use reconcile::{Item, Outcome, Report};
use scenarios::{CREATE_FLOW_LOG, Harness, REMEDIATE, REMEDIATION, forwarded, results, whole_cloud};
use serde_json::{Value, json};

/// The home region of the functions.
const HOME: &str = "cn-hangzhou";
/// The region in which something happens.
const ELSEWHERE: &str = "cn-shanghai";
/// A region without MNS.
const MANILA: &str = "ap-southeast-6";

const HINT: &str = "and it seems that no event announced it, or that its event failed";

/// A policy for both accounts and every region that is used here.
fn policy() -> Option<String> {
    Some(format!(
        "flow_log:\n  project: flowlog-{{account}}-{{region}}\n  log_store: vpc\nregions: [{HOME}, {ELSEWHERE}, {MANILA}]\n\
         accounts: [{{id: \"{SECOND_ACCOUNT}\", role: \"{SECOND_ACCOUNT_ROLE}\"}}]\n"
    ))
}

fn options(places: &[(&str, &str)]) -> Options {
    let mut options = Options { policy: policy(), forwarded: forwarded(places), ..Options::default() };
    options.retry_delay = Duration::ZERO;
    options.regions.push(MANILA.to_owned());
    options
}

/// With functions in the home region alone, and a hub there.
fn hub(places: &[(&str, &str)]) -> Options {
    options(places)
}

/// With functions in the other region, too, and no event that crosses regions.
fn in_place(places: &[(&str, &str)]) -> Options {
    Options { in_place: vec![ELSEWHERE.to_owned()], cross_region: CrossRegion::Refused, ..options(places) }
}

fn default_of(account: &str, region: &str) -> EventBus {
    EventBus::new(account, region, "default")
}

/// The invocations of a function, apart from those of others.
fn invocations_of(cloud: &LocalCloud, function: &str) -> Vec<Invocation> {
    cloud.invocations().into_iter().filter(|invocation| invocation.function == function).collect()
}

/// Where an event of the other region went: each bus, queue and function, in order.
fn way(cloud: &LocalCloud) -> Vec<String> {
    let hop = |what: &EntryKind| match what {
        EntryKind::Event { bus, .. } | EntryKind::Forwarded { to: bus, .. } => Some(bus.to_string()),
        EntryKind::Queued { queue, .. } => queue.rsplit('/').next().map(str::to_owned),
        EntryKind::Invoking { function, region, .. } => Some(format!("{function} in {region}")),
        _ => None,
    };
    cloud.journal().iter().filter_map(|entry| hop(&entry.what)).collect()
}

#[tokio::test]
async fn in_both_modes_a_flow_log_appears_where_its_vpc_is_and_the_event_goes_the_way_of_the_mode() {
    let from_hub = ["flowkeeper bus of 1000000000000001 in cn-hangzhou", "flowkeeper-hub-create-flow-log"];
    for (account, options, between, region) in [
        (SECOND_ACCOUNT, hub(&[(SECOND_ACCOUNT, ELSEWHERE)]), &from_hub[..], HOME),
        (OWN_ACCOUNT, hub(&[(OWN_ACCOUNT, ELSEWHERE)]), &from_hub, HOME),
        (
            SECOND_ACCOUNT,
            in_place(&[(SECOND_ACCOUNT, ELSEWHERE)]),
            &["default bus of 1000000000000001 in cn-shanghai"],
            ELSEWHERE,
        ),
        (OWN_ACCOUNT, in_place(&[]), &[], ELSEWHERE),
    ] {
        let cloud = whole_cloud(options).await.unwrap();
        let vpc = cloud.operator(account, ELSEWHERE).create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();

        let flow_log = cloud.flow_log_of(&vpc).unwrap();
        assert_eq!(flow_log.place, Place { account: account.to_owned(), region: ELSEWHERE.to_owned() });
        assert_eq!(flow_log.project, format!("flowlog-{account}-{ELSEWHERE}"));
        let woken = format!("{CREATE_FLOW_LOG} in {region}");
        let first = default_of(account, ELSEWHERE).to_string();
        let expected = [&[first.as_str()], between, &[&woken]].concat();
        let way = way(&cloud);
        // The function's own call, CreateFlowLog, is an event as well, which wakes nobody.
        assert_eq!(way[..expected.len()], expected, "{way:#?}");
        let [invocation] = cloud.invocations().try_into().unwrap();
        assert!(invocation.success, "{:#}", invocation.body);
        let [result] = results(&invocation).try_into().unwrap();
        assert_eq!(
            [&result["account"], &result["region"], &result["outcome"]],
            [&json!(account), &json!(ELSEWHERE), &json!("done")]
        );
        assert_eq!(result.get("unannounced"), None, "an event did");
        assert_eq!((cloud.undelivered().len(), cloud.dead_letters().len()), (0, 0));
    }
}

#[tokio::test]
async fn in_both_modes_drift_is_repaired_and_orphans_are_deleted_by_events_too() {
    let places = [(SECOND_ACCOUNT, ELSEWHERE)];
    for (options, region) in [(hub(&places), HOME), (in_place(&places), ELSEWHERE)] {
        let cloud = whole_cloud(options).await.unwrap();
        let there = cloud.operator(SECOND_ACCOUNT, ELSEWHERE);
        let vpc = there.create_vpc(&[]).await.unwrap();
        cloud.settled().await.unwrap();
        let first = cloud.flow_log_of(&vpc).unwrap().id;

        there.call("DeleteFlowLog", &[("FlowLogId", &first)]).await.unwrap();
        cloud.settled().await.unwrap();
        let second = cloud.flow_log_of(&vpc).unwrap().id;
        assert_ne!(second, first);

        there.call("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
        cloud.settled().await.unwrap();
        assert_eq!(cloud.flow_logs().len(), 0);
        for invocation in cloud.invocations() {
            assert!(invocation.success, "{:#}", invocation.body);
            assert_eq!(invocation.region, region, "{}", invocation.function);
            assert_eq!(invocation.body["summary"].get("unannounced"), None, "{:#}", invocation.body);
        }
        assert_eq!((cloud.undelivered().len(), cloud.dead_letters().len()), (0, 0));
    }
}

#[tokio::test]
async fn an_event_that_comes_both_ways_makes_one_flow_log() {
    let mut options = in_place(&[(OWN_ACCOUNT, ELSEWHERE)]);
    options.cross_region = CrossRegion::Delivered;
    options.parameters.insert("HubBus".to_owned(), "flowkeeper".to_owned());
    let cloud = whole_cloud(options).await.unwrap();
    let vpc = cloud.operator(OWN_ACCOUNT, ELSEWHERE).create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let mut regions: Vec<String> =
        invocations_of(&cloud, CREATE_FLOW_LOG).into_iter().map(|invocation| invocation.region).collect();
    regions.sort();
    assert_eq!(regions, [HOME, ELSEWHERE]);
    assert!(cloud.invocations().iter().all(|invocation| invocation.success), "{:#?}", cloud.invocations());
    assert_eq!(cloud.flow_logs().len(), 1);
    assert!(cloud.flow_log_of(&vpc).is_some());
}

#[tokio::test]
async fn functions_in_place_use_no_key_outside_their_own_account_and_role() {
    let cloud = whole_cloud(in_place(&[])).await.unwrap();
    cloud.operator(OWN_ACCOUNT, ELSEWHERE).create_vpc(&[]).await.unwrap();
    cloud.settled().await.unwrap();
    let callers: Vec<_> = cloud.calls().into_iter().filter_map(|call| call.caller).collect();
    let functions: Vec<_> = callers.iter().filter(|caller| caller.role.is_some()).collect();
    assert!(!functions.is_empty());
    for caller in functions {
        assert_eq!(caller.role.as_deref(), Some("flowkeeper-create-flow-log"), "the role of the home stack");
        assert_eq!((caller.account.as_str(), caller.region.as_deref()), (OWN_ACCOUNT, Some(ELSEWHERE)));
    }
}

/// Makes a VPC that was created this long ago, and returns its id. Its event is new.
async fn create_vpc(cloud: &LocalCloud, account: &str, region: &str, minutes_ago: i64) -> String {
    let vpc = cloud.operator(account, region).create_vpc(&[]).await.unwrap();
    cloud.edit_vpc(&vpc, |it| it.created -= SignedDuration::from_mins(minutes_ago));
    cloud.settled().await.unwrap();
    vpc
}

/// Fires the timer of the sweep, and returns the results for a resource.
async fn swept(cloud: &LocalCloud, resource: &str) -> Vec<Value> {
    let (seen, journaled) = (cloud.invocations().len(), cloud.journal_len());
    cloud.fire_timer(REMEDIATE, "sweep").unwrap();
    cloud.settled().await.unwrap();
    let all = cloud.invocations().split_off(seen);
    assert!(all.iter().all(|invocation| invocation.success), "{all:#?}");
    let counted = all.iter().filter_map(|invocation| invocation.body["summary"]["unannounced"].as_u64()).sum::<u64>();
    let is_hint =
        |entry: &Entry| matches!(&entry.what, EntryKind::Line { text, .. } if text.contains("\"unannounced\":true"));
    let lines = cloud.journal_after(journaled).iter().filter(|entry| is_hint(entry)).count();
    assert_eq!(counted, lines as u64, "one line for each");
    let found: Vec<Value> = all.iter().flat_map(results).filter(|result| result["resource_id"] == resource).collect();
    assert_eq!(counted, found.iter().filter(|result| result["unannounced"] == true).count() as u64);
    found
}

/// Checks that a sweep makes the flow log that an event should have led to, and says so.
async fn heals(cloud: &LocalCloud, vpc: &str) {
    assert_eq!(cloud.invocations().len(), 0, "no event came");
    assert!(cloud.flow_log_of(vpc).is_none());
    let created = cloud.vpcs().into_iter().find(|it| it.id == vpc).unwrap().created;
    let [result] = swept(cloud, vpc).await.try_into().unwrap();
    assert!(cloud.flow_log_of(vpc).is_some());
    assert_eq!((&result["verdict"], &result["outcome"]), (&json!("missing"), &json!("done")));
    assert_eq!(result["unannounced"], true);
    let created = Timestamp::from_second(created.as_second()).unwrap();
    let reason = result["reason"].as_str().unwrap();
    assert_eq!(reason, format!("no active flow log covers {vpc}; it was created at {created}, {HINT}"));

    assert_eq!(swept(cloud, vpc).await.first().and_then(|again| again.get("unannounced")), None, "said once");
}

#[tokio::test]
async fn what_cannot_be_forwarded_is_kept_as_a_dead_letter_and_a_sweep_heals_it_and_says_so() {
    let places = [(SECOND_ACCOUNT, ELSEWHERE)];
    let with = |name: &str, value: &str| {
        let mut options = hub(&places);
        options.parameters.insert(name.to_owned(), value.to_owned());
        options
    };
    let undelivered = Options { cross_region: CrossRegion::Undelivered, ..hub(&places) };
    for (why, options) in [
        ("does not trust 1000000000000002@eventbridge.aliyuncs.com", with("HubSenders", "1000000000000003")),
        ("is not there for 1000000000000002@eventbridge.aliyuncs.com", with("HubSenders", "")),
        ("no event reaches another region", undelivered),
    ] {
        let cloud = whole_cloud(options).await.unwrap();
        let vpc = create_vpc(&cloud, SECOND_ACCOUNT, ELSEWHERE, 20).await;
        let [lost] = cloud.undelivered().try_into().unwrap();
        assert!(lost.reason.contains(why), "{}", lost.reason);
        assert_eq!(lost.event["data"]["responseElements"]["VpcId"], vpc.as_str(), "the whole event is kept");
        let queue = "acs:mns:cn-shanghai:1000000000000002:/queues/flowkeeper-forward-dead-letters";
        assert_eq!((lost.from, lost.destination.as_deref()), (default_of(SECOND_ACCOUNT, ELSEWHERE), Some(queue)));
        heals(&cloud, &vpc).await;
    }
}

#[tokio::test]
async fn without_the_bus_of_the_hub_a_sweep_heals_too() {
    let forward = default_path().with_file_name("template-forward.yml");
    let nowhere = [("HubAccountId", OWN_ACCOUNT), ("HubRegion", HOME), ("HubBus", "nowhere")];
    let cloud = whole_cloud(hub(&[])).await.unwrap();
    cloud.deploy(OWN_ACCOUNT, ELSEWHERE, &forward, &nowhere).unwrap();
    let vpc = create_vpc(&cloud, OWN_ACCOUNT, ELSEWHERE, 20).await;
    let [lost] = cloud.undelivered().try_into().unwrap();
    assert_eq!(lost.reason, "there is no nowhere bus of 1000000000000001 in cn-hangzhou");
    heals(&cloud, &vpc).await;
}

#[tokio::test]
async fn where_an_event_arrives_and_no_function_is_in_place_a_sweep_heals_too() {
    let cloud = whole_cloud(in_place(&[(SECOND_ACCOUNT, MANILA)])).await.unwrap();
    let vpc = create_vpc(&cloud, SECOND_ACCOUNT, MANILA, 20).await;
    assert_eq!((cloud.events_on(&default_of(OWN_ACCOUNT, MANILA)).len(), cloud.undelivered().len()), (1, 0));
    heals(&cloud, &vpc).await;
}

#[tokio::test]
async fn without_rules_a_sweep_heals_too() {
    let cloud = whole_cloud(hub(&[])).await.unwrap();
    let vpc = create_vpc(&cloud, SECOND_ACCOUNT, ELSEWHERE, 20).await;
    heals(&cloud, &vpc).await;
}

#[tokio::test]
async fn without_a_queue_for_dead_letters_the_event_is_lost_and_a_sweep_heals_too() {
    let no_senders = [("HubSenders".to_owned(), String::new())].into();
    let cloud = whole_cloud(Options { parameters: no_senders, ..hub(&[(SECOND_ACCOUNT, MANILA)]) }).await.unwrap();
    let vpc = create_vpc(&cloud, SECOND_ACCOUNT, MANILA, 20).await;
    let [lost] = cloud.undelivered().try_into().unwrap();
    assert_eq!(lost.destination, None, "there is no MNS in Manila");
    heals(&cloud, &vpc).await;
}

#[tokio::test]
async fn an_event_that_arrived_and_failed_is_a_dead_letter_of_the_functions_and_a_sweep_says_so() {
    let cloud = whole_cloud(hub(&[(SECOND_ACCOUNT, ELSEWHERE)])).await.unwrap();
    cloud.fail("CreateFlowLog", Fault::Refused, 100);
    let vpc = create_vpc(&cloud, SECOND_ACCOUNT, ELSEWHERE, 20).await;
    let [letter] = cloud.dead_letters().try_into().unwrap();
    let queue = "acs:mns:cn-hangzhou:1000000000000001:/queues/flowkeeper-dead-letters/messages";
    assert_eq!((letter.function.as_str(), letter.destination.as_deref()), (CREATE_FLOW_LOG, Some(queue)));
    assert_eq!(cloud.undelivered().len(), 0);
    cloud.heal();
    let [result] = swept(&cloud, &vpc).await.try_into().unwrap();
    assert_eq!((&result["outcome"], &result["unannounced"]), (&json!("done"), &json!(true)));
}

/// The results of a report that hint at an event that did not come: the resource, and the outcome.
fn hints(report: &Report) -> Vec<(&str, Outcome)> {
    let hinting: Vec<&Item> = report.results.iter().filter(|item| item.is_unannounced).collect();
    for item in &hinting {
        assert_eq!(item.verdict, Some(Verdict::Missing), "{item:#?}");
    }
    assert!(report.summary.unannounced <= hinting.len());
    hinting.iter().map(|item| (item.resource_id.as_deref().unwrap(), item.outcome)).collect()
}

#[tokio::test]
async fn every_kind_of_resource_whose_list_tells_its_age_is_said() {
    for (coverage, kind) in [("vpc", "vpc-"), ("vswitch", "vsw-"), ("network-interface", "eni-")] {
        let harness = Harness::new(&format!("coverage: {coverage}\n")).await;
        let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
        let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
        harness.cloud.create_network_interface(&vswitch).await.unwrap();
        harness.pass(Duration::from_secs(30 * 60));
        let report = harness.sweep(REMEDIATION).await;
        let [(id, Outcome::Done)] = hints(&report)[..] else { panic!("{report:#?}") };
        assert!(id.starts_with(kind), "{id}");
        let reason = &report.results.iter().find(|item| item.is_unannounced).unwrap().reason;
        let expected = format!("no active flow log covers {id}; it was created at 2026-03-02T04:00:00Z, {HINT}");
        assert_eq!(*reason, expected);
        assert_eq!(report.summary.unannounced, 1);
    }
}

#[tokio::test]
async fn what_is_too_young_too_old_or_of_unknown_age_is_not_said() {
    for (minutes, expected) in [(9, 0), (11, 1), (119, 1), (121, 0)] {
        let harness = Harness::new("").await;
        harness.cloud.create_vpc(&[]).await.unwrap();
        harness.pass(Duration::from_secs(minutes * 60));
        let report = harness.sweep(REMEDIATION).await;
        assert_eq!((hints(&report).len(), report.summary.changed), (expected, 1), "{minutes} minutes");
    }
    for time in [None, Some("yesterday"), Some("")] {
        let harness = Harness::new("").await;
        harness.cloud.create_vpc(&[]).await.unwrap();
        harness.pass(Duration::from_secs(30 * 60));
        let edited = move |answer: &mut Value| {
            for vpc in answer["Vpcs"]["Vpc"].as_array_mut().into_iter().flatten() {
                match time {
                    Some(time) => vpc["CreationTime"] = json!(time),
                    None => drop(vpc.as_object_mut().and_then(|vpc| vpc.remove("CreationTime"))),
                }
            }
        };
        harness.cloud.rewrite("DescribeVpcs", Rewrite::value(edited), 10);
        let report = harness.sweep(REMEDIATION).await;
        assert_eq!((hints(&report).len(), report.summary.changed), (0, 1), "{time:?}: {report:#?}");
    }
}

#[tokio::test]
async fn nothing_is_said_of_what_is_recorded_left_alone_or_only_planned_or_found_by_an_event() {
    let harness = Harness::new("").await;
    harness.kept_vpc(&[]).await;
    harness.cloud.create_vpc(&[("flowkeeper", "ignore")]).await.unwrap();
    harness.pass(Duration::from_secs(30 * 60));
    assert_eq!(hints(&harness.sweep(REMEDIATION).await), []);

    let mut dry = Harness::new("").await;
    let vpc = dry.cloud.create_vpc(&[]).await.unwrap();
    dry.pass(Duration::from_secs(30 * 60));
    dry.dry_run = true;
    let planned = dry.sweep(REMEDIATION).await;
    assert_eq!((hints(&planned), planned.summary.planned), (vec![], 1), "the function of events plans, too");

    dry.dry_run = false;
    let by_event = dry.look(REMEDIATION, &[Harness::REGION], SignedDuration::ZERO, Duration::from_secs(600)).await;
    assert_eq!((hints(&by_event), by_event.summary.changed), (vec![], 1), "somebody deleted a flow log there");
    assert!(dry.cloud.flow_log_of(&vpc).is_some());
}

#[tokio::test]
async fn a_creation_that_is_refused_or_left_out_keeps_the_hint() {
    let limited = Harness::new("limits: {max_creations: 1}\n").await;
    let left_out = Harness::new("remediate: [inactive]\n").await;
    let refused = Harness::new("").await;
    for (harness, expected) in
        [(&limited, Outcome::Skipped), (&left_out, Outcome::Skipped), (&refused, Outcome::Failed)]
    {
        for _ in 0..2 {
            harness.cloud.create_vpc(&[]).await.unwrap();
        }
        harness.cloud.without_project(OWN_ACCOUNT, HOME, "flowlog");
        harness.pass(Duration::from_secs(30 * 60));
        let report = harness.sweep(REMEDIATION).await;
        let outcomes: Vec<Outcome> = hints(&report).into_iter().map(|(_, outcome)| outcome).collect();
        assert_eq!((outcomes, report.summary.unannounced), (vec![expected; 2], 2), "{report:#?}");
    }
}
