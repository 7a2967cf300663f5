//! Which calls make it so.

use std::fmt;

use serde::Serialize;

use crate::{
    Delivery, FlowLog, FlowLogId, FlowLogSpec, Kept, Resource, ResourceId, Status, Wanted,
    names::{AggregationInterval, Description, FlowLogName, IpVersion, Tags},
    policy::Foreign,
};

/// What was found about a resource, against what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is as it should be.
    Compliant,
    /// There is no flow log.
    Missing,
    /// The flow log does not record and should.
    Inactive,
    /// The flow log does not record, and need not now.
    Paused,
    /// The flow log records, and need not now.
    DueToPause,
    /// The flow log is not as the policy wants it.
    Drifted,
    /// It is covered by a flow log that others made.
    Foreign,
    /// The flow log's resource is gone.
    Orphaned,
    /// The flow log records, and what it records does not arrive.
    Undelivered,
    /// The flow log is about to change its state.
    Pending,
    /// Somebody said to leave it alone.
    Excluded,
    /// It cannot have what is wanted of it.
    Unsupported,
    /// It could not be read.
    Unknown,
}

/// A call that changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new flow log on the resource.
    Create(Box<FlowLogSpec>),
    /// The flow log is switched on.
    Activate(FlowLogId),
    /// The flow log is switched off.
    Deactivate(FlowLogId),
    /// Some of its fields are changed.
    Modify(FlowLogId, Modification),
    /// Some tags are set on it.
    Tag(FlowLogId, Tags),
    /// It is deleted.
    Delete(FlowLogId),
}

impl Change {
    /// Whether a flow log is `Modifying`, `Activating`, … for a while after the call, and takes no other until then.
    #[must_use]
    pub const fn makes_pending(&self) -> bool {
        !matches!(self, Self::Tag(..))
    }

    /// The flow log that it is about; none where a new one is made.
    #[must_use]
    pub const fn flow_log(&self) -> Option<&FlowLogId> {
        match self {
            Self::Create(_) => None,
            Self::Activate(id) | Self::Deactivate(id) | Self::Modify(id, _) | Self::Tag(id, _) | Self::Delete(id) => {
                Some(id)
            }
        }
    }

    /// The API's name of the call.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Create(_) => "CreateFlowLog",
            Self::Activate(_) => "ActiveFlowLog",
            Self::Deactivate(_) => "DeactiveFlowLog",
            Self::Modify(..) => "ModifyFlowLogAttribute",
            Self::Tag(..) => "TagResources",
            Self::Delete(_) => "DeleteFlowLog",
        }
    }
}

/// The fields of a flow log that can be changed in place. Those that are `None` stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Modification {
    /// The name.
    pub name: Option<FlowLogName>,
    /// The description.
    pub description: Option<Description>,
    /// How long traffic is gathered before a line is written.
    pub aggregation_interval: Option<AggregationInterval>,
    /// Which IP version is recorded.
    pub ip_version: Option<IpVersion>,
}

/// What a policy allows beyond our own flow logs and beyond what can be changed in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rules {
    /// What is done with flow logs that others made.
    pub foreign: Foreign,
    /// Whether one of ours that cannot be changed in place is deleted and made anew.
    pub replace: bool,
}

/// What was found about one resource, and what makes it as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<C = Change> {
    /// What was found.
    pub verdict: Verdict,
    /// What is to be done, in order. Of what is [`Verdict::Pending`]: once its state has settled, and not before.
    pub changes: Vec<C>,
    /// Whether it is as it should be once the changes are made. If not, somebody should look at it.
    pub is_settled: bool,
    /// Why, in a sentence.
    pub reason: String,
    /// The flow log that the verdict is about.
    pub flow_log: Option<FlowLogId>,
}

/// The changes that make `resource` as `wanted`, given the flow logs that were `seen` on it and on what it is part of.
///
/// Planned over its own result it is empty.
#[must_use]
pub fn plan(resource: &Resource, seen: &[FlowLog], wanted: &Wanted, rules: Rules) -> Plan {
    match wanted {
        Wanted::LeftAlone { reason } => Plan::settled(Verdict::Excluded, None, reason),
        Wanted::Unclear { reason } => Plan::finding(Verdict::Unsupported, None, reason),
        Wanted::KeptAt(level) => {
            let own = resource.id.resource_type();
            Plan::settled(Verdict::Excluded, None, format!("flow logs are kept at the level {level}, not {own}"))
        }
        Wanted::Kept(kept) => plan_kept(resource, seen, kept, rules),
    }
}

