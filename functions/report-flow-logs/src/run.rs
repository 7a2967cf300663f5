//! The sweep that reads, and the coordinator of many.

use std::sync::Arc;

use audit::{About, Gathering, Swept, audit, callers, own_binary, roster, scope_left_out};
use evidence::{Binary, Caller, Evidence};
use flow_log::{AccountId, Policy};
use handler::fan_out;
use jiff::{Timestamp, ToSpan as _};
use reconcile::{AccountSweep, Accounts, Item, Job, Listing, Outcome, Reconciler, Report, ReportBuilder, Work};

use crate::{
    ReportFlowLogs,
    folder::{Folder, NotThere},
    reconciler,
};

/// How many resources, and how many flow logs with their deliveries, a report lists. Each takes about 2 KB of memory until
/// it is written. Further ones are counted.
pub(crate) const MAX_LISTED: usize = 100_000;
/// How many the part of a shard lists, so that one part fits in memory beside the whole.
const MAX_LISTED_OF_SHARD: usize = 50_000;
/// For how many days back a run is looked for that left parts and no report.
const MAX_DAYS_BACK: i64 = 3;
/// After how many hours such a run is not expected to end by itself any more.
const MIN_HOURS_OVER: i64 = 3;

impl ReportFlowLogs {
    /// A reconciler that only reads, and tells `gathering` what.
    pub(crate) fn reader(&self, gathering: &Arc<Gathering>) -> Reconciler {
        let observer = Arc::<Gathering>::clone(gathering);
        reconciler(&self.settings).listing(Listing::Full).observed_by(observer).reading_evidence()
    }

    /// What the report of a run says about itself.
    pub(crate) fn about(&self, run: &str, started: Timestamp, binary: Binary) -> About {
        let routers = scope_left_out(self.home.policy(), false);
        About {
            tool: <Self as fc_runtime::Function>::NAME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            binary,
            run: run.to_owned(),
            started,
            policy: self.policy.clone(),
            exceptions_count_as: evidence::ExceptionsCountAs::default(),
            has_routers: routers.is_none(),
            advice: audit::for_operators,
            left_out: routers.into_iter().collect(),
        }
    }

    /// Sweeps in place, and writes the report; or leaves the part of a shard.
    pub(crate) async fn sweep(&self, mut job: Job, work: Vec<Work>, items: Vec<Item>) -> Report {
        let (at, shard) = match &work[..] {
            [Work::Account(sweep)] => (sweep.at, Some(sweep.account.clone())),
            [Work::AllAccounts { at }] => (*at, None),
            _ => return self.told(job, items, Item::broken_event("one report is made at a time")),
        };
        if shard.is_none() {
            // A name for the folder of the report, the same whenever the invocation is repeated.
            job.run = fan_out::run_id(at, &job.request_id);
            fc_runtime::record_run(&job.run);
        }
        if let Err(error) = self.folder.check() {
            return self.told(job, items, unwritten(&error));
        }
        let gathering = Arc::new(Gathering::new(max_listed(shard.as_ref())));
        let reader = self.reader(&gathering);
        let started = reader.now();
        let (policy, about) = (reader.policy().clone(), self.about(&job.run, started, binary().await));
        let who = self.caller(&reader, &job).await;
        let Accounts { covered, results } = match &shard {
            Some(account) => Accounts { covered: vec![account.clone()], results: ReportBuilder::default() },
            None => reader.accounts(&job).await,
        };
        // The regions of the policy, as in the event of a shard, and Express Connect Routers besides.
        let sweep = |account| Work::Account(AccountSweep { account, regions: None, at });
        let sweeps = covered.iter().cloned().map(sweep).collect();
        let report = reader.reconcile(job.clone(), sweeps, results).await;
        let swept = Swept { reconciler: reader, job: job.clone(), accounts: covered, report };
        let gathered = gathering.take();
        let callers = who.callers(&policy, &swept.accounts);
        let audited = audit(about, swept, (&gathering, gathered), callers, Vec::new()).await;
        let mut told = items;
        told.extend(who.failure);
        told.extend(audited.failures);
        told.extend(audited.undelivered);
        let verdict = audited.evidence.assessment().verdict.clone();
        let folder = self.folder.clone();
        let written = match shard {
            Some(account) => {
                let leave = move || folder.leave(Some(account.as_str()), &audited.evidence);
                apart(leave).await.map(|()| format!("the part of the account is written: {verdict}"))
            }
            None => apart(move || publish(&folder, &audited.evidence)).await.map(|(name, index)| {
                told.extend(index);
                format!("{name} is written: {verdict}")
            }),
        };
        told.push(match written {
            Ok(said) => Item::of_run(Outcome::Unchanged, said),
            Err(error) => unwritten(&error),
        });
        audited.report.told_elsewhere(told)
    }

