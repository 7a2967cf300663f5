//! The reconciler: takes work, returns a report.

use std::{convert::identity, num::NonZeroUsize, sync::Arc};

use flow_log::{
    AccountId, FlowLog, Policy, RegionId, Resource,
    names::{LogStoreName, ProjectName},
};
use futures_util::{
    FutureExt as _, StreamExt as _,
    future::BoxFuture,
    stream::{self, BoxStream},
};
use jiff::Timestamp;
use openapi::{AsyncInvocation, AsyncTask, Client, Clock, Destination, NetworkInterfaceFilter, Rng, Session};

use crate::{
    AccountSweep, Approvals, Capabilities, ErrorReport, Item, Job, Listing, Observer, Outcome, ReconcilerSettings,
    Report, Target, TargetKind, UnknownLocation, Work,
    accounts::{self, Access, Accounts, Gate},
    claims::Claims,
    converge::Converger,
    delivery::{self, LogStoreProof, Look},
    destinations::Destinations,
    invocations, location, regions,
    report::ReportBuilder,
    sessions::Sessions,
    sweep::{MAX_CONCURRENT, SweepQueue},
    target_run::{NO_SWEEPS, RegionSweep, TargetRun, sweep_region},
    writer::{Oversight, Writer},
};

/// Keeps flow logs in the state that the policy asks for. Lives as long as the process.
#[derive(Debug)]
pub struct Reconciler {
    capabilities: Capabilities,
    policy: Policy,
    client: Client,
    /// How it sweeps, if it does.
    sweeping: Option<Sweeping>,
    dry_run: bool,
    task_mode: bool,
    /// What a session in another account may do at most.
    session_policy: Arc<str>,
    queue: SweepQueue,
    listing: Listing,
    /// How many accounts and regions it works on at once.
    max_concurrent: usize,
    at: Option<Timestamp>,
    observer: Option<Arc<dyn Observer>>,
    approvals: Option<Arc<Approvals>>,
}

/// What the parts of one invocation share.
struct Invocation<'a> {
    sessions: Sessions<'a>,
    gate: Gate<'a>,
    claims: Claims,
    destinations: Destinations,
}

