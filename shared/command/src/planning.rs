//! Makes a plan: reads what a policy is about, decides as the functions do, and writes nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    sync::Arc,
};

use audit::Swept;
use cost::PriceTable;
use flow_log::{
    AccountId, Action, Policy, RegionId, Resource, RoleArn, RoleName,
    policy::{AccountScope, Places, Regions},
};
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use reconcile::{
    AccountSweep, Accounts, CallCounter, Capabilities, Job, Listing, Observer, Reconciler, ReportBuilder, Selection,
    Work,
};

use crate::{
    call_remedy::advise,
    context::Context,
    failure::Failure,
    identity::Identity,
    plan::{
        Caller, Change, Cost, Plan, PolicyUsed, SCHEMA, Scope, Unread,
        build::{Content, content, without_interface, without_interfaces},
        costs::{Place, Recorder, alters_volume, currency_of_site, estimate, is_of_router},
        file::digest,
    },
    watcher::Watcher,
};

/// How many accounts and regions are read at once: all regions of an account. Each has quotas of its own, and a laptop has
/// more memory than a function.
const MAX_CONCURRENT: NonZeroUsize = NonZeroUsize::new(32).unwrap();

/// What the command does where the functions share the work: all that the sweeps of `remediate-flow-logs`,
/// `delete-orphaned-flow-logs` and `create-ecr-flow-log` may do.
pub(crate) const EVERYTHING: Capabilities = Capabilities::everything("flowkeeper");

/// What `remove` does.
pub(crate) const REMOVAL: Capabilities = Capabilities {
    function: "flowkeeper",
    selects: Selection::Own,
    actions: &[Action::DeleteFlowLog, Action::EcrDeleteFlowlog],
    repairs: false,
};

/// What a plan is made of.
#[derive(Clone, Copy)]
pub(crate) struct Planning<'a> {
    pub(crate) context: &'a Context,
    pub(crate) identity: &'a Identity,
    pub(crate) capabilities: Capabilities,
    /// The name of the policy's file, and its text.
    pub(crate) policy_file: &'a str,
    pub(crate) policy_text: &'a str,
    pub(crate) policy: &'a Policy,
    pub(crate) narrowed: &'a Narrowed,
    /// The time to decide for, if it is not now.
    pub(crate) at: Option<Timestamp>,
    /// What is read besides.
    pub(crate) reads: Reads,
}

/// What a run reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reads {
    /// What a plan needs.
    Plan,
    /// What a plan needs that says what its changes cost: network interfaces as well.
    PlanAndCosts,
    /// What evidence needs as well.
    Evidence,
    /// What evidence and costs need as well.
    Costs,
}

/// What the options narrow the policy to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Narrowed {
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) regions: Vec<RegionId>,
    pub(crate) role: Option<RoleName>,
}

impl Narrowed {
    /// Reads what a saved plan was narrowed to.
    pub(crate) fn of(scope: &Scope) -> Option<Self> {
        let accounts = scope.accounts.iter().map(|id| id.parse()).collect::<Result<_, _>>().ok()?;
        let regions = scope.regions.iter().map(|id| id.parse()).collect::<Result<_, _>>().ok()?;
        let role = scope.role.as_deref().map(str::parse).transpose().ok()?;
        Some(Self { accounts, regions, role })
    }

    /// Makes sure that the policy is about what the options name. `own` is the account of the credentials.
    ///
    /// # Errors
    /// Names the first account or region that it is not about.
    pub(crate) fn check(&self, policy: &Policy, own: &AccountId) -> Result<(), Failure> {
        let out = |option: &str, reason: String| {
            Failure::usage(format!("{option}: {reason}"), "name one that the policy is about")
        };
        for account in &self.accounts {
            if let AccountScope::Out(reason) = policy.account_scope(Some(own), account) {
                return Err(out("--account", reason));
            }
        }
        match self.regions.iter().find_map(|region| policy.region_scope(region)) {
            Some(reason) => Err(out("--region", reason)),
            None => Ok(()),
        }
    }

    /// Returns what a person must know before they apply a plan of a policy that names no regions: the command is about
    /// all of them, and a function's sweep is not.
    pub(crate) fn caution(&self, policy: &Policy) -> Option<&'static str> {
        (policy.regions == Regions::Own && self.regions.is_empty()).then_some(
            "the policy names no regions, so the plan is about all of them; the sweeps of a deployed function look after \
             its own region alone. Write `regions: all`, or list them, for sweeps of the others; or narrow the plan with \
             --region",
        )
    }

    fn scope(&self) -> Scope {
        Scope {
            accounts: self.accounts.iter().map(ToString::to_string).collect(),
            regions: self.regions.iter().map(ToString::to_string).collect(),
            role: self.role.as_ref().map(ToString::to_string),
        }
    }

    /// Returns the policy as the command follows it: with every region if it names none, since a person has no region
    /// of their own, and with the role of the options.
    pub(crate) fn policy(&self, policy: &Policy) -> Policy {
        let mut policy = policy.clone();
        if policy.regions == Regions::Own {
            policy.regions = Regions::All;
        }
        // The command has warned of them.
        policy.warnings.clear();
        if let Some(role) = &self.role {
            for member in &mut policy.accounts {
                member.role = RoleArn::of(&member.id, role);
            }
            if let Some(directory) = &mut policy.resource_directory {
                directory.role = role.clone();
            }
        }
        policy
    }
}

/// Returns what all parts of a run share.
pub(crate) fn job(identity: &Identity) -> Job {
    Job {
        run: "flowkeeper".to_owned(),
        request_id: "flowkeeper".to_owned(),
        credentials: identity.key.credentials.clone(),
        account: Some(identity.caller.account.clone()),
        region: Some(identity.any_region()),
        stop_at: None,
        calls: CallCounter::default(),
    }
}

