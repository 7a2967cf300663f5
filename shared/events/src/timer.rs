//! It is time: a timer of Function Compute, or a schedule of EventBridge.

use serde_json::Value;

use crate::{
    Event, Woken,
    lenient::{text, time},
};

/// A timer of Function Compute. Its payload is a text, whatever is in it.
pub(crate) fn function_compute(value: &Value) -> Woken {
    let name = text(value, "triggerName").unwrap_or_default();
    Woken { time: time(value, "triggerTime"), ..Woken::of(Event::Timer { name, payload: text(value, "payload") }) }
}

/// A schedule of EventBridge: an event source of its own name.
pub(crate) fn scheduled(data: &Value, source: &str) -> Woken {
    let payload = match data.get("UserData") {
        Some(object @ Value::Object(_)) => Some(object.to_string()),
        _ => text(data, "UserData"),
    };
    Woken::of(Event::Timer { name: source.to_owned(), payload })
}
