//! What must hold whatever bytes come: of events, policies, answers of the API and requests to the server.
//!
//! Each target is a plain function, which panics where something does not hold. `cargo test` plays the corpus to them,
//! on any Rust; the package in `fuzz` beside this one lets libFuzzer look for more:
//!
//! ```sh
//! cargo install cargo-fuzz
//! cd tests/fuzz
//! cargo +nightly fuzz run event fuzz/corpus/event ../fixtures/events -- -max_total_time=600 -timeout=10
//! cargo +nightly fuzz run answer -- -max_total_time=600 -timeout=10      # or http, policy
//! ```
//!
//! What it finds goes into the corpus, in `fuzz/corpus`, together with what mends it. What else it keeps there is for it to
//! go on from, and far too much to be committed.

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

/// A target.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Target); 4] = [("answer", answer), ("event", event), ("http", http), ("policy", policy)];
