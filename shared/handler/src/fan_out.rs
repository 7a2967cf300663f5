//! The sweep of many accounts: one invocation of the function itself for each.
//!
//! The invocation that a timer starts is the *coordinator*. It submits a *shard* for each account, and a *collect* step
//! that asks ten minutes later how the shards ended. Only a timer's invocation submits shards, so there is one level.
//!
//! A coordinator that is repeated submits the same tasks again, and Function Compute takes each only once.

mod ids;
mod tally;

use std::time::Duration;

use events::{Collect, Shard};
use flow_log::{AccountId, Policy, RegionId};
use futures_util::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use reconcile::{Accounts, AsyncInvocation, Item, Job, Outcome, Reconciler, ReportBuilder, Shards};

use self::{
    ids::{collect_task, shard_task, task_prefix},
    tally::Next,
};
use crate::Location;

pub use self::tally::Tally;
pub use ids::{run_id, run_time};

/// How many shards are submitted at once.
const MAX_SUBMISSIONS: usize = 20;
/// How many regions the event of a shard lists. A shard without a list takes those of the policy, which is the same.
const MAX_REGIONS: usize = 1000;
/// How long a collect step waits.
const COLLECT_DELAY: Duration = Duration::from_mins(10);

/// Whether a sweep of the policy's accounts is split into shards: if there are several, and if the function knows where
/// and under which name it can invoke itself.
pub(crate) fn applies(policy: &Policy, location: &Location, function: Option<&str>) -> bool {
    let own = location.account.as_ref();
    let others = policy.accounts.iter().filter(|member| Some(&member.id) != own).count();
    let has_many = others + usize::from(policy.own_account) > 1 || policy.resource_directory.is_some();
    has_many && own.is_some() && location.region.is_some() && function.is_some()
}

/// The results of a step, and the number of shards.
#[derive(Debug)]
pub struct Step {
    /// The results.
    pub results: ReportBuilder,
    /// The number of shards, if the step knows it.
    pub shards: Option<Shards>,
}

impl From<Item> for Step {
    fn from(item: Item) -> Self {
        Self { results: item.into(), shards: None }
    }
}

/// Submits a shard for each of these accounts, and the collect step if the run is to be collected.
pub async fn coordinate(
    reconciler: &Reconciler,
    job: &Job,
    function: &str,
    accounts: Accounts,
    is_collected: bool,
) -> Step {
    let invoker = Invoker { reconciler, job, function };
    let Accounts { covered, mut results } = accounts;
    let mut shards = Shards { submitted: 0, done: None, failed: 0, unfinished: None };
    {
        let plan = plan(&job.run, covered, reconciler.listed_regions(job));
        let mut submissions =
            stream::iter(plan).map(|shard| invoker.submit_shard(shard)).buffer_unordered(MAX_SUBMISSIONS);
        while let Some(submitted) = submissions.next().await {
            match submitted {
                Ok(()) => shards.submitted += 1,
                Err(item) => {
                    shards.failed += 1;
                    results.push(*item);
                }
            }
        }
    }
    if shards.submitted > 0 && is_collected {
        let submitted = u32::try_from(shards.submitted).unwrap_or(u32::MAX);
        let collect = Collect { run: job.run.clone(), submitted, attempt: 1 };
        if let Err(item) = invoker.submit_collect(&collect).await {
            results.push(*item);
        }
    }
    let Shards { submitted, failed, .. } = shards;
    let run = &job.run;
    if failed > 0 {
        tracing::warn!(submitted, failed, "{run}: {submitted} shards were submitted, and {failed} could not be");
    } else {
        tracing::info!(submitted, failed, "{run}: {submitted} shards were submitted");
    }
    Step { results, shards: Some(shards) }
}

/// Returns the shards of a run, each when its turn comes.
fn plan(run: &str, accounts: Vec<AccountId>, regions: Option<Vec<RegionId>>) -> impl Iterator<Item = Shard> {
    let regions = regions.filter(|regions| regions.len() <= MAX_REGIONS);
    let shard = move |account| Shard { run: run.to_owned(), account, regions: regions.clone(), attempt: 1 };
    accounts.into_iter().map(shard)
}

