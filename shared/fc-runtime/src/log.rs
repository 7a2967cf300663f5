//! The log: one JSON object per line on stdout, with Function Compute's marker lines in between.

mod filter;
mod layer;
mod line;
mod sink;
mod unescaped;

pub(crate) use self::layer::span;
pub use self::{
    filter::{InvalidFilter, LogFilter},
    layer::record_run,
    sink::Log,
};
