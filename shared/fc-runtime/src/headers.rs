//! The `x-fc-*` headers of a request. Names are static, so that no lookup parses them.

use http::{HeaderMap, HeaderName};
use tracing::warn;

pub(crate) static REQUEST_ID: HeaderName = HeaderName::from_static("x-fc-request-id");
pub(crate) static CONTROL_PATH: HeaderName = HeaderName::from_static("x-fc-control-path");
pub(crate) static FUNCTION_NAME: HeaderName = HeaderName::from_static("x-fc-function-name");
pub(crate) static FUNCTION_TIMEOUT: HeaderName = HeaderName::from_static("x-fc-function-timeout");
pub(crate) static ACCOUNT_ID: HeaderName = HeaderName::from_static("x-fc-account-id");
pub(crate) static REGION: HeaderName = HeaderName::from_static("x-fc-region");
pub(crate) static RETRY_COUNT: HeaderName = HeaderName::from_static("x-fc-retry-count");
pub(crate) static ACCESS_KEY_ID: HeaderName = HeaderName::from_static("x-fc-access-key-id");
pub(crate) static ACCESS_KEY_SECRET: HeaderName = HeaderName::from_static("x-fc-access-key-secret");
pub(crate) static SECURITY_TOKEN: HeaderName = HeaderName::from_static("x-fc-security-token");
pub(crate) static STATUS: HeaderName = HeaderName::from_static("x-fc-status");

/// Returns the text of a header, unless it is absent or empty. A header that is not text is ignored, with a warning
/// that gives its name but not its value.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &'static HeaderName) -> Option<&'a str> {
    let Ok(text) = headers.get(name)?.to_str() else {
        warn!(header = name.as_str(), "the header {name} is not text and is ignored");
        return None;
    };
    Some(text).filter(|text| !text.is_empty())
}
