//! Samples with one change.

use events::{EventKind, parse};
use serde_json::Value;

use crate::samples::folder;

/// The JSON of a sample.
pub(crate) fn json_of(name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(folder().join(format!("{name}.json"))).unwrap()).unwrap()
}

/// A sample with the value at this JSON pointer replaced; its parent must exist.
pub(crate) fn with(name: &str, pointer: &str, value: impl Into<Value>) -> Value {
    let mut event = json_of(name);
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match event.pointer_mut(parent).unwrap() {
        Value::Array(list) => list[key.parse::<usize>().unwrap()] = value.into(),
        parent => parent[key] = value.into(),
    }
    event
}

/// A sample without the value at this JSON pointer, which must exist.
pub(crate) fn without(name: &str, pointer: &str) -> Value {
    let mut event = json_of(name);
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    event.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key).unwrap();
    event
}

/// Parses a body.
pub(crate) fn sent(body: &Value) -> Vec<EventKind> {
    parse(body.to_string().as_bytes()).unwrap().into_iter().map(|found| found.event).collect()
}
