//! Seeded chaos: histories in which everything that can go wrong does.
//!
//! Resources come and go, others tamper with flow logs, every call may meet a fault, and the functions are triggered by
//! timers and by events that are lost, late, duplicated and out of order.
//!
//! Nothing here reads the machine's clock or real randomness, so the same seed always gives the same history.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use activate_flow_logs::ActivateFlowLogs;
use create_ecr_flow_log::CreateEcrFlowLog;
use create_flow_log::CreateFlowLog;
use deactivate_flow_logs::DeactivateFlowLogs;
use delete_orphaned_flow_logs::DeleteOrphanedFlowLogs;
use fc_runtime::Invocation;
use handler::{FlowLogFunction, respond};
use jiff::{SignedDuration, Timestamp, Zoned, tz};
use local_cloud::{
    Call, EntryKind, Fault, FlowLog, OWN_ACCOUNT, Operator, Options, SECOND_ACCOUNT, SECOND_ACCOUNT_ROLE, Storm,
    Transitions, Vpc,
};
use openapi::Credentials;
use reconcile::{CallCounter, Outcome, Reconciler, Report};
use remediate_flow_logs::RemediateFlowLogs;
use serde_json::Value;

use crate::{Harness, TIMER};

const REGIONS: [&str; 2] = ["cn-hangzhou", "cn-shanghai"];
const OWN: (&str, &str) = ("managed-by", "flowkeeper");
const MINUTE: Duration = Duration::from_secs(60);
/// How often a failed invocation is retried.
const MAX_RETRIES: u32 = 3;

const FAULTS: [Fault; 14] = [
    Fault::Throttled,
    Fault::ThrottledFor(Duration::from_secs(2)),
    Fault::Unavailable,
    Fault::InternalError,
    Fault::Refused,
    Fault::Reset,
    Fault::AnswerLost,
    Fault::AnswerLost,
    Fault::NotVisibleYet,
    Fault::StaleRead,
    Fault::TokenExpired,
    Fault::FailureIn200,
    Fault::Overtaken,
    Fault::Code("TaskConflict"),
];

/// The functions that reconcile flow logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Kind {
    Creation,
    Remediation,
    Deletion,
    Activation,
    Deactivation,
    Routers,
}

impl Kind {
    const ALL: [Self; 6] =
        [Self::Deletion, Self::Remediation, Self::Creation, Self::Activation, Self::Deactivation, Self::Routers];
    /// The functions that events trigger.
    const WOKEN: [Self; 3] = [Self::Creation, Self::Remediation, Self::Deletion];
    /// The functions that timers trigger.
    const TIMED: [Self; 5] = [Self::Deletion, Self::Remediation, Self::Activation, Self::Deactivation, Self::Routers];

    fn reconciler(self, harness: &Harness) -> Reconciler {
        harness.reconciler(match self {
            Self::Creation => CreateFlowLog::CAPABILITIES,
            Self::Remediation => RemediateFlowLogs::CAPABILITIES,
            Self::Deletion => DeleteOrphanedFlowLogs::CAPABILITIES,
            Self::Activation => ActivateFlowLogs::CAPABILITIES,
            Self::Deactivation => DeactivateFlowLogs::CAPABILITIES,
            Self::Routers => CreateEcrFlowLog::CAPABILITIES,
        })
    }

    async fn invoke(self, reconciler: &Reconciler, invocation: Invocation, event: &[u8]) -> Result<Report, String> {
        let calls = CallCounter::default();
        let ended = match self {
            Self::Creation => respond::<CreateFlowLog>(reconciler, invocation, event, calls).await,
            Self::Remediation => respond::<RemediateFlowLogs>(reconciler, invocation, event, calls).await,
            Self::Deletion => respond::<DeleteOrphanedFlowLogs>(reconciler, invocation, event, calls).await,
            Self::Activation => respond::<ActivateFlowLogs>(reconciler, invocation, event, calls).await,
            Self::Deactivation => respond::<DeactivateFlowLogs>(reconciler, invocation, event, calls).await,
            Self::Routers => respond::<CreateEcrFlowLog>(reconciler, invocation, event, calls).await,
        };
        ended.map(|ended| ended.report).map_err(|failure| format!("{self:?} failed as a whole: {failure:?}"))
    }
}

