//! A small Alibaba Cloud on one port, for tests, demos and policy authors.
//!
//! [`LocalCloud`] serves the RPC API of VPC, ECS, STS and Express Connect Router, and the APIs of Function Compute and
//! Log Service. It verifies their signatures with its own code. Operations and refusals are checked against a copy of
//! the documentation. Flow logs change state over time, every write becomes an ActionTrail event, and the triggers of
//! `template.yml` deliver the events to functions, which run as processes under Function Compute's custom-runtime
//! contract.
//!
//! There are two accounts, or as many as [`Options::accounts`] says. [`LocalCloud`]'s own methods create resources in the
//! first; an [`Operator`] works in any account and region, and supports Express Connect Router. Lists contain the
//! resources of all accounts, each with its [`Place`].
//!
//! Each event reaches the default bus of its account and region. The functions listen to that of their own; rules bring
//! them the events of other places, as [`Options::forwarded`] or [`LocalCloud::deploy`] say.
//!
//! Timers fire when a manual [`Clock`] is moved past their moment, or by [`LocalCloud::fire_timer`]; see [`Timers`].
//! A function has the permissions of its role in the template, and [`Options::without_permission`] removes one action.
//! Only those whom a role trusts can assume it, and this includes Function Compute.
//!
//! The crate does not depend on the product's crates. Shared code would make it agree with the product's mistakes.
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

mod alarms;
mod api;
mod client;
mod cloud;
mod cloud_monitor;
mod directory;
mod error;
mod eventbridge;
mod function_compute;
mod mns;
mod options;
mod ram;
mod ros;
mod sls;
mod suggestion;
mod world;

pub use alarms::Alarm;
pub use api::faults::{Fault, Storm};
pub use api::parameters::Tags;
pub use api::rewrite::Rewrite;
pub use client::http::{exchange, form, send};
pub use client::operator::Operator;
pub use client::rest::RestRequest;
pub use client::signed::{ApiError, Client};
pub use cloud::LocalCloud;
pub use directory::{Directory, Member};
pub use error::Error;
pub use eventbridge::bus::EventBus;
pub use options::{CredentialsIn, CrossRegion, Functions, Layer, Options, Timers, Transitions};
pub use ram::accounts::{
    ACCESS_KEY_ID, ACCESS_KEY_SECRET, Caller, Credentials, OWN_ACCOUNT, REFUSED_ROLE, SECOND_ACCOUNT,
    SECOND_ACCOUNT_ROLE,
};
pub use ram::members::MemberRole;
pub use ram::policy::Role;
pub use sls::records::LogRecord;
pub use sls::state::{LogProject, LogStore};
pub use suggestion::did_you_mean;
pub use world::clock::Clock;
pub use world::journal::{Call, DeadLetter, Entry, EntryKind, Invocation, Limit, Undelivered};
pub use world::regions::RegionName;
pub use world::state::{
    ExpressConnectRouter, FlowLog, NetworkInterface, Place, RouterChild, RouterFlowLog, VSwitch, Vpc,
};

/// Builds the binaries of a template's functions with cargo.
pub mod functions {
    pub use crate::function_compute::build::{build, build_of, workspace_of};
}

/// The functions, triggers, rules and roles that a ROS template describes.
pub mod template {
    pub use crate::{
        eventbridge::pattern::Pattern,
        ros::{
            alarms::{Alarms, Alert, Escalation, MetricRule, Query, Severity},
            function::{Absent, Function},
            log_store::LogStore,
            rule::{Rule, Sink, Target},
            schedule::Schedule,
            template::{Template, TemplateError, default_path},
            trigger::{Push, RetryStrategy, Source, Trigger},
        },
    };
}

/// The journal as lines for people.
pub mod timeline {
    pub use crate::world::timeline::{line, outcomes, paint};
}
