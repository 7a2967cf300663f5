//! Turns observed flow logs and a desired state into a verdict and changes.

use crate::{
    Change, Desired, DesiredFlowLog, FlowLog, FlowLogSpec, Plan, Resource, ResourceId, Status, Verdict,
    plan::{has_more_than_one, keeps_off, lacks_own_tag, other_destination},
    policy::Foreign,
    vpc::diff::{Diff, records_less},
};

/// Returns the verdict on `resource`, and the changes that bring it to its desired state, given the flow logs observed
/// on it and on its VPC and vSwitch.
///
/// A plan made from its own result is empty.
#[must_use]
pub fn plan(resource: &Resource, observed: &[FlowLog], desired: &Desired, foreign: Foreign) -> Plan<Change> {
    match desired {
        Desired::Excluded { reason } => Plan { is_exception: true, ..Plan::settled(Verdict::Excluded, None, reason) },
        Desired::Invalid { reason } => Plan::finding(Verdict::Unsupported, None, reason),
        Desired::Unknown { reason } => Plan::finding(Verdict::Unknown, None, reason),
        Desired::OtherLevel(level) => {
            let own = resource.id.resource_type();
            Plan::settled(Verdict::Excluded, None, format!("flow logs are kept at the level {level}, not {own}"))
        }
        Desired::FlowLog(desired) => {
            let plan = plan_desired(resource, observed, desired, foreign);
            let is_exception =
                matches!(plan.verdict, Verdict::Paused | Verdict::DueToPause) && desired.exception().is_some();
            Plan { is_exception, ..plan }
        }
    }
}

fn plan_desired(resource: &Resource, observed: &[FlowLog], desired: &DesiredFlowLog, foreign: Foreign) -> Plan<Change> {
    let id = &resource.id;
    if resource.is_service_managed {
        let reason = format!("{id} is managed by a cloud service, and cannot have a flow log of its own");
        return plan_covered(resource, observed, desired)
            .unwrap_or_else(|| Plan::finding(Verdict::Unsupported, None, reason));
    }
    // An active flow log, or one about to be active, says most about the resource; of equals, Flowkeeper's own comes
    // first.
    let best = on(id, observed).min_by_key(|flow_log| (flow_log.status.steps_to_active(), !flow_log.is_own()));
    let others: Vec<_> = on(id, observed).filter(|other| best.is_some_and(|best| best.id != other.id)).collect();
    let plan = match best {
        Some(flow_log) if flow_log.tags.is_none() => {
            let reason = format!("the tags of {} on {id} cannot be read, so its owner is unknown", flow_log.id);
            Plan::finding(Verdict::Unknown, Some(&flow_log.id), reason)
        }
        Some(flow_log) if flow_log.status == Status::Active => plan_active(flow_log, desired, foreign),
        Some(flow_log) if is_pending(&flow_log.status) => plan_pending(flow_log, desired, foreign),
        _ => plan_covered(resource, observed, desired).unwrap_or_else(|| match best {
            Some(flow_log) => plan_inactive(flow_log, desired, foreign),
            None => plan_missing(resource, observed, desired),
        }),
    };
    let plan = match &desired.note {
        Some(note) => Plan { converges: false, reason: format!("{}; {note}", plan.reason), ..plan },
        None => plan,
    };
    if others.is_empty() {
        return plan;
    }
    let others: Vec<_> = others.iter().map(|other| other.id.as_str()).collect();
    let reason = format!("{}; {}", plan.reason, has_more_than_one(id.as_str(), &others));
    // The API creates no flow log while another exists, so the old one would be deleted for nothing.
    Plan { converges: false, needs_replacement: false, reason, ..plan }
}

/// Plans for a resource on which nothing records or could record.
fn plan_missing(resource: &Resource, observed: &[FlowLog], desired: &DesiredFlowLog) -> Plan<Change> {
    let id = &resource.id;
    if !desired.is_on {
        return Plan::settled(Verdict::Paused, None, keeps_off(desired));
    }
    let changes = vec![Change::Create(Box::new(desired.spec.clone()))];
    // A resource holds one flow log, so a new one has to wait until the old one is gone.
    let leaving = observed.iter().find(|flow_log| flow_log.resource_id == id.as_str());
    if let Some(leaving) = leaving {
        let reason = format!("{} is {}, and a new one can be made once it is gone", leaving.id, leaving.status);
        return Plan { changes, ..Plan::settled(Verdict::Pending, Some(&leaving.id), reason) };
    }
    let reason = match partial_cover(resource, observed, desired) {
        Some(partial) => format!("no active flow log covers all of {id}: {partial}"),
        None => format!("no active flow log covers {id}"),
    };
    Plan { changes, ..Plan::settled(Verdict::Missing, None, reason) }
}

