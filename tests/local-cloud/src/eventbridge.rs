//! EventBridge: events of calls, the patterns that select them, their delivery to functions, and timers.

pub(crate) mod action_trail;
pub(crate) mod delivery;
pub(crate) mod pattern;
pub(crate) mod timers;