fn plan_kept(resource: &Resource, seen: &[FlowLog], kept: &Kept, rules: Rules) -> Plan {
    let id = &resource.id;
    // An active one says most about the resource, or one that is about to be; then one of ours.
    let best = on(id, seen).min_by_key(|flow_log| (flow_log.status.steps_to_active(), !flow_log.is_own()));
    let others: Vec<_> = on(id, seen).filter(|other| best.is_some_and(|best| best.id != other.id)).collect();
    // While another one is there the API makes no new one, and the old one would be gone for nothing.
    let rules = Rules { replace: rules.replace && others.is_empty(), ..rules };
    let plan = match best {
        Some(flow_log) if flow_log.status == Status::Active => plan_active(flow_log, kept, rules),
        Some(flow_log) if is_pending(&flow_log.status) => plan_pending(flow_log, kept, rules),
        _ => plan_covered(resource, seen).unwrap_or_else(|| match best {
            Some(flow_log) => plan_inactive(flow_log, kept, rules),
            None => plan_missing(id, seen, kept),
        }),
    };
    if others.is_empty() {
        return plan;
    }
    let others = others.iter().map(|other| other.id.as_str()).collect::<Vec<_>>().join(", ");
    let reason = format!("{}; {id} has more than one flow log, and needs no other: {others}", plan.reason);
    Plan { is_settled: false, reason, ..plan }
}

/// What there is to do where nothing on the resource records or could.
fn plan_missing(id: &ResourceId, seen: &[FlowLog], kept: &Kept) -> Plan {
    if !kept.is_on {
        return Plan::settled(Verdict::Paused, None, format!("{} keeps it off now", kept.governed_by));
    }
    let changes = vec![Change::Create(Box::new(kept.spec.clone()))];
    // As a resource holds one flow log, a new one has to wait until the old one is gone.
    let leaving = seen.iter().find(|flow_log| flow_log.resource_id == id.as_str());
    if let Some(leaving) = leaving {
        let reason = format!("{} is {}, and a new one can be made once it is gone", leaving.id, leaving.status);
        return Plan { changes, ..Plan::settled(Verdict::Pending, Some(leaving), reason) };
    }
    Plan { changes, ..Plan::settled(Verdict::Missing, None, format!("no active flow log covers {id}")) }
}

/// A flow log on the resource itself that is about to be switched on, off, or to be another. What is to be done about
/// what it is on its way to has to wait until it has arrived.
fn plan_pending(flow_log: &FlowLog, kept: &Kept, rules: Rules) -> Plan {
    let arrived = |status| FlowLog { status, ..flow_log.clone() };
    let then = match flow_log.status {
        Status::Activating => plan_active(&arrived(Status::Active), kept, rules),
        Status::Deactivating => plan_inactive(&arrived(Status::Inactive), kept, rules),
        // Nobody says whether it recorded before; what it has become is to be seen already.
        Status::Modifying if kept.is_on => plan_active(&arrived(Status::Active), kept, rules),
        _ => Plan::settled(Verdict::Pending, None, ""),
    };
    let plan = Plan::settled(Verdict::Pending, Some(flow_log), format!("{} is {}", flow_log.id, flow_log.status));
    if then.changes.is_empty() {
        return plan;
    }
    Plan { reason: format!("{}; then: {}", plan.reason, then.reason), changes: then.changes, ..plan }
}

/// What there is to do where a flow log on a part's whole covers it, or is about to: nothing.
fn plan_covered(resource: &Resource, seen: &[FlowLog]) -> Option<Plan> {
    let parents = || resource.parents.iter().flat_map(|parent| on(parent, seen));
    if let Some(covering) = parents().find(|flow_log| flow_log.status == Status::Active) {
        let is_whose = if covering.is_own() { Verdict::Compliant } else { Verdict::Foreign };
        let reason = format!("covered by {} on {}", covering.id, covering.resource_id);
        return Some(match &covering.delivery {
            Delivery::Working => Plan::settled(is_whose, Some(covering), reason),
            Delivery::Failed(message) => {
                let reason = format!("{reason}, but what that records does not arrive: {message}");
                Plan::finding(Verdict::Undelivered, Some(covering), reason)
            }
        });
    }
    // Only what is switched on or made is about to cover it; what is switched off is not.
    let coming = parents().find(|flow_log| matches!(flow_log.status, Status::Activating | Status::Modifying))?;
    let reason = format!("about to be covered by {}, which is {}", coming.id, coming.status);
    Some(Plan::settled(Verdict::Pending, Some(coming), reason))
}

