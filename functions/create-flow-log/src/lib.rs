//! Gives each new VPC, vSwitch or network interface the flow log that the policy asks for.
//!
//! Triggered by ActionTrail events of calls that create such resources, and by Cloud Config when it discovers them. It
//! handles the resource in the event, or the VPC or vSwitch that covers it. It may create flow logs, and what they write
//! to if the policy says so.

use handler::{Action, Capabilities, Context, EventKind, FlowLogFunction, Handler, Scope, Selection, TargetKind};

/// The handler that Function Compute invokes.
pub type Function = Handler<CreateFlowLog>;

/// The capabilities of this function, and the scope of an event.
#[derive(Debug)]
pub struct CreateFlowLog;

impl FlowLogFunction for CreateFlowLog {
    const CAPABILITIES: Capabilities = Capabilities {
        function: "create-flow-log",
        selects: Selection::Resources,
        actions: &[Action::CreateFlowLog, Action::CreateProject, Action::CreateLogStore, Action::CreateIndex],
        repairs: false,
    };

    const SWEEPS: bool = false;

    fn scope(event: EventKind, _: &Context<'_>) -> Scope {
        match event {
            EventKind::Created(id) => Scope::Targets(vec![TargetKind::Resource(id)]),
            EventKind::Launched(ids) => Scope::Targets(ids.into_iter().map(TargetKind::Instance).collect()),
            _ => Scope::Skip("nothing was created that can have a flow log"),
        }
    }
}