/// The steps of a sweep, named where a reconciler that sweeps is made and nowhere else: a third of our own code serves
/// sweeps alone, and the binary of a function that makes none does not contain it.
#[derive(Debug, Clone, Copy)]
struct Sweeping {
    accounts: for<'i, 'a> fn(&'i Reconciler, &'i Invocation<'a>, Option<Timestamp>) -> BoxFuture<'i, Vec<Step>>,
    regions: for<'i, 'a> fn(&'i Reconciler, &'i Invocation<'a>, AccountSweep) -> BoxFuture<'i, Vec<Step>>,
    region: RegionSweep,
}

impl Sweeping {
    const ALL: Self = Self {
        accounts: |reconciler, invocation, at| reconciler.accounts_covered(invocation, at).boxed(),
        regions: |reconciler, invocation, sweep| reconciler.regions_of(invocation, sweep).boxed(),
        region: sweep_region,
    };
}

/// A step on the way from the work to its results.
enum Step {
    Account(AccountSweep),
    Target(Target),
    Results(ReportBuilder),
}

impl Reconciler {
    /// Creates the reconciler of the function with these capabilities.
    #[must_use]
    pub fn new(
        capabilities: Capabilities,
        settings: ReconcilerSettings,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self { sweeping: Some(Sweeping::ALL), ..Self::without_sweeps(capabilities, settings, clock, rng) }
    }

    /// Creates the reconciler of a function that looks at what events name, and sweeps nothing: a sweep that it is asked
    /// for fails.
    #[must_use]
    pub fn without_sweeps(
        capabilities: Capabilities,
        settings: ReconcilerSettings,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        let ReconcilerSettings { policy, client, dry_run, task_mode } = settings;
        for warning in &policy.warnings {
            tracing::warn!("the policy: {warning}");
        }
        let client = Client::new(client, clock, rng);
        Self { dry_run, task_mode, ..Self::looking(client, capabilities, policy) }
    }

    /// Creates the reconciler of a program that has its own client, such as the command. A client that only reads makes
    /// every run a dry run.
    #[must_use]
    pub fn over(client: Client, capabilities: Capabilities, policy: Policy) -> Self {
        Self { sweeping: Some(Sweeping::ALL), ..Self::looking(client, capabilities, policy) }
    }

    fn looking(client: Client, capabilities: Capabilities, policy: Policy) -> Self {
        let dry_run = client.is_read_only();
        let session_policy = capabilities.session_policy(&policy, !dry_run).into();
        Self {
            capabilities,
            policy,
            client,
            sweeping: None,
            dry_run,
            task_mode: false,
            session_policy,
            queue: SweepQueue::default(),
            listing: Listing::Brief,
            max_concurrent: MAX_CONCURRENT,
            at: None,
            observer: None,
            approvals: None,
        }
    }

    /// Lists these results in reports.
    #[must_use]
    pub fn listing(self, listing: Listing) -> Self {
        Self { listing, ..self }
    }

    /// Works on this many accounts and regions at once. Each takes memory while it is read. A region has quotas of its own.
    #[must_use]
    pub fn concurrently(self, max_concurrent: NonZeroUsize) -> Self {
        Self { max_concurrent: max_concurrent.get(), ..self }
    }

    /// Decides for this time instead of now. It changes nothing about how old a flow log is.
    #[must_use]
    pub fn deciding_at(self, at: Timestamp) -> Self {
        Self { at: Some(at), ..self }
    }

    /// Tells `observer` what is read and written.
    #[must_use]
    pub fn observed_by(self, observer: Arc<dyn Observer>) -> Self {
        let client = self.client.observed_by(Arc::<dyn Observer>::clone(&observer));
        Self { client, observer: Some(observer), ..self }
    }

    /// Lets sessions in other accounts read what evidence needs, and write nothing.
    #[must_use]
    pub fn reading_evidence(self) -> Self {
        self.reading_more(false)
    }

    /// Lets sessions in other accounts read what evidence and costs need, and write nothing.
    #[must_use]
    pub fn reading_costs(self) -> Self {
        self.reading_more(true)
    }

    fn reading_more(self, costs: bool) -> Self {
        let session_policy = self.capabilities.session_policy_for_evidence(&self.policy, costs);
        Self { client: self.client.read_only(), dry_run: true, session_policy: session_policy.into(), ..self }
    }

    /// Makes the approved changes alone.
    #[must_use]
    pub fn approving(self, approvals: Arc<Approvals>) -> Self {
        Self { approvals: Some(approvals), ..self }
    }

    /// Returns the policy.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Returns the current time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.client.now()
    }

    /// Returns whether the function is deployed with the task mode of Function Compute.
    #[must_use]
    pub const fn has_task_mode(&self) -> bool {
        self.task_mode
    }

    /// Returns the report of an invocation that has no work to do.
    #[must_use]
    pub fn report(&self, run: String, request_id: String, results: impl Into<ReportBuilder>) -> Report {
        let report = Report::new(self.capabilities.function, run, request_id, self.dry_run, results.into());
        // Who lists everything shows it elsewhere.
        if self.listing == Listing::Brief {
            report.log();
        }
        report
    }

    /// Checks that a sweep of every account in the policy knows what it relies on. The function runs in `account` and
    /// `region`.
    ///
    /// # Errors
    /// The policy relies on one of them, and that is not known.
    pub fn check_location(
        &self,
        account: Option<&AccountId>,
        region: Option<&RegionId>,
    ) -> Result<(), UnknownLocation> {
        location::check(&self.policy, account, region)
    }

    /// Returns every account that a sweep covers.
    pub async fn accounts(&self, job: &Job) -> Accounts {
        accounts::covered(&self.sessions(job), self.listing).await
    }

    /// Returns the regions that the policy lists for a sweep; `None` if each account has to be asked.
    #[must_use]
    pub fn listed_regions(&self, job: &Job) -> Option<Vec<RegionId>> {
        // A sweep begins only if the region is known.
        regions::listed(&self.policy, self.capabilities.selects, job.region.as_ref()).unwrap_or_default()
    }

    /// Submits an invocation of the function itself. It counts as submitted if it had been submitted before.
    ///
    /// # Errors
    /// Returns the result `failed`, with the call that failed.
    pub async fn submit(
        &self,
        job: &Job,
        invocation: &AsyncInvocation<'_>,
        failed: impl FnOnce() -> Item + Send,
    ) -> Result<(), Box<Item>> {
        let session = self.home(job)?;
        invocations::submit(&session, invocation).await.map_err(|error| Box::new(failed().with_error(&error)))
    }

    /// Passes each task of the function whose id begins with `prefix` to `each`.
    ///
    /// # Errors
    /// Returns the result of a list that could not be read.
    pub async fn tasks(
        &self,
        job: &Job,
        function: &str,
        prefix: &str,
        each: impl FnMut(AsyncTask) + Send,
    ) -> Result<(), Box<Item>> {
        let session = self.home(job)?;
        invocations::tasks(&session, function, prefix, each).await.map_err(|error| {
            let reason = "how the shards of the run ended could not be read";
            Box::new(Item::of_run(Outcome::Failed, reason).with_error(&error).finding())
        })
    }

    /// Asks whose credentials the function has; `None` if the answer does not say. Needs no right.
    ///
    /// # Errors
    /// It could not be read.
    pub async fn caller(
        &self,
        job: &Job,
        account: &AccountId,
        region: &RegionId,
    ) -> Result<Option<String>, Box<ErrorReport>> {
        let session = self.sessions(job).own(account, region);
        let found = session.get_caller_identity().await.map_err(|error| Box::new(ErrorReport::from(&error)))?;
        Ok(found.arn)
    }

    /// Asks whether an account has opened the flow log service.
    ///
    /// # Errors
    /// It could not be read.
    pub async fn is_service_open(
        &self,
        job: &Job,
        account: &AccountId,
        region: &RegionId,
    ) -> Result<bool, Box<ErrorReport>> {
        let session = self.sessions(job).in_account(account, region);
        session.get_flow_log_service_status().await.map_err(|error| Box::new(ErrorReport::from(&error)))
    }

    /// Lists the regions that an account has, whatever the policy covers, and says how many of them could not be read.
    ///
    /// # Errors
    /// They could not be listed.
    pub async fn regions(
        &self,
        job: &Job,
        account: &AccountId,
        region: &RegionId,
    ) -> Result<(Vec<RegionId>, usize), Box<ErrorReport>> {
        let session = self.sessions(job).in_account(account, region);
        let found = session.describe_regions().await.map_err(|error| Box::new(ErrorReport::from(&error)))?;
        Ok((found.items.into_iter().map(|item| item.id).collect(), found.unreadable.len()))
    }

    /// Reads the network interfaces of an account and region that are in use, each with its vSwitch and VPC.
    ///
    /// # Errors
    /// They could not be read, or not all of them.
    pub async fn network_interfaces_in_use(
        &self,
        job: &Job,
        (account, region): (&AccountId, &RegionId),
    ) -> Result<Vec<Resource>, Box<ErrorReport>> {
        let session = self.sessions(job).in_account(account, region);
        let in_use = NetworkInterfaceFilter { status: Some("InUse"), ..NetworkInterfaceFilter::default() };
        let found = session.describe_network_interfaces(&in_use).await;
        found.map(|listing| listing.items).map_err(|error| Box::new(ErrorReport::from(&error)))
    }

    /// Reads for how many days a Logstore keeps records; 3650 means for ever, and `None` that it is not there.
    ///
    /// # Errors
    /// Says why that is not known.
    pub async fn retention_days(
        &self,
        job: &Job,
        (account, region): (&AccountId, &RegionId),
        (project, log_store): (&str, &str),
    ) -> Result<Option<u32>, String> {
        let names = project.parse::<ProjectName>().ok().zip(log_store.parse::<LogStoreName>().ok());
        let Some((project_name, log_store_name)) = names else {
            return Err(format!("{project}/{log_store} is no name of a Logstore that this version knows"));
        };
        let session = self.sessions(job).in_account(account, region);
        let found = session.get_log_store(Destination { project: &project_name, log_store: &log_store_name }).await;
        let found = found.map_err(|error| format!("{error}: {}", error.cause))?;
        Ok(found.map(|it| it.retention_days))
    }

    /// Reads whether what these flow logs record arrives: all flow logs of an account and region, those of others
    /// included.
    pub async fn delivery(
        &self,
        job: &Job,
        (account, region): (&AccountId, &RegionId),
        flow_logs: &[FlowLog],
        look: &Look,
    ) -> Vec<LogStoreProof> {
        delivery::prove(&self.sessions(job).in_account(account, region), flow_logs, look).await
    }

    /// Opens a session in an account of the policy, for reads that no sweep makes.
    #[must_use]
    pub fn session<'a>(&'a self, job: &'a Job, (account, region): (&AccountId, &RegionId)) -> Session<'a> {
        self.sessions(job).in_account(account, region)
    }

    /// Opens a session where the function runs.
    fn home(&self, job: &Job) -> Result<Session<'_>, Box<Item>> {
        let (Some(account), Some(region)) = (&job.account, &job.region) else {
            let reason = "the account and region of the function are not known";
            return Err(Box::new(Item::broken_event(reason)));
        };
        let session = self.client.session(job.credentials.clone(), account.clone(), region.clone(), job.stop_at);
        Ok(session.counted_by(job.calls.clone()))
    }

