//! The sweep of the virtual border routers on the Express Connect Routers of one account.

use flow_log::{
    AttachedVbr, Desired, Ecr, EcrChange, EcrFlowLog, GovernedBy, Plan, Verdict, desired_ecr, plan_ecr,
    policy::EcrFlowLogPattern,
};
use futures_util::FutureExt as _;
use openapi::{CallError, EcrFlowLogFilter, EcrInstanceFilter, Session, UnreadableItem};

use super::{
    age::is_stuck,
    routers,
    run::{self, Sweep, Work},
};
use crate::{
    Item, Outcome,
    converge::Converger,
    items,
    limits::{self, Withheld},
    report::ReportBuilder,
    write::{EcrWrite, Write},
    writer::{Confirmation, WriteOutcome},
};

/// The API's name for a virtual border router.
const VBR: &str = "VBR";

/// Brings the flow logs of the account's virtual border routers to the state that `pattern` asks for.
pub(crate) async fn sweep(converger: &Converger<'_>, pattern: &EcrFlowLogPattern) -> ReportBuilder {
    run::run(EcrSweep { converger, pattern, stuck: Vec::new() }).await
}

struct EcrSweep<'a> {
    converger: &'a Converger<'a>,
    pattern: &'a EcrFlowLogPattern,
    /// The virtual border routers whose flow log should have left a transitional state long ago.
    stuck: Vec<AttachedVbr>,
}

/// A virtual border router, and what its flow log needs.
struct VbrWork {
    vbr: AttachedVbr,
    plan: Plan<EcrChange>,
    /// The flow log that the plan is about, as it was read.
    observed: Option<EcrFlowLog>,
    /// What decides whether the flow log is on, if one is desired.
    governed_by: Option<GovernedBy>,
    /// Whether the flow log should have left a transitional state long ago.
    is_stuck: bool,
}

impl Sweep for EcrSweep<'_> {
    type Work = VbrWork;

    fn converger(&self) -> &Converger<'_> {
        self.converger
    }

    async fn assess(&mut self, report: &mut ReportBuilder) -> Vec<VbrWork> {
        let session = self.converger.session;
        let mut work = Vec::new();
        for router in &routers::read(session, report).await {
            match plans(self.converger, self.pattern, router, report).await {
                Ok(plans) => work.extend(plans.into_iter().filter_map(|plan| self.judge(plan, report))),
                Err(error) => report.items.push(unread_router(session, router, &error)),
            }
        }
        work
    }

    async fn apply(&self, work: VbrWork, _: Withheld) -> Vec<Item> {
        converge(self.converger, self.pattern, &work).await
    }

    /// Reads again the flow logs that were still changing their state.
    async fn finish(self, _: Vec<VbrWork>, report: &mut ReportBuilder) {
        for vbr in &self.stuck {
            report.items.push(look_again(self.converger, self.pattern, vbr).await);
        }
    }
}

impl EcrSweep<'_> {
    /// Returns the work if the virtual border router is changed. Reports it or remembers it as stuck if not.
    fn judge(&mut self, work: VbrWork, report: &mut ReportBuilder) -> Option<VbrWork> {
        if work.is_stuck {
            report.count_checked();
            self.stuck.push(work.vbr);
            return None;
        }
        let capabilities = self.converger.capabilities;
        let forbidden = work.plan.changes.iter().map(EcrChange::action).find(|action| !capabilities.may(*action));
        if forbidden.is_none() && !work.plan.changes.is_empty() {
            report.count_checked();
            return Some(work);
        }
        let why = forbidden.map(items::may_not_call);
        let item = Item { observed: self.converger.observed_router(work.observed.as_ref()), ..about(&work.vbr) };
        report.add(items::unchanged(item, work.plan, why.as_deref()));
        None
    }
}

impl VbrWork {
    /// Whether a change can take recording away.
    fn is_risky_change(&self, change: &EcrChange) -> bool {
        match change {
            EcrChange::Modify(..) => true,
            EcrChange::Deactivate(_) => limits::is_risky_stop(self.governed_by.as_ref()),
            EcrChange::Create(_) | EcrChange::Activate(_) => false,
        }
    }
}

const fn is_creation(change: &EcrChange) -> bool {
    matches!(change, EcrChange::Create(_))
}

impl Work for VbrWork {
    fn resource_id(&self) -> &str {
        self.vbr.id.as_str()
    }

    fn is_risky(&self) -> bool {
        self.plan.changes.iter().any(|change| self.is_risky_change(change))
    }

    fn is_creation(&self) -> bool {
        self.plan.changes.iter().any(is_creation)
    }