/// The statistics of a history.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// All invocations.
    pub invocations: usize,
    /// Invocations that failed.
    pub failed: usize,
    /// Invocations that were killed.
    pub killed: usize,
    /// Events and timers that were given up after the last retry.
    pub given_up: usize,
    /// Calls made during invocations.
    pub calls: usize,
    /// Calls that met a fault.
    pub faults: usize,
    /// Writes by the functions that took effect.
    pub writes: usize,
    /// VPCs that exist at the end.
    pub vpcs: usize,
    /// Flow logs that exist at the end.
    pub flow_logs: usize,
    /// A hash of every call, to compare histories.
    pub digest: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { invocations, failed, killed, given_up, calls, faults, writes, vpcs, flow_logs, digest } = self;
        write!(
            f,
            "{invocations} invocations, {failed} failed, {killed} killed, {given_up} given up, {calls} calls, {faults} \
             faults, {writes} writes, {vpcs} VPCs and {flow_logs} flow logs in the end, {digest:016x}"
        )
    }
}

/// An invocation that is due at some time.
#[derive(Debug, Clone)]
struct Due {
    at: Timestamp,
    kind: Kind,
    event: Vec<u8>,
    /// How often it was tried before.
    tries: u32,
}

/// A seeded generator of pseudorandom numbers (`SplitMix64`).
#[derive(Debug, Clone)]
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        let nth = self.below(from.len() as u64);
        from.get(usize::try_from(nth).ok()?)
    }
}

/// A running history.
struct History {
    harness: Harness,
    dice: Dice,
    replaces: bool,
    keepers: BTreeMap<Kind, Reconciler>,
    due: Vec<Due>,
    /// How many entries of the journal have been read for events.
    read: usize,
    tally: Tally,
}

/// Runs the history of a seed for this many steps, and checks that the cloud converges to the desired state.
///
/// # Errors
/// Describes what did not converge, or which rule an invocation broke.
pub async fn run(seed: u64, steps: u64) -> Result<Tally, String> {
    let mut dice = Dice(seed);
    let replaces = dice.one_in(2);
    let policy = format!(
        "regions: [cn-hangzhou, cn-shanghai]\n\
         accounts: [{{id: \"{SECOND_ACCOUNT}\", role: \"{SECOND_ACCOUNT_ROLE}\"}}]\n\
         schedules: {{day: {{time_zone: Asia/Shanghai, on: ['Mon-Sun 07:00-21:00']}}}}\n\
         overrides: [{{match: {{tags: {{team: network}}}}, tags: {{team: network}}}}]\n\
         ecr_flow_log: {{project: ecr-flowlog, log_store: ecr}}\n\
         limits: {{max_changes: 1000, max_changes_percent: 100}}\n\
         replace: {replaces}\n"
    );
    let transitions = Transitions::After(Duration::from_secs(dice.below(4)));
    let harness = Harness::with(&policy, Options { transitions, ..Options::default() }).await;
    let keepers = Kind::ALL.into_iter().map(|kind| (kind, kind.reconciler(&harness))).collect();
    let mut history = History { harness, dice, replaces, keepers, due: Vec::new(), read: 0, tally: Tally::default() };
    for _ in 0..steps {
        history.step().await?;
    }
    history.end().await
}

impl History {
    async fn step(&mut self) -> Result<(), String> {
        match self.dice.below(10) {
            0..4 => self.change().await,
            4 => {
                let seconds = self.dice.below(3 * 60 * 60);
                self.pass(Duration::from_secs(seconds)).await;
            }
            5 => {
                if let Some(kind) = self.dice.pick(&Kind::TIMED).copied() {
                    self.invoke(Due { at: self.harness.now(), kind, event: TIMER.to_vec(), tries: 0 }, true).await?;
                }
            }
            _ => {
                let seconds = self.dice.below(5 * 60);
                self.pass(Duration::from_secs(seconds)).await;
            }
        }
        self.listen();
        let now = self.harness.now();
        // Events run out of order, because `due` is not sorted.
        while let Some(nth) = self.due.iter().position(|due| due.at <= now) {
            let due = self.due.swap_remove(nth);
            self.invoke(due, true).await?;
            self.listen();
        }
        Ok(())
    }

