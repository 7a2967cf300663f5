use std::time::Duration;

use jiff::SignedDuration;
use local_cloud::{Call, EntryKind, Fault, LocalCloud, OWN_ACCOUNT, Options, Transitions};
use reconcile::{Capabilities, Report};
use scenarios::{
    ACTIVATION, CREATE_ECR, CREATE_FLOW_LOG, CREATION, DEACTIVATE, DEACTIVATION, DELETE_ORPHANED, DELETION,
    ECR_CREATION, Harness, REMEDIATE, REMEDIATION, TIMER, vpc_created, whole_cloud,
};
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_secs(60);
const OFFICE_HOURS: &str = "schedule: day\nschedules: {day: {time_zone: Asia/Shanghai, on: ['Mon-Sun 07:00-21:00']}}\n";
const ECR: &str = "ecr_flow_log: {project: ecr-flowlog, log_store: ecr}\n";
const OF_A_TEAM: &str = "overrides: [{match: {regions: [cn-hangzhou]}, tags: {team: network}}]\n";
const NIGHT: &str = "2026-03-02T22:00:00+08:00";

/// A kind of work: an initial state, and the run that changes it.
#[derive(Debug, Clone, Copy)]
enum Work {
    Creation,
    CreationForAPart,
    Activation,
    Deactivation,
    ModificationAndTags,
    Replacement,
    OrphanOfAnEvent,
    OrphansOfASweep,
    SweepOfManyRepairs,
    SweepOfRouters,
}

impl Work {
    /// Returns the lines to add to a minimal policy, and the function that does the work.
    const fn of_whom(self) -> (&'static str, Capabilities) {
        match self {
            Self::Creation | Self::CreationForAPart => ("", CREATION),
            Self::Activation => (OFFICE_HOURS, ACTIVATION),
            Self::Deactivation => (OFFICE_HOURS, DEACTIVATION),
            Self::ModificationAndTags => (OF_A_TEAM, REMEDIATION),
            Self::SweepOfManyRepairs => ("", REMEDIATION),
            Self::Replacement => ("replace: true\n", REMEDIATION),
            Self::OrphanOfAnEvent | Self::OrphansOfASweep => ("", DELETION),
            Self::SweepOfRouters => (ECR, ECR_CREATION),
        }
    }

