//! Which calls make it so.

use std::fmt;

use serde::Serialize;

use crate::{Delivery, FlowLog, FlowLogId, FlowLogSpec, Kept, Resource, ResourceId, Status, Wanted};

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
}

impl Change {
    /// The API's name of the call.
    #[must_use]
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Create(_) => "CreateFlowLog",
        }
    }
}

/// What was found about one resource, and what makes it as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What was found.
    pub verdict: Verdict,
    /// What is to be done, in order.
    pub changes: Vec<Change>,
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
pub fn plan(resource: &Resource, seen: &[FlowLog], wanted: &Wanted) -> Plan {
    match wanted {
        Wanted::LeftAlone { reason } => Plan::settled(Verdict::Excluded, None, reason),
        Wanted::Unclear { reason } => Plan::finding(Verdict::Unsupported, None, reason),
        Wanted::KeptAt(level) => {
            let own = resource.id.resource_type();
            Plan::settled(Verdict::Excluded, None, format!("flow logs are kept at the level {level}, not {own}"))
        }
        Wanted::Kept(kept) => plan_kept(resource, seen, kept),
    }
}

fn plan_kept(resource: &Resource, seen: &[FlowLog], kept: &Kept) -> Plan {
    let id = &resource.id;
    // An active one says most about the resource, then one of ours.
    let best = on(id, seen).min_by_key(|flow_log| (flow_log.status != Status::Active, !flow_log.is_own()));
    match best {
        Some(flow_log) if flow_log.status == Status::Active => return judge_active(flow_log, kept),
        Some(flow_log) if is_pending(&flow_log.status) => {
            return Plan::settled(Verdict::Pending, Some(flow_log), format!("{} is {}", flow_log.id, flow_log.status));
        }
        _ => {}
    }
    // Of what it is part of, only a flow log that records covers it.
    let parents = resource.parents.iter().flat_map(|parent| on(parent, seen));
    if let Some(covering) = parents.into_iter().find(|flow_log| flow_log.status == Status::Active) {
        let verdict = if covering.is_own() { Verdict::Compliant } else { Verdict::Foreign };
        return Plan::settled(
            verdict,
            Some(covering),
            format!("covered by {} on {}", covering.id, covering.resource_id),
        );
    }
    match best {
        Some(flow_log) => judge_inactive(flow_log, kept),
        None if !kept.is_on => Plan::settled(Verdict::Paused, None, format!("{} keeps it off now", kept.governed_by)),
        None => Plan {
            verdict: Verdict::Missing,
            changes: vec![Change::Create(Box::new(kept.spec.clone()))],
            is_settled: true,
            reason: format!("no active flow log covers {id}"),
            flow_log: None,
        },
    }
}

/// The flow logs on the resource itself, but for one that is about to be gone.
fn on<'a>(id: &ResourceId, seen: &'a [FlowLog]) -> impl Iterator<Item = &'a FlowLog> {
    seen.iter().filter(move |flow_log| flow_log.resource_id == id.as_str() && flow_log.status != Status::Deleting)
}

const fn is_pending(status: &Status) -> bool {
    matches!(status, Status::Activating | Status::Deactivating | Status::Modifying)
}

/// A flow log on the resource itself that records.
fn judge_active(flow_log: &FlowLog, kept: &Kept) -> Plan {
    let id = &flow_log.id;
    if let Delivery::Failed(message) = &flow_log.delivery {
        return Plan::finding(
            Verdict::Undelivered,
            Some(flow_log),
            format!(
                "{id} records, but what it records does not arrive in {}/{}: {message}",
                flow_log.project, flow_log.log_store
            ),
        );
    }
    if !flow_log.is_own() {
        let by = if flow_log.is_managed_by_sls() { "SLS" } else { "others" };
        return Plan::settled(Verdict::Foreign, Some(flow_log), format!("covered by {id}, which {by} made"));
    }
    if !kept.is_on {
        return Plan::finding(
            Verdict::DueToPause,
            Some(flow_log),
            format!("{id} records, and {} keeps it off now", kept.governed_by),
        );
    }
    let drift = drift(flow_log, &kept.spec);
    if drift.is_empty() {
        Plan::settled(Verdict::Compliant, Some(flow_log), format!("{id} records"))
    } else {
        Plan::finding(Verdict::Drifted, Some(flow_log), format!("{id} differs from the policy: {}", drift.join(", ")))
    }
}

/// A flow log on the resource itself that does not record. As a resource holds one flow log, no other can be made.
fn judge_inactive(flow_log: &FlowLog, kept: &Kept) -> Plan {
    let id = &flow_log.id;
    if flow_log.is_own() && !kept.is_on && flow_log.status == Status::Inactive {
        return Plan::settled(
            Verdict::Paused,
            Some(flow_log),
            format!("{id} is off, and {} keeps it so", kept.governed_by),
        );
    }
    let whose = match () {
        () if flow_log.is_managed_by_sls() => ", made by SLS, which alone may switch it on",
        () if !flow_log.is_own() => ", made by others, and is left to them",
        () => ", and it is for remediation or its schedule to switch it on",
    };
    let reason = format!("{id} is {}{whose}; a resource holds one flow log", flow_log.status);
    Plan::finding(Verdict::Inactive, Some(flow_log), reason)
}

/// In what a flow log differs from what is wanted. What the policy does not say is not compared.
fn drift(flow_log: &FlowLog, spec: &FlowLogSpec) -> Vec<String> {
    let mut drift = Vec::new();
    let mut compare = |what: &str, is: &str, wanted: &str| {
        if is != wanted {
            drift.push(format!("{what} is {is:?}, not {wanted:?}"));
        }
    };
    compare("name", &flow_log.name, spec.name.as_str());
    compare("description", &flow_log.description, spec.description.as_str());
    compare("project", &flow_log.project, spec.project.as_str());
    compare("log_store", &flow_log.log_store, spec.log_store.as_str());
    compare("traffic_type", &flow_log.traffic_type, spec.traffic_type.as_str());
    if let Some(interval) = flow_log.aggregation_interval {
        compare("aggregation_interval", &interval.to_string(), spec.aggregation_interval.as_str());
    }
    if let (Some(is), Some(wanted)) = (&flow_log.ip_version, spec.ip_version) {
        compare("ip_version", is, wanted.as_str());
    }
    if !spec.traffic_path.is_empty() {
        let mut is: Vec<_> = flow_log.traffic_path.iter().map(String::as_str).collect();
        let mut wanted: Vec<_> = spec.traffic_path.iter().map(|path| path.as_str()).collect();
        is.sort_unstable();
        wanted.sort_unstable();
        compare("traffic_path", &is.join(","), &wanted.join(","));
    }
    if let (Some(is), Some(wanted)) = (&flow_log.resource_group_id, &spec.resource_group_id) {
        compare("resource_group_id", is, wanted.as_str());
    }
    // Others may tag it besides.
    for (key, wanted) in &spec.tags {
        let is = flow_log.tags.get(key.as_str()).map_or("", String::as_str);
        compare(&format!("tag {key}"), is, wanted.as_str());
    }
    drift
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
