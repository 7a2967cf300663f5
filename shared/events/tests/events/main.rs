//! Literal and constructed events, and what each must be parsed into.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod anything;
mod arrays;
mod bodies;
mod calls;
mod changed;
mod samples;
mod steps;
