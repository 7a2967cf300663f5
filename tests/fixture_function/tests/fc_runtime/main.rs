//! The contract over real connections, in the test's process or against a separate process.

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
