//! The response to a failed invocation.

use std::{borrow::Cow, error::Error, fmt::Write as _};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

/// Why an invocation failed. Sent as HTTP 404 with `x-fc-status: 404`, so that Function Compute and EventBridge retry
/// it.
///
/// Serialized as `{"errorType", "errorMessage", "report"}`. The first two are the keys that the built-in runtimes use.
/// Function Compute itself reads none of them, only `x-fc-status`.
#[derive(Debug, Clone, Serialize, thiserror::Error)]
#[error("{error_type}: {error_message}")]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The kind of failure, in one word for queries and alarms, such as `TooManyChanges`.
    pub error_type: Cow<'static, str>,
    /// What was attempted, on what, and why it failed, for a person.
    pub error_message: String,
    /// What was done nevertheless. Fields keep their order, so the most important ones can come first. Omitted if there
    /// is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<Box<RawValue>>,
}

impl Failure {
    /// Creates a failure without a report.
    pub fn new(error_type: impl Into<Cow<'static, str>>, error_message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), error_message: error_message.into(), report: None }
    }

    /// Creates a failure whose message is `error` and each of its sources, joined by `": "`.
    pub fn from_error(error_type: impl Into<Cow<'static, str>>, error: &(dyn Error + 'static)) -> Self {
        Self::new(error_type, chain(error))
    }

    /// Adds a report of what was done, unless `report` cannot be serialized as JSON.
    #[must_use]
    pub fn with_report<T: Serialize + ?Sized>(self, report: &T) -> Self {
        Self { report: to_raw_value(report).ok(), ..self }
    }
}

/// Joins an error and each of its sources with `": "`.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let separator = if text.is_empty() { "" } else { ": " };
        // Writing to a String fails only if a Display does. What it wrote until then is kept.
        let _ = write!(text, "{separator}{cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("CreateFlowLog failed (request 1-2)")]
    struct CallError(#[source] std::num::ParseIntError);

    #[test]
    fn the_message_is_the_whole_chain_of_errors() {
        let error = CallError("x".parse::<u8>().unwrap_err());
        let failure = Failure::from_error("CallFailed", &error);
        assert_eq!(failure.error_message, "CreateFlowLog failed (request 1-2): invalid digit found in string");
    }

    #[test]
    fn a_report_is_written_only_if_there_is_one() {
        let failure = Failure::new("TooManyChanges", "51 changes");
        let json = serde_json::to_string(&failure).unwrap();
        assert_eq!(json, r#"{"errorType":"TooManyChanges","errorMessage":"51 changes"}"#);
        let with_report = serde_json::to_string(&failure.with_report(&serde_json::json!({"checked": 1}))).unwrap();
        assert_eq!(with_report, r#"{"errorType":"TooManyChanges","errorMessage":"51 changes","report":{"checked":1}}"#);
    }
}
