//! Gives each new VPC, vSwitch or network interface the flow log that the policy asks for.
//!
//! Woken by the calls that make one, as ActionTrail records them, and by Cloud Config's discoveries. It looks at what
//! the event names, or at that of which it is a part, and may write one call: `CreateFlowLog`.

use handler::{Action, Capabilities, Context, EventKind, FlowLogFunction, Handler, Scope, Selection, TargetKind};

/// The function, as Function Compute invokes it.
pub type Function = Handler<CreateFlowLog>;

/// What sets this function apart: its capabilities, and the scope of an event.
#[derive(Debug)]
pub struct CreateFlowLog;

impl FlowLogFunction for CreateFlowLog {
    const CAPABILITIES: Capabilities = Capabilities {
        function: "create-flow-log",
        selects: Selection::Resources,
        actions: &[Action::CreateFlowLog],
        repairs: false,
    };

    fn scope(event: EventKind, _: &Context<'_>) -> Scope {
        match event {
            EventKind::Created(id) => Scope::Targets(vec![TargetKind::Resource(id)]),
            EventKind::Launched(ids) => Scope::Targets(ids.into_iter().map(TargetKind::Instance).collect()),
            _ => Scope::Skip("nothing new has come into being"),
        }
    }
}
