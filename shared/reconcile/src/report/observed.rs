//! The flow log that a result is about.

use flow_log::{EcrFlowLog, FlowLog, FlowLogId};
use serde::Serialize;

/// The flow log that a result is about, as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedFlowLog {
    /// Its id.
    pub id: FlowLogId,
    /// The id of the resource that it is on: the resource of the result, or what contains it.
    pub resource_id: String,
    /// Who made it.
    pub made_by: MadeBy,
    /// Its status, as the API writes it.
    pub status: String,
    /// The SLS project that it writes to, if given.
    pub project: Option<String>,
    /// The Logstore that it writes to, if given.
    pub log_store: Option<String>,
    /// Which traffic it records, if given.
    pub traffic_type: Option<String>,
    /// Which traffic paths it records, if given.
    pub traffic_path: Option<Vec<String>>,
    /// Which IP version it records, if given.
    pub ip_version: Option<String>,
}

/// Who made a flow log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MadeBy {
    /// Flowkeeper.
    Flowkeeper,
    /// Log Service.
    Sls,
    /// Somebody else.
    Others,
    /// Its tags could not be read.
    Unknown,
}

impl MadeBy {
    const fn of(is_own: bool, has_unknown_tags: bool) -> Self {
        match (is_own, has_unknown_tags) {
            (true, _) => Self::Flowkeeper,
            (false, true) => Self::Unknown,
            (false, false) => Self::Others,
        }
    }
}

impl From<&FlowLog> for ObservedFlowLog {
    fn from(flow_log: &FlowLog) -> Self {
        let made_by = if flow_log.is_managed_by_sls() {
            MadeBy::Sls
        } else {
            MadeBy::of(flow_log.is_own(), flow_log.has_unknown_tags())
        };
        Self {
            id: flow_log.id.clone(),
            resource_id: flow_log.resource_id.clone(),
            made_by,
            status: flow_log.status.to_string(),
            project: flow_log.project.clone(),
            log_store: flow_log.log_store.clone(),
            traffic_type: flow_log.traffic_type.clone(),
            traffic_path: flow_log.traffic_path.clone(),
            ip_version: flow_log.ip_version.clone(),
        }
    }
}

impl From<&EcrFlowLog> for ObservedFlowLog {
    fn from(flow_log: &EcrFlowLog) -> Self {
        Self {
            id: flow_log.id.clone(),
            resource_id: flow_log.instance_id.clone(),
            made_by: MadeBy::of(flow_log.is_own(), flow_log.has_unknown_tags()),
            status: flow_log.status.to_string(),
            project: flow_log.project.clone(),
            log_store: flow_log.log_store.clone(),
            traffic_type: None,
            traffic_path: None,
            ip_version: None,
        }
    }
}
