//! Turns the observed flow logs of a virtual border router and its desired state into a verdict and changes.

use std::borrow::Cow;

use crate::{
    AttachedVbr, Desired, DesiredFlowLog, EcrChange, EcrFlowLog, EcrFlowLogSpec, EcrFlowLogUpdate, Plan, RegionId,
    Status, Verdict,
    names::ResourceGroupId,
    plan::{has_more_than_one, keeps_off, lacks_own_tag, other_destination},
};

/// Returns the verdict on `vbr`, and the changes that bring its flow log to its desired state, given the flow logs
/// observed on its router.
///
/// A foreign flow log counts, and is left alone. What cannot be changed in place is a finding.
#[must_use]
pub fn plan_ecr(vbr: &AttachedVbr, observed: &[EcrFlowLog], desired: &Desired<EcrFlowLogSpec>) -> Plan<EcrChange> {
    match desired {
        Desired::Excluded { reason } => Plan { is_exception: true, ..Plan::settled(Verdict::Excluded, None, reason) },
        Desired::Invalid { reason } => Plan::finding(Verdict::Unsupported, None, reason),
        Desired::Unknown { reason } => Plan::finding(Verdict::Unknown, None, reason),
        // Virtual border routers are the only level.
        Desired::OtherLevel(_) => Plan::finding(Verdict::Unsupported, None, "a virtual border router has no levels"),
        Desired::FlowLog(desired) => {
            let plan = plan_desired(vbr, observed, desired);
            let plan = with_others(plan, vbr, observed);
            let is_exception =
                matches!(plan.verdict, Verdict::Paused | Verdict::DueToPause) && desired.exception().is_some();
            let plan = Plan { is_exception, ..plan };
            match &desired.note {
                Some(note) => Plan { converges: false, reason: format!("{}; {note}", plan.reason), ..plan },
                None => plan,
            }
        }
    }
}

fn plan_desired(
    vbr: &AttachedVbr,
    observed: &[EcrFlowLog],
    desired: &DesiredFlowLog<EcrFlowLogSpec>,
) -> Plan<EcrChange> {
    let on_it =
        observed.iter().filter(|found| found.instance_id == vbr.id.as_str() && found.status != Status::Deleting);
    let Some(found) = on_it.min_by_key(|found| (found.status.steps_to_active(), !found.is_own())) else {
        if !desired.is_on {
            return Plan::settled(Verdict::Paused, None, keeps_off(desired));
        }
        let missing = Plan::settled(Verdict::Missing, None, format!("no active flow log records {}", vbr.id));
        return Plan { changes: vec![EcrChange::Create(Box::new(desired.spec.clone()))], ..missing };
    };
    let id = &found.id;
    if found.has_unknown_tags() {
        let reason = format!("the tags of {id} on {} cannot be read, so its owner is unknown", vbr.id);
        return Plan::finding(Verdict::Unknown, Some(id), reason);
    }
    match (&found.status, desired.is_on) {
        (Status::Activating | Status::Deactivating | Status::Modifying, _) => {
            Plan::settled(Verdict::Pending, Some(id), format!("{id} is {}", found.status))
        }
        (Status::Active, true) if vbr.is_locked => {
            let reason = format!("{id} records nothing while {} is locked for unpaid bills (FinancialLocked)", vbr.ecr);
            Plan::finding(Verdict::Undelivered, Some(id), reason)
        }
        (Status::Active, _) if !found.is_own() => plan_foreign(found, &desired.spec),
        (Status::Active, true) => plan_active(found, &desired.spec),
        (Status::Active, false) => {
            let reason = format!("{id} records, and {}", keeps_off(desired));
            let due = Plan::settled(Verdict::DueToPause, Some(id), reason);
            Plan { changes: vec![EcrChange::Deactivate(id.clone())], ..due }
        }
        (Status::Inactive, false) if found.is_own() => {
            Plan::settled(Verdict::Paused, Some(id), format!("{id} is off, and {}", keeps_off(desired)))
        }
        (Status::Inactive, true) if found.is_own() => {
            let reason = format!("{id} is Inactive, and {} wants it on", desired.governed_by);
            let off = Plan::settled(Verdict::Inactive, Some(id), reason);
            Plan { changes: vec![EcrChange::Activate(id.clone())], ..off }
        }
        (status, _) => {
            let lost = lost_tag(found, &desired.spec).map(|lost| format!("; {lost}")).unwrap_or_default();
            let whose =
                if found.is_own() { String::new() } else { format!(", made by others, and is left to them{lost}") };
            Plan::finding(Verdict::Inactive, Some(id), format!("{id} is {status}{whose}"))
        }
    }
}

