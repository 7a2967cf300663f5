//! Puts right what was deleted, stopped or changed.
//!
//! Woken by a timer, for a sweep of every region of the policy; by Cloud Config, for a resource that breaks a rule; and
//! by the calls of others that touch a flow log. It makes the same comparison each time, so it leaves alone what a
//! schedule has switched off. It may write every call that changes a flow log, and deletes one of ours alone, to replace
//! it, where the policy allows that.

mod caller;

use keeper_function::{Circumstances, Duty, Event, FlowLogCall, KeeperFunction, KeepsFlowLogs, Look, LooksAt, What};

/// The function.
pub type RemediateFlowLogs = KeeperFunction<Remediation>;

/// What the function does.
#[derive(Debug)]
pub struct Remediation;

impl KeepsFlowLogs for Remediation {
    const DUTY: Duty = Duty {
        function: "remediate-flow-logs",
        looks_at: LooksAt::Resources,
        may: &[
            "CreateFlowLog",
            "ActiveFlowLog",
            "DeactiveFlowLog",
            "ModifyFlowLogAttribute",
            "TagResources",
            "DeleteFlowLog",
        ],
    };

    fn look(event: Event, circumstances: &Circumstances<'_>) -> Look {
        match event {
            Event::Timer { .. } => Look::Everywhere,
            Event::NonCompliant(id) => Look::At(vec![What::Resource(id)]),
            Event::FlowLogTouched { caller: Some(caller), .. } if caller::is_own(&caller, circumstances) => {
                Look::Nowhere("Flowkeeper itself did this")
            }
            // It is gone, and nothing says what it recorded.
            Event::FlowLogTouched { call: FlowLogCall::Delete, .. } => Look::At(vec![What::Region]),
            Event::FlowLogTouched { flow_log, .. } => Look::At(vec![What::FlowLog(flow_log)]),
            Event::Created(_) | Event::Launched(_) | Event::Deleted(_) => {
                Look::Nowhere("nothing was done to a flow log")
            }
            Event::NotForUs(_) | Event::Broken(_) => Look::Nowhere("nothing is known to have been done"),
        }
    }
}