    /// Prepares a cloud for the work, and returns the ids that the event names.
    async fn prepare(self) -> (Harness, Vec<String>) {
        let (policy, _) = self.of_whom();
        // Transitions take a while, so a run may be killed during one.
        let options = Options { transitions: Transitions::After(Duration::from_secs(2)), ..Options::default() };
        let harness = Harness::with(policy, options).await;
        let cloud = &harness.cloud;
        // A foreign flow log that must stay as it is.
        let theirs = cloud.create_vpc(&[]).await.unwrap();
        cloud.create_flow_log("VPC", &theirs, &[]).await.unwrap();
        let mut named = Vec::new();
        match self {
            Self::Creation => named.push(cloud.create_vpc(&[]).await.unwrap()),
            Self::CreationForAPart => {
                let vpc = cloud.create_vpc(&[]).await.unwrap();
                let vswitch = cloud.create_vswitch(&vpc).await.unwrap();
                named.push(cloud.create_network_interface(&vswitch).await.unwrap());
            }
            Self::Activation => {
                for _ in 0..2 {
                    let (_, flow_log) = harness.kept_vpc(&[]).await;
                    cloud.call("DeactiveFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
                }
            }
            Self::Deactivation => {
                for _ in 0..2 {
                    harness.kept_vpc(&[]).await;
                }
                harness.wait_until(NIGHT);
            }
            Self::ModificationAndTags => {
                let (_, flow_log) = harness.kept_vpc(&[]).await;
                cloud.edit_flow_log(&flow_log, |it| {
                    it.name = "another".into();
                    it.status = "Inactive".into();
                });
            }
            Self::Replacement => {
                let (_, flow_log) = harness.kept_vpc(&[]).await;
                cloud.edit_flow_log(&flow_log, |it| it.traffic_type = "Drop".into());
            }
            Self::OrphanOfAnEvent | Self::OrphansOfASweep => {
                for _ in 0..2 {
                    let (vpc, _) = harness.kept_vpc(&[]).await;
                    cloud.call("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
                    named.push(vpc);
                }
                harness.pass(20 * MINUTE);
                match self {
                    Self::OrphanOfAnEvent => drop(named.pop()),
                    _ => named.clear(),
                }
            }
            Self::SweepOfManyRepairs => {
                cloud.create_vpc(&[]).await.unwrap();
                let (_, stopped) = harness.kept_vpc(&[]).await;
                let (_, renamed) = harness.kept_vpc(&[]).await;
                let (_, deleted) = harness.kept_vpc(&[]).await;
                cloud.call("DeactiveFlowLog", &[("FlowLogId", &stopped)]).await.unwrap();
                cloud.call("DeleteFlowLog", &[("FlowLogId", &deleted)]).await.unwrap();
                cloud.edit_flow_log(&renamed, |it| it.name = "another".into());
            }
            Self::SweepOfRouters => {
                let operator = cloud.operator(OWN_ACCOUNT, "cn-hangzhou");
                operator.create_router(&["vbr-1", "vbr-2"]).await.unwrap();
                let router = operator.create_router(&["vbr-3"]).await.unwrap();
                operator.create_router_flow_log(&router, "vbr-3", &[]).await.unwrap();
            }
        }
        harness.cloud.finish_transitions();
        (harness, named)
    }

    /// Runs one invocation.
    async fn run(self, harness: &Harness, named: &[String]) -> Report {
        let (_, capabilities) = self.of_whom();
        if named.is_empty() {
            return harness.sweep(capabilities).await;
        }
        let named: Vec<_> = named.iter().map(String::as_str).collect();
        harness.look(capabilities, &named, SignedDuration::ZERO, 10 * MINUTE).await
    }
}

/// The state of all flow logs, without their ids, which differ between runs.
fn state(harness: &Harness) -> Vec<String> {
    harness.cloud.finish_transitions();
    let (kept, of_routers) = (harness.cloud.flow_logs(), harness.cloud.router_flow_logs());
    let kept = kept.iter().map(|it| {
        let how = (&it.status, &it.name, &it.description, &it.traffic_type, &it.project, &it.log_store);
        format!("{} {how:?} {} {:?}", it.resource_id, it.aggregation_interval, it.tags)
    });
    let of_routers = of_routers.iter().map(|it| format!("{} {} {} {:?}", it.instance_id, it.status, it.name, it.tags));
    let mut state: Vec<_> = kept.chain(of_routers).collect();
    state.sort();
    state
}

/// The writes that took effect after the first `seen` calls. None may have been refused.
fn writes(harness: &Harness, seen: usize) -> Vec<String> {
    let is_read = |call: &Call| call.action.starts_with("Describe") || call.action.starts_with("List");
    let is_whole = |call: &&Call| !is_read(call) && !matches!(call.fault.as_deref(), Some("hang"));
    let on_what = |call: Call| {
        let named = ["ResourceId", "InstanceId", "FlowLogId", "ResourceId.1"];
        let named = named.iter().find_map(|name| call.parameters.get(*name)).cloned().unwrap_or_default();
        assert!(call.succeeded(), "{} of {named} was refused: {:?}", call.action, call.code);
        format!("{} {named}", call.action)
    };
    let mut writes: Vec<_> = harness.cloud.calls()[seen..].iter().filter(is_whole).cloned().map(on_what).collect();
    writes.sort();
    writes
}

async fn killed_anywhere_it_comes_right(work: Work) {
    let (undisturbed, targets) = work.prepare().await;
    let before = undisturbed.calls();
    let full_run = work.run(&undisturbed, &targets).await;
    assert!(full_run.incomplete().is_none(), "{work:?}: {full_run:#?}");
    let (calls, expected, needed) = (undisturbed.calls() - before, state(&undisturbed), writes(&undisturbed, before));
    assert!(!needed.is_empty(), "{work:?} does nothing");

    // Function Compute retries after a minute; a duplicate of the event may arrive at once.
    let faults = [Fault::Hang, Fault::HangAfterEffect];
    for (fault, pause) in faults.into_iter().flat_map(|fault| [(fault, Duration::ZERO), (fault, MINUTE)]) {
        for after in 0..=calls {
            let when = format!("{work:?}, {} at call {} of {calls}, {pause:?} later", fault.name(), after + 1);
            let (harness, named) = work.prepare().await;
            let seen = harness.calls();
            harness.cloud.fail_after(after.try_into().unwrap(), "*", fault);
            let first = harness.until_killed(work.run(&harness, &named)).await;
            assert_eq!(first.is_some(), after == calls, "{when}");
            harness.cloud.heal();
            harness.pass(pause);

            let report = work.run(&harness, &named).await;
            assert!(report.incomplete().is_none(), "{when}: {report:#?}");
            assert_eq!(state(&harness), expected, "{when}");
            assert_eq!(writes(&harness, seen), needed, "{when}: no write too few, and none too many");
            let before_repeat = harness.calls();
            let repeated = work.run(&harness, &named).await;
            assert!(
                repeated.incomplete().is_none() && writes(&harness, before_repeat).is_empty(),
                "{when}: {repeated:#?}"
            );
        }
    }
}

macro_rules! works {
    ($($name:ident: $work:ident),* $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            killed_anywhere_it_comes_right(Work::$work).await;
        }
    )*};
}

