//! Deletes Flowkeeper's own flow logs whose resource is gone: they record nothing and count against the quota.
//!
//! If the policy says so, also deletes its own flow logs that record what another one records already.

use flow_log::{
    Action, Desired, FlowLog, Policy, Resource, ResourceId, ResourceType, Status, Verdict, desired, names::Tags,
    policy::Superfluous, superfluous_under,
};
use futures_util::{FutureExt as _, StreamExt as _, TryStreamExt as _, stream};
use openapi::{CallError, Entry, ErrorKind, FlowLogFilter, Listing, NetworkInterfaceFilter, Session, VSwitchFilter};

use super::{CONCURRENCY, replacements::is_gone, within_grace_period};
use crate::{
    Item, Outcome, Target,
    converge::{self, Converger},
    items, limits,
    poll::Poll,
    report::ReportBuilder,
    resolve,
    writer::{Confirm, Write, WriteOutcome},
};

/// A flow log to delete, and why.
struct Doomed {
    flow_log: FlowLog,
    verdict: Verdict,
    reason: String,
    /// The resource, if it still exists and a flow log on a parent covers it.
    covered: Option<Resource>,
    /// Why the flow log is left alone after all, if its resource is excluded.
    left_alone: Option<String>,
}

/// Deletes Flowkeeper's own flow logs in the region of the session whose resource is gone, and the superfluous ones if
/// the policy says so.
pub(crate) async fn sweep(converger: &Converger<'_>) -> ReportBuilder {
    let (session, policy) = (converger.session, converger.policy);
    let mut report = ReportBuilder::default();
    let own_tag = own_tag();
    let own = FlowLogFilter { tags: Some(&own_tag), ..FlowLogFilter::default() };
    let own = match session.describe_flow_logs(&own).await {
        Ok(found) => {
            report.items.extend(found.unreadable.iter().map(|it| items::item_unread(session, "flow logs", it)));
            found.items.into_iter().filter(is_deletable).collect::<Vec<_>>()
        }
        Err(error) => return items::region_unread(session, "flow logs", &error).into(),
    };
    let (mut missing, mut doomed) = (Vec::new(), Vec::new());
    for resource_type in ResourceType::ALL {
        let of_type: Vec<_> = own
            .iter()
            .filter_map(|it| recorded(it).filter(|id| id.resource_type() == resource_type).map(|id| (it, id)))
            .collect();
        let ids: Vec<_> = of_type.iter().map(|(_, id)| id.clone()).collect();
        match existing(session, resource_type, &ids).await {
            Ok(found) => {
                report
                    .items
                    .extend(found.unreadable.iter().map(|it| items::item_unread(session, resource_type.plural(), it)));
                for (flow_log, id) in of_type {
                    if let Some(resource) = found.items.iter().find(|resource| resource.id == id) {
                        match superfluous(converger, flow_log, resource, &own) {
                            Some(it) => doomed.push(it),
                            None => report.count_unlisted(),
                        }
                    } else if found.is_complete() && flow_log.creation_time.is_none() {
                        report.add(of_unknown_age(session, flow_log));
                    } else if !found.is_complete() || within_grace_period(flow_log, session.now()) {
                        report.count_unlisted();
                    } else {
                        missing.push((flow_log, id));
                    }
                }
            }
            Err(error) => report.items.push(items::region_unread(session, resource_type.plural(), &error)),
        }
    }
    doomed.extend(confirm_gone(converger, missing, &mut report).await);
    let (left_alone, doomed): (Vec<_>, Vec<_>) = doomed.into_iter().partition(|it| it.left_alone.is_some());
    for it in left_alone {
        report.count_checked();
        report.items.extend(left_alone_item(session, &it));
    }
    let refused = limits::exceeded(policy.limits, doomed.len(), report.checked() + doomed.len());
    if let Some(why) = refused {
        report.refuse(session, &why);
        if !converger.writer.is_dry_run() {
            report.items.extend(doomed.iter().map(|it| {
                let item = Item::of_flow_log(session, &it.flow_log, it.verdict, Outcome::Skipped, it.reason.clone());
                let suffix = "; not done, as the sweep would delete too much";
                items::not_applied(item, Action::DeleteFlowLog, Some(&it.flow_log.id), suffix)
            }));
            return report;
        }
    }
    let work: Vec<_> = doomed.into_iter().map(|it| Box::pin(delete(converger, it))).collect();
    report.items.extend(stream::iter(work).buffer_unordered(CONCURRENCY).collect::<Vec<_>>().await);
    report.sort();
    report
}

