//! What each of the API's error codes means, and what a person can do about it: one row per code.
//!
//! Sources: the API's error tables, and real responses of the same gateway.

use crate::{
    ErrorKind::{self, *},
    Scope,
};

/// What is known about an error code: its kind, and advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) kind: ErrorKind,
    pub(crate) advice: &'static str,
}

/// Looks up an error by its code, and by its message where the code is ambiguous.
pub(crate) fn known(code: &str, message: &str) -> Option<Known> {
    let found = |kind, advice| Some(Known { kind, advice });
    match code {
        // Some products report an expired token this way.
        "InvalidParameter" if message.contains("SecurityToken") && message.contains("Expired") => {
            return found(Expired, EXPIRED);
        }
        // The name says the opposite of what it means, so only the message counts.
        "InvalidResourceId.NotFound" if !message.contains("already") => return found(NotVisible, NOT_VISIBLE),
        _ => {}
    }
    if let Some((_, kind, advice)) = CODES.iter().find(|(known, ..)| *known == code) {
        return found(*kind, advice);
    }
    let code = code.to_ascii_lowercase();
    if THROTTLES.iter().any(|word| code.contains(word)) { found(Throttled, THROTTLED) } else { None }
}

/// Substrings of the codes that products use for throttling, in lower case.
const THROTTLES: &[&str] =
    &["throttl", "flowcontrol", "qpslimit", "toomanyrequest", "ratelimit", "requestlimitexceeded", "limitrate"];

const THROTTLED: &str = "Too many calls of this kind in the account; nothing to do if the next run succeeds.";
const SERVER: &str = "The service has a fault of its own; nothing to do if the next run succeeds.";
const BUSY: &str = "Something else changes it just now; nothing to do if the next run succeeds.";
const EXISTS: &str = "There is a flow log on it already; look at DescribeFlowLogs with its ResourceId.";
const NOT_VISIBLE: &str = "The resource is not there, or not to be seen yet.";
const TOKEN: &str = "The key and its security token do not belong together; check where the credentials come from.";
const SECRET: &str = "Check the access key secret; `cargo run -p signing --example sign` shows what is signed.";
const KEY: &str = "Enable the access key, or use another one.";
const CLOCK: &str = "Correct the clock of the machine: it may be off by 15 minutes at most.";
const PARAMETER: &str = "A parameter is not as the API wants it; the message says which.";
const DESTINATION: &str =
    "Create the SLS project and the Logstore that the policy names, in the region of the resource.";
const REGION: &str = "This region does not offer flow logs; leave it out of the policy.";
const NO_REGION: &str = "There is no such region, or this product is not in it.";
const TRAFFIC_PATH: &str = "Correct traffic_path in the policy.";
const ENDPOINT: &str = "The endpoint does not serve this product; check it.";
const EXPIRED: &str = "The temporary key has expired. If it came in the headers of the invocation, the next one brings a \
    new key. If it came from the variables ALIBABA_CLOUD_…, it is as old as the instance, and fails until Function Compute \
    starts another one: update the function, and leave its disableInjectCredentials at None.";