    async fn pass(&self, duration: Duration) {
        self.harness.pass(duration);
        self.let_the_cloud_work().await;
    }

    /// Lets the cloud's own tasks run: they share this thread.
    async fn let_the_cloud_work(&self) {
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
    }

    /// Turns new events into invocations: lost, late, duplicated and reordered.
    fn listen(&mut self) {
        let news = self.harness.cloud.journal_after(self.read);
        self.read += news.len();
        for entry in news {
            let EntryKind::Event { event, .. } = entry.what else { continue };
            for kind in Kind::WOKEN {
                let times = match self.dice.below(10) {
                    0 => 0,
                    1 => 2,
                    _ => 1,
                };
                for _ in 0..times {
                    let late = if self.dice.one_in(3) { self.dice.below(20 * 60) } else { self.dice.below(10) };
                    let at = entry.at.saturating_add(SignedDuration::from_secs(late as i64)).unwrap_or(entry.at);
                    self.due.push(Due { at, kind, event: event.to_string().into_bytes(), tries: 0 });
                }
            }
        }
    }

    /// Invokes a function once, with injected faults if `is_bad`.
    async fn invoke(&mut self, due: Due, is_bad: bool) -> Result<Option<Report>, String> {
        let weather = if is_bad { self.dice.below(8) } else { 0 };
        let cloud = &self.harness.cloud;
        let storm = |seed, one_in| Some(Storm { seed, one_in, faults: FAULTS.to_vec() });
        let seed = self.dice.next();
        match weather {
            0 | 1 => {}
            2 | 3 => cloud.storm(storm(seed, 10)),
            4 => cloud.storm(storm(seed, 4)),
            5 => {
                cloud.storm(storm(seed, 30));
                let fault = if self.dice.one_in(2) { Fault::Hang } else { Fault::HangAfterEffect };
                cloud.fail_after(self.dice.below(20) as u32, "*", fault);
            }
            6 if self.dice.one_in(2) => cloud.region_down(self.dice.pick(&REGIONS).copied().unwrap_or_default()),
            6 => cloud.fail("AssumeRole", Fault::Refused, u32::MAX),
            _ => {
                cloud.storm(storm(seed, 30));
                let hours = if self.dice.one_in(2) { 1 } else { -1 };
                self.harness.set_machine_wrong_by(SignedDuration::from_hours(hours));
            }
        }
        let seen = cloud.journal_len();
        let before = Before::of(&self.harness);
        let Due { kind, event, tries, .. } = &due;
        // By the function's own clock, which may be skewed.
        let arrived = self.harness.now();
        let mut invocation = Invocation::new(format!("1-chaos-{}", self.tally.invocations), arrived)
            .with_credentials(Credentials::new("test", "test-secret"));
        invocation.account_id = Some(OWN_ACCOUNT.to_owned());
        invocation.region = Some(REGIONS[0].to_owned());
        invocation.deadline = arrived.checked_add(SignedDuration::from_mins(10)).ok();
        let reconciler = self.keepers.get(kind).ok_or("there is no such reconciler")?;
        let report = self.harness.until_killed(kind.invoke(reconciler, invocation, event)).await.transpose()?;
        // A request that was sent before the kill may still arrive.
        self.let_the_cloud_work().await;
        self.harness.cloud.heal();
        self.harness.set_machine_wrong_by(SignedDuration::ZERO);

        let call = |what| if let EntryKind::Call(call) = what { Some(call) } else { None };
        let calls: Vec<_> =
            self.harness.cloud.journal_after(seen).into_iter().filter_map(|entry| call(entry.what)).collect();
        self.tally.invocations += 1;
        self.tally.calls += calls.len();
        self.tally.faults += calls.iter().filter(|it| it.fault.is_some()).count();
        let all = calls.iter().map(told).collect::<Vec<_>>().join("\n");
        let checked =
            before.check(*kind, event == TIMER, &calls).map_err(|problem| format!("{problem}\n{weather} {all}"));
        let Done { writes, unanswered } = checked?;
        self.tally.writes += writes.len();
        let is_whole = match &report {
            None => {
                self.tally.killed += 1;
                self.keepers.insert(*kind, kind.reconciler(&self.harness));
                false
            }
            Some(report) => {
                let is_whole = report.incomplete().is_none();
                self.tally.failed += usize::from(!is_whole);
                is_explained(report, &writes, &unanswered).map_err(|problem| {
                    let said = serde_json::to_string_pretty(report).unwrap_or_default();
                    format!("{kind:?}: {problem}\n{said}\n{all}")
                })?;
                is_whole
            }
        };
        if !is_whole && *tries < MAX_RETRIES && is_bad {
            let at = self.harness.now().saturating_add(SignedDuration::from_mins(1 << tries)).unwrap_or(Timestamp::MAX);
            self.due.push(Due { at, tries: tries + 1, ..due });
        } else if !is_whole {
            self.tally.given_up += 1;
        }
        Ok(report)
    }

