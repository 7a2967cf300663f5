//! The API's refusals, with the documented codes, statuses and messages.

use std::{fmt, time::Duration};

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    api::operations::Operation,
    ram::{accounts::Caller, policy::Denial},
};

/// A refusal by the API: the HTTP status, the code and the message of the error envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// The value for `%s` in the message, which Express Connect Router also sends separately. Empty if there is none.
    pub(crate) dynamic_message: String,
    /// The value of `x-acs-retry-after`, for a throttled call.
    pub(crate) retry_after: Option<Duration>,
    /// The action that the caller's role does not allow.
    pub(crate) denied: Option<Denied>,
}

/// A denied action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Denied {
    /// The action, such as `vpc:CreateFlowLog`.
    pub(crate) action: String,
    pub(crate) why: Denial,
    pub(crate) by: PolicyKind,
}

/// The kind of policy that denies an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PolicyKind {
    /// A control policy of the resource directory.
    Control,
    /// The policies of the caller.
    Identity,
    /// The session policy.
    Session,
    /// The trust policy of the role that the caller wants to assume.
    Trust,
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Control => "ControlPolicy",
            Self::Identity => "AccountLevelIdentityBasedPolicy",
            Self::Session => "SessionPolicy",
            Self::Trust => "AssumeRolePolicy",
        })
    }
}

impl Denied {
    /// Returns `AccessDeniedDetail` as the caller sees it.
    pub(crate) fn detail(&self, caller: &Caller) -> Value {
        let Caller { account, name, role, .. } = caller;
        let (principal_type, principal) = match role {
            Some(role) => ("AssumedRoleUser", format!("{role}:{name}")),
            None => ("SubUser", name.clone()),
        };
        json!({
            "AuthAction": self.action,
            "AuthPrincipalType": principal_type,
            "AuthPrincipalDisplayName": principal,
            "AuthPrincipalOwnerId": account,
            "NoPermissionType": self.why.to_string(),
            "PolicyType": self.by.to_string(),
            // The real message can be decoded by anyone with permission, so it must not appear in a client's logs.
            "EncodedDiagnosticMessage": "AQEAAAAAnot-to-be-printed",
        })
    }
}

impl Refusal {
    /// Returns a refusal that is not in the table, with HTTP status 400, which most refusals have.
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code,
            message: message.into(),
            dynamic_message: String::new(),
            retry_after: None,
            denied: None,
        }
    }

    /// Returns the refusal with a documented code, if there is one.
    pub(crate) fn named(code: &str) -> Option<Self> {
        let (code, status, message) = DOCUMENTED.iter().find(|(known, ..)| *known == code)?;
        Some(Self::new(code, *message).with_status(StatusCode::from_u16(*status).unwrap_or_default()))
    }

    /// Returns every documented code.
    pub(crate) fn codes() -> impl Iterator<Item = &'static str> {
        DOCUMENTED.iter().map(|(code, ..)| *code)
    }

    /// Returns the refusal with a documented code. For another code, the message is empty.
    pub(crate) fn documented(code: &'static str) -> Self {
        Self::named(code).unwrap_or_else(|| Self::new(code, ""))
    }

    /// Returns the refusal as an operation gives it: one for a missing permission names the action.
    pub(crate) fn of(self, operation: &Operation) -> Self {
        let is_denial = ["Forbidden.RAM", "NoPermission"].contains(&self.code);
        let denied = is_denial.then(|| Denied {
            action: operation.permission(),
            why: Denial::Implicit,
            by: PolicyKind::Identity,
        });
        Self { denied: self.denied.or(denied), ..self }
    }

    /// Returns the refusal with another HTTP status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// Returns the refusal with the value for `%s` in its message.
    pub(crate) fn about(self, what: &str) -> Self {
        Self { dynamic_message: what.to_owned(), ..self }
    }

    /// Returns the refusal with another message.
    pub(crate) fn saying(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    pub(crate) fn missing(parameter: &str) -> Self {
        Self::documented("MissingParameter").saying(format!(
            "The input parameter \"{parameter}\" that is mandatory for processing this request is not supplied."
        ))
    }

    pub(crate) fn invalid(parameter: &str) -> Self {
        Self::documented("InvalidParameter").saying(format!("The specified parameter \"{parameter}\" is not valid."))
    }

    pub(crate) fn not_found(code: &'static str, message: &str) -> Self {
        Self::new(code, message).with_status(StatusCode::NOT_FOUND)
    }
}

