//! Writes to flow logs of Express Connect Routers.

use crate::{
    Action, EcrFlowLogSpec, FlowLogId,
    names::{Description, EcrInterval, FlowLogName, SamplingRate},
};

/// A write to a flow log of an Express Connect Router.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EcrChange {
    /// Creates a flow log on the virtual border router.
    Create(Box<EcrFlowLogSpec>),
    /// Activates the flow log.
    Activate(FlowLogId),
    /// Deactivates the flow log.
    Deactivate(FlowLogId),
    /// Changes some of its fields.
    Modify(FlowLogId, EcrFlowLogUpdate),
}

/// The fields of a flow log of an Express Connect Router that can be changed in place. Those that are `None` stay as
/// they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EcrFlowLogUpdate {
    /// The new name.
    pub name: Option<FlowLogName>,
    /// The new description.
    pub description: Option<Description>,
    /// How long traffic is aggregated before a line is written.
    pub interval: Option<EcrInterval>,
    /// Which share of the packets is sampled.
    pub sampling_rate: Option<SamplingRate>,
}

impl EcrChange {
    /// The API action to call.
    #[must_use]
    pub const fn action(&self) -> Action {
        match self {
            Self::Create(_) => Action::EcrCreateFlowLog,
            Self::Activate(_) => Action::EcrActivateFlowLog,
            Self::Deactivate(_) => Action::EcrDeactivateFlowLog,
            Self::Modify(..) => Action::EcrModifyFlowLogAttribute,
        }
    }

    /// The flow log to change; `None` if a new one is created.
    #[must_use]
    pub const fn flow_log(&self) -> Option<&FlowLogId> {
        match self {
            Self::Create(_) => None,
            Self::Activate(id) | Self::Deactivate(id) | Self::Modify(id, _) => Some(id),
        }
    }
}
