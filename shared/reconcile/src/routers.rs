//! The virtual border routers on the Express Connect Routers of one account.

use flow_log::{
    AttachedVbr, Ecr, EcrChange, FlowLogId, Plan, Verdict, plan_ecr, policy::EcrFlowLogPattern, wanted_ecr,
};
use futures_util::{StreamExt as _, stream};
use openapi::{CallError, EcrFilter, EcrFlowLogFilter, EcrInstanceFilter, Remedy, Session};

use crate::{
    Item, Outcome,
    keeper::CONCURRENCY,
    report::Part,
    settle::{Settler, exists},
    sweep::{excess, unread},
};

/// What Express Connect Router calls a virtual border router.
const VBR: &str = "VBR";

/// A virtual border router that something is to be done about.
struct Work {
    vbr: AttachedVbr,
    plan: Plan<EcrChange>,
}

/// Makes the flow logs of the account's virtual border routers as `pattern` wants them.
pub(crate) async fn sweep(settler: &Settler<'_>, session: &Session<'_>, pattern: &EcrFlowLogPattern) -> Part {
    let mut part = Part::default();
    let routers = match session.describe_ecrs(&EcrFilter::default()).await {
        Ok(routers) => routers,
        Err(error) => return unread(session, "Express Connect Routers", &error).into(),
    };
    let mut work = Vec::new();
    for router in &routers {
        match plans(settler, session, pattern, router).await {
            Ok(plans) => {
                for Work { vbr, mut plan } in plans {
                    if plan.changes.is_empty() {
                        part.add(left(&vbr, plan));
                    } else if plan.changes.iter().all(|change| settler.duty.may.contains(&change.action())) {
                        part.count_checked();
                        work.push(Work { vbr, plan });
                    } else {
                        plan.is_settled = false;
                        part.add(left(&vbr, plan));
                    }
                }
            }
            Err(error) => part.items.push(unread_router(session, router, &error)),
        }
    }
    let changes = work.iter().filter(|work| matches!(work.plan.changes.first(), Some(EcrChange::Create(_)))).count();
    let excess = excess(settler.policy.limits, changes, part.checked());
    if let Some(excess) = excess.filter(|_| !settler.dry_run) {
        let refused = |work: &Work| {
            let reason = format!("{}; not done, as the sweep would change too much", work.plan.reason);
            would_be(work, Outcome::Skipped, reason)
        };
        part.items.extend(work.iter().map(refused));
        part.refuse(session, &excess);
        return part;
    }
    let work: Vec<_> = work.into_iter().map(|work| Box::pin(settle(settler, session, pattern, work))).collect();
    part.items.extend(stream::iter(work).buffer_unordered(CONCURRENCY).collect::<Vec<_>>().await);
    part.sort();
    part
}

/// What there is to be done about what is attached to one router.
async fn plans(
    settler: &Settler<'_>,
    session: &Session<'_>,
    pattern: &EcrFlowLogPattern,
    router: &Ecr,
) -> Result<Vec<Work>, CallError> {
    let attached = EcrInstanceFilter { instance_type: Some(VBR), ..EcrInstanceFilter::default() };
    let attached = session.describe_ecr_instances(&router.id, &attached).await?;
    let seen = session.describe_ecr_flow_logs(&router.id, &EcrFlowLogFilter::default()).await?;
    let vbrs = attached.iter().filter_map(|instance| {
        let region = instance.region.as_deref().and_then(|region| region.parse().ok());
        Some(AttachedVbr {
            account: session.account().clone(),
            region: region.unwrap_or_else(|| session.region().clone()),
            ecr: router.id.clone(),
            id: instance.vbr()?,
            tags: router.tags.clone(),
        })
    });
    let plan = |vbr: AttachedVbr| {
        let wanted = wanted_ecr(&vbr, pattern, settler.policy, session.now());
        Work { plan: plan_ecr(&vbr, &seen, &wanted), vbr }
    };
    Ok(vbrs.map(plan).collect())
}

