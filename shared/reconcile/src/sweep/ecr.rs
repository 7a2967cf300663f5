//! The sweep of the virtual border routers on the Express Connect Routers of one account.

use flow_log::{
    AttachedVbr, Desired, Ecr, EcrChange, GovernedBy, Plan, Policy, Verdict, desired_ecr, plan_ecr,
    policy::EcrFlowLogPattern,
};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use openapi::{CallError, EcrFilter, EcrFlowLogFilter, EcrInstanceFilter, Session, UnreadableItem};

use super::{CONCURRENCY, is_stuck};
use crate::{
    Item, Outcome,
    converge::Converger,
    items, limits,
    report::ReportBuilder,
    writer::{Standing, Write, WriteOutcome},
};

/// The API's name for a virtual border router.
const VBR: &str = "VBR";

/// A virtual border router that is changed.
struct Work {
    vbr: AttachedVbr,
    plan: Plan<EcrChange>,
    /// What decides whether the flow log is on, if one is desired.
    governed_by: Option<GovernedBy>,
    /// Whether the flow log should have left a transitional state long ago.
    is_stuck: bool,
}

impl Work {
    /// Whether a change can take recording away.
    fn is_risky(&self, change: &EcrChange) -> bool {
        match change {
            EcrChange::Modify(..) => true,
            EcrChange::Deactivate(_) => limits::is_risky_stop(self.governed_by.as_ref()),
            EcrChange::Create(_) | EcrChange::Activate(_) => false,
        }
    }

    const fn is_creation(change: &EcrChange) -> bool {
        matches!(change, EcrChange::Create(_))
    }
}

/// Brings the flow logs of the account's virtual border routers to the state that `pattern` asks for.
pub(crate) async fn sweep(converger: &Converger<'_>, pattern: &EcrFlowLogPattern) -> ReportBuilder {
    let (session, policy) = (converger.session, converger.policy);
    let mut report = ReportBuilder::default();
    let routers = match session.describe_ecrs(&EcrFilter::default()).await {
        Ok(routers) => routers,
        Err(error) => return items::region_unread(session, "Express Connect Routers", &error).into(),
    };
    let unread = |what: &'static str| move |it: &UnreadableItem| items::item_unread(session, what, it);
    report.items.extend(routers.unreadable.iter().map(unread("Express Connect Routers")));
    let (mut work, mut stuck) = (Vec::new(), Vec::new());
    for router in &routers.items {
        match plans(session, policy, pattern, router, &mut report).await {
            Ok(plans) => {
                for Work { vbr, plan, governed_by, is_stuck } in plans {
                    if is_stuck {
                        report.count_checked();
                        stuck.push(vbr);
                        continue;
                    }
                    let forbidden = plan.changes.iter().find(|change| !converger.writer.may(change.action()));
                    if let Some(forbidden) = forbidden {
                        let why = format!("this function may not call {}", forbidden.action());
                        report.add(items::unchanged(about(&vbr), plan, Some(&why)));
                    } else if plan.changes.is_empty() {
                        report.add(items::unchanged(about(&vbr), plan, None));
                    } else {
                        report.count_checked();
                        work.push(Work { vbr, plan, governed_by, is_stuck });
                    }
                }
            }
            Err(error) => report.items.push(unread_router(session, router, &error)),
        }
    }
    let work = within_limits(converger, work, &mut report);
    let work: Vec<_> = work.into_iter().map(|work| Box::pin(converge(converger, pattern, work))).collect();
    report.items.extend(stream::iter(work).buffer_unordered(CONCURRENCY).collect::<Vec<_>>().await.concat());
    for vbr in stuck {
        report.items.push(look_again(converger, pattern, &vbr).await);
    }
    report.sort();
    report
}

/// Reports the changes that the limits refuse, and removes them from the work. A dry run shows them all.
fn within_limits(converger: &Converger<'_>, mut work: Vec<Work>, report: &mut ReportBuilder) -> Vec<Work> {
    let limits = converger.policy.limits;
    let risky = work.iter().filter(|work| work.plan.changes.iter().any(|change| work.is_risky(change))).count();
    let creations = work.iter().filter(|work| work.plan.changes.iter().any(Work::is_creation)).count();
    let too_risky = limits::exceeded(limits, risky, report.checked());
    let too_many = limits::creations_exceeded(limits, creations);
    let refuses = (too_risky.is_some(), too_many.is_some());
    for why in too_risky.into_iter().chain(too_many) {
        report.refuse(converger.session, &why);
    }
    if converger.writer.is_dry_run() {
        return work;
    }
    for it in &mut work {
        let item = Item { verdict: Some(it.plan.verdict), reason: it.plan.reason.clone(), ..about(&it.vbr) };
        let is_refused =
            |change: &EcrChange| refuses.0 && it.is_risky(change) || refuses.1 && Work::is_creation(change);
        let (refused, allowed): (Vec<_>, Vec<_>) = it.plan.changes.iter().cloned().partition(is_refused);
        report.items.extend(refused.iter().map(|change| {
            let suffix = "; not done, as the sweep would change too much";
            items::not_applied(item.clone(), change.action(), change.flow_log(), suffix)
        }));
        it.plan.changes = allowed;
    }
    work.retain(|work| !work.plan.changes.is_empty());
    work
}

