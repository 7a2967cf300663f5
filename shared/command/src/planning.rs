//! Makes a plan: reads what a policy is about, decides as the functions do, and writes nothing.

use std::sync::Arc;

use flow_log::{
    AccountId, Action, Policy, RegionId, RoleArn, RoleName,
    policy::{AccountScope, Places, Regions},
};
use jiff::Timestamp;
use reconcile::{
    AccountSweep, Accounts, CallCounter, Capabilities, Job, Listing, Observer, Reconciler, Report, ReportBuilder,
    Selection, Work,
};

use crate::{
    context::Context,
    failure::Failure,
    identity::Identity,
    plan::{
        Caller, Plan, PolicyUsed, SCHEMA, Scope,
        build::{Content, content},
        file::digest,
    },
    watcher::Watcher,
};

/// What the command does where the functions share the work: all that the sweeps of `remediate-flow-logs`,
/// `delete-orphaned-flow-logs` and `create-ecr-flow-log` may do.
pub(crate) const EVERYTHING: Capabilities = Capabilities {
    function: "flowkeeper",
    selects: Selection::Everything,
    actions: &[
        Action::CreateFlowLog,
        Action::ActiveFlowLog,
        Action::DeactiveFlowLog,
        Action::ModifyFlowLogAttribute,
        Action::MoveResourceGroup,
        Action::TagResources,
        Action::DeleteFlowLog,
        Action::CreateProject,
        Action::CreateLogStore,
        Action::UpdateLogStore,
        Action::CreateIndex,
        Action::EcrCreateFlowLog,
        Action::EcrModifyFlowLogAttribute,
        Action::EcrActivateFlowLog,
        Action::EcrDeactivateFlowLog,
    ],
    repairs: true,
};

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

/// What a sweep covered and found. Its reconciler only reads, and may read more.
pub(crate) struct Swept {
    pub(crate) reconciler: Reconciler,
    pub(crate) job: Job,
    /// The accounts that it covered.
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) report: Report,
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
        if let Some(at) = self.at {
            reconciler = reconciler.deciding_at(at);
        }
        reconciler = match self.reads {
            Reads::Plan => reconciler,
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
        let report = reconciler.reconcile(job.clone(), covered.iter().cloned().map(sweep).collect(), results).await;
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
        let Swept { report, .. } = self.sweep(Arc::<Watcher>::clone(&watcher)).await?;
        watcher.clear();
        let Content { summary, changes, resources, notes, unread, limits, read } =
            content(&report, &Places::of(self.policy_text), watcher.reads());
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
            limits,
            read,
        })
    }
}
