//! Deletes the flow logs of ours whose resource is gone.
//!
//! Woken when a VPC, a vSwitch or a network interface is deleted, and by a timer, for a sweep. It asks for the resource
//! of each flow log by its id, and what it cannot read is not gone. It may write one call: `DeleteFlowLog`, and never on
//! what others made.

use keeper_function::{Circumstances, Duty, Event, KeeperFunction, KeepsFlowLogs, Look, LooksAt, What};

/// The function.
pub type DeleteOrphanedFlowLogs = KeeperFunction<OfWhatIsGone>;

/// What the function does.
#[derive(Debug)]
pub struct OfWhatIsGone;

impl KeepsFlowLogs for OfWhatIsGone {
    const DUTY: Duty =
        Duty { function: "delete-orphaned-flow-logs", looks_at: LooksAt::Orphans, may: &["DeleteFlowLog"] };

    fn look(event: Event, _: &Circumstances<'_>) -> Look {
        match event {
            Event::Timer { .. } => Look::Everywhere,
            Event::Deleted(id) => Look::At(vec![What::Resource(id)]),
            _ => Look::Nowhere("nothing was deleted that can have a flow log"),
        }
    }
}
