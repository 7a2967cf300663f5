//! Flow logs of ours whose resource is gone: nothing records into them, and they count against the quota.

use std::collections::BTreeSet;

use flow_log::{FlowLog, ResourceId, ResourceType, Status, Verdict, names::Tags, plan_orphan};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use openapi::{CallError, FlowLogFilter, NetworkInterfaceFilter, Remedy, Session, VSwitchFilter};

use crate::{
    Item, Outcome, Target,
    keeper::CONCURRENCY,
    report::Part,
    resolve,
    settle::{Settler, is_gone},
    sweep::{excess, is_young, unread},
    wait::Pauses,
};

const ACTION: &str = "DeleteFlowLog";

/// Deletes the flow logs of ours in the region of the session whose resource is gone.
pub(crate) async fn sweep(settler: &Settler<'_>, session: &Session<'_>) -> Part {
    let mut part = Part::default();
    let own = own_tag();
    let ours = FlowLogFilter { tags: Some(&own), ..FlowLogFilter::default() };
    let ours = match session.describe_flow_logs(&ours).await {
        Ok(found) => found.into_iter().filter(is_ours).collect::<Vec<_>>(),
        Err(error) => return unread(session, "flow logs", &error).into(),
    };
    let mut gone = Vec::new();
    for level in ResourceType::ALL {
        let of_level: Vec<_> = ours
            .iter()
            .filter_map(|it| recorded(it).filter(|id| id.resource_type() == level).map(|id| (it, id)))
            .collect();
        let ids: Vec<_> = of_level.iter().map(|(_, id)| id.clone()).collect();
        match there(session, level, &ids).await {
            Ok(there) => {
                for (flow_log, id) in of_level {
                    if there.contains(&id) || is_young(flow_log, session.now()) {
                        part.count_unlisted();
                    } else {
                        gone.push((flow_log, id));
                    }
                }
            }
            Err(error) => part.items.push(unread(session, &format!("{level}s"), &error)),
        }
    }
    let gone = really_gone(session, gone, &mut part).await;
    let (gone, left): (Vec<_>, Vec<_>) = gone.into_iter().partition(|flow_log| !is_excluded(settler, flow_log));
    for flow_log in left {
        part.count_checked();
        part.items.push(excluded(session, flow_log));
    }
    let excess = excess(settler.policy.limits, gone.len(), part.checked() + gone.len());
    if let Some(excess) = excess.filter(|_| !settler.dry_run) {
        part.items.extend(gone.iter().map(|flow_log| {
            let reason = format!("{}; not done, as the sweep would delete too much", plan_orphan(flow_log).reason);
            Item { action: Some(ACTION), ..Item::of_orphan(session, flow_log, Outcome::Skipped, reason) }
        }));
        part.refuse(session, &excess);
        return part;
    }
    let work: Vec<_> = gone.into_iter().map(|flow_log| Box::pin(delete(settler, session, flow_log))).collect();
    part.items.extend(stream::iter(work).buffer_unordered(CONCURRENCY).collect::<Vec<_>>().await);
    part.sort();
    part
}

/// Deletes the flow log of ours on the resource `id`, which `target` says was deleted.
pub(crate) async fn of(settler: &Settler<'_>, session: &Session<'_>, target: &Target, id: &ResourceId) -> Part {
    let on_it = match flow_logs_on(session, id).await {
        Ok(found) => found.into_iter().filter(|it| it.status != Status::Deleting).collect::<Vec<_>>(),
        Err(error) => return resolve::unread(target, &error).into(),
    };
    if on_it.is_empty() {
        return Item::of_target(target, Outcome::Skipped, format!("{id} had no flow log")).into();
    }
    let mut pauses = Pauses::new(session);
    loop {
        match resolve::read(session, id).await {
            Ok(found) if found.is_empty() => break,
            Ok(_) if pauses.wait(session).await => {}
            Ok(_) => return resolve::still_there(target, session.now()).into(),
            Err(error) => return resolve::unread(target, &error).into(),
        }
    }
    let mut items = Vec::new();
    for flow_log in &on_it {
        items.push(delete(settler, session, flow_log).await);
    }
    items.into()
}

/// The flow logs on a resource that may be gone, which the API may refuse to ask for: then those of ours among all.
async fn flow_logs_on(session: &Session<'_>, id: &ResourceId) -> Result<Vec<FlowLog>, CallError> {
    let on_it = FlowLogFilter { resource: Some(id), ..FlowLogFilter::default() };
    match session.describe_flow_logs(&on_it).await {
        Err(error) if error.code() == Some("InvalidInstanceId") => {
            let own = own_tag();
            let ours = FlowLogFilter { tags: Some(&own), ..FlowLogFilter::default() };
            let mut found = session.describe_flow_logs(&ours).await?;
            found.retain(|flow_log| flow_log.resource_id == id.as_str());
            Ok(found)
        }
        found => found,
    }
}

fn own_tag() -> Tags {
    let (key, value) = FlowLog::OWN_TAG;
    key.parse().into_iter().zip(value.parse()).collect()
}

