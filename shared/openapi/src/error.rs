//! What can go wrong with a call, and what to do about it.

use std::time::Duration;

use flow_log::RegionId;

use crate::{Denied, Product};

/// A call that did not do what it was asked to.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{action}{}{}", on(.resource), request(.request_id))]
pub struct CallError {
    /// The operation, for example `CreateFlowLog`.
    pub action: &'static str,
    /// What it was about: an id, or empty where it was about all there is.
    pub resource: String,
    /// The API's own id of the request, which its support asks for.
    pub request_id: Option<String>,
    /// Whether it would have changed something, so that an uncertain answer must be looked into.
    pub(crate) is_write: bool,
    /// How long the server asks to be left alone.
    pub(crate) retry_after: Option<Duration>,
    /// Why.
    #[source]
    pub cause: Cause,
}

fn on(resource: &str) -> String {
    if resource.is_empty() { String::new() } else { format!(" of {resource}") }
}

fn request(id: &Option<String>) -> String {
    id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default()
}

fn denial(denied: &Option<Box<Denied>>) -> String {
    denied.as_ref().map(|denied| format!(" ({denied})")).unwrap_or_default()
}

/// Why a call did not do what it was asked to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The API refused it.
    #[error("refused with {code} (HTTP {status}): {message}{}", denial(.denied))]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The API's code, for example `Throttling.User`.
        code: String,
        /// The API's words, without what must not be printed.
        message: String,
        /// Which permission is missing, where it is for that.
        denied: Option<Box<Denied>>,
    },
    /// No connection came about: nothing was sent.
    #[error("no connection to {host}: {reason}")]
    Unreachable {
        /// The host and port that were called.
        host: String,
        /// What the network said.
        reason: String,
    },
    /// Whoever answers there cannot show that it is the host: nothing was sent.
    #[error("no connection to {host}: {reason}")]
    Untrusted {
        /// The host and port that were called.
        host: String,
        /// What is wrong with its certificate.
        reason: String,
    },
    /// It was sent, and no whole answer came.
    #[error("no answer from {host}: {reason}")]
    Unanswered {
        /// The host and port that were called.
        host: String,
        /// What the network said.
        reason: String,
    },
    /// It was sent, and there was no time left to wait for its answer.
    #[error("no time left to wait for the answer of {host}")]
    CutOff {
        /// The host and port that were called.
        host: String,
    },
    /// The answer cannot be understood.
    #[error("the answer (HTTP {status}) cannot be read: {reason}")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        reason: String,
    },
    /// The time for the work was over before it was sent.
    #[error("not sent: no time left")]
    OutOfTime,
    /// What was asked for breaks a limit that the API documents.
    #[error("not sent: {problem}")]
    Invalid {
        /// Which, in a sentence.
        problem: String,
    },
    /// The service failed so often in a row that it is left alone for a while.
    #[error(
        "not sent: {product} in {region} failed {failures} times in a row and is left alone for {retry_in:.1?}; the last failure: {last}"
    )]
    CircuitOpen {
        /// The service.
        product: Product,
        /// Where.
        region: RegionId,
        /// How often.
        failures: u32,
        /// When it is tried again.
        retry_in: Duration,
        /// What happened the last time.
        last: String,
    },
}

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Send less, then send it again: nothing was done.
    SlowDown,
    /// Send it again: nothing was done, or doing it twice does no harm.
    TryAgain,
    /// Look what holds now before anything else is written: it may have been done.
    ReadAgain,
    /// Send it again with fresh credentials.
    RefreshCredentials,
    /// Send it again with the server's time.
    CorrectClock,
    /// Nothing that a program can do.
    GiveUp,
}