#[rustfmt::skip]
static CODES: &[(&str, ErrorKind, &str)] = &[
    ("ServiceUnavailable", Transient, SERVER),
    ("InternalError", Transient, SERVER),
    ("InternalErrorTemp", Transient, SERVER),
    ("UnknownError", Transient, SERVER),
    ("SystemBusy", Transient, SERVER),
    // The first attempt of a repeated request may have succeeded.
    ("SignatureNonceUsed", Transient, "A request was repeated on the way; check for a proxy that does so."),

    ("TaskConflict", Conflict, BUSY),
    ("OperationConflict", Conflict, BUSY),
    ("LastTokenProcessing", Conflict, BUSY),
    ("OperationFailed.LastTokenProcessing", Conflict, BUSY),
    ("IncorrectStatus", Conflict, BUSY),
    ("IncorrectStatus.flowlog", Conflict, BUSY),
    ("IncorrectStatus.Ecr", Conflict, BUSY),
    ("InvalidStatus", Conflict, BUSY),
    ("InvalidHdMonitorStatus", Conflict, BUSY),
    ("Conflict.Lock", Conflict, BUSY),

    ("InvalidResourceId.NotFound", AlreadyExists, EXISTS),
    ("ResourceAlreadyExist.FlowLogId", AlreadyExists, EXISTS),
    ("OperationFailed.ExceedPurchaseLimit", AlreadyExists, "The flow log service is open already."),
    ("InvalidInstanceId", NotVisible, NOT_VISIBLE),
    ("InvalidInstanceId.NotFound", NotFound, "The flow log is gone, or not to be seen yet."),

    ("InvalidTimeStamp.Expired", Clock, CLOCK),
    ("IllegalTimestamp", Clock, CLOCK),
    ("InvalidSecurityToken.Expired", Expired, EXPIRED),
    ("InvalidSecurityToken.Malformed", Credentials, TOKEN),
    ("InvalidSecurityToken.MismatchWithAccessKey", Credentials, TOKEN),
    ("MissingSecurityToken", Credentials, TOKEN),
    ("SignatureDoesNotMatch", Credentials, SECRET),
    ("IncompleteSignature", Credentials, SECRET),
    ("InvalidAccessKeyId.NotFound", Credentials, "The access key does not exist, or a temporary one came without its security token."),
    ("InvalidAccessKeyId.Inactive", Credentials, KEY),
    ("Forbidden.AccessKeyDisabled", Credentials, KEY),

    ("Forbidden.RAM", AccessDenied, "Allow the action in the function's RAM role."),
    ("NoPermission", AccessDenied, "Allow the action in the function's RAM role. For AssumeRole, the trust policy of the other account's role must name the function's role or account, and both must have the same external id."),
    ("Unauthorized", AccessDenied, "This operation does not take RAM users or roles; look it up for this account."),
    ("EntityNotExist.Role", NoSuchRole, "The role that the policy names is not in that account: create it there, or correct the policy."),

    ("OperationUnsupported.action", Unsupported(Scope::Region), REGION),
    ("UnsupportedRegion", Unsupported(Scope::Region), REGION),
    ("OperationUnsupported.AdvancedFeature", Unsupported(Scope::Resource), "The VPC holds an instance of a family that rules out flow logs: upgrade it."),
    ("UnsupportedFeature.UserDefinedTrafficPath", Unsupported(Scope::Account), "traffic_path needs a ticket with Alibaba Cloud; leave it out of the policy until then."),

    ("QuotaExceeded.FlowlogCount", QuotaExceeded, "The account has as many flow logs as its quota vpc_quota_flowlog_inst_nums_per_user allows (10 by default): raise it in the Quota Center, or keep flow logs at a coarser coverage."),
    ("ProjectOrLogstoreNotExist", DestinationMissing, DESTINATION),
    ("SourceProjectNotExist", DestinationMissing, DESTINATION),
    ("OperationDenied.FlowLogDeliverFailed", DestinationMissing, "Its SLS project or Logstore is gone: make it again, or another flow log."),
    ("OptInRequired.FlowLog", NotSubscribed, "The flow log service is not open in this account: invoke open-flow-log-service with {\"accept_terms\": true}, or open it in the VPC console."),
    ("DryRunOperation", DryRunPassed, "It was a dry run, and the call itself would have succeeded."),

    ("InvalidTimeStamp.Format", Invalid, PARAMETER),
    ("MissingParameter", Invalid, PARAMETER),
    ("InvalidParameter", Invalid, PARAMETER),
    ("ParameterInvalid", Invalid, PARAMETER),
    ("INVALID_PARAMETER", Invalid, PARAMETER),
    ("IllegalParam.TrafficPath", Invalid, TRAFFIC_PATH),
    ("DuplicatedParam.TrafficPath", Invalid, TRAFFIC_PATH),
    ("IllegalParam.AggregationInterval", Invalid, "Correct aggregation_interval in the policy: 1, 5 or 10 minutes."),
    ("IllegalParam.ResourceGroupId", Invalid, "Correct resource_group_id in the policy: there is no such group."),
    ("InvalidRegionId.NotFound", NoSuchRegion, NO_REGION),
    ("InvalidRegionId", NoSuchRegion, NO_REGION),

    // The advice for these comes from `CallError::advice`, which names the product's setting.
    ("InvalidApi.NotFound", WrongEndpoint, ENDPOINT),
    ("InvalidProduct.NotFound", WrongEndpoint, ENDPOINT),
    ("NoSuchVersion", WrongEndpoint, ENDPOINT),
    ("InvalidProtocol.NeedSsl", WrongEndpoint, ENDPOINT),
    ("UnsupportedHTTPMethod", WrongEndpoint, ENDPOINT),

    ("IncorrectBusinessStatus.FlowLog", Other, "The flow log service is locked for this account; check its bills."),
    ("Forbidden.OperateManagedFlowLog", Other, "SLS made this flow log; change it there."),
    ("OperationFailed.AliGroupUserCanNotBuyInnerCommodity", Other, "This kind of account cannot open the service; ask its owner."),
    ("OperationDenied.ForceDeleting", Other, "The router is being deleted; nothing more is recorded there."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_one_row() {
        for (at, (code, ..)) in CODES.iter().enumerate() {
            assert!(!CODES[..at].iter().any(|(other, ..)| other == code), "{code}");
        }
    }

    #[test]
    fn a_code_that_names_a_limit_of_calls_is_throttling_and_one_that_names_another_limit_is_not() {
        for code in [
            "Throttling",
            "Throttling.User",
            "Rejected.Throttling",
            "QpsLimitExceeded",
            "FlowControl",
            "Api.FlowControl",
            "TooManyRequests",
            "RequestLimitExceeded",
            "RateLimitExceeded",
        ] {
            assert_eq!(known(code, "").map(|known| known.kind), Some(Throttled), "{code}");
        }
        for code in ["QuotaExceeded.FlowlogCount", "LimitExceeded.FlowLog", "Forbidden"] {
            assert_ne!(known(code, "").map(|known| known.kind), Some(Throttled), "{code}");
        }
    }

    #[test]
    fn a_resource_that_is_not_to_be_seen_is_not_a_flow_log_that_is_gone_or_there() {
        let kind = |code, message| known(code, message).map(|known| known.kind);
        let already = "This resourceId already has flowlog instance existed.";
        assert_eq!(kind("InvalidResourceId.NotFound", already), Some(AlreadyExists));
        assert_eq!(kind("InvalidResourceId.NotFound", "The specified resource is not found."), Some(NotVisible));
        assert_eq!(kind("InvalidInstanceId", "VPC does not exists."), Some(NotVisible));
        assert_eq!(kind("InvalidInstanceId.NotFound", ""), Some(NotFound));
    }
}
