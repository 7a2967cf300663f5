use std::time::Duration;

use flow_log::{Action, Verdict};
use handler::Capabilities;
use jiff::SignedDuration;
use local_cloud::{Fault, LocalCloud, OWN_ACCOUNT, Options, Rewrite};
use reconcile::{Outcome, Report};
use scenarios::{
    ACTIVATE, ACTIVATION, CREATE_ECR, CREATE_FLOW_LOG, CREATION, DEACTIVATE, DEACTIVATION, DELETE_ORPHANED, DELETION,
    ECR_CREATION, Harness, REMEDIATE, REMEDIATION, TIMER, vpc_created, whole_cloud,
};
use serde_json::{Value, json};

/// An hour after a harness starts: the grace period of everything in it is over.
const LATER: &str = "2026-03-02T13:00:00+08:00";
const MINUTE: Duration = Duration::from_secs(60);
/// A list: the action that reads it, and its path in the answer.
type List = (&'static str, &'static [&'static str]);
const VPCS: List = ("DescribeVpcs", &["Vpcs", "Vpc"]);
const VSWITCHES: List = ("DescribeVSwitches", &["VSwitches", "VSwitch"]);
const NETWORK_INTERFACES: List = ("DescribeNetworkInterfaces", &["NetworkInterfaceSets", "NetworkInterfaceSet"]);
const FLOW_LOGS: List = ("DescribeFlowLogs", &["FlowLogs", "FlowLog"]);
const ROUTERS: List = ("DescribeExpressConnectRouter", &["EcrList"]);
const ATTACHED: List = ("DescribeExpressConnectRouterChildInstance", &["ChildInstanceList"]);
const ROUTER_FLOW_LOGS: List = ("expressconnectrouter:DescribeFlowLogs", &["FlowLogs"]);

/// Malformed answers for a list of one item, as seen in practice. They prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Odd {
    /// The item itself, instead of a list with one item.
    Object,
    Null,
    /// An empty list whose `TotalCount` is 1.
    EmptyOfOne,
    /// The list is missing.
    Missing,
}

const ALL_ODD: [Odd; 4] = [Odd::Object, Odd::Null, Odd::EmptyOfOne, Odd::Missing];

fn rewrite(odd: Odd, path: &'static [&'static str]) -> Rewrite {
    Rewrite::value(move |answer| {
        if odd == Odd::Missing {
            answer.as_object_mut().unwrap().remove(path[0]);
            return;
        }
        let list = path.iter().fold(&mut *answer, |value, key| &mut value[*key]);
        *list = match odd {
            Odd::Object => list[0].take(),
            Odd::Null | Odd::Missing => Value::Null,
            Odd::EmptyOfOne => json!([]),
        };
        answer["TotalCount"] = if answer["TotalCount"].is_string() { json!("1") } else { json!(1) };
    })
}

/// Changes each item of this list in all further answers.
fn rewrite_items(harness: &Harness, (action, path): List, change: impl Fn(&mut Value) + Send + Sync + 'static) {
    let each = move |answer: &mut Value| {
        let list = path.iter().fold(answer, |value, key| &mut value[*key]);
        list.as_array_mut().unwrap().iter_mut().for_each(&change);
    };
    harness.cloud.rewrite(action, Rewrite::value(each), u32::MAX);
}

/// The id and the status of each flow log.
fn states(cloud: &LocalCloud) -> Vec<(String, String)> {
    cloud.flow_logs().into_iter().map(|it| (it.id, it.status)).collect()
}

/// The writes after the first `calls` calls.
fn writes_since(harness: &Harness, calls: usize) -> Vec<String> {
    let new = harness.cloud.calls().split_off(calls).into_iter().map(|call| call.action);
    new.filter(|action| !action.starts_with("Describe")).collect()
}

#[track_caller]
fn is_unknown_and_failed(report: &Report, why: &str) {
    let is_unread = |item: &reconcile::Item| item.verdict == Some(Verdict::Unknown) && item.outcome == Outcome::Failed;
    assert!(report.results.iter().any(is_unread), "{why}: {report:#?}");
    assert_eq!((report.summary.changed, report.incomplete().is_some()), (0, true), "{why}: {report:#?}");
}