    /// Somebody else creates, deletes or changes something. A call that the cloud refuses has no effect.
    async fn change(&mut self) {
        let account = if self.dice.one_in(3) { SECOND_ACCOUNT } else { OWN_ACCOUNT };
        let region = self.dice.pick(&REGIONS).copied().unwrap_or_default();
        let here = self.harness.cloud.operator(account, region);
        let vpcs: Vec<_> =
            self.harness.cloud.vpcs().into_iter().filter(|it| is_in(account, region, &it.place)).collect();
        let logs: Vec<_> =
            self.harness.cloud.flow_logs().into_iter().filter(|it| is_in(account, region, &it.place)).collect();
        let vpc = self.dice.pick(&vpcs).map(|vpc| vpc.id.clone()).unwrap_or_default();
        let log = self.dice.pick(&logs).map(|log| log.id.clone()).unwrap_or_default();
        let one_log = [("FlowLogId", log.as_str())];
        match self.dice.below(18) {
            0..5 => {
                let tags = [
                    &[][..],
                    &[("team", "network")],
                    &[("flowkeeper", "ignore")],
                    &[("flowkeeper", "on")],
                    &[("flowkeeper", "off")],
                    &[("flowkeeper", "schedule=day")],
                ];
                let tags = self.dice.pick(&tags).copied().unwrap_or_default();
                let new_vpc = here.create_vpc(tags).await.unwrap_or_default();
                match self.dice.below(8) {
                    // Somebody else creates the flow log first.
                    0 => drop(here.create_flow_log("VPC", &new_vpc, &[]).await),
                    1 => {
                        if let Ok(new_log) = here.create_flow_log("VPC", &new_vpc, &[]).await {
                            self.harness.cloud.edit_flow_log(&new_log, |it| it.service_type = "sls".into());
                        }
                    }
                    _ => {}
                }
            }
            5 => {
                if let Ok(vswitch) = here.create_vswitch(&vpc).await {
                    drop(here.create_network_interface(&vswitch).await);
                }
            }
            6 | 7 => remove(&self.harness, &here, &vpc).await,
            8 | 9 => drop(here.call("DeleteFlowLog", &one_log).await),
            10 | 11 => drop(here.call("DeactiveFlowLog", &one_log).await),
            12 => drop(here.call("ActiveFlowLog", &one_log).await),
            13 => drop(here.call("ModifyFlowLogAttribute", &[one_log[0], ("FlowLogName", "renamed")]).await),
            14 => {
                let it = [("ResourceType", "FLOWLOG"), ("ResourceId.1", log.as_str())];
                let own = ("TagKey.1", OWN.0);
                drop(here.call("UnTagResources", &[it[0], it[1], own]).await);
            }
            15 => {
                let it = [("ResourceType", "FLOWLOG"), ("ResourceId.1", log.as_str())];
                let team = [("Tag.1.Key", "team"), ("Tag.1.Value", "another")];
                drop(here.call("TagResources", &[it[0], it[1], team[0], team[1]]).await);
            }
            16 => {
                if logs.iter().any(|it| it.id == log && is_own(it)) {
                    self.harness.cloud.edit_flow_log(&log, |it| it.traffic_type = "Drop".into());
                }
            }
            _ => self.change_routers(&here).await,
        }
    }

