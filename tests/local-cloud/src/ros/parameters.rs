//! The values of a template's parameters: given or default, and checked against the template's constraints.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::{Map, Value};

use super::{resolve::text_of, template::TemplateError};
use crate::suggestion::did_you_mean;

/// Returns the value of each parameter that has one.
pub(super) fn values(
    declared: &Map<String, Value>,
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, TemplateError> {
    let error = |name: &str, problem: String| TemplateError { place: format!("Parameters.{name}"), problem };
    if let Some(unknown) = given.keys().find(|name| !declared.contains_key(*name)) {
        let known: Vec<&str> = declared.keys().map(String::as_str).collect();
        let hint = did_you_mean(unknown, known.iter().copied());
        let problem = format!("the template has no such parameter{hint}; it has {}", known.join(", "));
        return Err(error(unknown, problem));
    }
    let mut values = BTreeMap::new();
    for (name, parameter) in declared {
        let value = given.get(name).cloned().or_else(|| parameter.get("Default").map(text_of));
        if let Some(value) = value {
            check(parameter, &value).map_err(|problem| error(name, problem))?;
            values.insert(name.clone(), value);
        }
    }
    Ok(values)
}

/// Checks that a parameter may have this value. The error says what it may be instead.
fn check(parameter: &Value, value: &str) -> Result<(), String> {
    let number = value.parse::<f64>().ok();
    match parameter["Type"].as_str() {
        Some("Number") if number.is_none() => return Err(format!("{value:?} is not a number")),
        Some("Boolean") if !["true", "false"].contains(&value) => {
            return Err(format!("{value:?} is not true or false"));
        }
        _ => {}
    }
    if let Some(allowed) = parameter["AllowedValues"].as_array() {
        let allowed: Vec<String> = allowed.iter().map(text_of).collect();
        if !allowed.iter().any(|one| one == value) {
            return Err(format!("{value:?} is not one of {}", allowed.join(", ")));
        }
    }
    if let Some(pattern) = parameter["AllowedPattern"].as_str() {
        let whole = Regex::new(&format!("^(?:{pattern})$"));
        let whole = whole.map_err(|error| format!("its AllowedPattern {pattern} is invalid: {error}"))?;
        if !whole.is_match(value) {
            return Err(format!("{value:?} does not match {pattern}"));
        }
    }
    let length = value.chars().count() as f64;
    for (bound, of, is_kept, breaks) in [
        ("MinValue", number, f64::ge as fn(&f64, &f64) -> bool, "less"),
        ("MaxValue", number, f64::le, "more"),
        ("MinLength", Some(length), f64::ge, "shorter"),
        ("MaxLength", Some(length), f64::le, "longer"),
    ] {
        let limit = parameter.get(bound).map(text_of).and_then(|text| text.parse::<f64>().ok());
        if let Some((_, limit)) = of.zip(limit).filter(|(found, limit)| !is_kept(found, limit)) {
            return Err(format!("{value:?} is {breaks} than its {bound} of {limit}"));
        }
    }
    Ok(())
}
