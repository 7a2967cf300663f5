//! Any JSON as a tree whose texts stay where they are in the body.
//!
//! Of an event and of an answer only a few fields are looked at. With [`serde_json::Value`], which owns its texts and sorts
//! its keys, a job took an eighth more instructions.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;

/// Any JSON. A text is copied only where it has escapes.
#[derive(Debug, Clone)]
pub enum Json<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(Cow<'a, str>),
    /// An array.
    Array(Vec<Self>),
    /// An object, its keys in the order of the body.
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> Json<'a> {
    /// Reads a body. Whether it is UTF-8 is looked at once for all of it, and not again for each text.
    ///
    /// # Errors
    /// It is no JSON, or no UTF-8.
    pub fn read(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        match str::from_utf8(body) {
            Ok(text) => serde_json::from_str(text),
            // It says where.
            Err(_) => serde_json::from_slice(body),
        }
    }
}

impl Json<'_> {
    /// The value under `key`, the last if there are several; `None` where this is no object.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(fields) = self else { return None };
        fields.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The text under `key`, none where it is missing, null or empty. A number or a boolean counts as the text that it
    /// is written as.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<Cow<'_, str>> {
        match self.get(key)? {
            Self::Text(text) => Some(Cow::Borrowed(&**text)).filter(|text| !text.is_empty()),
            Self::Number(number) => Some(Cow::Owned(number.to_string())),
            Self::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            _ => None,
        }
    }

    /// The values of an array, none where this is no array.
    #[must_use]
    pub fn values(&self) -> &[Self] {
        if let Self::Array(values) = self { values } else { &[] }
    }

    /// The texts in an array that are not empty, none where this is no array.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        let texts = self.values().iter().filter_map(|value| match value {
            Self::Text(text) => Some(&**text),
            _ => None,
        });
        texts.filter(|text| !text.is_empty())
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Tree)
    }
}

struct Tree;

impl<'de> Visitor<'de> for Tree {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json<'de>, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Json<'de>, A::Error> {
        let mut array = Vec::new();
        while let Some(value) = values.next_element()? {
            if array.is_empty() {
                // Of arrays of one a body can hold the most, each in the next: with room for more, as a tree it would be
                // seventy times as large.
                array.reserve_exact(1);
            }
            array.push(value);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json<'de>, A::Error> {
        let mut fields = Vec::new();
        // A key is a text. Read as any JSON, it is not copied either.
        while let Some((Json::Text(key), value)) = entries.next_entry()? {
            fields.push((key, value));
        }
        Ok(Json::Object(fields))
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Array(values) => serializer.collect_seq(values),
            Self::Object(fields) => serializer.collect_map(fields.iter().map(|(key, value)| (key, value))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_without_escapes_stays_where_it_is() {
        let Json::Object(fields) = serde_json::from_str(r#"{"a":"plain","b\n":"\u4e91"}"#).unwrap() else { panic!() };
        let [(a, Json::Text(plain)), (b, Json::Text(escaped))] = fields.as_slice() else { panic!() };
        assert!(matches!((a, plain), (Cow::Borrowed("a"), Cow::Borrowed("plain"))));
        assert_eq!((&**b, &**escaped), ("b\n", "云"));
    }

    #[test]
    fn of_a_key_that_comes_twice_the_last_counts() {
        let json: Json<'_> = serde_json::from_str(r#"{"a":1,"a":2}"#).unwrap();
        assert!(matches!(json.get("a"), Some(Json::Number(number)) if number.as_u64() == Some(2)));
    }

    #[test]
    fn what_a_body_can_hold_the_most_of_has_no_room_to_spare() {
        for (text, room) in [("{}", 0), ("[]", 0), ("[[]]", 1)] {
            let found = match Json::read(text.as_bytes()).unwrap() {
                Json::Object(fields) => fields.capacity(),
                Json::Array(values) => values.capacity(),
                other => panic!("{other:?}"),
            };
            assert_eq!(found, room, "{text}");
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<u64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            ".*".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::btree_map(".*", inner, 0..6).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_read_is_what_a_tree_of_owned_texts_would_hold(value in any_json()) {
            let text = value.to_string();
            let owned: serde_json::Value = serde_json::from_str(&text).unwrap();
            let json: Json<'_> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(serde_json::to_string(&json).unwrap(), owned.to_string());
        }
    }
}
