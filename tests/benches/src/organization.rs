//! The sweep of an organization: `remediate-flow-logs`, woken by its timer, on the local cloud's Function Compute.
//!
//! Everything is as in an account: the coordinator lists the accounts and submits one asynchronous invocation for each,
//! they run in a bounded number of processes, and a last step counts them. Only its delay of ten minutes is cut short.

use std::{
    collections::BTreeMap,
    error::Error,
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use local_cloud::{
    Directory, Entry, EntryKind, Fault, Functions, Invocation, LocalCloud, OWN_ACCOUNT, Options, Timers,
    template::{Template, default_path},
};
use openapi::Quotas;
use tokio::runtime;

use crate::{
    binaries,
    cost::{Sweeps, Use},
    process,
};

/// The function's name in the template.
const FUNCTION: &str = "flowkeeper-remediate-flow-logs";
const POLICY: &str = "flow_log: {project: 'flowlog-{account}-{region}', log_store: vpc}\nregions: all\n\
                      resource_directory: {role: flowkeeper}\n";
/// The regions of each account.
pub(crate) const REGIONS: [&str; 30] = [
    "cn-qingdao",
    "cn-beijing",
    "cn-zhangjiakou",
    "cn-huhehaote",
    "cn-wulanchabu",
    "cn-hangzhou",
    "cn-shanghai",
    "cn-nanjing",
    "cn-fuzhou",
    "cn-wuhan-lr",
    "cn-shenzhen",
    "cn-heyuan",
    "cn-guangzhou",
    "cn-chengdu",
    "cn-hongkong",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-southeast-1",
    "ap-southeast-3",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "eu-central-1",
    "eu-west-1",
    "us-east-1",
    "us-west-1",
    "na-south-1",
    "me-east-1",
    "me-central-1",
    "cn-zhengzhou-jva",
];
/// In how many of its regions an account has VPCs.
pub(crate) const REGIONS_IN_USE: usize = 5;
/// How many VPCs it has there. One VPC of each account has no flow log.
pub(crate) const VPCS: usize = 2;
/// How many instances of the function there may be.
pub(crate) const MAX_INSTANCES: usize = 50;
/// The time from a call to its answer.
pub(crate) const LATENCY: Duration = Duration::from_millis(200);
/// How many regions a function reads at once.
const REGIONS_AT_ONCE: usize = 8;
/// In which of the regions in use a VPC lacks its flow log. A sweep reads the regions by name, and begins at the first of them,
/// or after a third or two thirds. Wherever it begins, this one is not among the last.
const LACKING: usize = 2;
/// The largest page of a list of accounts or of tasks.
const PAGE: usize = 100;
/// How long a sweep may take before the measurement is given up.
const MAX_TIME: Duration = Duration::from_mins(20);

/// The measurements of the sweep of an organization.
#[derive(Debug, Clone)]
pub(crate) struct Sweep {
    pub(crate) accounts: usize,
    /// The number of calls of each action.
    pub(crate) calls: BTreeMap<String, usize>,
    /// How many of them were refused, for example because of a quota.
    pub(crate) refused: usize,
    /// Time from the timer to the end of the last account, in s.
    pub(crate) wall: f64,
    /// How many processes ran it.
    pub(crate) instances: usize,
    /// Peak resident memory of the process that needed most, in KiB.
    pub(crate) peak: f64,
    /// CPU time of all processes, and of the busiest one, in s.
    pub(crate) cpu: [f64; 2],
    pub(crate) invocations: usize,
    /// How long the processes had at least one invocation, together, in s.
    pub(crate) busy: f64,
    /// How long the coordinator took, in s.
    pub(crate) coordinator: f64,
    /// How long each account took, in s.
    pub(crate) shards: Vec<f64>,
}

impl Sweep {
    pub(crate) fn total_calls(&self) -> usize {
        self.calls.values().sum()
    }

    pub(crate) fn calls_of(&self, action: &str) -> usize {
        self.calls.get(action).copied().unwrap_or_default()
    }

    /// The accounts besides the functions' own.
    pub(crate) const fn members(&self) -> usize {
        self.accounts - 1
    }

    /// The least number of calls that the sweep needs.
    pub(crate) fn min_calls(&self) -> usize {
        let Self { accounts, .. } = *self;
        let pages = |items: usize| items.div_ceil(PAGE).max(1);
        let of_coordinator = pages(self.members()) + accounts + 1;
        let of_collect = pages(accounts + 1);
        // Its regions; in each, a page of VPCs and one of flow logs; and the flow log that is missing.
        let of_account = 1 + 2 * REGIONS.len() + 1;
        // A member is asked for in the directory, and its role is assumed.
        of_coordinator + of_collect + accounts * of_account + self.members() * 2
    }

    /// How long the coordinator takes at least to submit the accounts, at the pace of the client, in s.
    pub(crate) fn pace_time(&self) -> f64 {
        let quota = f64::from(Quotas::default().fc.get());
        let burst = (quota / 10.0).floor();
        (self.accounts as f64 - burst).max(0.0) / (quota - burst)
    }

    /// How long the coordinator takes at least, in s: the pages of the accounts, one after the other, and then the pace of
    /// the submissions, or one answer if there is none.
    pub(crate) fn least_of_coordinator(&self) -> f64 {
        let pages = self.members().div_ceil(PAGE).max(1);
        (pages as f64 + 1.0) * LATENCY.as_secs_f64() + self.pace_time()
    }

    /// How long an account takes at least, in s: answers that wait for each other. First are the directory, the role and the
    /// regions; then come the VPCs and the flow logs, of eight regions at once. The flow log that is created is in a
    /// region that is not read last, and holds up no other.
    pub(crate) fn least_of_shard(&self) -> f64 {
        (3 + 2 * REGIONS.len().div_ceil(REGIONS_AT_ONCE)) as f64 * LATENCY.as_secs_f64()
    }

    /// How long it takes at most with a small part of a processor for each instance, in s: as if the busiest process
    /// did nothing else while it computes.
    pub(crate) fn wall_at(&self, vcpu: f64) -> f64 {
        self.wall + self.cpu[1] / vcpu
    }

    /// What is paid for.
    pub(crate) fn bill(&self) -> Sweeps {
        let [cpu, _] = self.cpu;
        Sweeps::of(Use { invocations: self.invocations as f64, busy: self.busy, cpu })
    }
}

/// Measures the sweep of an organization with this number of accounts.
pub(crate) fn measure(remediate: &Path, accounts: u32) -> io::Result<Sweep> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let failed = |error: Box<dyn Error>| io::Error::other(format!("the sweep of {accounts} accounts: {error}"));
    runtime.block_on(sweep(remediate, accounts)).map_err(failed)
}

