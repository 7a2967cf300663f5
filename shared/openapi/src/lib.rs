//! The client of Alibaba Cloud's OpenAPI: endpoints, transport, retry, paging and the calls Flowkeeper makes.
//!
//! A [`Client`] lives as long as the process and holds no key. A [`Session`] is the client with the credentials, the
//! region and the end of one piece of work; the calls are its methods.
//!
//! - Reads are tried again here. **A write whose answer is uncertain is not**: the operations take no client token, so
//!   the error's [`Remedy::ReadAgain`] says to look before writing again.
//! - Time, waiting and randomness come through [`System`].
//! - Nothing that is signed with, and no token, gets into an error.

mod answer;
mod client;
mod ecs;
mod endpoints;
mod error;
mod retry;
mod settings;
mod system;
mod transport;
mod vpc;

pub use client::{Client, NoTimeLeft, Session};
pub use ecs::NetworkInterfaceFilter;
pub use endpoints::{Endpoints, Network, Product};
pub use error::{CallError, Cause, Remedy};
pub use retry::Retry;
pub use settings::{ClientSettings, InvalidSetting};
pub use signing::Credentials;
pub use system::{Machine, System};
pub use vpc::FlowLogFilter;
