//! Activates flow logs whose schedule or tag says that they should be recording now.
//!
//! Triggered by a timer. The clock and the policy alone decide what should be active now, so a timer that comes late,
//! twice or not at all does no harm. The function handles resources that a schedule or a tag governs, in every region
//! of the policy. It may make one kind of write: `ActiveFlowLog`.

use handler::{Action, Capabilities, Context, EventKind, FlowLogFunction, Handler, Scope, Selection};

/// The handler that Function Compute invokes.
pub type Function = Handler<ActivateFlowLogs>;

/// The capabilities of this function, and the scope of an event.
#[derive(Debug)]
pub struct ActivateFlowLogs;

impl FlowLogFunction for ActivateFlowLogs {
    const CAPABILITIES: Capabilities = Capabilities {
        function: "activate-flow-logs",
        selects: Selection::Scheduled,
        actions: &[Action::ActiveFlowLog],
        repairs: false,
    };

    fn scope(event: EventKind, _: &Context<'_>) -> Scope {
        match event {
            EventKind::Timer { .. } => Scope::AllRegions,
            _ => Scope::Skip("this function runs by timers only"),
        }
    }
}
