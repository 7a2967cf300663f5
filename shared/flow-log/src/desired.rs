//! The desired state of a resource at a moment, for all kinds of flow logs.

use std::fmt;

use crate::{FlowLogSpec, ResourceType, names::TagWord};

/// The desired state of a resource at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Desired<S = FlowLogSpec> {
    /// Nothing: the resource is left alone on purpose.
    Excluded {
        /// Why it is left alone.
        reason: String,
    },
    /// Nothing here: flow logs are kept at another level.
    OtherLevel(ResourceType),
    /// Undecided, because a tag or the policy is wrong. The resource is left as it is until that is fixed.
    Invalid {
        /// What is wrong.
        reason: String,
    },
    /// Undecided, because something that decides could not be read. The resource is left as it is until it can be read.
    Unknown {
        /// What could not be read.
        reason: String,
    },
    /// A flow log.
    FlowLog(Box<DesiredFlowLog<S>>),
}

impl<S> Desired<S> {
    /// Why nothing is recorded now on purpose: what excludes the resource, or keeps its flow log off. `None` if it
    /// should record, if the flow log is kept at another level, and if the state is undecided.
    #[must_use]
    pub fn exception(&self) -> Option<String> {
        match self {
            Self::Excluded { reason } => Some(reason.clone()),
            Self::FlowLog(desired) => desired.exception(),
            Self::OtherLevel(_) | Self::Invalid { .. } | Self::Unknown { .. } => None,
        }
    }
}

/// The flow log that a resource should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredFlowLog<S = FlowLogSpec> {
    /// What it should look like.
    pub spec: S,
    /// Whether it should record.
    pub is_on: bool,
    /// What decides whether it should record.
    pub governed_by: GovernedBy,
    /// What is wrong with the resource's tag, as a sentence, if the tag was disregarded: a finding.
    pub note: Option<String>,
}

impl<S> DesiredFlowLog<S> {
    /// Why it is off now on purpose; `None` if it should record.
    #[must_use]
    pub fn exception(&self) -> Option<String> {
        let now = if self.governed_by == GovernedBy::Never { "" } else { " now" };
        (!self.is_on).then(|| format!("{} keeps it off{now}", self.governed_by))
    }
}

/// What decides whether a flow log should record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GovernedBy {
    /// Nothing in particular: it should record.
    Always,
    /// The policy's `schedule: never`.
    Never,
    /// A schedule of the policy.
    Schedule(String),
    /// The resource's tag, with this value.
    Tag(String),
}

/// Formats the beginning of a sentence: "… keeps it off now", "… wants it on".
impl fmt::Display for GovernedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Always => f.write_str("the policy"),
            Self::Never => f.write_str("the policy (schedule: never)"),
            Self::Schedule(name) => write!(f, "the schedule {name}"),
            Self::Tag(value) => write!(f, "its tag {}={value}", TagWord::KEY),
        }
    }
}
