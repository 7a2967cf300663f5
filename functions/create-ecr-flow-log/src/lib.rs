//! Gives each virtual border router on an Express Connect Router the flow log that the policy asks for.
//!
//! Triggered by a timer. It handles every router of the accounts in the policy. It may create and modify flow logs, and
//! activate and deactivate them by their schedule.

use handler::{Action, Capabilities, Context, EventKind, FlowLogFunction, Handler, Scope, Selection};

/// The handler that Function Compute invokes.
pub type Function = Handler<CreateEcrFlowLog>;

/// The capabilities of this function, and the scope of an event.
#[derive(Debug)]
pub struct CreateEcrFlowLog;

impl FlowLogFunction for CreateEcrFlowLog {
    const CAPABILITIES: Capabilities = Capabilities {
        function: "create-ecr-flow-log",
        selects: Selection::Routers,
        actions: &[
            Action::EcrCreateFlowLog,
            Action::EcrModifyFlowLogAttribute,
            Action::EcrActivateFlowLog,
            Action::EcrDeactivateFlowLog,
        ],
        repairs: false,
    };

    fn scope(event: EventKind, _: &Context<'_>) -> Scope {
        match event {
            EventKind::Timer { .. } => Scope::AllRegions,
            _ => Scope::Skip("this function runs by timers only"),
        }
    }
}
