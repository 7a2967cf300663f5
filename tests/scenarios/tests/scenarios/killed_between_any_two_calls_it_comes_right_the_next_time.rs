use std::time::Duration;

use jiff::SignedDuration;
use local_cloud::{Call, Fault, OWN_ACCOUNT, Options, Transitions};
use reconcile::{Duty, Report};
use scenarios::{ACTIVATION, CREATION, DEACTIVATION, DELETION, ECR_CREATION, REMEDIATION, Stage};

const MINUTE: Duration = Duration::from_secs(60);
const OFFICE_HOURS: &str = "schedule: day\nschedules: {day: {time_zone: Asia/Shanghai, on: ['Mon-Sun 07:00-21:00']}}\n";
const ECR: &str = "ecr_flow_log: {project: ecr-flowlog, log_store: ecr}\n";
const OF_A_TEAM: &str = "overrides: [{match: {regions: [cn-hangzhou]}, tags: {team: network}}]\n";
const NIGHT: &str = "2026-03-02T22:00:00+08:00";

/// A kind of work: what there is before it, and what is done.
#[derive(Clone, Copy, Debug)]
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
    /// What the policy says besides the least, and who keeps it.
    const fn of_whom(self) -> (&'static str, Duty) {
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

    /// A cloud before the work, and what an event names.
    async fn prepare(self) -> (Stage, Vec<String>) {
        let (policy, _) = self.of_whom();
        // A change takes a while, so that one may be killed while it is under way.
        let options = Options { transitions: Transitions::After(Duration::from_secs(2)), ..Options::default() };
        let stage = Stage::with(policy, options).await;
        let cloud = &stage.cloud;
        // Somebody else's, beside which all of this happens.
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
                    let (_, flow_log) = stage.kept_vpc(&[]).await;
                    cloud.call("DeactiveFlowLog", &[("FlowLogId", &flow_log)]).await.unwrap();
                }
            }
            Self::Deactivation => {
                for _ in 0..2 {
                    stage.kept_vpc(&[]).await;
                }
                stage.wait_until(NIGHT);
            }
            Self::ModificationAndTags => {
                let (_, flow_log) = stage.kept_vpc(&[]).await;
                cloud.edit_flow_log(&flow_log, |it| {
                    it.name = "another".into();
                    it.status = "Inactive".into();
                });
            }
            Self::Replacement => {
                let (vpc, flow_log) = stage.kept_vpc(&[]).await;
                cloud.edit_flow_log(&flow_log, |it| it.traffic_type = "Drop".into());
                named.push(vpc);
            }
            Self::OrphanOfAnEvent | Self::OrphansOfASweep => {
                for _ in 0..2 {
                    let (vpc, _) = stage.kept_vpc(&[]).await;
                    cloud.call("DeleteVpc", &[("VpcId", &vpc)]).await.unwrap();
                    named.push(vpc);
                }
                stage.pass(20 * MINUTE);
                match self {
                    Self::OrphanOfAnEvent => drop(named.pop()),
                    _ => named.clear(),
                }
            }
            Self::SweepOfManyRepairs => {
                cloud.create_vpc(&[]).await.unwrap();
                let (_, stopped) = stage.kept_vpc(&[]).await;
                let (_, renamed) = stage.kept_vpc(&[]).await;
                let (_, deleted) = stage.kept_vpc(&[]).await;
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
        stage.cloud.finish_transitions();
        (stage, named)
    }

    /// One invocation.
    async fn run(self, stage: &Stage, named: &[String]) -> Report {
        let (_, duty) = self.of_whom();
        if named.is_empty() {
            return stage.sweep(duty).await;
        }
        let named: Vec<_> = named.iter().map(String::as_str).collect();
        stage.look(duty, &named, SignedDuration::ZERO, 10 * MINUTE).await
    }
}

/// What there is, but for the ids of what was made meanwhile.
fn state(stage: &Stage) -> Vec<String> {
    stage.cloud.finish_transitions();
    let (kept, of_routers) = (stage.cloud.flow_logs(), stage.cloud.router_flow_logs());
    let kept = kept.iter().map(|it| {
        let how = (&it.status, &it.name, &it.description, &it.traffic_type, &it.project, &it.log_store);
        format!("{} {how:?} {} {:?}", it.resource_id, it.aggregation_interval, it.tags)
    });
    let of_routers = of_routers.iter().map(|it| format!("{} {} {} {:?}", it.instance_id, it.status, it.name, it.tags));
    let mut state: Vec<_> = kept.chain(of_routers).collect();
    state.sort();
    state
}

/// The writes among the calls after the first so many that took effect; a refused one has no business here.
fn writes(stage: &Stage, seen: usize) -> Vec<String> {
    let is_read = |call: &Call| call.action.starts_with("Describe") || call.action.starts_with("List");
    let is_whole = |call: &&Call| !is_read(call) && !matches!(call.fault.as_deref(), Some("hang"));
    let on_what = |call: Call| {
        let named = ["ResourceId", "InstanceId", "FlowLogId", "ResourceId.1"];
        let named = named.iter().find_map(|name| call.parameters.get(*name)).cloned().unwrap_or_default();
        assert!(call.succeeded(), "{} of {named} was refused: {:?}", call.action, call.code);
        format!("{} {named}", call.action)
    };
    let mut writes: Vec<_> = stage.cloud.calls()[seen..].iter().filter(is_whole).cloned().map(on_what).collect();
    writes.sort();
    writes
}

async fn killed_anywhere_it_comes_right(work: Work) {
    let (stage, named) = work.prepare().await;
    let seen = stage.calls();
    let report = work.run(&stage, &named).await;
    assert!(report.incomplete().is_none(), "{work:?}: {report:#?}");
    let (calls, wanted, needed) = (stage.calls() - seen, state(&stage), writes(&stage, seen));
    assert!(!needed.is_empty(), "{work:?} does nothing");

    // Function Compute tries again after a minute; a duplicate of the event may be there at once.
    let faults = [Fault::Hang, Fault::HangAfterEffect];
    for (fault, pause) in faults.into_iter().flat_map(|fault| [(fault, Duration::ZERO), (fault, MINUTE)]) {
        for after in 0..=calls {
            let when = format!("{work:?}, {} at call {} of {calls}, {pause:?} later", fault.name(), after + 1);
            let (stage, named) = work.prepare().await;
            let seen = stage.calls();
            stage.cloud.fail_after(after.try_into().unwrap(), "*", fault);
            let first = stage.until_killed(work.run(&stage, &named)).await;
            assert_eq!(first.is_some(), after == calls, "{when}");
            stage.cloud.heal();
            stage.pass(pause);

            let report = work.run(&stage, &named).await;
            assert!(report.incomplete().is_none(), "{when}: {report:#?}");
            assert_eq!(state(&stage), wanted, "{when}");
            assert_eq!(writes(&stage, seen), needed, "{when}: no write too few, and none too many");
            let seen = stage.calls();
            let report = work.run(&stage, &named).await;
            assert!(report.incomplete().is_none() && writes(&stage, seen).is_empty(), "{when}: {report:#?}");
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
