//! What can go wrong with a call.

use std::time::Duration;

use flow_log::RegionId;

use crate::{
    AccessDenied, ErrorKind, Product, Remedy, UnreadableItem,
    call::codes::{Known, MissingPart, Refusal, known, missing_part},
};

/// A failed call.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{action}{}{}", on(.resource), request(.request_id))]
pub struct CallError {
    /// The operation, for example `CreateFlowLog`.
    pub action: &'static str,
    /// The id of the resource that the call was about. Empty if the call was not about a single resource.
    pub resource: String,
    /// The product that was called.
    pub product: Product,
    /// The API's request id, which Alibaba Cloud's support asks for.
    pub request_id: Option<String>,
    /// Whether the call is a write that must not be repeated blindly, so that an unknown outcome requires reading the
    /// state.
    pub(crate) is_write: bool,
    /// How long the server asks the client to wait.
    pub(crate) retry_after: Option<Duration>,
    /// Why the call failed.
    #[source]
    pub cause: Cause,
}

fn on(resource: &str) -> String {
    if resource.is_empty() { String::new() } else { format!(" of {resource}") }
}

fn request(id: &Option<String>) -> String {
    id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default()
}

fn denial(denied: &Option<Box<AccessDenied>>) -> String {
    denied.as_ref().map(|denied| format!(" ({denied})")).unwrap_or_default()
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The API rejected the call.
    #[error("refused with {code} (HTTP {status}): {message}{}", denial(.denied))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The API's code, for example `Throttling.User`.
        code: String,
        /// The API's message, without secrets.
        message: String,
        /// Which permission is missing, if that is why the call was rejected.
        denied: Option<Box<AccessDenied>>,
    },
    /// No connection could be made. Nothing was sent.
    #[error("no connection to {host}: {reason}")]
    Unreachable {
        /// The host and port that were called.
        host: String,
        /// What the network stack said.
        reason: String,
    },
    /// The endpoint could not prove its identity. Nothing was sent.
    #[error("no connection to {host}: {reason}")]
    Untrusted {
        /// The host and port that were called.
        host: String,
        /// What is wrong with the certificate.
        reason: String,
    },
    /// The request was sent, and no complete response arrived.
    #[error("no answer from {host}: {reason}")]
    NoResponse {
        /// The host and port that were called.
        host: String,
        /// What the network stack said.
        reason: String,
    },
    /// The request was sent, and the deadline passed before the response arrived.
    #[error("no time left to wait for the answer of {host}")]
    DeadlineExceeded {
        /// The host and port that were called.
        host: String,
    },
    /// The response cannot be read.
    #[error("the answer (HTTP {status}) cannot be read: {reason}")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is wrong with the response.
        reason: String,
    },
    /// Log Service had not counted all records, however often it was asked: its counts are partial.
    #[error("its counts are partial, after {tries} tries")]
    Incomplete {
        /// How often it was asked.
        tries: u32,
    },
    /// The deadline had passed before the request was sent.
    #[error("not sent: no time left")]
    OutOfTime,
    /// The credentials contain a character that no key has.
    #[error("not sent: the {part} holds a space, a line break or another character that none has")]
    MalformedKey {
        /// Which part of the credentials.
        part: &'static str,
    },
    /// The arguments exceed a limit that the API documents.
    #[error("not sent: {problem}")]
    Invalid {
        /// Which limit, in a sentence.
        problem: String,
    },
    /// The client only reads, and the call is no read.
    #[error("not sent: this client only reads")]
    ReadOnly,
    /// The circuit breaker is open: the service failed too often in a row.
    #[error(
        "not sent: {product} in {region} failed {failures} times in a row and is left alone for {retry_in:.1?}; the last failure: {last}"
    )]
    CircuitOpen {
        /// The product whose circuit is open.
        product: Product,
        /// The region in which it fails.
        region: RegionId,
        /// How many times it failed in a row.
        failures: u32,
        /// When the next probe is allowed.
        retry_in: Duration,
        /// The failure that opened the circuit.
        last: String,
    },
}

