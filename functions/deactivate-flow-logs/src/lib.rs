//! Switches the flow logs off that a schedule wants off now.
//!
//! Woken by a timer. What is to be off now is read off the clock and the policy, so that a timer which comes late,
//! twice or not at all changes nothing about how it ends. It looks at what a schedule or a tag governs, in every region
//! of the policy, and may write one call: `DeactiveFlowLog`.

use handler::{Action, Capabilities, Context, EventKind, FlowLogFunction, Handler, Scope, Selection};

/// The function, as Function Compute invokes it.
pub type Function = Handler<DeactivateFlowLogs>;

/// What sets this function apart: its capabilities, and the scope of an event.
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
