//! The JSON bodies of Log Service, and their parameters.

use serde_json::{Map, Value};

use super::refusals::documented;
use crate::api::refusal::Refusal;

/// What a Logstore keeps at most, in days. It stands for ever.
const MAX_RETENTION_DAYS: u64 = 3650;
const MAX_SHARDS: u64 = 100;
const MAX_SPLIT_SHARDS: u64 = 256;
/// The types of an indexed field.
const FIELD_TYPES: [&str; 4] = ["text", "long", "double", "json"];

/// The members of a body.
pub(super) struct Body(Map<String, Value>);

impl Body {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            _ => Err(documented("PostBodyInvalid")),
        }
    }

    pub(super) fn value(self) -> Value {
        Value::Object(self.0)
    }

    /// Returns its members as texts.
    pub(super) fn parameters(self) -> impl Iterator<Item = (String, String)> {
        self.0.into_iter().map(|(name, value)| match value {
            Value::String(text) => (name, text),
            other => (name, other.to_string()),
        })
    }

    /// Returns a text that has to be there.
    pub(super) fn text(&self, name: &str) -> Result<&str, Refusal> {
        self.0.get(name).and_then(Value::as_str).ok_or_else(|| invalid(name))
    }

    pub(super) fn optional_text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        self.0.get(name).map(|value| value.as_str().ok_or_else(|| invalid(name))).transpose()
    }

    fn number(&self, name: &str, max: u64) -> Result<Option<u64>, Refusal> {
        let number = |value: &Value| value.as_u64().filter(|number| (1..=max).contains(number));
        self.0.get(name).map(|value| number(value).ok_or_else(|| invalid(name))).transpose()
    }

    fn switch(&self, name: &str) -> Result<Option<bool>, Refusal> {
        self.0.get(name).map(|value| value.as_bool().ok_or_else(|| invalid(name))).transpose()
    }

    /// Returns the attributes of a Logstore.
    pub(super) fn attributes(&self) -> Result<Attributes, Refusal> {
        let mode = self.optional_text("mode")?;
        if mode.is_some_and(|mode| !["standard", "query"].contains(&mode)) {
            return Err(invalid("mode"));
        }
        Ok(Attributes {
            retention_days: self.number("ttl", MAX_RETENTION_DAYS)?,
            shards: self.number("shardCount", MAX_SHARDS)?,
            splits: self.switch("autoSplit")?,
            max_split_shards: self.number("maxSplitShard", MAX_SPLIT_SHARDS)?,
            appends_meta: self.switch("appendMeta")?,
            tracks: self.switch("enable_tracking")?,
            mode: mode.map(str::to_owned),
        })
    }

    /// Checks the body of an index.
    pub(super) fn check_index(&self) -> Result<(), Refusal> {
        let wrong = || documented("IndexInfoInvalid");
        let has_tokens = |of: &Value| of["token"].as_array().is_some_and(|tokens| !tokens.is_empty());
        let (line, keys) = (self.0.get("line"), self.0.get("keys"));
        let fields = keys.and_then(Value::as_object);
        let is_right = |field: &Value| match field["type"].as_str() {
            Some("text") => has_tokens(field),
            Some(kind) => FIELD_TYPES.contains(&kind),
            None => false,
        };
        let lacks_both = line.is_none() && fields.is_none_or(Map::is_empty);
        let is_wrong = (keys.is_some() && fields.is_none())
            || line.is_some_and(|line| !has_tokens(line))
            || fields.is_some_and(|fields| !fields.values().all(is_right));
        if lacks_both || is_wrong { Err(wrong()) } else { Ok(()) }
    }
}

/// The attributes of a Logstore, as far as a call gives them.
pub(super) struct Attributes {
    pub(super) retention_days: Option<u64>,
    pub(super) shards: Option<u64>,
    pub(super) splits: Option<bool>,
    pub(super) max_split_shards: Option<u64>,
    pub(super) appends_meta: Option<bool>,
    pub(super) tracks: Option<bool>,
    pub(super) mode: Option<String>,
}

/// Checks the name of a project or Logstore.
pub(super) fn check_name(name: &str, parameter: &str, others: &str) -> Result<(), Refusal> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_right = (3..=63).contains(&name.len())
        && name.starts_with(is_plain)
        && name.ends_with(is_plain)
        && name.chars().all(|c| is_plain(c) || others.contains(c));
    if is_right { Ok(()) } else { Err(invalid(parameter)) }
}

pub(super) fn invalid(parameter: &str) -> Refusal {
    documented("ParameterInvalid").saying(format!("The parameter {parameter} is invalid."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_has_fields_or_covers_the_line() {
        for (body, expected) in [
            (r#"{"line": {"token": [","]}}"#, true),
            (r#"{"keys": {"bytes": {"type": "long", "doc_value": true}}}"#, true),
            (r#"{"keys": {"a": {"type": "text", "token": [","]}}, "line": {"token": [" "]}}"#, true),
            (r#"{"keys": {"a": {"type": "text"}}}"#, false),
            (r#"{"keys": {"a": {"type": "number"}}}"#, false),
            (r#"{"keys": ["a"]}"#, false),
            (r#"{"keys": {}}"#, false),
            (r#"{"line": {}}"#, false),
            ("{}", false),
        ] {
            assert_eq!(Body::parse(body.as_bytes()).unwrap().check_index().is_ok(), expected, "{body}");
        }
    }

    #[test]
    fn a_body_is_an_object_with_values_in_their_bounds() {
        for body in ["", "[]", "x", "null"] {
            assert_eq!(Body::parse(body.as_bytes()).err().map(|refusal| refusal.code), Some("PostBodyInvalid"));
        }
        for (body, expected) in [
            (r#"{"ttl": 1, "shardCount": 100, "autoSplit": true, "maxSplitShard": 256, "mode": "query"}"#, true),
            (r#"{"ttl": 3650}"#, true),
            (r#"{"ttl": 0}"#, false),
            (r#"{"ttl": 3651}"#, false),
            (r#"{"ttl": "30"}"#, false),
            (r#"{"shardCount": 101}"#, false),
            (r#"{"autoSplit": "true"}"#, false),
            (r#"{"mode": "lite"}"#, false),
        ] {
            assert_eq!(Body::parse(body.as_bytes()).unwrap().attributes().is_ok(), expected, "{body}");
        }
        for (name, expected) in
            [("flowlog-1", true), ("a_b", false), ("ab", false), ("-ab", false), ("ab-", false), ("Abc", false)]
        {
            assert_eq!(check_name(name, "projectName", "-").is_ok(), expected, "{name}");
        }
    }
}
