//! The `x-fc-*` headers of a request.

use http::HeaderMap;
use tracing::warn;

pub(crate) const REQUEST_ID: &str = "x-fc-request-id";
pub(crate) const CONTROL_PATH: &str = "x-fc-control-path";
pub(crate) const FUNCTION_NAME: &str = "x-fc-function-name";
pub(crate) const FUNCTION_TIMEOUT: &str = "x-fc-function-timeout";
pub(crate) const ACCOUNT_ID: &str = "x-fc-account-id";
pub(crate) const REGION: &str = "x-fc-region";
pub(crate) const RETRY_COUNT: &str = "x-fc-retry-count";
pub(crate) const ACCESS_KEY_ID: &str = "x-fc-access-key-id";
pub(crate) const ACCESS_KEY_SECRET: &str = "x-fc-access-key-secret";
pub(crate) const SECURITY_TOKEN: &str = "x-fc-security-token";
pub(crate) const STATUS: &str = "x-fc-status";

/// The text of a header, unless it is absent or empty. One that is not text is left aside with a warning that names it
/// and not its value.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Option<&'a str> {
    let Ok(text) = headers.get(name)?.to_str() else {
        warn!(header = name, "the header {name} is not text and is ignored");
        return None;
    };
    Some(text).filter(|text| !text.is_empty())
}
