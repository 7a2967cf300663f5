//! A small Alibaba Cloud on one port, for tests, demos and policy authors.
//!
//! [`LocalCloud`] serves the RPC API of VPC, ECS, STS and Express Connect Router and checks each signature, of either
//! algorithm, with code of its own. Its operations and refusals are held against a copy of the documents. Flow logs
//! change state with time, every write becomes an ActionTrail event, and the triggers of `template.yml` bring
//! the events to functions, which run as processes under Function Compute's custom-runtime contract.
//!
//! There are two accounts. [`LocalCloud`]'s own methods make things in the first; an [`Operator`] works in either, in any
//! region, and knows Express Connect Router. What exists is listed for all accounts, with its [`Place`].
//!
//! Timers fire when a manual [`Clock`] is moved over their moment, or by [`LocalCloud::fire_timer`]; see [`Timers`].
//! A function acts with the rights of the role that the template gives it, and an action can be taken away with
//! [`Options::without_permission`]. A role is assumed by whom it trusts, Function Compute among them.
//!
//! It is independent of the product's crates, so that it checks the product instead of agreeing with it.
//!
//! ```no_run
//! # async fn scenario() -> Result<(), Box<dyn std::error::Error>> {
//! use local_cloud::{Fault, Functions, LocalCloud, Options, functions};
//!
//! let functions = Functions::Built(functions::build().await?);
//! let cloud = LocalCloud::start(Options { functions, ..Options::default() }).await?;
//! cloud.fail("CreateFlowLog", Fault::Throttled, 2);
//! let vpc = cloud.create_vpc(&[("env", "dev")]).await?;
//! cloud.settled().await?;
//! assert_eq!(cloud.flow_log_of(&vpc).map(|flow_log| flow_log.status), Some("Active".to_owned()));
//! assert_eq!(cloud.calls_of("CreateFlowLog").len(), 3);
//! # Ok(())
//! # }
//! ```

mod accounts;
mod acs3_signature;
mod answer;
mod authenticate;
mod authorise;
mod cidr;
mod circumstances;
mod client;
mod clock;
mod cloud;
mod delivery;
#[cfg(test)]
mod documented;
mod error;
mod faults;
pub mod functions;
mod gateway;
mod journal;
mod operations;
mod operator;
mod options;
mod parameters;
mod pattern;
mod ram;
mod rate_limits;
mod refusal;
mod regions;
mod rewrite;
mod rpc_signature;
mod server;
mod stage;
mod state;
pub mod template;
pub mod timeline;
mod timers;
mod trail;
mod trust;
mod world;

pub use accounts::{
    ACCESS_KEY_ID, ACCESS_KEY_SECRET, Caller, Credentials, OWN_ACCOUNT, REFUSED_ROLE, SECOND_ACCOUNT,
    SECOND_ACCOUNT_ROLE,
};
pub use client::{ApiError, Client, exchange, form, send};
pub use clock::Clock;
pub use cloud::LocalCloud;
pub use error::Error;
pub use faults::{Fault, Storm};
pub use journal::{Call, DeadLetter, Entry, EntryKind, Invocation};
pub use operator::Operator;
pub use options::{CredentialsIn, Functions, Options, Timers, Transitions};
pub use parameters::Tags;
pub use ram::Role;
pub use regions::RegionName;
pub use rewrite::Rewrite;
pub use state::{ExpressConnectRouter, FlowLog, NetworkInterface, Place, RouterChild, RouterFlowLog, VSwitch, Vpc};
