//! Policies, desired states and plans.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod desired;
mod organization;
mod plan;
mod plan_ecr;
mod policy;
mod proof;
mod schema;
mod support;
