//! Gives each new VPC, vSwitch or network interface the flow log that the policy asks for.
//!
//! Woken by the calls that make one, as ActionTrail records them, and by Cloud Config's discoveries. It looks at what
//! the event names, or at that of which it is a part, and may write one call: `CreateFlowLog`.

use keeper_function::{Circumstances, Duty, Event, KeeperFunction, KeepsFlowLogs, Look, LooksAt, What};

/// The function.
pub type CreateFlowLog = KeeperFunction<OfNewResources>;

/// What the function does.
#[derive(Debug)]
pub struct OfNewResources;

impl KeepsFlowLogs for OfNewResources {
    const DUTY: Duty = Duty { function: "create-flow-log", looks_at: LooksAt::Resources, may: &["CreateFlowLog"] };

    fn look(event: Event, _: &Circumstances<'_>) -> Look {
        match event {
            Event::Created(id) => Look::At(vec![What::Resource(id)]),
            Event::Launched(ids) => Look::At(ids.into_iter().map(What::Instance).collect()),
            _ => Look::Nowhere("nothing new has come into being"),
        }
    }
}
