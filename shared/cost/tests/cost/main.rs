//! What flow logs and Flowkeeper cost.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod documents;
mod duplicates;
mod regions;
mod schedules;