/// The result of a collect step that does not know which function it counts.
pub(crate) fn nameless() -> Item {
    Item::broken_event("the name of the function is not known")
}

/// Asks Function Compute how the shards of a run ended.
///
/// # Errors
/// Returns the result of a list that could not be read.
pub async fn count<'a>(
    reconciler: &Reconciler,
    job: &Job,
    function: &str,
    run: &'a str,
) -> Result<Tally<'a>, Box<Item>> {
    let mut tally = Tally::new(run);
    reconciler.tasks(job, function, &task_prefix(run), |task| tally.add(task)).await?;
    Ok(tally)
}

/// Whether a collect step that finds a run unfinished may ask again later.
#[must_use]
pub const fn may_repeat(step: &Collect) -> bool {
    step.attempt <= tally::MAX_REPETITIONS
}

/// Submits the collect step once more, ten minutes later, and returns the result that says so. `counts` says what there
/// is by now.
pub async fn again(reconciler: &Reconciler, job: &Job, function: &str, step: &Collect, counts: &str) -> Item {
    let next = Collect { attempt: step.attempt.saturating_add(1), ..step.clone() };
    let minutes = COLLECT_DELAY.as_secs() / 60;
    let waiting = || Item::of_run(Outcome::Skipped, format!("{counts}; they are counted again in {minutes} minutes"));
    Invoker { reconciler, job, function }.submit_collect(&next).await.map_or_else(|item| *item, |()| waiting())
}

/// Asks how the shards of a run ended, and asks again later if some have not.
pub(crate) async fn collect(reconciler: &Reconciler, job: &Job, function: &str, step: Collect) -> Step {
    let Collect { run, submitted, attempt } = &step;
    if !reconciler.has_task_mode() {
        let reason = "FLOWKEEPER_TASK_MODE is false, so Function Compute does not know how the shards ended";
        return Item::of_run(Outcome::Skipped, reason).into();
    }
    let tally = match count(reconciler, job, function, run).await {
        Ok(tally) => tally,
        Err(item) => return (*item).into(),
    };
    let shards = tally.count(usize::try_from(*submitted).unwrap_or(usize::MAX));
    let Shards { submitted: all, done, failed, unfinished } = shards;
    let (done, unfinished) = (done.unwrap_or_default(), unfinished.unwrap_or_default());
    let counts = format!("{all} submitted, {done} done, {failed} failed, {unfinished} unfinished");
    if failed + unfinished > 0 {
        tracing::warn!(submitted = all, done, failed, unfinished, "{run}: {counts}");
    } else {
        tracing::info!(submitted = all, done, failed, unfinished, "{run}: {counts}");
    }
    let results = match tally::next(shards, *attempt) {
        Next::Repeat => again(reconciler, job, function, &step, &counts).await.into(),
        Next::End if failed == 0 => Item::of_run(Outcome::Unchanged, counts).into(),
        Next::End => failures(&tally),
        Next::GiveUp => {
            let mut results = failures(&tally);
            let hint = if tally.is_empty() { "; is the task mode of the function off?" } else { "" };
            let reason = format!("{counts}; nobody counts them again{hint}");
            results.push(Item::of_run(Outcome::Unfinished, reason).finding());
            results
        }
    };
    Step { results, shards: Some(shards) }
}

/// Returns the results of the shards that failed.
#[must_use]
pub fn failures(tally: &Tally<'_>) -> ReportBuilder {
    let item = |(account, error): (&str, Option<&str>)| {
        let error = error.map(|error| format!(": {error}")).unwrap_or_default();
        let reason = format!("the sweep of the account {account} failed{error}");
        Item { account: Some(account.to_owned()), ..Item::of_run(Outcome::Failed, reason) }.finding()
    };
    tally.failed().map(item).collect::<Vec<_>>().into()
}

/// Invokes the function itself.
#[derive(Debug, Clone, Copy)]
struct Invoker<'a> {
    reconciler: &'a Reconciler,
    job: &'a Job,
    function: &'a str,
}

