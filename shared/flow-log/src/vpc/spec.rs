//! The specification of a flow log.

use crate::names::{
    AggregationInterval, Description, FlowLogName, IpVersion, LogStoreName, ProjectName, ResourceGroupId, Tags,
    TrafficPath, TrafficType,
};

/// The complete specification of a flow log: the parameters of `CreateFlowLog`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowLogSpec {
    /// Its name.
    pub name: FlowLogName,
    /// Its description.
    pub description: Description,
    /// The SLS project that it writes to.
    pub project: ProjectName,
    /// The Logstore that it writes to.
    pub log_store: LogStoreName,
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