/// The flow logs on the resource itself, but for one that is about to be gone.
fn on<'a>(id: &ResourceId, seen: &'a [FlowLog]) -> impl Iterator<Item = &'a FlowLog> {
    seen.iter().filter(move |flow_log| flow_log.resource_id == id.as_str() && flow_log.status != Status::Deleting)
}

const fn is_pending(status: &Status) -> bool {
    matches!(status, Status::Activating | Status::Deactivating | Status::Modifying)
}

/// Whether a flow log may be changed at all.
fn is_managed(flow_log: &FlowLog, rules: Rules) -> bool {
    flow_log.is_own() || (rules.foreign == Foreign::Manage && !flow_log.is_managed_by_sls())
}

/// A flow log on the resource itself that records.
fn plan_active(flow_log: &FlowLog, kept: &Kept, rules: Rules) -> Plan {
    let id = &flow_log.id;
    if !is_managed(flow_log, rules) {
        let by = if flow_log.is_managed_by_sls() { "SLS" } else { "others" };
        let reason = format!("covered by {id}, which {by} made");
        return match &flow_log.delivery {
            Delivery::Working => Plan::settled(Verdict::Foreign, Some(flow_log), reason),
            Delivery::Failed(message) => {
                let reason = format!("{reason}, but what that records does not arrive: {message}");
                Plan::finding(Verdict::Undelivered, Some(flow_log), reason)
            }
        };
    }
    if !kept.is_on {
        let reason = format!("{id} records, and {} keeps it off now", kept.governed_by);
        let plan = Plan::settled(Verdict::DueToPause, Some(flow_log), reason);
        return Plan { changes: vec![Change::Deactivate(id.clone())], ..plan };
    }
    let repair = Repair::of(flow_log, &kept.spec, rules);
    if let Delivery::Failed(message) = &flow_log.delivery {
        let to = format!("{}/{}", flow_log.project, flow_log.log_store);
        let reason = format!("{id} records, but what it records does not arrive in {to}: {message}");
        let plan = Plan::finding(Verdict::Undelivered, Some(flow_log), reason);
        return Plan { changes: repair.changes, ..plan };
    }
    if repair.differs.is_empty() {
        let verdict = if flow_log.is_own() { Verdict::Compliant } else { Verdict::Foreign };
        return Plan::settled(verdict, Some(flow_log), format!("{id} records"));
    }
    let reason = format!("{id} differs from the policy: {}", repair.differs.join(", "));
    Plan {
        changes: repair.changes,
        is_settled: repair.is_whole,
        ..Plan::settled(Verdict::Drifted, Some(flow_log), reason)
    }
}

/// A flow log on the resource itself that does not record. As a resource holds one flow log, no other can be made.
fn plan_inactive(flow_log: &FlowLog, kept: &Kept, rules: Rules) -> Plan {
    let id = &flow_log.id;
    if flow_log.status == Status::Inactive && is_managed(flow_log, rules) {
        if !kept.is_on {
            // What it looks like matters once it is on again.
            let reason = format!("{id} is off, and {} keeps it so", kept.governed_by);
            return Plan::settled(Verdict::Paused, Some(flow_log), reason);
        }
        let repair = Repair::of(flow_log, &kept.spec, rules);
        let mut changes = repair.changes;
        if !changes.iter().any(|change| matches!(change, Change::Delete(_))) {
            // Recording comes first; a new one records from the start.
            changes.insert(0, Change::Activate(id.clone()));
        }
        let reason = format!("{id} is Inactive, and {} wants it on", kept.governed_by);
        let plan = Plan::settled(Verdict::Inactive, Some(flow_log), reason);
        return Plan { changes, is_settled: repair.is_whole, ..plan };
    }
    let whose = match () {
        () if flow_log.is_managed_by_sls() => ", made by SLS, which alone may switch it on",
        () if !flow_log.is_own() => ", made by others, and is left to them",
        () => "",
    };
    let reason = format!("{id} is {}{whose}; a resource holds one flow log", flow_log.status);
    Plan::finding(Verdict::Inactive, Some(flow_log), reason)
}

/// In what a flow log differs from what is wanted, and what mends it. What the policy does not say is not compared.
struct Repair {
    /// Each difference, in words.
    differs: Vec<String>,
    /// What mends them.
    changes: Vec<Change>,
    /// Whether that mends them all.
    is_whole: bool,
}

