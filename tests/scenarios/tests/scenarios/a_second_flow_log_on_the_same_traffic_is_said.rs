use flow_log::{Action, Verdict};
use local_cloud::{FlowLog, Rewrite};
use reconcile::{Outcome, Report};
use scenarios::{DELETION, Harness, REMEDIATION};
use serde_json::json;

type Edit = fn(&mut FlowLog);

const DELETE: &str = "superfluous: delete\n";

/// A VPC with own flow logs at every level: on the VPC, on a vSwitch in it, and on a network interface in the vSwitch.
struct Doubled {
    harness: Harness,
    vpc: String,
    vswitch: String,
    cover: String,
    finer: [String; 2],
}

async fn doubled(policy: &str) -> Doubled {
    let harness = Harness::new(policy).await;
    let (vpc, cover) = harness.kept_vpc(&[]).await;
    let vswitch = harness.cloud.create_vswitch(&vpc).await.unwrap();
    let interface = harness.cloud.create_network_interface(&vswitch).await.unwrap();
    harness.cloud.copy_flow_log(&cover, &[vswitch.clone(), interface.clone()]);
    let finer = [&vswitch, &interface].map(|id| harness.cloud.flow_log_of(id).unwrap().id);
    Doubled { harness, vpc, vswitch, cover, finer }
}

impl Doubled {
    fn edit_finer(&self, edit: impl Fn(&mut FlowLog)) {
        self.finer.iter().for_each(|id| self.harness.cloud.edit_flow_log(id, &edit));
    }

    /// The ids of the flow logs that still exist.
    fn left(&self) -> Vec<String> {
        self.harness.cloud.finish_transitions();
        self.harness.cloud.flow_logs().into_iter().map(|it| it.id).collect()
    }

    fn all(&self) -> Vec<String> {
        [self.cover.clone()].into_iter().chain(self.finer.clone()).collect()
    }
}

fn paid_twice(report: &Report) -> Vec<Option<String>> {
    let found = report.results.iter().filter(|item| item.reason.contains("it is paid for twice"));
    found.map(|item| item.flow_log_id.as_ref().map(ToString::to_string)).collect()
}

#[tokio::test]
async fn foreign_flow_logs_below_an_own_one_are_findings_and_stay() {
    for policy in ["", DELETE, "foreign: manage\nsuperfluous: delete\n"] {
        let it = doubled(policy).await;
        it.edit_finer(|flow_log| flow_log.tags.clear());
        let report = it.harness.sweep(REMEDIATION).await;
        assert_eq!((report.incomplete(), report.summary.findings, report.summary.changed), (None, 2, 0), "{report:#?}");
        let mut found = paid_twice(&report);
        found.sort();
        assert_eq!(found, it.finer.clone().map(Some), "{report:#?}");
        for item in report.results.iter().filter(|item| item.is_finding) {
            assert_eq!((item.verdict, item.outcome), (Some(Verdict::Foreign), Outcome::Skipped));
            assert!(item.reason.contains(&format!("which others made, records what {} on {}", it.cover, it.vpc)));
        }
        let deletion = it.harness.sweep(DELETION).await;
        assert_eq!((deletion.summary.changed, it.left()), (0, it.all()), "{policy}: {deletion:#?}");
    }
}

#[tokio::test]
async fn a_foreign_flow_log_that_records_more_than_its_cover_is_no_finding() {
    let it = doubled("overrides: [{match: {regions: [cn-hangzhou]}, traffic_type: Drop}]\n").await;
    it.harness.cloud.edit_flow_log(&it.cover, |flow_log| flow_log.traffic_type = "Drop".into());
    it.edit_finer(|flow_log| flow_log.tags.clear());
    let report = it.harness.sweep(REMEDIATION).await;
    assert_eq!((paid_twice(&report), report.summary.findings), (vec![], 0), "{report:#?}");
}