impl CallError {
    /// Turns an unreadable item of a list into the failure of the whole call.
    #[must_use]
    pub fn unreadable(product: Product, action: &'static str, item: &UnreadableItem) -> Self {
        Self {
            action,
            product,
            resource: item.id.clone().unwrap_or_default(),
            request_id: None,
            is_write: false,
            retry_after: None,
            cause: Cause::Unreadable { status: 200, reason: item.to_string() },
        }
    }

    /// Returns the kind of failure.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match &self.cause {
            Cause::Unreachable { .. } => ErrorKind::Unreachable,
            Cause::Untrusted { .. } => ErrorKind::Untrusted,
            Cause::NoResponse { .. } => ErrorKind::NoResponse,
            Cause::DeadlineExceeded { .. } => ErrorKind::DeadlineExceeded,
            Cause::Unreadable { status: 500.., .. } => ErrorKind::Transient,
            Cause::Unreadable { status: 429, .. } => ErrorKind::Throttled,
            Cause::Unreadable { .. } => ErrorKind::Unreadable,
            Cause::Incomplete { .. } => ErrorKind::Incomplete,
            Cause::OutOfTime => ErrorKind::OutOfTime,
            Cause::MalformedKey { .. } => ErrorKind::Credentials,
            Cause::Invalid { .. } | Cause::ReadOnly => ErrorKind::Invalid,
            Cause::CircuitOpen { .. } => ErrorKind::CircuitOpen,
            Cause::Refused { status, .. } => match (self.known(), status) {
                (Some(known), _) => known.kind,
                (None, 429) => ErrorKind::Throttled,
                (None, 408 | 500..) => ErrorKind::Transient,
                (None, _) => ErrorKind::Other,
            },
        }
    }

    /// Returns what is known about the code with which the API rejected the call.
    pub(super) fn known(&self) -> Option<Known> {
        match &self.cause {
            Cause::Refused { code, message, .. } => {
                known(Refusal { product: self.product, action: self.action, code, message })
            }
            _ => None,
        }
    }

    /// Returns the HTTP status, if there was a whole response.
    pub(crate) const fn status(&self) -> Option<u16> {
        match self.cause {
            Cause::Refused { status, .. } | Cause::Unreadable { status, .. } => Some(status),
            _ => None,
        }
    }

    /// Returns what the caller should do about it.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        self.kind().remedy(self.is_write)
    }

    /// Returns whether the deadline prevented the call or cut off its response.
    #[must_use]
    pub const fn is_out_of_time(&self) -> bool {
        matches!(self.cause, Cause::OutOfTime | Cause::DeadlineExceeded { .. })
    }

    /// Returns whether the error means that the service is down: no response, or a server error. Throttling does not
    /// count.
    pub(crate) fn means_service_down(&self) -> bool {
        match &self.cause {
            Cause::Unreachable { .. } | Cause::Untrusted { .. } | Cause::NoResponse { .. } => true,
            Cause::Refused { status, .. } => *status >= 500 && self.remedy() != Remedy::SlowDown,
            Cause::Unreadable { status, .. } => *status >= 500,
            Cause::OutOfTime
            | Cause::Incomplete { .. }
            | Cause::DeadlineExceeded { .. }
            | Cause::MalformedKey { .. }
            | Cause::Invalid { .. }
            | Cause::ReadOnly
            | Cause::CircuitOpen { .. } => false,
        }
    }

    /// Returns the API's error code, if the API rejected the call.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.cause {
            Cause::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Returns which part of a destination is not there, if the API rejected the call for that.
    #[must_use]
    pub fn missing_part(&self) -> Option<MissingPart> {
        missing_part(self.code()?)
    }

    /// Returns which permission is missing, if the API rejected the call for that and says so.
    #[must_use]
    pub fn denied(&self) -> Option<&AccessDenied> {
        match &self.cause {
            Cause::Refused { denied, .. } => denied.as_deref(),
            _ => None,
        }
    }

    /// Returns the API's error code, or a short name for a failure without one.
    #[must_use]
    pub fn short_code(&self) -> &str {
        match &self.cause {
            Cause::Refused { code, .. } => code,
            Cause::Unreachable { .. } => "Unreachable",
            Cause::Untrusted { .. } => "Untrusted",
            Cause::NoResponse { .. } => "Unanswered",
            Cause::DeadlineExceeded { .. } => "CutOff",
            Cause::Unreadable { .. } => "Unreadable",
            Cause::Incomplete { .. } => "Incomplete",
            Cause::OutOfTime => "OutOfTime",
            Cause::MalformedKey { .. } => "MalformedKey",
            Cause::Invalid { .. } => "Invalid",
            Cause::ReadOnly => "ReadOnly",
            Cause::CircuitOpen { .. } => "CircuitOpen",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, status: u16, is_write: bool) -> CallError {
        CallError {
            product: Product::Vpc,
            action: if is_write { "CreateFlowLog" } else { "DescribeFlowLogs" },
            resource: "vpc-1".to_owned(),
            request_id: Some("R-1".to_owned()),
            is_write,
            retry_after: None,
            cause: Cause::Refused {
                status,
                code: code.to_owned(),
                message: "Because it already has one.".to_owned(),
                denied: None,
            },
        }
    }

    #[test]
    fn an_error_says_what_was_attempted_on_what_and_under_which_request_id() {
        let error = refused("Throttling.User", 400, true);
        assert_eq!(error.to_string(), "CreateFlowLog of vpc-1 (request R-1)");
        assert_eq!(error.cause.to_string(), "refused with Throttling.User (HTTP 400): Because it already has one.");
    }

    #[derive(serde::Deserialize)]
    struct Documented {
        errors: Vec<DocumentedError>,
    }

    #[derive(serde::Deserialize)]
    struct DocumentedError {
        code: String,
        message: Option<String>,
        class: String,
    }

    #[test]
    fn every_code_that_the_documents_know_has_a_remedy_and_an_advice() {
        let file = include_str!("../../../../tests/fixtures/openapi/errors.json");
        let documented: Documented = serde_json::from_str(file).unwrap();
        assert!(documented.errors.len() >= 79);
        for DocumentedError { code, message, class } in documented.errors {
            let (status, code) = if code == "any 5xx" { (502, "NeverSeenBefore".to_owned()) } else { (400, code) };
            let message = message.unwrap_or_default();
            let refusal = Refusal { product: Product::Vpc, action: "", code: &code, message: &message };
            assert!(status == 502 || known(refusal).is_some(), "{code} is not known");

            let [for_a_read, for_a_write] = match class.as_str() {
                "throttling" => [Remedy::SlowDown; 2],
                "server" => [Remedy::TryAgain, Remedy::ReadAgain],
                "state conflict" => [Remedy::TryAgain; 2],
                "clock" | "clock/client" => [Remedy::CorrectClock; 2],
                "nonce" => [Remedy::TryAgain, Remedy::ReadAgain],
                "credentials" if code.ends_with(".Expired") => [Remedy::RefreshCredentials; 2],
                // What was to be created exists.
                "business"
                    if ["InvalidResourceId.NotFound", "OperationFailed.ExceedPurchaseLimit"]
                        .contains(&code.as_str())
                        || code.starts_with("ResourceAlreadyExist") =>
                {
                    [Remedy::ReadAgain; 2]
                }
                // Some products answer an expired token this way, as its explanation here says.
                "client" if code == "InvalidParameter" => [Remedy::RefreshCredentials; 2],
                "credentials" | "auth" | "authorisation" | "client" | "business" => [Remedy::GiveUp; 2],
                other => panic!("the class {other} of {code} is not known"),
            };
            for (is_write, expected) in [(false, for_a_read), (true, for_a_write)] {
                let mut error = refused(&code, status, is_write);
                if let Cause::Refused { message: found, .. } = &mut error.cause {
                    found.clone_from(&message);
                }
                assert_eq!(error.remedy(), expected, "{code}, of class {class}, write: {is_write}");
                assert!(error.advice().ends_with('.') && error.advice().len() > 20, "{code}: {}", error.advice());
            }
        }
    }

    #[test]
    fn a_resource_that_is_not_found_is_not_taken_for_one_that_has_a_flow_log() {
        let mut error = refused("InvalidResourceId.NotFound", 400, true);
        error.cause = Cause::Refused {
            status: 400,
            code: "InvalidResourceId.NotFound".to_owned(),
            message: "The specified resource is not found.".to_owned(),
            denied: None,
        };
        assert_eq!(error.remedy(), Remedy::GiveUp);
        assert!(error.advice().contains("not there"), "{}", error.advice());
    }

    #[test]
    fn whoever_is_not_trusted_is_not_asked_again_and_is_not_taken_for_the_service() {
        for is_write in [false, true] {
            let cause = Cause::Untrusted { host: "a".to_owned(), reason: "expired".to_owned() };
            let error = CallError { cause, ..refused("", 400, is_write) };
            assert_eq!(error.remedy(), Remedy::GiveUp);
            assert!(error.means_service_down());
        }
    }

    #[test]
    fn the_remedy_of_a_code_depends_on_whether_anything_may_have_been_done() {
        for (code, status, for_a_read, for_a_write) in [
            ("Throttling.User", 400, Remedy::SlowDown, Remedy::SlowDown),
            ("Rejected.Throttling", 400, Remedy::SlowDown, Remedy::SlowDown),
            ("Anything", 429, Remedy::SlowDown, Remedy::SlowDown),
            ("ServiceUnavailable", 503, Remedy::TryAgain, Remedy::ReadAgain),
            ("Anything", 502, Remedy::TryAgain, Remedy::ReadAgain),
            ("IncorrectStatus.flowlog", 400, Remedy::TryAgain, Remedy::TryAgain),
            ("InvalidResourceId.NotFound", 400, Remedy::ReadAgain, Remedy::ReadAgain),
            ("SignatureNonceUsed", 400, Remedy::TryAgain, Remedy::ReadAgain),
            ("InvalidTimeStamp.Expired", 400, Remedy::CorrectClock, Remedy::CorrectClock),
            ("InvalidSecurityToken.Expired", 400, Remedy::RefreshCredentials, Remedy::RefreshCredentials),
            ("Forbidden.RAM", 403, Remedy::GiveUp, Remedy::GiveUp),
            ("QuotaExceeded.FlowlogCount", 400, Remedy::GiveUp, Remedy::GiveUp),
            ("NeverSeenBefore", 400, Remedy::GiveUp, Remedy::GiveUp),
        ] {
            assert_eq!(refused(code, status, false).remedy(), for_a_read, "read, {code}");
            assert_eq!(refused(code, status, true).remedy(), for_a_write, "write, {code}");
        }
    }

    #[test]
    fn the_kind_of_a_code_that_nobody_knows_comes_from_its_status() {
        for (status, kind) in [
            (429, ErrorKind::Throttled),
            (408, ErrorKind::Transient),
            (500, ErrorKind::Transient),
            (504, ErrorKind::Transient),
            (400, ErrorKind::Other),
            (403, ErrorKind::Other),
        ] {
            assert_eq!(refused("NeverSeenBefore", status, false).kind(), kind, "{status}");
        }
        for status in [200, 400, 403, 503] {
            assert_eq!(refused("QpsLimitExceeded", status, true).kind(), ErrorKind::Throttled, "{status}");
        }
    }
}
