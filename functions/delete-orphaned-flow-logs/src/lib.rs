//! Deletes the flow logs of ours whose resource is gone.
//!
//! Woken when a VPC, a vSwitch or a network interface is deleted, and by a timer, for a sweep. It asks for the resource
//! of each flow log by its id, and what it cannot read is not gone. It may write one call: `DeleteFlowLog`, and never on
//! what others made.

use handler::{Action, Capabilities, Context, EventKind, FlowLogFunction, Handler, Scope, Selection, TargetKind};

/// The function, as Function Compute invokes it.
pub type Function = Handler<DeleteOrphanedFlowLogs>;

/// What sets this function apart: its capabilities, and the scope of an event.
#[derive(Debug)]
pub struct DeleteOrphanedFlowLogs;

impl FlowLogFunction for DeleteOrphanedFlowLogs {
    const CAPABILITIES: Capabilities = Capabilities {
        function: "delete-orphaned-flow-logs",
        selects: Selection::Orphans,
        actions: &[Action::DeleteFlowLog],
        repairs: false,
    };

    fn scope(event: EventKind, _: &Context<'_>) -> Scope {
        match event {
            EventKind::Timer { .. } => Scope::AllRegions,
            EventKind::Deleted(id) => Scope::Targets(vec![TargetKind::Resource(id)]),
            _ => Scope::Skip("nothing was deleted that can have a flow log"),
        }
    }
}