#[tokio::test]
async fn superfluous_own_flow_logs_are_deleted_only_if_the_policy_says_so() {
    for (policy, deleted) in [("", 0), ("superfluous: report\n", 0), (DELETE, 2)] {
        let mut it = doubled(policy).await;
        it.harness.dry_run = true;
        let shown = it.harness.sweep(DELETION).await;
        assert_eq!((shown.summary.planned, it.left()), (deleted, it.all()), "{policy}: {shown:#?}");
        it.harness.dry_run = false;
        let report = it.harness.sweep(DELETION).await;
        assert_eq!((report.incomplete(), report.summary.changed), (None, deleted), "{policy}: {report:#?}");
        for item in report.results.iter().filter(|item| item.outcome == Outcome::Done) {
            assert_eq!((item.verdict, item.action), (Some(Verdict::Drifted), Some(Action::DeleteFlowLog)));
            assert!(item.deleted.is_some() && item.reason.ends_with("it is paid for twice"), "{item:#?}");
        }
        let left = if deleted == 0 { it.all() } else { vec![it.cover.clone()] };
        assert_eq!(it.left(), left, "{policy}");
        let again = it.harness.sweep(DELETION).await;
        assert_eq!((again.summary.changed, again.summary.findings), (0, 0), "{again:#?}");
    }
}

#[tokio::test]
async fn none_is_deleted_unless_its_cover_records_as_much_and_delivers() {
    let edits: [(&str, Edit); 11] = [
        ("it is off", |it| it.status = "Inactive".into()),
        ("it is being switched on", |it| it.status = "Activating".into()),
        ("its status is not known", |it| it.status = "Resting".into()),
        ("it does not deliver", |it| it.deliver_status = "FAILED".into()),
        ("it is unknown whether it delivers", |it| it.deliver_error_message = "UnknownError".into()),
        ("its account is locked", |it| it.business_status = "FinancialLocked".into()),
        ("it records less traffic", |it| it.traffic_type = "Drop".into()),
        ("it records fewer paths", |it| it.traffic_path = vec!["natGateway".into()]),
        ("it records another IP version", |it| it.ip_version = "IPv6".into()),
        ("others made it", |it| it.tags.clear()),
        ("SLS made it", |it| it.service_type = "sls".into()),
    ];
    for (why, edit) in edits {
        let it = doubled(DELETE).await;
        it.harness.cloud.edit_flow_log(&it.cover, edit);
        // Otherwise the flow log on the vSwitch would cover the network interface.
        it.harness.cloud.edit_flow_log(&it.finer[0], |it| it.status = "Inactive".into());
        let report = it.harness.sweep(DELETION).await;
        assert_eq!((report.summary.changed, it.left()), (0, it.all()), "{why}: {report:#?}");
    }
}

#[tokio::test]
async fn none_is_deleted_if_the_policy_keeps_the_finer_level_or_excludes_the_resource() {
    for (more, tag, why) in [
        ("coverage: network-interface\n", None, None),
        ("overrides: [{match: {regions: [cn-hangzhou]}, coverage: network-interface}]\n", None, None),
        // The tags of the VPC decide, and they are not read here.
        ("overrides: [{match: {tags: {level: fine}}, coverage: network-interface}]\n", None, None),
        (
            "exclude: {tags: {leave: alone}}\n",
            Some(("leave", "alone")),
            Some("; the policy excludes what is tagged leave=alone"),
        ),
        ("", Some(("flowkeeper", "ignore")), Some("; its tag flowkeeper says ignore")),
    ] {
        let it = doubled(&format!("{DELETE}{more}")).await;
        // Leaves only the network interface to look at.
        it.harness.delete_flow_log(&it.finer[0]).await;
        let interface = it.harness.cloud.network_interfaces()[0].id.clone();
        it.harness.cloud.edit_network_interface(&interface, |it| {
            it.tags.extend(tag.map(|(key, value)| (key.to_owned(), value.to_owned())));
        });
        let report = it.harness.sweep(DELETION).await;
        assert_eq!((report.summary.changed, it.left().len()), (0, 2), "{more}: {report:#?}");
        let said: Vec<_> = report.results.iter().map(|item| item.reason.as_str()).collect();
        assert_eq!(said.len(), usize::from(why.is_some()), "{more}: {report:#?}");
        assert!(why.is_none_or(|why| said[0].ends_with(why)), "{more}: {said:?}");
        if tag.is_some() {
            let tags = |answer: &mut serde_json::Value| {
                answer["NetworkInterfaceSets"]["NetworkInterfaceSet"][0]["Tags"] = json!("odd");
            };
            it.harness.cloud.rewrite("DescribeNetworkInterfaces", Rewrite::value(tags), u32::MAX);
            let unread = it.harness.sweep(DELETION).await;
            assert_eq!((unread.summary.changed, it.left().len()), (0, 2), "tags that are not known: {unread:#?}");
        }
    }
    // Excluding a vSwitch by its id also protects the flow log on it.
    let excluded = doubled(DELETE).await;
    let it = doubled(&format!("{DELETE}exclude: {{ids: [{}]}}\n", excluded.vswitch)).await;
    let report = it.harness.sweep(DELETION).await;
    assert_eq!((report.summary.changed, it.left()), (0, it.all()), "{report:#?}");
}

