//! The answers of the API that say no, with the documented codes, statuses and messages.

use http::StatusCode;

/// A refusal of the API: the HTTP status, the code and the message of the error envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    /// A refusal with HTTP status 400, which is what most of them have.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code, message: message.into() }
    }

    /// The same with another HTTP status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        let message = format!(
            "The input parameter \"{parameter}\" that is mandatory for processing this request is not supplied."
        );
        Self::new("MissingParameter", message)
    }

    pub(crate) fn invalid(parameter: &str) -> Self {
        Self::new("InvalidParameter", format!("The specified parameter \"{parameter}\" is not valid."))
    }

    pub(crate) fn not_found(code: &'static str, message: &str) -> Self {
        Self::new(code, message).with_status(StatusCode::NOT_FOUND)
    }
}