impl CallError {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        let uncertain = if self.is_write { Remedy::ReadAgain } else { Remedy::TryAgain };
        match &self.cause {
            // Nothing was sent.
            Cause::Unreachable { .. } | Cause::CircuitOpen { .. } => Remedy::TryAgain,
            Cause::Unanswered { .. } => uncertain,
            Cause::CutOff { .. } if self.is_write => Remedy::ReadAgain,
            // Behind an unreadable answer to a write, the write may have been done.
            Cause::Unreadable { status, .. } if self.is_write || *status >= 500 => uncertain,
            Cause::Untrusted { .. }
            | Cause::Unreadable { .. }
            | Cause::OutOfTime
            | Cause::CutOff { .. }
            | Cause::Invalid { .. } => Remedy::GiveUp,
            Cause::Refused { status, code, message, .. } => match known(code, message) {
                Some(Known { kind: Kind::Server, .. }) => uncertain,
                // The first try of a repeated request may have got through.
                Some(Known { kind: Kind::Nonce, .. }) => uncertain,
                Some(Known { kind: Kind::Throttled, .. }) => Remedy::SlowDown,
                Some(Known { kind: Kind::Conflict, .. }) => Remedy::TryAgain,
                Some(Known { kind: Kind::Exists, .. }) => Remedy::ReadAgain,
                Some(Known { kind: Kind::Clock, .. }) => Remedy::CorrectClock,
                Some(Known { kind: Kind::Expired, .. }) => Remedy::RefreshCredentials,
                Some(Known { kind: Kind::Final, .. }) => Remedy::GiveUp,
                None if *status == 429 => Remedy::SlowDown,
                None if *status == 408 || *status >= 500 => uncertain,
                None => Remedy::GiveUp,
            },
        }
    }

    /// What a person can do about it, in a sentence.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match &self.cause {
            Cause::Refused { code, message, .. } => known(code, message).map_or(
                "Look the code up in the API's error centre, and give the request id to its support.",
                |known| known.advice,
            ),
            Cause::Unreachable { .. } => {
                "Check that the region exists and that the function reaches its endpoint: Internet access, or FLOWKEEPER_NETWORK=vpc inside a VPC."
            }
            Cause::Untrusted { .. } => {
                "Somebody answers in the place of the endpoint, or the clock of the machine is wrong. If the network is meant to look into TLS, FLOWKEEPER_EXTRA_ROOT_FILE says whom to trust besides the public roots."
            }
            Cause::Unanswered { .. } => {
                "Nothing to do if the next run succeeds; otherwise check the network of the function."
            }
            Cause::Unreadable { .. } => {
                "Check that the endpoint is that of the API and that no proxy answers in its place."
            }
            Cause::OutOfTime | Cause::CutOff { .. } => "Give the function a longer timeout.",
            Cause::Invalid { .. } => "Correct what is asked for; the message says which limit it breaks.",
            Cause::CircuitOpen { .. } => {
                "The service is down, or not to be reached; nothing to do if a later run succeeds, otherwise look at the last failure."
            }
        }
    }

    /// Whether it was not sent, or its answer not waited for, for want of time.
    #[must_use]
    pub const fn is_out_of_time(&self) -> bool {
        matches!(self.cause, Cause::OutOfTime | Cause::CutOff { .. })
    }

    /// Whether the service was down: it did not answer, or with a fault of its own. A throttled call is not that.
    pub(crate) fn is_of_a_service_that_is_down(&self) -> bool {
        match &self.cause {
            Cause::Unreachable { .. } | Cause::Untrusted { .. } | Cause::Unanswered { .. } => true,
            Cause::Refused { status, .. } => *status >= 500 && self.remedy() != Remedy::SlowDown,
            Cause::Unreadable { status, .. } => *status >= 500,
            Cause::OutOfTime | Cause::CutOff { .. } | Cause::Invalid { .. } | Cause::CircuitOpen { .. } => false,
        }
    }

    /// The API's code, where it refused the call.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match &self.cause {
            Cause::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Which permission is missing, where the API refused the call for that and says so.
    #[must_use]
    pub fn denied(&self) -> Option<&Denied> {
        match &self.cause {
            Cause::Refused { denied, .. } => denied.as_deref(),
            _ => None,
        }
    }

    /// The code of the API, or a word for what happened on the way.
    #[must_use]
    pub fn short_code(&self) -> &str {
        match &self.cause {
            Cause::Refused { code, .. } => code,
            Cause::Unreachable { .. } => "Unreachable",
            Cause::Untrusted { .. } => "Untrusted",
            Cause::Unanswered { .. } => "Unanswered",
            Cause::CutOff { .. } => "CutOff",
            Cause::Unreadable { .. } => "Unreadable",
            Cause::OutOfTime => "OutOfTime",
            Cause::Invalid { .. } => "Invalid",
            Cause::CircuitOpen { .. } => "CircuitOpen",
        }
    }
}

/// A code that the documents know.
struct Known {
    kind: Kind,
    advice: &'static str,
}

#[derive(Clone, Copy)]
enum Kind {
    Throttled,
    /// The state of the thing did not allow it just then. Refused, so not done.
    Conflict,
    /// What was to be made is there already.
    Exists,
    /// Something failed on the server; whether before or after the effect, nobody knows.
    Server,
    Nonce,
    Clock,
    Expired,
    Final,
}