/// Deletes Flowkeeper's own flow logs on the resource `id`, which `target` says was deleted.
pub(crate) async fn delete_for_resource(converger: &Converger<'_>, target: &Target, id: &ResourceId) -> ReportBuilder {
    let session = converger.session;
    let on_it = match flow_logs_on(session, id).await {
        Ok(found) => found,
        Err(error) => return items::target_unread(target, &error).into(),
    };
    let mut items: Vec<_> = on_it.unreadable.iter().map(|it| items::item_unread(session, "flow logs", it)).collect();
    let on_it: Vec<_> = on_it.items.into_iter().filter(|it| it.status != Status::Deleting).collect();
    if on_it.is_empty() {
        if items.is_empty() {
            items.push(Item::of_target(target, Outcome::Skipped, format!("{id} had no flow log")));
        }
        return items.into();
    }
    let mut poll = Poll::new(session);
    loop {
        match resolve::read(session, id).await {
            Ok(found) if found.items.is_empty() && found.is_complete() => break,
            Ok(_) if poll.wait(session).await => {}
            Ok(_) => {
                items.push(resolve::still_there(target, session.now()));
                return items.into();
            }
            Err(error) => {
                items.push(items::target_unread(target, &error));
                return items.into();
            }
        }
    }
    for flow_log in on_it {
        items.push(delete(converger, orphan(converger.policy, flow_log)).await);
    }
    items.into()
}

/// Reads the flow logs on a resource that may be gone. If the API refuses to look that up, finds them among
/// Flowkeeper's own.
async fn flow_logs_on(session: &Session<'_>, id: &ResourceId) -> Result<Listing<FlowLog>, CallError> {
    let on_it = FlowLogFilter { resource: Some(id), ..FlowLogFilter::default() };
    match session.describe_flow_logs(&on_it).await {
        Err(error) if error.kind() == ErrorKind::NotVisible => {
            let own_tag = own_tag();
            let own = FlowLogFilter { tags: Some(&own_tag), ..FlowLogFilter::default() };
            let mut found = session.describe_flow_logs(&own).await?;
            found.items.retain(|flow_log| flow_log.resource_id == id.as_str());
            Ok(found)
        }
        found => found,
    }
}

/// Returns the result for a flow log whose resource cannot be seen, and which may be new, as far as is known.
fn of_unknown_age(session: &Session<'_>, flow_log: &FlowLog) -> Item {
    let (id, resource) = (&flow_log.id, &flow_log.resource_id);
    let reason = format!(
        "{resource} cannot be seen, and {id} recorded it; the time at which {id} was made cannot be read, so it may be new, \
         and is not deleted"
    );
    Item::of_flow_log(session, flow_log, Verdict::Orphaned, Outcome::Skipped, reason)
}

fn own_tag() -> Tags {
    let (key, value) = FlowLog::OWN_TAG;
    key.parse().into_iter().zip(value.parse()).collect()
}

fn orphan(policy: &Policy, flow_log: FlowLog) -> Doomed {
    let reason = format!("{} is gone, and {} recorded it", flow_log.resource_id, flow_log.id);
    let is_excluded = recorded(&flow_log).is_some_and(|id| policy.exclude.ids.contains(&id));
    let left_alone = is_excluded.then(|| "the policy excludes it".to_owned());
    Doomed { flow_log, verdict: Verdict::Orphaned, reason, covered: None, left_alone }
}

/// Returns the flow logs whose resource is also not found when it is looked up by itself. A deletion cannot be undone,
/// so it must not depend on one incomplete answer.
async fn confirm_gone(
    converger: &Converger<'_>,
    missing: Vec<(&FlowLog, ResourceId)>,
    report: &mut ReportBuilder,
) -> Vec<Doomed> {
    let session = converger.session;
    let reads = missing.into_iter().map(|(flow_log, id)| {
        Box::pin(async move {
            let found = resolve::read(session, &id).await;
            (flow_log, found.map(|found| found.items.is_empty() && found.is_complete()))
        })
    });
    let mut reads = stream::iter(reads.collect::<Vec<_>>()).buffered(CONCURRENCY);
    let mut gone = Vec::new();
    while let Some((flow_log, is_gone)) = reads.next().await {
        match is_gone {
            Ok(true) => gone.push(orphan(converger.policy, flow_log.clone())),
            Ok(false) => report.count_unlisted(),
            Err(error) => {
                let reason = format!("{} could not be read", flow_log.resource_id);
                let item = Item::of_flow_log(session, flow_log, Verdict::Unknown, Outcome::Failed, reason);
                report.items.push(item.with_error(&error));
            }
        }
    }
    gone
}

/// Whether a flow log may be deleted. This does not rely on the filter of the API call.
fn is_deletable(flow_log: &FlowLog) -> bool {
    flow_log.is_own() && flow_log.status != Status::Deleting
}

/// Returns the resource that a flow log records, if its kind is known. A resource of an unknown kind is never missing.
fn recorded(flow_log: &FlowLog) -> Option<ResourceId> {
    flow_log.resource_id.parse().ok()
}

