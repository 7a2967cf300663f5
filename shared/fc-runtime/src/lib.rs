//! Function Compute's custom-runtime contract on hyper: server, invocation, settings, response, log.
//!
//! A program implements [`Function`] and calls [`run`]; this crate takes care of the rest of the contract. "The
//! contract" is Alibaba Cloud's documentation of Web functions and custom runtimes, and where that is silent, the
//! official Go library for custom runtimes (`awesome-fc/golang-runtime`).
//!
//! ```no_run
//! use std::process::ExitCode;
//!
//! use bytes::Bytes;
//! use fc_runtime::{Output, Failure, Function, InvalidSettings, Invocation, Settings};
//!
//! /// Says how large each event is.
//! struct Scales;
//!
//! impl Function for Scales {
//!     const NAME: &'static str = "scales";
//!
//!     fn from_settings(_: &Settings) -> Result<Self, InvalidSettings> {
//!         Ok(Self)
//!     }
//!
//!     async fn handle(&self, _: Invocation, event: Bytes) -> Result<Output, Failure> {
//!         Output::json(&event.len())
//!     }
//! }
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> ExitCode {
//!     fc_runtime::run::<Scales>().await
//! }
//! ```
//!
//! A test of a function needs no server:
//!
//! ```
//! # use bytes::Bytes;
//! # use fc_runtime::{Output, Failure, Function, InvalidSettings, Invocation, Settings};
//! # struct Scales;
//! # impl Function for Scales {
//! #     const NAME: &'static str = "scales";
//! #     fn from_settings(_: &Settings) -> Result<Self, InvalidSettings> {
//! #         Ok(Self)
//! #     }
//! #     async fn handle(&self, _: Invocation, event: Bytes) -> Result<Output, Failure> {
//! #         Output::json(&event.len())
//! #     }
//! # }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let scales = Scales::from_settings(&Settings::from_pairs([("", ""); 0]))?;
//! let invocation = Invocation::new("a request id", "2026-03-02T04:00:00Z".parse()?);
//! let output = scales.handle(invocation, Bytes::from_static(b"four")).await?;
//! assert_eq!(output.body(), "4");
//! # Ok(())
//! # }
//! ```
//!
//! Invariants:
//!
//! - **No connection ever times out.** Function Compute keeps connections open, and does not repeat a POST that meets a
//!   closed one. hyper runs without a timer. A stalled connection costs its own task and nothing else.
//! - **Sizes and numbers bound what callers can use**: the size of a head, the size of an event, the total size of
//!   large events, and the number of connections. Beyond the last limit a connection is closed: first one that has
//!   never completed a request, then the one that has been idle longest. A connection with a request in progress is
//!   never closed.
//! - **Every response reports success or failure** in `x-fc-status`. Function Compute would take a response without it
//!   as success.
//! - **An invocation runs to its end.** It runs as its own task, so a caller that hangs up does not interrupt it
//!   between two writes. A panic fails only its own invocation. And the response is sent before Function Compute would
//!   kill the instance for exceeding the timeout.
//! - **Everything an invocation logs is written before its response is sent**, because the instance is frozen
//!   afterwards.
//! - **Credentials belong to one invocation**, and neither events nor headers are ever logged.
//! - **Only [`Settings::from_process`] reads the environment**, and only [`SystemClock`] reads the machine's clock.

mod credentials;
mod failure;
mod function;
mod headers;
mod invocation;
mod log;
mod output;
mod process;
mod run;
mod server;

pub use clock::{Clock, SystemClock};
pub use credentials::environment_credentials;
pub use failure::Failure;
pub use function::Function;
pub use invocation::Invocation;
pub use log::{FailureLog, InvalidFilter, Log, LogFilter, of_this_invocation, record_run, set_failure_log};
pub use output::Output;
pub use process::setting_names;
pub use run::run;
pub use server::Server;
pub use settings::{InvalidSettings, Settings};