/// Plans for a flow log on the resource itself that is in a transitional state. It must reach its target state before
/// the next change.
fn plan_pending(flow_log: &FlowLog, desired: &DesiredFlowLog, foreign: Foreign) -> Plan<Change> {
    let arrived = |status| FlowLog { status, ..flow_log.clone() };
    let then = match flow_log.status {
        Status::Activating => plan_active(&arrived(Status::Active), desired, foreign),
        Status::Deactivating => plan_inactive(&arrived(Status::Inactive), desired, foreign),
        // It is unknown whether it recorded before, but its new fields are already visible.
        Status::Modifying if desired.is_on => plan_active(&arrived(Status::Active), desired, foreign),
        _ => Plan::settled(Verdict::Pending, None, ""),
    };
    let plan = Plan::settled(Verdict::Pending, Some(&flow_log.id), format!("{} is {}", flow_log.id, flow_log.status));
    if then.changes.is_empty() {
        return plan;
    }
    Plan { reason: format!("{}; then: {}", plan.reason, then.reason), changes: then.changes, ..plan }
}

/// Plans for a resource that is covered, or about to be covered, by a flow log on its VPC or vSwitch.
fn plan_covered(resource: &Resource, observed: &[FlowLog], desired: &DesiredFlowLog) -> Option<Plan<Change>> {
    let parents = || resource.parents.iter().flat_map(|parent| on(parent, observed));
    let is_full = |flow_log: &&FlowLog| records_less(flow_log, &desired.spec).is_none();
    let covering = parents().filter(|flow_log| flow_log.status == Status::Active).filter(is_full);
    // Prefer one that delivers.
    if let Some(covering) = covering.min_by_key(|flow_log| flow_log.impairment().is_some()) {
        let verdict = if covering.is_own() { Verdict::Compliant } else { Verdict::Foreign };
        let mut reason = format!("covered by {} on {}", covering.id, covering.resource_id);
        if !covering.is_own()
            && let Some(destination) = delivers_elsewhere(covering, &desired.spec)
        {
            reason = format!("{reason}, which others made{destination}");
        }
        return Some(match covering.impairment() {
            None => Plan::settled(verdict, Some(&covering.id), reason),
            Some(why) => Plan::finding(Verdict::Undelivered, Some(&covering.id), format!("{reason}, but {why}")),
        });
    }
    // Only a flow log that is being activated, created or modified is about to cover it; one that is being deactivated
    // is not.
    let is_coming = |flow_log: &&FlowLog| matches!(flow_log.status, Status::Activating | Status::Modifying);
    let coming = parents().filter(is_full).find(is_coming)?;
    let reason = format!("about to be covered by {}, which is {}", coming.id, coming.status);
    Some(Plan::settled(Verdict::Pending, Some(&coming.id), reason))
}

/// Describes the flow log that covers the resource in part, and what it does not record.
fn partial_cover(resource: &Resource, observed: &[FlowLog], desired: &DesiredFlowLog) -> Option<String> {
    let mut active = resource.parents.iter().flat_map(|parent| on(parent, observed));
    let flow_log = active.find(|flow_log| flow_log.status == Status::Active)?;
    let lacks = records_less(flow_log, &desired.spec)?;
    Some(format!("covered in part by {} on {}, which records {lacks}", flow_log.id, flow_log.resource_id))
}

/// The flow logs on the resource itself, except those being deleted.
fn on<'a>(id: &ResourceId, observed: &'a [FlowLog]) -> impl Iterator<Item = &'a FlowLog> {
    observed.iter().filter(move |flow_log| flow_log.resource_id == id.as_str() && flow_log.status != Status::Deleting)
}

const fn is_pending(status: &Status) -> bool {
    matches!(status, Status::Activating | Status::Deactivating | Status::Modifying)
}

/// Whether Flowkeeper may change a flow log.
fn is_managed(flow_log: &FlowLog, foreign: Foreign) -> bool {
    flow_log.is_own() || (foreign == Foreign::Manage && !flow_log.is_managed_by_sls())
}

/// Plans for an active flow log on the resource itself that Flowkeeper leaves alone.
fn plan_foreign(flow_log: &FlowLog, desired: &DesiredFlowLog) -> Plan<Change> {
    let (id, spec) = (&flow_log.id, &desired.spec);
    let by = if flow_log.is_managed_by_sls() { "SLS" } else { "others" };
    let mut reason = format!("covered by {id}, which {by} made");
    if let Some(destination) = delivers_elsewhere(flow_log, spec) {
        reason.push_str(&destination);
    }
    if let Some(why) = flow_log.impairment() {
        return Plan::finding(Verdict::Undelivered, Some(&flow_log.id), format!("{reason}, but {why}"));
    }
    if let Some(lacks) = records_less(flow_log, spec) {
        let partial = format!("covered in part by {id}, which {by} made and which records {lacks}");
        return Plan::finding(Verdict::Foreign, Some(&flow_log.id), partial);
    }
    if let Some(lost) = lost_tag(flow_log, spec) {
        return Plan::finding(Verdict::Foreign, Some(&flow_log.id), format!("{reason}; {lost}"));
    }
    Plan::settled(Verdict::Foreign, Some(&flow_log.id), reason)
}

