//! The log: one JSON object per line on stdout, with Function Compute's marker lines in between.

mod filter;
mod invocation_log;
mod line;
mod names;
mod sink;
mod subscriber;
mod time;
mod unescaped;

pub(crate) use self::invocation_log::{InvocationLog, take_failure_log};
pub use self::{
    filter::{InvalidFilter, LogFilter},
    invocation_log::{FailureLog, of_this_invocation, record_run, set_failure_log},
    sink::Log,
};
