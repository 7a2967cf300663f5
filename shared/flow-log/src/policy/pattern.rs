//! Patterns: what flow logs should look like, with placeholders.

use std::{borrow::Cow, sync::LazyLock};

use super::ScheduleName;
use crate::{
    CreateDestination, FlowLog, FlowLogSpec, RegionId, Resource,
    names::{
        AggregationInterval, EcrInterval, InvalidName, IpVersion, ResourceGroupId, SamplingRate, TagKey, TagValue,
        Tags, TrafficPath, TrafficType,
    },
};

/// The default name of a flow log.
pub(super) const DEFAULT_NAME: &str = "flowkeeper-{resource_id}";
/// The default description of a flow log.
pub(super) const DEFAULT_DESCRIPTION: &str = "Kept by Flowkeeper";

/// A pattern for flow logs, with the placeholders `{account}`, `{region}` and `{resource_id}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLogPattern {
    /// The SLS project.
    pub project: String,
    /// The Logstore.
    pub log_store: String,
    /// How project, Logstore and index are created where they are missing; if `None`, they are not created.
    pub create_destination: Option<CreateDestination>,
    /// Which traffic is recorded.
    pub traffic_type: TrafficType,
    /// How long traffic is aggregated before a line is written.
    pub aggregation_interval: AggregationInterval,
    /// Which traffic paths are recorded; if empty, the parameter is not sent.
    pub traffic_path: Vec<TrafficPath>,
    /// Which IP version is recorded; if `None`, the parameter is not sent.
    pub ip_version: Option<IpVersion>,
    /// The name, of at most 128 characters once its placeholders are filled in.
    pub name: String,
    /// The description, of at most 256 characters once its placeholders are filled in.
    pub description: String,
    /// The resource group; if `None`, the parameter is not sent.
    pub resource_group_id: Option<ResourceGroupId>,
    /// The tags, besides the one that marks a flow log as Flowkeeper's own.
    pub tags: Tags,
}

impl FlowLogPattern {
    /// The placeholders that a pattern may contain.
    pub const PLACEHOLDERS: [&str; 3] = ["{account}", "{region}", "{resource_id}"];

    /// The documented defaults.
    pub(super) fn new(project: String, log_store: String) -> Self {
        Self {
            project,
            log_store,
            create_destination: None,
            traffic_type: TrafficType::All,
            aggregation_interval: AggregationInterval::Ten,
            traffic_path: Vec::new(),
            ip_version: None,
            name: DEFAULT_NAME.to_owned(),
            description: DEFAULT_DESCRIPTION.to_owned(),
            resource_group_id: None,
            tags: Tags::new(),
        }
    }

    /// The names of the projects that the pattern may create: a name, or the beginning of names and a `*`. `None` if it
    /// creates none.
    #[must_use]
    pub fn created_projects(&self) -> Option<String> {
        self.create_destination?;
        Some(match self.project.split_once('{') {
            Some((beginning, _)) => format!("{beginning}*"),
            None => self.project.clone(),
        })
    }

    /// Whether nothing limits which projects the pattern may create, since their names begin with a placeholder.
    pub(super) fn creates_any_project(&self) -> bool {
        self.create_destination.is_some() && self.project.starts_with('{')
    }

    /// Returns the flow log that `resource` should have.
    ///
    /// # Errors
    /// A field breaks its limit once its placeholders are filled in.
    pub fn fill(&self, resource: &Resource) -> Result<FlowLogSpec, InvalidName> {
        let values = [resource.account.as_str(), resource.region.as_str(), resource.id.as_str()];
        let fill = |pattern| fill(pattern, values);
        let (key, value) = OWN_TAG.clone()?;
        let mut tags = self.tags.clone();
        tags.insert(key, value);
        Ok(FlowLogSpec {
            name: fill(&self.name).parse()?,
            description: fill(&self.description).parse()?,
            project: fill(&self.project).parse()?,
            log_store: fill(&self.log_store).parse()?,
            create_destination: self.create_destination,
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
    /// How long traffic is aggregated before a line is written.
    pub interval: EcrInterval,
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

/// [`FlowLog::OWN_TAG`], checked once and not for each resource.
static OWN_TAG: LazyLock<Result<(TagKey, TagValue), InvalidName>> = LazyLock::new(|| {
    let (key, value) = FlowLog::OWN_TAG;
    Ok((key.parse()?, value.parse()?))
});

/// Replaces the placeholders in `pattern` with the values of the account, the region and the resource.
pub(crate) fn fill<'p>(pattern: &'p str, values: [&str; 3]) -> Cow<'p, str> {
    if !pattern.contains('{') {
        return pattern.into();
    }
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
    filled.into()
}

/// The fields of a [`FlowLogPattern`], each set or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlowLogFields {
    /// See [`FlowLogPattern::project`].
    pub project: Option<String>,
    /// See [`FlowLogPattern::log_store`].
    pub log_store: Option<String>,
    /// See [`FlowLogPattern::create_destination`].
    pub create_destination: Option<CreateDestination>,
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
    pub const fn fields_set(&self) -> [(&'static str, bool); 11] {
        let Self {
            project,
            log_store,
            create_destination,
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
            ("create_destination", create_destination.is_some()),
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
    pub fn apply_to(&self, defaults: &FlowLogPattern) -> FlowLogPattern {
        let Self {
            project,
            log_store,
            create_destination,
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
            create_destination: create_destination.or(defaults.create_destination),
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
