//! Repairs drift: flow logs that were deleted, deactivated or changed.
//!
//! Triggered by a timer, for a sweep of every region of the policy; by Cloud Config, for a resource that breaks a rule;
//! and by calls of others that change a flow log. It always makes the same comparison, so it leaves alone what a
//! schedule has paused. It may make every write that changes a flow log, and create what flow logs write to if the policy
//! says so. It deletes only Flowkeeper's own flow logs, only to replace them, and only if the policy allows that.

mod caller;

use handler::{
    Action, Capabilities, Context, EventKind, FlowLogCall, FlowLogFunction, Handler, Scope, Selection, TargetKind,
};

/// The handler that Function Compute invokes.
pub type Function = Handler<RemediateFlowLogs>;

/// The capabilities of this function, and the scope of an event.
#[derive(Debug)]
pub struct RemediateFlowLogs;

impl FlowLogFunction for RemediateFlowLogs {
    const CAPABILITIES: Capabilities = Capabilities {
        function: "remediate-flow-logs",
        selects: Selection::Resources,
        actions: &[
            Action::CreateFlowLog,
            Action::ActiveFlowLog,
            Action::DeactiveFlowLog,
            Action::ModifyFlowLogAttribute,
            Action::MoveResourceGroup,
            Action::TagResources,
            Action::DeleteFlowLog,
            Action::CreateProject,
            Action::CreateLogStore,
            Action::UpdateLogStore,
            Action::CreateIndex,
        ],
        repairs: true,
    };

    fn scope(event: EventKind, context: &Context<'_>) -> Scope {
        match event {
            EventKind::Timer { .. } => Scope::AllRegions,
            EventKind::NonCompliant(id) => Scope::Targets(vec![TargetKind::Resource(id)]),
            EventKind::FlowLogChanged { caller: Some(caller), .. } if caller::is_own(&caller, context) => {
                Scope::Skip("Flowkeeper itself did this")
            }
            // The flow log is gone, and nothing says what it recorded.
            EventKind::FlowLogChanged { call: FlowLogCall::Delete, .. } => Scope::Targets(vec![TargetKind::Region]),
            EventKind::FlowLogChanged { flow_log, .. } => Scope::Targets(vec![TargetKind::FlowLog(flow_log)]),
            EventKind::Created(_) | EventKind::Launched(_) | EventKind::Deleted(_) => {
                Scope::Skip("nothing was done to a flow log")
            }
            EventKind::Shard(_) | EventKind::Collect(_) | EventKind::Ignored(_) | EventKind::Malformed(_) => {
                Scope::Skip("nothing is known to have been done")
            }
        }
    }
}
