//! What is wanted of flow logs, as people write it down.

mod diagnostic;
mod parse;
mod surrogates;
mod tree;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

pub use diagnostic::{Mistake, Mistakes, Place};

use crate::{
    AccountId, FlowLogSpec, ObservedTags, RegionId, Resource, ResourceId, ResourceType, RoleArn,
    names::{
        AggregationInterval, InvalidName, IpVersion, ResourceGroupId, SamplingRate, TagWord, Tags, TrafficPath,
        TrafficType,
    },
    schedule::Schedule,
};

/// What is wanted of the flow logs of some accounts and regions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What a flow log should look like, unless an override says otherwise.
    pub flow_log: FlowLogPattern,
    /// The fields of it that the policy gives; the others are defaults.
    pub given: FlowLogFields,
    /// The level at which flow logs are kept, unless an override says otherwise.
    pub coverage: ResourceType,
    /// The regions that are swept; empty means the function's own.
    pub regions: Vec<RegionId>,
    /// The regions that are neither swept nor looked at for an event.
    pub exclude_regions: BTreeSet<RegionId>,
    /// The accounts that are swept besides the function's own.
    pub accounts: Vec<MemberAccount>,
    /// Whether the function's own account is swept, too.
    pub own_account: bool,
    /// What is never touched.
    pub exclude: Exclude,
    /// Which words of the tag `flowkeeper` count.
    pub resource_tag: ResourceTagWords,
    /// When flow logs are on, unless an override says otherwise.
    pub schedule: ScheduleName,
    /// The schedules that there are.
    pub schedules: BTreeMap<String, Schedule>,
    /// What holds for some resources. The first that matches counts, field by field over the defaults.
    pub overrides: Vec<Override>,
    /// How much one sweep may change.
    pub limits: Limits,
    /// What is done with flow logs that others made.
    pub foreign: Foreign,
    /// Whether a flow log of ours that cannot be changed in place is deleted and made anew.
    pub replace: bool,
    /// What remediation may repair; what is left out is reported.
    pub remediate: Remediate,
    /// What is done with flow logs of ours that another one of ours makes superfluous.
    pub superfluous: Superfluous,
    /// What the flow log of a virtual border router on an Express Connect Router should look like.
    pub ecr_flow_log: Option<EcrFlowLogPattern>,
    /// What is no mistake, and most likely not meant either, in the order of its lines.
    pub warnings: Vec<Mistake>,
}

impl Policy {
    /// The largest policy, in bytes. All environment variables of a function together may have 4 KB; a file may be larger.
    pub const LARGEST: usize = 256 << 10;

    /// Reads a policy, YAML or JSON.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with its place and what would be right.
    pub fn parse(text: &str) -> Result<Self, Mistakes> {
        parse::policy(text)
    }

    /// The levels at which some flow log may be kept.
    #[must_use]
    pub fn levels(&self) -> BTreeSet<ResourceType> {
        self.overrides.iter().filter_map(|found| found.coverage).chain([self.coverage]).collect()
    }

    /// Whether anything in `region` is looked at: not where `regions` are given without it, nor where `exclude_regions`
    /// names it.
    #[must_use]
    pub fn covers_region(&self, region: &RegionId) -> bool {
        let is_named = self.regions.is_empty() || self.regions.contains(region);
        is_named && !self.exclude_regions.contains(region)
    }

    /// Why nothing in this account and region is looked at, in a sentence; none where something may be. `own_account` is
    /// the account of the function or command; where nobody knows it, it may be this one.
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

    /// Whether the tags of VPCs have to be known to tell the level at which flow logs are kept in them: whether an
    /// override with `coverage` has `tags` in its `match`. Where not, no VPC has to be read for that.
    ///
    /// Where so, a sweep reads the VPCs at whatever level; an event about a part of a VPC reads that VPC where
    /// [`crate::level`] has no answer without it. If it cannot be read, what is wanted of its parts is unknown.
    #[must_use]
    pub fn coverage_needs_vpc_tags(&self) -> bool {
        self.overrides.iter().any(|found| found.coverage.is_some() && !found.matches.tags.is_empty())
    }

    /// What decides the level at which flow logs are kept in the VPC that `resource` is, or is in. `vpc` is that VPC, if
    /// it has been read; another one counts as none.
    ///
    /// The first override with `coverage` that matches the VPC by its id, tags, account and region decides, or else the
    /// policy. Where the VPC has not been read, the account of the resource stands for that of the VPC.
    #[must_use]
    pub fn coverage_of(&self, resource: &Resource, vpc: Option<&Resource>) -> Coverage<'_> {
        let id = resource.vpc();
        let vpc = if id == Some(&resource.id) { Some(resource) } else { vpc.filter(|vpc| Some(&vpc.id) == id) };
        // What is in no VPC has none with tags.
        let no_tags = ObservedTags::new();
        // Tags that could not be read are not known, even where the VPC was.
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

    /// The first override that matches `resource` itself, and so says what its flow log looks like and when it is on.
    /// What its `coverage` says is for [`Policy::coverage_of`] to tell.
    #[must_use]
    pub fn override_of(&self, resource: &Resource) -> Option<&Override> {
        self.overrides.iter().find(|candidate| candidate.matches.contains(resource))
    }

