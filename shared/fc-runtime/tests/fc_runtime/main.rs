//! The contract over real connections, within the process of the test or against a process of its own.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

mod bodies;
mod connections;
mod credentials;
mod crowds;
mod failures;
mod log;
mod process;
mod routes;
mod support;

#[path = "../../examples/rehearsal/function.rs"]
mod rehearsal;