    fn withhold(mut self, withheld: Withheld, _: &Session<'_>, items: &mut Vec<Item>) -> Option<Self> {
        let item = Item { verdict: Some(self.plan.verdict), reason: self.plan.reason.clone(), ..about(&self.vbr) };
        let is_refused = |change: &EcrChange| {
            withheld.risky && self.is_risky_change(change) || withheld.creations && is_creation(change)
        };
        let (refused, allowed): (Vec<_>, Vec<_>) = self.plan.changes.iter().cloned().partition(is_refused);
        items.extend(refused.iter().map(|change| {
            let suffix = "; not done, as the sweep would change too much";
            items::not_applied(item.clone(), change.action(), change.flow_log(), suffix)
        }));
        self.plan.changes = allowed;
        (!self.plan.changes.is_empty()).then_some(self)
    }
}

/// Returns the plans for the virtual border routers on one router.
async fn plans(
    converger: &Converger<'_>,
    pattern: &EcrFlowLogPattern,
    router: &Ecr,
    report: &mut ReportBuilder,
) -> Result<Vec<VbrWork>, CallError> {
    let (session, policy) = (converger.session, converger.policy);
    let vbrs_only = EcrInstanceFilter { instance_type: Some(VBR), ..EcrInstanceFilter::default() };
    let attached = session.describe_ecr_instances(&router.id, &vbrs_only).await?;
    let observed = session.describe_ecr_flow_logs(&router.id, &EcrFlowLogFilter::default()).await?;
    for (what, unread) in [("virtual border routers", &attached.unreadable), ("flow logs", &observed.unreadable)] {
        let what = format!("{what} on {}", router.id);
        report.items.extend(unread.iter().map(|it| items::item_unread(session, &what, it)));
    }
    for instance in attached.items.iter().filter(|it| it.instance_type.eq_ignore_ascii_case(VBR) && it.vbr().is_none())
    {
        let reason = "the id of a virtual border router is malformed".to_owned();
        let unread = UnreadableItem { id: Some(instance.id.clone()), place: "ChildInstanceList".to_owned(), reason };
        report.items.push(items::item_unread(session, &format!("virtual border routers on {}", router.id), &unread));
    }
    let has_unread = !observed.is_complete();
    let vbrs = attached.items.iter().filter_map(|instance| {
        let region = instance.region.as_deref().and_then(|region| region.parse().ok());
        Some(AttachedVbr {
            account: session.account().clone(),
            region: region.unwrap_or_else(|| session.region().clone()),
            ecr: router.id.clone(),
            id: instance.vbr()?,
            tags: router.tags.clone(),
            is_locked: router.business_status.as_deref().is_some_and(|it| it.eq_ignore_ascii_case("FinancialLocked")),
        })
    });
    let plan = |vbr: AttachedVbr| {
        let desired = desired_ecr(&vbr, pattern, policy, converger.decides_at());
        let mut plan = plan_ecr(&vbr, &observed.items, &desired);
        if has_unread && plan.verdict == Verdict::Missing {
            // The unreadable flow log may be on this virtual border router.
            plan.changes.clear();
            plan.verdict = Verdict::Unknown;
            plan.converges = false;
            plan.reason = format!("a flow log on {} could not be read, and may be that of {}", vbr.ecr, vbr.id);
        }
        let governed_by = match desired {
            Desired::FlowLog(desired) => Some(desired.governed_by),
            _ => None,
        };
        let its_flow_log = observed.items.iter().find(|found| plan.flow_log.as_ref() == Some(&found.id));
        let is_stuck = plan.verdict == Verdict::Pending
            && its_flow_log.is_some_and(|it| is_stuck(&it.status, it.creation_time, session.now()));
        let seen = its_flow_log.cloned();
        VbrWork { vbr, plan, observed: seen, governed_by, is_stuck }
    };
    Ok(vbrs.map(plan).collect())
}

