//! Writes to flow logs of VPCs, vSwitches and network interfaces.

use crate::{
    Action, FlowLogId, FlowLogSpec,
    names::{AggregationInterval, Description, FlowLogName, IpVersion, ResourceGroupId, Tags},
};

/// A write that brings a resource closer to its desired state. None of them deletes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Creates a flow log on the resource.
    Create(Box<FlowLogSpec>),
    /// Activates the flow log.
    Activate(FlowLogId),
    /// Deactivates the flow log.
    Deactivate(FlowLogId),
    /// Changes some of its fields.
    Modify(FlowLogId, FlowLogUpdate),
    /// Moves it to another resource group.
    Move(FlowLogId, ResourceGroupId),
    /// Sets some tags on it.
    Tag(FlowLogId, Tags),
}

impl Change {
    /// Whether the call leaves the flow log in a transitional state (`Modifying`, `Activating`, …), in which it accepts
    /// no other call.
    #[must_use]
    pub const fn is_asynchronous(&self) -> bool {
        !matches!(self, Self::Tag(..) | Self::Move(..))
    }

    /// The flow log to change; `None` if a new one is created.
    #[must_use]
    pub const fn flow_log(&self) -> Option<&FlowLogId> {
        match self {
            Self::Create(_) => None,
            Self::Activate(id) | Self::Deactivate(id) | Self::Modify(id, _) | Self::Move(id, _) | Self::Tag(id, _) => {
                Some(id)
            }
        }
    }

    /// The API action to call.
    #[must_use]
    pub const fn action(&self) -> Action {
        match self {
            Self::Create(_) => Action::CreateFlowLog,
            Self::Activate(_) => Action::ActiveFlowLog,
            Self::Deactivate(_) => Action::DeactiveFlowLog,
            Self::Modify(..) => Action::ModifyFlowLogAttribute,
            Self::Move(..) => Action::MoveResourceGroup,
            Self::Tag(..) => Action::TagResources,
        }
    }
}

/// The fields of a flow log that can be changed in place. Those that are `None` stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlowLogUpdate {
    /// The new name.
    pub name: Option<FlowLogName>,
    /// The new description.
    pub description: Option<Description>,
    /// How long traffic is aggregated before a line is written.
    pub aggregation_interval: Option<AggregationInterval>,
    /// Which IP version is recorded.
    pub ip_version: Option<IpVersion>,
}