    /// Where each field of the flow log of `resource` comes from, by the names that a policy has for them.
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
    /// It is known.
    At {
        /// The level.
        level: ResourceType,
        /// The override that says so; none where it is the policy's `coverage`.
        by: Option<&'a Override>,
    },
    /// The tags of the VPC, which are not known, say whether it is this override.
    DependsOnTags(&'a Override),
}

impl<'a> Coverage<'a> {
    /// The override that names the level, where it is known to be one.
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
    /// Nobody says it.
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

/// What a flow log should look like, with `{account}`, `{region}` and `{resource_id}` to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLogPattern {
    /// The SLS project.
    pub project: String,
    /// The Logstore.
    pub log_store: String,
    /// Which traffic.
    pub traffic_type: TrafficType,
    /// How long traffic is gathered before a line is written.
    pub aggregation_interval: AggregationInterval,
    /// Which paths of the traffic; empty means that it is not sent.
    pub traffic_path: Vec<TrafficPath>,
    /// Which IP version; `None` means that it is not sent.
    pub ip_version: Option<IpVersion>,
    /// The name.
    pub name: String,
    /// The description.
    pub description: String,
    /// The resource group; `None` means that it is not sent.
    pub resource_group_id: Option<ResourceGroupId>,
    /// The tags, besides the one that marks a flow log as ours.
    pub tags: Tags,
}

impl FlowLogPattern {
    /// What may stand in braces.
    pub const PLACEHOLDERS: [&str; 3] = ["{account}", "{region}", "{resource_id}"];

    /// The flow log that `resource` should have.
    ///
    /// # Errors
    /// A name breaks its limit once it is filled in.
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

/// What the flow log of a virtual border router on an Express Connect Router should look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcrFlowLogPattern {
    /// The SLS project.
    pub project: String,
    /// The Logstore.
    pub log_store: String,
    /// How long traffic is gathered before a line is written, in seconds: 60 or 600.
    pub interval: u32,
    /// Which share of the packets is looked at.
    pub sampling_rate: SamplingRate,
    /// The region of the SLS project; `None` means that it is not sent.
    pub target_sls_region: Option<RegionId>,
    /// The resource group; `None` means that it is not sent.
    pub resource_group_id: Option<ResourceGroupId>,
    /// The name; may be empty.
    pub name: String,
    /// The description; may be empty.
    pub description: String,
    /// The tags, besides the one that marks a flow log as ours.
    pub tags: Tags,
    /// When the flow logs are on; `None` means as the policy's `schedule` says.
    pub schedule: Option<ScheduleName>,
}

/// `pattern` with the values of the account, the region and the resource in it.
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

/// The fields of a [`FlowLogPattern`] that an override changes.
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
    /// Each field by its name, and whether it is given.
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

    /// `defaults`, with the fields that are given here.
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

/// An account that is looked after by assuming a role in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberAccount {
    /// Its id.
    pub id: AccountId,
    /// The role in it.
    pub role: RoleArn,
    /// What the role's trust policy may ask for.
    pub external_id: Option<String>,
}

/// What is never touched, whatever else holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exclude {
    /// These resources, with all that is in them.
    pub ids: BTreeSet<ResourceId>,
    /// The resources that carry one of these tags themselves: those of their VPC do not count.
    pub tags: BTreeMap<String, String>,
}

/// When flow logs are on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScheduleName {
    /// At all times.
    Always,
    /// At no time.
    Never,
    /// As this one of the policy's schedules says.
    Named(String),
}

/// What holds for some resources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Its number, counted from 1.
    pub number: usize,
    /// Where the policy has it.
    pub place: Place,
    /// For which.
    pub matches: Match,
    /// The level at which flow logs are kept in the VPCs that match.
    pub coverage: Option<ResourceType>,
    /// When their flow logs are on.
    pub schedule: Option<ScheduleName>,
    /// What their flow logs should look like.
    pub flow_log: FlowLogFields,
}

impl Override {
    /// Whether it says anything besides `coverage`.
    fn says_more(&self) -> bool {
        self.schedule.is_some() || self.flow_log != FlowLogFields::default()
    }
}

/// Which resources an override is for: those that match all that is given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    /// They carry all of these tags.
    pub tags: BTreeMap<String, String>,
    /// They are one of these.
    pub ids: BTreeSet<ResourceId>,
    /// They are one of these VPCs, or in one.
    pub vpc_ids: BTreeSet<ResourceId>,
    /// They are in one of these accounts.
    pub accounts: BTreeSet<AccountId>,
    /// They are in one of these regions.
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

    /// Whether a VPC matches, or what is in none (`id` is none then). None, where that is for its tags to say, and these
    /// are not known.
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
    /// At most so many changes that can take something away.
    pub max_changes: u32,
    /// At most this percentage of the resources that were checked; counts above ten changes.
    pub max_changes_percent: u32,
    /// At most so many new flow logs; `None` means any number.
    pub max_creations: Option<u32>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_changes: 50, max_changes_percent: 30, max_creations: None }
    }
}

/// What remediation may repair. What it may not is reported and left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remediate {
    /// A flow log that is not there.
    pub missing: bool,
    /// One that does not record and should.
    pub inactive: bool,
    /// One that is not as the policy wants it.
    pub drifted: bool,
}

impl Default for Remediate {
    fn default() -> Self {
        Self { missing: true, inactive: true, drifted: true }
    }
}

/// What is done with a flow log of ours under another one of ours that records at least as much: it is paid for twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Superfluous {
    /// It is reported.
    #[default]
    Report,
    /// It is deleted.
    Delete,
}

/// The words of the tag `flowkeeper` on resources that count.
///
/// Who may tag a resource may stop its flow log by a word that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceTagWords {
    /// They count; the others are findings, and change nothing.
    pub honored: BTreeSet<TagWord>,
    /// Whether the policy says so. If it does, what has no meaning counts as not honored; else the resource is left as
    /// it is until that is mended.
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

/// What is done with flow logs that others made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Foreign {
    /// They count and are reported.
    #[default]
    Leave,
    /// They are scheduled, switched and changed as our own; never deleted.
    Manage,
}