/// Makes the changes, one after the other.
async fn converge(converger: &Converger<'_>, pattern: &EcrFlowLogPattern, work: &VbrWork) -> Vec<Item> {
    let VbrWork { vbr, plan, observed, governed_by, .. } = work;
    let mut results = Vec::new();
    for change in &plan.changes {
        let planned = Item {
            verdict: Some(plan.verdict),
            reason: plan.reason.clone(),
            flow_log_id: plan.flow_log.clone(),
            is_exception: plan.is_exception,
            observed: converger.observed_router(observed.as_ref()),
            ..about(vbr)
        };
        let changed = observed.as_ref().filter(|found| change.flow_log() == Some(&found.id));
        let write = Write::Ecr(EcrWrite { vbr, change, changed, governed_by: governed_by.as_ref() });
        let confirm = || confirm(converger, pattern, vbr, change).boxed();
        match converger.writer.write(write, planned, &confirm).await {
            WriteOutcome::Planned(item) => results.push(Item { is_settled_by_change: plan.converges, ..item }),
            WriteOutcome::NotApproved(item) => results.push(item),
            WriteOutcome::Done(item) => results.push(Item { is_finding: !plan.converges, ..item }),
            WriteOutcome::Confirmed(item, _) => results.push(item),
            // Somebody else has changed it meanwhile.
            WriteOutcome::Superseded(after) => results.push(items::unchanged(about(vbr), after, None)),
            WriteOutcome::Failed(item) | WriteOutcome::NotVisible(item) | WriteOutcome::NoDestination(item) => {
                results.push(item);
                break;
            }
            WriteOutcome::NotPermitted => {
                let why = items::may_not_call(change.action());
                results.push(items::unchanged(about(vbr), plan.clone(), Some(&why)));
            }
        }
    }
    results
}

/// Reads once more what should have left a transitional state long ago.
async fn look_again(converger: &Converger<'_>, pattern: &EcrFlowLogPattern, vbr: &AttachedVbr) -> Item {
    let plan = match read_plan(converger, pattern, vbr).await {
        Ok(Some(plan)) => plan,
        Ok(None) => {
            let reason = format!("the flow logs of {} could not all be read again", vbr.id);
            return Item { verdict: Some(Verdict::Unknown), outcome: Outcome::Failed, reason, ..about(vbr) }.finding();
        }
        Err(error) => {
            let item = items::region_unread(converger.session, &format!("flow logs of {}", vbr.id), &error);
            return Item { resource_type: Some(VBR), resource_id: Some(vbr.id.to_string()), ..item };
        }
    };
    if plan.verdict == Verdict::Pending {
        let reason =
            format!("{}, and still was when it was read again; if it stays so, look at it in the console", plan.reason);
        let (verdict, outcome) = (Some(Verdict::Pending), Outcome::Skipped);
        return Item { verdict, outcome, flow_log_id: plan.flow_log, reason, ..about(vbr) }.finding();
    }
    let why =
        (!plan.changes.is_empty()).then_some("it is changed in the next sweep, as its state was changing in this one");
    items::unchanged(about(vbr), plan, why)
}

/// Reads whether a change has taken effect. If it has, the new plan no longer asks for it.
async fn confirm(
    converger: &Converger<'_>,
    pattern: &EcrFlowLogPattern,
    vbr: &AttachedVbr,
    change: &EcrChange,
) -> Result<Confirmation<Plan<EcrChange>>, CallError> {
    let Some(plan) = read_plan(converger, pattern, vbr).await? else { return Ok(Confirmation::Changing) };
    if plan.changes.first().map(EcrChange::action) == Some(change.action()) {
        return Ok(Confirmation::Outstanding);
    }
    let may_be_ours = plan.verdict != Verdict::Foreign;
    let flow_log = plan.flow_log.clone();
    Ok(Confirmation::Settled { observed: plan, may_be_ours, flow_log })
}

/// Reads the flow logs of a virtual border router, and plans again; `None` if not all of them could be read.
async fn read_plan(
    converger: &Converger<'_>,
    pattern: &EcrFlowLogPattern,
    vbr: &AttachedVbr,
) -> Result<Option<Plan<EcrChange>>, CallError> {
    let session = converger.session;
    let on_it = EcrFlowLogFilter { instance: Some(&vbr.id), ..EcrFlowLogFilter::default() };
    let desired = desired_ecr(vbr, pattern, converger.policy, converger.decides_at());
    let observed = session.describe_ecr_flow_logs(&vbr.ecr, &on_it).await?;
    Ok(observed.is_complete().then(|| plan_ecr(vbr, &observed.items, &desired)))
}

/// Creates a result about a virtual border router, without a verdict yet.
fn about(vbr: &AttachedVbr) -> Item {
    Item { resource_type: Some(VBR), resource_id: Some(vbr.id.to_string()), ..Item::new(Outcome::Unchanged, "") }
        .at(Some(&vbr.account), Some(&vbr.region))
}

fn unread_router(session: &Session<'_>, router: &Ecr, error: &CallError) -> Item {
    let what = format!("virtual border routers and flow logs on {}", router.id);
    let item = items::region_unread(session, &what, error);
    Item { resource_type: Some("ECR"), resource_id: Some(router.id.to_string()), ..item }
}
