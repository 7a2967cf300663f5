//! Events that trigger a function, as they arrive on the wire.
//!
//! The body of an invocation has one of many shapes: an EventBridge CloudEvent, an array of them, an array of strings
//! that each hold one, the bare data of one, a message from a queue or a topic that holds one, a Function Compute
//! timer, a Cloud Config remediation, a step of a sweep that a function sent itself. [`parse`] reads them all and tells
//! for each event what happened, to which resource, where and when.
//!
//! - **An irrelevant event is not an error**: a call that failed, a dry run, a call of the same name of another
//!   product. It is [`EventKind::Ignored`], with the reason.
//! - **A malformed event is an error**, for example one that says that a VPC was created but not which. It is
//!   [`EventKind::Malformed`], and does not affect the others in the same body. A body that is not an event at all is
//!   [`UnknownEvent`].
//! - An event only says where to look, not what the state is, so hardly any of its fields is required.

mod action_trail;
mod body;
mod config;
mod encoding;
mod envelope;
mod lenient;
mod step;
mod timer;

use flow_log::{AccountId, FlowLogId, RegionId, ResourceId};
use jiff::Timestamp;

pub use step::{Collect, Shard};

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Identity for deduplication. An event that is sent again has the same one.
    pub id: Option<EventId>,
    /// When it happened, if that can be read.
    pub time: Option<Timestamp>,
    /// The account that it happened in.
    pub account: Option<AccountId>,
    /// The region that it happened in.
    pub region: Option<RegionId>,
    /// What happened.
    pub event: EventKind,
}

impl Event {
    pub(crate) const fn of(event: EventKind) -> Self {
        Self { id: None, time: None, account: None, region: None, event }
    }

    pub(crate) fn ignored(reason: impl Into<String>) -> Self {
        Self::of(EventKind::Ignored(reason.into()))
    }

    pub(crate) fn malformed(reason: impl Into<String>) -> Self {
        Self::of(EventKind::Malformed(reason.into()))
    }

    /// How many resources the event names. A malformed event counts as one.
    const fn resources(&self) -> usize {
        match &self.event {
            EventKind::Launched(ids) => ids.len(),
            EventKind::Timer { .. } | EventKind::Shard(_) | EventKind::Collect(_) | EventKind::Ignored(_) => 0,
            _ => 1,
        }
    }
}

/// The identity of a CloudEvent; its producer makes the pair unique.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The producer, as its CloudEvent names it.
    pub source: String,
    /// The id that the producer gave the event.
    pub id: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A VPC, vSwitch or network interface was created.
    Created(ResourceId),
    /// ECS instances were launched. Their network interfaces were created with them, and are not named.
    Launched(Vec<String>),
    /// A VPC, vSwitch or network interface was deleted.
    Deleted(ResourceId),
    /// A flow log was changed, perhaps by Flowkeeper itself.
    FlowLogChanged {
        /// Which operation was called.
        call: FlowLogCall,
        /// The flow log that it was called for.
        flow_log: FlowLogId,
        /// The caller, if known.
        caller: Option<Caller>,
    },
    /// Cloud Config found that a resource violates one of its rules.
    NonCompliant(ResourceId),
    /// A timer fired.
    Timer {
        /// Which timer.
        name: String,
        /// The payload that the timer is configured with, if any.
        payload: Option<String>,
    },
    /// The sweep of one account, as a part of a run.
    Shard(Shard),
    /// The end of a run: how its shards ended.
    Collect(Collect),
    /// A well-formed event that does not matter here, with the reason.
    Ignored(String),
    /// An event that lacks required information, with what is missing.
    Malformed(String),
}

impl EventKind {
    /// Whether the event is about something in a region.
    const fn happened_somewhere(&self) -> bool {
        match self {
            Self::Created(_)
            | Self::Launched(_)
            | Self::Deleted(_)
            | Self::FlowLogChanged { .. }
            | Self::NonCompliant(_) => true,
            Self::Timer { .. } | Self::Shard(_) | Self::Collect(_) | Self::Ignored(_) | Self::Malformed(_) => false,
        }
    }
}

/// Who made a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The name as ActionTrail writes it: a user's name, or `role:session`.
    pub name: String,
    /// The account of the user or of the role, if the event names it.
    pub account: Option<AccountId>,
}

/// A call that changes a flow log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlowLogCall {
    /// `CreateFlowLog`
    Create,
    /// `DeleteFlowLog`
    Delete,
    /// `ActiveFlowLog`
    Activate,
    /// `DeactiveFlowLog`
    Deactivate,
    /// `ModifyFlowLogAttribute`
    Modify,
}

/// The error for a body that is not an event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found}; expected an event from EventBridge (one, or an array), a timer or Cloud Config, in JSON")]
pub struct UnknownEvent {
    found: String,
}

/// The largest body that is read, in bytes. EventBridge accepts events of 256 KB and batches of 1 MB. Parsed, a body
/// may take fifty times its size, and an instance may have only 128 MB.
const MAX_BODY: usize = 1 << 20;
/// The most events in one body. Each of them is reported, which can take about 1 KB.
const MAX_EVENTS: usize = 1000;
/// The most resources that the events of one body may name together. Each of them is looked up. One call creates at
/// most 100.
const MAX_RESOURCES: usize = 1000;

/// Why a body cannot be read.
#[derive(Debug)]
enum Unreadable {
    /// It is JSON, but not an event.
    Unknown(String),
    /// It is not JSON.
    NoJson(String),
    /// It has more than [`MAX_EVENTS`] or [`MAX_RESOURCES`].
    TooMuch(String),
}

impl Unreadable {
    fn too_many_resources(count: usize) -> Self {
        Self::TooMuch(format!("{count} or more resources in one body, and {MAX_RESOURCES} is the maximum"))
    }

    /// Converts the error for content that is wrapped in JSON.
    fn within_json(self) -> Self {
        if let Self::NoJson(found) = self { Self::Unknown(found) } else { self }
    }
}

impl From<Unreadable> for UnknownEvent {
    fn from(unreadable: Unreadable) -> Self {
        let (Unreadable::Unknown(found) | Unreadable::NoJson(found) | Unreadable::TooMuch(found)) = unreadable;
        Self { found }
    }
}

/// Reads the body of one invocation. Duplicate events are dropped.
///
/// # Errors
/// The body is not an event at all. The error does not repeat its contents, except for the names of its first keys.
pub fn parse(body: &[u8]) -> Result<Vec<Event>, UnknownEvent> {
    if body.len() > MAX_BODY {
        let found = format!("a body of {} bytes, and {MAX_BODY} is the maximum", body.len());
        return Err(UnknownEvent { found });
    }
    Ok(body::read(body, 0)?)
}
