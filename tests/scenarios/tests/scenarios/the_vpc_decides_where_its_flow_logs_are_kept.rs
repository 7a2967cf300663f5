use std::{collections::BTreeSet, time::Duration};

use flow_log::Verdict;
use handler::Capabilities;
use jiff::SignedDuration;
use local_cloud::{Fault, Options, Rewrite};
use reconcile::Report;
use scenarios::{
    ACTIVATION, CREATE_FLOW_LOG, CREATION, DEACTIVATION, Harness, REMEDIATE, REMEDIATION, TIMER, call_event, results,
    whole_cloud,
};
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_secs(60);
const FINE: &str = "overrides: [{match: {tags: {level: fine}}, coverage: network-interface}]\n";

/// Creates a VPC with these tags, a vSwitch in it, and a network interface in that.
async fn tree(harness: &Harness, tags: &[(&str, &str)]) -> [String; 3] {
    let vpc = harness.cloud.create_vpc(tags).await.unwrap();
    let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
    let interface = harness.cloud.create_network_interface(&vswitch).await.unwrap();
    [vpc, vswitch, interface]
}

fn recorded(harness: &Harness) -> BTreeSet<String> {
    harness.cloud.flow_logs().into_iter().map(|it| it.resource_id).collect()
}

async fn event(harness: &Harness, capabilities: Capabilities, id: &str) -> Report {
    harness.look(capabilities, &[id], SignedDuration::ZERO, MINUTE).await
}

/// Makes the tags of a VPC unreadable, in one of several ways.
fn unknown_vpc(harness: &Harness, how: &str) {
    let change = |change: fn(&mut Value)| harness.cloud.rewrite("DescribeVpcs", Rewrite::value(change), u32::MAX);
    match how {
        "refused" => harness.cloud.fail("DescribeVpcs", Fault::Refused, u32::MAX),
        "missing" => change(|answer| {
            answer["Vpcs"]["Vpc"] = json!([]);
            answer["TotalCount"] = json!(0);
        }),
        "tags as an object" => {
            change(|answer| {
                let tags = &mut answer["Vpcs"]["Vpc"][0]["Tags"]["Tag"];
                *tags = json!({"Key": "level", "Value": "fine"});
            });
        }
        "item unreadable" => change(|answer| answer["Vpcs"]["Vpc"][0]["OwnerId"] = json!(["odd"])),
        _ => change(|answer| answer["Vpcs"]["Vpc"] = answer["Vpcs"]["Vpc"][0].take()),
    }
}

const UNKNOWN: [&str; 5] = ["refused", "missing", "tags as an object", "item unreadable", "list as an object"];

#[tokio::test]
async fn if_the_vpc_or_its_tags_cannot_be_read_the_desired_state_is_unknown() {
    for how in UNKNOWN {
        for level in [&[][..], &[("level", "fine")]] {
            let harness = Harness::new(FINE).await;
            let [_, _, interface] = tree(&harness, level).await;
            unknown_vpc(&harness, how);
            let reports = [
                ("sweep", harness.sweep(REMEDIATION).await),
                ("event", event(&harness, REMEDIATION, &interface).await),
                ("creation", event(&harness, CREATION, &interface).await),
            ];
            for (woken_by, report) in reports {
                let case = format!("{how}, {woken_by}");
                assert!(report.incomplete().is_some() && report.summary.unknown > 0, "{case}: {report:#?}");
                assert_eq!((report.summary.compliant, report.summary.changed), (0, 0), "{case}: {report:#?}");
                let is_said = |it: &reconcile::Item| {
                    it.resource_id.as_ref() == Some(&interface) && it.verdict == Some(Verdict::Unknown)
                };
                assert!(report.results.iter().any(is_said), "{case}: the network interface is named: {report:#?}");
                // What is there and cannot be read is not said to be missing.
                let seems_gone = report.results.iter().any(|it| it.reason.ends_with("is not visible yet"));
                assert!(!seems_gone || how == "missing", "{case}: {report:#?}");
                assert!(report.summary.checked > 0 && report.summary.uncovered > 0, "{case}: {report:#?}");
            }
            assert_eq!(recorded(&harness), BTreeSet::new(), "{how}");
        }
    }
}

