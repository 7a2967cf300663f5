//! A write, as the writer makes it and as plans describe it.

use flow_log::{
    Action, AttachedVbr, Change, EcrChange, EcrFlowLog, EcrId, FlowLog, FlowLogId, FlowLogSpec, GovernedBy, Resource,
};
use openapi::{Destination, LogStore};

/// A write.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Write<'w> {
    /// Changes a flow log on a resource.
    FlowLog(FlowLogWrite<'w>),
    /// Deletes a flow log. All that is known of it is kept in the result.
    Delete(&'w FlowLog, Successor<'w>),
    /// Changes a flow log on a virtual border router.
    Ecr(EcrWrite<'w>),
    /// Deletes a flow log of an Express Connect Router. All that is known of it is kept in the result.
    DeleteEcr(&'w EcrId, &'w EcrFlowLog),
    /// Opens the flow log service of the account.
    OpenService,
    /// Creates or changes a part of what flow logs write to.
    Destination(Destination<'w>, DestinationChange<'w>),
}

/// A change to a flow log on a resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FlowLogWrite<'w> {
    pub(crate) resource: &'w Resource,
    pub(crate) change: &'w Change,
    /// The flow logs that it was decided from.
    pub(crate) observed: &'w [FlowLog],
    /// What decides whether the flow log is on, if that is known.
    pub(crate) governed_by: Option<&'w GovernedBy>,
}

impl<'w> FlowLogWrite<'w> {
    /// Returns the flow log that is changed, as it was read.
    pub(crate) fn changed(&self) -> Option<&'w FlowLog> {
        let id = self.change.flow_log()?;
        self.observed.iter().find(|flow_log| flow_log.id == *id)
    }
}

/// What comes after a flow log that is deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Successor<'w> {
    /// Nothing: its resource is gone.
    Gone,
    /// Nothing: another flow log records the same.
    Covered,
    /// A flow log with this spec on the same resource.
    Replaces(&'w Resource, &'w FlowLogSpec),
}

/// A change to a flow log on a virtual border router.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EcrWrite<'w> {
    pub(crate) vbr: &'w AttachedVbr,
    pub(crate) change: &'w EcrChange,
    /// The flow log that is changed, as it was read.
    pub(crate) changed: Option<&'w EcrFlowLog>,
    /// What decides whether the flow log is on, if that is known.
    pub(crate) governed_by: Option<&'w GovernedBy>,
}

/// A change to what flow logs write to.
#[derive(Debug, Clone, Copy)]
pub(crate) enum DestinationChange<'w> {
    CreateProject,
    CreateLogStore { retention_days: u16 },
    RaiseRetention { log_store: &'w LogStore, retention_days: u16 },
    CreateIndex,
}

impl DestinationChange<'_> {
    pub(crate) const fn action(&self) -> Action {
        match self {
            Self::CreateProject => Action::CreateProject,
            Self::CreateLogStore { .. } => Action::CreateLogStore,
            Self::RaiseRetention { .. } => Action::UpdateLogStore,
            Self::CreateIndex => Action::CreateIndex,
        }
    }

    pub(crate) const fn what(&self) -> &'static str {
        match self {
            Self::CreateProject => "the project",
            Self::CreateLogStore { .. } => "the Logstore",
            Self::RaiseRetention { .. } => "the retention of",
            Self::CreateIndex => "the index of",
        }
    }
}

impl Write<'_> {
    pub(crate) const fn action(&self) -> Action {
        match self {
            Self::FlowLog(write) => write.change.action(),
            Self::Delete(..) => Action::DeleteFlowLog,
            Self::Ecr(write) => write.change.action(),
            Self::DeleteEcr(..) => Action::EcrDeleteFlowlog,
            Self::OpenService => Action::OpenFlowLogService,
            Self::Destination(_, change) => change.action(),
        }
    }

    pub(crate) fn flow_log(&self) -> Option<&FlowLogId> {
        match self {
            Self::FlowLog(write) => write.change.flow_log(),
            Self::Delete(flow_log, _) => Some(&flow_log.id),
            Self::Ecr(write) => write.change.flow_log(),
            Self::DeleteEcr(_, flow_log) => Some(&flow_log.id),
            Self::OpenService | Self::Destination(..) => None,
        }
    }

    /// Whether it creates a flow log on a resource.
    pub(crate) const fn is_creation(&self) -> bool {
        matches!(self, Self::FlowLog(FlowLogWrite { change: Change::Create(_), .. }))
    }

    /// Whether the caller can create a missing destination and write again.
    pub(crate) fn waits_for_destination(&self) -> bool {
        match self {
            Self::FlowLog(FlowLogWrite { change: Change::Create(spec), .. }) => spec.create_destination.is_some(),
            Self::Destination(..) => true,
            _ => false,
        }
    }
}
