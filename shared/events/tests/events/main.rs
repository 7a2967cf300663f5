//! Literal and constructed events, one after the other, and what must become of each.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod anything;
mod arrays;
mod bodies;
mod calls;
mod changed;
mod samples;
