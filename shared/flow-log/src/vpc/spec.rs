//! What one flow log should look like.

use crate::names::{
    AggregationInterval, Description, FlowLogName, IpVersion, LogStoreName, ProjectName, ResourceGroupId, Tags,
    TrafficPath, TrafficType,
};

/// What one flow log should look like, to the last field: what `CreateFlowLog` is sent.
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
    /// Which paths of the traffic it records; not sent where empty.
    pub traffic_path: Vec<TrafficPath>,
    /// How long traffic is gathered before a line is written.
    pub aggregation_interval: AggregationInterval,
    /// Which IP version it records; not sent where `None`.
    pub ip_version: Option<IpVersion>,
    /// The resource group that it is put in; not sent where `None`.
    pub resource_group_id: Option<ResourceGroupId>,
    /// Its tags, the one that marks it as ours among them.
    pub tags: Tags,
}