    async fn change_routers(&mut self, here: &Operator) {
        let logs = self.harness.cloud.router_flow_logs();
        let log = self.dice.pick(&logs).map(|log| (log.router_id.clone(), log.id.clone())).unwrap_or_default();
        let one_log = [("EcrId", log.0.as_str()), ("FlowLogId", log.1.as_str())];
        match self.dice.below(4) {
            0 | 1 => {
                let vbr = format!("vbr-{}", self.dice.below(1000));
                let router = here.create_router(&[&vbr]).await.unwrap_or_default();
                if self.dice.one_in(4) {
                    drop(here.create_router_flow_log(&router, &vbr, &[]).await);
                }
            }
            2 => drop(here.call_router("DeactivateFlowLog", &one_log).await),
            _ => drop(here.call_router("DeleteFlowlog", &one_log).await),
        }
    }

    /// Removes all faults, runs one sweep of each function, and checks that everything is in its desired state.
    async fn end(mut self) -> Result<Tally, String> {
        self.harness.cloud.heal();
        self.due.clear();
        // Lets grace periods end, so that orphans count as such, and lets pending transitions finish.
        self.pass(20 * MINUTE).await;
        // Keeps a schedule from switching between two of the sweeps.
        if matches!(self.local_time().hour(), 6 | 20) {
            self.pass(60 * MINUTE).await;
        }
        for kind in Kind::TIMED {
            self.pass(MINUTE / 6).await;
            let due = Due { at: self.harness.now(), kind, event: TIMER.to_vec(), tries: 0 };
            let report = self.invoke(due, false).await?.ok_or("a clean sweep was killed")?;
            if let Some(why) = report.incomplete() {
                return Err(format!("the clean sweep of {kind:?} failed: {}", why.message));
            }
        }
        self.pass(MINUTE).await;
        self.check_end()?;
        let mut digest = DefaultHasher::new();
        for entry in self.harness.cloud.journal() {
            if let EntryKind::Call(call) = entry.what {
                (entry.at, told(&call)).hash(&mut digest);
            }
        }
        self.tally.digest = digest.finish();
        Ok(self.tally)
    }

    fn local_time(&self) -> Zoned {
        self.harness.now().to_zoned(tz::TimeZone::fixed(tz::offset(8)))
    }

    fn check_end(&mut self) -> Result<(), String> {
        let cloud = &self.harness.cloud;
        let (vpcs, logs) = (cloud.vpcs(), cloud.flow_logs());
        (self.tally.vpcs, self.tally.flow_logs) = (vpcs.len(), logs.len());
        let mut on = BTreeMap::<&str, Vec<&FlowLog>>::new();
        for log in &logs {
            on.entry(&log.resource_id).or_default().push(log);
        }
        for vpc in &vpcs {
            let on_it = on.remove(vpc.id.as_str()).unwrap_or_default();
            self.check_vpc(vpc, &on_it)
                .map_err(|problem| format!("{} with {:?}: {problem}: {on_it:?}", vpc.id, vpc.tags))?;
        }
        if let Some(orphan) = on.into_values().flatten().find(|log| is_own(log)) {
            return Err(format!("{} is left of {}, which is gone", orphan.id, orphan.resource_id));
        }
        let of_routers = cloud.router_flow_logs();
        for router in cloud.routers() {
            for child in &router.children {
                let is_of =
                    |it: &&local_cloud::RouterFlowLog| (&it.router_id, &it.instance_id) == (&router.id, &child.id);
                let on_it: Vec<_> = of_routers.iter().filter(is_of).collect();
                let [log] = on_it.as_slice() else {
                    return Err(format!("{} on {} has these flow logs: {on_it:?}", child.id, router.id));
                };
                if log.tags.get(OWN.0).is_some_and(|by| by == OWN.1) && log.status != "Active" {
                    return Err(format!("{} is {}", log.id, log.status));
                }
            }
        }
        Ok(())
    }