    /// Does the work. `results` are those that exist already: of events that were skipped or are malformed.
    pub async fn reconcile(&self, job: Job, work: Vec<Work>, results: impl Into<ReportBuilder>) -> Report {
        let mut all = results.into();
        let sessions = self.sessions(&job);
        let invocation = Invocation {
            sessions,
            gate: Gate::new(sessions),
            claims: Claims::default(),
            destinations: Destinations::default(),
        };
        match <[Work; 1]>::try_from(work) {
            // As of nearly every event: there is nothing to work on beside it.
            Ok([Work::Target(target)]) => all.extend(self.results_of(&invocation, Step::Target(target)).boxed().await),
            work => {
                let mut parts = self.parts(&invocation, work.map_or_else(identity, Vec::from));
                while let Some(part) = parts.next().await {
                    all.extend(part);
                }
            }
        }
        drop(invocation);
        self.report(job.run, job.request_id, all)
    }

    fn sessions<'a>(&'a self, job: &'a Job) -> Sessions<'a> {
        Sessions { client: &self.client, policy: &self.policy, session_policy: &self.session_policy, job }
    }

    /// Returns the results of the work as they come. Each account, region and target is begun when its turn comes, and
    /// one that has to wait does not hold up the others.
    fn parts<'i>(&'i self, invocation: &'i Invocation<'_>, work: Vec<Work>) -> BoxStream<'i, ReportBuilder> {
        let accounts = stream::iter(work)
            .map(|one| self.accounts_of(invocation, one).boxed())
            .buffer_unordered(self.max_concurrent)
            .flat_map(stream::iter);
        let targets = accounts
            .map(|step| self.targets_of(invocation, step).boxed())
            .buffer_unordered(self.max_concurrent)
            .flat_map(stream::iter);
        targets.map(|step| self.results_of(invocation, step).boxed()).buffer_unordered(self.max_concurrent).boxed()
    }

    /// Returns the accounts of a sweep.
    async fn accounts_of(&self, invocation: &Invocation<'_>, work: Work) -> Vec<Step> {
        match (work, self.sweeping) {
            (Work::Target(target), _) => vec![Step::Target(target)],
            (Work::Account(sweep), _) => vec![Step::Account(sweep)],
            (Work::AllAccounts { at }, Some(sweeping)) => (sweeping.accounts)(self, invocation, at).await,
            (Work::AllAccounts { .. }, None) => {
                vec![Step::Results(Item::of_run(Outcome::Failed, NO_SWEEPS).into())]
            }
        }
    }

    async fn accounts_covered(&self, invocation: &Invocation<'_>, at: Option<Timestamp>) -> Vec<Step> {
        let Accounts { covered, results } = accounts::covered(&invocation.sessions, self.listing).await;
        let account = |account| Step::Account(AccountSweep { account, regions: None, at });
        [Step::Results(results)].into_iter().chain(covered.into_iter().map(account)).collect()
    }

    /// Returns the regions of an account.
    async fn targets_of(&self, invocation: &Invocation<'_>, step: Step) -> Vec<Step> {
        match (step, self.sweeping) {
            (Step::Account(sweep), Some(sweeping)) => (sweeping.regions)(self, invocation, sweep).await,
            (Step::Account(AccountSweep { account, .. }), None) => {
                vec![Step::Results(Item::of_account(&account, Outcome::Failed, NO_SWEEPS).into())]
            }
            (step, _) => vec![step],
        }
    }

    async fn regions_of(&self, invocation: &Invocation<'_>, sweep: AccountSweep) -> Vec<Step> {
        let sessions = &invocation.sessions;
        let asked = sweep.regions.as_ref().and_then(|regions| regions.first());
        let region = sessions.job.region.as_ref().or(asked);
        if let Some(region) = location::any_region(&self.policy, region)
            && let Access::Refused(item) = invocation.gate.ask(&sweep.account, region).await
        {
            return vec![Step::Results((*item).into())];
        }
        let account = sweep.account.clone();
        match regions::targets(sessions, self.capabilities.selects, sweep).await {
            Ok((targets, items)) => {
                if let Some(observer) = &self.observer {
                    observer.account_begun(&account, &targets);
                }
                [Step::Results(items.into())].into_iter().chain(targets.into_iter().map(Step::Target)).collect()
            }
            Err(item) => vec![Step::Results((*item).into())],
        }
    }

    async fn results_of(&self, invocation: &Invocation<'_>, step: Step) -> ReportBuilder {
        match step {
            Step::Results(results) => results,
            Step::Target(target) => {
                let Some(observer) = &self.observer else { return self.reconcile_target(invocation, &target).await };
                observer.region_begun(&target.account, &target.region);
                let results = self.reconcile_target(invocation, &target).await;
                observer.region_done(&target.account, &target.region, &results.summary());
                results
            }
            // Became targets before.
            Step::Account(_) => ReportBuilder::default(),
        }
    }

    async fn reconcile_target(&self, invocation: &Invocation<'_>, target: &Target) -> ReportBuilder {
        let Target { account, region, .. } = target;
        if let Some(reason) = regions::objection(&self.policy, self.capabilities.selects, target) {
            return Item::of_target(target, Outcome::Skipped, reason).into();
        }
        let Invocation { sessions, gate, claims, destinations } = invocation;
        let home = sessions.job.region.as_ref().unwrap_or(region);
        if let Access::Refused(item) = gate.ask(account, home).await {
            return item.at(Some(account), Some(region)).naming(&target.kind).into();
        }
        let session = sessions.in_account(account, region);
        // A sweep runs again, and then finds what it missed in a list that was changing.
        let is_region = matches!(target.kind, TargetKind::Region | TargetKind::Sweep | TargetKind::Routers);
        let session = if is_region { session.best_effort() } else { session };
        let (policy, capabilities, listing, at) = (&self.policy, self.capabilities, self.listing, self.at);
        let oversight = Oversight {
            policy: Some(policy),
            listing,
            approvals: self.approvals.as_deref(),
            observer: self.observer.as_deref(),
        };
        let writer = Writer::new(&session, capabilities.actions, self.dry_run).overseen(oversight);
        let (session, since) = (&session, target.since);
        let converger = Converger { policy, capabilities, session, writer, destinations, since, listing, at };
        let sweep = self.sweeping.map(|sweeping| sweeping.region);
        TargetRun { converger, queue: &self.queue, job: sessions.job, target, claims, sweep }.run().await
    }
}