async fn settle(settler: &Settler<'_>, session: &Session<'_>, pattern: &EcrFlowLogPattern, work: Work) -> Item {
    let Work { vbr, plan } = &work;
    let Some(change) = plan.changes.first() else { return left(vbr, plan.clone()) };
    if settler.dry_run {
        return would_be(&work, Outcome::Planned, plan.reason.clone());
    }
    match apply(session, vbr, change).await {
        Ok(id) => Item { flow_log_id: id, ..of(&work, Outcome::Done, plan.reason.clone()) },
        Err(error) => match settled(settler, session, pattern, vbr, &error).await {
            // Others made it, or we did before.
            Some(now) if exists(&error) => left(vbr, now),
            Some(now) => {
                let reason = format!("{}; the call was not answered, and had been done", plan.reason);
                Item { flow_log_id: now.flow_log, ..of(&work, Outcome::Done, reason) }
            }
            None => {
                let reason = format!("{} of {} on {} failed", change.action(), vbr.id, vbr.ecr);
                Item { is_finding: true, ..of(&work, Outcome::Failed, reason).with_error(&error) }
            }
        },
    }
}

/// Makes the call. The answer is the flow log that it was about.
async fn apply(session: &Session<'_>, vbr: &AttachedVbr, change: &EcrChange) -> Result<Option<FlowLogId>, CallError> {
    match change {
        EcrChange::Create(spec) => session.create_ecr_flow_log(&vbr.ecr, &vbr.id, spec, false).await,
        EcrChange::Activate(id) => session.activate_ecr_flow_log(&vbr.ecr, id).await.map(|()| Some(id.clone())),
        EcrChange::Deactivate(id) => session.deactivate_ecr_flow_log(&vbr.ecr, id).await.map(|()| Some(id.clone())),
    }
}

/// Looks again after a change that did not say whether it was made: if it was, none is planned any more.
async fn settled(
    settler: &Settler<'_>,
    session: &Session<'_>,
    pattern: &EcrFlowLogPattern,
    vbr: &AttachedVbr,
    error: &CallError,
) -> Option<Plan<EcrChange>> {
    if error.remedy() != Remedy::ReadAgain {
        return None;
    }
    let on_it = EcrFlowLogFilter { instance: Some(&vbr.id), ..EcrFlowLogFilter::default() };
    let wanted = wanted_ecr(vbr, pattern, settler.policy, session.now());
    let seen = session.describe_ecr_flow_logs(&vbr.ecr, &on_it).await.ok()?;
    Some(plan_ecr(vbr, &seen, &wanted)).filter(|plan| plan.changes.is_empty())
}

fn about(vbr: &AttachedVbr, verdict: Verdict, outcome: Outcome, reason: String) -> Item {
    Item {
        verdict: Some(verdict),
        resource_type: Some(VBR),
        resource_id: Some(vbr.id.to_string()),
        ..Item::new(outcome, reason)
    }
    .at(Some(&vbr.account), Some(&vbr.region))
}

/// An item about the change that is to be made.
fn of(work: &Work, outcome: Outcome, reason: String) -> Item {
    let action = work.plan.changes.first().map(EcrChange::action);
    let item = about(&work.vbr, work.plan.verdict, outcome, reason);
    Item { action, flow_log_id: work.plan.flow_log.clone(), ..item }
}

fn would_be(work: &Work, outcome: Outcome, reason: String) -> Item {
    Item { is_finding: true, ..of(work, outcome, reason) }
}

fn left(vbr: &AttachedVbr, plan: Plan<EcrChange>) -> Item {
    let is_left_alone = plan.verdict == Verdict::Excluded || !plan.is_settled;
    let outcome = if is_left_alone { Outcome::Skipped } else { Outcome::Unchanged };
    let item = about(vbr, plan.verdict, outcome, plan.reason);
    Item { flow_log_id: plan.flow_log, is_finding: !plan.is_settled, ..item }
}

fn unread_router(session: &Session<'_>, router: &Ecr, error: &CallError) -> Item {
    let item = unread(session, &format!("virtual border routers and flow logs on {}", router.id), error);
    Item { resource_type: Some("ECR"), resource_id: Some(router.id.to_string()), ..item }
}