works! {
    a_creation_that_was_killed_anywhere_is_made_once: Creation,
    a_creation_for_a_part_that_was_killed_anywhere_is_made_once: CreationForAPart,
    switching_on_that_was_killed_anywhere_is_finished_the_next_time: Activation,
    switching_off_that_was_killed_anywhere_is_finished_the_next_time: Deactivation,
    a_repair_in_place_that_was_killed_anywhere_is_finished_the_next_time: ModificationAndTags,
    a_replacement_that_was_killed_anywhere_leaves_one_flow_log_the_next_time: Replacement,
    an_orphan_whose_deletion_was_killed_anywhere_is_deleted_the_next_time: OrphanOfAnEvent,
    orphans_whose_sweep_was_killed_anywhere_are_deleted_the_next_time: OrphansOfASweep,
    a_sweep_that_was_killed_anywhere_is_finished_the_next_time: SweepOfManyRepairs,
    a_sweep_of_routers_that_was_killed_anywhere_is_finished_the_next_time: SweepOfRouters,
}

/// Work on one resource by a real process. With one resource, the calls are sequential.
#[derive(Debug, Clone, Copy)]
enum Story {
    Creation,
    Deactivation,
    Repair,
    Replacement,
    Orphan,
    Router,
}

impl Story {
    const ALL: [Self; 6] =
        [Self::Creation, Self::Deactivation, Self::Repair, Self::Replacement, Self::Orphan, Self::Router];

    /// Returns the function, the lines to add to a minimal policy, and the number of writes it takes.
    const fn of_whom(self) -> (&'static str, &'static str, usize) {
        match self {
            Self::Creation => (CREATE_FLOW_LOG, "", 1),
            Self::Deactivation => (DEACTIVATE, "", 1),
            Self::Repair => (REMEDIATE, "", 4),
            Self::Replacement => (REMEDIATE, "replace: true\n", 2),
            Self::Orphan => (DELETE_ORPHANED, "", 1),
            Self::Router => (CREATE_ECR, ECR, 1),
        }
    }