#[cfg(test)]
mod tests {
    use openapi::{OsRng, SystemClock};
    use settings::Settings;

    use super::*;
    use crate::{Selection, testing};

    #[tokio::test]
    async fn a_sweep_of_a_function_that_sweeps_nothing_fails() {
        let policy = [("FLOWKEEPER_POLICY", "flow_log: {project: flowlog, log_store: vpc}")];
        let settings = ReconcilerSettings::read(&Settings::from_pairs(policy)).unwrap();
        let capabilities =
            Capabilities { function: "a-function", selects: Selection::Resources, actions: &[], repairs: false };
        let reconciler = Reconciler::without_sweeps(capabilities, settings, Arc::new(SystemClock), Arc::new(OsRng));
        let account = AccountSweep { account: "1".parse().unwrap(), regions: None, at: None };
        let targets = [TargetKind::Region, TargetKind::Sweep, TargetKind::Routers].map(testing::target);
        let sweeps = [Work::AllAccounts { at: None }, Work::Account(account)];
        for work in sweeps.into_iter().chain(targets.map(Work::Target)) {
            let about = format!("{work:?}");
            let report = reconciler.reconcile(testing::job(), vec![work], ReportBuilder::default()).await;
            let [item] = report.results.as_slice() else { panic!("{about}: {report:?}") };
            assert_eq!((item.outcome, &*item.reason), (Outcome::Failed, NO_SWEEPS), "{about}");
            assert!(report.incomplete().is_some(), "{about}: an invocation that swept nothing is not complete");
        }
    }
}
