//! The desired state of a VPC, vSwitch or network interface at a moment.

use std::fmt;

use jiff::Timestamp;

use crate::{
    Desired, DesiredFlowLog, Policy, Resource, ResourceId, ResourceType, directive::directive_of, names::TagWord,
    policy::Coverage,
};

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
    let directive = match directive_of(resource.tags.as_ref(), resource.id.as_str(), policy, now) {
        Ok(directive) => directive,
        Err(desired) => return desired,
    };
    let level = match policy.coverage_of(resource, vpc) {
        Coverage::At { level, .. } => level,
        Coverage::DependsOnTags(found) => {
            let (id, number) = (resource.vpc().map_or("its VPC", ResourceId::as_str), found.number);
            let reason =
                format!("the tags of {id} decide by override {number} where its flow log is kept, and are not known");
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
    let (is_on, governed_by) = directive.or_schedule(schedule, policy, now);
    let pattern = match found {
        Some(found) => &found.flow_log.apply_to(&policy.flow_log),
        None => &policy.flow_log,
    };
    match pattern.fill(resource) {
        Ok(spec) => Desired::FlowLog(Box::new(DesiredFlowLog { spec, is_on, governed_by, note: directive.note })),
        Err(error) => Desired::Invalid { reason: format!("the policy cannot be filled in: {error}") },
    }
}

/// A tag that decides about a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecidingTag<'a> {
    /// The resource that carries it.
    pub on: &'a ResourceId,
    /// Its key.
    pub key: &'a str,
    /// Its value.
    pub value: &'a str,
    /// What asks for it.
    pub used_by: TagUse,
}

/// The part of the policy that asks for a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagUse {
    /// `exclude` names it.
    Exclude,
    /// It is the tag `flowkeeper`. `resource_tag` says whether it is honored.
    ResourceTag,
    /// The override of this number, counted from 1, matches by it.
    Override(usize),
}

impl fmt::Display for TagUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exclude => f.write_str("exclude"),
            Self::ResourceTag => f.write_str("resource_tag"),
            Self::Override(number) => write!(f, "override {number}"),
        }
    }
}

/// Returns the tags that [`desired`] looks at and finds. One that excludes a resource decides alone. Empty if its tags could
/// not be read.
#[must_use]
pub fn deciding_tags<'a>(
    resource: &'a Resource,
    vpc: Option<&'a Resource>,
    policy: &'a Policy,
) -> Vec<DecidingTag<'a>> {
    if excluded_by_id(resource, policy).is_some() {
        return Vec::new();
    }
    let Some(tags) = &resource.tags else { return Vec::new() };
    let of =
        |on: &'a ResourceId, (key, value): (&'a String, &'a String), used_by| DecidingTag { on, key, value, used_by };
    if let Some(tag) = policy.exclude.tags.iter().find(|(key, value)| tags.get(*key) == Some(value)) {
        return vec![of(&resource.id, tag, TagUse::Exclude)];
    }
    let own = tags.iter().filter(|(key, _)| *key == TagWord::KEY).map(|tag| of(&resource.id, tag, TagUse::ResourceTag));
    let own: Vec<_> = own.collect();
    if level(resource, vpc, policy) != Some(resource.id.resource_type()) {
        return own;
    }
    let by_vpc = policy.coverage_of(resource, vpc).by().zip(resource.vpc());
    let by_vpc = by_vpc.into_iter().map(|(found, on)| (on, found));
    let by_itself = policy.override_of(resource).into_iter().map(|found| (&resource.id, found));
    let overrides = by_vpc
        .chain(by_itself)
        .flat_map(|(on, found)| found.matches.tags.iter().map(move |tag| of(on, tag, TagUse::Override(found.number))));
    let mut all = own;
    for tag in overrides {
        if !all.contains(&tag) {
            all.push(tag);
        }
    }
    all
}

/// Whether the policy excludes `resource`, its vSwitch or its VPC by id.
fn excluded_by_id(resource: &Resource, policy: &Policy) -> Option<String> {
    let mut ids = std::iter::once(&resource.id).chain(&resource.parents);
    let id = ids.find(|id| policy.exclude.ids.contains(id))?;
    Some(format!("the policy excludes {id}"))
}
