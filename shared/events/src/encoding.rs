//! JSON in strings: plain, or in base64.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// The mark that some editors and libraries put before UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The bytes of the object or array that a string holds, plain or in base64; `None` if it holds neither.
pub(crate) fn within(text: &str) -> Option<Vec<u8>> {
    let body = bare(text.as_bytes());
    if begins_as_json(body) { Some(body.to_vec()) } else { in_base64(body) }
}

/// The bytes that `text` holds in base64, if they are an object or an array.
pub(crate) fn in_base64(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok().filter(|decoded| begins_as_json(bare(decoded)))
}

fn begins_as_json(body: &[u8]) -> bool {
    matches!(body.first(), Some(b'{' | b'['))
}

/// The body without surrounding white space and byte order mark.
pub(crate) fn bare(body: &[u8]) -> &[u8] {
    let body = body.trim_ascii();
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body).trim_ascii()
}