async fn sweep(remediate: &Path, accounts: u32) -> Result<Sweep, Box<dyn Error>> {
    let parameters = [
        ("MemberRoleName", "flowkeeper"),
        ("UseResourceDirectory", "true"),
        ("MaxSweepInstances", &MAX_INSTANCES.to_string()),
    ];
    let parameters: BTreeMap<_, _> = parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let options = Options {
        accounts,
        directory: Some(Directory::new()),
        regions: REGIONS.map(str::to_owned).into(),
        functions: Functions::Built(folder(remediate, &parameters)?),
        triggers_of: Some(FUNCTION.to_owned()),
        parameters,
        policy: Some(POLICY.to_owned()),
        rate_limit: true,
        timers: Timers::ByHand,
        ..Options::default()
    };
    let cloud = LocalCloud::start(options).await?;
    let vpcs = populate(&cloud).await?;
    cloud.fail("*", Fault::Slow(LATENCY), u32::MAX);

    let seen = cloud.journal_len();
    cloud.fire_timer(FUNCTION, "sweep")?;
    cloud.settled_within(MAX_TIME).await?;
    let sweeping = cloud.journal_after(seen);
    cloud.end_delays();
    cloud.settled_within(MAX_TIME).await?;
    let journal = cloud.journal_after(seen);
    check(&cloud, &journal, accounts as usize, vpcs)?;

    let processes = cloud.processes(FUNCTION);
    let (mut cpu, mut peak) = ([0.0, 0.0], 0.0);
    for id in &processes {
        let of_one = process::cpu_of(*id)? / 1e6;
        cpu = [cpu[0] + of_one, f64::max(cpu[1], of_one)];
        peak = f64::max(peak, process::peak_of(*id)?);
    }
    let mut calls = BTreeMap::<String, usize>::new();
    let mut refused = 0;
    for entry in &journal {
        if let EntryKind::Call(call) = &entry.what {
            *calls.entry(call.action.clone()).or_default() += 1;
            refused += usize::from(call.code.is_some());
        }
    }
    let runs = runs(&journal);
    let ended = sweeping.iter().filter(|entry| matches!(entry.what, EntryKind::Invocation(_))).map(|entry| entry.at);
    let (Some(began), Some(ended)) = (sweeping.first().map(|entry| entry.at), ended.max()) else {
        return Err("nothing was invoked".into());
    };
    Ok(Sweep {
        accounts: accounts as usize,
        calls,
        refused,
        wall: seconds(began, ended),
        instances: processes.len(),
        peak,
        cpu,
        invocations: runs.len(),
        busy: busy(&runs),
        coordinator: runs.iter().find(|run| run.part.is_none()).map_or(f64::NAN, Run::seconds),
        shards: runs.iter().filter(|run| run.part == Some("shard")).map(Run::seconds).collect(),
    })
}

