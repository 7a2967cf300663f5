//! What a person at a laptop can do about a failed call. The client's own advice speaks to the operator of a function.

use openapi::{CallError, ErrorKind};
use reconcile::{ErrorReport, Report};

/// Returns what to do about it, in a sentence.
pub(crate) fn remedy(error: &CallError) -> &'static str {
    of(error.kind(), error.advice())
}

/// Makes the advice in a report that of a person.
pub(crate) fn advise(report: &mut Report) {
    report.results.iter_mut().filter_map(|item| item.error.as_mut()).for_each(advise_on);
}

/// Makes the advice on a failed call that of a person.
pub(crate) fn advise_on(error: &mut ErrorReport) {
    error.advice = of(error.kind, error.advice);
}

/// Returns the advice on this kind of error: the client's own, unless that is about functions.
pub(crate) const fn of(kind: ErrorKind, advice: &'static str) -> &'static str {
    match kind {
        ErrorKind::Unreachable | ErrorKind::NoResponse | ErrorKind::CircuitOpen => {
            "check the network; HTTPS_PROXY names a proxy, --endpoint or FLOWKEEPER_ENDPOINT another endpoint"
        }
        ErrorKind::Untrusted => {
            "if the network signs TLS itself, FLOWKEEPER_EXTRA_ROOT_FILE names its certificate (PEM or DER); otherwise \
             somebody else answers, or the clock of this machine is wrong"
        }
        ErrorKind::Expired => "get new temporary credentials; these have expired",
        ErrorKind::Clock => "set the clock of this machine",
        ErrorKind::OutOfTime | ErrorKind::DeadlineExceeded => "run it again; it took too long",
        ErrorKind::AccessDenied => {
            "allow the action in a RAM policy of the caller; the Resource Directory is for the management account and \
             delegated administrators alone, and the bill for the account that pays"
        }
        ErrorKind::NotRolledOut => {
            "the role must be in that account and trust the caller, with the same external id, and the caller needs \
             sts:AssumeRole on it; --role names another role"
        }
        _ => advice,
    }
}