    /// Checks the flow logs of a VPC against the policy, which is evaluated here independently of the product.
    fn check_vpc(&self, vpc: &Vpc, on_it: &[&FlowLog]) -> Result<(), &'static str> {
        let is_day = (7..21).contains(&self.local_time().hour());
        let should_be_on = match vpc.tags.get("flowkeeper").map(String::as_str) {
            Some("ignore") => {
                let is_ours = on_it.iter().any(|log| is_own(log));
                return if is_ours { Err("it is to be ignored, and was not") } else { Ok(()) };
            }
            Some("off") => false,
            Some("schedule=day") => is_day,
            _ => true,
        };
        let log = match on_it {
            [] if should_be_on => return Err("it has no flow log"),
            [] => return Ok(()),
            [log] => log,
            _ => return Err("it has two flow logs"),
        };
        if !is_own(log) {
            return Ok(());
        }
        if !should_be_on {
            return if log.status == "Inactive" { Ok(()) } else { Err("it is to be off") };
        }
        let team = (vpc.tags.get("team").map(String::as_str) == Some("network")).then_some("network");
        let is_as_desired = log.status == "Active"
            && log.name == format!("flowkeeper-{}", vpc.id)
            && log.description == "Kept by Flowkeeper"
            && (log.project.as_str(), log.log_store.as_str()) == ("flowlog", "vpc")
            && log.aggregation_interval == 10
            && (log.traffic_type == "All" || !self.replaces)
            && team.is_none_or(|team| log.tags.get("team").is_some_and(|is| is == team));
        if is_as_desired { Ok(()) } else { Err("it is not in the desired state") }
    }
}

/// Deletes a VPC and everything in it.
async fn remove(harness: &Harness, here: &Operator, vpc: &str) {
    for interface in harness.cloud.network_interfaces().iter().filter(|it| it.vpc_id == vpc) {
        drop(here.call("DeleteNetworkInterface", &[("NetworkInterfaceId", interface.id.as_str())]).await);
    }
    for vswitch in harness.cloud.vswitches().iter().filter(|it| it.vpc_id == vpc) {
        drop(here.call("DeleteVSwitch", &[("VSwitchId", vswitch.id.as_str())]).await);
    }
    drop(here.call("DeleteVpc", &[("VpcId", vpc)]).await);
}

fn is_in(account: &str, region: &str, place: &local_cloud::Place) -> bool {
    (place.account.as_str(), place.region.as_str()) == (account, region)
}

fn is_own(log: &FlowLog) -> bool {
    log.tags.get(OWN.0).is_some_and(|by| by == OWN.1)
}

/// The state before an invocation.
struct Before {
    theirs: BTreeSet<String>,
    resources: BTreeSet<String>,
    recorded: BTreeMap<String, String>,
}

/// A write that took effect: the action, and the id of its target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Write {
    action: String,
    id: String,
}

/// The writes of one invocation.
#[derive(Debug, Default)]
struct Done {
    writes: Vec<Write>,
    /// Writes whose answer does not say whether they took effect.
    unanswered: Vec<Write>,
}

impl Before {
    fn of(harness: &Harness) -> Self {
        let logs = harness.cloud.flow_logs();
        let of_routers = harness.cloud.router_flow_logs();
        let is_theirs = |tags: &local_cloud::Tags| tags.get(OWN.0).is_none_or(|by| by != OWN.1);
        let theirs = logs.iter().filter(|log| is_theirs(&log.tags)).map(|log| log.id.clone());
        let theirs = theirs.chain(of_routers.iter().filter(|log| is_theirs(&log.tags)).map(|log| log.id.clone()));
        Self {
            theirs: theirs.collect(),
            resources: harness.cloud.vpcs().into_iter().map(|vpc| vpc.id).collect(),
            recorded: logs.into_iter().map(|log| (log.id, log.resource_id)).collect(),
        }
    }

