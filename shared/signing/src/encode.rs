//! Percent-encoding for signatures, and times as they are signed.

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};

/// Appends `text` percent-encoded by RFC 3986: everything but `A-Z a-z 0-9 - _ . ~` as `%XX` of its UTF-8 bytes, in
/// upper case.
///
/// It differs from form encoding in ways that break signatures: a space is `%20`, `*` is `%2A`, and `~` stays.
pub(crate) fn push_encoded(out: &mut String, text: &str) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    // The usual case. Four bytes at a time, this is quicker than to look for the first that is reserved.
    let is_plain = |byte: u8| UNRESERVED[usize::from(byte)];
    let (fours, few) = text.as_bytes().as_chunks();
    if fours.iter().all(|[a, b, c, d]| is_plain(*a) & is_plain(*b) & is_plain(*c) & is_plain(*d))
        && few.iter().all(|byte| is_plain(*byte))
    {
        out.push_str(text);
        return;
    }
    let mut plain = 0;
    while let Some(found) = text.as_bytes()[plain..].iter().position(|byte| !UNRESERVED[usize::from(*byte)]) {
        let at = plain + found;
        // Slicing between the bytes of one character would panic, even for an empty slice.
        if found > 0 {
            out.push_str(&text[plain..at]);
        }
        let byte = text.as_bytes()[at];
        out.push('%');
        out.push(HEX[usize::from(byte >> 4)]);
        out.push(HEX[usize::from(byte & 15)]);
        plain = at + 1;
    }
    out.push_str(&text[plain..]);
}

const UNRESERVED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        table[byte] = b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
        byte += 1;
    }
    table
};

/// Appends parameters as a query or a form: sorted by the raw key and then the value, encoded and joined by `&`.
///
/// Sorted by the raw key, `Tag.10.Key` comes before `Tag.2.Key`, and upper case before lower case.
pub(crate) fn push_query(out: &mut String, parameters: &[(&str, &str)]) {
    let mut sorted = parameters.to_vec();
    sort(&mut sorted);
    out.reserve(sorted.iter().map(|(key, value)| key.len() + value.len() * 3 / 2 + 2).sum());
    for (nth, (key, value)) in sorted.into_iter().enumerate() {
        if nth > 0 {
            out.push('&');
        }
        push_encoded(out, key);
        out.push('=');
        push_encoded(out, value);
    }
}

/// Appends sorted parameters to `out` like [`push_query`], and the same text, percent-encoded once more, to `encoded`.
///
/// Doing both at once is faster: most text needs no encoding, and is then scanned only once.
pub(crate) fn push_query_and_encoded(out: &mut String, encoded: &mut String, parameters: &[(&str, &str)]) {
    for (nth, (key, value)) in parameters.iter().enumerate() {
        if nth > 0 {
            out.push('&');
            encoded.push_str("%26");
        }
        push_both(out, encoded, key);
        out.push('=');
        encoded.push_str("%3D");
        push_both(out, encoded, value);
    }
}

/// Returns buffers for [`push_query_and_encoded`], with room for what usually comes before or behind the parameters.
pub(crate) fn buffers(parameters: &[(&str, &str)]) -> (String, String) {
    let size: usize = parameters.iter().map(|(key, value)| key.len() + value.len() + 2).sum();
    (String::with_capacity(size * 5 / 4 + 64), String::with_capacity(size * 3 / 2 + 64))
}

fn push_both(out: &mut String, encoded: &mut String, text: &str) {
    let start = out.len();
    push_encoded(out, text);
    if out.len() - start == text.len() {
        encoded.push_str(text);
    } else {
        push_encoded(encoded, &out[start..]);
    }
}

/// Returns the time to the second, as in `2016-02-23T12:46:24Z`. Quicker than by its `Display`.
pub(crate) fn seconds(time: Timestamp) -> String {
    const SECONDS: DateTimePrinter = DateTimePrinter::new().precision(Some(0));
    // As much as the printer asks for, whatever it prints.
    let mut text = String::with_capacity(64);
    // Writing to a String cannot fail.
    let _ = SECONDS.print_timestamp(&time, &mut text);
    text
}

/// Sorts parameters in the order in which they are signed.
pub(crate) fn sort(parameters: &mut [(&str, &str)]) {
    parameters.sort_unstable();
}

/// Merges two lists that are sorted by their keys.
pub(crate) fn merged<'a>(
    one: impl IntoIterator<Item = (&'a str, &'a str)>,
    other: Vec<(&'a str, &'a str)>,
) -> Vec<(&'a str, &'a str)> {
    let (one, mut other) = (one.into_iter(), other.into_iter().peekable());
    let mut merged = Vec::with_capacity(one.size_hint().0 + other.len());
    for parameter in one {
        while let Some(earlier) = other.next_if(|(key, _)| *key < parameter.0) {
            merged.push(earlier);
        }
        merged.push(parameter);
    }
    merged.extend(other);
    merged
}

/// Returns `text` percent-encoded by RFC 3986, as signatures and requests require.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_encoded(&mut out, text);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_other_encodings_treat_otherwise_is_encoded_by_rfc_3986() {
        assert_eq!(percent_encode("a b*~!'()/+"), "a%20b%2A~%21%27%28%29%2F%2B");
        assert_eq!(percent_encode("云é"), "%E4%BA%91%C3%A9");
    }

    proptest! {
        #[test]
        fn what_is_encoded_on_the_way_is_what_is_encoded_afterwards(texts in prop::collection::vec(("[ab]|.*", ".*"), 0..6)) {
            let mut parameters: Vec<_> = texts.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            sort(&mut parameters);
            let (mut query, mut encoded, mut alone) = Default::default();
            push_query_and_encoded(&mut query, &mut encoded, &parameters);
            push_query(&mut alone, &parameters);
            prop_assert_eq!(&query, &alone);
            prop_assert_eq!(encoded, percent_encode(&query));
        }

        #[test]
        fn what_is_merged_is_sorted(one in prop::collection::vec("[a-d]{0,2}", 0..6), other in prop::collection::vec("[a-d]{0,2}", 0..6)) {
            let sorted = |keys: &'_ [String]| {
                let mut keys = keys.to_vec();
                keys.sort_unstable();
                keys
            };
            let pairs = |keys: Vec<String>| keys.into_iter().map(|key| (key, String::new())).collect::<Vec<_>>();
            let (left, right) = (pairs(sorted(&one)), pairs(sorted(&other)));
            fn borrowed(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
                pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
            }
            let merged: Vec<_> = merged(borrowed(&left), borrowed(&right)).into_iter().map(|(key, _)| key.to_owned()).collect();
            prop_assert_eq!(merged, sorted(&[one, other].concat()));
        }

        #[test]
        fn encoded_text_is_plain_ascii_and_decodes_to_itself(text in ".*") {
            let encoded = percent_encode(&text);
            prop_assert!(encoded.bytes().all(|b| b == b'%' || UNRESERVED[usize::from(b)]));
            let mut bytes = Vec::new();
            let mut rest = encoded.as_bytes();
            while let [first, tail @ ..] = rest {
                if *first == b'%' {
                    bytes.push(u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap());
                    rest = &tail[2..];
                } else {
                    bytes.push(*first);
                    rest = tail;
                }
            }
            prop_assert_eq!(String::from_utf8(bytes).unwrap(), text);
        }
    }
}
