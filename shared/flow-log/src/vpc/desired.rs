//! The desired state of a resource at a moment.

use std::fmt;

use jiff::Timestamp;

use crate::{
    FlowLogSpec, ObservedTags, Policy, Resource, ResourceId, ResourceType,
    directive::{self, TagDirective},
    policy::Coverage,
};

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
            Self::Tag(value) => write!(f, "its tag {}={value}", directive::KEY),
        }
    }
}

/// Returns the level at which the flow logs of everything in one VPC are kept.
///
/// It is the level of the first override with `coverage` that matches the VPC, or else of the policy. `vpc` is the VPC
/// that `resource` is in, if it has been read; it is not needed if `resource` is itself a VPC.
///
/// `None` if the tags of the VPC decide and are unknown. So ask without the VPC first, and read it only if there is no
/// answer; [`Policy::coverage_needs_vpc_tags`] tells whether that can happen at all. With the VPC there is always an
/// answer, and an answer without it is the same.
#[must_use]
pub fn level(resource: &Resource, vpc: Option<&Resource>, policy: &Policy) -> Option<ResourceType> {
    match policy.coverage_of(resource, vpc) {
        Coverage::At { level, .. } => Some(level),
        Coverage::DependsOnTags(_) => None,
    }
}

/// Returns the desired state of `resource` at `now`. For `vpc`, see [`level`]: if the tags of the VPC decide and it is
/// missing, the state is [`Desired::Unknown`].
#[must_use]
pub fn desired(resource: &Resource, vpc: Option<&Resource>, policy: &Policy, now: Timestamp) -> Desired {
    if let Some(reason) = excluded_by_id(resource, policy) {
        return Desired::Excluded { reason };
    }
    let said = match said_by_tags(resource.tags.as_ref(), resource.id.as_str(), policy, now) {
        Ok(said) => said,
        Err(desired) => return desired,
    };
    let level = match policy.coverage_of(resource, vpc) {
        Coverage::At { level, .. } => level,
        Coverage::DependsOnTags(found) => {
            let vpc = resource.vpc().map_or("its VPC", ResourceId::as_str);
            let number = found.number;
            let reason =
                format!("the tags of {vpc} decide by override {number} where its flow log is kept, and are not known");
            return Desired::Unknown { reason };
        }
    };
    let own = resource.id.resource_type();
    if level < own && !resource.parents.iter().any(|parent| parent.resource_type() == level) {
        let reason =
            format!("flow logs are kept at the level {level}, and the {level} of {} is not known", resource.id);
        return Desired::Unknown { reason };
    }
    if level != own {
        return Desired::OtherLevel(level);
    }

    let found = policy.override_of(resource);
    let schedule = found.and_then(|found| found.schedule.as_ref()).unwrap_or(&policy.schedule);
    let (is_on, governed_by) = said.or_schedule(schedule, policy, now);
    let pattern = match found {
        Some(found) => &found.flow_log.over(&policy.flow_log),
        None => &policy.flow_log,
    };
    match pattern.fill(resource) {
        Ok(spec) => Desired::FlowLog(Box::new(DesiredFlowLog { spec, is_on, governed_by, note: said.note })),
        Err(error) => Desired::Invalid { reason: format!("the policy cannot be filled in: {error}") },
    }
}

/// Whether the policy excludes `resource`, its vSwitch or its VPC by id.
fn excluded_by_id(resource: &Resource, policy: &Policy) -> Option<String> {
    let mut ids = std::iter::once(&resource.id).chain(&resource.parents);
    let id = ids.find(|id| policy.exclude.ids.contains(id))?;
    Some(format!("the policy excludes {id}"))
}

/// Returns what the tags of `id` ask for.
///
/// # Errors
/// The desired state that the tags decide by themselves: unreadable tags, an exclusion, or a malformed directive.
pub(crate) fn said_by_tags<'t, S>(
    tags: Option<&'t ObservedTags>,
    id: &str,
    policy: &Policy,
    now: Timestamp,
) -> Result<TagDirective<'t>, Desired<S>> {
    let Some(tags) = tags else {
        return Err(Desired::Unknown { reason: format!("the tags of {id} cannot be read, and may rule it out") });
    };
    if let Some(reason) = excluded_by_tag(tags, policy) {
        return Err(Desired::Excluded { reason });
    }
    match TagDirective::of(tags, policy, now) {
        Ok(said) if said.is_ignore() => Err(Desired::Excluded { reason: said.to_string() }),
        Ok(said) => Ok(said),
        Err(reason) => Err(Desired::Invalid { reason }),
    }
}

/// Whether the policy excludes resources with these tags.
fn excluded_by_tag(tags: &ObservedTags, policy: &Policy) -> Option<String> {
    let (key, value) = policy.exclude.tags.iter().find(|(key, value)| tags.get(*key) == Some(value))?;
    Some(format!("the policy excludes what is tagged {key}={value}"))
}
