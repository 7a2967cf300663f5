//! Verdicts and plans, shared by all kinds of flow logs.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    DesiredFlowLog, FlowLog, FlowLogId,
    names::{LogStoreName, ProjectName},
};

/// What was found about a resource, compared with its desired state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The resource is in its desired state.
    Compliant,
    /// There is no flow log.
    Missing,
    /// The flow log does not record, but should.
    Inactive,
    /// The flow log does not record, and should not now.
    Paused,
    /// The flow log records, but should not now.
    DueToPause,
    /// The flow log differs from the policy.
    Drifted,
    /// The resource is covered by a foreign flow log.
    Foreign,
    /// The flow log's resource is gone.
    Orphaned,
    /// The flow log records, but its data does not arrive.
    Undelivered,
    /// The flow log is in a transitional state.
    Pending,
    /// The resource is left alone on purpose.
    Excluded,
    /// The resource cannot have what the policy wants.
    Unsupported,
    /// The state could not be read.
    Unknown,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 13] = [
        Self::Compliant,
        Self::Missing,
        Self::Inactive,
        Self::Paused,
        Self::DueToPause,
        Self::Drifted,
        Self::Foreign,
        Self::Orphaned,
        Self::Undelivered,
        Self::Pending,
        Self::Excluded,
        Self::Unsupported,
        Self::Unknown,
    ];
}

/// What was found about one resource, and the changes that bring it to its desired state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<C> {
    /// What was found.
    pub verdict: Verdict,
    /// The changes to make, in order. With [`Verdict::Pending`], they must wait until the flow log has left its
    /// transitional state.
    pub changes: Vec<C>,
    /// Whether nothing is left to fix or to report once the changes are made. If not, somebody should look at it.
    pub converges: bool,
    /// Whether the resource is off or left alone on purpose: by a tag, a schedule or the policy's `exclude`.
    pub is_exception: bool,
    /// Whether some difference can only be fixed by a new flow log, and the flow log is Flowkeeper's own and the only
    /// one on the resource. Replacing it means deleting the old one first.
    pub needs_replacement: bool,
    /// The reason for the verdict, as a sentence.
    pub reason: String,
    /// The flow log that the verdict is about.
    pub flow_log: Option<FlowLogId>,
}

impl<C> Plan<C> {
    /// A plan without changes, for a state that is in order.
    pub(crate) fn settled(verdict: Verdict, flow_log: Option<&FlowLogId>, reason: impl Into<String>) -> Self {
        Self {
            verdict,
            changes: Vec::new(),
            converges: true,
            is_exception: false,
            needs_replacement: false,
            reason: reason.into(),
            flow_log: flow_log.cloned(),
        }
    }

    /// A plan without changes, for a state that somebody should look at.
    pub(crate) fn finding(verdict: Verdict, flow_log: Option<&FlowLogId>, reason: impl Into<String>) -> Self {
        Self { converges: false, ..Self::settled(verdict, flow_log, reason) }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What keeps the flow log off, as the end of a sentence.
pub(crate) fn keeps_off<S>(desired: &DesiredFlowLog<S>) -> String {
    desired.exception().unwrap_or_default()
}

/// Says that a resource has further flow logs, as the end of a sentence.
pub(crate) fn has_more_than_one(resource: &str, others: &[&str]) -> String {
    format!("{resource} has more than one flow log, and needs no other: {}", others.join(", "))
}

/// Says where a foreign flow log delivers to, if that is known and differs from the policy, as the end of a sentence.
pub(crate) fn other_destination(
    observed: (Option<&str>, Option<&str>),
    project: &ProjectName,
    log_store: &LogStoreName,
) -> Option<String> {
    let (Some(to), Some(into)) = observed else { return None };
    let is_other = to != project.as_str() || into != log_store.as_str();
    is_other.then(|| format!(" and which delivers to {to}/{into}, not {project}/{log_store}"))
}

/// Says that a flow log equals what Flowkeeper would create, but lacks its tag.
pub(crate) fn lacks_own_tag() -> String {
    let (key, value) = FlowLog::OWN_TAG;
    format!("it equals Flowkeeper's and lacks the tag {key}={value}: set the tag again if Flowkeeper should keep it")
}
