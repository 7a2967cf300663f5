//! Timers of Function Compute, and schedules of EventBridge.

use std::borrow::Cow;

use json::Json;

use crate::{
    Event, EventKind,
    lenient::{text, time},
};

/// Reads a Function Compute timer. Its payload is a string, whatever it holds.
pub(crate) fn function_compute(value: &Json<'_>) -> Event {
    let name = text(value, "triggerName").unwrap_or_default().into_owned();
    let payload = text(value, "payload").map(Cow::into_owned);
    Event { time: time(value, "triggerTime"), ..Event::of(EventKind::Timer { name, payload }) }
}

/// Reads an EventBridge schedule. The event source gives the timer its name.
pub(crate) fn scheduled(data: &Json<'_>, source: &str) -> Event {
    let payload = match data.get("UserData") {
        Some(object @ Json::Object(_)) => serde_json::to_string(object).ok(),
        _ => text(data, "UserData").map(Cow::into_owned),
    };
    Event::of(EventKind::Timer { name: source.to_owned(), payload })
}
