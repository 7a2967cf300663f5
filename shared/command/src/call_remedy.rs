//! What a person at a laptop can do about a failed call. The client's own advice speaks to the operator of a function.

use openapi::{CallError, ErrorKind};

/// Returns what to do about it, in a sentence.
pub(crate) fn remedy(error: &CallError) -> String {
    match error.kind() {
        ErrorKind::Unreachable | ErrorKind::NoResponse | ErrorKind::CircuitOpen => {
            "check the network; HTTPS_PROXY names a proxy, --endpoint or FLOWKEEPER_ENDPOINT another endpoint"
                .to_owned()
        }
        ErrorKind::Untrusted => {
            "if the network signs TLS itself, FLOWKEEPER_EXTRA_ROOT_FILE names its certificate (PEM or DER); otherwise \
             somebody else answers, or the clock of this machine is wrong"
                .to_owned()
        }
        ErrorKind::Expired => "get new temporary credentials; these have expired".to_owned(),
        ErrorKind::Clock => "set the clock of this machine".to_owned(),
        _ => error.advice().to_owned(),
    }
}
