//! What a function was woken for.

use std::fmt;

use flow_log::{AccountId, FlowLogId, RegionId, ResourceId};
use jiff::Timestamp;
use openapi::Credentials;

/// What one invocation has to work with.
#[derive(Debug, Clone)]
pub struct Job {
    /// The id of the run, on its report and its lines. A sweep that is retried keeps it.
    pub run: String,
    /// Function Compute's id of the invocation.
    pub request_id: String,
    /// The key of the function's role.
    pub credentials: Credentials,
    /// The account that the function, and so the key, belongs to; `None` where nobody said.
    pub account: Option<AccountId>,
    /// When the work must have stopped; `None` where nobody said.
    pub stop_at: Option<Timestamp>,
}

/// Something that is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The account that it is in.
    pub account: AccountId,
    /// The region that it is in.
    pub region: RegionId,
    /// What it is.
    pub kind: TargetKind,
    /// When that happened which drew attention to it: what is not there long after that is gone.
    pub since: Option<Timestamp>,
}

/// What is to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetKind {
    /// A VPC, a vSwitch or a network interface.
    Resource(ResourceId),
    /// The network interfaces of an ECS instance.
    Instance(String),
    /// The resource of a flow log.
    FlowLog(FlowLogId),
    /// Everything in the region, as an event does not say which resource it is about.
    Region,
    /// Everything in the region, because it is time: the one that may replace flow logs.
    Sweep,
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id().unwrap_or("the region"))
    }
}

impl TargetKind {
    /// The id by which the cloud knows it; none for a whole region.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Resource(id) => Some(id.as_str()),
            Self::Instance(id) => Some(id),
            Self::FlowLog(id) => Some(id.as_str()),
            Self::Region | Self::Sweep => None,
        }
    }

    /// What kind of thing it is, as the API calls it.
    #[must_use]
    pub const fn resource_type(&self) -> Option<&'static str> {
        match self {
            Self::Resource(id) => Some(id.resource_type().as_str()),
            Self::Instance(_) => Some("Instance"),
            Self::FlowLog(_) => Some("FlowLog"),
            Self::Region | Self::Sweep => None,
        }
    }
}
