//! Switches the flow logs off that a schedule wants off now.
//!
//! Woken by a timer. What is to be off now is read off the clock and the policy, so that a timer which comes late,
//! twice or not at all changes nothing about how it ends. It looks at what a schedule or a tag governs, in every region
//! of the policy, and may write one call: `DeactiveFlowLog`.

use keeper_function::{Circumstances, Duty, Event, KeeperFunction, KeepsFlowLogs, Look, LooksAt};

/// The function.
pub type DeactivateFlowLogs = KeeperFunction<SwitchesOff>;

/// What the function does.
#[derive(Debug)]
pub struct SwitchesOff;

impl KeepsFlowLogs for SwitchesOff {
    const DUTY: Duty =
        Duty { function: "deactivate-flow-logs", looks_at: LooksAt::Scheduled, may: &["DeactiveFlowLog"] };

    fn look(event: Event, _: &Circumstances<'_>) -> Look {
        match event {
            Event::Timer { .. } => Look::Everywhere,
            _ => Look::Nowhere("this function is woken by timers"),
        }
    }
}
