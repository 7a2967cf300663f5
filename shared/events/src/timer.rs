//! It is time: a timer of Function Compute, or a schedule of EventBridge.

use std::borrow::Cow;

use json::Json;

use crate::{
    Event, Woken,
    lenient::{text, time},
};

/// A timer of Function Compute. Its payload is a text, whatever is in it.
pub(crate) fn function_compute(value: &Json<'_>) -> Woken {
    let name = text(value, "triggerName").unwrap_or_default().into_owned();
    let payload = text(value, "payload").map(Cow::into_owned);
    Woken { time: time(value, "triggerTime"), ..Woken::of(Event::Timer { name, payload }) }
}

/// A schedule of EventBridge: an event source of its own name.
pub(crate) fn scheduled(data: &Json<'_>, source: &str) -> Woken {
    let payload = match data.get("UserData") {
        Some(object @ Json::Object(_)) => serde_json::to_string(object).ok(),
        _ => text(data, "UserData").map(Cow::into_owned),
    };
    Woken::of(Event::Timer { name: source.to_owned(), payload })
}
