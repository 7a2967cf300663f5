//! The specification of a flow log.

use crate::names::{
    AggregationInterval, Description, FlowLogName, IpVersion, LogStoreName, ProjectName, ResourceGroupId, Tags,
    TrafficPath, TrafficType,
};

/// How the project, Logstore and index that a flow log writes to are created where they are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreateDestination {
    /// How long the Logstore keeps what is written to it. A retention that is longer is left as it is.
    pub retention_days: u16,
}

impl CreateDestination {
    /// The shortest retention, in days.
    pub const MIN_RETENTION_DAYS: u16 = 1;
    /// The longest retention, in days. Log Service takes it to mean forever.
    pub const MAX_RETENTION_DAYS: u16 = 3650;
}

/// The complete specification of a flow log: the parameters of `CreateFlowLog`, and how its destination is created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLogSpec {
    /// The name, with its placeholders filled in.
    pub name: FlowLogName,
    /// The description, with its placeholders filled in.
    pub description: Description,
    /// The SLS project that it writes to.
    pub project: ProjectName,
    /// The Logstore that it writes to.
    pub log_store: LogStoreName,
    /// How its project and Logstore are created where they are missing; if `None`, they are not created.
    pub create_destination: Option<CreateDestination>,
    /// Which traffic it records.
    pub traffic_type: TrafficType,
    /// Which traffic paths it records; not sent if empty.
    pub traffic_path: Vec<TrafficPath>,
    /// How long traffic is aggregated before a line is written.
    pub aggregation_interval: AggregationInterval,
    /// Which IP version it records; not sent if `None`.
    pub ip_version: Option<IpVersion>,
    /// Its resource group; not sent if `None`.
    pub resource_group_id: Option<ResourceGroupId>,
    /// Its tags, including the one that marks it as Flowkeeper's own.
    pub tags: Tags,
}
