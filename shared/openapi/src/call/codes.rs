//! What each of the API's error codes means, and what a person can do about it: one row per code.
//!
//! Sources: the API's error tables, and real responses of the same gateway.

use crate::{
    ErrorKind::{self, *},
    Product, Scope,
};

/// What is known about an error code: its kind, and advice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) kind: ErrorKind,
    pub(crate) advice: &'static str,
}

/// The part of a destination that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingPart {
    /// The project.
    Project,
    /// The Logstore: its project is there.
    LogStore,
    /// The index: its Logstore is there.
    Index,
}

/// Returns which part of a destination a code of Log Service calls missing.
pub(crate) fn missing_part(code: &str) -> Option<MissingPart> {
    match code {
        "ProjectNotExist" => Some(MissingPart::Project),
        "LogStoreNotExist" => Some(MissingPart::LogStore),
        "IndexConfigNotExist" => Some(MissingPart::Index),
        _ => None,
    }
}

/// What was called, and how it was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal<'a> {
    pub(crate) product: Product,
    pub(crate) action: &'a str,
    pub(crate) code: &'a str,
    pub(crate) message: &'a str,
}

/// Looks up an error by its code, and by the rest where the code is ambiguous.
pub(crate) fn known(refusal: Refusal<'_>) -> Option<Known> {
    let Refusal { product, action, code, message } = refusal;
    let found = |kind, advice| Some(Known { kind, advice });
    match code {
        // The same code for a missing right of the caller, and for a role that does not trust the caller.
        "NoPermission" if action == "AssumeRole" => return found(NotRolledOut, NO_TRUST),
        "NoPermission" if product == Product::ResourceDirectory => return found(AccessDenied, NOT_ADMINISTRATOR),
        "Unauthorized" if product == Product::Sls && is_about_an_expired_token(message) => {
            return found(Expired, EXPIRED);
        }
        // The gateway of the other products means something else by it.
        "Unauthorized" if product == Product::Sls => return found(AccessDenied, RIGHT),
        // Only who pays sees the bill.
        "NotAuthorized" | "NoPermission" | "Forbidden.RAM" if product == Product::Bss => {
            return found(AccessDenied, NO_BILL);
        }
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
    if THROTTLES.iter().any(|word| code.contains(word)) {
        found(Throttled, THROTTLED)
    } else if product == Product::Sls && code.contains("quotaexceed") {
        found(QuotaExceeded, LOG_QUOTA)
    } else {
        None
    }
}

fn is_about_an_expired_token(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("token") && message.contains("expire")
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
const DESTINATION: &str = "Create the SLS project and the Logstore that the policy names, in the region of the resource, or let \
    create_destination in the policy make them.";
const RIGHT: &str = "Allow the action in the function's RAM role.";
const NO_TRUST: &str = "Flowkeeper's role may not assume this one: the trust policy of the other account's role must name \
    the function's role or account, both must have the same external id, and the function's own role must allow \
    sts:AssumeRole on it.";
const NOT_ADMINISTRATOR: &str = "Only the management account of the Resource Directory, or a member that is a delegated \
    administrator of a trusted service, may read it: register this account as one, and allow resourcemanager:ListAccounts \
    and resourcemanager:GetAccount in the function's RAM role.";
const NO_DIRECTORY: &str = "This account is in no Resource Directory, as the endpoint sees it: leave resource_directory out \
    of the policy, or let FLOWKEEPER_RESOURCE_DIRECTORY_ENDPOINT name the endpoint of the account's site.";
const LOG_QUOTA: &str = "Simple Log Service allows no more of these in the account or the project: raise the quota in its \
    console, or remove what is not needed.";
const NO_BILL: &str = "Only the account that pays sees the bill, and its role needs bss:DescribeBillList.";
const LOG_CLOSED: &str = "Simple Log Service has closed this project, or the account; check its state and its bills.";
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

    ("Forbidden.RAM", AccessDenied, RIGHT),
    ("NoPermission", AccessDenied, RIGHT),
    ("AccessDenied", AccessDenied, RIGHT),
    ("Unauthorized", AccessDenied, "This operation does not take RAM users or roles; look it up for this account."),
    ("EntityNotExist.Role", NotRolledOut, "The role that the policy names is not in that account: create it there, or correct the policy."),

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

    // Resource Directory.
    ("EntityNotExists.ResourceDirectory", NoDirectory, NO_DIRECTORY),
    ("ResourceDirectoryNotInUse", NoDirectory, NO_DIRECTORY),
    ("EntityNotExists.Account", NotFound, "The Resource Directory has no such account; nothing is done in it any more."),

    // Function Compute.
    ("FunctionNotFound", NotFound, "There is no function of this name in this account and region; it may have been deleted or renamed while it ran."),
    ("ResourceExhausted", Throttled, "Function Compute takes no more invocations just now; if it happens often, raise the instances of the account in the region."),
    ("StatefulAsyncInvocationAlreadyExists", AlreadyExists, "This task was submitted already."),
    ("EntityTooLarge", Invalid, PARAMETER),
    ("InvalidArgument", Invalid, PARAMETER),
    ("InternalServerError", Transient, SERVER),

    // Simple Log Service.
    ("ProjectNotExist", DestinationMissing, DESTINATION),
    ("LogStoreNotExist", DestinationMissing, DESTINATION),
    ("IndexConfigNotExist", NotFound, "The Logstore has no index, so its records cannot be searched; make one in the console of Simple Log Service."),
    ("ProjectAlreadyExist", AlreadyExists, "A project's name is unique across all accounts and regions. If this account does not have it in this region, choose another project in the policy."),
    ("LogStoreAlreadyExist", AlreadyExists, "The Logstore is there already; nothing to do."),
    ("IndexAlreadyExist", AlreadyExists, "The index is there already; nothing to do."),
    ("ReadQuotaExceed", Throttled, THROTTLED),
    ("WriteQuotaExceed", Throttled, THROTTLED),
    ("ServerBusy", Transient, SERVER),
    ("ProjectForbidden", Other, LOG_CLOSED),
    ("LogStoreInfoInvalid", Invalid, PARAMETER),
    ("PostBodyInvalid", Invalid, PARAMETER),
    ("SignatureNotMatch", Credentials, SECRET),
    ("InvalidAccessKeyId", Credentials, KEY),
    ("RequestTimeExpired", Clock, CLOCK),
    ("RequestTimeTooSkewed", Clock, CLOCK),
    ("SecurityTokenExpired", Expired, EXPIRED),

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

    fn of(product: Product, action: &str, code: &str, message: &str) -> Option<ErrorKind> {
        known(Refusal { product, action, code, message }).map(|known| known.kind)
    }

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
            assert_eq!(of(Product::Vpc, "DescribeFlowLogs", code, ""), Some(Throttled), "{code}");
        }
        for code in ["QuotaExceeded.FlowlogCount", "LimitExceeded.FlowLog", "Forbidden"] {
            assert_ne!(of(Product::Vpc, "DescribeFlowLogs", code, ""), Some(Throttled), "{code}");
        }
    }

    #[test]
    fn a_resource_that_is_not_to_be_seen_is_not_a_flow_log_that_is_gone_or_there() {
        let kind = |code, message| of(Product::Vpc, "CreateFlowLog", code, message);
        let already = "This resourceId already has flowlog instance existed.";
        assert_eq!(kind("InvalidResourceId.NotFound", already), Some(AlreadyExists));
        assert_eq!(kind("InvalidResourceId.NotFound", "The specified resource is not found."), Some(NotVisible));
        assert_eq!(kind("InvalidInstanceId", "VPC does not exists."), Some(NotVisible));
        assert_eq!(kind("InvalidInstanceId.NotFound", ""), Some(NotFound));
    }

    #[test]
    fn a_code_that_two_products_share_means_what_the_product_means_by_it() {
        let directory = Product::ResourceDirectory;
        for (product, action, code, kind) in [
            (Product::Sts, "AssumeRole", "NoPermission", NotRolledOut),
            (Product::Sts, "AssumeRole", "EntityNotExist.Role", NotRolledOut),
            (Product::Sts, "GetCallerIdentity", "NoPermission", AccessDenied),
            (directory, "ListAccounts", "NoPermission", AccessDenied),
            (directory, "ListAccounts", "EntityNotExists.ResourceDirectory", NoDirectory),
            (directory, "ListAccounts", "ResourceDirectoryNotInUse", NoDirectory),
            (directory, "GetAccount", "EntityNotExists.Account", NotFound),
            (Product::Fc, "InvokeFunction", "ResourceExhausted", Throttled),
            (Product::Fc, "InvokeFunction", "FunctionNotFound", NotFound),
            (Product::Sls, "CreateProject", "Unauthorized", AccessDenied),
            (Product::Sls, "CreateProject", "ProjectAlreadyExist", AlreadyExists),
            (Product::Sls, "CreateProject", "ProjectQuotaExceed", QuotaExceeded),
            (Product::Sls, "CreateLogStore", "LogStoreQuotaExceeded", QuotaExceeded),
            (Product::Sls, "GetLogStore", "ReadQuotaExceed", Throttled),
            (Product::Sls, "GetLogStore", "LogStoreNotExist", DestinationMissing),
            (Product::Sls, "GetIndex", "IndexConfigNotExist", NotFound),
        ] {
            assert_eq!(of(product, action, code, ""), Some(kind), "{product} {action} {code}");
        }
        assert_eq!(of(Product::Vpc, "CreateVpc", "SomethingQuotaExceed", ""), None);
        let expired = "The security token you provided has expired.";
        assert_eq!(of(Product::Sls, "GetProject", "Unauthorized", expired), Some(Expired));
    }
}