/// What the documents say about a code. Sources: the API's error tables and real answers of the same gateway.
fn known(code: &str, message: &str) -> Option<Known> {
    use Kind::{Clock, Conflict, Exists, Expired, Final, Nonce, Server, Throttled};
    const EXPIRED: (Kind, &str) = (
        Expired,
        "The temporary key has expired. If it came in the headers of the invocation, the next one brings a new key. If it \
         came from the variables ALIBABA_CLOUD_…, it is as old as the instance, and fails until Function Compute starts \
         another one: update the function, and leave its disableInjectCredentials at None.",
    );
    let (kind, advice) = match code {
        // Some products name an expired token so.
        "InvalidParameter" if message.contains("SecurityToken") && message.contains("Expired") => EXPIRED,
        "ServiceUnavailable" | "InternalError" | "InternalErrorTemp" | "UnknownError" | "SystemBusy" => {
            (Server, "The service has a fault of its own; nothing to do if the next run succeeds.")
        }
        "TaskConflict"
        | "OperationConflict"
        | "LastTokenProcessing"
        | "OperationFailed.LastTokenProcessing"
        | "IncorrectStatus"
        | "IncorrectStatus.flowlog"
        | "IncorrectStatus.Ecr"
        | "InvalidStatus"
        | "InvalidHdMonitorStatus"
        | "Conflict.Lock" => (Conflict, "Something else changes it just now; nothing to do if the next run succeeds."),
        // The name says the opposite of what is meant, so only the words count.
        "InvalidResourceId.NotFound" if !message.contains("already") => {
            (Final, "The resource is not there, or not to be seen yet.")
        }
        "InvalidResourceId.NotFound" | "ResourceAlreadyExist.FlowLogId" => {
            (Exists, "There is a flow log on it already; look at DescribeFlowLogs with its ResourceId.")
        }
        "SignatureNonceUsed" => (Nonce, "A request was repeated on the way; check for a proxy that does so."),
        "InvalidTimeStamp.Expired" | "IllegalTimestamp" => {
            (Clock, "Correct the clock of the machine: it may be off by 15 minutes at most.")
        }
        "InvalidSecurityToken.Expired" => EXPIRED,
        "InvalidSecurityToken.Malformed" | "InvalidSecurityToken.MismatchWithAccessKey" | "MissingSecurityToken" => {
            (Final, "The key and its security token do not belong together; check where the credentials come from.")
        }
        "SignatureDoesNotMatch" | "IncompleteSignature" => {
            (Final, "Check the access key secret; `cargo run -p signing --example sign` shows what is signed.")
        }
        "InvalidAccessKeyId.NotFound" => {
            (Final, "The access key does not exist, or a temporary one came without its security token.")
        }
        "InvalidAccessKeyId.Inactive" | "Forbidden.AccessKeyDisabled" => {
            (Final, "Enable the access key, or use another one.")
        }
        "Forbidden.RAM" => (Final, "Allow the action in the function's RAM role."),
        "NoPermission" => (
            Final,
            "Allow the action in the function's RAM role; for AssumeRole, the role's trust policy must name the function's role or its account, and its external id be that of the policy.",
        ),
        "Unauthorized" => (Final, "This operation does not take RAM users or roles; look it up for this account."),
        "EntityNotExist.Role" => {
            (Final, "The role that the policy names is not in that account: create it there, or correct the policy.")
        }
        "InvalidRegionId.NotFound" => (Final, "There is no such region, or this product is not in it."),
        "InvalidApi.NotFound" | "InvalidProduct.NotFound" | "NoSuchVersion" => {
            (Final, "The endpoint does not serve this product; check FLOWKEEPER_ENDPOINT and the region.")
        }
        "InvalidProtocol.NeedSsl" => (Final, "The endpoint wants https."),
        "UnsupportedHTTPMethod" => (Final, "The endpoint does not take POST; check FLOWKEEPER_ENDPOINT."),
        "InvalidTimeStamp.Format"
        | "MissingParameter"
        | "InvalidParameter"
        | "ParameterInvalid"
        | "INVALID_PARAMETER" => (Final, "A parameter is not as the API wants it; the message says which."),
        "OptInRequired.FlowLog" => (
            Final,
            "The flow log service is not open in this account: invoke open-flow-log-service with {\"accept_terms\": true}, or open it in the VPC console.",
        ),
        "QuotaExceeded.FlowlogCount" => (
            Final,
            "The account has as many flow logs as its quota vpc_quota_flowlog_inst_nums_per_user allows (10 by default): raise it in the Quota Center, or keep flow logs at a coarser coverage.",
        ),
        "ProjectOrLogstoreNotExist" | "SourceProjectNotExist" => {
            (Final, "Create the SLS project and the Logstore that the policy names, in the region of the resource.")
        }
        "OperationUnsupported.AdvancedFeature" => {
            (Final, "The VPC holds an instance of a family that rules out flow logs: upgrade it.")
        }
        "OperationUnsupported.action" | "UnsupportedRegion" => {
            (Final, "This region does not offer flow logs; leave it out of the policy.")
        }
        "UnsupportedFeature.UserDefinedTrafficPath" => {
            (Final, "traffic_path needs a ticket with Alibaba Cloud; leave it out of the policy until then.")
        }
        "IllegalParam.TrafficPath" | "DuplicatedParam.TrafficPath" => (Final, "Correct traffic_path in the policy."),
        "IllegalParam.AggregationInterval" => {
            (Final, "Correct aggregation_interval in the policy: 1, 5 or 10 minutes.")
        }
        "IllegalParam.ResourceGroupId" => (Final, "Correct resource_group_id in the policy: there is no such group."),
        "InvalidInstanceId" | "InvalidInstanceId.NotFound" => {
            (Final, "The resource is not there, or not to be seen yet.")
        }
        "IncorrectBusinessStatus.FlowLog" => {
            (Final, "The flow log service is locked for this account; check its bills.")
        }
        "Forbidden.OperateManagedFlowLog" => (Final, "SLS made this flow log; change it there."),
        "OperationDenied.FlowLogDeliverFailed" => {
            (Final, "Its SLS project or Logstore is gone: make it again, or another flow log.")
        }
        "OperationFailed.ExceedPurchaseLimit" => (Final, "The flow log service is open already."),
        "OperationFailed.AliGroupUserCanNotBuyInnerCommodity" => {
            (Final, "This kind of account cannot open the service; ask its owner.")
        }
        "OperationDenied.ForceDeleting" => (Final, "The router is being deleted; nothing more is recorded there."),
        _ if code.contains("Throttling") => {
            (Throttled, "Too many calls of this kind in the account; nothing to do if the next run succeeds.")
        }
        _ => return None,
    };
    Some(Known { kind, advice })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, status: u16, is_write: bool) -> CallError {
        CallError {
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
        let file = include_str!("../../../tests/fixtures/openapi/errors.json");
        let documented: Documented = serde_json::from_str(file).unwrap();
        assert!(documented.errors.len() >= 79);
        for DocumentedError { code, message, class } in documented.errors {
            let (status, code) = if code == "any 5xx" { (502, "NeverSeenBefore".to_owned()) } else { (400, code) };
            let message = message.unwrap_or_default();
            assert!(status == 502 || known(&code, &message).is_some(), "{code} is not known");

            let [for_a_read, for_a_write] = match class.as_str() {
                "throttling" => [Remedy::SlowDown; 2],
                "server" => [Remedy::TryAgain, Remedy::ReadAgain],
                "state conflict" => [Remedy::TryAgain; 2],
                "clock" | "clock/client" => [Remedy::CorrectClock; 2],
                "nonce" => [Remedy::TryAgain, Remedy::ReadAgain],
                "credentials" if code.ends_with(".Expired") => [Remedy::RefreshCredentials; 2],
                // What was to be made is there.
                "business" if code == "InvalidResourceId.NotFound" || code.starts_with("ResourceAlreadyExist") => {
                    [Remedy::ReadAgain; 2]
                }
                // Some products answer so to an expired token, as its explanation here says.
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
    fn of_a_key_that_has_expired_is_said_where_a_new_one_comes_from() {
        for code in ["InvalidSecurityToken.Expired", "InvalidParameter"] {
            let mut error = refused(code, 400, false);
            let message = "The parameter SecurityToken is Expired.".to_owned();
            error.cause = Cause::Refused { status: 400, code: code.to_owned(), message, denied: None };
            assert!(error.advice().contains("headers of the invocation, the next one brings"), "{code}");
            assert!(error.advice().contains("as old as the instance"), "{code}");
        }
    }

    #[test]
    fn whoever_is_not_trusted_is_not_asked_again_and_is_not_taken_for_the_service() {
        for is_write in [false, true] {
            let cause = Cause::Untrusted { host: "a".to_owned(), reason: "expired".to_owned() };
            let error = CallError { cause, ..refused("", 400, is_write) };
            assert_eq!(error.remedy(), Remedy::GiveUp);
            assert!(error.is_of_a_service_that_is_down());
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
}