impl Repair {
    fn of(flow_log: &FlowLog, spec: &FlowLogSpec, rules: Rules) -> Self {
        let mut differs = Vec::new();
        let mut differ = |what: &str, is: &str, wanted: &str| {
            let is_other = is != wanted;
            if is_other {
                differs.push(format!("{what} is {is:?}, not {wanted:?}"));
            }
            is_other
        };

        // ---- what only a new flow log can have
        let mut needs_new = differ("project", &flow_log.project, spec.project.as_str());
        needs_new |= differ("log_store", &flow_log.log_store, spec.log_store.as_str());
        needs_new |= differ("traffic_type", &flow_log.traffic_type, spec.traffic_type.as_str());
        if !spec.traffic_path.is_empty() {
            let mut is: Vec<_> = flow_log.traffic_path.iter().map(String::as_str).collect();
            let mut wanted: Vec<_> = spec.traffic_path.iter().map(|path| path.as_str()).collect();
            is.sort_unstable();
            wanted.sort_unstable();
            needs_new |= differ("traffic_path", &is.join(","), &wanted.join(","));
        }
        if let (Some(is), Some(wanted)) = (&flow_log.resource_group_id, &spec.resource_group_id) {
            needs_new |= differ("resource_group_id", is, wanted.as_str());
        }

        // ---- what can be changed in place
        let mut modification = Modification::default();
        if differ("name", &flow_log.name, spec.name.as_str()) {
            modification.name = Some(spec.name.clone());
        }
        if differ("description", &flow_log.description, spec.description.as_str()) {
            modification.description = Some(spec.description.clone());
        }
        if let Some(interval) = flow_log.aggregation_interval
            && differ("aggregation_interval", &interval.to_string(), spec.aggregation_interval.as_str())
        {
            modification.aggregation_interval = Some(spec.aggregation_interval);
        }
        if let (Some(is), Some(wanted)) = (&flow_log.ip_version, spec.ip_version)
            && differ("ip_version", is, wanted.as_str())
        {
            modification.ip_version = Some(wanted);
        }
        let mut tags = Tags::new();
        // The tags of others are theirs. Ours, set on theirs, would make it ours, and so fit to be deleted.
        if flow_log.is_own() {
            for (key, wanted) in &spec.tags {
                if let Some(is) = flow_log.tags.get(key.as_str())
                    && differ(&format!("tag {key}"), is, wanted.as_str())
                {
                    tags.insert(key.clone(), wanted.clone());
                }
            }
            // One without a value can be missing, too.
            for (key, wanted) in spec.tags.iter().filter(|(key, _)| !flow_log.tags.contains_key(key.as_str())) {
                differs.push(format!("tag {key} is missing"));
                tags.insert(key.clone(), wanted.clone());
            }
        }

        let id = &flow_log.id;
        if needs_new && rules.replace && flow_log.is_own() {
            let changes = vec![Change::Delete(id.clone()), Change::Create(Box::new(spec.clone()))];
            return Self { differs, changes, is_whole: true };
        }
        let mut changes = Vec::new();
        // Tags are set at once; a modification makes the flow log pending for a while.
        if !tags.is_empty() {
            changes.push(Change::Tag(id.clone(), tags));
        }
        if modification != Modification::default() {
            changes.push(Change::Modify(id.clone(), modification));
        }
        Self { differs, changes, is_whole: !needs_new }
    }
}

/// The flow log of ours whose resource is gone.
#[must_use]
pub fn plan_orphan(flow_log: &FlowLog) -> Plan {
    let reason = format!("{} is gone, and {} recorded it", flow_log.resource_id, flow_log.id);
    let plan = Plan::settled(Verdict::Orphaned, Some(flow_log), reason);
    if flow_log.is_own() {
        Plan { changes: vec![Change::Delete(flow_log.id.clone())], ..plan }
    } else {
        Plan { is_settled: false, ..plan }
    }
}

impl Plan {
    fn settled(verdict: Verdict, flow_log: Option<&FlowLog>, reason: impl Into<String>) -> Self {
        let flow_log = flow_log.map(|flow_log| flow_log.id.clone());
        Self { verdict, changes: Vec::new(), is_settled: true, reason: reason.into(), flow_log }
    }

    /// Nothing is done, though it is not as it should be.
    fn finding(verdict: Verdict, flow_log: Option<&FlowLog>, reason: impl Into<String>) -> Self {
        Self { is_settled: false, ..Self::settled(verdict, flow_log, reason) }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}