    /// Prepares a cloud for the work, and returns the event that triggers the function.
    async fn prepare(self) -> (LocalCloud, Vec<u8>) {
        let (_, more, _) = self.of_whom();
        let policy =
            "flow_log: {project: flowlog, log_store: vpc, tags: {team: network}, resource_group_id: rg-network}";
        // No event triggers a function: the test invokes it.
        let triggers_of = Some("nobody".to_owned());
        let options = Options { policy: Some(format!("{policy}\n{more}")), triggers_of, ..Options::default() };
        let cloud = whole_cloud(options).await.unwrap();
        if let Self::Router = self {
            cloud.operator(OWN_ACCOUNT, "cn-hangzhou").create_router(&["vbr-1"]).await.unwrap();
            return (cloud, TIMER.to_vec());
        }
        let tags: &[_] = if let Self::Deactivation = self { &[("flowkeeper", "off")] } else { &[] };
        let vpc = cloud.create_vpc(tags).await.unwrap();
        if let Self::Creation = self {
            return (cloud, vpc_created(&vpc).to_string().into_bytes());
        }
        let name = format!("flowkeeper-{vpc}");
        let own = [
            ("Tag.1.Key", "managed-by"),
            ("Tag.1.Value", "flowkeeper"),
            ("Tag.2.Key", "team"),
            ("Tag.2.Value", "network"),
            ("FlowLogName", name.as_str()),
            ("Description", "Kept by Flowkeeper"),
            ("ProjectName", "flowlog"),
            ("LogStoreName", "vpc"),
            ("ResourceGroupId", "rg-network"),
        ];
        let flow_log = cloud.create_flow_log("VPC", &vpc, &own).await.unwrap();
        cloud.settled().await.unwrap();
        match self {
            Self::Repair => cloud.edit_flow_log(&flow_log, |it| {
                it.status = "Inactive".into();
                it.name = "theirs".into();
                it.resource_group_id = "rg-others".into();
                it.tags.remove("team");
            }),
            Self::Replacement => cloud.edit_flow_log(&flow_log, |it| it.project = "theirs".into()),
            Self::Orphan => {
                cloud.call("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
                let deleted = cloud.events().pop().unwrap();
                return (cloud, deleted.to_string().into_bytes());
            }
            _ => {}
        }
        (cloud, TIMER.to_vec())
    }
}

/// A write: its action, and the id of its flow log.
type Named = (String, String);

/// The writes of a function.
fn writes_of(cloud: &LocalCloud, function: &str) -> Vec<(Call, Named)> {
    let is_write = |call: &Call| {
        let is_by = call.caller.as_ref().is_some_and(|caller| caller.name == function);
        is_by && !["Describe", "List", "Get"].iter().any(|read| call.action.starts_with(read))
    };
    let named = |call: Call| {
        let given = ["FlowLogId", "ResourceId.1"].iter().find_map(|name| call.parameters.get(*name));
        let moved = call.parameters.get("ResourceId").filter(|_| call.action == "MoveResourceGroup");
        let made = call.answer["FlowLogId"].as_str().unwrap_or_default();
        let id = given.or(moved).map_or(made, String::as_str).to_owned();
        let action = call.action.clone();
        (call, (action, id))
    };
    cloud.calls().into_iter().filter(is_write).map(named).collect()
}

/// The writes that were answered, so the process knew that they took effect.
fn answered(cloud: &LocalCloud, function: &str) -> Vec<Named> {
    let writes = writes_of(cloud, function).into_iter();
    let mut answered: Vec<_> = writes.filter(|(call, _)| call.status == 200).map(|(_, named)| named).collect();
    answered.sort();
    answered
}

/// The log lines, each a JSON object, that have this field.
fn lines_with(cloud: &LocalCloud, field: &str) -> Vec<Value> {
    let line = |what: EntryKind| match what {
        EntryKind::Line { text, .. } => serde_json::from_str::<Value>(&text).ok().filter(|line| !line[field].is_null()),
        _ => None,
    };
    cloud.journal().into_iter().filter_map(|entry| line(entry.what)).collect()
}

/// The writes that log lines report.
fn logged(cloud: &LocalCloud) -> Vec<Named> {
    let of = |line: &Value, name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let lines = lines_with(cloud, "outcome").into_iter().filter(|line| line["outcome"] == "done");
    let mut logged: Vec<_> = lines.map(|line| (of(&line, "action"), of(&line, "flow_log_id"))).collect();
    logged.sort();
    logged
}

/// Waits until the log lines, which arrive through a pipe, match the writes that were answered.
async fn each_write_has_its_line(cloud: &LocalCloud, function: &str, when: &str) {
    let same = |it: &LocalCloud| logged(it) == answered(it, function);
    let waited = cloud.wait_until("each write has its line", same).await;
    assert!(waited.is_ok(), "{when}: {:#?} and not {:#?}", logged(cloud), answered(cloud, function));
}

/// Asserts that each deletion was logged with all attributes of the flow log before the call was sent.
fn each_deletion_is_announced(cloud: &LocalCloud, function: &str, when: &str) {
    for (call, (_, id)) in writes_of(cloud, function).iter().filter(|(call, _)| call.action == "DeleteFlowLog") {
        let deleted = |line: Value| serde_json::from_str::<Value>(line["deleted"].as_str().unwrap()).unwrap();
        let found = lines_with(cloud, "deleted").into_iter().map(deleted).find(|it| it["flow_log_id"] == id.as_str());
        let it = found.unwrap_or_else(|| panic!("{when}: {call:?} is in no line"));
        let tags: std::collections::BTreeMap<String, String> =
            serde_json::from_value::<Vec<(String, String)>>(it["tags"].clone()).unwrap().into_iter().collect();
        let known = [("managed-by", "flowkeeper"), ("team", "network")].map(|(key, value)| (key.into(), value.into()));
        assert_eq!(tags, known.into(), "{when}");
        let vpc = it["resource_id"].as_str().unwrap();
        assert!(it["project"] == "theirs" || function == DELETE_ORPHANED && it["project"] == "flowlog", "{it}");
        for (field, value) in [
            ("name", json!(format!("flowkeeper-{vpc}"))),
            ("description", json!("Kept by Flowkeeper")),
            ("log_store", json!("vpc")),
            ("traffic_type", json!("All")),
            ("aggregation_interval", json!(10)),
            ("resource_group_id", json!("rg-network")),
        ] {
            assert_eq!(it[field], value, "{when}: {field}");
        }
    }
}

#[tokio::test]
async fn a_killed_process_has_logged_each_answered_write_once() {
    for story in Story::ALL {
        let (function, _, writes) = story.of_whom();
        for fault in [Fault::FunctionKilled, Fault::FunctionKilledAfterEffect] {
            for after in 0.. {
                let when = format!("{story:?}, {} at call {}", fault.name(), after + 1);
                let (cloud, event) = story.prepare().await;
                cloud.fail_after(after, "*", fault);
                let invocation = cloud.invoke(function, &event).await.unwrap();
                let is_whole = invocation.success;
                each_write_has_its_line(&cloud, function, &when).await;
                each_deletion_is_announced(&cloud, function, &when);
                cloud.heal();
                if !is_whole {
                    let again = cloud.invoke(function, &event).await.unwrap();
                    assert!(again.success, "{when}: {:#}", again.body);
                    each_write_has_its_line(&cloud, function, &when).await;
                    each_deletion_is_announced(&cloud, function, &when);
                }
                let took_effect = writes_of(&cloud, function).iter().filter(|(call, _)| call.succeeded()).count();
                assert_eq!(took_effect, writes, "{when}");
                if is_whole {
                    assert!(after > 1, "{story:?} was never killed");
                    break;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_logged_once_with_its_flow_log() {
    for story in Story::ALL {
        let (function, _, writes) = story.of_whom();
        let (cloud, event) = story.prepare().await;
        // Actions that the client repeats would take effect twice, so they are not in this list.
        for action in ["CreateFlowLog", "DeleteFlowLog", "ActiveFlowLog", "DeactiveFlowLog", "ModifyFlowLogAttribute"] {
            cloud.fail(action, Fault::AnswerLost, 1);
        }
        let invocation = cloud.invoke(function, &event).await.unwrap();
        assert!(invocation.success, "{story:?}: {:#}", invocation.body);
        let mut made: Vec<_> = writes_of(&cloud, function).into_iter().map(|(_, named)| named).collect();
        made.sort();
        // A repeated call with the same client token is one write.
        made.dedup();
        assert_eq!(made.len(), writes, "{story:?}");
        cloud.wait_until("each write has its line", |cloud| logged(cloud) == made).await.unwrap();
    }
}
