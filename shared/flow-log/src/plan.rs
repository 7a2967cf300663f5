//! What was found about a resource, and what is done about it: the same for every kind of flow log.

use std::fmt;

use serde::Serialize;

use crate::{DesiredFlowLog, FlowLogId};

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

/// What was found about one resource, and what makes it as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan<C> {
    /// What was found.
    pub verdict: Verdict,
    /// What is to be done, in order. Of what is [`Verdict::Pending`]: once its state has settled, and not before.
    pub changes: Vec<C>,
    /// Whether nothing is left to do or to say once the changes are made. If not, somebody should look at it.
    pub converges: bool,
    /// Whether it is off, or left alone, on purpose: by a tag, a schedule or the policy's `exclude`.
    pub is_exception: bool,
    /// Whether something differs that a new flow log alone can mend, where the flow log is Flowkeeper's own and the only
    /// one on the resource. Making it takes deleting the old one first.
    pub needs_replacement: bool,
    /// Why, in a sentence.
    pub reason: String,
    /// The flow log that the verdict is about.
    pub flow_log: Option<FlowLogId>,
}

impl<C> Plan<C> {
    /// Nothing is done, and nothing is wrong.
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

    /// Nothing is done, and somebody should look at it.
    pub(crate) fn finding(verdict: Verdict, flow_log: Option<&FlowLogId>, reason: impl Into<String>) -> Self {
        Self { converges: false, ..Self::settled(verdict, flow_log, reason) }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// Who keeps the flow log off, as the end of a sentence.
pub(crate) fn keeps_off<S>(desired: &DesiredFlowLog<S>) -> String {
    desired.exception().unwrap_or_default()
}
