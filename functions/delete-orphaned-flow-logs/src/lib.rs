//! Deletes Flowkeeper's own flow logs whose resource is gone, and superfluous ones if the policy says so.
//!
//! Triggered when a VPC, a vSwitch or a network interface is deleted, and by a timer for a sweep. It looks up the
//! resource of each flow log by id. A resource that cannot be read does not count as gone. It may make one kind of
//! write: `DeleteFlowLog`, and never on a foreign flow log.

use handler::{Action, Capabilities, Context, EventKind, FlowLogFunction, Handler, Scope, Selection, TargetKind};

/// The handler that Function Compute invokes.
pub type Function = Handler<DeleteOrphanedFlowLogs>;

/// The capabilities of this function, and the scope of an event.
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
