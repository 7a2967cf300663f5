//! Judges what a sweep has read.

use flow_log::{Action, FlowLog, ResourceId, Verdict};
use jiff::Timestamp;
use openapi::Session;

use super::{
    age::{self, is_within_grace_period},
    destinations_in_use::DestinationsInUse,
    inventory::Inventory,
    own::is_deletable,
    sorted::Seen,
    superfluous,
    work::ResourceWork,
};
use crate::{
    Item, Outcome,
    converge::Converger,
    decision::{Decision, Subject},
    items,
    limits::Withheld,
    report::ReportBuilder,
};

/// Returns the work, and the resources whose flow log should have left a transitional state long ago. Reports the
/// resources that need no change or that this function may not change, and adds the destinations that are in use.
/// `expects_events` says whether events should have announced new resources before.
pub(super) fn judge(
    converger: &Converger<'_>,
    mut inventory: Inventory,
    may_replace: bool,
    destinations: &mut DestinationsInUse,
    expects_events: bool,
    report: &mut ReportBuilder,
) -> (Vec<ResourceWork>, Vec<Subject>) {
    let session = converger.session;
    let judges_all = converger.capabilities.selects.has_all_resources();
    if judges_all {
        report_unattached(converger, &inventory, report);
    }
    let (mut work, mut stuck) = (Vec::new(), Vec::new());
    for (resource, seen) in std::mem::take(&mut inventory.resources).into_all() {
        if matches!(seen, Seen::InOrder { .. }) {
            continue;
        }
        let observed = inventory.take(&resource);
        if let Some(item) = items::shared_by_other(session, &resource) {
            if judges_all {
                report.add(item);
            }
            continue;
        }
        let vpc = resource.vpc().and_then(|vpc| inventory.vpcs.get(vpc));
        let mut decision = converger.decide(&resource, vpc, &observed, Withheld::default());
        decision.plan.needs_replacement &= may_replace;
        if decision.out_of_scope {
            let is_at_other_level = |it: &&FlowLog| it.is_own() && it.resource_id == resource.id.as_str();
            if judges_all {
                let reason = &decision.plan.reason;
                let found = observed.iter().filter(is_at_other_level);
                report.items.extend(found.map(|flow_log| at_other_level(session, flow_log, reason)));
                report.items.extend(superfluous::foreign(session, &resource, &observed));
            }
            continue;
        }
        destinations.add(decision.desired.as_deref(), &observed);
        let unannounced = expects_events.then(|| age::should_have_been_announced(&resource, session.now())).flatten();
        let decision = decision.hinting_at(unannounced);
        let subject = Subject { vpc: vpc.cloned(), resource, unannounced };
        // The decision needs all flow logs of the resource.
        let must_read = seen == Seen::HasAnother || inventory.has_unread_flow_logs;
        if must_read && (seen == Seen::HasAnother || !decision.changes.is_empty()) {
            report.count_checked();
            work.push(ResourceWork::new(subject, observed, decision).deferred());
        } else if !decision.changes.is_empty() || decision.plan.needs_replacement {
            report.count_checked();
            work.push(ResourceWork::new(subject, observed, decision));
        } else if judges_all && is_stuck(&decision, &observed, session.now()) {
            report.count_checked();
            stuck.push(subject);
        } else if judges_all || decision.is_in_order() || decision.plan.verdict == Verdict::Unknown {
            report.add(decision.into_item(&subject.resource, &observed, converger.listing));
        }
        // Anything else about scheduled resources is reported by a function that judges every resource.
    }
    (work, stuck)
}

/// Whether a flow log has been changing its state for too long. One of unknown age counts as young.
fn is_stuck(decision: &Decision, observed: &[FlowLog], now: Timestamp) -> bool {
    let is_it = |flow_log: &&FlowLog| decision.plan.flow_log.as_ref() == Some(&flow_log.id);
    decision.plan.verdict == Verdict::Pending
        && observed
            .iter()
            .find(is_it)
            .is_some_and(|flow_log| age::is_stuck(&flow_log.status, flow_log.creation_time, now))
}

/// Reports Flowkeeper's own flow logs whose resource is gone or at a level where the policy wants none, unless they are
/// being deleted, and those whose owner is not known.
fn report_unattached(converger: &Converger<'_>, inventory: &Inventory, report: &mut ReportBuilder) {
    let (levels, session) = (converger.policy.levels(), converger.session);
    let unread = inventory.flow_logs.values().flatten().filter(|flow_log| flow_log.tags.is_none());
    for flow_log in unread.filter(|it| !inventory.resources.contains(&it.resource_id)) {
        let (id, resource) = (&flow_log.id, &flow_log.resource_id);
        let reason = format!("the tags of {id} on {resource} cannot be read, so its owner is unknown");
        report.items.push(Item::of_flow_log(session, flow_log, Verdict::Unknown, Outcome::Skipped, reason));
    }
    for flow_log in inventory.flow_logs.values().flatten().filter(|flow_log| is_deletable(flow_log)) {
        let recorded: Option<ResourceId> = flow_log.resource_id.parse().ok();
        let Some(id) = recorded.filter(|id| !inventory.resources.contains(id.as_str())) else { continue };
        if !levels.contains(&id.resource_type()) {
            let reason = format!("flow logs are kept at other levels than that of a {}", id.resource_type());
            report.items.push(at_other_level(session, flow_log, &reason));
        } else if inventory.levels.contains(&id.resource_type())
            && !inventory.has_unread_resources
            && (flow_log.creation_time.is_none() || !is_within_grace_period(flow_log, session.now()))
        {
            report.add(orphaned(session, flow_log));
        }
    }
}

/// Returns the result for Flowkeeper's own flow log whose resource is gone. Another function deletes it.
fn orphaned(session: &Session<'_>, flow_log: &FlowLog) -> Item {
    let (id, resource) = (&flow_log.id, &flow_log.resource_id);
    let why = items::may_not_call(Action::DeleteFlowLog);
    let reason = format!("{resource} is gone, and {id} recorded it; {why}");
    Item::of_flow_log(session, flow_log, Verdict::Orphaned, Outcome::Skipped, reason)
}

/// Returns the result for Flowkeeper's own flow log at a level where the policy wants none, as after a change of its
/// levels. Traffic that is recorded twice is paid for twice.
fn at_other_level(session: &Session<'_>, flow_log: &FlowLog, why: &str) -> Item {
    let reason = format!("{} is on {}, and {why}; delete it if it is not needed", flow_log.id, flow_log.resource_id);
    Item::of_flow_log(session, flow_log, Verdict::Drifted, Outcome::Skipped, reason)
}