/// Runs a function for an event about `id`, or as a sweep without one.
async fn run(harness: &Harness, capabilities: Capabilities, id: Option<&str>) -> Report {
    match id {
        Some(id) => harness.look(capabilities, &[id], SignedDuration::from_mins(30), MINUTE).await,
        None => harness.sweep(capabilities).await,
    }
}

#[tokio::test]
async fn a_list_that_contradicts_itself_is_unknown_to_every_function() {
    let never = "schedule: never\n";
    for (capabilities, policy, lists, by_event) in [
        (REMEDIATION, "", &[VPCS, FLOW_LOGS][..], false),
        (REMEDIATION, "replace: true\n", &[VPCS, FLOW_LOGS], true),
        (CREATION, "", &[VPCS, FLOW_LOGS], true),
        (ACTIVATION, never, &[VPCS, FLOW_LOGS], false),
        (DEACTIVATION, never, &[VPCS, FLOW_LOGS], false),
        (DELETION, "", &[VPCS, FLOW_LOGS], false),
        (DELETION, "", &[VPCS, FLOW_LOGS], true),
    ] {
        for list in lists {
            for odd in ALL_ODD {
                let harness = Harness::new(policy).await;
                let (vpc, flow_log) = harness.kept_vpc(&[]).await;
                harness.wait_until(LATER);
                harness.cloud.rewrite(list.0, rewrite(odd, list.1), u32::MAX);
                let seen = harness.calls();
                let report = run(&harness, capabilities, by_event.then_some(vpc.as_str())).await;
                let case = format!("{} {odd:?} {} by event: {by_event}", capabilities.function, list.0);
                is_unknown_and_failed(&report, &case);
                assert_eq!(writes_since(&harness, seen), [""; 0], "{case}");
                assert_eq!(harness.status(&flow_log).as_deref(), Some("Active"), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn lists_of_vswitches_and_network_interfaces_that_contradict_themselves_are_unknown() {
    for (level, list) in [("vswitch", VSWITCHES), ("network-interface", NETWORK_INTERFACES)] {
        for capabilities in [REMEDIATION, DELETION] {
            for odd in ALL_ODD {
                // This API documents the total as meaningless: only the page token ends a list.
                if list == NETWORK_INTERFACES && odd == Odd::EmptyOfOne {
                    continue;
                }
                let harness = Harness::new(&format!("coverage: {level}\n")).await;
                let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
                let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
                harness.cloud.create_network_interface(&vswitch).await.unwrap();
                assert_eq!(harness.sweep(REMEDIATION).await.summary.changed, 1);
                harness.cloud.finish_transitions();
                harness.wait_until(LATER);
                harness.cloud.rewrite(list.0, rewrite(odd, list.1), u32::MAX);
                let seen = harness.calls();
                let report = harness.sweep(capabilities).await;
                let case = format!("{} {odd:?} {}", capabilities.function, list.0);
                is_unknown_and_failed(&report, &case);
                assert_eq!((writes_since(&harness, seen), harness.cloud.flow_logs().len()), (vec![], 1), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn lists_of_routers_their_attachments_and_flow_logs_that_contradict_themselves_are_unknown() {
    for list in [ROUTERS, ATTACHED, ROUTER_FLOW_LOGS] {
        for odd in ALL_ODD {
            // The total counts everything that is attached to the router, and only some of it is requested.
            if list == ATTACHED && odd == Odd::EmptyOfOne {
                continue;
            }
            let harness = Harness::new("ecr_flow_log: {project: ecr-flowlog, log_store: ecr}\n").await;
            harness.cloud.operator(OWN_ACCOUNT, "cn-hangzhou").create_router(&["vbr-1"]).await.unwrap();
            assert_eq!(harness.sweep(ECR_CREATION).await.summary.changed, 1);
            harness.cloud.rewrite(list.0, rewrite(odd, list.1), u32::MAX);
            let seen = harness.calls();
            let report = harness.sweep(ECR_CREATION).await;
            let case = format!("{odd:?} {}", list.0);
            is_unknown_and_failed(&report, &case);
            assert_eq!((writes_since(&harness, seen), harness.cloud.router_flow_logs().len()), (vec![], 1), "{case}");
        }
    }
}

#[tokio::test]
async fn a_null_list_of_routers_with_a_total_of_zero_is_empty() {
    for list in [ROUTERS, ATTACHED, ROUTER_FLOW_LOGS] {
        let harness = Harness::new("ecr_flow_log: {project: ecr-flowlog, log_store: ecr}\n").await;
        harness.cloud.operator(OWN_ACCOUNT, "cn-hangzhou").create_router(&["vbr-1"]).await.unwrap();
        let path = list.1;
        let none = move |answer: &mut Value| {
            answer[path[0]] = Value::Null;
            answer["TotalCount"] = 0.into();
        };
        harness.cloud.rewrite(list.0, Rewrite::value(none), u32::MAX);
        let report = harness.sweep(ECR_CREATION).await;
        let made = usize::from(list == ROUTER_FLOW_LOGS);
        assert_eq!((report.incomplete(), report.summary.changed), (None, made), "{}: {report:#?}", list.0);
    }
}

#[tokio::test]
async fn every_function_answers_a_list_that_contradicts_itself_with_a_failure() {
    let policy = "flow_log: {project: example-project, log_store: example-logstore}\nschedule: never\n\
                  ecr_flow_log: {project: example-project, log_store: example-logstore}\n";
    let cloud = whole_cloud(Options { policy: Some(policy.into()), ..Options::default() }).await.unwrap();
    let vpc = cloud.create_vpc(&[]).await.unwrap();
    cloud.operator(OWN_ACCOUNT, "cn-hangzhou").create_router(&["vbr-1"]).await.unwrap();
    cloud.settled().await.unwrap();
    let own = [("Tag.1.Key", "managed-by"), ("Tag.1.Value", "flowkeeper")];
    cloud.create_flow_log("VPC", &vpc, &own).await.unwrap();
    cloud.settled().await.unwrap();
    cloud.rewrite(FLOW_LOGS.0, rewrite(Odd::Object, FLOW_LOGS.1), u32::MAX);
    cloud.rewrite(ROUTERS.0, rewrite(Odd::Object, ROUTERS.1), u32::MAX);
    let event = vpc_created(&vpc).to_string();
    let before = states(&cloud);
    for (function, body) in [
        (CREATE_FLOW_LOG, event.as_bytes()),
        (ACTIVATE, TIMER),
        (DEACTIVATE, TIMER),
        (REMEDIATE, TIMER),
        (DELETE_ORPHANED, TIMER),
        (CREATE_ECR, TIMER),
    ] {
        let invocation = cloud.invoke(function, body).await.unwrap();
        assert!(!invocation.success, "{function}: {:#}", invocation.body);
        assert_eq!((invocation.status, &invocation.body["errorType"]), (Some(404), &json!("Incomplete")), "{function}");
        let results = scenarios::results(&invocation);
        assert!(results.iter().any(|it| it["verdict"] == "unknown"), "{function}: {:#}", invocation.body);
    }
    assert_eq!(states(&cloud), before);
    assert!(cloud.router_flow_logs().is_empty());
}

#[tokio::test]
async fn pages_smaller_than_requested_lose_nothing_and_repeat_nothing() {
    let harness = Harness::with("", Options { quota: 1000, ..Options::default() }).await;
    let (vpc, flow_log) = harness.kept_vpc(&[]).await;
    let others = harness.cloud.copy_vpc(&vpc, 59);
    harness.cloud.copy_flow_log(&flow_log, &others);
    let off = harness.cloud.flow_log_of(&others[58]).unwrap().id;
    harness.cloud.edit_flow_log(&off, |it| it.status = "Inactive".into());
    harness.wait_until(LATER);
    for list in ["DescribeFlowLogs", "DescribeVpcs"] {
        harness.cloud.fail(list, Fault::SmallPages(20), u32::MAX);
    }
    let seen = harness.calls();
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.incomplete(), report.summary.checked, report.summary.compliant), (None, 60, 59), "{report:#?}");
    assert_eq!(writes_since(&harness, seen), ["ActiveFlowLog"]);
    harness.cloud.finish_transitions();
    let deletion = harness.sweep(DELETION).await;
    assert_eq!(
        (deletion.incomplete(), deletion.summary.checked, deletion.summary.changed),
        (None, 60, 0),
        "{deletion:#?}"
    );
    assert_eq!(harness.cloud.flow_logs().len(), 60);
}

#[tokio::test]
async fn an_empty_second_page_is_not_the_end_of_a_longer_list() {
    for list in [VPCS, FLOW_LOGS] {
        for capabilities in [REMEDIATION, DELETION, ACTIVATION, DEACTIVATION] {
            let policy = if matches!(capabilities.function, "remediate-flow-logs" | "delete-orphaned-flow-logs") {
                ""
            } else {
                "schedule: never\n"
            };
            let harness = Harness::with(policy, Options { quota: 1000, ..Options::default() }).await;
            let (vpc, flow_log) = harness.kept_vpc(&[]).await;
            let others = harness.cloud.copy_vpc(&vpc, 59);
            harness.cloud.copy_flow_log(&flow_log, &others);
            harness.wait_until(LATER);
            let path = list.1;
            let empty = move |answer: &mut Value| {
                if answer["PageNumber"].as_str() != Some("1") && answer["PageNumber"] != 1 {
                    answer[path[0]][path[1]] = json!([]);
                }
            };
            harness.cloud.rewrite(list.0, Rewrite::value(empty), u32::MAX);
            let seen = harness.calls();
            let report = harness.sweep(capabilities).await;
            let case = format!("{} {}", capabilities.function, list.0);
            // VPCs with known ids are requested by their ids, in batches that fit into one page.
            if capabilities.function == DELETION.function && list == VPCS {
                assert_eq!((report.incomplete(), report.summary.compliant), (None, 60), "{case}: {report:#?}");
            } else {
                is_unknown_and_failed(&report, &case);
            }
            assert_eq!(writes_since(&harness, seen), [""; 0], "{case}");
            assert_eq!(harness.cloud.flow_logs().len(), 60, "{case}");
        }
    }
}

/// Replaces the tags of an item, a list with one tag, by the tag itself.
fn tags_as_object(item: &mut Value) {
    let tags = &mut item["Tags"]["Tag"];
    *tags = if tags[0].is_null() { json!({"Key": "flowkeeper", "Value": "ignore"}) } else { tags[0].take() };
}

#[tokio::test]
async fn a_resource_whose_tags_cannot_be_read_is_not_changed() {
    for (capabilities, policy, tag, by_event) in [
        (REMEDIATION, "", "ignore", false),
        (REMEDIATION, "", "ignore", true),
        (CREATION, "", "ignore", true),
        (DEACTIVATION, "schedule: never\n", "on", false),
    ] {
        for is_recorded in [true, false] {
            if capabilities.function == DEACTIVATION.function && !is_recorded {
                continue;
            }
            let harness = Harness::new(policy).await;
            let (vpc, flow_log) = harness.kept_vpc(&[("flowkeeper", tag)]).await;
            // The flow log has drifted or is missing: a function that ignored the unreadable tags would act.
            if is_recorded {
                harness.cloud.edit_flow_log(&flow_log, |it| it.description = "theirs".into());
            } else {
                harness.delete_flow_log(&flow_log).await;
            }
            let before = states(&harness.cloud);
            rewrite_items(&harness, VPCS, tags_as_object);
            let seen = harness.calls();
            let report = run(&harness, capabilities, by_event.then_some(vpc.as_str())).await;
            let case = format!("{} by event: {by_event}, recorded: {is_recorded}", capabilities.function);
            is_unknown_and_failed(&report, &case);
            let [item] = report.results.as_slice() else { panic!("{case}: {report:#?}") };
            assert!(item.reason.contains(&format!("the tags of {vpc} cannot be read")), "{case}: {}", item.reason);
            assert_eq!((writes_since(&harness, seen), states(&harness.cloud)), (vec![], before), "{case}");
        }
    }
}

#[tokio::test]
async fn a_flow_log_whose_tags_cannot_be_read_is_never_changed_nor_deleted() {
    for (capabilities, is_gone) in [(REMEDIATION, false), (DELETION, true), (DEACTIVATION, false), (CREATION, false)] {
        let schedule = if capabilities.function == DEACTIVATION.function { "schedule: never\n" } else { "" };
        for foreign in ["leave", "manage"] {
            let harness = Harness::new(&format!("replace: true\nforeign: {foreign}\n{schedule}")).await;
            let (vpc, flow_log) = harness.kept_vpc(&[]).await;
            // Another one proves that a new one can be made.
            harness.cloud.create_vpc(&[("flowkeeper", "ignore")]).await.unwrap();
            harness.cloud.edit_flow_log(&flow_log, |it| {
                it.project = "theirs".into();
                it.name = "theirs".into();
            });
            if is_gone {
                harness.cloud.call("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
            }
            harness.wait_until(LATER);
            rewrite_items(&harness, FLOW_LOGS, tags_as_object);
            let seen = harness.calls();
            let (swept, event) = (harness.sweep(capabilities).await, run(&harness, capabilities, Some(&vpc)).await);
            let case = format!("{} {foreign}", capabilities.function);
            assert_eq!(writes_since(&harness, seen), [""; 0], "{case}: {swept:#?} {event:#?}");
            assert_eq!(harness.status(&flow_log).as_deref(), Some("Active"), "{case}");
            if !is_gone {
                for report in [swept, event] {
                    is_unknown_and_failed(&report, &case);
                }
            }
        }
    }
}

#[tokio::test]
async fn a_field_that_an_answer_lacks_is_not_drift() {
    let policy = "replace: true\nforeign: manage\noverrides:\n- match: {regions: [cn-hangzhou]}\n  \
                  traffic_path: [all]\n  resource_group_id: rg-audit\n  ip_version: IPv4\n";
    for field in [
        "TrafficPath",
        "TrafficType",
        "Description",
        "FlowLogName",
        "ProjectName",
        "LogStoreName",
        "AggregationInterval",
        "IpVersion",
        "ResourceGroupId",
    ] {
        let harness = Harness::new(policy).await;
        let (_, flow_log) = harness.kept_vpc(&[]).await;
        harness.cloud.edit_flow_log(&flow_log, |it| {
            it.traffic_path = vec!["all".into()];
            it.resource_group_id = "rg-audit".into();
        });
        rewrite_items(&harness, FLOW_LOGS, move |it| _ = it.as_object_mut().unwrap().remove(field));
        let seen = harness.calls();
        for _ in 0..2 {
            let report = harness.sweep(REMEDIATION).await;
            assert_eq!((report.incomplete(), report.summary.compliant), (None, 1), "{field}: {report:#?}");
        }
        assert_eq!(writes_since(&harness, seen), [""; 0], "{field}");
    }
}

#[tokio::test]
async fn a_flow_log_of_unknown_age_counts_as_young_and_is_a_finding_if_its_resource_is_gone() {
    for time in [None, Some("2026-03-02 12:00:00"), Some("yesterday"), Some(""), Some("2020-01-01T00:00:00Z")] {
        let harness = Harness::new("").await;
        let (gone, _) = harness.kept_vpc(&[]).await;
        harness.cloud.call("DeleteVpc", &[("VpcId", &gone)]).await.unwrap();
        harness.wait_until(LATER);
        rewrite_items(&harness, FLOW_LOGS, move |it| match time {
            Some(time) => it["CreationTime"] = time.into(),
            None => _ = it.as_object_mut().unwrap().remove("CreationTime"),
        });
        let is_old = time.is_some_and(|time| time.ends_with('Z'));
        let remediation = harness.sweep(REMEDIATION).await;
        assert_eq!(remediation.summary.findings, 1, "{time:?}: {remediation:#?}");
        let report = harness.sweep(DELETION).await;
        harness.cloud.finish_transitions();
        assert_eq!(harness.cloud.flow_logs().is_empty(), is_old, "{time:?}: {report:#?}");
        let said = (report.summary.findings, report.summary.compliant, report.incomplete());
        assert_eq!(said, (usize::from(!is_old), 0, None), "{time:?}: {report:#?}");
    }
}

#[tokio::test]
async fn one_malformed_item_is_a_finding_and_the_others_are_repaired() {
    for (level, list) in [("vpc", VPCS), ("vswitch", VSWITCHES), ("network-interface", NETWORK_INTERFACES)] {
        let harness = Harness::new(&format!("coverage: {level}\n")).await;
        for _ in 0..3 {
            let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
            let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
            harness.cloud.create_network_interface(&vswitch).await.unwrap();
        }
        let path = list.1;
        let first = move |answer: &mut Value| answer[path[0]][path[1]][0]["VpcId"] = json!({"is": "odd"});
        harness.cloud.rewrite(list.0, Rewrite::value(first), u32::MAX);
        let report = harness.sweep(REMEDIATION).await;
        assert_eq!((report.summary.changed, report.summary.findings), (2, 1), "{level}: {report:#?}");
        let unread = report.results.iter().find(|item| item.verdict == Some(Verdict::Unknown)).unwrap();
        assert_eq!((unread.outcome, unread.is_finding), (Outcome::Skipped, true), "{level}: {unread:#?}");
        let reason = format!("one of the {} of cn-hangzhou could not be read", plural(level));
        assert!(unread.reason.starts_with(&reason), "{}", unread.reason);
        assert_eq!(harness.cloud.flow_logs().len(), 2, "{level}");
    }
}

fn plural(level: &str) -> &'static str {
    match level {
        "vpc" => "VPCs",
        "vswitch" => "vSwitches",
        _ => "network interfaces",
    }
}

#[tokio::test]
async fn a_network_interface_without_a_vswitch_gets_a_flow_log_and_a_lone_surrogate_is_harmless() {
    let harness = Harness::new("coverage: network-interface\n").await;
    let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
    let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
    for _ in 0..2 {
        harness.cloud.create_network_interface(&vswitch).await.unwrap();
    }
    let (list, path) = NETWORK_INTERFACES;
    let change = move |answer: &mut Value| {
        _ = answer[path[0]][path[1]][1].as_object_mut().unwrap().remove("VSwitchId");
    };
    harness.cloud.rewrite(list, Rewrite::value(change), u32::MAX);
    let half = |text: &str| text.replacen("\"Description\":\"\"", "\"Description\":\"a\\ud83d\"", 1);
    harness.cloud.rewrite(list, Rewrite::text(half), u32::MAX);
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!((report.incomplete(), report.summary.changed), (None, 2), "{report:#?}");
    assert!(harness.cloud.calls_of(list).last().unwrap().answer.to_string().contains("\\ud83d"));
}

#[tokio::test]
async fn if_one_resource_cannot_be_read_no_flow_log_counts_as_orphaned() {
    let harness = Harness::new("").await;
    let (kept, _) = harness.kept_vpc(&[]).await;
    let (gone, _) = harness.kept_vpc(&[]).await;
    harness.cloud.create_vpc(&[("flowkeeper", "ignore")]).await.unwrap();
    harness.cloud.call("DeleteVpc", &[("VpcId", &gone)]).await.unwrap();
    harness.wait_until(LATER);
    // An unreadable VPC may be the one that seems to be gone.
    let (list, path) = VPCS;
    let change = move |answer: &mut Value| {
        for it in answer[path[0]][path[1]].as_array_mut().unwrap() {
            it["VpcId"] = json!(["odd"]);
        }
    };
    harness.cloud.rewrite(list, Rewrite::value(change), u32::MAX);
    for capabilities in [REMEDIATION, DELETION] {
        let report = harness.sweep(capabilities).await;
        assert!(report.results.iter().all(|it| it.verdict != Some(Verdict::Orphaned)), "{report:#?}");
        assert!(report.incomplete().is_some() && report.summary.changed == 0, "{report:#?}");
    }
    assert_eq!(harness.cloud.flow_logs().len(), 2);
    assert!(harness.cloud.flow_log_of(&kept).is_some());
}

#[tokio::test]
async fn if_one_flow_log_cannot_be_read_each_resource_is_read_before_a_creation() {
    let harness = Harness::new("").await;
    let (kept, _) = harness.kept_vpc(&[]).await;
    let bare = harness.cloud.create_vpc(&[]).await.unwrap();
    let (odd, _) = harness.kept_vpc(&[]).await;
    // The resource of this flow log cannot be read, neither in the full list nor in a list for its resource.
    let id = odd.clone();
    rewrite_items(&harness, FLOW_LOGS, move |it| {
        if it["ResourceId"] == id.as_str() {
            it["ResourceId"] = Value::Null;
        }
    });
    let seen = harness.calls();
    let report = harness.sweep(REMEDIATION).await;
    assert_eq!(writes_since(&harness, seen), ["CreateFlowLog"], "{report:#?}");
    assert!(harness.cloud.flow_log_of(&bare).is_some(), "the look at the resource itself shows that it has none");
    assert!(report.incomplete().is_some() && report.summary.compliant == 1, "{report:#?}");
    let verdict = |vpc: &str| {
        let found = report.results.iter().find(|it| it.resource_id.as_deref() == Some(vpc));
        found.map(|it| (it.verdict, it.action.map(Action::as_str)))
    };
    assert_eq!(verdict(&odd), Some((Some(Verdict::Unknown), None)), "{report:#?}");
    assert_eq!(verdict(&kept), Some((Some(Verdict::Compliant), None)), "{report:#?}");
    let new = harness.cloud.calls().split_off(seen);
    let at = new.iter().position(|call| call.action == "CreateFlowLog").unwrap();
    let looked = |call: &local_cloud::Call| {
        call.action == "DescribeFlowLogs" && call.parameters.get("ResourceId") == Some(&bare)
    };
    assert!(new[..at].iter().any(looked), "{new:#?}");
}

#[tokio::test]
async fn an_owner_of_zero_or_none_is_the_own_account() {
    for owner in [None, Some(json!(0)), Some(json!("0")), Some(json!("")), Some(Value::Null)] {
        for (level, list) in [("vpc", VPCS), ("vswitch", VSWITCHES), ("network-interface", NETWORK_INTERFACES)] {
            let harness = Harness::new(&format!("coverage: {level}\n")).await;
            let vpc = harness.cloud.create_vpc(&[]).await.unwrap();
            let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
            harness.cloud.create_network_interface(&vswitch).await.unwrap();
            let owner = owner.clone();
            let case = format!("{level} {owner:?}");
            rewrite_items(&harness, list, move |it| match &owner {
                Some(owner) => it["OwnerId"] = owner.clone(),
                None => _ = it.as_object_mut().unwrap().remove("OwnerId"),
            });
            let report = harness.sweep(REMEDIATION).await;
            assert_eq!((report.incomplete(), report.summary.changed), (None, 1), "{case}: {report:#?}");
        }
    }
}

#[tokio::test]
async fn a_flow_log_whose_tags_cannot_be_read_is_reported_wherever_it_is() {
    for is_gone in [true, false] {
        let harness = Harness::new("").await;
        let (vpc, flow_log) = harness.kept_vpc(&[]).await;
        if is_gone {
            harness.cloud.call("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
        }
        rewrite_items(&harness, FLOW_LOGS, |it| it["Tags"] = json!("odd"));
        let report = harness.sweep(REMEDIATION).await;
        let [item] = report.results.as_slice() else { panic!("{report:#?}") };
        assert_eq!((item.verdict, item.is_finding), (Some(Verdict::Unknown), true), "{report:#?}");
        let reason = format!("the tags of {flow_log} on {vpc} cannot be read, so its owner is unknown");
        assert_eq!(item.reason, reason);
    }
}