#[tokio::test]
async fn the_state_is_read_again_before_a_superfluous_flow_log_is_deleted() {
    let it = doubled(DELETE).await;
    it.harness.cloud.edit_flow_log(&it.cover, |it| it.status = "Inactive".into());
    it.harness.cloud.edit_flow_log(&it.finer[0], |it| it.status = "Inactive".into());
    // A stale list shows all flow logs as active.
    let stale = |answer: &mut serde_json::Value| {
        for flow_log in answer["FlowLogs"]["FlowLog"].as_array_mut().unwrap() {
            flow_log["Status"] = json!("Active");
        }
    };
    it.harness.cloud.rewrite("DescribeFlowLogs", Rewrite::value(stale), 1);
    let report = it.harness.sweep(DELETION).await;
    assert_eq!((report.summary.changed, it.left()), (0, it.all()), "{report:#?}");
    assert!(report.results[0].reason.contains("; not done, as no flow log above it is active now"), "{report:#?}");
    assert_eq!(it.harness.cloud.calls_of("DeleteFlowLog").len(), 0);
}

#[tokio::test]
async fn if_the_second_read_fails_no_superfluous_flow_log_is_deleted() {
    for (key, odd) in [("Tags", json!("odd")), ("FlowLogId", json!(["odd"]))] {
        let it = doubled(DELETE).await;
        let each = move |answer: &mut serde_json::Value| {
            answer["FlowLogs"]["FlowLog"].as_array_mut().unwrap().iter_mut().for_each(|entry| entry[key] = odd.clone());
        };
        for call in 1..20 {
            it.harness.cloud.rewrite_after(call, "DescribeFlowLogs", Rewrite::value(each.clone()));
        }
        let report = it.harness.sweep(DELETION).await;
        assert_eq!((report.summary.changed, it.left()), (0, it.all()), "{report:#?}");
        assert!(report.summary.findings == 2, "{report:#?}");
    }
}

#[tokio::test]
async fn the_limits_count_superfluous_flow_logs() {
    let it = doubled(&format!("{DELETE}limits: {{max_changes: 1}}\n")).await;
    let report = it.harness.sweep(DELETION).await;
    assert_eq!(report.incomplete().unwrap().error_type, "TooManyChanges");
    assert_eq!(it.left(), it.all());
}

#[tokio::test]
async fn a_resource_with_an_unreadable_foreign_flow_log_is_reported() {
    let it = doubled("").await;
    it.edit_finer(|flow_log| flow_log.tags.clear());
    let without_vpc = |json: &mut serde_json::Value| {
        for vswitch in json["VSwitches"]["VSwitch"].as_array_mut().unwrap() {
            vswitch["VpcId"] = json!(7);
        }
    };
    it.harness.cloud.rewrite("DescribeVSwitches", Rewrite::value(without_vpc), u32::MAX);
    let report = it.harness.sweep(REMEDIATION).await;
    let said = |item: &&reconcile::Item| item.resource_id.as_ref() == Some(&it.vswitch) && item.is_finding;
    let item = report.results.iter().find(said).unwrap();
    assert_eq!(item.verdict, Some(Verdict::Unknown), "{report:#?}");
}