/// Returns a flow log that another own one above its resource makes superfluous. The policy must allow its deletion and
/// keep the flow log of that resource at the higher level.
fn superfluous(converger: &Converger<'_>, flow_log: &FlowLog, resource: &Resource, own: &[FlowLog]) -> Option<Doomed> {
    let policy = converger.policy;
    if policy.superfluous != Superfluous::Delete {
        return None;
    }
    let (_, cover) = superfluous_under(resource, own).into_iter().find(|(found, _)| found.id == flow_log.id)?;
    let covered_at = cover.resource_id.parse::<ResourceId>().ok()?.resource_type();
    let left_alone = match desired(resource, None, policy, converger.session.now()) {
        Desired::OtherLevel(level) if level == covered_at => None,
        Desired::Excluded { reason } => Some(reason),
        // The flow log is kept here or at another level, or the level is unknown, as when the tags of its VPC decide.
        _ => return None,
    };
    let reason = format!(
        "{} on {} records what {} on {} records already: it is paid for twice",
        flow_log.id, resource.id, cover.id, cover.resource_id
    );
    let covered = Some(resource.clone());
    Some(Doomed { flow_log: flow_log.clone(), verdict: Verdict::Drifted, reason, covered, left_alone })
}

/// Returns the resources with these ids that exist.
pub(super) async fn existing(
    session: &Session<'_>,
    resource_type: ResourceType,
    ids: &[ResourceId],
) -> Result<Listing<Resource>, CallError> {
    /// The most that the API accepts.
    const MAX_INTERFACES: usize = 100;
    /// vSwitches are looked up one by one. For more than this, listing all of them is cheaper.
    const MAX_VSWITCHES: usize = 20;
    if ids.is_empty() {
        return Ok(Listing::default());
    }
    match resource_type {
        ResourceType::Vpc => session.describe_vpcs(ids).await,
        ResourceType::VSwitch if ids.len() <= MAX_VSWITCHES => session.describe_vswitches(ids).await,
        ResourceType::VSwitch => {
            let all: Vec<Entry<Resource>> = session.vswitches(&VSwitchFilter::default()).try_collect().await?;
            let mut found: Listing<Resource> = all.into_iter().collect();
            found.items.retain(|vswitch| ids.contains(&vswitch.id));
            Ok(found)
        }
        ResourceType::NetworkInterface => {
            let mut found = Listing::default();
            for ids in ids.chunks(MAX_INTERFACES) {
                let these = NetworkInterfaceFilter { ids, ..NetworkInterfaceFilter::default() };
                found.append(session.describe_network_interfaces(&these).await?);
            }
            Ok(found)
        }
    }
}

/// Returns the result for a flow log that is kept because its resource is excluded.
fn left_alone_item(session: &Session<'_>, it: &Doomed) -> Option<Item> {
    let reason = format!("{}; {}", it.reason, it.left_alone.as_ref()?);
    let item = Item::of_flow_log(session, &it.flow_log, it.verdict, Outcome::Skipped, reason);
    Some(Item { is_exception: true, ..item })
}

async fn delete(converger: &Converger<'_>, it: Doomed) -> Item {
    let session = converger.session;
    if let Some(item) = left_alone_item(session, &it) {
        return item;
    }
    let item = |outcome, reason: String| Item::of_flow_log(session, &it.flow_log, it.verdict, outcome, reason);
    if !it.flow_log.is_own() {
        let why = if it.flow_log.tags.is_none() { "its tags cannot be read" } else { "others made it" };
        return item(Outcome::Skipped, format!("{}; {why}, and it is left alone", it.reason));
    }
    if let Some(resource) = &it.covered
        && let Some(why) = not_covered_now(session, resource, &it.flow_log).await
    {
        return item(Outcome::Skipped, format!("{}; not done, as {why}", it.reason));
    }
    let confirm = || is_gone(session, &it.flow_log.id).boxed();
    let confirm: &Confirm<'_, ()> = &confirm;
    let planned = Item { is_finding: false, ..item(Outcome::Done, it.reason.clone()) };
    match converger.writer.write(Write::Delete(&it.flow_log), planned, confirm).await {
        WriteOutcome::Planned(item) | WriteOutcome::Done(item) | WriteOutcome::Confirmed(item, ()) => item,
        WriteOutcome::Failed(item) | WriteOutcome::NotVisible(item) => item,
        WriteOutcome::Superseded(()) => {
            let reason = format!("{}; somebody else has deleted it", it.reason);
            Item { is_finding: false, ..item(Outcome::Unchanged, reason) }
        }
        WriteOutcome::NotPermitted => {
            item(Outcome::Skipped, format!("{}; this function may not call DeleteFlowLog", it.reason))
        }
    }
}

/// Reads again, just before the deletion, whether a flow log is superfluous. Returns why that is not certain.
async fn not_covered_now(session: &Session<'_>, resource: &Resource, flow_log: &FlowLog) -> Option<String> {
    let Ok(observed) = converge::flow_logs(session, resource).await else {
        return Some("the flow logs above it could not be read again".to_owned());
    };
    let is_it = |(found, _): &(&FlowLog, &FlowLog)| found.id == flow_log.id && found.is_own();
    let is_covered = superfluous_under(resource, &observed).iter().any(is_it);
    (!is_covered).then(|| "no flow log above it is active now".to_owned())
}
