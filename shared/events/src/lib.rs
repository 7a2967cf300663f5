//! What wakes a function, as it arrives on the wire.
//!
//! The body of one invocation has one of many shapes: a CloudEvent of EventBridge, an array of them, an array of texts
//! that each hold one, the bare body of one, a message of a queue or a topic that holds one, a timer of Function
//! Compute, a remediation of Cloud Config. [`parse`] reads them all, and says of each event what happened, to what, where
//! and when.
//!
//! - **What is not for us is no error**: a call that failed, a dry run, another product's call of the same name. It is
//!   [`EventKind::Ignored`], with the reason.
//! - **What is broken is one**: an event that says a VPC was created and not which. It is [`EventKind::Malformed`], and the
//!   others in the same body are not harmed by it. A body that is no event at all is [`UnknownEvent`].
//! - An event is read for where to look, not for what holds there. So hardly anything in it must be there.

mod action_trail;
mod body;
mod config;
mod envelope;
mod lenient;
mod timer;

use flow_log::{AccountId, FlowLogId, RegionId, ResourceId};
use jiff::Timestamp;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// By what it is told from another one. Sent again, it is the same.
    pub id: Option<EventId>,
    /// When it happened, as far as that can be read.
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

    pub(crate) fn not_for_us(reason: impl Into<String>) -> Self {
        Self::of(EventKind::Ignored(reason.into()))
    }

    pub(crate) fn broken(reason: impl Into<String>) -> Self {
        Self::of(EventKind::Malformed(reason.into()))
    }

    /// How many resources it names. A broken event counts as one.
    const fn resources(&self) -> usize {
        match &self.event {
            EventKind::Launched(ids) => ids.len(),
            EventKind::Timer { .. } | EventKind::Ignored(_) => 0,
            _ => 1,
        }
    }
}

/// The identity of a CloudEvent, for deduplication: each producer makes the pair unique.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The producer.
    pub source: String,
    /// Its id of the event.
    pub id: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventKind {
    /// A VPC, vSwitch or network interface has come into being.
    Created(ResourceId),
    /// ECS instances were launched. Their network interfaces came into being with them, and are not named.
    Launched(Vec<String>),
    /// A VPC, vSwitch or network interface is gone.
    Deleted(ResourceId),
    /// Somebody did something to a flow log, perhaps we ourselves.
    FlowLogChanged {
        /// What was done.
        call: FlowLogCall,
        /// To which.
        flow_log: FlowLogId,
        /// By whom.
        caller: Option<Caller>,
    },
    /// Cloud Config found that a resource breaks one of its rules.
    NonCompliant(ResourceId),
    /// It is time.
    Timer {
        /// Which timer.
        name: String,
        /// What was written into the timer, if anything.
        payload: Option<String>,
    },
    /// A good event, and none of ours. With the reason.
    Ignored(String),
    /// An event that lacks what it must have. With what that is.
    Malformed(String),
}

impl EventKind {
    /// Whether it is about something in a region.
    const fn happened_somewhere(&self) -> bool {
        match self {
            Self::Created(_)
            | Self::Launched(_)
            | Self::Deleted(_)
            | Self::FlowLogChanged { .. }
            | Self::NonCompliant(_) => true,
            Self::Timer { .. } | Self::Ignored(_) | Self::Malformed(_) => false,
        }
    }
}

/// Who made a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// As ActionTrail writes it: a user's name, or `role:session`.
    pub name: String,
    /// The account of the user or of the role, if the event names it.
    pub account: Option<AccountId>,
}

/// What can be done to a flow log.
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

/// A body that is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found}; wanted is an event of EventBridge (one, or an array of them), of a timer, or of Cloud Config, as JSON"
)]
pub struct UnknownEvent {
    found: String,
}

/// The largest body that is read, in bytes. EventBridge takes events of 256 KB, and batches of 1 MB. As a tree, a body may be
/// fifty times as large, and an instance has no more than 128 MB.
const MAX_BODY: usize = 1 << 20;
/// The most events in one body: each of them is reported. What can be told of an event takes a KB.
const MAX_EVENTS: usize = 1000;
/// The most resources that the events of one body may name together: each of them is looked at. A call creates 100 at
/// most.
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
        Self::TooMuch(format!("{count} resources or more in one body, of which at most {MAX_RESOURCES} are looked at"))
    }

    /// The same for something that is wrapped in JSON.
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

/// Reads the body of one invocation. An event that is in it twice counts once.
///
/// # Errors
/// The body is no event at all. What it holds is not repeated in the error, but for the names of its first keys.
pub fn parse(body: &[u8]) -> Result<Vec<Event>, UnknownEvent> {
    if body.len() > MAX_BODY {
        let found = format!("a body of {} bytes, of which at most {MAX_BODY} are read", body.len());
        return Err(UnknownEvent { found });
    }
    Ok(body::read(body, 0)?)
}