    /// Lists the accounts, leaves the list as a part, and submits a shard for each and the step that joins them.
    pub(crate) async fn coordinate(&self, job: Job, function: &str) -> Report {
        if let Err(error) = self.folder.check() {
            return self.told(job, Vec::new(), unwritten(&error));
        }
        let reader = self.reader(&Arc::new(Gathering::new(0)));
        let started = reader.now();
        let accounts = reader.accounts(&job).await;
        let who = self.caller(&reader, &job).await;
        let policy = reader.policy();
        let callers = who.callers(policy, &accounts.covered);
        let about = self.about(&job.run, started, binary().await);
        let part = roster(about, policy, callers, &accounts, reader.now());
        // Before the shards: a part without the list would be half of a report that looks whole.
        let folder = self.folder.clone();
        if let Err(error) = apart(move || folder.leave(None, &part)).await {
            return self.told(job, Vec::new(), unwritten(&error));
        }
        let step = fan_out::coordinate(&self.home, &job, function, accounts, true).await;
        let mut told: Vec<_> = who.failure.into_iter().collect();
        told.extend(self.finish_others(&job.run, started).await);
        let mut report = reader.report(job.run, job.request_id, step.results).told_elsewhere(told);
        report.shards = step.shards;
        report
    }

    /// Joins the parts of earlier runs that nobody has joined: their last step was lost.
    async fn finish_others(&self, run: &str, now: Timestamp) -> Vec<Item> {
        let mut told = Vec::new();
        for back in 0..=MAX_DAYS_BACK {
            let Ok(at) = now.checked_sub((back * 24).hours()) else { break };
            let day = at.to_zoned(jiff::tz::TimeZone::UTC).date();
            for other in self.folder.runs(day).into_iter().filter(|other| other != run) {
                let Some(began) = fan_out::run_time(&other) else { continue };
                let is_over = now.duration_since(began).as_hours() >= MIN_HOURS_OVER;
                if !is_over || self.folder.has_report(&other, began) {
                    continue;
                }
                let folder = self.folder.clone();
                let joined = apart(move || Ok(crate::collecting::publish_parts(&folder, &other, began))).await;
                told.extend(joined.unwrap_or_else(|error| vec![unwritten(&error)]));
            }
        }
        told
    }

    /// The report of an invocation that has read nothing.
    pub(crate) fn told(&self, job: Job, items: Vec<Item>, last: Item) -> Report {
        let all: Vec<_> = items.into_iter().chain([last]).collect();
        self.home.report(job.run, job.request_id, all)
    }

    /// Asks who the function is.
    pub(crate) async fn caller(&self, reader: &Reconciler, job: &Job) -> Who {
        let (Some(account), Some(region)) = (job.account.clone(), &job.region) else {
            return Who { account: None, arn: None, failure: None };
        };
        match reader.caller(job, &account, region).await {
            Ok(arn) => Who { account: Some(account), arn, failure: None },
            Err(error) => {
                let item = Item::of_run(Outcome::Failed, "who the function is could not be read").finding();
                Who { account: Some(account), arn: None, failure: Some(Item { error: Some(*error), ..item }) }
            }
        }
    }
}

/// How many resources, and how many flow logs, a sweep lists: of the account of a shard, or of everything.
const fn max_listed(shard: Option<&AccountId>) -> usize {
    if shard.is_some() { MAX_LISTED_OF_SHARD } else { MAX_LISTED }
}

