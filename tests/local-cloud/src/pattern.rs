//! EventBridge's event patterns: which events a rule lets through.

use std::net::Ipv4Addr;

use serde_json::{Map, Value};

/// Whether an event has what a pattern asks for: all of its keys, and for each key one of its alternatives.
pub(crate) fn matches(pattern: &Value, event: &Value) -> bool {
    pattern.as_object().is_some_and(|keys| all_match(keys, event))
}

fn all_match(keys: &Map<String, Value>, event: &Value) -> bool {
    keys.iter().all(|(key, wanted)| match wanted {
        Value::Object(deeper) => event.get(key).is_some_and(|inner| all_match(deeper, inner)),
        Value::Array(alternatives) => alternatives.iter().any(|wanted| allows(wanted, event.get(key))),
        _ => false,
    })
}

/// Whether one alternative allows the value that the event has, if any; of a list, any member.
fn allows(wanted: &Value, found: Option<&Value>) -> bool {
    if let Some(exists) = wanted.get("exists").and_then(Value::as_bool) {
        return exists == found.is_some();
    }
    match found {
        Some(Value::Array(members)) => members.iter().any(|member| allows_one(wanted, member)),
        Some(value) => allows_one(wanted, value),
        None => false,
    }
}

fn allows_one(wanted: &Value, found: &Value) -> bool {
    let Some((operator, operand)) = wanted.as_object().and_then(|operators| operators.iter().next()) else {
        return wanted == found;
    };
    let text = |check: fn(&str, &str) -> bool| {
        found.as_str().zip(operand.as_str()).is_some_and(|(found, operand)| check(found, operand))
    };
    match operator.as_str() {
        "prefix" => text(|found, prefix| found.starts_with(prefix)),
        "suffix" => text(|found, suffix| found.ends_with(suffix)),
        "contains" => text(|found, part| found.contains(part)),
        "cidr" => text(in_block),
        "numeric" => found.as_f64().zip(operand.as_array()).is_some_and(|(found, bounds)| within(found, bounds)),
        "anything-but" => match operand {
            Value::Array(refused) => !refused.iter().any(|refused| allows_one(refused, found)),
            refused => !allows_one(refused, found),
        },
        _ => false,
    }
}

fn in_block(address: &str, block: &str) -> bool {
    let Some((network, bits)) = block.split_once('/') else { return false };
    let numbers = (address.parse::<Ipv4Addr>(), network.parse::<Ipv4Addr>(), bits.parse::<u32>());
    let (Ok(address), Ok(network), Ok(bits @ 0..=32)) = numbers else { return false };
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    address.to_bits() & mask == network.to_bits() & mask
}

/// Bounds come in pairs: `[">", 0, "<=", 5]`.
fn within(number: f64, bounds: &[Value]) -> bool {
    bounds.chunks(2).all(|pair| {
        let [operator, bound] = pair else { return false };
        let Some(bound) = bound.as_f64() else { return false };
        match operator.as_str() {
            Some("=") => number == bound,
            Some("<") => number < bound,
            Some("<=") => number <= bound,
            Some(">") => number > bound,
            Some(">=") => number >= bound,
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_operator_lets_through_what_it_should() {
        let event = json!({
            "type": "vpc:ActionTrail:ApiCall", "subject": "", "n": 5, "ip": "192.0.2.7", "none": null,
            "tags": ["a", "b"], "data": {"eventName": "CreateVpc", "errorCode": ""},
        });
        for (pattern, expected) in [
            (json!({"type": ["other", "vpc:ActionTrail:ApiCall"]}), true),
            (json!({"type": ["VPC:ActionTrail:ApiCall"]}), false),
            (json!({"type": [{"prefix": "vpc:"}]}), true),
            (json!({"type": [{"suffix": ":ApiCall"}]}), true),
            (json!({"type": [{"suffix": ":ConsoleOperation"}]}), false),
            (json!({"type": [{"contains": ":ActionTrail:"}]}), true),
            (json!({"type": [{"anything-but": "x"}]}), true),
            (json!({"type": [{"anything-but": ["x", "vpc:ActionTrail:ApiCall"]}]}), false),
            (json!({"type": [{"anything-but": {"prefix": "vpc:"}}]}), false),
            (json!({"missing": [{"anything-but": "x"}]}), false),
            (json!({"subject": [""]}), true),
            (json!({"none": [null]}), true),
            (json!({"missing": [null]}), false),
            (json!({"missing": [{"exists": false}]}), true),
            (json!({"data": {"errorCode": [{"exists": false}]}}), false),
            (json!({"data": {"eventName": [{"exists": true}]}}), true),
            (json!({"n": [{"numeric": [">", 0, "<=", 5]}]}), true),
            (json!({"n": [{"numeric": ["<", 5]}]}), false),
            (json!({"ip": [{"cidr": "192.0.2.0/24"}]}), true),
            (json!({"ip": [{"cidr": "198.51.100.0/24"}]}), false),
            (json!({"ip": [{"cidr": "0.0.0.0/0"}]}), true),
            (json!({"tags": ["b"]}), true),
            (json!({"type": [{"prefix": "vpc:"}], "data": {"eventName": ["DeleteVpc"]}}), false),
            (json!({"data": {"eventName": ["CreateVpc"], "errorCode": [""]}}), true),
            (json!({"data": ["CreateVpc"]}), false),
            (json!({"type": "vpc:ActionTrail:ApiCall"}), false),
        ] {
            assert_eq!(matches(&pattern, &event), expected, "{pattern}");
        }
    }
}
