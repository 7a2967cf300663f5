//! Fuzz targets: properties that hold for any bytes as an event, a policy, an answer of the API or a request.
//!
//! Each target is a plain function that panics if a property does not hold. `cargo test` replays the corpus on any
//! Rust. The package in the folder `fuzz` lets libFuzzer look for more inputs:
//!
//! ```sh
//! cargo install cargo-fuzz
//! cd tests/fuzz
//! cargo +nightly fuzz run event fuzz/corpus/event ../fixtures/events -- -max_total_time=600 -timeout=10
//! cargo +nightly fuzz run answer -- -max_total_time=600 -timeout=10      # or http, policy
//! ```
//!
//! An input that makes a target fail is committed to `fuzz/corpus` together with its fix. The other files that
//! libFuzzer adds there only help it to continue, and are far too many to be committed.

#![expect(clippy::unwrap_used, reason = "a panic is how a target says that something does not hold")]

mod answer;
mod event;
mod http;
mod policy;
mod tree;

pub use answer::answer;
pub use event::event;
pub use http::http;
pub use policy::policy;

/// A fuzz target.
pub type Target = fn(&[u8]);

/// Every target, with the name of its corpus.
pub const TARGETS: [(&str, Target); 4] = [("answer", answer), ("event", event), ("http", http), ("policy", policy)];