/// Those whose resource is not there when it is asked for by itself, either. A deletion is not undone, so it does not
/// rest on one answer in which something was missing.
async fn really_gone<'f>(
    session: &Session<'_>,
    gone: Vec<(&'f FlowLog, ResourceId)>,
    part: &mut Part,
) -> Vec<&'f FlowLog> {
    let looks = gone.into_iter().map(|(flow_log, id)| {
        Box::pin(async move { (flow_log, resolve::read(session, &id).await.map(|found| found.is_empty())) })
    });
    let mut looks = stream::iter(looks.collect::<Vec<_>>()).buffered(CONCURRENCY);
    let mut gone = Vec::new();
    while let Some((flow_log, look)) = looks.next().await {
        match look {
            Ok(true) => gone.push(flow_log),
            Ok(false) => part.count_unlisted(),
            Err(error) => {
                let reason = format!("{} could not be read", flow_log.resource_id);
                let item = Item::of_orphan(session, flow_log, Outcome::Failed, reason);
                part.items.push(Item { verdict: Some(Verdict::Unknown), ..item }.with_error(&error));
            }
        }
    }
    gone
}

/// Whether it may be deleted; the API's filter is not relied upon for that.
fn is_ours(flow_log: &FlowLog) -> bool {
    flow_log.is_own() && flow_log.status != Status::Deleting
}

/// What it records, where that is of a kind that is known here. What is not known is not missed.
fn recorded(flow_log: &FlowLog) -> Option<ResourceId> {
    flow_log.resource_id.parse().ok()
}

/// Those of the ids whose resource is there.
async fn there(
    session: &Session<'_>,
    level: ResourceType,
    ids: &[ResourceId],
) -> Result<BTreeSet<ResourceId>, CallError> {
    /// As many as the API takes.
    const MOST_INTERFACES: usize = 100;
    /// vSwitches are asked for one by one, so that for more it is cheaper to list them all.
    const FEW_VSWITCHES: usize = 20;
    if ids.is_empty() {
        return Ok(BTreeSet::new());
    }
    let found = match level {
        ResourceType::Vpc => session.describe_vpcs(ids).await?,
        ResourceType::VSwitch if ids.len() <= FEW_VSWITCHES => session.describe_vswitches(ids).await?,
        ResourceType::VSwitch => session.vswitches(&VSwitchFilter::default()).try_collect().await?,
        ResourceType::NetworkInterface => {
            let mut found = Vec::new();
            for ids in ids.chunks(MOST_INTERFACES) {
                let these = NetworkInterfaceFilter { ids, ..NetworkInterfaceFilter::default() };
                found.extend(session.describe_network_interfaces(&these).await?);
            }
            found
        }
    };
    Ok(found.into_iter().map(|resource| resource.id).collect())
}

fn is_excluded(settler: &Settler<'_>, flow_log: &FlowLog) -> bool {
    recorded(flow_log).is_some_and(|id| settler.policy.exclude.ids.contains(&id))
}

fn excluded(session: &Session<'_>, flow_log: &FlowLog) -> Item {
    let reason = format!("{}; the policy excludes it", plan_orphan(flow_log).reason);
    Item::of_orphan(session, flow_log, Outcome::Skipped, reason)
}

async fn delete(settler: &Settler<'_>, session: &Session<'_>, flow_log: &FlowLog) -> Item {
    if is_excluded(settler, flow_log) {
        return excluded(session, flow_log);
    }
    let plan = plan_orphan(flow_log);
    let item = |outcome, reason: String| Item::of_orphan(session, flow_log, outcome, reason);
    if plan.changes.is_empty() {
        return item(Outcome::Skipped, format!("{}; others made it, and it is left to them", plan.reason));
    }
    let item = |outcome, reason| Item { action: Some(ACTION), ..item(outcome, reason) };
    if settler.dry_run {
        return item(Outcome::Planned, plan.reason);
    }
    match session.delete_flow_log(&flow_log.id).await {
        Ok(()) => item(Outcome::Done, plan.reason),
        Err(error) if is_gone(&error) => {
            let reason = format!("{}; somebody else has deleted it", plan.reason);
            Item { action: None, is_finding: false, ..item(Outcome::Unchanged, reason) }
        }
        Err(error) if error.remedy() == Remedy::ReadAgain && was_deleted(session, flow_log).await => {
            item(Outcome::Done, format!("{}; the call was not answered, and had been done", plan.reason))
        }
        Err(error) => item(Outcome::Failed, format!("{ACTION} of {} failed", flow_log.id)).with_error(&error),
    }
}

/// Looks whether a call to delete that did not say so has been done.
async fn was_deleted(session: &Session<'_>, flow_log: &FlowLog) -> bool {
    let it = FlowLogFilter { id: Some(&flow_log.id), ..FlowLogFilter::default() };
    let mut pauses = Pauses::new(session);
    loop {
        match session.describe_flow_logs(&it).await {
            Ok(found) if found.iter().all(|found| found.status == Status::Deleting) => return true,
            Ok(_) if pauses.wait(session).await => {}
            _ => return false,
        }
    }
}