/// Who the function is.
pub(crate) struct Who {
    account: Option<AccountId>,
    arn: Option<String>,
    failure: Option<Item>,
}

impl Who {
    fn callers(&self, policy: &Policy, accounts: &[AccountId]) -> Vec<Caller> {
        let Some(own) = &self.account else { return Vec::new() };
        callers(policy, own, self.arn.as_deref(), "Function Compute", accounts)
    }
}

/// How long a file may take to be written before it counts as left by a killed run, in hours.
const MAX_HOURS_TO_WRITE: i64 = 24;

/// Writes a report, and the list of reports. A list that cannot be written is a result, and no reason to lose the report.
pub(crate) fn publish(folder: &Folder, evidence: &Evidence) -> Result<(String, Option<Item>), NotThere> {
    folder.tidy(evidence.facts().head.ended.checked_sub(MAX_HOURS_TO_WRITE.hours()).unwrap_or(Timestamp::MIN));
    let name = folder.publish(evidence)?;
    // `template.yml` has an alert that fires once no such line has come for two days.
    tracing::info!(line = "report", "{name} is written: {}", evidence.assessment().verdict);
    let unlisted = folder.list().err().map(|error| {
        Item::of_run(Outcome::Skipped, format!("the list of reports could not be written: {error}")).finding()
    });
    Ok((name, unlisted))
}

/// The result of a report that could not be written.
pub(crate) fn unwritten(error: &NotThere) -> Item {
    Item::of_run(Outcome::Failed, format!("the report could not be written: {error}")).finding()
}

/// The program as a file.
async fn binary() -> Binary {
    apart(own_binary).await
}

/// Reads and writes files on a thread of their own: a mounted bucket is slow.
pub(crate) async fn apart<T: Send + 'static>(files: impl FnOnce() -> T + Send + 'static) -> T {
    // What is logged there belongs to the invocation, too.
    match tokio::task::spawn_blocking(fc_runtime::of_this_invocation(files)).await {
        Ok(done) => done,
        // A panic stays one, and fails the invocation.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_say_how_many_resources_a_report_and_the_part_of_a_shard_list() {
        let page = include_str!("../../../docs/evidence.md").split_whitespace().collect::<Vec<_>>().join(" ");
        let thousands = |number: usize| format!("{},000", number / 1000);
        let account = "1000000000000001".parse().unwrap();
        let (all, of_part) = (thousands(max_listed(None)), thousands(max_listed(Some(&account))));
        let said = format!("lists up to {all} resources, the part of an account in an organization {of_part},");
        assert!(page.contains(&said), "{said}");
    }

    #[test]
    fn the_documents_say_what_the_memory_and_the_role_of_the_template_are_too_small_for() {
        let template = include_str!("../../../template.yml");
        let resource = |name: &str| {
            let (_, rest) = template.split_once(&format!("\n  {name}:\n")).unwrap();
            rest.split_once("\n\n").unwrap().0
        };
        let memory =
            resource("ReportFlowLogsFunction").lines().find_map(|line| line.trim().strip_prefix("MemorySize: "));
        let page = include_str!("../../../docs/evidence.md").split_whitespace().collect::<Vec<_>>().join(" ");
        let said = format!("take more than the {} MB of `report-flow-logs`", memory.unwrap());
        assert!(page.contains(&said), "{said}");
        let (_, measured) = page.split_once("| of one account, written in all forms |").unwrap();
        let measured: u32 = measured.split_once(" MiB").unwrap().0.rsplit(' ').next().unwrap().parse().unwrap();
        assert!(measured > memory.unwrap().parse().unwrap() && measured < 1024, "{measured}");
        assert!(page.contains("in `template.yml` to 1024 and deploy again"));
        assert!(page.contains("**The daily report of `report-flow-logs` has no costs.**"));
        let role = resource("ReportFlowLogsRole");
        for right in ["log:GetLogStoreMeteringMode", "cms:", "bss:"] {
            assert!(!role.contains(right), "{right}");
        }
    }
}