/// Where a foreign flow log delivers to, if it differs from the policy.
fn delivers_elsewhere(flow_log: &FlowLog, spec: &FlowLogSpec) -> Option<String> {
    let observed = (flow_log.project.as_deref(), flow_log.log_store.as_deref());
    other_destination(observed, &spec.project, &spec.log_store)
}

/// Notes that a flow log equals what Flowkeeper would create but lacks its tag: most likely somebody removed the tag.
fn lost_tag(flow_log: &FlowLog, spec: &FlowLogSpec) -> Option<String> {
    let is_alike = !flow_log.is_managed_by_sls()
        && flow_log.tags.is_some()
        && flow_log.name.as_deref() == Some(spec.name.as_str())
        && flow_log.project.as_deref() == Some(spec.project.as_str())
        && flow_log.log_store.as_deref() == Some(spec.log_store.as_str());
    is_alike.then(lacks_own_tag)
}

/// Plans for a flow log on the resource itself that records.
fn plan_active(flow_log: &FlowLog, desired: &DesiredFlowLog, foreign: Foreign) -> Plan<Change> {
    let id = &flow_log.id;
    if !is_managed(flow_log, foreign) {
        return plan_foreign(flow_log, desired);
    }
    if !desired.is_on {
        let reason = format!("{id} records, and {}", keeps_off(desired));
        let plan = Plan::settled(Verdict::DueToPause, Some(&flow_log.id), reason);
        return Plan { changes: vec![Change::Deactivate(id.clone())], ..plan };
    }
    let diff = Diff::of(flow_log, &desired.spec);
    let needs_replacement = needs_replacement(flow_log, &diff);
    if let Some(why) = flow_log.impairment() {
        let plan = Plan::finding(Verdict::Undelivered, Some(id), format!("{id} records, but {why}"));
        return Plan { changes: diff.in_place, needs_replacement, ..plan };
    }
    if diff.is_empty() {
        let verdict = if flow_log.is_own() { Verdict::Compliant } else { Verdict::Foreign };
        return Plan::settled(verdict, Some(&flow_log.id), format!("{id} records"));
    }
    let reason = format!("{id} differs from the policy: {}", diff.differences.join(", "));
    Plan {
        changes: diff.in_place,
        converges: !diff.needs_new,
        needs_replacement,
        ..Plan::settled(Verdict::Drifted, Some(&flow_log.id), reason)
    }
}

/// Plans for a flow log on the resource itself that does not record. No other can be created, as a resource holds only
/// one.
fn plan_inactive(flow_log: &FlowLog, desired: &DesiredFlowLog, foreign: Foreign) -> Plan<Change> {
    let id = &flow_log.id;
    if flow_log.status == Status::Inactive && is_managed(flow_log, foreign) {
        if !desired.is_on {
            // Its fields matter once it is on again.
            let reason = format!("{id} is off, and {}", keeps_off(desired));
            return Plan::settled(Verdict::Paused, Some(&flow_log.id), reason);
        }
        let diff = Diff::of(flow_log, &desired.spec);
        let needs_replacement = needs_replacement(flow_log, &diff);
        // Recording comes first.
        let mut changes = vec![Change::Activate(id.clone())];
        changes.extend(diff.in_place);
        let reason = format!("{id} is Inactive, and {} wants it on", desired.governed_by);
        let plan = Plan::settled(Verdict::Inactive, Some(&flow_log.id), reason);
        return Plan { changes, converges: !diff.needs_new, needs_replacement, ..plan };
    }
    let whose = if flow_log.is_managed_by_sls() {
        ", made by SLS, which alone may switch it on".to_owned()
    } else if flow_log.is_own() {
        String::new()
    } else {
        let lost = lost_tag(flow_log, &desired.spec).map(|lost| format!("; {lost}")).unwrap_or_default();
        format!(", made by others, and is left to them{lost}")
    };
    let reason = format!("{id} is {}{whose}; a resource holds one flow log", flow_log.status);
    if !desired.is_on && flow_log.status == Status::Inactive {
        return Plan::settled(Verdict::Paused, Some(&flow_log.id), format!("{reason}; {}", keeps_off(desired)));
    }
    Plan::finding(Verdict::Inactive, Some(&flow_log.id), reason)
}

/// Whether some difference can only be fixed by a new flow log. Foreign flow logs are never replaced.
fn needs_replacement(flow_log: &FlowLog, diff: &Diff) -> bool {
    diff.needs_new && flow_log.is_own()
}
