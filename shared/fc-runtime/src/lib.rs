//! Function Compute's custom-runtime contract on hyper: server, invocation, settings, answer, log.
//!
//! A program implements [`Function`] and calls [`run`]; the rest of the contract is kept here. What is meant by
//! "the contract" is Alibaba Cloud's documentation of Web functions and custom runtimes, and the official Go library
//! for custom runtimes (`awesome-fc/golang-runtime`) where the documentation is silent.
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
//! What holds throughout:
//!
//! - **No connection is ever timed out.** Function Compute keeps connections and does not repeat a POST that meets
//!   a closed one. No timer is installed in hyper; a connection that stalls costs its own task and nothing else.
//! - **What callers can take is bounded by size and number**: of a head, of an event, of large events at a time, and of
//!   connections. Beyond that the connection goes that has come least, and of several that have been answered the one that
//!   is silent for longest; none with a request at work is closed.
//! - **Every answer says whether it is a success** in `x-fc-status`. An answer without it would count as one.
//! - **An invocation ends by itself.** It runs as its own task, so a caller that hangs up does not cut it off between
//!   two writes; a panic is its own failure and nobody else's; and it is answered before Function Compute would kill
//!   the instance for being late.
//! - **What an invocation logs is written before it is answered**, because the instance is frozen afterwards.
//! - **Credentials belong to one invocation**, and neither an event nor a header is ever logged.
//! - **Only [`Settings::from_process`] reads the environment**, and only [`SystemClock`] asks the machine for the time.

mod clock;
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
pub use log::{InvalidFilter, Log, LogFilter, record_run};
pub use output::Output;
pub use process::setting_names;
pub use run::run;
pub use server::Server;
pub use settings::{InvalidSettings, Settings};
