//! Gives each virtual border router on an Express Connect Router the flow log that the policy asks for.
//!
//! Woken by a timer. It looks at every router of the accounts in the policy, and may make a flow log, and switch it on
//! and off by its schedule.

use handler::{Action, Capabilities, Context, EventKind, FlowLogFunction, Handler, Scope, Selection};

/// The function, as Function Compute invokes it.
pub type Function = Handler<CreateEcrFlowLog>;

/// What sets this function apart: its capabilities, and the scope of an event.
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
