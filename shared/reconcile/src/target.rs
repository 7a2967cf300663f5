//! The input of the reconciler: a job and its targets.

use std::fmt;

use flow_log::{AccountId, FlowLogId, RegionId, ResourceId};
use jiff::{SignedDuration, Timestamp};
use openapi::{CallCounter, Credentials};

/// What all targets of one invocation share.
#[derive(Debug, Clone)]
pub struct Job {
    /// The id of the run, in its report and its log lines. A sweep that is retried keeps it.
    pub run: String,
    /// Function Compute's id of the invocation.
    pub request_id: String,
    /// The credentials of the function's role.
    pub credentials: Credentials,
    /// The account of the function and its credentials; `None` if it is not known.
    pub account: Option<AccountId>,
    /// The region of the function; `None` if it is not known.
    pub region: Option<RegionId>,
    /// The time at which work must have stopped; `None` if there is no deadline.
    pub stop_at: Option<Timestamp>,
    /// Counts the calls of the invocation.
    pub calls: CallCounter,
}

/// A part of the work of one invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// What an event names.
    Target(Target),
    /// The sweep of one account.
    Account(AccountSweep),
    /// The sweep of every account in the policy.
    AllAccounts {
        /// When the timer fired, if that is known. It decides which regions come first.
        at: Option<Timestamp>,
    },
}

impl From<Target> for Work {
    fn from(target: Target) -> Self {
        Self::Target(target)
    }
}

/// The sweep of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSweep {
    /// The account to work in.
    pub account: AccountId,
    /// The regions to sweep; `None` for those of the policy.
    pub regions: Option<Vec<RegionId>>,
    /// When the timer fired, if that is known. It decides which regions come first.
    pub at: Option<Timestamp>,
}

/// Where to look, and for what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The account to look in.
    pub account: AccountId,
    /// The region to look in.
    pub region: RegionId,
    /// What to look at.
    pub kind: TargetKind,
    /// When the event happened that led here. A resource that is still not visible long after that is gone.
    pub since: Option<Timestamp>,
}

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TargetKind {
    /// A VPC, a vSwitch or a network interface.
    Resource(ResourceId),
    /// The network interfaces of an ECS instance.
    Instance(String),
    /// The resource that a flow log is on.
    FlowLog(FlowLogId),
    /// Everything in the region, for an event that does not say which resource it is about.
    Region,
    /// Everything in the region, for a timer or a person. Only this kind of sweep may replace flow logs.
    Sweep,
    /// The virtual border routers on the Express Connect Routers of the account, which belong to no region.
    Routers,
}

impl Target {
    /// Whether its event happened longer ago than `age`.
    pub(crate) fn is_older_than(&self, age: SignedDuration, now: Timestamp) -> bool {
        self.since.is_some_and(|since| now.duration_since(since) > age)
    }
}

impl fmt::Display for TargetKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rest = if *self == Self::Routers { "the Express Connect Routers" } else { "the region" };
        f.write_str(self.id().unwrap_or(rest))
    }
}

impl TargetKind {
    /// Returns the id that the API uses; `None` for a whole region.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Resource(id) => Some(id.as_str()),
            Self::Instance(id) => Some(id),
            Self::FlowLog(id) => Some(id.as_str()),
            Self::Region | Self::Sweep | Self::Routers => None,
        }
    }

    /// Returns the kind of thing it is, as the API calls it.
    #[must_use]
    pub const fn resource_type(&self) -> Option<&'static str> {
        match self {
            Self::Resource(id) => Some(id.resource_type().as_str()),
            Self::Instance(_) => Some("Instance"),
            Self::FlowLog(_) => Some("FlowLog"),
            Self::Region | Self::Sweep | Self::Routers => None,
        }
    }
}
