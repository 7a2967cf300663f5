//! Switches the flow logs on that a schedule wants on now.
//!
//! Woken by a timer. What is to be on now is read off the clock and the policy, so that a timer which comes late,
//! twice or not at all changes nothing about how it ends. It looks at what a schedule or a tag governs, in every region
//! of the policy, and may write one call: `ActiveFlowLog`.

use keeper_function::{Circumstances, Duty, Event, KeeperFunction, KeepsFlowLogs, Look, LooksAt};

/// The function.
pub type ActivateFlowLogs = KeeperFunction<SwitchesOn>;

/// What the function does.
#[derive(Debug)]
pub struct SwitchesOn;

impl KeepsFlowLogs for SwitchesOn {
    const DUTY: Duty = Duty { function: "activate-flow-logs", looks_at: LooksAt::Scheduled, may: &["ActiveFlowLog"] };

    fn look(event: Event, _: &Circumstances<'_>) -> Look {
        match event {
            Event::Timer { .. } => Look::Everywhere,
            _ => Look::Nowhere("this function is woken by timers"),
        }
    }
}
