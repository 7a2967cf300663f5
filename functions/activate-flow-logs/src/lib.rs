//! Switches the flow logs on that a schedule wants on now.
//!
//! Woken by a timer. What is to be on now is read off the clock and the policy, so that a timer which comes late,
//! twice or not at all changes nothing about how it ends. It looks at what a schedule or a tag governs, in every region
//! of the policy, and may write one call: `ActiveFlowLog`.

use handler::{Action, Capabilities, Context, EventKind, FlowLogFunction, Handler, Scope, Selection};

/// The function, as Function Compute invokes it.
pub type Function = Handler<ActivateFlowLogs>;

/// What sets this function apart: its capabilities, and the scope of an event.
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
