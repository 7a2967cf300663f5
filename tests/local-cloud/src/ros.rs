//! Resource Orchestration Service: the functions, triggers and roles that a template describes.

mod parameters;
mod resolve;
mod schedule;
pub(crate) mod template;
