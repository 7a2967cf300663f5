//! Function Compute: functions as processes, under the contract of its custom runtimes.

pub(crate) mod api;
pub(crate) mod asynchronous;
pub(crate) mod buckets;
pub(crate) mod build;
pub(crate) mod deployed;
pub(crate) mod host;
mod instance;
pub(crate) mod layer;
pub(crate) mod tasks;
