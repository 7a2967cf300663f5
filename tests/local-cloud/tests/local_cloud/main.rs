//! Tests of the cloud from outside: its signed API, its controls and its functions.

#![expect(clippy::disallowed_methods, reason = "a test is at the edge: it asks the machine")]
#![expect(clippy::unwrap_used, reason = "what cannot be had is a test that fails")]

mod accounts;
mod acs3;
mod controls;
mod directory;
mod documented;
mod faults;
mod fc_api;
mod flow_logs;
mod functions;
mod gateway;
mod layers;
mod lists;
mod program;
mod rates;
mod regions;
mod roles;
mod routers;
mod routing;
mod sls;
mod support;
mod tags;
mod timers;
mod watch;
