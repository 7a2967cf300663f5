//! The client against a scripted server, over real HTTP.
#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

mod accounts;
mod bills;
mod calls;
mod directory;
mod fc;
mod fields;
mod http;
mod lists;
mod log_records;
mod odd_answers;
mod oidc;
mod politeness;
mod read_only;
mod retry;
mod sls;
mod support;