impl<'a> Invoker<'a> {
    /// Submits a shard. Boxed, so that its future is made when its turn comes.
    fn submit_shard(self, shard: Shard) -> BoxFuture<'a, Result<(), Box<Item>>> {
        async move {
            let Shard { run, account, attempt, .. } = &shard;
            let failed = || {
                let reason = format!("the sweep of the account {account} could not be submitted");
                Item::of_account(account, Outcome::Failed, reason).finding()
            };
            self.submit(&shard_task(run, account, *attempt), None, &shard.to_json(), failed).await
        }
        .boxed()
    }

    async fn submit_collect(self, collect: &Collect) -> Result<(), Box<Item>> {
        let failed = || {
            let reason = "the step that counts how the shards ended could not be submitted";
            Item::of_run(Outcome::Failed, reason).finding()
        };
        let task = collect_task(&collect.run, collect.attempt);
        self.submit(&task, Some(COLLECT_DELAY), &collect.to_json(), failed).await
    }

    async fn submit(
        self,
        task: &str,
        delay: Option<Duration>,
        event: &str,
        failed: impl FnOnce() -> Item + Send,
    ) -> Result<(), Box<Item>> {
        let Self { reconciler, job, function } = self;
        let task_id = reconciler.has_task_mode().then_some(task);
        let invocation = AsyncInvocation { function, task_id, delay, payload: event.as_bytes() };
        reconciler.submit(job, &invocation, failed).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest event of an asynchronous invocation, in bytes.
    const MAX_EVENT: usize = 128 << 10;

    fn policy(lines: &str) -> Policy {
        Policy::parse(&format!("flow_log: {{project: flowlog, log_store: vpc}}\n{lines}")).unwrap()
    }

    #[test]
    fn a_sweep_is_split_if_there_may_be_several_accounts_and_the_function_knows_how_to_invoke_itself() {
        let here = Location { account: Some("1".parse().unwrap()), region: Some("cn-hangzhou".parse().unwrap()) };
        let other = "accounts: [{id: \"2\", role: \"acs:ram::2:role/a\"}]";
        let own = "accounts: [{id: \"1\", role: \"acs:ram::1:role/a\"}]";
        for (lines, expected) in [
            ("", false),
            ("regions: all", false),
            (own, false),
            (other, true),
            (&format!("{other}\nown_account: false"), false),
            ("resource_directory: {role: a}", true),
            ("resource_directory: {role: a}\nown_account: false", true),
        ] {
            assert_eq!(applies(&policy(lines), &here, Some("a-function")), expected, "{lines}");
            assert!(!applies(&policy(lines), &here, None), "{lines}");
            for unknown in [Location { account: None, ..here.clone() }, Location { region: None, ..here.clone() }] {
                assert!(!applies(&policy(lines), &unknown, Some("a-function")), "{lines}");
            }
        }
    }

    #[test]
    fn each_account_is_one_shard_with_the_regions_of_the_policy() {
        let accounts: Vec<AccountId> = ["1", "2"].map(|id| id.parse().unwrap()).into();
        let regions: Vec<RegionId> = vec!["cn-hangzhou".parse().unwrap()];
        let shards: Vec<_> = plan("r1", accounts.clone(), Some(regions.clone())).collect();
        assert_eq!(shards.iter().map(|shard| shard.account.clone()).collect::<Vec<_>>(), accounts);
        assert!(shards.iter().all(|shard| shard.regions.as_ref() == Some(&regions)));
        assert!(shards.iter().all(|shard| (shard.run.as_str(), shard.attempt) == ("r1", 1)));
        assert!(plan("r1", accounts, None).all(|shard| shard.regions.is_none()));
        assert_eq!(plan("r1", Vec::new(), None).count(), 0);
    }

    #[test]
    fn the_event_of_a_shard_is_small_whatever_the_policy_names() {
        let account: AccountId = "9".repeat(32).parse().unwrap();
        for (count, is_listed) in [(1, true), (MAX_REGIONS, true), (MAX_REGIONS + 1, false), (100_000, false)] {
            let regions = (0..count).map(|nth| format!("cn-{}-{nth}", "a".repeat(20)).parse().unwrap()).collect();
            let shard = plan(&"r".repeat(64), vec![account.clone()], Some(regions)).next().unwrap();
            assert_eq!(shard.regions.is_some(), is_listed, "{count} regions");
            assert!(shard.to_json().len() < MAX_EVENT / 2, "{} bytes", shard.to_json().len());
        }
    }
}
