//! Resource Orchestration Service: the functions, triggers and roles that a template describes.

pub(crate) mod alarms;
pub(crate) mod function;
mod layer;
pub(crate) mod log_store;
pub(crate) mod member;
mod mount;
mod parameters;
pub(crate) mod queue;
mod resolve;
mod role;
pub(crate) mod rule;
pub(crate) mod schedule;
pub(crate) mod template;
pub(crate) mod trigger;
