//! Tests of evidence: what follows from facts, and each of its forms.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod assessment;
mod forms;
mod hostile;
mod joined;
mod omitted;
mod report;
#[path = "../../examples/sample/samples.rs"]
mod samples;
mod schema;