/// Code, HTTP status and message. The status is 400 if none is documented.
#[rustfmt::skip]
const DOCUMENTED: &[(&str, u16, &str)] = &[
    ("InvalidTimeStamp.Expired", 400, "Specified time stamp or date value is expired."),
    ("InvalidTimeStamp.Format", 400, "Specified time stamp or date value is not well formatted."),
    ("IllegalTimestamp", 400, "The input parameter \"Timestamp\" that is mandatory for processing this request is not supplied."),
    ("SignatureNonceUsed", 400, "Specified signature nonce was used already."),
    ("SignatureDoesNotMatch", 400, "Specified signature is not matched with our calculation."),
    ("IncompleteSignature", 400, "The request signature does not conform to Aliyun standards."),
    ("InvalidAccessKeyId.NotFound", 404, "Specified access key is not found."),
    ("InvalidAccessKeyId.Inactive", 400, "Specified access key is disabled."),
    ("InvalidSecurityToken.Expired", 400, "Specified SecurityToken is expired."),
    ("InvalidSecurityToken.Malformed", 400, "Specified SecurityToken is malformed."),
    ("InvalidSecurityToken.MismatchWithAccessKey", 400, "Specified SecurityToken mismatch with the AccessKey."),
    ("MissingSecurityToken", 400, "SecurityToken is mandatory for this action."),
    ("Forbidden.RAM", 403, "User not authorized to operate on the specified resource, or this API doesn't support RAM."),
    ("NoPermission", 403, "You are not authorized to do this action. You should be authorized by RAM."),
    ("Forbidden.AccessKeyDisabled", 400, "The access key is disabled."),
    ("InvalidApi.NotFound", 404, "Specified api is not found,please check your url and method."),
    ("InvalidProduct.NotFound", 404, "Cannot find product according to your specified domain."),
    ("NoSuchVersion", 400, "The specified version does not exist."),
    ("InvalidProtocol.NeedSsl", 400, "Your request is denied as lack of ssl protect."),
    ("UnsupportedHTTPMethod", 403, "This http method not supported."),
    ("MissingParameter", 400, "The input parameter that is mandatory for processing this request is not supplied."),
    ("InvalidParameter", 400, "The specified parameter is not valid."),
    ("InvalidRegionId.NotFound", 400, "The RegionId provided does not exist in our records."),
    ("Throttling", 400, "Request was denied due to request throttling."),
    ("Throttling.User", 400, "Request was denied due to user flow control."),
    ("Throttling.Api", 400, "Request was denied due to api flow control."),
    ("Rejected.Throttling", 400, "Request was denied due to request throttling."),
    ("ServiceUnavailable", 503, "The request has failed due to a temporary failure of the server."),
    ("InternalError", 500, "An unknown error occurred while processing your request."),
    ("UnknownError", 400, "The request processing has failed due to some unknown error."),
    ("SystemBusy", 400, "The system is busy."),
    ("TaskConflict", 400, "The specified resource is being changed by another request."),
    ("OperationConflict", 400, "The specified resource is being changed by another request."),
    ("LastTokenProcessing", 400, "The specified resource is being changed by another request."),
    ("OperationFailed.LastTokenProcessing", 400, "The specified resource is being changed by another request."),
    ("IncorrectStatus", 400, "The specified resource is being changed by another request."),
    ("IncorrectStatus.flowlog", 400, "Invalid flowlog status."),
    ("InvalidStatus", 400, "Current instance status is not valid for this action."),
    ("InvalidHdMonitorStatus", 400, "The specified resource is being changed by another request."),
    ("Conflict.Lock", 400, "The resource is locked."),
    ("IncorrectBusinessStatus.FlowLog", 400, "The business status of flowLog is incorrect."),
    ("OptInRequired.FlowLog", 400, "You are not authorized to use the requested service of flowLog."),
    ("OperationUnsupported.AdvancedFeature", 400, "Advanced features of the vpc is unsupported."),
    ("InvalidInstanceId", 400, "Instance does not exist."),
    ("ProjectOrLogstoreNotExist", 400, "The specified project or logstore does not exist."),
    ("SourceProjectNotExist", 400, "The Source Project or logstore does not exist."),
    ("Unauthorized", 400, "This api does not support sub user or role."),
    ("OperationUnsupported.action", 400, "This action is not support."),
    ("ParameterInvalid", 400, "Invalid parameter."),
    ("QuotaExceeded.FlowlogCount", 400, "This user has reached the maximum instance number of flowlog."),
    ("InvalidResourceId.NotFound", 400, "This resourceId already has flowlog instance existed."),
    ("INVALID_PARAMETER", 400, "The parameter invalid."),
    ("IllegalParam.AggregationInterval", 400, "The param of aggregationInterval is illegal."),
    ("UnsupportedFeature.UserDefinedTrafficPath", 400, "The feature of UserDefinedTrafficPath is not supported."),
    ("IllegalParam.TrafficPath", 400, "The param of trafficPath is illegal."),
    ("DuplicatedParam.TrafficPath", 400, "The param of trafficPath is duplicated."),
    ("IllegalParam.ResourceGroupId", 400, "Invalid ResourceGroupld value."),
    ("InvalidInstanceId.NotFound", 400, "The specfied instance is not existed."),
    ("Forbidden.OperateManagedFlowLog", 400, "Authentication is failed for operate managed flowlog."),
    ("OperationDenied.FlowLogDeliverFailed", 400, "The operation is not allowed due to an invalid delivery address."),
    ("OperationFailed.ExceedPurchaseLimit", 400, "You have reached the limit of purchase quantity."),
    ("OperationFailed.AliGroupUserCanNotBuyInnerCommodity", 400, "Vpc_flowlog_public has no group cloud product label."),
    ("IncorrectStatus.Ecr", 400, "Ecr Status does not allow current operation."),
    ("OperationDenied.ForceDeleting", 400, "The current instance is being deleted."),
    ("UnsupportedRegion", 400, "Feature not supported in specified region."),
    ("ResourceAlreadyExist.FlowLogId", 400, "The specified resource of FlowLogId[%s] already exists."),
    ("InternalErrorTemp", 400, "The request processing has failed due to some unknown error."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::api::documented::documented;

    #[test]
    fn refusals_are_the_documented_ones() {
        let errors = documented().errors;
        for (code, status, message) in DOCUMENTED {
            let error = &errors[*code];
            assert!(error.statuses.is_empty() || error.statuses.contains(status), "{code}: {status}");
            let known = |known: &String| known.starts_with(message.trim_end_matches('.'));
            let own = ["MissingParameter", "InvalidParameter"].contains(code);
            assert!(own || error.messages.is_empty() || error.messages.iter().any(known), "{code}: {message}");
        }
        let ours: BTreeMap<&str, u16> = DOCUMENTED.iter().map(|(code, status, _)| (*code, *status)).collect();
        let missing: Vec<&String> = errors.keys().filter(|code| !ours.contains_key(code.as_str())).collect();
        assert_eq!(missing, [] as [&String; 0]);
    }
}