/// Returns the plan of a virtual border router with a word about further flow logs on it: one is enough.
fn with_others(plan: Plan<EcrChange>, vbr: &AttachedVbr, observed: &[EcrFlowLog]) -> Plan<EcrChange> {
    let is_other = |found: &&EcrFlowLog| {
        found.instance_id == vbr.id.as_str()
            && found.status != Status::Deleting
            && plan.flow_log.as_ref() != Some(&found.id)
    };
    let others: Vec<_> = observed.iter().filter(is_other).map(|other| other.id.as_str()).collect();
    if plan.flow_log.is_none() || others.is_empty() {
        return plan;
    }
    let reason = format!("{}; {}", plan.reason, has_more_than_one(vbr.id.as_str(), &others));
    Plan { converges: false, reason, ..plan }
}

/// Plans for an active flow log of others, which is left alone.
fn plan_foreign(found: &EcrFlowLog, spec: &EcrFlowLogSpec) -> Plan<EcrChange> {
    let id = &found.id;
    let mut reason = format!("covered by {id}, which others made");
    let observed = (found.project.as_deref(), found.log_store.as_deref());
    if let Some(destination) = other_destination(observed, &spec.project, &spec.log_store) {
        reason.push_str(&destination);
    }
    match lost_tag(found, spec) {
        Some(lost) => Plan::finding(Verdict::Foreign, Some(id), format!("{reason}; {lost}")),
        None => Plan::settled(Verdict::Foreign, Some(id), reason),
    }
}

/// Notes that a flow log equals what Flowkeeper would create but lacks its tag: most likely somebody removed the tag.
fn lost_tag(found: &EcrFlowLog, spec: &EcrFlowLogSpec) -> Option<String> {
    let is_alike = !found.is_own()
        && !found.has_unknown_tags()
        && found.name.as_deref() == Some(spec.name.as_str())
        && found.project.as_deref() == Some(spec.project.as_str())
        && found.log_store.as_deref() == Some(spec.log_store.as_str());
    is_alike.then(lacks_own_tag)
}

/// Plans for an own flow log that records, and should.
fn plan_active(found: &EcrFlowLog, spec: &EcrFlowLogSpec) -> Plan<EcrChange> {
    let id = &found.id;
    let (mut differences, mut update, mut needs_new) = (Vec::new(), EcrFlowLogUpdate::default(), false);
    for (what, observed, desired, fix) in rows(found, spec) {
        let (Some(observed), Some(desired)) = (observed, desired) else { continue };
        if observed == desired {
            continue;
        }
        differences.push(format!("{what} is {observed:?}, not {desired:?}"));
        match fix {
            Some(set) => set(&mut update, spec),
            None => needs_new = true,
        }
    }
    if differences.is_empty() {
        return Plan::settled(Verdict::Compliant, Some(id), format!("{id} records"));
    }
    let by_hand = if needs_new { "; delete it by hand, and a new one is made" } else { "" };
    let reason = format!("{id} differs from the policy: {}{by_hand}", differences.join(", "));
    let changes =
        if update == EcrFlowLogUpdate::default() { Vec::new() } else { vec![EcrChange::Modify(id.clone(), update)] };
    Plan { changes, converges: !needs_new, ..Plan::settled(Verdict::Drifted, Some(id), reason) }
}

/// What fixes a difference in place; `None` if only a new flow log can.
type Fix = Option<fn(&mut EcrFlowLogUpdate, &EcrFlowLogSpec)>;
type Row<'a> = (&'static str, Option<Cow<'a, str>>, Option<&'a str>, Fix);

/// Each field as observed and as desired. A field that the response or the policy lacks is not compared.
fn rows<'a>(found: &'a EcrFlowLog, spec: &'a EcrFlowLogSpec) -> [Row<'a>; 8] {
    let seen = |text: &'a Option<String>| text.as_deref().map(Cow::from);
    [
        ("project", seen(&found.project), Some(spec.project.as_str()), None),
        ("log_store", seen(&found.log_store), Some(spec.log_store.as_str()), None),
        ("target_sls_region", seen(&found.sls_region), spec.target_sls_region.as_ref().map(RegionId::as_str), None),
        (
            "resource_group_id",
            seen(&found.resource_group_id),
            spec.resource_group_id.as_ref().map(ResourceGroupId::as_str),
            None,
        ),
        (
            "interval",
            found.interval.map(|seconds| seconds.to_string().into()),
            Some(spec.interval.as_str()),
            Some(|update, desired| update.interval = Some(desired.interval)),
        ),
        (
            "sampling_rate",
            seen(&found.sampling_rate),
            Some(spec.sampling_rate.as_str()),
            Some(|update, desired| update.sampling_rate = Some(desired.sampling_rate)),
        ),
        (
            "name",
            seen(&found.name),
            Some(spec.name.as_str()),
            Some(|update, desired| update.name = Some(desired.name.clone())),
        ),
        (
            "description",
            seen(&found.description),
            Some(spec.description.as_str()),
            Some(|update, desired| update.description = Some(desired.description.clone())),
        ),
    ]
}
