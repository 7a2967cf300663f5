//! The log: one JSON object per line on stdout, with Function Compute's marker lines in between.

mod filter;
mod ids;
mod line;
mod names;
mod sink;
mod subscriber;
mod time;
mod unescaped;

pub(crate) use self::ids::InvocationIds;
pub use self::{
    filter::{InvalidFilter, LogFilter},
    ids::{of_this_invocation, record_run},
    sink::Log,
};
