//! Function Compute: functions as processes, under the contract of its custom runtimes.

pub(crate) mod build;
pub(crate) mod host;
mod instance;
