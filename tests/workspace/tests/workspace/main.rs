//! Rules for maintainers, each held by a test.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod alarms;
mod cycles;
mod documents;
mod english;
mod layering;
mod promises;
mod runbook;
mod settings;
