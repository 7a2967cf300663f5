//! The `x-fc-*` headers of a request.

use std::ops::RangeInclusive;

use http::{HeaderMap, HeaderName, HeaderValue};
use tracing::warn;

pub(crate) static STATUS: HeaderName = HeaderName::from_static("x-fc-status");

/// The headers that are read. They are found in one pass, because a lookup of each would hash its name.
#[derive(Debug, Default)]
pub(crate) struct FcHeaders<'a> {
    pub(crate) request_id: FcHeader<'a>,
    pub(crate) control_path: FcHeader<'a>,
    pub(crate) function_name: FcHeader<'a>,
    pub(crate) function_timeout: FcHeader<'a>,
    pub(crate) account_id: FcHeader<'a>,
    pub(crate) region: FcHeader<'a>,
    pub(crate) retry_count: FcHeader<'a>,
    pub(crate) access_key_id: FcHeader<'a>,
    pub(crate) access_key_secret: FcHeader<'a>,
    pub(crate) security_token: FcHeader<'a>,
}

impl<'a> FcHeaders<'a> {
    /// Finds the headers. Of one that comes more than once, the first counts.
    pub(crate) fn of(headers: &'a HeaderMap) -> Self {
        let mut found = Self::default();
        for (name, value) in headers {
            let Some(what) = name.as_str().strip_prefix("x-fc-") else { continue };
            let header = match what {
                "request-id" => &mut found.request_id,
                "control-path" => &mut found.control_path,
                "function-name" => &mut found.function_name,
                "function-timeout" => &mut found.function_timeout,
                "account-id" => &mut found.account_id,
                "region" => &mut found.region,
                "retry-count" => &mut found.retry_count,
                "access-key-id" => &mut found.access_key_id,
                "access-key-secret" => &mut found.access_key_secret,
                "security-token" => &mut found.security_token,
                _ => continue,
            };
            header.0.get_or_insert((name, value));
        }
        found
    }
}

/// A header that may be absent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct FcHeader<'a>(Option<(&'a HeaderName, &'a HeaderValue)>);

impl<'a> FcHeader<'a> {
    /// Returns its text, unless it is absent or empty. A header that is not text is ignored, with a warning that gives
    /// its name but not its value.
    pub(crate) fn text(self) -> Option<&'a str> {
        let (name, value) = self.0?;
        // The same as `to_str`, which looks at each byte: no header has a control character.
        let Some(text) = str::from_utf8(value.as_bytes()).ok().filter(|text| text.is_ascii()) else {
            warn!(header = name.as_str(), "the header {name} is not text and is ignored");
            return None;
        };
        Some(text).filter(|text| !text.is_empty())
    }

    /// Returns its number. Anything else than a number in `range` is ignored, with a warning.
    pub(crate) fn number(self, range: RangeInclusive<u32>) -> Option<u32> {
        let text = self.text()?;
        let (name, _) = self.0?;
        let number = text.parse().ok().filter(|number| range.contains(number));
        if number.is_none() {
            let (from, to) = (range.start(), range.end());
            warn!(header = name.as_str(), "the header {name} is not a number from {from} to {to} and is ignored");
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(values: &[&'static [u8]]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-fc-region", HeaderValue::from_bytes(value).unwrap());
        }
        FcHeaders::of(&headers).region.text().map(str::to_owned)
    }

    #[test]
    fn a_header_is_the_first_of_its_name_and_text_or_nothing() {
        assert_eq!(region(&[b"cn-hangzhou", b"cn-beijing"]).as_deref(), Some("cn-hangzhou"));
        assert_eq!(region(&[b"\ta b~"]).as_deref(), Some("\ta b~"));
        for ignored in [&b""[..], "云".as_bytes(), b"\xff"] {
            assert_eq!(region(&[ignored, b"cn-beijing"]), None, "{ignored:?}");
        }
        assert_eq!(region(&[]), None);
    }

    #[test]
    fn what_is_no_header_of_function_compute_is_not_read() {
        let mut headers = HeaderMap::new();
        for name in ["region", "x-fc-region-id", "x-acs-region", "fc-region"] {
            headers.insert(name, HeaderValue::from_static("cn-hangzhou"));
        }
        assert_eq!(FcHeaders::of(&headers).region.text(), None);
    }
}
