//! From bytes to events: bodies, arrays of events, and the wrappings of an event.

use std::collections::BTreeSet;

use json::Json;

use crate::{
    Event, EventKind, MAX_EVENTS, MAX_RESOURCES, Unreadable,
    encoding::{bare, in_base64, within},
    envelope,
};

/// The most wrappings around an event. An event in base64 in a queue message in a string has three.
const MAX_WRAPPINGS: usize = 5;

/// Reads a body, or the contents of a wrapping: JSON, or JSON in base64, which Cloud Config sends over an MNS topic.
pub(crate) fn read(body: &[u8], wrappings: usize) -> Result<Vec<Event>, Unreadable> {
    if wrappings > MAX_WRAPPINGS {
        return Err(Unreadable::Unknown(format!("this is wrapped more than {MAX_WRAPPINGS} times")));
    }
    let body = bare(body);
    if body.is_empty() {
        return Err(Unreadable::Unknown("an empty body".to_owned()));
    }
    if let Some(entries) = split(body) {
        return several(&entries?, wrappings);
    }
    match Json::read(body) {
        Ok(json) => value(&json, wrappings),
        Err(error) => match in_base64(body) {
            Some(decoded) => read(&decoded, wrappings + 1),
            None => Err(Unreadable::NoJson(format!("this is no JSON ({error})"))),
        },
    }
}

/// Reads one event, which may be wrapped in a string.
fn value(value: &Json<'_>, wrappings: usize) -> Result<Vec<Event>, Unreadable> {
    match value {
        Json::Text(text) => match within(text) {
            // The string itself is JSON, whatever it holds.
            Some(body) => read(&body, wrappings + 1).map_err(Unreadable::within_json),
            None if text.trim().is_empty() => Err(Unreadable::Unknown("an empty text".to_owned())),
            None => Err(Unreadable::Unknown("this is a text".to_owned())),
        },
        value => envelope::read(value, &|inner, of| message(inner, of, wrappings)),
    }
}

/// Reads a message from a queue or a topic. A message that is not JSON is ignored; one that is JSON must be an event.
fn message(message: &Json<'_>, of: &str, wrappings: usize) -> Result<Vec<Event>, Unreadable> {
    let ignored = || vec![Event::ignored(format!("a message of {of} that is no event"))];
    let read = match message {
        Json::Text(text) => match within(text) {
            Some(body) => read(&body, wrappings + 1),
            None => return Ok(ignored()),
        },
        object @ Json::Object(_) => value(object, wrappings + 1),
        _ => return Ok(ignored()),
    };
    match read {
        Err(Unreadable::Unknown(found) | Unreadable::NoJson(found)) => {
            Ok(vec![Event::malformed(format!("a message of {of}: {found}"))])
        }
        read => read,
    }
}

/// Reads the events of an array. Each entry is parsed on its own, so that one that is not JSON does not affect the
/// others.
fn several(entries: &[&[u8]], wrappings: usize) -> Result<Vec<Event>, Unreadable> {
    let (mut events, mut seen) = (Vec::new(), BTreeSet::new());
    let (mut resources, mut no_json) = (0, Vec::new());
    for entry in entries {
        let read = match entry.first() {
            None => Err(Unreadable::NoJson("an entry of the array is empty".to_owned())),
            Some(b'[') => array_in_array(entry),
            Some(_) => read(entry, wrappings),
        };
        let mut found = match read {
            Ok(found) => found,
            Err(error @ Unreadable::TooMuch(_)) => return Err(error),
            Err(Unreadable::Unknown(found)) => vec![Event::malformed(found)],
            Err(Unreadable::NoJson(found)) => {
                no_json.push(found.clone());
                vec![Event::malformed(found)]
            }
        };
        resources += found.iter().map(Event::resources).sum::<usize>();
        if resources > MAX_RESOURCES {
            return Err(Unreadable::too_many_resources(resources));
        }
        // A malformed event is always kept, and does not hide a well-formed one with the same id.
        let good = |event: &Event| event.id.clone().filter(|_| !matches!(event.event, EventKind::Malformed(_)));
        found.retain(|event| good(event).is_none_or(|id| !seen.contains(&id)));
        seen.extend(found.iter().filter_map(good));
        events.extend(found);
    }
    match no_json.into_iter().next() {
        Some(found)
            if events.iter().all(|event| matches!(event.event, EventKind::Malformed(_))) && !is_json(entries) =>
        {
            Err(Unreadable::NoJson(found))
        }
        _ => Ok(events),
    }
}