#[tokio::test]
async fn schedule_timers_report_an_unknown_vpc_and_switch_nothing() {
    for how in UNKNOWN {
        for (capabilities, status) in [(DEACTIVATION, "Active"), (ACTIVATION, "Inactive")] {
            let harness = Harness::new(&format!("schedule: never\n{FINE}")).await;
            let [vpc, _, interface] = tree(&harness, &[("level", "fine")]).await;
            let own = [("Tag.1.Key", "managed-by"), ("Tag.1.Value", "flowkeeper")];
            let flow_log = harness.cloud.create_flow_log("NetworkInterface", &interface, &own).await.unwrap();
            harness.cloud.finish_transitions();
            harness.cloud.edit_flow_log(&flow_log, |it| it.status = status.into());
            unknown_vpc(&harness, how);
            let report = harness.sweep(capabilities).await;
            assert!(report.incomplete().is_some() && report.summary.changed == 0, "{how}, {vpc}: {report:#?}");
            assert_eq!(harness.status(&flow_log).as_deref(), Some(status), "{how}");
        }
    }
}

#[tokio::test]
async fn a_sweep_and_events_about_every_part_lead_to_the_same_flow_logs() {
    let by_id = |id: &str| format!("overrides: [{{match: {{ids: [{id}]}}, coverage: vswitch}}]\n");
    let first = Harness::new("").await;
    let [vpc, ..] = tree(&first, &[]).await;
    for policy in
        [FINE.to_owned(), by_id(&vpc), format!("coverage: vswitch\n{FINE}"), format!("{FINE}schedule: never\n")]
    {
        for tags in [&[][..], &[("level", "fine")], &[("level", "coarse")]] {
            let swept = Harness::new(&policy).await;
            tree(&swept, tags).await;
            let report = swept.sweep(REMEDIATION).await;
            let harness = Harness::new(&policy).await;
            let parts = tree(&harness, tags).await;
            for part in parts.iter().rev() {
                let answer = event(&harness, CREATION, part).await;
                assert!(answer.incomplete().is_none(), "{policy} {tags:?} {part}: {answer:#?}");
                // The network interface comes first: its event leads to the covering resource, if the flow log belongs
                // there.
                assert_eq!(recorded(&swept), recorded(&harness), "{policy} {tags:?} {part}: {answer:#?}");
            }
            let is_off = policy.contains("never");
            assert_eq!(recorded(&swept).len(), usize::from(!is_off), "{policy} {tags:?}: exactly one level");
            assert_eq!(report.summary.checked, 1, "{policy} {tags:?}: {report:#?}");
            // Only the tag of the VPC counts: a tag on the network interface changes nothing.
            swept.cloud.edit_network_interface(&parts[2], |it| _ = it.tags.insert("level".into(), "other".into()));
            swept.cloud.finish_transitions();
            let again = swept.sweep(REMEDIATION).await;
            assert_eq!((again.summary.changed, again.summary.compliant), (0, 1), "{policy} {tags:?}: {again:#?}");
        }
    }
}

#[tokio::test]
async fn the_functions_answer_with_a_failure_and_not_with_an_empty_report() {
    let policy = format!("flow_log: {{project: example-project, log_store: example-logstore}}\n{FINE}");
    let triggers_of = Some("flowkeeper-open-flow-log-service".to_owned());
    let options = Options { policy: Some(policy), triggers_of, ..Options::default() };
    let cloud = whole_cloud(options).await.unwrap();
    let vpc = cloud.create_vpc(&[("level", "fine")]).await.unwrap();
    let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
    let interface = cloud.create_network_interface(&vswitch).await.unwrap();
    cloud.settled().await.unwrap();
    cloud.fail("DescribeVpcs", Fault::Refused, u32::MAX);
    let created = call_event("Ecs", "CreateNetworkInterface", &json!({"NetworkInterfaceId": interface})).to_string();
    for (function, body) in [(REMEDIATE, TIMER), (CREATE_FLOW_LOG, created.as_bytes())] {
        let invocation = cloud.invoke(function, body).await.unwrap();
        assert_eq!((invocation.success, invocation.status), (false, Some(404)), "{function}: {:#}", invocation.body);
        assert!(results(&invocation).iter().any(|it| it["verdict"] == "unknown"), "{:#}", invocation.body);
        let summary = invocation.body.pointer("/report/summary").unwrap();
        assert!(summary["checked"].as_u64() > Some(0), "{:#}", invocation.body);
    }
    cloud.heal();
    assert!(cloud.invoke(CREATE_FLOW_LOG, created.as_bytes()).await.unwrap().success);
    assert_eq!(cloud.flow_log_of(&interface).unwrap().status, "Active");
}
