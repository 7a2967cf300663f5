//! Overrides: exceptions for some resources.

use std::collections::{BTreeMap, BTreeSet};

use super::{FlowLogFields, Position, ScheduleName};
use crate::{AccountId, ObservedTags, RegionId, Resource, ResourceId, ResourceType};

/// An exception for some resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The override's number, counted from 1.
    pub number: usize,
    /// Where the override is in the policy.
    pub position: Position,
    /// Which resources it applies to.
    pub matches: Match,
    /// The level at which flow logs are kept in the VPCs that match.
    pub coverage: Option<ResourceType>,
    /// When their flow logs are on.
    pub schedule: Option<ScheduleName>,
    /// What their flow logs should look like.
    pub flow_log: FlowLogFields,
}

impl Override {
    /// Whether it sets anything besides `coverage`.
    pub(super) fn sets_more_than_coverage(&self) -> bool {
        self.schedule.is_some() || self.flow_log != FlowLogFields::default()
    }
}

/// Which resources an override applies to: those that match every condition that is set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    /// The resource carries all of these tags.
    pub tags: BTreeMap<String, String>,
    /// The resource is one of these.
    pub ids: BTreeSet<ResourceId>,
    /// The resource is one of these VPCs, or in one of them.
    pub vpc_ids: BTreeSet<ResourceId>,
    /// The resource is in one of these accounts.
    pub accounts: BTreeSet<AccountId>,
    /// The resource is in one of these regions.
    pub regions: BTreeSet<RegionId>,
}

impl Match {
    pub(super) fn contains(&self, resource: &Resource) -> bool {
        let tag = |key| resource.tags.as_ref().and_then(|tags| tags.get(key));
        let has_tags = self.tags.iter().all(|(key, value)| tag(key) == Some(value));
        let is_in_vpc = || resource.vpc().is_some_and(|vpc| self.vpc_ids.contains(vpc));
        has_tags
            && (self.ids.is_empty() || self.ids.contains(&resource.id))
            && (self.vpc_ids.is_empty() || is_in_vpc())
            && (self.accounts.is_empty() || self.accounts.contains(&resource.account))
            && (self.regions.is_empty() || self.regions.contains(&resource.region))
    }

    /// Whether a VPC matches, or, if `id` is `None`, a resource outside any VPC. Returns `None` if its tags decide and
    /// are unknown.
    pub(super) fn selects_vpc(
        &self,
        id: Option<&ResourceId>,
        account: &AccountId,
        region: &RegionId,
        tags: Option<&ObservedTags>,
    ) -> Option<bool> {
        let is_among = |ids: &BTreeSet<ResourceId>| ids.is_empty() || id.is_some_and(|id| ids.contains(id));
        let is_there = is_among(&self.ids)
            && is_among(&self.vpc_ids)
            && (self.accounts.is_empty() || self.accounts.contains(account))
            && (self.regions.is_empty() || self.regions.contains(region));
        if !is_there || self.tags.is_empty() {
            return Some(is_there);
        }
        tags.map(|tags| self.tags.iter().all(|(key, value)| tags.get(key) == Some(value)))
    }
}
