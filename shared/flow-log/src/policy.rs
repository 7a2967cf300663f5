//! The policy: the desired state of flow logs, as people write it.

mod decoder;
mod diagnostic;
mod directory;
mod options;
mod overrides;
mod parse;
mod pattern;
mod places;
mod schema;
mod scope;
mod surrogates;
mod tree;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

pub use diagnostic::{Diagnostic, Diagnostics, Position};
pub use directory::{AccountScope, DirectoryExclude, MemberScope, ResourceDirectory};
pub use options::{
    Exclude, Foreign, Limits, MemberAccount, Regions, Remediate, ResourceTagWords, ScheduleName, Superfluous,
};
pub use overrides::{Match, Override};
pub(crate) use pattern::fill;
pub use pattern::{EcrFlowLogPattern, FlowLogFields, FlowLogPattern};
pub use places::Places;
pub use schema::{Schema, schema};

use crate::{ObservedTags, RegionId, Resource, ResourceType, one_by_one, schedule::Schedule};

/// The desired state of the flow logs in some accounts and regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What a flow log should look like, unless an override says otherwise.
    pub flow_log: FlowLogPattern,
    /// The fields of `flow_log` that the policy sets; the others are defaults.
    pub fields_set: FlowLogFields,
    /// The level at which flow logs are kept, unless an override says otherwise.
    pub coverage: ResourceType,
    /// The regions to sweep.
    pub regions: Regions,
    /// The regions that are out of scope, for sweeps and events alike.
    pub exclude_regions: BTreeSet<RegionId>,
    /// The accounts to sweep besides the function's own.
    pub accounts: Vec<MemberAccount>,
    /// The accounts of an organization to sweep, too.
    pub resource_directory: Option<ResourceDirectory>,
    /// Whether the function's own account is swept.
    pub own_account: bool,
    /// What is never changed.
    pub exclude: Exclude,
    /// Which words of the tag `flowkeeper` count.
    pub resource_tag: ResourceTagWords,
    /// When flow logs are on, unless an override says otherwise.
    pub schedule: ScheduleName,
    /// The schedules, by the names under which the policy uses them.
    pub schedules: BTreeMap<String, Schedule>,
    /// Exceptions for some resources. The first match wins; the fields it sets replace the defaults.
    pub overrides: Vec<Override>,
    /// How much one sweep may change.
    pub limits: Limits,
    /// What happens to foreign flow logs.
    pub foreign: Foreign,
    /// Whether an own flow log that cannot be changed in place is deleted and created again.
    pub replace: bool,
    /// What remediation may repair; anything else is only reported.
    pub remediate: Remediate,
    /// What happens to own flow logs that another own flow log makes superfluous.
    pub superfluous: Superfluous,
    /// What the flow log of a virtual border router on an Express Connect Router should look like.
    pub ecr_flow_log: Option<EcrFlowLogPattern>,
    /// What is valid but most likely not intended, in line order.
    pub warnings: Vec<Diagnostic>,
}

impl Policy {
    /// How many names [`Policy::created_projects`] has at most. They become a part of the session policy with which a
    /// role is assumed, and its length is limited.
    pub const MAX_CREATED_PROJECTS: usize = 4;

    /// All levels at which flow logs may be kept.
    #[must_use]
    pub fn levels(&self) -> BTreeSet<ResourceType> {
        one_by_one::set(self.overrides.iter().filter_map(|found| found.coverage).chain([self.coverage]))
    }

    /// Whether the level at which flow logs are kept can depend on the tags of VPCs: whether an override with
    /// `coverage` has `tags` in its `match`. If not, no VPC needs to be read to find the level.
    ///
    /// If so, a sweep reads the VPCs whatever the level, and an event about a resource in a VPC reads that VPC if
    /// [`crate::level`] has no answer without it. If the VPC cannot be read, the desired state of the resources in it
    /// is unknown.
    #[must_use]
    pub fn coverage_needs_vpc_tags(&self) -> bool {
        self.overrides.iter().any(|found| found.coverage.is_some() && !found.matches.tags.is_empty())
    }

