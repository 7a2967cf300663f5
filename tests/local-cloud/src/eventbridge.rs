//! EventBridge: buses and their rules, events of calls, their delivery to functions, and timers.

pub(crate) mod action_trail;
pub(crate) mod bus;
pub(crate) mod delivery;
mod forwarding;
pub(crate) mod pattern;
pub(crate) mod routing;
pub(crate) mod timers;
