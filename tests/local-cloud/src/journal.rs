//! What happened, in order: calls, events, invocations, changes of state and dead letters.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::accounts::Caller;

/// One thing that happened, with its time.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// When, on the cloud's clock.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: EntryKind,
}

/// The kinds of things that happen.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EntryKind {
    /// The API was called.
    Call(Call),
    /// An event reached the default bus.
    Event {
        /// The event, as a rule sees it.
        event: Value,
    },
    /// A timer fired.
    Timer {
        /// The function that it wakes.
        function: String,
        /// The trigger's name.
        trigger: String,
        /// What the function is given.
        event: Value,
    },
    /// A function process is listening.
    FunctionStarted {
        /// Its name.
        function: String,
        /// Which of its instances.
        instance: String,
    },
    /// A function process wrote a line to its standard output or error.
    Line {
        /// The function.
        function: String,
        /// What it wrote.
        text: String,
    },
    /// A function is about to be invoked.
    Invoking {
        /// The function.
        function: String,
        /// The invocation, which FC's own retries keep.
        request_id: String,
        /// Counted from 1.
        attempt: u32,
    },
    /// A function was invoked.
    Invocation(Invocation),
    /// A flow log changed by itself.
    Changed {
        /// The flow log.
        flow_log_id: String,
        /// Its state before.
        from: String,
        /// Its state now; none if it is gone.
        to: Option<String>,
    },
    /// An event that no retry could help.
    DeadLetter(DeadLetter),
}

/// A call of the API and its answer.
#[derive(Clone, Debug, Serialize)]
pub struct Call {
    /// The answer's request id.
    pub request_id: String,
    /// Who called; none if that could not be made out.
    pub caller: Option<Caller>,
    /// The operation's name as it was given.
    pub action: String,
    /// The version of the API as it was given; it tells products apart that share the names of operations.
    pub version: String,
    /// The parameters, without the common ones and so without anything secret.
    pub parameters: BTreeMap<String, String>,
    /// The names of those that came in the query; the others came in the form.
    pub in_query: Vec<String>,
    /// The algorithm that the call says it is signed with; none if it does not say.
    pub signed_with: Option<String>,
    /// The HTTP status of the answer; 0 if the connection was closed instead.
    pub status: u16,
    /// The code of a refusal.
    pub code: Option<String>,
    /// The answer's body; what would have been answered, if the answer was lost.
    pub answer: Value,
    /// The fault that was in force, by its name.
    pub fault: Option<String>,
}

impl Call {
    /// The action that the caller's role does not allow, such as `vpc:CreateFlowLog`, if that is why it was refused.
    pub fn denied_action(&self) -> Option<String> {
        let detail = match self.answer.get("AccessDeniedDetail")? {
            // Express Connect Router has it as a text.
            Value::String(text) => serde_json::from_str(text).ok()?,
            detail => detail.clone(),
        };
        detail["AuthAction"].as_str().map(str::to_owned)
    }

    /// Whether the call took effect, or read what it wanted.
    pub fn succeeded(&self) -> bool {
        // One that was ended before any effect has no answer, and one whose answer was lost has that.
        self.code.is_none() && (self.status == 200 || !self.answer.is_null())
    }
}

/// One attempt to run a function.
#[derive(Clone, Debug, Serialize)]
pub struct Invocation {
    /// The function's name in the template.
    pub function: String,
    /// FC's request id: kept in FC's own retries, new in EventBridge's.
    pub request_id: String,
    /// Counted from 1.
    pub attempt: u32,
    /// What the function was given; text, if it is no JSON.
    pub event: Value,
    /// Whether FC counts it as a success.
    pub success: bool,
    /// The HTTP status that the process answered with; none if it did not answer.
    pub status: Option<u16>,
    /// The answer; text, if it is no JSON. FC's own error object if the process did not answer.
    pub body: Value,
    /// What the process wrote meanwhile.
    pub lines: Vec<String>,
}

/// An event that was given up, in the shape in which FC sends it to a failure destination.
#[derive(Clone, Debug, Serialize)]
pub struct DeadLetter {
    /// The function that did not succeed.
    pub function: String,
    /// Where the template wants it to go; none if it is lost, for want of a place or of the right to send it there.
    pub destination: Option<String>,
    /// The message.
    pub payload: Value,
}
