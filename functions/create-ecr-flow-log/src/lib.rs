//! Gives each virtual border router on an Express Connect Router the flow log that the policy asks for.
//!
//! Woken by a timer. It looks at every router of the accounts in the policy, and may make a flow log, and switch it on
//! and off by its schedule.

use keeper_function::{Circumstances, Duty, Event, KeeperFunction, KeepsFlowLogs, Look, LooksAt};

/// The function.
pub type CreateEcrFlowLog = KeeperFunction<OfRouters>;

/// What the function does.
#[derive(Debug)]
pub struct OfRouters;

impl KeepsFlowLogs for OfRouters {
    const DUTY: Duty = Duty {
        function: "create-ecr-flow-log",
        looks_at: LooksAt::Routers,
        may: &["CreateFlowLog", "ActivateFlowLog", "DeactivateFlowLog"],
    };

    fn look(event: Event, _: &Circumstances<'_>) -> Look {
        match event {
            Event::Timer { .. } => Look::Everywhere,
            _ => Look::Nowhere("this function is woken by timers"),
        }
    }
}