/// Whether any of the entries is JSON.
fn is_json(entries: &[&[u8]]) -> bool {
    entries.iter().any(|entry| Json::read(entry).is_ok())
}

fn array_in_array(entry: &[u8]) -> Result<Vec<Event>, Unreadable> {
    match Json::read(entry) {
        Ok(_) => Err(Unreadable::Unknown("this is an array in an array".to_owned())),
        Err(error) => Err(Unreadable::NoJson(format!("this is no JSON ({error})"))),
    }
}

/// Returns the entries of an array as they are written; `None` if the body is not an array, or has no end.
///
/// Looks only at brackets and quotation marks.
fn split(body: &[u8]) -> Option<Result<Vec<&[u8]>, Unreadable>> {
    let inside = body.strip_prefix(b"[")?;
    let (mut entries, mut count, mut start, mut depth) = (Vec::new(), 0, 0, 0_usize);
    let mut bytes = inside.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            // Skip to the end of the string.
            b'"' => loop {
                match bytes.next()?.1 {
                    b'\\' => _ = bytes.next()?,
                    b'"' => break,
                    _ => {}
                }
            },
            b'[' | b'{' => depth += 1,
            b']' | b'}' if depth > 0 => depth -= 1,
            b'}' => return None,
            b',' | b']' if depth == 0 => {
                count += 1;
                // Entries beyond the limit are only counted.
                if count <= MAX_EVENTS {
                    entries.push(inside[start..at].trim_ascii());
                }
                start = at + 1;
                if *byte == b']' {
                    let ends_here = inside[start..].trim_ascii().is_empty();
                    return ends_here.then(|| all(entries, count));
                }
            }
            _ => {}
        }
    }
    None
}

fn all(entries: Vec<&[u8]>, count: usize) -> Result<Vec<&[u8]>, Unreadable> {
    match entries.as_slice() {
        [[]] => Err(Unreadable::Unknown("an empty array".to_owned())),
        _ if count > MAX_EVENTS => Err(Unreadable::TooMuch(format!(
            "an array of {count} events, and {MAX_EVENTS} is the maximum (make the trigger send smaller batches)"
        ))),
        _ => Ok(entries),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(body: &str) -> Option<Vec<String>> {
        let entries = split(body.as_bytes())?.unwrap_or_default();
        Some(entries.into_iter().map(|entry| String::from_utf8(entry.to_vec()).unwrap()).collect())
    }

    #[test]
    fn an_array_is_split_between_its_entries_and_nowhere_else() {
        for (body, entries) in [
            ("[1,2]", Some(vec!["1", "2"])),
            (
                "[ {\"a\":[1,2],\"b\":\"],\\\",\"} , \"x,y\\\\\" ]\n",
                Some(vec!["{\"a\":[1,2],\"b\":\"],\\\",\"}", "\"x,y\\\\\""]),
            ),
            ("[1,]", Some(vec!["1", ""])),
            ("[]", Some(vec![])),
            ("[1", None),
            ("[1]]", None),
            ("[1}]", None),
            ("[\"1]", None),
            ("{}", None),
        ] {
            let entries = entries.map(|entries| entries.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(parts(body), entries, "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_array_is_split_into_what_it_was_made_of(texts in prop::collection::vec(".*", 1..20)) {
            let written: Vec<_> = texts.iter().map(|text| serde_json::to_string(&vec![text]).unwrap()).collect();
            prop_assert_eq!(parts(&format!("[{}]", written.join(" , "))), Some(written));
        }
    }
}