/// Returns a folder with the function's binary. The cloud wants a file for every function, though it starts only one.
fn folder(remediate: &Path, parameters: &BTreeMap<String, String>) -> Result<PathBuf, Box<dyn Error>> {
    let folder = binaries::target_dir()?.join("organization");
    fs::create_dir_all(&folder)?;
    let template = Template::read(&default_path(), parameters, OWN_ACCOUNT, REGIONS[0])?;
    for function in template.functions {
        let file = folder.join(function.binary);
        if file.exists() {
            fs::remove_file(&file)?;
        }
        fs::hard_link(remediate, file)?;
    }
    Ok(folder)
}

/// Creates the VPCs of every account, and the flow logs of all but one in each. Returns the number of VPCs.
async fn populate(cloud: &LocalCloud) -> Result<usize, Box<dyn Error>> {
    let mut vpcs = 0;
    for account in cloud.accounts() {
        for (nth, region) in REGIONS.iter().step_by(REGIONS.len() / REGIONS_IN_USE).enumerate() {
            let vpc = cloud.operator(&account, region).create_vpc(&[]).await?;
            let copies = cloud.copy_vpc(&vpc, VPCS - 1);
            vpcs += 1 + copies.len();
            let lacking = usize::from(nth == LACKING);
            for covered in [vpc].iter().chain(&copies).skip(lacking) {
                cloud.seed_flow_log(covered);
            }
        }
    }
    Ok(vpcs)
}

/// Checks that the sweep did what it should: every account, every repair, and no failure.
fn check(cloud: &LocalCloud, journal: &[Entry], accounts: usize, vpcs: usize) -> Result<(), Box<dyn Error>> {
    let invocations = || journal.iter().filter_map(|entry| invocation(&entry.what));
    if let Some(failed) = invocations().find(|it| !it.success) {
        return Err(format!("an invocation failed: {:#}", failed.body).into());
    }
    let collect = invocations().find(|it| it.event["flowkeeper"] == "collect").ok_or("nobody counted the accounts")?;
    let done = &collect.body["shards"]["done"];
    if *done != accounts || cloud.flow_logs().len() != vpcs {
        return Err(format!("{done} accounts are done, and {} of {vpcs} VPCs covered", cloud.flow_logs().len()).into());
    }
    Ok(())
}

const fn invocation(what: &EntryKind) -> Option<&Invocation> {
    if let EntryKind::Invocation(invocation) = what { Some(invocation) } else { None }
}

/// An invocation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Run<'a> {
    instance: &'a str,
    begin: Timestamp,
    end: Timestamp,
    /// The part of the sweep that Flowkeeper has submitted itself.
    part: Option<&'a str>,
}

impl Run<'_> {
    fn seconds(&self) -> f64 {
        seconds(self.begin, self.end)
    }
}

/// Returns all invocations, in the order in which they ended.
fn runs(journal: &[Entry]) -> Vec<Run<'_>> {
    let mut begun = BTreeMap::new();
    let mut runs = Vec::new();
    for entry in journal {
        match &entry.what {
            EntryKind::Invoking { request_id, attempt, .. } => _ = begun.insert((request_id, *attempt), entry.at),
            EntryKind::Invocation(it) => runs.push(Run {
                instance: it.instance.as_deref().unwrap_or_default(),
                begin: begun.get(&(&it.request_id, it.attempt)).copied().unwrap_or(entry.at),
                end: entry.at,
                part: it.event["flowkeeper"].as_str(),
            }),
            _ => {}
        }
    }
    runs
}

