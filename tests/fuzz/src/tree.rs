//! Compares the parser of `json` with that of `serde_json`.

use json::Json;
use serde_json::Value;

/// Checks that both parsers accept the same input and return the same value. `json` also accepts odd characters in
/// strings.
pub(crate) fn is_that_of_serde_json(body: &[u8]) {
    let ours = Json::read(body);
    let theirs = serde_json::from_slice::<Value>(body);
    match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) => {
            same(ours, theirs);
            // What is written is valid JSON again.
            let written = serde_json::to_string(ours).unwrap();
            assert!(serde_json::from_str::<Value>(&written).is_ok(), "{written}");
        }
        (Err(ours), Err(theirs)) => assert_eq!(ours.to_string(), theirs.to_string()),
        (Ok(_), Err(_)) if has_odd_text(body) => {}
        _ => panic!("ours is {:?}, theirs {:?}", ours.map(drop), theirs.map(drop)),
    }
}

/// Whether a string may contain a character that JSON forbids but `json` accepts.
fn has_odd_text(body: &[u8]) -> bool {
    let is_surrogate = |at: &[u8]| at[..2] == *b"\\u" && matches!(at[2], b'd' | b'D');
    std::str::from_utf8(body).is_err() || body.iter().any(|byte| *byte < 0x20) || body.windows(3).any(is_surrogate)
}

fn same(ours: &Json<'_>, theirs: &Value) {
    match (ours, theirs) {
        (Json::Null, Value::Null) => {}
        (Json::Bool(ours), Value::Bool(theirs)) => assert_eq!(ours, theirs),
        (Json::Number(ours), Value::Number(theirs)) => assert_eq!(ours, theirs),
        (Json::Text(ours), Value::String(theirs)) => assert_eq!(ours, theirs),
        (Json::Array(ours), Value::Array(theirs)) => {
            assert_eq!(ours.len(), theirs.len());
            ours.iter().zip(theirs).for_each(|(ours, theirs)| same(ours, theirs));
        }
        (Json::Object(fields), Value::Object(theirs)) => {
            for (key, value) in theirs {
                same(ours.get(key).unwrap(), value);
            }
            assert!(fields.iter().all(|(key, _)| theirs.contains_key(&**key)));
        }
        _ => panic!("{ours:?} is not {theirs}"),
    }
}
