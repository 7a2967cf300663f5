//! The policy: the desired state of flow logs, as people write it.

mod diagnostic;
mod parse;
mod surrogates;
mod tree;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

pub use diagnostic::{Diagnostic, Diagnostics, Place};

use crate::{
    AccountId, FlowLogSpec, ObservedTags, RegionId, Resource, ResourceId, ResourceType, RoleArn,
    names::{
        AggregationInterval, InvalidName, IpVersion, ResourceGroupId, SamplingRate, TagWord, Tags, TrafficPath,
        TrafficType,
    },
    schedule::Schedule,
};

/// The desired state of the flow logs in some accounts and regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What a flow log should look like, unless an override says otherwise.
    pub flow_log: FlowLogPattern,
    /// The fields of `flow_log` that the policy sets; the others are defaults.
    pub given: FlowLogFields,
    /// The level at which flow logs are kept, unless an override says otherwise.
    pub coverage: ResourceType,
    /// The regions to sweep; empty means the function's own region.
    pub regions: Vec<RegionId>,
    /// The regions that are out of scope, for sweeps and events alike.
    pub exclude_regions: BTreeSet<RegionId>,
    /// The accounts to sweep besides the function's own.
    pub accounts: Vec<MemberAccount>,
    /// Whether the function's own account is swept.
    pub own_account: bool,
    /// What is never changed.
    pub exclude: Exclude,
    /// Which words of the tag `flowkeeper` count.
    pub resource_tag: ResourceTagWords,
    /// When flow logs are on, unless an override says otherwise.
    pub schedule: ScheduleName,
    /// The named schedules.
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
    /// The largest policy, in bytes. All environment variables of a function together are limited to 4 KB; a file may
    /// be larger.
    pub const LARGEST: usize = 256 << 10;

    /// Reads a policy in YAML or JSON.
    ///
    /// # Errors
    /// Everything that is wrong with it, each mistake with its position and a correction.
    pub fn parse(text: &str) -> Result<Self, Diagnostics> {
        parse::policy(text)
    }

    /// All levels at which flow logs may be kept.
    #[must_use]
    pub fn levels(&self) -> BTreeSet<ResourceType> {
        self.overrides.iter().filter_map(|found| found.coverage).chain([self.coverage]).collect()
    }

    /// Whether `region` is in scope: not if `regions` is set and lacks it, and not if `exclude_regions` names it.
    #[must_use]
    pub fn covers_region(&self, region: &RegionId) -> bool {
        let is_named = self.regions.is_empty() || self.regions.contains(region);
        is_named && !self.exclude_regions.contains(region)
    }

    /// Explains why this account and region are out of scope; `None` if they may be in scope. `own_account` is the
    /// account of the function or command; if it is unknown, `account` may be it.
    #[must_use]
    pub fn out_of_scope(
        &self,
        own_account: Option<&AccountId>,
        account: &AccountId,
        region: &RegionId,
    ) -> Option<String> {
        if self.exclude_regions.contains(region) {
            return Some(format!("the region {region} is out of scope: the policy's exclude_regions names it"));
        }
        if !self.covers_region(region) {
            return Some(format!("the region {region} is out of scope: the policy's regions do not name it"));
        }
        let is_member = self.accounts.iter().any(|member| member.id == *account);
        let is_own = own_account == Some(account);
        let may_be_own = is_own || own_account.is_none();
        match (self.own_account, is_own) {
            (false, true) => Some(format!("the account {account} is out of scope: own_account is false in the policy")),
            (_, _) if is_member || (self.own_account && may_be_own) => None,
            _ => Some(format!("the account {account} is out of scope: the policy's accounts do not name it")),
        }
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

    /// Where each field of the flow log of `resource` comes from, keyed by the field's name in the policy.
    #[must_use]
    pub fn origins(&self, resource: &Resource) -> [(&'static str, Origin); 10] {
        let found = self.override_of(resource);
        let given = self.given.given();
        std::array::from_fn(|nth| {
            let (name, is_given) = given[nth];
            let origin = match found {
                Some(found) if found.flow_log.given()[nth].1 => Origin::Override(found.number),
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
        /// The level.
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

/// A pattern for flow logs, with the placeholders `{account}`, `{region}` and `{resource_id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLogPattern {
    /// The SLS project.
    pub project: String,
    /// The Logstore.
    pub log_store: String,
    /// Which traffic is recorded.
    pub traffic_type: TrafficType,
    /// How long traffic is aggregated before a line is written.
    pub aggregation_interval: AggregationInterval,
    /// Which traffic paths are recorded; if empty, the parameter is not sent.
    pub traffic_path: Vec<TrafficPath>,
    /// Which IP version is recorded; if `None`, the parameter is not sent.
    pub ip_version: Option<IpVersion>,
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// The resource group; if `None`, the parameter is not sent.
    pub resource_group_id: Option<ResourceGroupId>,
    /// The tags, besides the one that marks a flow log as Flowkeeper's own.
    pub tags: Tags,
}

impl FlowLogPattern {
    /// The placeholders that a pattern may contain.
    pub const PLACEHOLDERS: [&str; 3] = ["{account}", "{region}", "{resource_id}"];

    /// Returns the flow log that `resource` should have.
    ///
    /// # Errors
    /// A field breaks its limit once its placeholders are filled in.
    pub fn fill(&self, resource: &Resource) -> Result<FlowLogSpec, InvalidName> {
        let values = [resource.account.as_str(), resource.region.as_str(), resource.id.as_str()];
        let fill = |pattern: &str| fill(pattern, values);
        let (key, value) = crate::FlowLog::OWN_TAG;
        let mut tags = self.tags.clone();
        tags.insert(key.parse()?, value.parse()?);
        Ok(FlowLogSpec {
            name: fill(&self.name).parse()?,
            description: fill(&self.description).parse()?,
            project: fill(&self.project).parse()?,
            log_store: fill(&self.log_store).parse()?,
            traffic_type: self.traffic_type,
            traffic_path: self.traffic_path.clone(),
            aggregation_interval: self.aggregation_interval,
            ip_version: self.ip_version,
            resource_group_id: self.resource_group_id.clone(),
            tags,
        })
    }
}

/// A pattern for the flow logs of virtual border routers on Express Connect Routers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrFlowLogPattern {
    /// The SLS project.
    pub project: String,
    /// The Logstore.
    pub log_store: String,
    /// How long traffic is aggregated before a line is written, in seconds: 60 or 600.
    pub interval: u32,
    /// Which share of the packets is sampled.
    pub sampling_rate: SamplingRate,
    /// The region of the SLS project; if `None`, the parameter is not sent.
    pub target_sls_region: Option<RegionId>,
    /// The resource group; if `None`, the parameter is not sent.
    pub resource_group_id: Option<ResourceGroupId>,
    /// The name; may be empty.
    pub name: String,
    /// The description; may be empty.
    pub description: String,
    /// The tags, besides the one that marks a flow log as Flowkeeper's own.
    pub tags: Tags,
    /// When the flow logs are on; if `None`, the policy's `schedule` decides.
    pub schedule: Option<ScheduleName>,
}

/// Replaces the placeholders in `pattern` with the values of the account, the region and the resource.
pub(crate) fn fill(pattern: &str, values: [&str; 3]) -> String {
    let mut filled = String::with_capacity(pattern.len() + 64);
    let mut rest = pattern;
    while let Some((before, from_brace)) = rest.find('{').map(|at| rest.split_at(at)) {
        filled.push_str(before);
        let mut placeholders = FlowLogPattern::PLACEHOLDERS.iter().zip(values);
        let found = placeholders.find_map(|(name, value)| Some((value, from_brace.strip_prefix(name)?)));
        let (value, after) = found.unwrap_or_else(|| from_brace.split_at(1));
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// The fields of a [`FlowLogPattern`], each set or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlowLogFields {
    /// See [`FlowLogPattern::project`].
    pub project: Option<String>,
    /// See [`FlowLogPattern::log_store`].
    pub log_store: Option<String>,
    /// See [`FlowLogPattern::traffic_type`].
    pub traffic_type: Option<TrafficType>,
    /// See [`FlowLogPattern::aggregation_interval`].
    pub aggregation_interval: Option<AggregationInterval>,
    /// See [`FlowLogPattern::traffic_path`].
    pub traffic_path: Option<Vec<TrafficPath>>,
    /// See [`FlowLogPattern::ip_version`].
    pub ip_version: Option<IpVersion>,
    /// See [`FlowLogPattern::name`].
    pub name: Option<String>,
    /// See [`FlowLogPattern::description`].
    pub description: Option<String>,
    /// See [`FlowLogPattern::resource_group_id`].
    pub resource_group_id: Option<ResourceGroupId>,
    /// See [`FlowLogPattern::tags`].
    pub tags: Option<Tags>,
}

impl FlowLogFields {
    /// Each field by name, and whether it is set.
    #[must_use]
    pub const fn given(&self) -> [(&'static str, bool); 10] {
        let Self {
            project,
            log_store,
            traffic_type,
            aggregation_interval,
            traffic_path,
            ip_version,
            name,
            description,
            resource_group_id,
            tags,
        } = self;
        [
            ("project", project.is_some()),
            ("log_store", log_store.is_some()),
            ("traffic_type", traffic_type.is_some()),
            ("aggregation_interval", aggregation_interval.is_some()),
            ("traffic_path", traffic_path.is_some()),
            ("ip_version", ip_version.is_some()),
            ("name", name.is_some()),
            ("description", description.is_some()),
            ("resource_group_id", resource_group_id.is_some()),
            ("tags", tags.is_some()),
        ]
    }

    /// Returns `defaults`, with the fields that are set here replaced.
    #[must_use]
    pub fn over(&self, defaults: &FlowLogPattern) -> FlowLogPattern {
        let Self {
            project,
            log_store,
            traffic_type,
            aggregation_interval,
            traffic_path,
            ip_version,
            name,
            description,
            resource_group_id,
            tags,
        } = self.clone();
        let defaults = defaults.clone();
        FlowLogPattern {
            project: project.unwrap_or(defaults.project),
            log_store: log_store.unwrap_or(defaults.log_store),
            traffic_type: traffic_type.unwrap_or(defaults.traffic_type),
            aggregation_interval: aggregation_interval.unwrap_or(defaults.aggregation_interval),
            traffic_path: traffic_path.unwrap_or(defaults.traffic_path),
            ip_version: ip_version.or(defaults.ip_version),
            name: name.unwrap_or(defaults.name),
            description: description.unwrap_or(defaults.description),
            resource_group_id: resource_group_id.or(defaults.resource_group_id),
            tags: tags.unwrap_or(defaults.tags),
        }
    }
}

/// Another account, which is managed by assuming a role in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberAccount {
    /// Its id.
    pub id: AccountId,
    /// The role to assume in it.
    pub role: RoleArn,
    /// The external id that the role's trust policy requires, if any.
    pub external_id: Option<String>,
}

/// What is never changed, whatever else the policy says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exclude {
    /// These resources, and everything in them.
    pub ids: BTreeSet<ResourceId>,
    /// Resources that carry one of these tags themselves; the tags of their VPC do not count.
    pub tags: BTreeMap<String, String>,
}

/// When flow logs are on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScheduleName {
    /// At all times.
    Always,
    /// At no time.
    Never,
    /// When this schedule of the policy says so.
    Named(String),
}

/// An exception for some resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// The override's number, counted from 1.
    pub number: usize,
    /// Where the override is in the policy.
    pub place: Place,
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
    fn says_more(&self) -> bool {
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
    fn contains(&self, resource: &Resource) -> bool {
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
    fn selects_vpc(
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

/// How much one sweep may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of changes that can take something away.
    pub max_changes: u32,
    /// The same limit as a percentage of the checked resources; applies only above ten changes.
    pub max_changes_percent: u32,
    /// Maximum number of new flow logs; `None` means no limit.
    pub max_creations: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_changes: 50, max_changes_percent: 30, max_creations: None }
    }
}

/// What remediation may repair. Anything else is reported and left as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remediate {
    /// Flow logs that do not exist.
    pub missing: bool,
    /// Flow logs that do not record, but should.
    pub inactive: bool,
    /// Flow logs that differ from the policy.
    pub drifted: bool,
}

impl Default for Remediate {
    fn default() -> Self {
        Self { missing: true, inactive: true, drifted: true }
    }
}

/// What happens to an own flow log under another own flow log that records at least as much: the traffic is paid for
/// twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Superfluous {
    /// It is reported.
    #[default]
    Report,
    /// It is deleted.
    Delete,
}

/// Which words of the tag `flowkeeper` on resources count.
///
/// Anyone who may tag a resource can stop its flow log with a word that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceTagWords {
    /// The words that count. Any other is a finding, and changes nothing.
    pub honored: BTreeSet<TagWord>,
    /// Whether the policy lists the words. If it does, a malformed tag counts as not honored; otherwise the resource is
    /// left as it is until the tag is fixed.
    pub is_given: bool,
}

impl ResourceTagWords {
    /// Whether this word counts.
    #[must_use]
    pub fn honors(&self, word: TagWord) -> bool {
        self.honored.contains(&word)
    }
}

impl Default for ResourceTagWords {
    fn default() -> Self {
        let honored = TagWord::ALL.iter().filter_map(|word| word.parse().ok()).collect();
        Self { honored, is_given: false }
    }
}

/// What happens to foreign flow logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Foreign {
    /// They count as coverage, and are reported.
    #[default]
    Leave,
    /// They are scheduled, switched and changed like Flowkeeper's own, but never deleted.
    Manage,
}