/// Returns how long the instances had at least one invocation, together, in s. Function Compute bills an instance once,
/// however many invocations share it.
fn busy(runs: &[Run<'_>]) -> f64 {
    let mut runs = runs.to_vec();
    runs.sort_unstable();
    let mut total = 0.0;
    let mut last: Option<(&str, Timestamp)> = None;
    for Run { instance, begin, end, .. } in runs {
        let covered_to = last.filter(|(of, _)| *of == instance).map_or(begin, |(_, to)| to.max(begin));
        total += seconds(covered_to, end.max(covered_to));
        last = Some((instance, end.max(covered_to)));
    }
    total
}

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.duration_since(from).as_secs_f64()
}

/// Returns the load of the machine in the last minute: more than the number of its cores means that it was busy.
pub(crate) fn load() -> io::Result<f64> {
    process::first_number(&fs::read_to_string("/proc/loadavg")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(accounts: usize) -> Sweep {
        let calls = BTreeMap::from([("AssumeRole".to_owned(), accounts - 1)]);
        Sweep {
            accounts,
            calls,
            refused: 0,
            wall: 10.0,
            instances: 2,
            peak: 1.0,
            cpu: [1.0, 0.5],
            invocations: 1,
            busy: 1.0,
            coordinator: 1.0,
            shards: Vec::new(),
        }
    }

    #[test]
    fn the_least_time_of_a_part_is_that_of_answers_that_wait_for_each_other() {
        assert!((of(500).least_of_coordinator() - (6.0 * 0.2 + 498.0 / 22.0)).abs() < 1e-9);
        assert!((of(500).least_of_shard() - 11.0 * 0.2).abs() < 1e-9, "30 regions in four turns");
    }

    #[test]
    fn the_least_number_of_calls_is_that_of_every_page_submission_account_and_region() {
        // One page of accounts, one submission and the last step, one page of tasks; 62 calls in the account.
        assert_eq!(of(1).min_calls(), 1 + 2 + 1 + 62);
        assert_eq!(of(500).min_calls(), 5 + 501 + 6 + 500 * 62 + 499 * 2);
        assert_eq!((of(500).calls_of("AssumeRole"), of(500).members()), (499, 499));
    }

    #[test]
    fn the_time_on_a_part_of_a_processor_is_longer_by_what_the_busiest_process_computes() {
        assert_eq!(of(10).wall_at(0.05), 20.0);
        assert_eq!(of(2).pace_time(), 0.0);
        assert_eq!(of(2 + 22).pace_time(), 1.0);
    }

    #[test]
    fn an_instance_is_busy_once_however_many_invocations_share_it() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let run = |instance, begin, end| Run { instance, begin: at(begin), end: at(end), part: None };
        let runs = [run("a", 0, 4), run("a", 1, 2), run("b", 0, 5), run("a", 3, 6), run("a", 8, 9)];
        assert_eq!(busy(&runs), 6.0 + 1.0 + 5.0);
        assert_eq!(busy(&[]), 0.0);
    }

    #[test]
    fn there_are_thirty_regions() {
        let mut regions = REGIONS.to_vec();
        regions.sort_unstable();
        regions.dedup();
        assert_eq!(regions.len(), 30);
        assert!(regions.contains(&Options::default().region.as_str()), "its own is one of them");
    }
    #[test]
    fn the_flow_log_that_is_created_is_in_none_of_the_last_regions_wherever_a_sweep_begins() {
        let region = REGIONS[LACKING * REGIONS.len() / REGIONS_IN_USE];
        let mut in_turn = REGIONS.to_vec();
        in_turn.sort_unstable();
        for third in 0..3 {
            let (_, last) = in_turn.split_at(REGIONS.len() / REGIONS_AT_ONCE * REGIONS_AT_ONCE);
            assert!(!last.contains(&region), "{third}: {last:?}");
            in_turn.rotate_left(REGIONS.len() / 3);
        }
    }
}