    /// Finds what decides the level at which flow logs are kept in a VPC, where `resource` is that VPC or is in it.
    /// `vpc` is that VPC, if it has been read; any other VPC is ignored.
    ///
    /// The first override with `coverage` that matches the VPC by its id, tags, account and region decides; otherwise
    /// the policy does. If the VPC has not been read, the resource's account is used.
    #[must_use]
    pub fn coverage_of(&self, resource: &Resource, vpc: Option<&Resource>) -> Coverage<'_> {
        let id = resource.vpc();
        let vpc = if id == Some(&resource.id) { Some(resource) } else { vpc.filter(|vpc| Some(&vpc.id) == id) };
        // A resource outside any VPC has no VPC whose tags could match.
        let no_tags = ObservedTags::new();
        // Tags that could not be read are unknown, even if the VPC was read.
        let tags = match vpc {
            Some(vpc) => vpc.tags.as_ref(),
            None => id.is_none().then_some(&no_tags),
        };
        let Resource { account, region, .. } = vpc.unwrap_or(resource);
        for found in &self.overrides {
            let Some(level) = found.coverage else { continue };
            match found.matches.selects_vpc(id, account, region, tags) {
                Some(true) => return Coverage::At { level, by: Some(found) },
                Some(false) => {}
                None => return Coverage::DependsOnTags(found),
            }
        }
        Coverage::At { level: self.coverage, by: None }
    }

    /// The first override that matches `resource` itself. It decides what the flow log looks like and when it is on;
    /// the effect of its `coverage` is decided by [`Policy::coverage_of`].
    #[must_use]
    pub fn override_of(&self, resource: &Resource) -> Option<&Override> {
        self.overrides.iter().find(|candidate| candidate.matches.contains(resource))
    }

    /// The names of the SLS projects that the policy may create: each a name, or the beginning of names and a `*`. None
    /// begins with a `*`, and there are at most [`Policy::MAX_CREATED_PROJECTS`].
    #[must_use]
    pub fn created_projects(&self) -> BTreeSet<String> {
        let overrides = self.overrides.iter().map(|found| found.flow_log.apply_to(&self.flow_log));
        let patterns = [self.flow_log.clone()].into_iter().chain(overrides);
        let names = one_by_one::set(patterns.filter_map(|pattern| pattern.created_projects()));
        let is_covered = |name: &String| {
            let beginnings = names.iter().filter(|other| *other != name).filter_map(|other| other.strip_suffix('*'));
            beginnings.into_iter().any(|beginning| name.starts_with(beginning))
        };
        one_by_one::set(names.iter().filter(|name| !is_covered(name)).cloned())
    }

    /// Where each field of the flow log of `resource` comes from, keyed by the field's name in the policy.
    #[must_use]
    pub fn origins(&self, resource: &Resource) -> [(&'static str, Origin); 11] {
        let found = self.override_of(resource);
        let fields_set = self.fields_set.fields_set();
        std::array::from_fn(|nth| {
            let (name, is_given) = fields_set[nth];
            let origin = match found {
                Some(found) if found.flow_log.fields_set()[nth].1 => Origin::Override(found.number),
                _ if is_given => Origin::FlowLog,
                _ => Origin::Default,
            };
            (name, origin)
        })
    }
}

/// What decides the level at which flow logs are kept in one VPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage<'a> {
    /// The level is known.
    At {
        /// The level at which flow logs are kept in the VPC.
        level: ResourceType,
        /// The override that sets the level; `None` if the policy's `coverage` does.
        by: Option<&'a Override>,
    },
    /// Whether this override matches depends on the tags of the VPC, which are unknown.
    DependsOnTags(&'a Override),
}

impl<'a> Coverage<'a> {
    /// The override that sets the level, if it is known that one does.
    #[must_use]
    pub const fn by(&self) -> Option<&'a Override> {
        match self {
            Self::At { by, .. } => *by,
            Self::DependsOnTags(_) => None,
        }
    }
}

/// Where a field of a flow log comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nothing sets it.
    Default,
    /// The policy's `flow_log`.
    FlowLog,
    /// The override of this number, counted from 1.
    Override(usize),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::FlowLog => f.write_str("flow_log"),
            Self::Override(number) => write!(f, "override {number}"),
        }
    }
}
