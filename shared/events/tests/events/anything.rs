//! Samples with arbitrary values in arbitrary places.

use events::{EventKind, parse};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::samples::folder;

fn any_sample() -> impl Strategy<Value = Value> {
    let mut paths: Vec<_> = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    paths.sort();
    let samples: Vec<Value> =
        paths.iter().map(|path| serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).collect();
    prop::sample::select(samples)
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        Just(json!({})),
        Just(json!([])),
        Just(json!("x\n".repeat(1000))),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::collection::vec(any::<String>(), 0..4).prop_map(Value::from),
        any_sample(),
        any_sample().prop_map(|sample| Value::from(sample.to_string())),
    ]
}

/// Collects every place in a value where something else can be put.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(map) => map.iter().for_each(|(key, field)| places(field, &format!("{at}/{key}"), found)),
        Value::Array(list) => list.iter().enumerate().for_each(|(n, item)| places(item, &format!("{at}/{n}"), found)),
        _ => {}
    }
}

/// Asserts that any body is handled, and that the messages are fit for a log.
fn check(body: &[u8]) -> Result<(), TestCaseError> {
    let reasons: Vec<String> = match parse(body) {
        Ok(events) => {
            prop_assert!(!events.is_empty());
            let reason = |event| match event {
                EventKind::Ignored(reason) | EventKind::Malformed(reason) => Some(reason),
                _ => None,
            };
            events.into_iter().filter_map(|found| reason(found.event)).collect()
        }
        Err(error) => vec![error.to_string()],
    };
    for reason in reasons {
        prop_assert!(!reason.is_empty() && reason.chars().count() < 900 && !reason.contains('\n'), "{reason}");
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_sample_with_anything_anywhere_has_an_answer(
        mut body in any_sample(),
        place in any::<prop::sample::Index>(),
        instead in any_value(),
    ) {
        let mut found = Vec::new();
        places(&body, "", &mut found);
        if let Some(part) = body.pointer_mut(&found[place.index(found.len())]) {
            *part = instead;
        }
        check(body.to_string().as_bytes())?;
    }

    #[test]
    fn a_sample_cut_off_or_with_a_wrong_byte_has_an_answer(
        body in any_sample(),
        place in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = body.to_string().into_bytes();
        let at = place.index(bytes.len());
        check(&bytes[..at])?;
        bytes[at] = byte;
        check(&bytes)?;
    }

    #[test]
    fn events_in_an_array_become_what_each_becomes_alone(
        samples in prop::collection::vec(any_sample().prop_filter("arrays are not nested", Value::is_object), 1..8),
    ) {
        let mut alone: Vec<events::Event> = Vec::new();
        for found in samples.iter().flat_map(|sample| parse(sample.to_string().as_bytes()).unwrap()) {
            if found.id.is_none() || alone.iter().all(|earlier| earlier.id != found.id) {
                alone.push(found);
            }
        }
        let texts: Vec<_> = samples.iter().map(Value::to_string).collect();
        for array in [json!(samples), json!(texts)] {
            prop_assert_eq!(&parse(array.to_string().as_bytes()).unwrap(), &alone);
        }
    }
}
