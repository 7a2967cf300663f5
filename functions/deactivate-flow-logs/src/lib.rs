//! Deactivates flow logs whose schedule or tag says that they should be paused now.
//!
//! Triggered by a timer. The clock and the policy alone decide what should be paused now, so a timer that comes late,
//! twice or not at all does no harm. The function handles resources that a schedule or a tag governs, in every region
//! of the policy. It may make one kind of write: `DeactiveFlowLog`.

use handler::{Action, Capabilities, Context, EventKind, FlowLogFunction, Handler, Scope, Selection};

/// The handler that Function Compute invokes.
pub type Function = Handler<DeactivateFlowLogs>;

/// The capabilities of this function, and the scope of an event.
#[derive(Debug)]
pub struct DeactivateFlowLogs;

impl FlowLogFunction for DeactivateFlowLogs {
    const CAPABILITIES: Capabilities = Capabilities {
        function: "deactivate-flow-logs",
        selects: Selection::Scheduled,
        actions: &[Action::DeactiveFlowLog],
        repairs: false,
    };

    fn scope(event: EventKind, _: &Context<'_>) -> Scope {
        match event {
            EventKind::Timer { .. } => Scope::AllRegions,
            _ => Scope::Skip("this function runs by timers only"),
        }
    }
}
