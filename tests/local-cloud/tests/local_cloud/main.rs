//! The cloud from outside: by its signed API, its controls and its functions.

#![expect(clippy::unwrap_used, reason = "what cannot be had is a test that fails")]

mod controls;
mod faults;
mod flow_logs;
mod functions;
mod gateway;
mod lists;
mod program;
mod support;
