//! The journal: calls, events, invocations, state changes and dead letters, in order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{eventbridge::bus::EventBus, ram::accounts::Caller};

/// One journal entry, with its time.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// The time on the cloud's clock.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub what: EntryKind,
}

/// The kinds of entries.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EntryKind {
    /// The API was called.
    Call(Call),
    /// An event reached the default bus of its account and region.
    Event {
        /// The bus.
        bus: EventBus,
        /// Whether it is the bus that the functions' triggers listen to.
        is_home: bool,
        /// The event as a rule sees it.
        event: Value,
    },
    /// A rule sent an event to another bus.
    Forwarded {
        /// The rule.
        rule: String,
        /// The bus of the rule.
        from: EventBus,
        /// The bus that received the event.
        to: EventBus,
        /// The event as the receiving bus has it.
        event: Value,
    },
    /// A rule sent an event to a queue.
    Queued {
        /// The rule.
        rule: String,
        /// The bus of the rule.
        from: EventBus,
        /// The queue's ARN.
        queue: String,
        /// The message as it is in the queue.
        body: String,
    },
    /// A rule gave up an event.
    Undelivered(Undelivered),
    /// A timer fired.
    Timer {
        /// The function that it invokes.
        function: String,
        /// The trigger's name.
        trigger: String,
        /// The event that the function receives.
        event: Value,
    },
    /// A function process is listening.
    FunctionStarted {
        /// The function's name.
        function: String,
        /// The id of the instance.
        instance: String,
    },
    /// A function process wrote a line to its standard output or error.
    Line {
        /// The function.
        function: String,
        /// The line.
        text: String,
    },
    /// A function is about to be invoked.
    Invoking {
        /// The function.
        function: String,
        /// The region of the function.
        region: String,
        /// Whether it belongs to the stack that the cloud started with.
        is_home: bool,
        /// The request id, which stays the same in FC's own retries.
        request_id: String,
        /// Counted from 1.
        attempt: u32,
    },
    /// An invocation of a function ended.
    Invocation(Invocation),
    /// A flow log finished its transition.
    Changed {
        /// The flow log.
        flow_log_id: String,
        /// The state before.
        from: String,
        /// The state now; `None` if it is deleted.
        to: Option<String>,
    },
    /// A request would have taken more instances than there are.
    Throttled {
        /// The function.
        function: String,
        /// Which instances there are no more of.
        limit: Limit,
    },
    /// An event was given up.
    DeadLetter(DeadLetter),
    /// Somebody put a message into a queue.
    MessageSent {
        /// The queue's ARN.
        queue: String,
        /// The message.
        body: String,
    },
    /// Somebody deleted a message from a queue.
    MessageDeleted {
        /// The queue's ARN.
        queue: String,
    },
}

/// What throttles a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The instances that are reserved for it.
    OfFunction,
    /// The instances of the account in the region.
    OfRegion,
}

/// A call of the API and its answer.
#[derive(Debug, Clone, Serialize)]
pub struct Call {
    /// The request id of the answer.
    pub request_id: String,
    /// The caller; `None` if authentication failed.
    pub caller: Option<Caller>,
    /// The operation's name as given.
    pub action: String,
    /// The version of the API as given. It distinguishes products that share names of operations.
    pub version: String,
    /// The parameters without the common ones, and so without secrets.
    pub parameters: BTreeMap<String, String>,
    /// The names of the parameters that came in the query; the others came in the form.
    pub in_query: Vec<String>,
    /// The signature algorithm that the call names; `None` if it names none.
    pub signed_with: Option<String>,
    /// The HTTP status of the answer; 0 if the connection was closed instead.
    pub status: u16,
    /// The error code of a refusal.
    pub code: Option<String>,
    /// The body of the answer. If the answer was lost, the body that would have been sent.
    pub answer: Value,
    /// The name of the fault that the call met.
    pub fault: Option<String>,
}

impl Call {
    /// Returns the action that the caller's role does not allow, such as `vpc:CreateFlowLog`, if the call was refused
    /// for that.
    pub fn denied_action(&self) -> Option<String> {
        let detail = match self.answer.get("AccessDeniedDetail")? {
            // Express Connect Router sends this as a string.
            Value::String(text) => serde_json::from_str(text).ok()?,
            detail => detail.clone(),
        };
        detail["AuthAction"].as_str().map(str::to_owned)
    }

    /// Returns whether the call took effect, or read what it asked for.
    pub fn succeeded(&self) -> bool {
        // A call that ended before it took effect has no answer here. One whose answer was lost has it.
        self.code.is_none() && (self.status == 200 || !self.answer.is_null())
    }
}

/// One attempt to run a function.
#[derive(Debug, Clone, Serialize)]
pub struct Invocation {
    /// The function's name in the template.
    pub function: String,
    /// The region of the function, which can differ from that of its event's resource.
    pub region: String,
    /// FC's request id. FC keeps it in its own retries; each retry of EventBridge has a new one.
    pub request_id: String,
    /// Counted from 1.
    pub attempt: u32,
    /// The id of the instance that ran it; `None` if none did, or if it did not start.
    pub instance: Option<String>,
    /// The event that the function received; text if it is not JSON.
    pub event: Value,
    /// Whether FC counts the invocation as successful.
    pub success: bool,
    /// The HTTP status of the process's answer; `None` if it did not answer.
    pub status: Option<u16>,
    /// The answer; text if it is not JSON. FC's own error object if the process did not answer.
    pub body: Value,
    /// The lines that the process wrote during the invocation.
    pub lines: Vec<String>,
}

/// An event that a rule could not deliver.
#[derive(Debug, Clone, Serialize)]
pub struct Undelivered {
    /// The rule.
    pub rule: String,
    /// The bus of the rule.
    pub from: EventBus,
    /// Why the last attempt failed.
    pub reason: String,
    /// How often it was tried.
    pub attempts: u32,
    /// The rule's dead-letter queue; `None` if the event is lost.
    pub destination: Option<String>,
    /// The event.
    pub event: Value,
}

/// An event that was given up, in the format of FC's failure destinations.
#[derive(Debug, Clone, Serialize)]
pub struct DeadLetter {
    /// The function that failed.
    pub function: String,
    /// The destination in the template; `None` if the event is lost, because there is no destination or FC lacks
    /// permission to send to it.
    pub destination: Option<String>,
    /// The message.
    pub payload: Value,
}
