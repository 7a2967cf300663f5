//! EventBridge's event patterns, which decide which events match a rule.

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde_json::{Map, Value};

/// The names allowed at the top of a pattern: the attributes of a `CloudEvent`, Alibaba Cloud's own, and the data.
const TOP: [&str; 15] = [
    "id",
    "source",
    "specversion",
    "type",
    "datacontenttype",
    "dataschema",
    "subject",
    "time",
    "data",
    "aliyunaccountid",
    "aliyunoriginalaccountid",
    "aliyuneventbusname",
    "aliyunregionid",
    "aliyunpublishtime",
    "aliyunpublishaddr",
];
/// The maximum number of operators for one field.
const MAX_OPERATORS: usize = 5;
/// The largest absolute value of a number in a pattern.
const MAX_NUMBER: f64 = 1e9;

/// A pattern: the condition for each of its keys.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(BTreeMap<String, Condition>);

#[derive(Debug, Clone, PartialEq)]
enum Condition {
    Inside(Pattern),
    OneOf(Vec<Alternative>),
}

/// One alternative for a value.
#[derive(Debug, Clone, PartialEq)]
enum Alternative {
    Exists(bool),
    Is(Test),
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Equal(Value),
    Prefix(String),
    Suffix(String),
    Contains(String),
    Not(Vec<Test>),
    /// Operators and their bounds, all of which must hold.
    Numeric(Vec<(Comparison, f64)>),
    /// Network and mask.
    Cidr(u32, u32),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Comparison {
    Equal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// The place of an error in a pattern, and what is wrong there.
type Mistake = (String, String);

impl Pattern {
    /// Parses a pattern as `EventBridge` does. The error is the place and what is wrong there.
    pub(crate) fn parse(pattern: &Value) -> Result<Self, Mistake> {
        let keys = pattern.as_object().ok_or_else(|| (String::new(), "is not an object".to_owned()))?;
        if let Some(odd) = keys.keys().find(|key| !TOP.contains(&key.as_str())) {
            return Err((format!(".{odd}"), format!("is not a field of an event; its fields are {}", TOP.join(", "))));
        }
        Self::read(keys, "")
    }

    fn read(keys: &Map<String, Value>, place: &str) -> Result<Self, Mistake> {
        if keys.is_empty() {
            return Err((place.to_owned(), "is empty".to_owned()));
        }
        let mut conditions = BTreeMap::new();
        for (key, value) in keys {
            let place = format!("{place}.{key}");
            let condition = match value {
                Value::Object(deeper) => Condition::Inside(Self::read(deeper, &place)?),
                Value::Array(alternatives) => Condition::OneOf(one_of(alternatives, &place)?),
                _ => return Err((place, "is not a list of alternatives".to_owned())),
            };
            conditions.insert(key.clone(), condition);
        }
        Ok(Self(conditions))
    }

    /// Returns whether an event matches: for each key of the pattern, one of the alternatives must hold.
    pub(crate) fn matches(&self, event: &Value) -> bool {
        self.0.iter().all(|(key, condition)| match (condition, event.get(key)) {
            (Condition::Inside(deeper), found) => found.is_some_and(|inner| deeper.matches(inner)),
            (Condition::OneOf(alternatives), found) => alternatives.iter().any(|one| one.allows(found)),
        })
    }
}

fn one_of(alternatives: &[Value], place: &str) -> Result<Vec<Alternative>, Mistake> {
    if alternatives.is_empty() {
        return Err((place.to_owned(), "has no alternative, so no event can match".to_owned()));
    }
    if alternatives.iter().filter(|one| one.is_object()).count() > MAX_OPERATORS {
        return Err((place.to_owned(), format!("has more than {MAX_OPERATORS} expressions")));
    }
    let read = |(n, one)| Alternative::read(one).map_err(|problem| (format!("{place}[{n}]"), problem));
    alternatives.iter().enumerate().map(read).collect()
}

impl Alternative {
    fn read(value: &Value) -> Result<Self, String> {
        match value.get("exists") {
            Some(Value::Bool(exists)) if value.as_object().is_some_and(|one| one.len() == 1) => {
                Ok(Self::Exists(*exists))
            }
            Some(_) => Err("exists takes true or false, and must be the only operator".to_owned()),
            None => Test::read(value).map(Self::Is),
        }
    }

    /// Returns whether the event's value is allowed. In a list, any member can match.
    fn allows(&self, found: Option<&Value>) -> bool {
        match (self, found) {
            (Self::Exists(expected), found) => *expected == found.is_some(),
            (Self::Is(test), Some(Value::Array(members))) => members.iter().any(|member| test.holds(member)),
            (Self::Is(test), Some(value)) => test.holds(value),
            (Self::Is(_), None) => false,
        }
    }
}

impl Test {
    fn read(value: &Value) -> Result<Self, String> {
        let operators = match value {
            Value::Object(operators) => operators,
            Value::Array(_) => return Err("a list inside a list is not an alternative".to_owned()),
            plain => return Ok(Self::Equal(plain.clone())),
        };
        let mut operators = operators.iter();
        let (Some((operator, operand)), None) = (operators.next(), operators.next()) else {
            return Err("is not a single operator".to_owned());
        };
        let text = || operand.as_str().map(str::to_owned).ok_or_else(|| format!("{operator} takes a string"));
        match operator.as_str() {
            "prefix" => Ok(Self::Prefix(text()?)),
            "suffix" => Ok(Self::Suffix(text()?)),
            "contains" => Ok(Self::Contains(text()?)),
            "anything-but" => Self::anything_but(operand),
            "numeric" => Self::numeric(operand),
            "cidr" => Self::cidr(&text()?),
            _ => Err(format!(
                "{operator} is not an operator; the operators are prefix, suffix, contains, anything-but, numeric, cidr, exists"
            )),
        }
    }

    fn anything_but(operand: &Value) -> Result<Self, String> {
        let one = |value: &Value| match value {
            Value::String(_) | Value::Number(_) => Ok(Self::Equal(value.clone())),
            _ => Err("anything-but takes a string, a number, a list of these, a prefix or a suffix".to_owned()),
        };
        match operand {
            Value::Array(values) if !values.is_empty() => values.iter().map(one).collect::<Result<_, _>>(),
            Value::Object(inner) if inner.contains_key("prefix") || inner.contains_key("suffix") => {
                Self::read(operand).map(|test| vec![test])
            }
            value => one(value).map(|test| vec![test]),
        }
        .map(Self::Not)
    }

    /// Parses pairs of operator and bound: `[">", 0, "<=", 5]`.
    fn numeric(operand: &Value) -> Result<Self, String> {
        let problem = || "numeric takes pairs such as \">\", 0, with numbers up to 1e9".to_owned();
        let pair = |pair: &[Value]| {
            let [operator, bound] = pair else { return None };
            let comparison = match operator.as_str()? {
                "=" => Comparison::Equal,
                "<" => Comparison::Less,
                "<=" => Comparison::AtMost,
                ">" => Comparison::More,
                ">=" => Comparison::AtLeast,
                _ => return None,
            };
            Some((comparison, bound.as_f64().filter(|bound| bound.abs() <= MAX_NUMBER)?))
        };
        let bounds = operand.as_array().filter(|bounds| !bounds.is_empty()).ok_or_else(problem)?;
        bounds.chunks(2).map(pair).collect::<Option<_>>().map(Self::Numeric).ok_or_else(problem)
    }

    fn cidr(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(network, bits)| {
            let bits = bits.parse::<u32>().ok().filter(|bits| *bits <= 32)?;
            Some((network.parse::<Ipv4Addr>().ok()?.to_bits(), u32::MAX.checked_shl(32 - bits).unwrap_or(0)))
        });
        let (network, mask) = parts.ok_or_else(|| format!("{text:?} is not a block of IPv4 addresses"))?;
        Ok(Self::Cidr(network & mask, mask))
    }

    fn holds(&self, found: &Value) -> bool {
        let text = found.as_str();
        match self {
            // 5 and 5.0 are equal.
            Self::Equal(Value::Number(expected)) => found.as_f64() == expected.as_f64(),
            Self::Equal(expected) => found == expected,
            Self::Prefix(prefix) => text.is_some_and(|text| text.starts_with(prefix.as_str())),
            Self::Suffix(suffix) => text.is_some_and(|text| text.ends_with(suffix.as_str())),
            Self::Contains(part) => text.is_some_and(|text| text.contains(part.as_str())),
            Self::Not(refused) => !refused.iter().any(|refused| refused.holds(found)),
            Self::Numeric(bounds) => found.as_f64().is_some_and(|number| {
                bounds.iter().all(|(comparison, bound)| match comparison {
                    Comparison::Equal => number == *bound,
                    Comparison::Less => number < *bound,
                    Comparison::AtMost => number <= *bound,
                    Comparison::More => number > *bound,
                    Comparison::AtLeast => number >= *bound,
                })
            }),
            Self::Cidr(network, mask) => {
                text.and_then(|text| text.parse::<Ipv4Addr>().ok()).is_some_and(|one| one.to_bits() & mask == *network)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Returns an event with the fields that the documentation's examples use.
    fn event() -> Value {
        json!({
            "id": "7adc8c1a-645d-4476-bdef-5d6fb57f", "source": "acs.oss", "specversion": "1.0",
            "type": "oss:ObjectCreated:PostObject", "subject": "acs:oss:cn-hangzhou:1234567:xls-papk/game_apk/123.jpg",
            "data": {
                "name": "test", "scope": 100, "state": "initializing", "x-limit": 123, "c-count": 5, "d-count": 0.5,
                "source-ip": "10.0.0.7", "empty": "", "none": null, "tags": ["a", "b"], "deep": {"er": true},
            },
        })
    }

    fn matches(pattern: &Value) -> bool {
        Pattern::parse(pattern).unwrap_or_else(|mistake| panic!("{pattern}: {mistake:?}")).matches(&event())
    }

    #[test]
    fn every_operator_lets_through_what_the_documents_say() {
        for (alternatives, field, expected) in [
            (json!(["test"]), "name", true),
            (json!(["other", "test"]), "name", true),
            (json!(["Test"]), "name", false),
            (json!([100]), "scope", true),
            (json!([100.0]), "scope", true),
            (json!(["100"]), "scope", false),
            (json!([{"prefix": "init"}]), "state", true),
            (json!([{"prefix": "INIT"}]), "state", false),
            (json!([{"suffix": "izing"}]), "state", true),
            (json!([{"suffix": "init"}]), "state", false),
            (json!([{"contains": "tial"}]), "state", true),
            (json!([{"contains": "Normal"}]), "state", false),
            (json!([{"anything-but": "initializing"}]), "state", false),
            (json!([{"anything-but": "stopped"}]), "state", true),
            (json!([{"anything-but": 123}]), "x-limit", false),
            (json!([{"anything-but": 124}]), "x-limit", true),
            (json!([{"anything-but": ["stopped", "overloaded"]}]), "state", true),
            (json!([{"anything-but": ["stopped", "initializing"]}]), "state", false),
            (json!([{"anything-but": [100, 123, 200]}]), "x-limit", false),
            (json!([{"anything-but": {"prefix": "init"}}]), "state", false),
            (json!([{"anything-but": {"prefix": "stop"}}]), "state", true),
            (json!([{"anything-but": {"suffix": "izing"}}]), "state", false),
            (json!([{"anything-but": "x"}]), "missing", false),
            (json!([{"numeric": [">", 0, "<=", 5]}]), "c-count", true),
            (json!([{"numeric": [">", 5]}]), "c-count", false),
            (json!([{"numeric": ["<", 10]}]), "d-count", true),
            (json!([{"numeric": [">", 0, "<", 0.5]}]), "d-count", false),
            (json!([{"numeric": ["=", 100]}]), "scope", true),
            (json!([{"numeric": [">=", 100]}]), "scope", true),
            (json!([{"numeric": ["=", 0]}]), "name", false),
            (json!([{"cidr": "10.0.0.0/24"}]), "source-ip", true),
            (json!([{"cidr": "10.0.1.0/24"}]), "source-ip", false),
            (json!([{"cidr": "0.0.0.0/0"}]), "source-ip", true),
            (json!([{"cidr": "10.0.0.0/24"}]), "name", false),
            (json!([{"exists": true}]), "state", true),
            (json!([{"exists": false}]), "state", false),
            (json!([{"exists": false}]), "missing", true),
            (json!([{"exists": true}]), "none", true),
            (json!([""]), "empty", true),
            (json!([""]), "name", false),
            (json!([null]), "none", true),
            (json!([null]), "empty", false),
            (json!([null]), "missing", false),
            (json!(["b"]), "tags", true),
            (json!([{"prefix": "c"}]), "tags", false),
            (json!([{"numeric": [">", 200]}, "x", 100]), "scope", true),
            (json!({"er": [true]}), "deep", true),
            (json!({"er": [false]}), "deep", false),
            (json!({"er": [true]}), "missing", false),
            (json!(["x"]), "deep", false),
        ] {
            assert_eq!(matches(&json!({"data": {field: alternatives}})), expected, "{field}: {alternatives}");
        }
    }

    #[test]
    fn all_keys_have_to_match_at_their_own_depth() {
        assert!(matches(&json!({"source": ["acs.oss"], "type": [{"prefix": "oss:"}], "data": {"name": ["test"]}})));
        assert!(!matches(&json!({"source": ["acs.oss"], "type": [{"prefix": "ecs:"}]})));
        assert!(!matches(&json!({"data": ["test"]})));
        assert!(!matches(&json!({"subject": {"name": ["test"]}})));
    }

    #[test]
    fn what_eventbridge_would_not_take_is_refused_with_its_place() {
        let six: Vec<Value> = (0..6).map(|n| json!({"prefix": n.to_string()})).collect();
        for (pattern, expected) in [
            (json!(["type"]), ": is not an object"),
            (json!({}), ": is empty"),
            (json!({"data": {}}), ".data: is empty"),
            (
                json!({"eventName": ["CreateVpc"]}),
                ".eventName: is not a field of an event; its fields are id, source, ",
            ),
            (json!({"type": "x"}), ".type: is not a list of alternatives"),
            (json!({"type": []}), ".type: has no alternative, so no event can match"),
            (json!({"type": [["x"]]}), ".type[0]: a list inside a list is not an alternative"),
            (
                json!({"type": ["x", {"begins": "x"}]}),
                ".type[1]: begins is not an operator; the operators are prefix, suffix, ",
            ),
            (json!({"type": [{"prefix": "x", "suffix": "y"}]}), ".type[0]: is not a single operator"),
            (json!({"type": [{"prefix": 5}]}), ".type[0]: prefix takes a string"),
            (json!({"type": [{"exists": "no"}]}), ".type[0]: exists takes true or false"),
            (json!({"type": [{"anything-but": []}]}), ".type[0]: anything-but takes a string, a number, "),
            (json!({"type": [{"anything-but": {"cidr": "10.0.0.0/8"}}]}), ".type[0]: anything-but takes a string, "),
            (json!({"type": six}), ".type: has more than 5 expressions"),
            (json!({"data": {"n": [{"numeric": [">", 1e10]}]}}), ".data.n[0]: numeric takes pairs such as"),
            (json!({"data": {"n": [{"numeric": [">"]}]}}), ".data.n[0]: numeric takes pairs such as"),
            (json!({"data": {"n": [{"numeric": ["!", 1]}]}}), ".data.n[0]: numeric takes pairs such as"),
            (
                json!({"data": {"ip": [{"cidr": "10.0.0.0"}]}}),
                ".data.ip[0]: \"10.0.0.0\" is not a block of IPv4 addresses",
            ),
        ] {
            let (place, problem) = Pattern::parse(&pattern).unwrap_err();
            let said = format!("{place}: {problem}");
            assert!(said.starts_with(expected), "{pattern}: {said}");
        }
        let plain: Vec<String> = (0..9).map(|n| n.to_string()).collect();
        assert!(Pattern::parse(&json!({"type": plain})).is_ok(), "plain values are no expressions");
    }
}