    /// Returns the writes among the calls of a function, after checking that none touches a foreign flow log.
    fn check(mut self, kind: Kind, by_timer: bool, calls: &[Call]) -> Result<Done, String> {
        let mut done = Done::default();
        let blind = [Fault::NotVisibleYet, Fault::StaleRead].map(Fault::name);
        let is_blind = |call: &&Call| call.fault.as_deref().is_some_and(|fault| blind.contains(&fault));
        // A resource that every read hides looks deleted, whatever its age. One such read is not enough to delete a
        // flow log, unless an event said that the resource was deleted.
        let is_deceived = calls.iter().filter(is_blind).count() >= if by_timer { 2 } else { 1 };
        for call in calls {
            let is_somebody_else = call.caller.as_ref().is_some_and(|caller| caller.name == "somebody-else");
            let made = call.answer.get("FlowLogId").and_then(Value::as_str).map(str::to_owned);
            if is_somebody_else {
                self.theirs.extend(made);
                continue;
            }
            let is_read = ["Describe", "List", "Get", "Assume"].iter().any(|read| call.action.starts_with(read));
            if is_read {
                continue;
            }
            let id = ["FlowLogId", "ResourceId", "InstanceId", "ResourceId.1"];
            let id = id.iter().find_map(|name| call.parameters.get(*name)).cloned().unwrap_or_default();
            let write = Write { action: call.action.clone(), id: id.clone() };
            if call.status == 0 || call.status >= 500 {
                done.unanswered.push(write.clone());
            }
            if !call.succeeded() {
                continue;
            }
            if self.theirs.contains(&id) {
                return Err(format!("{kind:?} changed what others made: {}", told(call)));
            }
            let recorded = self.recorded.get(&id);
            if kind == Kind::Deletion
                && !is_deceived
                && recorded.is_some_and(|resource| self.resources.contains(resource))
            {
                return Err(format!("{kind:?} deleted the flow log of what is there: {}", told(call)));
            }
            done.writes.push(write);
        }
        Ok(done)
    }
}

/// Checks that every write is in the report, and that the report claims no other write as done.
///
/// It may claim a call that got no answer or a server error: nobody can know whether somebody else made the same
/// change before.
fn is_explained(report: &Report, writes: &[Write], unanswered: &[Write]) -> Result<(), String> {
    let is_of = |item: &reconcile::Item, write: &Write| {
        let log = item.flow_log_id.as_ref().map(ToString::to_string);
        item.action.map(flow_log::Action::as_str) == Some(write.action.as_str())
            && (log.as_ref() == Some(&write.id) || item.resource_id.as_ref() == Some(&write.id))
    };
    let tried = [Outcome::Done, Outcome::Failed, Outcome::Unfinished];
    let untold = writes
        .iter()
        .find(|write| !report.results.iter().any(|item| tried.contains(&item.outcome) && is_of(item, write)));
    if let Some(write) = untold {
        return Err(format!("no result tells of {} of {}", write.action, write.id));
    }
    let is_claimed = |item: &&reconcile::Item| {
        item.outcome == Outcome::Done
            && !item.reason.ends_with("gone already")
            && !writes.iter().chain(unanswered).any(|write| is_of(item, write))
    };
    match report.results.iter().find(is_claimed) {
        Some(item) => Err(format!("this was not done: {item:?}")),
        None => Ok(()),
    }
}

/// A call in one line, without its random parameters.
fn told(call: &Call) -> String {
    let drawn = ["ClientToken", "NextToken"];
    let parameters: Vec<_> = call.parameters.iter().filter(|(name, _)| !drawn.contains(&name.as_str())).collect();
    let caller = call.caller.as_ref().map(|caller| (&caller.account, &caller.name));
    format!("{} {:?} {} {:?} {:?} {caller:?}", call.action, parameters, call.status, call.code, call.fault)
}