impl Planning<'_> {
    /// Reads everything, and decides. Tells `observer` what is read.
    ///
    /// # Errors
    /// The options name what the policy is not about.
    pub(crate) async fn sweep(&self, observer: Arc<dyn Observer>) -> Result<Swept, Failure> {
        let Self { identity, narrowed, .. } = self;
        narrowed.check(self.policy, &identity.caller.account)?;
        let policy = narrowed.policy(self.policy);
        let client = identity.client().read_only();
        let mut reconciler =
            Reconciler::over(client, self.capabilities, policy).listing(Listing::Full).observed_by(observer);
        reconciler = reconciler.concurrently(MAX_CONCURRENT);
        if let Some(at) = self.at {
            reconciler = reconciler.deciding_at(at);
        }
        reconciler = match self.reads {
            Reads::Plan | Reads::PlanAndCosts => reconciler,
            Reads::Evidence => reconciler.reading_evidence(),
            Reads::Costs => reconciler.reading_costs(),
        };
        let job = job(identity);
        let Accounts { covered, results } = if narrowed.accounts.is_empty() {
            reconciler.accounts(&job).await
        } else {
            Accounts { covered: narrowed.accounts.clone(), results: ReportBuilder::default() }
        };
        let regions = Some(&narrowed.regions).filter(|regions| !regions.is_empty());
        let sweep = |account| Work::Account(AccountSweep { account, regions: regions.cloned(), at: None });
        let mut report = reconciler.reconcile(job.clone(), covered.iter().cloned().map(sweep).collect(), results).await;
        advise(&mut report);
        Ok(Swept { reconciler, job, accounts: covered, report })
    }

    /// Makes a plan.
    ///
    /// # Errors
    /// The options name what the policy is not about.
    pub(crate) async fn plan(&self) -> Result<Plan, Failure> {
        let Self { context, identity, narrowed, .. } = self;
        let watcher = Arc::new(Watcher::new(&context.terminal, 0));
        let created = context.now();
        let swept = self.sweep(Arc::<Watcher>::clone(&watcher)).await?;
        let mut found = content(&swept.report, &Places::of(self.policy_text), watcher.reads());
        found.name(&watcher.take_names());
        let Content { mut summary, mut changes, resources, notes, mut unread, limits, read } = found;
        let costs = if self.reads == Reads::PlanAndCosts {
            let (costs, of_costs) = self.costs(&swept, &mut changes, &watcher.take_flow_logs()).await;
            unread.extend(of_costs);
            summary.unread = unread.len();
            costs
        } else {
            Vec::new()
        };
        watcher.clear();
        let policy_used =
            PolicyUsed { file: self.policy_file.to_owned(), sha256: digest(self.policy_text.as_bytes()), text: None };
        Ok(Plan {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            created,
            decided_for: self.at.unwrap_or(created),
            caller: Caller { account: identity.caller.account.to_string(), arn: identity.caller.arn.clone() },
            endpoint: identity.endpoint.clone(),
            policy: policy_used,
            scope: narrowed.scope(),
            summary,
            changes,
            resources,
            notes,
            unread,
            costs,
            limits,
            read,
            sha256: None,
        })
    }

    /// Estimates what the changes cost. What cannot be read for that is unknown, and returned; nothing else changes by it.
    async fn costs(
        &self,
        swept: &Swept,
        changes: &mut [Change],
        flow_logs: &BTreeMap<(AccountId, RegionId), Vec<Recorder>>,
    ) -> (Vec<Cost>, Vec<Unread>) {
        let table = PriceTable::of(currency_of_site(&self.identity.any_region()));
        let mut by_place: BTreeMap<(AccountId, RegionId), Vec<&mut Change>> = BTreeMap::new();
        let (mut costs, mut unread) = (Vec::new(), Vec::new());
        let mut of_routers = BTreeSet::new();
        for change in changes.iter_mut().filter(|change| alters_volume(change)) {
            if is_of_router(change) {
                of_routers.insert((change.account.clone(), change.region.clone()));
            } else if let (Ok(account), Ok(region)) = (change.account.parse(), change.region.parse()) {
                by_place.entry((account, region)).or_default().push(change);
            }
        }
        let Swept { reconciler, job, .. } = swept;
        let reads = by_place.keys().cloned().map(|(account, region)| async move {
            reconciler.network_interfaces_in_use(job, (&account, &region)).await
        });
        let reads: Vec<_> = stream::iter(reads.collect::<Vec<_>>()).buffered(MAX_CONCURRENT.get()).collect().await;
        for (((account, region), here), read) in by_place.iter_mut().zip(reads) {
            let interfaces = match read {
                Ok(found) => {
                    unread.extend(found.unreadable.iter().map(|item| without_interface(account, region, item)));
                    found.is_complete().then(|| counted(&found.items))
                }
                Err(error) => {
                    unread.push(without_interfaces(account, region, &error));
                    None
                }
            };
            let known = flow_logs.get(&(account.clone(), region.clone())).map_or(&[][..], Vec::as_slice);
            costs.push(estimate(&Place { account, region, flow_logs: known, interfaces }, here, &table));
        }
        costs.extend(of_routers.iter().map(|(account, region)| Cost::of_routers(account, region, &table)));
        (costs, unread)
    }
}

/// Counts network interfaces by themselves, by their vSwitch and by their VPC.
fn counted(interfaces: &[Resource]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for id in interfaces.iter().flat_map(|interface| std::iter::once(&interface.id).chain(&interface.parents)) {
        *counts.entry(id.to_string()).or_default() += 1;
    }
    counts
}