/// Returns the plans for the virtual border routers on one router.
async fn plans(
    session: &Session<'_>,
    policy: &Policy,
    pattern: &EcrFlowLogPattern,
    router: &Ecr,
    report: &mut ReportBuilder,
) -> Result<Vec<Work>, CallError> {
    let attached = EcrInstanceFilter { instance_type: Some(VBR), ..EcrInstanceFilter::default() };
    let attached = session.describe_ecr_instances(&router.id, &attached).await?;
    let observed = session.describe_ecr_flow_logs(&router.id, &EcrFlowLogFilter::default()).await?;
    for (what, unread) in [("virtual border routers", &attached.unreadable), ("flow logs", &observed.unreadable)] {
        let what = format!("{what} on {}", router.id);
        report.items.extend(unread.iter().map(|it| items::item_unread(session, &what, it)));
    }
    for instance in attached.items.iter().filter(|it| it.instance_type.eq_ignore_ascii_case(VBR) && it.vbr().is_none())
    {
        let reason = "it is a virtual border router whose id is none".to_owned();
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
        let desired = desired_ecr(&vbr, pattern, policy, session.now());
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
        Work { vbr, plan, governed_by, is_stuck }
    };
    Ok(vbrs.map(plan).collect())
}

/// Makes the changes, one after the other.
async fn converge(converger: &Converger<'_>, pattern: &EcrFlowLogPattern, work: Work) -> Vec<Item> {
    let Work { vbr, plan, .. } = &work;
    let mut items = Vec::new();
    for change in &plan.changes {
        let item = Item {
            verdict: Some(plan.verdict),
            reason: plan.reason.clone(),
            flow_log_id: plan.flow_log.clone(),
            is_exception: plan.is_exception,
            ..about(vbr)
        };
        let confirm = || confirm(converger, pattern, vbr, change).boxed();
        match converger.writer.write(Write::Ecr(vbr, change), item, &confirm).await {
            WriteOutcome::Planned(item) => items.push(item),
            WriteOutcome::Done(item) => items.push(Item { is_finding: !plan.converges, ..item }),
            WriteOutcome::Confirmed(item, _) => items.push(item),
            // Somebody else has changed it meanwhile.
            WriteOutcome::Superseded(after) => items.push(items::unchanged(about(vbr), after, None)),
            WriteOutcome::Failed(item) | WriteOutcome::NotVisible(item) => {
                items.push(item);
                break;
            }
            WriteOutcome::NotPermitted => {
                let why = format!("this function may not call {}", change.action());
                items.push(items::unchanged(about(vbr), plan.clone(), Some(&why)));
            }
        }
    }
    items
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
        let reason = format!("{}, and has been for more than an hour; look at it in the console", plan.reason);
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
) -> Result<Standing<Plan<EcrChange>>, CallError> {
    let Some(plan) = read_plan(converger, pattern, vbr).await? else { return Ok(Standing::Changing) };
    if plan.changes.first().map(EcrChange::action) == Some(change.action()) {
        return Ok(Standing::Outstanding);
    }
    let may_be_ours = plan.verdict != Verdict::Foreign;
    let flow_log = plan.flow_log.clone();
    Ok(Standing::Settled { observed: plan, may_be_ours, flow_log })
}

/// Reads the flow logs of a virtual border router, and plans again; `None` if not all of them could be read.
async fn read_plan(
    converger: &Converger<'_>,
    pattern: &EcrFlowLogPattern,
    vbr: &AttachedVbr,
) -> Result<Option<Plan<EcrChange>>, CallError> {
    let session = converger.session;
    let on_it = EcrFlowLogFilter { instance: Some(&vbr.id), ..EcrFlowLogFilter::default() };
    let desired = desired_ecr(vbr, pattern, converger.policy, session.now());
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
