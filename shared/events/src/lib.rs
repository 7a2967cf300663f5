//! What wakes a function, as it arrives on the wire.
//!
//! The body of one invocation has one of many shapes: a CloudEvent of EventBridge, an array of them, an array of texts
//! that each hold one, the bare body of one, a timer of Function Compute, a remediation of Cloud Config. [`parse`]
//! reads them all, and says of each event in it what happened, to what, where and when.
//!
//! - **What is not for us is no error**: a call that failed, a dry run, another product's call of the same name. It is
//!   [`Event::NotForUs`], with the reason.
//! - **What is broken is one**: an event that says a VPC was created and not which. It is [`Event::Broken`], and the
//!   others in the same body are not harmed by it. A body that is no event at all is [`UnknownEvent`].
//! - An event is read for where to look, not for what holds there. So hardly anything in it must be there.

mod action_trail;
mod config;
mod envelope;
mod lenient;
mod timer;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flow_log::{AccountId, FlowLogId, RegionId, ResourceId};
use jiff::Timestamp;
use json::Json;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Woken {
    /// By what it is told from another one. Sent again, it is the same.
    pub id: Option<EventId>,
    /// When it happened, as far as that can be read.
    pub time: Option<Timestamp>,
    /// The account that it happened in.
    pub account: Option<AccountId>,
    /// The region that it happened in.
    pub region: Option<RegionId>,
    /// What happened.
    pub event: Event,
}

impl Woken {
    pub(crate) const fn of(event: Event) -> Self {
        Self { id: None, time: None, account: None, region: None, event }
    }

    pub(crate) fn not_for_us(reason: impl Into<String>) -> Self {
        Self::of(Event::NotForUs(reason.into()))
    }

    pub(crate) fn broken(reason: impl Into<String>) -> Self {
        Self::of(Event::Broken(reason.into()))
    }
}

/// By what CloudEvents are told apart: each producer sees to it that the pair is its own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId {
    /// The producer.
    pub source: String,
    /// Its id of the event.
    pub id: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A VPC, vSwitch or network interface has come into being.
    Created(ResourceId),
    /// ECS instances were launched. Their network interfaces came into being with them, and are not named.
    Launched(Vec<String>),
    /// A VPC, vSwitch or network interface is gone.
    Deleted(ResourceId),
    /// Somebody did something to a flow log, perhaps we ourselves.
    FlowLogTouched {
        /// What was done.
        call: FlowLogCall,
        /// To which.
        flow_log: FlowLogId,
        /// By whom, as ActionTrail writes it: a user's name, or `role:session`.
        caller: Option<String>,
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
    NotForUs(String),
    /// An event that lacks what it must have. With what that is.
    Broken(String),
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

impl UnknownEvent {
    fn new(found: impl Into<String>) -> Self {
        Self { found: found.into() }
    }
}

/// The largest body that is read, in bytes. EventBridge takes events of 256 KB, and batches of 1 MB. As a tree, a body may be
/// fifty times as large, and an instance has no more than 128 MB.
const LARGEST: usize = 1 << 20;
/// The most events in one body: each of them is reported. What can be told of an event takes a KB.
const MOST: usize = 1000;

/// Reads the body of one invocation. An event that is in it twice counts once.
///
/// # Errors
/// The body is no event at all. What it holds is not repeated in the error, but for the names of its first keys.
pub fn parse(body: &[u8]) -> Result<Vec<Woken>, UnknownEvent> {
    if body.len() > LARGEST {
        return Err(UnknownEvent::new(format!("a body of {} bytes, of which at most {LARGEST} are read", body.len())));
    }
    with_json(body, |json| match json {
        Json::Array(entries) => several(entries),
        json => Ok(action_trail::apart(envelope::read(json)?)),
    })
}

/// The events of an array.
fn several(entries: &[Json<'_>]) -> Result<Vec<Woken>, UnknownEvent> {
    if entries.is_empty() {
        return Err(UnknownEvent::new("an empty array"));
    }
    if entries.len() > MOST {
        return Err(UnknownEvent::new(format!(
            "an array of {}, of which at most {MOST} are read (the trigger should send smaller batches)",
            entries.len()
        )));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut events: Vec<_> = entries.iter().map(entry).flat_map(action_trail::apart).collect();
    // A broken one is kept as the failure that it is, and does not count: it must not hide a good one.
    events.retain(|woken| match (&woken.id, &woken.event) {
        (None, _) | (_, Event::Broken(_)) => true,
        (Some(id), _) => seen.insert(id.clone()),
    });
    Ok(events)
}

/// One entry of an array: an event, or a text that holds one. A broken one is an entry of its own.
fn entry(value: &Json<'_>) -> Woken {
    let read = match value {
        Json::Text(text) => with_json(text.as_bytes(), envelope::read),
        value => envelope::read(value),
    };
    read.unwrap_or_else(|error| Woken::broken(error.found))
}

/// Reads the JSON of a body, or the JSON behind its base64: so Cloud Config sends over a topic of MNS.
fn with_json<T>(body: &[u8], read: impl FnOnce(&Json<'_>) -> Result<T, UnknownEvent>) -> Result<T, UnknownEvent> {
    let body = body.trim_ascii();
    if body.is_empty() {
        return Err(UnknownEvent::new("an empty body"));
    }
    let error = match Json::read(body) {
        Ok(json) => return read(&json),
        Err(error) => error,
    };
    let decoded = STANDARD.decode(body).unwrap_or_default();
    match Json::read(&decoded) {
        Ok(json) => read(&json),
        Err(_) => Err(UnknownEvent::new(format!("this is no JSON ({error})"))),
    }
}
