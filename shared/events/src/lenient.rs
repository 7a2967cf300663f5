//! Lenient field readers: numbers are accepted as strings, strings as numbers, and empty means absent.

use std::borrow::Cow;

use flow_log::{AccountId, RegionId};
use jiff::Timestamp;
use json::Json;

/// The text under `key`. A number or a boolean counts as the text that it is written as; an empty string counts as
/// absent.
pub(crate) fn text<'v>(object: &'v Json<'_>, key: &str) -> Option<Cow<'v, str>> {
    object.text(key)
}

/// The text under the first of `keys` that has one: the spelling of a field depends on how the event is delivered.
pub(crate) fn first_text<'v>(object: &'v Json<'_>, keys: &[&str]) -> Option<Cow<'v, str>> {
    keys.iter().find_map(|key| text(object, key))
}

/// The object under `key`, even if it comes as a string that holds JSON.
pub(crate) fn object<'v>(parent: &'v Json<'_>, key: &str) -> Cow<'v, Json<'v>> {
    match parent.get(key) {
        Some(value @ Json::Object(_)) => Cow::Borrowed(value),
        Some(Json::Text(text)) => Cow::Owned(Json::read(text.as_bytes()).unwrap_or(Json::Null)),
        _ => Cow::Owned(Json::Null),
    }
}

/// The time under `key`, if it can be read. EventBridge has been seen to write the name of China's time zone in place
/// of the offset: `2020-11-19T21:04:42.179PRC`.
pub(crate) fn time(object: &Json<'_>, key: &str) -> Option<Timestamp> {
    let text = text(object, key)?;
    match text.strip_suffix("PRC").or_else(|| text.strip_suffix("Asia/Shanghai")) {
        Some(local) => format!("{local}+08:00").parse().ok(),
        None => text.parse().ok(),
    }
}

/// Makes foreign text fit for a reason, and so for a log: short, and on one line.
pub(crate) fn short(text: &str) -> String {
    text.chars().take(120).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The time under `key`, written in milliseconds since 1970.
pub(crate) fn milliseconds(object: &Json<'_>, key: &str) -> Option<Timestamp> {
    Timestamp::from_millisecond(text(object, key)?.parse().ok()?).ok()
}

/// The account under the first of `keys` that holds one.
pub(crate) fn account(object: &Json<'_>, keys: &[&str]) -> Option<AccountId> {
    keys.iter().find_map(|key| text(object, key)?.parse().ok())
}

/// The region under the first of `keys` that holds one. `global`, which services without regions use, does not count.
pub(crate) fn region(object: &Json<'_>, keys: &[&str]) -> Option<RegionId> {
    let regions = keys.iter().filter_map(|key| text(object, key)).filter(|text| !text.eq_ignore_ascii_case("global"));
    regions.into_iter().find_map(|text| text.parse().ok())
}
